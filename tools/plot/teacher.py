"""How near the neurons of a job are to those of its teacher (`data: teacher`), in degrees."""

import numpy as np

from .jobs import MASSES, positive_count
from .result import PlotError

SHARE = 0.99  # of the sum of |alpha||w|: the neurons that carry it count
PURPOSE = 14  # of the teacher's stream of random numbers


def normals(seed, purpose, index, count):
    """N(0, 1) of the program's counter-based streams, as src/base/random.c draws them."""
    blocks = (np.random.Philox(counter=(index + (k << 64) - 1) % (1 << 256), key=seed + (purpose << 64))
              for k in range(-(-count // 4)))  # NumPy's counter goes up before its first numbers
    unit = (np.concatenate([block.random_raw(4) for block in blocks]) >> np.uint64(12)).astype(float)
    radius, turn = np.sqrt(-2 * np.log((unit[::2] + 0.5) * 2.0**-52)), 2 * np.pi * (unit[1::2] + 0.5) * 2.0**-52
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1).ravel()[:count]


def directions(job):
    """Unit directions [teacher_width, d] of the teacher's neurons, and their signs."""
    d, seed = int(job.value("d")), int(job.value("teacher_seed"))
    found = np.array([normals(seed, PURPOSE, k, d) for k in range(int(job.value("teacher_width")))])
    return found / np.linalg.norm(found, axis=1, keepdims=True), (-1.0) ** np.arange(len(found))


def heaviest(job):
    """Unit directions [neurons, d] and signs of the heaviest neurons of the last state, which carry SHARE."""
    state, d = job.state()[-1], int(job.value("d"))
    weights = state[:, :d]
    alpha = state[:, d] if state.shape[1] > d else np.where(np.arange(len(state)) < positive_count(job), 1.0, -1.0)
    length = np.linalg.norm(weights, axis=1)
    order = np.argsort(-np.abs(alpha) * length, kind="stable")
    carried = np.cumsum((np.abs(alpha) * length)[order])
    chosen = order[: np.searchsorted(carried, SHARE * carried[-1]) + 1]
    return weights[chosen] / np.maximum(length[chosen, None], 1e-300), np.sign(alpha[chosen])


def angles(job):
    """Degrees between each of the heaviest neurons and each of the teacher's; 180 where their signs differ."""
    if "teacher_seed" not in job.source.file or job.value("data") != "teacher" or job.value("method") in MASSES:
        raise PlotError("teacher_distance and teacher_found need data: teacher and a method of neurons")
    (teacher, its), (neurons, own) = directions(job), heaviest(job)
    found = np.degrees(2 * np.arcsin(np.minimum(1, np.linalg.norm(neurons[:, None] - teacher, axis=2) / 2)))
    return np.where(own[:, None] == its, found, 180.0)


def found(job):
    """From a direction of the teacher to the nearest neuron, the largest."""
    return float(angles(job).min(axis=0).max())


def distance(job):
    """The Hausdorff distance: that, or from a neuron to the nearest direction of the teacher, the largest."""
    return max(found(job), float(angles(job).min(axis=1).max()))


VALUES = {"teacher_found": found, "teacher_distance": distance}
