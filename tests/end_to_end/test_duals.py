#!/usr/bin/python3
"""Where the solver of a jko step begins: start and start_file, against a regression in NumPy. test_duals.py WGF"""

import h5py
import numpy as np
from harness import (FAILURES, OK, RUNNING, USAGE, case, column, differences, equal, kill_all, main, messages, refused,
                     require, wait_until)

N, GRID, STEPS = 20, 16, 30
OWN = f"method: jko, data: sinus, n: {N}, init: grid, grid: {GRID}, steps: {STEPS}"
MANY = "gamma: [0.02, 0.2, 1], epsilon: [0.01, 0.03]"
OTHERS = "gamma: [0.05, 0.5]"  # jobs that the table has not seen


def spec(fixed, sweep=""):
    return f"name: x\nfixed: {{{fixed}}}\n" + (f"sweep: {{{sweep}}}\n" if sweep else "")


def run(wgf, name, fixed, sweep="", code=OK):
    return wgf.result(spec(fixed, sweep), code, f"{name}.h5", "--overwrite")


def steps_of(path):
    """Residuals before and after each step of each job, gamma and epsilon: from the kept states alone."""
    X = np.column_stack([np.linspace(-0.5, 0.5, N), np.ones(N)])
    y = np.sin(10 * X[:, 0] - np.pi / 2) + 0.2 * X[:, 0] - 0.5
    t = np.linspace(-1, 1, GRID)
    relu = np.maximum(np.stack(np.meshgrid(t, t, indexing="ij"), -1).reshape(-1, 2) @ X.T, 0)
    with h5py.File(path) as file:
        for job in range(len(file["status"])):
            start, records = int(file["state_start"][job]), int(file["state_records"][job])
            masses = file["state"][start : start + records * 2 * GRID**2].reshape(records, -1)
            residuals = masses @ np.vstack([relu, -relu]) - y
            for before, after in zip(residuals[:-1], residuals[1:]):
                yield before, after, float(file["gamma"][job]), float(file["epsilon"][job])


def features(residual, gamma, epsilon):
    z = np.append(residual, 1)
    return np.concatenate([z, z * np.log(gamma), z * np.log(epsilon)])


def regression(path, ridge=1e-9):
    found = list(steps_of(path))
    F = np.array([features(before, gamma, epsilon) for before, _, gamma, epsilon in found])
    U = np.array([2 / N * after for _, after, _, _ in found])
    scale = 1 / np.sqrt((F**2).mean(0))
    gram = (F * scale).T @ (F * scale) / len(F) + ridge * np.eye(F.shape[1])
    return (np.linalg.solve(gram, (F * scale).T @ U / len(F)).T * scale, F, U)


def write(path, table):
    with h5py.File(path, "w") as file:
        file["coefficients"] = table
    return path


def learned(wgf):
    table, _, _ = regression(run(wgf, "many", f"{OWN}, save: all", MANY))
    return write(wgf.path("table.h5"), table)


def evaluations(path):
    return np.nanmean(column(path, "newton_steps_used")[:, 1:]) + 1


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
    table, _, _ = regression(learned(wgf).with_name("many.h5"))
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
