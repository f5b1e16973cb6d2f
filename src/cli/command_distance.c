/* wgf distance: exact Wasserstein distances between the last kept states of jobs. */
#include "kept.h"
#include "options.h"

#include "wgf/base/system.h"
#include "wgf/query/table.h"
#include "wgf/transport/weighted.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: wgf distance A.h5 [B.h5] [--jobs LIST] [--with LIST] [--p 2] [--csv]\n\n"
    "Prints W_p, the exact Wasserstein distance between the last kept states of jobs: of A to each\n"
    "other, or of A to those of B, as a matrix. Jobs keep states where their spec has save: last or\n"
    "save: all. A neuron has the weight 1/m, a point of a grid its mass, and mass keeps its sign:\n"
    "W_p^p is summed over the signs. Where alpha trains points are (w, alpha), pairs of\n"
    "parametrisation: product (w_+, w_-), without a sign. Where the masses of a sign differ there is no\n"
    "distance: nan.\n\n"
    "  --jobs LIST  jobs of A like 0-9,17; otherwise all that have kept a state\n"
    "  --with LIST  the same of B\n"
    "  --p P        1 or 2, default 2\n"
    "  --csv        a line a pair: job_a,job_b,distance with 17 significant digits; within one file\n"
    "               each pair once\n"
    "  --help       print this text\n";

/* The states of a file's chosen jobs, as clouds. */
struct states {
    struct wgf_kept kept;
    struct wgf_query all;     /* no condition */
    struct wgf_cloud *clouds; /* kept.count; their arrays are the states' */
    int64_t most;             /* points of the largest */
};

/* The cloud of a job. Its arrays are one allocation, at `points`. */
static wgf_status read_cloud(struct states *states, int64_t job, struct wgf_cloud *cloud, struct wgf_error *error)
{
    struct wgf_settings settings;
    double *state = NULL, *alpha = NULL, *points = NULL;
    wgf_status status = wgf_kept_settings(&states->kept, job, &settings, error);
    if (!status)
        status = wgf_kept_read(&states->kept, job, WGF_KEPT_LAST, &settings, &state, &alpha, error);
    if (!status) {
        const struct wgf_state_shape shape = wgf_flow_cloud_shape(&settings);
        points = wgf_calloc(shape.rows * (shape.cols + 2), sizeof *points);
        if (!points)
            status = wgf_fail(error, WGF_EMEMORY, "no memory for the states; choose fewer jobs with --jobs");
        if (points) {
            double *const weights = points + shape.rows * shape.cols, *const signs = weights + shape.rows;
            wgf_flow_cloud(&settings, state, alpha, points, weights, signs);
            *cloud = (struct wgf_cloud){shape.rows, shape.cols, points, weights, signs};
            states->most = shape.rows > states->most ? shape.rows : states->most;
        }
    }
    free(state);
    free(alpha);
    return status;
}

static int open_states(struct states *states, const char *file, const struct wgf_selection *selection)
{
    struct wgf_error error = {0};
    wgf_query_begin(&states->all);
    const int code = wgf_kept_open(&states->kept, file, selection, &states->all);
    if (code)
        return code;
    states->clouds = wgf_calloc(states->kept.count, sizeof *states->clouds);
    wgf_status status = states->clouds ? WGF_OK : wgf_fail(&error, WGF_EMEMORY, "no memory for the states");
    for (int64_t i = 0; !status && i < states->kept.count; i++)
        status = read_cloud(states, states->kept.jobs[i], &states->clouds[i], &error);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}

static void close_states(struct states *states)
{
    for (int64_t i = 0; states->clouds && i < states->kept.count; i++)
        free((void *)states->clouds[i].points);
    free(states->clouds);
    wgf_kept_close(&states->kept);
    wgf_query_free(&states->all);
}

/* The distances of one call. `to` is `from` where there is one file. */
struct matrix {
    const struct states *from, *to;
    double *distance; /* from x to */
    int64_t unequal;  /* pairs whose masses differ */
};

static wgf_status compute(struct matrix *matrix, int p, struct wgf_error *error)
{
    const struct states *const from = matrix->from, *const to = matrix->to;
    const int64_t rows = from->kept.count, cols = to->kept.count, d = from->clouds[0].d;
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < (k ? cols : rows); i++) {
            const int64_t other = (k ? to : from)->clouds[i].d;
            if (other != d)
                return wgf_fail(error, WGF_EUSAGE,
                                "job %" PRId64 " has points of %" PRId64 " numbers, job %" PRId64 " of %" PRId64
                                "; choose jobs alike with --jobs",
                                (k ? to : from)->kept.jobs[i], other, from->kept.jobs[0], d);
        }
    struct wgf_weighted *weighted;
    matrix->distance = wgf_calloc(rows * cols, sizeof *matrix->distance);
    if (!matrix->distance)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the distances; choose fewer jobs with --jobs");
    const wgf_status status = wgf_weighted_create(&weighted, from->most, to->most, d, error);
    for (int64_t i = 0; !status && i < rows; i++)
        for (int64_t j = from == to ? i + 1 : 0; j < cols; j++) {
            const struct wgf_weighted_result result =
                wgf_weighted_solve(weighted, &from->clouds[i], &to->clouds[j], p, NULL);
            matrix->distance[i * cols + j] = result.distance;
            if (from == to)
                matrix->distance[j * cols + i] = result.distance;
            matrix->unequal += result.unequal;
        }
    wgf_weighted_free(weighted);
    return status;
}

