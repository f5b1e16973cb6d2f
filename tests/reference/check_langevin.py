#!/usr/bin/python3
"""Holds `entropy` against what does not use its formulas: the optimum of the free energy against sums over plain grids
of the plane and of space, and against SciPy's erfcx with twice the nodes; the noise of gd against NumPy's Philox; both
methods against closed forms where the network is zero: check_langevin.py WGF_BINARY [WORDS]. With words, only the
checks that have them."""

import h5py
import numpy as np
from check_flow import run, states
from check_jko import KAPPA
from checks import Failure, run_checks
from flow_inputs import write_hdf5
from philox import normals
from scipy.optimize import minimize_scalar, root
from scipy.special import erfcx

MEAN_FIELD = {"method": "gd", "output": "mean", "scaling": "mean_field"}


def require(condition, sentence):
    if not condition:
        raise Failure(sentence)


def draw(folder, n, d, seed=1):
    random = np.random.default_rng(seed)
    X = np.column_stack([random.standard_normal((n, d - 1)), np.ones(n)])
    y = random.uniform(-1, 1, n)
    np.savetxt(folder / "data.csv", np.column_stack([X[:, :-1], y]), fmt="%.17g", delimiter=",")
    return X, y, {"data": "file", "data_file": "data.csv"}


class Sum:
    """exp(-(s u . features + confine |theta|^2) / entropy), summed over points with weights."""

    def __init__(self, X, points, weights, entropy, confine):
        self.features, self.weights, self.entropy = np.maximum(0, X @ points.T), weights, entropy
        self.confinement = confine * (points**2).sum(1)

    def __call__(self, u, s):
        exponent = -(s * (u @ self.features) + self.confinement) / self.entropy
        top = exponent.max()
        density = np.exp(exponent - top) * self.weights
        return np.log(density.sum()) + top, self.features @ (density / density.sum())


class Polar:
    """The same over the plane: angles by 24 nodes on parts of the arcs between kinks, radii by erfcx."""

    def __init__(self, X, entropy, confine):
        angle = np.arctan2(X[:, 1], X[:, 0])
        ends = np.unique(np.mod(np.concatenate([angle + np.pi / 2, angle - np.pi / 2, [0.0]]), 2 * np.pi))
        ends = np.append(ends, ends[0] + 2 * np.pi)
        longest = 0.02 if entropy > 1e-3 else 0.002 # cold, masses gather in few directions
        parts = np.concatenate([np.linspace(a, b, 2 + int((b - a) / longest))[:-1] for a, b in zip(ends, ends[1:])])
        parts = np.append(parts, ends[-1])
        node, weight = np.polynomial.legendre.leggauss(24)
        half, middle = np.diff(parts)[:, None] / 2, (parts[1:] + parts[:-1])[:, None] / 2
        angles = (middle + half * node).ravel()
        self.weights = (half * weight).ravel()
        self.features = np.maximum(0, X @ np.stack([np.cos(angles), np.sin(angles)]))
        self.entropy, self.b = entropy, confine / entropy

    def __call__(self, u, s):
        z = s * (u @ self.features) / (2 * self.entropy * np.sqrt(self.b))
        squared = z**2
        scale = np.where(z < 0, np.exp(-squared), 1.0) # of what follows where z < 0, with exp(z^2) taken out
        J0 = np.sqrt(np.pi) / 2 * np.where(z < 0, 2 - erfcx(np.abs(z)) * np.exp(-squared), erfcx(np.abs(z)))
        J1 = scale / 2 - z * J0
        J2 = J0 / 2 - z * J1
        large = z > 4 # where these cancel: Gauss-Laguerre
        node, weight = np.polynomial.laguerre.laggauss(60)
        t = node / (2 * z[large][:, None])
        J1[large] = (np.exp(-(t**2)) * t * weight).sum(1) / (2 * z[large])
        J2[large] = (np.exp(-(t**2)) * t**2 * weight).sum(1) / (2 * z[large])
        top = np.where(z < 0, squared, 0.0)
        density = self.weights * np.exp(top - top.max())
        mass = (density * J1).sum()
        return np.log(mass / self.b) + top.max(), self.features @ (density * J2) / mass / np.sqrt(self.b)


