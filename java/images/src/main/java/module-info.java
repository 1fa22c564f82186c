/** Images from a model folder: requests, decoding, pictures, PNG. */
module org.coolsd.images {
    requires transitive org.coolsd.models;
    requires com.fasterxml.jackson.databind;
    requires java.desktop;

    exports org.coolsd.images;

    opens org.coolsd.images to
            com.fasterxml.jackson.databind;
}
