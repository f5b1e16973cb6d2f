#!/usr/bin/python3
"""`wgf merge`: one file out of shards. test_merge.py WGF_BINARY"""

import os
import random
import shutil
import signal
import time

import h5py
import numpy as np
from harness import (CRASHED, DIVERGED, DONE, ERROR, FAILED, FAILURES, OK, PENDING, STOPPED, USAGE, case, column,
                     differences, equal, finish, main, messages, require, wait_until)

MIXED = """\
name: mixed
fixed: {n: 6, steps: 7, record_every: 3, d: 2, init_scale: 1, grid: 6}
sweep:
  method: [gd, prox, jko, flow]
  save: [none, last, all]
  record_inner: [0, 20]
  seed: [1, 2]
"""
SMALL = "name: small\nfixed: {n: 5, width: 4, steps: 3, save: last}\nsweep: {seed: {range: [0, 7]}}\n"


def shards(wgf, text, count, code=OK, name="spec.yaml"):
    """Runs a spec in parts, each into a file of its own."""
    wgf.write(name, text)
    files = [f"part{i}.h5" for i in range(count)]
    for i, file in enumerate(files):
        wgf("run", name, "-o", file, "--shard", f"{i}/{count}", "--quiet").require(code)
    return files


def finished(path):
    return int((column(path, "status") > 1).sum())


@case
def shards_make_the_file_of_a_whole_run(wgf):
    whole = wgf.result(MIXED, OK, "whole.h5")
    files = shards(wgf, MIXED, 4)
    random.shuffle(files)
    outcome = wgf("merge", "-o", "all.h5", *files)
    outcome = outcome.require(OK, "4 files, 30 finished rows, 30 done; 0 pending").quietly()
    equal(outcome.err.count("\n"), 1, "lines of stderr")
    equal(differences(wgf.path("all.h5"), whole), [], "variables that differ")
    wgf("verify", "all.h5").require(OK)
    wgf("run", "spec.yaml", "-o", "all.h5").require(OK, "nothing is left to run")
    equal(sorted(os.listdir(wgf.folder)), sorted(files + ["all.h5", "whole.h5", "spec.yaml"]), "files")


@case
def what_a_row_says_of_its_run_is_kept(wgf):
    """`started` counts from the oldest file's creation, which is the merged one's."""
    files = shards(wgf, SMALL, 3)
    wgf("merge", "-o", "all.h5", *reversed(files)).require(OK)
    for name in ("attempts", "rank", "seconds"):
        merged = column(wgf.path("all.h5"), name)
        for i, file in enumerate(files):
            equal(list(merged[i::3]), list(column(wgf.path(file), name)[i::3]), name)
    started = column(wgf.path("all.h5"), "started")
    require(0 <= started.min() and started[2] > started[1] > started[0], f"started {started}")
    with h5py.File(wgf.path(files[0])) as first, h5py.File(wgf.path("all.h5")) as merged:
        equal(merged.attrs["created"], first.attrs["created"], "created")


@case
def what_is_finished_nowhere_stays_pending(wgf):
    files = shards(wgf, SMALL, 3)[:2]
    wgf("merge", "-o", "all.h5", *files).require(OK, "5 finished rows, 5 done; 2 pending")
    equal(list(column(wgf.path("all.h5"), "status")), [DONE, DONE, PENDING] * 2 + [DONE], "status")
    require(np.isnan(column(wgf.path("all.h5"), "objective")[2]).all(), "a pending row has a trace")
    wgf("run", "spec.yaml", "-o", "all.h5", "--quiet").require(OK)
    equal(differences(wgf.path("all.h5"), wgf.result(SMALL, OK, "whole.h5")), [], "variables that differ")


