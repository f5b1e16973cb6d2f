"""The descents of src/flow/README.md in plain numpy, written from the formulas alone: a second opinion on the C code.

A state is an array with a row for each point of the measure: w, or (w, alpha) where alpha trains, or (w_+, w_-) of
product neurons.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import expit, huber

import metrics_reference as metrics

COLUMNS = (
    "step", "time", "objective", "distance", "distance_debiased", "distance_frobenius", "distance_wasserstein",
    "grad_norm", "weight_norm", "objective_test", "active", "inner_steps_used", "inner_residual", "mass",
    "newton_steps_used",
)


@dataclass(frozen=True)
class Samples:
    X: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Network:
    """The objective F and its gradient."""

    samples: Samples
    alpha: np.ndarray  # used while the second layer does not train
    loss: str = "mse"
    output: str = "sum"
    layers: str = "first"
    weight_decay: float = 0.0
    huber_delta: float = 1.0
    parametrisation: str = "neurons"

    @property
    def trains_alpha(self):
        return self.layers != "first" or self.parametrisation == "sphere"

    def start(self, W):
        if self.parametrisation == "product":
            return np.hstack(np.split(W, 2))
        norms = np.linalg.norm(W, axis=1) if self.parametrisation == "sphere" else np.ones(len(W))
        return np.column_stack([W / norms[:, None], self.alpha * norms]) if self.trains_alpha else W.copy()

    def split(self, state):
        """The neurons of the network and their output weights."""
        if self.parametrisation == "product":
            m, d = len(state), state.shape[1] // 2
            return np.vstack([state[:, :d], state[:, d:]]), np.repeat([1.0, -1.0], m)
        return (state[:, :-1], state[:, -1]) if self.trains_alpha else (state, self.alpha)

    def kept(self, state):
        """As result files keep it."""
        return self.split(state)[0] if self.parametrisation == "product" else state

    def signs(self, state):
        """Points without a sign of their own are all of one."""
        return np.ones(len(state)) if self.parametrisation == "product" or self.trains_alpha else self.alpha

    def decaying(self, state):
        return state * (np.arange(state.shape[1]) == state.shape[1] - 1) if self.parametrisation == "sphere" else state

    def tangent(self, state, gradient):
        if self.layers == "second":
            return gradient * (np.arange(state.shape[1]) == state.shape[1] - 1)
        if self.parametrisation != "sphere":
            return gradient
        W, along = state[:, :-1], np.sum(state[:, :-1] * gradient[:, :-1], axis=1)
        return gradient - np.column_stack([along[:, None] * W, 0 * along])

    def retract(self, state):
        if self.parametrisation != "sphere":
            return state
        return np.column_stack([state[:, :-1] / np.linalg.norm(state[:, :-1], axis=1)[:, None], state[:, -1]])

    def weights(self, state):
        """Those whose norm is recorded."""
        W, alpha = self.split(state)
        return alpha if self.parametrisation == "sphere" or self.layers == "second" else W

    def kappa(self, n):
        return {"half_mse": 1 / (2 * n), "sse": 1.0}.get(self.loss, 1 / n)

    def factor(self, m):
        return {"sum": 1.0, "mean": 1 / m}[self.output]

    def outputs(self, state, samples):
        W, alpha = self.split(state)
        return self.factor(len(state)) * np.maximum(0, samples.X @ W.T) @ alpha

    def half_slopes(self, f, y):
        """Half the derivative of the loss of a sample by its output: what stands for the error in the gradient."""
        if self.loss == "logistic":
            return -y / 2 * expit(-y * f)
        return np.clip(f - y, -self.huber_delta, self.huber_delta) if self.loss == "huber" else f - y

    def loss_on(self, state, samples):
        f, y = self.outputs(state, samples), samples.y
        of_samples = {"logistic": lambda: np.logaddexp(0, -y * f),
                      "huber": lambda: 2 * huber(self.huber_delta, f - y)}.get(self.loss, lambda: (f - y) ** 2)()
        return self.kappa(len(y)) * np.sum(of_samples)

    def objective(self, state):
        """The decay is over |w_i|^2 alone, or |w_i|^2 + alpha_i^2 where alpha trains; |w_i| = 1 does not count."""
        return self.loss_on(state, self.samples) + self.weight_decay * np.sum(self.decaying(state) ** 2)

    def gradient(self, state):
        W, alpha = self.split(state)
        X = self.samples.X
        e = self.half_slopes(self.outputs(state, self.samples), self.samples.y)
        factor = 2 * self.kappa(len(e)) * self.factor(len(state))
        scores = X @ W.T
        by_weights = factor * alpha[:, None] * ((scores > 0) * e[:, None]).T @ X
        if self.parametrisation == "product":
            by_weights = np.hstack(np.split(by_weights, 2))
        by_alpha = [factor * np.maximum(0, scores).T @ e] if self.trains_alpha else []
        of_loss = np.column_stack([by_weights, *by_alpha])
        return self.tangent(state, of_loss + 2 * self.weight_decay * self.decaying(state))

    def active(self, state):
        W, _ = self.split(state)
        return np.mean(np.any(self.samples.X @ W.T > 0, axis=0))


@dataclass(frozen=True)
class Descent:
    """How to step, when to record and when to stop."""

    method: str = "gd"
    metric: str = "frobenius"
    projections: int = 100
    sliced_scale: str = "none"
    epsilon: float = float("nan")
    seed: int = 1
    gamma: float = 0.1
    scaling: str = "plain"
    steps: int = 100
    beta: float = float("nan")
    inner: str = "gd"
    inner_momentum: float = 0.9
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_eps: float = 1e-8
    inner_memory: str = "step"
    beta_decay: float = 1.0
    inner_steps: int = 100
    inner_tol: float = 0.0
    record_every: int = 1
    record_distances: str = "own"
    stop_objective: float = 0.0
    stop_change: float = 0.0


@dataclass
class Trace:
    columns: dict = field(default_factory=lambda: {name: [] for name in COLUMNS})
    states: list = field(default_factory=list)
    steps_done: int = 0
    closest_stop: float = float("inf")  # smallest |residual / inner_tol - 1|: how near rounding is to change a count

    def record(self, state, **values):
        for name in COLUMNS:
            self.columns[name].append(values.get(name, np.nan))
        self.states.append(state.copy())


def squared_distance(a, b):
    """The Frobenius distance of src/flow/README.md "Proximal point": squared, over the number of neurons."""
    return np.sum((a - b) ** 2) / len(a)


def gd_step(network, descent, state):
    scale = len(state) if descent.scaling == "mean_field" else 1
    return network.retract(state - scale * descent.gamma * network.gradient(state))


def metric_of_step(descent, step, d):
    """D of outer step `step`, from 1: a function of (alpha, V, W) that gives D and its gradient in V."""
    if descent.metric == "sliced":
        scale = d if descent.sliced_scale == "dimension" else 1
        return metrics.sliced(metrics.directions(descent.seed, step, descent.projections, d), scale)
    if descent.metric == "sinkhorn":
        return metrics.sinkhorn(descent.epsilon)
    return {"frobenius": metrics.frobenius, "wasserstein": metrics.wasserstein}[descent.metric]


def prox_gradient(network, descent, distance, state, V):
    """The gradient at V of F(V) + D(V, state) / (2 gamma)."""
    return network.tangent(V, network.gradient(V) + distance(network.signs(V), V, state)[1] / (2 * descent.gamma))


class Solver:
    """What an inner solver knows beside V, by the update rules that PyTorch documents for SGD and Adam."""

    def __init__(self, descent, state):
        self.descent, self.steps, self.beta = descent, 0, descent.beta
        self.first, self.second = np.zeros_like(state), np.zeros_like(state)
        if descent.inner == "fixed_point":
            self.beta = descent.gamma * len(state)

    def direction(self, gradient):
        self.steps += 1
        if self.descent.inner == "momentum":
            self.first = self.descent.inner_momentum * self.first + gradient
            return self.first
        if self.descent.inner == "adam":
            b1, b2 = self.descent.adam_beta1, self.descent.adam_beta2
            self.first = b1 * self.first + (1 - b1) * gradient
            self.second = b2 * self.second + (1 - b2) * gradient**2
            spread = np.sqrt(self.second / (1 - b2**self.steps))
            return self.first / (1 - b1**self.steps) / (spread + self.descent.adam_eps)
        return gradient


def prox_step(network, descent, step, state, solver):
    """Returns the next state, its distance, the inner steps used, and the residual of every iterate."""
    distance = metric_of_step(descent, step, state.shape[1])
    V, residuals = state.copy(), []

    def value(V):
        return network.objective(V) + distance(network.signs(V), V, state)[0] / (2 * descent.gamma)

    for used in range(descent.inner_steps + 1):
        gradient = prox_gradient(network, descent, distance, state, V)
        residuals.append(np.linalg.norm(gradient) / np.sqrt(len(state)))
        if used == descent.inner_steps or residuals[-1] < descent.inner_tol:
            break
        before, V = V, network.retract(V - solver.beta * solver.direction(gradient))
        if descent.inner == "fixed_point" and descent.metric == "frobenius":
            V = state - descent.gamma * len(state) * network.gradient(before)
        if descent.beta_decay < 1 and value(V) >= value(before):
            solver.beta *= descent.beta_decay
    return V, distance(network.signs(V), V, state)[0], used, residuals


def time_of_step(descent, m):
    """Wasserstein time: src/flow/README.md "Time"."""
    return descent.gamma / m if descent.method == "gd" and descent.scaling == "plain" else descent.gamma


def stops(descent, before, after):
    if descent.stop_objective > 0 and after <= descent.stop_objective:
        return True
    return descent.stop_change > 0 and abs(after - before) <= descent.stop_change * abs(before)


def both_distances(network, descent, before, after):
    if descent.record_distances == "own":
        return {}
    return {"distance_frobenius": squared_distance(after, before),
            "distance_wasserstein": metrics.wasserstein(network.signs(after), after, before)[0]}


def descend(network, descent, W, test=None):
    """The whole descent from weights W, with every recorded state."""
    trace, state = Trace(), network.start(W)
    solver = Solver(descent, state)

    def record(step, distance, **inner):
        if descent.metric == "sinkhorn":
            inner["distance_debiased"] = distance
        trace.record(
            network.kept(state), step=step, time=step * time_of_step(descent, len(state)),
            objective=network.objective(state), distance=distance, grad_norm=np.linalg.norm(network.gradient(state)),
            weight_norm=np.linalg.norm(network.weights(state)), active=network.active(state),
            objective_test=np.nan if test is None else network.loss_on(state, test), **inner)

    record(0, 0.0, **both_distances(network, descent, state, state))
    for step in range(1, descent.steps + 1):
        before, inner = state, {}
        if descent.method == "gd":
            state = gd_step(network, descent, state)
            distance = squared_distance(state, before)
        else:
            solver = solver if descent.inner_memory == "run" else Solver(descent, state)
            state, distance, used, residuals = prox_step(network, descent, step, state, solver)
            of_step = descent.metric == "sliced"  # then the residual is that of the last step
            inner = {"inner_steps_used": used, "inner_residual": residuals[-2 if of_step else -1]}
            if descent.inner_tol > 0:
                near = np.min(np.abs(np.array(residuals) / descent.inner_tol - 1))
                trace.closest_stop = min(trace.closest_stop, near)
        trace.steps_done = step
        last = step == descent.steps or stops(descent, network.objective(before), network.objective(state))
        if last or step % descent.record_every == 0:
            record(step, distance, **both_distances(network, descent, before, state), **inner)
        if last:
            break
    return trace
