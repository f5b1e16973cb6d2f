#!/usr/bin/python3
"""Where the solver of a jko step begins: start, start_file and `wgf learn --duals`, against a regression in NumPy.
test_duals.py WGF"""

import signal

import h5py
import numpy as np
from harness import (ERROR, FAILURES, OK, RUNNING, STOPPED, USAGE, case, column, differences, equal, finish, kill_all,
                     main, messages, refused, require, wait_until)

N, GRID, STEPS = 20, 16, 30
OWN = f"method: jko, data: sinus, n: {N}, init: grid, grid: {GRID}, steps: {STEPS}"
MANY = "gamma: [0.02, 0.2, 1], epsilon: [0.01, 0.03]"
OTHERS = "gamma: [0.05, 0.5]"  # jobs that the table has not seen


def spec(fixed, sweep=""):
    return f"name: x\nfixed: {{{fixed}}}\n" + (f"sweep: {{{sweep}}}\n" if sweep else "")


def run(wgf, name, fixed, sweep="", code=OK):
    return wgf.result(spec(fixed, sweep), code, f"{name}.h5", "--overwrite")


def steps_of(path, jobs=None):
    """Residuals before and after each step of each job (or of some), gamma, epsilon: from the kept states alone."""
    X = np.column_stack([np.linspace(-0.5, 0.5, N), np.ones(N)])
    y = np.sin(10 * X[:, 0] - np.pi / 2) + 0.2 * X[:, 0] - 0.5
    t = np.linspace(-1, 1, GRID)
    relu = np.maximum(np.stack(np.meshgrid(t, t, indexing="ij"), -1).reshape(-1, 2) @ X.T, 0)
    with h5py.File(path) as file:
        for job in jobs or range(len(file["status"])):
            start, records = int(file["state_start"][job]), int(file["state_records"][job])
            masses = file["state"][start : start + records * 2 * GRID**2].reshape(records, -1)
            residuals = masses @ np.vstack([relu, -relu]) - y
            for before, after in zip(residuals[:-1], residuals[1:]):
                yield before, after, float(file["gamma"][job]), float(file["epsilon"][job])


def features(residual, gamma, epsilon):
    z = np.append(residual, 1)
    return np.concatenate([z, z * np.log(gamma), z * np.log(epsilon)])


def regression(paths, ridge=1e-9, jobs=None):
    found = [step for path in paths for step in steps_of(path, jobs)]
    F = np.array([features(before, gamma, epsilon) for before, _, gamma, epsilon in found])
    U = np.array([2 / N * after for _, after, _, _ in found])
    scale = 1 / np.sqrt((F**2).mean(0))
    gram = (F * scale).T @ (F * scale) / len(F) + ridge * np.eye(F.shape[1])
    return (np.linalg.solve(gram, (F * scale).T @ U / len(F)).T * scale, F, U)


def write(path, table):
    with h5py.File(path, "w") as file:
        file["coefficients"] = table
    return path


def learn(wgf, *words):
    return wgf("learn", "--duals", *words)


def learned(wgf):
    """table.h5, by the command."""
    run(wgf, "many", f"{OWN}, save: all", MANY)
    learn(wgf, "many.h5", "-o", "table.h5", "--overwrite").require(OK)
    return wgf.path("table.h5")


def evaluations(path):
    return np.nanmean(column(path, "newton_steps_used")[:, 1:]) + 1


@case
def a_table_is_the_ridge_regression(wgf):
    """Of one file, of two, and of some of their jobs: u as NumPy's coefficients predict it. With a ridge of 1e-9
    rounding is worth 3e-9 of it."""
    learned(wgf)
    run(wgf, "more", f"{OWN}, save: all, solver: dykstra, dykstra_tol: 1e-10, epsilon: 0.02", "gamma: [0.1, 3]")
    for files, jobs, steps in ((("many",), None, [30] * 6), (("many", "more"), None, [30] * 8),
                               (("many", "more"), (1,), [0, 30, 0, 0, 0, 0, 0, 30])):
        names = [f"{name}.h5" for name in files]
        chosen = ["--jobs", "1"] if jobs else []
        done = learn(wgf, *names, "-o", "own.h5", "--overwrite", "--csv", *chosen).require(OK)
        want, F, U = regression([wgf.path(name) for name in names], jobs=jobs)
        with h5py.File(wgf.path("own.h5")) as file:
            found = file["coefficients"][()]
            equal(file["steps"][()].tolist(), steps, "steps of the jobs")
            equal([scale.name for scale in (file["coefficients"].dims[k][0] for k in (0, 1))], ["/sample", "/feature"],
                  "dimensions")
            equal(file.attrs["learned_from"], ", ".join(names), "learned_from")
        equal(found.shape, want.shape, "shape")
        error = np.abs(F @ (found - want).T).max() / np.abs(U).max()
        print(f"{names}, jobs {jobs}: duals differ by {error:.1e}")
        require(error < 1e-7, f"{names}, jobs {jobs}: another regression, {error:.1e}")
        rows = [line.split(",") for line in done.out.splitlines()]
        equal(rows[0], ["file", "job", "steps"], "header")
        equal([int(row[2]) for row in rows[1:]], [count for count in steps if count], "steps that are printed")


