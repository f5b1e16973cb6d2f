#!/usr/bin/python3
"""`wgf show`: the table of jobs, one job, its trace and its data, against h5py and numpy. test_show.py WGF_BINARY"""

import os
import random

import h5py
import numpy as np
import pandas
from harness import (ERROR, FAILURES, OK, STATES, STOPPED, USAGE, case, column, equal, finish, main, messages, require,
                     wait_until)
from shown import samples

MIXED = """\
name: mixed
fixed: {n: 6, steps: 7, record_every: 3}
sweep:
  method: [gd, prox]
  width: [4, 5]
  gamma: [0.1, 0.30000000000000004]
"""
JOBS = 8
TROUBLED = "name: x\nfixed: {n: 5, steps: 2}\nsweep: {width: [4, 1000000000000]}\n"
STATE_OF = dict(enumerate(STATES))


def text_of(value):
    """A value of the file as --csv is to print it."""
    if isinstance(value, str):
        return value
    return "%.17g" % value if isinstance(value, np.floating) else str(value)


def agrees(cell, value):
    return cell == value if isinstance(value, str) else np.array_equal(float(cell), float(value), equal_nan=True)


def variables_on_jobs(path):
    with h5py.File(path, "r") as file:
        return [name for name, dataset in file.items() if dataset.shape == (len(file["status"]),)]


@case
def table_for_people(wgf):
    path = wgf.result(MIXED)
    lines = wgf("show", "out.h5").require(OK).out.splitlines()
    names = lines[0].split()
    for name in ("job", "method", "width", "gamma", "status", "objective_final", "seconds", "message"):
        require(name in names, f"{name} is not in the header {lines[0]!r}")
    equal(len(lines), 1 + JOBS, "lines")
    final = column(path, "objective_final")
    for k, line in enumerate(lines[1:]):
        cells = dict(zip(names, line.split()))
        equal((cells["job"], cells["status"]), (str(k), "done"), "job, status")
        equal(cells["method"], column(path, "method")[k], "method")
        equal(float(cells["objective_final"]), float(f"{final[k]:.6g}"), "objective_final")


@case
def columns_for_people_are_aligned(wgf):
    wgf.result(TROUBLED, FAILURES)
    lines = wgf("show", "out.h5").require(OK).out.splitlines()
    at = lines[0].index("status")
    equal([line[at:at + 6].strip() for line in lines[1:]], ["done", "failed"], "column below 'status'")


@case
def csv_agrees_with_h5py(wgf):
    path = wgf.result(MIXED)
    header, rows = wgf("show", "out.h5", "--csv").require(OK).table()
    equal(len(rows), JOBS, "rows")
    expected = set(variables_on_jobs(path)) | {"message"}
    equal(set(header) ^ expected, set(), "columns of the CSV alone or of the file alone")
    for name in expected - {"status", "message"}:
        for k, value in enumerate(column(path, name)):
            require(agrees(rows[k][name], value), f"{name} of job {k}: {rows[k][name]!r}, not {value!r}")
    equal([row["status"] for row in rows], [STATE_OF[s] for s in column(path, "status")], "status")
    equal([row["message"] for row in rows], messages(path), "messages")


@case
def integers_are_exact(wgf):
    path = wgf.result(MIXED)
    _, rows = wgf("show", "out.h5", "--csv").require(OK).table()
    for name in ("key", "checksum", "steps_done", "attempts"):
        equal([int(row[name]) for row in rows], [int(value) for value in column(path, name)], name)


@case
def long_paths_are_whole(wgf):
    folder = "/".join(["d" * 60] * 5)
    os.makedirs(wgf.path(folder))
    wgf.write(f"{folder}/data.csv", "1,2\n3,4\n")
    wgf.result(f"name: x\nfixed: {{data: file, data_file: {folder}/data.csv, width: 4, steps: 2}}\n")
    _, rows = wgf("show", "out.h5", "--csv").require(OK).table()
    equal(rows[0]["data_file"], f"{folder}/data.csv", "data_file")


