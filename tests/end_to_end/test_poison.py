#!/usr/bin/python3
"""Jobs that kill their process, and the jobs beside them. test_poison.py WGF_BINARY, with WGF_HARM the library that
makes poison of every job with `kernel: blas`."""

import os
import signal

import h5py
import numpy as np
from harness import (CRASHED, DONE, FAILURES, OK, PENDING, RUNNING, STOPPED, case, column, differences, equal, finish,
                     kill_all, main, messages, require, wait_until, within)

# Two of ten are poison, in the midst of the others.
POISONOUS = """\
name: poisonous
fixed: {n: 20, width: 40, steps: 40, save: last}
sweep: {seed: {range: [0, 6]}, kernel: [dense, blas]}
"""
POISON = (5, 9)
CHOSEN = "0,2,4-6,8-10"
# All sorts of traces and states, none of them poison.
SORTS = """\
name: sorts
fixed: {n: 10, width: 6, steps: 3, inner_steps: 6, init_scale: 0.1}
sweep: {method: [gd, prox], save: [none, last, all], record_every: [1, 2], record_inner: [0, 2], gamma: [0.1, 1.0e+60]}
"""
ENDLESS = "name: endless\nfixed: {steps: 10000000000, record_every: 10000000000, n: 5, width: 4}\n"
KILLED, FAULT = "1", "2"


def poisoned(how):
    return dict(os.environ, LD_PRELOAD=os.environ["WGF_HARM"], HARM_POISON=how)


def run(wgf, *options, ranks=0, how=None):
    environment = poisoned(how) if how else None
    return finish(wgf.start("run", "spec.yaml", "-o", "out.h5", *options, ranks=ranks, env=environment))


def states(wgf):
    return list(column(wgf.path("out.h5"), "status"))


def attempts(wgf):
    return list(column(wgf.path("out.h5"), "attempts"))


def until_it_ends(wgf, *options, ranks=0, how=FAULT, most=20):
    """Runs it again as long as it dies; returns how often it did, and the last outcome."""
    for deaths in range(most):
        done = run(wgf, *options, ranks=ranks, how=how)
        if done.code in (OK, FAILURES, STOPPED):
            return deaths, done
    require(False, f"died {most} times: {states(wgf)}, {attempts(wgf)}")


def poison_is_found(wgf, ranks, how, *words):
    wgf.write("spec.yaml", POISONOUS)
    deaths, done = until_it_ends(wgf, "--jobs", CHOSEN, ranks=ranks, how=how)
    done.require(FAILURES, "6 done, 2 crashed").quietly()
    require(2 <= deaths <= 2 * len(POISON) + 1, f"{deaths} deaths")
    found = states(wgf)
    equal([k for k in range(12) if found[k] == CRASHED], list(POISON), "crashed jobs")
    equal(found.count(DONE), 6, "done jobs")
    for job in POISON:
        for word in ("when isolated", "--retry crashed", *words):
            require(word in messages(wgf.path("out.h5"))[job], f"no {word!r} in {messages(wgf.path('out.h5'))[job]!r}")
        require(attempts(wgf)[job] == 3, f"{attempts(wgf)[job]} attempts of job {job}")
        require(np.isnan(column(wgf.path("out.h5"), "objective")[job]).all(), "a crashed row has a trace")
    wgf("status", "out.h5", "--exit-code", "--jobs", CHOSEN).require(FAILURES)
    wgf("verify", "out.h5").require(OK)


def is_whole_in_the_end(wgf):
    """Without the poison, --retry crashed leaves the file of a run that nobody stopped."""
    run(wgf, "--retry", "crashed").require(OK, "12 done").quietly()
    equal(differences(wgf.path("out.h5"), wgf.result(POISONOUS, OK, "whole.h5")), [], "variables that differ")


@case
def poison_in_a_lone_run(wgf):
    poison_is_found(wgf, 0, FAULT, "signal 11")
    run(wgf, "--jobs", CHOSEN, how=FAULT).require(FAILURES, "nothing is left", "--retry crashed")
    run(wgf, "--jobs", CHOSEN, "--retry", "crashed", how=FAULT).require(FAILURES, "2 crashed", "2 of them run now")
    is_whole_in_the_end(wgf)


@case
def poison_in_a_team(wgf):
    poison_is_found(wgf, 3, KILLED, "signal 9", "out of memory")
    is_whole_in_the_end(wgf)


@case
def one_attempt_is_enough_where_asked_for(wgf):
    wgf.write("spec.yaml", POISONOUS)
    for ranks in (0, 2):
        options = "--jobs", "0,2,4,5,6", "--max-attempts", "1", *(["--overwrite"] if ranks else [])
        require(run(wgf, *options, ranks=ranks, how=KILLED).code not in (OK, FAILURES), "the poison kills nobody")
        suspects = [k for k, state in enumerate(states(wgf)) if state == RUNNING]
        require(5 in suspects, f"the poison is not among {suspects}")
        run(wgf, *options[:4], ranks=ranks, how=KILLED).require(FAILURES, "4 done, 1 crashed")
        equal(states(wgf)[5], CRASHED, "the poison")
        equal(messages(wgf.path("out.h5"))[4:7:2], ["", ""], "messages of bystanders")


