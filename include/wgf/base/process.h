/* The process: its beginning, before any library begins, and its end, after which none does anything. */
#ifndef WGF_BASE_PROCESS_H
#define WGF_BASE_PROCESS_H

#include <stdnoreturn.h>

/* In a program that links this function, before the first constructor of any library: descriptors 0, 1 and 2 lead to
 * /dev/null where they are closed, so that no file that is opened later gets their messages; and libraries that count
 * processors find one, so that they start no threads. main finds the processors as they were.
 *
 * Writes all streams and ends the process without the destructors of libraries, which may wait for ever (OpenBLAS) or
 * crash (HDF5 after a failed write). What is to last must be on disk. */
noreturn void wgf_process_end(int exit_code);

/* For a library that ends its work in a handler of exit (MPICH): the first is called before the library starts, and
 * after the second wgf_process_end runs the handlers that were registered since, and only these. */
void wgf_process_mark_handlers(void);
void wgf_process_keep_handlers(void);

#endif
