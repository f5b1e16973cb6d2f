/* Numbers rounded to decimal digits, by default as they are shown: to 15 significant ones, of which every double has at
 * least as many. */
#ifndef WGF_BASE_DECIMAL_H
#define WGF_BASE_DECIMAL_H

/* The double nearest to the value's 15 significant digits: 0.1 + 0.2 becomes 0.3. Idempotent and monotone; NaN,
 * infinities and the sign of zero stay. Two values have one text of 15 digits exactly if their shown doubles are
 * equal. */
double wgf_shown_double(double value);

/* The double nearest to the value's first `digits` significant digits, 1 to 17. NaN, infinities and 0 stay. */
double wgf_rounded_double(double value, int digits);

#endif
