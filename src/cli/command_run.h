/* The parts of `wgf run`: values of its options (run_values.c) and its last words (run_report.c). */
#ifndef WGF_CLI_COMMAND_RUN_H
#define WGF_CLI_COMMAND_RUN_H

#include "wgf/run/run.h"

#include <stdio.h>

/* Read the word of an option; return an exit code, after a sentence when it is not 0. */
int wgf_cli_take_progress(const char *word, struct wgf_run_options *run);
int wgf_cli_take_retry(const char *word, struct wgf_run_options *run);
int wgf_cli_take_attempts(const char *word, struct wgf_run_options *run);
int wgf_cli_take_duration(const char *option, const char *word, bool may_be_zero, double *seconds);

/* Prints what a run did. */
void wgf_cli_print_report(const struct wgf_team *team, const struct wgf_run_options *options,
                          const struct wgf_run_report *report, FILE *out);

#endif