@case
def failures_are_kept(wgf):
    text = "name: x\nfixed: {n: 5, steps: 3}\nsweep: {gamma: [0.1, 1.0e+200], width: [4, 1000000000000000]}\n"
    whole = wgf.result(text, FAILURES, "whole.h5")
    wgf.write("spec.yaml", text)
    wgf("run", "spec.yaml", "-o", "a.h5", "--jobs", "0-1", "--quiet").require(FAILURES)
    wgf("run", "spec.yaml", "-o", "b.h5", "--jobs", "2-3", "--quiet").require(FAILURES)
    wgf("merge", "-o", "all.h5", "b.h5", "a.h5").require(OK, "1 done, 1 diverged, 2 failed; 0 pending")
    equal(list(column(wgf.path("all.h5"), "status")), [DONE, FAILED, DIVERGED, FAILED], "status")
    equal(messages(wgf.path("all.h5")), messages(whole), "messages")
    wgf("verify", "all.h5").require(OK)
    wgf("status", "all.h5", "--exit-code").require(FAILURES)


@case
def rows_in_two_files_are_refused(wgf):
    files = shards(wgf, SMALL, 2)
    wgf("run", "spec.yaml", "-o", "more.h5", "--jobs", "3", "--quiet").require(OK)
    wgf("merge", "-o", "all.h5", *files, "more.h5").require(ERROR, "job 3 is finished in both part1.h5 and more.h5")
    shutil.copy(wgf.path(files[0]), wgf.path("copy.h5"))
    wgf("merge", "-o", "all.h5", files[0], "copy.h5").require(ERROR, "job 0", "part0.h5", "copy.h5")
    wgf("merge", "-o", "all.h5", files[0], files[1], files[0]).require(USAGE, "the same file")
    require(not wgf.path("all.h5").exists(), "something was written")


@case
def foreign_files_are_refused(wgf):
    files = shards(wgf, SMALL, 2)
    others = {
        "other.h5": (SMALL.replace("small", "other").replace("steps: 3", "steps: 4"), "its name is 'other' there"),
        "more.h5": (SMALL.replace("[0, 7]", "[0, 8]"), "it has 8 jobs, not 7"),
        "longer.h5": (SMALL.replace("steps: 3", "steps: 4"), "it has 5 records, not 4"),
        "gamma.h5": (SMALL.replace("steps: 3", "steps: 3, gamma: 0.5"), "plan_hash"),
    }
    for name, (text, words) in others.items():
        wgf.write("other.yaml", text)
        wgf("run", "other.yaml", "-o", name, "--jobs", "1", "--quiet").require(OK)
        wgf("merge", "-o", "all.h5", files[0], name).require(ERROR, f"{name} is of another plan than part0.h5", words)
    wgf.write("notes.h5", "these are my notes, and no result file")
    wgf("merge", "-o", "all.h5", files[0], "notes.h5").require(ERROR, "notes.h5", "not an HDF5 file")
    wgf("merge", "-o", "all.h5", files[0], "none.h5").require(ERROR, "there is no result file 'none.h5'")
    wgf.path("cut.h5").write_bytes(wgf.path(files[1]).read_bytes()[:-3000])
    wgf("merge", "-o", "all.h5", files[0], "cut.h5").require(ERROR, "cut.h5", "cut short")
    require(not wgf.path("all.h5").exists(), "something was written")


@case
def damaged_rows_are_refused(wgf):
    files = shards(wgf, MIXED, 2)
    for name, index in (("objective", (5, 1)), ("seed", 5), ("state", 3), ("key", 5)):
        shutil.copy(wgf.path(files[1]), wgf.path("bad.h5"))
        with h5py.File(wgf.path("bad.h5"), "r+") as file:
            if name == "state":
                index = file["state_start"][5]
            file[name][index] = 12345
        wgf("merge", "-o", "all.h5", files[0], "bad.h5").require(ERROR, "job 5 of bad.h5 does not match its checksum")
    require(not wgf.path("all.h5").exists(), "something was written")


