/* Going on from a run: a kept state of a result file as what a job starts from. src/README.md "Going on from a run". */
#include "plan_internal.h"

#include "wgf/flow/flow.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* The parameters of a row that say what its state is. */
static const char *const shaping[] = {"method",      "layers",       "parametrisation", "signs",       "width",
                                      "init",        "init_record",  "cells",           "d",           "grid",
                                      "grid_radius", "grid_grading", "grid2",           "grid2_radius"};
enum { SHAPING = sizeof shaping / sizeof *shaping };

/* Does the row have a value that the parameter allows? It is set. */
static bool take(const struct wgf_datafile_cell *cell, struct wgf_settings *origin)
{
    const struct wgf_param *param = wgf_param_find(cell->name);
    union wgf_value value = {0};
    if (!cell->found)
        return true; /* a version of wgf without this parameter: its default */
    if (param->type == WGF_PARAM_CHOICE && wgf_param_parse(param, cell->text, true, &value, NULL))
        return false;
    if (param->type == WGF_PARAM_INT)
        value.integer = fabs(cell->number) <= 0x1p53 ? (int64_t)cell->number : INT64_MIN;
    if (param->type == WGF_PARAM_FLOAT)
        value.real = cell->number;
    if (!wgf_param_holds(param, value))
        return false;
    wgf_param_set(param, origin, value);
    return true;
}

static bool has_masses(const struct wgf_settings *origin)
{
    return !wgf_method_has_neurons(origin->method);
}

static bool has_grids(const struct wgf_settings *origin)
{
    return wgf_method_has_grid(origin->method);
}

/* From rows of w, or of w and alpha, to W and alpha. */
static void part_neurons(const struct wgf_settings *origin, struct wgf_datafile *contents)
{
    const bool both = wgf_network_trains_alpha(&origin->network);
    const int64_t m = contents->rows, cols = contents->cols, d = cols - both;
    const int64_t positives = wgf_init_positives(origin->init.signs, m);
    for (int64_t i = 0; i < m; i++) {
        contents->vector[i] = both ? contents->matrix[i * cols + d] : i < positives ? 1 : -1;
        memmove(contents->matrix + i * d, contents->matrix + i * cols, (size_t)d * sizeof *contents->matrix);
    }
    contents->cols = d;
}

/* Masses mean nothing without their grid. */
static void hash_masses(const struct wgf_settings *origin, struct wgf_datafile *contents)
{
    const double grids[] = {(double)origin->grid, origin->grid_radius, (double)origin->grid2, origin->grid2_radius};
    const double others[] = {(double)origin->data.d, origin->grid_grading};
    contents->hash = XXH3_64bits_withSeed(grids, origin->grid2 > 0 ? sizeof grids : sizeof grids / 2, contents->hash);
    if (others[0] != 2 || others[1] > 0) /* as versions without them have it */
        contents->hash = XXH3_64bits_withSeed(others, sizeof others, contents->hash);
}

/* Gives the state its meaning by the row that it stands in. */
static wgf_status interpret(const struct wgf_source *source, struct wgf_settings *origin, struct wgf_datafile *contents,
                            struct wgf_error *error)
{
    const struct wgf_state_shape shape = wgf_flow_one_state(origin);
    const bool masses = has_masses(origin), both = !masses && wgf_network_trains_alpha(&origin->network);
    const bool known = masses || both || origin->network.parametrisation == WGF_PRODUCT;
    const bool cloud = source->layout == &wgf_datafile_cloud;
    if (contents->rows != shape.rows || (masses && contents->cols != 1) || contents->cols < 1 + both)
        return wgf_fail(error, WGF_EDATA,
                        "%s: the state of job %" PRId64 " does not have the shape of its row; see "
                        "wgf verify",
                        source->resolved, source->job);
    if (!known && origin->init.kind == WGF_INIT_FILE && origin->init.record < 0)
        return wgf_fail(error, WGF_EUSAGE,
                        "job %" PRId64 " of %s began from a file of neurons, whose alpha it does not keep; write %s "
                        "of its state into an HDF5 file and name that",
                        source->job, source->resolved, cloud ? "points, weights and signs" : "W and alpha");
    if (cloud) {
        origin->data.d = masses ? origin->data.d : contents->cols - both;
        if (!known)
            part_neurons(origin, contents);
        return wgf_plan_make_cloud(source, origin, contents, error);
    }
    if (has_grids(origin))
        hash_masses(origin, contents);
    if (masses)
        return WGF_OK;
    part_neurons(origin, contents);
    return wgf_datafile_hash(contents, error);
}

