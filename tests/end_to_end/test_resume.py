#!/usr/bin/python3
"""Runs that are taken up again: what is run, what is kept, and what is refused. test_resume.py WGF_BINARY"""

import os
import random
import re
import resource
import shutil
import signal
import subprocess
import time

import h5py
import numpy as np
from harness import (DONE, ERROR, FAILED, FAILURES, OK, PENDING, STOPPED, TIMEOUT, USAGE, case, column, differences,
                     Skip, equal, finish, kill_all, main, messages, require, wait_until, within)

# A second or two of jobs of some milliseconds each, with states and inner traces.
LONG = """\
name: long
fixed: {n: 40, width: 60, save: last, init_scale: 0.1, inner_steps: 40}
sweep: {method: [gd, prox], steps: [20], seed: {range: [0, 300]}}
"""
SMALL = """\
name: small
fixed: {n: 5, width: 4, save: all}
sweep: {gamma: [0.1, 0.2], steps: [2, 4], seed: {range: [0, 5]}}
"""
ENDLESS = "name: endless\nfixed: {steps: 10000000000, record_every: 10000000000, n: 5, width: 4}\n"
DAMAGED = 7

def run(wgf, *options, ranks=0, text=None):
    if text:
        wgf.write("spec.yaml", text)
    return wgf("run", "spec.yaml", "-o", "out.h5", *options, ranks=ranks)


def states(wgf):
    return column(wgf.path("out.h5"), "status")


def count(wgf, state):
    return int((states(wgf) == state).sum()) if wgf.path("out.h5").exists() else 0


def is_whole(wgf, text):
    """The file is that of a run that nobody stopped, and verifies."""
    whole = wgf.result(text, OK, "whole.h5", "--overwrite")
    equal(differences(wgf.path("out.h5"), whole), [], "variables that differ")
    wgf("verify", "out.h5").require(OK)


def start(wgf, ranks=0, *options):
    return wgf.start("run", "spec.yaml", "-o", "out.h5", *options, ranks=ranks)


def survive_kills(wgf, teams, seed):
    """Kills one run after the other somewhere on its way, then lets one end."""
    dice = random.Random(seed)
    wgf.write("spec.yaml", LONG)
    created = None
    for number, ranks in enumerate(teams):
        process = wgf.hold("run", "spec.yaml", "-o", "out.h5", "--quiet", ranks=ranks)
        goal = (number + dice.random()) * 600 / (len(teams) + 1)
        wait_until(lambda: count(wgf, DONE) >= goal or process.poll() is not None, f"{goal} rows",
                   process)
        kill_all(process, ranks)
        created = created or h5py.File(wgf.path("out.h5"), "r").attrs["created"]
        equal(h5py.File(wgf.path("out.h5"), "r").attrs["created"], created, "created")
    require(0 < count(wgf, DONE) < 600, "no kill came midway")
    before = column(wgf.path("out.h5"), "seconds")[states(wgf) == DONE]
    kept = states(wgf) == DONE
    run(wgf, ranks=teams[0]).require(OK, "600 done, of 600 jobs", "run now").quietly()
    is_whole(wgf, LONG)
    require((column(wgf.path("out.h5"), "seconds")[kept] == before).all(), "finished rows were run again")
    started = column(wgf.path("out.h5"), "started")
    require((started[~kept] > started[kept].min()).all(), "started does not count from the first run")


@case
def killed_alone_and_taken_up(wgf):
    survive_kills(wgf, (0, 0, 0, 0, 0, 0), 1)


@case
def killed_under_mpirun_and_taken_up_by_other_teams(wgf):
    survive_kills(wgf, (3, 2, 4), 2)


@case
def killed_in_turn_alone_and_in_a_team(wgf):
    survive_kills(wgf, (0, 3, 0), 3)


@case
def attempts_count_deaths_and_not_stops(wgf):
    wgf.write("spec.yaml", ENDLESS)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        process = start(wgf, 0, "--max-attempts", "100")
        before = column(wgf.path("out.h5"), "attempts")[0] if wgf.path("out.h5").exists() else 0
        wait_until(lambda: wgf.path("out.h5").exists() and column(wgf.path("out.h5"), "attempts")[0] > before,
                   "the job")
        process.send_signal(number)
        finish(process)
    equal(list(column(wgf.path("out.h5"), "attempts")), [2], "attempts")


