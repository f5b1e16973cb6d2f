"""The error of JKO on a grid over spacing and epsilon, with the bounds of pinning and of temperature."""

import numpy as np

from ..figure import Figure
from ..fit import describe, regression_rate
from ..jobs import MASSES, at_time, facets, shown, spacing
from ..result import PlotError
from ..samples import samples
from ..style import CATEGORICAL, INK, MUTED, SEQUENTIAL, Page, colour_norm
from ..words import is_number

LOSS_FACTORS = {"mse": lambda n: 1 / n, "half_mse": lambda n: 0.5 / n, "sse": lambda n: 1.0}
MOST_PANELS = 6


def table(jobs):
    """Spacings and epsilons in rising order, and the median final F of each pair [epsilons, spacings]."""
    cells = {}
    for job in jobs:
        cells.setdefault((job.parameters["epsilon"], spacing(job)), []).append(float(job.value("objective_final")))
    epsilons, spacings = (np.array(sorted({key[k] for key in cells})) for k in (0, 1))
    if len(epsilons) < 2 or len(spacings) < 2:
        raise PlotError("pinning needs two values of epsilon that are numbers and two of grid in each panel")
    medians = [[np.median(cells.get((e, h), [np.nan])) for h in spacings] for e in epsilons]
    return spacings, epsilons, np.where(np.isfinite(medians), medians, np.nan)


def reference(result, time):
    """F of the widest descents at that time, mean over seeds; None without such descents."""
    descents = [job for job in result.jobs if job.value("method") not in MASSES]
    widest = [job for job in descents if job.value("width") == max(job.value("width") for job in descents)]
    values = [value for value in (at_time(job, time) for job in widest) if value is not None]
    return float(np.mean(values)) if values else None


def steepest(job, options):
    """max |grad F'| at the start: the maximum over half-planes of 2 kappa |sum of e_j x_j over the samples inside|.

    With both signs the initial masses cancel, so that e = -y.
    """
    inputs, labels = samples(job, options)
    angle = np.linspace(0, 2 * np.pi, 7200, endpoint=False)
    active = np.column_stack([np.cos(angle), np.sin(angle)]) @ inputs.T > 0
    force = active @ (labels[:, None] * inputs)
    return 2 * LOSS_FACTORS[job.value("loss")](len(labels)) * float(np.hypot(*force.T).max())


def edges(values):
    """Borders of cells around values that are evenly spaced in their logarithm."""
    logs = np.log(values)
    middle = (logs[1:] + logs[:-1]) / 2
    return np.exp(np.concatenate([[2 * logs[0] - middle[0]], middle, [2 * logs[-1] - middle[-1]]]))


def hottest(jobs, goal):
    """(spacing, epsilon at which F tends to the goal, more above it) of the grids with limits on both sides of it."""
    found = []
    for h in sorted({spacing(job) for job in jobs}):
        own = sorted((job.value("epsilon"), job.value("objective_limit")) for job in jobs if spacing(job) == h)
        epsilons, limits = np.array([pair for pair in own if np.isfinite(pair[1])]).reshape(-1, 2).T
        if len(limits) and limits.min() < goal < limits.max():
            found.append((h, np.exp(np.interp(goal, np.maximum.accumulate(limits), np.log(epsilons)))))
    return found


def draw_bounds(axes, jobs, goal, options, spacings):
    """Pinned below the first line and left of the second; above the third no number of steps leads to the goal."""
    job = jobs[0]
    reach = edges(spacings)[[0, -1]]
    line = np.geomspace(*reach, 50)
    axes.plot(line, line**2 / 2, color="white", linewidth=3)
    axes.plot(line, line**2 / 2, color=CATEGORICAL[1], linewidth=1.8, label=r"$\varepsilon = h^2/2$")
    if job.value("signs") == "balanced":
        start = 2 * job.value("gamma") * steepest(job, options)
        axes.axvline(start, color="white", linewidth=3)
        words = r"$h = 2\gamma\,\max\Vert\nabla F'\Vert$"
        axes.axvline(start, color=CATEGORICAL[1], linewidth=1.8, linestyle="--", label=words)
    if goal is not None and "objective_limit" in job.source.file and (bound := hottest(jobs, goal)):
        axes.plot(*zip(*bound), color="white", linewidth=3)
        words = r"$F$ tends to $F_{\mathrm{neurons}}$: temperature $\varepsilon/(4\gamma)$"
        axes.plot(*zip(*bound), color=CATEGORICAL[3], linewidth=1.8, label=words)


def draw_best(axes, spacings, epsilons, values):
    """The best epsilon of every grid, and its rate or None."""
    known = np.isfinite(values).any(axis=0)
    best = epsilons[np.nanargmin(values[:, known], axis=0)]
    rate = regression_rate(spacings[known], best) if known.sum() > 2 else None
    fit = "" if rate is None else f":  {describe(rate, 'h')}"
    style = {"color": "white", "markeredgecolor": INK, "markersize": 5}
    axes.plot(spacings[known], best, "o", **style, label=rf"best $\varepsilon${fit}")
    return rate


def pinning(result, options):
    """The map, the bounds, and the best epsilon of every grid with its rate; a panel for each value of the rest."""
    jobs = [job for job in result.jobs if is_number(job.parameters.get("epsilon")) and "grid" in job.parameters]
    if not jobs:
        raise PlotError("pinning needs a sweep of jko over grid and epsilon, with numbers for epsilon")
    own = set().union(*(job.parameters for job in jobs)) - {"epsilon", "grid", "seed", "data_seed"}
    varying = [name for name in result.varying() if name in own and len({job.parameters[name] for job in jobs}) > 1]
    panels = facets(result, jobs, options, varying, MOST_PANELS)
    tables = [table(own) for _, own in panels]
    goals = [reference(result, float(own[0].trace["time"][-1])) for _, own in panels]
    maps = [values if goal is None else np.abs(values - goal) for (*_, values), goal in zip(tables, goals)]
    seen = np.concatenate([values[np.isfinite(values)] for values in maps])
    if not len(seen):
        raise PlotError("pinning: no job has a finite objective_final, so there is nothing to draw")
    norm = colour_norm(seen)
    why = "only jobs of jko with a number for epsilon" if len(jobs) < len(result.jobs) else ""
    page = Page(result, shown(result, jobs, why), [title for title, _ in panels], shared=False)
    for axes, (_, own), goal, (spacings, epsilons, _), values in zip(page.panels, panels, goals, tables, maps):
        image = axes.pcolormesh(edges(spacings), edges(epsilons), values, cmap=SEQUENTIAL, norm=norm)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.grid(False)
        draw_bounds(axes, own, goal, options, spacings)
        page.rate = draw_best(axes, spacings, epsilons, values)
        axes.set_ylim(*edges(epsilons)[[0, -1]])
        page.describe(axes, "spacing of the grid  $h$", "epsilon")
        if len(panels) > 1:
            axes.legend(fontsize=7.6, labelcolor=MUTED)
    page.bar(image, "objective  $F$" if goals[0] is None else r"$|F - F_{\mathrm{neurons}}|$")
    if len(panels) == 1:
        page.legend(axes.get_legend_handles_labels()[0])
    return page


FIGURE = Figure(
    place=110,
    meaning="error of jko over grid spacing and epsilon, with bounds; descents from a second file",
    draw=pinning,
)
