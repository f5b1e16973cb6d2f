#!/usr/bin/python3
"""Going on from a run: init_file is a result file. Against NumPy and uninterrupted runs. test_continue.py WGF_BINARY"""

import math

import h5py
import numpy as np
from harness import FAILURES, OK, USAGE, case, equal, main, refused, require

FIRST = "data: sinus, n: 12, gamma: 0.02, save: all"


def spec(fixed, sweep=""):
    return f"name: x\nfixed: {{{fixed}}}\n" + (f"sweep: {{{sweep}}}\n" if sweep else "")


def run(wgf, name, fixed, sweep="", code=OK):
    """Runs a spec and returns the opened result."""
    wgf.write(f"{name}.yaml", spec(fixed, sweep))
    wgf("run", f"{name}.yaml", "-o", f"{name}.h5", "--quiet", "--overwrite").require(code)
    return h5py.File(wgf.path(f"{name}.h5"))


def states(file, job=0):
    records, rows, cols = (int(file[f"state_{name}"][job]) for name in ("records", "rows", "cols"))
    start = int(file["state_start"][job])
    return file["state"][start : start + records * rows * cols].reshape(records, rows, cols)


@case
def two_parts_equal_the_whole(wgf):
    """Bit for bit, where nothing but the state goes from step to step."""
    count = 0
    for kernel in ("dense", "fused"):
        for how in ("method: gd", "method: gd, layers: both", "method: gd, layers: second",
                    "method: gd, parametrisation: product",
                    "method: prox, parametrisation: sphere", "method: prox", "method: prox, metric: wasserstein",
                    "method: wfr, cells: 20", "method: pde, grid: 9",
                    "method: gd, signs: positive", "method: gd, output: mean, loss: half_mse"):
            own = f"{FIRST}, {how}, kernel: {kernel}"
            run(wgf, "first", f"{own}, width: 41, init_scale: 0.3, steps: 4")
            whole = run(wgf, "whole", f"{own}, width: 41, init_scale: 0.3, steps: 10")
            own = own.replace(", signs: positive", "")
            parts = run(wgf, "second", f"{own}, init: file, init_file: first.h5, steps: 6")
            require(states(parts).tobytes() == states(whole)[4:].tobytes(), f"other states with {own}")
            require(parts["objective"][0].tobytes() == whole["objective"][0, 4:].tobytes(), f"another F with {own}")
            equal(int(parts["init_record"][0]), 4, "the record that `last` is")
            equal(parts["signs"].asstr()[0], whole["signs"].asstr()[0], "signs")
            run(wgf, "third", f"{own}, init: file, init_file: second.h5, init_record: 3, steps: 3")
            with h5py.File(wgf.path("third.h5")) as third:
                require(states(third).tobytes() == states(whole)[7:].tobytes(), f"another state with {own}")
            count += 1
    print(f"{count} descents in two and three parts, the same bits", end="; ")


@case
def other_methods_go_on(wgf):
    """The first record of a job is the record that it started from, whatever the methods are."""
    first = run(wgf, "gd", f"{FIRST}, width: 6, init_scale: 0.3, steps: 3", "seed: [1, 2, 3]")
    sweep = "init_job: {range: [0, 3]}, init_record: [0, 2, last], gamma: [0.01, 0.1]"
    for method in ("gd", "prox", "flow"):
        made = run(wgf, method + "2", f"data: sinus, n: 12, init: file, init_file: gd.h5, method: {method}, steps: 2, "
                   "save: all", sweep)
        equal(len(made["job"]), 18, "jobs")
        for k in range(18):
            job, record = int(made["init_job"][k]), int(made["init_record"][k])
            require(states(made, k)[0].tobytes() == states(first, job)[record].tobytes(), f"another start of job {k}")
            equal(made["objective"][k, 0], first["objective"][job, record], f"the objective at the start of job {k}")


