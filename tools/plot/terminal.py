"""What the programs print: no character of a name, a foreign file or an argument commands a terminal.

The characters and their form are those of `wgf_escape` (include/wgf/base/text.h).
"""

import sys

HOSTILE = {*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)}
ESCAPES = {code: f"\\u{code:04x}" for code in HOSTILE - {ord("\n"), ord("\t")}}


class Escaping:
    """A text stream whose writes are escaped."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        self.stream.write(text.translate(ESCAPES))
        return len(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def escape_output():
    """Of this process, from here on."""
    sys.stdout, sys.stderr = Escaping(sys.stdout), Escaping(sys.stderr)
