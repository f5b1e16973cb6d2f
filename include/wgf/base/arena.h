/* Arrays of eight-byte numbers out of one allocation, each on a cache line of its own. */
#ifndef WGF_BASE_ARENA_H
#define WGF_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

enum { WGF_LINE = 8 }; /* numbers in a cache line */

/* Without memory it only counts. The count is a double, which a cloud of any size cannot overflow. */
struct wgf_arena {
    double *memory;
    double used;
};

static inline void *wgf_arena_take(struct wgf_arena *arena, double rows, double columns)
{
    void *taken = arena->memory ? arena->memory + (int64_t)arena->used : NULL;
    double lines = (rows * columns + WGF_LINE - 1) / WGF_LINE;
    arena->used += lines < 0x1p60 ? (double)((int64_t)lines * WGF_LINE) : lines * WGF_LINE;
    return taken;
}

#endif
