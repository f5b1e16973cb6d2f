/* Rows compared with their checksums. Each column of a block adds its marks to the sums of the rows, so that only one
 * column is in memory at a time. src/store/README.md "Checksum". */
#include "result_internal.h"

#include "wgf/base/arena.h"
#include "wgf/base/system.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct wgf_reader {
    struct wgf_store *store;
    struct wgf_store_extent extent;
    struct wgf_settings defaults;
    int64_t capacity;
    struct wgf_arena arena; /* all arrays below */
    struct wgf_row *rows;
    struct wgf_checked_row *checked;
    void *cells;    /* capacity of any column */
    double *window; /* a part of `state` */
    int64_t window_first, window_count;
    int param_index[WGF_MOST_PARAMS], result_index[WGF_RESULT_COUNT]; /* column numbers */
    int64_t next;                                                     /* row that the last call ended before */
    int64_t end, total; /* where its states begin, by the row before and by all rows; -1: not known */
};

static void find_columns(struct wgf_reader *reader)
{
    for (int r = 0; r < WGF_RESULT_COUNT; r++)
        reader->result_index[r] = wgf_store_column(reader->store, wgf_result_columns[r].name);
    for (int p = 0; p < wgf_param_count; p++) /* one that is younger than the file has its default there */
        reader->param_index[p] = wgf_store_column(reader->store, wgf_params[p].name);
}

/* Bytes of a row of the widest column. */
static double widest(const struct wgf_store_extent *extent)
{
    double longest = (double)extent->records;
    for (int a = 0; a < WGF_ROW_ARRAY_COUNT; a++)
        longest = fmax(longest, (double)wgf_row_array_length(extent, a));
    return fmax(fmax(8 * longest, (double)extent->message_length), 8);
}

static void lay_out(struct wgf_reader *reader)
{
    struct wgf_arena *const arena = &reader->arena;
    reader->rows = wgf_arena_take(arena, (double)reader->capacity, sizeof *reader->rows);
    reader->checked = wgf_arena_take(arena, (double)reader->capacity, sizeof *reader->checked);
    reader->cells = wgf_arena_take(arena, (double)reader->capacity * widest(&reader->extent), 1);
    reader->window = wgf_arena_take(arena, WGF_STATE_PIECE, sizeof *reader->window);
}

wgf_status wgf_reader_open(struct wgf_reader **reader, struct wgf_store *store, struct wgf_error *error)
{
    const double most_bytes = 32e6, most_rows = 4096;
    struct wgf_reader *made = *reader = wgf_calloc(1, sizeof *made);
    if (!made)
        return wgf_fail(error, WGF_EMEMORY, "no memory to read a result file");
    made->store = store;
    wgf_store_extent(store, &made->extent);
    wgf_settings_default(&made->defaults);
    made->capacity = (int64_t)fmax(1, fmin(most_rows, most_bytes / widest(&made->extent)));
    lay_out(made);
    find_columns(made);
    if (wgf_arena_allocate(&made->arena)) {
        lay_out(made);
        return WGF_OK;
    }
    wgf_reader_close(made);
    *reader = NULL;
    return wgf_fail(error, WGF_EMEMORY, "no memory for the rows of a result file");
}

void wgf_reader_close(struct wgf_reader *reader)
{
    if (!reader)
        return;
    wgf_arena_free(&reader->arena);
    free(reader);
}

bool wgf_reader_next(const struct wgf_reader *reader, int64_t end, struct wgf_block *block)
{
    const int64_t first = block->first + block->count, rest = end - first;
    *block = (struct wgf_block){first, rest < reader->capacity ? rest : reader->capacity};
    return rest > 0;
}

/* Reads a column into the cells. Where a text is damaged, only its row is, and its cell NULL. */
static wgf_status read_cells(struct wgf_reader *reader, int index, int64_t first, int64_t count,
                             struct wgf_error *error)
{
    wgf_status status = wgf_store_read(reader->store, index, first, count, reader->cells, error);
    if (status != WGF_EDATA || wgf_store_type(reader->store, index) != WGF_COLUMN_TEXT)
        return status;
    char **texts = reader->cells;
    int64_t done = 0;
    for (; status == WGF_EDATA && done < count; done++) {
        status = wgf_store_read(reader->store, index, first + done, 1, &texts[done], error);
        reader->rows[done].damaged |= status == WGF_EDATA;
        status = status ? status : WGF_EDATA;
    }
    if (status == WGF_EDATA)
        return WGF_OK;
    while (done-- > 0)
        free(texts[done]);
    return status;
}

