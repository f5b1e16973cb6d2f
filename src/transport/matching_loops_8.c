/* For processors with AVX-512, which compares eight numbers into one mask. Whole runs that record all distances at
 * widths of 3000 to 6000 take 1.13 to 1.16 times as long with four (user time of `wgf run`). */
#define LOOPS wgf_matching_loops_8
#define WGF_LANES 8
#ifdef __x86_64__
#define LOOP __attribute__((target("avx512f")))
#else
#define LOOP
#endif

#include "matching_loops.h"
