/* The beginning and the end of a process. Invariant: what runs here first calls the kernel alone, as neither libraries
 * nor the environment are there yet. The program's own list of first functions (.preinit_array) precedes the
 * constructors of all shared libraries; its own constructors follow them. */
#include "wgf/base/process.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The processors that the process may run on; bytes 0: not known, and not changed. */
static struct {
    cpu_set_t sets[64]; /* of 65536 processors */
    size_t bytes;
} own;

static void reserve_descriptors(void)
{
    int descriptor;
    do
        descriptor = open("/dev/null", O_RDWR);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0)
        close(descriptor);
}

static void show_one_processor(void)
{
    cpu_set_t one[sizeof own.sets / sizeof *own.sets];
    if (sched_getaffinity(0, sizeof own.sets, own.sets) != 0)
        return;
    const int here = sched_getcpu();
    CPU_ZERO_S(sizeof one, one);
    CPU_SET_S((size_t)(here < 0 ? 0 : here), sizeof one, one);
    if (sched_setaffinity(0, sizeof one, one) == 0)
        own.bytes = sizeof own.sets;
}

static void begin(void)
{
    reserve_descriptors();
    show_one_processor();
}

__attribute__((section(".preinit_array"), used)) static void (*first)(void) = begin;

__attribute__((constructor)) static void show_own_processors(void)
{
    if (own.bytes > 0)
        sched_setaffinity(0, own.bytes, own.sets);
}

static bool handlers_marked, handlers_kept;

static void end_before_other_handlers(int exit_code, void *unused)
{
    (void)unused;
    _exit(exit_code);
}

/* exit calls the last handler first. */
void wgf_process_mark_handlers(void)
{
    handlers_marked = on_exit(end_before_other_handlers, NULL) == 0;
}

void wgf_process_keep_handlers(void)
{
    handlers_kept = handlers_marked;
}

noreturn void wgf_process_end(int exit_code)
{
    fflush(NULL);
    if (handlers_kept)
        exit(exit_code);
#ifdef __SANITIZE_ADDRESS__
    exit(exit_code); /* where it looks for leaks */
#else
    _exit(exit_code);
#endif
}
