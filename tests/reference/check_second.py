#!/usr/bin/python3
"""`layers: second`, against linear algebra: check_second.py WGF_BINARY [WORDS].

With w fixed the outputs are A alpha, A the features c max(0, w.x), so F is kappa |A alpha - y|^2 + lambda |alpha|^2 and
a constant. Every step of gd is a matrix times alpha, and its end and every proximal step solve linear equations."""

import itertools

import numpy as np
from check_flow import relative_error, rounded, run, states
from checks import Failure, run_checks
from flow_inputs import make_inputs, write_hdf5

SECOND = {"layers": "second", "save": "all"}
EXACT = 1e-12


class Features:
    """F as a function of alpha alone."""

    def __init__(self, inputs, loss="mse", output="sum", decay=0.0):
        n, m = len(inputs.samples.y), len(inputs.W)
        self.A = np.maximum(0, inputs.samples.X @ inputs.W.T) / (m if output == "mean" else 1)
        self.y, self.W, self.start, self.decay = inputs.samples.y, inputs.W, inputs.alpha, decay
        self.kappa = {"mse": 1 / n, "half_mse": 1 / (2 * n), "sse": 1.0}[loss]
        self.hessian = 2 * self.kappa * self.A.T @ self.A + 2 * decay * np.eye(m)
        self.right = 2 * self.kappa * self.A.T @ self.y

    def objective(self, alpha):
        sizes = np.sum(self.W**2) + np.sum(alpha**2)
        return self.kappa * np.sum((self.A @ alpha - self.y) ** 2) + self.decay * sizes

    def gradient(self, alpha):
        return self.hessian @ alpha - self.right

    def proximal(self, alpha, gamma):
        """The least of F + |v - alpha|^2 / (2 gamma m)."""
        share = 1 / (gamma * len(alpha))
        return np.linalg.solve(self.hessian + share * np.eye(len(alpha)), self.right + share * alpha)


def inputs_of(folder, d, n=20, m=9):
    return make_inputs(folder, 10 * d + n, n=n, d=d, m=m, data="h5", init="h5")


def files_of(inputs):
    return {"data": "file", "init": "file", **inputs.paths, **SECOND}


def parts(file, row, inputs):
    """alpha of all records; w has the bits that it began with."""
    kept = states(file, row)
    if not np.array_equal(kept[:, :, :-1], np.broadcast_to(inputs.W, kept[:, :, :-1].shape)):
        raise Failure("w moves")
    return kept[:, :, -1]


def close(what, actual, wanted, tolerance):
    """Relative to the largest entry."""
    wanted = np.asarray(wanted)
    error = np.max(np.abs(actual - wanted)) / np.max(np.abs(wanted))
    if not error <= tolerance:
        raise Failure(f"{what}: relative error {error:.1e}")
    return error


def trajectories(binary, folder):
    """Every record of gd."""
    worst, count = 0.0, 0
    ways = itertools.product((2, 3, 7), ("mse", "half_mse", "sse"), (("sum", "plain"), ("mean", "mean_field")))
    for d, loss, (output, scaling) in ways:
        inputs = inputs_of(folder, d)
        steepest = np.linalg.eigvalsh(Features(inputs, loss, output).hessian)[-1]
        m = len(inputs.W)
        gamma = rounded(0.5 / steepest / (m if scaling == "mean_field" else 1))
        decays = [0, rounded(0.1 * steepest)]
        fixed = {**files_of(inputs), "loss": loss, "output": output, "scaling": scaling, "gamma": gamma, "steps": 30}
        with run(binary, folder, fixed, {"weight_decay": decays}) as file:
            for row, decay in enumerate(decays):
                F, alphas = Features(inputs, loss, output, decay), [inputs.alpha]
                step = gamma * (m if scaling == "mean_field" else 1)
                for _ in range(30):
                    alphas.append(alphas[-1] - step * F.gradient(alphas[-1]))
                moved = [0.0, *(np.sum((b - a) ** 2) / m for a, b in zip(alphas, alphas[1:]))]
                for name, wanted in (("objective", [F.objective(alpha) for alpha in alphas]), ("distance", moved),
                                     ("grad_norm", [np.linalg.norm(F.gradient(alpha)) for alpha in alphas]),
                                     ("weight_norm", [np.linalg.norm(alpha) for alpha in alphas])):
                    error = relative_error(file[name][row], wanted)
                    if error > (1e-11 if name == "distance" else EXACT):
                        raise Failure(f"{name}, d {d}, {loss}, {output}, {scaling}, decay {decay}: {error:.1e}")
                worst = max(worst, close("alpha", parts(file, row, inputs), alphas, EXACT))
                if not np.isnan(file["objective_optimal"][row]):
                    raise Failure("J* is that of all networks, and not of these")
                count += 1
    return f"{count} jobs, relative error {worst:.1e}"


