#!/usr/bin/python3
"""Runs that are stopped or killed: what is in the file, and how soon. test_stop.py WGF_BINARY"""

import functools
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from harness import (DONE, OK, PENDING, RUNNING, STOPPED, Wgf, case, column, equal, finish, let_work, main, ranks,
                     require, wait_until, within)

# Short jobs first, then jobs that never end: gd between steps, prox inside of one. By their parameters both are as
# long, so that a team runs them in this order.
SHORT = 40
ENDLESS = """\
name: endless
fixed: {n: 5, width: 4, steps: 100000000000, record_every: 100000000000}
sweep: {stop_objective: [1000, 0], seed: {range: [0, 40]}}
"""
ENDLESS_INSIDE = """\
name: endless inside
fixed: {n: 5, width: 4, method: prox, beta: 1.0e-9, inner_steps: 100000000000}
sweep: {steps: [1, 2], seed: {range: [0, 3]}}
"""
# One gradient takes a minute or so.
GIANT = "name: giant\nfixed: {n: 20000, d: 200, width: 100000, steps: 1}\n"
# Some seconds of jobs of some milliseconds each.
LONG = """\
name: long
fixed: {n: 50, width: 100, steps: 200, save: last}
sweep: {seed: {range: [0, 600]}}
"""
RESULTS = ("objective_initial", "objective_final", "steps_done", "checksum", "objective", "grad_norm", "state_records")
SOON = 5  # processor seconds in which a stop is to be done


def states(path):
    return column(path, "status")


def start_held(wgf, ranks=0):
    """A run that has finished some of its jobs, and is held there."""
    wgf.write("spec.yaml", LONG)
    path = wgf.path("out.h5")
    process = wgf.hold("run", "spec.yaml", "-o", "out.h5", ranks=ranks)
    wait_until(lambda: path.exists() and (states(path) == DONE).any(), "a finished row", process)
    return process, path


def start(wgf, text, ranks=0):
    """A run that has begun its first job."""
    wgf.write("spec.yaml", text)
    path = wgf.path("out.h5")
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", ranks=ranks)
    wait_until(lambda: path.exists() and (states(path) > PENDING).any(), "the first job")
    return process, path


def stop(process, number):
    """Sends the signal and returns what the process leaves, which must be soon."""
    with within(SOON, process):
        process.send_signal(number)
        return finish(process)


def pending_rows_are_blank(path):
    with h5py.File(path, "r") as file:
        pending = file["status"][()] == PENDING
        require(pending.any(), "nothing is pending")
        for name in ("objective_final", "seconds", "objective", "step", "distance"):
            require(np.isnan(file[name][()][pending]).all(), f"{name} of pending rows is not NaN")
        for name in ("attempts", "checksum", "steps_done"):
            require((file[name][()][pending] == 0).all(), f"{name} of pending rows is not 0")


never_stopped = tempfile.TemporaryDirectory(prefix="whole-", dir=".")


@functools.cache
def whole_run(program):
    """The file of a run that nobody stopped."""
    return Wgf(program, Path(never_stopped.name).resolve()).result(LONG)


def finished_rows_are_whole(wgf, path):
    """Rows marked done, of which there are some but not all, equal those of a run that nobody stopped."""
    whole = whole_run(wgf.program)
    with h5py.File(path, "r") as file, h5py.File(whole, "r") as other:
        done = file["status"][()] == DONE
        for name in RESULTS:
            same = file[name][()][done].tobytes() == other[name][()][done].tobytes()
            require(same, f"{name} of finished rows differs from that of a run to the end")
        for k in np.flatnonzero(done):
            begin, size = file["state_start"][k], file["state_rows"][k] * file["state_cols"][k]
            same = np.array_equal(file["state"][begin:begin + size], other["state"][begin:begin + size])
            require(same, f"state of job {k} differs")
        require(0 < done.sum() < len(done), f"{done.sum()} rows of {len(done)} are finished: not midway")


def stopped_by(wgf, number, text, finished):
    process, path = start(wgf, text)
    let_work(process.pid, 0.3)  # a hundred times what the short jobs take; their rows may not be in the file yet
    done = stop(process, number).require(STOPPED, "interrupted").quietly()
    found = states(path)
    equal(set(found) <= {PENDING, DONE}, True, f"states {set(found)} are pending or done")
    equal(int((found == DONE).sum()), finished, "finished rows")
    pending_rows_are_blank(path)
    wgf("status", "out.h5", "--exit-code").require(STOPPED)
    return done


@case
def sigterm_to_a_lone_process(wgf):
    stopped_by(wgf, signal.SIGTERM, ENDLESS, SHORT)


@case
def sigint_to_a_lone_process(wgf):
    stopped_by(wgf, signal.SIGINT, ENDLESS, SHORT)


@case
def sigusr1_to_a_lone_process(wgf):
    stopped_by(wgf, signal.SIGUSR1, ENDLESS, SHORT)


@case
def stopped_inside_of_an_outer_step(wgf):
    stopped_by(wgf, signal.SIGTERM, ENDLESS_INSIDE, 0)


@case
def stopped_inside_of_one_gradient(wgf):
    for kernel in ("dense", "blas"):
        wgf.write("spec.yaml", GIANT)
        process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--set", f"kernel={kernel}")
        wait_until(lambda: wgf.path("out.h5").exists() and states(wgf.path("out.h5")).any(), "the job")
        let_work(process.pid, 2)  # beyond the drawing of its inputs and neurons
        stop(process, signal.SIGTERM).require(STOPPED)
        equal(list(states(wgf.path("out.h5"))), [PENDING], "states")
        wgf.path("out.h5").unlink()


