/* Plans from the text of a spec, for the tests of sweep. */
#ifndef WGF_TESTS_PLAN_FIXTURE_H
#define WGF_TESTS_PLAN_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/plan/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct planned {
    struct wgf_spec *spec;
    struct wgf_plan *plan;
};

/* A spec that has a plan. */
static inline struct planned plan_of(const char *text)
{
    struct planned made;
    struct wgf_diagnostics diagnostics = {0};
    if (wgf_spec_parse("x.yaml", text, strlen(text), NULL, 0, &made.spec, &diagnostics) ||
        wgf_plan_create(&made.plan, made.spec, &diagnostics)) {
        wgf_diagnostics_print(&diagnostics, "error", "x.yaml", stderr);
        fail_msg("no plan of:\n%s", text);
    }
    return made;
}

static inline void plan_discard(struct planned *planned)
{
    wgf_plan_free(planned->plan);
    wgf_spec_free(planned->spec);
}

/* The one parameter's value in job k, as a spec would write it. */
static inline const char *value_in_job(const struct wgf_plan *plan, int64_t k, const char *name, char buffer[64])
{
    struct wgf_settings settings;
    const struct wgf_param *param = wgf_param_find(name);
    wgf_plan_job(plan, k, &settings);
    wgf_value_format(param, wgf_param_get(param, &settings), buffer, 64);
    return buffer;
}

/* Holds a spec without a plan against the errors that it must give, as printed. */
static inline void assert_no_plan(const char *text, const char *expected)
{
    struct wgf_spec *spec;
    struct wgf_plan *plan;
    struct wgf_diagnostics diagnostics = {0};
    char *printed = NULL;
    size_t size;
    assert_int_equal(wgf_spec_parse("x.yaml", text, strlen(text), NULL, 0, &spec, &diagnostics), WGF_OK);
    assert_int_equal(wgf_plan_create(&plan, spec, &diagnostics), WGF_EUSAGE);
    assert_null(plan);
    FILE *out = open_memstream(&printed, &size);
    wgf_diagnostics_print(&diagnostics, "error", "x.yaml", out);
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
    wgf_diagnostics_clear(&diagnostics);
    wgf_spec_free(spec);
}

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

#endif