@case
def fail_fast_ends_at_a_crash(wgf):
    wgf.write("spec.yaml", POISONOUS)
    run(wgf, "--max-attempts", "1", how=FAULT)
    run(wgf, "--max-attempts", "1", how=FAULT)
    deaths, done = until_it_ends(wgf, "--fail-fast", "--max-attempts", "1")
    done.require(FAILURES, "1 crashed")
    wgf("status", "out.h5", "--exit-code", "--fail-fast").require(FAILURES)


def all_are_suspects(wgf, text, times):
    """A file of which all jobs are as a death leaves them."""
    path = wgf.result(text, *((STOPPED, "out.h5", "--time-limit", "0.5s") if text == ENDLESS else ()))
    with h5py.File(path, "r+") as file:
        file["status"][:] = RUNNING
        file["attempts"][:] = times
    return path


@case
def isolated_bystanders_give_the_same_bits(wgf):
    for ranks, times in ((0, 2), (3, 5), (3, 1)):
        wgf.path("out.h5").unlink(missing_ok=True)
        path = all_are_suspects(wgf, SORTS, times)
        run(wgf, ranks=ranks).require(OK, "diverged", "run now").quietly()
        equal(differences(path, wgf.result(SORTS, OK, "whole.h5", "--overwrite")), [], "variables that differ")
        equal(set(attempts(wgf)), {times + 1}, "attempts")
        wgf("verify", "out.h5").require(OK)


@case
def isolated_job_sees_what_the_run_sees(wgf):
    """--set, a spec from standard input, and files beside the spec."""
    os.mkdir(wgf.path("specs"))
    wgf.write("specs/d.csv", "1,2\n2,1\n3,3\n")
    text = "name: x\nfixed: {data: file, data_file: d.csv, width: 4, steps: 2}\nsweep: {seed: [1, 2]}\n"
    wgf.write("specs/spec.yaml", text)
    command = "run", "specs/spec.yaml", "--set", "gamma=0.3", "--set", "width=5", "-o"
    for name in ("out.h5", "whole.h5"):
        wgf(*command, name).require(OK)
    with h5py.File(wgf.path("out.h5"), "r+") as file:
        file["status"][:] = RUNNING
        file["attempts"][:] = 2
    wgf(*command, "out.h5").require(OK, "2 done")
    equal(differences(wgf.path("out.h5"), wgf.path("whole.h5")), [], "variables that differ")
    for name in ("a.h5", "b.h5"):
        wgf("run", "-", "-o", name, stdin=SORTS).require(OK)
    with h5py.File(wgf.path("a.h5"), "r+") as file:
        file["status"][:3] = RUNNING
        file["attempts"][:3] = 2
    wgf("run", "-", "-o", "a.h5", stdin=SORTS).require(OK, "3 of them run now")
    equal(differences(wgf.path("a.h5"), wgf.path("b.h5")), [], "variables that differ")


def children(process):
    with open(f"/proc/{process}/task/{process}/children") as file:
        return [int(child) for child in file.read().split()]


def is_alive(process):
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def with_child(wgf):
    """A run whose only job is isolated, and the child that runs it."""
    all_are_suspects(wgf, ENDLESS, 2)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5")
    [child] = wait_until(lambda: attempts(wgf) == [3] and children(process.pid), "the child")
    return process, child


@case
def stopped_while_a_job_is_isolated(wgf):
    process, child = with_child(wgf)
    with within(5, process):
        process.send_signal(signal.SIGTERM)
        finish(process).require(STOPPED, "interrupted").quietly()
    require(not is_alive(child), "the child lives on")
    equal((states(wgf), attempts(wgf)), ([PENDING], [2]), "state and attempts")


@case
def killed_while_a_job_is_isolated(wgf):
    process, child = with_child(wgf)
    kill_all(process, 0)
    wait_until(lambda: not is_alive(child), "the child's end")
    equal((states(wgf), attempts(wgf)), ([RUNNING], [3]), "state and attempts")


@case
def only_the_child_is_killed(wgf):
    process, child = with_child(wgf)
    os.kill(child, signal.SIGKILL)
    finish(process).require(FAILURES, "1 crashed").quietly()
    equal((states(wgf), attempts(wgf)), ([CRASHED], [3]), "state and attempts")


@case
def limited_while_a_job_is_isolated(wgf):
    all_are_suspects(wgf, ENDLESS, 2)
    run(wgf, "--time-limit", "2s").require(STOPPED, "time limit").quietly()
    equal((states(wgf), attempts(wgf)), ([PENDING], [2]), "state and attempts")


if __name__ == "__main__":
    main()
