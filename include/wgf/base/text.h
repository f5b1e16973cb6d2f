/* UTF-8 for result files: a single invalid byte makes xarray refuse the whole file. */
#ifndef WGF_BASE_TEXT_H
#define WGF_BASE_TEXT_H

#include <stdbool.h>

bool wgf_is_utf8(const char *text);

/* Makes a text valid UTF-8 in place: a character cut off at the end is removed, other invalid bytes become '?'. */
void wgf_repair_utf8(char *text);

#endif
