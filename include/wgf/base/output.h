/* stdout and stderr as every command of the program writes to them: no character commands a terminal. */
#ifndef WGF_BASE_OUTPUT_H
#define WGF_BASE_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

/* From here on all that is written to stdout and stderr passes wgf_escape (wgf/base/text.h): names, messages of foreign
 * files and words of the command line may hold anything. Once, at the beginning of main. Where there is no memory for
 * it, both stay as they are. */
void wgf_output_begin(void);

/* Whether what follows on the stream is written as it is: commands of our own to a terminal, or data for a program.
 * Flushes the stream. Does nothing to other streams than stdout and stderr, or without wgf_output_begin. */
void wgf_output_exact(FILE *stream, bool exact);

/* The descriptor of any stream, stdout and stderr included, for which fileno knows none; -1: it has none. */
int wgf_output_descriptor(FILE *stream);

#endif
