#!/usr/bin/python3
"""Derived values against Python: a spec with them, and the list of its rows written out. test_derived.py WGF_BINARY"""

import itertools
import math
import random

from harness import OK, USAGE, case, column, equal, main, require

# Axes; and what may be derived from them, as a spec says it and as Python does.
AXES = {"gamma": [0.1, 0.3, 1.5], "width": [3, 8, 40], "seed": [1, 2, 5], "steps": [2, 4], "weight_decay": [0, 0.25],
        "method": ["gd", "prox", "jko", "flow"]}
REALS = ["{a} * {b}", "0.5 * {a} + 1 / {b}", "sqrt({a}) + log({b} + 1)", "min({a}, {b}, 2) + 1", "exp(-{a}) * 3",
         "pow({a}, 2) + max({b}, 0.1)", "({a} + {b}) ^ 0.5 + abs(-{a})", "1e-3 + -(-{a}) / 7"]
INTEGERS = ["2 * {a} + {b}", "min(10 + {a}, 15)", "max({a}, {b})", "({a} + 3 * {b}) * 2 / 2", "12"]
FUNCTIONS = {"sqrt": math.sqrt, "log": math.log, "exp": math.exp, "pow": math.pow, "min": min, "max": max, "abs": abs}
DERIVED = {"beta": (REALS, ["gamma", "width", "init_scale"]), "init_scale": (REALS, ["gamma", "seed", "steps"]),
           "inner_steps": (INTEGERS, ["width", "steps", "grid"]), "grid": (INTEGERS, ["width", "seed", "n"]),
           "epsilon": (REALS, ["grid", "gamma"]), "n": (INTEGERS, ["seed", "width"])}


def draw(chance):
    """Axes with values, and derived values of which none depends on itself."""
    axes = {name: AXES[name] for name in AXES if chance.random() < 0.6}
    chosen = [name for name in DERIVED if chance.random() < 0.6]
    derived = {}
    for name in chosen:
        forms, inputs = DERIVED[name]
        a, b = chance.choice(inputs), chance.choice(inputs)
        derived[name] = chance.choice(forms).format(a=a, b=b)
    names = list(derived.items())
    chance.shuffle(names)
    return axes, dict(names)


def value(name, derived, row):
    """A parameter's number in a row, as written."""
    defaults = {"gamma": 0.1, "width": 1000, "seed": 1, "steps": 100, "weight_decay": 0, "init_scale": 1e-3, "n": 70,
                "grid": 32}
    if name not in derived:
        return row.get(name, defaults[name])
    words = {used: value(used, derived, row) for used in defaults if used != name and used in derived[name]}
    number = float(f"{eval(derived[name].replace('^', '**'), FUNCTIONS, words):.15g}")
    return round(number) if name in ("inner_steps", "grid", "n") else number


@case
def plans_are_those_of_rows_written_out(wgf):
    chance, jobs, dropped = random.Random(3), 0, 0
    for number in range(60):
        axes, derived = draw(chance)
        rows = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
        fixed = "".join(f"  {name}: \"= {text}\"\n" for name, text in derived.items())
        swept = "".join(f"  {name}: {values}\n" for name, values in axes.items()).replace("'", "")
        wgf.write("spec.yaml", f"name: x\n{f'fixed:{chr(10)}{fixed}' if fixed else ''}"
                               f"{f'sweep:{chr(10)}{swept}' if swept else ''}")
        blocks = "".join(f"  - fixed: {{{', '.join(f'{name}: {text!r}' for name, text in row.items())}}}\n"
                         for row in ({**row, **{name: value(name, derived, row) for name in derived}} for row in rows))
        wgf.write("rows.yaml", f"name: x\nsweep:\n{blocks}".replace("'", ""))
        got, wanted = (wgf("plan", name, "--csv") for name in ("spec.yaml", "rows.yaml"))
        text = wgf.path("spec.yaml").read_text()
        equal(got.require(wanted.code).out, wanted.out, f"jobs of\n{text}")
        require(wanted.code == OK or "derived" not in text, wanted.err)
        jobs += wanted.out.count("\n") - 1
        dropped += len(rows) - wanted.out.count("\n") + 1
    require(jobs > 1000 and dropped > 200, f"{jobs} jobs, {dropped} dropped")
    print(f"{jobs} jobs, {dropped} dropped", end="; ")


