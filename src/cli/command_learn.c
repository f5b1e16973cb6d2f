/* wgf learn: the energy of each job, learned back from its kept states, into a file of its own. */
#include "learn.h"
#include "options.h"

#include "wgf/base/system.h"
#include "wgf/base/text.h"
#include "wgf/flow/learn.h"
#include "wgf/query/table.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: wgf learn RUN.h5 -o LEARNED.h5 [--features data] [--pairs kept] [--jobs LIST]\n"
    "       wgf learn --duals RUN.h5... -o TABLE.h5 [--jobs LIST]\n\n"
    "Learns from the kept states of each job, save: all and record_every: 1, the energy that it descends,\n"
    "by first-order conditions, and prints how well that is determined. LEARNED.h5 has a row a job of\n"
    "RUN.h5: labels, labels_error (largest difference from the job's own), coefficients, rank,\n"
    "condition, residual, left_out (steps of jko that told nothing), mismatched.\n\n"
    "  gd   a step moves a neuron by the gradient where it departs: least squares over all neurons and\n"
    "       steps, for neurons of any layers and of parametrisation: product\n"
    "  jko  the coupling of a state and the next tells the first variation at every point of the grid\n"
    "  It does not apply to prox, whose steps end on kinks, nor to flow, wfr, pde and the sphere.\n\n"
    "  -o, --output FILE  LEARNED.h5\n"
    "  --features LIST    what is sought:\n"
    "                     data        the labels of the job's own inputs (default)\n"
    "                     polynomial  one potential V of all states: products of powers of the\n"
    "                                 coordinates up to 4 each, up to four coordinates\n"
    "                     rbf         V of Gaussians around 10 centres an axis of the cube [-R, R]^d, of\n"
    "                                 deviation R/8, up to three coordinates; R is the largest coordinate\n"
    "                                 of the first state, or of the grid\n"
    "                     'polynomial,rbf' takes both. V counts with the sign of a neuron's alpha; where\n"
    "                     alpha trains, it is a function of (w, alpha).\n"
    "  --pairs WORD       which neuron of the next state a neuron of gd has become:\n"
    "                     kept        the one of the same number (default)\n"
    "                     optimal     by optimal transport from state to state\n"
    "                     predicted   from there on by optimal transport from what the learned energy\n"
    "                                 predicts, until no pair changes\n"
    "  --duals            learn instead one table for start: file, start_file: TABLE.h5, which predicts\n"
    "                     the dual of a step of jko from the residuals before it. All jobs that have kept\n"
    "                     states, or those of --jobs in each file, have to be of jko, done, on the same\n"
    "                     data with the same loss. TABLE.h5 has coefficients and steps (of each job)\n"
    "  --jobs LIST        jobs like 0-9,17; otherwise all that can be learned from\n"
    "  --overwrite        replace LEARNED.h5 or TABLE.h5 if it is a file of wgf\n"
    "  --csv              print comma-separated values with 17 significant digits\n"
    "  --help             print this text\n\n"
    "Exit code 3: what some jobs have kept is no descent, and their rows are empty.\n";

struct request {
    char *file;
    const char *output;
    struct wgf_learn_settings how;
    struct wgf_selection selection;
    bool overwrite, csv;
};

/* What is printed of a job. */
struct line {
    int64_t job, features, rank, left_out;
    double condition, residual, labels_error, mismatched;
};

struct learning {
    const struct request *request;
    struct wgf_kept kept;
    struct wgf_query all;       /* no condition */
    int64_t *jobs, count;       /* those to learn from */
    int64_t samples, features;  /* at most */
    int64_t left_out, failures; /* jobs that do not apply, and those whose states are no descent */
    struct wgf_error first;     /* why the first of either */
    struct line *lines;         /* count */
    int64_t line_count;
};

wgf_status wgf_cli_learn_check(const struct wgf_kept *kept, int64_t job, struct wgf_error *error)
{
    const enum wgf_job_state state = wgf_kept_job_state(kept, job);
    if (state != WGF_JOB_DONE)
        return wgf_fail(error, WGF_EUSAGE, "it is %s, not done; its states may be no descent",
                        wgf_job_state_names[state < WGF_JOB_STATE_COUNT ? state : WGF_JOB_FAILED]);
    if (wgf_kept_records(kept, job) < 2)
        return wgf_fail(error, WGF_EUSAGE, "it has kept one state, and there is no step; raise steps");
    return WGF_OK;
}

/* Can job be learned from? WGF_EUSAGE: not, with a sentence. */
static wgf_status check_job(const struct learning *learning, int64_t job, struct wgf_settings *settings,
                            struct wgf_error *error)
{
    struct wgf_error end;
    wgf_status status = wgf_kept_settings(&learning->kept, job, settings, error);
    if (status)
        return status;
    if (wgf_learn_check(settings, &learning->request->how, &end) || wgf_cli_learn_check(&learning->kept, job, &end))
        return wgf_fail(error, WGF_EUSAGE, "job %" PRId64 ": %s", job, end.message);
    return WGF_OK;
}

