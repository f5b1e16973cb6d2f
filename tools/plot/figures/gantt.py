"""The jobs of each rank over time: how busy the cores were."""

from matplotlib.patches import Patch

from ..curves import REPLICAS
from ..figure import Figure
from ..result import PlotError
from ..style import CATEGORICAL, Colours, Page


def gantt(result, options):
    """A row for each rank, a bar for each job from its start to its end, coloured by a swept parameter."""
    jobs = [job for job in result.jobs if job.value("started") >= 0]  # below 0: reused from another file
    if not jobs:
        raise PlotError("gantt: no job was run for this file")
    name = options.by or next((name for name in result.varying() if name not in REPLICAS), None)
    colours = Colours(name, result.values(name)) if name else None
    ranks = sorted({job.value("rank") for job in jobs})
    start = min(job.value("started") for job in jobs)
    page = Page(result, 1, bool(colours and colours.continuous), panel_height=0.9 + 0.45 * len(ranks))
    axes = page.panels[0]
    busy = 0.0
    for rank in ranks:
        own = [job for job in jobs if job.value("rank") == rank]
        bars = [(job.value("started") - start, job.value("seconds")) for job in own]
        faces = [colours(job.parameters.get(name)) if colours else CATEGORICAL[0] for job in own]
        axes.broken_barh(bars, (ranks.index(rank) - 0.4, 0.8), facecolors=faces, linewidth=0)
        busy += sum(seconds for _, seconds in bars)
    end = max(job.value("started") + job.value("seconds") for job in jobs) - start
    axes.set_yticks(range(len(ranks)), [f"rank {rank}" for rank in ranks])
    axes.set_ylim(-0.6, len(ranks) - 0.4)
    axes.set_xlim(0, end)
    axes.grid(False, axis="y")
    page.axis_labels("seconds since the first job began", "")
    if colours and colours.continuous:
        page.colour_bar(colours)
    elif colours:
        page.legend([Patch(color=colours(value), label=str(value)) for value in colours.values])
    share = busy / (len(ranks) * end)
    if not (colours and not colours.continuous):
        page.note(f"{len(jobs)} jobs; {share:.1%} of the time of {len(ranks)} workers is in jobs")
    return page


FIGURE = Figure(place=130, meaning="the jobs of each rank over time: how busy the cores were", draw=gantt)
