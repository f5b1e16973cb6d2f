#!/usr/bin/python3
"""Every command of README.md and of the tour in sweeps/README.md works: test_readme.py BUILD_FOLDER

Each ```sh block is run command by command in a fresh copy of the repository, in which `build` is the given folder. A
```yaml block is saved under the name that the text before it gives ("save this as `NAME`"); a ```python block is run.
A fence keeps its place: a block may use what an earlier one made. Of what takes minutes or a cluster (`tools/test.sh`,
`tools/soak.sh`, `sbatch`) the test looks only whether the scripts exist.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HANG = 1500  # seconds
FENCE = re.compile(r"^```(sh|bash|yaml|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SAVED_AS = re.compile(r"[Ss]ave\s+(?:this|it)\s+as\s+`([\w./-]+)`")
ONLY_LOOKED_AT = ("tools/test.sh", "tools/soak.sh", "tools/bench/bench.py", "sbatch")


class Failure(Exception):
    """A block of README.md does not do what it says."""


def copy_of_the_repository(folder, build):
    """All files of it, and the built program. It is built where it comes from, so no build folder is of a copy."""
    listed = subprocess.run(["bash", ROOT / "tools/files.sh"], capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    (folder / "build").symlink_to(build)
    (folder / "tools/build.sh").unlink()
    (folder / "tools/build.sh").symlink_to(ROOT / "tools/build.sh")


def commands(block):
    """Each command of a block, with continued lines joined."""
    for line in block.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip().removeprefix("$ ")


def look_at(command, folder):
    """The files that a command names exist."""
    for word in shlex.split(command, comments=True):
        if "/" in word and "=" not in word and not word.startswith("-") and not (folder / word).exists():
            raise Failure(f"`{command}`: there is no {word}")


def run(command, folder):
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=HANG,
                          stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Failure(f"`{command}` exits with {done.returncode}: {(done.stdout + done.stderr)[-2000:]}")


def perform(kind, block, before, folder):
    """Does what a block says; returns how many commands, files or scripts that was."""
    if kind == "yaml":
        names = SAVED_AS.findall(before)
        if not names:
            raise Failure(f"the text before this block does not say under which name to save it:\n{block}")
        (folder / names[-1]).write_text(block)
        return 1
    if kind == "python":
        run(f"{shlex.quote(sys.executable)} -c {shlex.quote(block)}", folder)
        return 1
    count = 0
    for count, command in enumerate(commands(block), 1):
        if any(word in command for word in ONLY_LOOKED_AT):
            look_at(command, folder)
        else:
            run(command, folder)
    return count


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: test_readme.py BUILD_FOLDER")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="readme-", dir=".") as name:
        folder = Path(name).resolve()
        copy_of_the_repository(folder, Path(sys.argv[1]).resolve())
        for document in ("README.md", "sweeps/README.md"):
            text, done, end = (ROOT / document).read_text(), 0, 0
            for found in FENCE.finditer(text):
                line = text[:found.start()].count("\n") + 1
                try:
                    done += perform(found[1], found[2], text[end:found.start()], folder)
                    print(f"ok {document}:{line}: {found[1]}", flush=True)
                except (Failure, subprocess.TimeoutExpired) as failure:
                    failed += 1
                    print(f"FAILED {document}:{line}: {failure}", flush=True)
                end = found.end()
            if not done:
                sys.exit(f"{document} has no commands")
            print(f"{document}: {done} commands and files done")
    print(f"{failed} blocks failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
