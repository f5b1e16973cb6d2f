#!/usr/bin/python3
"""`wgf run --reuse`: results of another file that the plan has too. test_reuse.py WGF_BINARY"""

import functools
import json
import tempfile
from pathlib import Path

import h5py
from harness import (DONE, ERROR, FAILURES, OK, PENDING, USAGE, Wgf, case, column, differences, equal, main, require)

SMALL = """\
name: small
fixed: {n: 6, save: last, init_scale: 1, grid: 6}
sweep: {method: [gd, prox, jko], steps: [7], record_inner: [20], seed: [1, 2]}
"""
LARGE = """\
name: large
description: more seeds, and longer traces
fixed: {n: 6, save: last, init_scale: 1, grid: 6}
sweep: {method: [jko, gd, prox], record_distances: [own, all], record_inner: [20, 0], seed: [3, 2, 1], steps: [20, 7]}
"""


def reuse(wgf, text, *olds, code=OK, words=(), name="out.h5", options=()):
    wgf.write("new.yaml", text)
    arguments = [word for old in olds for word in ("--reuse", old)]
    return wgf("run", "new.yaml", "-o", name, *arguments, *options).require(code, *words)


wholes = tempfile.TemporaryDirectory(prefix="whole-", dir=".")


@functools.cache
def whole(program, text):
    """The file of a run of all jobs."""
    return Wgf(program, Path(wholes.name).resolve()).result(text, OK, f"{abs(hash(text))}.h5")


def is_whole(wgf, name, text):
    """The file is that of a run of all jobs, and verifies."""
    left_out = {"attribute spec_file"}
    equal(set(differences(wgf.path(name), whole(wgf.program, text))) - left_out, set(), "variables that differ")
    wgf("verify", name).require(OK)


def was_run(path):
    """Jobs that this file's own run did: others were started before it was created."""
    return list((column(path, "started") >= 0).nonzero()[0])


@case
def a_larger_sweep_reuses_what_is_there(wgf):
    """Other axes, order, lengths of traces and columns; the file is that of a run of all jobs."""
    wgf.result(SMALL, OK, "old.h5")
    reuse(wgf, LARGE, "old.h5", words=["5 rows reused from old.h5", "44 done, of 44 jobs; 39 of them run now"])
    is_whole(wgf, "out.h5", LARGE)
    equal(len(was_run(wgf.path("out.h5"))), 39, "jobs that were run")


@case
def old_files_are_not_touched(wgf):
    old = wgf.result(SMALL, OK, "old.h5").read_bytes()
    reuse(wgf, LARGE, "old.h5")
    equal(wgf.path("old.h5").read_bytes(), old, "the old file")


@case
def all_that_it_needs_may_be_there(wgf):
    wgf.result(SMALL, OK, "old.h5")
    reuse(wgf, SMALL.replace("name: small", "name: again"), "old.h5", words=["5 rows reused", "nothing is left to run"])
    equal(differences(wgf.path("out.h5"), wgf.path("old.h5")), ["attribute name", "attribute spec",
                                                                "attribute spec_file"], "differences")
    wgf("status", "out.h5", "--exit-code").require(OK)


@case
def rates_are_of_this_run(wgf):
    """Reused rows were run long before: they neither slow the rate down nor count in it."""
    wgf.result(SMALL, OK, "old.h5")
    with h5py.File(wgf.path("old.h5"), "r+") as file:
        file.attrs["created"] = "2001-01-01T00:00:00.000000Z"
    reuse(wgf, LARGE, "old.h5")
    state = json.loads(wgf("status", "out.h5", "--json").require(OK).out)
    equal(state["counts"]["done"], 44, "jobs done")
    require(0 < state["elapsed"] < 60, f"elapsed {state['elapsed']}")
    require(abs(state["rate"] * state["elapsed"] - 39) < 1e-6, f"rate {state['rate']}")


@case
def several_files(wgf):
    wgf.result(SMALL, OK, "one.h5")
    wgf.result(SMALL.replace("[1, 2]", "[2, 3]"), OK, "two.h5")
    reuse(wgf, LARGE, "one.h5", "two.h5",
          words=["5 rows reused from one.h5", "2 rows reused from two.h5", "37 of them run now"])
    is_whole(wgf, "out.h5", LARGE)


@case
def other_jobs_are_not_reused(wgf):
    wgf.result(SMALL, OK, "old.h5")
    for i, change in enumerate((("n: 6", "n: 7"), ("save: last", "save: all"), ("steps: [7]", "steps: [8]"),
                   ("init_scale: 1", "init_scale: 2"), ("fixed: {", "fixed: {record_every: 2, "),
                   ("fixed: {", "fixed: {time_limit: 100, "))):
        text = SMALL.replace(*change).replace("method: [gd, prox, jko]", "method: [gd, prox]")
        reuse(wgf, text, "old.h5", words=["0 rows reused"], name=f"{i}.h5")


@case
def failures_are_run_again(wgf):
    text = "name: x\nfixed: {n: 5, steps: 3}\nsweep: {gamma: [0.1, 1.0e+200], width: [4, 1000000000000000]}\n"
    wgf.result(text, FAILURES, "old.h5")
    reuse(wgf, text, "old.h5", code=FAILURES, words=["2 rows reused"])
    equal(was_run(wgf.path("out.h5")), [1, 3], "jobs that were run")


