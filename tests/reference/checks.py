"""What programs of checks share: a check returns what it found, or raises Failure."""

import subprocess
import sys
import tempfile
from pathlib import Path


class Failure(Exception):
    pass


def report(name, check, *arguments):
    try:
        print(f"ok    {name}: {check(*arguments)}", flush=True)
        return True
    except (Failure, KeyError, OSError, subprocess.TimeoutExpired) as failure:
        print(f"FAIL  {name}: {failure}", flush=True)
        return False


def run_checks(checks):
    """Runs a program of checks, WGF_BINARY [WORDS]: checks(do) calls do(name, check, *arguments) for each of them."""
    if len(sys.argv) not in (2, 3):
        sys.exit(f"usage: {Path(sys.argv[0]).name} WGF_BINARY [WORDS]")
    binary = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder, passed = Path(name), []

        def do(what, check, *arguments):
            if sys.argv[2:] == [] or sys.argv[2] in what:
                passed.append(report(what, check, binary, folder, *arguments))

        checks(do)
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed")
    sys.exit(0 if all(passed) else 1)
