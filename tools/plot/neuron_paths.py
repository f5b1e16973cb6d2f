"""What the figures of neurons share: which jobs keep their paths, and the plane in which these are drawn."""

from itertools import pairwise

import numpy as np

from .jobs import MASSES, evenly, positive_count
from .result import PlotError

# These two shades of green and red differ in lightness too, for readers who cannot tell the hues apart.
POSITIVE, NEGATIVE, SILENT = "#1a9850", "#c51b3a", "#9aa3ad"
MOST_NEURONS = 400
ON_KINK = 1e-9  # a neuron is on the kink of a sample where |w.x| is at most this part of |w||x|
USABLE = "keep all states of neurons"


def keeps_paths(job):
    """Does the file hold more than the last state of the job's neurons?"""
    return job.value("method") not in MASSES and job.has_states()


def with_paths(result, name):
    """The jobs that keep every state of their neurons, all of them finite."""
    jobs = [job for job in result.jobs if keeps_paths(job)]
    if not jobs:
        raise PlotError(f"{name} needs all states of neurons: set save: all in the spec, "
                        "with method gd, prox or flow")
    jobs = [job for job in jobs if np.isfinite(job.state()).all() and np.isfinite(job.trace["time"]).all()]
    if not jobs:
        raise PlotError(f"{name}: no job has finite states; their descents diverged")
    return jobs


def weights_of(job):
    """The hidden weights of all records: [records, neurons, d]."""
    return job.state()[:, :, : int(job.value("d"))]


def chosen_neurons(width, split):
    """The rows that are drawn, evenly spaced, and which of them are positive."""
    rows = np.array(evenly(range(width), MOST_NEURONS))
    return rows, rows < split


def check_inputs(inputs, job, most=2):
    """Raises PlotError where --inputs names an input that the job lacks, or not `most` of them."""
    d = int(job.value("d"))
    if len(inputs) != most or max(inputs) >= d:
        which = "one input" if most == 1 else "two inputs"
        raise PlotError(f"--inputs takes {which} here, numbered from 0 to {d - 1} in job {job.row}")


def principal_axes(weights):
    """The two directions with most of the weights' sum of squares, as columns, and their shares of it."""
    flat = weights.reshape(-1, weights.shape[-1])
    squares, axes = np.linalg.eigh(flat.T @ flat)
    axes, squares = axes[:, ::-1][:, :2], squares[::-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # the largest component is positive
    return axes, squares[:2] / max(squares.sum(), 1e-300)


class Plane:
    """Two coordinates of neurons: two chosen inputs; all weights for d = 2; (w, alpha) for d = 1; principal axes.

    Jobs of equal d have the same axes, so that their panels can be compared.
    """

    def __init__(self, jobs, inputs):
        self.inputs, self.axes = inputs, {}
        for job in jobs:
            if inputs:
                check_inputs(inputs, job)
        for d in {int(job.value("d")) for job in jobs if not inputs and job.value("d") > 2}:
            own = [weights_of(job).reshape(-1, d) for job in jobs if job.value("d") == d]
            self.axes[d] = principal_axes(np.concatenate(own))

    def coordinates(self, job):
        """[records, neurons, 2]"""
        weights = weights_of(job)
        if self.inputs:
            return weights[:, :, list(self.inputs)]
        if weights.shape[2] == 1:
            state = job.state()
            sign = np.where(np.arange(state.shape[1]) < positive_count(job), 1.0, -1.0)
            alpha = state[:, :, 1] if state.shape[2] > 1 else np.broadcast_to(sign, state.shape[:2])
            return np.stack([weights[:, :, 0], alpha], axis=2)
        return weights if weights.shape[2] == 2 else weights @ self.axes[weights.shape[2]][0]

    def kinks(self, job, inputs):
        """Normals [lines, 2] of the lines along which neurons may slide, for d = 2: there a kink is a line."""
        is_line = slides(job) and inputs.shape[1] == 2
        return inputs[np.any(inputs != 0, axis=1)][:, list(self.inputs or (0, 1))] if is_line else inputs[:0, :2]

    def labels(self, job):
        d = int(job.value("d"))
        if self.inputs:
            return tuple(f"weight of input x{k}" for k in self.inputs)
        if d > 2:
            return tuple(f"principal axis {k + 1}  ({share:.0%} of squares)" for k, share in enumerate(self.axes[d][1]))
        return (r"$w_1$", r"bias  $w_2$") if d == 2 else (r"$w$", r"$\alpha$")


def active(weights, inputs):
    """Which neurons activate at least one sample: [..., neurons] of weights [..., neurons, d]."""
    return np.array([(record @ inputs.T > 0).any(axis=-1) for record in weights])


def slides(job):
    """Does the job tell of neurons that slide along kinks?"""
    return "sliding" in job.trace and np.isfinite(job.trace["sliding"]).any()


def sliding(weights, inputs):
    """[records - 1, neurons]: does a neuron move along one kink in that step? One that has died may rest on a kink."""
    inputs = inputs[np.any(inputs != 0, axis=1)]
    inputs = inputs / np.linalg.norm(inputs, axis=1, keepdims=True)
    sizes = np.linalg.norm(weights, axis=2, keepdims=True)
    on = (np.abs(record @ inputs.T) <= ON_KINK * size for record, size in zip(weights, sizes))
    along = np.zeros((len(weights) - 1, weights.shape[1]), bool)
    for k, (one, two) in enumerate(pairwise(on)):
        along[k] = (one & two).any(axis=1)
    return along & sizes[:-1, :, 0].astype(bool) & (weights[1:] != weights[:-1]).any(axis=2)


def around(paths):
    """The part of the plane that holds paths [records, neurons, 2] of one job or more: ((left, right), (low, high))."""
    low = np.min([one.min(axis=(0, 1)) for one in paths], axis=0)
    high = np.max([one.max(axis=(0, 1)) for one in paths], axis=0)
    span = max(*(high - low), 1e-12)
    margin = np.maximum(0.04 * span, (0.4 * span - (high - low)) / 2)  # no panel is a narrow strip
    return tuple(zip(low - margin, high + margin))
