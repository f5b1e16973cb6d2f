/* Numbers as they are shown: to 15 significant digits, of which every double has at least as many. */
#ifndef WGF_BASE_DECIMAL_H
#define WGF_BASE_DECIMAL_H

/* The double nearest to the value's 15 significant digits: 0.1 + 0.2 becomes 0.3. Idempotent and monotone; NaN,
 * infinities and the sign of zero stay. Two values have one text of 15 digits exactly if their shown doubles are
 * equal. */
double wgf_shown_double(double value);

#endif
