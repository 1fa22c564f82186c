/** The shipped models as ONNX files, and what the examples and tests of the adapters that run them share. */
module org.coolsd.onnxmodels {
    requires transitive org.coolsd.checkpoint;
    requires transitive org.coolsd.decode;
    requires java.management;
    requires jdk.management;
    requires org.coolsd.testing;
    requires static org.jspecify;

    exports org.coolsd.onnxmodels;
}
