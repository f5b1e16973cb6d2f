/* Jobs of a block that equal a job of an earlier one. Two blocks without a common value of some parameter that their
 * jobs read have none, which costs nothing, however many jobs they have. The jobs that are left are compared by hashes.
 */
#include "plan_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MOST_COMPARED = 10000000 };

/* A job that may be in several blocks, with a hash of all that it reads. */
struct suspect {
    uint64_t hash;
    int64_t number;
};

struct search {
    struct wgf_plan *plan;
    int64_t count;
    struct suspect *suspects;
    uint64_t ***codes; /* by block and axis: the codes of its values, sorted; NULL while not needed */
    bool *whole;       /* by block: are all of its jobs suspects? */
    bool too_many, no_memory;
};

static int compare_suspects(const void *left, const void *right)
{
    const struct suspect *a = left, *b = right;
    const int order = (a->hash > b->hash) - (a->hash < b->hash);
    return order ? order : (a->number > b->number) - (a->number < b->number);
}

static int compare_codes(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The row of a range that has the value, or -1. */
static int64_t row_in_range(const struct wgf_axis *axis, union wgf_value value)
{
    const bool integer = axis->param->type == WGF_PARAM_INT;
    const double steps = integer ? (double)(value.integer - axis->first.integer) / (double)axis->step.integer
                                 : (value.real - axis->first.real) / axis->step.real;
    if (!(steps > -2 && steps < (double)axis->count + 1))
        return -1;
    const int64_t near = (int64_t)round(steps);
    for (int64_t i = near - 1; i <= near + 1; i++)
        if (i >= 0 && i < axis->count && wgf_value_equal(axis->param, wgf_axis_value(axis, i), value))
            return i;
    return -1;
}

/* Does the axis have the value? */
static bool contains(struct search *search, const struct wgf_plan_block *block, int a, union wgf_value value)
{
    const struct wgf_axis *axis = &block->axes[a];
    uint64_t **const codes = &search->codes[block - search->plan->blocks][a];
    if (!axis->values)
        return row_in_range(axis, value) >= 0;
    if (!*codes && (*codes = wgf_calloc(axis->count, sizeof **codes))) {
        for (int64_t i = 0; i < axis->count; i++)
            (*codes)[i] = wgf_plan_code(search->plan, axis->param, axis->values[i]);
        qsort(*codes, (size_t)axis->count, sizeof **codes, compare_codes);
    }
    search->no_memory |= !*codes;
    const uint64_t code = wgf_plan_code(search->plan, axis->param, value);
    return *codes && bsearch(&code, *codes, (size_t)axis->count, sizeof code, compare_codes);
}

/* One block against another: the rows of one that have values of the other. */
struct part {
    const struct wgf_plan_block *block, *other;
    const struct wgf_case *one, *another;  /* of the same kind */
    struct wgf_rows rows[WGF_MOST_PARAMS]; /* a dimension each; the lists are the case's or own */
    bool owned[WGF_MOST_PARAMS];
};

static void discard(struct part *part)
{
    for (int d = 0; d < part->block->dimension_count; d++)
        if (part->owned[d])
            free(part->rows[d].list);
}

/* Does the other block have this value of a parameter? */
static bool other_has(struct search *search, const struct part *part, const struct wgf_param *param,
                      union wgf_value value)
{
    const int there = wgf_block_axis(part->other, param);
    if (there >= 0)
        return contains(search, part->other, there, value);
    return wgf_plan_code(search->plan, param, value) ==
           wgf_plan_code(search->plan, param, wgf_param_get(param, &part->another->kind));
}

/* The i-th value of the other block's axis of this parameter, or its one value. */
static union wgf_value other_value(const struct part *part, const struct wgf_param *param, int there, int64_t i)
{
    return there >= 0 ? wgf_axis_value(&part->other->axes[there], i) : wgf_param_get(param, &part->another->kind);
}

/* Rows to try of an axis: all that are left; of a long range, those between the ends of the other's range. */
static int64_t count_tried(const struct part *part, const struct wgf_axis *axis, int there, int64_t *from)
{
    const struct wgf_rows *const rows = &part->rows[axis->dimension];
    const bool integer = axis->param->type == WGF_PARAM_INT;
    double ends[2];
    *from = 0;
    if (rows->list || rows->count <= MOST_COMPARED)
        return rows->count;
    for (int i = 0; i < 2; i++) {
        const union wgf_value end = other_value(part, axis->param, there, i * (part->other->axes[there].count - 1));
        ends[i] = integer ? (double)(end.integer - axis->first.integer) / (double)axis->step.integer
                          : (end.real - axis->first.real) / axis->step.real;
    }
    const double low = fmax(floor(fmin(ends[0], ends[1])) - 1, 0);
    const double high = fmin(ceil(fmax(ends[0], ends[1])) + 1, (double)rows->count - 1);
    *from = (int64_t)low;
    return high >= low ? (int64_t)(high - low) + 1 : 0;
}

/* Keeps the rows of an axis whose values the other block has. A long range is gone through by the values of the other;
 * if both are long and near each other, all rows of it stay. */
static void restrict_axis(struct search *search, struct part *part, const struct wgf_axis *axis)
{
    struct wgf_rows *const rows = &part->rows[axis->dimension];
    const int there = wgf_block_axis(part->other, axis->param);
    const int64_t others = there >= 0 ? part->other->axes[there].count : 1;
    const bool by_others = !axis->values && !rows->list && rows->count > MOST_COMPARED && others <= MOST_COMPARED;
    int64_t from = 0, kept = 0;
    const int64_t tried = by_others ? others : count_tried(part, axis, there, &from);
    if (tried > MOST_COMPARED)
        return;
    int64_t *list = wgf_calloc(tried, sizeof *list);
    search->no_memory |= !list;
    for (int64_t i = 0; list && i < tried; i++) {
        const int64_t row =
            by_others ? row_in_range(axis, other_value(part, axis->param, there, i)) : wgf_row(rows, from + i);
        if (row >= 0 && (by_others || other_has(search, part, axis->param, wgf_axis_value(axis, row))))
            list[kept++] = row;
    }
    if (list && by_others)
        qsort(list, (size_t)kept, sizeof *list, wgf_compare_numbers);
    if (part->owned[axis->dimension])
        free(rows->list);
    part->owned[axis->dimension] = true;
    *rows = (struct wgf_rows){kept, list};
}

/* Values that the two blocks can be told apart by: read, and neither derived nor found in files or in the kind of the
 * data. */
static bool tells(const struct part *part, const struct wgf_param *param)
{
    return !param->decides && wgf_block_readers(part->block, &part->one->kind, param) == WGF_READ_BY_ALL &&
           !wgf_plan_is_implied(param, &part->one->kind) && !wgf_derived_uses(part->block, param, NULL) &&
           !wgf_derived_uses(part->other, param, NULL);
}

/* Finds the rows that have values of the other block, parameters without an axis first. False: there are none. */
static bool find_part(struct search *search, struct part *part)
{
    const struct wgf_plan_block *block = part->block;
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        if (wgf_block_axis(block, param) < 0 && tells(part, param) &&
            !other_has(search, part, param, wgf_param_get(param, &part->one->kind)))
            return false;
    }
    for (int d = 0; d < block->dimension_count; d++)
        part->rows[d] = part->one->rows[d];
    for (int a = 0; a < block->axis_count; a++) {
        if (tells(part, block->axes[a].param))
            restrict_axis(search, part, &block->axes[a]);
        if (part->rows[block->axes[a].dimension].count == 0)
            return false;
    }
    return true;
}