/* A text becomes a setting; one that the user made up stays out of it, since it would not outlive its cell. */
static void mark_text(struct wgf_row *row, const struct wgf_param *param, const char *text,
                      const struct wgf_settings *defaults)
{
    union wgf_value value = {.text = text};
    if (!text)
        return;
    if (param->type == WGF_PARAM_CHOICE)
        for (value.choice = 0; param->choices[value.choice] && strcmp(param->choices[value.choice], text) != 0;)
            value.choice++;
    if (param->type == WGF_PARAM_CHOICE && !param->choices[value.choice]) {
        row->damaged = true;
        return;
    }
    struct wgf_settings settings = *defaults;
    wgf_param_set(param, &settings, value);
    uint64_t mark = wgf_mark_parameter(param, &settings, defaults);
    row->sum += mark;
    if (param->type == WGF_PARAM_PATH || (param->type == WGF_PARAM_TEXT && param->locates)) {
        row->paths += mark;
        return;
    }
    row->guard += mark;
    if (param->type == WGF_PARAM_CHOICE)
        wgf_param_set(param, &row->settings, value);
}

static void mark_number(struct wgf_row *row, const struct wgf_param *param, const void *cell,
                        const struct wgf_settings *defaults)
{
    union wgf_value value = {0};
    if (param->type == WGF_PARAM_INT)
        value.integer = *(const int64_t *)cell;
    else
        value.real = *(const double *)cell;
    if (param->type == WGF_PARAM_INT && !wgf_param_holds(param, value)) {
        row->damaged = true; /* and what is computed from settings may count on their ranges */
        return;
    }
    wgf_param_set(param, &row->settings, value);
    uint64_t mark = wgf_mark_parameter(param, &row->settings, defaults);
    row->sum += mark;
    row->guard += mark;
}

static wgf_status add_parameters(struct wgf_reader *reader, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int p = 0; !status && p < wgf_param_count; p++) {
        const struct wgf_param *param = &wgf_params[p];
        bool is_text = param->type == WGF_PARAM_CHOICE || wgf_param_is_text(param);
        if (reader->param_index[p] < 0)
            continue;
        status = read_cells(reader, reader->param_index[p], first, count, error);
        for (int64_t i = 0; !status && i < count; i++) {
            if (!is_text) {
                mark_number(&reader->rows[i], param, (const int64_t *)reader->cells + i, &reader->defaults);
                continue;
            }
            char *text = ((char **)reader->cells)[i];
            mark_text(&reader->rows[i], param, text, &reader->defaults);
            free(text);
        }
    }
    return status;
}

/* Keeps of a result what is needed later. */
static void keep(struct wgf_row *row, int column, const void *cell, uint64_t mark)
{
    row->sum += mark;
    switch (column) {
    case WGF_RESULT_KERNEL_USED:
        row->guard += mark;
        break;
    case WGF_RESULT_KEY:
        row->key = *(const uint64_t *)cell;
        break;
    case WGF_RESULT_STATUS:
        row->state = *(const uint8_t *)cell;
        break;
    case WGF_RESULT_CHECKSUM:
        row->checksum = *(const uint64_t *)cell;
        break;
    case WGF_RESULT_STATE_START:
        row->state_start = *(const int64_t *)cell;
        break;
    case WGF_RESULT_STATE_RECORDS:
        row->state_records = *(const int64_t *)cell;
        break;
    case WGF_RESULT_STATE_ROWS:
        row->state_rows = *(const int64_t *)cell;
        row->guard += mark;
        break;
    case WGF_RESULT_STATE_COLS:
        row->state_cols = *(const int64_t *)cell;
        row->guard += mark;
        break;
    default:
        break;
    }
}

static wgf_status add_results(struct wgf_reader *reader, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int r = 0; !status && r < WGF_RESULT_COUNT; r++) {
        size_t size = wgf_result_size(r);
        bool is_text = wgf_result_columns[r].type == WGF_COLUMN_TEXT;
        if (reader->result_index[r] < 0) /* younger than the file: empty, without a mark */
            continue;
        status = read_cells(reader, reader->result_index[r], first, count, error);
        for (int64_t i = 0; !status && i < count; i++) {
            char *cell = (char *)reader->cells + (size_t)i * size;
            if (is_text && !*(char **)cell)
                continue;
            keep(&reader->rows[i], r, cell, wgf_mark_result((enum wgf_result_column)r, cell));
            if (is_text)
                free(*(char **)cell);
        }
    }
    return status;
}

