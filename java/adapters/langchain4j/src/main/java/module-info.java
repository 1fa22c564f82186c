/** Images for langchain4j. */
module org.coolsd.langchain4j {
    requires transitive org.coolsd.images;
    requires transitive langchain4j.core;
    requires java.desktop;
    requires static transitive org.jspecify;

    exports org.coolsd.langchain4j;
}
