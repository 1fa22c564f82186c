package org.coolsd.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** Reads the tensors of a checkpoint, whatever its format; docs/models.md says what is read and what is refused. */
public final class Checkpoint {
    private static final String[] WRAPPERS = {"model", "module", "state_dict"};

    /** Bytes that tell a format. */
    private static final int START = 64;

    private Checkpoint() {}

    /**
     * The named tensors of {@code file}: safetensors, the index of a sharded checkpoint (*.index.json), or a torch archive, of
     * which that entry of {@code model}, {@code module} and {@code state_dict} is taken that holds tensors, or else the
     * whole. The format is told by content, not by name. Bytes are read when they are asked for.
     *
     * @return tensors by name
     * @throws CheckpointException in one line: no such file, damaged, or not a checkpoint
     */
    public static Map<String, TensorData> read(Path file) throws IOException {
        String start = start(file);
        if (start.startsWith("PK")) {
            return tensors(file, TorchArchive.read(file));
        }
        if (start.startsWith("{") && file.toString().endsWith(".json")) {
            return ShardIndex.read(file);
        }
        requireCheckpoint(file, start);
        return Safetensors.read(file).tensors();
    }

    private static String start(Path file) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            return new String(in.readNBytes(START), StandardCharsets.ISO_8859_1);
        } catch (NoSuchFileException e) {
            throw new CheckpointException(file, "no such file", e);
        }
    }

    /** What people have in place of a checkpoint, by its first bytes. */
    private static void requireCheckpoint(Path file, String start) throws CheckpointException {
        String text = start.stripLeading().toLowerCase(Locale.ROOT);
        if (text.startsWith("version https://git-lfs")) {
            throw new CheckpointException(
                    file, "a pointer of Git LFS, not the weights themselves; fetch them with: git lfs pull");
        }
        if (text.startsWith("<!doctype html") || text.startsWith("<html")) {
            throw new CheckpointException(file, "a web page, not a checkpoint; download the file itself");
        }
        if (start.startsWith("\u0080\u0002\u008a\nl\u00fc\u009cF\u00f9 j")) {
            throw new CheckpointException(
                    file, "written by torch before version 1.6; load it with torch and save it again");
        }
    }

    private static Map<String, TensorData> tensors(Path file, Object root) throws IOException {
        Map<String, TensorData> tensors = new LinkedHashMap<>();
        collect(root, tensors);
        if (tensors.isEmpty()) {
            throw new CheckpointException(
                    file, root instanceof Map<?, ?> ? "holds no tensors" : "holds no dictionary of tensors");
        }
        return tensors;
    }

    private static void collect(Object root, Map<String, TensorData> tensors) throws IOException {
        if (!(root instanceof Map<?, ?> map)) {
            return;
        }
        for (String wrapper : WRAPPERS) {
            collect(map.get(wrapper), tensors);
            if (!tensors.isEmpty()) {
                return;
            }
        }
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (entry.getKey() instanceof String name && entry.getValue() instanceof StoredTensor tensor) {
                tensor.check(name);
                tensors.put(name, tensor);
            }
        }
    }
}