wgf_status wgf_plan_read_state(const struct wgf_source *source, struct wgf_settings *origin,
                               struct wgf_datafile *contents, struct wgf_error *error)
{
    struct wgf_datafile_cell cells[SHAPING] = {0};
    struct wgf_datafile_state state = {source->job, source->record, SHAPING, cells};
    for (int i = 0; i < SHAPING; i++)
        cells[i].name = shaping[i];
    wgf_settings_default(origin);
    wgf_status status = wgf_datafile_read_state(source->resolved, &state, contents, error);
    for (int i = 0; !status && i < SHAPING; i++)
        if (!take(&cells[i], origin))
            status = wgf_fail(error, WGF_EDATA, "%s: the %s of job %" PRId64 " is damaged; see wgf verify",
                              source->resolved, cells[i].name, source->job);
    if (!status)
        status = interpret(source, origin, contents, error);
    if (status)
        wgf_datafile_clear(contents);
    origin->init.record = state.record;
    return status;
}

static bool is_of_neurons(const struct wgf_source *source)
{
    return source->is_state ? !has_masses(&source->origin) : !source->masses;
}

void wgf_plan_settle_start(const struct wgf_source *source, struct wgf_settings *settings)
{
    if (source->is_state) {
        settings->init.record = source->origin.init.record;
        settings->init.signs = source->origin.init.signs;
    }
    if (wgf_method_has_neurons(settings->method))
        settings->init.width = source->rows / wgf_network_neurons(&settings->network, 1);
    if (has_grids(settings) && is_of_neurons(source))
        settings->init.signs = source->negative ? WGF_SIGNS_BALANCED : WGF_SIGNS_POSITIVE;
    if (has_grids(settings) && source->masses) {
        settings->init.signs = WGF_SIGNS_POSITIVE;
        if (source->rows != wgf_flow_one_state(settings).rows)
            settings->init.signs = WGF_SIGNS_BALANCED;
    }
}

static const char *word(const char *name, const struct wgf_settings *settings)
{
    return wgf_param_text(wgf_param_find(name), settings);
}

/* The state that the job would start from, where it can be read; `grids`: where both have them. */
static const struct wgf_source *state_of(const struct wgf_trial *trial, bool grids)
{
    const struct wgf_source *source = wgf_plan_init_source(trial->block->plan, &trial->written.init);
    const bool known = source && !source->error.status && source->is_state;
    return known && (!grids || (has_grids(&trial->written) && has_grids(&source->origin))) ? source : NULL;
}

bool wgf_state_missing(struct wgf_trial *trial)
{
    const struct wgf_source *source = wgf_plan_init_source(trial->block->plan, &trial->written.init);
    return source && source->error.status == WGF_EUSAGE && wgf_trial_says(trial, "%s", source->error.message);
}

bool wgf_state_unasked(struct wgf_trial *trial)
{
    const struct wgf_source *source = wgf_plan_init_source(trial->block->plan, &trial->written.init);
    const char *name = wgf_block_gives(trial->block, "init_job") ? "init_job" : "init_record";
    return source && !source->error.status && !source->is_state && wgf_block_gives(trial->block, name) &&
           wgf_trial_says(trial, "%s is no result file, so %s means nothing; remove it", source->path, name);
}