@case
def parametrisations_go_on_from_each_other(wgf):
    """A state is taken for what it is: neurons w with alpha, pairs as the neurons of two signs that they are."""
    for name, own, width in (("neurons", "width: 6", 6), ("pairs", "width: 3, parametrisation: product", 3),
                             ("sphere", "width: 6, parametrisation: sphere", 6)):
        first = run(wgf, name, f"{FIRST}, {own}, init_scale: 0.3, steps: 3")
        equal(int(first["width"][0]), width, "width")
        state = states(first)[-1]
        for how in ("neurons, layers: both", "sphere", "product"):
            if name == "sphere" and how == "product":
                continue
            made = run(wgf, "made", f"data: sinus, n: 12, init: file, init_file: {name}.h5, steps: 1, save: all, "
                       f"parametrisation: {how}")
            start, W, alpha = states(made)[0], state[:, :2], np.repeat([1.0, -1.0], 3)
            alpha = state[:, 2] if name == "sphere" else alpha
            size = np.linalg.norm(W, axis=1) if how == "sphere" else np.ones(6)
            wanted = W if how == "product" else np.column_stack([W / size[:, None], alpha * size])
            require(np.abs(start - wanted).max() < 1e-15, f"from {name} to {how}: {start}, not {wanted}")
            equal(int(made["width"][0]), 3 if how == "product" else 6, f"width from {name} to {how}")
            require(abs(made["objective"][0, 0] / first["objective"][0, 3] - 1) < 1e-14, f"from {name} to {how}")


def nodes(g, R, b):
    x = np.linspace(-1, 1, g)
    return R * (np.sinh(b * x) / np.sinh(b) if b else x)


@case
def masses_on_a_finer_grid(wgf):
    """Against NumPy: A P A' with hat functions whose columns sum to 1, a grid and a sheet at a time."""
    for signs, sheets in (("balanced", 2), ("positive", 1)):
        own = f"{FIRST}, method: jko, steps: 3"
        first = run(wgf, "coarse", f"{own}, signs: {signs}, grid: 6, grid2: 4, grid2_radius: 3")
        for grid, radius, grid2, radius2 in ((6, 1, 4, 3), (11, 1, 4, 3), (16, 1.3, 7, 3.5), (4, 1, 3, 9)):
            made = run(wgf, "fine", f"{own}, init: file, init_file: coarse.h5, grid: {grid}, grid_radius: {radius}, "
                       f"grid2: {grid2}, grid2_radius: {radius2}", "init_record: [0, last]")
            for k, record in enumerate((0, 3)):
                old, new = states(first)[record][:, 0], states(made, k)[0][:, 0]
                for g, R, h, S in ((6, 1, grid, radius), (4, 3, grid2, radius2)):
                    x, y = np.linspace(-R, R, g), np.linspace(-S, S, h)
                    A = np.maximum(0, 1 - np.abs(y[:, None] - x) / max(x[1] - x[0], y[1] - y[0]))
                    A = np.eye(g) if (g, R) == (h, S) else A / A.sum(axis=0)
                    for sheet in range(sheets):
                        P, old = old[: g * g].reshape(g, g), old[g * g :]
                        Q, new = new[: h * h].reshape(h, h), new[h * h :]
                        require(np.abs(Q - A @ P @ A.T).max() < 1e-15, f"masses of {grid}, {grid2}, sheet {sheet}")
                        require(abs(math.fsum(Q.ravel()) - math.fsum(P.ravel())) < 1e-15, "mass of a sheet")
                require(abs(made["mass"][k, 0] - 1) < 1e-14 and abs(made["mass"][k, 3] - 1) < 1e-12, "total mass")


