"""Other engines that run many empty jobs, and plain writes of bytes.

The engines store no rows. They have one worker, and their master may use any other core.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import ours
from ours import Sample

everywhere = os.sched_getaffinity(0)  # before bench.py pins this process
MPI_JOBS = """
import sys, time
from mpi4py.futures import MPIPoolExecutor

def job(k):
    return k

if __name__ == "__main__":
    with MPIPoolExecutor() as pool:
        count = int(sys.argv[1])
        list(pool.map(job, range(16)))
        start = time.perf_counter()
        done = sum(1 for _ in pool.map(job, range(count)))
        print(done / count, (time.perf_counter() - start) / count)
"""
DASK_JOBS = """
import sys, time
from distributed import Client

def job(k):
    return k

if __name__ == "__main__":
    with Client(n_workers=1, threads_per_worker=1, dashboard_address=None) as client:
        count = int(sys.argv[1])
        client.gather(client.map(job, range(-16, 0)))
        start = time.perf_counter()
        done = len(client.gather(client.map(job, range(count))))
        print(done / count, (time.perf_counter() - start) / count)
"""


def free():
    os.sched_setaffinity(0, everywhere)


def script(text, count, launcher=()):
    """Runs the Python text in a new process, which prints the share of jobs done and the seconds of one job."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "jobs.py")
        with open(path, "w") as file:
            file.write(text)
        share, seconds = ours.call([*launcher, sys.executable, *(["-m", "mpi4py.futures"] if launcher else []),
                                    path, count], preexec_fn=free).split()[-2:]
    return Sample(float(seconds), np.array([float(share)]), f"{count} jobs")


def mpi4py(case):
    import mpi4py  # noqa: F401  (ImportError where it is absent)

    return script(MPI_JOBS, case.given, ["bash", str(Path(__file__).parents[1] / "mpirun.sh"), "2"])


def dask(case):
    import distributed  # noqa: F401

    return script(DASK_JOBS, case.given)


def gnu_parallel(case):
    numbers = "\n".join(map(str, range(case.given)))
    start = time.perf_counter()
    try:
        done = subprocess.run(["parallel", "-j", "1", "--will-cite", "echo"], input=numbers, text=True,
                              capture_output=True, check=True, preexec_fn=free)
    except FileNotFoundError:
        raise ImportError("GNU parallel is not installed") from None
    seconds = time.perf_counter() - start
    return Sample(seconds / case.given, np.array([len(done.stdout.split()) / case.given]), f"{case.given} jobs")


def overwrite(case):
    """Writes the same bytes to the same places in the same pieces, over a file of NaN on disk; then fsync."""
    row = 8 * case.records
    columns = round(case.bytes / (row * case.jobs))
    pieces = memoryview(np.random.default_rng(0).bytes(int(row * case.piece) * columns))
    with tempfile.NamedTemporaryFile(dir=".") as file:
        fill(file.fileno(), np.full(1 << 17, np.nan).tobytes(), case.bytes)
        start, done = time.perf_counter(), 0
        for first in range(0, case.jobs, int(case.piece)):
            size = row * int(min(case.piece, case.jobs - first))
            for column in range(columns):
                done += os.pwrite(file.fileno(), pieces[column * size : (column + 1) * size],
                                  row * (column * case.jobs + first))
        os.fsync(file.fileno())
        seconds = time.perf_counter() - start
    return Sample(seconds, np.array([float(done)]))


def fill(descriptor, piece, size):
    at = 0
    while at < size:
        at += os.pwrite(descriptor, piece[: int(size) - at], at)
    os.fsync(descriptor)


def plain_write(case):
    """Writes as many bytes as our file has to a new file, in pieces of 8 MiB; then fsync."""
    piece = np.random.default_rng(0).bytes(8 << 20)
    with tempfile.NamedTemporaryFile(dir=".") as file:
        start = time.perf_counter()
        fill(file.fileno(), piece, case.bytes)
        seconds = time.perf_counter() - start
        size = os.fstat(file.fileno()).st_size
    return Sample(seconds, np.array([float(size)]), f"{size / 1e6:.0f} MB")
