#!/usr/bin/python3
"""What a spec gives and no job reads: warnings of `wgf plan` and `wgf run`. test_warnings.py WGF_BINARY"""

import pathlib
import re

from harness import FAILURES, OK, case, equal, main, require

SWEEPS = pathlib.Path(__file__).resolve().parents[2] / "sweeps"
WARNING = re.compile(r"^spec.yaml:(\d+):\d+: warning: no job reads (\w+)(, so .*)?; remove it, or use (.*)$")
DECIDERS = ("data", "init", "loss", "parametrisation", "method", "metric", "inner", "solver", "flow_solver")
DESCENTS = ({"method": "gd"}, {"method": "prox"}, {"method": "prox", "metric": "sliced"},
            {"method": "prox", "metric": "sinkhorn"},
            {"method": "prox", "inner": "adam"}, {"method": "jko"},
            {"method": "jko", "solver": "dykstra"}, {"method": "flow"}, {"method": "flow", "flow_solver": "adaptive"},
            {"method": "wfr"}, {"method": "pde"}, {"method": "gd", "parametrisation": "product"},
            {"method": "prox", "parametrisation": "sphere"})
KINDS = [{"data": data, "init": init, **descent} for data, init in (("sinus", "normal"), ("linear", "grid"))
         for descent in DESCENTS if (init, descent.get("parametrisation")) != ("grid", "product")]  # of 9, not 8
LEFT_OUT = {"test_file", "data_file", "init_file", "init_job", "init_record", "d", "bias", "layers", "weight_decay",
            "confine", "entropy", "anneal", "kernel", "signs", "init_alpha", "grid_grading", "grid2_radius",
            "standardize", "test_fraction", "split_seed", "reference_job", "transport_p", "direction_tol",
            "moving_tol", "sinkhorn_tol", *DECIDERS}


def parameters(wgf):
    """{parameter: two values of it} of those that decide nothing and conflict with nothing."""
    found = {}
    for line in wgf("params", "--markdown").require(OK).out.splitlines()[2:]:
        name, values, bounds = [cell.strip(" `") for cell in line.split("|")[1:4]]
        choices = re.sub(r" \(.*", "", values).split(", ")
        numbers = "[0.2, 0.5]" if "<" in bounds else "[2, 5]"
        if name not in LEFT_OUT and len(choices) + values.startswith(("int", "float")) > 1:
            found[name] = numbers if values.startswith(("int", "float")) else f"[{choices[0]}, {choices[1]}]"
    return {**found, "width": "[8, 32]", "cells": "[8, 16]"}  # which init: grid takes, and a circle has


def warnings(wgf, text, *options):
    """{parameter: (line, ways to have it read)} of the warnings, and the number of jobs."""
    wgf.write("spec.yaml", text)
    done = wgf("plan", "spec.yaml", "--no-time", *options).require(OK)
    found = {}
    for line in done.err.splitlines():
        match = WARNING.match(line)
        require(match and match[2] not in found, f"stderr has {line!r}")
        found[match[2]] = int(match[1]), match[4].split(" or ")
    return found, int(re.search(r"^jobs: (\d+)$", done.out, re.MULTILINE)[1])


def needs(choices, names):
    """What such jobs need so that these parameters conflict with nothing."""
    found = {}
    if choices["init"] == "grid" and choices["method"] not in ("jko", "wfr", "pde"):
        found["width"] = 8
    if choices["method"] == "prox" and (choices.get("inner") in ("momentum", "adam") or "beta_decay" in names):
        found["beta"] = 0.01
    if choices["method"] == "prox" and choices.get("metric") == "sinkhorn":
        found["epsilon"] = 0.1
    return found


def mapping(pairs):
    return "{" + ", ".join(f"{name}: {value}" for name, value in pairs.items()) + "}"


def swept(choices, table):
    """A spec with a block for each parameter, which sweeps it."""
    blocks = [(mapping({need: value for need, value in needs(choices, [name]).items() if need != name}),
               mapping({name: values})) for name, values in table.items()]
    return "\n".join(["name: x", f"fixed: {mapping({'n': 5, **choices})}", "sweep:",
                      *(f"  - {{fixed: {beside}, product: {own}}}" for beside, own in blocks)]) + "\n"


