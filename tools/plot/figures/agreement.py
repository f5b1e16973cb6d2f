"""By how much trajectories under two distances differ, against the step size, with rates over seeds."""

import numpy as np

from ..figure import Figure
from ..fit import bootstrap_rate, describe
from ..result import PlotError, in_order
from ..style import CATEGORICAL, Page, is_number, tick_text

WINDOW = (1e-6, 3e-3)  # differences to which a rate is fitted: above the onset, which is not a power, below saturation
SAME = 1e-12  # relative differences up to this are rounding
BANDS = ((5, 95, 0.15), (25, 75, 0.3))
METRICS = ("frobenius", "wasserstein")


def suits(result):
    needed = {"gamma", "seed", "metric"} <= set(result.varying())
    return needed and set(METRICS) <= set(result.values("metric"))


def pairs(result):
    """{(value of a third parameter or None, gamma, seed): (Frobenius job, Wasserstein job)}, and that parameter."""
    others = [name for name in result.varying() if name not in ("gamma", "seed", "metric")]
    if len(others) > 1:
        raise PlotError(f"agreement: {' and '.join(others)} vary too; choose one value with --where NAME=VALUE")
    other = others[0] if others else None
    found = {}
    for job in result.jobs:
        if not {"gamma", "seed", "metric"} <= set(job.parameters):
            continue
        key = (job.parameters.get(other), job.parameters["gamma"], job.parameters["seed"])
        found.setdefault(key, {})[job.parameters["metric"]] = job
    complete = {key: tuple(jobs[name] for name in METRICS) for key, jobs in found.items() if set(METRICS) <= set(jobs)}
    if not complete:
        raise PlotError("agreement needs jobs that differ only in the metric: sweep metric: [frobenius, wasserstein]")
    return complete, other


def difference(frobenius, wasserstein):
    """The largest difference of F along the way, over the initial F."""
    count = min(len(frobenius.trace["objective"]), len(wasserstein.trace["objective"]))
    one, two = frobenius.trace["objective"][:count], wasserstein.trace["objective"][:count]
    return float(np.max(np.abs(one - two)) / one[0])


def renamed(job):
    """The share of steps whose Wasserstein distance is below the Frobenius distance: neurons exchanged places."""
    if not {"distance_frobenius", "distance_wasserstein"} <= set(job.source.file):
        return np.nan
    frobenius, wasserstein = job.trace["distance_frobenius"][1:], job.trace["distance_wasserstein"][1:]
    return float(np.mean(frobenius - wasserstein > 1e-9 * frobenius))


def tables(complete, value):
    """A panel's gammas, differences [seeds, gammas], and shares of steps with new names [seeds, gammas]."""
    own = {key[1:]: jobs for key, jobs in complete.items() if key[0] == value}
    gammas = sorted({gamma for gamma, _ in own})
    seeds = [seed for seed in sorted({seed for _, seed in own}) if all((gamma, seed) in own for gamma in gammas)]
    if not seeds:
        raise PlotError("agreement: no seed has finished every gamma under both distances")
    differences = np.array([[difference(*own[gamma, seed]) for gamma in gammas] for seed in seeds])
    shares = np.array([[renamed(own[gamma, seed][1]) for gamma in gammas] for seed in seeds])
    return np.array(gammas), differences, shares


def threshold(gammas, differences):
    """The largest gamma up to which all seeds agree to rounding, or None."""
    same = np.all(differences <= SAME, axis=0)
    return float(gammas[: int(np.argmin(same)) if not same.all() else None][-1]) if same[0] else None


def draw_difference(axes, gammas, differences, floor):
    shown = np.maximum(differences, floor)
    for low, high, alpha in BANDS:
        edges = np.percentile(shown, (low, high), axis=0)
        axes.fill_between(gammas, *edges, color=CATEGORICAL[0], alpha=alpha, linewidth=0)
    axes.plot(gammas, np.median(shown, axis=0), "o-", color=CATEGORICAL[0], markersize=3.5, linewidth=1.3)
    differ = (np.median(differences, axis=0) > WINDOW[0]) & (np.median(differences, axis=0) < WINDOW[1])
    rate = None
    if differ.sum() > 2:
        rate = bootstrap_rate(gammas[differ], shown[:, differ], np.median)
        line = rate.factor * gammas[differ] ** rate.exponent
        axes.plot(gammas[differ], line, "--", color=CATEGORICAL[1], label=describe(rate, r"\gamma"))
        axes.legend(loc="upper left", fontsize=8)
    return rate


def agreement(result, options):
    """A column for each value of a third parameter: difference of F above, share of steps with new names below."""
    complete, other = pairs(result)
    values = sorted({key[0] for key in complete}, key=in_order)
    page = Page(result, 2 * len(values), columns=len(values), shared="row", panel_height=2.4, gap=0.35)
    page.rates, page.thresholds = {}, {}
    floor = SAME / 10
    for i, value in enumerate(values):
        gammas, differences, shares = tables(complete, value)
        above, below = page.panels[i], page.panels[len(values) + i]
        page.rates[value] = draw_difference(above, gammas, differences, floor)
        page.thresholds[value] = threshold(gammas, differences)
        for low, high, alpha in BANDS:
            edges = np.percentile(shares, (low, high), axis=0)
            below.fill_between(gammas, *edges, color=CATEGORICAL[2], alpha=alpha, linewidth=0)
        below.plot(gammas, np.median(shares, axis=0), "o-", color=CATEGORICAL[2], markersize=3.5, linewidth=1.3)
        for axes in (above, below):
            axes.set_xscale("log")
            if page.thresholds[value]:
                axes.axvspan(gammas[0], page.thresholds[value], color="#000000", alpha=0.06, linewidth=0)
        above.set_yscale("log")
        title = "" if other is None else f"{page.label(other)}  {tick_text(value) if is_number(value) else value or ''}"
        page.describe(above, title, None, None if i else "largest relative difference of $F$")
        page.describe(below, "", "gamma", None if i else "steps with new names")
        below.set_ylim(-0.03, 1.03)
    page.note(
        f"grey: equal in every step for every seed, to {SAME:g} (drawn at {floor:g});"
        f" {len(differences)} seeds, bands 25–75 %, 5–95 %"
    )
    return page


FIGURE = Figure(
    place=20,
    meaning="difference of Frobenius and Wasserstein trajectories against gamma, medians over seeds",
    draw=agreement,
    suits=suits,
)
