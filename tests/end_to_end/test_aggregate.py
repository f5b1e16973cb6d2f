#!/usr/bin/python3
"""`wgf aggregate` against pandas on the same files. test_aggregate.py WGF_BINARY"""

import io
import itertools
import math
import pathlib
import sys

import h5py
import numpy as np
import pandas
from harness import ERROR, FAILURES, OK, STATES, USAGE, case, equal, main, require

SWEEP = """\
name: sweep
fixed: {n: 6, steps: 7, record_every: 3, stop_change: 0.05}
sweep:
  method: [prox, gd]
  beta: [auto, 0.1]
  width: [5, 4, 10]
  gamma: [0.3, 0.1]
  seed: {range: [0, 9]}
"""
OTHER = """\
name: other
fixed: {n: 6, method: gd, width: 4, weight_decay: 1}
sweep: {gamma: [0.1, 1.0e+9], steps: [50, 3], seed: {range: [20, 25]}}
"""
STATS = "count,missing,sum,mean,std,sem,min,max,median,q0,q05,q2.5,q25,q75,q100"
REDUCE = {"missing": lambda s: s.isna().sum(), **{
    f"q{percent}": (lambda s, percent=percent: s.quantile(float(percent) / 100))
    for percent in ("0", "05", "2.5", "25", "75", "100")}}


def frame(*paths):
    """The jobs of files, one a row."""
    frames = []
    for path in paths:
        with h5py.File(path, "r") as file:
            jobs = len(file["status"])
            columns = {name: dataset.asstr()[()] if dataset.dtype == object else dataset[()]
                       for name, dataset in file.items() if dataset.shape == (jobs,)}
        frames.append(pandas.DataFrame(columns))
    jobs = pandas.concat(frames, ignore_index=True)
    jobs["status"] = [STATES[state] for state in jobs["status"]]
    return jobs


def records(*paths):
    """The records of the jobs of files, one a row, with their jobs' columns."""
    frames = []
    for path in paths:
        with h5py.File(path, "r") as file:
            shape = file["objective"].shape
            table = frame(path).loc[np.repeat(np.arange(shape[0]), shape[1])].reset_index(drop=True)
            traces = {name: dataset[()].ravel() for name, dataset in file.items()
                      if dataset.shape == shape and dataset.dtype == float}
        frames.append(table.assign(**traces))
    table = pandas.concat(frames, ignore_index=True)
    return table[table.step.notna()]


def finished(table):
    return table[table.status.isin(["done", "diverged"])]


def plain(key):
    """A key as it compares: numbers by value, NaN as the `auto` that it stands for."""
    try:
        return "auto" if np.isnan(float(key)) else float(key)
    except ValueError:
        return key


def same(outcome, table, by, values, stats=STATS):
    """stdout is what pandas makes of the table."""
    out = outcome.require(OK).out
    got = pandas.read_csv(io.StringIO(out), float_precision="round_trip", keep_default_na=False,
                          na_values={name: ["nan"] for name in out.split("\n", 1)[0].split(",") if name not in by})
    names = stats.split(",")
    with np.errstate(all="ignore"):
        expected = table.groupby(by, sort=True, dropna=False)[values].agg([REDUCE.get(name, name) for name in names])
    expected.columns = [name if len(values) == 1 else f"{value}_{name}" for value in values for name in names]
    expected = expected.reset_index()
    equal(list(got), list(expected), "header")
    equal(len(got), len(expected), "groups")
    require(len(got) > 0, "no groups at all")
    for name in by:
        equal([plain(key) for key in got[name]], [plain(key) for key in expected[name]], f"keys {name}")
    for name in list(got)[len(by):]:
        a, b = got[name].to_numpy(float), expected[name].to_numpy(float)
        require(np.allclose(a, b, rtol=1e-12, atol=0 if "s" not in name else 1e-15, equal_nan=True),
                f"{name}: {a}, not {b}")


