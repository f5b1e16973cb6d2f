/* Rounding to significant decimal digits, by way of the text: no arithmetic on doubles rounds correctly. */
#include "wgf/base/decimal.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

double wgf_rounded_double(double value, int digits)
{
    char text[32];
    if (!isfinite(value))
        return value;
    snprintf(text, sizeof text, "%.*g", digits, value);
    const double rounded = strtod(text, NULL);
    return isfinite(rounded) ? rounded : value; /* DBL_MAX has no neighbour above */
}

double wgf_shown_double(double value)
{
    const bool is_short = fabs(value) < 1e15 && value == rint(value); /* the usual case, at no cost */
    return is_short ? value : wgf_rounded_double(value, 15);
}
