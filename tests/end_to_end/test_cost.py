#!/usr/bin/python3
"""What a sweep costs: the time that `wgf plan` says, and what `wgf run` makes of it. test_cost.py WGF_BINARY, with
WGF_HARM the library that makes poison of every job with `kernel: blas`."""

import contextlib
import os
import re
import signal
from pathlib import Path

import h5py
import numpy as np
from harness import (DONE, FAILURES, OK, STOPPED, case, column, descendants, equal, finish, main, require,
                     wait_until, within)

# A second of processor time, jobs of three methods, 1 to 20 times as long as others.
SECOND = """\
name: second
fixed: {data: sinus, n: 70, init_scale: 1, output: mean, scaling: mean_field, inner_steps: 30, gamma: 0.1}
sweep: {method: [gd, prox, jko], width: [300, 1000], steps: [50, 1000], grid: [16, 32], seed: {range: [0, 2]}}
"""
SMALL = "name: small\nfixed: {n: 5, width: 4, steps: 3}\nsweep: {seed: {range: [0, 4]}}\n"
ENDLESS = "name: endless\nfixed: {steps: 10000000000, record_every: 10000000000, n: 5, width: 4}\n"
HUGE = """\
name: huge
sweep:
  seed: {range: [0, 1000000]}
  gamma: {geomspace: [1.0e-3, 1, 1000]}
"""


@case
def plan_says_how_long(wgf):
    wgf.write("spec.yaml", SECOND)
    with within(4):
        out = wgf("plan", "spec.yaml").require(OK).out
    line = r"^time: about .* s of processor time, .* s on \d+ cores?; the longest job .* s$"
    require(re.search(line, out, re.M), out)
    for option in ("--no-time", "--csv"):
        require("time:" not in wgf("plan", "spec.yaml", option).require(OK).out, f"{option} prints a time")


@case
def a_moment_is_a_moment(wgf):
    wgf.write("spec.yaml", SMALL)
    require("\ntime: less than 0.1 s\n" in wgf("plan", "spec.yaml").require(OK).out, "no moment")


@case
def a_billion_jobs_are_priced_at_once(wgf):
    wgf.write("spec.yaml", HUGE)
    with within(5):
        out = wgf("plan", "spec.yaml").require(OK).out
    require("jobs: 1000000000\n" in out and re.search(r"summed over 65536 of the jobs.* error of [\d.e-]+ %", out), out)


def said(done):
    """What a run says of its predictions: the factor, and the share of jobs."""
    found = re.search(r"descents took .* predicted were .* \(a factor ([\d.]+)\); (\d+) % of the jobs", done.err)
    require(found, f"nothing of predictions in {done.err!r}")
    return float(found[1]), float(found[2])


def prices_are_near(wgf, processes):
    wgf.write("spec.yaml", SECOND)
    factor, share = said(wgf("run", "spec.yaml", "-o", "out.h5", ranks=processes).require(OK))
    predicted = column(wgf.path("out.h5"), "predicted_seconds")
    require((predicted > 0).all(), f"predicted {predicted}")
    require(1 / 3 < factor < 3 and share >= 70, f"a factor {factor}, {share} % of jobs")


@case
def prices_are_near_alone(wgf):
    prices_are_near(wgf, 0)


@case
def prices_are_near_in_a_team(wgf):
    prices_are_near(wgf, 3)


@case
def a_file_without_prices_is_read_and_continued(wgf):
    path = wgf.result(SMALL, OK, "out.h5")
    with h5py.File(path, "r+") as file:
        del file["predicted_seconds"]
        file["status"][2] = file["checksum"][2] = 0
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK)
    for command in ("status", "show", "verify"):
        wgf(command, "out.h5").require(OK)
    equal(list(column(path, "status")), [DONE] * 4, "status")


@case
def poison_kills_neither_plan_nor_run(wgf):
    wgf.write("spec.yaml", "name: x\nfixed: {n: 20, width: 40, steps: 5, kernel: blas}\nsweep: {seed: [0, 1]}\n")
    environment = dict(os.environ, LD_PRELOAD=os.environ["WGF_HARM"], HARM_POISON="1")
    done = finish(wgf.start("plan", "spec.yaml", env=environment)).require(OK)
    require("time: not known" in done.out, done.out)
    run = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--max-attempts", "1", env=environment)
    equal(finish(run).code, -signal.SIGKILL, "exit code: the first job kills its process, not the measuring before it")
    run = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--max-attempts", "1", env=environment)
    code = finish(run).code
    require(code in (FAILURES, -signal.SIGKILL), f"exit code {code}")


@case
def a_signal_ends_the_measuring(wgf):
    wgf.write("spec.yaml", ENDLESS)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet")
    wait_until(lambda: descendants(process.pid) or process.poll() is not None, "the process that measures")
    process.send_signal(signal.SIGTERM)
    equal(finish(process).code, STOPPED, "exit code")
    require(np.isnan(column(wgf.path("out.h5"), "objective_final")).all(), "a job has ended")


def measuring(process):
    """A rank, and the process below it that measures, once that holds no files of the run: it has the rank's words."""
    for rank in descendants(process.pid):
        for child in descendants(rank):
            with contextlib.suppress(OSError):
                words = [Path(f"/proc/{number}/cmdline").read_bytes() for number in (rank, child)]
                if b"\0run\0" in words[0] and words[0] == words[1] and len(os.listdir(f"/proc/{child}/fd")) <= 3:
                    return rank, child
    return None


def is_gone(number):
    """Has the process ended, and has its parent heard of that?"""
    return not os.path.exists(f"/proc/{number}")


@case
def measuring_leaves_nothing_in_a_team(wgf):
    wgf.write("spec.yaml", ENDLESS)
    for end in (signal.SIGTERM, signal.SIGKILL):  # of the process that measures, and then of the run
        process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--overwrite", "--time-limit", "60", ranks=3)
        rank, child = wait_until(lambda: measuring(process), "the process that measures, which holds no file")
        equal({int(number) for number in os.listdir(f"/proc/{child}/fd")} - {0, 1, 2}, set(), "files that it holds")
        os.kill(child if end == signal.SIGTERM else rank, end)
        wait_until(lambda: is_gone(child), "its end")
        if end == signal.SIGTERM:
            process.send_signal(signal.SIGUSR1)
        require(finish(process).code != OK, "an endless job has ended")


if __name__ == "__main__":
    main()
