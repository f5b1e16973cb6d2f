"""What a spec asks to be recorded is recorded, or the plan or the row says that it is not: every method with every
such option. What a job reads has an effect on its row. test_recorded.py WGF_BINARY"""

import re

import h5py
import numpy as np
from harness import OK, USAGE, case, equal, main, require

DESCENTS = {
    "gd": "method: gd",
    "gd of both layers": "method: gd, layers: both",
    "gd of output weights": "method: gd, layers: second, init_scale: 0.1",
    "prox of output weights": "method: prox, inner_steps: 4, layers: second, init_scale: 0.1",
    "gd of pairs": "method: gd, parametrisation: product",
    "prox on the sphere": "method: prox, inner_steps: 4, parametrisation: sphere",
    "prox": "method: prox, inner_steps: 4",
    "prox, fixed beta": "method: prox, inner_steps: 4, beta: 0.01",
    "prox by adam": "method: prox, inner_steps: 4, inner: adam, beta: 0.01",
    "prox, accelerated": "method: prox, inner_steps: 4, inner: accelerated",
    "prox by momentum": "method: prox, inner_steps: 4, inner: momentum, beta: 0.01",
    "prox, exact": "method: prox, inner: exact_local, metric: wasserstein",
    "prox, global": "method: prox, inner: exact_global",
    "gd with noise": "method: gd, output: mean, scaling: mean_field, entropy: 0.1, confine: 0.1, gamma: 0.5",
    "jko, entropy": "method: jko, grid: 6, entropy: 0.1, confine: 0.1, gamma: 0.5",
    "gd, huber": "method: gd, loss: huber",
    "wasserstein": "method: prox, metric: wasserstein, inner_steps: 4",
    "sliced": "method: prox, metric: sliced, inner_steps: 4",
    "sinkhorn": "method: prox, metric: sinkhorn, epsilon: 0.1, inner_steps: 4",
    "jko": "method: jko, grid: 6",
    "flow": "method: flow, gamma: 0.01",
    "flow, adaptive": "method: flow, flow_solver: adaptive, gamma: 0.1",
    "wfr": "method: wfr, cells: 8",
    "pde": "method: pde, grid: 6",
    "jko by Dykstra": "method: jko, grid: 6, solver: dykstra",
    "jko on two grids": "method: jko, grid: 6, grid2: 3",
}
# What an option promises: variables that are to hold a finite value.
OPTIONS = {
    "test_file: test.csv": ("objective_test",),
    "record_distances: all": ("distance_frobenius", "distance_wasserstein"),
    "record_distances: reference, reference_file: points.h5": ("distance_reference",),
    "record_diagnostics: [alignment, directions, moving, exchanged, extremals, patterns, pattern_changes]":
        ("alignment", "directions", "moving", "extremals", "patterns"),  # exchanged may be 0 here, and changes
    "record_inner: 1": ("inner_objective", "inner_distance"),
    "record_inner: 9": ("inner_objective", "inner_distance"),
    "save: last": ("state_records",),
    "save: all": ("state_records",),
    "record_every: 9": ("objective",),
    "stop_objective: 1.0e+9": (),
    "stop_change: 1.0e+9": (),
    "stop_when: step > 0": (),
}


FIRST = 1000  # limit of time of a spec's first block; each has its own, which tells its jobs from those of others


def write_points(path):
    with h5py.File(path, "w") as file:
        file["points"], file["weights"], file["signs"] = [[0.1, 0.2], [0.3, 0.4], [0, 1]], [0.5, 0.3, 0.2], [1, -1, -1]


def run(wgf, path, blocks, names):
    """Runs blocks of a sweep, texts, but those that the plan refuses. Of each its error, whether it was warned of its
    name, and its rows, variable by variable; None where there are none."""
    refused = {}
    while True:
        left = [i for i in range(len(blocks)) if i not in refused]
        if not left:
            break
        lines = [blocks[i].replace("fixed: {", f"fixed: {{time_limit: {FIRST + i}, ") for i in left]
        wgf.write("spec.yaml", "name: x\nsweep:\n" + "".join(f"  - {{{line}}}\n" for line in lines))
        planned = wgf("plan", "spec.yaml", "--no-time")
        if planned.code == OK:
            break
        errors = re.findall(r"^spec.yaml:(\d+):\d+: error: (.*)", planned.err, re.MULTILINE)
        require(planned.code == USAGE and errors, f"exit code {planned.code}: {planned.err}")
        refused.update({left[int(line) - 3]: message for line, message in errors})
    rows, warned = {}, set()
    if left:
        warnings = re.findall(r"^spec.yaml:(\d+):\d+: warning: (?:no job reads )?(\w+)", planned.err, re.MULTILINE)
        warned = {left[int(line) - 3] for line, name in warnings if names[left[int(line) - 3]] == name}
        wgf("run", "spec.yaml", "-o", path).require(OK)
        with h5py.File(path, "r") as file:
            values = {key: value[()] for key, value in file.items() if value.ndim and len(value) == file["job"].size}
        for i in left:
            mine = values["time_limit"] == FIRST + i
            rows[i] = {key: value[mine] for key, value in values.items()}
    return [(refused.get(i), i in warned, rows.get(i)) for i in range(len(blocks))]


