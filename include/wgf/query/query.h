/* A question to result files: rows that pass conditions, grouped by some variables, with others reduced to statistics.
 * The words of `wgf aggregate` become a query, and a query reads files into groups. */
#ifndef WGF_QUERY_QUERY_H
#define WGF_QUERY_QUERY_H

#include "wgf/query/groups.h"
#include "wgf/query/variable.h"

enum { WGF_QUERY_LIMIT = 64, WGF_STATISTIC_NAME = 32 };

enum wgf_comparison {
    WGF_EQUAL,
    WGF_UNEQUAL,
    WGF_LESS,
    WGF_LESS_EQUAL,
    WGF_GREATER,
    WGF_GREATER_EQUAL,
};

/* NAME OP VALUE. The variable's type says which member holds the value: `text` of a text, `integer` of a status and of
 * whole numbers, `real` of all other numbers. */
struct wgf_condition {
    int variable;
    enum wgf_comparison comparison;
    bool whole; /* a number was written without fraction or exponent, and `integer` holds it */
    int64_t integer;
    double real;
    const char *text;
};

struct wgf_named_statistic {
    char name[WGF_STATISTIC_NAME]; /* as written */
    struct wgf_statistic statistic;
};

enum wgf_record_choice {
    WGF_RECORD_EVERY,
    WGF_RECORD_AT_STEP,
    WGF_RECORD_LAST,
    WGF_RECORD_AT_TIME,      /* the last record at or before a time */
    WGF_RECORD_INTERPOLATED, /* traces at a time, linear between its two neighbouring records */
};

/* Members of `by`, `values` and the conditions are indices into `variables`, the first two of which are `status` and
 * `step`. */
enum { WGF_QUERY_STATUS, WGF_QUERY_STEP };
struct wgf_query {
    struct wgf_variable variables[WGF_QUERY_LIMIT];
    int variable_count;
    int by[WGF_QUERY_LIMIT], by_count, values[WGF_QUERY_LIMIT], value_count;
    struct wgf_named_statistic statistics[WGF_QUERY_LIMIT];
    int statistic_count;
    struct wgf_condition conditions[WGF_QUERY_LIMIT];
    int condition_count;
    enum wgf_record_choice records;
    int64_t step;      /* for WGF_RECORD_AT_STEP */
    double time;       /* for WGF_RECORD_AT_TIME and WGF_RECORD_INTERPOLATED */
    int time_variable; /* the trace `time`; 0: the query has not asked for it */
    bool has_trace, names_status;
};

/* An empty query. */
void wgf_query_begin(struct wgf_query *query);

/* Add the comma-separated words of --by, --value, --stat, --where and the word of --at-step or --at-time. They cut
 * `words` in pieces, and conditions borrow texts from it. --stat replaces the statistics of an earlier one. Errors:
 * WGF_EUSAGE. */
wgf_status wgf_query_add_by(struct wgf_query *query, char *words, struct wgf_error *error);
wgf_status wgf_query_add_values(struct wgf_query *query, char *words, struct wgf_error *error);
wgf_status wgf_query_set_statistics(struct wgf_query *query, char *words, struct wgf_error *error);
wgf_status wgf_query_add_conditions(struct wgf_query *query, char *words, struct wgf_error *error);
wgf_status wgf_query_set_step(struct wgf_query *query, const char *word, struct wgf_error *error);
wgf_status wgf_query_set_time(struct wgf_query *query, const char *word, bool interpolate, struct wgf_error *error);

/* Completes the query: `step` becomes the last key where every record counts and neither it nor `time` is a key, and
 * statistics get their default. Errors: WGF_EUSAGE when there is no value, or a record chosen without a trace. */
wgf_status wgf_query_end(struct wgf_query *query, struct wgf_error *error);

/* Empty groups for the query. Errors: WGF_EMEMORY. */
wgf_status wgf_query_groups(const struct wgf_query *query, struct wgf_groups **groups, struct wgf_error *error);

/* Adds the rows of a file to groups that were made for the query. One process; safe while a run writes the file.
 * Errors: WGF_EIO, WGF_EDATA, WGF_EMEMORY. */
wgf_status wgf_query_read(const struct wgf_query *query, const char *file, struct wgf_groups *groups,
                          struct wgf_error *error);

#endif
