"""What a spec asks to be recorded is recorded, or the plan or the row says that it is not: every method with every
such option. What a job reads has an effect on its row. test_recorded.py WGF_BINARY"""

import re

import h5py
import numpy as np
from harness import OK, USAGE, case, equal, main, require

DESCENTS = {
    "gd": "method: gd",
    "gd of both layers": "method: gd, layers: both",
    "gd of pairs": "method: gd, parametrisation: product",
    "prox on the sphere": "method: prox, inner_steps: 4, parametrisation: sphere",
    "prox": "method: prox, inner_steps: 4",
    "prox, fixed beta": "method: prox, inner_steps: 4, beta: 0.01",
    "prox by adam": "method: prox, inner_steps: 4, inner: adam, beta: 0.01",
    "prox by momentum": "method: prox, inner_steps: 4, inner: momentum, beta: 0.01",
    "gd, huber": "method: gd, loss: huber",
    "wasserstein": "method: prox, metric: wasserstein, inner_steps: 4",
    "sliced": "method: prox, metric: sliced, inner_steps: 4",
    "jko": "method: jko, grid: 6",
    "flow": "method: flow, gamma: 0.01",
    "flow, adaptive": "method: flow, flow_solver: adaptive, gamma: 0.1",
    "jko by Dykstra": "method: jko, grid: 6, solver: dykstra",
    "jko on two grids": "method: jko, grid: 6, grid2: 3",
}
# What an option promises: variables that are to hold a finite value.
OPTIONS = {
    "test_file: test.csv": ("objective_test",),
    "record_distances: all": ("distance_frobenius", "distance_wasserstein"),
    "record_distances: reference, reference_file: points.h5": ("distance_reference",),
    "record_inner: 1": ("inner_objective", "inner_distance"),
    "record_inner: 9": ("inner_objective", "inner_distance"),
    "save: last": ("state",),
    "save: all": ("state",),
    "record_every: 9": ("objective",),
    "stop_objective: 1.0e+9": (),
    "stop_change: 1.0e+9": (),
    "stop_when: step > 0": (),
    "time_limit: 1000": (),
}


def write_points(path):
    with h5py.File(path, "w") as file:
        file["points"], file["weights"], file["signs"] = [[0.1, 0.2], [0.3, 0.4], [0, 1]], [0.5, 0.3, 0.2], [1, -1, -1]


def is_recorded(path, variable):
    with h5py.File(path, "r") as file:
        return variable in file and file[variable].size > 0 and bool(np.isfinite(file[variable][()]).any())


def outcome(wgf, number, method, option):
    """How an option ends with a method: recorded, warned, refused, told in the row, or None of these."""
    text = f"name: x\nfixed: {{data: sinus, n: 5, width: 4, steps: 2, {DESCENTS[method]}, {option}}}\n"
    wgf.write("spec.yaml", text)
    planned = wgf("plan", "spec.yaml", "--no-time")
    name = option.split(":")[0]
    if planned.code == USAGE:
        return "refused" if name in planned.err else None
    if f" {name}" in planned.err:
        return "warned"
    path = wgf.result(text, OK, f"{number}.h5")
    if all(is_recorded(path, variable) for variable in OPTIONS[option]):
        return "recorded"
    with h5py.File(path, "r") as file:
        return "told" if name in b"".join(file["message"][0]).decode() else None


@case
def every_method_with_every_option(wgf):
    wgf.write("test.csv", "0.1,0.2\n0.3,-0.4\n")
    write_points(wgf.path("points.h5"))
    found = {(method, option): outcome(wgf, number, method, option) for number, (method, option) in
             enumerate((method, option) for method in DESCENTS for option in OPTIONS)}
    silent = [f"{option} with {method}" for (method, option), how in found.items() if how is None]
    require(not silent, f"not recorded, and nothing says so: {'; '.join(silent)}")
    counts = {how: list(found.values()).count(how) for how in set(found.values())}
    print(f"{len(DESCENTS)} methods x {len(OPTIONS)} options: {counts}", end="; ")


