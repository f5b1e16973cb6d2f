"""Jobs that kill their process. The preloaded library makes poison of every job with `kernel: blas`."""

import os
import subprocess

import bench as stage
from bench import DONE, FAILURES, Failure, Site, end, require, start
from faults import TEAM, fault
from harness import CRASHED, column

# Two of twelve are poison, in the midst of the others.
SPEC = """\
name: poisonous
fixed: {n: 20, width: 40, steps: 40, save: last}
sweep: {seed: {range: [0, 6]}, kernel: [dense, blas]}
"""
