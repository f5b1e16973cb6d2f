#!/usr/bin/python3
"""`wgf verify`: every finished row against its checksum. src/store/README.md "Checksum". test_verify.py WGF_BINARY"""

import random
import shutil
import subprocess

import h5py
import numpy as np
from harness import (DONE, ERROR, FAILED, FAILURES, OK, PENDING, RUNNING, USAGE, Skip, case, column, equal, main,
                     require, within)

MIXED = """\
name: mixed
fixed: {n: 6, steps: 7, record_every: 3, d: 2, init_scale: 1, record_distances: all}
sweep:
  method: [gd, prox, jko, flow]
  save: [none, last, all]
  record_inner: [0, 20]
  grid: [6]
  seed: [1, 2]
"""
NOT_COVERED = {"started", "seconds", "predicted_seconds", "rank", "attempts"}
SCALES = {"job", "record", "inner_record", "message_length", "state_element"}


def verify(wgf, name, torn):
    """`verify` names exactly these rows."""
    outcome = wgf("verify", name).require(FAILURES if torn else OK)
    lines = outcome.out.splitlines()
    equal(lines[:-1], [f"job {k} does not match its checksum" for k in sorted(torn)], f"torn rows of {name}")


def places(file):
    """Every value of the file that a checksum covers: (variable, index, row), one at random of each variable and
    row."""
    jobs = file["job"].size
    for name, data in file.items():
        if name in SCALES | NOT_COVERED or data.id.get_storage_size() == 0:
            continue
        for k in range(jobs):
            if name == "state":
                start, count = file["state_start"][k], 1
                for part in ("records", "rows", "cols"):
                    count *= file[f"state_{part}"][k]
                if count:
                    yield name, start + random.randrange(count), k
            else:
                yield name, (k, random.randrange(data.shape[1])) if data.ndim == 2 else k, k


def flip_bytes(path, start, size):
    """Turns one bit among these bytes of a file."""
    with open(path, "r+b") as file:
        place, bit = start + random.randrange(size), random.randrange(8)
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << bit]))


def flip_at(path, name, index):
    """Turns a bit of a value where it lies in the file; a text gets a letter more instead."""
    with h5py.File(path, "r+") as file:
        data = file[name]
        if data.dtype == object:
            data[index] = data[index] + b"x"
            return
        place, size = data.id.get_offset(), data.dtype.itemsize
        place += int(np.ravel_multi_index(index, data.shape) if data.ndim == 2 else index) * size
    flip_bytes(path, place, size)


def put(path, name, index, value):
    with h5py.File(path, "r+") as file:
        file[name][index] = value


@case
def untouched_files_verify(wgf):
    path = wgf.result(MIXED)
    outcome = wgf("verify", path.name).require(OK)
    equal(outcome.out, f"out.h5: {column(path, 'job').size} finished rows match, 0 do not, 0 not finished\n", "stdout")


@case
def every_flipped_bit_is_found(wgf):
    """One in each variable of each row, all of one variable at a time: every row is named, and undone it is whole. A
    row whose status says that it is open is one, whatever else it says. Where states start is judged by the
    neighbours, so there every second row stays as it is: two that move alike vouch for each other."""
    path = wgf.result(MIXED)
    with h5py.File(path) as file:
        all_places = [place for place in places(file) if place[0] != "state_start" or place[2] % 2 == 0]
    whole = shutil.copy(path, wgf.path("whole.h5"))
    names = list(dict.fromkeys(name for name, _, _ in all_places))
    require(len(names) > 70 and "state" in names and "inner_distance" in names, f"only {names}")
    for name in names:
        for other, index, _ in all_places:
            if other == name:
                flip_at(path, name, index)
        states = column(path, "status")
        torn = {k for other, _, k in all_places if other == name and states[k] not in (PENDING, RUNNING)}
        outcome = wgf("verify", path.name).require(FAILURES)
        named = {int(line.split()[1]) for line in outcome.out.splitlines()[:-1]}
        equal(named, torn, f"rows torn in {name}")
        shutil.copy(whole, path)
    verify(wgf, path.name, [])