@case
def damaged_rows_are_run_again(wgf):
    path = wgf.result(SMALL, OK, "old.h5")
    with h5py.File(path, "r+") as file:
        file["objective"][2, 1] = 0.5
    reuse(wgf, SMALL, "old.h5", words=["4 rows reused from old.h5; 1 there does not match its checksum"])
    equal(was_run(wgf.path("out.h5")), [2], "jobs that were run")


@case
def equal_keys_are_not_enough(wgf):
    """A collision of hashes, as good as impossible: the parameters are compared as well."""
    wgf.result(SMALL, OK, "old.h5")
    wgf.write("spec.yaml", SMALL.replace("seed: [1, 2]", "seed: [3, 4]"))
    wgf("run", "spec.yaml", "-o", "out.h5", "--jobs", "0", "--quiet").require(OK)
    keys = column(wgf.path("old.h5"), "key")
    with h5py.File(wgf.path("out.h5"), "r+") as file:
        file["key"][1] = keys[1]
    wgf("run", "spec.yaml", "-o", "out.h5", "--reuse", "old.h5").require(OK, "1 row reused")
    equal(was_run(wgf.path("out.h5")), [0, 1, 2, 3], "jobs that were run; jko reads no seed")


@case
def a_shard_reuses_its_own_part(wgf):
    wgf.result(SMALL, OK, "old.h5")
    wgf.write("new.yaml", LARGE)
    for i in range(3):
        wgf("run", "new.yaml", "-o", f"part{i}.h5", "--shard", f"{i}/3", "--reuse", "old.h5").require(OK)
        states = column(wgf.path(f"part{i}.h5"), "status")
        equal(set(states[i::3]), {DONE}, "states of its own")
        equal((states == PENDING).sum(), 44 - len(states[i::3]), "pending rows")
    wgf("merge", "-o", "all.h5", "part0.h5", "part1.h5", "part2.h5").require(OK, "44 done; 0 pending")
    is_whole(wgf, "all.h5", LARGE)


@case
def a_resumed_file_reuses_too(wgf):
    wgf.result(SMALL, OK, "old.h5")
    wgf.write("new.yaml", LARGE)
    wgf("run", "new.yaml", "-o", "out.h5", "--jobs", "0-9", "--quiet").require(OK)
    reuse(wgf, LARGE, "old.h5", words=["rows reused from old.h5", "44 done, of 44 jobs"])
    is_whole(wgf, "out.h5", LARGE)


@case
def a_team_reuses(wgf):
    wgf.result(SMALL, OK, "old.h5")
    wgf.write("new.yaml", LARGE)
    wgf("run", "new.yaml", "-o", "out.h5", "--reuse", "old.h5", ranks=3).require(OK, "5 rows reused")
    is_whole(wgf, "out.h5", LARGE)


@case
def data_files_count_by_their_contents(wgf):
    """The same file by another name is the same job; the row then says the name that it has now."""
    text = "name: x\nfixed: {data: file, data_file: NAME, width: 4, steps: 3}\nsweep: {seed: [1, 2]}\n"
    samples = "1,2,3\n4,5,6\n7,8,9\n"
    wgf.write("a.csv", samples)
    wgf.write("b.csv", samples)
    wgf.write("c.csv", samples.replace("9", "10"))
    wgf.result(text.replace("NAME", "a.csv"), OK, "old.h5")
    reuse(wgf, text.replace("NAME", "b.csv"), "old.h5", words=["2 rows reused"], name="b.h5")
    equal(list(column(wgf.path("b.h5"), "data_file")), ["b.csv"] * 2, "data_file")
    wgf("verify", "b.h5").require(OK)
    reuse(wgf, text.replace("NAME", "c.csv"), "old.h5", words=["0 rows reused"], name="c.h5")


@case
def many_rows_in_another_order(wgf):
    axes = "sweep: {gamma: [0.1, 0.2], seed: {range: [0, 6000]}}\n"
    text = "name: x\nfixed: {width: 1, n: 1, steps: 0, save: last}\n"
    wgf.result(text + axes, OK, "old.h5")
    new = text + "sweep: {seed: {range: [0, 6010]}, gamma: [0.2, 0.3, 0.1]}\n"
    reuse(wgf, new, "old.h5", words=["12000 rows reused", "18030 done"])
    is_whole(wgf, "out.h5", new)


@case
def files_that_cannot_be_reused(wgf):
    wgf.result(SMALL, OK, "old.h5")
    wgf.write("notes.h5", "these are my notes, and no result file")
    reuse(wgf, LARGE, "none.h5", code=ERROR, words=["there is no result file 'none.h5'"])
    reuse(wgf, LARGE, "old.h5", "notes.h5", code=ERROR, words=["not an HDF5 file"])
    require(not wgf.path("out.h5").exists(), "something was written")
    reuse(wgf, SMALL, "old.h5", code=USAGE, words=["is the result file itself"], name="old.h5")
    wgf("run", "new.yaml", "-o", "out.h5", "--reuse").require(USAGE, "--reuse")


main()
