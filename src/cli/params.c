#include "cli.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] = "usage: wgf params [--markdown]\n\n"
                            "Prints the table of all parameters: the one that the program itself uses.\n\n"
                            "  --markdown  as a Markdown table\n"
                            "  --help      this text\n";

int wgf_cli_params(int argc, char **argv)
{
    static const struct option options[] = {
        {"markdown", no_argument, NULL, 'm'}, {"help", no_argument, NULL, 'h'}, {0}};
    bool markdown = false;
    for (int opt; (opt = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (opt == 'h')
            return fputs(usage, stdout), wgf_cli_flush();
        if (opt != 'm')
            return wgf_cli_bad_option("params", opt, argv, options);
        markdown = true;
    }
    if (optind < argc)
        return wgf_cli_misuse("params", "unexpected argument '%s'", argv[optind]);
    wgf_params_print(stdout, markdown);
    return wgf_cli_flush();
}
