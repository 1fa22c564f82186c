/** Decoders that an engine of DJL runs. */
module org.coolsd.djl {
    requires transitive ai.djl.api;
    requires transitive org.coolsd.passes;
    requires static transitive org.jspecify;

    exports org.coolsd.djl;
}