@case
def nothing_left_to_run(wgf):
    run(wgf, text=SMALL).require(OK)
    before = wgf.path("out.h5").read_bytes()
    for ranks in (0, 2):
        run(wgf, ranks=ranks).require(OK, "20 done, of 20 jobs", "nothing is left to run").quietly()
    equal(run(wgf, "--quiet").require(OK).err, "", "stderr")
    require(wgf.path("out.h5").read_bytes() == before, "the file was changed")


@case
def what_does_not_change_the_plan_is_no_other_plan(wgf):
    run(wgf, text=SMALL).require(OK)
    run(wgf, text="# a comment\n" + SMALL.replace("small", "other") + "description: x\n").require(OK, "nothing is left")
    run(wgf, text=SMALL.replace("n: 5", "n: 5, projections: 7")).require(OK, "nothing is left")


@case
def another_plan_is_refused_and_the_difference_named(wgf):
    run(wgf, text=SMALL).require(OK)
    before = wgf.path("out.h5").read_bytes()
    others = {SMALL.replace("n: 5", "n: 6"): "job 0 is the first that differs: n is 5 there and 6 here;",
              SMALL.replace("0.2", "0.3"): "job 10 is the first that differs: gamma is 0.2 there and 0.3 here;",
              SMALL.replace("0, 5", "0, 7"): "out.h5 holds another plan: seed has 5 values there and 7 here;",
              SMALL.replace("steps: [2, 4], ", ""): "out.h5 holds another plan: axis 2 is steps there and seed here;",
              SMALL.replace(", seed: {range: [0, 5]}", ""): "axis 3 is seed there and missing here;",
              SMALL.replace("all", "none"): "job 0 is the first that differs: save is all there and none here;",
              SMALL.replace("gamma: [0.1, 0.2], steps: [2, 4]", "steps: [2, 4], gamma: [0.1, 0.2]"):
                  "axis 1 is gamma there and steps here;"}
    for text, words in others.items():
        for ranks in (0, 2) if "n: 6" in text else (0,):
            run(wgf, ranks=ranks, text=text).require(USAGE, "out.h5 holds another plan", words).quietly()
        require(wgf.path("out.h5").read_bytes() == before, "the file was changed")
    run(wgf, "--set", "width=5", text=SMALL).require(USAGE, "width is 4 there and 5 here").quietly()
    equal(sorted(os.listdir(wgf.folder)), ["out.h5", "spec.yaml"], "files")


@case
def other_contents_of_a_file_are_another_plan(wgf):
    text = "name: x\nfixed: {data: file, data_file: a.csv, width: 4, steps: 2}\nsweep: {seed: [1, 2]}\n"
    wgf.write("a.csv", "1,2\n2,1\n")
    wgf.write("b.csv", "1,2\n2,1\n")
    run(wgf, text=text).require(OK)
    run(wgf, text=text.replace("a.csv", "b.csv")).require(USAGE, "data_file", "a.csv there and b.csv here").quietly()
    wgf.write("a.csv", "1,2\n2,7\n")
    run(wgf, text=text).require(USAGE, "data_file a.csv", "contents").quietly()


@case
def files_that_are_no_results_are_kept(wgf):
    run(wgf, text=SMALL).require(OK)
    shutil.copy(wgf.path("out.h5"), wgf.path("whole.h5"))
    with h5py.File(wgf.path("out.h5"), "r+") as file:
        file.attrs["schema"] = 2
    run(wgf).require(ERROR, "schema 2").quietly()
    shutil.copy(wgf.path("whole.h5"), wgf.path("out.h5"))
    os.truncate(wgf.path("out.h5"), 20000)
    before = wgf.path("out.h5").read_bytes()
    run(wgf).require(ERROR, "cut short").quietly()
    require(wgf.path("out.h5").read_bytes() == before, "the file was changed")


