#!/usr/bin/python3
"""`method: pde` (src/flow/README.md "The PDE on a grid") against the same scheme in numpy, and against particles, the
scheme of Jordan, Kinderlehrer and Otto and closed forms, which share no line with it: check_pde.py WGF_BINARY [WORDS]
"""

import itertools
import math
import subprocess

import h5py
import numpy as np
from check_flow import run, states
from checks import Failure, run_checks
from flow_inputs import write_hdf5
from jko_reference import Measure
from scipy.special import ndtri

COURANT, DAMPING = 0.8, 0.5
CURVATURE = {"mse": 1, "sse": 1, "huber": 1, "logistic": 0.125}
DELTA = 0.3  # of huber


def sinus(n):
    x = np.linspace(-0.5, 0.5, n)
    return np.column_stack([x, np.ones(n)]), np.sin(10 * x - np.pi / 2) + 0.2 * x - 0.5


def loss_of(loss, f, y):
    """F / kappa, and the halves of its derivatives."""
    e = f - y
    if loss == "huber":
        return np.where(np.abs(e) <= DELTA, e**2, DELTA * (2 * np.abs(e) - DELTA)).sum(), np.clip(e, -DELTA, DELTA)
    if loss == "logistic":
        return np.log1p(np.exp(-y * f)).sum(), -y / (2 + 2 * np.exp(y * f))
    return (e**2).sum(), e


class Grid:
    """Masses of all sheets as one array, sheets x g x ... x g, and what changes them."""

    def __init__(self, X, y, g, R, b=0.0, sheets=2, loss="mse", confine=0.0, both=False):
        self.X, self.y, self.loss, self.both = X, y, loss, both
        self.measure = Measure(((g, R),), sheets, X.shape[1] + both, b, both)
        self.signs = np.array([1.0, -1.0])[: 1 if both else sheets]
        theta = self.measure.points(0)
        self.shape = [g] * self.measure.d
        self.P = self.features(X)
        self.U = confine * (theta[:, : X.shape[1]] ** 2).sum(axis=1).reshape(self.shape)
        self.squares = (theta**2).sum(axis=1).reshape(self.shape)
        self.kappa = 1.0 if loss == "sse" else 1 / len(y)
        self.gaps = np.diff(self.measure.axis(0))
        self.stiffness = 2 * self.kappa * CURVATURE[loss] * (X**2).sum()

    def features(self, X):
        """The outputs at X of a mass of 1 at each point, but for the sheet's sign."""
        theta, d = self.measure.points(0), X.shape[1]
        return (np.maximum(0, theta[:, :d] @ X.T) * (theta[:, d:] if self.both else 1)).reshape(*self.shape, len(X))

    def start(self, scale=None):
        return self.measure.start(scale).reshape(-1, *self.shape)

    def output(self, p, P):
        return np.tensordot(np.tensordot(self.signs, p, 1), P, len(self.shape))

    def objective(self, p, X=None, y=None):
        f = self.output(p, self.P if X is None else self.features(X))
        return self.kappa * loss_of(self.loss, f, self.y if y is None else y)[0]

    def decay(self, p):
        return self.stiffness * (np.sum(p * self.squares) if self.both else p.sum())

    def change(self, p):
        """dp/dt, the largest rate at which a mass leaves its point, and the sum of p v^2."""
        J = self.P @ (2 * self.kappa * loss_of(self.loss, self.output(p, self.P), self.y)[1])
        change, most, dissipation = np.zeros_like(p), 0.0, 0.0
        for sheet, s in enumerate(self.signs):
            V, leaving = s * J + self.U, np.zeros_like(J)
            for axis in range(J.ndim):
                gaps = self.gaps.reshape([-1 if k == axis else 1 for k in range(J.ndim)])
                left, right = (tuple(slice(*ends) if k == axis else slice(None) for k in range(J.ndim))
                               for ends in ((None, -1), (1, None)))
                velocity = -np.diff(V, axis=axis) / gaps
                upwind = np.where(velocity > 0, p[sheet][left], p[sheet][right])
                change[sheet][left] -= upwind * velocity / gaps
                change[sheet][right] += upwind * velocity / gaps
                leaving[left] += np.maximum(velocity, 0) / gaps
                leaving[right] += np.maximum(-velocity, 0) / gaps
                dissipation += (upwind * velocity**2).sum()
            most = max(most, leaving.max())
        return change, most, dissipation

    def advance(self, p, time):
        """Masses after that time, the way, and how many steps it took."""
        way, steps, left = 0.0, 0, time
        while left > 0:
            change, most, dissipation = self.change(p)
            dt = left / max(1, math.ceil(left / min(COURANT / most, DAMPING / self.decay(p))))
            middle = p + dt * change
            change, most, later = self.change(middle)
            while dt * most > 1:
                dt /= 2
                middle = p + dt * self.change(p)[0]
                change, most, later = self.change(middle)
            p = (p + middle + dt * change) / 2
            way += dt * (math.sqrt(dissipation) + math.sqrt(later)) / 2
            left, steps = left - dt, steps + 1
        return p, way, steps


