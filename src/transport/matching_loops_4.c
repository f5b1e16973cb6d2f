/* For any processor. */
#define LOOPS wgf_matching_loops_4
#define WGF_LANES 4
#ifdef __x86_64__
#define LOOP __attribute__((target_clones("avx2", "default")))
#else
#define LOOP
#endif

#include "matching_loops.h"