class Dual:
    def __init__(self, integral, y, kappa, masses):
        self.integral, self.y, self.kappa, self.masses = integral, y, kappa, masses

    def value(self, u):
        value = -(u @ u) / (4 * self.kappa) - u @ self.y
        for s, mass in self.masses.items():
            value -= self.integral.entropy * mass * (self.integral(u, s)[0] - np.log(mass))
        return value

    def equations(self, u):
        f = sum(s * mass * self.integral(u, s)[1] for s, mass in self.masses.items())
        return self.y + u / (2 * self.kappa) - f

    def optimum(self):
        """F and the free energy where SciPy's solver of equations stands."""
        found = root(self.equations, -2 * self.kappa * self.y / 4, method="hybr", options={"xtol": 1e-14})
        require(np.linalg.norm(found.fun) < 1e-9, f"SciPy stands at {np.linalg.norm(found.fun):.1e}")
        return found.x @ found.x / (4 * self.kappa), self.value(found.x)


def masses_of(fixed):
    m = fixed["width"]
    positive = m if fixed.get("signs") == "positive" else (m + 1) // 2
    return {s: mass for s, mass in ((1, positive / m), (-1, (m - positive) / m)) if mass > 0}


def check_optimum(binary, folder, integral_of, n, d, fixed, tolerance):
    """objective_optimum and free_energy_optimum; every state's bound is below that, and what the dual says."""
    X, y, files = draw(folder, n, d)
    fixed = {**MEAN_FIELD, **files, "steps": 3, "gamma": 0.3, "width": 50, "init_scale": 1, "save": "all", **fixed}
    kappa = KAPPA[fixed.get("loss", "mse")](n)
    dual = Dual(integral_of(X, fixed["entropy"], fixed["confine"]), y, kappa, masses_of(fixed))
    F, free_energy = dual.optimum()
    worst = 0.0
    with run(binary, folder, fixed, {}) as file:
        scale = max(kappa * (y @ y), 1e-300)
        for name, expected in (("objective_optimum", F), ("free_energy_optimum", free_energy)):
            error = abs(file[name][0] - expected) / scale
            worst = max(worst, error)
            require(error < tolerance, f"{name} is {file[name][0]!r}, not {expected!r}")
        alpha = np.where(np.arange(fixed["width"]) < round(fixed["width"] * masses_of(fixed)[1]), 1.0, -1.0)
        for record, W in enumerate(states(file, 0)):
            bound = file["free_energy_bound"][0, record]
            if d > 2:
                require(np.isnan(bound), f"a bound {bound!r} with d = {d}")
                continue
            expected = dual.value(2 * kappa * (np.maximum(0, X @ W.T) @ alpha / len(W) - y))
            require(abs(bound - expected) < tolerance * max(1, abs(expected)), f"bound {bound!r}, not {expected!r}")
            require(bound <= free_energy + tolerance * scale, f"bound {bound!r} above {free_energy!r}")
    return f"error {worst:.1e} of F = {F:.6f}, free energy {free_energy:.6f}"


def plain_grid(points, radius, d):
    t = np.linspace(-radius, radius, points)
    places = np.stack(np.meshgrid(*[t] * d, indexing="ij"), -1).reshape(-1, d)
    return lambda X, entropy, confine: Sum(X, places, np.full(len(places), (t[1] - t[0]) ** d), entropy, confine)