static int kind_of(const struct wgf_settings *settings)
{
    return !has_masses(settings) ? 0 : has_grids(settings) ? 1 : 2;
}

/* The file that is no result file from which the job would start, where it can be read. */
static const struct wgf_source *file_of(const struct wgf_trial *trial)
{
    const struct wgf_source *source = wgf_plan_init_source(trial->block->plan, &trial->written.init);
    return source && !source->error.status && !source->is_state ? source : NULL;
}

bool wgf_state_of_neurons(struct wgf_trial *trial)
{
    return trial->written.method == WGF_METHOD_WFR && file_of(trial) &&
           wgf_trial_says(trial,
                          "method: wfr starts from masses in its cells, which a file of neurons or of masses on a "
                          "grid does not have; use init: normal or grid, or a result file");
}

bool wgf_state_of_masses(struct wgf_trial *trial)
{
    const struct wgf_source *const source = file_of(trial);
    return source && source->masses && !has_masses(&trial->written) &&
           wgf_trial_says(
               trial,
               "%s has masses on a grid, but method: %s starts from neurons; use method: jko or pde, or a file with "
               "W and alpha",
               source->path, word("method", &trial->written));
}

bool wgf_state_other_masses(struct wgf_trial *trial)
{
    const struct wgf_source *const source = file_of(trial);
    if (!source || !source->masses || !has_grids(&trial->written) || !wgf_trial_data_are_known(trial))
        return false;
    struct wgf_settings positive = trial->settled;
    positive.init.signs = WGF_SIGNS_POSITIVE;
    const int64_t masses = wgf_flow_one_state(&trial->settled).rows, one_sheet = wgf_flow_one_state(&positive).rows;
    return source->rows != masses &&
           wgf_trial_says(
               trial, "%s has %" PRId64 " masses, but the grid needs one a point and sheet, %" PRId64 " or %" PRId64,
               source->path, source->rows, one_sheet, masses);
}

/* How many neurons have a coordinate beyond the radius, alpha included if it is one; -1: the file cannot be read any
 * more. */
static int64_t count_beyond(const struct wgf_source *source, double radius, bool with_alpha)
{
    struct wgf_datafile contents = {0};
    int64_t count = 0;
    if (wgf_source_read(source, &contents, NULL))
        return -1;
    for (int64_t i = 0; i < contents.rows; i++) {
        bool beyond = with_alpha && fabs(contents.vector[i]) > radius;
        for (int64_t k = 0; k < contents.cols; k++)
            beyond = beyond || fabs(contents.matrix[i * contents.cols + k]) > radius;
        count += beyond;
    }
    wgf_datafile_clear(&contents);
    return count;
}

bool wgf_state_outside(struct wgf_trial *trial)
{
    const struct wgf_source *source = wgf_plan_init_source(trial->block->plan, &trial->written.init);
    const struct wgf_settings *const settings = &trial->settled;
    if (!source || source->error.status || !is_of_neurons(source) || !has_grids(&trial->written))
        return false;
    const bool second = settings->grid2 > 0 && settings->grid2_radius > settings->grid_radius;
    const double radius = second ? settings->grid2_radius : settings->grid_radius;
    const bool both = settings->network.layers == WGF_LAYERS_BOTH;
    const double reach = both ? fmax(source->reach, source->largest_alpha) : source->reach;
    return reach > radius &&
           wgf_trial_says(trial,
                          "%" PRId64 " of the %" PRId64
                          " neurons of %s lie outside the grid, which reaches out to %g; use %s: %.4g or more",
                          count_beyond(source, radius, both), source->rows, source->path, radius,
                          second ? "grid2_radius" : "grid_radius", reach * (1 + 5e-4));
}

