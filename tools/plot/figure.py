"""What a file in figures/ says of its figure."""

from collections.abc import Callable
from dataclasses import dataclass


def never(result):
    """For figures that are drawn only when --figure names them."""
    return False


@dataclass(frozen=True)
class Figure:
    """One figure. Without --figure the first that suits the result is drawn, in the order of `place`."""

    place: int  # in the list of figures; no two have the same
    meaning: str  # one line for --help and for captions
    draw: Callable  # (result, options) -> a page with save(path)
    suits: Callable = never  # (result) -> bool
    most: int = 0  # the most jobs that are drawn, evenly spaced; 0: all
    ending: str = ".png"
    scales: bool = True  # False: --log, --linear, --xlim and --ylim cannot change its axes
