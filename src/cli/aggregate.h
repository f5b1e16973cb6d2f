/* What `wgf aggregate` is asked, and its parts: the words of the command line, and the reading of files. */
#ifndef WGF_CLI_AGGREGATE_H
#define WGF_CLI_AGGREGATE_H

#include "wgf/query/aggregate.h"
#include "wgf/spec/params.h"

enum { WGF_QUERY_MOST = 64, WGF_STAT_NAME = 32 };

/* A column that the query looks at. */
struct wgf_variable {
    const char *name;
    enum wgf_column_type type;
    const struct wgf_param *param; /* NULL: a result or a trace */
    bool is_trace;
};

enum wgf_comparison {
    WGF_EQUAL,
    WGF_UNEQUAL,
    WGF_LESS,
    WGF_LESS_EQUAL,
    WGF_GREATER,
    WGF_GREATER_EQUAL,
};

/* NAME OP VALUE; the value by the type of the source: a text, a whole number (the status, too), a number. */
struct wgf_condition {
    int source;
    enum wgf_comparison comparison;
    bool whole;
    int64_t integer;
    double real;
    const char *text;
};

struct wgf_shown {
    char name[WGF_STAT_NAME];
    struct wgf_statistic statistic;
};

enum wgf_records {
    WGF_EVERY_RECORD, /* where a trace is looked at */
    WGF_RECORD_AT_STEP,
    WGF_RECORD_LAST,
};

/* Members of `by`, `values` and conditions are indices of sources. Source 0 is `status`, source 1 `step`. */
struct wgf_query {
    char **files;
    int file_count;
    struct wgf_variable sources[WGF_QUERY_MOST];
    int source_count;
    int by[WGF_QUERY_MOST], by_count, values[WGF_QUERY_MOST], value_count;
    struct wgf_shown shown[WGF_QUERY_MOST];
    int shown_count;
    struct wgf_condition conditions[WGF_QUERY_MOST];
    int condition_count;
    enum wgf_records records;
    int64_t step; /* of WGF_RECORD_AT_STEP */
    bool has_trace, names_status, csv;
};
enum { WGF_SOURCE_STATUS, WGF_SOURCE_STEP };

/* Take the words of an option, which they cut into pieces. Return an exit code after wgf_cli_misuse. */
void wgf_query_begin(struct wgf_query *query);
int wgf_query_take_by(struct wgf_query *query, char *words);
int wgf_query_take_values(struct wgf_query *query, char *words);
int wgf_query_take_statistics(struct wgf_query *query, char *words);
int wgf_query_take_conditions(struct wgf_query *query, char *words);
int wgf_query_take_step(struct wgf_query *query, const char *word);

/* What the options say together: `step` joins the keys, defaults are filled in. */
int wgf_query_end(struct wgf_query *query);

/* Adds the rows of a file to groups that were made for the query. Errors: WGF_EIO, WGF_EDATA, WGF_EMEMORY. */
wgf_status wgf_query_read(const struct wgf_query *query, const char *file, struct wgf_groups *groups,
                          struct wgf_error *error);

#endif
