/* wgf learn in two parts: energies of jobs (command_learn.c), a table of duals of several (learn_duals.c). */
#ifndef WGF_CLI_LEARN_H
#define WGF_CLI_LEARN_H

#include "kept.h"

#include "wgf/result/learned.h"

/* Are the job's states those of a descent, a step or more? WGF_EUSAGE: not, with a sentence. */
wgf_status wgf_cli_learn_check(const struct wgf_kept *kept, int64_t job, struct wgf_error *error);

/* The file that is to be made. wgf_cli_learn_end follows in any case. */
struct wgf_learn_output {
    char *path;
    bool exists;
    int lock;
};

/* Is the file another one than those that are read (count of them), and may it be made? It is held from then on. */
wgf_status wgf_cli_learn_begin(struct wgf_learn_output *output, const char *name, bool overwrite, char *const *files,
                               int count, struct wgf_error *error);
/* `making` lacks what both kinds of files have: attributes before its own, such as what it is learned from (NULL: no
 * memory) and the name of the sweep in `store`, and how it is made. */
wgf_status wgf_cli_learn_make(const struct wgf_learn_output *output, struct wgf_learned_making *making,
                              struct wgf_store *store, const char *from, struct wgf_error *error);
void wgf_cli_learn_end(struct wgf_learn_output *output);

/* What --duals asks for; everything is borrowed. */
struct wgf_duals_request {
    char *const *files; /* count */
    int count;
    const char *output;
    const struct wgf_selection *selection; /* in each file */
    bool overwrite, csv;
};

/* Makes the table and prints what it was learned from. Returns an exit code. */
int wgf_cli_learn_duals(const struct wgf_duals_request *request);

#endif