@case
def two_runs_do_not_share_a_file(wgf):
    wgf.write("spec.yaml", ENDLESS)
    first = start(wgf)
    wait_until(lambda: wgf.path("out.h5").exists() and states(wgf).any(), "the first run")
    for ranks in (0, 2):
        run(wgf, ranks=ranks).require(ERROR, "another run").quietly()
    first.send_signal(signal.SIGTERM)
    finish(first).require(STOPPED)


@case
def what_a_killed_creation_left_is_removed(wgf):
    run(wgf, "--jobs", "0-3", text=SMALL).require(OK)
    wgf.write("out.h5.tmp-4194300", "rest")
    wgf.write("out.h5.tmp-mine", "not ours")
    run(wgf).require(OK)
    equal(sorted(os.listdir(wgf.folder)), ["out.h5", "out.h5.tmp-mine", "spec.yaml"], "files")


def damage(wgf, name, change):
    """Changes row DAMAGED of a variable behind the program's back."""
    with h5py.File(wgf.path("out.h5"), "r+") as file:
        file[name][DAMAGED] = change(file[name][DAMAGED])


@case
def damaged_rows_are_run_again(wgf):
    flip = lambda value: (
        (np.atleast_1d(value).view(np.uint8) ^ 1).view(np.asarray(value).dtype).reshape(np.shape(value)))
    names = ("objective", "objective_final", "checksum", "key", "gamma", "steps", "steps_done", "state_start",
             "state_records", "state_rows", "status")
    for name in names:
        run(wgf, "--overwrite", text=SMALL).require(OK)
        damage(wgf, name, (lambda _: 77) if name == "status" else flip)
        for options in (("--jobs", "0-6"), ()):
            done = run(wgf, *options).require(OK)
            require(("1 of them run now" in done.err) == (not options), f"{name}: {done.err!r}")
        is_whole(wgf, SMALL)
        attempts = [2 if k == DAMAGED else 1 for k in range(20)]
        equal(list(column(wgf.path("out.h5"), "attempts")), attempts, f"attempts after damage to {name}")


@case
def a_row_that_has_lost_a_text_cannot_be_mended(wgf):
    path = wgf.result(SMALL, OK, "whole.h5")
    bytes_of = path.read_bytes()
    place = bytes_of.rindex(b"cones")
    wgf.path("out.h5").write_bytes(bytes_of[:place] + b"c0nes" + bytes_of[place + 5:])
    wgf("verify", "out.h5").require(FAILURES)
    before = wgf.path("out.h5").read_bytes()
    run(wgf).require(ERROR, "kernel_used of job", "--reuse").quietly()
    require(wgf.path("out.h5").read_bytes() == before, "the file was changed")
    wgf("run", "spec.yaml", "-o", "new.h5", "--reuse", "out.h5").require(OK, "19 rows reused")
    equal(differences(wgf.path("new.h5"), path), [], "variables that differ")


@case
def damaged_states_are_made_again_by_a_team(wgf):
    run(wgf, text=SMALL).require(OK)
    with h5py.File(wgf.path("out.h5"), "r+") as file:
        file["state"][::100] = 3.5
    run(wgf, ranks=3).require(OK, "damaged").quietly()
    is_whole(wgf, SMALL)


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))


@case
def retry_failed(wgf):
    """Too little memory at first, enough later."""
    text = "name: x\nfixed: {n: 2, steps: 0}\nsweep: {width: [4, 3000000, 5], seed: [1, 2]}\n"
    wgf.write("spec.yaml", text)
    finish(start(wgf)).require(OK)
    wgf.path("out.h5").rename(wgf.path("whole.h5"))
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", preexec_fn=limit_memory)
    finish(process).require(FAILURES, "2 failed")
    run(wgf).require(FAILURES, "nothing is left", "--retry failed").quietly()
    run(wgf, "--retry", "timeout,crashed").require(FAILURES, "nothing is left").quietly()
    run(wgf, "--retry", "failed", "--jobs", "2").require(OK, "1 done, of 1 selected").quietly()
    equal(list(states(wgf)), [DONE, DONE, DONE, FAILED, DONE, DONE], "states")
    run(wgf, "--retry", "failed").require(OK, "6 done, of 6 jobs; 1 of them run now").quietly()
    equal(list(column(wgf.path("out.h5"), "attempts")), [1, 1, 2, 2, 1, 1], "attempts")
    equal(set(messages(wgf.path("out.h5"))), {""}, "messages")
    equal(differences(wgf.path("out.h5"), wgf.path("whole.h5")), [], "variables that differ")


