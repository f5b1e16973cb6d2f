/* Writing files for the reader of data files, reading them, and comparing what came out. */
#ifndef WGF_TESTS_DATAFILE_INPUTS_H
#define WGF_TESTS_DATAFILE_INPUTS_H

#include "wgf/datafile/datafile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static inline void write_bytes(const char *path, const char *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static inline void read_well(const char *path, const struct wgf_datafile_layout *layout, struct wgf_datafile *contents)
{
    struct wgf_error error = {0};
    *contents = (struct wgf_datafile){0};
    if (wgf_datafile_read(path, layout, contents, &error) != WGF_OK)
        fail_msg("%s", error.message);
}

/* The read fails with this status, its message names the file and has the text in it, and *contents stays empty. */
static inline void read_badly(const char *path, const struct wgf_datafile_layout *layout, wgf_status expected,
                              const char *text)
{
    struct wgf_error error = {0};
    struct wgf_datafile contents = {0};
    wgf_status status = wgf_datafile_read(path, layout, &contents, &error);
    if (status != expected || strstr(error.message, path) == NULL || strstr(error.message, text) == NULL)
        fail_msg("%s: status %d, not %d, or the message lacks '%s': %s", path, (int)status, (int)expected, text,
                 error.message);
    assert_int_equal(contents.rows, 0);
    assert_int_equal(contents.cols, 0);
    assert_null(contents.matrix);
    assert_null(contents.vector);
}

static inline void expect(const struct wgf_datafile *contents, int64_t rows, int64_t cols, const double *matrix,
                          const double *vector)
{
    assert_int_equal(contents->rows, rows);
    assert_int_equal(contents->cols, cols);
    assert_memory_equal(contents->matrix, matrix, (size_t)(rows * cols) * sizeof *matrix);
    assert_memory_equal(contents->vector, vector, (size_t)rows * sizeof *vector);
}

#endif
