"""What a result file promises, and the faults that try it: each names the promises that it tries, and each promise has
a fault. src/README.md "Promises under fault", src/store/README.md."""

# A sentence of each, by the word under which faults name it.
PROMISES = {
    "opens": "A name holds nothing, the old file or the whole new one, which opens: after a kill at any instant.",
    "whole": "A row that is marked done is whole, to a reader at any moment and after a kill.",
    "same": "The same command goes on, however the last one ended, and ends with the bits of an undisturbed run.",
    "tenth": "A kill loses at most a tenth of a second of finished rows.",
    "checkpoint": "A long descent goes on from its last checkpoint. A damaged or foreign one counts as absent.",
    "stop": "SIGTERM, SIGINT, SIGUSR1 and SIGHUP stop a run early: the file is closed, exit code 75.",
    "rank": "The death of a rank ends the others; `slurm/sweep.sh` starts the same command again.",
    "crashed": "A job is crashed only where its own process died; all others have their results.",
    "failed": "A job that cannot have a result becomes a row with a message, and the sweep goes on.",
    "room": "A full disk, a limit of file sizes or a read-only folder: the reason, exit code 1, nothing destroyed.",
    "foreign": "A file that is cut, foreign or of another schema: exit code 1, and it stays as it is.",
    "layout": "The layout of a stranger's file is not believed: no command crashes, or changes a file not its own.",
    "checksum": "Changed bytes are found: `verify` names the rows or the attributes, and a run computes rows again.",
    "power": "A power loss leaves a file that opens; torn rows are found. With `--sync 0` no row marked done is torn.",
    "read": "A read that the system fails is no damage: its reason, exit code 1, nothing computed again or dropped.",
    "name": "A result that is moved, removed, replaced or cut under its run is told with exit code 1.",
    "lock": "While a run writes a file, no other run or merge does.",
    "links": "No link is followed, and nothing is changed or removed that is not the program's own.",
}

FAULTS = {}


def fault(name, count, *promises):
    """Registers a fault with its name in the table, how often CI does it at least, and what it tries."""
    def register(function):
        FAULTS[name] = (function, count, promises)
        return function
    return register


def untried():
    """Promises without a fault, and what faults try that is no promise: words that belong on one side alone."""
    return set(PROMISES) ^ {word for _, _, promises in FAULTS.values() for word in promises}
