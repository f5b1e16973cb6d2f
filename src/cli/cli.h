/* What the subcommands share. Each is one file with one function, and a row of the table in main.c. */
#ifndef WGF_CLI_H
#define WGF_CLI_H

#include "wgf/run/run.h"

#include <stdbool.h>

/* src/README.md "Commands and exit codes". */
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
int wgf_cli_predict(int argc, char **argv);
int wgf_cli_distance(int argc, char **argv);
int wgf_cli_learn(int argc, char **argv);
int wgf_cli_aggregate(int argc, char **argv);
int wgf_cli_merge(int argc, char **argv);
int wgf_cli_verify(int argc, char **argv);
int wgf_cli_params(int argc, char **argv);
int wgf_cli_isolate(int argc, char **argv);

/* The JSON Schema of a spec as text, which the caller frees; NULL: no memory. */
char *wgf_cli_schema(void);

/* The exit code of an outcome. */
int wgf_cli_exit(enum wgf_run_outcome outcome);

/* Prints "wgf: error: ..." to stderr, unless the message is empty, and returns the exit code of the status. */
int wgf_cli_error(const struct wgf_error *error);

/* Prints "wgf COMMAND: error: ..., see wgf COMMAND --help" and returns WGF_EXIT_USAGE. */
int wgf_cli_misuse(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes the plan of a spec's text and prints its errors; the caller frees *list. Returns an exit code. */
int wgf_cli_plan_text(struct wgf_job_list *list, const char *file, const char *text, size_t length,
                      const char *const *sets, int set_count);

/* The same from a file. */
int wgf_cli_plan_file(struct wgf_job_list *list, const char *file, const char *const *sets, int set_count);

/* The plan that a result file was made from, by the file's attributes; the caller frees *list. Returns an exit code. */
int wgf_cli_plan_of(struct wgf_job_list *list, struct wgf_store *store);

/* What is printed from now on is data for a program: it stays as it is, unless a terminal is there to read it. */
void wgf_cli_print_data(void);

/* Does the job still have the key that the file has for it? Errors: of reading; WGF_EDATA, a sentence that begins with
 * the job and `what`. */
wgf_status wgf_cli_check_key(struct wgf_store *store, const struct wgf_plan *plan, int64_t job, const char *what,
                             struct wgf_error *error);

/* Read the words of --jobs (0-9,17) and --shard (I/N, 0 <= I < N); wgf_selection_free frees the selection. Return an
 * exit code, after a sentence when it is not 0. */
int wgf_cli_take_jobs(const char *command, const char *word, struct wgf_selection *selection);
int wgf_cli_take_shard(const char *command, const char *word, struct wgf_selection *selection);

/* Adds the words of --where to a query on jobs, begun and empty. Returns an exit code, likewise. */
struct wgf_words;
struct wgf_query;
int wgf_cli_take_where(const char *command, const struct wgf_words *words, struct wgf_query *query);

/* The program's version and revision, for `wgf --version` and for result files. */
extern const char *const wgf_cli_version, *const wgf_cli_revision;

#endif
