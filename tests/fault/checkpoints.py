"""What may become of the checkpoints of a killed run, and of the folder in which they are. The next run ends with the
same bits, changes nothing that is not its own, follows no link, and says once where it cannot write."""

import contextlib
import os
import shutil
import struct
import subprocess

from bench import Bench, kill_all, start
from faults import TEAM, resize
from harness import DONE, ERROR, MPIRUN, OK, column, finish, require, wait_until
from promises import fault
from reads import KINDS as CALLS, WRONG

# Two descents of some tenths of a second.
SPEC = """\
name: checkpoints
fixed: {method: jko, data: sinus, n: 40, grid: 48, steps: 1000, gamma: 0.05, init: normal, save: last}
sweep: {init_scale: [0.1, 0.2]}
"""
OPTIONS = ("--checkpoint", "0.01", "--max-attempts", "100")
HEADER = 72  # bytes before the payload
NUMBER = 32  # where the number of the checkpoint is
WORDS = "a user's"
SOME = 8  # more checkpoints than a run makes before it is looked at


def changed(way):
    """Other bytes in the checkpoint."""
    def spoil(site, place):
        content = bytearray(place.read_bytes())
        way(content, site.chance.randrange(HEADER, len(content)), site.chance)
        place.write_bytes(content)
    return spoil


def flip_header(content, at, chance):
    content[at % HEADER] ^= 1 << chance.randrange(8)


def flip_payload(content, at, chance):
    content[at] ^= 1 << chance.randrange(8)


def cut(content, at, chance):
    del content[chance.choice((0, at % HEADER, HEADER, at)):]


def lengthen(content, at, chance):
    content += chance.randbytes(at)


def noise(content, at, chance):
    content[:] = chance.randbytes(at)


def of_another_job(site, place):
    place.rename(place.with_name("01"[place.name == "0"]))


def of_another_plan(site, place):
    with site.bench.folder() as other:
        content = kill_within_a_job(other, "--set", "gamma=0.04").read_bytes()
    place.write_bytes(content)


def another_entry(make, stays=False):
    """A folder or a pipe, in the place of the checkpoint."""
    def spoil(site, place):
        place.unlink()
        make(place)
        return place if stays else None
    return spoil


def link_to_file(site, place):
    place.rename(site.elsewhere)
    place.symlink_to(site.elsewhere)
    return site.elsewhere


def links_to_files(site, place):
    """Of all names that the run may write to."""
    site.elsewhere.write_text(WORDS)
    for name in ("0", "0.tmp", "1", "1.tmp"):
        place.with_name(name).unlink(missing_ok=True)
        place.with_name(name).symlink_to(site.elsewhere)
    return site.elsewhere


def link_to_folder(site, place):
    """With files in it of the names that checkpoints have."""
    place.parent.rename(site.elsewhere)
    (site.elsewhere / "17.tmp").write_text(WORDS)
    place.parent.symlink_to(site.elsewhere)
    return site.elsewhere


def file_for_folder(site, place):
    shutil.rmtree(place.parent)
    place.parent.write_text(WORDS)
    return place.parent


def names_of_users(site, place):
    users = place.with_name("notes")
    users.mkdir()
    for name in ("007", "1.tmp.old", "-1", "1e3"):
        place.with_name(name).write_text(WORDS)
    return place.with_name("007")


def unwritable(site, place):
    if os.geteuid():
        place.parent.chmod(0o555)
    else:  # who may write to any folder, but not to a disk that is read-only
        content = place.read_bytes()
        subprocess.run(["mount", "-t", "tmpfs", "none", place.parent], check=True)
        place.write_bytes(content)
        resize(place.parent, "ro")
    return place


# What is done, and whether the run then cannot write checkpoints.
KINDS = [(changed(flip_header), False), (changed(flip_payload), False), (changed(cut), False),
         (changed(lengthen), False), (changed(noise), False), (of_another_job, False), (of_another_plan, False),
         (another_entry(os.mkfifo), False), (another_entry(os.mkdir, True), True), (link_to_file, False),
         (links_to_files, False), (link_to_folder, True), (file_for_folder, True), (names_of_users, False),
         (unwritable, True)]


def numbers(site):
    """Of the checkpoints, by job: each counts its job's, from 1."""
    found = {}
    for path in site.folder.glob("out.h5.checkpoints/[01]"):
        with contextlib.suppress(FileNotFoundError):  # its job has just ended
            found[int(path.name)] = struct.unpack_from("=Q", path.read_bytes(), NUMBER)[0]
    return found


def kill_within_a_job(site, *options, least=1):
    """Once it has its first checkpoint, or a later one, whose path is returned."""
    folder = site.folder / "out.h5.checkpoints"
    process = site.start(*OPTIONS, *options)
    try:
        wait_until(lambda: process.poll() is not None or max(numbers(site).values(), default=0) >= least,
                   "a checkpoint")
    finally:
        kill_all(process)
    found = sorted(folder.glob("[01]"))
    require(found, "the sweep ended before its first checkpoint")
    return found[-1]


def listing(path):
    """Names and contents."""
    return {inner.name: listing(inner) for inner in path.iterdir()} if path.is_dir() else path.read_bytes()