def fixed(choices, table):
    """A spec that fixes the first of each parameter's values."""
    ones = {name: values.strip("[]").split(",")[0] for name, values in table.items()}
    return f"name: x\nfixed: {mapping({'n': 5, **needs(choices, table), **choices, **ones})}\n"


def number(cell):
    """A number, or the word that it is not."""
    try:
        return float(cell)
    except ValueError:
        return cell


def read_by_jobs(wgf, text, table):
    """The parameters both of whose values some job has: others hold their defaults."""
    wgf.write("spec.yaml", text)
    rows = wgf("plan", "spec.yaml", "--csv").require(OK).table()[1]
    cells = {name: {number(row[name]) for row in rows} for name in table}
    return {name for name, values in table.items() if set(map(number, values.strip("[]").split(", "))) <= cells[name]}


def follow(choices, way):
    """The choices of jobs that do what a warning says."""
    way, *without = way.split(" without ")
    changed = {**choices, **dict(choice.split(": ") for choice in way.split(" with "))}
    return {key: value for key, value in changed.items()
            if key not in without and (key not in ("metric", "inner") or changed["method"] == "prox")
            and (key != "solver" or changed["method"] == "jko")
            and (key != "flow_solver" or changed["method"] == "flow")}


@case
def a_parameter_is_warned_of_exactly_when_no_job_has_its_values(wgf):
    """Every parameter with every kind of job, and every remedy that a warning names."""
    everything, told, silent, ways = parameters(wgf), 0, 0, 0
    require(len(everything) >= 30, f"only {len(everything)} parameters")
    for choices in KINDS:
        conflicts = {"grid2"} if choices["method"] == "pde" else set()
        table = {name: values for name, values in everything.items() if name not in conflicts}
        text = swept(choices, table)
        found, read = warnings(wgf, text)[0], read_by_jobs(wgf, text, table)
        equal(set(found), set(table) - read, f"warnings with {choices}")
        told, silent = told + len(found), silent + len(read)
        if choices["data"] != "sinus":
            continue
        unread = {name: table[name] for name in found}
        equal(set(warnings(wgf, fixed(choices, unread))[0]), set(found), f"fixed, with {choices}")
        followed = {}
        for name in found:
            for way in found[name][1]:
                changed = follow(choices, way)
                followed.setdefault(tuple(changed.items()), {})[name] = table[name]
                ways += 1
        for changed, names in followed.items():
            equal(set(warnings(wgf, fixed(dict(changed), names))[0]), set(), f"{set(names)} with {changed}")
    print(f"{len(KINDS)} kinds of jobs x {len(everything)} parameters: {told} warnings, {silent} read; "
          f"{ways} remedies followed", end="; ")


@case
def places_and_numbers(wgf):
    """A line each, in the order of the spec; --set first; the same for a billion jobs."""
    text = ("name: x\nfixed: {data: three_points, method: gd, beta: .1,\n  epsilon: .3, metric: wasserstein, "
            "noise: 3}\n"
            "sweep:\n  projections: [3, 4]\n  grid: [3]\n  seed: {range: [0, 1000000000]}\n")
    expected = """\
wgf: warning: --set 'data_seed=04': no job reads data_seed; remove it, or use data: random or data: linear or \
data: sinus or data: teacher
spec.yaml:2:47: warning: no job reads beta; remove it, or use method: prox
spec.yaml:3:12: warning: no job reads epsilon; remove it, or use method: jko
spec.yaml:3:24: warning: no job reads metric; remove it, or use method: prox
spec.yaml:3:44: warning: no job reads noise; remove it, or use data: linear or data: sinus
spec.yaml:5:16: warning: no job reads projections, so its values make no different jobs; remove it, or use method: \
prox with metric: sliced
spec.yaml:6:9: warning: no job reads grid, so its values make no different jobs; remove it, or use method: jko \
or method: pde
"""
    wgf.write("spec.yaml", text)
    equal(wgf("plan", "spec.yaml", "--set", "data_seed=04").require(OK).err, expected, "stderr")


