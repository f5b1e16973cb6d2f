/* Visits the combinations of the values of some parameters, without going through all jobs. */
#include "plan_internal.h"

enum { MOST_VISITS = 10000000 };

bool wgf_next_tuple(int64_t *index, const int64_t *count, int length)
{
    for (int i = length - 1; i >= 0; i--) {
        if (++index[i] < count[i])
            return true;
        index[i] = 0;
    }
    return false;
}

/* Some dimensions of a block, with a row of each. */
struct choice {
    int length;
    int dimension[WGF_MOST_PARAMS];
    int64_t index[WGF_MOST_PARAMS], count[WGF_MOST_PARAMS];
};

/* The dimensions with the named parameters, or with what these are derived from; their rows are those of a case, or all
 * where it is NULL. */
static struct choice choose(const struct wgf_plan_block *block, const char *const *names, const struct wgf_case *one)
{
    struct choice choice = {0};
    bool chosen[WGF_MOST_PARAMS] = {false};
    for (; *names; names++)
        for (int a = 0; a < block->axis_count; a++) {
            const struct wgf_param *const named = wgf_param_find(*names), *const param = block->axes[a].param;
            const int d = block->axes[a].dimension;
            if (chosen[d] || (param != named && !wgf_derived_uses(block, named, param)))
                continue;
            chosen[d] = true;
            choice.dimension[choice.length] = d;
            choice.count[choice.length++] = one ? one->rows[d].count : wgf_block_rows(block, d);
        }
    return choice;
}

bool wgf_block_visit(const struct wgf_plan_block *block, const char *const *names,
                     bool (*visit)(void *context, const struct wgf_settings *settings), void *context)
{
    struct choice choice = choose(block, names, NULL);
    int64_t rows[WGF_MOST_PARAMS] = {0};
    int visits = 0;
    bool more = true;
    while (more && visits++ < MOST_VISITS) {
        struct wgf_settings settings;
        for (int i = 0; i < choice.length; i++)
            rows[choice.dimension[i]] = choice.index[i];
        wgf_block_write(block, rows, &settings);
        more = visit(context, &settings) && wgf_next_tuple(choice.index, choice.count, choice.length);
    }
    return !more;
}

/* The same for the jobs of a case, with how many of them share the rows. */
static bool visit_case(const struct wgf_plan_block *block, const struct wgf_case *one, const char *const *names,
                       int *visits, void (*visit)(void *context, const struct wgf_settings *settings, double jobs),
                       void *context)
{
    struct choice choice = choose(block, names, one);
    int64_t rows[WGF_MOST_PARAMS];
    double jobs = 1;
    for (int d = 0; d < block->dimension_count; d++) {
        rows[d] = wgf_row(&one->rows[d], 0);
        jobs *= (double)one->rows[d].count;
    }
    for (int i = 0; i < choice.length; i++)
        jobs /= (double)choice.count[i];
    do {
        struct wgf_settings settings;
        for (int i = 0; i < choice.length; i++)
            rows[choice.dimension[i]] = wgf_row(&one->rows[choice.dimension[i]], choice.index[i]);
        wgf_block_write(block, rows, &settings);
        wgf_plan_settle(block->plan, &settings);
        visit(context, &settings, jobs);
        if (++*visits > MOST_VISITS)
            return false;
    } while (wgf_next_tuple(choice.index, choice.count, choice.length));
    return true;
}

bool wgf_plan_visit_jobs(const struct wgf_plan *plan, const char *const *names,
                         void (*visit)(void *context, const struct wgf_settings *settings, double jobs), void *context)
{
    int visits = 0;
    for (int b = 0; b < plan->block_count; b++)
        for (int i = 0; i < plan->blocks[b].case_count; i++)
            if (!visit_case(&plan->blocks[b], &plan->blocks[b].cases[i], names, &visits, visit, context))
                return false;
    for (int64_t i = 0; i < plan->removed_count; i++) {
        struct wgf_settings settings;
        wgf_plan_numbered(plan, plan->removed[i], &settings);
        visit(context, &settings, -1);
    }
    return true;
}
