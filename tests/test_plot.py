#!/usr/bin/python3
"""Tests of tools/plot.py on made-up results: what it draws, what it refuses, and how it says so."""

import contextlib
import dataclasses
import io
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

TOOLS = Path(__file__).resolve().parent.parent / "tools"
sys.path.insert(0, str(TOOLS))
os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")

import h5py
import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np

import plot.main
from plot.figures import FIGURES
from plot.result import PlotError, read_results

TEXT = h5py.string_dtype()
TRACES = ("step", "time", "objective", "distance")
STATES = "pending running done diverged failed timeout crashed"
PENDING, _, DONE, DIVERGED, FAILED, TIMEOUT, _ = range(7)


def descent(gamma, offset=0.0, records=12):
    """Traces of a made-up descent: short steps end higher."""
    step = np.arange(records, dtype=float)
    objective = 0.2 + 0.1 * np.exp(-step * gamma / (1 + gamma) - offset)
    distance = np.concatenate([[0.0], gamma**2 * np.exp(-0.3 * step[1:] - offset)])
    return {"step": step, "time": gamma * step, "objective": objective, "distance": distance}


def write_result(path, axes, rows, records=16, description="a made-up sweep", read_with=None):
    """A file as `wgf run` writes it. A row: (status, parameters, traces or None).

    read_with: {parameter: its readers}; None: a file of an older version, which has no such attribute.
    """
    with h5py.File(path, "w") as file:
        file.attrs["wgf_version"] = "0.1.0"
        file.attrs["name"] = "made-up"
        file.attrs["spec"] = f"name: made-up\ndescription: {description}  # said once\n"
        if axes:
            file.attrs["axes"] = np.array(axes, dtype=TEXT)
        file["status"] = np.array([row[0] for row in rows], np.uint8)
        file["status"].attrs["flag_values"] = np.arange(7, dtype=np.uint8)
        file["status"].attrs["flag_meanings"] = STATES
        for name in rows[0][1]:
            values = [row[1][name] for row in rows]
            file.create_dataset(name, data=np.array(values, dtype=TEXT) if isinstance(values[0], str) else values)
            if read_with is not None:
                file[name].attrs["read_with"] = read_with.get(name, "")
        for name in TRACES:
            table = np.full((len(rows), records), np.nan)
            for line, (_, _, trace) in zip(table, rows):
                if trace:
                    line[: len(trace[name])] = trace[name]
            file[name] = table


def sweep_of_gamma(metrics=("frobenius",), seeds=(1,)):
    return [
        (DONE, {"method": "prox", "metric": metric, "gamma": gamma, "seed": seed}, descent(gamma, 0.1 * seed + 0.3 * i))
        for i, metric in enumerate(metrics)
        for gamma in (1e-3, 1e-2, 0.1, 1.0)
        for seed in seeds
    ]


