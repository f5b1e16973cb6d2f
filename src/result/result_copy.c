/* Rows from one file to another. They are gathered until they no longer lie within a span of rows in either file; then
 * each column of both spans is read once, the rows are put into it, and the span is written: data first, `status`
 * last, as a run does. Rows in between are written as they were. */
#include "result_internal.h"

#include "wgf/base/arena.h"
#include "wgf/base/system.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows within a span. */
struct span {
    int64_t first, count;
};

/* Elements of `state` of the two rows of a copy. */
struct stretch {
    int64_t from, to, count;
};

struct wgf_copier {
    struct wgf_store *from, *to;
    struct wgf_store_extent from_extent, to_extent;
    double shift;
    int64_t most;           /* rows of a span */
    struct wgf_arena arena; /* all arrays below */
    struct wgf_row_copy *copies;
    struct stretch *states;
    int64_t count;
    struct span from_span, to_span;
    void *source, *target; /* `most` rows of any column */
    double *window;        /* WGF_STATE_PIECE */
};

static double widest(const struct wgf_store_extent *extent)
{
    double longest = (double)extent->records;
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++)
        longest = fmax(longest, (double)wgf_row_array_length(extent, a));
    return fmax(8 * longest, WGF_MESSAGE_LENGTH);
}

static void lay_out(struct wgf_copier *copier, double row)
{
    struct wgf_arena *const arena = &copier->arena;
    const double most = (double)copier->most;
    copier->copies = wgf_arena_take(arena, most, sizeof *copier->copies);
    copier->states = wgf_arena_take(arena, most, sizeof *copier->states);
    copier->source = wgf_arena_take(arena, most * row, 1);
    copier->target = wgf_arena_take(arena, most * row, 1);
    copier->window = wgf_arena_take(arena, WGF_STATE_PIECE, sizeof *copier->window);
}

wgf_status wgf_copier_open(struct wgf_copier **copier, struct wgf_store *from, struct wgf_store *to, double shift,
                           struct wgf_error *error)
{
    const double most_bytes = 32e6, most_rows = 4096;
    struct wgf_copier *made = *copier = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory to copy rows");
    made->from = from;
    made->to = to;
    made->shift = shift;
    wgf_store_extent(from, &made->from_extent);
    wgf_store_extent(to, &made->to_extent);
    double row = fmax(widest(&made->from_extent), widest(&made->to_extent));
    made->most = (int64_t)fmax(1, fmin(most_rows, most_bytes / row));
    lay_out(made, row);
    if (wgf_arena_allocate(&made->arena)) {
        lay_out(made, row);
        return WGF_OK;
    }
    wgf_copier_close(made);
    *copier = NULL;
    return wgf_fail(error, WGF_EMEMORY, "no memory to copy rows");
}

void wgf_copier_close(struct wgf_copier *copier)
{
    if (!copier)
        return;
    wgf_arena_free(&copier->arena);
    free(copier);
}

/* A column of both files; elements of a row, and their size. */
struct both {
    int from, to; /* numbers; -1 where the file has no room for it */
    int64_t from_elements, to_elements;
    size_t size;
    bool is_real;
};

static int column_with_room(const struct wgf_store *store, const char *name)
{
    int index = wgf_store_column(store, name);
    return index >= 0 && wgf_store_has_room(store, index) ? index : -1;
}

/* Puts the row of a copy into the span that is to be written. */
static void put_row(const struct wgf_copier *copier, const struct both *both, const struct wgf_row_copy *copy)
{
    char *target =
        (char *)copier->target + (size_t)((copy->to - copier->to_span.first) * both->to_elements) * both->size;
    const char *source = (const char *)copier->source +
                         (size_t)((copy->from - copier->from_span.first) * both->from_elements) * both->size;
    int64_t common = both->from < 0                            ? 0
                     : both->from_elements < both->to_elements ? both->from_elements
                                                               : both->to_elements;
    memcpy(target, source, (size_t)common * both->size);
    for (int64_t i = common; both->is_real && i < both->to_elements; i++)
        ((double *)target)[i] = NAN;
    if (!both->is_real)
        memset(target + (size_t)common * both->size, 0, (size_t)(both->to_elements - common) * both->size);
}

