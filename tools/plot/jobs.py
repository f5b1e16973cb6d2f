"""What figures ask about jobs: which of them a figure shows, in which panels, and what it says of its choice."""

import os

import numpy as np

from .result import PlotError, in_order
from .words import plain, titled

REPLICAS = ("seed", "data_seed", "teacher_seed")  # repetitions: no panels, and colours only if nothing else varies
MOST_FACETS = 24
MOST_NUMBERED = 12  # with more jobs a picture says how many they are, not which


def evenly(items, most):
    """At most that many items, evenly spaced, the first and the last among them."""
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, min(most, len(items))).astype(int))]


def ranges(numbers):
    """Rising numbers as --jobs takes them: 0-3,7."""
    pieces = []
    for number in numbers:
        if pieces and number == pieces[-1][1] + 1:
            pieces[-1][1] = number
        else:
            pieces.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in pieces)


def numbered(jobs):
    """The numbers of the jobs, with the file's name where they come from several files."""
    files = {}
    for job in jobs:
        files.setdefault(job.source.path, []).append(job.row)
    pieces = [(os.path.basename(path), ranges(sorted(rows))) for path, rows in files.items()]
    return pieces[0][1] if len(pieces) == 1 else ", ".join(f"{rows} of {name}" for name, rows in pieces)


def shown(result, jobs, why=""):
    """Which jobs a figure shows, for the line under its title."""
    count, total = len(jobs), result.finished
    if count == total:
        said = f"job {numbered(jobs)}" if count == 1 else f"all {count} jobs"
    else:
        which = f", {'job' if count == 1 else 'jobs'} {numbered(jobs)}" if count <= MOST_NUMBERED else ""
        said = f"{count} of {total} jobs{which}"
    where = "".join(f", {plain(condition)}" for condition in result.where)
    rest = f"; {result.rows - total} without a result yet" if result.rows > total else ""
    return f"shown: {said}{where}{rest}" + (f"; {why}" if why else "")


def grouped(items, names, key, texts):
    """(title, items) for each combination of values of the names that occurs, in the order of the values.

    key: an item's values, None for one that it does not have; texts: {value: its text}, one mapping a name.
    """
    found = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    panels = []
    for values in sorted(found, key=lambda one: list(map(in_order, one))):
        read = [(name, one, text) for name, one, text in zip(names, values, texts) if one is not None]
        words = [titled(name, one, text[one]) for name, one, text in read]
        panels.append((", ".join(words), found[values]))
    return panels


def at_most(groups, names, most, remedy):
    """The groups. Raises PlotError where they are more panels than that."""
    if len(groups) > most:
        raise PlotError(
            f"{' and '.join(names)} would make {len(groups)} panels of which {most} can be drawn; choose {remedy}"
        )
    return groups


def split(result, jobs, names):
    """Jobs by panel, as `grouped` has them."""
    key = lambda job: tuple(job.parameters.get(name) for name in names)
    return grouped(jobs, names, key, [result.texts(name) for name in names])


def facets(result, jobs, options, default=(), most=MOST_FACETS):
    """The groups of `split` by the parameters of --facet, or by the default ones."""
    names = options.facet or default
    remedy = "some jobs with --where, or other parameters with --facet"
    return at_most(split(result, jobs, names), names, most, remedy)


def a_job_each(result, jobs, options, most, usable=""):
    """For figures whose panels draw one job: [(title, job)], and which they are and why, for `shown`.

    jobs: those that can be drawn; usable: what they have and others lack. One job for each combination of the
    parameters of --facet, or, at most `most` of them, for each combination of all that varies but seeds.
    """
    varying = result.varying()
    names = options.facet or [name for name in varying if name not in REPLICAS] or varying
    groups = split(result, jobs, names)
    chosen = evenly(groups, MOST_FACETS if options.facet else most)
    why = [f"only jobs that {usable}"] if len(jobs) < len(result.jobs) else []
    if len(chosen) < len(groups):
        why.append(f"{len(chosen)} of {len(groups)} combinations of {', '.join(names)}, evenly spaced")
    if any(len(own) > 1 for _, own in chosen):
        why.append(f"the first job of each {', '.join(names)}")
    picked = [(title, own[0]) for title, own in chosen]
    return picked, shown(result, [job for _, job in picked], "; ".join(why))


def stacked(titles, rows, most):
    """Columns of `rows` panels, at most `most` side by side, further ones beneath: (titles of the grid, places).

    titles: None where the grid has no panel; places: of each column the panels' places in the grid.
    """
    columns = min(len(titles), most)
    places = [
        [(i // columns * rows + row) * columns + i % columns for row in range(rows)] for i in range(len(titles))
    ]
    grid = [None] * (-(-len(titles) // columns) * rows * columns)
    for title, column in zip(titles, places):
        for place in column:
            grid[place] = title if place == column[0] else ""
    return grid, places


MASSES = ("jko", "pde", "wfr")  # methods whose states are masses, not neurons
GRIDS = ("jko", "pde")  # those of them whose masses are on a grid


def positive_count(job):
    """How many neurons have the sign +1; they come first."""
    width = int(job.value("width"))
    pairs = "parametrisation" in job.source.file and job.value("parametrisation") == "product"  # m w_+, then m w_-
    whole = pairs or job.value("signs") == "positive"
    return width if whole else -(-width // 2)


def grids(job):
    """The uniform coordinates x in [-1, 1] of each grid of a job of jko, and the function that places them."""
    grading = job.value("grid_grading") if "grid_grading" in job.source.file else 0

    def placed(radius, b):
        return lambda x: radius * (np.sinh(b * x) / np.sinh(b) if b else x)

    found = [(np.linspace(-1, 1, int(job.value("grid"))), placed(job.value("grid_radius"), grading))]
    if job.value("grid2") > 0:
        found.append((np.linspace(-1, 1, int(job.value("grid2"))), placed(job.value("grid2_radius"), 0)))
    return found


def grid_axes(job):
    """How many axes the grids have: the inputs, and alpha with layers: both."""
    return int(job.value("d")) + (job.value("layers") == "both")


def grid_sheets(job):
    """The signs of the sheets of each grid; with layers: both there is one of all alpha."""
    return (1.0,) if job.value("signs") == "positive" or job.value("layers") == "both" else (1.0, -1.0)


def spacing(job):
    """The distance between neighbouring points of a job's grid."""
    return 2 * float(job.value("grid_radius")) / (job.value("grid") - 1)


def at_time(job, time):
    """F at a Wasserstein time that the job recorded, or None."""
    times = job.trace["time"]
    if not len(times):
        return None
    nearest = int(np.argmin(np.abs(times - time)))
    return float(job.trace["objective"][nearest]) if abs(times[nearest] - time) < 1e-9 * max(time, 1) else None
