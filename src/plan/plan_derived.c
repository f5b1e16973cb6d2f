/* Derived values of a block: computed for every job from its other parameters, in the order of their dependence.
 * Invariant: of all combinations of the values that they depend on, none leads out of a parameter's range. */
#include "plan_internal.h"

#include "wgf/base/decimal.h"
#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wgf_derived {
    const struct wgf_fixed *fixed;
    struct wgf_expression *expression;
    bool uses[WGF_MOST_PARAMS]; /* by parameter: itself, or by way of others that are derived */
};

static const struct wgf_derived *find_derived(const struct wgf_plan_block *block, const struct wgf_param *param)
{
    for (int i = 0; i < block->derived_count; i++)
        if (block->derived[i].fixed->param == param)
            return &block->derived[i];
    return NULL;
}

bool wgf_derived_uses(const struct wgf_plan_block *block, const struct wgf_param *derived,
                      const struct wgf_param *param)
{
    const struct wgf_derived *const found = find_derived(block, derived);
    return found && (!param || found->uses[wgf_param_index(param)]);
}

bool wgf_derived_needs(const struct wgf_plan_block *block, const struct wgf_settings *kind,
                       const struct wgf_param *param)
{
    bool needs = false;
    for (int i = 0; i < block->derived_count; i++)
        needs |=
            block->derived[i].uses[wgf_param_index(param)] && wgf_param_is_read(block->derived[i].fixed->param, kind);
    return needs;
}

/* Can it be computed once `count` of the block's derived values are? If so, completes what it uses. */
static bool is_next(const struct wgf_plan_block *block, int count, struct wgf_derived *derived)
{
    for (int i = count; i < block->derived_count; i++)
        if (derived->uses[wgf_param_index(block->derived[i].fixed->param)])
            return false;
    for (int i = 0; i < count; i++)
        if (derived->uses[wgf_param_index(block->derived[i].fixed->param)])
            for (int p = 0; p < wgf_param_count; p++)
                derived->uses[p] |= block->derived[i].uses[p];
    return true;
}

/* Orders the derived values; what is left depends on itself. */
static void order(struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics)
{
    int count = 0;
    for (int i = 0; i < block->derived_count; i++)
        if (is_next(block, count, &block->derived[i])) {
            const struct wgf_derived next = block->derived[i];
            block->derived[i] = block->derived[count];
            block->derived[count] = next;
            i = count++; /* all that are left may be next */
        }
    if (count < block->derived_count)
        wgf_diagnose(diagnostics, block->derived[count].fixed->place,
                     "%s is computed from itself, by '= %s'%s; give it a number",
                     block->derived[count].fixed->param->name, wgf_excerpt(block->derived[count].fixed->derived).text,
                     count + 1 < block->derived_count ? " and others" : "");
    block->derived_count = count;
}

wgf_status wgf_derived_begin(struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics)
{
    block->derived = wgf_calloc(block->spec->fixed_count, sizeof *block->derived);
    if (!block->derived)
        return WGF_EMEMORY;
    for (int i = 0; i < block->spec->fixed_count; i++) {
        struct wgf_derived *const derived = &block->derived[block->derived_count];
        struct wgf_error error;
        size_t place;
        if (!block->spec->fixed[i].derived)
            continue;
        derived->fixed = &block->spec->fixed[i];
        if (wgf_derived_compile(&derived->expression, derived->fixed->derived, &place, &error))
            return WGF_EMEMORY; /* the spec has compiled it before */
        for (int p = 0; p < wgf_param_count; p++)
            derived->uses[p] = wgf_expression_uses(derived->expression, p);
        block->derived_count++;
    }
    order(block, diagnostics);
    return WGF_OK;
}

void wgf_derived_free(struct wgf_plan_block *block)
{
    for (int i = 0; block->derived && i < block->spec->fixed_count; i++)
        wgf_expression_free(block->derived[i].expression);
    free(block->derived);
}

/* Settings as written, for which values are computed. */
struct source {
    const struct wgf_plan *plan;
    const struct wgf_settings *written;
};

/* The number of a parameter, NaN for a word such as `auto`; n, d and width are those of files where these give them. */
static double number_of(const void *context, int index)
{
    const struct source *const source = context;
    const struct wgf_param *const param = &wgf_params[index];
    struct wgf_settings settings = *source->written;
    if (wgf_plan_is_implied(param, source->written))
        wgf_plan_settle(source->plan, &settings);
    const union wgf_value value = wgf_param_get(param, &settings);
    if (param->type == WGF_PARAM_FLOAT)
        return value.real;
    return param->word && value.integer < 0 ? NAN : (double)value.integer;
}

