#!/usr/bin/python3
"""How the program begins and ends: closed descriptors, an output that cannot be written, threads, limits.
test_process.py WGF_BINARY SWEEP_SH"""

import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import harness
from harness import (DONE, ERROR, HANG, OK, RUNNING, USAGE, Outcome, case, column, differences, equal, finish,
                     let_work, main, require, wait_until)

SWEEP_SH = Path(sys.argv.pop()).resolve()
SPEC = "name: six\nfixed: {data: sinus, steps: 2, width: 5}\nsweep: {seed: {range: [0, 6]}}\n"
SUBSETS = [subset for size in (1, 2, 3) for subset in itertools.combinations(range(3), size)]
# Exit code, and what each command is given beside a finished file.
COMMANDS = {
    "plan": (OK, ("spec.yaml",)),
    "run": (OK, ("spec.yaml", "-o", "out.h5")),
    "run anew": (OK, ("spec.yaml", "-o", "out.h5", "--overwrite")),
    "status": (OK, ("out.h5", "--json")),
    "show": (OK, ("out.h5", "--csv")),
    "aggregate": (OK, ("out.h5", "--value", "objective_final", "--csv")),
    "merge": (OK, ("-o", "merged.h5", "--overwrite", "out.h5")),
    "verify": (OK, ("out.h5",)),
    "params": (OK, ()),
    "isolate": (USAGE, ()),
    "--help": (OK, ()),
    "--version": (OK, ()),
}
PRINTS = [name for name in COMMANDS if name not in ("run", "run anew", "merge", "isolate")]


def command_of(wgf, name):
    code, arguments = COMMANDS[name]
    return code, [wgf.program, *name.split()[:1], *arguments]


def close(subset):
    for descriptor in subset:
        os.close(descriptor)


def run(wgf, command, before=None, **options):
    done = subprocess.run(command, cwd=wgf.folder, stdin=subprocess.DEVNULL, text=True, timeout=HANG,
                          preexec_fn=before, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
    return Outcome(done)


@case
def closed_descriptors(wgf):
    """Every command with every subset of 0, 1 and 2 closed ends as usual, and no file is harmed."""
    path = wgf.result(SPEC)
    whole = wgf.path("whole.h5")
    shutil.copy(path, whole)
    for name in COMMANDS:
        code, command = command_of(wgf, name)
        usual = run(wgf, command).require(code)
        for subset in SUBSETS:
            done = run(wgf, command, lambda subset=subset: close(subset))
            equal(done.code, code, f"exit code of {name} without {subset}")
            equal(done.out, "" if 1 in subset else usual.out, f"stdout of {name} without {subset}")
            equal(done.err == "", 2 in subset or usual.err == "", f"stderr of {name} without {subset} is empty")
            equal(differences(path, whole), [], f"what {name} without {subset} changed")
    equal(differences(wgf.path("merged.h5"), whole), [], "merged file")
    equal({entry.name for entry in wgf.folder.iterdir()}, {"spec.yaml", "out.h5", "whole.h5", "merged.h5"}, "files")


@case
def closed_descriptors_of_children(wgf):
    """Isolated jobs, and all that slurm/sweep.sh starts. (mpirun alone ends badly with some subsets, whatever it
    starts; under the script it has descriptors.)"""
    path = wgf.result(SPEC)
    whole = wgf.path("whole.h5")
    shutil.copy(path, whole)
    script = ["env", "WGF_RANKS=3", "bash", SWEEP_SH, "spec.yaml", "-o", "out.h5"]
    for subset, command in itertools.chain(itertools.product(SUBSETS, (command_of(wgf, "run")[1],)),
                                           itertools.product(((2,), (0, 1, 2)), (script,))):
        with h5py.File(path, "r+") as file:  # as two deaths leave it
            file["status"][3], file["attempts"][3], file["checksum"][3] = RUNNING, 2, 0
        equal(run(wgf, command, lambda: close(subset)).code, OK, f"exit code of {command[0]} without {subset}")
        equal(differences(path, whole), [], f"what {command[0]} without {subset} changed")


@case
def standard_output_that_cannot_be_written(wgf):
    """A full disk: every command that prints says so. Short outputs fail at the end, long ones before."""
    wgf.result(SPEC)
    for name in PRINTS:
        for command in (command_of(wgf, name)[1], [wgf.program, name, "--help"]):
            with open("/dev/full", "w") as full:
                run(wgf, command, stdout=full).require(ERROR, "standard output cannot be written")
    wgf.write("many.yaml", SPEC.replace("6]", "1000]"))
    with open("/dev/full", "w") as full:
        run(wgf, [wgf.program, "plan", "many.yaml", "--csv"], stdout=full).require(ERROR, "standard output", "No space")


def threads(process):
    """How many, and those with a tenth of the processor time of the busiest: what keeps the progress file sleeps."""
    used = [int(path.read_text().split()[0]) for path in Path(f"/proc/{process.pid}/task").glob("*/schedstat")]
    return len(used), sum(time > max(used) / 10 for time in used)


@case
def one_thread(wgf):
    """A rank is one core's worth, from before the libraries begin; the environment does not change that."""
    wgf.write("spec.yaml", "name: endless\nfixed: {data: random, d: 20, n: 50, width: 100, steps: 100000000000, "
              "record_every: 100000000000, gamma: 1.0e-9}\n")
    path = wgf.path("out.h5")
    for threads_asked in ("", "8"):
        process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet",
                            env={**os.environ, "OPENBLAS_NUM_THREADS": threads_asked})
        wait_until(lambda: path.exists() and column(path, "status").any(), "the job")
        let_work(process.pid, 0.1)
        equal(threads(process), (2, 1), "threads of a run, and those that work")
        equal(os.sched_getaffinity(process.pid), os.sched_getaffinity(0), "processors of a run")
        process.terminate()
        equal(finish(process).code, harness.STOPPED, "exit code")
        path.unlink()


@case
def no_thread_can_be_had(wgf):
    """Under a limit of one process, which root has none of, so that another user runs it."""
    with tempfile.TemporaryDirectory() as folder:  # which others may enter
        os.chmod(folder, 0o777)
        there = harness.Wgf(shutil.copy(wgf.program, folder), folder)
        there.write("spec.yaml", SPEC)

        def limit():
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))

        for name in ("plan", "run", "status", "show", "verify"):
            code, command = command_of(there, name)
            run(there, command, limit).require(code)
        run(there, [*command_of(there, "run")[1], "--overwrite", "--set", "time_limit=1000"], limit).require(OK)


@case
def little_address_space(wgf):
    """Whatever the limit, a command ends: with its results, or with a sentence."""
    wgf.write("spec.yaml", SPEC)
    wgf.write("blas.yaml", "name: blas\nfixed: {data: random, d: 2100, n: 40, width: 40, steps: 2, gamma: 1.0e-6}\n")
    for kilobytes, spec in itertools.product(range(60_000, 400_001, 20_000), ("spec.yaml", "blas.yaml")):
        for command in (["plan", spec], ["run", spec, "-o", "out.h5", "--overwrite"]):
            done = run(wgf, [wgf.program, *command],
                       lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes << 10, kilobytes << 10)))
            require(done.code == OK or done.err, f"{command[0]} ends with {done.code} mute under {kilobytes} kB")
            require(done.code >= 0, f"{command[0]}: {done.code}: {done.err!r} under {kilobytes} kB")
    equal(set(column(wgf.path("out.h5"), "status")), {DONE}, "states with room enough")


if __name__ == "__main__":
    main()
