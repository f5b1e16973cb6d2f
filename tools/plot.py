#!/usr/bin/python3
"""Draws the figure of a sweep: `python3 tools/plot.py RESULT.h5`; `--help` lists the figures."""

import sys

from plot.packages import require
from plot.terminal import escape_output

require("plot.py")
escape_output()

from plot.main import main

sys.exit(main(sys.argv[1:]))