static uint64_t hash_job(const struct wgf_plan *plan, const struct wgf_settings *settings)
{
    uint64_t codes[WGF_MOST_PARAMS] = {0};
    for (int i = 0; i < wgf_param_count; i++)
        if (wgf_param_is_read(&wgf_params[i], settings))
            codes[i] = wgf_plan_code(plan, &wgf_params[i], wgf_param_get(&wgf_params[i], settings));
    return XXH3_64bits(codes, sizeof codes);
}

/* Adds the jobs with these rows, a dimension each, to the suspects. */
static void add_suspects(struct search *search, const struct wgf_plan_block *block, const struct wgf_rows *rows)
{
    int64_t index[WGF_MOST_PARAMS] = {0}, count[WGF_MOST_PARAMS], at[WGF_MOST_PARAMS];
    double jobs = 1;
    for (int d = 0; d < block->dimension_count; d++)
        jobs *= (double)(count[d] = rows[d].count);
    search->too_many |= (double)search->count + jobs > MOST_COMPARED;
    if (search->too_many)
        return;
    do {
        struct wgf_settings settings;
        for (int d = 0; d < block->dimension_count; d++)
            at[d] = wgf_row(&rows[d], index[d]);
        wgf_block_write(block, at, &settings);
        wgf_plan_settle(search->plan, &settings);
        if (wgf_block_excludes(block, &settings))
            continue;
        if (!WGF_GROW(search->suspects, search->count)) {
            search->no_memory = true;
            return;
        }
        search->suspects[search->count++] =
            (struct suspect){hash_job(search->plan, &settings), block->first + wgf_block_number(block, at)};
    } while (wgf_next_tuple(index, count, block->dimension_count));
}

