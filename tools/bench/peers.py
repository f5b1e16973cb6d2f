"""What people use today, one function a peer. Each takes a case, does what ours does, and returns a Sample.

A peer that is not installed raises ImportError, and its row says so.
"""

import time

import numpy as np

from ours import Sample


def torch_one_thread():
    import torch

    torch.set_num_threads(1)
    return torch


def timed(operation, count):
    """Mean seconds of an operation."""
    start = time.perf_counter()
    for _ in range(count):
        operation()
    return (time.perf_counter() - start) / count


def tensors(case, *names):
    torch = torch_one_thread()
    return [torch.from_numpy(np.array(getattr(case, name))) for name in names]


def hand_gradient(case):
    """The gradient of F as a function of W, with buffers kept."""
    torch = torch_one_thread()
    X, y, alpha = tensors(case, "X", "y", "alpha")
    scores = torch.empty((len(y), len(alpha)), dtype=torch.float64)
    factor = 2 / len(y)

    def gradient(W):
        torch.matmul(X, W.T, out=scores)
        scores.relu_()
        errors = scores @ alpha - y
        (errors @ errors) / len(y)  # the objective
        scores.sign_().mul_(errors[:, None])
        return (scores.T @ X).mul_(factor * alpha[:, None])

    return gradient


def auto_gradient(case):
    """The same by autograd."""
    torch = torch_one_thread()
    X, y, alpha = tensors(case, "X", "y", "alpha")

    def gradient(W):
        W = W.detach().requires_grad_()
        ((torch.relu(X @ W.T) @ alpha - y) ** 2).mean().backward()
        return W.grad

    return gradient


def torch_descent(case, make_gradient):
    torch = torch_one_thread()
    gradient, W = make_gradient(case), torch.from_numpy(case.W.copy())

    def step():
        W.sub_(gradient(W), alpha=case.step)

    timed(step, case.check)
    result = W.numpy().copy()
    return Sample(timed(step, max(3, case.operations // 10)), result)


def torch_by_hand(case):
    return torch_descent(case, hand_gradient)


def torch_autograd(case):
    """The usual way: the gradient by automatic differentiation."""
    return torch_descent(case, auto_gradient)


def dgemm(case):
    """The time of the 4 m n d flops of a gradient, at the rate of a product of two large square matrices in NumPy."""
    size = 2000
    A = np.random.default_rng(0).normal(size=(size, size))
    B = A.T.copy()
    A @ B
    rate = 2 * size**3 / timed(lambda: A @ B, 3)
    flops = 4 * case.W.size * len(case.y)
    return Sample(flops / rate, note=f"{rate / 1e9:.0f} Gflop/s")


def assigned(V, W, alpha):
    """POT's optimal plan for each sign: the row of W that each row of V goes to."""
    import ot

    target = np.empty_like(V)
    for rows in (alpha > 0, alpha < 0):
        count = rows.sum()
        if count:
            mass = np.full(count, 1 / count)
            plan = ot.emd(mass, mass, ot.dist(V[rows], W[rows], metric="sqeuclidean"), numItermax=10**7)
            target[rows] = W[rows][plan.argmax(axis=1)]
    return target


def torch_prox(case, make_gradient):
    """The time of the whole descent, scaled up from a few inner iterations at each of a few iterates."""
    torch = torch_one_thread()
    gradient, metric = make_gradient(case), case.settings["metric"]
    seconds, result = [], None
    for iterate in case.iterates:
        W = torch.from_numpy(iterate.copy())
        V, pull = W.clone(), 1 / (case.gamma * len(W))

        def step():
            target = W if metric == "frobenius" else torch.from_numpy(assigned(V.numpy(), iterate, case.alpha))
            V.sub_(gradient(V).add(V - target, alpha=pull), alpha=case.beta)

        timed(step, case.check)
        result = V.numpy().ravel().copy() if result is None else result
        seconds.append(timed(step, case.sampled))
    note = f"{case.sampled} of its inner steps measured at each of {len(seconds)} iterates, times {case.iterations}"
    return Sample(np.mean(seconds) * case.iterations, result, note)


def torch_loop_by_hand(case):
    return torch_prox(case, hand_gradient)


def torch_loop_autograd(case):
    return torch_prox(case, auto_gradient)


def torch_and_pot(case):
    """The usual way: at every inner step the gradient by torch, and the plan by ot.emd on the matrix of costs."""
    return torch_prox(case, hand_gradient)


def scipy_assignment(case):
    """linear_sum_assignment on the same clouds. The matrix of costs is timed separately."""
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    seconds, costs, matrix = [], [], 0
    for number, V in enumerate(case.clouds):
        start = time.perf_counter()
        C = cdist(V, case.W, "sqeuclidean")
        matrix = time.perf_counter() - start
        rows, columns = linear_sum_assignment(C)
        if number >= case.warm:
            seconds.append(time.perf_counter() - start - matrix)
        costs.append(C[rows, columns].mean())
    note = f"cost matrix extra, {1e3 * matrix:.0f} ms and {C.nbytes / 1e6:.0f} MB"
    return Sample(np.median(seconds), np.array(costs), note)


def pot_weighted(case):
    """emd2 on the same clouds. The matrix of costs is made before."""
    import ot

    C = ((case.x[:, None] - case.y[None]) ** 2).sum(axis=2)
    seconds = []
    for _ in range(case.repetitions):
        start = time.perf_counter()
        cost = ot.emd2(case.a, case.b, C, numItermax=10**7)
        seconds.append(time.perf_counter() - start)
    return Sample(np.median(seconds), np.array([cost]), f"cost matrix extra, {C.nbytes / 1e6:.0f} MB")


def pot_sliced(case):
    """sliced_wasserstein_distance of each sign, and its gradient by autograd."""
    import ot

    torch = torch_one_thread()
    W, alpha, theta = tensors(case, "W", "alpha", "theta")
    V, state = torch.from_numpy(case.V.copy()), {}
    halves = [rows for rows in (alpha > 0, alpha < 0) if rows.any()]
    directions = theta.T.contiguous()

    def step():
        moving = V.detach().requires_grad_()
        distance = sum(rows.sum() / len(W) * ot.sliced_wasserstein_distance(
            moving[rows], W[rows], n_projections=len(theta), projections=directions) ** 2 for rows in halves)
        distance.backward()
        state["distance"] = float(distance.detach())
        V.sub_(moving.grad, alpha=case.step)

    timed(step, case.check)
    result = np.append(V.numpy().ravel(), state["distance"])
    return Sample(timed(step, 2), result)
