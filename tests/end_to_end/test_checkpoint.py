#!/usr/bin/python3
"""Descents that go on from where they were stopped or killed, with the same bits. test_checkpoint.py WGF_BINARY"""

import os
import resource
import signal
import struct
import subprocess
import time

from harness import (OK, PENDING, RUNNING, STOPPED, TIMEOUT, Skip, case, column, differences, equal, finish,
                     kill_all, main, require, running_time, wait_until, within)

# A second or two of one descent each.
DESCENTS = {
    "prox": """\
name: prox
fixed: {method: prox, metric: wasserstein, data: sinus, width: 300, steps: 1000, inner_steps: 40, gamma: 0.01,
  save: last, record_distances: all, record_inner: 20, record_every: 7}
""",
    "jko": "name: jko\nfixed: {method: jko, data: sinus, n: 40, grid: 64, steps: 12000, gamma: 0.05, save: last, "
           "record_distances: plain}\n",
    "wfr": "name: wfr\nfixed: {method: wfr, data: sinus, n: 40, cells: 3000, gamma: 1, steps: 20, save: all}\n",
    "pde": "name: pde\nfixed: {method: pde, data: sinus, n: 40, grid: 81, gamma: 5, steps: 60, save: all}\n",
    "gd": """\
name: gd
fixed: {method: gd, layers: both, width: 500, d: 3, n: 60, steps: 80000, gamma: 1.0e-4, record_every: 400, save: all}
""",
}
DESCENTS["rule"] = DESCENTS["gd"].replace("save: all", "stop_when: step > 60000 and objective < objective_initial")
# Several of them, and short ones between.
MIXED = """\
name: mixed
fixed: {data: sinus, width: 300, inner_steps: 40, gamma: 0.01, grid: 48}
sweep: {method: [prox, jko], metric: [wasserstein, frobenius], steps: [2500, 10], seed: [1, 2, 3]}
"""
ENDLESS = "name: endless\n" \
          "fixed: {method: jko, grid: 32, steps: 10000000000, record_every: 10000000000, time_limit: LIMIT}\n"
HEADER = struct.Struct("=8sqqQQqQQQ")  # of a checkpoint file
DESCENT = struct.Struct("=qqqqqddd")  # what its payload begins with: format, size, step, …, seconds


def folder(path):
    return path.with_name(path.name + ".checkpoints")


def heads(path):
    """(job, head) of every checkpoint file; the run may go on meanwhile."""
    found = []
    for name in folder(path).glob("*") if folder(path).exists() else ():
        try:
            content = name.read_bytes()
        except FileNotFoundError:  # its job has just ended
            continue
        if name.suffix != ".tmp":
            magic, _, job, _, number, size, _, _, _ = HEADER.unpack_from(content)
            require(magic == b"wgfckpt\0" and number > 0 and len(content) == HEADER.size + size, f"a torn {name}")
            equal(str(job), name.name, "the job of a checkpoint")
            found.append((job, DESCENT.unpack_from(content, HEADER.size)))
    return found


def checkpoints(path):
    """(job, step) of every checkpoint file."""
    return [(job, head[2]) for job, head in heads(path)]


def step_reached(path):
    """Of the newest checkpoint."""
    return max((step for _, step in checkpoints(path)), default=0)


def seconds_spent(path):
    """As the newest checkpoint says."""
    return max((head[-1] for _, head in heads(path)), default=0)


def start(wgf, *options, ranks=0):
    return wgf.hold("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s", *options, ranks=ranks,
                    slice=0.05)


def end(wgf, *options, ranks=0):
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s", *options, ranks=ranks).require(OK)


def processor_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def is_whole(wgf, text):
    """The file is that of a run that was never cut, and nothing is left beside it. Returns its processor time."""
    before = processor_time()
    whole = wgf.result(text, OK, "whole.h5", "--checkpoint", "0")
    spent = processor_time() - before
    equal(differences(wgf.path("out.h5"), whole), [], "variables that differ")
    require(not folder(wgf.path("out.h5")).exists(), "checkpoints are left beside a finished file")
    equal(os.stat(wgf.path("out.h5")).st_size, os.stat(whole).st_size, "length of the file")
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
                   "a checkpoint", process)
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
    # From the beginning each time, and cut at a quarter, half, three quarters, it would be two and a half times as
    # much, and what it takes to start three times more: about two thirds of a second each on a busy machine.
    require(spent < 2 * whole + 1, f"{spent:.1f} s in parts, {whole:.1f} s in one piece")
    print(f"{name}: {whole:.1f} s in one piece, {spent:.1f} s in {len(ways) + 1} parts")


@case
def prox_killed_and_stopped(wgf):
    cut(wgf, "prox", (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL))


