#!/usr/bin/python3
"""J* in figures of curves: a dashed line where it is known, of the height that the result has.

Usage: test_optimum_lines.py WGF [unittest arguments]
"""

import sys
import unittest

import test_figures
from plot.optimum import fits
from plot.result import read_results


class OptimumLines(test_figures.Sweeping):
    small = "data: sinus, n: 12, width: 20, steps: 6, output: mean"

    def seen(self, path, *arguments):
        """The heights of dashed lines, and the legend's words on them."""
        page = self.draw(path, "--figure", "objective-time", *arguments)
        self.assert_picture(page)
        lines = [line for axes in page.panels for line in axes.get_lines() if line.is_dashed()]
        words = [text.get_text() for text in page.figure.legends[0].get_texts()]
        return {round(float(line.get_ydata()[0]), 9) for line in lines}, [line for line in words if "optimum" in line]

    def test_each_value_has_a_line(self):
        fixed = f"{self.small}, layers: both, init_scale: 0.3"
        path = self.sweep("decay", fixed, "weight_decay: [0.01, 0.02], gamma: [0.01, 0.02]")
        optima = {round(job.value("objective_optimal"), 9) for job in read_results([path]).jobs}
        heights, words = self.seen(path, "--linear")
        self.assertEqual(heights, optima)
        self.assertEqual(len(optima), 2)
        self.assertEqual(len(words), 1)
        self.assertNotIn("=", words[0])
        heights, words = self.seen(path, "--linear", "--where", "weight_decay=0.01")
        self.assertEqual(len(heights), 1)
        self.assertIn("= 0.5355", words[0])

    def test_unknown_optima_have_none(self):
        path = self.sweep("none", f"{self.small}, weight_decay: 0.1", "init_scale: [0.1, 1]")
        self.assertEqual(self.seen(path), (set(), []))
        path = self.sweep("bound", "n: 70, d: 30, width: 20, steps: 6, signs: positive", "init_scale: [0.1, 1]")
        self.assertEqual(self.seen(path), (set(), []))

    def test_other_curves_have_none(self):
        path = self.sweep("norms", self.small, "init_scale: [0.1, 1]")
        self.assertEqual(self.seen(path, "--y", "weight_norm"), (set(), []))

    def test_what_no_axis_shows_is_said(self):
        path = self.sweep("zero", self.small, "init_scale: [0.1, 1]")
        heights, words = self.seen(path, "--log", "y")
        self.assertEqual(heights, set())
        self.assertIn("= 0, below the axis", words[0])

    def test_near_and_far(self):
        for level, low, high, logarithmic, expected in (
            (0, 1, 2, False, True), (0, 1, 1.5, False, False), (0, 1e-9, 1, True, False), (0.2, 1, 2, True, True),
            (1e-3, 1, 2, True, False), (1e-3, 0.01, 2, True, True),
        ):  # fmt: skip
            self.assertEqual(fits(level, low, high, logarithmic), expected, (level, low, high, logarithmic))


if __name__ == "__main__":
    test_figures.WGF = sys.argv.pop(1)
    unittest.main()
