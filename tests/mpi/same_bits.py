#!/usr/bin/python3
"""The bits of a result do not depend on who computed what: one sweep alone, twice, and by teams of any size.

    same_bits.py WGF_BINARY
"""

import functools
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))

import h5py
import numpy as np
from harness import DIVERGED, DONE, FAILED, FAILURES, OK, Wgf, case, contents, equal, main, require

# Mixed methods and sizes; a step of 10^60 diverges at once.
MIXED = """\
name: same bits
fixed: {save: last, n: 12, weight_decay: 0.01, inner_steps: 15, record_inner: 5}
sweep:
  method: [gd, prox]
  kernel: [dense, blas]
  width: [6, 40]
  steps: [5, 8]
  record_every: [1, 3]
  gamma: [0.1, 1.0e+60]
"""
# A job that fails because memory runs out, in a sweep without states: they would be too large for any disk.
FAILING = """\
name: same bits
fixed: {n: 12, weight_decay: 0.01, steps: 30}
sweep:
  method: [gd, prox]
  width: [6, 1000000000000, 300]
  gamma: [0.1, 1.0e+60]
  seed: {range: [0, 5]}
"""
TEAMS = (1, 2, 3, 5)

scratch = tempfile.TemporaryDirectory(prefix="bits-", dir=".")
folder = Path(scratch.name).resolve()
(folder / "mixed").write_text(MIXED)
(folder / "failing").write_text(FAILING)


@functools.cache
def alone(program, name):
    return run(Wgf(program, folder), name, 0)


def run(wgf, name, ranks):
    code = FAILURES if name == "failing" else OK
    wgf("run", folder / name, "-o", "out.h5", "--quiet", "--overwrite", ranks=ranks).require(code).quietly()
    return contents(wgf.path("out.h5"))


def same(wgf, ranks):
    for sweep in ("mixed", "failing"):
        expected, got = alone(wgf.program, sweep), run(wgf, sweep, ranks)
        equal(sorted(set(expected) ^ set(got)), [], "variables on one side alone")
        differing = [name for name in expected if expected[name] != got[name]]
        equal(differing, [], "variables that differ")


@case
def the_sweeps_are_worth_comparing(wgf):
    for sweep, jobs, states in (("mixed", 64, {DONE, DIVERGED}), ("failing", 60, {DONE, DIVERGED, FAILED})):
        found = alone(wgf.program, sweep)
        _, _, status = found["status"]
        require(len(status) == jobs and states <= set(status), f"{len(status)} jobs, states {set(status)}")
        checksums = np.frombuffer(found["checksum"][2], np.uint64)
        equal(len(set(checksums)), jobs, "different checksums")
        shape, _, trace = found["objective"]
        require(shape[0] == jobs and np.isnan(np.frombuffer(trace)).any(), "no NaN in the traces")
    require(np.isfinite(np.frombuffer(alone(wgf.program, "mixed")["state"][2])).any(), "no states")


@case
def alone_again(wgf):
    same(wgf, 0)


def add_team(ranks):
    def team(wgf):
        same(wgf, ranks)
    team.__name__ = f"by_{ranks}_ranks"
    case(team)


for number in TEAMS:
    add_team(number)


@case
def a_team_shares_the_work(wgf):
    run(wgf, "failing", 3)
    with h5py.File(wgf.path("out.h5"), "r") as file:
        ranks, processes = set(file["rank"][()]), int(file.attrs["processes"])
    require(ranks == {1, 2} and processes == 3, f"jobs ran on ranks {ranks} of {processes} processes")


if __name__ == "__main__":
    main()
