package org.coolsd.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.coolsd.command.CommandRunner;
import org.coolsd.command.EngineOptions;
import org.coolsd.command.MemoryNeed;
import org.coolsd.command.ModelLoading;
import org.coolsd.command.Version;
import org.coolsd.images.CaptionEncoder;
import org.coolsd.images.Drafts;
import org.coolsd.images.ImageFolder;
import org.coolsd.images.ImagePipeline;
import org.coolsd.images.ModelFolder;
import org.coolsd.libtorch.LibTorch;
import org.coolsd.models.Component;
import org.coolsd.server.ImageServer;
import org.coolsd.server.ServerOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coolsd serve}: images over HTTP. */
@Command(
        name = "serve",
        description =
                "Serves images over HTTP, in the format of OpenAI's images API, with a page to try it (docs/serving.md).",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class)
final class ServeCommand implements Callable<Integer> {
    /** The variable that has the API key, where no file does. */
    private static final String KEY_VARIABLE = "COOLSD_API_KEY";

    private static final ServerOptions STANDARD = ServerOptions.standard();

    @Option(names = "--model", paramLabel = "DIR", description = "model folder (default: ${DEFAULT-VALUE})")
    private Path model = ModelFolder.SHIPPED;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "the address to listen on; 0.0.0.0 for all (default: ${DEFAULT-VALUE})")
    private String host = STANDARD.host();

    @Option(names = "--port", paramLabel = "P", description = "0 for any free one (default: ${DEFAULT-VALUE})")
    private int port = STANDARD.port();

    @Option(
            names = "--queue",
            paramLabel = "N",
            description =
                    "images that may wait beside those of the batch; more are refused (default: ${DEFAULT-VALUE})")
    private int queue = STANDARD.queue();

    @Option(
            names = "--most-images",
            paramLabel = "N",
            description = "images that one request may ask for (default: ${DEFAULT-VALUE})")
    private int mostImages = STANDARD.mostImages();

    @Option(
            names = "--draft-length",
            paramLabel = "L",
            description = "the longest draft that a request may ask for, 0..64 (default: ${DEFAULT-VALUE})")
    private int longestDraft = STANDARD.longestDraft();

    @Option(
            names = "--drafter",
            paramLabel = "NAME|DIR",
            description = "where drafts come from: eagle, jacobi, coupled, none, or the folder of a drafter"
                    + " (default: eagle where the model has one, else jacobi)")
    private String drafter;

    @Option(
            names = "--timeout",
            paramLabel = "S",
            description = "seconds that a request may take, waiting included (default: ${DEFAULT-VALUE})")
    private int timeout = (int) STANDARD.timeout().toSeconds();

    @Option(
            names = "--api-key-file",
            paramLabel = "FILE",
            description =
                    "the key that requests must bring (default: what the variable " + KEY_VARIABLE + " has, or none)")
    private Path keyFile;

    @Mixin
    private EngineOptions engine = new EngineOptions(STANDARD.slots());

    @Override
    public Integer call() throws Exception {
        engine.check();
        ServerOptions options = options();
        ImageFolder folder = ImageFolder.open(model);
        Drafts drafts = drafter == null ? folder.drafts() : Drafts.of(drafter);
        engine.require(
                !engine.onDevice() || !(drafts instanceof Drafts.Jacobi || drafts instanceof Drafts.Coupled),
                "drafts of the target's own keep their rows in host memory: use --device cpu, or --drafter none");
        folder = folder.with(drafts);
        LibTorch.load(1);
        long bytes = folder.memory(engine.precision(), engine.batch());
        Optional<Component> encoder = CaptionEncoder.find(folder.path());
        MemoryNeed.of(
                        "the model, with a batch of " + engine.batch() + ",",
                        encoder.isEmpty()
                                ? bytes
                                : bytes + encoder.get().summary().memory(engine.precision()))
                .require();
        CountDownLatch end = new CountDownLatch(1);
        try (ImagePipeline<?> images = ModelLoading.load(folder, engine);
                ImageServer server = ImageServer.start(folder, images, engine.precision(), options)) {
            CommandRunner.endGently(end::countDown);
            System.out.printf(
                    Locale.ROOT,
                    "serving %s on %s (%d images side by side, %d waiting at most, %s, verified on %s)%n",
                    model,
                    server.address(),
                    options.slots(),
                    options.queue(),
                    folder.drafts().name(),
                    images.backend());
            warnOfOpenDoor(options);
            end.await();
            System.out.println(
                    "ending: requests that have come are answered, new ones are refused; a second signal ends at once");
            server.drain();
        }
        return 0;
    }

    private ServerOptions options() throws IOException {
        Optional<String> key = key();
        try {
            return STANDARD.listen(host, port)
                    .batch(engine.batch(), engine.threads())
                    .limits(queue, mostImages, longestDraft)
                    .times(Duration.ofSeconds(timeout), STANDARD.idle())
                    .key(key);
        } catch (IllegalArgumentException e) {
            engine.require(false, e.getMessage());
            throw e;
        }
    }

    private Optional<String> key() throws IOException {
        if (keyFile != null) {
            return Optional.of(Files.readString(keyFile).strip());
        }
        return Optional.ofNullable(System.getenv(KEY_VARIABLE)).map(String::strip);
    }

    private static void warnOfOpenDoor(ServerOptions options) throws UnknownHostException {
        if (options.apiKey().isEmpty() && !InetAddress.getByName(options.host()).isLoopbackAddress()) {
            System.err.println("coolsd: there is no API key, so whoever reaches " + options.host()
                    + " may ask for images; see --api-key-file");
        }
    }
}
