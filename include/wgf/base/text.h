/* Texts as result files want them: one byte that is no UTF-8 makes xarray refuse a whole file. */
#ifndef WGF_BASE_TEXT_H
#define WGF_BASE_TEXT_H

#include <stdbool.h>

bool wgf_is_utf8(const char *text);

/* Makes UTF-8 of a text, in place: a character that the end cuts goes, and other bytes that are none become '?'. */
void wgf_repair_utf8(char *text);

#endif
