"""One JKO step in NumPy, by Dykstra's algorithm and by Newton's method on the semi-dual.

Each multiplies with the plain separable kernel while that stays in range, as a careful user would:
src/flow/README.md "JKO on a grid".
"""

import time
from types import SimpleNamespace

import numpy as np

from ours import Sample

LARGEST = 400.0  # largest exponent in plain products
LOWEST = 300.0  # largest cost over epsilon in the kernel: products of denormal numbers take ten times as long


class Step:
    """What both solvers need: the kernel xi along each axis of both sheets, the potential of u, the loss."""

    def __init__(self, case):
        self.case, self.s, self.kappa = case, 2 * case.gamma / case.epsilon, 1 / len(case.y)
        self.g, self.n = len(case.t), len(case.y)
        self.cost = (case.t[:, None] - case.t) ** 2 / case.epsilon
        self.k1 = np.exp(-self.cost) * (self.cost < LOWEST)
        self.by_grid = case.features.reshape(self.n, 2, self.g, self.g)

    def xi(self, masses):
        return (self.k1 @ masses.reshape(-1, self.g, self.g) @ self.k1).reshape(masses.shape)

    def log_a(self, u):
        return -self.s * (u @ self.case.features)

    def curvature(self, p):
        return self.s * (self.case.features * p) @ self.case.features.T + np.eye(self.n) / (2 * self.kappa)

    def loss_gradient(self, u, p):
        return self.case.y + u / (2 * self.kappa) - self.case.features @ p


def kl_prox(step, z, u):
    """argmin_p KL(p|z) + s F(p), by Newton from u. Returns p and the last u."""
    for _ in range(60):
        p = z * np.exp(step.log_a(u))
        residual = step.loss_gradient(u, p)
        if np.abs(residual).max() < 1e-13:
            break
        u = u - np.linalg.solve(step.curvature(p), residual)
    return p, u


def solve_dykstra(step):
    q, u, b = step.case.start, np.zeros(step.n), np.ones_like(step.case.start)
    for count in range(1, 20001):
        z = step.xi(b)
        p, u = kl_prox(step, z, u)
        a = p / z
        xi_a = step.xi(a)
        moved = np.abs(b * xi_a - q).sum()
        b = q / xi_a
        masses = a * step.xi(b)
        if max(moved, np.abs(masses - p).sum()) < step.case.tolerance:
            break
    return masses, count


def evaluate_plainly(step, u):
    """log xi(a), the masses, and a function for E_l[Phi] at every l, which the Hessian needs; None out of range."""
    log_a = step.log_a(u).reshape(2, -1)
    low, high = log_a.min(axis=1, keepdims=True), log_a.max(axis=1, keepdims=True)
    if (high - low).max() > 2 * LARGEST:
        return None
    middle = (low + high) / 2
    a = np.exp(log_a - middle).ravel()
    xi_a = step.xi(a)
    p = a * step.xi(step.case.start / xi_a)

    def means():
        moved = step.by_grid * a.reshape(2, step.g, step.g)
        return step.xi(moved).reshape(step.n, -1) / xi_a

    return (np.log(xi_a).reshape(2, -1) + middle).ravel(), p, means


def row_means(exponents):
    """Softmax weights over the second-last axis, and the logarithm of their sum."""
    top = exponents.max(axis=-2, keepdims=True)
    weights = np.exp(exponents - top)
    total = weights.sum(axis=-2, keepdims=True)
    return weights / total, (top + np.log(total)).squeeze(-2)


def evaluate_stably(step, u):
    """The same in the logarithmic domain along each axis."""
    log_a = step.log_a(u).reshape(2, step.g, step.g)
    across, rows = row_means(log_a[..., None] - step.cost)  # [sheet, i, j, l] over j
    down, log_xi_a = row_means(rows.swapaxes(1, 2)[..., None] - step.cost)  # [sheet, l, i, k] over i
    q = step.case.start.reshape(2, step.g, step.g).swapaxes(1, 2)  # [sheet, l, k]
    p = (across @ (down @ q[..., None])[..., 0].swapaxes(1, 2)[..., None])[..., 0]

    def means():
        half = step.by_grid.transpose(1, 2, 0, 3) @ across  # [sheet, i, n, l]
        full = half.transpose(0, 3, 2, 1) @ down  # [sheet, l, n, k]
        return full.transpose(2, 0, 3, 1).reshape(step.n, -1)

    return log_xi_a.swapaxes(1, 2).ravel(), p.ravel(), means


def evaluate(step, u):
    log_xi_a, p, means = evaluate_plainly(step, u) or evaluate_stably(step, u)
    value = step.case.start @ log_xi_a / step.s + u @ step.case.y + u @ u / (4 * step.kappa)
    return value, step.loss_gradient(u, p), p, means


def first_dual(step):
    return 2 * step.kappa * (step.case.features @ step.case.start - step.case.y)


def solve_newton(step, u=None):
    """From u; u at the end is returned last."""
    case = step.case
    u = first_dual(step) if u is None else u
    value, gradient, p, means = evaluate(step, u)
    for count in range(100):
        if np.linalg.norm(gradient) < case.tolerance * np.linalg.norm(case.y):
            break
        mean = means()
        hessian = step.curvature(p) - step.s * (mean * case.start) @ mean.T
        direction, length, before = -np.linalg.solve(hessian, gradient), 1.0, value
        slope = gradient @ direction
        while True:
            value, gradient, p, means = evaluate(step, u + length * direction)
            if value <= before + 1e-4 * length * slope + 1e-14 * abs(before) or length < 1e-9:
                break
            length /= 2
        u = u + length * direction
    return p, count, u


def solve_steps(step):
    """Steps in turn, each from the dual of the one before."""
    total, u = 0, None
    for _ in range(step.case.steps):
        p, count, u = solve_newton(step, u)
        total += count
        step.case = SimpleNamespace(**{**vars(step.case), "start": p})
    return p, total


def solved(case, solve):
    step = Step(case)  # not timed, nor is our grid
    start = time.perf_counter()
    masses, count, *_ = solve(step)
    return Sample((time.perf_counter() - start) / case.steps, masses, f"{count / case.steps:.3g} iterations")


def dykstra(case):
    return solved(case, solve_dykstra)


def newton(case):
    return solved(case, solve_steps)
