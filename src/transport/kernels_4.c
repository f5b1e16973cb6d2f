/* For any processor. */
#define KERNELS wgf_kernels_4
#define WGF_LANES 4
#ifdef __x86_64__
#define KERNEL __attribute__((target_clones("avx2", "default")))
#else
#define KERNEL
#endif

#include "kernels.h"
