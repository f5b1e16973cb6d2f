#!/usr/bin/python3
"""slurm/sweep.sh on a real cluster of two virtual nodes: cut off and requeued until it is finished, arrays and their
merging, what must not be requeued. Exits 77, skipped, where Slurm is not there. test_slurm.py WGF_BINARY SWEEP_SH
"""

import math
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))

from cluster import Cluster, Unavailable
from harness import (FAILURES, OK, PENDING, STOPPED, USAGE, Failure, Wgf, column, differences, ended_time, equal,
                     finish, fresh_run, require, wait_until)

SKIPPED = 77
LONG = """\
name: long
fixed: {{method: prox, n: 50, width: 300, steps: {steps}, inner_steps: 100, save: last}}
sweep: {{seed: {{range: [0, {seeds}]}}}}
"""
# A minute leaves some 45 s to the run; one worker has more to do than that, even where it was judged beside others.
WORK_SECONDS = 75
SHORT = """\
name: short
fixed: {n: 20, width: 50, steps: 200}
sweep: {gamma: [0.1, 0.2], seed: {range: [0, 50]}}
"""
ONE = "name: one\nfixed: {{method: prox, n: 50, width: 300, steps: {steps}, inner_steps: 20, record_every: 500}}\n"
# A start on a busy machine may take some seconds of the limit; what is left must be worth a checkpoint.
LIMIT_SECONDS = 10
# Its first step never ends, so there is nothing to keep.
ENDLESS = "name: endless\nfixed: {n: 5, width: 4, method: prox, beta: 1.0e-9, inner_steps: 100000000000}\n"
# Both nodes are this machine: shared memory of one would be taken for the other's.
ONE_MACHINE = {"OMPI_MCA_btl": "tcp,self"}

cases = []


def case(function):
    cases.append(function)
    return function


def log_of(wgf, job):
    return "".join(path.read_text(errors="replace") for path in sorted(wgf.folder.glob(f"slurm-{job}*.out")))


def require_task(wgf, task, state, code):
    found = (task["JobState"], int(task["ExitCode"].split(":")[0]))
    require(found == (state, code),
            f"job is {found}, not {(state, code)}; it said: {log_of(wgf, task['JobId'])[-2000:]}")


def repeats_for(wgf, seconds, form, word, repeats, **others):
    """The number {word} of form that takes this much processor time, judged by that many and three times as many."""
    ended = [ended_time()]
    for number in (repeats, 3 * repeats):
        wgf.write("probe.yaml", form.format(**{word: number}, **others))
        wgf("run", "probe.yaml", "-o", "probe.h5", "--overwrite", "--quiet").require(OK)
        ended.append(ended_time())
    return math.ceil(seconds * 2 * repeats / (ended[2] - 2 * ended[1] + ended[0]))


@case
def cut_off_by_a_minute_requeued_and_finished(wgf, cluster, script):
    wgf.write("long.yaml", LONG.format(steps=100, seeds=repeats_for(wgf, WORK_SECONDS, LONG, "seeds", 5, steps=100)))
    job = cluster.submit(wgf.folder, "--ntasks=1", "--time=1", script, "long.yaml", WGF_RANKS="2")
    whole = wgf.start("run", "long.yaml", "-o", "whole.h5", "--quiet")
    task, = cluster.wait(job)
    require_task(wgf, task, "COMPLETED", OK)
    require(int(task["Restarts"]) >= 1, f"the job was not cut off: {task['RunTime']}")
    finish(whole).require(OK)
    equal(differences(wgf.path("long.h5"), wgf.path("whole.h5")), [], "differences from a run that nobody cut off")
    log = log_of(wgf, job)
    equal(len(list(wgf.folder.glob("slurm-*.out"))), 1, "logs")
    require("requeueing" in log and "long.png" in log.strip().splitlines()[-1], f"log: {log}")
    require(wgf.path("long.png").exists(), "no figure")


@case
def array_on_two_nodes_and_a_dependent_merge(wgf, cluster, script):
    wgf.write("short.yaml", SHORT)
    array = cluster.submit(wgf.folder, "--array=0-2", "--nodes=2", "--ntasks=2", "--time=1", script, "short.yaml",
                           **ONE_MACHINE)
    merge = cluster.submit(wgf.folder, "--ntasks=1", f"--dependency=afterok:{array}", script, "--merge", "short.yaml")
    for shard in cluster.wait(array):
        require_task(wgf, shard, "COMPLETED", OK)
    task, = cluster.wait(merge)
    require_task(wgf, task, "COMPLETED", OK)
    wgf("run", "short.yaml", "-o", "whole.h5", "--quiet").require(OK)
    equal(differences(wgf.path("short.h5"), wgf.path("whole.h5")), [], "differences from one run of the whole")
    equal({path.name for path in wgf.folder.glob("*.h5")},
          {"short.h5", "whole.h5", *(f"short-{i}-of-3.h5" for i in range(3))}, "files")


@case
def a_job_longer_than_the_limit_goes_on_from_its_checkpoint(wgf, cluster, script):
    wgf.write("one.yaml", ONE.format(steps=repeats_for(wgf, 2.5 * LIMIT_SECONDS, ONE, "steps", 1000)))
    job = cluster.submit(wgf.folder, "--ntasks=1", "--time=2", script, "one.yaml", "--time-limit", f"{LIMIT_SECONDS}s",
                         "--checkpoint", "0.1")
    task, = cluster.wait(job)
    require_task(wgf, task, "COMPLETED", OK)
    require(int(task["Restarts"]) >= 1, f"the job was not cut off: {task['RunTime']}")
    wgf("run", "one.yaml", "-o", "whole.h5", "--quiet").require(OK)
    equal(differences(wgf.path("one.h5"), wgf.path("whole.h5")), [], "differences from a run that nobody cut off")


