/* What blocks exclude: found by the rows that meet the conditions on their own axes, then job by job. */
#include "plan_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>

/* Jobs; values of axes compared with those of exclusions, which takes some seconds. */
enum { MOST_EXCLUDED = 10000000, MOST_COMPARISONS = 1000000000 };

/* One exclusion against one case. */
struct match {
    struct wgf_plan *plan;
    struct wgf_plan_block *block;
    const struct wgf_case *one;
    const struct wgf_exclusion *exclusion;
    struct wgf_rows rows[WGF_MOST_PARAMS]; /* a dimension each; the lists are own, or the case's while NULL here */
    bool no_memory;
};

bool wgf_block_excludes(const struct wgf_plan_block *block, const struct wgf_settings *settings)
{
    for (int i = 0; i < block->spec->exclusion_count; i++)
        if (wgf_excludes(&block->spec->exclusions[i], settings))
            return true;
    return false;
}

/* The conditions on axes of one dimension. */
struct conditions {
    int count;
    bool read; /* by the jobs of the case */
    double comparisons;
    const struct wgf_condition *list[WGF_MOST_PARAMS];
    const struct wgf_axis *axes[WGF_MOST_PARAMS];
};

static struct conditions conditions_on(const struct match *match, int d)
{
    struct conditions on = {.read = true};
    for (int i = 0; i < match->exclusion->count; i++) {
        const struct wgf_condition *condition = &match->exclusion->conditions[i];
        const int a = wgf_block_axis(match->block, condition->param);
        if (a < 0 || match->block->axes[a].dimension != d)
            continue;
        on.list[on.count] = condition;
        on.axes[on.count++] = &match->block->axes[a];
        on.read = on.read && match->one->read[a];
        on.comparisons += condition->count;
    }
    return on;
}

static bool meets(const struct conditions *on, int64_t row)
{
    bool all = on->read;
    for (int i = 0; all && i < on->count; i++)
        all = wgf_condition_holds(on->list[i], wgf_axis_value(on->axes[i], row));
    return all;
}

/* Finds the rows that meet the conditions; how many jobs they make, infinitely many where an axis is too long. */
static double find_rows(struct match *match)
{
    double jobs = 1;
    for (int d = 0; d < match->block->dimension_count && jobs > 0; d++) {
        const struct conditions on = conditions_on(match, d);
        const struct wgf_rows *all = &match->one->rows[d];
        struct wgf_rows *const rows = &match->rows[d];
        *rows = (struct wgf_rows){all->count, NULL};
        if (on.count > 0) {
            rows->list = all->count <= MOST_EXCLUDED ? wgf_calloc(all->count, sizeof *rows->list) : NULL;
            match->no_memory |= all->count <= MOST_EXCLUDED && !rows->list;
            rows->count = 0;
            for (int64_t i = 0; rows->list && i < all->count; i++)
                if (meets(&on, wgf_row(all, i)))
                    rows->list[rows->count++] = wgf_row(all, i);
            rows->count = all->count <= MOST_EXCLUDED ? rows->count : INT64_MAX;
        }
        jobs *= (double)rows->count;
    }
    return jobs;
}

/* Removes the jobs of these rows that the exclusion matches. */
static void remove_jobs(struct match *match, bool *matches)
{
    struct wgf_plan *plan = match->plan;
    const struct wgf_plan_block *block = match->block;
    int64_t index[WGF_MOST_PARAMS] = {0}, count[WGF_MOST_PARAMS], at[WGF_MOST_PARAMS];
    for (int d = 0; d < block->dimension_count; d++)
        count[d] = match->rows[d].count;
    do {
        struct wgf_settings settings;
        for (int d = 0; d < block->dimension_count; d++)
            at[d] = wgf_row(match->rows[d].list ? &match->rows[d] : &match->one->rows[d], index[d]);
        wgf_block_write(block, at, &settings);
        wgf_plan_settle(plan, &settings);
        if (!wgf_excludes(match->exclusion, &settings))
            continue;
        *matches = true;
        if (!WGF_GROW(plan->removed, plan->removed_count)) {
            match->no_memory = true;
            return;
        }
        plan->removed[plan->removed_count++] = block->first + wgf_block_number(block, at);
    } while (wgf_next_tuple(index, count, block->dimension_count));
}

