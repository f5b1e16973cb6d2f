"""The inputs that both sides of a pair get. Each function takes sizes and returns a case. Nothing here is timed."""

import tempfile
from types import SimpleNamespace

import numpy as np

import ours


def signs(m):
    return np.where(np.arange(m) < (m + 1) // 2, 1.0, -1.0)


def sinus(n):
    """Equispaced inputs on [-1/2, 1/2] with a bias, labels a sine with a slope: src/flow/README.md "Data and model"."""
    x = np.linspace(-0.5, 0.5, n)
    return np.column_stack([x, np.ones(n)]), np.sin(10 * x - np.pi / 2) + 0.2 * x - 0.5


def gradient(m, n, d, operations, repetitions=3):
    """Descent of F from the small initial neurons of the default spec, on a sine (d = 2) or on random samples."""
    rng = np.random.default_rng(1)
    X, y = sinus(n) if d == 2 else (np.column_stack([rng.normal(size=(n, d - 1)), np.ones(n)]), rng.uniform(-1, 1, n))
    return SimpleNamespace(X=X, y=y, W=1e-3 * rng.normal(size=(m, d)), alpha=signs(m), step=0.1 / m, check=3,
                           operations=operations, repetitions=repetitions)


def near(m, d=2, clouds=5, warm=2):
    """One sign, normal points. Each cloud is the fixed one with every point moved by about 0.01."""
    rng = np.random.default_rng(2)
    W = rng.normal(size=(m, d))
    return SimpleNamespace(alpha=np.ones(m), W=W, clouds=W + 0.01 * rng.normal(size=(warm + clouds, m, d)), warm=warm)


def far(m, d=2):
    """One sign, two independent clouds."""
    rng = np.random.default_rng(3)
    return SimpleNamespace(alpha=np.ones(m), W=rng.normal(size=(m, d)), clouds=rng.normal(size=(1, m, d)), warm=0)


def weighted(n, m, g, d=2, repetitions=3):
    """Random weights on normal points, n and m; with g in place of m: n equal neurons and the masses of a grid."""
    rng = np.random.default_rng(5)
    x, y, a, b = rng.normal(size=(n, d)), rng.normal(size=(m, d)), rng.random(n), rng.random(m)
    if g:
        t = np.linspace(-1, 1, g)
        y = np.stack(np.meshgrid(t, t, indexing="ij"), -1).reshape(-1, 2)
        x, a, b = x / 2, np.ones(n), np.exp(-3 * ((y - 0.2) ** 2).sum(axis=1))
    return SimpleNamespace(x=x, y=y, a=a / a.sum(), b=b / b.sum(), repetitions=repetitions)


def sliced(m, d, directions, operations):
    """Both signs. V starts 0.1 away from W and approaches it slowly, as an inner iterate does.

    Directions are equally spaced for d = 2, else random.
    """
    rng = np.random.default_rng(4)
    if d == 2:
        angle = rng.uniform(0, np.pi) + np.pi * np.arange(directions) / directions
        theta = np.column_stack([np.cos(angle), np.sin(angle)])
    else:
        theta = rng.normal(size=(directions, d))
        theta /= np.linalg.norm(theta, axis=1, keepdims=True)
    W = rng.normal(size=(m, d))
    V = W + 0.1 * rng.normal(size=(m, d))
    return SimpleNamespace(alpha=signs(m), theta=theta, W=W, V=V, step=0.01 * m, check=3, operations=operations,
                           repetitions=3)


def prox(metric, m, n, steps, inner_steps, before, sampled, **settings):
    """A whole descent from the default initialisation with a given inner step.

    before: outer steps. From our iterate before each of them the peer measures `sampled` inner iterations. The whole
    case has `steps` times `inner_steps`.
    """
    gamma = settings["gamma"]
    fixed = {"data": "sinus", "n": n, "width": m, "method": "prox", "metric": metric, "steps": steps,
             "inner_steps": inner_steps, "record_every": steps, "beta": 1 / (1 / (gamma * m) + 2.2 * m), **settings}
    X, y = sinus(n)
    with tempfile.TemporaryDirectory() as folder:
        with ours.run(folder, {**fixed, "steps": max(before), "record_every": 1, "save": "all"}) as file:
            iterates = file["state"][:].reshape(-1, m, 2)[list(before)]
    return SimpleNamespace(settings=fixed, X=X, y=y, alpha=signs(m), iterates=iterates, sampled=sampled, gamma=gamma,
                           beta=fixed["beta"], iterations=steps * inner_steps, check=5)


def jko(g, n, gamma, repetitions, steps=1):
    """Steps from uniform masses on a grid of half-width 1; epsilon is the squared spacing."""
    X, y = sinus(n)
    t = np.linspace(-1, 1, g)
    theta = np.stack(np.meshgrid(t, t, indexing="ij"), -1).reshape(-1, 2)
    relu = np.maximum(X @ theta.T, 0)
    settings = {"data": "sinus", "method": "jko", "n": n, "grid": g, "gamma": gamma, "init": "grid",
                "record_distances": "plain"}
    return SimpleNamespace(y=y, t=t, features=np.hstack([relu, -relu]), start=np.full(2 * g * g, 0.5 / (g * g)),
                           gamma=gamma, epsilon=(t[1] - t[0]) ** 2, tolerance=1e-9, repetitions=repetitions,
                           steps=steps, settings=settings)


def jobs(jobs, given):
    """`given`: the number of jobs for the peer, which is slower."""
    return SimpleNamespace(jobs=jobs, given=given)


def traces(jobs, records):
    """Rows with the trace columns of gd, `records` values each."""
    return SimpleNamespace(jobs=jobs, records=records)


def long_sweep(jobs, steps):
    return SimpleNamespace(jobs=jobs, steps=steps)
