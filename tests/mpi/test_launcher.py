#!/usr/bin/python3
"""tools/mpirun.sh and slurm/sweep.sh under the launchers of several MPIs, which small scripts stand for: what they are
given, and what their exit codes are taken for. test_launcher.py WGF_BINARY
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from harness import (DONE, ERROR, HANG, MPIRUN, OK, STOPPED, USAGE, Outcome, case, column, equal, main,
                     wait_until)

SPEC = "name: small\nfixed: {n: 20, width: 10, steps: 5}\nsweep: {seed: [1, 2]}\n"
# What `mpirun --version` says, whether there is --quiet, and the options that are right.
LAUNCHERS = {
    "Open MPI 4": ("mpirun (Open MPI) 4.1.4", True, "-n 3 --oversubscribe --bind-to none --quiet"),
    "Open MPI 5": ("mpirun (Open MPI) 5.0.7", False, "-n 3 --oversubscribe --bind-to none"),
    "MPICH": ("HYDRA build details:", False, "-n 3 -bind-to none"),
    "another": ("Some MPI 1.0", False, "-n 3"),
}
DEATHS = (137, 9)  # by SIGKILL, of Open MPI and of MPICH


def stand_in(wgf, version, quiet, body):
    """An mpirun in a folder of its own, which is returned."""
    path = wgf.path("bin") / "mpirun"
    path.parent.mkdir(exist_ok=True)
    refusal = "" if quiet else '[[ " $* " != *" --quiet "* ]] || exit 213\n'
    path.write_text(f'#!/bin/bash\n{refusal}[[ "$*" != *--version ]] || {{ echo "{version}"; exit; }}\n{body}\n')
    path.chmod(0o755)
    return path.parent


def call(wgf, folder, *command, **environment):
    clean = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(["/bin/bash", *map(str, command)], cwd=wgf.folder, capture_output=True, text=True,
                          env={**clean, "PATH": f"{folder}:{os.environ['PATH']}", **environment}, timeout=HANG)
    return Outcome(done)


def sweep(wgf, folder):
    wgf.write("spec.yaml", SPEC)
    return call(wgf, folder, ROOT / "slurm/sweep.sh", "spec.yaml", WGF_RANKS="3")


@case
def options_of_each_launcher(wgf):
    for name, (version, quiet, options) in LAUNCHERS.items():
        folder = stand_in(wgf, version, quiet, 'printf "%s|" "$@"')
        done = call(wgf, folder, MPIRUN[1], "3", "two words", "x").require(OK)
        equal(done.out, options.replace(" ", "|") + "|two words|x|", name)
        done = call(wgf, folder, MPIRUN[1], "3", "x", COLUMNS="70").require(OK)
        equal("|-x|COLUMNS|" in done.out, "Open" in name, f"COLUMNS is passed on by {name}")


def is_dead(process):
    """It is gone, or its parent, which may be the first process of the machine, has not asked for its end yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


# Three ranks, of which one is killed at once, or all: none is asked for its end, as by a launcher that hangs.
DEADLOCKS = (f"import subprocess, time\nranks = [subprocess.Popen(['./wgf', '{HANG}']) for _ in range(3)]\n"
             f"open('ranks', 'w').write(' '.join(str(rank.pid) for rank in ranks))\n"
             f"for rank in ranks[:{deaths}]: rank.kill()\ntime.sleep({HANG})" for deaths in (1, 3))


@case
def a_launcher_that_does_not_see_a_death(wgf):
    """It is ended with the ranks that are left, and the sweep starts again."""
    for number, program in enumerate(DEADLOCKS):
        body = f'[ ! -e {number} ] || exec "${{@:6}}"\ntouch {number}\ncp /bin/sleep wgf\nexec python3 -c "{program}"'
        done = sweep(wgf, stand_in(wgf, "mpirun (Open MPI) 5.0.7", False, body))
        done.require(OK, "a process has died and mpirun does not end", "starting again")
        equal(column(wgf.path("spec.h5"), "status").tolist(), [DONE, DONE], "status")
        for rank in wgf.path("ranks").read_text().split():
            wait_until(lambda: is_dead(rank), f"the death of rank {rank}")
        wgf.path("spec.h5").unlink()


@case
def no_launcher(wgf):
    done = subprocess.run(["/bin/bash", MPIRUN[1], "2", "x"], capture_output=True, text=True, env={"PATH": "/nowhere"})
    Outcome(done).require(ERROR, "no mpirun is found").quietly()
    call(wgf, wgf.folder, MPIRUN[1], "two", "x").require(USAGE, "usage:").quietly()


@case
def a_death_is_known_by_its_exit_code(wgf):
    """The first start ends like this, the second does the work."""
    for code in DEATHS:
        folder = stand_in(wgf, "HYDRA", False, f'[ -e died ] || {{ touch died; exit {code}; }}\nexec "${{@:5}}"')
        sweep(wgf, folder).require(OK, "a process was killed; starting again", "2 done")
        for name in ("died", "spec.h5"):
            wgf.path(name).unlink()


@case
def a_launcher_that_starts_nothing_is_no_death(wgf):
    folder = stand_in(wgf, "Some MPI", False, 'echo "mpirun: no such option" >&2\nexit 213')
    sweep(wgf, folder).require(ERROR, "mpirun: no such option", "mpirun starts no processes")


@case
def what_wgf_says_is_no_death(wgf):
    for code in (USAGE, STOPPED):
        folder = stand_in(wgf, "HYDRA", False, f"exit {code}")
        sweep(wgf, folder).require(code)


if __name__ == "__main__":
    main()
