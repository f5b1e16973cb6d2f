#!/usr/bin/python3
"""Every legal value of every parameter as an axis of a figure or of the report: a picture or one sentence.

Each parameter meets every third figure, each figure every third parameter; with WGF_ALL in the environment, all.
The values come from the table that `wgf params --markdown` prints. Texts of a picture overlap nowhere.
Usage: test_axes.py WGF [unittest arguments]
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import warnings
from pathlib import Path
from unittest import mock

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import h5py
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.layout_engine import ConstrainedLayoutEngine
from overlaps import overlaps, texts

import plot.main
import report.page
from plot.figures import FIGURES, alignment, inner, learned_function, masses, neurons
from plot.result import PlotError

WGF = ""
ALL = "WGF_ALL" in os.environ
ODD = "odd $x^{ _name, of a file.csv"
LONG = "long-" + 20 * "name-" + ".csv"
OUTCOMES = ("pictures", "sentences", "reports")
# Parameters whose large values cost nothing, those whose values are few, the settings of all sweeps and of some.
MAY_BE_LARGE = ("seed", "data_seed", "record_every", "record_inner", "stop_objective", "stop_change")
FEW = {"d": [2, 3], "width": [2, 8, 18], "grid2": [0, 2, 3], "init": ["normal", "grid"],
       "layers": ["first", "both", "second"], "inner": ["gd", "fixed_point"], "start": ["previous", "zero"],
       "data": ["random", "linear", "sinus", "three_points", "file", "teacher"], # orthogonal: with data_seed
       "loss": ["mse", "huber"], "label": [0, 1], "inputs": [0],
       "transport_p": [1, 2], "stop_when": ["none", "step >= 1"],
       "record_diagnostics": ["none", "moving"]}
FIXED = {
    "data": "sinus", "n": 3, "width": 2, "steps": 2, "inner_steps": 3, "grid": 4, "grid_radius": 4,
    "data_file": "samples.csv", "init_file": "neurons.csv", "save": "all", "record_distances": "all", "record_inner": 1,
    "reference_file": "run.h5",
}  # fmt: skip
NEEDS = {
    "d": {"data": ["random"], "method": ["gd"]}, "n": {"data": ["random"]}, "layers": {"method": ["gd"]},
    "init_alpha": {"method": ["gd"], "layers": ["both"]},
    "data_seed": {"data": ["orthogonal"], "d": [3], "method": ["gd", "prox"]},
    "parametrisation": {"method": ["gd", "prox"]},
    "init_file": {"method": ["gd"], "width": [4]},
    **dict.fromkeys(("init_job", "init_record"), {"init_file": ["run.h5"], "method": ["gd", "prox"]}),
    "confine": {"method": ["gd", "prox", "jko", "flow"]},
    **dict.fromkeys(("entropy", "anneal"), {"method": ["gd", "jko"], "output": ["mean"], "scaling": ["mean_field"]}),
    **dict.fromkeys(("record_diagnostics", "direction_tol", "moving_tol"), {"method": ["gd", "prox", "flow"]}),
    **dict.fromkeys(("metric", "sinkhorn_tol"), {"epsilon": [0.1]}),
    "epsilon": {"method": ["jko"]}, "kernel": {"method": ["gd", "prox"]},
    "weight_decay": {"method": ["gd", "prox"]}, "loss": {"method": ["gd", "prox"]},
    "huber_delta": {"method": ["gd", "prox"]},
    **dict.fromkeys(("inner_momentum", "adam_beta1", "adam_beta2", "adam_eps", "inner_memory", "beta_decay"),
                    {"beta": [0.01]}),
}  # fmt: skip
FLOWS, PROX, JKO = {"method": ["gd", "prox", "jko", "flow"]}, {"method": ["prox"]}, {"method": ["jko"]}
# For each figure the axes with which gamma gives it something to draw.
FACETED = {
    "mean-field": {"method": ["gd"], "width": [2, 4, 8], "seed": [1, 2]},
    "flow-error": {"method": ["flow", "prox"], "steps": [2, 20]},
    "width-time": {"method": ["gd"], "scaling": ["mean_field"], "width": [2, 4, 8], "seed": [1, 2]},
    "sliced-exact": {**PROX, "metric": ["frobenius", "sliced"], "data": ["random"], "d": [2, 3]},
    "scaling-path": {"method": ["gd"], "init_scale": [0.01, 0.1, 1], "record_diagnostics": ["alignment"]},
    "agreement": {**PROX, "metric": ["frobenius", "wasserstein"], "gamma": [0.1, 1], "seed": [1, 2]},
    "pinning": {**JKO, "grid": [4, 6, 8], "epsilon": [0.1, 1, 10]},
    "grid-scale": {"method": ["gd", "jko"], "grid": [4, 6], "epsilon": [0.1, 1]},
    "heat-map": {**PROX, "width": [2, 4], "beta": ["auto", 0.1]},
    "inner": PROX, "alignment": PROX, "masses": JKO, "animation": JKO, "constraints": JKO,
    **dict.fromkeys(("neurons", "learned-function", "objective-distance", "distance-difference"), PROX),
    "gantt": FLOWS, "objective-time": FLOWS,
}  # fmt: skip


def table():
    """(name, words of its values, range, readers) of every parameter."""
    done = subprocess.run([WGF, "params", "--markdown"], capture_output=True, text=True, check=True)
    rows = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in done.stdout.splitlines()[2:]]
    return [(row[0].strip(" `"), *row[1:4]) for row in rows]


def legal_values(name, words, bounds):
    """Values of a parameter: each choice, auto, none, its least, tiny, common and large ones."""
    kind, default = re.match(r"(.*) \((.*)\)$", words).groups()
    if name in FEW:
        return FEW[name]
    if name == "reference_file":
        return ["run.h5", "run " + ODD]
    if name == "start_file":
        return ["duals.h5", "duals " + ODD]
    if kind == "path":
        return ["neurons.csv", "neurons " + ODD] if name == "init_file" else ["samples.csv", ODD, LONG]
    if not kind.startswith(("int", "float")):
        return kind.split(", ")
    least = float(re.search(r"-?\d+", bounds)[0])
    values = [] if bounds.startswith("> ") else [int(least)]
    if kind.startswith("int"):
        values += [int(least) + 1, int(least) + 3] + ([2**53] if name in MAY_BE_LARGE else [])
    else:
        values += ["1.0e-300", "1.0e-3", 0.25, 0.2500001] + (["1.0e+300"] if name in MAY_BE_LARGE else [])
    return values + [word for word in ("auto", "last") if f"or {word}" in kind]


def readers(words):
    """{parameter: values} with which jobs read a parameter: all methods that do, of others one value."""
    pairs = dict(clause.split(": ") for clause in words.split("; ") if ": " in clause)
    found = {name: [choices.split(", ")[-1 if name == "data" else 0]] for name, choices in pairs.items()}
    return {**found, "method": pairs.get("method", "gd, prox, jko, flow, wfr, pde").split(", ")}


def quoted(value):
    return str(value) if re.match(r"[\d.e+-]+$|auto$|last$", str(value)) else f'"{value}"'


class EveryAxis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        for name in ("samples.csv", ODD, LONG):
            (cls.folder / name).write_text("".join(f"{k / 4 - 0.3},{(-1) ** k * k}\n" for k in range(3)))
        for name in ("neurons.csv", "neurons " + ODD):
            rows = [f"{k / 3 - 1},{1 - k / 2},{sign}\n" for sign in (1, -1) for k in (0, 3)]
            (cls.folder / name).write_text("".join(rows))
        for name in ("duals.h5", "duals " + ODD):
            with h5py.File(cls.folder / name, "w") as file:
                file["coefficients"] = np.zeros((3, 12))
        spec = "name: run\nfixed: {data: sinus, n: 3, width: 2, steps: 3, save: all}\nsweep: {seed: [1, 2, 3, 4]}\n"
        (cls.folder / "run.yaml").write_text(spec)
        subprocess.run([WGF, "run", "run.yaml", "-o", "run.h5", "--quiet"], cwd=cls.folder, check=True)
        shutil.copy(cls.folder / "run.h5", cls.folder / ("run " + ODD))
        cls.counts = dict.fromkeys(("parameters", "values", "pairs of a value and a figure", *OUTCOMES), 0)
        cls.addClassCleanup(plt.rcParams.update, {"figure.dpi": plt.rcParams["figure.dpi"]})
        plt.rcParams["figure.dpi"] = 40

    def sweep(self, name, values, axes):
        """Runs a tiny sweep of a parameter's values and of other axes. Returns the result's path."""
        swept = {**axes, name: values}
        lines = [f"  {key}: {quoted(value)}" for key, value in FIXED.items()
                 if key not in swept and (name, key) != ("test_fraction", "n")]
        lines = ["name: axes", "fixed:", *lines, "sweep:"]
        lines += [f"  {key}: [{', '.join(map(quoted, own))}]" for key, own in swept.items()]
        spec, result = self.folder / f"{name}.yaml", self.folder / f"{name}.h5"
        spec.write_text("\n".join(lines) + "\n")
        command = [WGF, "run", spec.name, "-o", result.name, "--quiet", "--overwrite"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        self.assertIn(done.returncode, (0, 3), f"{spec.read_text()}\n{done.stderr}")
        return str(result)

    def draw(self, path, figure, *more):
        """A picture's page, or None after one sentence; any other outcome is an error."""
        try:
            page = plot.main.draw(plot.main.parse_arguments([path, "--figure", figure, "--wgf", WGF, *more]))[0]
        except PlotError as error:
            self.counts["sentences"] += 1
            self.assertRegex(str(error), r"^\S.{20,300}$")
            return None
        self.counts["pictures"] += 1
        return page

    def check(self, name, figure, path):
        """Draws a figure whose layout is left out: all its texts can be typeset, and no panel is empty."""
        with self.subTest(parameter=name, figure=figure), warnings.catch_warnings():
            warnings.simplefilter("error")
            page = self.draw(path, figure)
            for text in texts(page.figure, ticks=False) if hasattr(page, "figure") else []:
                text.get_window_extent(page.figure.canvas.get_renderer())
            self.assertEqual([axes for axes in panels(page) if not axes.has_data()], [])
        plt.close("all")

    def test_every_value_of_every_parameter(self):
        """Without layout and with few panels, which is faster; test_layout has both."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(mock.patch.object(ConstrainedLayoutEngine, "execute"))
            for module, most in ((neurons, "PANELS"), (learned_function, "PANELS"), (inner, "COLUMNS")):
                stack.enter_context(mock.patch.object(module, f"MOST_{most}", 2))
            for module, most in ((masses, "MOST_JOBS"), (alignment, "MOST_COLUMNS")):
                stack.enter_context(mock.patch.object(module, most, 1))
            stack.enter_context(mock.patch.object(masses, "COLUMNS", 2))
            for row, (name, words, bounds, read_with) in enumerate(table()):
                values, axes = legal_values(name, words, bounds), readers(read_with)
                axes.update(NEEDS.get(name, {}))
                axes.pop(name, None)
                path = self.sweep(name, values, axes)
                met = [figure for k, figure in enumerate([*FIGURES, "report"]) if (row + k) % 3 == 0 or ALL]
                for figure in met:
                    if figure != "report":
                        self.check(name, figure, path)
                        continue
                    with self.subTest(parameter=name, figure=figure):
                        self.assertIn("</html>", report.page.page(path, [])[0])
                    self.counts["reports"] += 1
                for what, count in zip(self.counts, (1, len(values), len(values) * len(met))):
                    self.counts[what] += count
                Path(path).unlink()

    def laid_out(self, path, *figures):
        """Draws figures as they are saved: nothing overlaps."""
        for figure in figures:
            with self.subTest(path=path, figure=figure), warnings.catch_warnings():
                warnings.simplefilter("error")
                page = self.draw(path, figure)
                if hasattr(page, "figure"):
                    page.figure.draw_without_rendering()
                    self.assertEqual(overlaps(page.figure), [])
                elif page:
                    page.save(self.folder / "film.gif")
            plt.close("all")

    def test_layout(self):
        """Texts of every kind, in the figures that show them: auto, numbers, paths; many jobs, and few."""
        found = {row[0]: legal_values(*row[:3]) for row in table()}
        self.laid_out(self.sweep("beta", found["beta"], {"method": ["prox", "jko"]}), *FIGURES)
        path = self.sweep("data_file", found["data_file"], {"method": ["prox", "gd"], "data": ["file"]})
        self.laid_out(path, "learned-function", "objective-time", "heat-map", "alignment")
        gammas, seeds = ["1.0e-3", "0.1", "1"], [1, 2, 3]
        path = self.sweep("beta", found["beta"], {"method": ["prox"], "width": [2, 4, 8], "seed": [1, 2]})
        self.laid_out(path, "mean-field", "heat-map")
        metrics = {"method": ["prox"], "metric": ["frobenius", "wasserstein"], "gamma": gammas, "seed": seeds}
        self.laid_out(self.sweep("beta", ["auto", "0.1"], metrics), "agreement")
        grids = {"method": ["jko"], "grid": [4, 6, 8], "epsilon": [0.1, 1, 10]}
        self.laid_out(self.sweep("newton_tol", ["1.0e-9", "1.0e-300"], grids), "pinning")

    def test_a_trace_that_nobody_recorded_is_one_sentence_that_says_what_records_it(self):
        path = self.sweep("record_distances", ["own"], {"method": ["gd", "prox"], "gamma": [0.1, 1]})
        with self.assertRaisesRegex(PlotError, "distance_frobenius.*record_distances: all"):
            plot.main.draw(plot.main.parse_arguments([path, "--figure", "distance-difference"]))
        self.assertIn("record_distances: all", report.page.figures(path, ["distance-difference"], []))
        with self.assertRaisesRegex(PlotError, "objective_test.*test_file"):
            plot.main.draw(plot.main.parse_arguments([path, "--figure", "objective-time", "--y", "objective_test"]))

    def test_any_figure_can_be_faceted(self):
        for name, axes in FACETED.items():
            path = self.sweep("gamma", [0.1, 1], axes)
            with self.subTest(figure=name):
                page = self.draw(path, name, "--facet", "gamma")
                titles = [axes.get_title("left") for axes in panels(page)] or [row[0] for row in page.rows]
                for value in ("gamma 0.1", "gamma 1"):
                    self.assertTrue(any(title.startswith(value) for title in titles), titles)
                if hasattr(page, "figure"):
                    self.assertTrue(any(text.get_text().startswith("shown: ") for text in page.figure.texts))
            plt.close("all")
        self.assertEqual(set(FACETED), set(FIGURES))

    @classmethod
    def tearDownClass(cls):
        print(", ".join(f"{count} {what}" for what, count in cls.counts.items()))


def panels(page):
    return [axes for axes in getattr(page, "panels", []) if axes.get_visible()]


if __name__ == "__main__":
    WGF = os.path.abspath(sys.argv.pop(1))
    unittest.main()
