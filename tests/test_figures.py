#!/usr/bin/python3
"""Every figure of tools/plot.py from a tiny sweep that the program itself runs, and rates planted in synthetic data.

Usage: test_figures.py WGF [unittest arguments]
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import h5py
import matplotlib.image
import numpy as np

import plot
import plot_fit
import plot_limit
from plot_result import PlotError, read_results

WGF = ""
TEXT = h5py.string_dtype()


class Sweeping(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def sweep(self, name, fixed, swept):
        """Runs a spec and returns the path of its result."""
        spec, result = self.folder / f"{name}.yaml", self.folder / f"{name}.h5"
        spec.write_text(f"name: {name}\ndescription: tiny\nfixed: {{{fixed}}}\nsweep: {{{swept}}}\n")
        done = subprocess.run([WGF, "run", spec, "-o", result, "--quiet"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return str(result)

    def draw(self, *arguments):
        options = plot.parse_arguments([str(argument) for argument in arguments])
        return plot.draw(options)

    def assert_picture(self, page, hues=1, most=300_000):
        """The page saves as a PNG of reasonable size that is not blank: ink, and colours apart from grey."""
        path = self.folder / "picture.png"
        page.save(path)
        self.assertLess(path.stat().st_size, most)
        pixels = matplotlib.image.imread(path)[:, :, :3]
        self.assertGreaterEqual(pixels.shape[1], 900)
        self.assertGreater(np.mean(pixels.min(axis=2) < 0.5), 0.002)
        coloured = pixels[np.ptp(pixels, axis=2) > 0.25]
        self.assertGreater(len(coloured), 300)
        self.assertGreaterEqual(len(np.unique((coloured * 4).astype(int), axis=0)), hues)


class MeanField(Sweeping):
    fixed = "data: sinus, n: 12, output: mean, scaling: mean_field, init_scale: 1, gamma: 0.25, steps: 4, save: last"

    def test_widths_and_grids(self):
        widths = self.sweep("widths", self.fixed, "width: [10, 20, 40, 80], seed: {range: [0, 6]}")
        grids = self.sweep(
            "grids", "data: sinus, n: 12, method: jko, init: normal, init_scale: 1, grid_radius: 4, steps: 8",
            "gamma: [0.125, 0.25], grid: [24, 32, 48]",
        )  # fmt: skip
        page = self.draw(widths, grids)
        self.assertEqual(len(page.panels), 4)
        self.assert_picture(page, hues=4)
        self.assertEqual(len(self.draw(widths).panels), 3)

    def test_the_coupled_distance_pairs_by_sign_and_index(self):
        path = self.sweep("pairs", self.fixed.replace("steps: 4", "steps: 0"), "width: [4, 10, 22], seed: [1, 2]")
        table, widths = plot_limit.complete_seeds(read_results([path], {}).jobs)
        self.assertEqual(list(widths), [4, 10, 22])
        np.testing.assert_array_equal(plot_limit.coupled_distances(table), 0)  # initial neurons are nested

    def test_seeds_without_all_widths_are_left_out(self):
        path = self.sweep("part", self.fixed, "width: [4, 8, 16], seed: {range: [0, 4]}")
        with h5py.File(path, "r+") as file:
            file["status"][1] = 0
        table, _ = plot_limit.complete_seeds(read_results([path], {}).jobs)
        self.assertEqual([row[0].parameters["seed"] for row in table], [0, 2, 3])

    def test_jobs_that_differ_in_more_are_refused(self):
        path = self.sweep("more", self.fixed.replace("gamma: 0.25, ", ""), "gamma: [0.1, 0.2], width: [4, 8, 16], seed: [1, 2]")
        with self.assertRaisesRegex(PlotError, "--where"):
            self.draw(path, "--figure", "mean-field")


class PlantedRates(Sweeping):
    x = np.geomspace(10, 1e4, 7)

    def test_bootstrap(self):
        random = np.random.default_rng(5)
        for planted in (-1.0, -0.5, 0.75):
            samples = 3 * self.x**planted * np.exp(0.4 * random.standard_normal((60, len(self.x))))
            rate = plot_fit.bootstrap_rate(self.x, samples, np.median)
            self.assertTrue(rate.low <= planted <= rate.high, rate)
            self.assertLess(rate.high - rate.low, 0.15)
            self.assertAlmostEqual(np.log(rate.factor / 3), 0, delta=0.3)

    def test_regression(self):
        random = np.random.default_rng(6)
        rate = plot_fit.regression_rate(self.x, 0.2 * self.x**2 * np.exp(0.05 * random.standard_normal(len(self.x))))
        self.assertTrue(rate.low <= 2 <= rate.high, rate)
        self.assertLess(rate.high - rate.low, 0.2)

    def test_limit_of_grids(self):
        points = [(gamma, h, 0.4 + 0.02 * gamma + 0.3 * h**2 / gamma) for gamma in (0.1, 0.2, 0.4) for h in (0.02, 0.05, 0.1)]
        limit, reach = plot_limit.grid_limit(points)
        self.assertAlmostEqual(limit, 0.4, places=10)
        self.assertLess(reach, 1e-8)

    def test_through_the_figure(self):
        """Widths whose weights and objective leave the widest run's like 1/m and 1/sqrt(m)."""
        path = self.sweep("planted", MeanField.fixed, "width: [20, 80, 320, 1280, 20480], seed: {range: [0, 40]}")
        random = np.random.default_rng(7)
        with h5py.File(path, "r+") as file:
            widths, starts, sizes = file["width"][:], file["state_start"][:], file["state_rows"][:]
            inverse = 1 / widths - 1 / widths[-1]
            file["objective_final"][:] = 0.4 + np.sqrt(inverse) * random.standard_normal(len(widths))
            for seed in range(40):
                jobs = np.flatnonzero(file["seed"][:] == seed)
                last = file["state"][starts[jobs[-1]] :][: 2 * sizes[jobs[-1]]].reshape(-1, 2)
                for job in jobs[:-1]:
                    half = sizes[job] // 2
                    near = np.concatenate([last[:half], last[sizes[jobs[-1]] // 2 :][:half]])
                    near += np.sqrt(inverse[job]) * random.standard_normal(near.shape)
                    file["state"][starts[job] : starts[job] + 2 * sizes[job]] = near.ravel()
        rates = self.draw(path).rates
        for name, planted in (("deviation", -0.5), ("distance", -1.0)):
            self.assertTrue(rates[name].low - 0.02 <= planted <= rates[name].high + 0.02, (name, rates[name]))
            self.assertLess(rates[name].high - rates[name].low, 0.25)


if __name__ == "__main__":
    WGF = str(Path(sys.argv.pop(1)).resolve())
    unittest.main()
