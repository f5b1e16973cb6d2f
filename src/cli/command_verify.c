/* wgf verify: recomputes the checksum of every finished row. */
#include "cli.h"
#include "options.h"

#include "wgf/base/system.h"
#include "wgf/result/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: wgf verify OUT.h5\n\n"
    "Computes the checksum of every finished row again from the data in the file, and names the rows that\n"
    "do not match. 'wgf run' runs these rows again. Does so for the attributes of the file, its spec\n"
    "among them, which older files have no checksum of. Pending and running rows are not looked at.\n\n"
    "  --help  print this text\n\n"
    "exit codes: 0 all of that matches; 1 the file cannot be read; 3 something does not match\n";

struct count {
    int64_t open, whole, torn;
    bool attributes; /* match */
};

static wgf_status verify(struct wgf_store *store, struct count *count, struct wgf_error *error)
{
    struct wgf_store_extent extent;
    struct wgf_reader *reader;
    wgf_store_extent(store, &extent);
    wgf_status status = wgf_reader_open(&reader, store, error);
    if (status)
        return status;
    int64_t capacity = wgf_reader_capacity(reader);
    enum wgf_row_check *checks = wgf_calloc(capacity, sizeof *checks);
    if (!checks)
        status = wgf_fail(error, WGF_EMEMORY, "no memory for the rows of a result file");
    for (int64_t first = 0; !status && first < extent.jobs; first += capacity) {
        int64_t rows = extent.jobs - first < capacity ? extent.jobs - first : capacity;
        status = wgf_reader_check(reader, first, rows, checks, error);
        for (int64_t i = 0; !status && i < rows; i++) {
            count->open += checks[i] == WGF_ROW_OPEN;
            count->whole += checks[i] == WGF_ROW_WHOLE;
            count->torn += checks[i] == WGF_ROW_TORN;
            if (checks[i] == WGF_ROW_TORN)
                printf("job %" PRId64 " does not match its checksum\n", first + i);
        }
    }
    free(checks);
    wgf_reader_close(reader);
    return status;
}

static int report(const char *file)
{
    struct count count = {0};
    struct wgf_store *store = NULL;
    struct wgf_error error;
    wgf_status status = wgf_result_open(&store, file, WGF_STORE_READ, &error);
    if (!status)
        status = wgf_result_check_attributes(store, &count.attributes, &error);
    if (!status && !count.attributes)
        puts("the attributes of the file, its spec among them, do not match their checksum");
    if (!status)
        status = verify(store, &count, &error);
    wgf_store_close(store, NULL);
    if (status)
        return fflush(stdout), wgf_cli_error(&error);
    printf("%s: %" PRId64 " finished row%s match%s, %" PRId64 " do%s not, %" PRId64 " not finished\n", file,
           count.whole, count.whole == 1 ? "" : "s", count.whole == 1 ? "es" : "", count.torn,
           count.torn == 1 ? "es" : "", count.open);
    return count.torn > 0 || !count.attributes ? WGF_EXIT_FAILURES : WGF_EXIT_OK;
}

int wgf_cli_verify(int argc, char **argv)
{
    struct wgf_command_line line = {.command = "verify", .usage = usage, .operand = "result file"};
    int code;
    return wgf_options_read(&line, argc, argv, &code) ? report(line.operands[0]) : code;
}
