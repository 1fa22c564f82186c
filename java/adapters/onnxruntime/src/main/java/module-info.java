/** Decoders that ONNX Runtime runs. */
module org.coolsd.onnxruntime {
    requires transitive com.microsoft.onnxruntime;
    requires transitive org.coolsd.passes;
    requires static transitive org.jspecify;

    exports org.coolsd.onnxruntime;
}
