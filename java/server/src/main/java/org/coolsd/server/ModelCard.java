package org.coolsd.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import org.coolsd.Sampling;
import org.coolsd.images.Decoding;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ScheduleName;
import org.jspecify.annotations.Nullable;

/** What GET /v1/models says of the model. */
final class ModelCard {
    private final ImageFolder folder;
    private final int classes;
    private final Sampling sampling;
    private final ServerOptions options;
    private final long created = System.currentTimeMillis() / 1000;

    ModelCard(ImageFolder folder, int classes, Sampling sampling, ServerOptions options) {
        this.folder = folder;
        this.classes = classes;
        this.sampling = sampling;
        this.options = options;
    }

    /** What requests call it: its folder's name. */
    static String id(ImageFolder folder) {
        @Nullable Path name = folder.path().toAbsolutePath().normalize().getFileName();
        return name == null ? "model" : name.toString();
    }

    ObjectNode json() {
        ObjectNode card = JsonNodeFactory.instance.objectNode();
        card.put("id", id(folder));
        card.put("object", "model");
        card.put("created", created);
        card.put("owned_by", "coolsd");
        ObjectNode more = card.putObject("coolsd");
        folder.classes().forEach(more.putArray("classes")::add);
        more.put("class_count", classes);
        more.put("drafter", folder.drafts().name());
        for (ScheduleName schedule : ScheduleName.values()) {
            more.withArray("schedules").add(schedule.toString());
        }
        Decoding standard = Decoding.standard();
        more.put("schedule", standard.schedule().toString());
        more.put("delta", standard.delta());
        more.put("draft_length", Math.min(standard.draftLength(), options.longestDraft()));
        more.put("longest_draft", options.longestDraft());
        more.put("guidance", sampling.guidance());
        more.put("temperature", sampling.temperature());
        more.put("most_images", options.mostImages());
        return card;
    }
}
