/* The machine: its memory, its files and its clocks. */
#ifndef WGF_BASE_SYSTEM_H
#define WGF_BASE_SYSTEM_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Bytes of `count` elements as a double, which overflows to infinity instead of wrapping. */
double wgf_bytes(double count, size_t element_size);

/* Bytes that each of `processes` processes may use: an equal share of the machine's memory, or of the control group's
 * limit (v1 or v2) where that is smaller, and at most the limit of the address space. It does not shrink as memory is
 * used. */
double wgf_memory_limit(int processes);

/* Allocates count zeroed elements; NULL when count * size overflows or memory ends. Freed by free(). */
void *wgf_calloc(long long count, size_t size);

/* Makes room for one more element behind the `count` of an array that began as NULL and grew by this alone: its room
 * follows from the count. False: no memory, and the array is as it was. */
#define WGF_GROW(array, count) wgf_grow(&(array), (count), sizeof *(array))
bool wgf_grow(void *array, long long count, size_t size);

/* Do two names lead to one file that exists? WGF_EIO: the system does not say. */
wgf_status wgf_same_file(const char *a, const char *b, bool *same, struct wgf_error *error);

/* Reads `count` bytes from an offset, however many calls that takes. Returns how many there were, fewer only at the end
 * of the file; -1 with errno, which otherwise stays as it was. */
ssize_t wgf_read_at(int descriptor, void *bytes, size_t count, off_t offset);

/* Writes likewise. False, with errno: not all was written. */
bool wgf_write_at(int descriptor, const void *bytes, size_t count, off_t offset);

/* Does this errno blame the name of a file? If not, the system has failed or refused, as when a ticket of a network
 * file system expires, and says nothing about the file. */
bool wgf_is_wrong_name(int reason);

/* Copies the system's words out of the description of an error of HDF5 to `text`. False: there are none. For HDF5's
 * error handlers: a failed stat leaves its reason in errno alone. */
bool wgf_system_words(const char *description, char *text, size_t size);

/* Seconds of a monotonic clock, and seconds of processor time of the calling thread. */
double wgf_clock(void);
double wgf_cpu_clock(void);

#endif
