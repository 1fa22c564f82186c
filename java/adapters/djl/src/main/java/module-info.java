/** Decoders that an engine of DJL runs. */
module org.coolsd.djl {
    requires transitive ai.djl.api;
    requires transitive org.coolsd.decode;
    requires static transitive org.jspecify;

    exports org.coolsd.djl;
}
