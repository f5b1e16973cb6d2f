/* wgf params: the table of parameters. */
#include "cli.h"
#include "options.h"

#include <stdio.h>

static const char usage[] = "usage: wgf params [--markdown]\n\n"
                            "Prints the table of all parameters that the program itself uses.\n\n"
                            "  --markdown  print a Markdown table\n"
                            "  --help      print this text\n";

int wgf_cli_params(int argc, char **argv)
{
    bool markdown = false;
    const struct wgf_option options[] = {wgf_flag_option("markdown", &markdown), {0}};
    struct wgf_command_line line = {.command = "params", .usage = usage, .options = options};
    int code;
    if (!wgf_options_read(&line, argc, argv, &code))
        return code;
    wgf_params_print(stdout, markdown);
    return WGF_EXIT_OK;
}