static void put_pairs(struct wgf_table *table, const struct matrix *matrix)
{
    const int64_t cols = matrix->to->kept.count;
    char text[WGF_CELL_TEXT_LENGTH];
    wgf_table_cell(table, "job_a");
    wgf_table_cell(table, "job_b");
    wgf_table_cell(table, "distance");
    for (int64_t i = 0; i < matrix->from->kept.count; i++)
        for (int64_t j = matrix->from == matrix->to ? i + 1 : 0; j < cols; j++) {
            wgf_table_integer(table, matrix->from->kept.jobs[i]);
            wgf_table_integer(table, matrix->to->kept.jobs[j]);
            wgf_table_cell(table, wgf_number_text(matrix->distance[i * cols + j], WGF_NUMBER_EXACT, text));
        }
}

/* Prints, or measures, a line a job of A and a column a job of B. */
static void put_matrix(struct wgf_table *table, const struct matrix *matrix)
{
    const int64_t cols = matrix->to->kept.count;
    char text[WGF_CELL_TEXT_LENGTH];
    wgf_table_cell(table, "job");
    for (int64_t j = 0; j < cols; j++)
        wgf_table_integer(table, matrix->to->kept.jobs[j]);
    for (int64_t i = 0; i < matrix->from->kept.count; i++) {
        wgf_table_integer(table, matrix->from->kept.jobs[i]);
        for (int64_t j = 0; j < cols; j++)
            wgf_table_cell(table, wgf_number_text(matrix->distance[i * cols + j], WGF_NUMBER_SHORT, text));
    }
}

static int print(const struct matrix *matrix, bool csv)
{
    struct wgf_table table = {.stream = stdout, .csv = csv, .columns = 3};
    if (csv) {
        put_pairs(&table, matrix);
    } else if (matrix->to->kept.count >= WGF_TABLE_COLUMNS) {
        return wgf_cli_misuse("distance", "%" PRId64 " jobs are too many columns; take --csv", matrix->to->kept.count);
    } else {
        table.columns = (int)matrix->to->kept.count + 1;
        for (int pass = 0; pass < 2; pass++) {
            table.measures = pass == 0;
            put_matrix(&table, matrix);
        }
    }
    if (matrix->unequal > 0)
        fprintf(stderr,
                "wgf: warning: the masses of a sign differ in %" PRId64 " pair%s, which have no distance: nan\n",
                matrix->unequal, matrix->unequal == 1 ? "" : "s");
    return WGF_EXIT_OK;
}

static int distance(const struct wgf_command_line *line, const struct wgf_selection *selections, int p, bool csv)
{
    struct states a = {0}, b = {0};
    struct matrix matrix = {.from = &a, .to = line->operand_count > 1 ? &b : &a};
    struct wgf_error error;
    int code = open_states(&a, line->operands[0], &selections[0]);
    if (!code && line->operand_count > 1)
        code = open_states(&b, line->operands[1], &selections[1]);
    if (!code)
        code = compute(&matrix, p, &error) ? wgf_cli_error(&error) : WGF_EXIT_OK;
    if (!code)
        code = print(&matrix, csv);
    free(matrix.distance);
    close_states(&a);
    close_states(&b);
    return code;
}

int wgf_cli_distance(int argc, char **argv)
{
    const char *words[2] = {NULL, NULL}, *power = "2";
    bool csv = false;
    const struct wgf_option options[] = {wgf_text_option("jobs", 0, &words[0]),
                                         wgf_text_option("with", 0, &words[1]),
                                         wgf_text_option("p", 0, &power),
                                         wgf_flag_option("csv", &csv),
                                         {0}};
    struct wgf_command_line line = {
        .command = "distance", .usage = usage, .options = options, .operand = "result file", .several = true};
    struct wgf_selection selections[2] = {0};
    int code;
    if (wgf_options_read(&line, argc, argv, &code)) {
        code = WGF_EXIT_OK;
        if (line.operand_count > 2)
            code = wgf_cli_misuse("distance", "at most two result files, not %d", line.operand_count);
        else if (words[1] && line.operand_count < 2)
            code = wgf_cli_misuse("distance", "--with chooses jobs of a second result file; there is one");
        else if (strcmp(power, "1") != 0 && strcmp(power, "2") != 0)
            code = wgf_cli_misuse("distance", "--p is 1 or 2, not '%s'", power);
        for (int k = 0; !code && k < 2; k++)
            if (words[k])
                code = wgf_cli_take_jobs("distance", words[k], &selections[k]);
        if (!code)
            code = distance(&line, selections, *power - '0', csv);
    }
    for (int k = 0; k < 2; k++)
        wgf_selection_free(&selections[k]);
    return code;
}