@case
def rows_hold_the_values(wgf):
    path = wgf.result("name: x\nfixed: {n: 5, method: prox, steps: 2, beta: '= 0.1 * gamma * 3'}\n"
                      "sweep: {gamma: [1, 0.1], width: [4]}\n")
    equal(column(path, "beta").tolist(), [0.3, 0.03], "15 digits")
    written = wgf.result("name: x\nfixed: {n: 5, method: prox, steps: 2, width: 4}\n"
                         "sweep: [{fixed: {gamma: 1, beta: 0.3}}, {fixed: {gamma: 0.1, beta: 0.03}}]\n", OK, "w.h5")
    equal(column(path, "key").tolist(), column(written, "key").tolist(), "keys")
    _, rows = wgf("plan", wgf.write("d3.yaml", "name: x\nfixed: {d: 3}\nsweep: {gamma: [1, 2]}\n"), "--csv", "--set",
                  "method=prox", "--set", "beta== gamma / 4").require(OK).table()
    equal([row["beta"] for row in rows], ["0.25", "0.5"], "beta of --set")


@case
def rows_that_coincide_are_one_job(wgf):
    """Their widths are read by way of a derived value alone, which is the same."""
    wgf.write("spec.yaml", "name: x\nfixed: {method: jko, grid: '= min(8 + width, 20)'}\n"
                           "sweep: {width: [1, 2, 30, 3, 40, 50], gamma: [0.1, 0.2]}\n")
    require("duplicates dropped: 4\n" in wgf("plan", "spec.yaml").require(OK).out, "not four duplicates")
    _, rows = wgf("plan", "spec.yaml", "--csv").table()
    equal([(row["grid"], row["gamma"][:3]) for row in rows],
          [(grid, gamma) for grid in ("9", "10", "20", "11") for gamma in ("0.1", "0.2")], "jobs")


@case
def sizes_of_files_count(wgf):
    wgf.write("data.csv", "".join(f"{i},{i}\n" for i in range(7)))
    wgf.write("spec.yaml", "name: x\nfixed: {data: file, data_file: data.csv, method: prox, inner_steps: = 2 * n}\n")
    equal(wgf("plan", "spec.yaml", "--csv").require(OK).table()[1][0]["inner_steps"], "14", "twice the samples")


@case
def a_billion_jobs(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {method: prox, beta: = gamma / 2}\nsweep: {seed: {range: [0, 10000]}, "
                           "gamma: {linspace: [0.1, 1, 1000]}, width: {range: [1, 1001]}}\n")
    require("jobs: 10000000000\n" in wgf("plan", "spec.yaml").require(OK).out, "not all jobs")


@case
def values_that_are_refused(wgf):
    for fixed, blamed, *said in (
            ('beta: "= 0.5 * gama"', "gama", "beta: unknown parameter 'gama'", "did you mean 'gamma'?"),
            ("beta: = gamma <", None, "missing at the end"), ("beta: = metric", "metric", "metric is no number"),
            ("beta: = gamma < 2", "gamma", "is a condition"), ("method: = gamma", "=", "not '= gamma'"),
            ("beta: = gamma - 0.5", "=", "beta: -0.3 is out of range", "gamma - 0.5 with gamma = 0.2"),
            ("width: = 10 * gamma / 4", "=", "width: 2.5 is no whole number"),
            ("beta: = epsilon", "=", "not a finite number", "epsilon = auto"),
            ("beta: = 2 * beta", "=", "computed from itself"),
            ("beta: = n, n: = inner_steps, inner_steps: = beta", "=", "computed from itself", "and others")):
        wgf.write("spec.yaml", f"name: x\nfixed: {{{fixed}}}\nsweep: {{gamma: [1, 0.2]}}\n")
        place = f"spec.yaml:2:{9 + (fixed.index(blamed) if blamed else len(fixed))}: error: "
        wgf("plan", "spec.yaml").require(USAGE, place, *said).quietly()
    wgf.write("spec.yaml", "name: x\nsweep:\n  - {product: {gamma: [1, 0.2]}, fixed: {method: prox, "
                           "beta: = gamma - 0.5}, exclude: [{gamma: '< 0.5'}]}\n")
    wgf("plan", "spec.yaml").require(OK)


if __name__ == "__main__":
    main()
