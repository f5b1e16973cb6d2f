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


def main():
    random = np.random.default_rng(7)
    worst = {"wasserstein": 0.0, "sliced": 0.0}
    for m, d, near, _ in np.ndindex(40, 4, 2, 2):
        alpha, V, W = clouds(random, m + 1, d + 1, near)
        theta = metrics.directions(m + 1, d + 1, 13, d + 1)
        exact = by_pot(alpha, V, W, lambda v, w: ot.emd2(ot.unif(len(v)), ot.unif(len(w)), ot.dist(v, w)))
        mean = by_pot(alpha, V, W, lambda v, w: ot.sliced_wasserstein_distance(
            v, w, n_projections=13, projections=theta.T) ** 2)
        worst["wasserstein"] = max(worst["wasserstein"], gap(metrics.wasserstein(alpha, V, W)[0], exact, V, W))
        worst["sliced"] = max(worst["sliced"], gap(metrics.sliced(theta)(alpha, V, W)[0], mean, V, W))
    for name, error in worst.items():
        print(f"{'ok   ' if error < 1e-10 else 'FAIL '} {name}: 640 pairs of clouds, relative error {error:.1e}")
    sys.exit(any(error >= 1e-10 for error in worst.values()))


if __name__ == "__main__":
    main()
