/* Operations that a search may take. Their count decides where it ends, never a clock, so that its result is one of its
 * arguments alone. */
#ifndef WGF_FLOW_BUDGET_H
#define WGF_FLOW_BUDGET_H

#include <signal.h>
#include <stdbool.h>

struct wgf_budget {
    double limit, spent;                  /* operations, about one a nanosecond */
    const volatile sig_atomic_t *expired; /* NULL, or not 0 once the search is to be given up: it then means nothing */
};

/* What a search for J* may take, whatever the job: about two seconds. */
static const double wgf_optimum_limit = 2e9;

/* And one for the least norm: about a millisecond, since most jobs have no use for it. */
static const double wgf_norm_limit = 4e6;

static inline bool wgf_budget_expired(const struct wgf_budget *budget)
{
    return budget->expired && *budget->expired;
}

/* False: the search ends here. */
static inline bool wgf_budget_spend(struct wgf_budget *budget, double operations)
{
    budget->spent += operations;
    return budget->spent <= budget->limit && !wgf_budget_expired(budget);
}

#endif
