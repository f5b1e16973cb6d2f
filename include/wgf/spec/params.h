/* The one table of parameters. It drives parsing, validation, `wgf params`, --set, the job key and the columns of the
 * result file: adding a parameter is one row here and one field in the settings of the layer that uses it. */
#ifndef WGF_SPEC_PARAMS_H
#define WGF_SPEC_PARAMS_H

#include "wgf/base/text.h"
#include "wgf/flow/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum wgf_param_type {
    WGF_PARAM_INT,    /* int64_t field; -1 stands for its word */
    WGF_PARAM_FLOAT,  /* double field; NaN stands for its word */
    WGF_PARAM_CHOICE, /* int field, an index into `choices` */
    WGF_PARAM_PATH,   /* const char * field, "" for none; relative to the spec's folder */
    WGF_PARAM_TEXT,   /* const char * field, "" for none */
};

/* One value of any parameter, of the type that its row gives. `text` is borrowed from the spec. */
union wgf_value {
    int64_t integer;
    double real;
    int choice;
    const char *text;
};

/* What of a result file the value of a parameter shapes. */
enum wgf_shapes {
    WGF_SHAPES_TRACE = 1,      /* how many records traces have, or which of their columns exist */
    WGF_SHAPES_STATE = 2,      /* how large kept states are, or whether there are any */
    WGF_SHAPES_STATISTICS = 4, /* whether there are means and deviations of inputs, and of how many */
};

struct wgf_param {
    const char *name;
    enum wgf_param_type type;
    size_t offset;            /* of the field in struct wgf_settings */
    const char *default_text; /* as a spec would write it; "" for no path */
    double minimum, maximum;  /* of numbers */
    bool open, open_above;    /* the minimum, the maximum itself is excluded */
    const char *word;         /* that is a value: NaN of a float, -1 of an int; NULL: none */
    wgf_status (*check)(const char *text, size_t *place, struct wgf_error *error); /* of a text that is not empty */
    const char *const *choices;                   /* NULL-terminated; of WGF_PARAM_CHOICE */
    bool decides;                                 /* is_read of other rows depends on it; only choices decide */
    bool wakes;                                   /* a float: is_read of other rows depends on whether it is 0 */
    bool locates;                                 /* what a file is read for: keys have what is there in its place */
    bool list;                                    /* a text of items between commas (wgf_list_next) */
    unsigned shapes;                              /* what it shapes in a result file: bits of enum wgf_shapes */
    bool (*is_read)(const struct wgf_settings *); /* NULL: every job reads it */
    int (*usual)(const struct wgf_settings *);    /* NULL, or the choice where a spec makes none, which depends on */
    const char *const *usual_with;                /* these parameters; NULL-terminated */
    const char *needs;                            /* NULL, or what is 0 or empty where a reader has no use for it */
    const char *meaning;                          /* one line of help */
};

/* Of a choice that has a usual one: it is still to be made. It counts as the last, which reads most. */
enum { WGF_USUAL = -1 };

extern const struct wgf_param wgf_params[];
extern const int wgf_param_count;
enum { WGF_MOST_PARAMS = 96 }; /* wgf_param_count is at most this */

/* The row of that name, or NULL; and the index of a row. */
const struct wgf_param *wgf_param_find(const char *name);
int wgf_param_index(const struct wgf_param *param);

/* The nearest name of a parameter, or NULL. */
const char *wgf_param_nearest(const char *word);

/* All defaults. */
void wgf_settings_default(struct wgf_settings *settings);

/* Reads and writes the parameter's field. */
union wgf_value wgf_param_get(const struct wgf_param *param, const struct wgf_settings *settings);
void wgf_param_set(const struct wgf_param *param, struct wgf_settings *settings, union wgf_value value);

/* Is its value a text that the user makes up: a path, say? */
static inline bool wgf_param_is_text(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_PATH || param->type == WGF_PARAM_TEXT;
}

/* The name of a choice, or a text; NULL for numbers. */
const char *wgf_param_text(const struct wgf_param *param, const struct wgf_settings *settings);

/* Does a job of these settings read the parameter? */
bool wgf_param_is_read(const struct wgf_param *param, const struct wgf_settings *settings);

/* texts[i] <- the conditions that a job meets if it reads parameter i, "method: prox; metric: sliced"; "" where all
 * jobs read it. A condition on a parameter that the job does not read is met: "method: prox, jko; metric: sinkhorn"
 * are all jobs of jko. texts: wgf_param_count. */
enum { WGF_READERS_LENGTH = 256 };
void wgf_params_readers(char texts[][WGF_READERS_LENGTH]);

/* Lists the names of the parameters that shape any of these, bits of enum wgf_shapes, in the order of the table; NULL
 * ends the list. */
void wgf_params_shaping(unsigned shapes, const char *names[WGF_MOST_PARAMS + 1]);

/* May the field of a number hold this: is it in range, or does it stand for the parameter's word? */
bool wgf_param_holds(const struct wgf_param *param, union wgf_value value);

/* Same value? auto equals auto. Paths compare as text. */
bool wgf_value_equal(const struct wgf_param *param, union wgf_value a, union wgf_value b);

/* Parses what a user wrote and checks its range. `quoted`: written in quotes, so never a number. The value's text, for
 * a path, is `text` itself (borrowed). Numbers are plain decimals: no NaN, infinity, hexadecimal, underscores. An
 * integer may be written 1e5. WGF_EUSAGE with a sentence that gives the remedy. */
wgf_status wgf_param_parse(const struct wgf_param *param, const char *text, bool quoted, union wgf_value *value,
                           struct wgf_error *error);

/* The same for a number of the parameter's type (not `auto`) whose range is not checked: a step, for example.
 * WGF_EUSAGE for parameters of other types. */
wgf_status wgf_number_parse(const struct wgf_param *param, const char *text, bool quoted, union wgf_value *value,
                            struct wgf_error *error);

/* Does this unquoted text mean "no value" in YAML: nothing, ~, null? */
bool wgf_text_is_null(const char *text);

/* Checks the range of a number that was computed, not written (linspace, say). Same errors. */
wgf_status wgf_param_check(const struct wgf_param *param, union wgf_value value, struct wgf_error *error);

/* Writes a value as a spec would (17 significant digits, `auto`, a choice's name). Returns as snprintf. */
int wgf_value_format(const struct wgf_param *param, union wgf_value value, char *buffer, size_t size);

/* Prints the parameter table for people, or as Markdown. */
void wgf_params_print(FILE *out, bool markdown);

#endif
