"""Finds a Python that has the packages for figures. Imports nothing but the standard library."""

import importlib.util
import os
import sys

PACKAGES = ("numpy", "scipy", "h5py", "matplotlib", "PIL")
SYSTEM = "/usr/bin/python3"


def require(program):
    """Returns if this Python has all packages. Otherwise the system's Python runs the program, or it ends here."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if not missing:
        return
    # People type `python3`, which may be a Python of their own; Debian's packages belong to the system's.
    if os.path.exists(SYSTEM) and not os.path.samefile(sys.executable, SYSTEM):
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    sys.exit(
        f"{program}: {missing[0]} is missing for {sys.executable}. Debian's packages are python3-numpy, python3-scipy,"
        " python3-h5py and python3-matplotlib; tools/setup.sh lists the names elsewhere"
    )
