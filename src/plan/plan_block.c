/* Counts the jobs of a block and finds the k-th without listing them: jobs are ordered by the rows of the dimensions,
 * the last fastest, and every case knows how many of its jobs follow each dimension. */
#include "plan_internal.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const int64_t most_jobs = INT64_C(1) << 53;
enum { MOST_CASES = 65536 }; /* all combinations of the choices that decide and are read are fewer */

int wgf_block_axis(const struct wgf_plan_block *block, const struct wgf_param *param)
{
    for (int a = 0; a < block->axis_count; a++)
        if (block->axes[a].param == param)
            return a;
    return -1;
}

bool wgf_block_given(const struct wgf_plan_block *block, const struct wgf_param *param, struct wgf_place *place)
{
    const struct wgf_sweep_block *spec = block->spec;
    for (int i = 0; i < spec->fixed_count; i++)
        if (spec->fixed[i].param == param) {
            *place = spec->fixed[i].place;
            return true;
        }
    const int axis = wgf_block_axis(block, param);
    if (axis >= 0)
        *place = block->axes[axis].place;
    return axis >= 0;
}

bool wgf_block_gives(const struct wgf_plan_block *block, const char *name)
{
    struct wgf_place place;
    return wgf_block_given(block, wgf_param_find(name), &place);
}

int64_t wgf_block_rows(const struct wgf_plan_block *block, int dimension)
{
    int a = 0;
    while (block->axes[a].dimension != dimension)
        a++;
    return block->axes[a].count;
}

int64_t wgf_row(const struct wgf_rows *rows, int64_t i)
{
    return rows->list ? rows->list[i] : i;
}

void wgf_block_write(const struct wgf_plan_block *block, const int64_t *rows, struct wgf_settings *settings)
{
    *settings = block->base;
    for (int a = 0; a < block->axis_count; a++) {
        const struct wgf_axis *axis = &block->axes[a];
        wgf_param_set(axis->param, settings, wgf_axis_value(axis, rows ? rows[axis->dimension] : 0));
    }
    wgf_derived_write(block, settings);
}

void wgf_block_case(const struct wgf_plan_block *block, const struct wgf_case *one, struct wgf_settings *settings)
{
    int64_t rows[WGF_MOST_PARAMS];
    for (int d = 0; d < block->dimension_count; d++)
        rows[d] = wgf_row(&one->rows[d], 0);
    wgf_block_write(block, rows, settings);
}

uint64_t wgf_plan_code(const struct wgf_plan *plan, const struct wgf_param *param, union wgf_value value)
{
    uint64_t code = (uint64_t)value.integer;
    if (param->type == WGF_PARAM_CHOICE) {
        code = (uint64_t)value.choice;
    } else if (param->type == WGF_PARAM_FLOAT) {
        const double real = isnan(value.real) ? NAN : value.real + 0.0; /* one zero, one NaN */
        memcpy(&code, &real, sizeof code);
    } else if (wgf_param_is_text(param)) {
        code = XXH3_64bits(value.text, strlen(value.text));
        if (param->type == WGF_PARAM_PATH)
            wgf_plan_contents(plan, value.text, wgf_plan_layout(param), &code);
    }
    return code;
}

/* A row with a hash of its values. */
struct ranked {
    uint64_t hash;
    int64_t row;
};

static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    return a->hash != b->hash ? (a->hash > b->hash) - (a->hash < b->hash) : (a->row > b->row) - (a->row < b->row);
}