@case
def jko_stopped_and_killed(wgf):
    cut(wgf, "jko", (signal.SIGUSR1, signal.SIGKILL, signal.SIGTERM))


@case
def gd_killed_and_stopped(wgf):
    cut(wgf, "gd", (signal.SIGKILL, signal.SIGINT, signal.SIGKILL))


@case
def wfr_stopped_within_a_step(wgf):
    cut(wgf, "wfr", (signal.SIGTERM, signal.SIGUSR1))


@case
def pde_killed_and_stopped_within_a_step(wgf):
    cut(wgf, "pde", (signal.SIGKILL, signal.SIGTERM, signal.SIGUSR1))


@case
def rule_killed_and_stopped(wgf):
    cut(wgf, "rule", (signal.SIGKILL, signal.SIGTERM))
    equal(list(column(wgf.path("out.h5"), "steps_done")), [60400], "steps_done")


@case
def teams_of_all_sizes_take_over(wgf):
    wgf.write("spec.yaml", MIXED)
    path = wgf.path("out.h5")
    for ranks in (3, 0, 4):
        seen = set(checkpoints(path))
        process = start(wgf, "--max-attempts", "100", ranks=ranks)
        wait_until(lambda: (len(set(checkpoints(path)) - seen) > 0) or process.poll() is not None,
                   "checkpoints", process)
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
    process = start(wgf, "--checkpoint", "1s", ranks=4)
    wait_until(lambda: len({job for job, _ in checkpoints(path)}) == 3, "all three", process)
    process.send_signal(signal.SIGUSR1)
    equal(finish(process).code, STOPPED, "exit code")
    equal(list(column(path, "status")), [PENDING] * 3, "status")
    kept = {job: max(step for other, step in checkpoints(path) if other == job) for job in range(3)}
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s", ranks=2)
    wait_until(lambda: any(step > kept[job] for job, step in checkpoints(path)) or process.poll() is not None, "a save")
    require(all(max(step for other, step in checkpoints(path) if other == job) >= kept[job]
                for job, _ in checkpoints(path)), "a checkpoint that was still needed was written over")
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
        wait_until(lambda: step_reached(path) > reached + 1500 or process.poll() is not None, "a checkpoint", process)
        process.kill()  # the child, if there is one, goes with it
        finish(process)
    reached, before = step_reached(path), processor_time()
    require(reached > 4500, f"only {reached} steps were kept")
    end(wgf, "--max-attempts", "1")
    spent = processor_time() - before
    whole = is_whole(wgf, DESCENTS["jko"])
    require(spent < 0.8 * whole + 0.3, f"the rest took {spent:.1f} s of {whole:.1f} s")


@case
def no_checkpoints_where_none_are_wanted(wgf):
    wgf.write("spec.yaml", DESCENTS["gd"])
    path = wgf.path("out.h5")
    process = start(wgf, "--checkpoint", "0")
    wait_until(lambda: path.exists() and list(column(path, "status")) == [RUNNING], "the job", process)
    before = running_time(process.pid)
    wait_until(lambda: running_time(process.pid) > before + 0.5, "work", process)
    process.send_signal(signal.SIGTERM)
    equal(finish(process).code, STOPPED, "exit code")
    require(not folder(path).exists(), "a checkpoint was made")


@case
def what_is_left_of_finished_jobs_goes(wgf):
    """A kill between the last row and the removal: the next run, which has nothing to run, removes, and changes
    nothing."""
    path = wgf.result(DESCENTS["gd"])
    whole = path.read_bytes()
    folder(path).mkdir()
    for name in ("0", "0.tmp", "17"):
        (folder(path) / name).write_bytes(b"left behind")
    wgf("run", "spec.yaml", "-o", "out.h5").require(OK, "nothing is left to run")
    require(not folder(path).exists(), "it was not removed")
    require(path.read_bytes() == whole, "the file was changed")
    folder(path).mkdir()
    (folder(path) / "notes").write_text("a user's")
    wgf("run", "spec.yaml", "-o", "out.h5").require(OK, "nothing is left to run")
    require((folder(path) / "notes").exists(), "a user's file was removed")


@case
def damaged_ones_are_replaced(wgf):
    """From the beginning then, with the same bits."""
    path = wgf.path("out.h5")
    wgf.write("spec.yaml", DESCENTS["jko"])
    process = start(wgf)
    wait_until(lambda: step_reached(path) > 500 or process.poll() is not None, "a checkpoint", process)
    kill_all(process, 0)
    kept = folder(path) / "0"
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    end(wgf)
    is_whole(wgf, DESCENTS["jko"])


