#!/usr/bin/python3
"""The figures of masses on grids: their densities sum to the masses, and what grid-scale says is what was planted.

Usage: test_grids.py WGF [unittest arguments]
"""

import sys
import unittest

import h5py
import numpy as np
import test_figures
from plot.figures import masses
from plot.result import PlotError, read_results


class Grids(test_figures.Sweeping):
    def test_masses(self):
        """A row for each sheet and grid, and of three axes for the integral over the third and for a slice."""
        for k, (own, count) in enumerate((("d: 2, grid2: 5, grid_radius: 2", 4), ("d: 3, grid_grading: 2", 4),
                                          ("d: 1, bias: false", 2), ("d: 2, layers: both, signs: positive", 2))):
            fixed = "method: jko, data: random, n: 6, grid: 8, init: normal, init_scale: 0.5, steps: 4, save: all"
            path = self.sweep(f"masses{k}", f"{fixed}, {own}", "seed: [1]")
            page = self.draw(path, "--figure", "masses")
            self.assert_picture(page)
            self.assertEqual(len(page.panels), 4 * count)
            sheets = masses.sheets(read_results([path]).jobs[0])
            self.assertEqual(len(sheets), count)
            whole = [sheet for sheet in sheets if " at $" not in sheet.words]
            sums = 0
            for sheet in whole:
                values = sheet.values
                while values.ndim > 1:
                    values = values @ np.diff(sheet.edges)
                sums = sums + values
            np.testing.assert_allclose(sums, 1, rtol=1e-12)

    def test_grid_scale(self):
        """Of each grid epsilon = 0.1 is planted as the best."""
        shared = "data: sinus, n: 12, init: normal, init_scale: 0.5, steps: 30"
        particles = self.sweep("particles", f"{shared}, width: 20, output: mean, scaling: mean_field", "seed: [1, 2]")
        swept = "grid: [6, 8], grid_grading: [0, 2], epsilon: [0.01, 0.1, 1]"
        path = self.sweep("grids", f"{shared}, method: jko, grid_radius: 3", swept)
        with h5py.File(particles) as file:
            times, objective = file["time"][0], file["objective"][:].mean(axis=0)
        with h5py.File(path, "r+") as file:
            keys = zip(file["grid"][:], file["grid_grading"][:], file["epsilon"][:])
            for job, (grid, grading, epsilon) in enumerate(keys):
                gap = grid / 1000 * (1 + grading) * (1 if epsilon == 0.1 else 3)
                file["objective"][job] = np.interp(file["time"][job], times, objective) + gap
        page = self.draw(path, particles, "--figure", "grid-scale")
        self.assert_picture(page, hues=3)
        found = {line[1]: line[2:] for line in page.table[1]}
        self.assertEqual(found, {
            "g = 6, R = 3": ["36", "0.1", "0.006"], "g = 6, R = 3, graded, b = 2": ["36", "0.1", "0.018"],
            "g = 8, R = 3": ["64", "0.1", "0.008"], "g = 8, R = 3, graded, b = 2": ["64", "0.1", "0.024"],
        })  # fmt: skip
        marks = [mark for mark in page.panels[0].get_lines() if mark.get_marker() == "o"]
        pinned = [job.message().startswith("epsilon pins") for job in read_results([path]).jobs]
        self.assertEqual([mark.get_markerfacecolor() == "white" for mark in marks], pinned)
        self.assertTrue(any(pinned) and not all(pinned))
        with self.assertRaisesRegex(PlotError, "descents of neurons beside jobs of jko"):
            self.draw(path, "--figure", "grid-scale")


if __name__ == "__main__":
    test_figures.WGF = sys.argv.pop(1)
    unittest.main()
