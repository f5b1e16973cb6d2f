"""How far descents end from the exact gradient flow, against their step size: errors, orders, and where they part."""

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from ..figure import Figure
from ..fit import describe, factor, median_rate, slope
from ..jobs import MASSES, REPLICAS, facets, shown
from ..neuron_paths import ON_KINK, weights_of
from ..result import PlotError
from ..samples import samples
from ..style import CATEGORICAL, Page

STEPPING = ("method", "metric", "gamma", "steps")  # what a flow may have else than the descents beside it
LEAST_FITTED = 3  # values of gamma
MOST_COLUMNS = 4
BAND = (5, 95)
OF_F = r"$|F - F_{\mathrm{flow}}|$"
OF_W = r"$(\frac{1}{m}\sum_i \Vert w_i - w_i^{\mathrm{flow}}\Vert^2)^{1/2}$"
PARTED = "neurons on another branch"
HEADER = ("", "descent", "order of F", "order of W", "error of W", "no neuron parts up to γ", "in half of the seeds")


def suits(result):
    names = set(result.varying())
    return {"method", "gamma"} <= names and "flow" in result.values("method") and any(map(has_state, result.jobs))


def has_state(job):
    return job.value("method") not in MASSES and job.has_state()


def is_flow(job):
    return job.value("method") == "flow"


def flow_of(job, flows):
    """The first of the flows with as many neurons that agrees with a descent in all that both read; or None."""
    own = {name: value for name, value in job.parameters.items() if name not in STEPPING}
    alike = (flow for flow in flows if all(flow.parameters.get(name, value) == value for name, value in own.items()))
    return next((flow for flow in alike if flow.value("state_rows") == job.value("state_rows")), None)


def common_time(jobs):
    """The time at which most jobs have a state, the latest of such; 0 where none has."""
    times = {float(f"{job.trace['time'][-1]:.12g}") for job in jobs}
    return max(times, key=lambda time: (sum(record_at(job, time) is not None for job in jobs), time), default=0.0)


def record_at(job, time):
    """The record at that time, which has a state; None where there is none."""
    times = job.trace["time"]
    nearest = int(np.argmin(np.abs(times - time)))
    kept = job.has_states() or nearest == len(times) - 1
    return nearest if kept and abs(times[nearest] - time) <= 1e-9 * time else None


def alive(weights, inputs):
    """Which neurons activate a sample, beyond rounding."""
    sizes = np.linalg.norm(weights, axis=1)[:, None] * np.linalg.norm(inputs, axis=1)
    return (weights @ inputs.T > ON_KINK * sizes).any(axis=1)


def end(job, time):
    """F and the weights at that time."""
    record = record_at(job, time)
    return job.trace["objective"][record], weights_of(job)[record if job.has_states() else -1]


def errors(job, flow, time, inputs):
    """Of F and of the weights, and the share of neurons that activate a sample in one of the two alone."""
    (objective, weights), (exact, exact_weights) = end(job, time), end(flow, time)
    distance = np.sqrt(np.sum((weights - exact_weights) ** 2) / len(weights))
    return abs(objective - exact), distance, np.mean(alive(weights, inputs) != alive(exact_weights, inputs))


def name_of(job):
    """A descent as the legend names it: gd, or prox with its metric."""
    return ", ".join(str(job.parameters[part]) for part in STEPPING[:2] if part in job.parameters)


def tables(jobs, flows, time, options):
    """{descent: (gammas, errors [seeds, gammas, 3])} of a panel, of the seeds that finished every gamma."""
    found, inputs = {}, {}
    for job in jobs:
        flow, seed = flow_of(job, flows), tuple(job.parameters.get(name) for name in REPLICAS)
        if id(flow) not in inputs:
            inputs[id(flow)] = samples(flow, options)[0]
        own = found.setdefault(name_of(job), {}).setdefault(seed, {})
        own[job.parameters["gamma"]] = errors(job, flow, time, inputs[id(flow)])
    made = {}
    for name, seeds in sorted(found.items()):
        gammas = sorted(set().union(*seeds.values()))
        whole = [[own[gamma] for gamma in gammas] for own in seeds.values() if len(own) == len(gammas)]
        if whole:
            made[name] = np.array(gammas), np.array(whole)
    return made


def together(parted):
    """Of each seed how many step sizes, from the least on, leave every neuron on the flow's branch: [seeds]."""
    return np.sum(np.maximum.accumulate(parted, axis=1) == 0, axis=1)


