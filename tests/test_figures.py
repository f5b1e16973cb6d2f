#!/usr/bin/python3
"""Every figure of tools/plot.py from a tiny sweep that the program itself runs, and rates planted in synthetic data.

Usage: test_figures.py WGF [unittest arguments]
"""

import contextlib
import io
import os
import re
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
from PIL import Image

import plot.main
import plot.neuron_paths
from plot import fit
from plot.figures import FIGURES, alignment, learned_function, mean_field, pinning
from plot.jobs import spacing
from plot.result import PlotError, read_results
from plot.samples import samples

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
        return plot.main.draw(plot.main.parse_arguments([str(argument) for argument in arguments]))[0]

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
        fixed = "data: sinus, n: 12, method: jko, init: normal, init_scale: 1, grid_radius: 4, steps: 8"
        grids = self.sweep("grids", fixed, "gamma: [0.125, 0.25], grid: [24, 32, 48]")
        page = self.draw(widths, grids)
        self.assertEqual(len(page.panels), 4)
        self.assert_picture(page, hues=4)
        self.assertEqual(len(self.draw(widths).panels), 3)
        command = [WGF, "aggregate", widths, "--by", "width", "--value", "objective_final", "--stat", "median", "--csv"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        medians = np.loadtxt(printed.splitlines(), delimiter=",", skiprows=1)
        np.testing.assert_allclose(np.column_stack(page.panels[0].get_lines()[0].get_data()), medians, rtol=1e-14)

    def test_what_aggregate_prints_is_drawn(self):
        fixed = self.fixed.replace("gamma: 0.25, ", "")
        path = self.sweep("widths", fixed, "gamma: [0.1, 0.25], width: [10, 20, 40, 200], seed: {range: [0, 6]}")
        table = self.folder / "F.csv"
        command = [WGF, "aggregate", path, "--by", "width,gamma", "--value", "objective_final", "--csv"]
        table.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        page = self.draw(table, "--value", "objective_final")
        self.assertEqual(len(page.panels[0].get_lines()), 2)
        self.assertEqual(len(page.panels[0].collections), 2)  # bands of quartiles
        middles = np.loadtxt(table, delimiter=",", skiprows=1)[::2, 3]
        np.testing.assert_array_equal(page.panels[0].get_lines()[0].get_ydata(), middles)
        self.assert_picture(page, hues=2)
        table.write_text("width,gamma\n1,2\n")
        with self.assertRaisesRegex(PlotError, "is not what `wgf aggregate"):
            self.draw(table)

    def test_the_optimum_is_drawn_where_it_is_known(self):
        for more, drawn in (("", True), (", signs: positive", True), (", weight_decay: 0.1", False)):
            path = self.sweep("optimum", self.fixed + more + ", loss: mse", "width: [8, 16, 32], seed: [1, 2]")
            words = [text.get_text() for text in self.draw(path).panels[0].get_legend().get_texts()]
            self.assertEqual(any("optimum" in line for line in words), drawn, more)
            Path(path).unlink()

    def test_the_coupled_distance_pairs_by_sign_and_index(self):
        path = self.sweep("pairs", self.fixed.replace("steps: 4", "steps: 0"), "width: [4, 10, 22], seed: [1, 2]")
        table, widths = mean_field.complete_seeds(read_results([path]).jobs)
        self.assertEqual(list(widths), [4, 10, 22])
        np.testing.assert_array_equal(mean_field.coupled_distances(table), 0)  # initial neurons are nested

    def test_seeds_without_all_widths_are_left_out(self):
        path = self.sweep("part", self.fixed, "width: [4, 8, 16], seed: {range: [0, 4]}")
        with h5py.File(path, "r+") as file:
            file["status"][1] = 0
        table, _ = mean_field.complete_seeds(read_results([path]).jobs)
        self.assertEqual([row[0].parameters["seed"] for row in table], [0, 2, 3])

    def test_other_parameters_get_a_row_each(self):
        fixed = self.fixed.replace("gamma: 0.25, ", "").replace("scaling: mean_field, ", "")
        path = self.sweep("more", fixed, "method: [gd, prox], gamma: [0.1, 0.2], width: [4, 8, 16], seed: [1, 2]")
        page = self.draw(path, "--figure", "mean-field")
        starts = [axes.get_title("left").split(",\n")[0] for axes in page.panels[::3]]
        self.assertEqual(starts, ["gd, gamma 0.1", "gd, gamma 0.2", "prox, gamma 0.1", "prox, gamma 0.2"])
        with self.assertRaisesRegex(PlotError, "--where"):
            self.draw(path, "--figure", "mean-field", "--facet", "method")


class EveryFigure(Sweeping):
    """The figures that read traces, states and samples, each from a sweep of a second or less."""

    drawn = set()
    small = "data: sinus, n: 12, output: mean, init_scale: 1"

    def figure(self, name, *arguments, hues=2, given=True):
        self.drawn.add(name)
        page = self.draw(*arguments, "--wgf", WGF, *(["--figure", name] if given else []))
        self.assert_picture(page, hues)
        return page

    def test_inner(self):
        fixed = f"{self.small}, width: 20, method: prox, gamma: 1, steps: 3, inner_steps: 10, record_inner: 2"
        path = self.sweep("inner", fixed, "metric: [frobenius, wasserstein]")
        page = self.figure("inner", path, given=False)
        distances = [line.get_ydata() for line in page.panels[2].get_lines() if len(line.get_xdata()) == 5]
        self.assertEqual(len(distances), 3)
        with h5py.File(path) as file:
            np.testing.assert_array_equal(np.concatenate(distances), file["inner_distance"][0])
            np.testing.assert_array_equal([line[-1] for line in distances], file["distance"][0][1:])

    def test_constraints(self):
        fixed = f"{self.small}, method: jko, grid: 8, init: grid, gamma: 1, steps: 3, record_inner: 2"
        path = self.sweep("constraints", fixed, "solver: [newton, dykstra]")
        page = self.figure("constraints", path, given=False)
        with h5py.File(path) as file:
            used = file["inner_steps_used"][:, 1:].astype(int) // 2
            for axes, title, k in zip(page.panels, ("dykstra", "newton"), (1, 0)):
                self.assertTrue(axes.get_title("left").endswith(title))
                lines = [line for line in axes.get_lines() if len(line.get_xdata())]
                self.assertEqual([len(line.get_xdata()) for line in lines], [*used[k], *used[k]][-3 - 3 * k :])
                names = ("inner_constraint_even", "inner_constraint_odd")[1 - k :]  # newton's even ones are 0
                recorded = [file[name][k] for name in names]
                drawn = np.concatenate([line.get_ydata() for line in lines])
                np.testing.assert_array_equal(drawn, np.concatenate([one[np.isfinite(one)] for one in recorded]))
                self.assertEqual(lines[0].get_xdata()[0], 2)
        path = self.sweep("rarely", f"{fixed}, record_every: 2", "solver: [newton, dykstra]")
        with self.assertRaisesRegex(PlotError, "record_every"):
            self.draw(path, "--figure", "constraints")

    def test_neurons(self):
        fixed = f"{self.small}, init: grid, width: 32, scaling: mean_field, steps: 6, save: all"
        page = self.figure("neurons", self.sweep("neurons", fixed, "gamma: [0.5, 1]"), given=False)
        silent = page.panels[0].collections[-1].get_offsets()
        self.assertGreater(len(silent), 0)
        self.assertTrue(np.all(silent[:, 1] < -0.5 * np.abs(silent[:, 0])))  # x in [-1/2, 1/2] cannot activate these

    def test_neurons_that_slide_and_die(self):
        """What is drawn as slides, kinks and deaths is what the program counts, of either order of both weights."""
        fixed = "data: sinus, n: 12, width: 60, output: mean, method: flow, steps: 300, save: all"
        path = self.sweep("slides", fixed, "init_scale: [1.0e-3, 0.03], gamma: [2.0e-3, 0.05]")
        at_origin = 0
        for inputs in (["--inputs", "1,0"], []):
            page = self.figure("neurons", path, *inputs, hues=3)
            for axes, job in zip(page.panels, read_results([path], {}).jobs):
                quiet = np.flatnonzero(job.trace["events"][1:] == 0)
                inside = np.linspace(0, 1, 12) - 0.5
                drawn = plot.neuron_paths.sliding(job.state(), np.column_stack([inside, np.ones(12)]))
                self.assertEqual(plot.neuron_paths.sliding(job.state()[:1], np.eye(2)).shape, (0, 60))
                np.testing.assert_array_equal(drawn[quiet].sum(axis=1), np.rint(60 * job.trace["sliding"][quiet]))
                slides = np.concatenate([one.get_segments() for one in axes.collections if one.get_linewidth() == 5])
                self.assertEqual(len(slides), drawn.sum())
                kinks = next(one.get_segments() for one in axes.collections if one.get_linewidth() == 0.5)
                normals = np.array([[-high, wide] for _, (wide, high) in kinks])
                self.assertEqual(len(normals), 12)
                across = np.abs(slides @ (normals / np.linalg.norm(normals, axis=1)[:, None]).T).max(axis=1)
                self.assertLess(across.min(axis=1).max(), 1e-9 * np.abs(slides).max())
                deaths = next(one.get_offsets() for one in axes.collections if one.get_linewidth() == 1.2)
                self.assertEqual(deaths.tolist(), [[0, 0]] * int(job.trace["at_origin"][-1] > 0))
                at_origin += len(deaths)
                self.assertIn(f"{job.trace['sliding'][-1]:.0%} slide", axes.get_title("left").replace("\n", " "))
        self.assertGreater(at_origin, 2)

    def test_alignment(self):
        fixed = "data: sinus, n: 12, output: mean, width: 40, scaling: mean_field, gamma: 0.002, steps: 500, save: all"
        page = self.figure("alignment", self.sweep("scales", fixed, "init_scale: [0.001, 1]"), given=False)
        small, large = (page.panels[k].get_lines()[0].get_ydata() for k in (6, 7))
        self.assertLess(small[-1], 0.2 * large[-1])

    def test_learned_function(self):
        grid = "grid: 16, grid_radius: 4"
        fixed = f"{self.small}, width: 40, {grid}, gamma: 0.3, scaling: mean_field, steps: 9, save: all"
        path = self.sweep("learned", fixed, "method: [gd, prox, jko]")
        page = self.figure("learned-function", path, given=False)
        self.assertEqual(len(page.panels), 3)
        for job in read_results([path]).jobs:
            inputs, labels = samples(job, plot.main.parse_arguments([path, "--wgf", WGF]))
            objective = np.mean((learned_function.outputs(job, inputs) - labels) ** 2, axis=1)
            np.testing.assert_allclose(objective, job.trace["objective"], rtol=1e-12)

    def test_masses(self):
        grid = "method: jko, grid: 16, grid_radius: 4, init: normal, init_scale: 1"
        fixed = f"data: sinus, n: 12, {grid}, gamma: 1, steps: 9, save: all"
        path = self.sweep("masses", fixed, "epsilon: [0.1, 0.3]")
        self.assertEqual(len(self.figure("masses", path, given=False).panels), 16)
        self.drawn.add("animation")
        self.assertEqual(plot.main.main([path, "--figure", "animation"]), 0)
        with Image.open(path.replace(".h5", ".gif")) as film:
            self.assertEqual(film.n_frames, 10)
            frames = []
            for k in (0, 9):
                film.seek(k)
                frames.append(np.array(film.convert("RGB"), float))
        self.assertGreater(np.mean(np.ptp(frames[0], axis=2) > 60), 0.01)
        self.assertGreater(np.abs(frames[0] - frames[1]).max(), 60)

    def test_agreement(self):
        fixed = f"{self.small}, width: 30, method: prox, steps: 5, record_distances: all"
        swept = "gamma: [1.0e-4, 1.0e-3, 1, 10, 100], seed: [1, 2, 3], metric: [frobenius, wasserstein]"
        path = self.sweep("agree", fixed, swept)
        page = self.figure("agreement", path, given=False)
        self.assertGreaterEqual(page.thresholds[""], 1e-3)
        self.assertLess(page.thresholds[""], 100)
        medians = page.panels[0].get_lines()[0].get_ydata()
        first, last = (list(read_results([path], [f"gamma = {gamma}"], WGF).jobs) for gamma in ("0.0001", "100"))
        worst = []
        for pair in zip(last[::2], last[1::2]):
            one, two = (job.trace["objective"] for job in pair)
            worst.append(np.max(np.abs(one - two)) / one[0])
        self.assertAlmostEqual(medians[-1], np.median(worst))
        np.testing.assert_array_equal(first[0].trace["objective"], first[1].trace["objective"])

    def test_flow_error(self):
        """Against the arrays of the file, at the time that all step sizes have; one neuron is put on another branch."""
        fixed = f"{self.small}, width: 20, scaling: mean_field, steps: 16, save: all, inner_steps: 1000"
        swept = "method: [gd, prox, flow], gamma: [0.01, 0.02, 0.04, 0.08], seed: [1, 2, 3]"
        path = self.sweep("errors", fixed, swept)
        with h5py.File(path, "r+") as file:
            gamma, seed, method = file["gamma"][:], file["seed"][:], file["method"].asstr()[:]
            steps = np.rint(0.16 / gamma).astype(int)
            F = file["objective"][:][np.arange(36), steps]
            states = file["state"][:].reshape(36, 17, 20, 2)
            parted = np.flatnonzero((method == "gd") & (gamma == 0.08) & (seed == 2))[0]
            end = states[parted, steps[parted]]
            end[end[:, 1].argmax()] = [0, -3]  # activates nothing
            file["state"][:] = states.ravel()
            W = states[np.arange(36), steps]
        page = self.figure("flow-error", path, given=False)
        for k, name in enumerate(("gd", "prox")):
            own = [np.flatnonzero((method == name) & (gamma == one)) for one in (0.01, 0.02, 0.04, 0.08)]
            flow = np.flatnonzero((method == "flow") & (gamma == 0.01))
            errors = [np.abs(F[jobs] - F[flow]) for jobs in own]
            distances = [np.sqrt(np.sum((W[jobs] - W[flow]) ** 2, axis=(1, 2)) / 20) for jobs in own]
            for panel, values in zip(page.panels, (errors, distances)):
                line = [one for one in panel.get_lines() if one.get_linestyle() == "-"][k]
                np.testing.assert_allclose(line.get_ydata(), np.median(values, axis=1), rtol=1e-12)
        self.assertEqual([row[:2] for row in page.table[1]], [["", "gd"], ["", "prox"]])
        self.assertEqual([row[-2:] for row in page.table[1]], [["0.04", "0.08"], ["0.08", "0.08"]])
        for row in page.table[1]:
            for cell in row[2:4]:
                self.assertAlmostEqual(float(cell.split()[0]), 1, delta=0.2)
        with contextlib.redirect_stdout(io.StringIO()) as said:
            self.assertEqual(plot.main.main([path, "--wgf", WGF, "--figure", "flow-error", "--table"]), 0)
            self.assertEqual(plot.main.main([path, "--figure", "objective-time"]), 0)
        self.assertEqual(len(said.getvalue().splitlines()), 4)
        with self.assertRaisesRegex(PlotError, "states of method flow"):
            self.draw(path, "--figure", "flow-error", "--where", "method=gd")
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(plot.main.main([path, "--figure", "objective-time", "--table"]), 1)
        self.assertIn("no table of numbers", said.getvalue())

    def test_pinning(self):
        fixed = "data: sinus, n: 12, method: jko, init: normal, init_scale: 1, grid_radius: 4, gamma: 0.1, steps: 10"
        path = self.sweep("pins", fixed, "epsilon: [1.0e-4, 0.01, 0.05, 0.2, 1, 10], grid: [12, 16, 24]")
        particles = self.sweep(
            "flow", f"{self.small}, scaling: mean_field, gamma: 0.01, steps: 100, width: 4000", "seed: [1, 2]"
        )
        page = self.figure("pinning", path, particles, hues=4)
        self.assertEqual(len(page.panels[0].collections[0].get_array().ravel()), 18)
        self.assertTrue(1 < page.rate.exponent < 3, page.rate)
        pinned = {job.row for job in read_results([path]).jobs if job.message().startswith("epsilon pins")}
        job = read_results([path]).jobs[0]
        start = 2 * 0.1 * pinning.steepest(job, plot.main.parse_arguments([path, "--wgf", WGF]))
        jobs = [job for job in read_results([path]).jobs if spacing(job) > start]
        expected = {job.row for job in jobs if job.value("epsilon") < spacing(job) ** 2 / 2}
        self.assertEqual(pinned, expected)  # the bounds drawn are those of the program's warning

    def test_heat_map_and_gantt(self):
        path = self.sweep("map", f"{self.small}, steps: 5", "gamma: [0.1, 0.2], width: [8, 16, 32], seed: [1, 2, 3]")
        page = self.figure("heat-map", path, hues=4)
        with h5py.File(path) as file:
            want = np.median(file["objective_final"][:].reshape(2, 3, 3), axis=2).T
        np.testing.assert_array_equal(page.panels[0].get_images()[0].get_array(), want)
        self.figure("heat-map", path, "--x", "width", "--y", "seed", "--value", "objective_initial")
        with self.assertRaisesRegex(PlotError, "beauty"):
            self.figure("heat-map", path, "--x", "beauty")
        page = self.figure("gantt", path)
        bars = page.panels[0].collections[0].get_paths()
        self.assertEqual(len(bars), 18)

    def test_curves(self):
        fixed = f"{self.small}, width: 20, method: prox, steps: 6, record_distances: all"
        path = self.sweep("curves", fixed, "metric: [frobenius, wasserstein], gamma: [0.1, 1, 10]")
        self.figure("objective-distance", path, given=False)
        self.figure("objective-time", path)
        self.figure("distance-difference", path)

    def test_distance_without_a_floor(self):
        path = self.sweep("floor", f"{self.small}, steps: 6, grid: 8, width: 20", "method: [jko, prox]")
        for more, names in (([], ("distance_debiased", "distance")), (["--x", "distance"], ("distance", "distance"))):
            page = self.figure("objective-distance", path, *more)
            lines = [line for axes in page.panels for line in axes.get_lines()]
            curves = [line.get_xdata() for line in lines if len(line.get_xdata()) > 2]
            with h5py.File(path) as file:
                np.testing.assert_array_equal(curves, [file[name][job, 1:] for job, name in enumerate(names)])

    @classmethod
    def tearDownClass(cls):
        elsewhere = {"mean-field", "sliced-exact", "width-time", "scaling-path", "grid-scale"}  # in other tests
        missing = set(FIGURES) - cls.drawn - elsewhere
        assert not missing or len(sys.argv) > 1, f"figures without a test: {missing}"


class BeyondThePlane(Sweeping):
    """Neurons of any number of inputs have a picture: principal axes, chosen inputs, angles to the data."""

    def run_sweep(self):
        fixed = "data: random, n: 9, width: 8, steps: 5, inner_steps: 5, save: all, gamma: 0.1"
        return self.sweep("deep", fixed, "method: [gd, prox], d: [1, 3, 5]")

    def draw(self, *arguments):
        return super().draw(*arguments, "--wgf", WGF)

    def jobs(self, path):
        for job in read_results([path]).jobs:
            inputs, labels = samples(job, plot.main.parse_arguments([path, "--wgf", WGF]))
            yield job, job.state(), inputs, labels

    def test_every_figure_of_neurons_draws_every_d(self):
        path = self.run_sweep()
        for where in ([], ["--where", "d=1"]):
            for name in ("neurons", "alignment", "learned-function"):
                self.assert_picture(self.draw(path, "--figure", name, *where))
        film = self.folder / "neurons.gif"
        for d in (1, 5):
            self.draw(path, "--figure", "animation", "--where", f"d={d}").save(film)
            with Image.open(film) as frames:
                self.assertEqual(frames.n_frames, 6)

    def test_paths_are_those_of_two_principal_axes_or_of_two_inputs(self):
        path = self.run_sweep()
        deep = [(state, job.row) for job, state, *_ in self.jobs(path) if job.value("d") == 5]
        _, squares, axes = np.linalg.svd(np.concatenate([state.reshape(-1, 5) for state, _ in deep]))
        for inputs, turn in ((["--inputs", "4,1"], np.eye(5)[:, [4, 1]]), ([], axes[:2].T)):
            page = self.draw(path, "--figure", "neurons", "--where", "d=5", *inputs)
            self.assertEqual(len(page.panels), len(deep))
            for panel, (state, _) in zip(page.panels, deep):
                got = [curve for lines in panel.collections[:1] for curve in lines.get_segments()]
                want = np.swapaxes(state @ turn, 0, 1)[: len(got)]
                np.testing.assert_allclose(np.abs(got), np.abs(want), atol=1e-12)
        self.assertIn(f"{squares[0] ** 2 / np.sum(squares**2):.0%}", self.draw(
            path, "--figure", "neurons", "--where", "d=5").panels[0].get_xlabel())

    def test_norms_and_angles_to_the_data(self):
        path = self.run_sweep()
        page = self.draw(path, "--figure", "alignment", "--where", "d=3", "--where", "method=gd")
        job, state, inputs, _ = next(one for one in self.jobs(path) if one[0].value("d") == 3)
        seen = (state[0] @ inputs.T > 0).any(axis=1)
        norms = np.linalg.norm(state, axis=2)
        cosines = state @ inputs.T / norms[:, :, None] / np.linalg.norm(inputs, axis=1)
        want = np.degrees(np.arccos(np.clip(cosines.max(axis=2), -1, 1)))
        for panel, values in ((page.panels[1], norms), (page.panels[2], want)):
            records = alignment.log_spaced(5)
            got = [line.get_ydata() for line in panel.get_lines() if len(line.get_ydata()) == len(records)]
            np.testing.assert_allclose(np.transpose(got), values[records][:, seen], rtol=1e-7)

    def test_the_function_along_an_input(self):
        path = self.run_sweep()
        page = self.draw(path, "--figure", "learned-function", "--where", "d=3", "--inputs", "2")
        for panel, (job, state, inputs, labels) in zip(
            page.panels, (one for one in self.jobs(path) if one[0].value("d") == 3)
        ):
            *_, last, data = panel.get_lines()
            np.testing.assert_array_equal(np.transpose([inputs[:, 2], labels]), np.transpose(data.get_data()))
            points = np.tile(inputs.mean(axis=0), (len(last.get_xdata()), 1))
            points[:, 2] = last.get_xdata()
            alpha = np.repeat([1.0, -1.0], 4) / (8 if job.value("output") == "mean" else 1)
            np.testing.assert_allclose(last.get_ydata(), alpha @ np.maximum(0, state[-1] @ points.T), atol=1e-12)

    def test_where_is_the_language_of_the_program(self):
        path = self.run_sweep()
        page = self.draw(path, "--figure", "neurons", "--where", "d in [3, 5] and method = gd", "--where", "not d = 5")
        titles = [axes.get_title("left") for axes in page.panels]
        wanted = read_results([path], ["d=3,method=gd"], WGF).jobs
        self.assertEqual((len(titles), {job.value("d") for job in wanted}), (len(wanted), {3}))
        for words, said in (("dd = 3", "did you mean"), ("objective < 1", "is a trace"), ("d = 99", "no finished job")):
            with self.assertRaisesRegex(PlotError, said):
                self.draw(path, "--where", words)
        with self.assertRaisesRegex(PlotError, "name the program with --wgf"):
            read_results([path], ["d = 3"], self.folder / "absent")

    def test_inputs_that_are_not_there(self):
        path = self.run_sweep()
        for figure, inputs in (("neurons", "0,5"), ("neurons", "1"), ("alignment", "0,7"), ("learned-function", "0,1")):
            with self.assertRaisesRegex(PlotError, "--inputs takes"):
                self.draw(path, "--figure", figure, "--where", "d=5", "--inputs", inputs)


class PlantedRates(Sweeping):
    x = np.geomspace(10, 1e4, 7)

    def test_bootstrap(self):
        random = np.random.default_rng(5)
        for planted in (-1.0, -0.5, 0.75):
            samples = 3 * self.x**planted * np.exp(0.4 * random.standard_normal((60, len(self.x))))
            rate = fit.bootstrap_rate(self.x, samples, np.median)
            self.assertTrue(rate.low <= planted <= rate.high, rate)
            self.assertLess(rate.high - rate.low, 0.15)
            self.assertAlmostEqual(np.log(rate.factor / 3), 0, delta=0.3)

    def test_regression(self):
        random = np.random.default_rng(6)
        rate = fit.regression_rate(self.x, 0.2 * self.x**2 * np.exp(0.05 * random.standard_normal(len(self.x))))
        self.assertTrue(rate.low <= 2 <= rate.high, rate)
        self.assertLess(rate.high - rate.low, 0.2)

    def test_limit_of_grids(self):
        pairs = [(gamma, h) for gamma in (0.1, 0.2, 0.4) for h in (0.02, 0.05, 0.1)]
        points = [(gamma, h, 0.4 + 0.02 * gamma + 0.3 * h**2 / gamma) for gamma, h in pairs]
        limit, reach = mean_field.grid_limit(points)
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
