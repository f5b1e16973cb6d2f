"""The jobs of each rank over time: how busy the cores were."""

from matplotlib.patches import Patch

from ..figure import Figure
from ..jobs import REPLICAS, facets, shown
from ..result import PlotError
from ..style import CATEGORICAL, Colours, Page


def draw_ranks(axes, jobs, ranks, start, face):
    """The bars of the jobs in a row for each rank."""
    for place, rank in enumerate(ranks):
        own = [job for job in jobs if job.value("rank") == rank]
        bars = [(job.value("started") - start, job.value("seconds")) for job in own]
        axes.broken_barh(bars, (place - 0.4, 0.8), facecolors=list(map(face, own)), linewidth=0)
    axes.set_yticks(range(len(ranks)), [f"rank {rank}" for rank in ranks])
    axes.set_ylim(-0.6, len(ranks) - 0.4)
    axes.grid(False, axis="y")


def gantt(result, options):
    """A row for each rank, a bar for each job from its start to its end, coloured by a swept parameter."""
    jobs = [job for job in result.jobs if job.value("started") >= 0]  # below 0: reused from another file
    if not jobs:
        raise PlotError("gantt: no job was run for this file")
    name = options.by or next((name for name in result.varying() if name not in REPLICAS), None)
    colours = Colours(name, result.values(name)) if name else None
    ranks = sorted({job.value("rank") for job in jobs})
    start = min(job.value("started") for job in jobs)
    end = max(job.value("started") + job.value("seconds") for job in jobs) - start
    panels = facets(result, jobs, options)
    said = shown(result, jobs, "only jobs that were run for this file" if len(jobs) < len(result.jobs) else "")
    height = 0.9 + 0.45 * len(ranks)
    page = Page(result, said, [title for title, _ in panels], columns=1, panel_height=height)
    for axes, (_, own) in zip(page.panels, panels):
        face = lambda job: colours(job.parameters.get(name)) if colours else CATEGORICAL[0]
        draw_ranks(axes, own, ranks, start, face)
        axes.set_xlim(0, end)
    page.axis_labels("seconds since the first job began", "")
    share = sum(job.value("seconds") for job in jobs) / (len(ranks) * end)
    page.note(f"{share:.1%} of the time of {len(ranks)} workers is in jobs")
    if colours and colours.continuous:
        page.colour_bar(colours)
    if colours and colours.words:
        page.legend(colours.handles(lambda colour, words: Patch(color=colour, label=words)))
    return page


FIGURE = Figure(place=130, meaning="the jobs of each rank over time: how busy the cores were", draw=gantt, scales=False)
