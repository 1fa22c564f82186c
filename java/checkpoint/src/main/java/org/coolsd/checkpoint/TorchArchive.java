package org.coolsd.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * An archive that {@code torch.save} writes (.pt, .bin, .ckpt): a zip, also of more than 4 GiB, with a pickle and one entry
 * per storage. Entries are stored as they are; a compressed one is refused, since it could stand for any number of bytes.
 * Storages are read from the file when their bytes are asked for, and never as a whole.
 */
final class TorchArchive {
    /** A pickle holds names and shapes; more than this is none of weights. */
    private static final int LONGEST_PICKLE = 1 << 28;

    private final Path file;
    private final String root;

    private TorchArchive(Path file, String root) {
        this.file = file;
        this.root = root;
    }

    Path file() {
        return file;
    }

    /**
     * The object that an archive holds, with tensors as {@link StoredTensor}.
     *
     * @throws CheckpointException in one line: damaged, no archive of torch, or a pickle that could run code
     */
    static Object read(Path file) throws IOException {
        try (ZipFile zip = new ZipFile(file.toFile())) {
            ZipEntry pickle = null;
            for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
                ZipEntry entry = e.nextElement();
                if (entry.getName().endsWith("/data.pkl") || entry.getName().equals("data.pkl")) {
                    if (pickle != null) {
                        throw new CheckpointException(
                                file, "two pickles, " + pickle.getName() + " and " + entry.getName());
                    }
                    pickle = entry;
                }
            }
            if (pickle == null) {
                throw new CheckpointException(file, "a zip without data.pkl, not a torch checkpoint");
            }
            requireStored(file, pickle);
            if (pickle.getSize() > LONGEST_PICKLE) {
                throw new CheckpointException(
                        file, "a pickle of " + pickle.getSize() + " bytes; that is not one of weights");
            }
            String name = pickle.getName();
            TorchArchive archive = new TorchArchive(file, name.substring(0, name.length() - "data.pkl".length()));
            byte[] bytes;
            try (InputStream in = zip.getInputStream(pickle)) {
                bytes = in.readAllBytes();
            }
            return TorchPickle.read(archive, bytes);
        } catch (CheckpointException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            throw new CheckpointException(file, "damaged archive: " + e.getMessage(), e);
        }
    }

    private static void requireStored(Path file, ZipEntry entry) throws CheckpointException {
        if (entry.getMethod() != ZipEntry.STORED) {
            throw new CheckpointException(
                    file,
                    "'" + entry.getName()
                            + "' is compressed; torch stores entries as they are: save it with torch again");
        }
    }

    /**
     * The elements that tensors are views of.
     *
     * @param type null where it is one that is not read
     * @param kind what the pickle calls its class
     */
    record Storage(TorchArchive archive, String key, ElementType type, String kind) {
        private String entry() {
            return archive.root + "data/" + key;
        }

        /**
         * Its bytes.
         *
         * @throws CheckpointException if it is missing or compressed
         */
        long size() throws IOException {
            try (ZipFile zip = new ZipFile(archive.file.toFile())) {
                return entry(zip).getSize();
            }
        }

        private ZipEntry entry(ZipFile zip) throws CheckpointException {
            ZipEntry entry = zip.getEntry(entry());
            if (entry == null) {
                throw new CheckpointException(archive.file, "storage " + key + " is missing");
            }
            requireStored(archive.file, entry);
            return entry;
        }

        /** Fills {@code into} from byte {@code offset} on. */
        void read(long offset, ByteBuffer into) throws IOException {
            try (ZipFile zip = new ZipFile(archive.file.toFile());
                    InputStream in = zip.getInputStream(entry(zip))) {
                in.skipNBytes(offset);
                byte[] chunk = new byte[Math.min(into.remaining(), 1 << 20)];
                while (into.hasRemaining()) {
                    int n = in.readNBytes(chunk, 0, Math.min(chunk.length, into.remaining()));
                    if (n == 0) {
                        throw new CheckpointException(archive.file, "cut short within storage " + key);
                    }
                    into.put(chunk, 0, n);
                }
            } catch (CheckpointException e) {
                throw e;
            } catch (IOException e) {
                throw new CheckpointException(archive.file, "storage " + key + " is damaged: " + e.getMessage(), e);
            }
        }
    }
}