@case
def retry_timeout(wgf):
    text = "name: x\nfixed: {n: 5, width: 4, time_limit: 0.2, record_every: 10000000000}\n" \
           "sweep: {steps: [2, 10000000000], seed: [1, 2]}\n"
    run(wgf, text=text).require(FAILURES, "2 timeout")
    run(wgf).require(FAILURES, "nothing is left")
    process = start(wgf, 0, "--retry=failed,timeout")
    wait_until(lambda: (column(wgf.path("out.h5"), "attempts") == 2).any(), "the jobs")
    process.send_signal(signal.SIGTERM)
    finish(process)
    require(set(states(wgf)) <= {DONE, PENDING, TIMEOUT}, f"states {states(wgf)}")
    run(wgf, "--retry=timeout").require(FAILURES, "2 timeout", "run now")
    equal(list(column(wgf.path("out.h5"), "attempts")[:2]), [1, 1], "attempts of finished jobs")


@case
def chosen_jobs(wgf):
    run(wgf, "--jobs", "0-2,17,2-4,9", text=SMALL).require(OK, "7 done, of 7 selected jobs").quietly()
    equal(sorted(np.flatnonzero(states(wgf) == DONE)), [0, 1, 2, 3, 4, 9, 17], "jobs that were run")
    wgf("status", "out.h5", "--exit-code").require(STOPPED)
    wgf("status", "out.h5", "--exit-code", "--jobs", "0-4,9,17").require(OK)
    wgf("status", "out.h5", "--exit-code", "--jobs", "0-5").require(STOPPED)
    for command in (("run", "spec.yaml", "-o", "out.h5"), ("status", "out.h5")):
        wgf(*command, "--jobs", "3,20").require(USAGE, "job 20", "0 to 19").quietly()
    run(wgf, "--jobs", "5-19", ranks=3).require(OK, "15 done, of 15 selected jobs; 13 of them run now").quietly()
    is_whole(wgf, SMALL)


@case
def a_job_that_the_plan_does_not_have_makes_no_file(wgf):
    run(wgf, "--jobs", "20", text=SMALL).require(USAGE, "job 20").quietly()
    equal(os.listdir(wgf.folder), ["spec.yaml"], "files")


@case
def shards(wgf):
    wgf.write("spec.yaml", SMALL)
    for part in range(3):
        name = f"{part}.h5"
        wgf("run", "spec.yaml", "-o", name, "--shard", f"{part}/3", ranks=2 * (part == 1)).require(OK).quietly()
        expected = [DONE if k % 3 == part else PENDING for k in range(20)]
        equal(list(column(wgf.path(name), "status")), expected, f"states of shard {part}")
        wgf("status", name, "--exit-code", "--shard", f"{part}/3").require(OK)
        wgf("status", name, "--exit-code").require(STOPPED)
        wgf("run", "spec.yaml", "-o", name, "--shard", f"{part}/3").require(OK, "nothing is left")
        wgf("verify", name).require(OK)
    done = wgf("run", "spec.yaml", "-o", "3.h5", "--shard", "1/4", "--jobs", "0-9,13").require(OK, "4 selected")
    equal(list(np.flatnonzero(column(wgf.path("3.h5"), "status") == DONE)), [1, 5, 9, 13], "jobs of both")
    wgf("run", "spec.yaml", "-o", "4.h5", "--shard", "30/40").require(OK, "0 done, of 0 selected").quietly()
    run(wgf, "--shard", "2/3")
    run(wgf).require(OK, "14 of them run now" if done else "")
    is_whole(wgf, SMALL)


