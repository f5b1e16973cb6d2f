/* The store: rows of typed columns in one HDF5 file that is also valid netCDF-4. It knows neither methods nor descents.
 * src/store/README.md "The file", "Crash protocol".
 *
 * The file is made by one process, complete with every object, under a temporary name; only then do one or many
 * processes open it and write rows, each on its own and to places that already exist. So a kill at any instant leaves
 * either no file or one that opens. */
#ifndef WGF_STORE_STORE_H
#define WGF_STORE_STORE_H

#include "wgf/base/status.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wgf_column_type {
    WGF_COLUMN_UINT8,
    WGF_COLUMN_INT64,
    WGF_COLUMN_UINT64,
    WGF_COLUMN_FLOAT64,
    WGF_COLUMN_TEXT,  /* variable-length UTF-8, written at creation alone; in memory const char * */
    WGF_COLUMN_CHARS, /* char, job x message_length, NUL-padded */
};

enum wgf_column_shape {
    WGF_SHAPE_JOB,          /* job */
    WGF_SHAPE_RECORD,       /* job x record */
    WGF_SHAPE_INNER_RECORD, /* job x inner_record */
    WGF_SHAPE_INPUT,        /* job x input */
    WGF_SHAPE_SAMPLE,       /* job x sample */
    WGF_SHAPE_FEATURE,      /* job x feature */
    WGF_SHAPE_MESSAGE,      /* job x message_length; of WGF_COLUMN_CHARS */
    WGF_SHAPE_STATE,        /* state_element: flat, rows are ranges of elements */
    WGF_SHAPE_TABLE,        /* sample x feature: of no job */
};

enum wgf_column_life {
    WGF_LIFE_CREATED, /* written by the fill callback when the file is made, and never again */
    WGF_LIFE_WRITTEN, /* allocated and filled with the empty value (0, NaN) at creation; rows written later */
    WGF_LIFE_EMPTY,   /* never written: takes no room, reads as the empty value */
};

struct wgf_column {
    const char *name;
    enum wgf_column_type type;
    enum wgf_column_shape shape;
    enum wgf_column_life life;
    const char *long_name;            /* attribute, or NULL */
    const char *units;                /* attribute, or NULL */
    const char *const *flag_meanings; /* NULL-terminated; gives CF flag_values 0, 1, … and flag_meanings; or NULL */
    const char *read_with;            /* attribute, or NULL: which rows use the value */
};

/* Columns that a reader knows by their names. WGF_LIFE_EMPTY: may have no room in the file. */
struct wgf_columns {
    const struct wgf_column *list;
    int count;
};

/* Sizes of the dimensions. A dimension of size 0 is not made, nor are columns on it (job is always there). */
struct wgf_store_extent {
    int64_t jobs, records, inner_records, inputs, samples, features, message_length, state_elements;
};

/* A root attribute: text, an array of texts (text NULL, list with count), or a number (both NULL). */
struct wgf_attribute {
    const char *name;
    const char *text;
    const char *const *list;
    int list_count;
    uint64_t number; /* stored as int64 when it fits, else uint64 */
};

struct wgf_store_schema {
    struct wgf_store_extent extent;
    int column_count, attribute_count;
    const struct wgf_column *columns;       /* borrowed */
    const struct wgf_attribute *attributes; /* borrowed during creation alone */
};

/* Rows that the fill callback is asked for at once, at most. */
enum { WGF_STORE_BLOCK = 4096 };

/* Fills `buffer` with rows [first, first + count) of a WGF_LIFE_CREATED column (index into the schema). Texts need to
 * live until the next call. Called block after block, and for every column of a block before the next one. */
typedef void wgf_store_fill(void *context, int column, int64_t first, int64_t count, void *buffer);

/* Bytes that the file will be long, without its texts. */
double wgf_store_bytes(const struct wgf_store_schema *schema);

struct wgf_store_making {
    bool replace;                             /* a file that is at the path; otherwise one is an error */
    const volatile sig_atomic_t *interrupted; /* NULL, or not 0 once the making is to be given up */
    /* NULL, or writes to the file that is closed, before it is renamed; the file is given up where this fails. */
    wgf_status (*complete)(void *context, const char *temporary, struct wgf_error *error);
    void *context;
};

/* Makes the file: temporary name beside `path`, all objects, flush, fsync, rename to `path`. One process, not
 * collective. What was at `path` stays whole until the rename. Errors: WGF_EIO (says what and why: no folder, no
 * permission, disk full), WGF_EINTERRUPTED. */
