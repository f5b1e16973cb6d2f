"""An error of reading is not damage. One system call that looks at a file of the sweep fails: the command then ends as
if it had not, or with exit code 1 and the system's reason. It says nothing of damage, advises to remove nothing, and
changes nothing that is there: the same command without the fault ends with the same bits."""

import errno
import os
import re
import shutil

import h5py
import numpy as np
from bench import start
from harness import ERROR, OK, Wgf, contents, finish, require
from promises import fault

# Jobs that read files, in two parts.
DATA = """\
name: reads
fixed: {data: file, data_file: data.csv, init: file, init_file: init.h5, width: 4, steps: 3, save: all}
sweep: {method: [gd, prox], gamma: [0.05, 0.1, 0.2]}
"""
KINDS = {"EIO": errno.EIO, "EINTR": errno.EINTR, "ENOMEM": errno.ENOMEM, "EACCES": errno.EACCES,
         "EMFILE": errno.EMFILE, "a short read": 0}
WRONG = re.compile(r"remove it|damaged|cut short|not match|another plan|is not an HDF5|was not written|not of wgf|"
                   r"no such|copy it anew|another version|torn|no variable|has changed|did not verify", re.I)
RUN = ("run", "spec.yaml", "-o", "out.h5", "--quiet")

# The command, what is there before it, and what it makes.
COMMANDS = {
    "run": (RUN, "", "out.h5"),
    "resume": (RUN, "half.h5:out.h5", "out.h5"),
    "reuse": (("run", "spec.yaml", "-o", "out.h5", "--quiet", "--reuse", "half.h5"), "half.h5", "out.h5"),
    "merge": (("merge", "half.h5", "rest.h5", "-o", "out.h5"), "half.h5 rest.h5", "out.h5"),
    "merge over": (("merge", "half.h5", "rest.h5", "-o", "out.h5", "--overwrite"), "half.h5 rest.h5 all.h5:out.h5",
                   "out.h5"),
    "verify": (("verify", "all.h5"), "all.h5", None),
    "status": (("status", "all.h5", "--json"), "all.h5", None),
    "show": (("show", "half.h5", "--csv"), "half.h5", None),
    "aggregate": (("aggregate", "all.h5", "--by", "gamma", "--value", "objective"), "all.h5", None),
    "predict": (("predict", "all.h5", "--at", "inputs.csv"), "all.h5", None),
    "distance": (("distance", "all.h5"), "all.h5", None),
    "learn": (("learn", "all.h5", "-o", "learned.h5", "--overwrite"), "all.h5", None),
}


class Readings:
    """Files to be read, made once, and what each command says and makes without a fault."""

    def __init__(self, bench):
        self.program, self.harm, self.home = bench.program, bench.harm, bench.home / "reads"
        self.inputs = self.home / "inputs"
        self.inputs.mkdir(parents=True, exist_ok=True)
        self.outcomes = {}
        chance = np.random.default_rng(1)
        (self.inputs / "spec.yaml").write_text(DATA)
        np.savetxt(self.inputs / "data.csv", chance.normal(size=(8, 3)), delimiter=",")
        np.savetxt(self.inputs / "inputs.csv", chance.normal(size=(5, 2)), delimiter=",")
        with h5py.File(self.inputs / "init.h5", "w") as file:
            file["W"], file["alpha"] = chance.normal(size=(4, 3)), chance.normal(size=4)
        for name, jobs in (("all.h5", "0-5"), ("half.h5", "0-2"), ("rest.h5", "3-5")):
            Wgf(self.program, self.inputs)("run", "spec.yaml", "-o", name, "--quiet", "--jobs", jobs).require(OK)

    def folder(self, there):
        """A fresh folder with what the command needs."""
        folder = self.home / "now"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for name in ("spec.yaml", "data.csv", "init.h5", "inputs.csv", *there.split()):
            source, _, target = name.partition(":")
            shutil.copyfile(self.inputs / source, folder / (target or source))
        return folder

    def outcome(self, name):
        if name not in self.outcomes:
            words, there, made = COMMANDS[name]
            folder = self.folder(there)
            said = Wgf(self.program, folder)(*words).require(OK)
            self.outcomes[name] = steady(said.out), made and contents(folder / made), attempts(folder, made)
        return self.outcomes[name]

    def harm_call(self, name, number, kind):
        """Lets one call fail; False: the command makes fewer. Raises what did not hold."""
        words, there, made = COMMANDS[name]
        out, whole, tries = self.outcome(name)
        folder = self.folder(there)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        here = f"{name}, call {number}, {kind}"
        said = finish(start([self.program, *words], folder, LD_PRELOAD=self.harm,
                            HARM_CALL=f"{number},{KINDS[kind]},{folder}/"))
        if not (folder / "harmed").exists():
            return False
        (folder / "harmed").unlink()
        require(said.code in (OK, ERROR), f"{here}: exit code {said.code}: {said.err}")
        if said.code == OK:
            require(steady(said.out) == out and (not made or contents(folder / made) == whole),
                    f"{here}: another outcome with exit code 0: {said.err}")
            require(attempts(folder, made) == tries, f"{here}: finished rows were computed again")
        else:
            reason = os.strerror(KINDS[kind]) if KINDS[kind] else "?"
            require(reason in said.err or kind == "ENOMEM" and "memory" in said.err, f"{here}: no reason: {said.err}")
        require(not WRONG.search(said.err), f"{here}: says {said.err}")
        for file, content in before.items():
            require(file == made or (folder / file).read_bytes() == content, f"{here}: {file} was changed")
        if made and (folder / made).exists():
            Wgf(self.program, folder)("verify", made).require(OK)
        if said.code == OK:
            return True
        again = Wgf(self.program, folder)(*words).require(OK)
        require(steady(again.out) == out and (not made or contents(folder / made) == whole),
                f"{here}: the same command ends otherwise")
        return True


def steady(text):
    """What a command says, without what depends on the clock."""
    return re.sub(r'"(age|elapsed|rate|left|jobs_per_second|seconds)[^,}]*', "", text)


def attempts(folder, made):
    if not made:
        return None
    with h5py.File(folder / made, "r") as file:
        return file["attempts"][()].tolist()


def readings(bench):
    if not hasattr(bench, "readings"):
        bench.readings = Readings(bench)
    return bench.readings


@fault("one system call on a file fails, or is cut short", 40, "read", "same")
def one_call(bench):
    """Of a random command, each call as likely as any other."""
    files = readings(bench)
    name, kind = bench.chance.choice(list(COMMANDS)), bench.chance.choice(list(KINDS))
    limit = 64
    while True:
        number = bench.chance.randrange(limit)
        if files.harm_call(name, number, kind):
            return 1
        limit = max(8, number)