def order_of(gammas, values, counts):
    """The median over seeds of the orders of errors [seeds, gammas] before neurons part; None where too few tell."""
    used = [(gammas[:count], own[:count]) for own, count in zip(values, counts) if count >= LEAST_FITTED]
    used = [(own_gammas, own) for own_gammas, own in used if np.all(own > 0)]
    return median_rate([slope(*own) for own in used], [factor(*own, 1) for own in used]) if len(used) > 1 else None


def draw_curve(axes, gammas, values, colour, rate, last):
    """A descent's errors of one kind [seeds, gammas] and the power law up to that step size."""
    axes.fill_between(gammas, *np.percentile(values, BAND, axis=0), color=colour, alpha=0.15, linewidth=0)
    axes.plot(gammas, np.median(values, axis=0), "o-", color=colour, markersize=3, linewidth=1.1)
    if rate:
        line = gammas[gammas <= last]
        axes.plot(line, rate.factor * line, "--", color=colour, linewidth=2, label=describe(rate, r"\gamma"))


def said(rate):
    return f"{rate.exponent:.2f} ({rate.low:.2f} to {rate.high:.2f})" if rate else "–"


def draw_column(panels, own, colours):
    """The three panels of a column. Returns the rows of its table."""
    rows = []
    for name, (gammas, values) in own.items():
        counts = together(values[:, :, 2])
        ends = [gammas[count - 1] if count else np.nan for count in (min(counts), int(np.median(counts)))]
        rates = [order_of(gammas, values[:, :, k], counts) for k in range(2)] + [None]
        for k, axes in enumerate(panels):
            draw_curve(axes, gammas, values[:, :, k], colours[name], rates[k], ends[1])
        error = f"{rates[1].factor:.2g} γ" if rates[1] else "–"
        rows.append([name, *map(said, rates[:2]), error, *("–" if np.isnan(end) else f"{end:g}" for end in ends)])
    return rows


def flow_error(result, options):
    """A column for each combination of other parameters: errors of F and of the weights, and neurons that part."""
    jobs = list(filter(has_state, result.jobs))
    time = common_time(jobs)
    jobs = [job for job in jobs if record_at(job, time) is not None]
    flows = list(filter(is_flow, jobs))
    stepped = [job for job in jobs if "gamma" in job.parameters and not is_flow(job) and flow_of(job, flows)]
    others = [name for name in result.varying() if name not in (*STEPPING, *REPLICAS)]
    groups = facets(result, stepped, options, others, MOST_COLUMNS) if time > 0 else []
    columns = [(title, tables(own, flows, time, options)) for title, own in groups]
    columns = [column for column in columns if column[1]]
    if not columns:
        raise PlotError(
            "flow-error needs the states of method flow and of other descents at one time:"
            " sweep method and gamma, with save: last or all"
        )
    names = sorted(set().union(*(own for _, own in columns)))
    colours = dict(zip(names, CATEGORICAL))
    seen = stepped + flows
    why = f"at time {time:.4g}" + ("; only descents beside a flow" if len(seen) < len(result.jobs) else "")
    titles = [title for title, _ in columns] + [""] * (2 * len(columns))
    page = Page(result, shown(result, seen, why), titles, columns=len(columns), shared="row", panel_height=2.3)
    page.table = HEADER, []
    for i, (title, own) in enumerate(columns):
        panels = page.panels[i :: len(columns)]
        page.table[1].extend([title, *row] for row in draw_column(panels, own, colours))
        for axes, label, scale in zip(panels, (OF_F, OF_W, PARTED), ("log", "log", "linear")):
            axes.set_xscale("log")
            axes.set_yscale(scale)
            page.describe(axes, "gamma" if label == PARTED else None, None if i else label)
        for axes in panels[:2]:
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="upper left", fontsize=7.5, handlelength=1.6, labelspacing=0.3, borderaxespad=0.1)
        panels[2].yaxis.set_major_formatter(PercentFormatter(1, 0))
    page.legend([Line2D([], [], color=colours[name], marker="o", markersize=4, label=name) for name in names])
    seeds = max(len(values) for _, own in columns for _, values in own.values())
    page.note(
        f"medians over {seeds} seeds, bands 5–95 %; a neuron is on another branch where it activates a sample in one of"
        " descent and flow alone;\ndashed: order of each seed up to its first such neuron, median with 95 % interval"
    )
    return page


FIGURE = Figure(
    place=25,
    meaning="errors of descents against method flow over gamma, with orders over seeds (save: last; --table)",
    draw=flow_error,
    suits=suits,
)
