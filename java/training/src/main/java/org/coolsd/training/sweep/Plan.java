package org.coolsd.training.sweep;

import java.util.ArrayList;
import java.util.List;
import org.coolsd.training.sweep.Cell.Source;

/** The cells that answer the questions of docs/reproduction.md, the most wanted first. */
public final class Plan {
    /** The draft length of the paper's schedule as it is read here. */
    static final int LENGTH = 5;

    /** A longer and a shorter draft: each rule is compared at its best. */
    private static final int[] OTHER_LENGTHS = {8, 3};

    private final List<Cell> cells = new ArrayList<>();

    private Plan() {}

    /**
     * A few cells of each kind.
     *
     * @param weak whether there is a weak drafter
     */
    public static List<Cell> quick(boolean weak) {
        Plan plan = new Plan();
        plan.exact();
        plan.add(Method.UNIFORM, Source.EAGLE, false, LENGTH, 1.1);
        plan.add(Method.EXPONENTIAL, Source.EAGLE, false, LENGTH, 1.1, 2);
        plan.add(Method.CLAMPED, Source.EAGLE, false, LENGTH, 1.1);
        plan.add(Method.EXPONENTIAL, Source.EAGLE, true, LENGTH, 1.1);
        plan.add(Method.LANTERN_PLUS, Source.EAGLE, false, LENGTH, 2);
        plan.add(Method.LANTERN_OPTIMAL, Source.EAGLE, false, LENGTH, 2);
        if (weak) {
            plan.add(Method.LOSSLESS, Source.WEAK, false, LENGTH, 0);
            plan.add(Method.EXPONENTIAL, Source.WEAK, false, LENGTH, 1.1);
        }
        return List.copyOf(plan.cells);
    }

    /** All cells. */
    public static List<Cell> full(boolean weak) {
        Plan plan = new Plan();
        plan.exact();
        if (weak) {
            plan.weak();
        }
        plan.relaxed();
        plan.blocks();
        plan.lantern();
        plan.worseDrafts();
        plan.places();
        plan.otherLengths();
        return List.copyOf(plan.cells);
    }

    /** What keeps the target's law. */
    private void exact() {
        cells.add(Cell.plain(Method.REFERENCE));
        cells.add(Cell.plain(Method.TARGET));
        for (boolean block : new boolean[] {false, true}) {
            add(Method.LOSSLESS, Source.EAGLE, block, LENGTH, 0);
            add(Method.LOSSLESS, Source.JACOBI, block, LENGTH, 0);
        }
        add(Method.LOSSLESS, Source.COUPLED, false, LENGTH, 0);
    }

    /** The paper's table, with a drafter as weak as the paper's. */
    private void weak() {
        add(Method.LOSSLESS, Source.WEAK, false, LENGTH, 0);
        add(Method.EXPONENTIAL, Source.WEAK, false, LENGTH, 1.1, 1.5, 2);
        add(Method.UNIFORM, Source.WEAK, false, LENGTH, 1.1, 1.5, 2);
        add(Method.CLAMPED, Source.WEAK, false, LENGTH, 1.1, 1.5);
        add(Method.LANTERN_PLUS, Source.WEAK, false, LENGTH, 2);
        add(Method.LANTERN_OPTIMAL, Source.WEAK, false, LENGTH, 2);
        add(Method.LOSSLESS, Source.WEAK, true, LENGTH, 0);
        add(Method.EXPONENTIAL, Source.WEAK, true, LENGTH, 1.1);
    }

    private void relaxed() {
        add(Method.EXPONENTIAL, Source.EAGLE, false, LENGTH, 0.8, 1.1, 1.5, 2);
        add(Method.UNIFORM, Source.EAGLE, false, LENGTH, 1.1, 1.3, 1.6);
        add(Method.CLAMPED, Source.EAGLE, false, LENGTH, 1.1, 1.3, 1.6, 2.2);
        add(Method.BUDGET, Source.EAGLE, false, LENGTH, 2, 5, 10);
        add(Method.AFFINE, Source.EAGLE, false, LENGTH, 0.05, 0.1, 0.2);
        add(Method.ENTROPY, Source.EAGLE, false, LENGTH, 1.2, 1.5, 2.2);
        add(Method.GEOMETRIC, Source.EAGLE, false, LENGTH, 0.8, 1.1);
        add(Method.LINEAR, Source.EAGLE, false, LENGTH, 1.1, 1.5);
    }

    private void blocks() {
        add(Method.EXPONENTIAL, Source.EAGLE, true, LENGTH, 0.7, 1.1, 1.5);
        add(Method.CLAMPED, Source.EAGLE, true, LENGTH, 1.1, 1.3, 1.6);
        add(Method.UNIFORM, Source.EAGLE, true, LENGTH, 1.1, 1.3);
        add(Method.BUDGET, Source.EAGLE, true, LENGTH, 2, 5, 10);
    }

    private void lantern() {
        add(Method.LANTERN_PLUS, Source.EAGLE, false, LENGTH, 2, 4);
        add(Method.LANTERN_OPTIMAL, Source.EAGLE, false, LENGTH, 2, 4);
        add(Method.LANTERN, Source.EAGLE, false, LENGTH, 0.05);
    }

    /** Where the sign of the paper's claim turns: the shipped drafter made worse step by step. */
    private void worseDrafts() {
        for (double temperature : new double[] {1.3, 1.6}) {
            cells.add(new Cell(Method.LOSSLESS, 0, Source.EAGLE, false, LENGTH, temperature));
            cells.add(new Cell(Method.EXPONENTIAL, 1.1, Source.EAGLE, false, LENGTH, temperature));
        }
    }

    private void places() {
        add(Method.RISING, Source.EAGLE, false, LENGTH, 1.3);
        add(Method.STRICT_TOP, Source.EAGLE, false, LENGTH, 1.3, 1.6);
    }

    private void otherLengths() {
        for (int length : OTHER_LENGTHS) {
            add(Method.LOSSLESS, Source.EAGLE, true, length, 0);
            add(Method.LOSSLESS, Source.EAGLE, false, length, 0);
            add(Method.EXPONENTIAL, Source.EAGLE, false, length, 1.1, 2);
            add(Method.EXPONENTIAL, Source.EAGLE, true, length, 1.1);
            add(Method.CLAMPED, Source.EAGLE, false, length, 1.3);
            add(Method.CLAMPED, Source.EAGLE, true, length, 1.3);
            add(Method.BUDGET, Source.EAGLE, false, length, 5);
            add(Method.BUDGET, Source.EAGLE, true, length, 5);
            add(Method.AFFINE, Source.EAGLE, false, length, 0.1);
            add(Method.ENTROPY, Source.EAGLE, false, length, 1.5);
        }
    }

    private void add(Method method, Source drafts, boolean block, int length, double... knobs) {
        for (double knob : knobs) {
            cells.add(new Cell(method, knob, drafts, block, length, 1));
        }
    }
}
