/* UTF-8 for result files, where a single invalid byte makes xarray refuse the whole file, and for terminals. */
#ifndef WGF_BASE_TEXT_H
#define WGF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

bool wgf_is_utf8(const char *text);

/* Makes a text valid UTF-8 in place: a character cut off at the end is removed, other invalid bytes become '?'. */
void wgf_repair_utf8(char *text);

/* Copies `size` bytes of text, or fewer where the last character is cut (`*used` says how many), and returns the bytes
 * of the copy. Characters that command a terminal or turn the text beside them around become \uXXXX, as in JSON: the
 * controls U+0000 to U+001F (but tab and line feed) and U+007F to U+009F, line separators, and those that set the
 * direction of text. Bytes that are not UTF-8 become '?'. Room of the copy: WGF_ESCAPE_GROWTH * size bytes. */
enum { WGF_ESCAPE_GROWTH = 6 };
size_t wgf_escape(const char *text, size_t size, size_t *used, char *copy);

/* The nearest name by edit distance among `count` names, for "did you mean"; NULL when none is near. */
const char *wgf_nearest_name(const char *word, const char *const *names, int count);

/* Lists in one text: items between commas, without the blanks around them; in quotes, two of which stand for one, where
 * they hold a comma or a quote, or begin or end in a blank. Next takes an item off *rest, changing the text, and leaves
 * *rest NULL after the last one; NULL: there is none. Write needs room for WGF_LIST_ROOM of an item's length, adds no
 * NUL and returns the bytes written. */
#define WGF_LIST_ROOM(length) (2 * (length) + 2)
char *wgf_list_next(char **rest);
size_t wgf_list_write(const char *item, char *out);

#endif