@case
def every_statistic(wgf):
    table = finished(frame(wgf.result(SWEEP)))
    for by in (["width"], ["gamma", "width"], ["method", "beta", "metric"], ["status", "kernel_used"], ["seed"]):
        for values in (["objective_final"], ["objective_final", "steps_done", "gamma"]):
            same(wgf("aggregate", "out.h5", "--by", ",".join(by), "--value", ",".join(values), "--stat", STATS,
                     "--csv"), table, by, values)


@case
def usual_statistics(wgf):
    table = frame(wgf.result(SWEEP))
    same(wgf("aggregate", "out.h5", "--csv", "--value", "objective_final", "--by", "width"), table, ["width"],
         ["objective_final"], "count,median,q25,q75")


@case
def without_keys(wgf):
    table = frame(wgf.result(SWEEP))
    _, rows = wgf("aggregate", "out.h5", "--value", "objective_final", "--stat", "count,median", "--csv").table()
    equal(rows, [{"count": str(len(table)), "median": "%.17g" % table.objective_final.median()}], "rows")


@case
def conditions(wgf):
    table = frame(wgf.result(SWEEP))
    for text, kept in (("seed < 4", table.seed < 4), ("seed<=4,width != 5", (table.seed <= 4) & (table.width != 5)),
                       ("method = prox , gamma >= 0.3", (table.method == "prox") & (table.gamma >= 0.3)),
                       ("beta = auto", table.beta.isna()), ("beta != auto", table.beta.notna()),
                       ("beta < 1", table.beta < 1), ("beta != 0.1", table.beta != 0.1),
                       ("seed > 2.5", table.seed > 2.5), ("status == done", table.status == "done"),
                       ("objective_final > 0.25", table.objective_final > 0.25),
                       ("steps_done < 7", table.steps_done < 7),
                       (f"key = {table.key[3]}", table.key == table.key[3])):
        require(0 < kept.sum() < len(table) or "status" in text, f"{text} says nothing")
        same(wgf("aggregate", "out.h5", "--by", "width", "--value", "objective_final", "--where", text, "--csv"),
             table[kept], ["width"], ["objective_final"], "count,median,q25,q75")
    same(wgf("aggregate", "out.h5", "--by", "width", "--value", "seed", "--where", "seed < 4", "--where", "seed > 1",
             "--csv"), table[table.seed.isin([2, 3])], ["width"], ["seed"], "count,median,q25,q75")


def spaces():
    """Axes of gamma in the words of a spec, and the values that NumPy computes for them."""
    random = np.random.default_rng(1)
    ends = [(0.1, 0.5), (0.7, 0.1), (1e-3, 10), (3, 0.3), *random.uniform(1e-3, 9, (12, 2)).round(3).tolist()]
    for (first, last), count in itertools.product(ends, (2, 5, 11)):
        yield f"{{linspace: [{first}, {last}, {count}]}}", np.linspace(first, last, count), (first, last)
        yield f"{{geomspace: [{first}, {last}, {count}]}}", np.geomspace(first, last, count), (first, last)
        step = round((last - first) / count, 4)
        values = first + step * np.arange(math.ceil((last - first) / step - 1e-9))
        yield f"{{range: [{first}, {last}, {step}]}}", values, (first,)


@case
def computed_values_have_15_digits(wgf):
    """Those of NumPy to 15 significant digits; of a logarithm, the last digit may differ."""
    compared = 0
    for axis, expected, ends in spaces():
        wgf.write("spec.yaml", f"name: x\nsweep: {{gamma: {axis}}}\n")
        _, rows = wgf("plan", "spec.yaml", "--csv").table()
        got = [float(row["gamma"]) for row in rows]
        equal([value for value in got if float(f"{value:.15g}") != value], [], f"values of more digits in {axis}")
        require(set(ends) <= set(got), f"{axis} ends in {got[0]} and {got[-1]}")
        require(len(got) == len(expected) and np.allclose(got, expected, rtol=2e-14, atol=0), f"{axis}: {got}")
        if "geomspace" not in axis:
            equal(got, [float(f"{value:.15g}") for value in expected], axis)
        compared += len(got)
    print(f"{compared} values compared with NumPy's", end="; ")