/* Removes what one exclusion matches in one case. */
static wgf_status remove_matched(struct match *match, bool *matches, struct wgf_diagnostics *diagnostics)
{
    const double jobs = find_rows(match);
    if (!match->no_memory && (double)match->plan->removed_count + jobs > MOST_EXCLUDED)
        wgf_diagnose(diagnostics, match->exclusion->place,
                     "more than %d jobs are excluded, or to be looked at; shorten the block's axes instead",
                     MOST_EXCLUDED);
    else if (!match->no_memory && jobs > 0)
        remove_jobs(match, matches);
    for (int d = 0; d < match->block->dimension_count; d++)
        free(match->rows[d].list);
    return match->no_memory ? WGF_EMEMORY : WGF_OK;
}

/* Sorts the numbers of removed jobs; what several exclusions match counts once. */
static void sort_removed(struct wgf_plan *plan)
{
    int64_t kept = 0;
    if (plan->removed_count > 0)
        qsort(plan->removed, (size_t)plan->removed_count, sizeof *plan->removed, wgf_compare_numbers);
    for (int64_t i = 0; i < plan->removed_count; i++)
        if (i == 0 || plan->removed[i] != plan->removed[i - 1])
            plan->removed[kept++] = plan->removed[i];
    plan->removed_count = plan->excluded = kept;
}

/* How many comparisons does it take to find the rows of an exclusion? */
static double work(struct wgf_plan *plan, struct wgf_plan_block *block, const struct wgf_exclusion *exclusion)
{
    double sum = 0;
    for (int c = 0; c < block->case_count; c++) {
        const struct match match = {.plan = plan, .block = block, .one = &block->cases[c], .exclusion = exclusion};
        for (int d = 0; d < block->dimension_count; d++)
            if (match.one->rows[d].count <= MOST_EXCLUDED)
                sum += (double)match.one->rows[d].count * conditions_on(&match, d).comparisons;
    }
    return sum;
}

static void check_work(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    double sum = 0;
    for (int b = 0; b < plan->block_count; b++)
        for (int i = 0; i < plan->blocks[b].spec->exclusion_count; i++) {
            const struct wgf_exclusion *exclusion = &plan->blocks[b].spec->exclusions[i];
            const bool fine = sum <= MOST_COMPARISONS;
            sum += work(plan, &plan->blocks[b], exclusion);
            if (fine && sum > MOST_COMPARISONS)
                wgf_diagnose(diagnostics, exclusion->place,
                             "exclude: up to this entry values are compared more than %d times; use a few comparisons, "
                             "\"> 1\", or shorten the block's axes",
                             MOST_COMPARISONS);
        }
}

wgf_status wgf_plan_remove_excluded(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    wgf_status status = WGF_OK;
    const struct wgf_exclusion *last = NULL;
    check_work(plan, diagnostics);
    for (int b = 0; b < plan->block_count; b++) {
        struct wgf_plan_block *block = &plan->blocks[b];
        block->matches = wgf_calloc(block->spec->exclusion_count, sizeof *block->matches);
        for (int i = 0; block->matches && !status && i < block->spec->exclusion_count; i++)
            for (int c = 0; !status && !wgf_diagnostics_any(diagnostics) && c < block->case_count; c++) {
                last = &block->spec->exclusions[i];
                struct match match = {.plan = plan, .block = block, .one = &block->cases[c], .exclusion = last};
                status = remove_matched(&match, &block->matches[i], diagnostics);
            }
        status = block->matches ? status : WGF_EMEMORY;
    }
    sort_removed(plan);
    plan->jobs -= plan->excluded;
    if (!status && plan->jobs == 0)
        wgf_diagnose(diagnostics, last->place, "every job of the sweep is excluded; keep at least one");
    return status;
}
