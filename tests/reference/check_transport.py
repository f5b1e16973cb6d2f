"""Optimal assignments against SciPy's linear_sum_assignment and POT's emd2, and their certificates.

Usage: check_transport.py TRANSPORT_TOOL
"""

import subprocess
import sys

import numpy as np
import ot
from scipy.optimize import linear_sum_assignment

PROBLEMS = 200
CLOSE = 1e-10  # relative error of a cost
ROUNDING = 1e-13  # of dual variables, relative to the largest number they come from


def draw(rng):
    """alpha, W, and a few clouds to be solved in turn: m 1..300, d 1..12, scales, near, far, creeping, ties."""
    m, d = int(rng.integers(1, 301)), int(rng.integers(1, 13))
    alpha = rng.choice([-1.0, 1.0], m) if rng.random() < 0.8 else np.full(m, rng.choice([-1.0, 1.0]))
    scale = 10.0 ** rng.integers(-145, 146) if rng.random() < 0.3 else 10.0 ** rng.integers(-4, 5)
    W = rng.normal(size=(m, d))
    kind = rng.choice(["near", "far", "creep", "lattice", "line", "permuted", "shifted"])
    if kind == "near":
        clouds = [W + size * rng.normal(size=(m, d)) for size in (1e-3, 1e-1)]
    elif kind == "far":
        clouds = [rng.normal(size=(m, d)) * 3 + 1 for _ in range(2)]
    elif kind == "creep":
        clouds = [W + 0.02 * t * np.sin(3 * W[:, ::-1]) + 0.05 * t for t in range(12)]
    elif kind == "lattice":
        W = rng.integers(-3, 4, size=(m, d)).astype(float)
        clouds = [rng.integers(-3, 4, size=(m, d)).astype(float) for _ in range(2)]
    elif kind == "line":
        W = W[:, :1] * np.ones(d)
        clouds = [W[::-1] + 0.1, W**3]
    elif kind == "permuted":
        clouds = [W[rng.permutation(m)] * np.array(size) for size in (1.0, 1.1)]
    else:
        clouds = [rng.normal(size=(m, d)) + 1e6]
    return alpha, W * scale, [V * scale for V in clouds]


def ask(tool, problems):
    """The tool's (cost, sigma, u, v) of every cloud of every problem."""
    words = []
    for alpha, W, clouds in problems:
        words += [[*W.shape, len(clouds)], alpha, W.ravel()] + [V.ravel() for V in clouds]
    given = np.concatenate([np.asarray(word, dtype=float) for word in words]).tobytes()
    reply = np.frombuffer(subprocess.run([tool], input=given, check=True, capture_output=True).stdout)
    answers, at = [], 0
    for alpha, _, clouds in problems:
        m = len(alpha)
        for _ in clouds:
            answers.append((reply[at], reply[at + 1 : at + 1 + m].astype(int),
                            *reply[at + 1 + m : at + 1 + 3 * m].reshape(2, m)))
            at += 1 + 3 * m
    assert at == len(reply)
    return answers


def check(alpha, W, V, cost, sigma, u, v):
    m, total, by_pot = len(alpha), 0.0, 0.0
    size = max(np.abs(W).max(), np.abs(V).max())
    _, exponent = np.frexp(size)  # so that squares neither overflow nor vanish
    scale = np.ldexp(1.0, -int(exponent))
    assert sorted(sigma) == list(range(m)) and (alpha[sigma] == alpha).all()
    for rows in (np.flatnonzero(alpha > 0), np.flatnonzero(alpha < 0)):
        if len(rows) == 0:
            continue
        C = ((V[rows, None] * scale - W[None, rows] * scale) ** 2).sum(axis=2)
        total += C[linear_sum_assignment(C)].sum() / m
        mass = np.full(len(rows), 1 / len(rows))
        by_pot += ot.emd2(mass, mass, C, numItermax=10**7) * len(rows) / m
        a, b = u[rows] * scale**2, v[rows] * scale**2
        slack = C - a[:, None] - b[None]
        largest = max(np.abs(a).max(), np.abs(b).max(), C.max())
        assert slack.min() >= -ROUNDING * largest, f"duals not feasible by {-slack.min() / largest}"
        matched = slack[np.arange(len(rows)), np.searchsorted(rows, sigma[rows])]
        assert np.abs(matched).max() <= ROUNDING * largest, f"matched pairs not tight by {matched.max() / largest}"
    cost *= scale**2
    assert cost <= total + CLOSE * total, f"cost {cost}, SciPy's {total}"  # the duals bound it from below
    # POT stops at its own tolerance, of the size of the cloud, not of the cost.
    assert cost <= by_pot + CLOSE * by_pot + 1e-14, f"cost {cost}, POT's {by_pot}"
    dual = (np.sum(u * scale**2) + np.sum(v * scale**2)) / m
    rounding = np.finfo(float).eps * (np.abs(u).mean() + np.abs(v).mean()) * scale**2
    assert abs(cost - dual) <= 1e-12 * cost + 10 * rounding


def main():
    tool = sys.argv[1]
    rng = np.random.default_rng(0)
    problems = [draw(rng) for _ in range(PROBLEMS)]
    cases = [(alpha, W, V) for alpha, W, clouds in problems for V in clouds]
    for n, (case, answer) in enumerate(zip(cases, ask(tool, problems))):
        try:
            check(*case, *answer)
        except AssertionError as error:
            sys.exit(f"cloud {n}, m = {len(case[0])}, d = {case[1].shape[1]}: {error}")
    print(f"{len(cases)} clouds of {PROBLEMS} problems")


main()
