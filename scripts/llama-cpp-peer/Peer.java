import de.kherud.llama.InferenceParameters;
import de.kherud.llama.LlamaModel;
import de.kherud.llama.LlamaOutput;
import de.kherud.llama.ModelParameters;

/** Three texts of 200 tokens from llama.cpp; with a second argument, that model drafts. */
public final class Peer {
    public static void main(String[] args) {
        ModelParameters parameters =
                new ModelParameters().setModel(args[0]).setCtxSize(512).setThreads(1).setThreadsBatch(1);
        if (args.length > 1) {
            parameters.setModelDraft(args[1]).setDraftMax(4).setDraftMin(1).setDraftPMin(0);
        }
        try (LlamaModel model = new LlamaModel(parameters)) {
            for (int run = 0; run < 3; run++) {
                InferenceParameters request = new InferenceParameters("abc")
                        .setNPredict(200)
                        .setSeed(7)
                        .setTemperature(1)
                        .setTopK(0)
                        .setTopP(1)
                        .setMinP(0)
                        .setIgnoreEos(true);
                StringBuilder text = new StringBuilder();
                for (LlamaOutput output : model.generate(request)) {
                    text.append(output.text);
                }
                System.out.printf("%nPEER text %08x%n", text.toString().hashCode());
            }
            // The binding's threads keep Java 17 from ending, also when the model is closed.
            System.out.flush();
            Runtime.getRuntime().halt(0);
        }
    }
}
