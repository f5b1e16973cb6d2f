#!/usr/bin/python3
"""Writes a page about a sweep: `python3 tools/report.py RESULT.h5` makes RESULT.html."""

import sys

from plot.packages import require
from plot.terminal import escape_output

require("report.py")
escape_output()

from report.page import main

sys.exit(main(sys.argv[1:]))