@case
def overwriting_starts_anew(wgf):
    path = wgf.path("out.h5")
    wgf.write("spec.yaml", DESCENTS["jko"])
    process = start(wgf)
    wait_until(lambda: step_reached(path) > 500 or process.poll() is not None, "a checkpoint", process)
    kill_all(process, 0)
    for remove in (False, True):  # by the option, and where the result file alone was removed by hand
        kept, old = folder(path) / "0", None if remove else path.stat().st_ino
        content = kept.read_bytes()
        if remove:
            path.unlink()
        process = start(wgf, "--checkpoint", "0", *([] if remove else ["--overwrite"]))
        wait_until(lambda: path.exists() and path.stat().st_ino != old and list(column(path, "status")) == [RUNNING],
                   "the job", process)
        require(not folder(path).exists(), "a checkpoint of the old file is there")
        kill_all(process, 0)
        folder(path).mkdir()
        kept.write_bytes(content)
    end(wgf)
    is_whole(wgf, DESCENTS["jko"])


@case
def a_part_of_the_sweep_leaves_the_others_checkpoints(wgf):
    text = DESCENTS["jko"] + "sweep: {init_scale: [0.1, 0.2], init: [normal]}\n"
    path = wgf.path("out.h5")
    wgf.write("spec.yaml", text)
    process = start(wgf, "--jobs", "0")
    wait_until(lambda: step_reached(path) > 500 or process.poll() is not None, "a checkpoint", process)
    kill_all(process, 0)
    end(wgf, "--jobs", "1")
    equal([job for job, _ in checkpoints(path)], [0], "checkpoints")
    end(wgf)
    is_whole(wgf, text)


@case
def a_link_leads_to_the_same_checkpoints(wgf):
    path = wgf.path("out.h5")
    wgf.write("spec.yaml", DESCENTS["jko"])
    process = start(wgf)
    wait_until(lambda: step_reached(path) > 500 or process.poll() is not None, "a checkpoint", process)
    kill_all(process, 0)
    wgf.path("link.h5").symlink_to("out.h5")
    status = wgf("status", "link.h5", "--json").require(OK).out
    require('"checkpoints":0' not in status.replace(" ", "").replace("\t", ""), "status does not see them: " + status)
    wgf("run", "spec.yaml", "-o", "link.h5", "--quiet").require(OK)
    is_whole(wgf, DESCENTS["jko"])


@case
def a_time_limit_counts_all_parts(wgf):
    text, path = ENDLESS.replace("LIMIT", "4"), wgf.path("out.h5")
    wgf.write("spec.yaml", text)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s")
    wait_until(lambda: seconds_spent(path) > 1, "a checkpoint")
    kill_all(process, 0)
    with within(4 - seconds_spent(path) + 0.4):
        wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--checkpoint", "0.1s").require(3)
    equal(list(column(path, "status")), [TIMEOUT], "status")
    require(column(path, "seconds")[0] >= 4, f"{column(path, 'seconds')[0]:.1f} s in all instead of 4 s")
    require(not folder(path).exists(), "its checkpoint was kept")


@case
def a_full_disk_costs_no_job(wgf):
    """Rows have their room since the file was made; checkpoints find none, which is told once."""
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
        outcome.require(OK, "warning: cannot write a checkpoint of job 0 in",
                        "No space left on device; the job continues")
        require(not folder(disk / "out.h5").exists(), "something of it is left")
        equal(differences(disk / "out.h5", wgf.result(text, OK, "whole.h5")), [], "variables that differ")
    finally:
        subprocess.run(["umount", disk], check=True)


@case
def the_file_is_as_long_as_the_plan_says(wgf):
    """And takes as much room, to half a unit of the last digit that the plan tells, and two pages."""
    text = DESCENTS["gd"].replace("80000", "200000").replace("save: all", "save: last")
    for record_every in (1, 10):
        wgf.write("spec.yaml", text.replace("record_every: 400", f"record_every: {record_every}"))
        said = wgf("plan", "spec.yaml", "--set", "time_limit=0.001").require(OK).out
        wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--overwrite", "--set", "time_limit=0.001").require(3)
        number, unit = said.split("result file: ")[1].split()[:2]
        info = os.stat(wgf.path("out.h5"))
        bytes_of_unit = {"kB": 1e3, "MB": 1e6}[unit]
        told, slack = float(number) * bytes_of_unit, (0.05 if "." in number else 0.5) * bytes_of_unit + 8192
        require(abs(info.st_size - told) <= slack, f"{info.st_size} bytes, and the plan said {number} {unit}")
        require(abs(info.st_blocks * 512 - told) <= slack, f"{info.st_blocks} blocks for {number} {unit}")


main()
