#!/usr/bin/python3
"""Figures of medians over two parameters: what they draw is what the rows of the result file have.

Usage: test_surfaces.py WGF [unittest arguments]
"""

import sys
import unittest

import numpy as np
import test_figures
from plot.fit import median_interval
from plot.result import PlotError, read_results


class SlicedExact(test_figures.Sweeping):
    fixed = "data: random, n: 20, width: 10, init_scale: 1, output: mean, method: prox, inner_steps: 20, steps: 3"
    swept = ("metric: [frobenius, sliced], sliced_scale: [none, dimension], projections: [1, 50], d: [2, 6], "
             "seed: [1, 2]")

    def test_medians_over_seeds(self):
        path = self.sweep("surface", f"{self.fixed}, record_distances: all", self.swept)
        page = self.draw(path)  # by itself
        self.assert_picture(page, hues=2)
        self.assertEqual(len(page.panels), 3)
        rows = {tuple(row[1:5]): row[5:] for row in page.table[1]}
        self.assertEqual(len(rows), 2 * (1 + 2 * 2))
        jobs = read_results([path]).jobs
        for (metric, times, directions, d), cells in rows.items():
            wanted = {"metric": metric, "d": float(d)}
            if metric == "sliced":
                wanted |= {"projections": float(directions), "sliced_scale": {"1": "none", "d": "dimension"}[times]}
            own = [job for job in jobs if all(job.parameters.get(name) == value for name, value in wanted.items())]
            self.assertEqual(len(own), 2)
            traces = [[job.trace[name][1:] for name in ("distance_wasserstein", "distance")] for job in own]
            values = [np.median(exact / distance) for exact, distance in traces]
            finals = [job.value("objective_final") for job in own]
            for cell, each in ((cells[0], values), (cells[1], finals)):
                said = "–" if metric == "frobenius" and each is values else f"{np.mean(each):.3g} ("
                self.assertTrue(cell.startswith(said), (cell, each))
        ends = {line.get_ydata()[-1] for line in page.panels[0].get_lines()}
        for times in "1d":
            self.assertTrue(any(rows["sliced", times, "50", "6"][0].startswith(f"{end:.3g} (") for end in ends))

    def test_a_translation_costs_the_same_times_d(self):
        """By the figure's own ratio: with many directions it is near d, and near 1."""
        fixed = f"{self.fixed}, record_distances: all, gamma: 1.0e-3, projections: 2000, metric: sliced"
        path = self.sweep("ratios", fixed, "sliced_scale: [none, dimension], d: [2, 6]")
        page = self.draw(path, "--figure", "sliced-exact")
        ratios = {(row[2], row[4]): float(row[5].split()[0]) for row in page.table[1]}
        for (times, d), found in ratios.items():
            self.assertAlmostEqual(found / (float(d) if times == "1" else 1), 1, delta=0.1)

    def test_what_has_no_such_distances_says_so(self):
        with self.assertRaisesRegex(PlotError, "record_distances: all"):
            self.draw(self.sweep("none", self.fixed, self.swept), "--figure", "sliced-exact")

    def test_intervals(self):
        middle, low, high = median_interval(np.arange(101))
        self.assertEqual(middle, 50)
        self.assertTrue(30 < low < 45 and 55 < high < 70, (low, high))


if __name__ == "__main__":
    test_figures.WGF = sys.argv.pop(1)
    unittest.main()
