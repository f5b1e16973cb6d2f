#!/usr/bin/python3
"""`wgf distance` against POT on the same states. test_distance.py WGF_BINARY"""

import csv
import io

import numpy as np
from clouds import by_pot, clouds
from harness import ERROR, OK, USAGE, case, equal, main, require

PARTICLES = """\
name: particles
fixed: {data: sinus, n: 8, steps: 4, init_scale: 0.5, save: %s, output: mean, scaling: mean_field}
sweep:
  - product: {width: [1, 10, 24], signs: [balanced, positive]}
"""
GRIDS = """\
name: grids
fixed: {data: sinus, n: 8, method: jko, steps: 2, save: last}
sweep: {grid: [6, 7], grid2: [0, 4], signs: [balanced, positive]}
"""
BOTH = "name: both\nfixed: {data: sinus, n: 8, width: 12, steps: 3, save: last, layers: both}\nsweep: {seed: [1, 2]}\n"
POINTS = BOTH.replace("layers: both", "parametrisation: %s").replace("both", "%s")
SHEETS = GRIDS.replace("jko", "pde, init_scale: 0.5").replace("grid2: [0, 4], ", "")
CIRCLES = """\
name: circles
fixed: {data: sinus, n: 8, method: wfr, gamma: 1.0e-13, steps: 1, save: last}
sweep: [{product: {cells: [8, 9, 20]}}, {fixed: {signs: positive, total_mass: 2}, product: {cells: [8, 11]}}]
"""
CLOSE = 1e-12


def pairs(text):
    names, *rows = csv.reader(io.StringIO(text))
    equal(names, ["job_a", "job_b", "distance"], "header")
    return {(int(a), int(b)): float(distance) for a, b, distance in rows}


def hold(got, wanted):
    equal(sorted(got), sorted(wanted), "pairs")
    for pair, distance in wanted.items():
        require(np.isclose(got[pair], distance, rtol=CLOSE, atol=1e-15, equal_nan=True),
                f"pair {pair} is {got[pair]}, by POT {distance}")


def run(wgf, name, spec):
    wgf.result(spec, OK, f"{name}.h5")
    return clouds(wgf.path(f"{name}.h5"))


@case
def within_a_file_each_pair_once(wgf):
    for name, spec in (("particles", PARTICLES % "all"), ("both", BOTH), ("circles", CIRCLES),
                       *((word, POINTS % (word, word)) for word in ("product", "sphere"))):
        made = run(wgf, name, spec)
        for p in (1, 2):
            got = wgf("distance", f"{name}.h5", "--p", str(p), "--csv").require(OK)
            wanted = {(i, j): by_pot(made[i], made[j], p) for i in range(len(made)) for j in range(i + 1, len(made))}
            hold(pairs(got.out), wanted)
            differ = sum(np.isnan(distance) for distance in wanted.values())
            require(("masses of a sign differ" in got.err) == (differ > 0), f"{name} says {got.err!r}")


@case
def particles_to_grids(wgf):
    particles, grids = run(wgf, "particles", PARTICLES % "last"), run(wgf, "grids", GRIDS)
    got = wgf("distance", "particles.h5", "grids.h5", "--jobs", "2-4", "--with", "0,3,6", "--csv").require(OK)
    hold(pairs(got.out), {(i, j): by_pot(particles[i], grids[j], 2) for i in (2, 3, 4) for j in (0, 3, 6)})


@case
def grids_of_both_methods(wgf):
    of_jko, of_pde = run(wgf, "grids", GRIDS), run(wgf, "sheets", SHEETS)
    got = wgf("distance", "grids.h5", "sheets.h5", "--jobs", "0,4", "--csv").require(OK)
    require(pairs(got.out)[0, 0] > 0, "a distance of 0")
    hold(pairs(got.out), {(i, j): by_pot(of_jko[i], of_pde[j], 2) for i in (0, 4) for j in range(4)})


@case
def a_matrix_for_people(wgf):
    run(wgf, "particles", PARTICLES % "last")
    lines = wgf("distance", "particles.h5", "--jobs", "2,4").require(OK).out.splitlines()
    equal([line.split() for line in lines][0], ["job", "2", "4"], "header")
    rows = [line.split()[1:] for line in lines[1:]]
    require(rows[0][0] == rows[1][1] == "0" and rows[0][1] == rows[1][0], f"no symmetric matrix: {rows}")


@case
def what_has_no_states_or_is_not_alike(wgf):
    run(wgf, "particles", PARTICLES % "last")
    run(wgf, "both", BOTH)
    wgf.result(PARTICLES % "none", OK, "none.h5")
    for words, code, said in (
            (("none.h5",), USAGE, ("no job has kept a state", "save: last")),
            (("none.h5", "--jobs", "1"), USAGE, ("job 1", "save: last")),
            (("particles.h5", "both.h5"), USAGE, ("job 0 has points of 3 numbers, job 0 of 2", "--jobs")),
            (("particles.h5", "--with", "1"), USAGE, ("--with", "second result file")),
            (("particles.h5", "--p", "3"), USAGE, ("--p is 1 or 2",)),
            (("particles.h5", "both.h5", "none.h5"), USAGE, ("at most two",)),
            (("absent.h5",), ERROR, ("absent.h5",))):
        outcome = wgf("distance", *words).require(code, *said)
        equal(outcome.out, "", f"output of {words}")


if __name__ == "__main__":
    main()
