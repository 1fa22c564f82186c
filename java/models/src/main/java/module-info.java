/** The model families. */
module org.coolsd.models {
    requires transitive org.coolsd.libtorch;
    requires static org.jspecify;
    requires transitive com.fasterxml.jackson.databind;
    requires com.fasterxml.jackson.dataformat.yaml;
    requires ai.djl.tokenizers;

    uses org.coolsd.models.Architecture;

    provides org.coolsd.models.Architecture with
            org.coolsd.models.chameleon.ChameleonArchitecture,
            org.coolsd.models.chameleon.ChameleonEagleArchitecture,
            org.coolsd.models.eagle.EagleArchitecture,
            org.coolsd.models.llamagen.LlamaGenArchitecture,
            org.coolsd.models.t5.T5Architecture,
            org.coolsd.models.vq.VqArchitecture,
            org.coolsd.models.vq.VqganArchitecture;

    exports org.coolsd.models;
    exports org.coolsd.models.chameleon;
    exports org.coolsd.models.decoder;
    exports org.coolsd.models.eagle;
    exports org.coolsd.models.llamagen;
    exports org.coolsd.models.t5;
    exports org.coolsd.models.vq;

    opens org.coolsd.models.chameleon to
            com.fasterxml.jackson.databind;
    opens org.coolsd.models.eagle to
            com.fasterxml.jackson.databind;
    opens org.coolsd.models.llamagen to
            com.fasterxml.jackson.databind;
    opens org.coolsd.models.t5 to
            com.fasterxml.jackson.databind;
    opens org.coolsd.models.vq to
            com.fasterxml.jackson.databind;
}