@case
def masses_on_graded_grids_of_any_dimension(wgf):
    """Against NumPy: hat functions of the number of a point, which is linear between two points."""
    for d, old, new in ((1, (9, 1, 0), (14, 1.2, 2)), (1, (9, 1, 3), (9, 1, 0)), (2, (8, 2, 1.5), (6, 2, 1.5)),
                        (3, (4, 1, 0), (6, 1, 0)), (3, (5, 1, 1), (3, 2, 2))):
        own = f"data: random, d: {d}, n: 12, method: jko, steps: 3, save: all"
        grids = [f"grid: {g}, grid_radius: {R}, grid_grading: {b}" for g, R, b in (old, new)]
        first = run(wgf, "first", f"{own}, {grids[0]}")
        made = run(wgf, "then", f"{own}, {grids[1]}, init: file, init_file: first.h5")
        t, places = nodes(*old), np.interp(nodes(*old), nodes(*new), np.arange(new[0]))
        reach = np.array([(places[min(i + 1, len(t) - 1)] - places[max(i - 1, 0)]) / (1 if i in (0, len(t) - 1) else 2)
                          for i in range(len(t))])
        A = np.maximum(0, 1 - np.abs(np.arange(new[0])[:, None] - places) / np.maximum(1, reach))
        A /= A.sum(axis=0)
        P, Q = states(first)[3].reshape(2, *[old[0]] * d), states(made)[0].reshape(2, *[new[0]] * d)
        for axis in range(1, d + 1):
            P = np.moveaxis(np.tensordot(A, P, (1, axis)), 0, axis)
        require(np.abs(P - Q).max() < 1e-15, f"masses of d = {d}, {old} on {new}: off by {np.abs(P - Q).max():.1e}")
        same = run(wgf, "same", f"{own}, {grids[0]}, init: file, init_file: first.h5")
        require((states(same)[0] == states(first)[3]).all(), "bits on an equal grid")


def deposit(W, mass, t):
    """Masses on the points of an axis t in each direction, by multilinear weights."""
    hats = np.array([[np.interp(w, t, e) for w in W.T] for e in np.eye(len(t))])  # g x d x m
    spread = mass
    for k in range(W.shape[1]):
        spread = np.einsum("...m,gm->...gm", spread, hats[:, k])
    return spread.sum(axis=-1)


