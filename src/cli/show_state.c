/* wgf show --record: a kept state as tables of neurons and of samples. */
#include "kept.h"
#include "show.h"

#include "wgf/base/system.h"
#include "wgf/base/vector.h"
#include "wgf/query/table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A state, read, with the data of its job. Zero-initialise. */
struct shown_state {
    struct wgf_kept kept;
    struct wgf_settings settings;
    const struct wgf_data *data;
    double *state, *alpha;        /* as wgf_kept_read gives them */
    double *points, *mass, *sign; /* of masses on a grid, points with alpha behind w where it moves; NULL: neurons */
    double *f, *e, *unit;         /* n, n, d */
    char *pattern;                /* n + 1 */
    int64_t rows;                 /* neurons, or masses */
    double step, time, objective;
};

/* Reads the trace at a record; returns the last record of the job in *last. */
static wgf_status read_record(struct shown_state *shown, int64_t job, int64_t record, int64_t *last,
                              struct wgf_error *error)
{
    static const char *const names[] = {"step", "time", "objective"};
    enum { NAMES = sizeof names / sizeof *names };
    double *const values[NAMES] = {&shown->step, &shown->time, &shown->objective};
    struct wgf_cells traces[NAMES] = {0};
    wgf_status status = WGF_OK;
    for (int k = 0; !status && k < NAMES; k++)
        status = wgf_cells_load(&traces[k], names[k], shown->kept.store, job, 1, error);
    for (int k = 0; !status && k < NAMES; k++)
        *values[k] = wgf_trace_at(&traces[k], record);
    for (*last = -1; !status && !isnan(wgf_trace_at(&traces[0], *last + 1));)
        ++*last;
    for (int k = 0; k < NAMES; k++)
        wgf_cells_close(&traces[k]);
    return status;
}

/* The number among those kept of the state of a record. */
static wgf_status find_record(struct shown_state *shown, int64_t job, int64_t record, int64_t *number,
                              struct wgf_error *error)
{
    const bool all = shown->settings.save == WGF_SAVE_ALL;
    int64_t last;
    const wgf_status status = read_record(shown, job, record, &last, error);
    if (status)
        return status;
    *number = all ? record : 0;
    if (record > last)
        return wgf_fail(error, WGF_EUSAGE, "job %" PRId64 " has no record %" PRId64 "; its last is %" PRId64, job,
                        record, last);
    if (record < last && !all)
        return wgf_fail(error, WGF_EUSAGE,
                        "job %" PRId64 " has kept the state of its last record alone, %" PRId64
                        "; it keeps all with save: all",
                        job, last);
    return *number < wgf_kept_records(&shown->kept, job)
               ? WGF_OK
               : wgf_fail(error, WGF_EDATA, "job %" PRId64 ": its states are damaged; see wgf verify", job);
}

/* What is computed from the state and its data. */
static wgf_status evaluate(struct shown_state *shown, int64_t job, struct wgf_error *error)
{
    const struct wgf_settings *const settings = &shown->settings;
    const struct wgf_state_shape shape = wgf_flow_cloud_shape(settings);
    const struct wgf_data *const data = shown->data;
    const bool masses = !wgf_method_has_neurons(settings->method);
    shown->rows = wgf_flow_one_state(settings).rows;
    shown->f = wgf_calloc(data->n, sizeof *shown->f);
    shown->e = wgf_calloc(data->n, sizeof *shown->e);
    shown->unit = wgf_calloc(data->d, sizeof *shown->unit);
    shown->pattern = wgf_calloc(data->n + 1, 1);
    shown->points = masses ? wgf_calloc(shape.rows * (shape.cols + 2), sizeof *shown->points) : NULL;
    if (!shown->f || !shown->e || !shown->unit || !shown->pattern || (masses && !shown->points))
        return wgf_fail(error, WGF_EMEMORY, "no memory for the state of job %" PRId64, job);
    if (masses) {
        shown->mass = shown->points + shape.rows * shape.cols;
        shown->sign = shown->mass + shape.rows;
        wgf_flow_cloud(settings, shown->state, NULL, shown->points, shown->mass, shown->sign);
    }
    wgf_flow_predict(settings, shown->state, shown->alpha, data, shown->f);
    for (int64_t j = 0; j < data->n; j++)
        shown->e[j] = shown->f[j] - data->y[j];
    wgf_loss_apply(settings->network.loss, settings->network.huber_delta, data->n, data->y, shown->e);
    return WGF_OK;
}

/* aligned: as a table for people, whose columns are limited. */
static wgf_status read_state(struct shown_state *shown, int64_t record, bool aligned, struct wgf_error *error)
{
    const int64_t job = shown->kept.jobs[0];
    int64_t number;
    wgf_status status = wgf_kept_settings(&shown->kept, job, &shown->settings, error);
    if (!status)
        status = find_record(shown, job, record, &number, error);
    if (!status)
        status = wgf_kept_read(&shown->kept, job, number, &shown->settings, &shown->state, &shown->alpha, error);
    if (!status)
        status = wgf_kept_data(&shown->kept, job, &shown->settings, &shown->data, error);
    if (!status && aligned && 2 * shown->data->d + 5 > WGF_TABLE_COLUMNS)
        status = wgf_fail(error, WGF_EUSAGE,
                          "neurons of %" PRId64 " inputs are too many columns for a table; use --csv or --data",
                          shown->data->d);
    return status ? status : evaluate(shown, job, error);
}

