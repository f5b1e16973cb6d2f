#!/usr/bin/python3
"""Points of samples against SciPy: nets, scrambling, strata, discrepancy, marginals; and the laws over them.
check_sample.py PLAN_TOOL"""

import hashlib
import json
import subprocess
import sys

import numpy as np
from scipy.stats import kstest, qmc

SOBOL, LATIN, RANDOM = range(3)
DIMENSIONS, BITS = 64, 32


def points(design, seed, dimensions, count):
    words = [sys.argv[1], *map(str, (design, seed, dimensions, count))]
    out = subprocess.run(words, capture_output=True, check=True).stdout
    return np.frombuffer(out).reshape(dimensions, count).T


def jobs(sample, over, **rest):
    spec = {"name": "x", "sweep": [{"sample": sample, "over": over, **rest}]}
    out = subprocess.run([sys.argv[1]], input=json.dumps(spec), capture_output=True, text=True, check=True).stdout
    assert out.startswith("jobs"), out
    return [dict(word.split("=") for word in line.split()) for line in out.rstrip("\0").split("\n")[1:-1]]


def common_bits(a, b):
    """Length of the common prefix of numbers of 32 bits."""
    return BITS - np.ceil(np.log2((a ^ b) + 1.0))


def scrambling_is_nested_over_the_points_of_joe_and_kuo():
    """Owen: scrambled points agree in as many bits as the points do. SciPy's come in the order of Gray's code."""
    count = 1024
    ours = (points(SOBOL, 7, DIMENSIONS, count) * 2**BITS).astype(np.int64)
    theirs = qmc.Sobol(DIMENSIONS, scramble=False, bits=BITS).random(count)
    k = np.arange(count)
    plain = np.empty_like(ours)
    plain[k ^ (k >> 1)] = (theirs * 2**BITS).astype(np.int64)
    flips = (ours ^ plain)[..., None] >> np.arange(BITS - 9, BITS - 4) & 1
    assert (flips.min(axis=0) < flips.max(axis=0)).all(), "a bit is flipped whatever the bits above it are"
    for shift in (1, 2, 3, 7, 64, 511, 777):
        moved = np.roll(k, shift)
        assert np.array_equal(common_bits(ours, ours[moved]), common_bits(plain, plain[moved])), shift


def flips_are_fair():
    first = np.array([points(SOBOL, seed, 8, 2) for seed in range(300)])
    for d in range(8):
        assert kstest(first[:, 0, d], "uniform").pvalue > 1e-4 and kstest(first[:, 1, d], "uniform").pvalue > 1e-4, d
    correlation = np.corrcoef(first[:, 0].T)[np.triu_indices(8, 1)]
    assert np.abs(correlation).max() < 0.25, correlation
    bits = (first * 2**BITS).astype(np.int64)[..., None] >> np.arange(BITS) & 1
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.15, "a bit that seldom changes"


def elementary_intervals_hold_one_point_each():
    for seed in range(5):
        x = points(SOBOL, seed, 2, 256)
        for a in range(9):
            cells = np.floor(x * [2**a, 2 ** (8 - a)]).astype(int)
            assert len(np.unique(cells, axis=0)) == 256, f"intervals 2^-{a} x 2^-{8 - a}"


def discrepancies_are_low():
    d, count = 6, 512
    scipy = np.mean([qmc.discrepancy(qmc.Sobol(d, seed=seed).random(count)) for seed in range(4)])
    own = [np.mean([qmc.discrepancy(points(design, seed, d, count)) for seed in range(4)]) for design in range(3)]
    assert own[SOBOL] < 2 * scipy and own[SOBOL] < own[RANDOM] / 5, (own, scipy)
    assert own[LATIN] < own[RANDOM] / 2, own


def latin_has_one_point_a_stratum():
    for count in (1, 7, 500):
        x = points(LATIN, 3, 16, count)
        for column in np.floor(x * count).astype(int).T:
            assert np.array_equal(np.sort(column), np.arange(count))
    order = np.argsort(points(LATIN, 3, 16, 500), axis=0).T
    assert len({tuple(row) for row in order}) == 16, "two coordinates in the same order"


def marginals_are_uniform():
    for design in range(3):
        for column in points(design, 5, 8, 1000).T:
            assert 0 <= column.min() and column.max() < 1 and kstest(column, "uniform").pvalue > 1e-4
        assert not np.array_equal(points(design, 5, 1, 9), points(design, 6, 1, 9)), "the seed means nothing"
    for design in (SOBOL, RANDOM):
        assert np.array_equal(points(design, 5, 3, 1000)[:100], points(design, 5, 3, 100)), "a sample cannot grow"


def laws_follow_the_points():
    over = {"gamma": {"loguniform": [1e-3, 10]}, "weight_decay": {"uniform": [0.25, 4]}, "seed": {"integers": [3, 5]},
            "loss": {"choice": ["half_mse", "sse"]}, "width": {"loguniform": [10, 100]}}
    rows = jobs({"count": 300, "design": "sobol", "seed": 11}, over)
    u = points(SOBOL, 11, 5, 300)
    np.testing.assert_allclose([float(row["gamma"]) for row in rows], 1e-3 * 1e4 ** u[:, 0], rtol=1e-14)
    np.testing.assert_allclose([float(row["weight_decay"]) for row in rows], 0.25 + 3.75 * u[:, 1], rtol=1e-14)
    assert [int(row["seed"]) for row in rows] == list(3 + np.floor(3 * u[:, 2]).astype(int))
    assert [row["loss"] for row in rows] == [("half_mse", "sse")[i] for i in np.floor(2 * u[:, 3]).astype(int)]
    assert [int(row["width"]) for row in rows] == list(np.rint(10 * 10 ** u[:, 4]).astype(int))
    for row in rows:
        assert float(row["gamma"]) == float(f"{float(row['gamma']):.15g}"), "more than 15 digits"


def products_vary_slower_than_samples():
    rows = jobs({"count": 3, "design": "latin"}, {"gamma": {"uniform": [1, 2]}}, product={"seed": [2, 3]},
                zip={"n": [5, 6], "d": [3, 4]})
    gammas = [row["gamma"] for row in rows]
    expected = [(seed, n) for seed in (2, 3) for n in (5, 6) for _ in range(3)]
    assert [(int(row["seed"]), int(row["n"])) for row in rows] == expected
    assert gammas == gammas[:3] * 4 and len(set(gammas)) == 3


def bits_are_the_same_on_every_machine():
    over = {"gamma": {"loguniform": [1e-3, 10]}, "init_scale": {"uniform": [0, 1]}, "seed": {"integers": [0, 10**9]}}
    samples = [{"count": 1000, "design": design, "seed": 2} for design in ("sobol", "latin", "random")]
    digest = hashlib.sha256(json.dumps([jobs(sample, over) for sample in samples]).encode()).hexdigest()
    assert digest == EXPECTED, digest


EXPECTED = "57a0df1dd79b624b008b379144e0f7090e25c4075002fc2d203385bdbb5db794"


def main():
    tests = [test for name, test in globals().items() if callable(test) and name.count("_") > 1]
    for test in tests:
        test()
    print(f"{len(tests)} passed, 0 failed")


if __name__ == "__main__":
    main()
