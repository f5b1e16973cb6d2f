"""What the end-to-end tests share: running `wgf`, reading what it wrote, and counting cases.

A test is a script with functions marked `@case`, each given a `Wgf` in a fresh folder of its own, and `main()` at its
end. Called with the program as its only argument; exits 1 if any case failed.
"""

import contextlib
import csv
import io
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"

OK, ERROR, USAGE, FAILURES, STOPPED = 0, 1, 2, 3, 75
STATES = ("pending", "running", "done", "diverged", "failed", "timeout", "crashed")
PENDING, RUNNING, DONE, DIVERGED, FAILED, TIMEOUT, CRASHED = range(len(STATES))
HANG = 900  # seconds after which a process hangs, however busy the machine; speed is measured by `within`
LONGEST = 2000  # characters of stderr, its last, in a message

MPIRUN = ("bash", str(Path(__file__).resolve().parents[2] / "tools" / "mpirun.sh"))

cases = []


class Failure(Exception):
    """A case found what should not be."""


class Skip(Exception):
    """A case needs what this machine does not have."""


def case(function):
    cases.append(function)
    return function


def require(truth, sentence):
    if not truth:
        raise Failure(sentence)


def equal(got, expected, what):
    require(got == expected, f"{what}: {got!r}, not {expected!r}")


def refused(wgf, text, blamed, sentence, *commands):
    """Each command, on wrong.yaml, ends with this sentence at the value of a parameter in its second line."""
    place = f"2:{text.splitlines()[1].index(f' {blamed}: ') + len(blamed) + 4}"
    wgf.write("wrong.yaml", text)
    for command in commands:
        done = wgf(*command).require(USAGE, sentence).quietly()
        require(f"wrong.yaml:{place}: error: " in done.err, f"{text}: {done.err}")


class Outcome:
    """What a finished process left: its exit code, stdout and stderr as texts."""

    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def require(self, code, *words):
        """This exit code, and all these words on stderr."""
        said = self.err.strip()[-LONGEST:]
        require(self.code == code, f"exit code {self.code}, not {code}; stderr: {said!r}")
        for word in words:
            require(word in self.err, f"no {word!r} in stderr: {said!r}")
        return self

    def quietly(self):
        """Nothing on stdout."""
        equal(self.out, "", "stdout")
        return self

    def table(self):
        """stdout as CSV: the header, and the rows as mappings."""
        rows = csv.DictReader(io.StringIO(self.out), strict=True)
        return rows.fieldnames, list(rows)


class Wgf:
    """The program, in a folder."""

    def __init__(self, program, folder):
        self.program, self.folder = program, Path(folder)

    def __call__(self, *arguments, stdin="", ranks=0, cwd=None):
        """Runs `wgf` to its end; under mpirun when ranks > 0."""
        done = subprocess.run(self.command(arguments, ranks), cwd=cwd or self.folder, input=stdin, capture_output=True,
                              text=True, timeout=HANG)
        return Outcome(done)

    def start(self, *arguments, ranks=0, **options):
        """Starts `wgf` and returns at once."""
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True,
                   **options}
        return subprocess.Popen(self.command(arguments, ranks), cwd=self.folder, **options)

    def hold(self, *arguments, ranks=0, slice=0.01):
        """Starts `wgf`, which stops after each `slice` seconds of processor time until `wait_until` or `finish` lets it
        go on: however late this test looks, it is not much further than where it was to be met."""
        gate = self.path("gate")
        gate.touch()
        environment = dict(os.environ, LD_PRELOAD=os.environ["WGF_HARM"], HARM_HOLD=f"{slice},{gate}")
        process = self.start(*arguments, ranks=ranks, env=environment)
        process.gate = gate
        return process

    def command(self, arguments, ranks):
        launcher = (*MPIRUN, str(ranks)) if ranks else ()
        return [*launcher, self.program, *map(str, arguments)]

    def path(self, name):
        return self.folder / name

    def write(self, name, text):
        self.path(name).write_text(text)
        return name

    def result(self, text, code=OK, name="out.h5", *options):
        """Runs a spec into a result file and returns the file's path."""
        self.write("spec.yaml", text)
        self("run", "spec.yaml", "-o", name, "--quiet", *options).require(code).quietly()
        return self.path(name)


def let_on(process):
    """A held process and all below it go on where they have stopped."""
    for number in [process.pid, *descendants(process.pid)]:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T":
                os.kill(number, signal.SIGCONT)


def finish(process):
    """Waits for a started process, which is held no more."""
    held, end = hasattr(process, "gate"), time.monotonic() + HANG
    if held:
        process.gate.unlink(missing_ok=True)
    while True:
        if held:
            let_on(process)
        try:
            out, err = process.communicate(timeout=0.05 if held else HANG)
            return Outcome(subprocess.CompletedProcess(process.args, process.returncode, out, err))
        except subprocess.TimeoutExpired:
            if time.monotonic() < end:
                continue
        process.kill()
        process.communicate()
        raise Failure(f"does not end within {HANG} s")


