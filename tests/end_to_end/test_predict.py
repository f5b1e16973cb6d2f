#!/usr/bin/python3
"""`wgf predict` against NumPy on the same states and inputs. test_predict.py WGF_BINARY"""

import csv
import io

import h5py
import numpy as np
from harness import ERROR, OK, USAGE, case, equal, main, require

PARTICLES = """\
name: particles
fixed: {data: linear, n: 12, d: 3, steps: 5, inner_steps: 5, init_scale: 1, save: %s}
sweep:
  AXIS
  output: [sum, mean]
  signs: [balanced, positive]
  width: [1, 7, 200]
"""
NEURONS = PARTICLES.replace("AXIS", "method: [gd, prox]")
BOTH = PARTICLES.replace("AXIS", "layers: [both]").replace("particles", "both")
POINTS = PARTICLES.replace("AXIS", "parametrisation: [product, sphere]").replace("particles", "points")
GRIDS = """\
name: grids
fixed: {data: sinus, method: jko, steps: 2, save: %s}
sweep:
  grid: [8, 9]
  grid2: [0, 5]
  output: [sum, mean]
  signs: [balanced, positive]
"""
CIRCLES = """\
name: circles
fixed: {data: sinus, method: wfr, steps: 2, save: %s}
sweep: {cells: [8, 9], signs: [balanced, positive]}
"""
SHEETS = CIRCLES.replace("wfr", "pde, init_scale: 0.5").replace("cells", "grid").replace("circles", "sheets")
INPUTS = np.random.default_rng(1).normal(size=(40, 4))
RELATIVE = 1e-14


def printed(text):
    names, *rows = csv.reader(io.StringIO(text))
    return names, np.array(rows, dtype=float)


def kept(file, job):
    """The last state of a job: rows x columns."""
    records, rows, cols = (int(file[f"state_{name}"][job]) for name in ("records", "rows", "cols"))
    start = int(file["state_start"][job])
    return file["state"][start : start + records * rows * cols].reshape(records, rows, cols)[-1]


