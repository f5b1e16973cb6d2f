"""What a spec asks to be recorded is recorded, or the plan or the row says that it is not: every method with every
such option. test_recorded.py WGF_BINARY"""

import h5py
import numpy as np
from harness import OK, USAGE, case, main, require

DESCENTS = {
    "gd": "method: gd",
    "gd of both layers": "method: gd, layers: both",
    "prox": "method: prox, inner_steps: 4",
    "prox, fixed beta": "method: prox, inner_steps: 4, beta: 0.01",
    "wasserstein": "method: prox, metric: wasserstein, inner_steps: 4",
    "sliced": "method: prox, metric: sliced, inner_steps: 4",
    "jko": "method: jko, grid: 6",
    "jko by Dykstra": "method: jko, grid: 6, solver: dykstra",
    "jko on two grids": "method: jko, grid: 6, grid2: 3",
}
# What an option promises: variables that are to hold a finite value.
OPTIONS = {
    "test_file: test.csv": ("objective_test",),
    "record_distances: all": ("distance_frobenius", "distance_wasserstein"),
    "record_inner: 1": ("inner_objective", "inner_distance"),
    "record_inner: 9": ("inner_objective", "inner_distance"),
    "save: last": ("state",),
    "save: all": ("state",),
    "record_every: 9": ("objective",),
    "stop_objective: 1.0e+9": (),
    "stop_change: 1.0e+9": (),
    "time_limit: 1000": (),
}


def is_recorded(path, variable):
    with h5py.File(path, "r") as file:
        return variable in file and file[variable].size > 0 and bool(np.isfinite(file[variable][()]).any())


def outcome(wgf, number, method, option):
    """How an option ends with a method: recorded, warned, refused, told in the row, or None of these."""
    text = f"name: x\nfixed: {{data: sinus, n: 5, width: 4, steps: 2, {DESCENTS[method]}, {option}}}\n"
    wgf.write("spec.yaml", text)
    planned = wgf("plan", "spec.yaml")
    name = option.split(":")[0]
    if planned.code == USAGE:
        return "refused" if name in planned.err else None
    if f" {name}" in planned.err:
        return "warned"
    path = wgf.result(text, OK, f"{number}.h5")
    if all(is_recorded(path, variable) for variable in OPTIONS[option]):
        return "recorded"
    with h5py.File(path, "r") as file:
        return "told" if name in b"".join(file["message"][0]).decode() else None


@case
def every_method_with_every_option(wgf):
    wgf.write("test.csv", "0.1,0.2\n0.3,-0.4\n")
    found = {(method, option): outcome(wgf, number, method, option) for number, (method, option) in
             enumerate((method, option) for method in DESCENTS for option in OPTIONS)}
    silent = [f"{option} with {method}" for (method, option), how in found.items() if how is None]
    require(not silent, f"not recorded, and nothing says so: {'; '.join(silent)}")
    counts = {how: list(found.values()).count(how) for how in set(found.values())}
    print(f"{len(DESCENTS)} methods x {len(OPTIONS)} options: {counts}", end="; ")


main()
