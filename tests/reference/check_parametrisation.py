#!/usr/bin/python3
"""`parametrisation`, by computations of its own: check_parametrisation.py WGF_BINARY [WORDS].

Pairs against a network of twice as many neurons, step by step. Every parametrisation against its gradient flow in the
variables (d, a) = (w/|w|, alpha |w|) that all have in common (src/flow/README.md "Parametrisations"), by Runge-Kutta
steps. Descents of the reference in numpy, with every distance of prox and every kernel."""

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from check_flow import Case, check_case, curvature, files_of, kernels_of, rounded, run, states
from checks import Failure, run_checks
from flow_inputs import make_inputs, write_hdf5

PAIRS, NEURONS = {"parametrisation": "product"}, {"parametrisation": "neurons"}


def sinus(n):
    x = np.linspace(-0.5, 0.5, n)
    return np.column_stack([x, np.ones(n)]), np.sin(10 * x - np.pi / 2) + 0.2 * x - 0.5


def pairs_are_neurons_of_two_signs(binary, folder):
    """With c = 1/m for m pairs a neuron of the network has alpha = +-1/m and moves by m gamma: nothing else differs."""
    random, worst, m = np.random.default_rng(3), 0.0, 16
    for d, method in ((2, "gd"), (5, "gd"), (2, "prox"), (5, "prox")):
        W, sign = random.normal(0, 0.5, (2 * m, d)), np.repeat([1.0, -1.0], m)
        write_hdf5(folder / "pairs.h5", W=W, alpha=sign)
        write_hdf5(folder / "neurons.h5", W=W, alpha=sign / m)
        fixed = {"data": "random", "n": 20, "d": d, "init": "file", "save": "all", "steps": 30, "method": method}
        if method == "prox":
            fixed |= {"steps": 4, "inner_steps": 20, "beta": m * 0.01}
        step = {"gd": ("scaling", "mean_field", "plain"), "prox": ("gamma", 0.1, 0.1 / 2)}[method]  # gamma m
        ways = ({**PAIRS, "init_file": "pairs.h5", "output": "mean", "gamma": 0.1, step[0]: step[1]},
                {**NEURONS, "init_file": "neurons.h5", "output": "sum", "gamma": 0.1 * m, step[0]: step[2]})
        found = []
        for way in ways:
            with run(binary, folder, {**fixed, **way}, {}) as file:
                found.append((states(file, 0), file["objective"][0], int(file["width"][0])))
        (ours, F, width), (theirs, G, _) = found
        if width != m:
            raise Failure(f"width {width}, not {m}")
        worst = max(worst, np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)), np.max(np.abs(F / G - 1)))
        if np.max(np.abs(ours[-1] - ours[0])) < 0.01:
            raise Failure("nothing moves")
    if worst > 1e-15:
        raise Failure(f"relative error {worst:.1e}")
    return f"gd and prox, d = 2 and 5: {worst:.1e}"


class Flow:
    """d' and a' of particles (d, a), J(d) = (2/n) sum_j e_j (d.x_j)_+ and its gradient on the sphere, c = 1/m."""

    def __init__(self, X, y, m):
        self.X, self.y, self.m = X, y, m

    def forces(self, d, a):
        scores = d @ self.X.T
        e = np.maximum(0, scores).T @ a / self.m - self.y
        G = 2 / len(e) * ((scores > 0) * e) @ self.X
        J = np.sum(G * d, axis=1)
        return J, G - J[:, None] * d

    def rates(self, law, d, a):
        J, grad = self.forces(d, a)
        size = np.abs(a)[:, None]
        return {"sphere": lambda: (-a[:, None] * grad, -J),
                "signs": lambda: (-grad / a[:, None], -J),
                "balanced": lambda: (-np.sign(a)[:, None] * grad, -2 * np.abs(a) * J)}[law]()

    def end(self, law, d, a, time, steps=8000):
        """By the classical method of Runge and Kutta, whose steps are short where a neuron crosses a kink."""
        h = time / steps
        for _ in range(steps):
            k1 = self.rates(law, d, a)
            k2 = self.rates(law, d + h / 2 * k1[0], a + h / 2 * k1[1])
            k3 = self.rates(law, d + h / 2 * k2[0], a + h / 2 * k2[1])
            k4 = self.rates(law, d + h * k3[0], a + h * k3[1])
            d, a = (v + h / 6 * (p + 2 * q + 2 * r + s) for v, p, q, r, s in zip((d, a), k1, k2, k3, k4))
        return d, a


LAWS = {"sphere": {"parametrisation": "sphere"}, "signs": {"layers": "first"}, "balanced": {"layers": "both"}}


def common(law, state, sign):
    """(d, a) of a kept state."""
    w = state[:, :2]
    alpha = sign if law == "signs" else state[:, 2]
    size = np.linalg.norm(w, axis=1)
    return w / size[:, None], alpha * size