def signs_of(m, word):
    return np.where(np.arange(m) < (m + 1) // 2 if word == "balanced" else np.full(m, True), 1.0, -1.0)


def coordinates(points, radius):
    return np.linspace(-radius, radius, points)


def grid_network(file, job):
    """theta (k x 2) and signed masses (k), from the documented order of masses."""
    value = lambda name: file[name].asstr()[job] if file[name].dtype == object else file[name][job]
    masses, thetas, weights = kept(file, job)[:, 0], [], []
    for points, radius in ((value("grid"), value("grid_radius")), (value("grid2"), value("grid2_radius"))):
        t = coordinates(points, radius)
        theta = np.stack(np.meshgrid(t, t, indexing="ij"), axis=-1).reshape(-1, 2)
        for sign in (1, -1) if value("signs") == "balanced" and points else (1,) if points else ():
            thetas.append(theta)
            weights.append(sign * masses[: len(theta)])
            masses = masses[len(theta) :]
    equal(len(masses), 0, f"masses of job {job} beyond its grids")
    return np.concatenate(thetas), np.concatenate(weights)


def network(file, job, alpha=None):
    text = lambda name: file[name].asstr()[job]
    if text("method") in ("jko", "pde"):
        return grid_network(file, job)
    if text("method") == "wfr":
        masses = kept(file, job).reshape(-1, file["cells"][job])
        turn = 2 * np.pi * (np.arange(masses.shape[1]) + 0.5) / masses.shape[1]
        weights = np.concatenate([sign * row for sign, row in zip((1, -1), masses)])
        return np.tile(np.column_stack([np.cos(turn), np.sin(turn)]), (len(masses), 1)), weights
    state = kept(file, job)
    if text("layers") != "first" or text("parametrisation") == "sphere":
        W, weights = state[:, :-1], state[:, -1]
    elif text("parametrisation") == "product":
        return state, np.repeat([1.0, -1.0], len(state) // 2) / (len(state) / 2 if text("output") == "mean" else 1)
    else:
        W, weights = state, signs_of(len(state), text("signs")) if alpha is None else alpha
    return W, weights / (len(W) if text("output") == "mean" else 1)


def compare(path, names, got, X, alpha=None):
    """Relative to the sum of the terms' absolute values: where these cancel, no sum of doubles does better."""
    with h5py.File(path, "r") as file:
        for name, column in zip(names, got.T):
            W, weights = network(file, int(name.removeprefix("job_")), alpha)
            terms = np.maximum(X.astype(np.longdouble) @ W.T.astype(np.longdouble), 0) * weights
            size = np.abs(X) @ np.abs(W.T) @ np.abs(weights)
            require(np.all(np.abs(column - terms.sum(1)) <= RELATIVE * size), f"{name}: {column}, not {terms.sum(1)}")
            require(np.any(size > 0), f"{name} predicts nothing")


def write_csv(wgf, name, array):
    wgf.write(name, "\n".join(",".join("%.17g" % number for number in row) for row in array) + "\n")


def with_ones(array):
    return np.column_stack([array, np.ones(len(array))])


@case
def every_method_against_numpy(wgf):
    jobs = 0
    for spec, inputs in ((NEURONS, 2), (BOTH, 2), (POINTS, 2), (GRIDS, 1), (CIRCLES, 1), (SHEETS, 1)):
        for save in ("last", "all"):
            path = wgf.result(spec % save, OK, f"{spec.split()[1]}{save}.h5")
            write_csv(wgf, "x.csv", INPUTS[:, :inputs])
            with h5py.File(wgf.path("x.h5"), "w") as file:
                file["X"] = with_ones(INPUTS[:, :inputs])
            outcome = wgf("predict", path, "--at", "x.csv", "--csv").require(OK)
            equal(wgf("predict", path, "--at", "x.h5", "--csv").require(OK).out, outcome.out, "HDF5 and CSV inputs")
            names, got = printed(outcome.out)
            with h5py.File(path, "r") as file:
                equal(names, [f"job_{job}" for job in range(len(file["status"]))], "columns")
            compare(path, names, got, with_ones(INPUTS[:, :inputs]))
            jobs += len(names)
    equal(jobs, 2 * (24 + 12 + 6 + 12 + 8 + 4 + 4), "jobs compared")


@case
def jobs_without_a_bias(wgf):
    """A CSV serves both kinds of jobs where they have as many inputs beside the ones."""
    fixed = "steps: 3, width: 5, init_scale: 1, save: last"
    path = wgf.result(f"name: x\nfixed: {{data: sinus, {fixed}}}\nsweep: {{bias: [true, false, true]}}\n")
    write_csv(wgf, "x.csv", INPUTS[:, :1])
    names, got = printed(wgf("predict", path, "--at", "x.csv", "--csv").require(OK).out)
    equal(names, ["job_0", "job_1"], "columns")
    compare(path, names[:1], got[:, :1], with_ones(INPUTS[:, :1]))
    compare(path, names[1:], got[:, 1:], INPUTS[:, :1])
    blocks = "".join(f"- fixed: {{{data}, n: 3, d: 3, {fixed}}}\n" for data in
                     ("data: orthogonal", "data: teacher, bias: false", "data: teacher", "data: linear, bias: false"))
    path = wgf.result(f"name: x\nsweep:\n{blocks}", OK, "y.h5")
    write_csv(wgf, "x.csv", INPUTS[:, :3])
    names, got = printed(wgf("predict", path, "--at", "x.csv", "--jobs", "0,1,3", "--csv").require(OK).out)
    compare(path, names, got, INPUTS[:, :3])
    wgf("predict", path, "--at", "x.csv").require(USAGE, "job 2 has d = 3", "gives d = 4", "d - 1 inputs a line",
                                                  "a column of ones is appended")
    write_csv(wgf, "x.csv", INPUTS[:, :2])
    wgf("predict", path, "--at", "x.csv").require(USAGE, "job 0 has d = 3", "gives d = 2",
                                                  "a CSV file has d inputs a line and no label\n")
    names, got = printed(wgf("predict", path, "--at", "x.csv", "--jobs", "2", "--csv").require(OK).out)
    compare(path, names, got, with_ones(INPUTS[:, :2]))


@case
def jobs_that_pass_conditions(wgf):
    path = wgf.result(NEURONS % "last")
    write_csv(wgf, "x.csv", INPUTS[:, :2])
    with h5py.File(path, "r") as file:
        methods, widths = file["method"].asstr()[()], file["width"][()]
    chosen = [job for job, width in enumerate(widths) if methods[job] == "prox" and width > 1]
    call = ("predict", path, "--at", "x.csv", "--csv", "--where", "method = prox and width in [7, 200]")
    names, _ = printed(wgf(*call).require(OK).out)
    require(0 < len(chosen) < 24, f"{chosen} of 24 jobs")
    equal(names, [f"job_{job}" for job in chosen], "columns")
    names, _ = printed(wgf(*call, "--jobs", f"0-{chosen[1]}").require(OK).out)
    equal(names, [f"job_{job}" for job in chosen[:2]], "columns of --jobs and --where")
    wgf(*call, "--where", "gamma < 0").require(USAGE, "no job that passes --where").quietly()
    wgf(*call, "--where", "gama < 0").require(USAGE, "did you mean 'gamma'?").quietly()


@case
def loss_of_the_data_is_the_objective(wgf):
    for name, spec in (("neurons.h5", NEURONS), ("both.h5", BOTH), ("grids.h5", GRIDS)):
        path = wgf.result(spec % "last", OK, name)
        data = np.array([line.split(",") for line in
                         wgf("show", path, "--job", "0", "--data").require(OK).out.splitlines()[1:]], dtype=float)
        write_csv(wgf, "x.csv", data[:, :-2])
        _, got = printed(wgf("predict", path, "--at", "x.csv", "--csv").require(OK).out)
        with h5py.File(path, "r") as file:
            require(np.allclose(((got - data[:, -1:]) ** 2).mean(0), file["objective_final"][()], rtol=1e-9, atol=0),
                    "the loss of the predictions is not the objective")


@case
def jobs_and_tables(wgf):
    path = wgf.result(NEURONS % "last")
    write_csv(wgf, "x.csv", INPUTS[:, :2])
    names, got = printed(wgf("predict", path, "--at", "x.csv", "--csv").require(OK).out)
    some, chosen = printed(wgf("predict", path, "--at", "x.csv", "--jobs", "3,7-9", "--csv").require(OK).out)
    equal(some, ["job_3", "job_7", "job_8", "job_9"], "columns of --jobs")
    equal(chosen.tolist(), got[:, [3, 7, 8, 9]].tolist(), "values of --jobs")
    lines = wgf("predict", path, "--at", "x.csv", "--jobs", "3,7").require(OK).out.splitlines()
    equal(lines[0].split(), ["job_3", "job_7"], "names of the table")
    equal([line.split() for line in lines[1:]], [["%.6g" % v for v in row] for row in got[:, [3, 7]]], "table")


@case
def alpha_and_data_from_files(wgf):
    rows = np.random.default_rng(2).normal(size=(6, 4))
    write_csv(wgf, "init.csv", rows)
    write_csv(wgf, "data.csv", INPUTS[:9, :3])
    path = wgf.result("name: files\nfixed: {data: file, data_file: data.csv, init: file, init_file: init.csv, "
                      "steps: 3, gamma: 1.0e-3, save: last}\nsweep: {layers: [first, both, second]}\n")
    write_csv(wgf, "x.csv", INPUTS[:, 1:3])
    names, got = printed(wgf("predict", path, "--at", "x.csv", "--csv").require(OK).out)
    compare(path, names, got, with_ones(INPUTS[:, 1:3]), rows[:, -1])
    wgf.path("data.csv").unlink()
    equal(printed(wgf("predict", path, "--at", "x.csv", "--jobs", "1,2", "--csv").require(OK).out)[1].tolist(),
          got[:, 1:].tolist(), "without the data file")
    write_csv(wgf, "init.csv", rows + 1)
    wgf("predict", path, "--at", "x.csv").require(ERROR, "job 0", "alpha", "changed")
    equal(printed(wgf("predict", path, "--at", "x.csv", "--jobs", "1,2", "--csv").require(OK).out)[1].tolist(),
          got[:, 1:].tolist(), "a state with alpha in it")


@case
def jobs_without_a_state(wgf):
    path = wgf.result("name: x\nfixed: {n: 5, steps: 2, d: 2}\nsweep: {save: [none, last]}\n")
    write_csv(wgf, "x.csv", INPUTS[:, :1])
    with h5py.File(path, "r") as file:
        (job,) = np.flatnonzero(file["state_records"][()] > 0)
        (other, *_) = np.flatnonzero(file["state_records"][()] == 0)
    equal(printed(wgf("predict", path, "--at", "x.csv", "--csv").require(OK).out)[0], [f"job_{job}"], "columns")
    wgf("predict", path, "--at", "x.csv", "--jobs", str(other)).require(USAGE, f"job {other}", "save: last")
    path = wgf.result("name: y\nfixed: {n: 5, steps: 2}\n", OK, "none.h5")
    wgf("predict", path, "--at", "x.csv").require(USAGE, "no job has kept a state", "save: last")


@case
def errors(wgf):
    path = wgf.result("name: x\nfixed: {data: linear, n: 5, steps: 2, width: 4, save: last}\nsweep: {d: [2, 3]}\n")
    write_csv(wgf, "one.csv", INPUTS[:, :1])
    write_csv(wgf, "three.csv", INPUTS[:, :3])
    write_csv(wgf, "nan.csv", [[1], [np.nan]])
    with h5py.File(wgf.path("y.h5"), "w") as file:
        file["y"] = np.ones(3)
    for code, words, said in (
            (USAGE, (path,), ("--at",)),
            (USAGE, (path, "--at", "one.csv"), ("job 1 has d = 3", "one.csv gives d = 2")),
            (OK, (path, "--at", "one.csv", "--jobs", "0"), ()),
            (USAGE, (path, "--at", "three.csv"), ("job 0 has d = 2", "gives d = 4", "no label")),
            (USAGE, (path, "--at", "one.csv", "--jobs", "2"), ("2",)),
            (USAGE, (path, "--at", "one.csv", "--jobs", "x"), ("--jobs",)),
            (ERROR, (path, "--at", "nan.csv"), ("nan.csv",)),
            (ERROR, (path, "--at", "y.h5"), ("y.h5", "X")),
            (ERROR, (path, "--at", "absent.csv"), ("absent.csv",)),
            (ERROR, ("one.csv", "--at", "one.csv"), ("one.csv",))):
        outcome = wgf("predict", *words).require(code, *said)
        require(code == OK or not outcome.out, f"predict {words} printed before it failed")


if __name__ == "__main__":
    main()
