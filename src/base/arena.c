/* One allocation carved into arrays. Invariant: `used` is a multiple of the cache line, so every array is aligned. */
#include "wgf/base/arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { LINE = 64 }; /* bytes in a cache line */

void *wgf_arena_take(struct wgf_arena *arena, double count, size_t size)
{
    char *taken = arena->memory ? arena->memory + (size_t)arena->used : NULL;
    const double bytes = count * (double)size;
    /* Whole lines in integers: ceil would be a call in the portable build, and short jobs take many arrays. */
    arena->used += bytes < 0x1p60 ? (double)(((int64_t)bytes + LINE - 1) / LINE * LINE) : bytes;
    return taken;
}

bool wgf_arena_allocate(struct wgf_arena *arena)
{
    if (!(arena->used < 0x1p60))
        return false;
    arena->block = calloc((size_t)arena->used + LINE, 1);
    if (!arena->block)
        return false;
    arena->memory = (char *)arena->block + (LINE - (uintptr_t)arena->block % LINE);
    arena->used = 0;
    return true;
}

void wgf_arena_free(struct wgf_arena *arena)
{
    free(arena->block);
    *arena = (struct wgf_arena){0};
}
