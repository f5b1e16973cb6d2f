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

/* Some axes of a plan, with one value of each. */
struct choice {
    int length;
    int axis[WGF_MOST_PARAMS];
    int64_t index[WGF_MOST_PARAMS], count[WGF_MOST_PARAMS];
};

static void choose_axes(const struct wgf_plan *plan, const char *const *names, struct choice *choice)
{
    *choice = (struct choice){0};
    for (int i = 0; names[i]; i++) {
        int a = wgf_plan_axis(plan, wgf_param_find(names[i]));
        if (a >= 0) {
            choice->axis[choice->length] = a;
            choice->count[choice->length++] = plan->axes[a].count;
        }
    }
}

/* The chosen values, and for all other axes those at `index`, or their first when it is NULL. */
static struct wgf_settings settings_of(const struct wgf_plan *plan, const struct choice *choice, const int64_t *index)
{
    struct wgf_settings settings = plan->base;
    for (int a = 0; a < plan->axis_count; a++)
        wgf_param_set(plan->axes[a].param, &settings, wgf_axis_value(&plan->axes[a], index ? index[a] : 0));
    for (int i = 0; i < choice->length; i++) {
        const struct wgf_axis *axis = &plan->axes[choice->axis[i]];
        wgf_param_set(axis->param, &settings, wgf_axis_value(axis, choice->index[i]));
    }
    return settings;
}

bool wgf_plan_visit(const struct wgf_plan *plan, const char *const *names,
                    bool (*visit)(void *context, const struct wgf_settings *settings), void *context)
{
    struct choice choice;
    int visits = 0;
    bool more = true;
    choose_axes(plan, names, &choice);
    while (more && visits++ < MOST_VISITS) {
        struct wgf_settings settings = settings_of(plan, &choice, NULL);
        more = visit(context, &settings) && wgf_next_tuple(choice.index, choice.count, choice.length);
    }
    return !more;
}

/* Jobs of a case that share the chosen values: the product of the other axes. */
static double jobs_alike(const struct wgf_plan *plan, const struct wgf_case *one, const struct choice *choice)
{
    double jobs = 1;
    for (int a = 0; a < plan->axis_count; a++) {
        bool chosen = plan->axes[a].param->decides || !one->read[a];
        for (int i = 0; i < choice->length; i++)
            chosen = chosen || choice->axis[i] == a;
        jobs *= chosen ? 1 : (double)plan->axes[a].count;
    }
    return jobs;
}

/* Leaves the axes whose values the case does not fix. */
static void keep_free(const struct wgf_plan *plan, const struct wgf_case *one, struct choice *choice)
{
    int kept = 0;
    for (int i = 0; i < choice->length; i++)
        if (!plan->axes[choice->axis[i]].param->decides && one->read[choice->axis[i]]) {
            choice->axis[kept] = choice->axis[i];
            choice->count[kept++] = choice->count[i];
        }
    choice->length = kept;
}

bool wgf_plan_visit_jobs(const struct wgf_plan *plan, const char *const *names,
                         void (*visit)(void *context, const struct wgf_settings *settings, double jobs), void *context)
{
    int visits = 0;
    for (int c = 0; c < plan->case_count; c++) {
        const struct wgf_case *one = &plan->cases[c];
        struct choice choice;
        choose_axes(plan, names, &choice);
        keep_free(plan, one, &choice);
        double jobs = jobs_alike(plan, one, &choice);
        do {
            struct wgf_settings settings = settings_of(plan, &choice, one->index);
            wgf_plan_settle(plan, &settings);
            visit(context, &settings, jobs);
            if (++visits > MOST_VISITS)
                return false;
        } while (wgf_next_tuple(choice.index, choice.count, choice.length));
    }
    return true;
}