@case
def a_table_is_for_one_problem(wgf):
    """Jobs that have no duals, or those of another problem; no file is left."""
    run(wgf, "own", f"{OWN}, save: all", "gamma: [0.1, 1]")
    wgf.write("spec.yaml", f"""\
name: mixed
fixed: {{method: jko, data: sinus, n: {N}, init: grid, grid: 8, steps: 2, save: all}}
sweep:
  - fixed: {{grid: 9}}
  - fixed: {{method: gd, init: normal}}
  - fixed: {{method: prox, init: normal}}
  - fixed: {{save: last}}
  - fixed: {{record_every: 2}}
  - fixed: {{n: 19}}
  - fixed: {{data: linear}}
  - fixed: {{data: random}}
  - fixed: {{loss: half_mse}}
  - fixed: {{stop_objective: 100}}
  - fixed: {{save: none}}
""")
    wgf("run", "spec.yaml", "-o", "mixed.h5", "--quiet").require(OK)
    for job, sentence in enumerate(("method: gd has none", "method: prox has none", "run the spec with save: all",
                                    "run the spec with record_every: 1", "it has n = 19, the first job n = 20; a table",
                                    "it has other data than the first job; a table is for one problem",
                                    "it has other data than the first job", "its loss is 0.5 times that of the first",
                                    "it has kept one state", "job 10 has kept no state"), 1):
        learn(wgf, "mixed.h5", "-o", "table.h5", "--jobs", f"0,{job}").require(USAGE, f"job {job}", sentence).quietly()
    learn(wgf, "own.h5", "mixed.h5", "-o", "table.h5").require(USAGE, "mixed.h5, job 1: duals are those of").quietly()
    learn(wgf, "own.h5", "mixed.h5", "-o", "table.h5", "--jobs", "0,10").require(USAGE, "has jobs 0 to 1").quietly()
    require(not list(wgf.folder.glob("*table.h5*")), "a file is left")
    learn(wgf, "own.h5", "mixed.h5", "-o", "table.h5", "--jobs", "0").require(OK)


@case
def words_files_and_damage(wgf):
    run(wgf, "own", f"{OWN}, save: all", "gamma: [0.1, 1]")
    run(wgf, "none", f"{OWN}, save: none")
    run(wgf, "half", f"{OWN}, save: all", "gamma: [0.5]")
    for code, sentence, *words in (
            (USAGE, "--duals has no --features", "own.h5", "-o", "table.h5", "--features", "data"),
            (USAGE, "--duals has no --pairs", "own.h5", "-o", "table.h5", "--pairs", "kept"),
            (USAGE, "give -o", "own.h5"),
            (USAGE, "is both RUN.h5 and the file to make", "half.h5", "own.h5", "-o", "./own.h5", "--overwrite"),
            (USAGE, "run the spec with save: all", "none.h5", "-o", "table.h5"),
            (ERROR, "there is no result file", "own.h5", "absent.h5", "-o", "table.h5"),
            (ERROR, "a folder that exists", "own.h5", "-o", "absent/table.h5")):
        learn(wgf, *words).require(code, sentence).quietly()
    wgf("learn", "own.h5", "own.h5", "-o", "table.h5").require(USAGE, "only --duals learns from several").quietly()
    require(not list(wgf.folder.glob("*table.h5*")), "a file is left")
    learn(wgf, "own.h5", "-o", "table.h5").require(OK)
    before = wgf.path("table.h5").read_bytes()
    learn(wgf, "own.h5", "-o", "table.h5", "--jobs", "1").require(USAGE, "--overwrite").quietly()
    learn(wgf, "table.h5", "-o", "other.h5").require(USAGE, "is what 'wgf learn' made").quietly()
    with h5py.File(wgf.path("own.h5"), "r+") as file:
        file["state"][100] = np.nan
    learn(wgf, "own.h5", "-o", "table.h5", "--overwrite").require(ERROR, "job 0: its states hold numbers").quietly()
    equal(wgf.path("table.h5").read_bytes(), before, "the file that was there")
    learn(wgf, "own.h5", "-o", "table.h5", "--overwrite", "--jobs", "1").require(OK)
    require(wgf.path("table.h5").read_bytes() != before, "not overwritten")


