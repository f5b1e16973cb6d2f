/* Vectors of LANES numbers in GNU C. The order of operations is written out, so every compiler and instruction set
 * gives the same bits. */
#ifndef WGF_TRANSPORT_LANES_H
#define WGF_TRANSPORT_LANES_H

#include <stdint.h>

enum { LANES = 4 };

typedef double lanes __attribute__((vector_size(8 * LANES), may_alias));
typedef int64_t places __attribute__((vector_size(8 * LANES), may_alias));
typedef int8_t flags __attribute__((vector_size(LANES)));

#define LOOP_INLINE static inline __attribute__((always_inline))

/* Orders of the lanes that bring each lane together with every other: halves exchanged, then single ones. */
static const places lane_number = {0, 1, 2, 3};
#define EXCHANGES(X) X(2, 3, 0, 1) X(1, 0, 3, 2)

/* A value and where it was found. */
struct found {
    double value;
    int64_t place;
};

/* The lanes of `yes` where the mask is set, of `no` elsewhere. */
LOOP_INLINE void choose(const places *mask, const lanes *yes, const lanes *no, lanes *chosen)
{
    *chosen = (lanes)((*mask & (places)*yes) | (~*mask & (places)*no));
}

/* Lowers each lane of `least` to that of x, where that is less, and notes its place. */
LOOP_INLINE void lower(lanes *least, places *place, const lanes *x, const places *place_of_x)
{
    places less = *x < *least;
    choose(&less, x, least, least);
    *place = (less & *place_of_x) | (~less & *place);
}

/* The least of the lanes. */
LOOP_INLINE struct found least_lane(const lanes *values, const places *places_of_values)
{
    lanes least = *values;
    places place = *places_of_values;
#define LOWER(...)                                                                                                     \
    {                                                                                                                  \
        const lanes other = __builtin_shufflevector(least, least, __VA_ARGS__);                                        \
        const places place_of_other = __builtin_shufflevector(place, place, __VA_ARGS__);                              \
        lower(&least, &place, &other, &place_of_other);                                                                \
    }
    EXCHANGES(LOWER)
#undef LOWER
    return (struct found){least[0], place[0]};
}

/* The least of count values, a multiple of LANES, and its index. */
LOOP_INLINE struct found least_of(const lanes *values, int64_t count)
{
    places place = lane_number, here = place;
    lanes least = values[0];
    for (int64_t v = 1; v < count / LANES; v++) {
        here += LANES;
        lower(&least, &place, &values[v], &here);
    }
    return least_lane(&least, &place);
}

/* The lanes that a mask sets, as a queue: each call takes one. */
LOOP_INLINE uint64_t queue_of(const places *mask)
{
    union {
        flags flags;
        uint64_t bytes;
    } narrow = {.bytes = 0};
    narrow.flags = __builtin_convertvector(*mask, flags);
    return narrow.bytes;
}

LOOP_INLINE int next_lane(uint64_t *queue)
{
    int lane = __builtin_ctzll(*queue) / 8;
    *queue &= ~(UINT64_C(255) << 8 * lane);
    return lane;
}

#endif
