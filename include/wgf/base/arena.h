/* Arrays of any type from one allocation, each on cache lines of its own.
 *
 * A workspace has one function, lay_out, that takes all of its arrays. Run on a zeroed arena it measures; after
 * wgf_arena_allocate it runs again and hands the arrays out. So the memory that a job announces and the memory that it
 * uses are one formula. A workspace that contains others calls their lay_out from its own. */
#ifndef WGF_BASE_ARENA_H
#define WGF_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct wgf_arena {
    double used;  /* bytes so far; a double, which no count overflows */
    char *memory; /* NULL: the arena only measures */
    void *block;  /* what wgf_arena_free releases */
};

/* The next array of `count` elements of `size` bytes, zeroed; NULL while measuring. */
void *wgf_arena_take(struct wgf_arena *arena, double count, size_t size);

/* Allocates what was measured and starts again at its beginning. False: no memory, or more than any machine has. */
bool wgf_arena_allocate(struct wgf_arena *arena);

/* Frees the memory of the arena; all its arrays are gone. A zeroed arena is fine. */
void wgf_arena_free(struct wgf_arena *arena);

#endif