def ended_time():
    """Processor seconds of all children that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def running_time(number):
    """Processor seconds that the process of this number has used so far, without its children."""
    fields = Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def within(seconds, process=None):
    """The children that end in this block, among them `process`, use less processor time in it than this.

    Processor time, as the machine may be busy with other work: a test of speed holds at any load."""
    before = ended_time() + (running_time(process.pid) if process else 0)
    yield
    spent = ended_time() - before
    require(spent < seconds, f"{spent:.2f} s of processor time instead of less than {seconds} s")


def wait_until(truth, what, held=None):
    """Polls until `truth()` holds, and returns its value; a held process goes on between two looks."""
    end = time.monotonic() + HANG
    while time.monotonic() < end:
        value = truth()
        if value:
            return value
        time.sleep(0.01)
        if held:
            let_on(held)
    raise Failure(f"waited {HANG} s in vain for {what}")


def let_work(number, seconds):
    """Waits until the process of this number has used this much processor time more."""
    before = running_time(number)
    wait_until(lambda: running_time(number) > before + seconds, f"{seconds} s of work")


def descendants(process):
    """Numbers of all processes below this one."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [number for child in map(int, children) for number in (child, *descendants(child))]


def ranks(process):
    """Numbers of the ranks below an mpirun or a script that starts one, rank 0 first: of those that are there."""
    found = {}
    for number in descendants(process.pid):
        try:
            is_rank = b"\0run\0" in Path(f"/proc/{number}/cmdline").read_bytes()
            words = Path(f"/proc/{number}/environ").read_bytes().split(b"\0") if is_rank else []
        except OSError:
            continue
        found |= {int(word.split(b"=")[1]): number for word in words
                  if word.startswith((b"OMPI_COMM_WORLD_RANK=", b"PMI_RANK="))}
    return [found[rank] for rank in sorted(found)]


def kill_all(process, ranks):
    """SIGKILL to a started `wgf run spec.yaml`, or to mpirun and all of its ranks at once."""
    for victim in [process.pid, *(descendants(process.pid) if ranks else [])]:
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return finish(process)


def column(path, name):
    """A variable of a result file as h5py reads it, texts as str."""
    import h5py
    with h5py.File(path, "r") as file:
        dataset = file[name]
        return dataset.asstr()[()] if dataset.dtype == object else dataset[()]


# What may differ between two runs of one plan.
VARYING = {"started", "seconds", "predicted_seconds", "rank", "attempts"}
VARYING_ATTRIBUTES = {"created", "processes", "_NCProperties", "attributes_checksum"}


def bits(dataset):
    """A dataset as comparable bytes; texts by themselves, as what is stored of them is where they are."""
    if dataset.dtype == object:
        return tuple(dataset.asstr()[()].flat)
    values = dataset[()]
    return values.shape, values.dtype, values.tobytes()


def contents(path):
    """All variables and root attributes that are not to vary."""
    import h5py
    import numpy as np
    with h5py.File(path, "r") as file:
        found = {name: bits(dataset) for name, dataset in file.items() if name not in VARYING}
        for name, value in file.attrs.items():
            if name not in VARYING_ATTRIBUTES:
                found[f"attribute {name}"] = np.atleast_1d(value).tolist()
    return found


def differences(path, other):
    """Names of what differs between two result files and is not to."""
    here, there = contents(path), contents(other)
    return sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))


def messages(path):
    return [b"".join(row).rstrip(b"\0").decode() for row in column(path, "message")]


def fresh_run(program, function):
    """What is wrong with a case; None when nothing is."""
    with tempfile.TemporaryDirectory(prefix="case-", dir=".") as folder:
        try:
            function(Wgf(program, Path(folder).resolve()))
        except Skip as skip:
            print(f"skipped, {skip}: ", end="")
        except Failure as failure:
            return str(failure)
        except subprocess.TimeoutExpired as expired:
            return f"does not end within {expired.timeout} s"
        except Exception:
            return traceback.format_exc()
    return None


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} WGF_BINARY")
    program = str(Path(sys.argv[1]).resolve())
    failed = 0
    for function in cases:
        began = time.monotonic()
        problem = fresh_run(program, function)
        failed += problem is not None
        name = function.__name__.replace("_", " ")
        seconds = time.monotonic() - began
        print(f"ok {name} ({seconds:.1f} s)" if problem is None else f"FAILED {name}: {problem}", flush=True)
    print(f"{len(cases) - failed} passed, {failed} failed")
    sys.exit(failed > 0)