def check_noise(binary, folder, d, anneal):
    """States of gd step by step, the numbers of the streams drawn by NumPy; F and confinement pull."""
    X, y, files = draw(folder, 6, d)
    m, gamma, entropy, confine, seed, steps = 7, 0.2, 0.3, 0.05, 11, 5
    fixed = {**MEAN_FIELD, **files, "width": m, "gamma": gamma, "entropy": entropy, "confine": confine, "seed": seed,
             "steps": steps, "save": "all", "anneal": anneal, "init_scale": 1}
    alpha = np.where(np.arange(m) < 4, 1.0, -1.0)
    with run(binary, folder, fixed, {}) as file:
        kept = states(file, 0)
        W = kept[0]
        for step in range(1, steps + 1):
            error = np.maximum(0, X @ W.T) @ alpha / m - y
            gradient = 2 / 6 * ((X @ W.T > 0).T * alpha[:, None] * error) @ X + 2 * confine * W
            temperature = entropy if anneal == "constant" else entropy / np.log(np.e + (step - 1) * gamma)
            noise = np.array([normals(seed, 12 if i < 4 else 13, i if i < 4 else i - 4, step, d) for i in range(m)])
            W = W - gamma * gradient + np.sqrt(2 * gamma * temperature) * noise
            moved = np.abs(kept[step] - W).max()
            require(moved < 1e-12, f"step {step}: a weight is {moved:.1e} off")
            distance = ((kept[step] - kept[step - 1]) ** 2).sum() / m
            require(abs(file["distance"][0, step] / distance - 1) < 1e-12, f"step {step}: distance")
    return f"{steps} steps"


def check_widths(binary, folder):
    """Where the network is zero, a neuron's path is the same at every width."""
    np.savetxt(folder / "data.csv", np.zeros((3, 2)), delimiter=",")
    zero = folder / "zero.csv"
    zero.write_text("0,0,0\n0,0,0\n")
    fixed = {**MEAN_FIELD, "data": "file", "data_file": "zero.csv", "inputs": "0, 1", "gamma": 0.1, "entropy": 0.2,
             "confine": 0.1, "steps": 4, "save": "last", "init_scale": 1}
    with run(binary, folder, fixed, {"width": [8, 64]}) as file:
        small, large = states(file, 0)[-1], states(file, 1)[-1]
    d = small.shape[1] - 1
    small, large = small[:, :d], large[:, :d] # the bias sees the samples
    require((small[:4] == large[:4]).all() and (small[4:] == large[32:36]).all(), "paths depend on the width")
    return "the same bits"


def check_diffusion(binary, folder):
    """gd without a network: v' = (1 - 2 gamma confine)^2 v + 2 gamma entropy, within five deviations."""
    (folder / "zero.csv").write_text("0,0\n")
    gamma, entropy, confine, m, steps, scale = 0.2, 0.3, 0.5, 20000, 12, 2.0
    fixed = {**MEAN_FIELD, "data": "file", "data_file": "zero.csv", "width": m, "gamma": gamma, "entropy": entropy,
             "confine": confine, "steps": steps, "save": "last", "init_scale": scale, "signs": "balanced",
             "loss": "sse"}
    with run(binary, folder, fixed, {}) as file:
        W = states(file, 0)[-1][:, 0] # the input that is 0
    v = scale**2
    for _ in range(steps):
        v = (1 - 2 * gamma * confine) ** 2 * v + 2 * gamma * entropy
    deviation = abs(np.mean(W**2) / v - 1) / np.sqrt(2 / m)
    require(deviation < 5, f"variance {np.mean(W**2):.4f}, not {v:.4f}: {deviation:.1f} deviations")
    return f"variance {np.mean(W**2):.4f}, expected {v:.4f}: {deviation:.1f} deviations"


