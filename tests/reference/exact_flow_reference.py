"""The gradient flow of the first layer for d = 2 by matrix exponentials and bisection: small, slow, and plain.

Weights and a constant 1 are one vector z with z' = A z as long as no neuron changes what it does. Whatever may end that
is the first zero of a linear function of z(t) = exp(t A) z(0). The rule at a kink is src/flow/README.md "The gradient
flow", written down neuron by neuron and sample by sample.
"""

import numpy as np
from scipy.linalg import expm

ARC, RAY, ORIGIN = range(3)
SAME = 1e-12  # sines of angles below this are 0


class Flow:
    """W (m x 2) at `time`; of each neuron what it does, and the samples that it activates."""

    def __init__(self, X, y, W, alpha, kappa, c, decay):
        self.X, self.y, self.W, self.alpha = X, y, W.astype(float).copy(), alpha
        self.kappa, self.c, self.decay, self.m = kappa, c, decay, len(W)
        self.time, self.counts = 0.0, dict.fromkeys(("crossed", "slid", "left", "absorbed"), 0)
        self.length, self.size = np.hypot(*X.T), np.abs(W).max()
        self.does = [ARC] * self.m
        self.kink = [None] * self.m  # of one that slides: the unit normal of its line
        self.active = [self.signs(w) > 0 for w in self.W]
        for i, w in enumerate(self.W):
            on = (self.signs(w) == 0) & (self.length > 0)
            if not w.any():
                self.does[i] = ORIGIN
            elif on.any() and alpha[i] != 0:
                self.decide(i, np.array([-w[1], w[0]]) / np.hypot(*w), start=True)

    def signs(self, w):
        """+1, 0, -1 of w . x_j, up to rounding."""
        products = self.X @ w
        return np.where(abs(products) <= SAME * self.length * np.hypot(*w), 0, np.sign(products))

    def residual(self):
        f = np.zeros(len(self.y))
        for w, alpha, active in zip(self.W, self.alpha, self.active):
            f += self.c * alpha * active * (self.X @ w)
        return f - self.y

    def velocity(self, i, active, e):
        """Without the decay, which keeps directions."""
        return -2 * self.kappa * self.c * self.m * self.alpha[i] * (e * active) @ self.X

    def sides(self, i, normal):
        """The activations before and behind the line of a normal at w_i, and on it."""
        on = (abs(self.X @ np.array([-normal[1], normal[0]])) <= SAME * self.length) & (self.length > 0)
        rest = np.where(on, False, self.signs(self.W[i]) > 0)
        return rest | (on & (self.X @ normal < 0)), rest | (on & (self.X @ normal > 0)), rest

    def decide(self, i, normal, start=False):
        """Where a neuron on a line goes."""
        before, behind, on = self.sides(i, normal)
        e = self.residual()
        a, b, inactive = (self.velocity(i, active, e) @ normal for active in (before, behind, on))
        still = not before.any(), not behind.any()
        was = self.does[i], self.active[i]
        self.does[i], self.kink[i] = ARC, None
        if start and any(still):
            self.active[i] = before if still[0] else behind
        elif a >= 0 and b >= 0:
            self.active[i] = behind
        elif a <= 0 and b <= 0:
            self.active[i] = before
        elif a > 0:
            self.does[i], self.kink[i], self.active[i] = RAY, normal, on
        else:
            assert start, "a neuron came to a kink that repels it"
            self.active[i] = behind if inactive > 0 else before
        if not start and was[0] == ARC:
            self.counts["crossed" if self.does[i] == ARC else "slid"] += 1

    def matrix(self):
        """A of z' = A z with z = (W, 1); and the rows that give e."""
        m, n, size = self.m, len(self.y), 2 * self.m + 1
        E = np.zeros((n, size))
        E[:, -1] = -self.y
        for i in range(m):
            E[:, 2 * i : 2 * i + 2] = self.c * self.alpha[i] * self.active[i][:, None] * self.X
        A = np.zeros((size, size))
        for i in range(m):
            rows = slice(2 * i, 2 * i + 2)
            if self.does[i] == ORIGIN:
                continue
            A[rows] = -2 * self.kappa * self.c * m * self.alpha[i] * (self.active[i][:, None] * self.X).T @ E
            if self.does[i] == RAY:
                A[rows] -= np.outer(self.kink[i], self.kink[i] @ A[rows])
            A[rows, rows] -= 2 * self.decay * m * np.eye(2)
        return A, E

    def watches(self, E):
        """Linear functions of z that are positive until something happens, and what that is."""
        found, size = [], 2 * self.m + 1
        for i in range(self.m):
            rows = slice(2 * i, 2 * i + 2)
            if self.does[i] == ARC and self.alpha[i] != 0 and self.active[i].any():
                for j in np.flatnonzero(self.length):
                    row = np.zeros(size)
                    row[rows] = (1 if self.active[i][j] else -1) * self.X[j]
                    found.append((row, i, self.X[j] / self.length[j]))
            elif self.does[i] == RAY:
                row = np.zeros(size)
                row[rows] = self.W[i] / np.hypot(*self.W[i])
                found.append((row, i, "origin"))
                normal = self.kink[i]
                for sign, active in zip((1, -1), self.sides(i, normal)[:2]):
                    row = -2 * self.kappa * self.c * self.m * self.alpha[i] * normal @ (active[:, None] * self.X).T @ E
                    found.append((sign * row, i, "leaves"))
        return found

    def first(self, A, L, left):
        """The time of the first zero of a row of L z, and the row. Zeros between two looks are found where a slope
        turns."""
        z = np.append(self.W.ravel(), 1)
        step = min(left, 0.1 / max(np.abs(A).sum(axis=1).max(), 1e-300))
        count = int(np.ceil(left / step))
        step = left / count
        turn, slopes = expm(A * step), L @ A
        best = left, -1
        small = 1e-13 * np.abs(L) @ np.abs(z)
        for k in range(count):
            after = turn @ z
            dips = (slopes @ z < 0) & (slopes @ after > 0)
            for row in np.flatnonzero((L @ after < -small) | (dips & (L @ z > small))):
                high = step
                if L[row] @ after >= -small[row]:  # the lowest point decides
                    high = bisect(lambda t, row=row, z=z: -slopes[row] @ expm(A * t) @ z, step)
                    if L[row] @ expm(A * high) @ z >= 0:
                        continue
                time = bisect(lambda t, row=row, z=z: L[row] @ expm(A * t) @ z, high)
                best = min(best, (k * step + time, row))
            if best[1] >= 0:
                return best
            z = after
        return best

    def advance(self, time):
        """Follows the flow until then."""
        while self.time < time:
            A, E = self.matrix()
            watches = self.watches(E)
            L = np.array([row for row, _, _ in watches]).reshape(len(watches), 2 * self.m + 1)
            passed, which = self.first(A, L, time - self.time)
            self.W = (expm(A * passed) @ np.append(self.W.ravel(), 1))[:-1].reshape(-1, 2)
            self.time = time if which < 0 else self.time + passed
            if which >= 0:
                self.happen(*watches[which][1:])

    def happen(self, i, what):
        """Neurons that a row concerns alike, copies of one another, follow one by one, at the same time."""
        if not isinstance(what, str):
            self.W[i] -= what * (what @ self.W[i])
        if isinstance(what, str) and what == "origin" or np.hypot(*self.W[i]) < SAME * self.size:
            self.W[i], self.does[i], self.active[i] = 0, ORIGIN, np.zeros(len(self.y), bool)
            self.counts["absorbed"] += 1
        elif isinstance(what, str):
            normal, e = self.kink[i], self.residual()
            before, behind, _ = self.sides(i, normal)
            speeds = self.velocity(i, before, e) @ normal, self.velocity(i, behind, e) @ normal
            self.does[i], self.kink[i] = ARC, None
            self.active[i] = before if abs(speeds[0]) < abs(speeds[1]) else behind
            self.counts["left"] += 1
        else:
            self.decide(i, what)


def bisect(function, high):
    """A zero in [0, high], where the function begins above 0 and ends below."""
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return high
