"""Masses of jko and pde on their grids at several times: heat maps of their density for each sign, curves for d = 1."""

from dataclasses import dataclass
from functools import reduce

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm

from ..figure import Figure
from ..jobs import GRIDS, a_job_each, grid_axes, grid_sheets, grids
from ..result import PlotError
from ..style import SHEETS, Page

COLUMNS = 4
MOST_JOBS = 2
USABLE = "keep all states of masses"
DECADES = 5  # densities that many decades below the largest are not drawn


def with_masses(result, name):
    """The jobs that keep the masses of more than one record."""
    jobs = [job for job in result.jobs if job.value("method") in GRIDS and job.has_states()]
    jobs = [job for job in jobs if job.state()[:, :, 0].max() > 0]
    if not jobs:
        raise PlotError(f"{name} needs a job of jko or pde with all states: method: jko and save: all in the spec")
    return jobs


def suits(result):
    methods = {job.value("method") for job in result.jobs}
    return methods <= set(GRIDS) and all(job.has_states() for job in result.jobs)


@dataclass
class Sheet:
    """Densities of one sheet of one grid at the records, over the first two coordinates (or one), and its words."""

    values: np.ndarray  # records x g x g, or records x g
    edges: np.ndarray  # of the cells, g + 1
    sign: float
    words: str


def views(density, widths, names, middle):
    """What to draw of a density [records, g, ...], as (words, values): itself, or its integral over the coordinates
    that have names and a slice through their middle. widths: of the cells along an axis."""
    whole, cut = density, density
    for _ in names:
        whole, cut = whole @ widths, cut[..., len(widths) // 2]
    if not names:
        return [("", density)]
    others = ", ".join(names)
    return [(f" over all ${others}$", whole), (f" at ${others} = {middle:.2g}$", cut)]


def sheets(job):
    """All that the figure draws of a job."""
    states, axes, start, found = job.state()[:, :, 0], grid_axes(job), 0, []
    names = [r"\alpha" if k > job.value("d") else f"w_{k}" for k in range(3, axes + 1)]
    for number, (x, placed) in enumerate(grids(job)):
        half = (x[1] - x[0]) / 2
        edges = placed(np.append(x - half, x[-1] + half))
        widths = np.diff(edges)
        volumes = reduce(np.multiply.outer, [widths] * axes)
        for sign in grid_sheets(job):
            masses = states[:, start : start + volumes.size].reshape(-1, *volumes.shape)
            start += volumes.size
            for words, values in views(masses / volumes, widths, names, placed(x)[len(x) // 2]):
                grid = "" if len(grids(job)) == 1 else f", grid {number + 1}"
                found.append(Sheet(values, edges, sign, f"{sheet_name(job, sign)}{grid}{words}"))
    return found


def support(sheets):
    """The half-width of the square that holds all drawn densities of all records, with a margin."""
    reach = 0.0
    for sheet in sheets:
        seen = sheet.values > sheet.values.max() * 10.0**-DECADES * 10
        seen = seen.any(axis=0) if seen.ndim == 2 else (seen.any(axis=(0, 1)) | seen.any(axis=(0, 2)))
        reach = max(reach, np.abs(sheet.edges[np.append(seen, False) | np.insert(seen, 0, False)]).max(initial=0))
    ends = max(sheet.edges[-1] for sheet in sheets)
    return min(1.02 * reach, ends) if reach else ends


def colours(sheet):
    return SHEETS[0 if sheet.sign > 0 else 1]


def draw_sheet(axes, sheet, record, norm, reach):
    values, edges = sheet.values[record], sheet.edges
    axes.set_xlim(-reach, reach)
    axes.set_xticks([round(reach / 2, 0) * k for k in (-1, 0, 1)] if reach > 2 else [-reach / 2, 0, reach / 2])
    if values.ndim == 1:
        axes.stairs(values, edges, color=plt.get_cmap(colours(sheet))(0.7), linewidth=1.2)
        axes.set_yscale("log")
        axes.set_ylim(norm.vmin, 2 * norm.vmax)
        return
    axes.pcolormesh(edges, edges, np.ma.masked_less(values.T, norm.vmin), norm=norm, cmap=colours(sheet),
                    rasterized=True)
    axes.set_ylim(-reach, reach)
    axes.set_yticks(axes.get_xticks())
    axes.grid(False)


def density_norm(sheets):
    most = max(sheet.values.max() for sheet in sheets)
    return LogNorm(most * 10.0**-DECADES, most, clip=False)


def sheet_name(job, sign):
    if job.value("layers") == "both":
        return "masses"
    return r"$\alpha = +1$" if sign > 0 else r"$\alpha = -1$"


def records_at(times):
    """The first record and COLUMNS - 1 others, evenly spaced in the logarithm of their times."""
    return [0, *(int(np.argmin(np.abs(times - time))) for time in np.geomspace(times[1], times[-1], COLUMNS - 1))]


def masses(result, options):
    """For each job a row for each sign and a column for each time."""
    chosen, shown = a_job_each(result, with_masses(result, "masses"), options, MOST_JOBS, USABLE)
    kept = [sheets(job) for _, job in chosen]
    drawn = [sheet for job in kept for sheet in job]
    norm, reach = density_norm(drawn), support(drawn)
    panels, titles = [], []
    for (title, job), own in zip(chosen, kept):
        times = job.trace["time"][: len(own[0].values)]
        for row, sheet in enumerate(own):
            for column, record in enumerate(records_at(times)):
                start = f"{title}\n" if title and len(chosen) > 1 and column + row == 0 else ""
                words = f"{sheet.words}, " if column == 0 or len(sheet.words) < 20 else ""
                titles.append(f"{start}{words}t = {times[record]:.4g}")
                panels.append((sheet, record))
    page = Page(result, shown, titles, columns=COLUMNS, panel_height=1.85)
    for axes, panel in zip(page.panels, panels):
        draw_sheet(axes, *panel, norm, reach)
    line = drawn[0].values.ndim == 2
    page.axis_labels(r"$w_1$", "density" if line else r"bias  $w_2$" if grid_axes(chosen[0][1]) == 2 else r"$w_2$")
    for row, (sheet, _) in enumerate(panels[::COLUMNS] if not line else []):
        page.bar(plt.cm.ScalarMappable(norm, colours(sheet)), "density", row)
    page.note(f"{'not drawn' if line else 'white'}: less than $10^{{-{DECADES}}}$ of the largest density")
    return page


FIGURE = Figure(
    place=70,
    meaning="masses of jko and pde on their grids at several times, a row a sign (save: all)",
    draw=masses,
    suits=suits,
    scales=False,
)
