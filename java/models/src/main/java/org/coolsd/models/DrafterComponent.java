package org.coolsd.models;

/** A model that drafts for a target: {@link LoadedTarget#eagle} loads it, since it computes with parts of that. */
public interface DrafterComponent extends Component {}
