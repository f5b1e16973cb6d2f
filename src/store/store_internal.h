/* What the files of the store share. Everything here is private to src/store. */
#ifndef WGF_STORE_STORE_INTERNAL_H
#define WGF_STORE_STORE_INTERNAL_H

#include "wgf/store/store.h"

#include <hdf5.h>

enum {
    WGF_STORE_SCHEMA = 1,
    WGF_STORE_SHAPES = WGF_SHAPE_STATE + 1, /* with a dimension of their own */
    WGF_STORE_TYPES = WGF_COLUMN_CHARS + 1,
    WGF_STORE_NAME_LENGTH = 64,
    WGF_STORE_REASON_LENGTH = 320,
    WGF_STORE_REFERENCE = 16, /* bytes of a text in its column: length 4, address 8, number 4; little-endian */
    WGF_STORE_PAGE =
        4096, /* columns of some size start at multiples: numbers that lie across words are slow to write */
    WGF_STORE_ALIGNED = 16 * WGF_STORE_PAGE,
};

/* Between watch and unwatch HDF5 prints nothing, and `reason` keeps why the first of its calls failed, the first
 * that the system failed before all others. Cleaning up after a failure therefore does not wipe out its cause, as it
 * does HDF5's own error stack. */
struct wgf_store_watch {
    H5E_auto2_t printer;
    void *printer_data;
    char reason[WGF_STORE_REASON_LENGTH]; /* "" while nothing has failed */
    bool access; /* the reason is of the system, MPI or memory: it says nothing about the bytes of the file */
};
void wgf_store_watch(struct wgf_store_watch *watch);
void wgf_store_unwatch(struct wgf_store_watch *watch);

/* Layout: what a type or a shape means in numbers. The dimension of a shape is its last; job is the first of all but
 * the flat ones and the table. */
struct wgf_store_dimension {
    const char *name;
    const char *long_name; /* of the coordinate variable; NULL: a dimension without one */
};
extern const struct wgf_store_dimension wgf_store_dimensions[WGF_STORE_SHAPES];

bool wgf_store_is_flat(enum wgf_column_shape shape);
enum wgf_column_shape wgf_store_first(enum wgf_column_shape shape); /* whose dimension counts rows */
enum wgf_column_shape wgf_store_last(enum wgf_column_shape shape);
int64_t wgf_store_length(const struct wgf_store_extent *extent, enum wgf_column_shape shape);
int64_t wgf_store_row_elements(const struct wgf_store_extent *extent, enum wgf_column_shape shape);
int64_t wgf_store_row_count(const struct wgf_store_extent *extent, enum wgf_column_shape shape);
int wgf_store_rank(enum wgf_column_shape shape);
size_t wgf_store_element_size(enum wgf_column_type type);
double wgf_store_column_bytes(const struct wgf_store_extent *extent, const struct wgf_column *column);
double wgf_store_scale_bytes(const struct wgf_store_extent *extent);
void wgf_store_fill_empty(enum wgf_column_type type, size_t count, void *elements);

/* The HDF5 type of a column, the same in memory and (but for byte order) in the file; closed by the caller. */
hid_t wgf_store_memory_type(enum wgf_column_type type);
hid_t wgf_store_file_type(enum wgf_column_type type);

/* File access by which every handle of ours opens a file; closed by the caller. */
hid_t wgf_store_access(bool team);

/* A slab of a dataset: rows, and elements of a row (1 for a dataset of one dimension). Starting from
 * {.start = {first, 0}}, next walks over rows first … end - 1 of `width` elements each, at most `most` elements at a
 * time and each slab contiguous; false when all have been given. */
struct wgf_store_slab {
    hsize_t start[2], size[2];
};
bool wgf_store_next_slab(struct wgf_store_slab *slab, hsize_t end, hsize_t width, hsize_t most);

/* Moves a slab: writes `from`, or where that is NULL reads to `to`. `space` is the dataset's own, `type` that in
 * memory. */
bool wgf_store_move(hid_t dataset, hid_t space, hid_t type, const struct wgf_store_slab *slab, const void *from,
                    void *to);

/* Texts read without HDF5, each to be freed by the caller; false with errno, which is 0 when one is damaged, and none
 * is then left. Their offset as wgf_store_text_offset found it. */
struct wgf_store;
struct wgf_store_column;
struct wgf_store_heap;
bool wgf_store_read_texts(struct wgf_store *store, const struct wgf_store_column *column, int64_t first, int64_t count,
                          char **texts);
int64_t wgf_store_text_offset(hid_t file, hid_t dataset);
void wgf_store_heap_free(struct wgf_store_heap *heap);

/* Turns HDF5's strings into the caller's own; on failure all are gone. */
bool wgf_store_own_texts(char **texts, int64_t count);