/* Adds all of a block, once. */
static void add_whole(struct search *search, const struct wgf_plan_block *block)
{
    search->whole[block - search->plan->blocks] = true;
    for (int i = 0; i < block->case_count; i++)
        add_suspects(search, block, block->cases[i].rows);
}

/* Adds what a block may share: all of it once if that is little, else the part. */
static void add_part(struct search *search, const struct part *part)
{
    const int64_t little = MOST_COMPARED / 10;
    if (search->whole[part->block - search->plan->blocks])
        return;
    if (part->block->jobs <= little)
        add_whole(search, part->block);
    else
        add_suspects(search, part->block, part->rows);
}

/* Looks for jobs that are in both cases. */
static void compare_cases(struct search *search, const struct wgf_plan_block *a, const struct wgf_case *one,
                          const struct wgf_plan_block *b, const struct wgf_case *another)
{
    struct part first = {.block = a, .other = b, .one = one, .another = another};
    struct part second = {.block = b, .other = a, .one = another, .another = one};
    if (find_part(search, &first) && find_part(search, &second)) {
        add_part(search, &first);
        add_part(search, &second);
    }
    discard(&first);
    discard(&second);
}

static void compare_blocks(struct search *search, int i, int k)
{
    const struct wgf_plan_block *a = &search->plan->blocks[i], *b = &search->plan->blocks[k];
    for (int c = 0; c < a->case_count; c++)
        for (int e = 0; e < b->case_count && !(search->whole[i] && search->whole[k]); e++)
            if (wgf_same_kind(&a->cases[c].kind, &b->cases[e].kind))
                compare_cases(search, a, &a->cases[c], b, &b->cases[e]);
}

/* Removes all but the first of equal jobs. */
static void remove_repeated(struct search *search)
{
    struct wgf_plan *plan = search->plan;
    const int64_t excluded = plan->removed_count;
    qsort(search->suspects, (size_t)search->count, sizeof *search->suspects, compare_suspects);
    for (int64_t i = 1; i < search->count; i++) {
        const struct suspect *one = &search->suspects[i], *before = one - 1;
        if (one->hash != before->hash || one->number == before->number)
            continue;
        search->no_memory |= !WGF_GROW(plan->removed, plan->removed_count);
        if (search->no_memory)
            return;
        plan->removed[plan->removed_count++] = one->number;
    }
    if (plan->removed_count > excluded)
        qsort(plan->removed, (size_t)plan->removed_count, sizeof *plan->removed, wgf_compare_numbers);
    plan->jobs -= plan->removed_count - excluded;
    plan->dropped += plan->removed_count - excluded;
}

static bool begin(struct search *search)
{
    const struct wgf_plan *plan = search->plan;
    search->codes = wgf_calloc(plan->block_count, sizeof *search->codes);
    search->whole = wgf_calloc(plan->block_count, sizeof *search->whole);
    bool fine = search->codes && search->whole;
    for (int b = 0; fine && b < plan->block_count; b++)
        fine = (search->codes[b] = wgf_calloc(plan->blocks[b].axis_count, sizeof **search->codes));
    return fine;
}

static void end(struct search *search)
{
    for (int b = 0; search->codes && b < search->plan->block_count; b++) {
        for (int a = 0; search->codes[b] && a < search->plan->blocks[b].axis_count; a++)
            free(search->codes[b][a]);
        free(search->codes[b]);
    }
    free(search->codes);
    free(search->whole);
    free(search->suspects);
}

wgf_status wgf_plan_remove_repeated(struct wgf_plan *plan, struct wgf_diagnostics *diagnostics)
{
    struct search search = {.plan = plan};
    search.no_memory = !begin(&search);
    for (int k = 0; !search.no_memory && !search.too_many && k < plan->block_count; k++) {
        if (plan->blocks[k].may_repeat)
            add_whole(&search, &plan->blocks[k]);
        for (int i = 0; !search.no_memory && !search.too_many && i < k; i++)
            compare_blocks(&search, i, k);
        if (search.too_many)
            wgf_diagnose(diagnostics, plan->blocks[k].spec->place,
                         "more than %d jobs of this block and the earlier ones may be the same; join blocks, or fix a "
                         "parameter that tells them apart",
                         MOST_COMPARED);
    }
    if (!search.no_memory && search.count > 0)
        remove_repeated(&search);
    end(&search);
    return search.no_memory ? WGF_EMEMORY : WGF_OK;
}
