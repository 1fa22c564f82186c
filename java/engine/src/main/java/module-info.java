/** Models, checkpoints, the decoding loop, training and evaluation, on LibTorch. */
module org.coolsd.engine {
    requires transitive org.coolsd;
    requires transitive org.bytedeco.pytorch;
    requires org.bytedeco.openblas;
    requires static org.bytedeco.cuda;
    requires com.fasterxml.jackson.databind;
    requires pickle;

    exports org.coolsd.engine;
    exports org.coolsd.engine.checkpoint;
    exports org.coolsd.engine.data;
    exports org.coolsd.engine.evaluate;
    exports org.coolsd.engine.forward;
    exports org.coolsd.engine.model;
    exports org.coolsd.engine.train;

    opens org.coolsd.engine to
            com.fasterxml.jackson.databind;
    opens org.coolsd.engine.model to
            com.fasterxml.jackson.databind;
}
