#!/usr/bin/python3
"""What a run shows while it works: a bar on a terminal, lines on a pipe. test_progress.py WGF_BINARY"""

import fcntl
import os
import pty
import re
import signal
import struct
import termios
import time

import h5py
from harness import (DONE, HANG, OK, RUNNING, STOPPED, USAGE, Skip, case, column, equal, finish, main, require,
                     wait_until)

# Most of a second of jobs of some milliseconds each, and the same with jobs that never end behind them.
JOBS = 100
BUSY = "name: busy\nfixed: {kernel: dense, n: 50, width: 100, steps: 200}\nsweep: {seed: {range: [0, 100]}}\n"
ENDLESS = BUSY.replace("steps: 200", "record_every: 100000000000").replace(
    "seed: ", "steps: [200, 100000000000], seed: ")
LONG = "name: long\nfixed: {n: 5, width: 4, gamma: 1.0e-9, steps: 100000000000, record_every: 100000000000}\n" \
       "sweep: {seed: {range: [0, 8]}}\n"
ONE_STEP = "name: one\nfixed: {n: 5, width: 4, method: prox, beta: 1.0e-9, steps: 1, inner_steps: 100000000000}\n"
SHORT = "name: short\nfixed: {n: 5, width: 4, steps: 2}\n"
LINE_SECONDS = 10
FRAME = re.compile(r"\r\x1b\[K\[([#-]*)\] (\d+)/(\d+) jobs, ([^\r\n]*)")


def environment():
    return {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}