@case
def not_requeued_where_it_stands_still(wgf, cluster, script):
    wgf.write("endless.yaml", ENDLESS)
    job = cluster.submit(wgf.folder, "--ntasks=2", "--time=2", script, "endless.yaml", "--time-limit", "3s")
    task, = cluster.wait(job)
    require_task(wgf, task, "FAILED", STOPPED)
    equal(task["Restarts"], "0", "restarts")
    require("nothing was gained" in log_of(wgf, job), f"log: {log_of(wgf, job)}")
    equal(list(column(wgf.path("endless.h5"), "status")), [PENDING], "states")


@case
def cancelled_is_not_requeued(wgf, cluster, script):
    wgf.write("endless.yaml", ENDLESS)
    job = cluster.submit(wgf.folder, "--ntasks=2", "--time=2", script, "endless.yaml")
    path = wgf.path("endless.h5")
    wait_until(lambda: path.exists() and column(path, "status").any(), "the job")
    cluster.ask("scancel", job)
    task, = cluster.wait(job)
    equal((task["JobState"], task["Restarts"]), ("CANCELLED", "0"), "state and restarts")


@case
def errors_are_not_requeued(wgf, cluster, script):
    wgf.write("typo.yaml", "name: typo\nfixed: {dta: random}\n")
    wgf.write("short.yaml", SHORT)
    wgf.write("failing.yaml", "name: failing\nfixed: {data: file, data_file: missing.csv}\n")
    typo = cluster.submit(wgf.folder, "--ntasks=1", script, "typo.yaml")
    part = cluster.submit(wgf.folder, "--ntasks=1", "--array=3", script, "short.yaml")
    failing = cluster.submit(wgf.folder, "--ntasks=1", script, "failing.yaml")
    for job, code in ((typo, USAGE), (part, USAGE), (failing, FAILURES)):
        task, = cluster.wait(job)
        require_task(wgf, task, "FAILED", code)
        equal(task["Restarts"], "0", "restarts")


@case
def every_cpu_of_the_allocation_works(wgf, cluster, script):
    wgf.write("tiny.yaml", "name: tiny\nfixed: {n: 5, width: 4, steps: 2}\nsweep: {seed: {range: [0, 40]}}\n")
    asked = {"two nodes": ("-N", "2", "--ntasks-per-node=4"), "exclusive": ("-N", "1", "--exclusive"),
             "CPUs of a task": ("--ntasks=1", "--cpus-per-task=3"), "tasks": ("--ntasks=2",)}
    for name, options in asked.items():
        out = f"{name.replace(' ', '-')}.h5"
        job = cluster.submit(wgf.folder, *options, "--time=5", script, "tiny.yaml", "-o", out,
                             **(ONE_MACHINE if name == "two nodes" else {}))
        task, = cluster.wait(job)
        require_task(wgf, task, "COMPLETED", OK)
        workers = len(set(column(wgf.path(out), "rank")))
        log = log_of(wgf, job)
        require(f"({task['NumCPUs']} workers" in log, f"{name}: {task['NumCPUs']} CPUs, {workers} ranks; {log}")
        require("PMIX" not in log.upper(), f"noise of the launcher: {log}")
    task, = cluster.wait(cluster.submit(wgf.folder, "--ntasks=4", script, "tiny.yaml", "-o", "few.h5", WGF_RANKS="2"))
    require("leaves CPUs unused: Slurm gave 4" in log_of(wgf, task["JobId"]), log_of(wgf, task["JobId"]))


@case
def without_a_spec_the_demonstration_runs(wgf, cluster, script):
    wgf.write("tiny.yaml", "name: tiny\nfixed: {n: 5, width: 4, steps: 2}\n")
    for expected, variables in (("tiny", {"WGF_SPEC": "tiny.yaml"}), ("step_size", {})):
        job = cluster.submit(wgf.folder, "--ntasks=2", "--time=9", script, **variables)
        task, = cluster.wait(job)
        require_task(wgf, task, "COMPLETED", OK)
        require("no spec was given" in log_of(wgf, job) and wgf.path(f"{expected}.h5").exists(), log_of(wgf, job))


@case
def srun_without_mpi_is_refused(wgf, cluster, script):
    wgf.write("short.yaml", SHORT)
    wgf.write("by_srun.sh", f"#!/bin/bash\nsrun -n 2 {wgf.program} run short.yaml -o short.h5\necho code $?\n"
              f"srun -n 2 bash -c '{wgf.program} run short.yaml -o $SLURM_PROCID.h5 --shard $SLURM_PROCID/2'\n")
    job = cluster.submit(wgf.folder, "--ntasks=2", wgf.path("by_srun.sh"))
    cluster.wait(job)
    require("use mpirun" in log_of(wgf, job) and "code 2" in log_of(wgf, job), log_of(wgf, job))
    equal({path.name for path in wgf.folder.glob("*.h5")}, {"0.h5", "1.h5"}, "files")


def main(program, script):
    failed = 0
    with Cluster() as cluster:
        # The first job of a cluster would otherwise build what the others wait for.
        for function in cases:
            began = time.monotonic()
            problem = fresh_run(program, lambda wgf: function(wgf, cluster, script))
            failed += problem is not None
            name = function.__name__.replace("_", " ")
            print(f"FAILED {name}: {problem}" if problem else f"ok {name} ({time.monotonic() - began:.1f} s)",
                  flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    try:
        sys.exit(main(*(str(Path(path).resolve()) for path in sys.argv[1:3])))
    except Unavailable as reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