bool wgf_state_other_cells(struct wgf_trial *trial)
{
    const struct wgf_source *const source = state_of(trial, false);
    const bool both = source && kind_of(&source->origin) == 2 && kind_of(&trial->settled) == 2;
    return both && source->origin.cells != trial->settled.cells &&
           wgf_trial_says(trial, "cells is %" PRId64 ", but job %" PRId64 " of %s has %" PRId64 "; use as many",
                          trial->settled.cells, source->job, source->path, source->origin.cells);
}

bool wgf_state_other_kind(struct wgf_trial *trial)
{
    const struct wgf_source *source = state_of(trial, false);
    if (!source)
        return false;
    const struct wgf_settings *origin = &source->origin;
    const char *const kinds[] = {"neurons", "masses on a grid", "masses on the circle"};
    const int masses = kind_of(&trial->settled), theirs = kind_of(origin);
    if (theirs != masses && !(theirs == 0 && masses == 1))
        return wgf_trial_says(trial,
                              "method: %s starts from %s, but job %" PRId64 " of %s (method: %s) has kept %s; name a "
                              "job that has kept %s",
                              word("method", &trial->settled), kinds[masses], source->job, source->path,
                              word("method", origin), kinds[theirs], kinds[masses]);
    if (masses == 1 && theirs == 1 && origin->network.layers != trial->settled.network.layers)
        return wgf_trial_says(trial,
                              "layers: %s has masses of other coordinates than job %" PRId64
                              " of %s, which has layers: "
                              "%s; use that",
                              word("layers", &trial->settled), source->job, source->path, word("layers", origin));
    return !masses && wgf_network_trains_alpha(&origin->network) &&
           !wgf_network_trains_alpha(&trial->settled.network) &&
           trial->settled.network.parametrisation != WGF_PRODUCT &&
           wgf_trial_says(trial,
                          "layers: first does not keep alpha, which job %" PRId64 " of %s has trained; use layers: "
                          "both, or write W and alpha of its state into an HDF5 file and name that",
                          source->job, source->path);
}

bool wgf_state_other_grids(struct wgf_trial *trial)
{
    const struct wgf_source *source = state_of(trial, true);
    const bool two = source && source->origin.grid2 > 0;
    const char *const more =
        trial->settled.method == WGF_METHOD_JKO ? "give grid2 as well" : "name a job with one grid";
    return source && (trial->settled.grid2 > 0) != two &&
           wgf_trial_says(trial, "job %" PRId64 " of %s has masses on %s; %s", source->job, source->path,
                          two ? "two grids" : "one grid", two ? more : "use grid2: 0");
}

bool wgf_state_other_axes(struct wgf_trial *trial)
{
    const struct wgf_source *const source = state_of(trial, true);
    const int64_t d = trial->settled.data.d;
    return source && source->origin.data.d != d && wgf_trial_data_are_known(trial) &&
           wgf_trial_says(trial,
                          "d is %" PRId64 ", but job %" PRId64 " of %s has masses on a grid of d = %" PRId64
                          "; use data of that d",
                          d, source->job, source->path, source->origin.data.d);
}

static bool is_larger(struct wgf_trial *trial, const struct wgf_source *source, const char *name, double theirs,
                      double ours)
{
    return ours < theirs && wgf_trial_says(trial,
                                           "%s is %g, but the masses of job %" PRId64 " of %s reach out to %g; use at "
                                           "least that",
                                           name, ours, source->job, source->path, theirs);
}

bool wgf_state_larger(struct wgf_trial *trial)
{
    const struct wgf_source *source = state_of(trial, true);
    return source && is_larger(trial, source, "grid_radius", source->origin.grid_radius, trial->settled.grid_radius);
}

bool wgf_state_larger2(struct wgf_trial *trial)
{
    const struct wgf_source *source = state_of(trial, true);
    return source && source->origin.grid2 > 0 && trial->settled.grid2 > 0 &&
           is_larger(trial, source, "grid2_radius", source->origin.grid2_radius, trial->settled.grid2_radius);
}