wgf_status wgf_reader_load(struct wgf_reader *reader, const struct wgf_block *block, struct wgf_error *error)
{
    assert(block->count <= reader->capacity);
    for (int64_t i = 0; i < block->count; i++)
        reader->rows[i] = (struct wgf_row){.settings = reader->defaults};
    wgf_status status = add_parameters(reader, block->first, block->count, error);
    return status ? status : add_results(reader, block->first, block->count, error);
}

const struct wgf_row *wgf_reader_rows(const struct wgf_reader *reader)
{
    return reader->rows;
}

static wgf_status add_trace(struct wgf_reader *reader, const char *name, int64_t records, int64_t first, int64_t count,
                            struct wgf_error *error)
{
    int index = wgf_store_column(reader->store, name);
    if (index < 0 || !wgf_store_has_room(reader->store, index))
        return WGF_OK;
    wgf_status status = read_cells(reader, index, first, count, error);
    for (int64_t i = 0; !status && i < count; i++)
        reader->rows[i].sum += wgf_mark_trace(name, (const double *)reader->cells + i * records, records);
    return status;
}

static wgf_status add_traces(struct wgf_reader *reader, int64_t first, int64_t count, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int c = 0; !status && c < WGF_TRACE_COUNT; c++)
        status = add_trace(reader, wgf_trace_names[c], reader->extent.records, first, count, error);
    for (int a = 0; !status && a < WGF_ROW_ARRAY_COUNT; a++)
        status =
            add_trace(reader, wgf_row_arrays[a].name, wgf_row_array_length(&reader->extent, a), first, count, error);
    return status;
}

/* Numbers that the file has room for in `state` for a row; -1 when its parameters cannot be right. */
static int64_t state_room(const struct wgf_reader *reader, const struct wgf_row *row)
{
    const int64_t most = 1 << 30; /* the room is then within an int64_t */
    const struct wgf_settings *s = &row->settings;
    if (row->damaged || s->init.width > most || s->data.d > most || s->grid > most || s->grid2 > most)
        return s->save == WGF_SAVE_NONE && !row->damaged ? 0 : -1;
    struct wgf_state_shape shape = wgf_flow_state_shape(s);
    double room = (double)shape.records * (double)shape.rows * (double)shape.cols;
    return room <= (double)reader->extent.state_elements ? (int64_t)room : -1;
}

/* Checks where the states of a row start, and moves on to the next row. Three numbers say where: the end of the row
 * before (`end`), the sum of all rows before (`total`), and the start of the next row less the room of this one. One
 * match is enough, since a neighbour may be the damaged row. */
static bool has_valid_start(struct wgf_reader *reader, const struct wgf_row *row, int64_t next_start)
{
    const int64_t start = row->state_start, room = state_room(reader, row);
    const int64_t end = start >= 0 && room >= 0 && start <= INT64_MAX - room ? start + room : -1;
    const bool any = reader->end < 0 && reader->total < 0; /* nothing is known of the rows before */
    const bool matches =
        start >= 0 && (start == reader->end || start == reader->total || (end >= 0 && end == next_start));
    if (room < 0) { /* the parameters cannot be right, so the next row is trusted */
        reader->end = reader->total = next_start;
    } else {
        reader->end = end;
        reader->total += reader->total >= 0 ? room : 0;
    }
    return any || matches;
}

/* Where the states of a row begin; at the end of all for the row behind the last. */
static wgf_status read_start(struct wgf_reader *reader, int64_t row, int64_t *start, struct wgf_error *error)
{
    *start = reader->extent.state_elements;
    if (row >= reader->extent.jobs)
        return WGF_OK;
    return wgf_store_read(reader->store, reader->result_index[WGF_RESULT_STATE_START], row, 1, start, error);
}

