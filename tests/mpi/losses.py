#!/usr/bin/python3
"""Processes that die under `mpirun --enable-recovery`: the others finish, or all end where all are needed.

    losses.py SCHEDULE_LOSS [ROUNDS]
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import time

os.environ["OMPI_ALLOW_RUN_AS_ROOT"] = os.environ["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"

JOBS, MICROSECONDS = 600, 1000
SECONDS = 60
TRANSPORTS = ("vader,self", "tcp,self")
ROUNDS = 6


def run(program, ranks, transport, *ends):
    """What rank 0 said: (lost, finished, twice, again, given up), or None when it said nothing; and the seconds that it took."""
    with tempfile.TemporaryDirectory(prefix="loss-", dir=".") as folder:
        began = time.monotonic()
        done = subprocess.run(["mpirun", "--enable-recovery", "--oversubscribe", "--bind-to", "none", "--quiet", "--mca",
                               "btl", transport, "-n", str(ranks), program, f"{folder}/rows", str(JOBS),
                               str(MICROSECONDS), *ends], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=SECONDS)
    said = re.search(r"ended: lost (\d+), finished (\d+) of \d+, twice (\d+), begun again (\d+), given up (\d+)", done.stdout)
    return said and tuple(map(int, said.groups())), time.monotonic() - began


def judge(ranks, ends, said):
    """What is wrong with the outcome; None when nothing is."""
    dead = {int(end.split(":")[0]) for end in ends}
    everyone_needed = 0 in dead or any(end.endswith(("early", "late")) for end in ends)
    if everyone_needed:
        # Those that die apart may do so in time for the master to speak, but nothing may be wrong then.
        return None if said is None or said[2] == 0 else f"{said} after the end of one that is needed"
    if said is None:
        return None if any(":us" in end for end in ends) else "the master said nothing"
    lost, finished, twice, _, given_up = said
    if lost > len(dead):
        return f"{lost} lost of {len(dead)} dead"
    if twice:
        return f"{twice} jobs finished twice"
    if given_up > len(dead) // 2:
        return f"{given_up} given up, though two must have died of each"
    if len(dead) < ranks - 1 and finished + given_up != JOBS:
        return f"{finished} of {JOBS} finished"
    return None


def fixed_cases():
    yield 3, []
    yield 3, ["2:job1"]
    yield 3, ["1:job40"]
    yield 4, ["1:job10", "3:job10"]
    yield 3, ["1:job30", "2:job50"]  # nobody is left
    yield 2, ["1:job30"]
    yield 3, ["2:early"]
    yield 3, ["1:late"]
    yield 3, ["0:early"]
    yield 3, ["0:us100000"]


def random_cases(rounds):
    chance = random.Random()
    for _ in range(rounds):
        ranks = chance.choice((3, 4, 5))
        dead = chance.sample(range(1, ranks), chance.randint(1, ranks - 2))
        yield ranks, [f"{rank}:us{chance.randint(0, 350000)}" for rank in dead]


def main(program, rounds=ROUNDS):
    wrong, spoke = 0, 0
    cases = [*fixed_cases(), *random_cases(int(rounds))]
    for number, (ranks, ends) in enumerate(cases):
        transport = TRANSPORTS[number % len(TRANSPORTS)]
        try:
            said, seconds = run(program, ranks, transport, *ends)
            problem = judge(ranks, ends, said)
        except subprocess.TimeoutExpired:
            said, seconds, problem = None, SECONDS, "does not end"
        wrong += problem is not None
        spoke += said is not None
        print("ok" if problem is None else "WRONG", ranks, transport, *ends, said, f"{seconds:.1f} s", problem or "",
              flush=True)
    print(f"{len(cases) - wrong} of {len(cases)} right; in {spoke} the master saw the end")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
