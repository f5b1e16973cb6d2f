"""What several figures ask about jobs."""

import numpy as np

from .result import AUTO
from .style import is_number, tick_text


def evenly(items, most):
    """At most that many items, evenly spaced, the first and the last among them."""
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).astype(int))]


def title(name, value):
    """A parameter's value as a panel's title has it: words alone, numbers and auto with the name."""
    if is_number(value):
        return f"{name} {tick_text(value)}"
    return f"{name} {value}" if value == AUTO else value


def titles(jobs):
    """For each job the parameters in which the jobs differ, in words."""
    names = [name for name in jobs[0].parameters if len({str(job.parameters.get(name)) for job in jobs}) > 1]
    return [", ".join(title(name, job.parameters[name]) for name in names if name in job.parameters) for job in jobs]


def positive_count(job):
    """How many neurons have the sign +1; they come first."""
    width = int(job.value("width"))
    return width if job.value("signs") == "positive" else -(-width // 2)


def spacing(job):
    """The distance between neighbouring points of a job's grid."""
    return 2 * float(job.value("grid_radius")) / (job.value("grid") - 1)


def at_time(job, time):
    """F at a Wasserstein time that the job recorded, or None."""
    times = job.trace["time"]
    nearest = int(np.argmin(np.abs(times - time)))
    return float(job.trace["objective"][nearest]) if abs(times[nearest] - time) < 1e-9 * max(time, 1) else None
