/* For processors with AVX-512, which compares eight numbers into one mask: nearly twice as fast as four. */
#define KERNELS wgf_kernels_8
#define WGF_LANES 8
#ifdef __x86_64__
#define KERNEL __attribute__((target("avx512f")))
#else
#define KERNEL
#endif

#include "kernels.h"
