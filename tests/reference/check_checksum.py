#!/usr/bin/python3
"""The checksums of a result file, computed again as src/store/README.md "Checksum" says, without any code of wgf.

check_checksum.py WGF_BINARY. Skipped (77) without python3-xxhash."""

import csv
import io
import subprocess
import sys

import h5py
import numpy as np

try:
    import xxhash
except ImportError:
    sys.exit(77)

NOT_COVERED = {"attempts", "checksum", "started", "seconds", "predicted_seconds", "rank", "state_start"}
PIECE = 65536  # numbers of `state` that are hashed at a time
SPEC = """\
name: checksum
fixed: {n: 6, steps: 7, record_every: 3, init_scale: 1, grid: 6}
sweep:
  method: [gd, prox, jko]
  save: [none, last, all]
  record_inner: [0, 20]
  width: [40, 40000]
  gamma: [0.3, 1.0e+300]
"""


def mark(name, content, number=0):
    seed = (xxhash.xxh3_64_intdigest(name.encode()) + number) % 2**64
    return xxhash.xxh3_64_intdigest(content, seed=seed) if content else 0


def is_empty(value, default):
    """Bit for bit the value that leaves no mark."""
    return np.asarray(value).tobytes() == np.asarray(default, dtype=np.asarray(value).dtype).tobytes()


def cell_mark(name, value, default):
    if isinstance(value, (bytes, str)):
        content = value if isinstance(value, bytes) else value.encode()
        return 0 if content == default else mark(name, content)
    if is_empty(value, default):
        return 0
    return mark(name, np.asarray(value).astype("<u8" if value.dtype == np.uint8 else value.dtype).tobytes())


def trace_mark(name, values):
    filled = np.flatnonzero(values.view("u8") != np.float64("nan").view("u8"))
    return mark(name, values[: filled[-1] + 1].tobytes()) if filled.size else 0


def attributes_checksum(file):
    """Of the root attributes that were made before it."""
    total, root = 0, file["/"].id
    for index in range(h5py.h5a.get_num_attrs(root)):
        name = h5py.h5a.open(root, index=index, index_type=h5py.h5.INDEX_CRT_ORDER).name.decode()
        if name == "attributes_checksum":
            return total % 2**64
        value = file.attrs[name]
        if isinstance(value, h5py.Empty) or name in ("created", "processes"):
            continue
        for number, part in enumerate(np.atleast_1d(value)):
            content = part.encode() if isinstance(part, str) else part.tobytes()
            seed = (xxhash.xxh3_64_intdigest(name.encode()) + number) % 2**64
            total += xxhash.xxh3_64_intdigest(content, seed=seed)
    raise SystemExit("there is no attributes_checksum")


def checksum(file, job, defaults):
    total = 0
    for name, data in file.items():
        if name in NOT_COVERED or "DIMENSION_LIST" not in data.attrs or name == "state":
            continue
        value = data[job]
        if name == "message":
            total += cell_mark(name, value.tobytes().rstrip(b"\0"), b"")
        elif data.ndim == 2:
            total += trace_mark(name, value)
        elif name in defaults:
            default = defaults[name]
            total += cell_mark(name, value, default.encode() if isinstance(value, bytes) else
                               np.nan if default == "auto" else value.dtype.type({"last": -1}.get(default, default)))
        else:
            total += cell_mark(name, value, b"" if isinstance(value, bytes) else
                               np.nan if value.dtype.kind == "f" else 0)
    count = int(np.prod([file[f"state_{part}"][job] for part in ("records", "rows", "cols")]))
    start = file["state_start"][job]
    states = file["state"][start : start + count] if count else np.empty(0)
    for number in range(0, count, PIECE):
        total += mark("state", states[number : number + PIECE].tobytes(), number // PIECE)
    return total % 2**64


def main():
    wgf = sys.argv[1]
    with open("defaults.yaml", "w", encoding="utf-8") as file:
        file.write("name: defaults\n")
    with open("spec.yaml", "w", encoding="utf-8") as file:
        file.write(SPEC)
    table = subprocess.run([wgf, "plan", "defaults.yaml", "--csv"], capture_output=True, text=True, check=True).stdout
    defaults = next(csv.DictReader(io.StringIO(table)))
    sets = ("--set", "seed=2", "--set", "n=6")
    subprocess.run([wgf, "run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet", *sets], check=True)
    with h5py.File("out.h5", "r") as file:
        jobs = file["job"].size
        wrong = [k for k in range(jobs) if checksum(file, k, defaults) != int(file["checksum"][k])]
        same = attributes_checksum(file) == int(file.attrs["attributes_checksum"])
    print(f"{jobs - len(wrong)} of {jobs} checksums agree", wrong, "and that of the attributes" * same)
    sys.exit(bool(wrong) or not same)


main()