/* Attributes, as netCDF-4 writes them. All return whether HDF5 did it. */
bool wgf_store_put_text(hid_t object, const char *name, const char *text);
bool wgf_store_put_string(hid_t object, const char *name, const char *text);
bool wgf_store_put_list(hid_t object, const char *name, const char *const *list, int count);
bool wgf_store_put_number(hid_t object, const char *name, uint64_t number);
bool wgf_store_put_column_attributes(hid_t dataset, const struct wgf_column *column);

/* Dimension scales, one a dimension that is not of size 0 (else H5I_INVALID_HID); `scales` has WGF_STORE_SHAPES. */
bool wgf_store_make_scales(hid_t file, const struct wgf_store_extent *extent, hid_t *scales);
bool wgf_store_attach_scales(hid_t dataset, enum wgf_column_shape shape, const hid_t *scales);

/* A file being made. Closing `file` closes all that building it left open. */
struct wgf_store_builder {
    hid_t file;
    int descriptor;  /* of the same file, to reserve room by */
    double reserved; /* end of the room that has been reserved */
    const struct wgf_store_schema *schema;
    wgf_store_fill *fill;
    void *context;
    const volatile sig_atomic_t *interrupted; /* or NULL */
    int system_error;                         /* errno of a reservation that failed, EINTR of an interruption */
};
bool wgf_store_build(struct wgf_store_builder *builder);

/* A column of an open file. Plain data up to `dataset`, so that one process can tell the others. */
struct wgf_store_column {
    char name[WGF_STORE_NAME_LENGTH];
    enum wgf_column_type type;
    enum wgf_column_shape shape;
    bool may_lack_room;
    bool stored;           /* has room in the file; otherwise it is never opened, and reads as the empty value */
    bool chunked;          /* or compact: rewritten by h5repack, say; can be read only */
    int64_t offset, bytes; /* of all elements in the file; -1 unless in one piece */
    int64_t text_offset;   /* of the references of texts in the file, in bytes; -1: only HDF5 can read them */
    int64_t direct;        /* offset in the file of rows that can be written without HDF5, or -1 */
    hid_t dataset, space;  /* of stored columns */
};

struct wgf_store {
    bool team, writable;
    bool broken;                           /* a write failed */
    char *path;                            /* as it was opened */
    char failure[WGF_STORE_REASON_LENGTH]; /* why the system failed a read of metadata; "": it failed none */
    int64_t size;                          /* bytes of the file, which is as long when it is made as it ever is */
    int64_t last;                          /* offset of its last byte that is not 0, if rows never change that; or -1 */
    int descriptor;                        /* for fsync, and for rows that are written directly */
    hid_t file;
    struct wgf_store_extent extent;
    int column_count;
    struct wgf_store_column *columns;
    hid_t types[WGF_STORE_TYPES]; /* in memory */
    size_t most_bytes;            /* of one read or write */
    struct wgf_store_heap *heap;  /* where texts are read from; NULL until then */
};

/* Keeps a failure of the system for wgf_store_cause. */
void wgf_store_note(struct wgf_store *store, const struct wgf_store_watch *watch);

/* Opens the column of that name, type and shape in an open file and checks it, by the extent of the store. Returns what
 * is wrong as the end of a sentence, and nothing is then open; or NULL. */
const char *wgf_store_open_column(const struct wgf_store *store, struct wgf_store_column *column);
void wgf_store_close_column(struct wgf_store_column *column);

/* Finds the dimensions of an open file and opens those of the known columns that it has. Returns what is wrong
 * likewise, and with which variable (`name`). The store has room for all known columns. */
const char *wgf_store_survey(struct wgf_store *store, const struct wgf_columns *known, const char **name);

/* Closes the file of a lone process. `sound`: all that was written to it came through. False: not all did; then what
 * HDF5 has left to write is lost. */
bool wgf_store_close_file(hid_t file, bool sound);

/* False, with errno: ENOENT once the open file has been removed or another renamed over it. */
bool wgf_store_is_named(int descriptor, const char *path);

/* Leaves `last` of an open file. Once that byte is 0 the file has been cut, and later writes have made it as long as it
 * was. */
void wgf_store_find_last(struct wgf_store *store);

/* Temporaries of a creation: made and locked by begin (descriptor, or -1 with errno); `temporary` has room for
 * strlen(path) + WGF_STORE_SUFFIX bytes. */
enum { WGF_STORE_SUFFIX = 32 };
int wgf_store_begin_temporary(const char *path, char *temporary);
/* Syncs a temporary and renames it to `path`. On failure both are as they were. */
wgf_status wgf_store_publish(int descriptor, const char *temporary, const char *path, bool replace,
                             struct wgf_error *error);
/* Removes temporaries beside `path` whose makers are dead. */
void wgf_store_remove_stale(const char *path);

#endif
