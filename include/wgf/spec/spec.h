/* A sweep spec as written: which parameters are fixed, and what the others are swept over. Jobs are the plan's. */
#ifndef WGF_SPEC_SPEC_H
#define WGF_SPEC_SPEC_H

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

/* A part of the sweep: the product of its dimensions. */
struct wgf_sweep_block {
    struct wgf_place place;
    int fixed_count, axis_count;
    struct wgf_fixed *fixed; /* its own, and those of the spec that it does not give itself */
    struct wgf_axis *axes;   /* ascending dimensions, the last varies fastest */
};

struct wgf_spec {
    char *file;   /* as given */
    char *folder; /* of the file; "." when it has none */
    char *text;   /* verbatim, NUL-terminated */
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

/* Parses the text of a spec; `sets` are the K=V of --set. `file` names it in errors and gives its folder. Every error
 * is added to *diagnostics; returns WGF_EUSAGE if there was any (WGF_EMEMORY when out of memory), and *spec is then
 * NULL. The text is copied. Tags, more than 100 anchors and nesting beyond 32 levels are refused: YAML libraries are
 * slow with them. The lists of all axes together hold at most 2^21 written and 10 000 000 evenly spaced values. */
wgf_status wgf_spec_parse(const char *file, const char *text, size_t length, const char *const *sets, int set_count,
                          struct wgf_spec **spec, struct wgf_diagnostics *diagnostics);

void wgf_spec_free(struct wgf_spec *spec);

/* Lists the swept parameters of all blocks in the order in which they first appear; returns their number. */
int wgf_spec_swept(const struct wgf_spec *spec, const struct wgf_param *swept[WGF_MOST_PARAMS]);

/* Value i of an axis, 0 <= i < count. */
union wgf_value wgf_axis_value(const struct wgf_axis *axis, int64_t i);

#endif