def proximal(v, gamma, entropy, confine):
    """Variance after the exact Wasserstein step of a Gaussian, argmin of (sqrt(w) - sqrt(v))^2 / (2 gamma) + confine w
    - entropy log(w) / 2, in closed form; SciPy minimises the same."""
    M, h = 1 + 2 * gamma * confine, 2 * gamma * entropy
    C = v / M
    w = (h + C + np.sqrt((h + C) ** 2 - h**2)) / 2 / M
    for one, other in zip(np.atleast_1d(v), np.atleast_1d(w)):
        def objective(x):
            return (x - np.sqrt(one)) ** 2 / (2 * gamma) + confine * x**2 - entropy * np.log(x)

        found = minimize_scalar(objective, bounds=(1e-3, 10), method="bounded", options={"xatol": 1e-10}).x ** 2
        require(abs(found / other - 1) < 1e-6, f"the exact step leads to {found}, not {other}")
    return w


def check_gaussians(binary, folder, d):
    """gd without a network from an uneven Gaussian: as near to its own rule as independent draws are, and to the exact
    Wasserstein steps up to the difference of both rules, which halves with gamma."""
    random = np.random.default_rng(d)
    m, entropy, confine, time = 20000, 0.7, 0.4, 0.8
    start = random.uniform(0.5, 2, d)
    write_hdf5(folder / "zero.h5", X=np.zeros((1, d)), y=np.zeros(1))
    write_hdf5(folder / "neurons.h5", W=random.standard_normal((m, d)) * np.sqrt(start),
               alpha=np.where(np.arange(m) < m / 2, 1.0, -1.0))
    fixed = {**MEAN_FIELD, "data": "file", "data_file": "zero.h5", "init": "file", "init_file": "neurons.h5",
             "entropy": entropy, "confine": confine, "save": "last"}
    apart = []
    for gamma in (0.1, 0.05):
        rule, exact = start, start
        for _ in range(round(time / gamma)):
            rule = (1 - 2 * gamma * confine) ** 2 * rule + 2 * gamma * entropy
            exact = proximal(exact, gamma, entropy, confine)
        apart.append(np.abs(rule / exact - 1).max())
        with run(binary, folder, {**fixed, "gamma": gamma, "steps": round(time / gamma)}, {}) as file:
            W = states(file, 0)[-1] / np.sqrt(rule)
        S = W.T @ W / m
        divergence = 0.5 * (np.trace(S) + np.trace(np.linalg.inv(S))) - d
        sampling = d * (d + 1) / 2 / m
        require(0.2 * sampling < divergence < 3 * sampling, f"divergence {divergence:.1e}, of sampling {sampling:.1e}")
    require(1.6 < apart[0] / apart[1] < 2.4, f"both rules are {apart} apart")
    return f"symmetric divergence {divergence:.1e}, of sampling alone {sampling:.1e}; rules {apart[1]:.1e} apart"


def check_closed_form(binary, folder, anneal):
    """jko without a network: v' = v / k^2 + epsilon / (2 k), k = 1 + 2 gamma confine, on each axis."""
    (folder / "zero.csv").write_text("0,0\n")
    gamma, entropy, confine, steps, g, radius = 0.5, 0.4, 0.3, 5, 80, 9.0
    fixed = {"method": "jko", "data": "file", "data_file": "zero.csv", "gamma": gamma, "entropy": entropy,
             "confine": confine, "steps": steps, "grid": g, "grid_radius": radius, "init_scale": 1.2, "save": "all",
             "anneal": anneal, "newton_tol": 1e-12}
    t = np.linspace(-radius, radius, g)
    worst = 0.0
    with run(binary, folder, fixed, {}) as file:
        kept = states(file, 0)[:, :, 0].reshape(-1, 2, g, g).sum(1)
        variances = [float((p.sum(1) * t**2).sum()) for p in kept] # along the input that is 0
        for step in range(1, steps + 1):
            temperature = entropy if anneal == "constant" else entropy / np.log(np.e + (step - 1) * gamma)
            k = 1 + 2 * gamma * confine
            expected = variances[step - 1] / k**2 + 4 * gamma * temperature / (2 * k)
            worst = max(worst, abs(variances[step] / expected - 1))
        require(worst < 1e-8, f"a variance is {worst:.1e} off")
        constant = anneal == "constant"
        require(abs(file["temperature"][0] / temperature - 1) < 1e-14, f"temperature {file['temperature'][0]!r}")
        require(np.isfinite(file["objective_limit"][0]) == constant, f"limit {file['objective_limit'][0]!r}")
        require(np.isfinite(file["free_energy_optimum"][0]) == constant, "an optimum of a temperature that changes")
    return f"relative error {worst:.1e} in {steps} steps"


