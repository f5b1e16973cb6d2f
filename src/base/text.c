/* UTF-8 by RFC 3629, section 4. */
#include "wgf/base/text.h"

#include <stddef.h>

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
