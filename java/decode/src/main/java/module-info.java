/** The decoding loop: continuous batches of speculative decoding over any engine that has logits. */
module org.coolsd.decode {
    requires transitive org.coolsd;
    requires static org.jspecify;

    exports org.coolsd.decode;
}
