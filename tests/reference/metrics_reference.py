"""The distances of src/flow/README.md "Proximal point" from their definitions: SciPy's assignment, and sorted
projections.

Each is a function of V that gives (D, grad D) against a fixed cloud W, signs kept."""

import numpy as np
from scipy.optimize import linear_sum_assignment

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
