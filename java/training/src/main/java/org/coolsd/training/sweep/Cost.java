package org.coolsd.training.sweep;

/**
 * What a step costs in passes of plain sampling, from the idle-machine times of docs/performance.md (shipped model, one image,
 * one thread): a pass of plain sampling 0.46 ms, a pass over a draft of L tokens about 0.37 + 0.08 L ms, a drafted token 0.05
 * ms. So that draft lengths can be compared on a machine that is busy.
 */
final class Cost {
    private static final double PLAIN = 0.46;
    private static final double PASS = 0.37;
    private static final double ROW = 0.08;
    private static final double DRAFT = 0.05;

    private Cost() {}

    /** Of a step of {@code cell}. */
    static double ofStep(Cell cell) {
        return switch (cell.drafts()) {
            case NONE -> 1;
            case JACOBI, COUPLED -> (PASS + ROW * cell.draftLength()) / PLAIN;
            case EAGLE, WEAK -> (PASS + (ROW + DRAFT) * cell.draftLength()) / PLAIN;
        };
    }
}
