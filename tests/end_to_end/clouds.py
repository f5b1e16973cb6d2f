"""Kept states as weighted points with signs, from the documented layout of result files, and W_p of them by POT."""

import h5py
import numpy as np
import ot


def cloud(file, job, record=-1):
    """(points, weights, signs) of a kept state."""
    text = lambda name: file[name].asstr()[job]
    rows, cols, records = (int(file[f"state_{name}"][job]) for name in ("rows", "cols", "records"))
    start = int(file["state_start"][job])
    state = file["state"][start : start + records * rows * cols].reshape(records, rows, cols)[record]
    if text("parametrisation") == "product":
        state = np.hstack(np.split(state, 2))
        return state, np.full(len(state), 1 / len(state)), np.ones(len(state))
    if text("method") == "wfr":
        sheets, cells = (2 if text("signs") == "balanced" else 1), int(file["cells"][job])
        turn = 2 * np.pi * (np.arange(cells) + 0.5) / cells
        points = np.tile(np.column_stack([np.cos(turn), np.sin(turn)]), (sheets, 1))
        return points, state[:, 0], np.repeat([1, -1][:sheets], cells)
    if text("method") not in ("jko", "pde"):
        trained = text("layers") != "first" or text("parametrisation") == "sphere"
        first = (rows + 1) // 2 if text("signs") == "balanced" else rows
        signs = np.where((np.arange(rows) < first) | trained, 1, -1)
        return state, np.full(rows, 1 / rows), signs
    points, signs = [], []
    for g, radius in ((file["grid"][job], file["grid_radius"][job]), (file["grid2"][job], file["grid2_radius"][job])):
        t = np.linspace(-radius, radius, g)
        for sign in (1, -1)[: 2 if text("signs") == "balanced" else 1]:
            points += [(a, b) for a in t for b in t]
            signs += [sign] * g * g
    return np.array(points), state[:, 0], np.array(signs)


def clouds(path):
    """Those of every job's last state."""
    with h5py.File(path) as file:
        return [cloud(file, job) for job in range(len(file["status"]))]


def by_pot(a, b, p):
    total = 0.0
    for sign in (1, -1):
        (x, u), (y, v) = ((points[signs == sign], weights[signs == sign]) for points, weights, signs in (a, b))
        if abs(u.sum() - v.sum()) > 1e-9:
            return np.nan
        if len(x) and len(y):
            C = ((x[:, None] - y[None]) ** 2).sum(axis=2) ** (p / 2)
            total += u.sum() * ot.emd2(u / u.sum(), v / v.sum(), C, numItermax=10**6)
    return total ** (1 / p)