def check_free_energy(binary, folder):
    """free_energy of jko from its kept masses; it falls, and is never below the bounds."""
    X, y, files = draw(folder, 8, 2)
    g, radius, entropy, confine = 40, 6.0, 0.05, 0.02
    fixed = {"method": "jko", **files, "gamma": 0.5, "entropy": entropy, "confine": confine, "grid": g,
             "grid_radius": radius, "steps": 30, "save": "all", "init_scale": 1}
    t = np.linspace(-radius, radius, g)
    places = np.array([(a, b) for a in t for b in t])
    worst = 0.0
    with run(binary, folder, fixed, {}) as file:
        for record, p in enumerate(states(file, 0)[:, :, 0]):
            sheets = p.reshape(2, -1)
            f = np.maximum(0, X @ places.T) @ (sheets[0] - sheets[1])
            density = np.where(p > 0, p, 1) / (t[1] - t[0]) ** 2
            expected = (np.mean((f - y) ** 2) + confine * (sheets.sum(0) @ (places**2).sum(1)) +
                        entropy * np.sum(np.where(p > 0, p * np.log(density), 0)))
            worst = max(worst, abs(file["free_energy"][0, record] - expected) / abs(expected))
        require(worst < 1e-12, f"free_energy is {worst:.1e} off")
        trace = file["free_energy"][0]
        require((np.diff(trace) < 1e-12).all(), "free_energy rises")
        require((file["free_energy_bound"][0] <= trace + 1e-6).all(), "a bound is above the free energy")
        gap = trace[-1] - file["free_energy_optimum"][0]
    return f"relative error {worst:.1e}; {gap:.1e} above the optimum after 30 steps"


def check_limits(binary, folder):
    """objective_limit of jko tends to objective_optimum in proportion to gamma, as its temperature is the entropy."""
    fixed = {"method": "jko", "data": "sinus", "n": 20, "entropy": 0.01, "confine": 0.01, "grid": 192,
             "grid_radius": 6, "steps": 0}
    with run(binary, folder, fixed, {"gamma": [0.4, 0.2, 0.1]}) as file:
        limits, F = file["objective_limit"][:], file["objective_optimum"][0]
    falls = -np.diff(limits) # without the error of the grid, which is the same in all
    require(1.8 < falls[0] / falls[1] < 2.2, f"limits {limits}")
    require(abs(limits[2] - falls[1] - F) < 1e-4, f"limits {limits} tend to {limits[2] - falls[1]}, not {F}")
    return f"{limits - F} above the optimum at gamma .4, .2, .1"


def check_values(binary, folder):
    """What another program found: sinus, n = 20."""
    fixed = {**MEAN_FIELD, "data": "sinus", "n": 20, "steps": 0, "entropy": 0.01, "confine": 0.01, "width": 10}
    with run(binary, folder, fixed, {}) as file:
        F, free_energy = file["objective_optimum"][0], file["free_energy_optimum"][0]
    require(abs(F - 0.38468965670) < 1e-9 and abs(free_energy - 0.39399259264) < 1e-9, f"{F!r}, {free_energy!r}")
    return f"F {F:.11f}, free energy {free_energy:.11f}"


