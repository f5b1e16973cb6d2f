/* One kept state of one job of a result file: src/store/README.md "Variables".
 * Invariant: the file is not trusted. Every number that leads to the state is held against what the file has. */
#include "hdf5_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LAST_UNFINISHED = 1 }; /* `status`: 0 pending, 1 running, above: ended */

struct request {
    struct wgf_datafile_state *state;
    struct wgf_datafile *contents;
};

/* Reads `count` elements of a vector from `first` on; the caller knows that it has them. */
static wgf_status read_span(const char *path, const struct wgf_dataset *set, hid_t type, hsize_t first, hsize_t count,
                            void *values, struct wgf_error *error)
{
    const hid_t space = H5Dget_space(set->id), memory = H5Screate_simple(1, &count, NULL);
    wgf_status status = WGF_OK;
    if (space < 0 || memory < 0 || H5Sselect_hyperslab(space, H5S_SELECT_SET, &first, NULL, &count, NULL) < 0)
        status = wgf_fail(error, WGF_EDATA, "%s: %s cannot be read; is the file damaged?", path, set->name);
    else
        status = wgf_dataset_read(path, set, type, memory, space, values, error);
    H5Sclose(memory);
    H5Sclose(space);
    return status;
}

/* Does the data set have a row for the job? */
static wgf_status check_row(const char *path, const struct wgf_dataset *set, int64_t job, struct wgf_error *error)
{
    if (set->rank == 1 && (hsize_t)job < set->dims[0])
        return WGF_OK;
    return wgf_fail(error, WGF_EDATA, "%s: %s has no entry of job %" PRId64 "; see wgf verify", path, set->name, job);
}

static wgf_status read_number(hid_t file, const char *path, const char *name, int64_t job, int64_t *value,
                              struct wgf_error *error)
{
    struct wgf_dataset set;
    wgf_status status = wgf_dataset_open_numbers(file, path, name, &set, error);
    if (!status)
        status = check_row(path, &set, job, error);
    return status ? status : read_span(path, &set, H5T_NATIVE_INT64, (hsize_t)job, 1, value, error);
}

/* What the row says, where the file has such a column: files of older versions lack some. */
static wgf_status read_cell(hid_t file, const char *path, int64_t job, struct wgf_datafile_cell *cell,
                            struct wgf_error *error)
{
    struct wgf_dataset set;
    cell->found = H5Lexists(file, cell->name, H5P_DEFAULT) > 0;
    if (!cell->found)
        return WGF_OK;
    wgf_status status = wgf_dataset_open(file, path, cell->name, &set, error);
    if (!status)
        status = check_row(path, &set, job, error);
    if (status)
        return status;
    if (set.elements != H5T_STRING)
        return read_span(path, &set, H5T_NATIVE_DOUBLE, (hsize_t)job, 1, &cell->number, error);
    const hid_t type = H5Tcopy(H5T_C_S1);
    char *text = NULL;
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    status = read_span(path, &set, type, (hsize_t)job, 1, &text, error);
    if (text)
        wgf_datafile_printable(cell->text, sizeof cell->text, text, strlen(text));
    H5free_memory(text);
    H5Tclose(type);
    return status;
}

/* Chooses the record, and checks that its state lies within the `elements` of all states. */
static wgf_status locate(const char *path, struct wgf_datafile_state *state, const int64_t numbers[4], hsize_t elements,
                         hsize_t *first, struct wgf_error *error)
{
    const int64_t start = numbers[0], records = numbers[1], rows = numbers[2], cols = numbers[3];
    if (records < 1)
        return wgf_fail(error, WGF_EUSAGE,
                        "job %" PRId64 " of %s has kept no state; run its spec with save: last or all", state->job,
                        path);
    if (rows < 1 || cols < 1 || start < 0 || (hsize_t)start > elements || (hsize_t)rows > elements / (hsize_t)cols ||
        (hsize_t)records > (elements - (hsize_t)start) / ((hsize_t)rows * (hsize_t)cols))
        return wgf_fail(error, WGF_EDATA, "%s: the state of job %" PRId64 " is damaged; see wgf verify", path,
                        state->job);
    if (state->record >= records)
        return wgf_fail(error, WGF_EUSAGE,
                        "job %" PRId64 " of %s has kept the states 0 to %" PRId64 ", not %" PRId64
                        "; choose one of these, or last",
                        state->job, path, records - 1, state->record);
    if (state->record < 0)
        state->record = records - 1;
    *first = (hsize_t)start + (hsize_t)state->record * (hsize_t)rows * (hsize_t)cols;
    return WGF_OK;
}

/* Has the file this job, and has it ended? */
static wgf_status check_job(hid_t file, const char *path, int64_t job, struct wgf_error *error)
{
    struct wgf_dataset set;
    int64_t code = 0;
    wgf_status status = wgf_dataset_open_numbers(file, path, "status", &set, error);
    if (!status && set.rank == 1 && set.dims[0] > 0 && (hsize_t)job >= set.dims[0])
        return wgf_fail(error, WGF_EUSAGE,
                        "%s has the jobs 0 to %" PRId64 ", and no job %" PRId64 "; choose one of these", path,
                        (int64_t)set.dims[0] - 1, job);
    if (!status)
        status = read_number(file, path, "status", job, &code, error);
    if (!status && code <= LAST_UNFINISHED)
        return wgf_fail(error, WGF_EUSAGE, "job %" PRId64 " of %s has not ended; finish that run first", job, path);
    return status;
}

static wgf_status read_state(hid_t file, const char *path, void *context, struct wgf_error *error)
{
    static const char *const names[] = {"state_start", "state_records", "state_rows", "state_cols"};
    struct wgf_datafile_state *state = ((struct request *)context)->state;
    struct wgf_datafile *contents = ((struct request *)context)->contents;
    struct wgf_dataset set = {.rank = 0};
    int64_t numbers[4];
    hsize_t first = 0;
    wgf_status status = check_job(file, path, state->job, error);
    for (int i = 0; !status && i < 4; i++)
        status = read_number(file, path, names[i], state->job, &numbers[i], error);
    if (!status && numbers[1] > 0)
        status = wgf_dataset_open_numbers(file, path, "state", &set, error);
    if (!status)
        status = locate(path, state, numbers, set.rank == 1 ? set.dims[0] : 0, &first, error);
    if (!status)
        status = wgf_datafile_allocate(path, numbers[2], numbers[3], contents, error);
    if (!status)
        status = read_span(path, &set, H5T_NATIVE_DOUBLE, first, (hsize_t)numbers[2] * (hsize_t)numbers[3],
                           contents->matrix, error);
    for (int i = 0; !status && i < state->cell_count; i++)
        status = read_cell(file, path, state->job, &state->cells[i], error);
    return status;
}

wgf_status wgf_datafile_read_hdf5_state(const char *path, struct wgf_datafile_state *state,
                                        struct wgf_datafile *contents, struct wgf_error *error)
{
    struct request request = {state, contents};
    return wgf_hdf5_visit(path, read_state, &request, error);
}

static wgf_status look_for_states(hid_t file, const char *path, void *context, struct wgf_error *error)
{
    (void)path, (void)error;
    *(bool *)context = H5Lexists(file, "state_start", H5P_DEFAULT) > 0 && H5Lexists(file, "W", H5P_DEFAULT) <= 0;
    return WGF_OK;
}

bool wgf_datafile_hdf5_is_result(const char *path)
{
    bool is_result = false;
    wgf_hdf5_visit(path, look_for_states, &is_result, NULL);
    return is_result;
}