PARTS = {"record_distances: all": ("distance_wasserstein",)}  # what masses on a grid have of it


def outcome(option, method, refused, warned, row):
    """How an option ends with a method: recorded, warned, refused, told in the row, or None of these."""
    name = option.split(":")[0]
    if refused:
        return "refused" if name in refused else None
    if warned:
        return "warned"
    promised = PARTS.get(option) if method.startswith("jko") else None
    if all(np.nan_to_num(row.get(variable, 0)).any() for variable in promised or OPTIONS[option]):
        return "recorded"
    return "told" if name in b"".join(row["message"][0]).decode() else None


@case
def every_method_with_every_option(wgf):
    wgf.write("test.csv", "0.1,0.2\n0.3,-0.4\n")
    write_points(wgf.path("points.h5"))
    found = {}
    for number, option in enumerate(OPTIONS):
        blocks = [f"fixed: {{data: sinus, n: 5, width: 4, steps: 2, {method}, {option}}}"
                  for method in DESCENTS.values()]
        ended = run(wgf, wgf.path(f"{number}.h5"), blocks, [option.split(":")[0]] * len(blocks))
        found.update({(method, option): outcome(option, method, *end) for method, end in zip(DESCENTS, ended)})
    silent = [f"{option} with {method}" for (method, option), how in found.items() if how is None]
    require(not silent, f"not recorded, and nothing says so: {'; '.join(silent)}")
    counts = {how: list(found.values()).count(how) for how in set(found.values())}
    print(f"{len(DESCENTS)} methods x {len(OPTIONS)} options: {counts}", end="; ")


INITS = {
    "normal": "init: normal, width: 8, init_scale: 0.5",
    "grid": "init: grid, width: 8",
    "file": "init: file, init_file: neurons.csv",
    "circle": "init: circle, width: 8, init_scale: 0.5",
    "jittered_grid": "init: jittered_grid, width: 8, init_scale: 0.5",
    "uniform": "init: uniform, width: 8, init_scale: 0.5",
}
# Two values of every parameter that differ in what they do where they do anything. One that is absent has one choice,
# decides what others do, or is a limit of time.
VALUES = {
    "test_file": "['', test.csv]", "n": "[5, 7]", "d": "[2, 3]", "bias": "[true, false]",
    "sampling": "[normal, uniform]", "noise": "[0, 2]", "sinus_frequency": "[10, 7]", "sinus_range": "[0.5, 1]",
    "teacher_width": "[3, 2]", "teacher_seed": "[1, 2]",
    "data_file": "[test.csv, other.csv]", "data_seed": "[1, 2]", "width": "[8, 32]",
    "init_file": "[neurons.csv, others.csv]", "init_scale": "[0.5, 0.1]", "signs": "[balanced, positive]",
    "arc_start": "[0, 1]", "arc_width": "[1, 6]", "init_alpha": "[unit, balanced]",
    "seed": "[1, 2]", "loss": "[mse, sse]", "output": "[sum, mean]", "layers": "[first, both]",
    "weight_decay": "[0, 0.1]", "confine": "[0, 0.1]", "entropy": "[0, 0.1]",
    "anneal": "[constant, log]", "gamma": "[0.1, 0.2]",
    "scaling": "[plain, mean_field]", "steps": "[2, 3]",
    "beta": "[auto, 1.0e-3]", "inner_momentum": "[0.9, 0.5]", "adam_beta1": "[0.9, 0.5]",
    "adam_beta2": "[0.999, 0.5]", "adam_eps": "[1.0e-8, 1.0e-2]", "inner_memory": "[step, run]",
    "beta_decay": "[1, 0.5]", "huber_delta": "[1, 0.01]", "inner_steps": "[2, 4]", "inner_tol": "[0, 1.0e+3]",
    "projections": "[3, 7]", "sliced_scale": "[none, dimension]", "sinkhorn_tol": "[1.0e-9, 0.1]",
    "grid": "[6, 8]", "grid_radius": "[1, 2]", "grid_grading": "[0, 2]",
    "grid2": "[0, 3]", "grid2_radius": "[2, 3]", "epsilon": "[auto, 0.3]",
    "cells": "[8, 12]", "total_mass": "[1, 2]",
    "newton_tol": "[1.0e-9, 1]", "dykstra_steps": "[1, 50]", "dykstra_tol": "[1.0e-6, 1]", "anderson": "[0, 5]",
    "record_every": "[1, 2]", "record_distances": "[own, all]",
    "record_diagnostics": "[none, [moving]]", "direction_tol": "[0.01, 3]", "moving_tol": "[1.0e-3, 10]",
    "record_inner": "[0, 2]", "kernel": "[auto, dense]",
    "rtol": "[1.0e-6, 1.0e-3]", "atol": "[1.0e-9, 1.0e-2]", "save": "[none, last]",
    "stop_objective": "[0, 1.0e+9]", "stop_change": "[0, 1.0e+9]",
    "stop_when": "[none, step = 1]",
}
OF_NEURONS = ("data_seed", "width", "init_file", "init_scale", "arc_start", "arc_width", "init_alpha", "signs", "seed",
              "d", "n")  # with every init
