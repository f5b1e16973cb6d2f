"""The references' own distances against POT, which computes them by other means: check_metrics.py."""

import sys

import numpy as np
import ot

import metrics_reference as metrics


def clouds(random, m, d, near):
    W = random.standard_normal((m, d))
    V = W + 0.01 * random.standard_normal((m, d)) if near else random.standard_normal((m, d)) + 1
    return np.where(random.random(m) < 0.6, 1.0, -1.0), V, W


def by_pot(alpha, V, W, distance):
    """A distance that POT gives for each sign, joined by mass."""
    return sum(len(members) / len(V) * distance(V[members], W[members]) for members in metrics.signs(alpha))


def gap(actual, expected, V, W):
    """Relative difference beyond the rounding of the costs that POT sums, which are of the size of the clouds."""
    rounding = 10 * np.spacing(np.max(np.abs(V)) ** 2 + np.max(np.abs(W)) ** 2)
    return max(0.0, abs(actual - expected) - rounding) / expected


def translation(random, d):
    """How far d D of a cloud and its translate, on average over 20 000 directions, is from the squared distance, and
    its gradient from that of the squared distance, relative to these."""
    alpha, _, W = clouds(random, 40, d, False)
    shift = random.standard_normal(d)
    steps = [metrics.sliced(metrics.directions(3, step, 50, d), d)(alpha, W + shift, W) for step in range(1, 401)]
    value, gradient = (np.mean(part, axis=0) for part in zip(*steps))
    slope = 2 * shift / len(W)
    return max(abs(value / (shift @ shift) - 1), np.max(np.abs(gradient - slope)) / np.max(np.abs(slope)))


def entropic_cost(x, y, epsilon):
    """OT_epsilon by POT's own iterations: the cost of its plan, and epsilon times the divergence of that from the
    product of the masses, which POT's values leave out."""
    cost, uniform = ot.dist(x, y), ot.unif(len(x))
    plan = ot.bregman.sinkhorn_log(uniform, uniform, cost, epsilon, numItermax=100000, stopThr=1e-12)
    return np.sum(plan * cost) + epsilon * np.sum(plan * np.log(plan * len(x) ** 2))


def sinkhorn_gaps(random, epsilon):
    """How far the divergence is from POT's, relative to it, and its gradient from differences, relative to the
    largest entry."""
    gaps = []
    for d, near in ((1, False), (2, False), (2, True), (5, False), (10, False)):
        alpha, V, W = clouds(random, 24, d, near)
        distance = metrics.sinkhorn(epsilon * d)
        value, gradient = distance(alpha, V, W)
        expected = by_pot(alpha, V, W, lambda v, w: entropic_cost(v, w, epsilon * d) - (
            entropic_cost(v, v, epsilon * d) + entropic_cost(w, w, epsilon * d)) / 2)
        step, slopes = 1e-4 * np.std(V), np.zeros_like(V)
        for place in np.ndindex(*V.shape):
            moved = np.zeros_like(V)
            moved[place] = step
            ends = [distance(alpha, V + side * moved, W)[0] for side in (1, -1)]
            slopes[place] = (ends[0] - ends[1]) / (2 * step)
        gaps.append((abs(value - expected) / (abs(expected) + 1e-6 * d),
                     np.max(np.abs(gradient - slopes)) / np.max(np.abs(gradient))))
    return np.max(gaps, axis=0)


def main():
    random = np.random.default_rng(7)
    worst = {"wasserstein": 0.0, "sliced": 0.0, "sliced, times d": 0.0}
    for m, d, near, _ in np.ndindex(40, 4, 2, 2):
        alpha, V, W = clouds(random, m + 1, d + 1, near)
        theta = metrics.directions(m + 1, d + 1, 13, d + 1)
        exact = by_pot(alpha, V, W, lambda v, w: ot.emd2(ot.unif(len(v)), ot.unif(len(w)), ot.dist(v, w)))
        mean = by_pot(alpha, V, W, lambda v, w: ot.sliced_wasserstein_distance(
            v, w, n_projections=13, projections=theta.T) ** 2)
        worst["wasserstein"] = max(worst["wasserstein"], gap(metrics.wasserstein(alpha, V, W)[0], exact, V, W))
        worst["sliced"] = max(worst["sliced"], gap(metrics.sliced(theta)(alpha, V, W)[0], mean, V, W))
        scaled = metrics.sliced(theta, d + 1)(alpha, V, W)[0]
        worst["sliced, times d"] = max(worst["sliced, times d"], gap(scaled, (d + 1) * mean, V, W))
    for name, error in worst.items():
        print(f"{'ok   ' if error < 1e-10 else 'FAIL '} {name}: 640 pairs of clouds, relative error {error:.1e}")
    translated = {d: translation(random, d) for d in (2, 3, 7)}
    for d, error in translated.items():
        print(f"{'ok   ' if error < 0.05 else 'FAIL '} sliced, times d: a translation, d = {d}: {error:.1e}")
    entropic = {epsilon: sinkhorn_gaps(random, epsilon) for epsilon in (1.0, 0.3)}
    for epsilon, errors in entropic.items():
        print(f"{'ok   ' if max(errors) < 1e-6 else 'FAIL '} sinkhorn: 5 pairs of clouds, epsilon {epsilon} d, "
              f"relative error {errors[0]:.1e}, of the gradient {errors[1]:.1e}")
    sys.exit(any(error >= 1e-10 for error in worst.values()) or any(error >= 0.05 for error in translated.values())
             or any(max(errors) >= 1e-6 for errors in entropic.values()))


if __name__ == "__main__":
    main()
