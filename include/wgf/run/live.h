/* What a run tells of itself to other processes while it runs: the file OUT.h5.progress beside the result file, written
 * by the master about once a second, from the first second on, and removed at the end. Nothing depends on it: what
 * cannot be written is not, and what is damaged, or left by a kill, is not read. src/store/README.md "While a run is
 * writing". */
#ifndef WGF_RUN_LIVE_H
#define WGF_RUN_LIVE_H

#include "wgf/run/progress.h"

/* What the file begins with, in the byte order of the machine; `known` running jobs follow, struct wgf_running each. */
struct wgf_live {
    char magic[8];
    int64_t version;
    double when;                     /* seconds since 1970 */
    int64_t workers, running, known; /* processes that run jobs; jobs that run; those of which something is known */
    double fraction;                 /* of the run that is done, by predicted costs */
    double left;                     /* seconds; NaN: not known */
    uint64_t hash;                   /* XXH3, 64 bits, seed 0: of what is before this and of what follows */
};

/* For a result file that exists; NULL: no memory. A file of an earlier run is removed. */
struct wgf_live_file;
struct wgf_live_file *wgf_live_open(const char *result_file);
/* Removes the file. NULL is fine. */
void wgf_live_close(struct wgf_live_file *file);

/* Writes the file, if a second has passed since it was opened or written. Fills in magic, version, when and hash. */
void wgf_live_write(struct wgf_live_file *file, struct wgf_live *live, const struct wgf_running *jobs);

/* Reads the file of a result file: *jobs are live->known, allocated. False: there is none, or it is of no use. */
bool wgf_live_read(const char *result_file, struct wgf_live *live, struct wgf_running **jobs);

#endif
