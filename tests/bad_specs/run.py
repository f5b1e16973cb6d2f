#!/usr/bin/env python3
"""Runs `wgf plan` over specs that it must refuse, and over hostile ones that it must refuse fast.

    run.py WGF

Every *.yaml here begins with one comment for each error of the file, in order:

    # expect: LINE:COL: error: MESSAGE

where a message that ends in … is the beginning of one. The exit code must be 2, stdout empty, and stderr exactly
FILE:LINE:COL: error: MESSAGE, line by line."""

import pathlib
import random
import resource
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
SECONDS = 60  # of the processor, for each: the longest takes 4 s on a slow machine, 6 s with sanitizers
HANG = 900  # seconds
MEBIBYTE = 1 << 20
MARK = b"# expect: "


def ended_time():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def run(program, folder, name):
    """Exit code, stdout, lines of stderr; or the reason why there are none."""
    before = ended_time()
    done = subprocess.run([program, "plan", name], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=HANG)
    if ended_time() - before > SECONDS:
        return None, f"takes more than {SECONDS} s of processor time"
    return (done.returncode, done.stdout, done.stderr.decode(errors="replace").splitlines()), None


def matches(line, expected):
    return line.startswith(expected[:-1]) if expected.endswith("…") else line == expected


def refusal(program, folder, name, expected):
    """What is wrong with how the program refuses a file; None when it is right."""
    result, problem = run(program, folder, name)
    if problem:
        return problem
    code, stdout, lines = result
    if code != 2:
        return f"exit code {code} instead of 2; stderr {lines[:3]}"
    if stdout:
        return "something on stdout"
    if len(lines) != len(expected) or not all(map(matches, lines, expected)):
        return "\n    expected:\n      " + "\n      ".join(expected) + "\n    got:\n      " + "\n      ".join(lines)
    return None


def acceptance(program, folder, name):
    result, problem = run(program, folder, name)
    if problem:
        return problem
    code, _, lines = result
    return None if code == 0 else f"exit code {code} instead of 0; stderr {lines[:3]}"


def expectations(path):
    lines = path.read_bytes().split(b"\n")
    return [f"{path.name}:{line[len(MARK):].decode()}" for line in lines if line.startswith(MARK)]


def fill(unit):
    """Almost as much of a unit as the program reads."""
    return unit * ((4 * MEBIBYTE - 64) // len(unit))


def hostile_specs():
    """Name, bytes, and where and how each is refused first; the rest of the errors does not matter here."""
    head = "name: x\n"
    rubbish = random.Random(1).randbytes(MEBIBYTE)
    anchors = "".join(f"- &a{i} x\n" for i in range(300000))
    directives = "".join(f"%TAG !a{i}! x\n" for i in range(200000))
    unknown = "".join(f" k{i}: 1\n" for i in range(300000))
    bomb = "a0: &a0 [1]\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 50)}]\n" for i in range(1, 60))
    yield "empty", "", "1:1: error: the spec is empty"
    yield "rubbish", rubbish, "1:2: error: the spec is not UTF-8 text: "
    yield "zeros", fill("\0"), "1:1: error: the spec is not UTF-8 text: control characters are not allowed"
    yield "utf16", (head * 9).encode("utf-16"), "1:1: error: the spec is not UTF-8 text: "
    yield "lists", head + "fixed: " + fill("["), "2:39: error: nested more than 32 levels"
    yield "mappings", head + "fixed: " + fill("{"), "2:39: error: nested more than 32 levels"
    yield "pairs", head + "fixed: " + fill("{a: "), "2:132: error: nested more than 32 levels"
    yield "dashes", fill("- "), "1:65: error: nested more than 32 levels"
    yield "questions", fill("? "), "1:65: error: nested more than 32 levels"
    yield "anchors", anchors, "101:3: error: more than 100 anchors"
    yield "directives", directives, "1:1: error: specs have no tags"
    yield "quotes", head + "fixed: " + fill('"'), "2:"
    yield "one_quote", head + "fixed: '" + fill("x"), "2:"
    yield "long_anchor", head + "fixed: &" + fill("x"), "2:"
    yield "long_key", head + "fixed:\n ? " + fill("k"), "3:4: error: unknown parameter 'kkk"
    yield "long_number", head + "fixed: {gamma: " + fill("9") + "}", "2:16: error: gamma: 999"
    yield "unknown_keys", head + "fixed:\n" + unknown, "3:2: error: unknown parameter 'k0'"
    yield "repeated_key", head + "fixed:\n" + " gamma: 1\n" * 300000, "4:2: error: 'gamma' is given twice"
    yield "bad_values", head + "sweep:\n gamma: [" + "x," * MEBIBYTE + "]", "3:10: error: gamma: use a number"
    yield "alias_bomb", head + bomb + "sweep: {gamma: *a59}", "2:1: error: unknown key 'a0'"
    values = f"{{seed: &l [{', '.join(map(str, range(1500)))}]}}"
    yield "alias_exclude", head + f"sweep:\n - exclude: [{values}{', {seed: *l}' * 2000}]\n", (
        "3:21: error: exclude: too many values of seed; use a comparison")
    yield "alias_of_itself", head + "fixed: &f\n  gamma: *f\n", "2:8: error: gamma: use one value"
    yield "documents", head + "---\n" * 900000, "2:1: error: a spec is one YAML document"


def hostile(program, folder):
    """Yields the name of each case and what is wrong with it."""
    for name, text, first in hostile_specs():
        file = f"{name}.yaml"
        (folder / file).write_bytes(text.encode() if isinstance(text, str) else text)
        result, problem = run(program, folder, file)
        if not problem:
            code, stdout, lines = result
            fine = code == 2 and not stdout and lines and lines[0].startswith(f"{file}:{first}") and len(lines) <= 101
            problem = None if fine else f"exit code {code}, stderr {lines[:2]}"
        yield file, problem


def unreadable(program, folder):
    with open(folder / "sparse.yaml", "wb") as file:
        file.truncate(1 << 30)
    (folder / "folder.yaml").mkdir()
    reasons = {"sparse.yaml": "larger than", "folder.yaml": "folder", "absent.yaml": "No such file"}
    for name, reason in reasons.items():
        result, problem = run(program, folder, name)
        if not problem:
            code, stdout, lines = result
            fine = code == 2 and not stdout and len(lines) == 1 and name in lines[0] and reason in lines[0]
            problem = None if fine else f"exit code {code}, stderr {lines[:2]}"
        yield name, problem


def large(program, folder):
    values = ", ".join(str(i * 7919 % 150000) for i in range(200000))
    (folder / "long_list.yaml").write_text(f"name: x\nsweep:\n  seed: [{values}]\n")
    (folder / "range.yaml").write_text("name: x\nsweep:\n  seed: {range: [0, 1e9]}\n")
    for name in ("long_list.yaml", "range.yaml"):
        yield name, acceptance(program, folder, name)


def cases(program, folder):
    for path in sorted(HERE.glob("*.yaml")):
        expected = expectations(path)
        yield path.name, refusal(program, HERE, path.name, expected) if expected else "no `# expect:` in it"
    yield from hostile(program, folder)
    yield from unreadable(program, folder)
    yield from large(program, folder)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = str(pathlib.Path(sys.argv[1]).resolve())
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, problem in cases(program, pathlib.Path(folder)):
            if problem:
                failed += 1
                print(f"FAILED {name}: {problem}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
