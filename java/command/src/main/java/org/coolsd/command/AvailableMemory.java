package org.coolsd.command;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;

/**
 * How much memory a process may still take: what Linux has available, or less where a control group limits it (containers,
 * systemd's slices). Memory of files that can be dropped counts as there.
 */
public final class AvailableMemory {
    private final Path root;

    private AvailableMemory(Path root) {
        this.root = root;
    }

    /** What is there, in bytes; empty where the system does not say. */
    public static OptionalLong bytes() {
        return in(Path.of("/"));
    }

    /** As {@link #bytes}, of the system whose {@code proc} and {@code sys} are in {@code root}. */
    static OptionalLong in(Path root) {
        AvailableMemory memory = new AvailableMemory(root);
        long least = Math.min(memory.ofMachine(), memory.ofGroups());
        return least == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(Math.max(0, least));
    }

    private long ofMachine() {
        return field(root.resolve("proc/meminfo"), "MemAvailable:", 1024);
    }

    /** The least that this process's groups and those above them leave, of version 2 and of version 1. */
    private long ofGroups() {
        long least = Long.MAX_VALUE;
        for (String line : lines(root.resolve("proc/self/cgroup"))) {
            String[] parts = line.split(":", 3);
            if (parts.length < 3) {
                continue;
            }
            boolean second = parts[1].isEmpty();
            if (!second && !("," + parts[1] + ",").contains(",memory,")) {
                continue;
            }
            Path top = root.resolve(second ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
            Path group = top.resolve(parts[2].replaceFirst("^/+", "")).normalize();
            // In a container the group's own name is one outside of it: what is mounted is the group.
            for (Path at = group.startsWith(top) ? group : top; at.startsWith(top); at = at.getParent()) {
                least = Math.min(least, second ? ofSecond(at) : ofFirst(at));
            }
        }
        return least;
    }

    private static long ofSecond(Path group) {
        return left(
                number(group.resolve("memory.max")),
                number(group.resolve("memory.current")),
                field(group.resolve("memory.stat"), "inactive_file", 1));
    }

    private static long ofFirst(Path group) {
        return left(
                number(group.resolve("memory.limit_in_bytes")),
                number(group.resolve("memory.usage_in_bytes")),
                field(group.resolve("memory.stat"), "total_inactive_file", 1));
    }

    private static long left(long limit, long used, long droppable) {
        if (limit == Long.MAX_VALUE || used == Long.MAX_VALUE) {
            return Long.MAX_VALUE;
        }
        return limit - used + (droppable == Long.MAX_VALUE ? 0 : droppable);
    }

    /** The number in a file; the largest there is where there is none, as in "max". */
    private static long number(Path file) {
        for (String line : lines(file)) {
            if (line.strip().matches("\\d{1,18}")) {
                return Long.parseLong(line.strip());
            }
        }
        return Long.MAX_VALUE;
    }

    /** The number behind a name in a file of such lines. */
    private static long field(Path file, String name, long unit) {
        for (String line : lines(file)) {
            String[] words = line.strip().split("\\s+");
            if (words.length > 1 && words[0].equals(name) && words[1].matches("\\d{1,15}")) {
                return unit * Long.parseLong(words[1]);
            }
        }
        return Long.MAX_VALUE;
    }

    private static Iterable<String> lines(Path file) {
        try {
            return Files.readAllLines(file);
        } catch (IOException e) {
            // Another system, or another version of control groups: it limits nothing here.
            return List.of();
        }
    }
}
