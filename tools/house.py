#!/usr/bin/env python3
"""Checks the rules of the house that a machine can see. Prints one line a violation and exits 1 if there is any.

    tools/house.py

It reads tracked and new files, without those that git ignores or that other people wrote."""

import collections
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOREIGN_FILES = re.compile(r"^tools/report/tabulator/|^LICENSE$|^tests/(bad_specs|fuzz/corpus)/")
TEXT = (".c", ".h", ".py", ".sh", ".cmake", ".js", ".css", ".md", ".yaml", ".txt")
CODE = (".c", ".h", ".py", ".sh", ".cmake", ".js", ".css")
TOP_LEVEL = """CMakeLists.txt CMakePresets.json LICENSE CONTRIBUTING.md README.md
               src include sweeps slurm tests tools""".split()
MOST_LINES, MOST_COLUMNS = 500, 120
README_LINES, README_WORDS = 150, 1500

# Headers of libraries, and the rooms that may include them.
HEADERS = {
    r"yaml\.h": r"^src/spec/",
    r"hdf5(_hl)?\.h": r"^src/(store|datafile)/",
    r"mpi\.h": r"^src/(schedule|store|run)/",
    r"(cblas|lapacke)\.h": r"^src/(model|transport|flow)/",
    r"(sundials|cvode|arkode|nvector)[a-z_/]*\.h": r"^src/flow/",
}
# Written in two pieces, or this file would find itself.
LEFT_OPEN = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
ABSENT = re.compile(r"\b(MET" r"HODS|CON" r"TRACT|FA" r"CTS|DES" r"IGN|REV" r"IEW)(-2)?(\.md|\b)")
# Words that were a private language here, and turns of phrase that no native speaker writes.
WORDS = re.compile(
    r"gli" r"de|her" r"d(s|ed)?\b|swa" r"rm|cro" r"wd|sho" r"ve|bea" r"con|life" r"line"
    r"|\b(who" r"ever|some" r"body|le" r"st|so ma" r"ny|for wa" r"nt of|goes b" r"y|those that o" r"f)\b", re.I)


def files():
    listed = subprocess.run(["bash", ROOT / "tools/files.sh"], capture_output=True, text=True, check=True).stdout
    return sorted(set(listed.split("\0")) - {""})


def lines(name):
    return (ROOT / name).read_text(encoding="utf-8").split("\n")


def headings(path):
    return [re.sub(r"[`*]", "", line.lstrip("#").strip()) for line in lines(path) if line.startswith("#")]


def anchor(heading):
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def check_top_level(names):
    for top in sorted({name.split("/")[0] for name in names}):
        if not top.startswith(".") and top not in TOP_LEVEL:
            yield f"{top}: not a top-level name of the house"


def check_headers(names):
    for name in names:
        if not re.match(r"(src|include)/.*\.[ch]$", name):
            continue
        for at, line in enumerate(lines(name), 1):
            for header, rooms in HEADERS.items():
                if re.match(rf'\s*#\s*include\s*[<"]{header}[>"]', line) and not re.match(rooms, name):
                    yield f"{name}:{at}: {line.strip()} outside its rooms"


def check_length(names):
    for name in names:
        count = len(lines(name)) if name.endswith(CODE) else 0
        if count > MOST_LINES:
            yield f"{name}: {count} lines, more than {MOST_LINES}: it has two subjects"
        for at, line in enumerate(lines(name) if name.endswith(TEXT) else [], 1):
            exempt = name.endswith(".md") and (line.startswith("|") or "://" in line)
            if len(line) > MOST_COLUMNS and not exempt:
                yield f"{name}:{at}: {len(line)} columns, more than {MOST_COLUMNS}"


def check_words(names):
    for name in names:
        for at, line in enumerate(lines(name) if name.endswith(TEXT) else [], 1):
            for pattern, what in (
                (LEFT_OPEN, "is left open"), (ABSENT, "is not in the repository"), (WORDS, "is not plain")
            ):
                if found := pattern.search(line):
                    yield f"{name}:{at}: '{found[0]}' {what}"


def check_tags(names):
    """One definition a tag: the linker would not notice a second one."""
    tag = re.compile(r"(?:typedef\s+)?(?:struct|union|enum)\s+(wgf_\w+)\s*\{|typedef\b.*\b(wgf_\w+);$")
    places = collections.defaultdict(list)
    for name in names:
        for at, line in enumerate(lines(name) if re.match(r"(src|include)/.*\.[ch]$", name) else [], 1):
            if found := tag.match(line):
                places[found[1] or found[2]].append(f"{name}:{at}")
    for name, where in places.items():
        if len(where) > 1:
            yield f"{where[1]}: {name} is also defined at {where[0]}"


def check_methods(names):
    for name in names:
        if re.match(r"(src|include)/(?!spec/|plan/|wgf/spec/|wgf/plan/).*\.[ch]$", name):
            for at, line in enumerate(lines(name), 1):
                if re.search(r"\bmethod\s*[!=]=\s*[^N\s]", line):
                    yield f"{name}:{at}: compares a method; ask the table of methods"


def check_citations(names):
    """Every cited document and section exists: a path and a title in quotes in code, links in Markdown."""
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8") if name.endswith(TEXT) else ""
        plain = re.sub(r"\s*\n\s*(\*|#|//)?\s*", " ", text)
        for path, section in re.findall(r'\b((?:[a-z_]+/)+[A-Z]+\.md)(?: "([^"]+)")?', plain):
            if (ROOT / name).parent.joinpath(path).is_file():
                continue
            if not (ROOT / path).is_file():
                yield f"{name}: cites {path}, which does not exist"
            elif section and section not in headings(path):
                yield f'{name}: cites {path} "{section}", which has no such section'
        for link in re.findall(r"\]\(([^)\s]+)\)|^\[\w+\]: (\S+)$", text, re.M) if name.endswith(".md") else []:
            path, _, part = (link[0] or link[1]).partition("#")
            target = (ROOT / name).parent / path if path else ROOT / name
            if "://" in path:
                continue
            if not target.exists():
                yield f"{name}: links to {path}, which does not exist"
            elif part and part not in map(anchor, headings(target.resolve())):
                yield f"{name}: links to #{part} of {path or name}, which has no such section"


def check_first_lines(names):
    """Every source file begins with what it is."""
    starts = {".c": "/*", ".h": "/*", ".py": ('"""', "#!"), ".sh": "#!"}
    for name in names:
        wanted = starts.get(Path(name).suffix)
        if wanted and not (ROOT / name).read_text(encoding="utf-8").startswith(wanted):
            yield f"{name}: does not begin with a comment that says what it is"


def check_readme(names):
    text = lines("README.md")
    words = sum(len(line.split()) for line in text)
    if len(text) > README_LINES:
        yield f"README.md: {len(text)} lines, more than {README_LINES}"
    if words > README_WORDS:
        yield f"README.md: {words} words, more than {README_WORDS}"


def main():
    if sys.argv[1:]:
        print(__doc__.replace("\n\n    ", "\n\nusage: "))
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    names = [name for name in files() if not FOREIGN_FILES.search(name)]
    checks = (check_top_level, check_headers, check_length, check_words, check_tags, check_methods, check_citations,
              check_first_lines, check_readme)
    violations = [line for check in checks for line in check(names)]
    print("\n".join(violations), end="\n" if violations else "")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
