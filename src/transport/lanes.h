/* Vectors of WGF_LANES numbers in GNU C; the including file sets WGF_LANES first. The order of operations is written
 * out, so every compiler and instruction set gives the same bits for the same WGF_LANES. */
#ifndef WGF_TRANSPORT_LANES_H
#define WGF_TRANSPORT_LANES_H

#include <stdint.h>

typedef double lanes __attribute__((vector_size(8 * WGF_LANES), may_alias));
typedef int64_t places __attribute__((vector_size(8 * WGF_LANES), may_alias));
typedef int8_t flags __attribute__((vector_size(WGF_LANES)));

#define LOOP_INLINE static inline __attribute__((always_inline))

/* Orders of the lanes that bring each lane together with every other: halves exchanged, then quarters, then single
 * ones. */
#if WGF_LANES == 8
static const places lane_number = {0, 1, 2, 3, 4, 5, 6, 7};
#define EXCHANGES(X) X(4, 5, 6, 7, 0, 1, 2, 3) X(2, 3, 0, 1, 6, 7, 4, 5) X(1, 0, 3, 2, 5, 4, 7, 6)
#else
static const places lane_number = {0, 1, 2, 3};
#define EXCHANGES(X) X(2, 3, 0, 1) X(1, 0, 3, 2)
#endif

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

/* The least of count values, a multiple of WGF_LANES, and its index. */
LOOP_INLINE struct found least_of(const lanes *values, int64_t count)
{
    places place = lane_number, here = place;
    lanes least = values[0];
    for (int64_t v = 1; v < count / WGF_LANES; v++) {
        here += WGF_LANES;
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
