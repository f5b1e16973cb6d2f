#!/usr/bin/python3
"""Result and data files that a stranger made: every variable x type, rank, lengths, storage, link, missing, huge, and
attributes of other kinds, given to every command.

    crafted.py WGF_BINARY [--files N] [--skip K] [--only WORD]

All files, or N of them in a fixed order, from the K-th on. A command may refuse a file; it
may not crash, give a report of a sanitizer, take more than 30 s of processor time, or change any file but its result.
Ends with the counts; exits 1 if one is not 0.
"""

import argparse
import hashlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

POINTS = "".join(f"{x},{x * x}\n" for x in range(5))  # points.csv of SPEC
SPEC = """\
name: crafted
fixed: {data: file, data_file: points.csv, standardize: both, method: prox, width: 4, steps: 2, inner_steps: 3,
        record_inner: 1, save: all}
sweep: [{product: {metric: [frobenius, wasserstein], seed: [1, 2, 3]}}, {fixed: {method: gd}, product: {seed: [1, 2]}}]
"""
DATA_SPEC = """\
name: data
fixed: {data: file, data_file: x.h5, init: file, init_file: x.h5, steps: 1}
"""
CPU = 30  # seconds
SCALES = ("job", "record", "inner_record", "message_length", "state_element")
COMMANDS = (
    ("status", "x.h5"), ("status", "x.h5", "--json"), ("show", "x.h5"), ("show", "x.h5", "--csv"),
    ("show", "x.h5", "--job", "1"), ("verify", "x.h5"),
    ("aggregate", "x.h5", "--by", "metric", "--value", "objective,objective_final"),
    ("predict", "x.h5", "--at", "at.csv"), ("distance", "x.h5"),
    ("learn", "x.h5", "-o", "learned.h5"),
    ("merge", "x.h5", "-o", "merged.h5"),
    ("run", "spec.yaml", "-o", "new.h5", "--reuse", "x.h5", "--quiet"), ("run", "spec.yaml", "-o", "x.h5", "--quiet"),
)
DATA_COMMANDS = (("plan", "data.yaml"), ("run", "data.yaml", "-o", "new.h5", "--quiet"))


def replace(file, name, make):
    """Puts what `make` makes in the place of a variable, with its attributes where it can have any."""
    old = file[name]
    attributes = [(key, old.attrs.get_id(key)) for key in old.attrs if key in ("long_name", "units", "_FillValue")]
    values = {key: old.attrs[key] for key, _ in attributes}
    data, dtype, shape = old[()] if name not in ("message_length", "state_element") else None, old.dtype, old.shape
    scales = [] if name in SCALES else [file[scale] for scale in SCALES if scale in file]
    del file[name]
    made = make(file, name, data, dtype, shape)
    if isinstance(made, h5py.Dataset):
        for key, value in values.items():
            made.attrs[key] = value
        # As a list of dimension scales: earlier versions asked for it.
        if made.shape is not None and len(made.shape) in (1, 2) and "job" in file and name not in SCALES:
            lengths = {scale.shape[0]: scale for scale in scales if scale.shape and len(scale.shape) == 1}
            for i in range(len(made.shape)):
                made.dims[i].attach_scale(lengths.get(made.shape[i], scales[0]))


def of_type(dtype):
    def make(file, name, data, _, shape):
        return file.create_dataset(name, shape, dtype)
    return make


def of_shape(change):
    def make(file, name, data, dtype, shape):
        return file.create_dataset(name, change(shape), dtype)
    return make


def empty(file, name, data, dtype, shape):
    return file.create_dataset(name, data=h5py.Empty("f8"))


def huge(change):
    """Lengths without a byte in the file."""
    def make(file, name, data, dtype, shape):
        return h5py.Dataset(h5d.create(file.id, name.encode(), h5t.py_create(dtype, logical=True),
                                       h5s.create_simple(change(shape))))
    return make


def plain(shape, data):
    return {} if data is None else {"data": data}


