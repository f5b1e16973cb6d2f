/* Attributes of functions whose loops gain from wide vectors. The compiler builds one for each of several instruction
 * sets, and the program picks the best that the processor has. The result is the same whichever runs. WGF_WIDE is for
 * floating point with fma written out, WGF_CLONES for loops that also index or count in integers. */
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
