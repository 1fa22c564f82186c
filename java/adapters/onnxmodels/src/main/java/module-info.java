/** The shipped models as ONNX files. */
module org.coolsd.onnxmodels {
    requires transitive org.coolsd.checkpoint;
    requires org.coolsd.testing;
    requires static org.jspecify;

    exports org.coolsd.onnxmodels;
}
