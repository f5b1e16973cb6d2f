"""The distances of src/flow/README.md "Proximal point" from their definitions: SciPy's assignment, and sorted
projections.

Each is a function of V that gives (D, grad D) against a fixed cloud W, signs kept."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import logsumexp

DIRECTION = 8  # the stream's purpose


def signs(alpha):
    return [members for members in (np.flatnonzero(alpha > 0), np.flatnonzero(alpha <= 0)) if len(members)]


def optimal_permutation(alpha, V, W):
    sigma = np.empty(len(V), int)
    for members in signs(alpha):
        cost = ((V[members, None, :] - W[None, members, :]) ** 2).sum(2)
        sigma[members] = members[linear_sum_assignment(cost)[1]]
    return sigma


def frobenius(alpha, V, W):
    gap = V - W
    return (gap**2).sum() / len(V), 2 * gap / len(V)


def wasserstein(alpha, V, W):
    return frobenius(alpha, V, W[optimal_permutation(alpha, V, W)])


def sliced(theta, scale=1):
    def distance(alpha, V, W):
        gaps = np.zeros((len(theta), len(V)))
        for members in signs(alpha):
            v, w = theta @ V[members].T, theta @ W[members].T
            rank = np.argsort(np.argsort(v, axis=1, kind="stable"), axis=1, kind="stable")
            gaps[:, members] = v - np.take_along_axis(np.sort(w, axis=1), rank, axis=1)
        return scale * (gaps**2).sum() / gaps.size, 2 * scale * gaps.T @ theta / gaps.size

    return distance


def entropic_potentials(X, Y, epsilon):
    """f and g of the plan exp((f_i + g_j - |x_i - y_j|^2) / epsilon) / n^2 that has the masses 1/n as marginals, and
    the plan: Sinkhorn's iterations in the log domain, then Newton's method on both potentials at once."""
    n = len(X)
    cost = ((X[:, None, :] - Y[None, :, :]) ** 2).sum(2)
    f, g = np.zeros(n), np.zeros(n)
    for iteration in range(10000):
        plan = np.exp((f[:, None] + g - cost) / epsilon) / n**2
        gaps = np.concatenate([1 / n - plan.sum(1), 1 / n - plan.sum(0)])
        error = np.abs(gaps).sum()
        if error < 1e-14 or (iteration > 100 and error < 1e-12):
            return f, g, plan
        if error < 0.1:
            null = np.concatenate([np.ones(n), -np.ones(n)]) / n  # constants that pass from f to g
            hessian = np.block([[np.diag(plan.sum(1)), plan], [plan.T, np.diag(plan.sum(0))]]) + np.outer(null, null)
            step = epsilon * np.linalg.solve(hessian, gaps)
            step *= min(1, 2 * epsilon / np.abs(step).max())
            f, g = f + step[:n], g + step[n:]
            if np.abs(step).max() < epsilon:
                continue
        f = epsilon * (np.log(n) - logsumexp((g - cost) / epsilon, axis=1))
        g = epsilon * (np.log(n) - logsumexp((f[:, None] - cost) / epsilon, axis=0))
    raise ArithmeticError(f"Sinkhorn's iterations did not end: error {error:.1e}")


def sinkhorn(epsilon):
    own = {}  # the plans of W with itself, by its bytes

    def distance(alpha, V, W):
        value, gradient = 0.0, np.zeros_like(V)
        for members in signs(alpha):
            v, w, n = V[members], W[members], len(members)
            if w.tobytes() not in own:
                own[w.tobytes()] = np.sum(entropic_potentials(w, w, epsilon)[:2]) / n
            f, g, across = entropic_potentials(v, w, epsilon)
            own_f, own_g, inside = entropic_potentials(v, v, epsilon)
            divergence = np.sum(f + g - own_f / 2 - own_g / 2) / n - own[w.tobytes()] / 2
            value += n / len(V) * divergence
            there, here = (plan.sum(1)[:, None] * v - plan @ y for plan, y in ((across, w), (inside, v)))
            gradient[members] = 2 / len(V) * n * (there - here)
        return value, gradient

    return distance


def bits(seed, index, count):
    """`count` numbers in (0, 1) of Philox 4x64-10 (numpy's own; it steps its counter before each block)."""
    counter = [(index - 1) % 2**64, 0 if index else 2**64 - 1, 0 if index else 2**64 - 1, 0 if index else 2**64 - 1]
    blocks = []
    for block in range(-(-count // 4)):
        counter[1] = block if index else (block - 1) % 2**64
        stream = np.random.Philox(counter=sum(word << (64 * k) for k, word in enumerate(counter)),
                                  key=seed + (DIRECTION << 64))
        blocks.append(stream.random_raw(4))
    return (np.concatenate(blocks)[:count].astype(np.uint64) >> np.uint64(12)).astype(float) / 2**52 + 2.0**-53


def directions(seed, step, count, d):
    """Unit directions of one outer step (count x d)."""
    if d == 2:
        angle = np.pi * (2 * bits(seed, step, 1)[0] - 1 + np.arange(count) / count)
        return np.column_stack([np.cos(angle), np.sin(angle)])
    unit = bits(seed, step, -(-count * d // 2) * 2).reshape(-1, 2)
    radius, angle = np.sqrt(-2 * np.log(unit[:, 0])), 2 * np.pi * unit[:, 1]
    theta = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).ravel()[: count * d].reshape(count, d)
    return theta / np.linalg.norm(theta, axis=1, keepdims=True)
