"""What harms a writer other than a run that begins: merge, a resume, its checkpoints. Each ends with one sentence and
exit code 1, or with the right result; it never dies of a signal, and leaves no temporary behind."""

import itertools
import shutil
import subprocess

import h5py
from bench import Bench, end, kill_all, start
from harness import ERROR, OK, require
from promises import fault

# The description makes metadata that HDF5 writes before the end.
SPEC = f"""\
name: writers
description: {'long ' * 30000}
fixed: {{n: 20, width: 40, save: last, inner_steps: 20, record_every: 3, steps: 40}}
sweep: {{method: [gd, prox], seed: {{range: [0, 4]}}}}
"""
REFERENCE = 16  # bytes of a text's length, address and number in the file


class Shards(Bench):
    """A sweep in two shards, the first of them the model of a merged file."""

    def __init__(self, bench):
        super().__init__(bench.program, SPEC, bench.chance)
        self.harm = bench.harm
        for i in range(2):
            command = [self.program, "run", self.spec_file, "-o", f"{i}.h5", "--quiet", "--shard", f"{i}/2"]
            subprocess.run(command, cwd=self.home, check=True)

    def merge(self, site, first, **environment):
        return start([self.program, "merge", "-o", "out.h5", first, self.home / "1.h5"], site.folder, **environment)


def ended_well(site, process, reasons):
    """Whether it ended with the error; else with a whole result."""
    code, said = end(process)
    require(code in (OK, ERROR), f"exit code {code}: {said}")
    require(code == OK or any(reason in said for reason in reasons), f"no reason given: {said}")
    left = [path.name for path in site.folder.iterdir() if ".tmp-" in path.name]
    require(not left, f"left behind: {left}")
    return code == ERROR


@fault("flipped bits in a shard's references of texts", 40, "layout", "checksum")
def references(bench):
    own = Shards(bench)
    whole = (own.home / "0.h5").read_bytes()
    with h5py.File(own.home / "0.h5", "r") as file:
        places = [(dataset.id.get_offset(), dataset.size * REFERENCE) for dataset in file.values()
                  if dataset.dtype == object]
    for _ in range(40):
        with own.folder() as site:
            offset, size = own.chance.choice(places)
            content = bytearray(whole)
            content[offset + own.chance.randrange(size)] ^= 1 << own.chance.randrange(8)
            (site.folder / "shard").write_bytes(content)
            if not ended_well(site, own.merge(site, "shard"), ("damaged", "checksum", "another")):
                (site.folder / "shard").unlink()
                site.compare()
    return 40


@fault("disk full at a random write of a merge", 20, "room")
def merge_on_full_disk(bench):
    own = Shards(bench)
    stopped = 0
    for _ in range(20):
        with own.folder() as site:
            process = own.merge(site, own.home / "0.h5", LD_PRELOAD=own.harm,
                                HARM_FULL_AFTER=str(own.chance.randint(1, own.chance.choice((20, 200)))))
            stopped += ended_well(site, process, ("No space left", "write failed"))
            require(own.merge(site, own.home / "0.h5").wait() in (OK, 2), "the same merge fails afterwards")
            site.compare()
    return stopped


@fault("SIGKILL of a merge", 10, "opens", "same")
def killed_merge(bench):
    """The name then holds nothing or the whole; the next merge removes what is left."""
    own = Shards(bench)
    kills = 0
    for _ in range(10):
        with own.folder() as site:
            process = own.merge(site, own.home / "0.h5")
            kills += site.watch(process, own.chance.uniform(0, 0.05))
            kill_all(process)
            if site.check() is None:
                require(own.merge(site, own.home / "0.h5").wait() == OK, "the same merge fails afterwards")
            else:
                require(site.look() == len(own.rows["status"]), "rows are missing")
                for left in site.folder.glob("out.h5.tmp-*"):
                    left.unlink()
            site.compare()
    bench.looks += own.looks
    return kills


@fault("limit of file sizes, of a run, a resume, a merge, an output", 6, "room", "same")
def limited(bench):
    """A limit that the file does not keep to: each command ends with the system's words, and without it goes on."""
    own = Shards(bench)
    half, whole = own.home / "0.h5", own.home / "out.h5"
    size = half.stat().st_size
    commands = [("run", own.spec_file, "-o", "out.h5", "--quiet"), ("merge", "-o", "out.h5", half, own.home / "1.h5"),
                ("show", whole, "--csv"), ("plan", own.spec_file, "--csv")]
    for number, command in enumerate((commands[0], commands[0], *commands)):
        with own.folder() as site:
            if number == 0:
                shutil.copy(half, site.path)
            prints = command[0] in ("show", "plan")
            blocks = 0 if prints else own.chance.randint(0, size // 2048)
            code, said = end(start(["bash", "-c", 'ulimit -f "$1"; shift; exec "$@" > printed', "bash", blocks,
                                    own.program, *command], site.folder))
            require(code == ERROR and "File too large" in said, f"{command[0]} ends with {code}, {said!r}")
            (site.folder / "printed").unlink()
            if not prints:
                site.finish()
    return 2 + len(commands)


# What another user's program has put at the name of a temporary: a shell command, and whether the run can go on.
ENTRIES = [("ln -s ../users", False), ("ln -s ../missing", False), ("mkdir", False), ("echo stale >", True)]


@fault("links, folders and stale files at the names of temporaries", 2 * len(ENTRIES), "links")
def temporaries(bench):
    """No link is followed; what a dead process left goes; what is in the way is named."""
    own = Shards(bench)
    users = own.home / "users"
    users.write_text("a user's")
    commands = [("run", own.spec_file, "-o", "out.h5", "--quiet"),
                ("merge", "-o", "out.h5", own.home / "0.h5", own.home / "1.h5")]
    for command, (entry, fine) in itertools.product(commands, ENTRIES):
        with own.folder() as site:
            (site.folder / "out.h5.tmp-4194305").write_text("of a dead process")
            script = f'{entry} out.h5.tmp-$$; exec "$@"'
            code, said = end(start(["bash", "-c", script, "bash", own.program, *command], site.folder))
            require(code == (OK if fine else ERROR) and (fine or "out.h5.tmp-" in said),
                    f"{command[0]} after {script} ends with {code}, {said!r}")
            require(users.read_text() == "a user's" and not (own.home / "missing").exists(), "a link was followed")
            left = [path.name for path in site.folder.iterdir()]
            require(len(left) == 1, f"{command[0]} after {script} leaves {left}")
    return 2 * len(ENTRIES)