/* Computes a value, to 15 significant digits as those of spaces; integers to within 1e-9. */
static wgf_status derive(const struct wgf_plan *plan, const struct wgf_derived *derived,
                         const struct wgf_settings *written, union wgf_value *value, struct wgf_error *error)
{
    const struct wgf_param *const param = derived->fixed->param;
    const struct source source = {plan, written};
    const struct wgf_values values = {&source, number_of, NULL};
    const double number = wgf_shown_double(wgf_expression_value(derived->expression, &values)) + 0.0;
    const double near = round(number);
    if (!isfinite(number))
        return wgf_fail(error, WGF_EUSAGE, "%s: the result is not a finite number", param->name);
    *value = (union wgf_value){.real = number};
    if (param->type == WGF_PARAM_INT && (fabs(near) > 0x1p53 || fabs(number - near) > 1e-9))
        return wgf_fail(error, WGF_EUSAGE, "%s: %.15g is no whole number", param->name, number);
    if (param->type == WGF_PARAM_INT)
        *value = (union wgf_value){.integer = (int64_t)near};
    return wgf_param_check(param, *value, error);
}

void wgf_derived_write(const struct wgf_plan_block *block, struct wgf_settings *settings)
{
    for (int i = 0; i < block->derived_count; i++) {
        const struct wgf_param *const param = block->derived[i].fixed->param;
        union wgf_value value;
        if (derive(block->plan, &block->derived[i], settings, &value, NULL))
            value = wgf_param_get(param, &block->plan->defaults);
        wgf_param_set(param, settings, value);
    }
}

/* One derived value, tried on the combinations of what it depends on. */
struct trial {
    const struct wgf_plan_block *block;
    const struct wgf_derived *derived;
    struct wgf_settings written; /* of the failure */
    struct wgf_error error;
};

static bool try(void *context, const struct wgf_settings *written)
{
    struct trial *const trial = context;
    struct wgf_settings settled = *written;
    union wgf_value value;
    if (!derive(trial->block->plan, trial->derived, written, &value, &trial->error))
        return true;
    wgf_plan_settle(trial->block->plan, &settled);
    if (wgf_block_excludes(trial->block, &settled)) {
        trial->error.status = WGF_OK;
        return true;
    }
    trial->written = *written;
    return false;
}

/* Names what the value and exclusions depend on. */
static void list_names(const struct trial *trial, const char **names)
{
    const struct wgf_plan_block *const block = trial->block;
    for (int a = 0; a < block->axis_count; a++) {
        const struct wgf_param *const param = block->axes[a].param;
        bool named =
            trial->derived->uses[wgf_param_index(param)] || (param->decides && block->spec->exclusion_count > 0);
        for (int i = 0; i < block->spec->exclusion_count; i++)
            for (int c = 0; c < block->spec->exclusions[i].count; c++)
                named |= block->spec->exclusions[i].conditions[c].param == param;
        if (named)
            *names++ = param->name;
    }
    *names = NULL;
}

static void diagnose(const struct trial *trial, struct wgf_diagnostics *diagnostics)
{
    char inputs[200] = "", text[64];
    for (int p = 0; p < wgf_param_count; p++) {
        const union wgf_value value = wgf_param_get(&wgf_params[p], &trial->written);
        const size_t used = strlen(inputs);
        if (!trial->derived->uses[p])
            continue;
        if (wgf_params[p].type == WGF_PARAM_FLOAT && !isnan(value.real))
            snprintf(text, sizeof text, "%.15g", value.real);
        else
            wgf_value_format(&wgf_params[p], value, text, sizeof text);
        snprintf(inputs + used, sizeof inputs - used, "%s%s = %s", used ? ", " : " with ", wgf_params[p].name, text);
    }
    wgf_diagnose(diagnostics, trial->derived->fixed->place, "%s; it is %s%s", trial->error.message,
                 wgf_excerpt(trial->derived->fixed->derived).text, inputs);
}

void wgf_derived_check(const struct wgf_plan_block *block, struct wgf_diagnostics *diagnostics)
{
    for (int i = 0; i < block->derived_count; i++) {
        struct trial trial = {.block = block, .derived = &block->derived[i]};
        const char *names[WGF_MOST_PARAMS + 1];
        list_names(&trial, names);
        if (!wgf_block_visit(block, names, try, &trial))
            wgf_diagnose(diagnostics, trial.derived->fixed->place,
                         "%s is computed from parameters with more than ten million combinations; shorten their axes",
                         trial.derived->fixed->param->name);
        else if (trial.error.status)
            diagnose(&trial, diagnostics);
    }
}