def chunked(**options):
    def make(file, name, data, dtype, shape):
        return file.create_dataset(name, shape, dtype, chunks=tuple(min(4, n) for n in shape), **options,
                                   **plain(shape, data))
    return make


def absent_chunks(change):
    def make(file, name, data, dtype, shape):
        made = file.create_dataset(name, change(shape), dtype, chunks=tuple(min(512, n) for n in change(shape)))
        made[(0,) * len(shape)] = b"" if made.dtype.kind == "S" else "" if made.dtype.kind == "O" else 1
        return made
    return make


def compact(file, name, data, dtype, shape):
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_layout(h5d.COMPACT)
    return h5py.Dataset(h5d.create(file.id, name.encode(), h5t.py_create(dtype, logical=True),
                                   h5s.create_simple(shape), properties))


def unwritten(file, name, data, dtype, shape):
    return file.create_dataset(name, shape, dtype)


def plug_in(file, name, data, dtype, shape):
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_chunk(tuple(min(4, n) for n in shape))
    properties.set_filter(32100, h5py.h5z.FLAG_OPTIONAL, ())
    return h5py.Dataset(h5d.create(file.id, name.encode(), h5t.py_create(dtype, logical=True),
                                   h5s.create_simple(shape), properties))


def external(target, start=0, size=h5py.h5f.UNLIMITED):
    def make(file, name, data, dtype, shape):
        return file.create_dataset(name, shape, "f8" if dtype.kind == "O" else dtype, external=[(target, start, size)])
    return make


def virtual(file, name, data, dtype, shape):
    layout = h5py.VirtualLayout(shape=shape, dtype="f8" if dtype.kind == "O" else dtype)
    layout[...] = h5py.VirtualSource("victim.h5", "v", shape=shape)
    return file.create_virtual_dataset(name, layout)


def linked(link):
    def make(file, name, data, dtype, shape):
        file[name] = link
    return make


def alias(other):
    def make(file, name, data, dtype, shape):
        file[name] = file[other if other != name else "seconds"]
    return make


def named_type(file, name, data, dtype, shape):
    file[name] = np.dtype("f8")


def group(file, name, data, dtype, shape):
    file.create_group(name)


def missing(file, name, data, dtype, shape):
    pass


KINDS = {
    **{f"type {word}": of_type(dtype) for word, dtype in {
        "int8": "i1", "uint8": "u1", "int32": "i4", "int64": "i8", "uint64": "u8", "float32": "f4", "float64": "f8",
        "big-endian": ">f8", "char": "S1", "chars": "S9", "text": h5py.string_dtype(), "bool": "?", "complex": "c16",
        "compound": [("a", "i8"), ("b", "f8")], "array": np.dtype(("f8", (3,))), "sequence": h5py.vlen_dtype("f8"),
        "reference": h5py.ref_dtype, "opaque": "V16"}.items()},
    "rank 0": of_shape(lambda shape: ()), "no space": empty,
    "rank + 1 of 1": of_shape(lambda shape: shape + (1,)), "rank + 1 of 7": of_shape(lambda shape: shape + (7,)),
    "rank + 1 of 20000": of_shape(lambda shape: shape + (20000,)), "rank 4": of_shape(lambda shape: (2, 2, 2, 2)),
    "one less": of_shape(lambda shape: (shape[0] - 1, *shape[1:])),
    "one more": of_shape(lambda shape: (shape[0] + 1, *shape[1:])),
    "a thousand": of_shape(lambda shape: (1000 * shape[0], *shape[1:])),
    "none": of_shape(lambda shape: (0, *shape[1:])),
    "last one less": of_shape(lambda shape: (*shape[:-1], shape[-1] - 1)),
    "last a thousand": of_shape(lambda shape: (*shape[:-1], 1000 * shape[-1])),
    "huge": huge(lambda shape: (2**58 if len(shape) == 1 else 2**20, *[2**30 for _ in shape[1:]])),
    "huge by wrapping": huge(lambda shape: (2**60, *shape[1:])),
    "huge last": huge(lambda shape: (*shape[:-1], 2**55)),
    "chunked": chunked(), "compressed": chunked(compression="gzip"), "checked": chunked(fletcher32=True),
    "growing": chunked(maxshape=None), "absent chunks": absent_chunks(lambda shape: shape),
    "huge by absent chunks": absent_chunks(lambda shape: (2**33, *shape[1:])),
    "compact": compact, "unwritten": unwritten, "plug-in": plug_in,
    "external": external("victim"), "external, behind": external("victim", 4096),
    "external, missing": external("nonesuch"), "external, absolute": external("/dev/zero"), "virtual": virtual,
    "soft link": linked(h5py.SoftLink("/seconds")), "dangling link": linked(h5py.SoftLink("/nonesuch")),
    "loop": linked(h5py.SoftLink("/loop")), "external link": linked(h5py.ExternalLink("victim.h5", "/v")),
    "external link to itself": linked(h5py.ExternalLink("x.h5", "/seconds")), "alias": alias("objective_final"),
    "alias of a text": alias("method"), "alias of a trace": alias("objective"), "type": named_type, "group": group,
    "missing": missing,
}
ATTRIBUTES = {
    "missing": None, "int": 7, "negative": -1, "largest": np.uint64(2**64 - 1), "float": 0.5, "text": "x",
    "empty text": "", "long text": "x" * 40000, "bytes": np.bytes_(b"\xff\x80\x00x"), "fixed text": np.bytes_("1"),
    "array of int": np.arange(9), "array of text": np.array(["a", "b"], h5py.string_dtype()),
    "matrix": np.zeros((3, 3)), "no space": h5py.Empty("f8"), "compound": np.zeros(1, [("a", "i8")])[0],
    "no texts": np.array([], h5py.string_dtype()),
}


