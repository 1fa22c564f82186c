/** Models that Jlama runs. */
@SuppressWarnings("requires-transitive-automatic")
module org.coolsd.jlama {
    requires transitive org.coolsd.decode;
    requires transitive jlama.core;
    requires static transitive org.jspecify;

    exports org.coolsd.jlama;
}