static void put_names(struct wgf_table *table, const char *letter, int64_t count)
{
    char name[32];
    for (int64_t k = 0; k < count; k++) {
        snprintf(name, sizeof name, "%s%" PRId64, letter, k);
        wgf_table_cell(table, name);
    }
}

static void put_neurons(struct wgf_table *table, const struct shown_state *shown)
{
    const int64_t n = shown->data->n, d = shown->data->d;
    const bool has_alpha = shown->mass ? wgf_network_trains_alpha(&shown->settings.network) : !shown->alpha;
    wgf_table_cell(table, shown->mass ? "point" : "neuron");
    put_names(table, "w", d);
    wgf_table_cell(table, "alpha");
    if (shown->mass)
        wgf_table_cell(table, "mass");
    wgf_table_cell(table, "norm");
    put_names(table, "u", d);
    wgf_table_cell(table, "pattern");
    for (int64_t i = 0; i < shown->rows; i++) {
        const double *const w = (shown->mass ? shown->points : shown->state) + i * (d + has_alpha);
        memcpy(shown->unit, w, (size_t)d * sizeof *w);
        const double norm = wgf_normalise(shown->unit, d);
        wgf_table_integer(table, i);
        for (int64_t k = 0; k < d; k++)
            wgf_table_number(table, w[k]);
        wgf_table_number(table, has_alpha ? w[d] : shown->mass ? shown->sign[i] : shown->alpha[i]);
        if (shown->mass)
            wgf_table_number(table, shown->mass[i]);
        wgf_table_number(table, norm);
        for (int64_t k = 0; k < d; k++)
            wgf_table_number(table, norm > 0 ? shown->unit[k] : NAN);
        for (int64_t j = 0; j < n; j++)
            shown->pattern[j] = wgf_network_activates(w, shown->data->X + j * d, d) ? '1' : '0';
        wgf_table_cell(table, shown->pattern);
    }
}

/* f, e: or NULL */
static void put_samples(struct wgf_table *table, const struct wgf_data *data, const double *f, const double *e)
{
    if (!table->csv)
        wgf_table_cell(table, "sample");
    put_names(table, "x", data->d);
    wgf_table_cell(table, "y");
    if (f)
        wgf_table_cell(table, "f");
    if (e)
        wgf_table_cell(table, "e");
    for (int64_t j = 0; j < data->n; j++) {
        if (!table->csv)
            wgf_table_integer(table, j);
        for (int64_t k = 0; k < data->d; k++)
            wgf_table_number(table, data->X[j * data->d + k]);
        wgf_table_number(table, data->y[j]);
        if (f)
            wgf_table_number(table, f[j]);
        if (e)
            wgf_table_number(table, e[j]);
    }
}

void wgf_show_samples(const struct wgf_data *data, const double *f, const double *e, bool csv)
{
    const int columns = (int)data->d + 1 + !csv + (f != NULL) + (e != NULL);
    struct wgf_table table = {.stream = stdout, .csv = csv, .columns = columns, .measures = !csv};
    if (!csv)
        put_samples(&table, data, f, e);
    table.measures = false;
    put_samples(&table, data, f, e);
}

static void show_neurons(const struct shown_state *shown, bool csv)
{
    const int columns = 2 * (int)shown->data->d + (shown->mass ? 5 : 4);
    struct wgf_table table = {.stream = stdout, .csv = csv, .columns = columns, .measures = !csv};
    if (!csv)
        put_neurons(&table, shown);
    table.measures = false;
    put_neurons(&table, shown);
}

static void print_state(const struct shown_state *shown, int64_t record, enum wgf_state_part part)
{
    const bool csv = part != WGF_STATE_ALL;
    if (csv)
        wgf_cli_print_data();
    else
        printf("job %" PRId64 ", record %" PRId64 ": step %g, time %g, objective %g\n\n", shown->kept.jobs[0], record,
               shown->step, shown->time, shown->objective);
    if (part != WGF_STATE_SAMPLES)
        show_neurons(shown, csv);
    if (!csv)
        putchar('\n');
    if (part != WGF_STATE_NEURONS)
        wgf_show_samples(shown->data, shown->f, shown->e, csv);
}

int wgf_show_state(const char *file, int64_t job, int64_t record, enum wgf_state_part part)
{
    struct shown_state shown = {0};
    struct wgf_selection selection = {0};
    struct wgf_query query;
    struct wgf_error error;
    int code = WGF_EXIT_ERROR;
    wgf_query_begin(&query);
    if (!wgf_selection_add(&selection, job, job)) {
        wgf_fail(&error, WGF_EMEMORY, "no memory for the number of a job");
        code = wgf_cli_error(&error);
    } else if (!(code = wgf_kept_open(&shown.kept, file, &selection, &query))) {
        code = read_state(&shown, record, part == WGF_STATE_ALL, &error) ? wgf_cli_error(&error) : WGF_EXIT_OK;
    }
    if (!code)
        print_state(&shown, record, part);
    free(shown.state);
    free(shown.alpha);
    free(shown.points);
    free(shown.f);
    free(shown.e);
    free(shown.unit);
    free(shown.pattern);
    wgf_kept_close(&shown.kept);
    wgf_selection_free(&selection);
    wgf_query_free(&query);
    return code;
}
