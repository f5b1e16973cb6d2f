"""Convergence to the mean-field limit: descents of many widths and seeds, and JKO on finer and finer grids."""

import numpy as np

from ..figure import Figure
from ..fit import describe, plane, rate_of
from ..jobs import at_time, facets, positive_count, shown, spacing
from ..optimum import COLOUR, DASHED, TEXT, optimum_of
from ..result import PlotError, in_order
from ..style import CATEGORICAL, INK, MUTED, Colours, Page, set_log_ticks, set_log_y
from ..words import number_text

PARTICLES, OTHER = CATEGORICAL[0], CATEGORICAL[1]
LEAST_WIDTHS = 3
MOST_ROWS = 12
BANDS = ((5, 95, 0.15), (25, 75, 0.3))


def suits(result):
    """Descents of several widths and seeds whose weights are kept."""
    jobs = particles(result)
    names = [name for name in ("width", "seed") if name in result.varying()]
    return bool(jobs) and len(names) == 2 and jobs[0].has_state() and len(result.values("width")) >= LEAST_WIDTHS


def particles(result):
    return [job for job in result.jobs if "width" in job.parameters]


def complete_seeds(jobs):
    """Jobs as a table [seeds][widths], only seeds with a finite F for every width, and the widths; None without any."""
    found = {(job.parameters.get("seed"), job.parameters["width"]): job for job in jobs}
    if len(found) < len(jobs):
        raise PlotError("mean-field: the jobs of a row differ in more than width and seed; see --facet and --where")
    widths = sorted({width for _, width in found})
    seeds = sorted({seed for seed, _ in found}, key=in_order)
    table = [[found.get((seed, width)) for width in widths] for seed in seeds]
    table = [row for row in table if all(job and np.isfinite(job.value("objective_final")) for job in row)]
    return (table, np.array(widths, float)) if table and len(widths) >= LEAST_WIDTHS else None


def coupled_distance(weights, positive, widest, widest_positive):
    """(1/m) sum |w_i(m) - w_i(M)|^2 over neurons paired by sign and index."""
    negative = len(weights) - positive
    partner = np.concatenate([widest[:positive], widest[widest_positive : widest_positive + negative]])
    return float(np.sum((weights - partner) ** 2) / len(weights))


def coupled_distances(table):
    """[seeds, widths below the widest], from the last states."""
    rows = []
    for jobs in table:
        widest = jobs[-1].state()[-1]
        split = positive_count(jobs[-1])
        rows.append([coupled_distance(job.state()[-1], positive_count(job), widest, split) for job in jobs[:-1]])
    return np.array(rows)


def draw_bands(axes, widths, samples, colour, name):
    for low, high, alpha in BANDS:
        edges = np.percentile(samples, (low, high), axis=0)
        axes.fill_between(widths, *edges, color=colour, alpha=alpha, linewidth=0)
    axes.plot(widths, np.median(samples, axis=0), "o-", color=colour, markersize=4, linewidth=1.4, label=name)


def effective(widths):
    """m / (1 - m/M) for every width m below the widest, M.

    The means of nested samples differ by a variance proportional to 1/m - 1/M; this is its inverse.
    """
    return widths[:-1] / (1 - widths[:-1] / widths[-1])


def draw_rate(axes, widths, used, rate, colour):
    """The fitted power of the effective width, over the widths used."""
    if rate is None:
        return
    values = rate.factor * effective(widths)[used] ** rate.exponent
    axes.plot(widths[:-1][used], values, "--", color=colour, linewidth=1.2, label=f"fit {describe(rate)}")


def draw_objective(axes, widths, objective, limit, optimum, alone):
    """F against width; in a row that stands alone down to the optimum, with the range of the widths enlarged."""
    places = [(axes, "median over seeds" if len(objective) > 1 else "one seed")]
    if alone:
        zoom = axes.inset_axes([0.25, 0.17, 0.72, 0.36])
        zoom.set_xscale("log")
        zoom.set_title("enlarged", size=8, color=MUTED, loc="left", pad=2)
        zoom.tick_params(labelsize=7.5)
        places.append((zoom, None))
    for place, name in places:
        draw_bands(place, widths, objective, PARTICLES, name)
        if limit:
            place.axhline(limit[0], color=OTHER, linewidth=1.2, label="JKO, no grid, no step")
    if alone:
        set_log_ticks(zoom.xaxis)
        if optimum is not None:
            axes.axhline(optimum, color=COLOUR, label=f"{TEXT} = {number_text(optimum)}", **DASHED)
        if objective.max() > 0:
            axes.set_ylim(-0.05 * objective.max(), 1.6 * np.percentile(objective, 95))