@case
def neurons_are_deposited_on_grids(wgf):
    """Against NumPy: from CSV and HDF5, and from kept states of gd; mass and first moments of a sign are those of the
    neurons, wherever these are."""
    random = np.random.default_rng(5)
    for d, alpha, (g, R, b) in ((1, (1, -1), (9, 1, 0)), (2, (1, -1), (7, 1.2, 2)), (2, (1, 1), (6, 1, 0)),
                                (3, (0.5, -2), (5, 1, 1)), (2, (0, -1), (4, 1, 0))):
        W, a = random.uniform(-1, 1, (40, d)), np.where(np.arange(40) < 13, *alpha)
        W[0], W[1] = -1, nodes(g, R, b)[g // 2]  # on the edge where R = 1, on a point
        np.savetxt(wgf.path("w.csv"), np.column_stack([W, a]), fmt="%.17g", delimiter=",")
        with h5py.File(wgf.path("w.h5"), "w") as file:
            file["W"], file["alpha"] = W, a
        t = nodes(g, R, b)
        for name in ("w.csv", "w.h5"):
            made = run(wgf, "made", f"data: random, d: {d}, n: 6, method: jko, init: file, init_file: {name}, "
                       f"grid: {g}, grid_radius: {R}, grid_grading: {b}, steps: 1, epsilon: 0.1, save: all")
            p = states(made)[0][:, 0]
            signs = (1,) if min(alpha) >= 0 else (1, -1)
            equal(made["signs"].asstr()[0], "balanced" if len(signs) == 2 else "positive", "signs")
            sheets = p.reshape(len(signs), *[g] * d)
            for sign, sheet in zip(signs, sheets):
                mass = np.where(a * sign > 0, np.abs(a), 0) / 40
                require(np.abs(sheet - deposit(W, mass, t)).max() < 1e-15, f"{name}, d = {d}, sign {sign}")
                points = np.array(np.meshgrid(*[t] * d, indexing="ij")).reshape(d, -1)
                require(np.abs(points @ sheet.ravel() - mass @ W).max() < 1e-14, "first moments")
    W, a, t = random.uniform(-1, 1, (40, 2)), random.uniform(-1, 1, 40), nodes(6, 1, 1)
    np.savetxt(wgf.path("w.csv"), np.column_stack([W, a]), fmt="%.17g", delimiter=",")
    made = run(wgf, "both", "data: sinus, n: 6, method: jko, layers: both, grid: 6, grid_grading: 1, init: file, "
               "init_file: w.csv, steps: 2, save: all")
    expected = deposit(np.column_stack([W, a]), np.full(40, 1 / 40), t).ravel()
    require(np.abs(states(made)[0][:, 0] - expected).max() < 1e-15, "masses of (w, alpha)")
    then = run(wgf, "then", "data: sinus, n: 6, method: jko, layers: both, grid: 6, grid_grading: 1, init: file, "
               "init_file: both.h5, steps: 1, save: all")
    require((states(then)[0] == states(made)[2]).all(), "going on with layers: both")
    first = run(wgf, "first", "data: sinus, n: 12, width: 400, init_scale: 0.5, output: mean, steps: 30, save: all")
    made = run(wgf, "made", "data: sinus, n: 12, method: jko, grid_radius: 3, init: file, init_file: first.h5",
               "grid: [31, 61, 121]")
    errors = np.abs(made["objective"][:, 0] - first["objective"][0, 30])
    require((errors < 0.01 * (6 / np.array([30, 60, 120])) ** 2).all(), f"F is off by {errors}, not by O(h^2)")
    pairs = run(wgf, "pairs", "data: sinus, n: 12, width: 30, init_scale: 0.2, parametrisation: product, output: mean, "
                "steps: 1, save: all")
    made = run(wgf, "made", "data: sinus, n: 12, method: jko, grid: 81, init: file, init_file: pairs.h5, steps: 1")
    require(abs(made["mass"][0, 0] - 2) < 1e-13, "mass of pairs")
    require(abs(made["objective"][0, 0] - pairs["objective"][0, 1]) < 1e-3, "F of pairs")


@case
def masses_of_a_file(wgf):
    with h5py.File(wgf.path("masses.h5"), "w") as file:
        file["masses"] = np.arange(2 * 36) / 100
        file["one"] = 3
    own = "data: sinus, n: 12, method: jko, init: file, init_file: masses.h5, steps: 1, save: all"
    made = run(wgf, "made", f"{own}, grid: 6")
    require((states(made)[0][:, 0] == np.arange(2 * 36) / 100).all(), "masses")
    with h5py.File(wgf.path("masses.h5"), "a") as file:
        file["masses"][7] = -1
    wgf.write("bad.yaml", spec(f"{own}, grid: 6"))
    wgf("run", "bad.yaml", "-o", "bad.h5", "--quiet").require(FAILURES)
    message = bytes(h5py.File(wgf.path("bad.h5"))["message"][0]).decode()
    require("masses.h5: mass 7 of the 72 is -1; masses are finite and at least 0" in message, message)


@case
def methods_on_grids_go_on_from_each_other(wgf):
    """On an equal grid from the same bits, on a finer one as from a state of their own kind."""
    kept = {}
    for method in ("jko", "pde"):
        kept[method] = run(wgf, method, f"{FIRST}, method: {method}, grid: 8, init_scale: 0.5, steps: 3")
    run(wgf, "gd", f"{FIRST}, method: gd, output: mean, init_scale: 0.5, steps: 3").close()
    for first, then in (("jko", "pde"), ("pde", "jko"), ("pde", "pde"), ("gd", "")):
        own = f"{FIRST}, init: file, init_file: {first}.h5, steps: 1"
        finer = [run(wgf, f"finer{method}", f"{own}, method: {method}, grid: 11, grid_radius: 3, grid_grading: 1")
                 for method in ("jko", "pde")]
        require((states(finer[0])[0] == states(finer[1])[0]).all(), f"another way from {first} for jko and for pde")
        if not then:
            continue
        same = run(wgf, "same", f"{own}, method: {then}, grid: 8")
        require((states(same)[0] == states(kept[first])[3]).all(), f"bits of {first} in {then}")
        require(abs(same["objective"][0, 0] / kept[first]["objective"][0, 3] - 1) < 1e-13, f"F from {first} to {then}")


@case
def what_does_not_fit_is_told_by_the_plan(wgf):
    for name, fixed, sweep in (
            ("gd", f"{FIRST}, width: 6, steps: 3", "seed: [1, 2, 3]"), ("both", f"{FIRST}, width: 6, layers: both", ""),
            ("bare", f"{FIRST.replace('all', 'none')}, width: 6, steps: 3", ""),
            ("jko", f"{FIRST}, method: jko, grid: 6, grid2: 4, steps: 1", ""),
            ("plain", f"{FIRST}, method: jko, grid: 6, steps: 1", ""),
            ("pairs", f"{FIRST}, width: 3, parametrisation: product", ""),
            ("sphere", f"{FIRST}, width: 6, parametrisation: sphere", ""),
            ("wfr", f"{FIRST}, method: wfr, cells: 20, steps: 1", ""),
            ("pde", f"{FIRST}, method: pde, grid: 6, steps: 1", ""),
            ("csv", f"{FIRST}, init: file, init_file: w.csv", "")):
        wgf.write("w.csv", "1,2,1\n3,4,-1\n")
        wgf.write("odd.csv", "1,2,1\n3,4,-1\n5,6,1\n")
        with h5py.File(wgf.path("masses.h5"), "w") as file:
            file["masses"] = np.ones(50)
        run(wgf, name, fixed, sweep).close()
    rows = [
        ("init_file: gd.h5, init_job: 3", "init_job", "gd.h5 has the jobs 0 to 2, and no job 3"),
        ("init_file: gd.h5, init_record: 4", "init_record", "job 0 of gd.h5 has kept the states 0 to 3, not 4"),
        ("init_file: gd.h5, init_job: last", "init_job", "init_job: use a whole number"),
        ("init_file: gd.h5, init_record: -1", "init_record", "use a whole number from 0 to 2^53 or last"),
        ("init_file: bare.h5", "init_file", "job 0 of bare.h5 has kept no state; run its spec with save: last or all"),
        ("init_file: gd.h5, width: 7", "width", "width is 7, but gd.h5 has width = 6"),
        ("data: random, d: 3, init_file: gd.h5", "init_file", "gd.h5 has d = 2 inputs, but the data have d = 3"),
        ("init_file: gd.h5, method: wfr", "init_file", "method: wfr starts from masses on the circle, but job 0 of "
         "gd.h5 (method: gd) has kept neurons; name a job that has kept masses on the circle"),
        ("init_file: wfr.h5, method: jko", "init_file", "method: jko starts from masses on a grid, but job 0 of wfr.h5 "
         "(method: wfr) has kept masses on the circle"),
        ("init_file: wfr.h5, method: wfr, cells: 30", "cells", "cells is 30, but job 0 of wfr.h5 has 20; use as many"),
        ("init_file: wfr.h5, method: pde", "init_file", "method: pde starts from masses on a grid, but job 0 of wfr.h5 "
         "(method: wfr) has kept masses on the circle"),
        ("init_file: pde.h5, method: wfr, cells: 20", "init_file", "method: wfr starts from masses on the circle, but "
         "job 0 of pde.h5 (method: pde) has kept masses on a grid"),
        ("init_file: pde.h5, method: pde, grid_radius: 0.5", "grid_radius", "grid_radius is 0.5, but the masses of job "
         "0 of pde.h5 reach out to 1"),
        ("init_file: jko.h5, method: pde", "init_file", "job 0 of jko.h5 has masses on two grids; name a job with one "
         "grid"),
        ("init_file: w.csv, method: wfr", "init", "method: wfr starts from masses in its cells, which a file of"),
        ("init_file: jko.h5", "init_file", "method: gd starts from neurons, but job 0 of jko.h5 (method: jko) has"),
        ("init_file: both.h5", "init_file", "layers: first does not keep alpha, which job 0 of both.h5 has trained"),
        ("init_file: sphere.h5", "init_file", "layers: first does not keep alpha, which job 0 of sphere.h5 has"),
        ("init_file: both.h5, parametrisation: product", "init_file", "both.h5 does not hold pairs"),
        ("init_file: odd.csv, parametrisation: product", "init_file", "odd.csv does not hold pairs; parametrisation: "
         "product takes 2 m rows, first the m w_+ with alpha = 1, then the m w_- with alpha = -1"),
        ("init_file: pairs.h5, parametrisation: product, width: 6", "width", "width is 6, but pairs.h5 has width = 3"),
        ("init_file: csv.h5", "init_file", "csv.h5 began from a file of neurons, whose alpha it does not keep"),
        ("init_file: jko.h5, method: jko", "init_file", "job 0 of jko.h5 has masses on two grids; give grid2 as well"),
        ("init_file: plain.h5, method: jko, grid2: 3", "grid2", "plain.h5 has masses on one grid; use grid2: 0"),
        ("init_file: plain.h5, method: jko, grid_radius: 0.5", "grid_radius", "grid_radius is 0.5, but the masses"),
        ("init_file: jko.h5, method: jko, grid2: 3, grid2_radius: 2", "grid2_radius", "grid2_radius is 2, but"),
        ("data: random, d: 3, init_file: plain.h5, method: jko", "init_file", "d is 3, but job 0 of plain.h5 has "
         "masses on a grid of d = 2; use data of that d"),
        ("init_file: w.csv, init_job: 1", "init_job", "w.csv is no result file, so init_job means nothing; remove it"),
        ("init_file: w.csv, method: jko, grid_radius: 2", "grid_radius", "1 of the 2 neurons of w.csv lie outside the "
         "grid, which reaches out to 2; use grid_radius: 4.002 or more"),
        ("init_file: w.csv, method: jko, grid2: 3, grid2_radius: 3", "grid2_radius", "1 of the 2 neurons of w.csv lie "
         "outside the grid, which reaches out to 3; use grid2_radius: 4.002 or more"),
        ("init_file: plain.h5, method: jko, layers: both", "init_file", "layers: both has masses of other coordinates "
         "than job 0 of plain.h5, which has layers: first; use that"),
        ("init_file: masses.h5", "init_file", "masses.h5 has masses on a grid, but method: gd starts from neurons"),
        ("init_file: masses.h5, method: wfr", "init", "method: wfr starts from masses in its cells"),
        ("init_file: masses.h5, method: jko, grid: 6", "grid", "masses.h5 has 50 masses, but the grid needs one a "
         "point and sheet, 36 or 72"),
    ]  # fmt: skip
    for own, blamed, sentence in rows:
        refused(wgf, spec(f"n: 12, init: file, {own}"), blamed, sentence, ("plan", "wrong.yaml"),
                ("run", "wrong.yaml", "-o", "wrong.h5"))
        require(not wgf.path("wrong.h5").exists(), "a file of a wrong plan")
    wgf.write("swept.yaml", spec("init: file, init_file: gd.h5", "init_job: {range: [0, 5]}"))
    wgf("plan", "swept.yaml").require(USAGE, "swept.yaml:3:19: error: ", "no job 3")
    wgf.write("many.yaml", spec("init: file, init_file: gd.h5", "init_job: {range: [0, 20000]}"))
    wgf("plan", "many.yaml").require(USAGE, "many.yaml:3:19: error: ", "more than 10000")
    print(f"{len(rows) + 2} plans refused", end="; ")


@case
def a_file_that_cannot_be_read_is_a_warning(wgf):
    """Each file parameter: the plan warns, and the rows that read it fail."""
    for own in ("init: file, init_file: absent.h5", "data: file, data_file: absent.h5", "test_file: absent.h5"):
        wgf.write("absent.yaml", spec(f"{own}, steps: 1, n: 3, width: 4"))
        wgf("plan", "absent.yaml").require(OK, "absent.yaml:2:", "warning: cannot open absent.h5: No such file",
                                           "jobs that read it will fail")
        wgf("run", "absent.yaml", "-o", "out.h5", "--overwrite").require(FAILURES, "warning: cannot open absent.h5")
    wgf.write("absent.yaml", spec("n: 3, data_file: absent.h5", ""))
    require("cannot open" not in wgf("plan", "absent.yaml").require(OK).err, "a warning of a file that no job reads")


@case
def keys_are_of_the_contents(wgf):
    """Names, job numbers and other jobs of the file do not count; the state does, and so does its file as W, alpha."""
    first = run(wgf, "old", f"{FIRST}, width: 5, init_scale: 1, steps: 2", "seed: [1, 2]")
    run(wgf, "more", f"{FIRST}, width: 5, init_scale: 1, steps: 2", "seed: [7, 2]").close()
    with h5py.File(wgf.path("w.h5"), "w") as file:
        file["W"], file["alpha"] = states(first, 1)[-1], [1.0, 1, 1, -1, -1]
    key = {}
    for own in ("old.h5, init_job: 1", "more.h5, init_job: 1", "old.h5, init_job: 1, init_record: 2", "w.h5", "old.h5",
                "old.h5, init_job: 1, init_record: 1"):  # fmt: skip
        with run(wgf, "key", f"{FIRST}, steps: 1, init: file, init_file: {own}") as made:
            key[own] = int(made["key"][0]), made.attrs["plan_hash"]
        wgf.path("key.h5").unlink()
    same = list(key.values())
    equal(len(set(same[:3])), 1, "keys and plan hashes of one state")
    equal(same[3][0], same[0][0], "key of the state as W and alpha")
    equal(len({made[0] for made in same}), 3, "keys of all starts")
    sweep = "init_job: [0, 1]"
    one = run(wgf, "one", f"{FIRST}, steps: 1, init: file, init_file: old.h5", sweep).attrs["plan_hash"]
    two = run(wgf, "two", f"{FIRST}, steps: 1, init: file, init_file: old.h5", sweep[:-2] + "0]".replace("0", "1"))
    equal(two.attrs["plan_hash"], one, "plan hashes of one sweep")
    first.close()
    with h5py.File(wgf.path("old.h5"), "a") as file:
        file["state"][int(file["state_start"][1]) + 2 * 10] += 1
    wgf("run", "one.yaml", "-o", "one.h5").require(USAGE, "another plan")
    wgf("run", "one.yaml", "-o", "old.h5", "--overwrite").require(USAGE, "old.h5 is the sweep's own input old.h5")


@case
def result_of_a_continued_run_is_used_as_any_other(wgf):
    run(wgf, "gd", f"{FIRST}, width: 6, init_scale: 0.3, steps: 3", "seed: [1, 2, 3]").close()
    run(wgf, "on", f"{FIRST}, init: file, init_file: gd.h5, steps: 2", "init_job: {range: [0, 3]}").close()
    wgf("verify", "on.h5").require(OK)
    rows = wgf("aggregate", "on.h5", "--by", "width", "--value", "objective_final", "--csv").require(OK).table()[1]
    equal((len(rows), rows[0]["count"]), (1, "3"), "groups, and jobs in the group")
    wgf.write("at.csv", "0.5\n-0.25\n")
    wgf("predict", "on.h5", "--at", "at.csv", "--csv").require(OK)
    wgf("run", "on.yaml", "-o", "again.h5", "--reuse", "on.h5").require(OK, "3 rows reused")
    done = wgf("aggregate", "on.h5", "--where", "init_record = last", "--value", "objective_final")
    done.require(OK, "no job passes")


main()
