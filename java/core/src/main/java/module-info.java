/** Relaxed speculative decoding: the operation, its schedules and its random numbers. Knows no tensor library. */
module org.coolsd {
    requires transitive org.bytedeco.javacpp;

    exports org.coolsd;

    // JavaCPP's loader makes and fills the binding's classes.
    opens org.coolsd.internal to
            org.bytedeco.javacpp;
    opens org.coolsd.internal.binding to
            org.bytedeco.javacpp;
}