def craft_variable(kind, name):
    return lambda file: replace(file, name, KINDS[kind])


def craft_attribute(kind, key, name=None):
    def craft(file):
        attributes = (file[name] if name else file).attrs
        if key in attributes:
            del attributes[key]
        if ATTRIBUTES[kind] is not None:
            attributes[key] = ATTRIBUTES[kind]
    return craft


def all_files(base):
    """Every crafted file: what it is, what makes it of the open base, and whether that is a file of data."""
    with h5py.File(base) as file:
        names, keys = list(file), list(file.attrs)
    files = [(f"{name}: {kind}", craft_variable(kind, name)) for name in names for kind in KINDS]
    files += [(f"@{key}: {kind}", craft_attribute(kind, key)) for key in keys for kind in ATTRIBUTES]
    files += [(f"{name}@{key}: {kind}", craft_attribute(kind, key, name))
              for name, key in (("status", "flag_meanings"), ("status", "DIMENSION_LIST"), ("gamma", "long_name"),
                                ("job", "NAME"), ("message", "_Encoding"), ("objective", "_FillValue"))
              for kind in ATTRIBUTES]
    data = [(f"data {name}: {kind}", craft_variable(kind, name), True) for name in DATA for kind in KINDS]
    return [(*entry, False) for entry in files] + data


DATA = {"X": np.ones((6, 2)), "y": np.arange(6.0), "W": np.ones((4, 2)), "alpha": np.array([1.0, -1, 1, -1])}


def damage_row(path):
    """The last job is to be run again, so that a run writes to every column."""
    with h5py.File(path, "r+") as file:
        file["status"][-1] = 1


