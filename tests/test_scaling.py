#!/usr/bin/python3
"""The figure scaling-path, on traces whose times are known.

Usage: test_scaling.py WGF [unittest arguments]
"""

import sys
import unittest

import h5py
import numpy as np
import test_figures
from plot.figures import scaling_path
from plot.result import PlotError


class ScalingPath(test_figures.Sweeping):
    fixed = "data: sinus, n: 5, width: 4, steps: 200, record_diagnostics: [alignment], save: last"
    sizes = (1e-4, 1e-3, 1e-2, 1e-1)

    def planted(self):
        """Alignment at step 40 + seed; F falls at 90 - 20 for each decade, later than that up to size 1e-2."""
        path = self.sweep("planted", self.fixed, "init_scale: [1.0e-4, 1.0e-3, 0.01, 0.1], seed: {range: [0, 5]}")
        with h5py.File(path, "r+") as file:
            for job, (size, seed) in enumerate(zip(file["init_scale"][:], file["seed"][:])):
                step, fall = np.arange(201), 90 - 20 * round(np.log10(size / 1e-4))
                file["time"][job] = step
                file["alignment"][job] = np.where(step >= 40 + seed, 1, 0.5)
                file["objective"][job] = np.where(step >= fall, 0.5, 1)
                file["variation_norm"][job] = 3 + seed
        return path

    def test_known_times(self):
        path = self.planted()
        page = self.draw(path, "--figure", "scaling-path")
        times, ends, norms, functions = page.panels
        aligned, fallen = (curve.get_ydata() for curve in times.get_lines()[:2])
        np.testing.assert_array_equal(aligned, [42] * 4)
        np.testing.assert_array_equal(fallen, [90, 70, 50, 30])
        np.testing.assert_allclose(ends.get_lines()[0].get_ydata(), 0.5)
        np.testing.assert_allclose(norms.get_lines()[0].get_ydata(), 5)
        self.assertEqual(len(functions.get_lines()), 8)
        _, (first, second) = page.table
        self.assertEqual(first[1:], ["0.00", "0.00 to 0.00", "0.01"])
        self.assertEqual(second[1:], ["20.00", "20.00 to 20.00", "0.01"])

    def test_what_never_happens(self):
        path = self.planted()
        with h5py.File(path, "r+") as file:
            file["alignment"][3 * 5 + 1] = 0.5  # one seed of the greatest size never aligns
        times = self.draw(path, "--figure", "scaling-path").panels[0]
        self.assertEqual(len(times.get_lines()[0].get_ydata()), 3)
        self.assertEqual(len(times.get_lines()[1].get_ydata()), 4)

    def test_too_little(self):
        with self.assertRaisesRegex(PlotError, "three values of init_scale"):
            self.draw(self.sweep("two", self.fixed, "init_scale: [0.1, 1]"), "--figure", "scaling-path")
        without = self.fixed.replace("record_diagnostics: [alignment], ", "")
        with self.assertRaisesRegex(PlotError, "record_diagnostics"):
            self.draw(self.sweep("none", without, "init_scale: [0.01, 0.1, 1]"), "--figure", "scaling-path")

    def test_slope_of_medians(self):
        sizes, random = np.geomspace(1e-6, 1e-2, 5), np.random.default_rng(3)
        times = 3 * -np.log10(sizes) + random.standard_normal((20, 5))
        slope, low, high = scaling_path.slope(sizes, times)
        self.assertTrue(low < slope < high and low < -3 < high and high - low < 0.8, (slope, low, high))


if __name__ == "__main__":
    test_figures.WGF = sys.argv.pop(1)
    unittest.main()
