"""The iterations of jko's solvers (src/flow/README.md "JKO on a grid") with dense N x N arrays, from the formulas
alone. Each yields, an iteration, both constraint errors, F, <C, pi> and the objective of the step."""

from dataclasses import dataclass

import numpy as np

from jko_reference import Step, log_sum_exp


@dataclass
class Solver:
    """Of steps from masses q on, the last dual u between them."""

    step: Step
    scale: float  # of residuals
    tolerance: float
    most: int = 1000
    depth: int = 0  # of acceleration

    def __post_init__(self):
        self.logs = -self.step.costs / self.step.epsilon
        self.costs = np.where(np.isfinite(self.step.costs), self.step.costs, 0.0)
        self.s = 2 * self.step.gamma / self.step.epsilon

    def log_scaling(self, u):
        return np.log(self.step.rho) - self.s * (u @ self.step.Phi + self.step.potential)

    def plan(self, log_a, q):
        """diag(a) xi diag(q / xi a)."""
        log_b = np.where(q > 0, np.log(np.where(q > 0, q, 1)), -np.inf) - log_sum_exp(self.logs + log_a[:, None], 0)
        return np.exp(log_a[:, None] + self.logs + log_b[None, :])

    def look(self, log_a, q, even, odd):
        """What a record of the iterate with these scalings holds."""
        plan = self.plan(log_a, q)
        p = plan.sum(1)
        seen = plan > 0
        rho = np.broadcast_to(np.reshape(self.step.rho, (-1, 1)), plan.shape)
        entropy = (plan[seen] * (np.log(plan[seen] / rho[seen]) - 1)).sum()
        F, transport = self.step.objective(p), (plan * self.costs).sum()
        confined = (self.step.potential * p).sum()
        objective = transport + self.step.epsilon * entropy + 2 * self.step.gamma * (F + confined)
        return even, odd, F, transport, objective

    def dykstra(self, q, u):
        """(records, masses, u) of a step by Dykstra's algorithm."""
        log_q = np.where(q > 0, np.log(np.where(q > 0, q, 1)), -np.inf)
        x = -log_sum_exp(self.logs + self.log_scaling(u)[:, None], 0)
        records, memory = [], Anderson(self.depth, q)
        for _ in range(self.most):
            log_z = log_sum_exp(self.logs + (log_q + x)[None, :], 1)
            log_p, u = self.step.kl_prox(log_z + np.log(self.step.rho), u)
            log_a = log_p - log_z
            log_sum = log_sum_exp(self.logs + log_a[:, None], 0)
            even = np.abs(np.exp(log_q + x + log_sum) - q).sum()
            after = self.plan(log_a, q).sum(1)
            records.append(self.look(log_a, q, even, np.abs(after - np.exp(log_p)).sum()))
            x = memory.advance(x, -log_sum)
            if even < self.tolerance:
                break
        return records, after, u

    def residual(self, u, q):
        """y + u / (2 kappa) - Phi p(u) and p(u)."""
        p = self.plan(self.log_scaling(u), q).sum(1)
        return self.step.y + u / (2 * self.step.kappa) - self.step.Phi @ p, p

    def hessian(self, u, q):
        log_a = self.log_scaling(u)
        plan = self.plan(log_a, q)
        conditional = np.exp(log_a[:, None] + self.logs - log_sum_exp(self.logs + log_a[:, None], 0)[None, :])
        mean = self.step.Phi @ conditional  # n x N
        second = (self.step.Phi * plan.sum(1)) @ self.step.Phi.T - (mean * q) @ mean.T
        return self.s * second + np.eye(len(u)) / (2 * self.step.kappa)

    def of_newton(self, u, q):
        return self.look(self.log_scaling(u), q, 0.0, np.linalg.norm(self.residual(u, q)[0]) / self.scale)

    def newton(self, q, u):
        """By Newton's method with conjugate gradients."""
        g = self.residual(u, q)[0]
        start, records, tolerance = np.linalg.norm(g), [], self.tolerance * self.scale
        while np.linalg.norm(g) >= tolerance:
            norm = np.linalg.norm(g)
            target = max(norm * min(0.1, norm / start), 0.3 * tolerance)
            step, length = conjugate_gradients(self.hessian(u, q), -g, target), 1.0
            while np.linalg.norm(self.residual(u + length * step, q)[0]) > (1 - 1e-4 * length) * norm:
                length /= 2
            u = u + length * step
            g = self.residual(u, q)[0]
            records.append(self.of_newton(u, q))
        return records, self.residual(u, q)[1], u

    def secant(self, q, u, tangent):
        """By symmetric rank-one updates of the inverse of `tangent`, while |g| falls by a fifth each time."""
        H, records, tolerance = np.linalg.inv(tangent), [], self.tolerance * self.scale
        g = self.residual(u, q)[0]
        while np.linalg.norm(g) >= tolerance:
            step = -H @ g
            reached = self.residual(u + step, q)[0]
            if np.linalg.norm(reached) > 0.8 * np.linalg.norm(g):
                raise RuntimeError("stalls, so that Newton's method would take over")
            w = step - H @ (reached - g)
            H = H + np.outer(w, w) / (w @ (reached - g))
            u, g = u + step, reached
            records.append(self.of_newton(u, q))
        return records, self.residual(u, q)[1], u


def conjugate_gradients(A, right, target):
    x, r = np.zeros_like(right), right.copy()
    d = r.copy()
    while r @ r > target**2:
        Ad = A @ d
        length = (r @ r) / (d @ Ad)
        x, after = x + length * d, r - length * Ad
        d = after + (after @ after) / (r @ r) * d
        r = after
    return x


class Anderson:
    """Acceleration of x <- T(x) by weighted least squares over the last differences, begun anew where the residual
    doubles."""

    def __init__(self, depth, weight):
        self.depth, self.weight = depth, weight
        self.history, self.norm = [], np.inf

    def advance(self, x, image):
        if self.depth == 0:
            return image
        residual = image - x
        norm = np.sqrt(self.weight @ residual**2)
        self.history.append((residual, image))
        if norm > 2 * self.norm:
            self.history = self.history[-1:]
        self.norm = norm
        self.history = self.history[-self.depth - 1 :]
        if len(self.history) == 1:
            return image
        root = np.sqrt(self.weight)
        residuals = np.array([b[0] - a[0] for a, b in zip(self.history, self.history[1:])]).T
        images = np.array([b[1] - a[1] for a, b in zip(self.history, self.history[1:])]).T
        part = np.linalg.lstsq(root[:, None] * residuals, root * residual, rcond=None)[0]
        return image - images @ part
