/* wgf verify: recomputes the checksum of every finished row. */
#include "cli.h"
#include "options.h"

#include "wgf/result/result.h"

#include <inttypes.h>
#include <stdio.h>

static const char usage[] =
    "usage: wgf verify OUT.h5\n\n"
    "Computes the checksum of every finished row again from the data in the file, and names the rows that\n"
    "do not match. 'wgf run' runs these rows again. Does so for the attributes of the file, its spec\n"
    "among them, which older files have no checksum of. Pending and running rows are not looked at.\n\n"
    "  --help  print this text\n\n"
    "exit codes: 0 all of that matches; 1 the file cannot be read; 3 something does not match\n";

struct count {
    int64_t of[WGF_ROW_TORN + 1];
    bool attributes; /* match */
};

static wgf_status verify(struct wgf_store *store, struct count *count, struct wgf_error *error)
{
    struct wgf_store_extent extent;
    struct wgf_reader *reader;
    const struct wgf_checked_row *rows;
    wgf_store_extent(store, &extent);
    wgf_status status = wgf_reader_open(&reader, store, error);
    for (struct wgf_block block = {0}; !status && wgf_reader_next(reader, extent.jobs, &block);) {
        status = wgf_reader_check(reader, &block, &rows, error);
        for (int64_t i = 0; !status && i < block.count; i++) {
            count->of[rows[i].check]++;
            if (rows[i].check == WGF_ROW_TORN)
                printf("job %" PRId64 " does not match its checksum\n", block.first + i);
        }
    }
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
    const int64_t whole = count.of[WGF_ROW_WHOLE], torn = count.of[WGF_ROW_TORN];
    printf("%s: %" PRId64 " finished row%s match%s, %" PRId64 " do%s not, %" PRId64 " not finished\n", file, whole,
           whole == 1 ? "" : "s", whole == 1 ? "es" : "", torn, torn == 1 ? "es" : "", count.of[WGF_ROW_OPEN]);
    return torn > 0 || !count.attributes ? WGF_EXIT_FAILURES : WGF_EXIT_OK;
}

int wgf_cli_verify(int argc, char **argv)
{
    struct wgf_command_line line = {.command = "verify", .usage = usage, .operand = "result file"};
    int code;
    return wgf_options_read(&line, argc, argv, &code) ? report(line.operands[0]) : code;
}
