/** LibTorch for any model family: where and how precisely it computes, its caches, pass buffers and decoder layers. */
module org.coolsd.libtorch {
    requires transitive org.coolsd.decode;
    requires transitive org.coolsd.checkpoint;
    requires transitive org.bytedeco.pytorch;
    requires org.bytedeco.openblas;
    requires static org.jspecify;
    requires static org.bytedeco.cuda;

    exports org.coolsd.libtorch;
}
