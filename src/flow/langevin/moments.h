/* Moments of exp(-r^2 - 2 z r) over r > 0. Source: src/flow/README.md "Temperature". */
#ifndef WGF_FLOW_MOMENTS_H
#define WGF_FLOW_MOMENTS_H

enum { WGF_MOMENTS = 5 };

/* out[k] <- the integral of r^k exp(-r^2 - 2 z r) over r > 0, k = 0..WGF_MOMENTS-1, times exp(-z^2) where z < 0: none
 * overflows or cancels. */
void wgf_half_line_moments(double z, double out[WGF_MOMENTS]);

#endif
