/* A question to result files: rows that pass conditions, grouped by some variables, with others reduced to statistics.
 * The words of `wgf aggregate` become a query, and a query reads files into groups. */
#ifndef WGF_QUERY_QUERY_H
#define WGF_QUERY_QUERY_H

#include "wgf/base/expression.h"
#include "wgf/query/groups.h"
#include "wgf/query/variable.h"

enum { WGF_QUERY_LIMIT = 64, WGF_STATISTIC_NAME = 32 };

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

/* Members of `by`, `values` and the variables of conditions are indices into `variables`, the first two of which are
 * `status` and `step`. */
enum { WGF_QUERY_STATUS, WGF_QUERY_STEP };
struct wgf_query {
    struct wgf_variable variables[WGF_QUERY_LIMIT];
    int variable_count;
    int by[WGF_QUERY_LIMIT], by_count, values[WGF_QUERY_LIMIT], value_count;
    struct wgf_named_statistic statistics[WGF_QUERY_LIMIT];
    int statistic_count;
    struct wgf_expression *conditions[WGF_QUERY_LIMIT]; /* all hold */
    bool on_traces[WGF_QUERY_LIMIT];                    /* a condition each: does it name a trace? */
    int condition_count;
    enum wgf_record_choice records;
    int64_t step;      /* for WGF_RECORD_AT_STEP */
    double time;       /* for WGF_RECORD_AT_TIME and WGF_RECORD_INTERPOLATED */
    int time_variable; /* the trace `time`; 0: the query has not asked for it */
    bool has_trace, names_status;
    bool refuses_traces; /* conditions are on parameters and results alone */
};

/* Cuts the next word off a comma-separated list and trims blanks; NULL at the end. */
char *wgf_next_word(char **words);

/* An empty query, and the end of one. */
void wgf_query_begin(struct wgf_query *query);
void wgf_query_free(struct wgf_query *query);

/* Add the comma-separated words of --by, --value and --stat, the expression of --where, and the word of --at-step or
 * --at-time. They may cut `words` in pieces. --stat replaces the statistics of an earlier one. Errors: WGF_EUSAGE;
 * WGF_EMEMORY of conditions. */
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

/* Rows of an open file under a query's conditions, a block at a time. */
struct wgf_picker {
    const struct wgf_query *query;
    struct wgf_cells cells[WGF_QUERY_LIMIT]; /* of the query's variables; of traces only if the query has any */
};

/* Of a file that wgf_result_open opened, `room` rows at a time. A picker that failed to open may be closed. Errors:
 * WGF_EMEMORY. */
wgf_status wgf_picker_open(struct wgf_picker *picker, const struct wgf_query *query, struct wgf_store *store,
                           int64_t room, struct wgf_error *error);

/* Reads count <= room rows: parameters and results, or traces. Errors: WGF_EIO, WGF_EMEMORY. */
wgf_status wgf_picker_load(struct wgf_picker *picker, bool traces, int64_t first, int64_t count,
                           struct wgf_error *error);

/* Does a loaded row pass the conditions that name traces, or all others? trace: the value of a trace that counts for
 * the row; NULL: it has none, and no condition on traces holds. */
bool wgf_picker_passes(const struct wgf_picker *picker, bool traces, int64_t row,
                       double (*trace)(const void *context, int variable), const void *context);
void wgf_picker_close(struct wgf_picker *picker);

#endif
