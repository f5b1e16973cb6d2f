"""Faults that slurm/sweep.sh sees to by itself: one call of it has to end with the whole result."""

import random

import h5py
import numpy as np
from bench import Bench, end, kill, kill_all, start
from faults import TEAM
from harness import CRASHED, DONE, FAILURES, OK, ranks, require, wait_until
from promises import fault

# Two of the chosen are poison, in the midst of the others: the preloaded library kills a process that needs a matrix
# product.
POISONOUS = """\
name: poisonous
fixed: {n: 20, width: 40, steps: 40, save: last}
sweep: {seed: {range: [0, 6]}, kernel: [dense, blas]}
"""
POISON, CHOSEN = [5, 9], "0,2,4-6,8-10"
SECONDS = 120


def call(site, *options, **environment):
    return start(["bash", site.bench.sweep, site.bench.spec_file, "-o", "out.h5", "--quiet", *options], site.folder,
                 **environment)


def remove_picture(site):
    (site.folder / "out.png").unlink(missing_ok=True)


@fault("SIGKILL of a rank under slurm/sweep.sh", 4, "rank", "same")
def kill_under_sweep(bench):
    """A dead rank ends the others; the script starts the same command again."""
    with bench.folder() as site:
        process = call(site, WGF_RANKS=str(TEAM))
        try:
            numbers = wait_until(lambda: process.poll() is not None or (len(ranks(process)) == TEAM and ranks(process)),
                                 "the ranks")
            wait_until(lambda: process.poll() is not None or site.path.exists(), "the file")
            alive = numbers is not True and site.watch(process, site.instant())
            if alive:
                kill(site.chance.choice(numbers))
            code, said = end(process, SECONDS)
        except BaseException:
            kill_all(process)
            raise
        require(code == OK, f"exit code {code}: {said}")
        remove_picture(site)
        site.compare()
        return int(alive)


@fault("jobs that kill their process", 4, "crashed", "same")
def poison(bench):
    """They end as crashed, all others as if nothing had been, and without the poison so do they."""
    own = Bench(bench.program, POISONOUS, random.Random(), "--jobs", CHOSEN)
    own.sweep = bench.sweep
    with own.folder() as site:
        team, how = bench.chance.choice((1, TEAM)), bench.chance.choice("12")
        code, said = end(call(site, "--jobs", CHOSEN, WGF_RANKS=str(team), LD_PRELOAD=bench.harm, HARM_POISON=how),
                         SECONDS)
        require(site.path.exists(), f"no file; exit code {code}: {said}")
        remove_picture(site)
        with h5py.File(site.path, "r") as file:
            status = file["status"][()]
        require(code == FAILURES and list(np.flatnonzero(status == CRASHED)) == POISON,
                f"exit code {code}, states {list(status)}: {said}")
        require((status == DONE).sum() == (own.rows["status"] == DONE).sum() - len(POISON), f"states {list(status)}")
        site.look()
        site.finish("--jobs", CHOSEN, "--retry", "crashed")
    bench.looks += own.looks
    return len(POISON)