wgf_status wgf_store_create(const char *path, const struct wgf_store_schema *schema, wgf_store_fill *fill,
                            void *context, const struct wgf_store_making *making, struct wgf_error *error);

enum wgf_store_mode {
    WGF_STORE_READ,       /* one process, no locks: safe while a run is writing */
    WGF_STORE_WRITE,      /* one process, no MPI */
    WGF_STORE_WRITE_TEAM, /* collective over MPI_COMM_WORLD */
};

struct wgf_store;

/* Opens a file that wgf_store_create made, and in it those of the `known` columns that it has; no others are looked at.
 * Collective for WRITE_TEAM alone. Errors: WGF_EIO; each says whether the file is missing, cut short, not HDF5, or HDF5
 * of another program (no wgf_version attribute), or of another `schema` number, or which column is not as it was made.
 * src/store/README.md "What is checked at opening". */
wgf_status wgf_store_open(struct wgf_store **store, const char *path, enum wgf_store_mode mode,
                          const struct wgf_columns *known, struct wgf_error *error);

/* Closes; NULL is fine. Collective if the opening was. Reports what closing finds (disk full, say). */
wgf_status wgf_store_close(struct wgf_store *store, struct wgf_error *error);

void wgf_store_extent(const struct wgf_store *store, struct wgf_store_extent *extent);

/* Column of that name, or -1. */
int wgf_store_column(const struct wgf_store *store, const char *name);

/* Type of a column, and whether it has room in the file; one that has none reads as the empty value. */
enum wgf_column_type wgf_store_type(const struct wgf_store *store, int column);
bool wgf_store_has_room(const struct wgf_store *store, int column);

/* Writes rows [first, first + count) of a column, contiguous in `rows` (count x the row's elements; for flat shapes
 * first and count are elements). Independent, never collective. On return the bytes are with the operating system: a
 * process kill loses nothing, and later writes land after earlier ones. */
wgf_status wgf_store_write(struct wgf_store *store, int column, int64_t first, int64_t count, const void *rows,
                           struct wgf_error *error);

/* Reads likewise; independent. A TEXT column gives allocated strings, each freed by the caller. Errors: WGF_EDATA for
 * damage, which is said of bytes that were read alone; WGF_EIO where they could not be read; WGF_EMEMORY. */
wgf_status wgf_store_read(struct wgf_store *store, int column, int64_t first, int64_t count, void *rows,
                          struct wgf_error *error);

/* fsync. Independent. */
wgf_status wgf_store_sync(struct wgf_store *store, struct wgf_error *error);

/* Is the open file still what its name leads to, with all its bytes? Independent. Errors: WGF_EIO, with where it is. */
wgf_status wgf_store_check_name(const struct wgf_store *store, struct wgf_error *error);

/* Gives an open file that has been removed its name again, with all that has been written, if the name is free. One
 * process, while nobody writes. False: nothing was to be done, or it cannot be. */
bool wgf_store_restore(const struct wgf_store *store);

/* Why was something not found, or found wrong? Returns `status` unless the system has failed a read of attributes or of
 * the layout; then WGF_EIO, and *error (which may be NULL) says that instead. Every verdict on what such a reading gave
 * goes through here: an error of reading is not damage. */
wgf_status wgf_store_cause(const struct wgf_store *store, wgf_status status, struct wgf_error *error);

/* Root attributes. Text is allocated, freed by the caller; NULL when absent. */
char *wgf_store_text(struct wgf_store *store, const char *name);
bool wgf_store_number(struct wgf_store *store, const char *name, uint64_t *number);
/* The texts and the list are allocated, freed by the caller; NULL with *count 0 when absent or empty. */
char **wgf_store_list(struct wgf_store *store, const char *name, int *count);

/* All root attributes, in the order in which they were made, each with its text, list or number; freed by
 * wgf_store_free_attributes. NULL when memory ends, or an attribute is none of these. */
struct wgf_attribute *wgf_store_attributes(struct wgf_store *store, int *count);
void wgf_store_free_attributes(struct wgf_attribute *attributes, int count);

/* Holds the file for one run, and clears away what a killed creation left beside it. Given back when the process ends,
 * killed or not. Readers are not hindered. Returns a descriptor to keep (close() gives the lock back), or -1 with
 * errno: EAGAIN when another run holds it, else why the file cannot be opened. A file system without locks gives a
 * descriptor and no protection. */
int wgf_store_lock(const char *path);

/* Does a run hold the file? 1: yes, 0: no, -1: the file system does not tell. */
int wgf_store_held(const char *path);

/* Versions of the libraries beneath, for provenance: "HDF5 1.10.8". */
const char *wgf_store_library(void);

#endif
