/* For functions whose loops are worth wide vectors: compiled for several instruction sets, of which the program takes the
 * best that the processor has. No result depends on which. WGF_WIDE is for floating point with fma written out, WGF_CLONES
 * for loops that also look up or count in whole numbers. */
#ifndef WGF_BASE_WIDE_H
#define WGF_BASE_WIDE_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WGF_WIDE __attribute__((target_clones("avx512f", "fma", "default")))
#define WGF_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WGF_WIDE
#define WGF_CLONES
#endif

#endif
