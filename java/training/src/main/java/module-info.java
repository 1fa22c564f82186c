/** Training, its data, and the evaluation of models and images. */
module org.coolsd.training {
    requires transitive org.coolsd.images;

    exports org.coolsd.training;
    exports org.coolsd.training.data;
    exports org.coolsd.training.evaluation;
    exports org.coolsd.training.sweep;

    opens org.coolsd.training.sweep to
            com.fasterxml.jackson.databind;
}