@case
def troubled_rows(wgf):
    path = wgf.result(TROUBLED, FAILURES)
    _, rows = wgf("show", "out.h5", "--csv").require(OK).table()
    equal([row["status"] for row in rows], ["done", "failed"], "status")
    equal(rows[1]["message"], messages(path)[1], "message")
    equal(rows[1]["objective_final"], "nan", "objective_final")
    require(messages(path)[1] in wgf("show", "out.h5", "--job", "1").require(OK).out, "the message is not shown")


@case
def one_job(wgf):
    path = wgf.result(MIXED)
    out = wgf("show", "out.h5", "--job", "5").require(OK).out
    above, _, below = out.partition("\n\n")
    shown = dict((line.split(None, 1) + [""])[:2] for line in above.splitlines())
    equal((shown["job"], shown["method"], shown["width"], shown["status"]), ("5", "prox", "4", "done"), "job 5")
    equal(int(shown["key"]), int(column(path, "key")[5]), "key")
    trace = [line.split() for line in below.splitlines()]
    require({"step", "objective", "distance", "inner_steps_used"} <= set(trace[0]), f"header {trace[0]}")
    at = trace[0].index("objective")
    equal([float(row[at]) for row in trace[1:]], [float(f"{v:.6g}") for v in column(path, "objective")[5]], "objective")


@case
def trace_as_csv(wgf):
    path = wgf.result(MIXED)
    for k in (0, JOBS - 1):
        header, rows = wgf("show", "out.h5", "--job", k, "--csv").require(OK).table()
        equal([row["step"] for row in rows], ["0", "3", "6", "7"], "recorded steps")
        for name in header:
            trace = column(path, name)[k]
            for row, value in zip(rows, trace):
                equal(row[name], text_of(value), f"{name} of job {k}")
        with h5py.File(path, "r") as file:
            traces = [name for name, dataset in file.items() if dataset.shape == (JOBS, 4)]
        filled = {name for name in traces if not np.isnan(column(path, name)[k]).all()}
        equal(set(header), filled, "columns")


@case
def trace_of_a_job_that_ended_early(wgf):
    path = wgf.result("name: x\nfixed: {n: 5, width: 4, steps: 50, weight_decay: 1, gamma: 1.0e+9}\n")
    _, rows = wgf("show", "out.h5", "--job", "0", "--csv").require(OK).table()
    done = int(column(path, "steps_done")[0])
    require(0 < done < 50, f"{done} steps")
    equal([int(row["step"]) for row in rows], list(range(done + 1)), "recorded steps")


@case
def job_that_has_not_run(wgf):
    text = "name: x\nfixed: {n: 5, width: 4, record_every: 100000000000}\nsweep: {steps: [100000000000, 2]}\n"
    wgf.write("spec.yaml", text)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5")
    wait_until(lambda: wgf.path("out.h5").exists() and column(wgf.path("out.h5"), "status").any(), "the first job")
    process.terminate()
    finish(process).require(STOPPED)
    out = wgf("show", "out.h5", "--job", "1").require(OK).out
    require("pending" in out, f"says {out!r}")
    wgf("show", "out.h5", "--job", "1", "--csv").require(OK)
    wgf("show", "out.h5").require(OK)


VARIED = """\
name: varied
fixed: {n: 6, steps: 60, stop_change: 0.05, weight_decay: 1}
sweep: {method: [gd, prox], width: [4, 5, 1000000000000], gamma: [0.1, 0.3, 1.0e+9], beta: [auto, 0.1], seed: [1, 2]}
"""


def jobs_of(path):
    """The jobs of a file, one a row, as the program names their states."""
    with h5py.File(path, "r") as file:
        count = len(file["status"])
        columns = {name: dataset.asstr()[()] if dataset.dtype == object else dataset[()]
                   for name, dataset in file.items() if dataset.shape == (count,)}
    return pandas.DataFrame(columns).assign(job=range(count), status=[STATE_OF[s] for s in columns["status"]])


