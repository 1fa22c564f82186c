/** Training, its data, and the evaluation of models and images. */
module org.coolsd.training {
    requires transitive org.coolsd.models;

    exports org.coolsd.training;
    exports org.coolsd.training.data;
    exports org.coolsd.training.evaluation;
}
