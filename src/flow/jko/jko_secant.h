/* A root of the gradient g of a convex function whose Hessian A approximates: steps -H g, where H starts as A^-1 and is
 * improved by symmetric rank-one updates from the differences of gradients (Conn, Gould and Toint 1991). It needs no
 * product with the Hessian. Pairs of a step and the change of g over it, from a problem that was solved before and is
 * much like this one, improve H beforehand; where they mislead, it goes on without them. It continues while |g| falls
 * by at least a fifth a step; Newton's method takes over where it stalls. Source: src/flow/README.md "Predicting the
 * dual". */
#ifndef WGF_FLOW_JKO_SECANT_H
#define WGF_FLOW_JKO_SECANT_H

#include "jko_newton.h"

enum {
    WGF_SECANT_DEPTH = 13,                  /* steps at most: then it stalls */
    WGF_SECANT_PAIRS = 6,                   /* of earlier problems */
    WGF_SECANT_MOST = WGF_SECANT_DEPTH + 2, /* iterations: the steps, and two trials that fail */
};

/* Pairs, the oldest first. */
struct wgf_secant_past {
    int64_t n, count;
    double *steps, *changes; /* WGF_SECANT_PAIRS x n each */
};

struct wgf_secant {
    int64_t n;
    double *gradient, *trial, *step, *reached; /* n each */
    double *updates; /* (WGF_SECANT_PAIRS + WGF_SECANT_DEPTH) x n: vectors w of H = A^-1 + sum w w^T scale */
    double scale[WGF_SECANT_PAIRS + WGF_SECANT_DEPTH];
    int kept;                /* updates */
    double *steps, *changes; /* (WGF_SECANT_DEPTH + 1) x n each: of the steps that were taken, and of the last trial */
    int taken;
};

/* x (n) <- A^-1 x */
struct wgf_hessian_approx {
    void *context;
    void (*solve)(void *context, double *x);
};

/* Takes the arrays. */
void wgf_secant_lay_out(struct wgf_secant *secant, int64_t n, struct wgf_arena *arena);
void wgf_secant_past_lay_out(struct wgf_secant_past *past, int64_t n, struct wgf_arena *arena);

/* From u (n) to where |g| < tolerance, the last gradient asked for being that at u; else STALLED, u being the best that
 * was found. Only function->gradient is called. past: NULL for none. */
struct wgf_newton_report wgf_secant_minimise(struct wgf_secant *secant, const struct wgf_convex *function,
                                             const struct wgf_hessian_approx *hessian,
                                             const struct wgf_secant_past *past, const struct wgf_deadline *deadline,
                                             double tolerance, double *u);

/* Adds the steps that the last minimisation took to the past. Of steps of nearly one direction the newest stays, as
 * updates from several would be mostly what changed between them; and of the others the newest. */
void wgf_secant_remember(struct wgf_secant *secant, struct wgf_secant_past *past);

#endif
