package org.coolsd.bench;

import org.coolsd.Backend;
import org.coolsd.Logits;
import org.coolsd.Purpose;
import org.coolsd.Sampling;
import org.coolsd.Schedule;
import org.coolsd.Verifier;
import org.coolsd.VerifierSpec;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.TearDown;

/**
 * What the way from Java costs: calls of the Java API against C calls with the same logits, seed and position. The cost
 * does not depend on V, so V is small: a difference of a hundred nanoseconds is lost in the noise of a long call.
 */
public class JniOverheadBenchmark extends TimedBenchmark {
    private static final int LENGTH = 5;
    private static final int CALLS = 1000;
    private static final long SEED = 4;
    private static final long POSITION = 9;

    /** Vocabulary size V. */
    @Param({"256", "16384"})
    public int vocab;

    private Draft draft;
    private Verifier verifier;
    private Logits targetRows;
    private Logits draftRows;
    private Logits firstRow;
    private CStep fromC;

    /** Makes everything. */
    @Setup
    public void setup() {
        Schedule.Drafts schedule = Schedule.exponential(1.1).draftLength(LENGTH);
        verifier = Verifier.open(Backend.cpu(), VerifierSpec.of(vocab, schedule, Sampling.of()));
        LogitRows target = LogitRows.random(1, LENGTH + 1, vocab, Logits.Type.F32);
        LogitRows drafted = target.near(LENGTH);
        DraftCycle cycle = new DraftCycle(verifier, 1, target, drafted);
        draft = new Draft(target, drafted, cycle.tokens(), schedule.omega(), 0, cycle::uniform);
        targetRows = target.view();
        draftRows = drafted.view();
        firstRow = draftRows.row(0);
        fromC = new CStep(draft, SEED, POSITION);
        if (verifyFromJava() != fromC.verify(1) || sampleFromJava() != fromC.sample(1)) {
            throw new IllegalStateException("Java and C disagree: they are not given the same work");
        }
    }

    /** Frees both verifiers. */
    @TearDown
    public void tearDown() {
        verifier.close();
        fromC.close();
    }

    /** {@link Verifier#verify}. */
    @Benchmark
    public int verifyFromJava() {
        return verifier.verify(targetRows, draftRows, draft.tokens()[0][0], SEED, POSITION)
                .accepted();
    }

    /** {@code coolsd_verify}. */
    @Benchmark
    @OperationsPerInvocation(CALLS)
    public int verifyFromC() {
        return fromC.verify(CALLS);
    }

    /** {@link Verifier#sample}. */
    @Benchmark
    public int sampleFromJava() {
        return verifier.sample(firstRow, Purpose.DRAFT, SEED, POSITION);
    }

    /** {@code coolsd_sample}. */
    @Benchmark
    @OperationsPerInvocation(CALLS)
    public int sampleFromC() {
        return fromC.sample(CALLS);
    }
}