@case
def a_shown_value_is_the_stored_one(wgf):
    """Computed, written, and left over from an older file: one value to --where, --by, --reuse and figures."""
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "tools"))
    from plot.result import read_results
    text = "name: x\nfixed: {n: 5, width: 4, steps: 2}\nsweep: {gamma: %s}\n"
    written = ["0.1", "0.2", "0.3", "0.4", "0.5"]
    listed = wgf.result(text % f"[{', '.join(written)}]", OK, "listed.h5")
    for number, axis in enumerate(("{linspace: [0.1, 0.5, 5]}", "{range: [0.1, 0.55, 0.1]}")):
        wgf.write("spec.yaml", text % axis)
        wgf("run", "spec.yaml", "-o", f"{number}.h5", "--reuse", "listed.h5").require(OK, "5 rows reused")
    old = wgf.result(text % "[0.1, 0.2, 0.30000000000000004, 0.4, 0.5]", OK, "old.h5")
    with h5py.File(old, "r") as file:
        equal(float(file["gamma"][2]), 0.1 + 0.2, "gamma of the older file")
    files = ["listed.h5", "0.h5", "1.h5", "old.h5"]
    counts = ("aggregate", *files, "--by", "gamma", "--value", "seed", "--stat", "count", "--csv")
    equal([(float(row["gamma"]), row["count"]) for row in wgf(*counts).table()[1]],
          [(float(value), "4") for value in written], "groups")
    for value, name in itertools.product(written, files):
        place = written.index(value)
        for comparison, kept in (("=", 1), ("!=", 4), ("<=", place + 1), ("<", place), (">", 4 - place)):
            rows = wgf("aggregate", name, "--where", f"gamma {comparison} {value}", *counts[5:]).table()[1]
            equal(sum(int(row["count"]) for row in rows), kept, f"jobs of {name} with gamma {comparison} {value}")
    drawn = read_results([str(wgf.path(name)) for name in files])
    equal(drawn.values("gamma"), [float(value) for value in written], "values in figures")
    for name in (listed, old):
        chosen = read_results([str(name)], ["gamma = 0.3"], wgf.program).jobs
        equal(len(chosen), 1, f"jobs of {name} that --where chooses")


@case
def every_record(wgf):
    table = records(wgf.result(SWEEP))
    require(table.groupby("step").size().nunique() > 1, "no job ended early")
    call = ("aggregate", "out.h5", "--csv", "--stat", STATS, "--value")
    same(wgf(*call, "objective", "--by", "width"), table, ["width", "step"], ["objective"])
    same(wgf(*call, "objective,inner_residual", "--by", "step,method"), table, ["step", "method"],
         ["objective", "inner_residual"])
    same(wgf(*call, "distance", "--by", "width", "--where", "step > 0, objective < 0.3, seed != 2"),
         table[(table.step > 0) & (table.objective < 0.3) & (table.seed != 2)], ["width", "step"], ["distance"])
    same(wgf(*call, "seconds", "--by", "width,step"), table, ["width", "step"], ["seconds"])


@case
def one_step(wgf):
    path = wgf.result(SWEEP)
    table, all_records = frame(path), records(path)
    for step in (0, 3, 6, 7, 2):
        at = all_records[all_records.step == step].set_index(["method", "beta", "width", "gamma", "seed"])
        keys = table.set_index(["method", "beta", "width", "gamma", "seed"]).index
        objective = [dict(zip(at.index.map(str), at.objective)).get(str(key), np.nan) for key in keys]
        same(wgf("aggregate", "out.h5", "--csv", "--by", "method,width", "--value", "objective", "--at-step", step,
                 "--stat", STATS), table.assign(objective=objective), ["method", "width"], ["objective"])
    last = table.assign(objective=table.objective_final)
    same(wgf("aggregate", "out.h5", "--csv", "--by", "width", "--value", "objective", "--at-step", "last", "--stat",
             STATS), last, ["width"], ["objective"])


TIMES = """\
name: times
fixed: {n: 6, width: 4, record_every: 3}
sweep:
  gamma: [0.3, 0.1, 0.05, 0.02]
  steps: [1, 6, 7]
  method: [gd, prox]
  seed: {range: [0, 4]}
"""


