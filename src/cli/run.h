/* The parts of `wgf run`: its options (run.c), the work (run_sweep.c), what the file says of its making
 * (provenance.c). */
#ifndef WGF_CLI_RUN_H
#define WGF_CLI_RUN_H

#include "cli.h"

#include "wgf/sweep/progress.h"
#include "wgf/sweep/result.h"
#include "wgf/sweep/schedule.h"

#include <time.h>

struct wgf_run_options {
    const char *spec, *output;
    const char *const *sets;
    int set_count;
    bool overwrite, fail_fast, quiet;
    enum wgf_progress_style progress;
};

/* From here on SIGTERM, SIGINT, SIGHUP and SIGUSR1 do no more than tell the sweep to stop. */
void wgf_cli_catch_signals(void);

/* Runs the sweep. Collective over the team; every rank returns the same exit code. */
int wgf_cli_sweep(const struct wgf_team *team, const struct wgf_run_options *options);

/* Root attributes that say where a file comes from. */
enum { WGF_PROVENANCE_COUNT = 8 };
struct wgf_provenance {
    struct wgf_attribute list[WGF_PROVENANCE_COUNT];
    char created[48], host[256], libraries[512], spec_path[4096];
};

/* `created` is the instant that `started` counts from. Texts of sets are borrowed. */
void wgf_provenance_gather(struct wgf_provenance *provenance, const struct wgf_team *team,
                           const struct wgf_run_options *options, const struct timespec *created);

/* The instant that a `created` tells; false when it cannot be read. */
bool wgf_provenance_created(const char *text, struct timespec *created);

#endif
