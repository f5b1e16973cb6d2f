"""Distances of weighted clouds against POT's emd2, on 200 random pairs.

Usage: check_weighted.py WEIGHTED_TOOL
"""

import subprocess
import sys

import numpy as np
import ot
from checks import Failure

PAIRS = 200
CLOSE = 1e-12  # relative, and of the largest cost


def draw(rng):
    """x, y, a, b, p: 1 to 90 points each, 1 to 5 dimensions; ties, repeated points, zero and tiny weights."""
    n, m, d, p = rng.integers(1, 91), rng.integers(1, 91), rng.integers(1, 6), rng.integers(1, 3)
    kind = rng.choice(["normal", "grid", "near", "moved", "repeated"])
    x, y = rng.normal(size=(n, d)), rng.normal(size=(m, d))
    if kind == "grid":
        x, y = (rng.integers(-3, 4, size=(k, d)).astype(float) for k in (n, m))
    elif kind == "near":
        y = x[rng.integers(0, n, m)] + 0.01 * y
    elif kind == "moved":
        y, m = x + 0.5, n
    elif kind == "repeated":
        x, y = x[rng.integers(0, n, n) // 3], x[rng.integers(0, n, m) // 2]

    def weights(count):
        form = rng.choice(["equal", "random", "decades", "whole"])
        w = {"equal": np.ones(count), "random": rng.random(count), "decades": 10.0 ** rng.uniform(-12, 0, count),
             "whole": rng.integers(0, 3, count).astype(float)}[form]
        w[rng.integers(count)] += 0.1
        return w / w.sum()

    scale = 10.0 ** rng.integers(-150, 151) if rng.random() < 0.2 else 1.0
    return x * scale, y * scale, weights(n), weights(m), int(p)


def ask(tool, problems):
    words = [np.concatenate([[len(x), len(y), x.shape[1], p], x.ravel(), y.ravel(), a, b])
             for x, y, a, b, p in problems]
    reply = subprocess.run([tool], input=np.concatenate(words).tobytes(), check=True, capture_output=True).stdout
    return np.frombuffer(reply).reshape(len(problems), 2)


def check(x, y, a, b, p, distance, bound):
    scale = max(np.abs(x).max(), np.abs(y).max())
    C = ((x[:, None] / scale - y[None] / scale) ** 2).sum(axis=2) ** (p / 2)
    cost, wanted = (distance / scale) ** p, ot.emd2(a, b, C, numItermax=10**7)
    if abs(cost - wanted) > CLOSE * wanted + 1e-15 * C.max():
        raise Failure(f"W_{p}^{p} is {cost}, POT's {wanted}")
    if not distance * (1 - 1e-12) <= bound <= distance and cost > 1e-14 * C.max():
        raise Failure(f"W_{p} is {distance}, its bound {bound}")


def check_all(tool):
    rng = np.random.default_rng(0)
    problems = [draw(rng) for _ in range(PAIRS)]
    for number, (problem, answer) in enumerate(zip(problems, ask(tool, problems))):
        try:
            check(*problem, *answer)
        except Failure as failure:
            raise Failure(f"pair {number}, {len(problem[0])} x {len(problem[1])} points: {failure}")
    print(f"{PAIRS} pairs")


try:
    check_all(sys.argv[1])
except Failure as failure:
    sys.exit(str(failure))
