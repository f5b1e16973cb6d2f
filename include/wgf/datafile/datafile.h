/* Data sets and initial neurons from files: a matrix and a vector, from HDF5 or CSV.
 *
 * HDF5: the two named data sets, of any integer or floating-point type, used as they are; the vector may be n or n x 1.
 * CSV: one row a line, the vector last, at least two columns; separated by semicolons, commas, tabs or blanks:
 * the first of these that the first line has. Numbers are decimal with a point in every locale, and nan and inf are
 * numbers. A first line of names, one a column, is a header and is skipped, as are blank lines and lines that start
 * with '#'. A cell may stand in quotes (RFC 4180); in quotes, a name may begin like a number, and be one beside a name
 * that is none. Lines end in LF, CR LF or CR. The bytes of a file decide its format, not its name.
 *
 * A layout may choose. CSV: the vector is a column and the matrix some columns, each by its name in the header or,
 * where no name is written so, by its number from 0; cells of no chosen column may hold anything. HDF5: other data
 * sets; the matrix may be several, side by side, of n x k or n numbers each. */
#ifndef WGF_DATAFILE_DATAFILE_H
#define WGF_DATAFILE_DATAFILE_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What to look for. */
struct wgf_datafile_layout {
    const char *matrix; /* "X" or "W" */
    const char *vector; /* "y" or "alpha"; NULL: the file has none, and zeros stand for it */
    bool append_ones;   /* CSV alone: append a bias column of ones to the matrix */
    const char *label;  /* chosen vector; NULL or "": as above, in a CSV the last column */
    const char *inputs; /* chosen matrix, a list (wgf_list_next); NULL or "": as above, all columns but the vector */
    const char *beside; /* NULL, or a data set of n numbers, the last column of the matrix; no CSV is read then */
    const char
        *instead; /* NULL, or a data set of n numbers that an HDF5 may have instead of the matrix and the vector */
};

extern const struct wgf_datafile_layout wgf_datafile_samples; /* X, y, with the bias column */
extern const struct wgf_datafile_layout wgf_datafile_inputs;  /* X alone, with the bias column */
extern const struct wgf_datafile_layout wgf_datafile_neurons; /* W, alpha; or masses */
extern const struct wgf_datafile_layout wgf_datafile_cloud;   /* points with their signs beside them, weights */
extern const struct wgf_datafile_layout wgf_datafile_duals;   /* coefficients */

/* Owned by its reader; zero-initialised it is empty. */
struct wgf_datafile {
    int64_t rows, cols;
    double *matrix; /* rows x cols, row-major */
    double *vector; /* rows */
    bool instead;   /* the matrix is what the layout names so, n x 1, and the vector zeros */
    uint64_t hash;  /* of rows, cols and all values (XXH3): equal contents hash alike, whatever the format */
};

/* Reads a whole file. *contents must be empty; on failure it stays so. Not collective; no MPI.
 * Values may be NaN or infinite: the caller judges them. Errors: WGF_EIO (the system failed to open or read it),
 * WGF_EDATA (no such file, not the format, no rows, ragged lines, wrong rank or lengths that disagree; CSV errors name
 * the line), WGF_EMEMORY; WGF_EUSAGE where the file is sound, but has not what `label` or `inputs` chooses, whose name
 * begins the message then. Each message names the file. */
wgf_status wgf_datafile_read(const char *path, const struct wgf_datafile_layout *layout, struct wgf_datafile *contents,
                             struct wgf_error *error);

/* What a result file says of a job in a column: a number, or a text, of which 31 bytes are kept. Files of older
 * versions may lack the column. */
struct wgf_datafile_cell {
    const char *name;
    bool found;
    double number;
    char text[32];
};

/* A kept state of a job, and columns of its row. */
struct wgf_datafile_state {
    int64_t job;    /* from 0 */
    int64_t record; /* of the kept states, from 0; -1: the last, and the reader fills in which that is */
    int cell_count;
    struct wgf_datafile_cell *cells;
};

/* Is it a result file, whose jobs may have kept states, and not a file of neurons? False where it cannot be read. */
bool wgf_datafile_is_result(const char *path);

/* Reads a state of a result file as rows x cols, with a vector of zeros, and the cells. *contents must be empty; on
 * failure it stays so. Errors: those of wgf_datafile_read; WGF_EUSAGE where the file is sound, but has no such job or
 * state, and the sentence says which there are. */
wgf_status wgf_datafile_read_state(const char *path, struct wgf_datafile_state *state, struct wgf_datafile *contents,
                                   struct wgf_error *error);

/* Hashes contents that the caller has changed. Errors: WGF_EMEMORY. */
wgf_status wgf_datafile_hash(struct wgf_datafile *contents, struct wgf_error *error);

void wgf_datafile_clear(struct wgf_datafile *contents);

#endif
