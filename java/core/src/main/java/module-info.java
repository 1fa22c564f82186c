/** The verifier: native kernels behind a Java API, for any engine that has logits. */
module org.coolsd {
    requires transitive org.bytedeco.javacpp;
    requires static org.jspecify;

    exports org.coolsd;

    opens org.coolsd.internal to
            org.bytedeco.javacpp;
    opens org.coolsd.internal.binding to
            org.bytedeco.javacpp;
}
