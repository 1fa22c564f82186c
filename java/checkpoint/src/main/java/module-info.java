/** Checkpoint files: what they hold, without a tensor library. */
module org.coolsd.checkpoint {
    requires com.fasterxml.jackson.databind;
    requires pickle;

    exports org.coolsd.checkpoint;
}
