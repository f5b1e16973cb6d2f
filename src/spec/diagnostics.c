/* Errors with places: the first hundred are kept in order of place, the rest are counted. */
#include "wgf/spec/diagnostics.h"

#include "wgf/base/text.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 100, MESSAGE_LENGTH = 400 };

struct wgf_diagnostic {
    struct wgf_place place;
    char *file; /* of the place: the spec may be gone before its errors */
    char message[MESSAGE_LENGTH];
};

static bool same_file(struct wgf_place a, struct wgf_place b)
{
    return a.file && b.file ? strcmp(a.file, b.file) == 0 : a.file == b.file;
}

bool wgf_comes_before(struct wgf_place a, struct wgf_place b)
{
    return same_file(a, b) && (a.line != b.line ? a.line < b.line : a.column < b.column);
}

bool wgf_same_place(struct wgf_place a, struct wgf_place b)
{
    return same_file(a, b) && a.line == b.line && a.column == b.column;
}

/* A byte that continues a UTF-8 character. */
static bool continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

static void make_harmless(char *message)
{
    for (char *at = message; *at; at++) {
        const unsigned char byte = (unsigned char)*at, next = (unsigned char)at[1];
        const bool c1 = byte == 0xC2 && next >= 0x80 && next < 0xA0;
        if (byte < 0x20 || byte == 0x7F)
            *at = '?';
        else if (c1)
            at[0] = at[1] = '?';
    }
}

/* Makes room at the rank of the place among the errors kept, after equal places. NULL: it is beyond the last. */
static struct wgf_diagnostic *make_room(struct wgf_diagnostics *diagnostics, struct wgf_place place)
{
    if (!diagnostics->list && !(diagnostics->list = calloc(KEPT, sizeof *diagnostics->list)))
        return NULL;
    int rank = diagnostics->count;
    while (rank > 0 && wgf_comes_before(place, diagnostics->list[rank - 1].place))
        rank--;
    if (rank == KEPT)
        return NULL;
    if (diagnostics->count == KEPT)
        free(diagnostics->list[KEPT - 1].file);
    const int moved = (diagnostics->count < KEPT ? diagnostics->count : KEPT - 1) - rank;
    memmove(&diagnostics->list[rank + 1], &diagnostics->list[rank], (size_t)moved * sizeof *diagnostics->list);
    return &diagnostics->list[rank];
}

void wgf_diagnose(struct wgf_diagnostics *diagnostics, struct wgf_place place, const char *format, ...)
{
    struct wgf_diagnostic *diagnostic = make_room(diagnostics, place);
    if (!diagnostic || diagnostics->count == KEPT)
        diagnostics->dropped++;
    else
        diagnostics->count++;
    if (!diagnostic)
        return;
    diagnostic->file = place.file ? strdup(place.file) : NULL;
    diagnostic->place = (struct wgf_place){place.line, place.column, diagnostic->file};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(diagnostic->message, MESSAGE_LENGTH, format, arguments);
    va_end(arguments);
    wgf_repair_utf8(diagnostic->message);
    make_harmless(diagnostic->message);
}

void wgf_diagnostics_print(const struct wgf_diagnostics *diagnostics, const char *kind, const char *file, FILE *out)
{
    for (int i = 0; i < diagnostics->count; i++) {
        const struct wgf_diagnostic *diagnostic = &diagnostics->list[i];
        if (diagnostic->place.line == 0) {
            fprintf(out, "wgf: %s: %s\n", kind, diagnostic->message);
        } else {
            fprintf(out, "%s:%d:%d: %s: %s\n", diagnostic->file ? diagnostic->file : file, diagnostic->place.line,
                    diagnostic->place.column, kind, diagnostic->message);
        }
    }
    if (diagnostics->dropped > 0)
        fprintf(out, "wgf: %s: %s has %d more %ss that are not shown\n", kind, file, diagnostics->dropped, kind);
}

bool wgf_diagnostics_have(const struct wgf_diagnostics *diagnostics, struct wgf_place place, const char *message)
{
    bool found = false;
    for (int i = 0; !found && i < diagnostics->count; i++)
        found = wgf_same_place(diagnostics->list[i].place, place) && strcmp(diagnostics->list[i].message, message) == 0;
    return found;
}

bool wgf_diagnostics_any(const struct wgf_diagnostics *diagnostics)
{
    return diagnostics->count > 0 || diagnostics->dropped > 0;
}

void wgf_diagnostics_clear(struct wgf_diagnostics *diagnostics)
{
    for (int i = 0; i < diagnostics->count; i++)
        free(diagnostics->list[i].file);
    free(diagnostics->list);
    *diagnostics = (struct wgf_diagnostics){0};
}

struct wgf_excerpt wgf_excerpt(const char *text)
{
    static const char ellipsis[] = "…";
    struct wgf_excerpt excerpt = {""};
    const size_t room = sizeof excerpt.text - sizeof ellipsis;
    size_t length = strnlen(text, sizeof excerpt.text);
    const bool cut = length > room;
    if (cut) {
        for (length = room; length > 0 && continues(text[length]); length--) {
        }
    }
    memcpy(excerpt.text, text, length);
    strcpy(excerpt.text + length, cut ? ellipsis : "");
    return excerpt;
}