def run(*arguments):
    command = [sys.executable, TOOLS / "plot.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)


class InFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "result.h5"

    def assert_picture(self, path, colours):
        """The picture is about 900 points wide or more, and has ink of at least that many hues."""
        pixels = matplotlib.image.imread(path)[:, :, :3]
        self.assertGreaterEqual(pixels.shape[1], 900)
        coloured = pixels[np.ptp(pixels, axis=2) > 0.25]
        self.assertGreater(len(coloured), 500)
        self.assertGreaterEqual(len(np.unique((coloured * 4).astype(int), axis=0)), colours)


class Drawing(InFolder):
    def page(self, *arguments):
        return plot.main.draw(plot.main.parse_arguments([str(self.path), *arguments]))[0]

    def test_a_sweep_of_gamma_gives_objective_against_distance(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        done = run(self.path)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assert_picture(self.path.with_suffix(".png"), 4)
        axes = self.page().panels[0]
        self.assertEqual((axes.get_xscale(), axes.get_yscale()), ("log", "log"))
        gamma = 1e-2
        curve = [line for line in axes.get_lines() if len(line.get_xdata()) == 11][1]
        np.testing.assert_allclose(curve.get_xdata(), descent(gamma, 0.1)["distance"][1:])
        np.testing.assert_allclose(curve.get_ydata(), descent(gamma, 0.1)["objective"][1:])

    def test_title_and_description_are_the_specs(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        words = [text.get_text() for text in self.page().figure.texts]
        self.assertEqual(words[:2], ["made-up", "a made-up sweep"])

    def test_other_words_get_a_panel_each_and_seeds_do_not(self):
        rows = sweep_of_gamma(("frobenius", "wasserstein"), (1, 2, 3))
        write_result(self.path, ["metric", "gamma", "seed"], rows)
        page = self.page("--figure", "objective-distance")
        self.assertEqual([axes.get_title("left") for axes in page.panels], ["frobenius", "wasserstein"])
        trajectories = [line for line in page.panels[0].get_lines() if len(line.get_xdata()) == 11]
        self.assertEqual(len(trajectories), 4 * 3)

    def test_a_parameter_that_a_method_does_not_read_names_no_panel(self):
        rows = sweep_of_gamma(("frobenius", "wasserstein"))
        rows += [(DONE, {**row[1], "method": "gd", "metric": "frobenius"}, row[2]) for row in rows[:4]]
        write_result(self.path, ["method", "metric", "gamma"], rows, read_with={"metric": "method: prox"})
        titles = [axes.get_title("left") for axes in self.page().panels]
        self.assertEqual(titles, ["gd", "prox, frobenius", "prox, wasserstein"])

    def test_only_finished_rows_are_drawn(self):
        rows = sweep_of_gamma()
        rows[1] = (FAILED, rows[1][1], None)
        rows[2] = (DIVERGED, rows[2][1], rows[2][2])
        rows.append((PENDING, {**rows[0][1], "gamma": 5.0}, None))
        write_result(self.path, ["gamma"], rows)
        result = read_results([str(self.path)])
        self.assertEqual([job.parameters["gamma"] for job in result.jobs], [1e-3, 0.1, 1.0])
        names = [text.get_text() for text in self.page().figure.legends[0].get_texts()]
        self.assertEqual(names, ["first step", "last step", "diverged"])

    def test_a_descent_at_rest_ends_where_it_stopped(self):
        rows = sweep_of_gamma()
        trace = rows[0][2]
        trace["distance"][5:] = 1e-29
        write_result(self.path, ["gamma"], rows)
        page = self.page()
        self.assertEqual(len(page.panels[0].get_lines()[0].get_xdata()), 4)
        self.assertIn("at rest from here", [text.get_text() for text in page.figure.legends[0].get_texts()])

    def test_a_single_job_gives_objective_against_time(self):
        write_result(self.path, [], sweep_of_gamma()[:1])
        self.assertEqual(run(self.path).returncode, 0)
        self.assertTrue(self.path.with_suffix(".png").exists())
        curve = self.page().panels[0].get_lines()[0]
        np.testing.assert_allclose(curve.get_xdata(), descent(1e-3)["time"])

    def test_a_sweep_without_gamma_is_coloured_by_what_it_sweeps(self):
        rows = [(DONE, {"method": "gd", "width": width, "seed": 1}, descent(0.1, width / 50)) for width in (10, 20, 40)]
        write_result(self.path, ["width"], rows)
        self.assertEqual(run(self.path).returncode, 0)
        self.assert_picture(self.path.with_suffix(".png"), 3)

    def test_shards_are_drawn_together(self):
        rows = sweep_of_gamma()
        other = self.path.with_name("other.h5")
        write_result(self.path, ["gamma"], rows[:2])
        write_result(other, ["gamma"], rows[2:])
        self.assertEqual(read_results([str(self.path), str(other)]).values("gamma"), [1e-3, 1e-2, 0.1, 1.0])

    def test_output_and_figure_can_be_named(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        out = self.path.with_name("picture.png")
        self.assertEqual(run(self.path, "--figure", "objective-time", "--x", "step", "-o", out).returncode, 0)
        self.assert_picture(out, 4)
        self.assertEqual(sorted(p.name for p in out.parent.iterdir()), ["picture.png", "result.h5"])


class Parameters(InFolder):
    """What jobs read, from `read_with`, and NaN."""

    read_with = {"beta": "method: prox", "projections": "method: prox; metric: sliced, wasserstein"}
    nan = float("nan")

    def rows(self, betas=(0.1, 0.2)):
        """Every gamma under gd, whose beta is NaN in the file, and under prox for every beta."""
        own = [("gd", self.nan), *(("prox", beta) for beta in betas)]
        return [
            (DONE, {"method": method, "beta": beta, "gamma": gamma}, descent(gamma, i / 10))
            for i, (method, beta) in enumerate(own)
            for gamma in (0.1, 1.0)
        ]

    def read(self):
        return read_results([str(self.path)])

    def page(self, *arguments):
        return plot.main.draw(plot.main.parse_arguments([str(self.path), *arguments]))[0]

    def words(self, page):
        return [text.get_text() for text in page.figure.legends[0].get_texts()]

    def assert_no_nan(self, read_with):
        write_result(self.path, ["method", "beta", "gamma"], self.rows(), read_with=read_with)
        result = self.read()
        self.assertEqual(result.values("beta"), [0.1, 0.2])
        self.assertEqual([job.parameters.get("beta") for job in result.jobs], [None, None, 0.1, 0.1, 0.2, 0.2])
        self.assertEqual(self.words(self.page("--by", "beta")), ["without beta", "first step", "last step"])
        titles = [axes.get_title("left") for axes in self.page("--by", "gamma").panels]
        self.assertEqual(titles, ["gd", "prox, beta 0.1", "prox, beta 0.2"])
        page = self.page("--figure", "heat-map", "--x", "gamma", "--y", "beta", "--value", "gamma")
        self.assertEqual(page.panels[0].get_images()[0].get_array().shape, (2, 2))

    def test_nan_makes_no_groups(self):
        self.assert_no_nan(self.read_with)

    def test_nan_makes_no_groups_in_files_without_the_attribute(self):
        self.assert_no_nan(None)

    def test_nan_of_a_job_that_reads_the_parameter_is_auto(self):
        write_result(self.path, ["method", "beta", "gamma"], self.rows((self.nan, 0.1)), read_with=self.read_with)
        self.assertEqual(self.read().values("beta"), [0.1, "auto"])
        self.assertEqual(self.words(self.page("--by", "beta"))[:3], ["0.1", "auto", "without beta"])
        titles = [axes.get_title("left") for axes in self.page("--by", "gamma").panels]
        self.assertEqual(titles, ["gd", "prox, beta 0.1", "prox, beta auto"])

    def test_all_conditions_count(self):
        rows = [
            (DONE, {"method": method, "metric": metric, "projections": projections}, descent(0.1))
            for method in ("gd", "prox")
            for metric in ("frobenius", "wasserstein", "sliced")
            for projections in (1, 2)
        ]
        write_result(self.path, ["method", "metric", "projections"], rows, read_with=self.read_with)
        read = ["projections" in job.parameters for job in self.read().jobs]
        self.assertEqual(read, 8 * [False] + 4 * [True])

    def test_a_condition_on_what_a_job_does_not_read_is_met(self):
        rows = [
            (DONE, {"method": method, "metric": metric, "epsilon": 0.1}, descent(0.1))
            for method in ("gd", "prox", "jko")
            for metric in ("frobenius", "sinkhorn")
        ]
        read_with = {"metric": "method: prox", "epsilon": "method: prox, jko; metric: sinkhorn"}
        write_result(self.path, ["method", "metric", "epsilon"], rows, read_with=read_with)
        read = ["epsilon" in job.parameters for job in self.read().jobs]
        self.assertEqual(read, [False, False, False, True, True, True])

    def test_values_are_distinct_and_sorted(self):
        pairs = ((2.0, "b"), (1.0, "a"), (2.0, "a"))
        rows = [(DONE, {"gamma": gamma, "data": data}, descent(0.1)) for gamma, data in pairs]
        write_result(self.path, ["gamma", "data"], rows)
        self.assertEqual((self.read().values("gamma"), self.read().values("data")), ([1.0, 2.0], ["a", "b"]))

    def test_states_are_those_that_the_file_names(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        with h5py.File(self.path, "r+") as file:
            file["status"].attrs["flag_values"] = np.array([3, 2, 5, 4, 1, 0, 6], np.uint8)  # 5: done, 3: pending
            file["status"][:] = [5, 3, 0, 1]
            file["status"].attrs["flag_meanings"] = "pending running done diverged failed timeout crashed"
        self.assertEqual([job.status for job in self.read().jobs], ["done", "timeout"])

    def test_labels_are_the_words_of_the_file(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        with h5py.File(self.path, "r+") as file:
            for name, words in (("gamma", "stride"), ("objective", "misfit F"), ("time", "clock; of a sort")):
                file[name].attrs["long_name"] = words
        page = self.page("--figure", "objective-time")
        labels = [text.get_text() for text in page.figure.texts] + [axes.get_ylabel() for axes in page.figure.axes]
        for label in (r"stride  $\gamma$", "misfit  $F$", "clock  $t$"):
            self.assertIn(label, labels)


class Discovery(InFolder):
    def test_a_figure_is_one_file(self):
        tools = self.path.with_name("tools")
        shutil.copytree(TOOLS / "plot", tools / "plot")
        shutil.copy(TOOLS / "plot.py", tools)
        (tools / "plot/figures/new_one.py").write_text(
            "from ..figure import Figure\nfrom ..style import Page\n"
            "draw = lambda result, options: Page(result, '', [''])\n"
            "FIGURE = Figure(place=5, meaning='a new one', draw=draw, suits=bool)\n"
        )
        write_result(self.path, ["gamma"], sweep_of_gamma())
        for arguments in ([], ["--figure", "new-one"]):  # it comes first, so it is also the default
            out = self.path.with_name("new.png")
            done = subprocess.run([sys.executable, tools / "plot.py", self.path, "-o", out, *arguments], check=False)
            self.assertEqual(done.returncode, 0)
            pixels = matplotlib.image.imread(out)[:, :, :3]
            self.assertLess(np.mean(np.ptp(pixels, axis=2) > 0.25), 1e-3)  # an empty panel has no colours
            out.unlink()

    def test_places_differ_and_the_last_figure_suits_everything(self):
        places = [figure.place for figure in FIGURES.values()]
        self.assertEqual(places, sorted(set(places)))
        self.assertTrue(list(FIGURES.values())[-1].suits(None))


class Numbers(unittest.TestCase):
    def test_no_digit_before_the_point_becomes_a_power(self):
        cases = [(1000, 3, "1000"), (12345.6, 3, "12346"), (-2000, 2, "-2000"), (0.12345, 3, "0.123"), (0, 3, "0")]
        for value, digits, text in [*cases, (1e5, 3, "$10^{5}$"), (2.5e-4, 6, r"$2.5\times10^{-4}$")]:
            self.assertEqual(plot.words.number_text(value, digits), text)


class Axes(InFolder):
    """--log, --linear, --xlim and --ylim; what is logarithmic without them; the axes of a table of wgf aggregate."""

    def page(self, *arguments):
        return plot.main.draw(plot.main.parse_arguments([*map(str, arguments)]))[0]

    def test_what_the_user_wants_comes_before_the_figures_choice(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        for arguments, scales in (
            (["--figure", "objective-distance"], ("log", "log")),
            (["--figure", "objective-distance", "--linear"], ("linear", "linear")),
            (["--figure", "objective-distance", "--linear", "--log", "x"], ("log", "linear")),
            (["--figure", "objective-time"], ("log", "linear")),  # ends of curves decades apart
            (["--figure", "objective-time", "--log", "y"], ("log", "log")),
            (["--figure", "objective-time", "--log", "x", "--log", "y", "--linear"], ("log", "log")),
            (["--figure", "objective-time", "--linear"], ("linear", "linear")),
            (["--figure", "objective-time", "--y", "distance"], ("log", "log")),  # over decades, and from 0
            (["--figure", "objective-time", "--x", "step"], ("linear", "linear")),
        ):
            axes = self.page(self.path, *arguments).panels[0]
            self.assertEqual((axes.get_xscale(), axes.get_yscale()), scales, arguments)
            plt.close("all")
            starts = {line.get_xdata()[0] for line in axes.get_lines() if len(line.get_xdata()) > 2}
            self.assertEqual(0.0 in starts, scales[0] == "linear" and "objective-time" in arguments, arguments)
        axes = self.page(self.path, "--linear", "--xlim", "0.5,2", "--ylim=-1,").panels[0]
        self.assertEqual((*axes.get_xlim(), axes.get_ylim()[0]), (0.5, 2.0, -1.0))
        self.assertAlmostEqual(axes.get_ylim()[1], 0.3, delta=0.05)  # an end left out is that of the data

    def test_a_figure_that_fails_by_itself_gives_way_to_the_next(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        fails = mock.Mock(side_effect=PlotError("not this one"))
        first = dataclasses.replace(FIGURES["heat-map"], draw=fails, suits=lambda result: True)
        with mock.patch.dict(FIGURES, {"mean-field": first}):
            self.assertEqual(self.page(self.path).panels[0].get_xscale(), "log")
            with self.assertRaisesRegex(PlotError, "not this one"):
                self.page(self.path, "--figure", "mean-field")
        fails.assert_called()

    def test_a_table_is_drawn_whatever_the_order_of_its_groups(self):
        keys = {"method": ["gd", "prox"], "beta": ["auto", 0.1], "width": [4, 8], "time": [0.0, 0.1, 0.2]}
        place = self.path.with_suffix(".csv")
        names = list(keys)
        for order in (*(names[k:] + names[:k] for k in range(4)), names[::-1]):
            with open(place, "w", encoding="utf-8") as file:
                print(*order, "median,q25,q75", sep=",", file=file)
                want = {}
                for k, group in enumerate(itertools.product(*(keys[name] for name in order))):
                    print(*group, k, k - 1, k + 1, sep=",", file=file)
                    values = dict(zip(order, group))
                    want.setdefault(tuple(map(values.get, ("method", "beta", "width"))), []).append((values["time"], k))
            page = self.page(place)
            got = [np.column_stack(line.get_data()).tolist() for axes in page.panels for line in axes.get_lines()]
            wanted = [[list(map(float, point)) for point in sorted(curve)] for curve in want.values()]
            self.assertEqual(sorted(got), sorted(wanted), order)
            self.assertEqual(len(page.panels), 4, order)
            plt.close("all")
        self.assertEqual(len(self.page(place, "--x", "width", "--by", "time").panels), 4)
        self.assertEqual(len(self.page(place, "--facet", "width").panels), 4)

    def test_a_table_of_words_comes_through_a_pipe(self):
        table = "method,metric,median,q25,q75\ngd,sliced,1,0,2\nprox,sliced,3,2,4\nprox,frobenius,5,4,6\n"
        out = self.path.with_name("words.png")
        command = [sys.executable, TOOLS / "plot.py", "-", "-o", out]
        done = subprocess.run(command, input=table, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assert_picture(out, 2)
        with mock.patch("sys.stdin", io.StringIO(table)):
            axes = self.page("-").panels[0]
        self.assertEqual([label.get_text() for label in axes.get_xticklabels()], ["gd", "prox"])
        self.assertEqual(sorted(y for line in axes.get_lines() for y in line.get_ydata()), [1, 3, 5])

    def test_what_cannot_be(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        for arguments, words in (
            (["--figure", "gantt", "--log", "x"], "gantt"),
            (["--log", "x", "--xlim=-1,1"], "--linear"),
        ):
            done = run(self.path, *arguments)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
            self.assertIn(words, done.stderr)
        for wrong in ("3,1", "1", "a,b", "1,2,3", "nan,1"):
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as said:
                self.page(self.path, "--ylim", wrong)
            self.assertIn("LOW,HIGH", said.getvalue())


class Refusing(InFolder):
    def assert_refused(self, done, *words, code=1):
        self.assertEqual(done.returncode, code, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertFalse(self.path.with_suffix(".png").exists())

    def test_a_file_that_is_not_there(self):
        self.assert_refused(run(self.path), "no such file")

    def test_a_file_that_is_not_hdf5(self):
        self.path.write_text("objective,distance\n")
        self.assert_refused(run(self.path), "result.h5", "cannot be read")

    def test_a_foreign_hdf5_file(self):
        with h5py.File(self.path, "w") as file:
            file["status"] = [2]
        self.assert_refused(run(self.path), "not a result of `wgf run`")

    def test_nothing_finished(self):
        write_result(self.path, ["gamma"], [(PENDING, row[1], None) for row in sweep_of_gamma()])
        self.assert_refused(run(self.path), "no finished job")

    def test_iterates_that_never_moved_have_no_distance_to_draw(self):
        rows = sweep_of_gamma()
        for _, _, trace in rows:
            trace["distance"] *= 0
        write_result(self.path, ["gamma"], rows)
        self.assert_refused(run(self.path, "--figure", "objective-distance"), "nothing to draw")

    def test_an_unwritable_picture(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        self.assert_refused(run(self.path, "-o", self.path.with_name("no") / "folder.png"), "cannot be written")

    def test_unknown_names(self):
        write_result(self.path, ["gamma"], sweep_of_gamma())
        self.assert_refused(run(self.path, "--figure", "pie"), "objective-distance", code=2)
        self.assert_refused(run(self.path, "--x", "beauty"), "beauty")
        self.assert_refused(run(self.path, "--figure", "objective-time", "--y", "beauty"), "beauty")
        self.assert_refused(run(self.path, "--by", "beauty"), "gamma")

    def test_the_commands_run_by_themselves(self):
        for name in ("plot.py", "report.py", "bench/bench.py"):
            self.assertTrue(os.access(TOOLS / name, os.X_OK), name)

    def test_help_lists_every_figure(self):
        words = run("--help").stdout
        self.assertEqual([name for name in FIGURES if f"\n  {name} " not in words], [])
        self.assertLessEqual(max(map(len, words.splitlines())), 120)


if __name__ == "__main__":
    unittest.main()
