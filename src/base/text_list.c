/* Lists in one text. Quotes are those of RFC 4180, section 2. */
#include "wgf/base/text.h"

#include <string.h>

static char *skip_blanks(char *at)
{
    return at + strspn(at, " \t");
}

/* Takes the quotes off, in place. Returns what follows the closing one. */
static char *unquote(char *item)
{
    char *out = item, *at = item + 1;
    for (; *at && (*at != '"' || at[1] == '"'); at++) {
        at += *at == '"';
        *out++ = *at;
    }
    at += *at == '"';
    *out = '\0';
    return at;
}

char *wgf_list_next(char **rest)
{
    if (!*rest)
        return NULL;
    char *const item = skip_blanks(*rest);
    const bool quoted = *item == '"';
    char *end = quoted ? unquote(item) : item;
    end += strcspn(end, ",");
    *rest = *end ? end + 1 : NULL;
    if (!quoted) {
        while (end > item && strchr(" \t", end[-1]))
            end--;
        *end = '\0';
    }
    return item;
}

size_t wgf_list_write(const char *item, char *out)
{
    const size_t length = strlen(item);
    const bool bare =
        length > 0 && !strpbrk(item, ",\"") && !strchr(" \t", item[0]) && !strchr(" \t", item[length - 1]);
    char *at = out;
    if (!bare)
        *at++ = '"';
    for (; *item; item++) {
        if (*item == '"')
            *at++ = '"';
        *at++ = *item;
    }
    if (!bare)
        *at++ = '"';
    return (size_t)(at - out);
}
