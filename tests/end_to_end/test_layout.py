#!/usr/bin/python3
"""A file's own layout is not believed: src/store/README.md "What is checked at opening". Each harm ends a run, and
every reader, in one sentence with the variable's name, and no byte of any file changes.
test_layout.py WGF_BINARY"""

import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from harness import ERROR, OK, case, equal, main, require

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fault"))

from crafted import KINDS, POINTS, SPEC, damage_row, replace

# What is done to a variable, and what is said of it.
HARM = (
    ("seconds", "external", "is kept in other files"), ("gamma", "external", "is kept in other files"),
    ("record", "external", "is kept in other files"), ("objective", "virtual", "is kept in other files"),
    ("seconds", "soft link", "is a link to another place"), ("status", "external link", "is a link to another place"),
    ("seconds", "alias", "shares its place"), ("attempts", "rank + 1 of 20000", "has another shape"),
    ("gamma", "rank + 1 of 7", "has another shape"), ("status", "type char", "is of another type"),
    ("method", "type int64", "is of another type"), ("message", "last one less", "has another shape"),
    ("record", "huge last", "has no room in the file"), ("state", "unwritten", "has no room in the file"),
    ("key", "huge by absent chunks", "does not lie within the file"), ("checksum", "missing", "has no variable"),
    ("inner_distance", "missing", "has no variable"), ("key", "plug-in", "'key'"), ("key", "group", "damaged"),
)
READERS = (("status",), ("show",), ("verify",), ("aggregate", "--value", "seconds"))


def made(wgf):
    wgf.path("victim").write_bytes(b"precious" * 4096)
    with h5py.File(wgf.path("victim.h5"), "w") as file:
        file["v"] = np.zeros(4096)
    wgf.write("points.csv", POINTS)
    path = wgf.result(SPEC, OK, "base.h5")
    damage_row(path)
    return path


def bytes_of(wgf):
    return {path.name: path.read_bytes() for path in wgf.folder.iterdir() if path.is_file()}


@case
def what_was_harmed_is_refused_and_untouched(wgf):
    base = made(wgf)
    for name, kind, words in HARM:
        shutil.copy(base, wgf.path("x.h5"))
        with h5py.File(wgf.path("x.h5"), "r+") as file:
            replace(file, name, KINDS[kind])
        before = bytes_of(wgf)
        wgf("run", "spec.yaml", "-o", "x.h5").require(ERROR, words, "x.h5")
        for command, *options in READERS:
            wgf(command, "x.h5", *options).quietly().require(ERROR, words, "x.h5")
        wgf("merge", "x.h5", "base.h5", "-o", "merged.h5").require(ERROR, words, "x.h5")
        wgf("run", "spec.yaml", "-o", "new.h5", "--reuse", "x.h5").require(ERROR, words, "x.h5")
        require(bytes_of(wgf) == before, f"{name}, {kind}: a file has changed")


@case
def a_team_refuses_it_too(wgf):
    base = made(wgf)
    with h5py.File(base, "r+") as file:
        replace(file, "seconds", KINDS["external"])
    before = bytes_of(wgf)
    require("is kept in other files" in wgf("run", "spec.yaml", "-o", "base.h5", ranks=2).err, "no such sentence")
    require(bytes_of(wgf) == before, "a file has changed")


@case
def repacked_copies_are_read_and_not_written(wgf):
    base = made(wgf)
    for number, filters in enumerate((["-f", "GZIP=5"], ["-f", "SHUF", "-f", "GZIP=1"], ["-f", "FLET"], ["-l", "COMPA"],
                                      ["-l", "CHUNK=2x2"])):
        copy = wgf.path(f"copy{number}.h5")
        subprocess.run(["h5repack", *filters, base, copy], check=True, capture_output=True)
        equal(wgf("show", copy, "--csv").require(OK).out, wgf("show", base, "--csv").require(OK).out, str(filters))
        wgf("verify", copy).require(OK)
        before = copy.read_bytes()
        wgf("run", "spec.yaml", "-o", copy).require(ERROR, "was compressed")
        require(copy.read_bytes() == before, "a copy has changed")


@case
def variables_of_a_user_are_left_alone(wgf):
    base = made(wgf)
    with h5py.File(base, "r+") as file:
        file["mine"] = h5py.ExternalLink("victim.h5", "/v")
        file.create_dataset("mine_too", (4,), "f8", external=[("victim", 0, 64)])
    wgf("run", "spec.yaml", "-o", "base.h5").require(OK)
    wgf("verify", "base.h5").require(OK)


main()