int wgf_compare_numbers(const void *left, const void *right)
{
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* Is the row of the case? If so, hashes what the case reads of it. */
static bool rank(const struct wgf_plan_block *block, const struct wgf_case *one, int d, int64_t row,
                 struct ranked *ranked)
{
    uint64_t codes[WGF_MOST_PARAMS];
    size_t count = 0;
    for (int a = 0; a < block->axis_count; a++) {
        const struct wgf_axis *axis = &block->axes[a];
        if (axis->dimension != d || !one->read[a])
            continue;
        const union wgf_value value = wgf_axis_value(axis, row);
        if (axis->param->decides && value.choice != wgf_param_get(axis->param, &one->kind).choice)
            return false;
        codes[count++] = wgf_plan_code(block->plan, axis->param, value);
    }
    *ranked = (struct ranked){XXH3_64bits(codes, count * sizeof *codes), row};
    return true;
}

/* Lists the different rows of a dimension in a case. */
static bool list_rows(const struct wgf_plan_block *block, struct wgf_case *one, int d, int64_t all)
{
    struct wgf_rows *rows = &one->rows[d];
    struct ranked *ranked = wgf_calloc(all, sizeof *ranked);
    int64_t count = 0;
    rows->list = ranked ? wgf_calloc(all, sizeof *rows->list) : NULL;
    if (rows->list) {
        for (int64_t row = 0; row < all; row++)
            count += rank(block, one, d, row, &ranked[count]);
        qsort(ranked, (size_t)count, sizeof *ranked, compare_ranked);
        for (int64_t i = 0; i < count; i++)
            if (i == 0 || ranked[i].hash != ranked[i - 1].hash)
                rows->list[rows->count++] = ranked[i].row;
        qsort(rows->list, (size_t)rows->count, sizeof *rows->list, wgf_compare_numbers);
    }
    free(ranked);
    return rows->list;
}

/* Finds the rows of a dimension in a case: one where nothing of it is read, all where an axis tells them apart. */
static bool find_rows(const struct wgf_plan_block *block, struct wgf_case *one, int d)
{
    bool read = false, decides = false, distinct = false;
    for (int a = 0; a < block->axis_count; a++) {
        const struct wgf_axis *axis = &block->axes[a];
        if (axis->dimension != d || !one->read[a])
            continue;
        read = true;
        decides |= axis->param->decides;
        distinct |= !axis->values || !axis->together;
    }
    const int64_t all = wgf_block_rows(block, d);
    one->rows[d].count = read ? all : 1;
    if (!read || (distinct && !decides))
        return true;
    one->rows[d].count = 0;
    return list_rows(block, one, d, all);
}

enum wgf_readers wgf_block_readers(const struct wgf_plan_block *block, const struct wgf_settings *kind,
                                   const struct wgf_param *param)
{
    struct wgf_settings settings = *kind;
    int readers = 0;
    for (int value = 0; value < 2; value++) {
        for (const struct wgf_param *other = wgf_params; other < wgf_params + wgf_param_count; other++)
            if (other->wakes && (wgf_block_axis(block, other) >= 0 || wgf_derived_uses(block, other, NULL)))
                wgf_param_set(other, &settings, (union wgf_value){.real = value});
        readers += wgf_param_is_read(param, &settings);
    }
    return readers == 0 ? WGF_READ_BY_NONE : readers == 1 ? WGF_READ_BY_SOME : WGF_READ_BY_ALL;
}

/* Fills in what a case reads, its rows, and how many jobs it has from each dimension on. */
static bool settle_case(struct wgf_plan_block *block, struct wgf_case *one)
{
    const int dimensions = block->dimension_count;
    one->read = wgf_calloc(block->axis_count, sizeof *one->read);
    one->rows = wgf_calloc(dimensions, sizeof *one->rows);
    one->rest = wgf_calloc(dimensions + 1, sizeof *one->rest);
    if (!one->read || !one->rows || !one->rest)
        return false;
    for (int a = 0; a < block->axis_count; a++) {
        const enum wgf_readers readers = wgf_block_readers(block, &one->kind, block->axes[a].param);
        one->read[a] = readers != WGF_READ_BY_NONE || wgf_derived_needs(block, &one->kind, block->axes[a].param);
        block->may_repeat |= one->read[a] && readers != WGF_READ_BY_ALL;
    }
    one->rest[dimensions] = 1;
    for (int d = dimensions - 1; d >= 0; d--) {
        if (!find_rows(block, one, d))
            return false;
        const int64_t rows = one->rows[d].count;
        one->rest[d] = one->rest[d + 1] > most_jobs / rows ? most_jobs : one->rest[d + 1] * rows;
    }
    return true;
}

bool wgf_same_kind(const struct wgf_settings *a, const struct wgf_settings *b)
{
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++)
        if (param->decides && wgf_param_get(param, a).choice != wgf_param_get(param, b).choice)
            return false;
    return true;
}

