/* What the subcommands share. Each is one file with one function, and a row of the table in main.c. */
#ifndef WGF_CLI_H
#define WGF_CLI_H

#include "wgf/plan/plan.h"

#include <stdbool.h>

/* Exit codes: CONTRACT 1. */
enum wgf_exit {
    WGF_EXIT_OK = 0,
    WGF_EXIT_ERROR = 1,
    WGF_EXIT_USAGE = 2,
    WGF_EXIT_FAILURES = 3,
    WGF_EXIT_STOPPED = 75,
};

int wgf_cli_plan(int argc, char **argv);
int wgf_cli_run(int argc, char **argv);
int wgf_cli_status(int argc, char **argv);
int wgf_cli_show(int argc, char **argv);
int wgf_cli_aggregate(int argc, char **argv);
int wgf_cli_merge(int argc, char **argv);
int wgf_cli_verify(int argc, char **argv);
int wgf_cli_params(int argc, char **argv);
int wgf_cli_alone(int argc, char **argv);

/* Prints "wgf: error: ..." to stderr and returns the exit code that the status stands for. */
int wgf_cli_error(const struct wgf_error *error);

/* Prints "wgf COMMAND: error: ..., see wgf COMMAND --help" and returns WGF_EXIT_USAGE. */
int wgf_cli_misuse(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A getopt_long error (opt is '?' or ':') as a sentence, with the nearest of the options. Returns WGF_EXIT_USAGE. */
struct option;
int wgf_cli_bad_option(const char *command, int opt, char **argv, const struct option *options);

/* A spec with its plan. */
struct wgf_job_list {
    struct wgf_spec *spec;
    struct wgf_plan *plan;
};

/* Makes the plan of a spec's text; prints its errors when `loud`. Returns an exit code. */
int wgf_cli_plan_text(struct wgf_job_list *list, const char *file, const char *text, size_t length,
                      const char *const *sets, int set_count, bool loud);

/* The same from a file. */
int wgf_cli_plan_file(struct wgf_job_list *list, const char *file, const char *const *sets, int set_count);
void wgf_cli_plan_free(struct wgf_job_list *list);

/* The path of a file to be made: a link stays, and the file that it leads to is made. Allocated, freed by the caller; NULL
 * after a sentence when it leads nowhere. */
char *wgf_cli_follow(const char *output);

/* Is there a result file at the path, so that it may be replaced (`overwrite`) or taken up again? Holds it for this
 * process. Both return an exit code, after a sentence when it is not 0. */
int wgf_cli_check_old(const char *path, bool overwrite);
int wgf_cli_hold(const char *path, int *lock);

/* Flushes stdout: an exit code that says whether all was written (a full disk, say). */
int wgf_cli_flush(void);

/* Version line of `wgf --version`, and what a result file says of where it comes from. */
extern const char *const wgf_cli_version, *const wgf_cli_revision;

#endif