ONE_CHOICE = {"origin"}
DECIDING = {"data", "init", "parametrisation", "method", "metric", "inner", "solver", "flow_solver"}
BOOKKEEPING = {"key", "job", "checksum", "started", "seconds", "rank", "attempts", "state_start"}


def differ(rows, name):
    """Do two rows differ in anything but the parameter itself?"""
    return any(np.asarray(row[0]).tobytes() != np.asarray(row[1]).tobytes()
               for key, row in rows.items() if key not in {name, *BOOKKEEPING})


def effects(wgf, path, kind, names):
    """What two values of each parameter come to: refused, warned, an effect, or None of these."""
    blocks = []
    for name in names:
        fixed = ", ".join(f"{key}: {value}" for key, value in kind.items() if key != name)
        blocks.append(f"fixed: {{{fixed}}}, product: {{{name}: {VALUES[name]}}}")
    found = {}
    for name, (refused, warned, rows) in zip(names, run(wgf, path, blocks, names)):
        effect = rows and len(rows["job"]) == 2 and differ(rows, name)
        found[name] = "refused" if refused else "warned" if warned else "effect" if effect else None
    return found


@case
def what_a_job_reads_has_an_effect(wgf):
    """Every parameter with every method, those of neurons with every init too: different rows, or a warning."""
    neurons = [f"{0.1 * i - 0.3:.2f},{0.2 - 0.07 * i:.2f},{(-1) ** i}\n" for i in range(8)]
    for name, lines in (("neurons.csv", neurons), ("others.csv", neurons[::-1][:-1] + ["0.4,0.4,1\n"]),
                        ("test.csv", ["0.1,0.2\n", "0.3,-0.4\n"]), ("other.csv", ["0.1,0.2\n", "0.3,0.4\n"])):
        wgf.write(name, "".join(lines))
    names = {line.split("|")[1].strip(" `") for line in wgf("params", "--markdown").require(OK).out.splitlines()[2:]}
    elsewhere = {"init_job", "init_record",  # of result files: test_continue.py
                 "start", "start_file",  # test_duals.py
                 "reference_file", "reference_job", "transport_p",  # test_reference.py
                 "label", "inputs", "standardize", "test_fraction", "split_seed"}  # of data files: test_data.py
    equal(names - set(VALUES), {*DECIDING, *elsewhere, *ONE_CHOICE, "time_limit"}, "parameters without two values")
    found = {}
    for method in DESCENTS:
        for init in INITS if method in ("gd", "prox", "jko", "flow", "flow, adaptive") else ("normal",):
            text = f"data: linear, n: 5, noise: 0.2, steps: 3, save: last, {INITS[init]}, {DESCENTS[method]}"
            if DESCENTS[method].startswith(("method: gd", "method: prox", "method: flow")):  # for their tolerances
                text += ", record_diagnostics: 'moving,directions'"
            kind = dict(part.split(": ") for part in text.split(", "))
            names = list(VALUES) if init == "normal" else OF_NEURONS
            several = effects(wgf, wgf.path(f"{len(found)}.h5"), kind, names)
            for name in [name for name in names if several[name] is None]:  # where another block has what it needs
                several.update(effects(wgf, wgf.path(f"{len(found)}-{name}.h5"), kind, [name]))
            found.update({(method, init, name): how for name, how in several.items()})
    silent = [f"{name} with {method} from {init}" for (method, init, name), how in found.items() if how is None]
    require(not silent, f"no effect, and nothing says so: {'; '.join(silent)}")
    counts = {how: list(found.values()).count(how) for how in ("effect", "warned", "refused")}
    require(counts["effect"] > 200, f"only {counts}")
    print(f"{len(found)} pairs of a kind of job and a parameter: {counts}", end="; ")


@case
def what_is_needed_is_0_or_empty(wgf):
    """The sentence, and its remedy; one job that has the number, or the text, is enough."""
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
    says = "moving_tol has no effect with record_diagnostics: none; remove it, or set record_diagnostics"
    for named, warned in (("none", True), ("moving", False), ("[moving, directions]", False)):
        wgf.write("tolerance.yaml", f"name: x\nfixed: {{record_diagnostics: {named}, moving_tol: 0.1}}\n")
        said = wgf("plan", "tolerance.yaml").require(OK).err
        equal(says in said, warned, said)
    wgf.write("tolerance.yaml", "name: x\nfixed: {moving_tol: 0.1}\nsweep: {record_diagnostics: [none, moving]}\n")
    equal(wgf("plan", "tolerance.yaml").require(OK).err, "", "stderr")
    remedy = "no job reads grid2_radius; remove it, or use method: jko and raise grid2"
    equal(err, f"spec.yaml:2:23: warning: {remedy}\n", "stderr")


main()
