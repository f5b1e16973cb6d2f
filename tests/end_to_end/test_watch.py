#!/usr/bin/python3
"""`wgf status` beside a run: what it tells of running jobs, in a real terminal and elsewhere. test_watch.py WGF_BINARY;
exits with 77 without tmux."""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile

from harness import FAILURES, OK, STOPPED, case, column, equal, finish, kill_all, main, require, wait_until

# Short jobs, jobs that fail, and jobs that never end, of one length by their parameters.
LIVE = """\
name: live
fixed: {n: 5, steps: 100000000000, record_every: 100000000000, gamma: 1.0e-9}
sweep: {stop_objective: [1000, 0], width: [4, 1000000000000], seed: {range: [0, 3]}}
"""
ENDED = "name: ended\nfixed: {n: 5, steps: 3}\nsweep: {width: [4, 1000000000000], seed: {range: [0, 3]}}\n"


def start(wgf, text=LIVE, ranks=0):
    """A run that has told of a job."""
    wgf.write("spec.yaml", text)
    process = wgf.start("run", "spec.yaml", "-o", "out.h5", "--quiet", ranks=ranks)
    wait_until(lambda: wgf.path("out.h5.progress").exists() or process.poll() is not None, "the first news")
    return process


def stop(process):
    process.send_signal(signal.SIGUSR1)
    finish(process).require(STOPPED)


class Terminal:
    """A command in a window of tmux."""

    def __init__(self, wgf, columns, rows, *arguments):
        self.folder = tempfile.TemporaryDirectory()  # the names of sockets are short
        command = f"cd {shlex.quote(str(wgf.folder))}; exec {shlex.join(map(str, arguments))}"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, command)

    def tmux(self, *arguments):
        command = ["tmux", "-S", f"{self.folder.name}/tmux", *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def wait(self, pattern):
        """The screen, escape sequences included, once the pattern is in it."""
        return wait_until(lambda: (text := self.tmux("capture-pane", "-p", "-e")) and re.search(pattern, text) and text,
                          f"{pattern} on the screen")

    def close(self):
        self.tmux("kill-server")
        self.folder.cleanup()


def bare(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@case
def terminal_of_any_width(wgf):
    process = start(wgf)
    for columns, cells in ((40, 31), (80, 60), (200, 60)):
        terminal = Terminal(wgf, columns, 16, wgf.program, "status", "out.h5", "--watch")
        screen = bare(terminal.wait(r"6/12 jobs[^$]*job \d+: step \d+/100000000000, F"))
        lines = screen.splitlines()
        equal(lines[0], "out.h5: live", "the first line")
        bar = re.fullmatch(r"\[([#-]+)\] +\d+ %", lines[1])
        require(bar and len(bar[1]) == cells, f"a bar in {columns} columns: {lines[1]!r}")
        require(lines[2].startswith("6/12 jobs, ETA "), lines[2])
        require("1 running on 1 worker" in screen and "failed" in screen, screen)
        require(re.search(r"job \d+ \(stop_objective \d+, width", screen), f"no failure with its values: {screen}")
        require(len(lines) <= 16 and max(map(len, lines)) < columns, f"{columns} columns: {screen}")
        terminal.close()
    stop(process)


@case
def terminal_that_changes_its_size(wgf):
    process = start(wgf)
    terminal = Terminal(wgf, 80, 16, wgf.program, "status", "out.h5", "--watch")
    terminal.wait(r"\[[#-]{60}\]")
    terminal.tmux("resize-window", "-x", 50, "-y", 12)
    terminal.wait(r"\[[#-]{41}\]")
    terminal.close()
    stop(process)


@case
def colours_unless_they_are_not_wanted(wgf):
    process = start(wgf)
    for words, coloured in ((("env",), True), (("env", "NO_COLOR=1"), False), (("env", "TERM=dumb"), False)):
        terminal = Terminal(wgf, 80, 16, *words, wgf.program, "status", "out.h5", "--watch")
        screen = terminal.wait("running on")
        equal("\x1b[32m" in screen, coloured, f"colour with {words}")
        terminal.close()
    stop(process)


@case
def log_file_gets_plain_lines(wgf):
    wgf.result(ENDED, FAILURES)
    done = wgf("status", "out.h5", "--watch").require(OK)
    lines = done.out.splitlines()
    equal(lines[0], "6 of 6 jobs finished: 3 done, 3 failed", "the first line")
    for job, line in zip((3, 4, 5), lines[1:], strict=True):
        found = re.fullmatch(rf"job {job} failed: needs .*; width 1000000000000, seed {job - 3}", line)
        require(found, f"line {line!r}")


@case
def json_tells_what_runs(wgf):
    for ranks, workers in ((0, 1), (3, 2)):
        process = start(wgf, ranks=ranks)
        read = lambda: json.loads(wgf("status", "out.h5", "--json").require(OK).out)  # noqa: E731
        found = wait_until(lambda: (told := read()) and len(told["running"]) == workers and told, "running jobs")
        for job in found["running"]:
            require(job["job"] in (6, 7, 8) and job["step"] > 0 and job["steps"] == 100000000000, f"job {job}")
            require(job["objective"] > 0 and job["seconds"] > 0, f"job {job}")
        require(0 <= found["fraction"] < 1 and found["eta"] > 0, f"fraction {found['fraction']}, eta {found['eta']}")
        require(re.search(r"^  job \d runs: step \d+ of 100000000000, F", wgf("status", "out.h5").out, re.M), "no text")
        stop(process)
        require(not wgf.path("out.h5.progress").exists(), "the file of progress stays")
        wgf.path("out.h5").unlink()


@case
def what_a_kill_leaves_tells_nothing(wgf):
    process = start(wgf)
    kill_all(process, 0)
    require(wgf.path("out.h5.progress").exists(), "a kill leaves nothing")
    told = json.loads(wgf("status", "out.h5", "--json").require(OK).out)
    equal((told["running"], told["eta"]), ([], None), "running, eta")
    wgf("run", "spec.yaml", "-o", "out.h5", "--quiet", "--jobs", "0-5").require(FAILURES)
    require(not wgf.path("out.h5.progress").exists(), "the next run leaves it")
    equal(list(column(wgf.path("out.h5"), "status")[:6]), [2, 2, 2, 4, 4, 4], "status")


if __name__ == "__main__":
    if not shutil.which("tmux"):
        print("skipped: tmux is not installed")
        sys.exit(77)
    main()
