#!/usr/bin/python3
"""Draws the figure of a sweep: `python3 tools/plot.py RESULT.h5`; `--help` lists the figures."""

import sys

from plot.packages import require

require("plot.py")

from plot.main import main

sys.exit(main(sys.argv[1:]))
