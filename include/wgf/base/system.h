/* What the machine is: its memory, its clock. */
#ifndef WGF_BASE_SYSTEM_H
#define WGF_BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a count of elements, summed without overflow: sticks at infinity (a double) instead of wrapping. */
double wgf_bytes(double count, size_t element_size);

/* Bytes that each of so many processes could ever have at once: its part of the machine's memory, or of what the
 * control group (v1 or v2) allows where that is smaller; and no more than the limit of its own address space. Does not
 * shrink as memory is used. */
double wgf_memory_limit(int processes);

/* Allocates count zeroed elements; NULL when count * size overflows or memory ends. Freed by free(). */
void *wgf_calloc(long long count, size_t size);

/* Seconds of a clock that never goes back, and seconds of processor time of the calling thread. */
double wgf_clock(void);
double wgf_cpu_clock(void);

#endif
