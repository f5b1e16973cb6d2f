#!/usr/bin/python3
"""Descents that go on from where they were stopped or killed, with the same bits. test_checkpoint.py WGF_BINARY"""

import os
import resource
import signal
import struct
import subprocess
import time

from harness import (DONE, OK, PENDING, RUNNING, STOPPED, TIMEOUT, Skip, case, column, differences, equal, finish,
                     kill_all, main, require, wait_until, within, workers)

# Two or three seconds of one descent each.
DESCENTS = {
    "prox": """\
name: prox
fixed: {method: prox, metric: wasserstein, data: sinus, width: 300, steps: 1500, inner_steps: 40, gamma: 0.01,
  save: last, record_distances: all, record_inner: 20, record_every: 7}
""",
    "jko": "name: jko\nfixed: {method: jko, data: sinus, n: 40, grid: 64, steps: 5000, gamma: 0.05, save: last}\n",
    "gd": """\
name: gd
fixed: {method: gd, layers: both, width: 500, d: 3, n: 60, steps: 120000, gamma: 1.0e-4, record_every: 400, save: all}
""",
}
# Several of them, and short ones between.
MIXED = """\
name: mixed
fixed: {data: sinus, width: 300, inner_steps: 40, gamma: 0.01, grid: 48}
sweep: {method: [prox, jko], metric: [wasserstein, frobenius], steps: [2500, 10], seed: [1, 2, 3]}
"""
ENDLESS = "name: endless\nfixed: {method: jko, grid: 32, steps: 10000000000, record_every: 10000000000, time_limit: LIMIT}\n"
HEAD = struct.Struct("=8sqQQqQQ")  # of a slot
DESCENT = struct.Struct("=qqq")  # format, size, step: what a checkpoint begins with


def slots(path):
    """(job, step) of every slot whose head is there; the file may be written meanwhile."""
    bytes_, pairs = column(path, "checkpoint").tobytes(), column(path, "job").size
    size = len(bytes_) // (2 * pairs)
    found = []
    for slot in range(2 * pairs):
        magic, job, _, number, _, _, _ = HEAD.unpack_from(bytes_, slot * size)
        if magic == b"wgfslot\0" and number > 0:
            found.append((job, DESCENT.unpack_from(bytes_, slot * size + HEAD.size)[2]))
    return found


def step_reached(path):
    """Of the newest checkpoint."""
    return max((step for _, step in slots(path)), default=0) if path.exists() else 0


def room(path):
    return os.stat(path).st_blocks * 512


def start(wgf, *options, ranks=0):
    return wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s", *options, ranks=ranks)


def end(wgf, *options, ranks=0):
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s", *options, ranks=ranks).require(OK)


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def is_whole(wgf, text):
    """The file is that of a run that was never cut, the room of checkpoints included. Returns its processor time."""
    before = processor_time()
    whole = wgf.result(text, OK, "whole.h5", "--checkpoint", "0")
    spent = processor_time() - before
    equal(differences(wgf.path("out.h5"), whole), [], "variables that differ")
    require(not column(wgf.path("out.h5"), "checkpoint").any(), "checkpoints are left in a finished file")
    require(room(wgf.path("out.h5")) <= room(whole) + 65536, "the room of checkpoints was not given back")
    wgf("verify", "out.h5").require(OK)
    return spent


def cut(wgf, name, ways):
    """Cuts a descent again and again, each time when it has come some way, and lets the last run end it."""
    text, path = DESCENTS[name], wgf.path("out.h5")
    steps = int(text.split(" steps: ")[1].split(",")[0])
    wgf.write("spec.yaml", text)
    before = processor_time()
    for number, way in enumerate(ways):
        reached = step_reached(path)
        process = start(wgf)
        wait_until(lambda: step_reached(path) >= steps * (number + 1) / (len(ways) + 1) or process.poll() is not None,
                   "a checkpoint")
        if way == signal.SIGKILL:
            kill_all(process, 0)
            equal(list(column(path, "status")), [RUNNING], "status")
        else:
            with within(10, process):
                process.send_signal(way)
                equal(finish(process).code, STOPPED, "exit code")
            equal(list(column(path, "status")), [PENDING], "status")
        require(step_reached(path) > reached, "a run went no further than the one before")
    end(wgf)
    spent = processor_time() - before
    whole = is_whole(wgf, text)
    # From the beginning each time, and cut at a quarter, half, three quarters, it would be two and a half times as much.
    require(spent < 1.7 * whole + 0.5, f"{spent:.1f} s in parts, {whole:.1f} s in one piece")
    print(f"{name}: {whole:.1f} s in one piece, {spent:.1f} s in {len(ways) + 1} parts")


KILLS = (signal.SIGKILL,) * 3
STOPS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)


@case
def prox_killed_again_and_again(wgf):
    cut(wgf, "prox", KILLS)


@case
def jko_killed_again_and_again(wgf):
    cut(wgf, "jko", KILLS)


@case
def gd_killed_again_and_again(wgf):
    cut(wgf, "gd", KILLS)


@case
def prox_stopped_again_and_again(wgf):
    cut(wgf, "prox", STOPS)


@case
def jko_stopped_and_killed_in_turn(wgf):
    cut(wgf, "jko", (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM))


@case
def teams_of_all_sizes_take_over(wgf):
    wgf.write("spec.yaml", MIXED)
    path = wgf.path("out.h5")
    for ranks in (3, 0, 4):
        seen = set(slots(path)) if path.exists() else set()
        process = start(wgf, "--max-attempts", "100", ranks=ranks)
        wait_until(lambda: (path.exists() and len(set(slots(path)) - seen) > 1) or process.poll() is not None,
                   "checkpoints")
        require(process.poll() is None, "it came to its end too early")
        kill_all(process, ranks)
    end(wgf, ranks=3)
    is_whole(wgf, MIXED)