@case
def interrupted(wgf):
    """Nothing is left of a table that was not finished."""
    run(wgf, "large", "method: jko, data: random, d: 2, n: 400, grid: 12, steps: 400, save: all", "gamma: [1, 2]")
    process = wgf.start("learn", "--duals", "large.h5", "-o", "table.h5")
    process.send_signal(signal.SIGTERM)
    done = finish(process)
    require(done.code in (STOPPED, -signal.SIGTERM), f"exit code {done.code}: {done.err}")
    require(not list(wgf.folder.glob("*table.h5*")), "a file is left")


@case
def a_start_changes_the_work_and_not_the_result(wgf):
    """All starts and solvers, on jobs that the table has not seen."""
    learned(wgf)
    for solver, tolerance in (("newton_tol: 1e-11", 1e-9),
                              ("solver: dykstra, anderson: 5, dykstra_tol: 1e-10, dykstra_steps: 5000", 1e-7)):
        F, work = {}, {}
        for start in ("previous", "zero", "file, start_file: table.h5"):
            made = run(wgf, "made", f"{OWN}, {solver}, start: {start}", OTHERS)
            equal(list(column(made, "status")), [2, 2], f"status with {start}")
            F[start], work[start] = column(made, "objective"), np.nanmean(column(made, "inner_steps_used")[:, 1:])
            require(np.abs(F[start] - F["previous"]).max() < tolerance, f"{solver}: F with {start} is another")
        previous, zero, table = work.values()
        require(table < zero and previous < zero, f"{solver}: {work}")
        print(f"{solver.split(',')[0]}: iterations a step {work}")


@case
def coefficients_stand_where_the_format_says(wgf):
    """A table that is random but for its constants, which make u that of the first step: it takes no iteration."""
    random = np.random.default_rng(2)
    made = run(wgf, "first", f"{OWN.replace(f'steps: {STEPS}', 'steps: 1')}, gamma: 0.3, newton_tol: 1e-13, save: all, "
               "epsilon: 0.02")
    before, after, gamma, epsilon = next(steps_of(made))
    table = random.standard_normal((N, 3 * (N + 1)))
    table[:, N] += 2 / N * after - table @ features(before, gamma, epsilon)
    write(wgf.path("exact.h5"), table)
    own = f"{OWN.replace(f'steps: {STEPS}', 'steps: 2')}, gamma: 0.3, epsilon: 0.02, start: file, start_file: exact.h5"
    equal(list(column(run(wgf, "made", own), "newton_steps_used")[0, 1:] > 0), [False, True], "steps with iterations")


@case
def a_table_of_other_data_costs_time_alone(wgf):
    random = np.random.default_rng(1)
    exact = column(run(wgf, "exact", f"{OWN}, gamma: 0.5"), "objective")
    for size in (1e-3, 1, 1e3, 1e9, 1e300):
        write(wgf.path("wrong.h5"), size * random.standard_normal((N, 3 * (N + 1))))
        for solver in ("newton", "dykstra, anderson: 5"):
            made = run(wgf, "made", f"{OWN}, gamma: 0.5, solver: {solver}, start: file, start_file: wrong.h5")
            equal(list(column(made, "status")), [2], f"status with coefficients of {size}, {solver}")
            require(np.abs(column(made, "objective") - exact).max() < 1e-5, f"{size}, {solver}: F is another")


