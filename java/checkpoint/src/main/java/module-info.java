/** Checkpoint files: what they hold, without a tensor library. */
module org.coolsd.checkpoint {
    requires com.fasterxml.jackson.databind;

    exports org.coolsd.checkpoint;
}