def draw_deviation(axes, widths, objective):
    """|F(m) - F(M)| of one seed, which is mostly fluctuation, and F(m) - F(M) averaged over seeds, the bias."""
    everywhere = np.full(len(widths) - 1, True)
    deviation = objective[:, :-1] - objective[:, -1:]
    absolute = np.abs(deviation)
    draw_bands(axes, widths[:-1], absolute, PARTICLES, "one run: median")
    rate = rate_of(effective(widths), absolute, np.median)
    draw_rate(axes, widths, everywhere, rate, PARTICLES)
    if np.median(absolute[:, -1]) > 0:
        axes.set_ylim(0.1 * np.median(absolute[:, -1]), None)
    if len(objective) < 2:
        return rate, None
    mean, error = deviation.mean(axis=0), 1.96 * deviation.std(axis=0, ddof=1) / np.sqrt(len(deviation))
    clear = mean - error > 0
    style = {"fmt": "s", "color": OTHER, "markersize": 4, "capsize": 2, "linewidth": 1}
    axes.errorbar(widths[:-1][clear], mean[clear], error[clear], **style, label=r"mean over seeds $\pm$ 95 %")
    beyond = ~clear
    words = "mean: not told from 0, below this" if beyond.any() else "_"
    most = np.abs(mean[beyond]) + error[beyond]
    axes.plot(widths[:-1][beyond], most, "v", color=OTHER, markersize=4, alpha=0.6, label=words)
    bias = None
    if clear.sum() > 2:
        bias = rate_of(effective(widths)[clear], deviation[:, clear], np.mean)
        draw_rate(axes, widths, clear, bias, OTHER)
    return rate, bias


def draw_distance(axes, widths, distance):
    draw_bands(axes, widths[:-1], distance, PARTICLES, "one run: median")
    rate = rate_of(effective(widths), distance, np.median)
    draw_rate(axes, widths, np.full(len(widths) - 1, True), rate, PARTICLES)
    return rate


def grid_points(result, time):
    """(gamma, spacing h, F at that time) of every JKO job that recorded it."""
    points = []
    for job in result.jobs:
        if "grid" in job.parameters and job.value("method") == "jko":
            objective = at_time(job, time)
            if objective is not None:
                points.append((float(job.value("gamma")), spacing(job), objective))
    return sorted(points)


def grid_limit(points):
    """F0 and its error from F = F0 + a gamma + b h^2/gamma, fitted where both errors are small; or None."""
    near = [point for point in points if point[1] ** 2 / point[0] < 0.05]
    if len(near) < 4 or len({gamma for gamma, _, _ in near}) < 2:
        return None
    columns = [[1.0] * len(near), [gamma for gamma, _, _ in near], [h**2 / gamma for gamma, h, _ in near]]
    coefficients, reach = plane(columns, [value for _, _, value in near])
    return float(coefficients[0]), float(reach[0])


def draw_grids(axes, points, limit, objective):
    """F against grid spacing, a curve for each step size, beside the widest descents."""
    gammas = sorted({gamma for gamma, _, _ in points})
    colours = Colours("gamma", gammas)
    for gamma in gammas:
        own = [(h, value) for other, h, value in points if other == gamma]
        axes.plot(*zip(*own), "o-", color=colours(gamma), markersize=4, linewidth=1.3, label=rf"$\gamma = {gamma:g}$")
    many = len(objective) > 1
    middle, error = objective[:, -1].mean(), many and 1.96 * objective[:, -1].std(ddof=many) / np.sqrt(len(objective))
    axes.axhline(middle, color=PARTICLES, linewidth=1.2, label=rf"widest descents: {middle:.5f} $\pm$ {error:.5f}")
    if limit:
        reach = rf" $\pm$ {limit[1]:.5f}" if np.isfinite(limit[1]) else ""
        axes.axhline(limit[0], color=OTHER, linestyle="--", linewidth=1.2, label=f"extrapolated: {limit[0]:.5f}{reach}")


