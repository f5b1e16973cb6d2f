/* For functions whose loops are worth wide vectors: compiled for several instruction sets, chosen when the program starts.
 * No result depends on which. */
#ifndef WGF_BASE_WIDE_H
#define WGF_BASE_WIDE_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define WGF_WIDE __attribute__((target_clones("avx512f", "fma", "default")))
#else
#define WGF_WIDE
#endif

#endif
