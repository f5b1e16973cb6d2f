/* UTF-8 by RFC 3629, section 4; controls and directions of text by Unicode 15, chapters 23.1 and 23.2. */
#include "wgf/base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool continues(unsigned char byte)
{
    return byte >= 0x80 && byte <= 0xBF;
}

/* Bytes of the character that a text begins with; 0 when it begins with none. The range of the second byte excludes
 * surrogates, overlong forms and code points beyond U+10FFFF. */
static size_t character(const unsigned char *text)
{
    const unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (text[1] < low || text[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!continues(text[i]))
            return 0;
    return length;
}

bool wgf_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = 1;
    for (; *at && length; at += length)
        length = character(at);
    return length > 0;
}

/* Does the text end within the character that its first byte begins? */
static bool is_cut(const unsigned char *text)
{
    do
        text++;
    while (continues(*text));
    return *text == '\0';
}

void wgf_repair_utf8(char *text)
{
    for (unsigned char *at = (unsigned char *)text; *at;) {
        const size_t length = character(at);
        if (length == 0)
            *at = *at >= 0xC2 && is_cut(at) ? '\0' : '?';
        else
            at += length;
    }
}

static uint32_t code_point(const unsigned char *text, size_t length)
{
    static const unsigned char masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t code = text[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (text[i] & 0x3F);
    return code;
}

static bool commands_terminal(uint32_t code)
{
    return (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x7F && code < 0xA0) || code == 0x61C ||
           code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069);
}

size_t wgf_escape(const char *text, size_t size, size_t *used, char *copy)
{
    enum { LONGEST = 4 }; /* bytes of a character */
    char *end = copy;
    for (*used = 0; *used < size;) {
        unsigned char next[LONGEST + 1] = {0};
        const size_t left = size - *used;
        memcpy(next, text + *used, left < LONGEST ? left : LONGEST);
        const size_t length = character(next);
        if (length == 0 && left < LONGEST && next[0] >= 0xC2 && next[0] <= 0xF4 && is_cut(next))
            break;
        if (length == 0) {
            *end++ = '?';
        } else if (commands_terminal(code_point(next, length))) {
            end += sprintf(end, "\\u%04x", (unsigned)code_point(next, length) & 0xFFFF);
        } else {
            memcpy(end, next, length);
            end += length;
        }
        *used += length ? length : 1;
    }
    return (size_t)(end - copy);
}