@case
def a_stopped_team_keeps_all_checkpoints(wgf):
    """Each worker's; and the next team, of other numbers, goes on from each."""
    text = DESCENTS["jko"] + "sweep: {init_scale: [0.1, 0.2, 0.3], init: [normal]}\n"
    path = wgf.path("out.h5")
    wgf.write("spec.yaml", text)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "1s", ranks=4)
    wait_until(lambda: path.exists() and len({job for job, _ in slots(path)}) == 3, "all three")
    process.send_signal(signal.SIGUSR1)
    equal(finish(process).code, STOPPED, "exit code")
    equal(list(column(path, "status")), [PENDING] * 3, "status")
    kept = {job: max(step for other, step in slots(path) if other == job) for job in range(3)}
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s", ranks=2)
    wait_until(lambda: any(step > kept[job] for job, step in slots(path)) or process.poll() is not None, "a save")
    require(all(max(step for other, step in slots(path) if other == job) >= kept[job] for job, _ in slots(path)),
            "a checkpoint that was still needed was written over")
    equal(finish(process).code, OK, "exit code")
    is_whole(wgf, text)


@case
def tried_alone_it_goes_on_too(wgf):
    """Killed so often that it is tried in a process of its own, which has its checkpoints as any other."""
    path = wgf.path("out.h5")
    wgf.write("spec.yaml", DESCENTS["jko"])
    for number in range(3):
        reached = step_reached(path)
        process = start(wgf, "--max-attempts", "1")
        wait_until(lambda: step_reached(path) > reached + 800 or process.poll() is not None, "a checkpoint")
        process.kill()  # the child, if there is one, goes with it
        finish(process)
    reached, before = step_reached(path), processor_time()
    require(reached > 2400, f"only {reached} steps were kept")
    end(wgf, "--max-attempts", "1")
    spent = processor_time() - before
    whole = is_whole(wgf, DESCENTS["jko"])
    require(spent < 0.8 * whole + 0.3, f"the rest took {spent:.1f} s of {whole:.1f} s")


@case
def no_checkpoints_where_none_are_wanted(wgf):
    wgf.write("spec.yaml", DESCENTS["gd"])
    path = wgf.path("out.h5")
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0")
    wait_until(lambda: path.exists() and list(column(path, "status")) == [RUNNING], "the job")
    time.sleep(1.5)
    process.send_signal(signal.SIGTERM)
    equal(finish(process).code, STOPPED, "exit code")
    require(not column(path, "checkpoint").any(), "a checkpoint was made")


@case
def what_is_left_in_a_finished_file_goes(wgf):
    """A kill between the last row and its wipe: the next run, which has nothing to run, wipes; and then changes nothing."""
    import h5py
    path = wgf.result(DESCENTS["gd"])
    whole = path.read_bytes()
    with h5py.File(path, "r") as file:
        place = file["checkpoint"].id.get_offset()
    with open(path, "r+b") as file:
        file.seek(place + 5000)
        file.write(b"left behind")
    wgf("run", "spec.yaml", "-o", "out.h5").require(OK, "nothing is left to run")
    require(not column(path, "checkpoint").any(), "it was not wiped")
    require(path.read_bytes() == whole, "more than that was changed")
    wgf("run", "spec.yaml", "-o", "out.h5").require(OK, "nothing is left to run")
    require(path.read_bytes() == whole, "the file was changed")


@case
def a_time_limit_counts_all_parts(wgf):
    text, path = ENDLESS.replace("LIMIT", "4"), wgf.path("out.h5")
    wgf.write("spec.yaml", text)
    process = start(wgf)
    wait_until(lambda: step_reached(path) > 0, "a checkpoint")
    time.sleep(1)
    kill_all(process, 0)
    with within(3.4):
        wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s").require(3)
    equal(list(column(path, "status")), [TIMEOUT], "status")
    require(column(path, "seconds")[0] >= 4, f"{column(path, 'seconds')[0]:.1f} s in all instead of 4 s")
    require(not column(path, "checkpoint").any(), "its checkpoint was kept")


@case
def a_full_disk_costs_no_job(wgf):
    """Rows have their room since the file was made; checkpoints find none."""
    disk = wgf.path("disk")
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", disk],
                                           capture_output=True).returncode != 0:
        raise Skip("no disk can be mounted")
    try:
        text = "name: wide\nfixed: {width: 200000, steps: 1500, record_every: 1500, output: mean}\n"
        wgf.write("spec.yaml", text)
        outcome = wgf("run", "spec.yaml", "-o", "disk/out.h5", "--checkpoint", "0.1s").require(OK, "1 done")
        equal(outcome.err.count("warning"), 1, "warnings")
        outcome.require(OK, "warning: a checkpoint of job 0 could not be kept: cannot write: No space left on device")
        require(not column(disk / "out.h5", "checkpoint").any(), "something of it is left")
        equal(differences(disk / "out.h5", wgf.result(text, OK, "whole.h5")), [], "variables that differ")
    finally:
        subprocess.run(["umount", disk], check=True)


@case
def the_plan_says_how_much_room(wgf):
    wgf.write("spec.yaml", DESCENTS["gd"])
    said = wgf("plan", "spec.yaml").require(OK).out
    require("for checkpoints" in said, said)
    wgf.write("spec.yaml", DESCENTS["gd"].replace("120000", "10"))
    require("checkpoint" not in wgf("plan", "spec.yaml").require(OK).out, "room for the checkpoints of a short descent")
    path = wgf.result(DESCENTS["gd"].replace("120000", "10"))
    import h5py
    with h5py.File(path, "r") as file:
        require("checkpoint" not in file, "the file has room that the plan does not tell of")


main()