@case
def contents_of_the_table_are_part_of_the_key(wgf):
    table = h5py.File(learned(wgf))["coefficients"][()]
    write(wgf.path("copy.h5"), table)
    write(wgf.path("other.h5"), 1.01 * table)
    key = lambda start: list(column(run(wgf, "made", f"{OWN}, gamma: 1{start}"), "key"))
    equal(key(", start: previous"), key(""), "the key with the default start")
    equal(key(", start: previous, start_file: copy.h5"), key(""), "the key with a table that is not read")
    equal(key(", start: file, start_file: copy.h5"), key(", start: file, start_file: table.h5"), "keys of equal tables")
    keys = [key(start)[0] for start in ("", ", start: zero", ", start: file, start_file: table.h5",
                                        ", start: file, start_file: other.h5")]
    equal(len(set(keys)), 4, "different keys")
    wgf.write("spec.yaml", spec(f"{OWN}, start: file, start_file: copy.h5"))
    wgf("run", "spec.yaml", "-o", "resumed.h5", "--quiet").require(OK)
    write(wgf.path("copy.h5"), 1.01 * table)
    wgf("run", "spec.yaml", "-o", "resumed.h5", "--quiet").require(USAGE, "another plan")
    axis = run(wgf, "axis", f"{OWN}, start: file", "start_file: [table.h5, other.h5]")
    equal(len(set(column(axis, "key"))), 2, "jobs of an axis of tables")
    both = run(wgf, "both", f"{OWN}, start_file: table.h5", "start: [zero, previous, file]")
    equal(len(set(column(both, "key"))), 3, "jobs of an axis of starts")


@case
def a_bad_table_is_told(wgf):
    sound = np.ones((N, 3 * (N + 1)))
    infinite = sound.copy()
    infinite[3, 5] = np.inf
    write(wgf.path("infinite.h5"), infinite)
    write(wgf.path("rank.h5"), sound[None])
    with h5py.File(wgf.path("named.h5"), "w") as file:
        file["table"] = sound
    wgf.write("text.h5", "no table\n")
    wgf.path("torn.h5").write_bytes(write(wgf.path("sound.h5"), sound).read_bytes()[:3000])
    said = {"absent.h5": "cannot open absent.h5: No such file", "named.h5": "no data set coefficients in its root "
            "group; it has table", "infinite.h5": "infinite.h5: coefficient 5 of row 3 is not finite; learn it again",
            "rank.h5": "coefficients", "text.h5": "text.h5", "torn.h5": "damaged or unfinished HDF5 file"}  # fmt: skip
    for name, sentence in said.items():
        wgf.write("spec.yaml", spec(f"{OWN}, start_file: {name}", "start: [previous, file]"))
        wgf("plan", "spec.yaml").require(OK, "warning: ", sentence, "jobs that read it will fail")
        wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet").require(FAILURES)
        equal(list(column(wgf.path("out.h5"), "status")), [2, 4], f"status with {name}")
        require(sentence in messages(wgf.path("out.h5"))[1], f"no {sentence!r} in the row")
    write(wgf.path("few.h5"), sound[1:])
    write(wgf.path("narrow.h5"), sound[:, 1:])
    for name, size in (("few.h5", f"{N - 1} x {3 * (N + 1)}"), ("narrow.h5", f"{N} x {3 * N + 2}")):
        refused(wgf, spec(f"{OWN}, start: file, start_file: {name}"), "start_file",
                f"{name} has {size} coefficients, but n = {N} samples need {N} x {3 * (N + 1)}", ("plan", "wrong.yaml"))
    refused(wgf, spec(f"{OWN}, start: file"), "start", "start: file needs start_file: PATH", ("plan", "wrong.yaml"))
    wgf.write("gd.yaml", spec("method: gd, data: sinus, start: file, start_file: few.h5"))
    wgf("plan", "gd.yaml").require(OK, "no job reads start")


@case
def a_killed_run_goes_on_with_the_same_bits(wgf):
    learned(wgf)
    for start in ("previous", "zero", "file, start_file: table.h5"):
        text = spec(f"{OWN.replace(f'steps: {STEPS}', 'steps: 20000')}, gamma: 0.3, save: last, start: {start}")
        wgf.write("spec.yaml", text)
        arguments = "run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.05s"
        process = wgf.hold(*arguments, "--overwrite", slice=0.05)
        folder = wgf.path("out.h5.checkpoints")
        wait_until(lambda: (folder.exists() and any(folder.iterdir())) or process.poll() is not None, "a checkpoint",
                   process)
        kill_all(process, 0)
        equal(list(column(wgf.path("out.h5"), "status")), [RUNNING], "status")
        wgf(*arguments).require(OK)
        whole = wgf.result(text, OK, "whole.h5", "--checkpoint", "0", "--overwrite")
        equal(differences(wgf.path("out.h5"), whole), [], f"variables that differ with start: {start}")


if __name__ == "__main__":
    main()