@case
def one_time(wgf):
    """The last record at or before a time, or linear between records; against NumPy on the traces of each job."""
    path = wgf.result(TIMES)
    table = frame(path)
    with h5py.File(path, "r") as file:
        traces = {name: file[name][()] for name in ("time", "objective", "distance")}
    kept = np.isfinite(traces["time"]).sum(axis=1)

    def at(time, linear, name):
        values = []
        for times, trace, count in zip(traces["time"], traces[name], kept):
            times, trace = times[:count], trace[:count]
            last = np.searchsorted(times, time * (1 + 1e-12), side="right") - 1
            values.append(np.interp(time, times, trace, right=np.nan) if linear and time > times[last] * (1 + 1e-12)
                          else trace[last])
        return values

    for time in (0, 0.01, 0.07, 0.1, 0.2, 0.3, 0.30000000000000004, 0.65, 0.7, 5):
        for linear in (False, True):
            say = ("--at-time", repr(time), *(["--interpolate"] if linear else []))
            expected = table.assign(objective=at(time, linear, "objective"), distance=at(time, linear, "distance"))
            same(wgf("aggregate", "out.h5", "--csv", "--by", "method,gamma", "--value", "objective,distance", *say,
                     "--stat", STATS), expected, ["method", "gamma"], ["objective", "distance"])
            few = expected[expected.objective < 0.2]
            if len(few):
                same(wgf("aggregate", "out.h5", "--csv", "--by", "gamma", "--value", "distance", *say, "--where",
                         "objective < 0.2"), few, ["gamma"], ["distance"], "count,median,q25,q75")


@case
def records_by_time(wgf):
    """Records of different gamma that end at one time are one group, whatever the rounding of their times."""
    table = records(wgf.result(TIMES))
    require(len({0.3, 3 * 0.1}) == 2 and {0.3, 6 * 0.05} <= set(table.time), "no times differ by rounding")
    table = table.assign(time=[float(f"{time:.12g}") for time in table.time])
    require(table.groupby("time").gamma.nunique().max() > 1, "no times are shared")
    call = ("aggregate", "out.h5", "--csv", "--stat", STATS, "--value", "objective", "--by")
    same(wgf(*call, "time"), table, ["time"], ["objective"])
    same(wgf(*call, "gamma,method,time"), table, ["gamma", "method", "time"], ["objective"])
    same(wgf(*call, "time,step"), table, ["time", "step"], ["objective"])
    same(wgf(*call, "method,time", "--where", "time <= 0.12"), table[table.time <= 0.12], ["method", "time"],
         ["objective"])


@case
def several_files_of_different_shapes(wgf):
    paths = wgf.result(SWEEP), wgf.result(OTHER, OK, "other.h5")
    call = ("aggregate", *paths, "--csv", "--stat", STATS, "--value")
    table = finished(frame(*paths))
    require((table.status == "diverged").any(), "no job diverged")
    stats = "count,missing,min,max,median,q25"
    table, traces = table[table.gamma < 1], records(*paths)
    same(wgf(*call, "objective_final", "--by", "width,gamma", "--where", "gamma < 1"), table, ["width", "gamma"],
         ["objective_final"])
    same(wgf(*call, "objective", "--by", "gamma", "--where", "gamma < 1"), traces[traces.gamma < 1], ["gamma", "step"],
         ["objective"])
    twice = wgf("aggregate", paths[1], paths[1], "--value", "objective_initial", "--by", "gamma", "--csv",
                "--stat", stats)
    same(twice, frame(paths[1], paths[1]), ["gamma"], ["objective_initial"], stats)


