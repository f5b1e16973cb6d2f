/* Numbers grouped by keys and reduced to statistics. Memory: a fixed amount for each group and value. Quantiles keep
 * every added number as float64 as well, with up to half as much again while numbers arrive. */
#ifndef WGF_QUERY_GROUPS_H
#define WGF_QUERY_GROUPS_H

#include "wgf/query/variable.h"

/* A key is 64 bits. Two values belong to one group when their keys are equal; NaN equals NaN, and -0 equals 0. */
uint64_t wgf_key_of_integer(int64_t value);
uint64_t wgf_key_of_real(double value);
int64_t wgf_key_integer(uint64_t key);
double wgf_key_real(uint64_t key);

struct wgf_groups;

/* Groups by `keys` keys (0: one group) of `values` numbers each. `types` gives the order of keys: INT64, FLOAT64 (NaN
 * last), TEXT, and all others as unsigned integers. `keep`: hold all numbers, for quantiles. Errors: WGF_EMEMORY. */
wgf_status wgf_groups_create(struct wgf_groups **groups, int keys, const enum wgf_column_type *types, int values,
                             bool keep, struct wgf_error *error);
void wgf_groups_free(struct wgf_groups *groups); /* NULL is fine */

/* The key of a text, which is copied; and the text of a key, borrowed. Errors: WGF_EMEMORY. */
wgf_status wgf_groups_text_key(struct wgf_groups *groups, const char *text, uint64_t *key, struct wgf_error *error);
const char *wgf_groups_text(const struct wgf_groups *groups, uint64_t key);

/* The text of a variable's key, as wgf_variable_text has it. */
const char *wgf_groups_key_text(const struct wgf_groups *groups, const struct wgf_variable *variable, uint64_t key,
                                enum wgf_number_style style, char buffer[WGF_CELL_TEXT_LENGTH]);

/* The group of these keys as *group; a new one if there is none yet. Errors: WGF_EMEMORY. */
wgf_status wgf_groups_find(struct wgf_groups *groups, const uint64_t *key, int64_t *group, struct wgf_error *error);

/* Adds a number to a value of a group; NaN only counts as missing. Errors: WGF_EMEMORY. */
wgf_status wgf_groups_add(struct wgf_groups *groups, int64_t group, int value, double number, struct wgf_error *error);

int64_t wgf_groups_count(const struct wgf_groups *groups);
const uint64_t *wgf_groups_key(const struct wgf_groups *groups, int64_t group);

/* The groups in the order of their keys, the first key first; allocated, freed by the caller. NULL: no memory. */
int64_t *wgf_groups_order(const struct wgf_groups *groups);

/* Statistics of a group's numbers. */
#define WGF_STATISTICS(X)                                                                                              \
    X(COUNT, "count")     /* numbers that are not NaN */                                                               \
    X(MISSING, "missing") /* numbers that are NaN */                                                                   \
    X(SUM, "sum")         /* compensated summation */                                                                  \
    X(MEAN, "mean")                                                                                                    \
    X(STD, "std") /* sample deviation, over count - 1; NaN for one number */                                           \
    X(SEM, "sem") /* std / sqrt(count) */                                                                              \
    X(MIN, "min")                                                                                                      \
    X(MAX, "max")                                                                                                      \
    X(MEDIAN, "median")
#define WGF_STATISTIC_ID(id, name) WGF_STATISTIC_##id,
enum wgf_statistic_kind { WGF_STATISTICS(WGF_STATISTIC_ID) WGF_STATISTIC_QUANTILE };

struct wgf_statistic {
    enum wgf_statistic_kind kind;
    double part; /* for WGF_STATISTIC_QUANTILE: 0.25 is the first quartile */
};

/* True when the statistic needs all numbers, so groups created with `keep`. */
bool wgf_statistic_keeps(struct wgf_statistic statistic);

/* Without numbers: 0 for count, missing and sum, otherwise NaN. May reorder the kept numbers. */
double wgf_groups_statistic(struct wgf_groups *groups, int64_t group, int value, struct wgf_statistic statistic);

/* Quantile of `count` numbers, none NaN, by linear interpolation between the two neighbours of (count - 1) part
 * (definition 7 of Hyndman and Fan 1996; what numpy and pandas do), in time O(count). Changes their order. NaN for
 * none. */
double wgf_quantile(double *numbers, int64_t count, double part);

#endif
