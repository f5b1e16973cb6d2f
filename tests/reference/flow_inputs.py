"""Data sets and initial neurons drawn for check_flow.py, and the files that hand them to the program."""

from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from flow_reference import Samples


@dataclass
class Inputs:
    """What a descent starts from, and the files that say so."""

    name: str
    samples: Samples
    test: Samples
    W: np.ndarray
    alpha: np.ndarray
    paths: dict = field(default_factory=dict)


def write_hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def write_csv(path, matrix, vector, header):
    np.savetxt(path, np.column_stack([matrix, vector]), fmt="%.17g", delimiter=",", header=header, comments="")


def write_samples(path, samples):
    if path.suffix == ".csv":
        write_csv(path, samples.X[:, :-1], samples.y, ",".join([f"x{k}" for k in range(samples.X.shape[1])]))
    else:
        write_hdf5(path, X=samples.X, y=samples.y)


def draw_samples(random, n, d, dtype):
    X = random.standard_normal((n, d))
    if d > 1:
        X[:, -1] = 1
    return Samples(X.astype(dtype), random.uniform(-1, 1, n).astype(dtype))


def make_inputs(folder, seed, n, d, m, data, init, test="h5", dtype=float):
    """Draws and writes one set. `data`, `init` and `test` are the suffixes of the files."""
    random = np.random.default_rng(seed)
    name = f"n{n}_d{d}_m{m}"
    samples = draw_samples(random, n, d, dtype)
    W = random.normal(0, 0.5, (m, d))
    alpha = random.permutation(np.where(np.arange(m) < (m + 1) // 2, 1.0, -1.0))
    inputs = Inputs(name, samples, draw_samples(random, n + 3, d, dtype), W, alpha)
    inputs.paths = {"data_file": f"{name}_data.{data}", "init_file": f"{name}_init.{init}",
                    "test_file": f"{name}_test.{test}"}
    write_samples(folder / inputs.paths["data_file"], inputs.samples)
    write_samples(folder / inputs.paths["test_file"], inputs.test)
    if init == "csv":
        np.savetxt(folder / inputs.paths["init_file"], np.column_stack([W, alpha]), fmt="%.17g", delimiter=";")
    else:
        write_hdf5(folder / inputs.paths["init_file"], W=W, alpha=alpha)
    return inputs


def classes(inputs, folder):
    """The same inputs with labels of -1 and 1, and their files."""
    samples, test = (Samples(given.X, np.where(given.y > 0, 1.0, -1.0)) for given in (inputs.samples, inputs.test))
    paths = dict(inputs.paths)
    for key, given in (("data_file", samples), ("test_file", test)):
        path = folder / f"classes_{Path(paths[key]).name}"
        write_samples(path, given)
        paths[key] = path.name
    return samples, test, paths


def kernels_of(inputs):
    """The kernels that there are for these inputs; the last parameter to vary, so that a case's rows come in such
    groups."""
    return ["dense", "blas", "fused", "cones"] if inputs.samples.X.shape[1] == 2 else ["dense", "blas", "fused"]