def remove(folder):
    subprocess.run(["umount", "-l", folder], capture_output=True)
    if folder.is_dir() and not folder.is_symlink():
        folder.chmod(0o755)
        shutil.rmtree(folder)
    elif folder.is_symlink() or folder.exists():
        folder.unlink()


@fault("checkpoints damaged, foreign, linked, unwritable", len(KINDS), "checkpoint", "links", "same")
def spoil_checkpoints(bench):
    own = Bench(bench.program, SPEC, bench.chance)
    for number, (spoil, warns) in enumerate(KINDS):
        with own.folder() as site:
            site.elsewhere = own.home / f"elsewhere{number}"
            place = kill_within_a_job(site)
            kept = spoil(site, place)
            before = kept and listing(kept)
            said = site.wgf("run", own.spec_file, "-o", "out.h5", "--quiet", *OPTIONS).require(OK).err
            require(said.count("cannot write a checkpoint of job") == warns, f"kind {number} says {said!r}")
            require(not kept or listing(kept) == before, f"kind {number}: what is not the program's was changed")
            if kept:
                remove(place.parent)
            site.compare()
    bench.looks += own.looks
    return len(KINDS)


@fault("checkpoint older than the row, or than another", 6, "checkpoint", "same")
def older_checkpoint(bench):
    """Of a finished job it goes; of an open one the run goes on from there, to the same bits."""
    own = Bench(bench.program, SPEC, bench.chance)
    for finished in (True, False, True):
        with own.folder() as site:
            place = kill_within_a_job(site)
            content = place.read_bytes()
            if finished:
                site.finish(*OPTIONS)
            else:
                kill_within_a_job(site)
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(content)
            site.finish(*OPTIONS)
    return 3


class Killed:
    """A sweep that was killed when both of its jobs had some checkpoints; each fault has a copy of it."""

    def __init__(self, bench):
        self.bench = Bench(bench.program, SPEC, bench.chance)
        self.harm = bench.harm
        self.site = self.bench.folder()
        process = start(self.command(TEAM), self.site.folder)
        wait_until(lambda: len(numbers(self.site)) == 2 and min(numbers(self.site).values()) >= SOME, "checkpoints")
        kill_all(process)
        self.numbers = numbers(self.site)

    def command(self, team, victims="012"):
        """The preloaded library does its harm to these ranks of a team."""
        script = 'case $0 in *${OMPI_COMM_WORLD_RANK:-$PMI_RANK}*) ;; *) unset HARM_CALL ;; esac; exec "$@"'
        launcher = [*MPIRUN, team, "bash", "-c", script, victims] if team else []
        return [*launcher, self.bench.program, "run", self.bench.spec_file, "-o", "out.h5", "--quiet", *OPTIONS]

    def harm_call(self, number, kind, team, victims):
        """Lets one call of each victim fail; False: they make fewer before their next checkpoints."""
        here = f"call {number}, {kind}, team {team}, ranks {victims}"
        with self.bench.folder() as site:
            shutil.copytree(self.site.folder, site.folder, dirs_exist_ok=True)
            gate = self.bench.home / "gate"
            gate.touch()
            place = site.folder / "out.h5.checkpoints"
            process = start(self.command(team, victims), site.folder, LD_PRELOAD=self.harm,
                            HARM_CALL=f"{number},{CALLS[kind]},{place}", HARM_HOLD=f"0.02,{gate}")
            process.gate = gate

            def is_kept(job):
                return column(site.path, "status")[job] == DONE or numbers(site).get(job, 0) >= self.numbers[job]

            def has_gone_on():
                return process.poll() is not None or any(numbers(site).get(job) != self.numbers[job]
                                                         for job in self.numbers)
            try:
                wait_until(has_gone_on, "a checkpoint", process)
                require(all(map(is_kept, self.numbers)), f"{here}: checkpoints {numbers(site)} after {self.numbers}")
                done = finish(process)
            except BaseException:
                kill_all(process)
                raise
            require(done.code in (OK, ERROR), f"{here}: exit code {done.code}: {done.err}")
            require(done.code == OK or not CALLS[kind] or os.strerror(CALLS[kind]) in done.err,
                    f"{here}: no reason: {done.err}")
            require(not WRONG.search(done.err), f"{here}: says {done.err}")
            require(all(map(is_kept, self.numbers)), f"{here}: checkpoints {numbers(site)} after {self.numbers}")
            harmed = place / "harmed"
            if not harmed.exists():
                return False
            harmed.unlink()
            site.finish(*OPTIONS)
        return True


@fault("one system call on a checkpoint fails, or is cut short", 6, "read", "checkpoint", "same")
def one_call_on_a_checkpoint(bench):
    """Of a lone process, of one rank or of all."""
    if not hasattr(bench, "killed"):
        bench.killed = Killed(bench)
    kind = bench.chance.choice(("EIO", bench.chance.choice(list(CALLS))))
    team, victims = bench.chance.choice(((0, "0"), (TEAM, "0"), (TEAM, "1"), (TEAM, "2"), (TEAM, "012")))
    limit = 32
    while not bench.killed.harm_call(bench.chance.randrange(limit), kind, team, victims):
        limit = max(4, limit // 2)
    return 1