@case
def one_flipped_bit_tears_one_row(wgf):
    """Its neighbours stay whole, wherever it is."""
    path = wgf.result(MIXED)
    with h5py.File(path) as file:
        chosen = [place for place in places(file) if place[0] != "status"]
    whole = shutil.copy(path, wgf.path("whole.h5"))
    must = [place for place in chosen if place[0] in ("state_start", "width", "save")]
    for name, index, k in random.sample(chosen, 60) + random.sample(must, 20):
        flip_at(path, name, index)
        verify(wgf, path.name, [k])
        shutil.copy(whole, path)


@case
def damaged_references_of_texts_tear_their_rows(wgf):
    """A text's length, the place of its heap, its number there: HDF5 itself crashes on some. Another object with the
    same text is the same value."""
    path = wgf.result(MIXED)
    whole = shutil.copy(path, wgf.path("whole.h5"))
    reference, found = 16, 0
    with h5py.File(path) as file:
        texts = [data.id.get_offset() for data in file.values() if data.dtype == object]
        jobs = file["job"].size
    for _ in range(80):
        place, k = random.choice(texts), random.randrange(jobs)
        flip_bytes(path, place + k * reference, reference)
        outcome = wgf("verify", path.name)
        require(outcome.code in (OK, FAILURES), f"exit code {outcome.code}: {outcome.err}")
        if outcome.code == FAILURES:
            equal(outcome.out.splitlines()[:-1], [f"job {k} does not match its checksum"], "torn rows")
        found += outcome.code == FAILURES
        shutil.copy(whole, path)
    require(found > 65, f"only {found} of 80 found")


@case
def damage_to_data_ends_in_an_exit_code(wgf):
    """At random places of what the file stores; HDF5's own tables of names are another matter."""
    path = wgf.result(MIXED)
    whole = shutil.copy(path, wgf.path("whole.h5"))
    with h5py.File(path) as file:
        stored = [(data.id.get_offset(), data.id.get_storage_size()) for data in file.values()
                  if data.id.get_storage_size()]
    for _ in range(60):
        place, size = random.choice(stored)
        flip_bytes(path, place, size)
        outcome = wgf("verify", path.name)
        require(outcome.code in (OK, FAILURES), f"exit code {outcome.code}: {outcome.err}")
        shutil.copy(whole, path)


@case
def what_is_not_covered_may_change(wgf):
    path = wgf.result(MIXED)
    for name in NOT_COVERED:
        for k in range(column(path, "job").size):
            flip_at(path, name, k)
    verify(wgf, path.name, [])


@case
def failed_rows_have_checksums_too(wgf):
    path = wgf.result("name: x\nfixed: {n: 5, steps: 3}\nsweep: {width: [4, 1000000000000000]}\n", FAILURES)
    equal(list(column(path, "status")), [DONE, FAILED], "status")
    verify(wgf, path.name, [])
    flip_at(path, "message", (1, 3))
    verify(wgf, path.name, [1])


@case
def open_rows_are_no_errors(wgf):
    """A row may be running with all its data, when a run died as it wrote it, and pending with them, when a power loss
    took its status back alone. Neither is damaged, and the next run makes it anew."""
    wgf.write("spec.yaml", MIXED)
    wgf("run", "spec.yaml", "-o", "out.h5", "--jobs", "0-9", "--quiet").require(OK)
    path = wgf.path("out.h5")
    put(path, "status", 4, RUNNING)
    outcome = wgf("verify", path.name).require(OK)
    equal(outcome.out, "out.h5: 9 finished rows match, 0 do not, 21 not finished\n", "stdout")
    put(path, "status", 3, PENDING)
    outcome = wgf("verify", path.name).require(OK)
    equal(outcome.out, "out.h5: 8 finished rows match, 0 do not, 22 not finished\n", "stdout")
    put(path, "objective", (3, 1), 17) # of a row that counts for nothing
    put(path, "status", 5, 17)
    verify(wgf, path.name, [5])
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet").require(OK)
    verify(wgf, path.name, [])


