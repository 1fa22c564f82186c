package org.coolsd.cli;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.coolsd.training.sweep.Cell;
import org.coolsd.training.sweep.Comparison;
import org.coolsd.training.sweep.Figures;
import org.coolsd.training.sweep.Metric;

/** What a sweep found, for people: two tables. */
final class SweepTables {
    private SweepTables() {}

    /** Prints a line for each cell, then one for each comparison. */
    static void print(Map<Cell, Figures> figures, List<Comparison> comparisons) {
        System.out.println("| cell | images | accepted length | drift | Frechet to target | log-likelihood |");
        System.out.println("|---|---:|---:|---:|---:|---:|");
        figures.forEach((cell, f) -> System.out.printf(
                Locale.ROOT,
                "| %s | %d | %s | %s | %s | %s |%n",
                cell.name(),
                f.images(),
                text(f, Metric.ACCEPTED_LENGTH),
                text(f, Metric.DRIFT),
                text(f, Metric.FRECHET),
                text(f, Metric.LOG_PROB)));
        System.out.println();
        System.out.println("| claim | what | metric | at | difference | p |");
        System.out.println("|---:|---|---|---|---:|---:|");
        comparisons.forEach(c -> System.out.printf(
                Locale.ROOT,
                "| %d | %s | %s | %s | %.3f ± %.3f | %.3g |%n",
                c.claim(),
                c.what(),
                c.metric(),
                c.at(),
                c.difference().value(),
                c.difference().half(),
                c.pValue()));
    }

    private static String text(Figures figures, Metric metric) {
        return figures.has(metric)
                ? String.format(
                        Locale.ROOT,
                        "%.3f ± %.3f",
                        figures.get(metric).value(),
                        figures.get(metric).half())
                : "";
    }
}
