#!/usr/bin/python3
"""Inner solvers of prox against torch.optim and by hand: check_inner.py WGF_BINARY [WORDS]; 77 without PyTorch.

500 inner steps of the optimisers that PyTorch has, on gradients of autograd. Where a solver has no rest its residual
says so."""

import subprocess
import sys

import h5py
import numpy as np

from checks import Failure, run_checks

try:
    import torch
except ImportError:
    sys.exit(77)

CLOSE = 1e-13  # of the largest weight
RANDOM = np.random.default_rng(3)
PLANE = {"X": np.column_stack([RANDOM.standard_normal(9), np.ones(9)]), "y": RANDOM.uniform(-1, 1, 9),
         "W": RANDOM.normal(0, 0.5, (12, 2)), "alpha": np.repeat([1.0, -1.0], 6)}  # fmt: skip


def run(binary, folder, problem, **fixed):
    """The result file, open, of one job of prox."""
    with h5py.File(folder / "data.h5", "w") as data, h5py.File(folder / "init.h5", "w") as init:
        data["X"], data["y"] = problem["X"], problem["y"]
        init["W"], init["alpha"] = problem["W"], problem["alpha"]
    fixed = {"data": "file", "data_file": "data.h5", "init": "file", "init_file": "init.h5", "method": "prox",
             "save": "last", **fixed}
    lines = "".join(f"  {name}: {value}\n" for name, value in fixed.items())
    (folder / "spec.yaml").write_text(f"name: inner\nfixed:\n{lines}")
    command = [binary, "run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise Failure(done.stderr.strip())
    return h5py.File(folder / "out.h5")


def by_torch(problem, optimiser, gamma, inner_steps, steps, memory):
    """The weights after the outer steps; `optimiser` makes one of a list of parameters."""
    X, y, alpha = (torch.tensor(problem[name]) for name in ("X", "y", "alpha"))
    V = torch.tensor(problem["W"], requires_grad=True)
    made = optimiser([V])
    for _ in range(steps):
        W = V.detach().clone()
        made = made if memory == "run" else optimiser([V])
        for _ in range(inner_steps):
            made.zero_grad()
            error = torch.relu(X @ V.T) @ alpha - y
            ((error**2).mean() + ((V - W) ** 2).sum() / len(W) / (2 * gamma)).backward()
            made.step()
    return V.detach().numpy()


def check_torch(binary, folder, optimiser, memory, fixed):
    gamma, inner_steps, steps, worst = 0.05, 500, 2, 0.0
    expected = by_torch(PLANE, optimiser, gamma, inner_steps, steps, memory)
    for kernel in ("dense", "cones"):
        with run(binary, folder, PLANE, gamma=gamma, inner_steps=inner_steps, steps=steps, inner_memory=memory,
                 kernel=kernel, **fixed) as file:  # fmt: skip
            actual = file["state"][()].reshape(expected.shape)
        error, moved = (np.abs(actual - other).max() / np.abs(expected).max() for other in (expected, PLANE["W"]))
        worst = max(worst, error)
        if error > CLOSE or moved < 0.1:
            raise Failure(f"{kernel}: relative error {error:.1e}, moved {moved:.1e}")
    return f"relative error {worst:.1e}"


def check_cycle(binary, folder, kernel):
    """On a convex kink the fixed point has no rest: v goes 0.1, -2.1, 0.1, ... and its residual stays 2.2."""
    problem = {"X": np.ones((1, 1)), "y": -np.ones(1), "W": np.full((1, 1), 0.1), "alpha": np.ones(1)}
    if kernel == "cones":
        problem |= {"X": np.array([[1.0, 0]]), "W": np.array([[0.1, 0]])}
    for inner_steps, weight in ((7, -2.1), (8, 0.1)):
        with run(binary, folder, problem, inner="fixed_point", gamma=1, steps=1, inner_steps=inner_steps,
                 inner_tol=1e-9, kernel=kernel) as file:  # fmt: skip
            found = [file["state"][0], file["inner_residual"][0, 1], file["inner_steps_used"][0, 1]]
        if not np.allclose(found, [weight, 2.2, inner_steps], rtol=1e-14):
            raise Failure(f"{found}, by hand {[weight, 2.2, inner_steps]}")
    return "residual 2.2, as by hand"


def check_contraction(binary, folder):
    """Within a pattern it contracts as soon as gamma m L < 1."""
    with run(binary, folder, PLANE, inner="fixed_point", gamma=5e-5, steps=1, inner_steps=10) as file:
        residual = file["inner_residual"][0, 1]
    if not residual < 1e-13:
        raise Failure(f"residual {residual:.1e} after 10 inner steps")
    return f"residual {residual:.1e} after 10 inner steps"


OPTIMISERS = {
    "momentum": (lambda V: torch.optim.SGD(V, lr=2e-3, momentum=0.8),
                 {"inner": "momentum", "beta": 2e-3, "inner_momentum": 0.8}),
    "adam": (lambda V: torch.optim.AdamW(V, lr=1e-3, weight_decay=0, betas=(0.8, 0.99), eps=1e-7),
             {"inner": "adam", "beta": 1e-3, "adam_beta1": 0.8, "adam_beta2": 0.99, "adam_eps": 1e-7}),
}


def checks(do):
    for name, (optimiser, fixed) in OPTIMISERS.items():
        for memory in ("step", "run"):
            do(f"{name}, memory of a {memory}", check_torch, optimiser, memory, fixed)
    for kernel in ("dense", "cones"):
        do(f"fixed point on a kink, {kernel}", check_cycle, kernel)
    do("fixed point within a pattern", check_contraction)


run_checks(checks)
