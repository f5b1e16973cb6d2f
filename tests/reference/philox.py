"""The numbers of counter-based streams, by NumPy's Philox 4x64-10, whose counter goes up before its first numbers."""

import numpy as np


def units(seed, purpose, index, step, count):
    """At least `count` middles of the 2^52 equal parts of (0, 1)."""
    words = []
    for block in range((count + 3) // 4):
        counter = (index + (block << 64) + (step << 128) - 1) % (1 << 256)
        generator = np.random.Philox(counter=counter, key=seed + (purpose << 64))
        words += [int(word) for word in generator.random_raw(4)]
    return [((word >> 12) + 0.5) * 2.0**-52 for word in words]


def uniforms(seed, purpose, index, count):
    """U(-1, 1)."""
    return 2 * np.array(units(seed, purpose, index, 0, count)[:count]) - 1


def normals(seed, purpose, index, step, count):
    """N(0, 1) by Box-Muller."""
    unit, out = units(seed, purpose, index, step, count), []
    for one, other in zip(unit[::2], unit[1::2]):
        radius, angle = np.sqrt(-2 * np.log(one)), 2 * np.pi * other
        out += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.array(out[:count])