@case
def one_job_that_reads_it_is_enough(wgf):
    text = "name: x\nfixed: {n: 5, grid: 4, beta: 1, steps: 2, width: 4, scaling: plain}\nsweep: {method: [%s]}\n"
    for methods, expected in (("gd, prox, jko", set()), ("gd, prox", {"grid"}), ("jko", {"beta", "width", "scaling"})):
        equal(set(warnings(wgf, text % methods)[0]), expected, f"warnings with {methods}")


@case
def a_run_warns_once_and_not_when_quiet(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {n: 5, width: 4, steps: 2, grid: 4}\n")
    line = "spec.yaml:2:41: warning: no job reads grid; remove it, or use method: jko or method: pde\n"
    for ranks in (0, 3):
        done = wgf("run", "spec.yaml", "-o", f"{ranks}.h5", ranks=ranks).require(OK)
        equal(done.err.count(line), 1, f"warnings of {ranks} ranks in {done.err!r}")
    equal(wgf("run", "spec.yaml", "-o", "quiet.h5", "--quiet").require(OK).err, "", "stderr")


@case
def shipped_specs_give_no_warning(wgf):
    files = sorted(SWEEPS.glob("*.yaml"))
    for path in files:
        equal(wgf("plan", path, "--no-time").require(OK).err, "", f"stderr of {path.name}")
    require(len(files) > 10, "no specs")


@case
def sizes_that_events_take_hours_for_are_warned_of(wgf):
    """By the largest job; never one of which the remedies are followed."""
    for fixed, sweep, words in (("flow_solver: events", "width: [10, 1000000], n: [5, 1000], d: [2, 3]",
                                 "width: 1000000, n: 1000 and d: 3"),
                                ("data: sinus", "n: [70, 3000], width: [10, 100000]",
                                 "width: 100000, n: 3000 and d: 2")):
        wgf.write("spec.yaml", f"name: x\nfixed:\n  method: flow\n  {fixed}\nsweep: {{{sweep}}}\n")
        done = wgf("plan", "spec.yaml", "--no-time").require(OK)
        line = 4 if "solver" in fixed else 3
        pattern = (rf"spec.yaml:{line}:\d+: warning: flow_solver: events takes about \de\+\d\d operations for {words}, "
                   r"hours at one a nanosecond; use fewer .*\n")
        require(re.fullmatch(pattern, done.err), repr(done.err))
    for text in ("method: flow, width: 1000, n: 70, d: 3", "method: gd, width: 1000000, n: 1000, d: 3"):
        wgf.write("spec.yaml", f"name: x\nfixed: {{{text}}}\n")
        equal(wgf("plan", "spec.yaml", "--no-time").require(OK).err, "", "warnings")


@case
def grids_beyond_memory_are_warned_of(wgf):
    for fixed, warned in (("method: jko, data: random, d: 8, grid: 32", True), ("method: pde, grid: 10000000", True),
                          ("method: jko, data: random, d: 3", False), ("d: 8, data: random", False)):
        wgf.write("spec.yaml", f"name: x\nfixed: {{{fixed}, steps: 1}}\n")
        done = wgf("plan", "spec.yaml").require(OK)
        equal("GB of memory, and this machine has" in done.err, warned, f"warning of {fixed}: {done.err}")
        if warned:
            wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--overwrite").require(FAILURES)


@case
def an_axis_of_two_blocks_is_looked_at_once(wgf):
    """By an alias, which gives both the same place."""
    shared = "name: x\nsweep:\n  - fixed: {method: METHOD}\n    product: &axes\n      scaling: [plain, mean_field]\n" \
             "  - fixed: {method: gd, width: 5}\n    product: *axes\n"
    for method, count in (("gd", 4), ("prox", 3)):  # the jobs of prox do not read it, those of gd do
        found, jobs = warnings(wgf, shared.replace("METHOD", method))
        equal((found, jobs), ({}, count), method)


if __name__ == "__main__":
    main()