/* Copies a column of all rows. `change` may change the cell of each, which is of one element. */
static wgf_status copy_column(struct wgf_copier *copier, const struct both *both,
                              void (*change)(const struct wgf_copier *, const struct wgf_row_copy *, void *),
                              struct wgf_error *error)
{
    const struct span *from = &copier->from_span, *to = &copier->to_span;
    wgf_status status = WGF_OK;
    if (both->to < 0)
        return WGF_OK;
    if (both->from >= 0)
        status = wgf_store_read(copier->from, both->from, from->first, from->count, copier->source, error);
    if (!status && copier->count < to->count)
        status = wgf_store_read(copier->to, both->to, to->first, to->count, copier->target, error);
    for (int64_t i = 0; !status && i < copier->count; i++) {
        const struct wgf_row_copy *copy = &copier->copies[i];
        put_row(copier, both, copy);
        if (change)
            change(copier, copy, (char *)copier->target + (size_t)(copy->to - to->first) * both->size);
    }
    return status ? status : wgf_store_write(copier->to, both->to, to->first, to->count, copier->target, error);
}

static wgf_status copy_trace(struct wgf_copier *copier, const char *name, int64_t from_records, int64_t to_records,
                             struct wgf_error *error)
{
    struct both both = {.from = column_with_room(copier->from, name),
                        .to = column_with_room(copier->to, name),
                        .from_elements = from_records,
                        .to_elements = to_records,
                        .size = sizeof(double),
                        .is_real = true};
    return copy_column(copier, &both, NULL, error);
}

static void change_checksum(const struct wgf_copier *copier, const struct wgf_row_copy *copy, void *cell)
{
    (void)copier;
    *(uint64_t *)cell += copy->change;
}

static void change_started(const struct wgf_copier *copier, const struct wgf_row_copy *copy, void *cell)
{
    (void)copy;
    *(double *)cell += copier->shift;
}

static wgf_status copy_result(struct wgf_copier *copier, enum wgf_result_column column, struct wgf_error *error)
{
    const struct wgf_column *known = &wgf_result_columns[column];
    bool is_message = known->type == WGF_COLUMN_CHARS;
    int64_t elements = is_message ? WGF_MESSAGE_LENGTH : 1;
    struct both both = {.from = column_with_room(copier->from, known->name),
                        .to = column_with_room(copier->to, known->name),
                        .from_elements = elements,
                        .to_elements = elements,
                        .size = is_message ? 1 : wgf_result_size((int)column),
                        .is_real = known->type == WGF_COLUMN_FLOAT64};
    return copy_column(copier, &both,
                       column == WGF_RESULT_CHECKSUM  ? change_checksum
                       : column == WGF_RESULT_STARTED ? change_started
                                                      : NULL,
                       error);
}

/* Reads an integer of the rows of a span into `source`. */
static wgf_status read_integers(struct wgf_copier *copier, struct wgf_store *store, const struct span *span,
                                const char *name, struct wgf_error *error)
{
    return wgf_store_read(store, wgf_store_column(store, name), span->first, span->count, copier->source, error);
}

/* Finds where the states of all copies lie, and how many numbers they are. */
static wgf_status find_states(struct wgf_copier *copier, struct wgf_error *error)
{
    static const char *const sizes[] = {"state_records", "state_rows", "state_cols"};
    const int64_t *numbers = copier->source;
    wgf_status status = read_integers(copier, copier->from, &copier->from_span, "state_start", error);
    for (int64_t i = 0; !status && i < copier->count; i++)
        copier->states[i] =
            (struct stretch){.from = numbers[copier->copies[i].from - copier->from_span.first], .count = 1};
    for (int s = 0; !status && s < 3; s++) {
        status = read_integers(copier, copier->from, &copier->from_span, sizes[s], error);
        for (int64_t i = 0; !status && i < copier->count; i++) {
            int64_t *const count = &copier->states[i].count;
            if (__builtin_mul_overflow(*count, numbers[copier->copies[i].from - copier->from_span.first], count))
                status = wgf_fail(error, WGF_EDATA, "the states of a row are of a size that cannot be");
        }
    }
    if (!status)
        status = read_integers(copier, copier->to, &copier->to_span, "state_start", error);
    for (int64_t i = 0; !status && i < copier->count; i++)
        copier->states[i].to = numbers[copier->copies[i].to - copier->to_span.first];
    return status;
}