class Words:
    """Random conditions, each in the words of --where and as an expression of Python, whose precedence is the same."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def number(self, depth):
        pick = self.random.choice
        if depth == 0 or self.random.random() < 0.4:
            name = pick(["gamma", "width", "seed", "beta", "objective_final", "steps_done", "job", "objective_initial",
                         "0.1", "3", "2.5e-1", ".5", "7"])
            return name, name
        (a, b), (c, d) = self.number(depth - 1), self.number(depth - 1)
        form = pick(["{} + {}", "{} - {}", "{} * ({})", "({}) * {}", "-{}", "({}) / 2", "abs({})", "sqrt(abs({}))",
                     "min({}, 3)", "max(1, {}, 2)", "abs({}) ^ 2", "pow({}, 2)", "log(1 + abs({}))", "exp(-abs({}))"])
        return form.format(a, c), form.replace("^", "**").format(b, d)

    def comparison(self):
        pick = self.random.choice
        kind = self.random.random()
        if kind < 0.2:
            name, words = pick([("method", ["gd", "prox"]), ("status", ["done", "diverged", "failed"])])
            word, negated = pick(words), pick(["", "!"])
            quote = pick(["", "'", '"'])
            return f"{name} {negated}= {quote}{word}{quote}", f"{name} {negated or '='}= {word!r}"
        if kind < 0.3:
            name, words = pick([("method", ["gd", "prox"]), ("width", ["4", "2 + 3"]), ("seed", ["2", "3"])])
            form, chosen = pick(["{} in [{}]", "{} not in ({})"]), self.random.sample(words, 2)
            python = [repr(word) if name == "method" else word for word in chosen]
            return form.format(name, ", ".join(chosen)), form.replace("(", "[").replace(")", "]").format(
                name, ", ".join(python))
        if kind < 0.4:
            return pick([("beta = auto", "isnan(beta)"), ("nan != objective_final", "not isnan(objective_final)")][:1])
        (a, b), (c, d) = self.number(2), self.number(2)
        sign = pick(["=", "==", "!=", "<", "<=", ">", ">="])
        return f"{a} {sign} {c}", f"{b} {'==' if sign == '=' else sign} {d}"

    def condition(self, depth):
        if depth == 0 or self.random.random() < 0.3:
            return self.comparison()
        (a, b), (c, d) = self.condition(depth - 1), self.condition(depth - 1)
        form = self.random.choice(["{} and {}", "{} or {}", "not {} or {}", "({}) and {}", "{} or ({})",
                                   "not ({} or {})"])
        return form.format(a, c), form.format(b, d)


@case
def conditions_mean_what_they_mean_in_python(wgf):
    table = jobs_of(wgf.result(VARIED, FAILURES))
    rows = [{name: value if isinstance(value, str) else np.float64(value) for name, value in row.items()}
            for row in table.to_dict("records")]
    functions = {name: getattr(np, name) for name in ("sqrt", "log", "exp", "isnan", "abs")}
    functions.update(pow=np.power, min=lambda *a: np.min(a), max=lambda *a: np.max(a), __builtins__={})
    words, some = Words(7), 0
    for _ in range(150):
        text, python = words.condition(3)
        with np.errstate(all="ignore"):
            kept = [int(row["job"]) for row in rows if eval(python, functions, row)]
        done = wgf("show", "out.h5", "--where", text, "--columns", "job", "--csv").require(OK)
        equal(done.out.split(), ["job", *map(str, kept)], text)
        some += 0 < len(kept) < len(rows)
    require(some > 60, f"only {some} conditions choose some jobs and leave others")
    kept = table[(table.gamma >= 1) & (table.status == "diverged")]
    require(len(kept), "no job diverged")
    done = wgf("show", "out.h5", "--where", "gamma >= 1", "--where", "status = diverged", "--columns", "job", "--csv")
    equal(done.out.split()[1:], list(map(str, kept.job)), "of two options")


@case
def sorted_rows(wgf):
    table = jobs_of(wgf.result(VARIED, FAILURES))
    require(table.beta.isna().any() and table.objective_final.isna().any(), "nothing is NaN")
    for names in ("objective_final", "-objective_final", "-beta,gamma", "method,-seed,width", "-status,-method,beta",
                  "-job", "message"):
        order = table if "message" not in names else table.assign(message=messages(wgf.path("out.h5")))
        by = [name.lstrip("-") for name in names.split(",")]
        order = order.sort_values("job", kind="stable")
        for name in reversed(names.split(",")):
            order = order.sort_values(name.lstrip("-"), ascending=name[0] != "-", kind="stable", na_position="last")
        header, rows = wgf("show", "out.h5", "--sort", names, "--columns", ",".join([*by, "job"]), "--csv").table()
        equal(header, [*by, "job"], f"columns of --sort {names}")
        equal([int(row["job"]) for row in rows], list(order.job), f"order of --sort {names}")
    _, rows = wgf("show", "out.h5", "--sort", "gamma", "--sort=-seed", "--csv").require(OK).table()
    order = table.sort_values(["gamma", "seed", "job"], ascending=[True, False, True])
    equal([int(row["job"]) for row in rows], list(order.job), "order of two options")
    done = wgf("show", "out.h5", "--sort", "-gamma", "--where", "seed = 1", "--columns", "gamma,status")
    lines = done.out.splitlines()
    equal(lines[0].split(), ["gamma", "status"], "header")
    gammas = [float(line.split()[0]) for line in lines[1:]]
    equal(gammas, sorted(table.gamma[table.seed == 1], reverse=True), "gamma")
    require(len({line.index(" ") for line in lines if line.startswith("1e+09")}) == 1, "columns are not aligned")


@case
def chosen_columns(wgf):
    path = wgf.result(VARIED, FAILURES)
    header, rows = wgf("show", "out.h5", "--columns", "seed, gamma,job", "--columns", "message,seed", "--csv").table()
    equal(header, ["seed", "gamma", "job", "message", "seed"], "header")
    equal([float(row["gamma"]) for row in rows], list(column(path, "gamma")), "gamma")
    equal([row["message"] for row in rows], messages(path), "messages")


@case
def older_files_lack_columns(wgf):
    path = wgf.result(VARIED, FAILURES)
    with h5py.File(path, "r+") as file:
        del file["flow_drift"], file["origin"]
    _, rows = wgf("show", "out.h5", "--columns", "flow_drift,origin,job", "--where", "origin = absorb", "--csv").table()
    equal({(row["flow_drift"], row["origin"]) for row in rows}, {("nan", "absorb")}, "what the file lacks")
    equal(len(rows), len(column(path, "status")), "rows")


@case
def no_row_passes(wgf):
    wgf.result(VARIED, FAILURES)
    for csv in ((), ("--csv",)):
        done = wgf("show", "out.h5", "--where", "seed > 99", "--columns", "job", *csv)
        equal(done.require(OK, "no job passes --where").out, "job\n", "stdout")


@case
def words_of_the_table_that_are_refused(wgf):
    wgf.result(VARIED, FAILURES)
    for words, *sentences in ((["--where", "sed = 3"], "'sed'", "did you mean 'seed'?"),
                              (["--where", "objective < 1"], "'objective' is a trace"),
                              (["--where", ""], "empty"), (["--columns", "objective"], "is a trace"),
                              (["--columns", "gama"], "did you mean 'gamma'?"), (["--columns", "job,"], "''"),
                              (["--sort", "--gamma"], "'-gamma'"), (["--sort", "x"], "'x'"),
                              (["--sort", ",".join(["job"] * 17)], "16"),
                              (["--job", "3", "--sort", "job"], "leave out --job")):
        wgf("show", "out.h5", *words).require(USAGE, *sentences).quietly()


@case
def data_of_sinus(wgf):
    wgf.result("name: x\nfixed: {data: sinus, width: 4, steps: 2}\nsweep: {n: [2, 11, 70]}\n")
    for k, n in enumerate((2, 11, 70)):
        X, y = samples(wgf, k)
        x = np.linspace(-0.5, 0.5, n)
        require(np.allclose(X, np.column_stack([x, np.ones(n)]), rtol=0, atol=1e-15), f"X with n = {n}")
        require(np.allclose(y, np.sin(10 * x - np.pi / 2) + 0.2 * x - 0.5, rtol=0, atol=1e-14), f"y with n = {n}")


@case
def data_of_three_points(wgf):
    wgf.result("name: x\nfixed: {data: three_points, width: 4, steps: 2}\n")
    X, y = samples(wgf, 0)
    equal(X.tolist(), [[1, 1], [2, 1], [4, 1]], "X")
    equal(y.tolist(), [2, 4, 8], "y")


@case
def data_of_random_and_linear(wgf):
    wgf.result("name: x\nfixed: {width: 4, steps: 2, d: 3, n: 400}\n"
               "sweep: {data: [random, linear], sampling: [normal, uniform], data_seed: [1, 2]}\n")
    seen = set()
    for k in range(8):
        X, y = samples(wgf, k)
        linear, uniform = k >= 4, k % 4 >= 2
        equal(X.shape, (400, 3), "shape of X")
        require((X[:, -1] == 1).all(), "the last column is not ones")
        half = 0.5 if linear else 1
        require((abs(X[:, :-1]).max() <= half) == uniform, f"job {k}: inputs up to {abs(X[:, :-1]).max()}")
        deviation = half / np.sqrt(3) if uniform else 1
        require(abs(X[:, :-1].std() / deviation - 1) < 0.1, f"job {k}: deviation {X[:, :-1].std()}")
        if linear:
            require(np.linalg.lstsq(X, y, rcond=None)[1].sum() < 1e-20, f"job {k}: labels are not linear")
        else:
            require(abs(y).max() <= 1 and abs(y.mean()) < 0.2, f"job {k}: labels are not U(-1, 1)")
        seen.add(X.tobytes())
    require(len(seen) >= 6, "different seeds or laws give the same inputs")


@case
def data_from_a_csv_file(wgf):
    table = np.random.default_rng(1).normal(size=(9, 3))
    np.savetxt(wgf.path("data.csv"), table, fmt="%.17g", delimiter=",", header="a,b,label", comments="")
    wgf.result("name: x\nfixed: {data: file, data_file: data.csv, width: 4, steps: 2}\n")
    X, y = samples(wgf, 0)
    require(np.array_equal(X, np.column_stack([table[:, :2], np.ones(9)])), f"X is {X}")
    require(np.array_equal(y, table[:, 2]), f"y is {y}")


@case
def data_from_an_hdf5_file(wgf):
    X, y = np.random.default_rng(2).normal(size=(6, 4)), np.arange(6.0)
    with h5py.File(wgf.path("data.h5"), "w") as file:
        file["X"], file["y"] = X, y
    wgf.result("name: x\nfixed: {data: file, data_file: data.h5, width: 4, steps: 2}\n")
    got = samples(wgf, 0)
    require(np.array_equal(got[0], X) and np.array_equal(got[1], y), "X or y differs")


@case
def data_with_a_set_parameter_and_from_another_folder(wgf):
    os.mkdir(wgf.path("elsewhere"))
    wgf.write("data.csv", "1,2\n3,4\n")
    wgf.result("name: x\nfixed: {data: random, width: 4, steps: 2}\n", OK, "out.h5", "--set", "data=file", "--set",
               "data_file=data.csv")
    done = wgf("show", "../out.h5", "--job", "0", "--data", cwd=wgf.path("elsewhere")).require(OK)
    equal(done.out.splitlines()[1:], ["1,1,2", "3,1,4"], "samples")


@case
def data_file_that_has_changed(wgf):
    wgf.write("data.csv", "1,2\n3,4\n")
    wgf.result("name: x\nfixed: {data: file, data_file: data.csv, width: 4, steps: 2}\n")
    wgf.write("data.csv", "1,2\n3,5\n")
    wgf("show", "out.h5", "--job", "0", "--data").require(ERROR, "changed").quietly()
    wgf.path("data.csv").unlink()
    wgf("show", "out.h5", "--job", "0", "--data").require(ERROR).quietly()
    wgf("show", "out.h5").require(OK)
    wgf("show", "out.h5", "--job", "0").require(OK)


@case
def wrong_job_numbers(wgf):
    wgf.result(MIXED)
    wgf("show", "out.h5", "--job", JOBS).require(USAGE, f"no job {JOBS}", f"{JOBS - 1}").quietly()
    for word in ("-1", "x", "1x", "1.0", "", "99999999999999999999"):
        done = wgf("show", "out.h5", "--job", word).require(USAGE, "job").quietly()
        require(len(done.err.splitlines()) == 1, f"stderr {done.err!r}")
    wgf("show", "out.h5", "--data").require(USAGE, "--job").quietly()


if __name__ == "__main__":
    main()