@case
def nothing_is_destroyed(wgf):
    files = shards(wgf, SMALL, 2)
    wgf("merge", "-o", "all.h5", files[0]).require(OK)
    before = wgf.path("all.h5").read_bytes()
    wgf("merge", "-o", "all.h5", *files).require(USAGE, "all.h5 exists", "--overwrite")
    wgf("merge", "-o", files[0], *files, "--overwrite").require(USAGE, "both OUT.h5 and a file to be merged")
    wgf("merge", "-o", "all.h5", "--overwrite", *files, "none.h5").require(ERROR)
    wgf("merge", "-o", "all.h5", "--overwrite", files[0], files[0]).require(USAGE)
    equal(wgf.path("all.h5").read_bytes(), before, "the file that was there")
    wgf("merge", "-o", "all.h5", *files, "--overwrite", "--quiet").require(OK)
    equal(finished(wgf.path("all.h5")), 7, "finished rows")
    notes = wgf.write("notes.txt", "these are my notes")
    wgf("merge", "-o", notes, *files, "--overwrite").require(ERROR, "replaces a result file of wgf alone")
    equal(wgf.path(notes).read_text(), "these are my notes", "a foreign file")
    wgf("merge", "-o", "none/all.h5", *files).require(ERROR, "none/all.h5")


@case
def a_link_is_followed(wgf):
    files = shards(wgf, SMALL, 2)
    wgf("merge", "-o", "all.h5", files[0]).require(OK)
    wgf.path("link.h5").symlink_to("all.h5")
    wgf("merge", "-o", "link.h5", "--overwrite", *files).require(OK)
    require(wgf.path("link.h5").is_symlink(), "the link is gone")
    equal(finished(wgf.path("all.h5")), 7, "finished rows")


@case
def a_kill_leaves_the_old_file_or_the_new(wgf):
    """At any instant; what it left behind is removed by the next merge."""
    files = shards(wgf, SMALL.replace("[0, 7]", "[0, 3000]"), 2)
    wgf("merge", "-o", "all.h5", files[0]).require(OK)
    old, kills = wgf.path("all.h5").read_bytes(), 0
    for _ in range(25):
        process = wgf.start("merge", "-o", "all.h5", "--overwrite", *files)
        time.sleep(random.uniform(0.01, 0.25))
        process.send_signal(signal.SIGKILL)
        kills += finish(process).code == -signal.SIGKILL
        whole = finished(wgf.path("all.h5"))
        require(whole == 3000 or wgf.path("all.h5").read_bytes() == old, f"{whole} finished rows")
        wgf("verify", "all.h5").require(OK)
        if whole == 3000:
            wgf.path("all.h5").write_bytes(old)
    print(f"{kills} kills")
    wgf("merge", "-o", "all.h5", "--overwrite", *files).require(OK)
    equal(sorted(os.listdir(wgf.folder)), sorted(files + ["all.h5", "spec.yaml"]), "files")


@case
def a_signal_stops_it(wgf):
    files = shards(wgf, "name: x\nfixed: {width: 1, n: 1, steps: 0}\nsweep: {seed: {range: [0, 40000]}}\n", 2)
    process = wgf.hold("merge", "-o", "all.h5", *files)
    wait_until(lambda: list(wgf.folder.glob("all.h5.tmp-*")), "the new file", process)
    process.send_signal(signal.SIGTERM)
    finish(process).require(STOPPED, "interrupted")
    equal(list(wgf.folder.glob("all.h5*")), [], "files")


@case
def crashed_rows_and_old_marks(wgf):
    """A row that is marked running, of a run that died, is not finished."""
    files = shards(wgf, SMALL, 2)
    with h5py.File(wgf.path(files[0]), "r+") as file:
        file["status"][2] = 1
    wgf("merge", "-o", "all.h5", *files).require(OK, "6 finished rows", "1 pending")
    equal(column(wgf.path("all.h5"), "status")[2], PENDING, "status of the row")
    require(CRASHED not in column(wgf.path("all.h5"), "status"), "a crash came from nowhere")


@case
def arguments(wgf):
    files = shards(wgf, SMALL, 1)
    wgf("merge", *files).require(USAGE, "-o OUT.h5").quietly()
    wgf("merge", "-o", "all.h5").require(USAGE, "no files").quietly()
    wgf("merge", "-o", "all.h5", *files, "--overwritten").require(USAGE, "--overwrite").quietly()
    wgf("merge", "-o", "all.h5", *files).require(OK, "1 file, 7 finished rows")


random.seed(2)
main()