static wgf_status copy_stretch(struct wgf_copier *copier, const struct stretch *stretch, struct wgf_error *error)
{
    int from = wgf_store_column(copier->from, "state"), to = wgf_store_column(copier->to, "state");
    wgf_status status = WGF_OK;
    if (stretch->count > 0 && to < 0)
        return wgf_fail(error, WGF_EDATA, "a row keeps states, and the file that it is copied to has no room for any");
    for (int64_t done = 0; !status && done < stretch->count; done += WGF_STATE_PIECE) {
        int64_t count = stretch->count - done < WGF_STATE_PIECE ? stretch->count - done : WGF_STATE_PIECE;
        status = wgf_store_read(copier->from, from, stretch->from + done, count, copier->window, error);
        if (!status)
            status = wgf_store_write(copier->to, to, stretch->to + done, count, copier->window, error);
    }
    return status;
}

/* States that lie side by side in both files are copied at once. */
static wgf_status copy_states(struct wgf_copier *copier, struct wgf_error *error)
{
    struct stretch joined = {0};
    if (copier->from_extent.state_elements == 0)
        return WGF_OK;
    wgf_status status = find_states(copier, error);
    for (int64_t i = 0; !status && i < copier->count; i++) {
        const struct stretch *next = &copier->states[i];
        if (next->from == joined.from + joined.count && next->to == joined.to + joined.count) {
            joined.count += next->count;
        } else {
            status = copy_stretch(copier, &joined, error);
            joined = *next;
        }
    }
    return status ? status : copy_stretch(copier, &joined, error);
}

wgf_status wgf_copier_flush(struct wgf_copier *copier, struct wgf_error *error)
{
    const struct wgf_store_extent *from = &copier->from_extent, *to = &copier->to_extent;
    wgf_status status = copier->count > 0 ? copy_states(copier, error) : WGF_OK;
    if (status || copier->count == 0)
        return status;
    for (int c = 0; !status && c < WGF_TRACE_COUNT; c++)
        status = copy_trace(copier, wgf_trace_names[c], from->records, to->records, error);
    for (int a = 0; !status && a < WGF_ROW_ARRAY_COUNT; a++)
        status = copy_trace(copier, wgf_row_arrays[a].name, wgf_row_array_length(from, a), wgf_row_array_length(to, a),
                            error);
    for (int r = 0; !status && r < WGF_RESULT_COUNT; r++)
        if (wgf_result_columns[r].life == WGF_LIFE_WRITTEN && r != WGF_RESULT_STATUS)
            status = copy_result(copier, (enum wgf_result_column)r, error);
    if (!status)
        status = copy_result(copier, WGF_RESULT_STATUS, error);
    copier->count = 0;
    return status;
}

/* Widens a span to hold the row; false when it would be too wide. */
static bool widen(struct span *span, int64_t row, int64_t most)
{
    int64_t first = row < span->first ? row : span->first, end = span->first + span->count;
    end = row + 1 > end ? row + 1 : end;
    if (end - first > most)
        return false;
    *span = (struct span){.first = first, .count = end - first};
    return true;
}

wgf_status wgf_copier_add(struct wgf_copier *copier, struct wgf_row_copy copy, struct wgf_error *error)
{
    struct span from = copier->from_span, to = copier->to_span;
    wgf_status status = WGF_OK;
    if (copier->count > 0 && (!widen(&from, copy.from, copier->most) || !widen(&to, copy.to, copier->most)))
        status = wgf_copier_flush(copier, error);
    if (copier->count == 0) {
        from = (struct span){.first = copy.from, .count = 1};
        to = (struct span){.first = copy.to, .count = 1};
    }
    if (status)
        return status;
    copier->from_span = from;
    copier->to_span = to;
    copier->copies[copier->count++] = copy;
    return WGF_OK;
}
