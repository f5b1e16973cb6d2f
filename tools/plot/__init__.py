"""Draws figures of sweeps from their result files. `main` is the command, `figures/` holds a file a figure."""
