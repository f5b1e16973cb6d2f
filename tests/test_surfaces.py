#!/usr/bin/python3
"""Figures of medians over two parameters: what they draw is what the rows of the result file have.

Usage: test_surfaces.py WGF [unittest arguments]
"""

import sys
import unittest
import warnings

import h5py
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


class WidthTime(test_figures.Sweeping):
    fixed = "data: sinus, n: 6, output: mean, scaling: mean_field, init_scale: 1, steps: 100"
    swept = "width: [4, 8, 16], seed: [1, 2, 3, 4]"

    def planted(self, law, more=""):
        """The page of a sweep whose F is J* and law(width, time, seed) more."""
        path = self.sweep(f"planted{len(more)}", self.fixed + more, self.swept)
        with h5py.File(path, "r+") as file:
            level, times = file["objective_optimal"][:], file["time"][0]
            for job, (width, seed) in enumerate(zip(file["width"][:], file["seed"][:])):
                file["objective"][job] = level[job] + law(width, times, seed)
        return self.draw(path, "--figure", "width-time")

    def test_rates_are_those_of_a_planted_surface(self):
        spread = {1: 0.8, 2: 1.25, 3: 0.9, 4: 1 / 0.9}
        page = self.planted(lambda m, t, seed: spread[seed] * m**-1.5 * np.maximum(t, 0.1) ** -0.5)
        self.assert_picture(page, hues=3)
        *widths, last = page.table[1]
        self.assertEqual([row[1] for row in widths], ["4", "8", "16"])
        self.assertTrue(all(cell.startswith("m^-1.5 (") for cell in last[2:]), last)
        for row in widths:
            for cell, time in zip(row[2:], page.table[0][2:]):
                found, wanted = float(cell.split()[0]), int(row[1]) ** -1.5 * float(time.split()[-1]) ** -0.5
                self.assertAlmostEqual(found / wanted, 1, delta=0.1)  # a map's time lies between two records
        exponents = [float(row[-1].split("t^")[1].split()[0]) for row in widths]
        np.testing.assert_allclose(exponents, -0.5, atol=0.06)

    def test_the_optimum_is_taken_off(self):
        """It is not 0 with weight decay of both layers."""
        for more in ("", ", layers: both, weight_decay: 0.05"):
            page = self.planted(lambda m, t, seed: 0.1 / m + 0 * t, more)
            wanted = [0.025, 0.0125, 0.00625]
            self.assertEqual([row[2].split()[0] for row in page.table[1][:3]], [f"{gap:g}" for gap in wanted])
            drawn = np.ravel(page.panels[0].collections[0].get_array()).reshape(3, -1)
            np.testing.assert_allclose(drawn, np.transpose([wanted] * drawn.shape[1]))

    def test_a_flat_map_among_others_has_no_lines(self):
        """And no warning: all neurons of size 1000 are inactive after a step."""
        fixed = self.fixed.replace("init_scale: 1, ", "").replace("mean, scaling: mean_field", "sum") + ", gamma: 1"
        path = self.sweep("flat", fixed, f"init_scale: [1.0e-2, 1000], {self.swept}")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            page = self.draw(path, "--figure", "width-time")
        self.assertEqual(len(page.panels), 6)

    def test_records_of_one_time_are_no_surface(self):
        with self.assertRaisesRegex(PlotError, "two times"):
            path = self.sweep("short", f"{self.fixed}, record_every: 100", self.swept)
            self.draw(path, "--figure", "width-time")

    def test_without_an_optimum_it_says_so(self):
        with self.assertRaisesRegex(PlotError, "objective_optimal"):
            self.draw(self.sweep("none", f"{self.fixed}, weight_decay: 0.1", self.swept), "--figure", "width-time")


if __name__ == "__main__":
    test_figures.WGF = sys.argv.pop(1)
    unittest.main()
