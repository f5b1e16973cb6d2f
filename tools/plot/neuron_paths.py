"""What the figures of neurons in the plane share."""

import numpy as np

from .jobs import evenly
from .result import PlotError

# These two shades of green and red differ in lightness too, for readers who cannot tell the hues apart.
POSITIVE, NEGATIVE, SILENT = "#1a9850", "#c51b3a", "#9aa3ad"
MOST_NEURONS = 400
USABLE = "keep all states of neurons in the plane"


def keeps_paths(job):
    """Does the file hold more than the last state of the job's neurons?"""
    return job.value("method") != "jko" and job.has_states()


def in_plane(result, name):
    """The jobs that keep every state of neurons with two inputs, all of them finite."""
    jobs = [job for job in result.jobs if keeps_paths(job) and job.value("d") == 2]
    if not jobs:
        raise PlotError(f"{name} needs all states of neurons in the plane: set d: 2 and save: all in the spec")
    jobs = [job for job in jobs if np.isfinite(job.state()).all() and np.isfinite(job.trace["time"]).all()]
    if not jobs:
        raise PlotError(f"{name}: no job has finite states; their descents diverged")
    return jobs


def chosen_neurons(width, split):
    """The rows that are drawn, evenly spaced, and which of them are positive."""
    rows = np.array(evenly(range(width), MOST_NEURONS))
    return rows, rows < split