def read_all(descriptor):
    """Everything until the other side closes; a pseudo-terminal says so by an error."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)


def on_terminal(wgf, text, *options, columns=80, after_a_frame=None):
    """Runs with stderr on a terminal: exit code, stdout, what the terminal got. `after_a_frame` gets the process once
    the bar is there."""
    wgf.write("spec.yaml", text)
    try:
        ours, theirs = pty.openpty()
    except OSError:
        raise Skip("no pseudo-terminal here") from None
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", *options, stderr=theirs, env=environment())
    os.close(theirs)
    shown = ""
    while after_a_frame and not FRAME.search(shown):
        shown += os.read(ours, 65536).decode()
    if after_a_frame:
        after_a_frame(process)
    shown += read_all(ours)
    out = finish(process).out
    os.close(ours)
    return process.returncode, out, shown


def frames(shown):
    """Each drawing of the bar: cells, jobs, of how many, the rest of its text."""
    return [(found[0], int(found[1]), int(found[2]), found[3]) for found in FRAME.findall(shown)]


@case
def bar_on_a_terminal(wgf):
    code, out, shown = on_terminal(wgf, BUSY)
    equal((code, out), (OK, ""), "exit code, stdout")
    drawn = frames(shown)
    require(len(drawn) >= 4, f"drawn {len(drawn)} times")
    for cells, jobs, total, text in drawn:
        equal(total, JOBS, "jobs in all")
        require("/s" in text and "ETA" in text, f"no rate or no ETA: {text!r}")
        require(abs(cells.count("#") - len(cells) * jobs / total) <= 1, f"{cells} for {jobs} of {total}")
    numbers = [jobs for _, jobs, _, _ in drawn]
    require(numbers == sorted(numbers) and numbers[0] < JOBS, f"jobs go {numbers}")
    equal(numbers[-1], JOBS, "jobs in the last drawing")


@case
def bar_ends_with_a_newline(wgf):
    _, _, shown = on_terminal(wgf, BUSY)
    bar, _, rest = shown.rpartition("\r\x1b[K[")[2].partition("\r\n")
    require(rest.startswith("wgf: busy: 100 done"), f"after the bar comes {rest[:60]!r}")
    require("\x1b" not in rest and rest.endswith("\n"), f"the summary is {rest!r}")


@case
def bar_fits_its_terminal(wgf):
    for columns in (120, 80, 50, 24):
        _, _, shown = on_terminal(wgf, BUSY, "--overwrite", columns=columns)
        for cells, jobs, total, text in frames(shown):
            width = len(f"[{cells}] {jobs}/{total} jobs, {text}")
            require(width <= columns, f"{width} columns on a terminal of {columns}")


@case
def bar_of_a_stopped_run_ends_with_a_newline(wgf):
    code, _, shown = on_terminal(wgf, ENDLESS, after_a_frame=lambda process: process.send_signal(signal.SIGINT))
    equal(code, STOPPED, "exit code")
    require("\r\nwgf: busy: " in shown and "interrupted" in shown, f"the end is {shown[-200:]!r}")


@case
def failures_are_shown_live(wgf):
    text = BUSY.replace("seed: ", "width: [1000000000000, 100], seed: ").replace("width: 100, ", "")
    code, _, shown = on_terminal(wgf, text)
    equal(code, 3, "exit code")
    require(any("100 failed" in text for _, _, _, text in frames(shown)[:-1]), "failures are not told before the end")


@case
def quiet_on_a_terminal(wgf):
    equal(on_terminal(wgf, SHORT, "--quiet"), (OK, "", ""), "exit code, stdout, stderr")


@case
def no_progress_but_a_summary(wgf):
    _, _, shown = on_terminal(wgf, BUSY, "--progress", "none")
    require(not frames(shown) and shown.startswith("wgf: busy: 100 done"), f"shown is {shown[:80]!r}")


@case
def wrong_kind_of_progress(wgf):
    wgf.write("spec.yaml", SHORT)
    wgf("run", "spec.yaml", "-o", "out.h5", "--progress", "fancy").require(USAGE, "fancy", "lines").quietly()


@case
def line_every_ten_seconds_on_a_pipe(wgf):
    wgf.write("spec.yaml", BUSY)
    began = time.monotonic()
    process, path = wgf.hold("run", "spec.yaml", "-o", "out.h5"), wgf.path("out.h5")
    wait_until(lambda: path.exists() and column(path, "status").any(), "the first job", process)
    time.sleep(LINE_SECONDS)  # the clock goes on, without work for the machine
    done = finish(process).require(OK).quietly()
    lines = [line for line in done.err.splitlines() if " jobs, " in line]
    require(1 <= len(lines) <= (time.monotonic() - began) / LINE_SECONDS, f"lines of progress in {done.err!r}")
    require(re.fullmatch(r"wgf: \d+/100 jobs, [\d.e+-]+/s, ETA .+", lines[0]), f"line {lines[0]!r}")
    require("\r" not in done.err and "\x1b" not in done.err, f"control characters in {done.err!r}")


def read_until(process, pattern):
    """Reads stderr until the pattern is in it, then stops the run: what was found, and all that was read."""
    shown, found = "", None
    while not found:
        part = os.read(process.stderr.fileno(), 65536).decode()
        require(part, f"the run ended with {shown[-300:]!r}")
        shown += part
        found = re.search(pattern, shown)
    process.send_signal(signal.SIGUSR1)  # which mpirun forwards
    done = finish(process)
    require("interrupted" in done.err, f"the end is {done.err!r}")
    return found, shown + done.err


@case
def clock_shows_jobs_of_which_none_has_ended(wgf):
    """A lone process, a team, an isolated job: step and F of the oldest go on, while not one row is finished."""
    wgf.write("spec.yaml", LONG)
    wgf.write("one.yaml", LONG.replace("0, 8", "0, 1"))
    job = r"; job \d: step (\d+)/100000000000, F [\d.e+-]+"
    alone, team = (rf"{count} jobs, 0/s, ETA [^;]+{job}{running}; after ([\d.]+) s"
                   for count, running in (("0/1", ""), ("0/8", "; 2 running")))
    for spec, ranks, pattern in (("one.yaml", 0, alone), ("spec.yaml", 3, team), ("one.yaml", 0, alone)):
        process = wgf.start("run", spec, "-o", f"{spec}{ranks}.h5", "--progress", "bar", ranks=ranks,
                            env={**environment(), "COLUMNS": "200"})
        found, shown = read_until(process, f"(?s){pattern}.*{pattern}")
        require(int(found[3]) >= int(found[1]) and float(found[4]) >= float(found[2]), f"goes back: {found[0]!r}")
        summary = re.search(r" in ([\d.]+) s; interrupted\n.*wgf: ([\d.]+) % of \d", shown, re.DOTALL)
        require(float(summary[1]) >= float(found[4]) and float(summary[2]) > 0, f"the summary is {summary[0]!r}")
        with h5py.File(wgf.path(f"{spec}{ranks}.h5"), "r+") as file:  # the next run isolates it
            file["status"][0], file["attempts"][0] = RUNNING, 2


@case
def clock_goes_on_within_a_step(wgf):
    wgf.write("spec.yaml", ONE_STEP)
    environ = {**environment(), "COLUMNS": "200"}
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--progress", "bar", env=environ)
    read_until(process, r"(?s); job 0: step 0/1, F [^\r]*after 1\.\d s.*after 1\.\d s")


@case
def line_comes_where_no_job_has_ended(wgf):
    wgf.write("spec.yaml", LONG)
    for process in [wgf.start("run", "spec.yaml", "-o", f"{ranks}.h5", ranks=ranks) for ranks in (0, 2)]:
        read_until(process, r"wgf: 0/8 jobs, 0/s, ETA [^\n]+; job 0: step \d+/\d+, F [^\n]+ after [\d.]+ s\n")


@case
def run_outlives_the_reader_of_its_progress(wgf):
    wgf.write("spec.yaml", BUSY)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--progress", "bar")
    process.stderr.read(1)
    process.stderr.close()
    equal(process.wait(timeout=HANG), OK, "exit code")
    equal(set(column(wgf.path("out.h5"), "status")), {DONE}, "states")


@case
def short_run_on_a_pipe_prints_the_summary_alone(wgf):
    wgf.write("spec.yaml", SHORT)
    done = wgf("run", "spec.yaml", "-o", "out.h5").require(OK, "1 done").quietly()
    require(" jobs, " not in done.err and "\r" not in done.err, f"stderr {done.err!r}")


if __name__ == "__main__":
    main()
