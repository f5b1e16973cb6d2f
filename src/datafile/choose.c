/* Which columns of a CSV are inputs, and which is the label. A name comes before a number: a header of years is one of
 * names. */
#include "internal.h"

#include "wgf/base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct choice {
    const char *path;
    const char *const *names; /* NULL: no header */
    int64_t count;
};

/* A whole number without sign; -1: it is none, or beyond any table. */
static int64_t number_of(const char *word)
{
    const size_t length = strlen(word);
    return length > 0 && length < 10 && strspn(word, "0123456789") == length ? strtol(word, NULL, 10) : -1;
}

static wgf_status fail_missing(const struct choice *choice, const char *param, const char *word,
                               struct wgf_error *error)
{
    const char *const nearest =
        choice->names && choice->count < INT32_MAX ? wgf_nearest_name(word, choice->names, (int)choice->count) : NULL;
    if (nearest && wgf_is_utf8(nearest))
        return wgf_fail(error, WGF_EUSAGE, "%s: %s has no column '%s'; did you mean '%s'?", param, choice->path, word,
                        nearest);
    return wgf_fail(error, WGF_EUSAGE, "%s: %s has no column '%s'; use %sa number from 0 to %" PRId64, param,
                    choice->path, word, choice->names ? "a name of its header or " : "", choice->count - 1);
}

/* The column that a word means. */
static wgf_status find(const struct choice *choice, const char *param, const char *word, int64_t *column,
                       struct wgf_error *error)
{
    int64_t found = 0;
    for (int64_t i = 0; choice->names && i < choice->count; i++)
        if (strcmp(choice->names[i], word) == 0 && found++ == 0)
            *column = i;
    if (found > 1)
        return wgf_fail(error, WGF_EUSAGE, "%s: %s has %" PRId64 " columns '%s'; use the number of one, from 0", param,
                        choice->path, found, word);
    if (found == 1)
        return WGF_OK;
    *column = number_of(word);
    return *column >= 0 && *column < choice->count ? WGF_OK : fail_missing(choice, param, word, error);
}

/* Gives the columns of a list, which is changed, their places. */
static wgf_status place_inputs(const struct choice *choice, char *list, int64_t *place, int64_t *inputs,
                               struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    *inputs = 0;
    for (const char *word; !status && (word = wgf_list_next(&list));) {
        int64_t column;
        status = find(choice, "inputs", word, &column, error);
        if (!status && place[column] == WGF_PLACE_VECTOR)
            status = wgf_fail(error, WGF_EUSAGE,
                              "inputs: column '%s' of %s is the label; leave it out, or choose another label", word,
                              choice->path);
        else if (!status && place[column] != WGF_PLACE_NONE)
            status =
                wgf_fail(error, WGF_EUSAGE, "inputs: column '%s' of %s is there twice; keep one", word, choice->path);
        if (!status)
            place[column] = (*inputs)++;
    }
    return status;
}

wgf_status wgf_datafile_choose(const char *path, const struct wgf_datafile_layout *layout, const char *const *names,
                               int64_t count, int64_t *place, int64_t *inputs, struct wgf_error *error)
{
    const struct choice choice = {path, names, count};
    const bool chosen = layout->inputs && *layout->inputs;
    int64_t label = layout->vector ? count - 1 : -1;
    wgf_status status = layout->label && *layout->label ? find(&choice, "label", layout->label, &label, error) : WGF_OK;
    if (status)
        return status;
    *inputs = 0;
    for (int64_t i = 0; i < count; i++)
        place[i] = i == label ? WGF_PLACE_VECTOR : chosen ? WGF_PLACE_NONE : (*inputs)++;
    if (!chosen)
        return WGF_OK;
    char *const list = strdup(layout->inputs);
    if (!list)
        return wgf_fail(error, WGF_EMEMORY, "out of memory while reading %s", path);
    status = place_inputs(&choice, list, place, inputs, error);
    free(list);
    return status;
}