@case
def changed_attributes_are_told(wgf):
    """One character, bit or text of each, in turn. What a user adds, and a file without the checksum, are good."""
    wgf.write("spec.yaml", MIXED)
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--jobs", "0-2", "--set", "steps=3", "--set", "gamma=0.5")
    path, words = wgf.path("out.h5"), "attributes of the file"
    verify(wgf, path.name, [])
    whole = shutil.copy(path, wgf.path("whole.h5"))
    with h5py.File(path) as file:
        names = set(file.attrs)
    require(names >= {"spec", "sets", "axes", "created", "wgf_version", "plan_hash", "attributes_checksum"}, names)
    for name in names - {"schema", "created", "processes"}: # of another schema it is refused before
        with h5py.File(path, "r+") as file:
            value = file.attrs[name]
            if isinstance(value, str):
                value = value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"
            elif value.dtype == object:
                value[-1] += "x"
            else:
                value ^= type(value)(1)
            file.attrs.modify(name, value)
        outcome = wgf("verify", path.name).require(FAILURES)
        require(words in outcome.out and "3 finished rows match, 0 do not" in outcome.out, f"{name}: {outcome.out!r}")
        shutil.copy(whole, path)
    with h5py.File(path, "r+") as file:
        file.attrs["note"] = "a user's"
        file.attrs.modify("created", "2001-01-01T00:00:00.000000Z")
    require(words not in wgf("verify", path.name).require(OK).out, "a note counts as damage")
    wgf("merge", "-o", "all.h5", path.name, "--quiet").require(OK)
    require(words not in wgf("verify", "all.h5").require(OK).out, "merging changes attributes")
    with h5py.File(path, "r+") as file:
        del file.attrs["attributes_checksum"]
        file.attrs.modify("host", "elsewhere")
    require(words not in wgf("verify", path.name).require(OK).out, "an older file is damaged")


@case
def compressed_files_verify(wgf):
    if not shutil.which("h5repack"):
        raise Skip("no h5repack")
    path = wgf.result(MIXED)
    subprocess.run(["h5repack", "-f", "GZIP=1", path, wgf.path("small.h5")], check=True, capture_output=True)
    verify(wgf, "small.h5", [])
    put(wgf.path("small.h5"), "objective", (7, 1), 17)
    verify(wgf, "small.h5", [7])


@case
def files_that_cannot_be_read(wgf):
    path = wgf.result("name: x\nfixed: {n: 5, width: 4, steps: 3}\n")
    wgf("verify", "none.h5").require(ERROR, "there is no result file 'none.h5'").quietly()
    wgf.path("cut.h5").write_bytes(path.read_bytes()[:5000])
    wgf("verify", "cut.h5").require(ERROR, "cut.h5", "cut short").quietly()
    wgf.write("text.h5", "not HDF5, and long enough to tell")
    wgf("verify", "text.h5").require(ERROR, "not an HDF5 file").quietly()
    with h5py.File(path, "r+") as file:
        del file["steps_done"]
    wgf("verify", path.name).require(ERROR, "no variable 'steps_done'").quietly()
    wgf("verify").require(USAGE, "no result file")
    wgf("verify", "a", "b").require(USAGE, "more than one")


@case
def many_rows_take_a_moment(wgf):
    """200 000 rows; a slow processor may take ten times as long as ours."""
    path = wgf.result("name: x\nfixed: {width: 1, n: 1, steps: 0}\nsweep: {seed: {range: [0, 200000]}}\n")
    chosen = random.sample(range(200_000), 20)
    for k in chosen:
        name = random.choice(["objective", "seed", "checksum", "kernel"])
        flip_at(path, name, (k, 0) if name == "objective" else k)
    with within(10):
        verify(wgf, path.name, chosen)


random.seed(1)
main()