/* Adds the case of these settings, as written, unless it is there. */
static bool add_case(struct wgf_plan_block *block, const struct wgf_settings *written)
{
    struct wgf_settings kind = *written;
    wgf_plan_reset_unread(block->plan, &kind);
    for (int i = 0; i < block->case_count; i++)
        if (wgf_same_kind(&block->cases[i].kind, &kind))
            return true;
    if (!WGF_GROW(block->cases, block->case_count))
        return false;
    struct wgf_case *one = &block->cases[block->case_count++];
    *one = (struct wgf_case){.kind = kind};
    assert(block->case_count <= MOST_CASES);
    return settle_case(block, one);
}

static int64_t count_choices(const struct wgf_param *param)
{
    int64_t count = 0;
    while (param->choices[count])
        count++;
    return count;
}

/* A number for the choices that decide in a row, below *codes. */
static int64_t code_of_choices(const struct wgf_plan_block *block, int d, int64_t row, int64_t *codes)
{
    int64_t code = 0;
    *codes = 1;
    for (int a = 0; a < block->axis_count; a++) {
        const struct wgf_axis *axis = &block->axes[a];
        if (axis->dimension != d || !axis->param->decides)
            continue;
        *codes *= count_choices(axis->param);
        code = code * count_choices(axis->param) + wgf_axis_value(axis, row).choice;
    }
    return code;
}

/* Lists the rows of a dimension whose choices that decide differ, the first of equal ones. */
static bool list_classes(const struct wgf_plan_block *block, int d, struct wgf_rows *classes)
{
    int64_t codes;
    code_of_choices(block, d, 0, &codes);
    const int64_t all = codes > 1 ? wgf_block_rows(block, d) : 1;
    bool *const seen = wgf_calloc(codes, sizeof *seen);
    classes->list = wgf_calloc(all < codes ? all : codes, sizeof *classes->list);
    for (int64_t row = 0; seen && classes->list && row < all; row++) {
        bool *const known = &seen[code_of_choices(block, d, row, &codes)];
        if (!*known)
            classes->list[classes->count++] = row;
        *known = true;
    }
    const bool listed = seen && classes->list;
    free(seen);
    return listed;
}

/* Lists the cases: the product over the choices that decide. */
static bool list_cases(struct wgf_plan_block *block)
{
    struct wgf_rows classes[WGF_MOST_PARAMS] = {{0}};
    int64_t index[WGF_MOST_PARAMS] = {0}, count[WGF_MOST_PARAMS], rows[WGF_MOST_PARAMS];
    bool fine = true;
    for (int d = 0; fine && d < block->dimension_count; d++) {
        fine = list_classes(block, d, &classes[d]);
        count[d] = classes[d].count;
    }
    for (bool more = fine; fine && more; more = wgf_next_tuple(index, count, block->dimension_count)) {
        struct wgf_settings written;
        for (int d = 0; d < block->dimension_count; d++)
            rows[d] = classes[d].list[index[d]];
        wgf_block_write(block, rows, &written);
        fine = add_case(block, &written);
    }
    for (int d = 0; d < block->dimension_count; d++)
        free(classes[d].list);
    return fine;
}

bool wgf_block_count(struct wgf_plan_block *block)
{
    if (!list_cases(block))
        return false;
    for (int i = 0; i < block->case_count; i++)
        block->jobs += block->jobs < most_jobs ? block->cases[i].rest[0] : 0;
    block->written = 1;
    for (int a = 0; a < block->axis_count; a++) {
        const struct wgf_axis *axis = &block->spec->axes[a];
        const bool first = a == 0 || axis->dimension != block->spec->axes[a - 1].dimension;
        block->written *= first ? (double)(axis->count + (axis->together ? 0 : axis->repeated)) : 1;
    }
    return true;
}

