/* Errors, or warnings, with places, gathered so that all errors of a file are reported, not only the first. */
#ifndef WGF_SPEC_DIAGNOSTICS_H
#define WGF_SPEC_DIAGNOSTICS_H

#include <stdbool.h>
#include <stdio.h>

/* A place in a spec, counted from 1. line 0: the command line (a --set). */
struct wgf_place {
    int line, column;
    const char *file; /* of a spec that is extended; NULL: the spec itself */
};

/* Is it an earlier place of the same file? */
bool wgf_comes_before(struct wgf_place a, struct wgf_place b);
bool wgf_same_place(struct wgf_place a, struct wgf_place b);

struct wgf_diagnostic;

/* Zero-initialise. Keeps the first 100 errors, in order of place in each file, and counts the rest. */
struct wgf_diagnostics {
    struct wgf_diagnostic *list;
    int count;   /* kept */
    int dropped; /* beyond those kept */
};

/* Adds one error; message without "error:" and without a full stop. Control characters in it become '?', so that a
 * message is always one line and harmless to a terminal. */
void wgf_diagnose(struct wgf_diagnostics *diagnostics, struct wgf_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Prints FILE:LINE:COL: KIND: MESSAGE, a line each, in order of place; `wgf: KIND: MESSAGE` for line 0. `file` is the
 * spec. The kind is "error" or "warning". */
void wgf_diagnostics_print(const struct wgf_diagnostics *diagnostics, const char *kind, const char *file, FILE *out);

/* Is this error there already? */
bool wgf_diagnostics_have(const struct wgf_diagnostics *diagnostics, struct wgf_place place, const char *message);

bool wgf_diagnostics_any(const struct wgf_diagnostics *diagnostics);
void wgf_diagnostics_clear(struct wgf_diagnostics *diagnostics);

/* The beginning of what a user wrote, short enough for a sentence; whole UTF-8 characters, `…` where it was cut.
 * By value: wgf_excerpt(text).text lives until the end of the full expression. */
struct wgf_excerpt {
    char text[64];
};
struct wgf_excerpt wgf_excerpt(const char *text);

#endif