static wgf_status choose(struct learning *learning, struct wgf_error *error)
{
    struct wgf_settings settings;
    learning->jobs = wgf_calloc(learning->kept.count, sizeof *learning->jobs);
    learning->lines = wgf_calloc(learning->kept.count, sizeof *learning->lines);
    if (!learning->jobs || !learning->lines)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    for (int64_t i = 0; i < learning->kept.count; i++) {
        const wgf_status status = check_job(learning, learning->kept.jobs[i], &settings, error);
        if (status && (status != WGF_EUSAGE || learning->request->selection.intervals))
            return status;
        if (status) {
            learning->first = learning->left_out++ ? learning->first : *error;
            continue;
        }
        const int64_t features = wgf_learn_features(&settings, &learning->request->how);
        learning->jobs[learning->count++] = learning->kept.jobs[i];
        learning->samples = settings.data.n > learning->samples ? settings.data.n : learning->samples;
        learning->features = features > learning->features ? features : learning->features;
    }
    if (learning->count > 0)
        return WGF_OK;
    *error = learning->first;
    return error->status;
}

/* Learns from one job, whose states alone are in memory. */
static wgf_status learn_job(const struct learning *learning, int64_t job, struct wgf_learned *learned,
                            struct line *line, struct wgf_error *error)
{
    const struct wgf_learn_settings *const how = &learning->request->how;
    const struct wgf_data *data;
    struct wgf_settings settings;
    double *states = NULL, *alpha = NULL;
    wgf_status status = wgf_kept_settings(&learning->kept, job, &settings, error);
    if (!status)
        status = wgf_kept_read_all(&learning->kept, job, &settings, &states, &alpha, error);
    if (!status)
        status = wgf_kept_data(&learning->kept, job, &settings, &data, error);
    if (!status) {
        const struct wgf_learn_states kept = {wgf_kept_records(&learning->kept, job), states, alpha};
        struct wgf_error end;
        status = wgf_learn(&settings, how, data, &kept, wgf_run_stop, learned, &end);
        if (status)
            wgf_fail(error, status, "job %" PRId64 ": %s", job, end.message);
        *line = (struct line){job,
                              wgf_learn_features(&settings, how),
                              learned->rank,
                              learned->left_out,
                              learned->condition,
                              learned->residual,
                              learned->labels_error,
                              learned->mismatched};
    }
    free(states);
    free(alpha);
    return status;
}

static void clear(const struct learning *learning, struct wgf_learned *learned)
{
    for (int64_t j = 0; j < learning->samples; j++)
        learned->labels[j] = NAN;
    for (int64_t k = 0; k < learning->features; k++)
        learned->coefficients[k] = NAN;
}

/* Learns from all jobs into the file that is being made. One whose states are no descent leaves an empty row. */
static wgf_status fill(void *context, struct wgf_store *store, struct wgf_error *error)
{
    struct learning *const learning = context;
    struct wgf_learned learned = {.labels = wgf_calloc(learning->samples, sizeof(double)),
                                  .coefficients = wgf_calloc(learning->features, sizeof(double))};
    wgf_status status = learned.labels && learned.coefficients
                            ? WGF_OK
                            : wgf_fail(error, WGF_EMEMORY, "no memory for labels and coefficients");
    for (int64_t i = 0; !status && i < learning->count; i++) {
        clear(learning, &learned);
        status = learn_job(learning, learning->jobs[i], &learned, &learning->lines[learning->line_count], error);
        if (!status)
            status = wgf_learned_write(store, learning->jobs[i], &learned, error);
        learning->line_count += !status;
        if (status == WGF_EDATA) {
            fprintf(stderr, "wgf: warning: %s\n", error->message);
            learning->first = learning->failures++ ? learning->first : *error;
            status = WGF_OK;
        }
    }
    if (!status && learning->line_count == 0) {
        *error = learning->first;
        status = error->status;
    }
    free(learned.labels);
    free(learned.coefficients);
    return status;
}

static void put_table(struct wgf_table *table, const struct learning *learning)
{
    static const char *const names[] = {"job",      "features",     "rank",      "condition",
                                        "residual", "labels_error", "mismatched"};
    for (int c = 0; c < table->columns; c++)
        wgf_table_cell(table, names[c]);
    for (int64_t i = 0; i < learning->line_count; i++) {
        const struct line *const line = &learning->lines[i];
        wgf_table_integer(table, line->job);
        wgf_table_integer(table, line->features);
        wgf_table_integer(table, line->rank);
        wgf_table_number(table, line->condition);
        wgf_table_number(table, line->residual);
        wgf_table_number(table, line->labels_error);
        wgf_table_number(table, line->mismatched);
    }
}

