/* What the machine is: its memory, its clock. */
#ifndef WGF_BASE_SYSTEM_H
#define WGF_BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a count of elements, summed without overflow: sticks at infinity (a double) instead of wrapping. */
double wgf_bytes(double count, size_t element_size);

/* Bytes that this process could ever have: the machine's memory, or the limit of its control group (v1 or v2) or
 * of its address space where that is smaller. Does not shrink as memory is used. */
double wgf_memory_limit(void);

/* Allocates count zeroed elements; NULL when count * size overflows or memory ends. Freed by free(). */
void *wgf_calloc(long long count, size_t size);

/* Seconds of a clock that never goes back, and seconds of processor time of the calling thread. */
double wgf_clock(void);
double wgf_cpu_clock(void);

#endif
