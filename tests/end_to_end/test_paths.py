#!/usr/bin/python3
"""Builds in folders with hostile names, in copied and in moved checkouts.

    test_paths.py WGF_BINARY SOURCES"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness import ERROR, HANG, OK, case, equal, main, require

# A folder for each of the characters that people use, one with all, and one with what else a name may have.
COMMON, RARE, REFUSED = " ('#,", "&+@~!%{}=:^`)ü", "[]*?;|<>$\"\\"
NAMES = [f"a{character}b" for character in COMMON] + [f"a{COMMON}b", f"a{RARE}b"]
PARTS = ("CMakeLists.txt", "include", "src", "tools", "tests")
WITHOUT_TESTS = ("-S", ".", "-B", "build", "-DBUILD_TESTING=OFF")
TARGET = "wgf_datafile"  # a small one that includes HDF5


def copy_sources(folder):
    """What a build reads, without git."""
    for part in PARTS:
        if (SOURCES / part).is_dir():
            shutil.copytree(SOURCES / part, folder / part, ignore=shutil.ignore_patterns("corpus", "__pycache__"))
        else:
            shutil.copy2(SOURCES / part, folder / part)


def call(folder, *options):
    """tools/build.sh of a checkout, called from elsewhere."""
    environment = {**os.environ, "CCACHE_DISABLE": "1"}
    return subprocess.run(["bash", folder / "tools/build.sh", "build", TARGET, *options], capture_output=True,
                          text=True, env=environment, timeout=HANG)


def build(folder, *options):
    """The library, built."""
    done = call(folder, *options)
    require(done.returncode == OK, f"{folder.name}: {(done.stdout + done.stderr)[-2000:]}")
    return (folder / "build" / f"lib{TARGET}.a").read_bytes()


def mark(folder, word):
    """Puts a word into a source file that becomes part of the library."""
    with open(folder / "src/datafile/csv.c", "a") as file:
        file.write(f'extern const char wgf_{word}[];\nconst char wgf_{word}[] = "mark of the {word}";\n')


@case
def hostile_names_of_folders(wgf):
    def attempt(name):
        folder = wgf.path(name)
        folder.mkdir()
        copy_sources(folder)
        build(folder, *() if name == NAMES[-1] else WITHOUT_TESTS)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(attempt, NAMES))


@case
def names_that_cmake_cannot_have_are_named(wgf):
    for character in REFUSED:
        folder = wgf.path(f"a{character}b")
        (folder / "tools").mkdir(parents=True)
        shutil.copy2(SOURCES / "tools/build.sh", folder / "tools")
        done = call(folder)
        require(done.returncode == ERROR and f"CMake cannot build below {folder}" in done.stderr,
                f"{folder.name}: exit code {done.returncode}, {done.stderr!r}")


@case
def a_copied_and_a_moved_checkout_compile_their_own_sources(wgf):
    first, copied, moved = wgf.path("first"), wgf.path("copied (2)"), wgf.path("moved")
    first.mkdir()
    copy_sources(first)
    build(first, *WITHOUT_TESTS)
    shutil.copytree(first, copied, symlinks=True)
    mark(copied, "copy")
    before = {path: path.lstat().st_mtime_ns for path in first.rglob("*")}
    require(b"mark of the copy" in build(copied), "the copy compiled other sources than its own")
    equal({path: path.lstat().st_mtime_ns for path in first.rglob("*")}, before, "files of the first checkout")
    linked = wgf.path("linked")
    linked.mkdir()
    copy_sources(linked)
    (linked / "build").symlink_to(first / "build")
    build(linked)
    require(f"HOME_DIRECTORY:INTERNAL={first}\n" in (first / "build/CMakeCache.txt").read_text(), "a link was followed")
    copied.rename(moved)
    mark(moved, "move")
    shutil.rmtree(first)
    require(b"mark of the move" in build(moved), "the moved checkout did not compile its sources")


if __name__ == "__main__":
    SOURCES = Path(sys.argv.pop()).resolve()
    main()
