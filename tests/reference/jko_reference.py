"""JKO steps on a grid (src/flow/README.md "JKO on a grid") by Dykstra's algorithm over dense N x N arrays of
logarithms, from the formulas alone."""

import itertools
from dataclasses import dataclass

import numpy as np


def log_sum_exp(values, axis):
    top = np.max(values, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    with np.errstate(divide="ignore"):
        return np.log(np.sum(np.exp(values - top), axis=axis)) + np.squeeze(top, axis)


@dataclass(frozen=True)
class Measure:
    """Signed masses on one or two grids in R^d, (points an axis, half-width) each: the sheets of grid 1, then those of
    grid 2. Points are R sinh(b x) / sinh(b) with x uniform in [-1, 1]; b = 0: uniform. `both`: one sheet of points
    (w, alpha), of which d counts the last."""

    grids: tuple
    sheets: int
    d: int = 2
    b: float = 0.0
    both: bool = False

    def axis(self, grid):
        g, radius = self.grids[grid]
        x = -1 + 2 * np.arange(g) / (g - 1)
        return radius * (np.sinh(self.b * x) / np.sinh(self.b) if self.b else x)

    def points(self, grid):
        return np.array(list(itertools.product(self.axis(grid), repeat=self.d)))

    def densities(self, grid):
        """How large the cell of each point is, but for a factor."""
        x = -1 + 2 * np.arange(self.grids[grid][0]) / (self.grids[grid][0] - 1)
        return np.array([np.prod(axes) for axes in itertools.product(np.cosh(self.b * x), repeat=self.d)])

    @property
    def rho(self):
        return np.concatenate([np.tile(self.densities(k), 1 if self.both else self.sheets)
                               for k in range(len(self.grids))])

    @property
    def places(self):
        return np.concatenate([np.tile(self.points(k), (1 if self.both else self.sheets, 1))
                               for k in range(len(self.grids))])

    @property
    def signs(self):
        if self.both:
            return np.ones(len(self.places))
        return np.concatenate([np.repeat([1.0, -1.0][: self.sheets], len(self.points(k)))
                               for k in range(len(self.grids))])

    def start(self, scale=None):
        """Masses of equal density, or of a normal law of this standard deviation; every sheet of every grid alike."""
        parts = []
        for k in range(len(self.grids)):
            if self.both:
                parts.append(self.start_both(k, scale))
                continue
            squared = (self.points(k) ** 2).sum(1)
            mass = np.ones(len(squared)) if scale is None else np.exp((squared.min() - squared) / (2 * scale**2))
            mass = mass * self.densities(k)
            parts += [mass / mass.sum() / (self.sheets * len(self.grids))] * self.sheets
        return np.concatenate(parts)

    def start_both(self, grid, scale):
        """The same over w; half of each has alpha 1 and half -1, between the two values next to it."""
        t = self.axis(grid)
        alpha = sum(np.interp([sign], t, e)[0] * e for e in np.eye(len(t)) for sign in (1, -1)[: self.sheets])
        w = Measure((self.grids[grid],), 1, self.d - 1, self.b).start(scale)
        return np.outer(w, alpha / self.sheets).ravel()

    def spacing(self):
        g, radius = self.grids[0]
        return 2 * radius / (g - 1)

    def costs(self):
        """Squared distances; infinite between signs, as no mass moves there."""
        places, signs = self.places, self.signs
        squared = ((places[:, None, :] - places[None, :, :]) ** 2).sum(2)
        return np.where(signs[:, None] == signs[None, :], squared, np.inf)

    def features(self, X):
        """Phi (n x N): the network's output is Phi p."""
        if self.both:
            return np.maximum(0, X @ self.places[:, :-1].T) * self.places[:, -1]
        return np.maximum(0, X @ self.places.T) * self.signs


@dataclass(frozen=True)
class Step:
    """What a step needs; `kappa` is the loss's factor, `potential` (N) what confines, `rho` (N) what the entropy of the
    step's coupling is relative to."""

    costs: np.ndarray
    Phi: np.ndarray
    y: np.ndarray
    kappa: float
    gamma: float
    epsilon: float
    potential: np.ndarray | float = 0.0
    rho: np.ndarray | float = 1.0

    def objective(self, p):
        return self.kappa * np.sum((self.Phi @ p - self.y) ** 2)

    def kl_prox(self, log_z, u):
        """argmin KL(p | z) + s (F(p) + <potential, p>): log p and the dual u, by Newton's method, steps halved until
        the gradient is less."""
        s, n = 2 * self.gamma / self.epsilon, len(self.y)

        def look(v):
            with np.errstate(over="ignore", invalid="ignore"):
                p = np.exp(log_z - s * (v @ self.Phi + self.potential))
                gradient = self.y + v / (2 * self.kappa) - self.Phi @ p
            return p, gradient, np.linalg.norm(gradient)

        p, gradient, norm = look(u)
        while norm > 1e-15:
            hessian = s * (self.Phi * p) @ self.Phi.T + np.eye(n) / (2 * self.kappa)
            step, length = -np.linalg.solve(hessian, gradient), 1.0
            while length > 1e-6 and not look(u + length * step)[2] < (1 - 1e-4 * length) * norm:
                length /= 2
            if length <= 1e-6:
                break  # rounding
            u = u + length * step
            p, gradient, norm = look(u)
        return log_z - s * (u @ self.Phi + self.potential), u

    def __call__(self, q, tolerance=1e-13, most=200_000):
        """The masses after the step from q, and <c, pi>."""
        logs = np.log(np.broadcast_to(self.rho, len(q)))[:, None] - self.costs / self.epsilon
        with np.errstate(divide="ignore"):
            log_q = np.log(q)
        u = 2 * self.kappa * (self.Phi @ q - self.y)
        log_a = -2 * self.gamma / self.epsilon * (u @ self.Phi)  # any start will do; this one stays in range
        log_b = log_q - log_sum_exp(logs + log_a[:, None], 0)
        for _ in range(most):
            log_z = log_sum_exp(logs + log_b[None, :], 1)
            log_p, u = self.kl_prox(log_z, u)
            log_a = log_p - log_z
            log_sum = log_sum_exp(logs + log_a[:, None], 0)
            error = np.abs(np.exp(log_b + log_sum) - q).sum()
            log_b = log_q - log_sum
            if error < tolerance:
                break
        else:
            raise RuntimeError(f"Dykstra's algorithm stands at {error:.1e}")
        plan = np.exp(log_a[:, None] + logs + log_b[None, :])
        with np.errstate(invalid="ignore"):
            return plan.sum(1), np.nansum(plan * self.costs)
