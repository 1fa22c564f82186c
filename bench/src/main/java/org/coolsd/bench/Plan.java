package org.coolsd.bench;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.coolsd.Logits.Type;
import org.coolsd.bench.Figure.Bar;

/**
 * What a run compares. The measurements are whatever the comparisons need, each once.
 *
 * @param comparisons lines of the table, in order
 */
record Plan(List<Comparison> comparisons) {
    private static final List<Integer> VOCABS = List.of(8192, 16384, 65536, 131072);
    private static final List<Integer> LENGTHS = List.of(1, 3, 5, 8);
    private static final List<Integer> BATCHES = List.of(1, 8);
    private static final List<Type> TYPES = List.of(Type.F32, Type.BF16);

    /** One case of {@link DraftBenchmark}'s parameters. */
    private record Case(int vocab, int length, int batch, Type type) {
        /** The case that users tune for. */
        static Case of(int vocab) {
            return new Case(vocab, 5, 1, Type.F32);
        }

        /** Whether bars were set for it. */
        boolean promised() {
            return (vocab == 16384 || vocab == 65536) && equals(of(vocab));
        }

        Case type(Type other) {
            return new Case(vocab, length, batch, other);
        }

        Measure verify(String method) {
            return sample(method).with("length", length).as("VerifyBenchmark." + method);
        }

        Measure cutoff(String method) {
            return verify(method).with("topK", 2000).as("CutoffBenchmark." + method);
        }

        Measure sample(String method) {
            return new Measure(
                    "SampleBenchmark." + method, Map.of("vocab", "" + vocab, "batch", "" + batch, "type", type.name()));
        }

        String words() {
            return "V = " + vocab + ", L = " + length + ", batch " + batch + ", " + type;
        }

        String wordsOfSampling() {
            return "V = " + vocab + ", batch " + batch + ", " + type;
        }
    }

    /** What users tune for, in under three minutes. */
    static Plan brief() {
        List<Comparison> all = new ArrayList<>();
        for (int vocab : List.of(16384, 65536)) {
            addVerify(all, Case.of(vocab));
            addTypes(all, Case.of(vocab));
        }
        addCutoff(all, Case.of(16384));
        addSample(all, Case.of(16384));
        addCalls(all, 256);
        return new Plan(all);
    }

    /** Every parameter of DESIGN, and the scaling with V and with the batch. */
    static Plan full() {
        List<Comparison> all = new ArrayList<>();
        for (int vocab : VOCABS) {
            for (int batch : BATCHES) {
                for (int length : LENGTHS) {
                    for (Type type : TYPES) {
                        addVerify(all, new Case(vocab, length, batch, type));
                    }
                    addTypes(all, new Case(vocab, length, batch, Type.F32));
                }
                for (Type type : TYPES) {
                    Case at = new Case(vocab, 1, batch, type);
                    addSample(all, at);
                    add(
                            all,
                            "sample: LibTorch, tuned",
                            at.wordsOfSampling(),
                            at.sample("libtorchTuned"),
                            at.sample("library"),
                            null);
                }
            }
            for (Type type : TYPES) {
                addCutoff(all, Case.of(vocab).type(type));
                addCutoffPeers(all, Case.of(vocab).type(type));
            }
        }
        addScaling(all);
        addCalls(all, 256);
        addCalls(all, 16384);
        return new Plan(all);
    }

    /** How the cost grows with V, up to 2^20, and with the batch, up to 64. */
    static Plan scaling() {
        List<Comparison> all = new ArrayList<>();
        addScaling(all);
        return new Plan(all);
    }

    private static void addVerify(List<Comparison> all, Case at) {
        boolean promised = at.promised();
        Measure library = at.verify("library");
        String given = "verify, normalisers given: ";
        add(
                all,
                given + "LibTorch operators",
                at.words(),
                at.verify("libtorch"),
                library,
                promised ? Bar.atLeast(20) : null);
        add(all, given + "LibTorch, tuned", at.words(), at.verify("libtorchTuned"), library, null);
        add(all, given + "Java loop", at.words(), at.verify("javaLoop"), library, null);
        Measure without = at.verify("libraryWithoutNormalisers");
        String computed = "verify, normalisers computed: ";
        add(
                all,
                computed + "LibTorch operators",
                at.words(),
                at.verify("libtorch"),
                without,
                promised ? Bar.atLeast(8) : null);
        Bar limit = promised && at.vocab() == 65536 ? Bar.atMost(2.5) : null;
        add(all, given + "over reading the bytes once", at.words(), library, at.verify("readingOnce"), limit);
    }