def hold(found, wanted, what, tolerance):
    error = np.abs(found - wanted).max() / np.abs(wanted).max()
    if not error <= tolerance:
        raise Failure(f"{what}: relative error {error:.1e}")
    return error


def the_same_scheme(binary, folder, d):
    """Record after record: masses, F, the loss on other samples, speeds and numbers of time steps."""
    random, worst, count = np.random.default_rng(d), 0.0, 0
    X, X_test = random.standard_normal((11, d)), random.standard_normal((5, d))
    for b, signs, loss, confine, layers in itertools.product(
            (0, 2.5), ("balanced", "positive"), ("mse", "huber", "logistic"), (0, 0.2), ("first", "both")):
        if d == 3 and layers == "both":
            continue
        y, y_test = (np.sign(random.standard_normal(len(part))) if loss == "logistic" else
                     random.uniform(-2, 2, len(part)) for part in (X, X_test))
        write_hdf5(folder / "data.h5", X=X, y=y)
        write_hdf5(folder / "test.h5", X=X_test, y=y_test)
        axes, scale = d + (layers == "both"), None if signs == "positive" else 0.4
        g = {1: 40, 2: 13, 3: 7}[axes]
        fixed = {"data": "file", "data_file": "data.h5", "test_file": "test.h5", "method": "pde", "grid": g,
                 "grid_radius": 1.5, "grid_grading": b, "signs": signs, "loss": loss, "confine": confine,
                 "gamma": 0.4, "steps": 3, "save": "all", "layers": layers, "init": "grid"}
        if scale is not None:
            fixed.update(init="normal", init_scale=scale)
        if loss == "huber":
            fixed["huber_delta"] = DELTA
        grid = Grid(X, y, g, 1.5, b, 2 if signs == "balanced" else 1, loss, confine, layers == "both")
        p, way, steps = grid.start(scale), 0.0, math.nan
        with run(binary, folder, fixed, {}) as file:
            trace = {name: file[name][0] for name in ("objective", "objective_test", "distance", "grad_norm", "mass",
                                                      "inner_steps_used")}
            for r, kept in enumerate(states(file, 0)):
                kept = kept.reshape(p.shape)
                errors = [hold(kept, p, f"masses of record {r}", 1e-12),
                          hold(trace["objective"][r], grid.objective(p), "F", 1e-12),
                          hold(trace["objective_test"][r], grid.objective(p, X_test, y_test) * len(y) / len(y_test),
                               "the loss on the test set", 1e-12),
                          hold(trace["grad_norm"][r], math.sqrt(grid.change(p)[2]), "speed", 1e-11)]
                if r > 0:
                    errors.append(hold(trace["distance"][r], way**2, "distance", 1e-11))
                    if int(trace["inner_steps_used"][r]) != steps:
                        raise Failure(f"{trace['inner_steps_used'][r]} time steps, not {steps}")
                sheets = kept.reshape(len(kept), -1)
                if kept.min() < 0 or np.abs(sheets.sum(axis=1) - 1 / len(kept)).max() > 1e-14:
                    raise Failure(f"sheets of {sheets.sum(axis=1)}, least mass {kept.min()}")
                worst, count = max(worst, *errors), count + 1
                p, way, steps = grid.advance(p, 0.4)
    return f"{count} records, relative error {worst:.1e}"


def quantiles(side, d, scale):
    """Neurons of a normal law: side^d of equal weight, the quantiles of each axis, for both signs."""
    t = scale * ndtri((np.arange(side) + 0.5) / side)
    W = np.array(list(itertools.product(t, repeat=d)))
    return np.tile(W, (2, 1)), np.repeat([1.0, -1.0], len(W))