INITS = {
    "normal": "init: normal, width: 8, init_scale: 0.5",
    "grid": "init: grid, width: 8",
    "file": "init: file, init_file: neurons.csv",
}
# Two values of every parameter that differ in what they do where they do anything. One that is absent has one choice,
# decides what others do, or is a limit of time.
VALUES = {
    "test_file": "['', test.csv]", "n": "[5, 7]", "d": "[2, 3]", "sampling": "[normal, uniform]", "noise": "[0, 2]",
    "data_file": "[test.csv, other.csv]", "data_seed": "[1, 2]", "width": "[8, 32]",
    "init_file": "[neurons.csv, others.csv]", "init_scale": "[0.5, 0.1]", "signs": "[balanced, positive]",
    "seed": "[1, 2]", "loss": "[mse, sse]", "output": "[sum, mean]", "layers": "[first, both]",
    "weight_decay": "[0, 0.1]", "confine": "[0, 0.1]", "gamma": "[0.1, 0.2]",
    "scaling": "[plain, mean_field]", "steps": "[2, 3]",
    "beta": "[auto, 1.0e-3]", "inner_momentum": "[0.9, 0.5]", "adam_beta1": "[0.9, 0.5]",
    "adam_beta2": "[0.999, 0.5]", "adam_eps": "[1.0e-8, 1.0e-2]", "inner_memory": "[step, run]",
    "beta_decay": "[1, 0.5]", "huber_delta": "[1, 0.01]", "inner_steps": "[2, 4]", "inner_tol": "[0, 1.0e+3]",
    "projections": "[3, 7]",
    "grid": "[6, 8]", "grid_radius": "[1, 2]", "grid2": "[0, 3]", "grid2_radius": "[2, 3]", "epsilon": "[auto, 0.3]",
    "newton_tol": "[1.0e-9, 1]", "dykstra_steps": "[1, 50]", "dykstra_tol": "[1.0e-6, 1]", "anderson": "[0, 5]",
    "record_every": "[1, 2]", "record_distances": "[own, all]", "record_inner": "[0, 2]", "kernel": "[auto, dense]",
    "rtol": "[1.0e-6, 1.0e-3]", "atol": "[1.0e-9, 1.0e-2]", "save": "[none, last]",
    "stop_objective": "[0, 1.0e+9]", "stop_change": "[0, 1.0e+9]",
    "stop_when": "[none, step = 1]",
}
OF_NEURONS = ("data_seed", "width", "init_file", "init_scale", "signs", "seed", "d", "n")  # with every init
ONE_CHOICE = {"origin"}
DECIDING = {"data", "init", "parametrisation", "method", "metric", "inner", "solver", "flow_solver"}
BOOKKEEPING = {"key", "job", "checksum", "started", "seconds", "rank", "attempts", "state_start"}


def differs(path, name):
    """Do the two rows of a file differ in anything but the parameter itself?"""
    with h5py.File(path, "r") as file:
        rows = [value[()] for key, value in file.items()
                if key not in {name, *BOOKKEEPING} and value.ndim > 0 and value.shape[0] == 2]
    return any(np.asarray(first).tobytes() != np.asarray(second).tobytes() for first, second in rows)


def effect(wgf, number, kind, name):
    """What two values of a parameter come to: refused, warned, one job, an effect, or None of these."""
    fixed = {key: value for key, value in kind.items() if key != name}
    text = ", ".join(f"{key}: {value}" for key, value in fixed.items())
    wgf.write("spec.yaml", f"name: x\nfixed: {{{text}}}\nsweep:\n  {name}: {VALUES[name]}\n")
    planned = wgf("plan", "spec.yaml", "--no-time")
    if planned.code == USAGE:
        return "refused"
    if re.search(rf"^spec.yaml:4:\d+: warning: (no job reads )?{name}\b", planned.err, re.MULTILINE):
        return "warned"
    path = wgf.path(f"{number}.h5")
    wgf("run", "spec.yaml", "-o", path).require(OK)
    return "effect" if differs(path, name) else None


