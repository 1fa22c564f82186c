/** Targets and EAGLE drafters of engines that pass the rows of a batch. */
module org.coolsd.passes {
    requires transitive org.coolsd.decode;
    requires static transitive org.jspecify;

    exports org.coolsd.passes;
}
