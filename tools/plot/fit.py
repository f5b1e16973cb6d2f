"""Rates: slopes of straight lines in logarithms, with 95 % confidence intervals."""

from collections import namedtuple

import numpy as np
from scipy.special import stdtrit  # scipy.stats has more, and takes a second to load

Rate = namedtuple("Rate", "exponent low high factor")  # y = factor x^exponent; low to high: 95 % of the exponent
RESAMPLES = 1000
CONFIDENCE = (2.5, 97.5)


def resampled(count):
    """Numbers of repetitions, drawn with replacement as often as there are: [resamples, count]."""
    return np.random.default_rng(1).integers(count, size=(RESAMPLES, count))


def slope(x, y):
    """The exponent of a power law through (x, y), by least squares in logarithms; y may have leading axes."""
    log_x, log_y = np.log(x), np.log(y)
    centred = log_x - log_x.mean()
    return (log_y @ centred) / (centred @ centred)


def factor(x, y, exponent):
    return float(np.exp(np.mean(np.log(y) - exponent * np.log(x))))


def bootstrap_rate(x, samples, statistic):
    """The rate in x of a statistic over repetitions, with a percentile interval.

    samples: [repetitions, len(x)]; statistic(samples, axis=): np.median, say. Whole repetitions are resampled, since
    all x of one repetition share their random numbers.
    """
    samples = np.asarray(samples, float)
    middle = statistic(samples, axis=0)
    exponent = float(slope(x, middle))
    with np.errstate(invalid="ignore", divide="ignore"):
        slopes = slope(x, statistic(samples[resampled(len(samples))], axis=1))
    low, high = np.percentile(slopes[np.isfinite(slopes)], CONFIDENCE)
    return Rate(exponent, float(low), float(high), factor(x, middle, exponent))


def median_rate(exponents, factors):
    """The median of the exponents of repetitions, with a percentile interval, and of their factors."""
    return Rate(*median_interval(exponents), float(np.median(factors)))


def median_interval(values):
    """The median of single values of repetitions, and its percentile interval: (median, low, high)."""
    values = np.asarray(values, float)
    drawn = np.median(values[resampled(len(values))], axis=1)
    return float(np.median(values)), *map(float, np.percentile(drawn, CONFIDENCE))


def interval_text(middle, low, high):
    """A number with its interval, for a table."""
    return f"{middle:.3g} ({low:.3g} to {high:.3g})"


def rate_of(x, samples, statistic):
    """The rate of a statistic over repetitions, or of the one repetition; None where a value is not positive."""
    if len(x) < 2 or not np.all(statistic(samples, axis=0) > 0):
        return None
    return bootstrap_rate(x, samples, statistic) if len(samples) > 1 else regression_rate(x, samples[0])


def regression_rate(x, y):
    """The rate of single values, with Student's interval for the slope."""
    (intercept, exponent), (_, reach) = plane([np.ones(len(x)), np.log(x)], np.log(y))
    return Rate(float(exponent), float(exponent - reach), float(exponent + reach), float(np.exp(intercept)))


def plane(columns, y):
    """Least squares y ~ columns: coefficients and the half-widths of their 95 % intervals.

    The half-widths are infinite where there are no more points than coefficients.
    """
    columns, y = np.asarray(columns, float).T, np.asarray(y, float)
    coefficients, _, rank, _ = np.linalg.lstsq(columns, y, rcond=None)
    spare = len(y) - rank
    if spare < 1 or rank < columns.shape[1]:
        return coefficients, np.full(columns.shape[1], np.inf)
    residual = y - columns @ coefficients
    covariance = np.linalg.inv(columns.T @ columns) * (residual @ residual) / spare
    return coefficients, stdtrit(spare, 0.975) * np.sqrt(np.diag(covariance))


def describe(rate, unit="m"):
    """The rate in words for a picture."""
    if not np.isfinite(rate.low):
        return rf"$\propto {unit}^{{{rate.exponent:.2f}}}$"
    return rf"$\propto {unit}^{{{rate.exponent:.2f}}}$  ({rate.low:.2f} to {rate.high:.2f})"