@case
def what_counts(wgf):
    """A shard has pending rows, a job too large failed; NaN is counted apart."""
    text = "name: x\nfixed: {n: 5, steps: 2}\nsweep: {width: [4, 1000000000000], seed: {range: [0, 4]}}\n"
    wgf.result(text, FAILURES, "out.h5", "--jobs", "0,2,5")
    _, rows = wgf("aggregate", "out.h5", "--by", "width", "--value", "objective_final", "--csv").require(OK).table()
    equal([(row["width"], row["count"]) for row in rows], [("4", "2")], "what counts")
    _, rows = wgf("aggregate", "out.h5", "--by", "status,width", "--value", "objective_final", "--csv", "--stat",
                  "count,missing,median,sum", "--where", "status != done").require(OK).table()
    equal([tuple(row.values()) for row in rows],
          [("pending", "4", "0", "2", "nan", "0"), ("pending", "1000000000000", "0", "3", "nan", "0"),
           ("failed", "1000000000000", "0", "1", "nan", "0")], "others, when asked for")


@case
def nothing_passes(wgf):
    wgf.result(OTHER)
    done = wgf("aggregate", "out.h5", "--by", "width", "--value", "objective_final", "--where", "seed > 99", "--csv")
    equal(done.require(OK, "no job passes --where").out, "width,count,median,q25,q75\n", "stdout")


@case
def table_for_people(wgf):
    wgf.result(SWEEP)
    lines = wgf("aggregate", "out.h5", "--by", "method,beta", "--value", "objective_final").require(OK).out.splitlines()
    equal(lines[0].split(), ["method", "beta", "count", "median", "q25", "q75"], "header")
    equal([line.split()[:2] for line in lines[1:]],
          [["gd", "auto"], ["prox", "0.1"], ["prox", "auto"]], "keys")
    at = lines[0].index("median")
    require(all(line[at - 1] == " " and line[at] != " " for line in lines), f"columns are not aligned: {lines}")


@case
def wrong_words(wgf):
    """Refused before a file is looked at, in one line, with the nearest name."""
    good = ["--by", "width", "--value", "objective_final"]
    for words, *said in ((["--by", "widht", "--value", "seconds"], "'widht'", "'width'"),
                         (["--value", "objectve_final"], "'objective_final'"), (["--value", "method"], "'method'"),
                         (["--value", "message"], "'message'"), (["--by", "objective", "--value", "seconds"], "trace"),
                         (["--by", "width,width", "--value", "seconds"], "twice"), (["--by", "width"], "no --value"),
                         (["--by", "", "--value", "seconds"], "--by"), (good + ["--stat", "medain"], "'median'"),
                         (good + ["--stat", "q101"], "'q101'"), (good + ["--stat", "q"], "'q'"),
                         (good + ["--stat", "qnan"], "'qnan'"), (good + ["--stat", "mean,mean"], "twice"),
                         (good + ["--where", "sed < 3"], "'seed'"), (good + ["--where", "seed ~ 3"], "OP"),
                         (good + ["--where", "seed <"], "number"), (good + ["--where", "seed = three"], "'three'"),
                         (good + ["--where", "metric = wassertsein"], "'wasserstein'"),
                         (good + ["--where", "metric < sliced"], "word"), (good + ["--where", ""], "empty"),
                         (good + ["--where", "status = finished"], "status"), (good + ["--at-step", "3"], "trace"),
                         (["--value", "objective", "--at-step", "-1"], "--at-step"),
                         (good + ["--at-time", "3"], "trace"),
                         (["--value", "objective", "--at-time", "-1"], "--at-time"),
                         (["--value", "objective", "--at-time", "soon"], "'soon'"),
                         (["--value", "objective", "--at-time", "inf"], "'inf'"),
                         (["--value", "objective", "--interpolate"], "--at-time"),
                         (["--value", "objective", "--at-time", "1", "--at-step", "1"], "one of them")):
        done = wgf("aggregate", "absent.h5", *words).require(USAGE, *said).quietly()
        equal(len(done.err.splitlines()), 1, f"lines of {done.err!r}")
    wgf("aggregate", *good).require(USAGE, "no result file").quietly()


@case
def files_that_cannot_be_read(wgf):
    wgf.result(OTHER)
    wgf.write("text.h5", "no result file")
    for name in ("absent.h5", "text.h5"):
        wgf("aggregate", "out.h5", name, "--value", "objective_final").require(ERROR, name).quietly()


if __name__ == "__main__":
    main()