def ends(binary, folder):
    """gd ends at the least squares, with a decay at ridge regression; where many fit, at the nearest to its start."""
    words = []
    for d, n, m, decay in ((2, 40, 3, 0.0), (3, 40, 4, 0.0), (7, 60, 6, 0.0), (3, 4, 12, 0.0), (3, 20, 9, 0.01),
                           (7, 12, 30, 0.01)):
        inputs = inputs_of(folder, d, n, m)
        F = Features(inputs, decay=decay)
        values = np.linalg.eigvalsh(F.hessian)
        steps = int(np.ceil(40 * values[-1] / values[values > 1e-9 * values[-1]][0]))
        fixed = {**files_of(inputs), "gamma": rounded(1 / values[-1]), "steps": steps, "record_every": steps,
                 "weight_decay": decay}
        if decay > 0:
            wanted = np.linalg.solve(F.A.T @ F.A + n * decay * np.eye(m), F.A.T @ F.y)
        else:
            wanted = F.start + np.linalg.lstsq(F.A, F.y - F.A @ F.start, rcond=1e-12)[0]
        with run(binary, folder, fixed, {}) as file:
            error = close(f"d {d}, n {n}, m {m}", parts(file, 0, inputs)[-1], wanted, 1e-11)
            if abs(file["objective_final"][0] - F.objective(wanted)) > EXACT * F.objective(F.start):
                raise Failure(f"F ends at {file['objective_final'][0]}, not {F.objective(wanted)}")
        words.append(f"{error:.0e}")
    return f"alpha off by {', '.join(words)}"


SOLVERS = ({"inner": "gd"}, {"inner": "accelerated"}, {"inner": "gd", "beta": "own"},
           {"inner": "momentum", "beta": "own"}, {"inner": "adam", "beta": 0.01}, {"inner": "fixed_point"})


def proximal_steps(binary, folder):
    """Each inner solver comes to the solution of a linear system, step after step. A search ends where what a step
    gains is lost in the rounding of F."""
    worst, count = {True: 0.0, False: 0.0}, 0
    for d, output, decay in ((2, "sum", 0.0), (2, "mean", 0.05), (3, "mean", 0.0), (7, "sum", 0.05)):
        inputs = inputs_of(folder, d)
        F, m = Features(inputs, output=output, decay=decay), len(inputs.W)
        steepest = np.linalg.eigvalsh(F.hessian)[-1]
        for solver in SOLVERS:
            gamma = rounded((0.4 if solver["inner"] == "fixed_point" else 5) / (m * steepest))
            searched, given = "beta" not in solver and solver["inner"] != "fixed_point", dict(solver)
            if solver.get("beta") == "own":
                given["beta"] = rounded(1 / (steepest + 1 / (gamma * m)))
            fixed = {**files_of(inputs), "method": "prox", "gamma": gamma, "output": output, "weight_decay": decay,
                     "steps": 4, "inner_steps": 20000, "inner_tol": rounded(1e-11 * steepest), **given}
            with run(binary, folder, fixed, {}) as file:
                alpha, found = F.start, parts(file, 0, inputs)
                for step in range(1, 5):
                    before, alpha = alpha, F.proximal(alpha, gamma)
                    what = f"d {d}, {output}, decay {decay}, {solver}, step {step}"
                    error = close(what, found[step], alpha, 1e-6 if searched else 1e-8)
                    worst[searched] = max(worst[searched], error)
                    close(f"D, {what}", file["distance"][0][step], np.sum((alpha - before) ** 2) / m, 1e-6)
                    if not file["inner_residual"][0][step] < (1e-7 if searched else 1.01e-11) * steepest:
                        raise Failure(f"{what}: residual {file['inner_residual'][0][step]:.1e}")
                    count += 1
    return f"{count} steps, alpha off by {worst[False]:.1e}, with a searched beta by {worst[True]:.1e}"


def distances(binary, folder):
    """While points keep their places in the best plan D is one for both metrics; beyond that Wasserstein's is less."""
    inputs = inputs_of(folder, 2, m=30)
    inputs.W *= 0.02  # neighbours are near in w, and far in alpha
    write_hdf5(folder / inputs.paths["init_file"], W=inputs.W, alpha=inputs.alpha)
    F = Features(inputs)
    short, long = (rounded(factor / (30 * np.linalg.eigvalsh(F.hessian)[-1])) for factor in (1e-3, 100))
    fixed = {**files_of(inputs), "method": "prox", "steps": 1, "inner_steps": 20000, "record_distances": "all"}
    with run(binary, folder, fixed, {"gamma": [short, long], "metric": ["frobenius", "wasserstein"]}) as file:
        ends_at = [parts(file, row, inputs)[-1] for row in range(4)]
        frobenius, wasserstein = (file[f"distance_{name}"][:, 1] for name in ("frobenius", "wasserstein"))
        if not (np.array_equal(ends_at[0], ends_at[1]) and abs(wasserstein[1] / frobenius[1] - 1) < EXACT):
            raise Failure("short steps differ")
        if not wasserstein[3] < 0.9 * frobenius[3] or file["distance"][3, 1] != wasserstein[3]:
            raise Failure(f"a long step: {frobenius[3]} and {wasserstein[3]}")
        close("the long step of Frobenius", ends_at[2], F.proximal(F.start, long), 1e-5)
    return f"a long step is {wasserstein[3] / frobenius[3]:.2f} of itself where outputs may change places"


def checks(do):
    do("trajectories of gd", trajectories)
    do("ends of gd", ends)
    do("proximal steps", proximal_steps)
    do("distances", distances)


if __name__ == "__main__":
    run_checks(checks)