def each_is_the_flow_of_its_metric(binary, folder):
    """gd tends to the flow of its own metric at order 1; those of the others are far away."""
    m, time = 10, 0.5
    X, y = sinus(9)
    turn, sign = 2.4 * np.arange(m) + 0.3, np.repeat([1.0, -1.0], m // 2)
    d = np.column_stack([np.cos(turn), np.sin(turn)])
    write_hdf5(folder / "circle.h5", W=d, alpha=sign)
    ends = {law: Flow(X, y, m).end(law, d, sign, time) for law in LAWS}
    words = []
    for law, how in LAWS.items():
        errors = []
        for steps in (50, 500, 5000):
            fixed = {"data": "sinus", "n": 9, "init": "file", "init_file": "circle.h5", "output": "mean",
                     "save": "last", "scaling": "mean_field", "gamma": time / steps, "steps": steps,
                     "record_every": steps, **how}
            with run(binary, folder, fixed, {}) as file:
                found = common(law, states(file, 0)[-1], sign)
            errors.append({name: max(np.abs(found[0] - end[0]).max(), np.abs(found[1] - end[1]).max())
                           for name, end in ends.items()})
        own = [error[law] for error in errors]
        others = min(error for name, error in errors[-1].items() if name != law)
        if not (own[2] < 2e-4 and 5 < own[0] / own[1] < 20 and 5 < own[1] / own[2] < 20 and others > 0.02):
            raise Failure(f"{law}: {own}, from the nearest other flow {others:.2e}")
        words.append(f"{law} {own[1]:.1e}, {own[2]:.1e} (others {others:.2f})")
    return "; ".join(words)


def scale_passes_zero_on_the_sphere_alone(binary, folder):
    """A positive neuron that the labels want negative: a crosses 0 on the sphere, is absorbed there with a fixed sign,
    and stays above it when both layers are balanced."""
    write_hdf5(folder / "data.h5", X=np.array([[1.0, 0.0], [1.0, 0.0]]), y=np.array([-1.0, -1.0]))
    write_hdf5(folder / "one.h5", W=[[1.0, 0.0]], alpha=[1.0])
    ends = {}
    for law, how in LAWS.items():
        fixed = {"data": "file", "data_file": "data.h5", "init": "file", "init_file": "one.h5", "gamma": 0.01,
                 "steps": 1000, "save": "last", **how}
        with run(binary, folder, fixed, {}) as file:
            state = states(file, 0)[-1][0]
        ends[law] = state[0] * (1.0 if law == "signs" else state[2])
    if not (abs(ends["sphere"] + 1) < 1e-6 and -0.05 < ends["signs"] <= 0.0 and 0 < ends["balanced"] < 1e-3):
        raise Failure(f"a ends at {ends}")
    return ", ".join(f"{law} {end:.1e}" for law, end in ends.items())


def cases(folder):
    """Inputs whose first half is positive, so that they are pairs as well."""
    plane = make_inputs(folder, 1, n=20, d=2, m=24, data="h5", init="h5", test="csv")
    space = make_inputs(folder, 2, n=30, d=6, m=18, data="csv", init="h5")
    for inputs in (plane, space):
        inputs.alpha = np.sort(inputs.alpha)[::-1]
        write_hdf5(folder / inputs.paths["init_file"], W=inputs.W, alpha=inputs.alpha)
        for name in ("product", "sphere"):
            yield from cases_of(inputs, name)


def cases_of(inputs, name):
    m, steepest = len(inputs.W) // (1 + (name == "product")), curvature(inputs, "mse", "sum")
    gamma, decay = rounded(2 / (m * steepest)), rounded(0.02 * steepest)
    beta = rounded(0.3 / (steepest + 1 / (gamma * m)))
    fixed = {"parametrisation": name, "save": "all", "record_distances": "all", **files_of(inputs)}
    kernels = {"kernel": kernels_of(inputs)}
    pairs = replace(inputs, name=f"{name}, {inputs.name}")
    for output in ("sum", "mean"):
        gd = {**fixed, "method": "gd", "output": output, "steps": 20, "gamma": rounded(0.2 / steepest)}
        yield Case(f"gd {output}, {pairs.name}", pairs, gd,
                   {"scaling": ["plain", "mean_field"] if output == "mean" else ["plain"], "weight_decay": [0, decay],
                    **kernels})
    for metric in ("frobenius", "wasserstein", "sliced", "sinkhorn"):
        prox = {**fixed, "method": "prox", "metric": metric, "gamma": gamma, "beta": beta, "steps": 5,
                "inner_steps": 15, "weight_decay": decay}
        if metric == "sinkhorn":
            prox |= {"epsilon": 0.5, "sinkhorn_tol": 1e-13}
        yield Case(f"prox {metric}, {pairs.name}", pairs, prox, kernels, 1e-7)
        adam = {**prox, "inner": "adam", "beta": 0.1, "adam_eps": 1.0, "inner_memory": "run", "beta_decay": 0.9}
        yield Case(f"prox {metric} by adam, {pairs.name}", pairs, adam, kernels, 1e-7)


def checks(do):
    do("pairs are neurons of two signs", pairs_are_neurons_of_two_signs)
    do("each is the flow of its metric", each_is_the_flow_of_its_metric)
    do("a scale passes 0 on the sphere alone", scale_passes_zero_on_the_sphere_alone)
    with tempfile.TemporaryDirectory() as name:  # files have one folder for all cases
        for case in cases(Path(name)):
            do(case.name, lambda binary, _, case=case, folder=Path(name): check_case(binary, folder, case))


if __name__ == "__main__":
    run_checks(checks)
