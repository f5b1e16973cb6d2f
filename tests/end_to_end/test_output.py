#!/usr/bin/python3
"""What is printed holds no character that commands a terminal, wherever it comes from. test_output.py WGF_BINARY"""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from harness import ERROR, FAILED, OK, USAGE, Outcome, case, equal, main, require

SOURCES = Path(__file__).resolve().parents[2]
# By Unicode's categories: controls, separators of lines, and those that set the direction of text.
HOSTILE = [*map(chr, (*range(1, 0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F),
                      *range(0x2066, 0x206A)))]
HOSTILE = [mark for mark in HOSTILE if mark not in "\n\t"]
TRICKS = "a" + "b".join(HOSTILE) + "z é ∇ 😀"
SPEC = "name: n\nfixed: {n: 5, width: 4, steps: 2}\nsweep: {seed: [1, 2]}\n"


def harmless(said, what):
    found = sorted({hex(ord(mark)) for mark in said if mark in HOSTILE})
    require(not found, f"{what} prints {', '.join(found)}: {said!r}")
    return said


def run(words, folder):
    done = subprocess.run(words, cwd=folder, capture_output=True, timeout=900)
    return Outcome(subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode()))


def foreign(wgf):
    """A result file that says TRICKS wherever it can say anything."""
    path = wgf.result(SPEC)
    with h5py.File(path, "r+") as file:
        for name in [name for name, value in file.attrs.items() if isinstance(value, str)]:
            if name not in ("spec", "plan_hash"):
                file.attrs.modify(name, TRICKS)
        file["status"][0] = FAILED
        file["message"][0] = np.frombuffer(TRICKS.encode().ljust(512, b"\0")[:512], "S1")
        file["data_file"][:] = TRICKS
    return path


@case
def words_of_the_command_line(wgf):
    """Every command, as an operand, an option, and the value of one."""
    wgf.write("spec.yaml", SPEC)
    name = TRICKS.replace("/", "")[:60]
    wgf.write(f"{name}.yaml", SPEC)
    for command in ("plan", "run", "status", "show", "predict", "distance", "learn", "aggregate", "merge", "verify",
                    "params"):
        for words in ((TRICKS,), (f"--{TRICKS}",), (f"-{TRICKS}",), ("x", "--jobs", TRICKS), ("x", "--set", TRICKS),
                      ("x", "--value", TRICKS, "--by", TRICKS), ("x", "-o", TRICKS), (TRICKS, "-o", "x.h5")):
            done = run([wgf.program, command, *words], wgf.folder)
            require(done.code in (ERROR, USAGE), f"exit code {done.code} of {command}")
            harmless(done.out + done.err, f"wgf {command} {words[0][:4]!r}")
    harmless(run([wgf.program, TRICKS], wgf.folder).require(USAGE).err, "wgf")
    for words in (["bash", str(SOURCES / "slurm/sweep.sh"), TRICKS], ["bash", str(SOURCES / "slurm/sweep.sh"),
                  f"--{TRICKS}"], [sys.executable, str(SOURCES / "tools/plot.py"), TRICKS],
                  [sys.executable, str(SOURCES / "tools/plot.py"), "x", "--figure", TRICKS],
                  [sys.executable, str(SOURCES / "tools/report.py"), TRICKS]):
        done = run(words, wgf.folder)
        require(done.code in (ERROR, USAGE), f"exit code {done.code} of {words[1]}")
        harmless(done.out + done.err, words[1])
    for words in (("plan", f"{name}.yaml"), ("run", f"{name}.yaml", "-o", f"{name}.h5"), ("status", f"{name}.h5"),
                  ("verify", f"{name}.h5"), ("run", f"{name}.yaml", "-o", f"{name}.h5", "--set", "width=3")):
        done = run([wgf.program, *words], wgf.folder)
        harmless(done.out + done.err, f"wgf {words[0]} of a file with such a name")


@case
def characters_cut_by_a_buffer(wgf):
    """A long word passes the escape in blocks: what comes out is what was put in, escaped, at any shift."""
    for shift in range(6):
        word = "x" * shift + TRICKS * 40
        escaped = "".join(f"\\u{ord(mark):04x}" if mark in HOSTILE else mark for mark in word)
        said = run([wgf.program, word], wgf.folder).require(USAGE).err
        equal(said, f"wgf: error: unknown command '{escaped}'; see wgf --help\n", f"stderr at shift {shift}")


@case
def bytes_that_are_no_text(wgf):
    """A lone 0x9B is a control of eight-bit terminals."""
    done = subprocess.run([wgf.program, b"status", b"\x9b31m\xff\xe2\x80"], cwd=wgf.folder, capture_output=True)
    equal(done.returncode, ERROR, "exit code")
    require(b"'?31m???'" in done.stderr or b"?31m??" in done.stderr, f"says {done.stderr!r}")
    done.stderr.decode()


@case
def texts_of_a_foreign_file(wgf):
    path = foreign(wgf)
    for words in (("status",), ("status", "--json"), ("show",), ("show", "--job", "0"), ("verify",),
                  ("aggregate", "--value", "objective_final", "--by", "data_file"), ("predict", "--at", "x.csv")):
        done = run([wgf.program, words[0], path.name, *words[1:]], wgf.folder)
        harmless(done.out + done.err, f"wgf {' '.join(words)}")
    done = run([wgf.program, "run", "spec.yaml", "-o", path.name, "--retry", "failed"], wgf.folder)
    harmless(done.out + done.err, "wgf run")
    for tool in ("plot", "report"):
        done = run([sys.executable, str(SOURCES / f"tools/{tool}.py"), path.name], wgf.folder)
        harmless(done.out + done.err, tool)


@case
def data_stay_as_they_are(wgf):
    """JSON says the same; CSV is as it is for a program, and escaped on a terminal."""
    path = foreign(wgf)
    told = json.loads(run([wgf.program, "status", path.name, "--json"], wgf.folder).require(OK).out)
    equal(told["name"], TRICKS, "name in JSON")
    rows = csv.DictReader(io.StringIO(run([wgf.program, "show", path.name, "--csv"], wgf.folder).require(OK).out))
    equal([row["data_file"] for row in rows], [TRICKS, TRICKS], "data_file in CSV")
    screen, far = pty.openpty()
    process = subprocess.Popen([wgf.program, "show", path.name, "--csv"], cwd=wgf.folder, stdout=far)
    os.close(far)
    said = b""
    try:
        while part := os.read(screen, 65536):
            said += part
    except OSError: # the other end is closed
        pass
    equal(process.wait(), OK, "exit code")
    harmless(said.decode().replace("\r\n", "\n"), "wgf show --csv on a terminal")


if __name__ == "__main__":
    main()