/* Of steps that told nothing; and of labels: a potential of many features is seldom determined, and not meant to be. */
static void warn_of_lines(const struct learning *learning)
{
    for (int64_t i = 0; i < learning->line_count; i++) {
        const struct line *const line = &learning->lines[i];
        if (line->rank < line->features && !isnan(line->labels_error))
            fprintf(stderr,
                    "wgf: warning: job %" PRId64 ": rank %" PRId64 " of %" PRId64 "; of what its states do not "
                    "determine, labels are the least\n",
                    line->job, line->rank, line->features);
        if (line->left_out > 0)
            fprintf(stderr,
                    "wgf: warning: job %" PRId64 ": left out %" PRId64
                    " step%s whose coupling is not determined: masses "
                    "hardly reach each other; raise epsilon\n",
                    line->job, line->left_out, line->left_out == 1 ? "" : "s");
    }
}

static void report(const struct learning *learning)
{
    struct wgf_table table = {.stream = stdout, .csv = learning->request->csv, .columns = 7};
    for (int pass = table.csv; pass < 2; pass++) {
        table.measures = pass == 0;
        put_table(&table, learning);
    }
    warn_of_lines(learning);
    if (learning->left_out > 0)
        fprintf(stderr, "wgf: warning: left out %" PRId64 " job%s; %s\n", learning->left_out,
                learning->left_out == 1 ? "" : "s", learning->first.message);
}

static wgf_status make_file(struct learning *learning, const struct wgf_learn_output *output, struct wgf_error *error)
{
    static const char *const words[] = {WGF_LEARNED_FEATURES(WGF_ENUM_NAME)}, *const pairs[] = {
                                                                                  WGF_LEARNED_PAIRS(WGF_ENUM_NAME)};
    const struct request *const request = learning->request;
    const char *features[sizeof words / sizeof *words];
    int count = 0;
    for (int f = 0; f < (int)(sizeof words / sizeof *words); f++)
        if (request->how.features >> f & 1)
            features[count++] = words[f];
    char *const from = strdup(request->file);
    if (from)
        wgf_repair_utf8(from);
    const struct wgf_attribute attributes[] = {{.name = "features", .list = features, .list_count = count},
                                               {.name = "pairs", .text = pairs[request->how.pairs]}};
    struct wgf_learned_making making = {.jobs = learning->kept.extent.jobs,
                                        .samples = learning->samples,
                                        .features = learning->features,
                                        .attributes = attributes,
                                        .attribute_count = sizeof attributes / sizeof *attributes,
                                        .fill = fill,
                                        .context = learning};
    const wgf_status status = wgf_cli_learn_make(output, &making, learning->kept.store, from, error);
    free(from);
    return status;
}

/* Is the file that is to be made another one than those that are read? */
static wgf_status check_names(const char *name, char *const *files, int count, struct wgf_error *error)
{
    for (int f = 0; f < count; f++) {
        bool same = false;
        const wgf_status status = wgf_same_file(files[f], name, &same, error);
        if (status)
            return status;
        if (same)
            return wgf_fail(error, WGF_EUSAGE, "%s is both RUN.h5 and the file to make; give another -o", files[f]);
    }
    return WGF_OK;
}

wgf_status wgf_cli_learn_begin(struct wgf_learn_output *output, const char *name, bool overwrite, char *const *files,
                               int count, struct wgf_error *error)
{
    *output = (struct wgf_learn_output){.lock = -1};
    wgf_status status = check_names(name, files, count, error);
    if (!status)
        status = wgf_output_follow(name, &output->path, &output->exists, error);
    if (!status && output->exists)
        status = wgf_output_take(output->path, overwrite, &output->lock, error);
    return status;
}

wgf_status wgf_cli_learn_make(const struct wgf_learn_output *output, struct wgf_learned_making *making,
                              struct wgf_store *store, const char *from, struct wgf_error *error)
{
    enum { COMMON = 4, MOST = 8 };
    char *const name = wgf_store_text(store, "name");
    struct wgf_attribute attributes[MOST] = {{.name = "wgf_version", .text = wgf_cli_version},
                                             {.name = "wgf_revision", .text = wgf_cli_revision},
                                             {.name = "name", .text = name ? name : ""},
                                             {.name = WGF_LEARNED_FROM, .text = from ? from : ""}};
    assert(COMMON + making->attribute_count <= MOST);
    for (int i = 0; i < making->attribute_count; i++)
        attributes[COMMON + i] = making->attributes[i];
    making->attributes = attributes;
    making->attribute_count += COMMON;
    making->replace = output->exists;
    making->interrupted = wgf_run_stop;
    const wgf_status status = wgf_learned_create(output->path, making, error);
    free(name);
    return status;
}

