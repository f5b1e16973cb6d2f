#!/usr/bin/python3
"""Data from CSV as other programs write it, against pandas and NumPy. test_csv.py WGF_BINARY"""

import csv
import io
import itertools

import h5py
import numpy as np
import pandas
from harness import FAILURES, OK, case, equal, main, require

SPEC = "name: x\nfixed: {data: file, data_file: data.csv, width: 4, steps: 0}\n"
TABLE = np.random.default_rng(1).normal(size=(6, 3)) * [1e-7, 1, 1e9]
NAMES = {"plain": ["x", "y", "label"], "quoted": ["2nd, of two", 'a "b"', "two\nlines"]}


def message(wgf, code):
    """What the one job's row says once it has run."""
    wgf("run", "spec.yaml", "-o", "out.h5", "--overwrite", "--quiet").require(code)
    with h5py.File(wgf.path("out.h5"), "r") as file:
        return bytes(file["message"][0]).split(b"\0")[0].decode()


def data(wgf, what):
    """X and y as the program reads data.csv."""
    require(message(wgf, OK) == "", what)
    out = wgf("show", "out.h5", "--job", "0", "--data", "--csv").require(OK).out
    return np.loadtxt(io.StringIO(out), delimiter=",", skiprows=1, ndmin=2)


def texts():
    """(what, bytes, table) of files that pandas, NumPy and the module csv write."""
    options = itertools.product((",", ";", "\t"), ("\n", "\r\n", "\r"), (csv.QUOTE_MINIMAL, csv.QUOTE_ALL),
                                ("utf-8", "utf-8-sig"), NAMES.values())
    for separator, line_end, quoting, encoding, names in options:
        if (line_end == "\r" or separator == "\t") and names is NAMES["quoted"] and quoting == csv.QUOTE_MINIMAL:
            continue  # pandas leaves the LF, or the comma, without quotes
        out = io.BytesIO()
        pandas.DataFrame(TABLE, columns=names).to_csv(out, index=False, sep=separator, lineterminator=line_end,
                                                      quoting=quoting, encoding=encoding)
        back = pandas.read_csv(io.BytesIO(out.getvalue()), sep=separator, float_precision="round_trip")
        yield f"to_csv {separator!r} {line_end!r} {quoting} {encoding} {names}", out.getvalue(), back.to_numpy()
    for separator, header in itertools.product((",", " ", "\t", " , "), ("", "x y label")):
        out = io.StringIO()
        np.savetxt(out, TABLE, delimiter=separator, header=header)
        back = np.loadtxt(io.StringIO(out.getvalue()), delimiter=separator.strip() or None)
        yield f"savetxt {separator!r} {header!r}", out.getvalue().encode(), back


@case
def files_of_other_programs(wgf):
    count = 0
    wgf.write("spec.yaml", SPEC)
    for what, text, expected in texts():
        wgf.path("data.csv").write_bytes(text)
        got = data(wgf, what)
        inputs, bias, labels = got[:, :2], got[:, 2], got[:, 3]
        require(np.array_equal(np.column_stack([inputs, labels]), expected) and np.all(bias == 1), f"{what}: {got}")
        count += 1
    print(f"{count} files", end="; ")


@case
def an_index_is_never_an_input(wgf):
    """What pandas writes by default: a failed row that says how to write it."""
    wgf.write("spec.yaml", SPEC)
    for names, words in ((NAMES["plain"], "column 1 has no name: it is an index"), (None, "without an index column")):
        pandas.DataFrame(TABLE, columns=names).to_csv(wgf.path("data.csv"))
        said = message(wgf, FAILURES)
        require(words in said, f"the row says {said!r}")


@case
def the_same_reader_reads_neurons_and_test_sets(wgf):
    pandas.DataFrame(TABLE[:4] / [1e-7, 1, 1e9]).to_csv(wgf.path("data.csv"), index=False, header=NAMES["plain"])
    for name, fixed in (("test_file", "n: 5, d: 3"), ("init_file", "init: file, n: 5, d: 2")):
        wgf.write("spec.yaml", f"name: x\nfixed: {{{fixed}, {name}: {name}.csv, steps: 0}}\n")
        for text, code in (('"x","y","z"\r1,2,1\r"3",4,-1\r', OK), (",y,z\n0,2,1\n1,4,-1\n", FAILURES)):
            wgf.path(f"{name}.csv").write_text(text, newline="")
            said = message(wgf, code)
            equal("column 1 has no name" in said, code == FAILURES, f"message about {name}: {said}")


if __name__ == "__main__":
    main()
