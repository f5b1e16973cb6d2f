/* For processors with AVX-512, which compares eight numbers into one mask: nearly twice as fast as four. */
#define LOOPS wgf_matching_loops_8
#define WGF_LANES 8
#ifdef __x86_64__
#define LOOP __attribute__((target("avx512f")))
#else
#define LOOP
#endif

#include "matching_loops.h"
