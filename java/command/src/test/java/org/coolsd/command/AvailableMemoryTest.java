package org.coolsd.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AvailableMemoryTest {
    private static final long MIB = 1 << 20;

    @TempDir
    private Path root;

    private void write(String file, String text) throws IOException {
        Path path = root.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    @Test
    void whatTheMachineHas() throws IOException {
        assertThat(AvailableMemory.in(root)).isEmpty();
        write("proc/meminfo", "MemTotal: 9000 kB\nMemAvailable:    4096 kB\n");
        assertThat(AvailableMemory.in(root)).hasValue(4 * MIB);
        assertThat(AvailableMemory.bytes().orElseThrow()).isPositive();
    }

    @Test
    void aGroupAboveLeavesLess() throws IOException {
        write("proc/meminfo", "MemAvailable: 1048576 kB\n");
        write("proc/self/cgroup", "0::/a/b\n");
        write("sys/fs/cgroup/a/b/memory.max", "max\n");
        write("sys/fs/cgroup/a/b/memory.current", "1\n");
        write("sys/fs/cgroup/a/memory.max", Long.toString(100 * MIB));
        write("sys/fs/cgroup/a/memory.current", Long.toString(70 * MIB));
        write("sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file " + 10 * MIB + "\n");
        assertThat(AvailableMemory.in(root)).hasValue(40 * MIB);
    }

    @Test
    void groupsOfTheFirstVersionAndNamesFromOutsideAContainer() throws IOException {
        write("proc/meminfo", "MemAvailable: 1048576 kB\n");
        write("proc/self/cgroup", "9:name=systemd:/\n4:cpu,memory:/docker/123\n0::/\n");
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", Long.toString(64 * MIB));
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", Long.toString(60 * MIB));
        assertThat(AvailableMemory.in(root)).hasValue(4 * MIB);
        write("sys/fs/cgroup/memory/memory.usage_in_bytes", Long.toString(65 * MIB));
        assertThat(AvailableMemory.in(root)).hasValue(0);
    }
}
