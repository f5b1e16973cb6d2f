"""The text of a parameter's value, and of a number at a tick."""

import math

AUTO = "auto"  # a value that the job chooses itself; NaN in the file
DIGITS = 6


def is_number(value):
    return isinstance(value, (int, float))


def plain(words):
    """The words on one line, in which a dollar sign begins no formula."""
    return " ".join(str(words).split()).replace("$", r"\$")


def shown(value):
    """The number as every table shows it: of 15 significant digits, so that 0.1 + 0.2 is 0.3. Words stay."""
    return float(f"{value:.15g}") if isinstance(value, float) else value


def number_text(value, digits=DIGITS):
    """A number with at most that many digits, and those before the point; a power of ten where it is very small or
    large."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.{max(digits, len(str(int(abs(value)))))}g}"
    mantissa, exponent = f"{value:.{max(digits - 3, 0)}e}".split("e")
    factor = "" if float(mantissa) == 1 else rf"{float(mantissa):.{digits}g}\times"
    return rf"${factor}10^{{{int(exponent)}}}$"


def value_text(value, digits=DIGITS):
    """A parameter's value: a number, or a text, of which a long one, a path, keeps its end."""
    if is_number(value):
        return number_text(value, digits)
    words, most = " ".join(value.split()), 4 * digits
    return plain(words if len(words) <= most else "…" + words[-most:]) or "none"


def value_texts(values, digits=DIGITS):
    """{value: its text} of the values of one parameter, with as many digits more as tell them apart."""
    for count in range(digits, 20):
        found = {value: value_text(value, count) for value in values}
        if len(set(found.values())) == len(found):
            break
    return found


def titled(name, value, words):
    """A value as a panel's title has it: words alone, numbers, auto and none with the parameter's name."""
    return f"{name} {words}" if is_number(value) or value in (AUTO, "") else words