@case
def quiet_stop(wgf):
    wgf.write("spec.yaml", ENDLESS)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet")
    wait_until(lambda: wgf.path("out.h5").exists() and states(wgf.path("out.h5")).any(), "the first job")
    equal(stop(process, signal.SIGTERM).require(STOPPED).quietly().err, "", "stderr")


@case
def sigusr1_to_mpirun(wgf):
    process, path = start(wgf, ENDLESS, ranks=3)
    for worker in ranks(process)[1:]:
        let_work(worker, 0.3)
    stop(process, signal.SIGUSR1).require(STOPPED).quietly()
    found = states(path)
    equal([int((found == state).sum()) for state in (PENDING, RUNNING, DONE)], [SHORT, 0, SHORT], "states")
    pending_rows_are_blank(path)


@case
def sigterm_to_mpirun(wgf):
    process, path = start(wgf, ENDLESS, ranks=3)
    done = stop(process, signal.SIGTERM)
    require(done.code != OK, "exit code 0")
    equal(set(states(path)) <= {PENDING, DONE}, True, f"states {set(states(path))} are pending or done")


@case
def stopped_midway_keeps_what_is_finished(wgf):
    process, path = start_held(wgf)
    stop(process, signal.SIGTERM).require(STOPPED)
    finished_rows_are_whole(wgf, path)


@case
def killed_midway_leaves_whole_rows(wgf):
    process, path = start_held(wgf)
    process.kill()
    equal(finish(process).code, -signal.SIGKILL, "exit code")
    wgf("status", "out.h5", "--exit-code").require(STOPPED)
    wgf("show", "out.h5", "--csv").require(OK)
    finished_rows_are_whole(wgf, path)
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--overwrite", "--set", "steps=2").require(OK)
    equal(set(states(path)), {DONE}, "states after starting anew")


@case
def stopped_while_a_large_file_is_made(wgf):
    wgf.write("spec.yaml", "name: large\nfixed: {n: 1, d: 300, width: 1000, steps: 2000, save: all}\n")
    temporary = lambda: [wgf.path(name) for name in os.listdir(wgf.folder) if ".tmp-" in name]
    for ranks in (0, 2):
        process = wgf.start("run", "spec.yaml", "-o", "out.h5", ranks=ranks)
        wait_until(lambda: any(path.stat().st_size > 1e8 for path in temporary()), "0.1 GB of 4.8 GB")
        stop(process, signal.SIGUSR1).require(STOPPED, "out.h5").quietly()
        equal(os.listdir(wgf.folder), ["spec.yaml"], "files")


@case
def signalled_while_mpi_starts(wgf):
    wgf.write("spec.yaml", ENDLESS)
    for delay in (0, 0.05, 0.1, 0.2):
        process = wgf.start("run", "spec.yaml", "-o", "out.h5", ranks=2)
        wait_until(lambda: len(ranks(process)) == 2, "the ranks")
        for rank in ranks(process):
            while not catches(rank, signal.SIGUSR1):
                require(not mpi_starts(rank) or catches(rank, signal.SIGUSR1), "MPI starts before signals are caught")
        time.sleep(delay)
        stop(process, signal.SIGUSR1).require(STOPPED).quietly()
        wgf.path("out.h5").unlink(missing_ok=True)


def mpi_starts(process):
    """Has the process loaded a component of Open MPI?"""
    return "/mca_" in Path(f"/proc/{process}/maps").read_text()


def catches(process, number):
    """Does the process have a handler for the signal?"""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("SigCgt:")[1].split()[0], 16) >> (number - 1) & 1


@case
def killed_worker_leaves_whole_rows(wgf):
    for _ in range(20):  # mpirun lets the others go on for two seconds: they may do all that the worker did not have
        process, path = start_held(wgf, ranks=3)
        os.kill(ranks(process)[-1], signal.SIGKILL)
        require(finish(process).code != OK, "exit code 0")
        if (states(path) != DONE).any():
            break
        path.unlink()
    wgf("status", "out.h5", "--exit-code").require(STOPPED)
    finished_rows_are_whole(wgf, path)


@case
def killed_while_the_file_is_made(wgf):
    text = "name: wide\nfixed: {steps: 20, n: 5, width: 4}\nsweep: {seed: {range: [0, 5000]}}\n"
    wgf.write("spec.yaml", text)
    path, dice, seen = wgf.path("out.h5"), random.Random(1), set()
    command = "run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet"
    began = time.monotonic()
    process = wgf.start(*command)
    wait_until(path.exists, "the file")
    making = time.monotonic() - began
    process.kill()
    finish(process)
    path.unlink()
    for kills in range(1, 201):
        process = wgf.start(*command)
        time.sleep(3 * making * dice.random())
        process.kill()
        finish(process)
        seen.add(path.exists())
        if path.exists():
            wgf("status", "out.h5").require(OK)
            path.unlink()
        if kills >= 20 and len(seen) == 2:
            break
    require(seen == {False, True}, f"all kills came at the same stage: {seen}")
    wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet", "--set", "steps=1").require(OK)
    equal(sorted(os.listdir(wgf.folder)), ["out.h5", "spec.yaml"], "files at the end")


if __name__ == "__main__":
    main()
