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
    sys.exit(any(error >= 1e-10 for error in worst.values()) or any(error >= 0.05 for error in translated.values()))


if __name__ == "__main__":
    main()