def check_hot(binary, folder):
    """F of the optimum tends to a limit as the temperature grows; NaN once rounding takes all digits of f."""
    fixed = {**MEAN_FIELD, "data": "sinus", "n": 12, "steps": 0, "confine": 0.01, "width": 10}
    temperatures = [1e4, 1e8, 1e10, 1e14, 1e24, 1e34, 1e36, 1e150]
    with run(binary, folder, fixed, {"entropy": temperatures}) as file:
        found = file["objective_optimum"][()]
    require(np.abs(found[:3] / found[0] - 1).max() < 1e-6, f"{found}")
    require(np.all(np.isnan(found[3:]) | (np.abs(found[3:] / found[0] - 1) < 1e-4)), f"{found}")
    return f"F {found}"


def check_huge(binary, folder):
    """Labels so large that exponents have no digits left: no optimum, and the search for it ends."""
    X = np.random.default_rng(1).normal(size=(5, 2))
    with h5py.File(folder / "huge.h5", "w") as file:
        file["X"], file["y"] = X, 1e150 * X[:, 0]
    fixed = {**MEAN_FIELD, "data": "file", "data_file": "huge.h5", "steps": 3, "width": 20, "confine": 0.01,
             "entropy": 0.01}
    with run(binary, folder, fixed, {}) as file:
        require(np.isnan(file["objective_optimum"][0]), f"{file['objective_optimum'][0]!r}")
    return "no optimum"


def check_dead(binary, folder):
    """Noise moves neurons that no sample activates, so no message says that nothing moves."""
    fixed = {**MEAN_FIELD, "data": "sinus", "n": 12, "steps": 0, "width": 1, "init_scale": 0, "confine": 0.01}
    for entropy, dead in ((0, True), (0.01, False)):
        with run(binary, folder, {**fixed, "entropy": entropy}, {}) as file:
            message = bytes(file["message"][0]).rstrip(b"\0").decode()
        require(("moves nothing" in message) == dead, f"entropy {entropy}: {message!r}")
    return "a neuron at the origin"


OPTIMA = [
    (8, {"entropy": 0.1, "confine": 0.05}),
    (8, {"entropy": 0.01, "confine": 0.01}),
    (20, {"entropy": 1e-3, "confine": 1e-3}),
    (20, {"entropy": 1e-3, "confine": 0.1, "loss": "sse"}),
    (5, {"entropy": 0.02, "confine": 0.02, "loss": "half_mse", "width": 33}),
    (1, {"entropy": 0.5, "confine": 1.0}),
    (8, {"entropy": 0.05, "confine": 0.02, "signs": "positive"}),
]


def checks(do):
    for n, fixed in OPTIMA:
        do(f"optimum, erfcx and 24 nodes: n {n}, {fixed}", check_optimum, Polar, n, 2, fixed, 1e-9)
    for n, fixed, radius in ((8, {"entropy": 0.1, "confine": 0.05}, 10), (5, {"entropy": 0.5, "confine": 0.1}, 14)):
        do(f"optimum, a plain grid of 401 x 401: n {n}, {fixed}", check_optimum, plain_grid(401, radius, 2), n, 2,
           fixed, 1e-4)
    do("optimum, d = 3, a plain grid of 81 ^ 3", check_optimum, plain_grid(81, 7, 3), 4, 3,
       {"entropy": 0.2, "confine": 0.1}, 2e-4)
    do("optimum, values", check_values)
    do("optimum, hot", check_hot)
    do("optimum, huge labels", check_huge)
    do("neurons that no sample activates", check_dead)
    for d in (2, 3, 7):
        for anneal in ("constant", "log"):
            do(f"noise: d {d}, anneal: {anneal}", check_noise, d, anneal)
    do("the same path at every width", check_widths)
    do("closed form of gd", check_diffusion)
    for d in (2, 5, 13):
        do(f"Gaussians, d {d}", check_gaussians, d)
    for anneal in ("constant", "log"):
        do(f"closed form of jko, anneal: {anneal}", check_closed_form, anneal)
    do("free_energy of jko", check_free_energy)
    do("limits of jko and the optimum", check_limits)


if __name__ == "__main__":
    run_checks(checks)