def particles(binary, folder, fixed, d, side, scale, time, step):
    """F at times 1, 2, ... of as many neurons, by gd, of fixed signs or of both layers."""
    W, alpha = quantiles(side, d, scale)
    write_hdf5(folder / "neurons.h5", W=W, alpha=alpha)
    own = {"method": "gd", "output": "mean", "scaling": "mean_field", "init": "file", "init_file": "neurons.h5",
           "gamma": step, "steps": round(time / step), "record_every": round(1 / step)}
    with run(binary, folder, {**fixed, **own}, {}) as file:
        return file["objective"][0]


def order_against_particles(binary, folder):
    """The example of 9 samples of the sinus: 20 000 neurons. The error falls with the spacing."""
    fixed = {"data": "sinus", "n": 9}
    F = particles(binary, folder, fixed, 2, 100, 0.5, 4, 1 / 256)
    errors = []
    for g in (41, 81, 161):
        own = {"method": "pde", "grid": g, "grid_radius": 3, "init_scale": 0.5, "gamma": 1, "steps": 4}
        with run(binary, folder, {**fixed, **own}, {}) as file:
            errors.append(np.abs(file["objective"][0] - F)[1:].max())
    if not (errors[0] < 1.7e-3 and errors[1] < 0.65 * errors[0] and errors[2] < 0.65 * errors[1]):
        raise Failure(f"errors {errors}")
    return "F differs by at most " + ", ".join(f"{error:.2e}" for error in errors)


def other_dimensions_against_particles(binary, folder):
    """d = 1 and 3, what confines, graded grids, a loss that is not squared, both layers."""
    found = []
    for d, side, grids, more in (
            (1, 4000, (51, 201), {}), (1, 4000, (51, 201), {"loss": "huber", "huber_delta": DELTA}),
            (1, 4000, (51, 101), {"layers": "both"}), (3, 22, (11, 21), {})):
        random = np.random.default_rng(d)
        X, y = random.standard_normal((8, d)), random.uniform(-1, 1, 8)
        write_hdf5(folder / "data.h5", X=X, y=y)
        fixed = {"data": "file", "data_file": "data.h5", "confine": 0.1, **more}
        F = particles(binary, folder, fixed, d, side, 0.5, 2, 1 / 128)
        for b in (0, 2):
            errors = []
            for g in grids:
                own = {"method": "pde", "grid": g, "grid_radius": 3, "grid_grading": b, "init_scale": 0.5, "gamma": 1,
                       "steps": 2}
                with run(binary, folder, {**fixed, **own}, {}) as file:
                    errors.append(np.abs(file["objective"][0] - F)[1:].max())
            if not errors[1] < 0.65 * errors[0] < 0.02:
                raise Failure(f"d = {d}, {more}, grading {b}: errors {errors}")
            found.append(f"{errors[1]:.1e}")
    return "F differs by at most " + ", ".join(found)


def limit_of_jko(binary, folder):
    """What jko tends to as its temperature epsilon / (4 gamma) and gamma fall."""
    random = np.random.default_rng(1)
    write_hdf5(folder / "data.h5", X=random.standard_normal((8, 1)), y=random.uniform(-1, 1, 8))
    fixed = {"data": "file", "data_file": "data.h5", "grid": 601, "grid_radius": 3, "init_scale": 0.5}
    with run(binary, folder, {**fixed, "method": "pde", "gamma": 1, "steps": 2}, {}) as file:
        F = file["objective"][0, -1]
    errors = []
    for gamma, temperature in ((0.2, 0.02), (0.1, 0.005), (0.05, 0.00125)):
        own = {"method": "jko", "gamma": gamma, "steps": round(2 / gamma), "epsilon": 4 * gamma * temperature}
        with run(binary, folder, {**fixed, **own}, {}) as file:
            errors.append(abs(file["objective"][0, -1] - F))
    if not errors[2] < errors[1] < errors[0]:
        raise Failure(f"errors {errors}")
    return ", ".join(f"{error:.1e}" for error in errors)


def contraction(binary, folder):
    """With one sample of 0 the network has no gradient, and what confines makes all axes shrink as exp(-2 c t)."""
    write_hdf5(folder / "data.h5", X=np.zeros((1, 2)), y=np.zeros(1))
    errors = []
    for g in (51, 101, 201):
        fixed = {"data": "file", "data_file": "data.h5", "method": "pde", "grid": g, "grid_radius": 3, "confine": 0.5,
                 "init_scale": 0.7, "gamma": 0.5, "steps": 2, "save": "last"}
        with run(binary, folder, fixed, {}) as file:
            p = states(file, 0)[-1].reshape(2, g, g).sum(axis=0)
        t = np.linspace(-3, 3, g)
        errors.append(abs(p.sum(axis=1) @ t**2 / (0.7 * math.exp(-1)) ** 2 - 1))
    if not (errors[2] < 0.6 * errors[1] < 0.36 * errors[0] and errors[2] < 0.15):
        raise Failure(f"relative errors of the variance {errors}")
    return "variances off by " + ", ".join(f"{error:.1e}" for error in errors)