void wgf_block_free(struct wgf_plan_block *block)
{
    for (int i = 0; i < block->case_count; i++) {
        struct wgf_case *one = &block->cases[i];
        for (int d = 0; one->rows && d < block->dimension_count; d++)
            free(one->rows[d].list);
        free(one->read);
        free(one->rows);
        free(one->rest);
    }
    for (int a = 0; block->lists && a < block->axis_count; a++)
        free(block->lists[a]);
    free(block->matches);
    wgf_derived_free(block);
    free(block->cases);
    free(block->lists);
    free(block->axes);
}

/* How many of the rows are at most `row`? */
static int64_t rows_up_to(const struct wgf_rows *rows, int64_t row)
{
    if (!rows->list)
        return row < rows->count ? row + 1 : rows->count;
    int64_t low = 0, high = rows->count;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (rows->list[middle] <= row)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Jobs with at most this row of dimension d, among the cases that are still possible. */
static int64_t jobs_up_to(const struct wgf_plan_block *block, const bool *possible, int d, int64_t row)
{
    int64_t jobs = 0;
    for (int i = 0; row >= 0 && i < block->case_count; i++)
        if (possible[i])
            jobs += block->cases[i].rest[d + 1] * rows_up_to(&block->cases[i].rows[d], row);
    return jobs;
}

/* Leaves the cases that have the row. */
static void keep_with(const struct wgf_plan_block *block, bool *possible, int d, int64_t row)
{
    for (int i = 0; i < block->case_count; i++) {
        const struct wgf_rows *rows = &block->cases[i].rows[d];
        possible[i] = possible[i] && rows_up_to(rows, row) > (row > 0 ? rows_up_to(rows, row - 1) : 0);
    }
}

/* The row of dimension d in the k-th of the jobs still possible; *k becomes the number among those with that row. */
static int64_t take_row(const struct wgf_plan_block *block, const bool *possible, int d, int64_t *k)
{
    int64_t first = 0, each = 0, low = 0, high = 0; /* jobs with the first row; with every other one */
    bool listed = false;
    for (int i = 0; i < block->case_count; i++) {
        const struct wgf_rows *rows = &block->cases[i].rows[d];
        if (!possible[i])
            continue;
        const int64_t last = wgf_row(rows, rows->count - 1);
        listed |= rows->list != NULL;
        first += block->cases[i].rest[d + 1];
        each += rows->count > 1 ? block->cases[i].rest[d + 1] : 0;
        high = last > high ? last : high;
    }
    if (!listed && *k < first)
        return 0;
    if (!listed) {
        const int64_t row = 1 + (*k - first) / each;
        *k = (*k - first) % each;
        return row;
    }
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (jobs_up_to(block, possible, d, middle) > *k)
            high = middle;
        else
            low = middle + 1;
    }
    *k -= jobs_up_to(block, possible, d, low - 1);
    return low;
}

void wgf_block_job(const struct wgf_plan_block *block, int64_t k, int64_t rows[WGF_MOST_PARAMS])
{
    bool possible[MOST_CASES];
    memset(possible, 1, (size_t)block->case_count * sizeof *possible);
    for (int d = 0; d < block->dimension_count; d++) {
        rows[d] = take_row(block, possible, d, &k);
        keep_with(block, possible, d, rows[d]);
    }
}

int64_t wgf_block_number(const struct wgf_plan_block *block, const int64_t *rows)
{
    bool possible[MOST_CASES];
    int64_t number = 0;
    memset(possible, 1, (size_t)block->case_count * sizeof *possible);
    for (int d = 0; d < block->dimension_count; d++) {
        number += jobs_up_to(block, possible, d, rows[d] - 1);
        keep_with(block, possible, d, rows[d]);
    }
    return number;
}