@case
def codes_speak_of_the_selected_jobs(wgf):
    text = "name: x\nfixed: {n: 5, steps: 2}\nsweep: {width: [4, 1000000000000, 6]}\n"
    run(wgf, "--jobs", "0,2", text=text).require(OK)
    run(wgf, "--jobs", "0-1").require(FAILURES, "1 failed")
    run(wgf, "--jobs", "2").require(OK)
    for jobs, code in (("0", OK), ("1", FAILURES), ("0-2", FAILURES), ("0,2", OK)):
        wgf("status", "out.h5", "--exit-code", "--jobs", jobs).require(code)


@case
def fail_fast_and_status_agree(wgf):
    text = "name: x\nfixed: {n: 5, steps: 2}\nsweep: {width: [4, 1000000000000, 6]}\n"
    run(wgf, "--fail-fast", text=text).require(FAILURES)
    equal(list(states(wgf)), [DONE, FAILED, PENDING], "states")
    wgf("status", "out.h5", "--exit-code").require(STOPPED)
    wgf("status", "out.h5", "--exit-code", "--fail-fast").require(FAILURES)
    run(wgf, "--fail-fast").require(FAILURES, "2 done, 1 failed")


@case
def stopped_before_the_time_limit(wgf):
    wgf.write("spec.yaml", ENDLESS)
    for ranks in (0, 3):
        for limit, seconds in (("2", 2), ("0:03", 3), ("0.05m", 3)):
            began = time.monotonic()
            with within((seconds + 3) * 3 if ranks else seconds + 0.5):
                run(wgf, "--time-limit", limit, ranks=ranks).require(STOPPED, "before the time limit").quietly()
            require(time.monotonic() - began > seconds / 2, f"it ends long before {seconds} s")
            equal(list(states(wgf)), [PENDING], "states")
    run(wgf, "--time-limit", "1h", "--set", "steps=2", "--overwrite").require(OK)


@case
def limited_runs_one_after_another_end_the_sweep(wgf):
    wgf.write("spec.yaml", LONG)
    for times in range(30):
        done = run(wgf, "--time-limit", str(0.4 * 1.3 ** times))
        if done.code == OK:
            break
        done.require(STOPPED)
    require(0 < times < 29, f"{times} limited runs")
    is_whole(wgf, LONG)


@case
def synced_runs_hold_the_same(wgf):
    for options in (("--sync", "0"), ("--sync", "0.01s")):
        for ranks in (0, 2):
            run(wgf, *options, "--overwrite", ranks=ranks, text=SMALL).require(OK)
            is_whole(wgf, SMALL)


@case
def status_comes_after_the_data_are_on_disk(wgf):
    """With --sync 0, as the system sees it."""
    wgf.write("spec.yaml", SMALL)
    trace = ["strace", "-f", "-o", "calls", "-e", "trace=fsync,fdatasync,pwrite64"]
    if not shutil.which("strace") or subprocess.run([*trace, "true"], cwd=wgf.folder).returncode != 0:
        raise Skip("strace does not work here")
    for options, order in (((), False), (("--sync", "0"), True)):
        command = wgf.command(["run", "spec.yaml", "-o", "out.h5", "--overwrite", *options], 0)
        equal(subprocess.run([*trace, *command], cwd=wgf.folder, capture_output=True).returncode, OK, "exit code")
        with h5py.File(wgf.path("out.h5"), "r") as file:
            places = {name: file[name].id.get_offset() for name in ("status", "objective_final")}
            jobs = len(file["status"])
        seen = ""
        for line in wgf.path("calls").read_text().splitlines():
            offset = int(line.rsplit(",", 1)[1].split(")")[0]) if "pwrite64(" in line else -1
            if "sync(" in line:
                seen += "f"
            elif places["status"] <= offset < places["status"] + jobs:
                seen += "s" if '"\\2' in line else "r"
            elif places["objective_final"] <= offset < places["objective_final"] + 8 * jobs:
                seen += "d"
        require("d" in seen and "r" in seen, f"calls {seen}")
        equal(re.fullmatch(".*f(r(dfs)+)+f", seen) is not None, order, f"order in {seen!r} with {options}")


if __name__ == "__main__":
    main()
