#!/usr/bin/python3
"""Holds `method: flow` against matrix exponentials, known values, and gradient descent: check_exact_flow.py WGF_BINARY

Data and neurons are drawn here and handed over as files. Each case is followed through all its events by
exact_flow_reference.py, and compared at every record."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from checks import Failure
from exact_flow_reference import ORIGIN, SLIDES, Flow

KAPPA = {"mse": lambda n: 1 / n, "half_mse": lambda n: 1 / (2 * n), "sse": lambda n: 1}
TOLERANCE = 1e-11


def require(holds, says):
    if not holds:
        raise Failure(says)


def run(fixed, sweep="", X=None, y=None, W=None, alpha=None):
    """The result file of a spec, open. Arrays become files of their own."""
    if X is not None:
        with h5py.File("data.h5", "w") as file:
            file["X"], file["y"] = X, y
        fixed += ", data: file, data_file: data.h5"
    if W is not None:
        with h5py.File("init.h5", "w") as file:
            file["W"], file["alpha"] = W, alpha
        fixed += ", init: file, init_file: init.h5"
    Path("case.yaml").write_text(f"name: x\nfixed: {{{fixed}}}\n" + (f"sweep: {{{sweep}}}\n" if sweep else ""))
    done = subprocess.run([WGF, "run", "case.yaml", "-o", "case.h5", "--quiet", "--overwrite"], capture_output=True,
                          text=True, check=False)
    require(done.returncode in (0, 3), f"wgf run: {done.stderr}")
    return h5py.File("case.h5", "r")


def spiral(m, size):
    i = np.arange(m)
    return size * np.stack([np.cos(2.4 * i + 0.3), np.sin(2.4 * i + 0.3)], axis=1), np.where(i < (m + 1) // 2, 1.0, -1)


def draw(random, n, m, size):
    """A bias column, neurons of one size, both signs."""
    X = np.stack([random.standard_normal(n), np.ones(n)], axis=1)
    return X, random.uniform(-1, 1, n), size * random.standard_normal((m, 2)), np.where(np.arange(m) % 2, -1.0, 1)


def on_kinks(X, W):
    """The same neurons, each on the kink of a sample, exactly."""
    return np.array([[-X[i % len(X), 1] * w[0], X[i % len(X), 0] * w[0]] for i, w in enumerate(W)])


def cases():
    """(name, X, y, W, alpha, parameters, gamma): plain ones, and all that is degenerate."""
    random = np.random.default_rng(7)
    mean, total = {"output": "mean"}, {"output": "sum", "loss": "half_mse"}
    for n, m, size, gamma, parameters in ((4, 6, 0.02, 2.0, mean), (5, 7, 0.02, 0.3, total), (6, 5, 0.5, 3.0, mean),
                                          (3, 4, 1e-3, 4.0, {**mean, "loss": "sse"})):
        for decay in (0, 0.003):
            yield (f"{n} samples, {m} neurons, decay {decay}", *draw(random, n, m, size),
                   {**parameters, "weight_decay": decay}, gamma)
    inputs = np.array([1.0, 2, 4])
    yield ("three_points, one neuron", np.stack([inputs, np.ones(3)], axis=1), 2 * inputs, np.array([[1.0, 0]]),
           np.ones(1), total, 1 / 6)
    X, y, W, alpha = draw(random, 4, 6, 0.05)
    yield "a long decay", X, y, W, alpha, total, 4.0
    yield "X without a bias", random.standard_normal((4, 2)), y, W, alpha, mean, 2.0
    yield "parallel samples", X[[0, 1, 1, 2, 2]] * [[1], [2], [-0.5], [1], [3]], random.uniform(-1, 1, 5), W, alpha, \
        mean, 0.5
    yield "a sample twice", X[[0, 1, 2, 2]], y, W, alpha, mean, 2.0
    yield "a zero sample", np.vstack([X, [[0, 0]]]), random.uniform(-1, 1, 5), W, alpha, mean, 2.0
    yield "zero samples alone", np.zeros((2, 2)), y[:2], W, alpha, {**mean, "weight_decay": 0.01}, 1.0
    yield "one sample", X[:1], y[:1], W, alpha, mean, 3.0
    yield "one line", X[:1] * [[1], [-2], [0.5]], y[:3], W, alpha, mean, 2.0
    yield "one line, starts on it", X[:1] * [[1], [-2], [0.5]], y[:3], on_kinks(X[:1], W), alpha, mean, 2.0
    yield "one neuron", X, y, W[:1], alpha[:1], mean, 2.0
    yield "starts on kinks", X, y, on_kinks(X, W), alpha, mean, 2.0
    yield "starts on kinks, with copies", X, y, on_kinks(X, W)[[0, 0, 1, 1, 2, 3]], alpha, mean, 2.0
    yield "starts at the origin", X, y, W * [[0], [1], [1], [0], [1], [1]], alpha, mean, 2.0
    yield "output weights of any size", X, y, W, np.array([2.0, -0.5, 0, 1.5, -1, 0.3]), mean, 2.0
    yield "right angles", np.eye(2), np.array([-1.0, -1]), np.array([[0.3, 0.3], [0.2, 0.5], [1, -1]]), np.ones(3), \
        mean, 2.0


def cases_in_space():
    """The same for d > 2: slides along several kinks, kinks that depend on each other, neurons orthogonal to all."""
    random = np.random.default_rng(3)
    mean, total = {"output": "mean"}, {"output": "sum", "loss": "half_mse"}
    for d, n, m, gamma, parameters in ((3, 5, 6, 2.0, mean), (3, 7, 4, 4.0, mean), (4, 6, 5, 3.0, mean),
                                       (4, 5, 4, 0.5, total), (5, 7, 3, 5.0, mean),
                                       (5, 6, 5, 2.0, {**mean, "loss": "sse"})):
        for decay in (0, 0.003):
            X = np.hstack([random.standard_normal((n, d - 1)), np.ones((n, 1))])
            yield (f"d = {d}, {n} samples, {m} neurons, decay {decay}", X, random.uniform(-1, 1, n),
                   0.05 * random.standard_normal((m, d)), np.where(np.arange(m) % 2, -1.0, 1),
                   {**parameters, "weight_decay": decay}, gamma)
    y, W, alpha = random.uniform(-1, 1, 6), 0.05 * random.standard_normal((5, 3)), np.where(np.arange(5) % 2, -1.0, 1)
    X = random.standard_normal((6, 3))
    yield "d = 3, X without a bias", X, y, W, alpha, mean, 3.0
    yield "d = 3, fewer samples than inputs", X[:2], y[:2], W, alpha, mean, 4.0
    yield "d = 3, one sample", X[:1], y[:1], W, alpha, mean, 4.0
    yield "d = 3, zero samples alone", 0 * X, y, W, alpha, {**mean, "weight_decay": 0.01}, 1.0
    yield "d = 3, one neuron", X, y, W[:1], alpha[:1], mean, 3.0
    yield "d = 3, clusters", X[[0, 0, 0, 1, 1, 2]] + 1e-2 * random.standard_normal((6, 3)), y, W, alpha, mean, 3.0
    yield "d = 3, parallel samples and a zero", X[[0, 1, 1, 2, 2, 3]] * [[1], [2], [-0.5], [1], [3], [0]], y, W, \
        alpha, mean, 2.0
    yield "d = 3, of rank 2", X[:, :2] @ random.standard_normal((2, 3)), y, W, alpha, mean, 4.0
    yield "d = 3, output weights of any size", X, y, W, np.array([2.0, -0.5, 0, 1.5, -1]), mean, 2.0
    yield "d = 3, starts at the origin", X, y, W * [[0], [1], [1], [0], [1]], alpha, mean, 2.0
    kinks = [np.cross(np.cross(X[i], w), X[i]) for i, w in enumerate(W)] + [np.cross(X[i], X[i + 1]) for i in range(3)]
    yield "d = 3, starts on kinks, and where two meet", X, y, np.array(kinks)[[0, 1, 2, 5, 6, 7]], \
        np.array([1.0, -1, 1, 1, -1, 1]), mean, 2.0
    # With the third, between two kinks that a neuron slides along, their line is that of three.
    X = np.array([[1, 0, 1], [0, 1, 1], [1, 1, 2], [0.3, -0.4, 1]])
    yield "d = 3, dependent kinks", X, np.array([-0.4, -0.5, -0.3, 0.6]), \
        np.array([[0.5, 0.4, 0.3], [0.3, 0.6, 0.2], [-0.2, 0.3, 0.4], [0.6, 0.7, -0.1]]), np.array([1.0, 1, 1, -1]), \
        mean, 4.0


def compare(X, y, W, alpha, parameters, gamma):
    """The largest relative distance between weights of records, and the flow at its end."""
    steps, (m, d) = 6, W.shape
    text = ", ".join(f"{key}: {value!r}" for key, value in parameters.items()).replace("'", "")
    with run(f"method: flow, flow_solver: events, save: all, gamma: {gamma}, steps: {steps}, {text}", "", X, y, W,
             alpha) as file:
        require(file["status"][0] == 2 and file["flow_drift"][0] < 1e-12, f"flow_drift {file['flow_drift'][0]}")
        states, trace = file["state"][()].reshape(steps + 1, m, d), {key: file[key][0] for key in
                                                                     ("sliding", "at_origin", "events", "objective")}
    kappa = KAPPA[parameters.get("loss", "mse")](len(y))
    flow = Flow(X, y, W, alpha, kappa, 1 if parameters["output"] == "sum" else 1 / m, parameters.get("weight_decay", 0))
    worst, size = 0.0, np.abs(W).max()
    for k in range(steps + 1):
        flow.advance(k * gamma)
        size = max(size, np.abs(flow.W).max())
        worst = max(worst, np.abs(states[k] - flow.W).max() / size)
        F = kappa * flow.residual() @ flow.residual() + flow.decay * (flow.W**2).sum()
        require(abs(trace["objective"][k] - F) <= 1e-11 * max(F, 1e-3), f"objective of record {k}")
        for name, mode in (("sliding", SLIDES), ("at_origin", ORIGIN)):
            require(trace[name][k] == flow.does.count(mode) / m,
                    f"{name} is {trace[name][k]}, not {flow.does.count(mode)} / {m}, at record {k}")
    events = trace["events"].sum()
    require(flow.together or events == sum(flow.counts.values()), f"{events} events, not {flow.counts}")
    return worst, flow


def follow(cases):
    total, worst, count, most = {}, 0.0, 0, 0
    for name, *case in cases:
        try:
            error, flow = compare(*case)
            require(error < TOLERANCE, f"weights differ by {error:.2g}")
        except (Failure, AssertionError) as failure:
            raise Failure(f"{name}: {failure}") from failure
        worst, count, most = max(worst, error), count + 1, max(most, flow.most)
        total = {key: total.get(key, 0) + number for key, number in flow.counts.items()}
    require(min(total.values()) >= 2, f"too few events: {total}")
    return f"{count} cases, {total}, up to {most} kinks at once, largest error {worst:.1e}"


def against_exponentials():
    return follow(cases())


def against_exponentials_in_space():
    return follow(cases_in_space())


def known_values():
    """By another program, in the last digits that it gives."""
    for n, m, T, F in ((9, 6, 20, 0.417178737791827), (15, 10, 40, 0.398861238326433)):
        for steps in (1, 10):
            with run(f"method: flow, data: sinus, n: {n}, output: mean, gamma: {T / steps}, steps: {steps}", "", None,
                     None, *spiral(m, 0.5)) as file:
                found = file["objective_final"][0]
                require(abs(found - F) < 1e-14, f"sinus, n = {n}: {found!r}, not {F!r}")
    with run("method: flow, data: three_points, loss: half_mse, gamma: 1, steps: 1, save: last", "", None, None,
             np.array([[1.0, 0]]), np.ones(1)) as file:
        W, F = file["state"][()], file["objective_final"][0]
        require(np.abs(W - [1.91335129, 0.25134733]).max() < 5e-9 and abs(F - 0.00704825) < 5e-9, f"{W}, {F}")
    return "5 descents"


def problems():
    """In two and in three dimensions: what a spec says of the data, X, y, W, alpha."""
    yield "data: sinus, n: 15", None, None, *spiral(10, 0.5)
    random = np.random.default_rng(5)
    X = np.hstack([random.standard_normal((12, 2)), np.ones((12, 1))])
    yield "n: 12", X, random.uniform(-1, 1, 12), random.standard_normal((8, 3)), np.where(np.arange(8) < 4, 1.0, -1)


def scaling():
    """A sum of m neurons of size s at time T is the mean of neurons of size m s at time m^2 T."""
    worst = 0.0
    for data, X, y, W, alpha in problems():
        m = len(W)
        with run(f"method: flow, {data}, output: sum, gamma: 0.01, steps: 5, save: all", "", X, y, 0.1 * W,
                 alpha) as file:
            sums = file["state"][()], file["objective"][0]
        with run(f"method: flow, {data}, output: mean, gamma: {0.01 * m * m}, steps: 5, save: all", "", X, y,
                 0.1 * m * W, alpha) as file:
            worst = max(worst, np.abs(file["state"][()] - m * sums[0]).max(),
                        np.abs(file["objective"][0] - sums[1]).max())
    require(worst < 1e-12, f"they differ by {worst:.2g}")
    return f"largest difference {worst:.1e}"


def gradient_descent_tends_to_it():
    """At order 1 in gamma, on the same data and neurons, in the same time."""
    found = []
    for data, *start in problems():
        with run(f"method: flow, {data}, output: mean, gamma: 4, steps: 1, save: last", "", *start) as file:
            F, exact = file["objective_final"][0], file["state"][()]
        errors = []
        for steps in (400, 4000, 40000):
            with run(f"method: gd, scaling: mean_field, {data}, output: mean, gamma: {4 / steps}, steps: {steps}, "
                     f"record_every: {steps}, save: last", "", *start) as file:
                errors.append((abs(file["objective_final"][0] - F), np.abs(file["state"][()] - exact).max()))
        errors = np.array(errors)
        slopes = np.log10(errors[0] / errors[2]) / 2
        require((abs(slopes - 1) < 0.15).all(), f"{data}: orders {slopes.tolist()} of errors {errors.tolist()}")
        found.append(f"{np.round(slopes, 3).tolist()} ({errors[1, 1]:.1e} to {errors[2, 1]:.1e} in W)")
    return f"orders of F and W {', '.join(found)}"


def nearly_parallel():
    """Copies of samples that are a little apart end as copies do, and take no longer: events and drift tell."""
    worst, count = 0.0, 0
    for d, seed in ((3, 0), (3, 1), (6, 0), (6, 2)):
        random = np.random.default_rng(seed)
        copy, noise = random.integers(0, 4, 12), random.standard_normal((12, d))
        alpha = np.where(np.arange(12) % 2, -1.0, 1)
        X, y, W = random.standard_normal((4, d))[copy], random.uniform(-1, 1, 4)[copy], random.standard_normal((12, d))
        states = []
        for apart in (0, 1e-13, 1e-11, 1e-8):
            with run("method: flow, flow_solver: events, output: mean, gamma: 6, steps: 1, save: last, time_limit: 60",
                     "", X * (1 + apart * noise), y, 0.05 * W, alpha) as file:
                require(file["status"][0] == 2, f"d = {d}, {apart}: {file['message'][0].tobytes()}")
                require(file["flow_drift"][0] < 1e-11, f"d = {d}, {apart}: flow_drift {file['flow_drift'][0]:.1e}")
                states.append(file["state"][()])
                count += file["events"][0].sum()
            off = np.abs(states[-1] - states[0]).max()
            require(off <= 100 * apart, f"d = {d}, seed {seed}: {apart} apart gives weights that differ by {off:.1e}")
            worst = max(worst, off / apart if apart else 0)
    return f"weights differ by up to {worst:.1f} of how far samples are apart; {count:.0f} events"


def times_of_any_length():
    """Up to 1e12 what the drift tells; a longer one is a row that says so."""
    for d in (2, 3):
        with run(f"method: flow, n: 10, width: 20, output: mean, steps: 1, gamma: 1.0e+13, d: {d}") as file:
            says = file["message"][0].tobytes().decode()
            require(file["status"][0] == 4 and "of at most 1e+12, but it is 1e+13" in says, says)
    return "2 messages"


def seconds(fixed):
    """The least user time of three runs."""
    found = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        run(fixed).close()
        found.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    return min(found)


def price():
    """n = 70, m = 1000 until time 10, from small weights, costs less than 350 000 steps of gd, or 0.5 s."""
    small = "data: sinus, n: 70, width: 1000, output: mean"
    flow = seconds(f"{small}, method: flow, gamma: 10, steps: 1")
    gd = seconds(f"{small}, method: gd, scaling: mean_field, gamma: 0.001, steps: 100000, record_every: 100000")
    require(flow < 3.5 * gd, f"{flow:.2f} s of processor time, and {gd:.2f} s for 100 000 steps of gd")
    return f"{flow:.2f} s of processor time, {flow / gd:.2f} of that of 100 000 steps of gd"


def run_checks(wgf, *checks):
    """Runs them in a folder of their own; the exit code."""
    global WGF
    WGF, failed = str(Path(wgf).resolve()), 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for check in checks:
            name = check.__name__.replace("_", " ")
            try:
                print(f"ok {name}: {check()}", flush=True)
            except Failure as failure:
                print(f"FAILED {name}: {failure}", flush=True)
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run_checks(sys.argv[1], known_values, scaling, price, gradient_descent_tends_to_it, against_exponentials,
                        against_exponentials_in_space, nearly_parallel, times_of_any_length))
