/* An explicit Runge-Kutta integrator with steps of its own choice for y' = f(y): SUNDIALS, or nothing where the program
 * was built without it. Invariant: where an advance goes depends on y and on its length alone, on nothing before. */
#ifndef WGF_FLOW_INTEGRATOR_H
#define WGF_FLOW_INTEGRATOR_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* slope (size) <- f(y) (size). False: stop here. */
typedef bool wgf_slope(void *context, const double *y, double *slope);

enum wgf_advanced {
    WGF_ADVANCED_WHOLE,   /* y is where it should be */
    WGF_ADVANCED_STOPPED, /* by the slope; y is as before, here and below */
    WGF_ADVANCED_LONG,    /* WGF_INTEGRATOR_STEPS steps were not enough */
    WGF_ADVANCED_SHORT,   /* a step that the tolerances allow would not change the time */
};
enum { WGF_INTEGRATOR_STEPS = 1000000 };

struct wgf_integrator_report {
    double time;             /* that was reached */
    int64_t steps, rejected; /* accepted steps; trials whose error was too large */
};

struct wgf_integrator;

/* Makes an integrator of `size` numbers. The error of a step, as it estimates it, is at most 1 in the root mean square
 * of error_i / (rtol |y_i| + atol). Errors: WGF_EMEMORY; WGF_EUSAGE when the program was built without SUNDIALS. */
wgf_status wgf_integrator_create(struct wgf_integrator **integrator, int64_t size, double rtol, double atol,
                                 wgf_slope *slope, void *context, struct wgf_error *error);
void wgf_integrator_free(struct wgf_integrator *integrator); /* NULL-safe */
double wgf_integrator_bytes(int64_t size);

/* y (size) <- the solution from y after a time of this length > 0. */
enum wgf_advanced wgf_integrator_advance(struct wgf_integrator *integrator, double *y, double length,
                                         struct wgf_integrator_report *report);

#endif