def objective_falls_as_it_says(binary, folder):
    """d(F + <U, p>)/dt = -grad_norm^2, and `distance` is the squared length of the way."""
    for confine in (0, 0.3):
        fixed = {"data": "sinus", "n": 20, "method": "pde", "grid": 41, "grid_radius": 2, "init_scale": 0.5,
                 "gamma": 1e-3, "steps": 20, "save": "all", "confine": confine}
        with run(binary, folder, fixed, {}) as file:
            F, speed, way = file["objective"][0], file["grad_norm"][0], np.sqrt(file["distance"][0])
            grid = Grid(*sinus(20), 41, 2, confine=confine)
            F = F + states(file, 0).reshape(len(F), 2, -1).sum(axis=1) @ grid.U.ravel()
        fall, middle = -np.diff(F) / 1e-3, (speed[1:] + speed[:-1]) / 2
        worst = max(np.abs(fall / middle**2 - 1).max(), np.abs(way[1:] / (1e-3 * middle) - 1).max())
        if worst > 1e-5:
            raise Failure(f"off by {worst:.1e}")
    return f"to {worst:.1e}"


def long_steps_of_stiff_losses(binary, folder):
    """F comes to rest at J*, however long a step is: no time step overshoots where velocities vanish."""
    fixed = {"data": "sinus", "n": 2, "method": "pde", "grid": 33, "grid_radius": 8, "init_scale": 0.7, "gamma": 200,
             "steps": 10, "loss": "sse"}
    with run(binary, folder, fixed, {}) as file:
        F, best = file["objective"][0], file["objective_optimal"][0]
    if not (F[-1] - best < 1e-12 * F[0] and np.diff(F).max() <= 1e-12 * F[0] and abs(best) < 1e-10):
        raise Failure(f"F {F}, J* {best}")
    return f"F - J* is {F[-1] - best:.1e}"


def mass_at_the_edge_is_told(binary, folder):
    fixed = {"data": "sinus", "n": 9, "method": "pde", "grid": 21, "init_scale": 0.3, "gamma": 2, "steps": 2}
    said = {}
    for radius in (1, 8):
        with run(binary, folder, {**fixed, "grid_radius": radius}, {}) as file:
            said[radius] = bytes(file["message"][0]).decode().strip("\0 ") if file["message"].dtype.kind != "O" else \
                file["message"].asstr()[0]
    if not ("of the mass stands at the edge" in said[1] and "raise grid_radius" in said[1] and said[8] == ""):
        raise Failure(f"messages {said}")
    return said[1]


def a_step_cut_short_leaves_nothing(binary, folder):
    """Its time steps are taken back: the last state is that of the last whole step."""
    text = "name: cut\nfixed: {method: pde, data: sinus, n: 40, grid: 50, init: grid, gamma: 1.0e+9, steps: 2, " \
           "save: last, time_limit: 0.3}\n"
    (folder / "cut.yaml").write_text(text)
    command = [binary, "run", "cut.yaml", "-o", "cut.h5", "--quiet"]
    code = subprocess.run(command, cwd=folder, timeout=120, check=False).returncode
    with h5py.File(folder / "cut.h5") as file:
        least, most = file["state"][()].min(), file["state"][()].max()
    if not (code == 3 and abs(5000 * least - 1) < 1e-12 and abs(5000 * most - 1) < 1e-12):
        raise Failure(f"exit code {code}, masses from {least} to {most}")
    return "masses as at the start"


def checks(do):
    do("a step cut short", a_step_cut_short_leaves_nothing)
    for d in (1, 2, 3):
        do(f"the same scheme, d {d}", the_same_scheme, d)
    do("order against particles", order_against_particles)
    do("other dimensions against particles", other_dimensions_against_particles)
    do("the limit of jko", limit_of_jko)
    do("contraction", contraction)
    do("the objective falls as it says", objective_falls_as_it_says)
    do("long steps of stiff losses", long_steps_of_stiff_losses)
    do("mass at the edge", mass_at_the_edge_is_told)


if __name__ == "__main__":
    run_checks(checks)
