"""The gradient flow of the first layer by matrix exponentials and bisection, for any d: small, slow, and plain.

Weights and a constant 1 are one vector z with z' = A z as long as no neuron changes what it does. Whatever may end that
is the first zero of a linear function of z(t) = exp(t A) z(0). The rule at kinks is src/flow/README.md "The gradient
flow", written down neuron by neuron and sample by sample; the least element is the best of all choices of which values
are at which end.
"""

from itertools import product

import numpy as np
from scipy.linalg import expm, orth

FREE, SLIDES, ORIGIN = range(3)
SAME = 1e-12  # sines of angles below this are 0
APART = 1e-9  # those of a normal and a span above this are not


class Flow:
    """W (m x d) at `time`; of each neuron what it does, and the samples that it activates."""

    def __init__(self, X, y, W, alpha, kappa, c, decay):
        self.X, self.y, self.W, self.alpha = X, y, W.astype(float).copy(), alpha
        self.kappa, self.c, self.decay, self.m, self.d = kappa, c, decay, *W.shape
        self.time, self.counts = 0.0, dict.fromkeys(("crossed", "slid", "left", "absorbed"), 0)
        self.most = 0  # kinks that one neuron slid along
        self.together = 0  # times that one came to several at once
        self.length, self.size = np.linalg.norm(X, axis=1), np.abs(W).max()
        self.normals, self.groups = [], []  # of planes: unit normals, and the samples
        for j in np.flatnonzero(self.length):
            unit = X[j] / self.length[j]
            for k, normal in enumerate(self.normals):
                if np.linalg.norm(unit - np.sign(unit @ normal) * normal) < SAME:
                    self.groups[k].append(j)
                    break
            else:
                self.normals.append(unit)
                self.groups.append([j])
        self.rank = self.rank_of(range(len(self.normals)))
        self.does = [FREE] * self.m
        self.slides = [[] for _ in range(self.m)]  # planes: independent ones
        self.on = [[] for _ in range(self.m)]  # planes: all that it stays on
        self.active = [X @ w > SAME * self.length * np.linalg.norm(w) for w in self.W]
        for i, w in enumerate(self.W):
            touched = self.touched(w)
            if not w.any() or (touched and self.rank_of(touched) == self.rank > 1):
                self.absorb(i, touched)
            elif touched and alpha[i] != 0:
                self.begin(i, touched)

    def rank_of(self, planes):
        return np.linalg.matrix_rank(np.array([self.normals[k] for k in planes]), tol=APART) if len(planes) else 0

    def touched(self, w):
        return [k for k, normal in enumerate(self.normals) if abs(normal @ w) <= SAME * np.linalg.norm(w)]

    def residual(self):
        f = np.zeros(len(self.y))
        for w, alpha, active in zip(self.W, self.alpha, self.active):
            f += self.c * alpha * active * (self.X @ w)
        return f - self.y

    def force(self, i):
        return 2 * self.kappa * self.c * self.m * self.alpha[i]

    def is_side(self, k, side):
        """Of each sample: is it of plane k, and active on that side?"""
        found = np.zeros(len(self.y), bool)
        for j in self.groups[k]:
            found[j] = self.X[j] @ self.normals[k] * side > 0
        return found

    def ends(self, i, k, e):
        """What the sides of plane k add to the gradient, in units of the normal."""
        return [self.force(i) * (self.is_side(k, side) * e) @ self.X @ self.normals[k] for side in (-1, 1)]

    def least(self, gradient, planes, ends):
        """The least of gradient + sum of values times normals, and where each value is: -1, 1, or 0 between."""
        best = np.inf, None, None
        for sides in product((-1, 1, 0), repeat=len(planes)):
            free = [k for k, side in zip(planes, sides) if side == 0]
            point = gradient.copy()
            for k, side, end in zip(planes, sides, ends):
                point += 0 if side == 0 else end[side > 0] * self.normals[k]
            if free:
                if self.rank_of(free) < len(free):
                    continue
                N = np.array([self.normals[k] for k in free])
                values = -np.linalg.solve(N @ N.T, N @ point)
                low, high = np.array([end for end, side in zip(ends, sides) if side == 0]).T
                if (values <= low).any() or (values >= high).any():
                    continue
                point += values @ N
            size = np.linalg.norm(point)
            if size < best[0] - 1e-14 * np.linalg.norm(gradient):
                best = size, sides, point
        return best[2], best[1]

    def settle(self, i, planes, fixed):
        """On `planes`, with sides known of some: the convex rest takes the sides of the least element."""
        e = self.residual()
        gradient = self.force(i) * (e * self.active[i]) @ self.X
        for k, side in fixed.items():
            gradient = gradient + (self.ends(i, k, e)[side > 0] * self.normals[k] if side else 0)
        rest = [k for k in planes if k not in fixed]
        point, sides = self.least(gradient, rest, [self.ends(i, k, e) for k in rest])
        return point, {**fixed, **dict(zip(rest, sides))}

    def without(self, i, planes):
        for k in planes:
            self.active[i] = self.active[i] & ~(self.is_side(k, 1) | self.is_side(k, -1))

    def take(self, i, sides):
        self.slides[i] = [k for k, side in sides.items() if side == 0]
        rank = len(self.slides[i])
        self.on[i] = [k for k in sides if rank and self.rank_of([*self.slides[i], k]) == rank]
        self.does[i] = SLIDES if rank else FREE
        self.most = max(self.most, rank)
        for k, side in sides.items():
            self.active[i] = self.active[i] | (self.is_side(k, side) if side else False)

    def absorb(self, i, planes):
        Q = orth(np.array([self.normals[k] for k in planes]).T) if planes else np.zeros((self.d, 0))
        self.W[i] -= Q @ (Q.T @ self.W[i])
        self.does[i], self.active[i], self.slides[i] = ORIGIN, np.zeros(len(self.y), bool), []

    def begin(self, i, planes):
        self.without(i, planes)
        e = self.residual()
        dead = [[side for side in (-1, 1) if not self.is_side(k, side).any()] for k in planes]
        if not self.active[i].any() and all(dead):
            self.take(i, {k: sides[0] for k, sides in zip(planes, dead)})
            return
        fixed = {k: 0 for k in planes if not np.less(*self.ends(i, k, e))}
        for k in fixed:
            a, b, inactive = (-self.settle(i, planes, {**fixed, k: side})[0] @ self.normals[k] for side in (-1, 1, 0))
            fixed[k] = 1 if a >= 0 and b >= 0 else -1 if a <= 0 and b <= 0 else 1 if inactive > 0 else -1
        self.take(i, self.settle(i, planes, fixed)[1])

    def matrix(self):
        """A of z' = A z with z = (W, 1); and the rows that give e."""
        m, n, d, size = self.m, len(self.y), self.d, self.d * self.m + 1
        E = np.zeros((n, size))
        E[:, -1] = -self.y
        for i in range(m):
            E[:, d * i : d * i + d] = self.c * self.alpha[i] * self.active[i][:, None] * self.X
        A = np.zeros((size, size))
        for i in range(m):
            rows = slice(d * i, d * i + d)
            if self.does[i] != ORIGIN:
                A[rows] = -self.force(i) * (self.active[i][:, None] * self.X).T @ E
            if self.does[i] == SLIDES:
                Q = orth(np.array([self.normals[k] for k in self.slides[i]]).T)
                A[rows] -= Q @ (Q.T @ A[rows])
            A[rows, rows] -= 2 * self.decay * m * np.eye(d)
        return A, E

    def watches(self, E):
        """Linear functions of z that are positive until something happens, and what that is."""
        found, size = [], self.d * self.m + 1
        for i in range(self.m):
            rows = slice(self.d * i, self.d * i + self.d)
            if self.does[i] == ORIGIN or self.alpha[i] == 0 or not (self.active[i].any() or self.slides[i]):
                continue
            for k, normal in enumerate(self.normals):
                if k not in self.on[i]:
                    row = np.zeros(size)
                    row[rows] = self.side(i, k) * normal
                    found.append((row, i, k, 0))
            if self.slides[i]:
                N = np.array([self.normals[k] for k in self.slides[i]])
                gradient = self.force(i) * (self.active[i][:, None] * self.X).T @ E
                values = -np.linalg.solve(N @ N.T, N @ gradient)
                for k, value in zip(self.slides[i], values):
                    for side in (-1, 1):
                        end = self.force(i) * (self.is_side(k, side)[:, None] * self.X @ self.normals[k]) @ E
                        found.append((side * (end - value), i, k, side))
        return found

    def side(self, i, k):
        """Where neuron i is active, the plane's side is known by its samples."""
        ones = self.is_side(k, 1)
        return 1 if (self.active[i][ones].all() if ones.any() else not self.active[i][self.groups[k]].any()) else -1

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
            L = np.array([row for row, *_ in watches]).reshape(len(watches), self.d * self.m + 1)
            passed, which = self.first(A, L, time - self.time)
            self.W = (expm(A * passed) @ np.append(self.W.ravel(), 1))[:-1].reshape(-1, self.d)
            self.time = time if which < 0 else self.time + passed
            if which >= 0:
                self.happen(*watches[which][1:])

    def happen(self, i, k, side):
        """Neuron i comes to plane k, or leaves it to that side. Neurons that a row concerns alike, copies of one
        another, follow one by one, at the same time."""
        planes = sorted({*self.on[i], k, *self.touched(self.W[i])})
        self.together += len(planes) > len(self.slides[i]) + (side == 0)
        Q = orth(np.array([self.normals[k] for k in {*self.on[i], k}]).T)
        self.W[i] -= Q @ (Q.T @ self.W[i])
        if np.linalg.norm(self.W[i]) < SAME * self.size or self.rank_of(planes) == self.rank > 1:
            self.absorb(i, planes)
            self.counts["absorbed"] += 1
            return
        rank, e = len(self.slides[i]), self.residual()
        fixed = {l: self.side(i, l) for l in planes if l not in self.slides[i] and not np.less(*self.ends(i, l, e))}
        back = self.force(i) * (e * self.active[i]) @ self.X  # against the velocity
        if self.slides[i]:
            Q = orth(np.array([self.normals[l] for l in self.slides[i]]).T)
            back -= Q @ (Q.T @ back)
        for l in fixed:
            if l == k or (l not in self.on[i] and fixed[l] * self.normals[l] @ back > 0):
                fixed[l] = -fixed[l]  # it comes there too
        if side:
            fixed[k] = side
        self.without(i, planes)
        self.take(i, self.settle(i, planes, fixed)[1])
        self.counts["left" if side else "slid" if len(self.slides[i]) > rank else "crossed"] += 1


def bisect(function, high):
    """A zero in [0, high], where the function begins above 0 and ends below."""
    low = 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return high