/* States of neighbours lie side by side: a window of them is read at a time. */
static wgf_status read_states(struct wgf_reader *reader, int64_t first, int64_t count, const double **states,
                              struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    if (first < reader->window_first || first + count > reader->window_first + reader->window_count) {
        int64_t rest = reader->extent.state_elements - first;
        reader->window_first = first;
        reader->window_count = rest < WGF_STATE_PIECE ? rest : WGF_STATE_PIECE;
        status = wgf_store_read(reader->store, wgf_store_column(reader->store, "state"), first, reader->window_count,
                                reader->window, error);
        if (status)
            reader->window_count = 0;
    }
    *states = reader->window + (first - reader->window_first);
    return status;
}

static wgf_status add_states(struct wgf_reader *reader, struct wgf_row *row, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    const double *states;
    double all = (double)row->state_records * (double)row->state_rows * (double)row->state_cols;
    if (row->damaged || all == 0)
        return WGF_OK;
    if (wgf_store_column(reader->store, "state") < 0 || row->state_records < 0 || row->state_rows < 0 ||
        row->state_cols < 0 || row->state_start < 0 ||
        all + (double)row->state_start > (double)reader->extent.state_elements) {
        row->damaged = true;
        return WGF_OK;
    }
    int64_t elements = row->state_records * row->state_rows * row->state_cols;
    for (int64_t done = 0; !status && done < elements; done += WGF_STATE_PIECE) {
        int64_t count = elements - done < WGF_STATE_PIECE ? elements - done : WGF_STATE_PIECE;
        status = read_states(reader, row->state_start + done, count, &states, error);
        if (!status)
            row->sum += wgf_mark_states(done / WGF_STATE_PIECE, states, count);
    }
    return status;
}

static bool is_open(uint8_t state)
{
    return state == WGF_JOB_PENDING || state == WGF_JOB_RUNNING;
}

/* The rows' sums are complete but for the states. */
static wgf_status judge(struct wgf_reader *reader, int64_t count, int64_t next_start, struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    for (int64_t i = 0; !status && i < count; i++) {
        struct wgf_row *row = &reader->rows[i];
        const bool in_place =
            has_valid_start(reader, row, i + 1 < count ? reader->rows[i + 1].state_start : next_start);
        reader->checked[i].state = row->state;
        if (is_open(row->state))
            continue;
        status = add_states(reader, row, error);
        bool whole = in_place && !row->damaged && row->state < WGF_JOB_STATE_COUNT && row->sum == row->checksum;
        reader->checked[i].check = whole ? WGF_ROW_WHOLE : WGF_ROW_TORN;
    }
    return status;
}

/* Are all rows of the block open? Then there is nothing more to read: an open one may hold anything, as a run died when
 * it was written, or a power loss took its status back. */
static wgf_status read_marks(struct wgf_reader *reader, int64_t first, int64_t count, bool *open,
                             struct wgf_error *error)
{
    const int *const index = reader->result_index;
    wgf_status status = wgf_store_read(reader->store, index[WGF_RESULT_ATTEMPTS], first, count, reader->cells, error);
    for (int64_t i = 0; !status && i < count; i++)
        reader->checked[i] = (struct wgf_checked_row){.attempts = ((const int64_t *)reader->cells)[i]};
    if (!status)
        status = wgf_store_read(reader->store, index[WGF_RESULT_STATUS], first, count, reader->cells, error);
    *open = true;
    for (int64_t i = 0; !status && i < count; i++) {
        reader->checked[i].state = ((const uint8_t *)reader->cells)[i];
        *open = *open && is_open(reader->checked[i].state);
    }
    return status;
}

wgf_status wgf_reader_check(struct wgf_reader *reader, const struct wgf_block *block,
                            const struct wgf_checked_row **rows, struct wgf_error *error)
{
    const int64_t first = block->first, count = block->count;
    assert(count <= reader->capacity);
    int64_t next_start;
    bool open;
    *rows = reader->checked;
    if (first == 0)
        reader->end = reader->total = 0;
    else if (first != reader->next)
        reader->end = reader->total = -1;
    reader->next = first + count;
    reader->window_count = 0; /* a run may have written since */
    wgf_status status = read_start(reader, first + count, &next_start, error);
    if (!status)
        status = read_marks(reader, first, count, &open, error);
    if (status)
        return status;
    if (open) {
        reader->end = reader->total = next_start;
        return WGF_OK;
    }
    status = wgf_reader_load(reader, block, error);
    if (!status)
        status = add_traces(reader, first, count, error);
    return status ? status : judge(reader, count, next_start, error);
}
