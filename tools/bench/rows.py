"""The table of benchmarks: what is compared with what, at which sizes, and the ratio that we aim for."""

import dataclasses
from typing import Callable

import cases
import ours
import peers
import peers_jko
import peers_jobs


@dataclasses.dataclass
class Row:
    work: str
    case: Callable
    sizes: dict
    quick: dict  # tiny sizes
    ours: Callable
    peer_name: str
    peer: Callable
    reach: float  # the aim for the peer's time over ours; 0: none
    tolerance: float  # for the largest difference of the results, relative to the largest number
    pairs: int = 5
    rate: float = 0  # the aim for our operations a second, which replaces `reach`; 0: none


GRADIENT = dict(case=cases.gradient, quick=dict(m=50, n=20, d=2, operations=5, repetitions=1), ours=ours.gradient,
                tolerance=1e-11)
TORCH = (dict(peer_name="torch, autograd", peer=peers.torch_autograd),
         dict(peer_name="torch by hand, buffers kept", peer=peers.torch_by_hand))
LOOPS = (dict(peer_name="torch loop, autograd", peer=peers.torch_loop_autograd),
         dict(peer_name="torch loop by hand", peer=peers.torch_loop_by_hand))
WIDE = dict(m=10_000, n=1000, d=100, operations=20)

PROX = dict(case=cases.prox, ours=ours.whole_run, tolerance=1e-10)
LONG = dict(m=1000, n=70, steps=100, inner_steps=500, before=(0, 10, 50), init_scale=1e-3, gamma=0.01)
SHORT = dict(m=40, n=20, steps=4, inner_steps=6, before=(0, 2), sampled=2, init_scale=1e-3, gamma=0.01)

EMPTY = dict(work="empty jobs, rows on disk", case=cases.jobs, ours=ours.jobs, reach=1, rate=50_000, tolerance=0)
JKO = dict(case=cases.jko, ours=ours.jko_step, tolerance=1e-7)
SMALL_GRID = dict(work="JKO step, g = 32, n = 20", sizes=dict(g=32, n=20, gamma=0.1, repetitions=9),
                  quick=dict(g=16, n=10, gamma=0.1, repetitions=2), **JKO)

ROWS = (
    *(Row("gradient step, d = 2, n = 70, m = 1000", sizes=dict(m=1000, n=70, d=2, operations=3000), reach=100,
          **GRADIENT, **peer) for peer in TORCH),
    *(Row("gradient step, d = 2, n = 1000, m = 10 000", sizes=dict(m=10_000, n=1000, d=2, operations=200), reach=1500,
          **GRADIENT, **peer) for peer in TORCH),
    *(Row("gradient step, d = 100, n = 1000, m = 10 000", sizes=WIDE, reach=3,
          **{**GRADIENT, "quick": dict(m=60, n=50, d=20, operations=5, repetitions=1)}, **peer) for peer in TORCH),
    Row("gradient step, d = 100, n = 1000, m = 10 000", sizes=WIDE, reach=0.8, peer_name="DGEMM of OpenBLAS",
        peer=peers.dgemm, **GRADIENT),
    *(Row("gradient step, d = 10, n = 100, m = 1000", sizes=dict(m=1000, n=100, d=10, operations=300), reach=10,
          **{**GRADIENT, "quick": dict(m=50, n=20, d=10, operations=5, repetitions=1)}, **peer) for peer in TORCH),
    *(Row("whole run 100 × 500, prox frobenius", sizes=dict(metric="frobenius", sampled=200, **LONG),
          quick=dict(metric="frobenius", **SHORT), reach=100, **peer, **PROX) for peer in LOOPS),
    Row("whole run 100 × 500, prox wasserstein", sizes=dict(metric="wasserstein", sampled=8, **LONG),
        quick=dict(metric="wasserstein", **SHORT), reach=100, peer_name="torch + POT emd", peer=peers.torch_and_pot,
        **PROX),
    Row("W2 of near clouds, m = 5000, warm", case=cases.near, sizes=dict(m=5000), quick=dict(m=60), reach=100,
        ours=ours.assignment, peer_name="SciPy", peer=peers.scipy_assignment, tolerance=1e-10),
    Row("W2 of far clouds, m = 5000", case=cases.far, sizes=dict(m=5000), quick=dict(m=60), reach=10,
        ours=ours.assignment, peer_name="SciPy", peer=peers.scipy_assignment, tolerance=1e-10),
    *(Row(f"W2 of weighted clouds, 1000 × 1024{what}", case=cases.weighted, sizes=dict(n=1000, m=1024, g=g),
          quick=dict(n=30, m=36, g=g and 6, repetitions=1), reach=2, ours=ours.weighted, peer_name="POT emd2",
          peer=peers.pot_weighted, tolerance=1e-11) for what, g in (("", 0), (", neurons to a grid", 32))),
    Row("sliced inner step, L = 1000, m = 1000", case=cases.sliced,
        sizes=dict(m=1000, d=2, directions=1000, operations=20), quick=dict(m=50, d=2, directions=20, operations=3),
        reach=50, ours=ours.sliced, peer_name="POT with torch", peer=peers.pot_sliced, tolerance=1e-9),
    Row(reach=250, peer_name="NumPy Dykstra", peer=peers_jko.dykstra, **SMALL_GRID),
    Row(reach=8, peer_name="NumPy Newton", peer=peers_jko.newton, **SMALL_GRID),
    Row("JKO step, g = 128, n = 70", sizes=dict(g=128, n=70, gamma=0.1, repetitions=5),
        quick=dict(g=24, n=15, gamma=0.1, repetitions=2), reach=5, peer_name="NumPy Newton", peer=peers_jko.newton,
        **JKO),
    *(Row(f"JKO, 60 steps, γ = {gamma}, g = 32, n = 20", sizes=dict(g=32, n=20, gamma=gamma, repetitions=9, steps=60),
          quick=dict(g=16, n=10, gamma=gamma, repetitions=2, steps=4), reach=8, peer_name="NumPy Newton",
          peer=peers_jko.newton, **JKO) for gamma in (0.01, 0.1, 1, 5)),
    Row(sizes=dict(jobs=200_000, given=20_000), quick=dict(jobs=2000, given=50), peer_name="mpi4py.futures",
        peer=peers_jobs.mpi4py, **EMPTY),
    Row(sizes=dict(jobs=200_000, given=2000), quick=dict(jobs=2000, given=50), peer_name="Dask", peer=peers_jobs.dask,
        **EMPTY),
    Row(sizes=dict(jobs=200_000, given=500), quick=dict(jobs=2000, given=20), peer_name="GNU parallel",
        peer=peers_jobs.gnu_parallel, **EMPTY),
    Row("write of traces", case=cases.traces, sizes=dict(jobs=100, records=100_001), quick=dict(jobs=3, records=1001),
        ours=ours.traces, peer_name="pwrite over such a file", peer=peers_jobs.overwrite, reach=0.8, tolerance=0,
        pairs=9),
    Row("sweep of long traces, whole program", case=cases.long_sweep, sizes=dict(jobs=100, steps=100_000),
        quick=dict(jobs=3, steps=1000), ours=ours.long_sweep, peer_name="pwrite of a new file",
        peer=peers_jobs.plain_write, reach=0, tolerance=0),
)
