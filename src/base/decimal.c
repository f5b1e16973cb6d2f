/* Rounding to 15 significant decimal digits, by way of the text: no arithmetic on doubles rounds correctly. */
#include "wgf/base/decimal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

double wgf_shown_double(double value)
{
    char text[32];
    if (!isfinite(value) || (fabs(value) < 1e15 && value == rint(value))) /* the usual cases, at no cost */
        return value;
    snprintf(text, sizeof text, "%.15g", value);
    const double shown = strtod(text, NULL);
    return isfinite(shown) ? shown : value; /* DBL_MAX has no neighbour above */
}