def settle(page, axes, x, y, scales, legend):
    """Labels, scales and legend of a panel; an axis is logarithmic only if something on it is positive."""
    axes.set_xscale(scales[0])
    if scales[1] == "log":
        set_log_y(axes)
    page.describe(axes, x, y)
    axes.legend(loc=legend, fontsize=7.6, handlelength=1.6, borderaxespad=0.2, labelcolor=INK, labelspacing=0.35)


def draw_row(page, panels, table, widths, points, distance, alone):
    """F against width with the optimum; its deviation; the coupled distance if states are kept; JKO on grids."""
    objective = np.array([[job.value("objective_final") for job in jobs] for jobs in table])
    limit = grid_limit(points)
    falling, rates = ("log", "linear"), ("log", "log")
    draw_objective(panels[0], widths, objective, limit, optimum_of(table[0][-1]), alone)
    settle(page, panels[0], "width", "objective", falling, "upper right")
    rate, bias = draw_deviation(panels[1], widths, objective)
    settle(page, panels[1], "width", r"$|F(m) - F(M)|$", rates, "lower left")
    page.rates = {"deviation": rate, "bias": bias, "grid": limit}
    if distance:
        page.rates["distance"] = draw_distance(panels[2], widths, coupled_distances(table))
        words = r"$\frac{1}{m}\sum_i \Vert w_i(m) - w_i(M)\Vert^2$"
        settle(page, panels[2], "width", words, rates, "lower left")
    if points:
        draw_grids(panels[-1], points, limit, objective)
        settle(page, panels[-1], "spacing of the grid  $h$", "objective", falling, "upper left")


def keeps_states(table):
    return all(job.has_state() and np.isfinite(job.state()[-1]).all() for jobs in table for job in jobs)


def titles(name, table, points, distance):
    """Titles of a row's panels."""
    time = f"at time {float(table[0][-1].trace['time'][-1]):.4g}"
    seeds = f"{len(table)} seeds" if len(table) > 1 else "one seed"
    found = [f"objective {time}, {seeds}", "its distance from the widest run's"]
    found += ["coupled distance to the widest run"] if distance else []
    found += [f"JKO on a grid {time}"] if points else []
    return [f"{name}, {found[0]}" if name else found[0], *found[1:]]


def mean_field(result, options):
    """A row of panels for each combination of the other parameters that vary; JKO on grids beside a single row."""
    jobs = particles(result)
    varying = {name for name in result.varying() if len({job.parameters.get(name) for job in jobs}) > 1}
    others = [name for name in result.varying() if name in varying - {"width", "seed"}]
    groups = [(title, complete_seeds(own)) for title, own in facets(result, jobs, options, others, MOST_ROWS)]
    rows = [(title, *found) for title, found in groups if found]
    if not rows:
        raise PlotError(f"mean-field needs a sweep of {LEAST_WIDTHS} widths that one seed, or more, has finished")
    points = grid_points(result, float(rows[0][1][0][-1].trace["time"][-1])) if len(rows) == 1 else []
    distance = all(keeps_states(table) for _, table, _ in rows)
    heads = [head for title, table, _ in rows for head in titles(title, table, points, distance)]
    used = [job for _, table, _ in rows for line in table for job in line]
    used += [job for job in result.jobs if points and "grid" in job.parameters]
    said = shown(result, used, "only seeds that finished every width" if len(used) < len(result.jobs) else "")
    count = len(heads) // len(rows)
    page = Page(result, said, heads, columns=2 if count == 4 else count, shared=False, panel_height=3.0)
    for k, (_, table, widths) in enumerate(rows):
        draw_row(page, page.panels[k * count : (k + 1) * count], table, widths, points, distance, len(rows) == 1)
    page.note(
        f"M = {rows[0][2][-1]:,.0f} neurons".replace(",", " ")
        + "; fits in 1/m − 1/M, as neurons are nested; bands: 25–75 %, 5–95 %; intervals: 95 %"
        + ("" if distance else "; for the coupled distance set save: last")
    )
    return page


FIGURE = Figure(
    place=10,
    meaning="objective and coupled distance against width, medians over seeds; jko from a second file",
    draw=mean_field,
    suits=suits,
)