void wgf_cli_learn_end(struct wgf_learn_output *output)
{
    if (output->lock >= 0)
        close(output->lock);
    free(output->path);
}

static int learn(const struct request *request)
{
    struct learning learning = {.request = request, .kept.save = "all"};
    struct wgf_learn_output output;
    struct wgf_error error;
    wgf_query_begin(&learning.all);
    int code = wgf_kept_open(&learning.kept, request->file, &request->selection, &learning.all);
    if (!code) {
        const bool failed =
            wgf_cli_learn_begin(&output, request->output, request->overwrite, &request->file, 1, &error) ||
            choose(&learning, &error) || make_file(&learning, &output, &error);
        wgf_cli_learn_end(&output);
        code = failed ? wgf_cli_error(&error) : WGF_EXIT_OK;
    }
    if (!code) {
        report(&learning);
        code = learning.failures > 0 ? WGF_EXIT_FAILURES : WGF_EXIT_OK;
    }
    free(learning.jobs);
    free(learning.lines);
    wgf_kept_close(&learning.kept);
    wgf_query_free(&learning.all);
    return code;
}

/* The number of a word in a list of them, -1: none. */
static int find_word(const char *const *words, int count, const char *word, size_t length)
{
    for (int w = 0; w < count; w++)
        if (strlen(words[w]) == length && strncmp(words[w], word, length) == 0)
            return w;
    return -1;
}

/* Reads a list of features; `data` stands alone. */
static bool take_features(const char *text, unsigned *features)
{
    static const char *const words[] = {WGF_LEARNED_FEATURES(WGF_ENUM_NAME)};
    bool fine = true, more = true;
    for (*features = 0; fine && more;) {
        const size_t length = strcspn(text, ",");
        const int word = find_word(words, sizeof words / sizeof *words, text, length);
        fine = word >= 0 && !(*features >> word & 1);
        *features |= fine ? 1u << word : 0;
        more = text[length] == ',';
        text += length + more;
    }
    return fine && !(*features >> WGF_LEARN_DATA & 1 && *features != 1u << WGF_LEARN_DATA);
}

/* The words as they were given. */
struct words {
    const char *features, *pairs, *jobs;
    bool duals;
};

/* Reads the words into the request. Returns an exit code, after a sentence when it is not 0. */
static int take_words(struct request *request, const struct words *words, int file_count)
{
    static const char *const pairs[] = {WGF_LEARNED_PAIRS(WGF_ENUM_NAME)};
    const char *const pair = words->pairs ? words->pairs : pairs[0];
    request->how.pairs = find_word(pairs, sizeof pairs / sizeof *pairs, pair, strlen(pair));
    if (!request->output)
        return wgf_cli_misuse("learn", "no file to make: give -o LEARNED.h5");
    if (words->duals && (words->features || words->pairs))
        return wgf_cli_misuse("learn", "--duals has no %s; leave that away",
                              words->features ? "--features" : "--pairs");
    if (!words->duals && file_count > 1)
        return wgf_cli_misuse("learn", "one result file, not %d; only --duals learns from several", file_count);
    if (!take_features(words->features ? words->features : "data", &request->how.features))
        return wgf_cli_misuse("learn", "--features is data, polynomial, rbf or polynomial,rbf, not '%s'",
                              words->features);
    if (request->how.pairs < 0)
        return wgf_cli_misuse("learn", "--pairs is kept, optimal or predicted, not '%s'", pair);
    return words->jobs ? wgf_cli_take_jobs("learn", words->jobs, &request->selection) : WGF_EXIT_OK;
}

int wgf_cli_learn(int argc, char **argv)
{
    struct words words = {0};
    struct request request = {0};
    const struct wgf_option options[] = {wgf_text_option("output", 'o', &request.output),
                                         wgf_text_option("features", 0, &words.features),
                                         wgf_text_option("pairs", 0, &words.pairs),
                                         wgf_flag_option("duals", &words.duals),
                                         wgf_text_option("jobs", 0, &words.jobs),
                                         wgf_flag_option("overwrite", &request.overwrite),
                                         wgf_flag_option("csv", &request.csv),
                                         {0}};
    struct wgf_command_line line = {
        .command = "learn", .usage = usage, .options = options, .operand = "result file", .several = true};
    int code;
    wgf_run_catch_signals();
    if (!wgf_options_read(&line, argc, argv, &code))
        return code;
    request.file = line.operands[0];
    code = take_words(&request, &words, line.operand_count);
    if (!code && words.duals)
        code = wgf_cli_learn_duals(&(struct wgf_duals_request){line.operands, line.operand_count, request.output,
                                                               &request.selection, request.overwrite, request.csv});
    else if (!code)
        code = learn(&request);
    wgf_selection_free(&request.selection);
    return code;
}
