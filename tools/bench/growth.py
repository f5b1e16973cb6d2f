"""Cost against size: a straight line through the logarithms, over two decades where that is affordable."""

import re
from types import SimpleNamespace

import numpy as np

import cases
import ours
import tables

HEADER = ("work", "in", "sizes", "cost at each", "exponent", "standard error")
ROUNDS = 3  # the median of them counts


def gradient(m, n):
    return ours.gradient(cases.gradient(m, n, 2, operations=max(3, int(2e7 / (m * n)))))


def near(m):
    return ours.assignment(cases.near(m, clouds=3))


def far(m):
    return ours.assignment(cases.far(m))


def sliced(m):
    return ours.sliced(cases.sliced(m, 2, 100, operations=max(3, int(1e5 / m))))


def inner_step(metric, m, n):
    """The mean of 300 inner iterations with the fixed inner step of the first studies."""
    gamma, count = 0.01, 300
    settings = {"data": "sinus", "n": n, "width": m, "method": "prox", "metric": metric, "steps": 1, "gamma": gamma,
                "inner_steps": count, "init_scale": 1e-3, "beta": 1 / (1 / (gamma * m) + 2.2 * m)}
    sample = ours.whole_run(SimpleNamespace(settings=settings, check=1))
    return ours.Sample(sample.seconds / count)


def jko(g, n):
    return ours.jko_step(cases.jko(g, n, 0.1, repetitions=5))


WIDTHS, SAMPLES, GRIDS = (100, 320, 1000, 3200, 10_000), (10, 32, 100, 320, 1000), (16, 32, 64, 128, 256)
ROWS = (
    ("gd step, d = 2, n = 70", "m", WIDTHS, lambda m: gradient(m, 70)),
    ("gd step, d = 2, m = 1000", "n", SAMPLES, lambda n: gradient(1000, n)),
    ("prox frobenius inner step, n = 70", "m", WIDTHS, lambda m: inner_step("frobenius", m, 70)),
    ("prox frobenius inner step, m = 1000", "n", SAMPLES, lambda n: inner_step("frobenius", 1000, n)),
    ("prox wasserstein inner step, n = 70", "m", WIDTHS, lambda m: inner_step("wasserstein", m, 70)),
    ("prox wasserstein inner step, m = 1000", "n", SAMPLES, lambda n: inner_step("wasserstein", 1000, n)),
    ("prox sliced inner step, n = 70, L = 100", "m", WIDTHS, lambda m: inner_step("sliced", m, 70)),
    ("sliced distance and gradient, L = 100", "m", WIDTHS, sliced),
    ("W2 of near clouds, warm", "m", WIDTHS, near),
    ("W2 of far clouds", "m", WIDTHS, far),
    ("JKO step, n = 20, ε = h²", "g", GRIDS, lambda g: jko(g, 20)),
    ("JKO step, g = 32", "n", SAMPLES, lambda n: jko(32, n)),
)
QUICK = {"m": (20, 40), "n": (10, 20), "g": (8, 16)}


def fit(sizes, costs):
    """The exponent and its standard error (NaN for two points)."""
    x, y = np.log(sizes), np.log(costs)
    x = x - x.mean()
    slope = x @ y / (x @ x)
    rest = y - y.mean() - slope * x
    free = len(x) - 2
    return slope, np.sqrt(rest @ rest / free / (x @ x)) if free else np.nan


def measure(axis, sizes, cost):
    """Measures all sizes in turn, ROUNDS times. Returns the median cost of each, made positive for the logarithm."""
    rounds = [[cost(size).seconds for size in sizes] for _ in range(ROUNDS)]
    return np.maximum(np.median(rounds, axis=0), 1e-9)


def table(options):
    """The Markdown of the table, and whether every row ran."""
    made, good = [], True
    for work, axis, sizes, cost in ROWS:
        if not re.search(options.only, work):
            continue
        sizes = QUICK[axis] if options.quick else sizes
        try:
            costs = measure(axis, sizes, cost)
            slope, error = fit(sizes, costs)
            cells = [", ".join(map(tables.duration, costs)), f"{slope:.2f}", f"{error:.2f}"]
        except ours.NotBuilt:
            cells = ["not built", "", ""]
        except Exception as error:  # a benchmark that fails is a row; the others still run
            cells, good = [f"failed: {error}", "", ""], False
        made.append([work, axis, ", ".join(map(str, sizes)), *cells])
        print(tables.line(made[-1]), flush=True)
    return tables.markdown(HEADER, made), good
