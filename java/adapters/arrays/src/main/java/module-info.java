/** Engines whose logits are Java arrays. */
module org.coolsd.arrays {
    requires transitive org.coolsd.decode;
    requires static transitive org.jspecify;

    exports org.coolsd.arrays;
}
