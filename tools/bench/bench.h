/* What all works of wgf_bench share: reading input, writing results, ending with a message. */
#ifndef WGF_BENCH_H
#define WGF_BENCH_H

#include "wgf/base/status.h"
#include "wgf/base/system.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline void stop(const char *what)
{
    fprintf(stderr, "wgf_bench: %s\n", what);
    exit(1);
}

static inline void need(wgf_status status, const struct wgf_error *error)
{
    if (status)
        stop(error->message);
}

static inline double *room(int64_t count)
{
    double *values = wgf_calloc(count, sizeof(double));
    if (!values)
        stop("no memory");
    return values;
}

static inline void take_into(FILE *input, double *values, int64_t count)
{
    if (fread(values, sizeof *values, (size_t)count, input) != (size_t)count)
        stop("the input ends early");
}

static inline double *take(FILE *input, int64_t count)
{
    double *values = room(count);
    take_into(input, values, count);
    return values;
}

static inline int64_t take_size(FILE *input)
{
    double size = 0;
    take_into(input, &size, 1);
    return (int64_t)size;
}

static inline void give(FILE *result, const double *values, int64_t count)
{
    if (fwrite(values, sizeof *values, (size_t)count, result) != (size_t)count)
        stop("the result cannot be written");
}

static inline void say(double seconds, int64_t operations)
{
    printf("%.9e\n", seconds / (double)operations);
}

/* bench_traces.c */
void time_traces(FILE *input, FILE *result);

#endif
