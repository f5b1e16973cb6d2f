"""What every fault is done to: a small sweep in a folder, runs of it that can be killed, and what has to hold then.

After every fault: the file opens or does not exist, every row marked done holds what it holds after a run that nothing
disturbed, and its checksum matches. At the end the file equals that of the undisturbed run in all but what
may differ between two runs of one plan (VARYING in tests/end_to_end/harness.py).
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))

import h5py
import numpy as np
from harness import DONE, MPIRUN, OK, VARYING, Failure, Wgf, contents, descendants, require

# Some tenths of a second of jobs of some milliseconds, with states and two methods.
SMALL = """\
name: small
fixed: {n: 20, width: 40, save: last, inner_steps: 20, record_every: 3}
sweep: {method: [gd, prox], gamma: [0.05, 0.1], steps: [40, 60], seed: {range: [0, 12]}}
"""
SECONDS = 60


def start(command, folder, **environment):
    """Starts a process in a session of its own."""
    return subprocess.Popen([str(part) for part in command], cwd=folder, env={**os.environ, **environment},
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            start_new_session=True)


def kill(*numbers):
    for number in numbers:
        try:
            os.kill(number, signal.SIGKILL)
        except ProcessLookupError:
            pass


def kill_all(process):
    """Kills a process and all below it at once."""
    kill(process.pid, *descendants(process.pid))
    process.communicate()


def end(process, seconds=SECONDS):
    """Waits for the end; returns the exit code and what was said on stderr."""
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        kill_all(process)
        raise Failure(f"does not end within {seconds} s") from None
    return process.returncode, said


def remove_shared_memory():
    """What killed ranks of ours left behind: segments that nobody has mapped."""
    mapped = set()
    for maps in Path("/proc").glob("[0-9]*/maps"):
        try:
            mapped |= {line.split()[-1] for line in maps.read_text().splitlines() if "/dev/shm/vader" in line}
        except OSError:
            pass
    for path in Path("/dev/shm").glob("vader_segment.*"):
        try:
            if (str(path) not in mapped and path.stat().st_uid == os.getuid()
                    and time.time() - path.stat().st_mtime > 60):
                path.unlink()
        except OSError:
            pass


def open_soon(path):
    """Opens a result file. HDF5 writes the superblock as a run begins and ends: a reader at that very moment may see
    half of it, and the whole a moment later."""
    for _ in range(4):
        try:
            return h5py.File(path, "r")
        except OSError:
            time.sleep(0.002)
    return h5py.File(path, "r")


class Bench:
    """The undisturbed run of one spec, and a fresh folder for each fault."""

    def __init__(self, program, spec, chance, *options):
        self.program, self.chance = program, chance
        self.scratch = tempfile.TemporaryDirectory(prefix="fault-", dir=".")
        self.home = Path(self.scratch.name).resolve()
        self.looks = 0
        self.spec_file = self.home / "spec.yaml" # one for all: the file says where it was
        self.spec_file.write_text(spec)
        began = time.monotonic()
        Wgf(program, self.home)("run", self.spec_file, "-o", "out.h5", "--quiet", *options).require(OK)
        self.seconds = time.monotonic() - began
        self.whole = contents(self.home / "out.h5")
        with h5py.File(self.home / "out.h5") as file:
            self.rows = {name: file[name][()] for name in file if file[name].dtype != object and name not in VARYING}

    def folder(self):
        return Site(self)

    def site_on(self, place):
        return Site(self, place)


class Site:
    """A folder in which one sweep is disturbed."""

    def __init__(self, bench, place=None):
        self.bench, self.chance = bench, bench.chance
        self.scratch = tempfile.TemporaryDirectory(prefix="site-", dir=place or bench.home)
        self.folder = Path(self.scratch.name)
        self.path = self.folder / "out.h5"
        self.wgf = Wgf(bench.program, self.folder)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.scratch.cleanup()

    def command(self, *options, team=0):
        launcher = [*MPIRUN, team] if team else []
        return [*launcher, self.bench.program, "run", self.bench.spec_file, "-o", "out.h5", "--quiet", *options]

    def start(self, *options, team=0, **environment):
        return start(self.command(*options, team=team), self.folder, **environment)

    def look(self):
        """Reads the file as a user does who does not know that a run is writing: rows marked done are whole. Returns
        how many there are; None: no file."""
        if not self.path.exists():
            return None
        self.bench.looks += 1
        rows = self.bench.rows
        with open_soon(self.path) as file:
            done = np.flatnonzero(file["status"][()] == DONE) # first, as data only become whole after it
            for name, whole in rows.items():
                if len(whole) == len(rows["status"]):
                    require(file[name][()][done].tobytes() == whole[done].tobytes(),
                            f"{name} of rows marked done is not that of an undisturbed run")
            starts, sizes = rows["state_start"], rows["state_records"] * rows["state_rows"] * rows["state_cols"]
            state = file["state"][()]
            for k in done:
                part = slice(starts[k], starts[k] + sizes[k])
                require(state[part].tobytes() == rows["state"][part].tobytes(),
                        f"state of job {k}, marked done, differs")
        return len(done)

    def watch(self, process, seconds):
        """Lets a run go on for so long, reading its file all the time; False once it has ended by itself."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if process.poll() is not None:
                return False
            if until - time.monotonic() > 0.02:
                self.look()
            else:
                time.sleep(max(0, until - time.monotonic()))
        return True

    def check(self):
        """What has to hold after any fault."""
        done = self.look()
        if done is not None:
            self.wgf("verify", "out.h5").require(OK)
        return done

    def finish(self, *options, team=0):
        """Runs to the end, and compares with the undisturbed run."""
        self.wgf("run", self.bench.spec_file, "-o", "out.h5", "--quiet", *options, ranks=team).require(OK)
        self.compare()

    def compare(self):
        whole, here = self.bench.whole, contents(self.path)
        different = sorted(name for name in whole.keys() | here.keys() if whole.get(name) != here.get(name))
        require(not different, f"differs from an undisturbed run in {', '.join(different)}")
        self.wgf("verify", "out.h5").require(OK)
        left = sorted(path.name for path in self.folder.iterdir() if path.name != "out.h5")
        require(not left, f"left behind: {', '.join(left)}")

    def instant(self, start_up=0.0):
        """Seconds until a fault: anywhere in a run, and often while the file is being made."""
        creation, whole = 0.03, self.bench.seconds
        return start_up + self.chance.uniform(0, self.chance.choice((creation, whole)))
