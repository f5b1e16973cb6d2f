#!/usr/bin/python3
"""Holds initial neurons against NumPy's Philox and the formulas of src/flow/README.md "Data and model":
check_init.py WGF_BINARY [WORDS]. With words, only the checks that have them."""

import numpy as np
from check_flow import run, states
from checks import Failure, run_checks
from philox import normals, uniforms

PURPOSES = (1, 2)  # streams of neurons of alpha = 1 and of alpha = -1


def drawn(one, spec, purpose, count):
    return np.array([one(spec["seed"], purpose, i, spec["d"]) for i in range(count)]).reshape(count, spec["d"])


def normal(spec, purpose, count):
    return spec["init_scale"] * drawn(lambda seed, of, i, d: normals(seed, of, i, 0, d), spec, purpose, count)


def uniform(spec, purpose, count):
    """In [-init_scale, init_scale]^d."""
    return spec["init_scale"] * drawn(uniforms, spec, purpose, count)


def grid(spec, purpose, count):
    """A square one of [-init_scale, init_scale]^2."""
    del purpose
    nodes = np.linspace(-spec["init_scale"], spec["init_scale"], round(count**0.5))
    return np.array([(x, y) for x in nodes for y in nodes]).reshape(count, 2)


def jittered_grid(spec, purpose, count):
    """The grid and up to half its spacing in each coordinate."""
    spacing = 2 * spec["init_scale"] / (round(count**0.5) - 1) if count > 1 else 0
    return (grid(spec, purpose, count) if count > 1 else np.zeros((count, 2))) + spacing / 2 * drawn(
        uniforms, spec, purpose, count)


def check_made(binary, folder, kind, spec):
    """The state before the first step, to rounding."""
    fixed = {"init": kind.__name__, **spec, "data": "random", "n": 3, "steps": 0, "save": "all"}
    with run(binary, folder, fixed, {}) as file:
        W = states(file, 0)[0]
    m = spec["width"]
    positives = m if spec["signs"] == "positive" else (m + 1) // 2
    expected = np.vstack([kind(spec, PURPOSES[0], positives), kind(spec, PURPOSES[1], m - positives)])
    worst = np.abs(W - expected).max() / spec["init_scale"]
    if W.shape != expected.shape or not worst < 1e-14:
        raise Failure(f"{worst:.1e} off: {W[:3]}, not {expected[:3]}")
    return f"error {worst:.1e}"


def checks(do):
    for seed, scale in ((1, 1.0), (9, 1e-3)):
        for signs, of_cloud, of_grid in (("balanced", 7, 50), ("positive", 4, 36), ("balanced", 2, 2)):
            spec = {"seed": seed, "init_scale": scale, "signs": signs}
            for d in (1, 2, 5):
                for kind in (normal, uniform):
                    do(f"{kind.__name__}: d {d}, {of_cloud} neurons, {signs}, seed {seed}", check_made, kind,
                       {**spec, "d": d, "width": of_cloud})
            for kind in (grid, jittered_grid) if of_grid > 2 else (jittered_grid,):
                do(f"{kind.__name__}: {of_grid} neurons, {signs}, seed {seed}", check_made, kind,
                   {**spec, "d": 2, "width": of_grid})


if __name__ == "__main__":
    run_checks(checks)