@case
def what_a_job_reads_has_an_effect(wgf):
    """Every parameter with every method, those of neurons with every init too: different rows, or a warning."""
    neurons = [f"{0.1 * i - 0.3:.2f},{0.2 - 0.07 * i:.2f},{(-1) ** i}\n" for i in range(8)]
    for name, lines in (("neurons.csv", neurons), ("others.csv", neurons[::-1][:-1] + ["0.4,0.4,1\n"]),
                        ("test.csv", ["0.1,0.2\n", "0.3,-0.4\n"]), ("other.csv", ["0.1,0.2\n", "0.3,0.4\n"])):
        wgf.write(name, "".join(lines))
    names = {line.split("|")[1].strip(" `") for line in wgf("params", "--markdown").require(OK).out.splitlines()[2:]}
    elsewhere = {"init_job", "init_record",  # of result files: test_continue.py
                 "reference_file", "reference_job", "transport_p",  # test_reference.py
                 "label", "inputs", "standardize", "test_fraction", "split_seed"}  # of data files: test_data.py
    equal(names - set(VALUES), {*DECIDING, *elsewhere, *ONE_CHOICE, "time_limit"}, "parameters without two values")
    found = {}
    for method in DESCENTS:
        for init in INITS if method in ("gd", "prox", "jko", "flow", "flow, adaptive") else ("normal",):
            text = f"data: linear, n: 5, noise: 0.2, steps: 3, save: last, {INITS[init]}, {DESCENTS[method]}"
            kind = dict(part.split(": ") for part in text.split(", "))
            for name in VALUES if init == "normal" else OF_NEURONS:
                found[method, init, name] = effect(wgf, len(found), kind, name)
    silent = [f"{name} with {method} from {init}" for (method, init, name), how in found.items() if how is None]
    require(not silent, f"no effect, and nothing says so: {'; '.join(silent)}")
    counts = {how: list(found.values()).count(how) for how in ("effect", "warned", "refused")}
    require(counts["effect"] > 200, f"only {counts}")
    print(f"{len(found)} pairs of a kind of job and a parameter: {counts}", end="; ")


@case
def a_number_that_is_needed_is_0(wgf):
    """The sentence, and its remedy; one job that has the number is enough."""
    says = "grid2_radius has no effect with grid2: 0; remove it, or raise grid2"
    for fixed, sweep, warned in (("grid2_radius: 3", "seed: [1]", True), ("grid2_radius: 3", "grid2: [0, 4]", False),
                                 ("grid2_radius: 3, grid2: 4", "seed: [1]", False), ("", "grid2_radius: [2, 3]", True),
                                 ("grid2: 0", "grid2_radius: [2, 3]", True), ("", "grid2: [4]\n  grid2_radius: [2, 3]",
                                                                             False)):
        wgf.write("spec.yaml", f"name: x\nfixed: {{data: sinus, method: jko, {fixed}}}\nsweep:\n  {sweep}\n")
        err = wgf("plan", "spec.yaml").require(OK).err
        equal(says in err, warned, f"the warning with {fixed}, {sweep}")
    wgf.write("spec.yaml", "name: x\nfixed: {data: sinus, method: jko}\n")
    err = wgf("plan", "spec.yaml", "--set", "grid2_radius=3").require(OK).err
    equal(err, f"wgf: warning: --set 'grid2_radius=3': {says}\n", "stderr")
    wgf.write("spec.yaml", "name: x\nfixed: {grid2_radius: 3}\n")
    err = wgf("plan", "spec.yaml").require(OK).err
    wgf.write("data.csv", "1,2\n3,4\n")
    for fraction, warned in ((0, True), (0.5, False)):
        more = f"split_seed: 3, test_fraction: {fraction}"
        wgf.write("data.yaml", f"name: x\nfixed: {{data: file, data_file: data.csv, {more}}}\n")
        said = wgf("plan", "data.yaml").require(OK).err
        equal("split_seed has no effect with test_fraction: 0; remove it, or raise test_fraction" in said, warned, said)
    remedy = "no job reads grid2_radius; remove it, or use method: jko and raise grid2"
    equal(err, f"spec.yaml:2:23: warning: {remedy}\n", "stderr")


main()
