/* A sweep spec as written: which parameters are fixed, and what the others are swept over. Jobs are the plan's. */
#ifndef WGF_SPEC_SPEC_H
#define WGF_SPEC_SPEC_H

#include "wgf/base/expression.h"
#include "wgf/base/status.h"
#include "wgf/spec/diagnostics.h"
#include "wgf/spec/params.h"

#include <stddef.h>
#include <stdint.h>

/* One parameter with one value. */
struct wgf_fixed {
    const struct wgf_param *param;
    union wgf_value value;
    struct wgf_place place; /* of the value; line 0 for a --set */
    const char *set;        /* the K=V of that --set, else NULL */
    const char *derived;    /* the expression that gives the value instead, else NULL */
};

/* One swept parameter with its values, all different unless axes advance together. Computed values have 15 significant
 * digits, so that they are the numbers that a user would write; the ends of a space and the first of a range are as
 * written. A range keeps no list: value i is first + i * step. */
struct wgf_axis {
    const struct wgf_param *param;
    struct wgf_place place;  /* of the list or mapping of values */
    int64_t count;           /* at least 1 */
    int64_t repeated;        /* values written that equal an earlier one */
    union wgf_value *values; /* count of them, or NULL for a range */
    union wgf_value first, step;
    int dimension; /* in its block: axes of one dimension advance together */
    bool together; /* not alone in a product: its values may repeat */
};

/* What a value is compared with: by an operator, one of <, <=, >, >=, != and =. */
struct wgf_comparison {
    bool less, equal, greater; /* the orders that fulfil it */
    union wgf_value value;     /* where only equality counts */
    double bound;              /* where the order counts */
};

/* A parameter meets one of at least one comparison. */
struct wgf_condition {
    const struct wgf_param *param;
    int count;
    struct wgf_comparison *comparisons;
};

/* Jobs that meet all conditions are not in the plan. */
struct wgf_exclusion {
    struct wgf_place place;
    int count;
    struct wgf_condition *conditions;
};

/* A part of the sweep: the product of its dimensions. */
struct wgf_sweep_block {
    struct wgf_place place;
    int fixed_count, axis_count, exclusion_count;
    struct wgf_exclusion *exclusions;
    struct wgf_fixed *fixed; /* its own, and those of the spec that it does not give itself */
    struct wgf_axis *axes;   /* ascending dimensions, the last varies fastest */
};

struct wgf_spec {
    char *file;   /* as given */
    char *folder; /* of the file; "." when it has none */
    char *text;   /* verbatim, NUL-terminated; then those that it extends, each after a line "... # extends PATH" */
    size_t length;
    char *name, *description; /* description may be "" */
    int fixed_count, block_count;
    struct wgf_fixed *fixed;        /* for every block, the --set included */
    struct wgf_sweep_block *blocks; /* at least one; their jobs are joined in order */
    struct wgf_text_pool *pool;     /* private: owns the texts of values */
};

/* Largest spec that is read, in bytes; and most blocks. */
enum { WGF_SPEC_LIMIT = 4 << 20, WGF_MOST_BLOCKS = 1000 };

/* Reads a whole file (regular, pipe or `-` for standard input) of at most WGF_SPEC_LIMIT bytes into *text, which the
 * caller frees; refuses larger ones without reading on. Errors: WGF_EUSAGE with one sentence that names the file. */
wgf_status wgf_spec_load(const char *file, char **text, size_t *length, struct wgf_error *error);

/* The path of a file in a folder, allocated; NULL: no memory. */
char *wgf_path_in(const char *folder, const char *path);

/* Parses the text of a spec; `sets` are the K=V of --set. `file` names it in errors and gives its folder. Every error
 * is added to *diagnostics; returns WGF_EUSAGE if there was any (WGF_EMEMORY when out of memory), and *spec is then
 * NULL. The text is copied. Tags, more than 100 anchors and nesting beyond 32 levels are refused: YAML libraries are
 * slow with them. The lists of all axes together hold at most 2^21 written and 10 000 000 evenly spaced values. */
wgf_status wgf_spec_parse(const char *file, const char *text, size_t length, const char *const *sets, int set_count,
                          struct wgf_spec **spec, struct wgf_diagnostics *diagnostics);

void wgf_spec_free(struct wgf_spec *spec);

/* Lists the parameters that vary: those swept, in the order in which blocks have them, and then those that blocks fix
 * differently. Returns their number. */
int wgf_spec_varied(const struct wgf_spec *spec, const struct wgf_param *varied[WGF_MOST_PARAMS]);

/* Does a value meet the condition? */
bool wgf_condition_holds(const struct wgf_condition *condition, union wgf_value value);

/* Is a job of these settings excluded? What it does not read meets no condition. */
bool wgf_excludes(const struct wgf_exclusion *exclusion, const struct wgf_settings *settings);

/* Compiles the expression of a derived value, whose variables are parameters by index; the caller frees it. Errors: as
 * wgf_expression_compile. */
wgf_status wgf_derived_compile(struct wgf_expression **expression, const char *text, size_t *place,
                               struct wgf_error *error);

/* Value i of an axis, 0 <= i < count. */
union wgf_value wgf_axis_value(const struct wgf_axis *axis, int64_t i);

#endif
