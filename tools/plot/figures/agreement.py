"""By how much trajectories under two distances differ, against the step size, with rates over seeds."""

import numpy as np

from ..figure import Figure
from ..fit import bootstrap_rate, describe
from ..jobs import facets, shown
from ..result import PlotError
from ..style import CATEGORICAL, Page

WINDOW = (1e-6, 3e-3)  # differences to which a rate is fitted: above the onset, which is not a power, below saturation
SAME = 1e-12  # relative differences up to this are rounding
BANDS = ((5, 95, 0.15), (25, 75, 0.3))
MOST_COLUMNS = 4
METRICS = ("frobenius", "wasserstein")


def suits(result):
    needed = {"gamma", "seed", "metric"} <= set(result.varying())
    return needed and set(METRICS) <= set(result.values("metric"))


def pairs(jobs):
    """{(gamma, seed): (Frobenius job, Wasserstein job)} of jobs that differ in the metric alone."""
    found = {}
    for job in jobs:
        if {"gamma", "seed", "metric"} <= set(job.parameters):
            own = found.setdefault((job.parameters["gamma"], job.parameters["seed"]), {})
            if job.parameters["metric"] in own:
                raise PlotError("agreement: jobs of a panel differ in more than gamma, seed and metric; see --facet")
            own[job.parameters["metric"]] = job
    return {key: tuple(own[name] for name in METRICS) for key, own in found.items() if set(METRICS) <= set(own)}


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


def tables(own):
    """A panel's gammas, differences [seeds, gammas], and shares of steps with new names [seeds, gammas]; or None."""
    gammas = sorted({gamma for gamma, _ in own})
    seeds = [seed for seed in sorted({seed for _, seed in own}) if all((gamma, seed) in own for gamma in gammas)]
    differences = np.array([[difference(*own[gamma, seed]) for gamma in gammas] for seed in seeds])
    shares = np.array([[renamed(own[gamma, seed][1]) for gamma in gammas] for seed in seeds])
    return (np.array(gammas), differences, shares) if np.isfinite(differences).any() else None


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


def draw_shares(axes, gammas, shares):
    if not np.isfinite(shares).all():
        axes.set_visible(False)
        return
    for low, high, alpha in BANDS:
        edges = np.percentile(shares, (low, high), axis=0)
        axes.fill_between(gammas, *edges, color=CATEGORICAL[2], alpha=alpha, linewidth=0)
    axes.plot(gammas, np.median(shares, axis=0), "o-", color=CATEGORICAL[2], markersize=3.5, linewidth=1.3)
    axes.set_ylim(-0.03, 1.03)


def agreement(result, options):
    """A column for each value of a third parameter: difference of F above, share of steps with new names below."""
    others = [name for name in result.varying() if name not in ("gamma", "seed", "metric")]
    groups = [(title, pairs(jobs)) for title, jobs in facets(result, result.jobs, options, others, MOST_COLUMNS)]
    columns = [(title, own, tables(own)) for title, own in groups if own]
    columns = [column for column in columns if column[2]]
    if not columns:
        raise PlotError(
            "agreement needs seeds that finished every gamma under both distances:"
            " sweep gamma, seed and metric: [frobenius, wasserstein]"
        )
    jobs = [job for _, own, _ in columns for pair in own.values() for job in pair]
    said = shown(result, jobs, "only pairs of both distances" if len(jobs) < len(result.jobs) else "")
    titles = [title for title, *_ in columns] + [""] * len(columns)
    page = Page(result, said, titles, columns=len(columns), shared="row", panel_height=2.4)
    page.rates, page.thresholds = {}, {}
    floor = SAME / 10
    for i, (title, _, (gammas, differences, shares)) in enumerate(columns):
        above, below = page.panels[i], page.panels[len(columns) + i]
        page.rates[title] = draw_difference(above, gammas, differences, floor)
        page.thresholds[title] = threshold(gammas, differences)
        draw_shares(below, gammas, shares)
        for axes in (above, below):
            axes.set_xscale("log")
            if page.thresholds[title]:
                axes.axvspan(gammas[0], page.thresholds[title], color="#000000", alpha=0.06, linewidth=0)
        above.set_yscale("log")
        lowest = None if below.get_visible() else "gamma"
        page.describe(above, lowest, None if i else "largest relative difference of $F$")
        page.describe(below, "gamma", None if i else "steps with new names")
    page.note(
        f"grey: equal in every step for every seed, to {SAME:g} (drawn at {floor:g});"
        f" {len(differences)} seeds, bands 25–75 %, 5–95 %"
        + ("" if np.isfinite(shares).all() else "; new names are told with record_distances: all")
    )
    return page


FIGURE = Figure(
    place=20,
    meaning="difference of Frobenius and Wasserstein trajectories against gamma, medians over seeds",
    draw=agreement,
    suits=suits,
)