class Room:
    """A folder in which one file after another is given to all commands."""

    def __init__(self, program, folder):
        self.program, self.folder = program, folder
        folder.mkdir()
        (self.folder / "spec.yaml").write_text(SPEC)
        (self.folder / "data.yaml").write_text(DATA_SPEC)
        with h5py.File(self.folder / "data.h5", "w") as file:
            for name, values in DATA.items():
                file[name] = values
        (self.folder / "at.csv").write_text("0.5\n-1\n")
        (self.folder / "points.csv").write_text(POINTS)
        self.base = self.folder / "base.h5"
        done = self.wgf("run", "spec.yaml", "-o", "base.h5", "--quiet")
        if done.returncode:
            sys.exit(f"no base: {done.stderr}")
        damage_row(self.base)
        self.counts = Counter()
        self.attack("untouched", lambda file: None, False)
        self.attack("untouched", lambda file: None, True)
        if self.counts["refused"]:
            sys.exit("an untouched file is refused")

    def wgf(self, *arguments):
        def limit():
            resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
                       "UBSAN_OPTIONS": "print_stacktrace=1"}
        return subprocess.run([self.program, *arguments], cwd=self.folder, capture_output=True, text=True,
                              errors="replace", stdin=subprocess.DEVNULL, env=environment, preexec_fn=limit,
                              start_new_session=True)

    def sums(self):
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.folder.iterdir()
                if path.is_file() and path.name not in ("new.h5", "merged.h5", "learned.h5")}

    def tell(self, kind, what, arguments, done=None):
        self.counts[kind] += 1
        if self.counts[kind] <= 20:
            print(f"FAILED {kind}: {what}: wgf {' '.join(arguments)}", flush=True)
            for line in (done.stderr.splitlines() if done else [])[-400:]:
                if any(word in line for word in ("ERROR: ", "runtime error", "#1 ", "#2 ", "#3 ", "Caught")):
                    print("    " + line[:200])

    def judge(self, what, arguments, before):
        done = self.wgf(*arguments)
        self.counts["runs"] += 1
        self.counts["refused"] += done.returncode in (1, 2, 3)
        if "ERROR: AddressSanitizer" in done.stderr or "runtime error:" in done.stderr:
            self.tell("reports", what, arguments, done)
        elif done.returncode in (-24, -9):
            self.tell("long", what, arguments, done)
        elif done.returncode not in (0, 1, 2, 3, 75):
            self.tell("crashes", what, arguments, done)
        elif done.returncode in (1, 2) and not done.stderr.strip():
            self.tell("silent", what, arguments, done)
        after = self.sums()
        own = {"x.h5"} if arguments[:4] == ("run", "spec.yaml", "-o", "x.h5") else set()
        if {key: value for key, value in before.items() if key not in own} != {
                key: value for key, value in after.items() if key not in own}:
            self.tell("changed files", what, arguments)

    def attack(self, what, craft, is_data):
        path = self.folder / "x.h5"
        shutil.copy(self.folder / "data.h5" if is_data else self.base, path)
        (self.folder / "victim").write_bytes(bytes(range(256)) * 64)
        with h5py.File(self.folder / "victim.h5", "w") as file:
            file["v"] = np.zeros(4096)
        try:
            with h5py.File(path, "r+", libver=("v108", "v108")) as file:
                craft(file)
        except (ValueError, TypeError, OSError, RuntimeError, KeyError):
            return # HDF5 itself does not make such a file
        self.counts["files"] += 1
        for arguments in DATA_COMMANDS if is_data else COMMANDS:
            for name in ("new.h5", "merged.h5", "learned.h5"):
                (self.folder / name).unlink(missing_ok=True)
            self.judge(what, arguments, self.sums())


def main():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("program", type=Path)
    parser.add_argument("--files", type=int)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rooms = [Room(arguments.program.resolve(), Path(folder, str(i))) for i in range(os.cpu_count())]
        files = [entry for entry in all_files(rooms[0].base) if arguments.only in entry[0]]
        random.Random(13).shuffle(files)
        chosen = files[arguments.skip:][:arguments.files]
        with ThreadPoolExecutor(len(rooms)) as pool:
            list(pool.map(lambda room, part: [room.attack(*entry) for entry in part], rooms,
                          [chosen[i::len(rooms)] for i in range(len(rooms))]))
    counts = sum((room.counts for room in rooms), Counter())
    print(f"{counts['files']} of {len(files)} crafted files, {counts['runs']} runs, {counts['refused']} refused: " +
          ", ".join(f"{counts[kind]} {kind}" for kind in BAD))
    sys.exit(any(counts[kind] for kind in BAD))


BAD = ("reports", "crashes", "long", "silent", "changed files")

if __name__ == "__main__":
    main()
