#!/usr/bin/python3
"""A result that is removed, moved, replaced or cut while its run goes on. test_moved.py WGF_BINARY"""

import os
import shutil
import signal

from harness import (DONE, ERROR, OK, PENDING, STATES, STOPPED, case, column, equal, finish, main, require,
                     wait_until)

# Jobs of some milliseconds each, which end long after the file is found elsewhere.
LONG = "name: long\nfixed: {n: 50, width: 100, steps: 2000, record_every: 1000}\nsweep: {seed: {range: [0, 10000]}}\n"
ENDLESS = "name: endless\nfixed: {n: 5, width: 4, steps: 100000000000, record_every: 100000000000}\n"
FEW = LONG.replace("10000]", "4]").replace("steps: 2000", "steps: 200000")


def remove(result):
    result.unlink()


def remove_one_of_two(result):
    os.link(result, result.with_name("other.h5"))
    result.unlink()


def move(result):
    result.rename(result.with_name("elsewhere.h5"))


def move_folder(result):
    result.parent.rename(result.parent.with_name("moved"))


def replace(result):
    other = result.with_name("other.h5")
    shutil.copyfile(result, other)
    other.rename(result)


def cut(result):
    os.truncate(result, result.stat().st_size // 2)


def back(result):
    result.with_name("elsewhere.h5").rename(result)


def folder_back(result):
    result.parent.with_name("moved").rename(result.parent)


def nothing(result):
    """The same command goes on."""


# What happens, the sentence, and the remedy that it names.
EVENTS = ((remove, "was removed while the run was writing it; start the same command again", nothing),
          (remove_one_of_two, "was removed while the run was writing it; start the same command again", nothing),
          (move, "elsewhere.h5': move it back, and the same command goes on with it", back),
          (move_folder, "moved/out.h5': move it back, and the same command goes on with it", folder_back),
          (replace, "was replaced by another file while the run was writing it; start the same command again", nothing),
          (cut, "put a copy of it back, or remove it, and start the same command again", remove))


def start(wgf, result, ranks, *options):
    """A run into a new file that has begun its first job, and is held there."""
    result.unlink(missing_ok=True)
    process = wgf.hold("run", "spec.yaml", "-o", result.name, *options, ranks=ranks)
    wait_until(lambda: result.exists() and (column(result, "status") > PENDING).any(), "the first job", process)
    return process


def finished(result):
    return (column(result, "status") > STATES.index("running")).sum()


@case
def a_run_ends_with_where_its_file_is(wgf):
    """Soon after; then the remedy is followed, and the rows of a file that is not lost are still there."""
    (wgf.folder / "in").mkdir()
    wgf.write("spec.yaml", LONG)
    result = wgf.path("in/out.h5")
    for event, sentence, remedy in EVENTS:
        for ranks in (0, 3):
            for old in result.parent.iterdir():
                old.unlink()
            process = wgf.hold("run", "spec.yaml", "-o", "in/out.h5", ranks=ranks, slice=0.1)
            wait_until(lambda: result.exists() and finished(result) >= 5, "rows", process)
            before = finished(result)
            event(result)
            done = finish(process).require(ERROR, sentence)
            equal(done.err.count("wgf: error:"), 1, f"errors of {event.__name__}, {ranks} ranks: {done.err!r}")
            remedy(result)
            if remedy is not remove:
                kept = finished(result)
                require(event is replace or kept >= before, f"{event.__name__}: {kept} rows of {before} are left")
                wgf("verify", "in/out.h5").require(OK)
            wgf("run", "spec.yaml", "-o", "in/out.h5", "--jobs", "0,9999").require(OK)
            equal(set(column(result, "status")[[0, 9999]]), {DONE}, "states after the remedy")


@case
def the_end_of_a_run_is_checked(wgf):
    """The last rows are in a file that is gone when they are written: exit 0 would be a lie."""
    wgf.write("spec.yaml", FEW)
    result = wgf.path("out.h5")
    for ranks in (0, 3):
        process = start(wgf, result, ranks)
        require(finished(result) < 4, "all jobs are over")
        result.unlink()
        done = finish(process).require(ERROR, "was removed while the run was writing it", "written to it again")
        equal(done.err.count("wgf: error:"), 1, f"errors, {ranks} ranks: {done.err!r}")
        wgf("verify", "out.h5").require(OK)
        wgf("run", "spec.yaml", "-o", "out.h5").require(OK)
        equal(set(column(result, "status")), {DONE}, "states")


@case
def a_long_job_tells_at_its_next_checkpoint(wgf):
    """A warning, after which the file may be moved back."""
    wgf.write("spec.yaml", ENDLESS)
    result = wgf.path("out.h5")
    for ranks in (0, 2):
        result.unlink(missing_ok=True)
        process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.2s", ranks=ranks)
        wait_until(lambda: result.exists() and (column(result, "status") > PENDING).any(), "the first job")
        move(result)
        said = process.stderr.readline()
        require(said.startswith("wgf: warning: 'out.h5' was moved") and "elsewhere.h5'" in said, f"says {said!r}")
        back(result)
        process.send_signal(signal.SIGTERM)
        done = finish(process)
        require(done.code == STOPPED or ranks, f"exit code {done.code}")
        require("wgf: error" not in done.err, f"says {done.err!r}")


main()