    private static void addTypes(List<Comparison> all, Case at) {
        Bar bar = at.promised() ? Bar.atLeast(1) : null;
        Measure half = at.type(Type.BF16).verify("library");
        add(all, "verify, normalisers given: f32 over bf16", at.words(), at.verify("library"), half, bar);
    }

    private static void addCutoff(List<Comparison> all, Case at) {
        boolean promised = at.promised() && at.vocab() == 16384;
        for (String method : List.of("library", "libraryWithoutNormalisers")) {
            String name = "top-k 2000, normalisers " + (method.equals("library") ? "given" : "computed") + ": ";
            Bar most = promised ? Bar.atMost(3) : null;
            add(all, name + "over no cut-off", at.words(), at.cutoff(method), at.verify(method), most);
            Bar least = promised ? Bar.atLeast(10) : null;
            add(all, name + "LibTorch operators", at.words(), at.cutoff("libtorch"), at.cutoff(method), least);
        }
    }

    /** Peers that take long and that nothing was promised against. */
    private static void addCutoffPeers(List<Comparison> all, Case at) {
        Measure library = at.cutoff("library");
        add(
                all,
                "top-k 2000, normalisers given: LibTorch, tuned",
                at.words(),
                at.cutoff("libtorchTuned"),
                library,
                null);
        add(all, "top-k 2000, normalisers given: Java loop", at.words(), at.cutoff("javaLoop"), library, null);
    }

    private static void addSample(List<Comparison> all, Case at) {
        Measure library = at.sample("library");
        String where = at.wordsOfSampling();
        add(all, "sample: LibTorch operators", where, at.sample("libtorch"), library, null);
        add(all, "sample: Java loop", where, at.sample("javaLoop"), library, null);
        add(all, "sample: over reading the row once", where, library, at.sample("readingOnce"), null);
    }

    /** Time per logit, against the smallest case: 1 where the cost is linear. */
    private static void addScaling(List<Comparison> all) {
        for (int vocab = 16384; vocab <= 1 << 20; vocab *= 2) {
            Comparison scaling = Comparison.times(
                    "verify, normalisers given: time per logit over that at V = 8192",
                    Case.of(vocab).words(),
                    Case.of(vocab).verify("library"),
                    Case.of(8192).verify("library"));
            all.add(scaling.scaledBy(8192.0 / vocab));
        }
        for (int batch = 2; batch <= 64; batch *= 2) {
            Case at = new Case(16384, 5, batch, Type.F32);
            Comparison scaling = Comparison.times(
                    "verify, normalisers given: time per sequence over that at batch 1",
                    at.words(),
                    at.verify("library"),
                    Case.of(16384).verify("library"));
            all.add(scaling.scaledBy(1.0 / batch));
        }
    }

    private static void addCalls(List<Comparison> all, int vocab) {
        boolean promised = vocab == 256;
        for (String operation : List.of("verify", "sample")) {
            Measure java = call(operation + "FromJava", vocab);
            Measure c = call(operation + "FromC", vocab);
            String where = "V = " + vocab + (operation.equals("verify") ? ", L = 5, batch 1, F32" : ", batch 1, F32");
            all.add(Comparison.nanoseconds(operation + " from Java: over the C call", where, java, c)
                    .promising(promised ? Bar.atMost(300) : null));
            // What is left is JMH's own, spread over the calls of an iteration.
            all.add(Comparison.bytes(operation + " from Java: allocated per call", where, java, c)
                    .promising(promised ? Bar.atMost(0.5) : null));
        }
    }

    private static Measure call(String method, int vocab) {
        return new Measure("JniOverheadBenchmark." + method, Map.of("vocab", "" + vocab));
    }

    private static void add(List<Comparison> all, String name, String where, Measure over, Measure under, Bar bar) {
        all.add(Comparison.times(name, where, over, under).promising(bar));
    }

    /** What has to be measured, each once, in the order of the table. */
    Set<Measure> measures() {
        Set<Measure> all = new LinkedHashSet<>();
        comparisons.forEach(comparison -> all.addAll(comparison.measures()));
        return all;
    }

    /** The table's figures. */
    List<Figure> figures(Map<Measure, Samples> measured) {
        return comparisons.stream()
                .map(comparison -> comparison.figure(measured))
                .toList();
    }
}
