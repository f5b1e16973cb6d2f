"""Writes one HTML page about a sweep. `page` is the command, `sweep` reads the file; the rest goes into the page."""
