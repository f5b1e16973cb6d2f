/* wgf params: the table of parameters. */
#include "cli.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>

static const char usage[] = "usage: wgf params [--markdown | --json-schema]\n\n"
                            "Prints the table of all parameters that the program itself uses.\n\n"
                            "  --markdown     print a Markdown table\n"
                            "  --json-schema  print a JSON Schema of specs, by which an editor checks and completes:\n"
                            "                 its YAML language server reads this first line of a spec:\n"
                            "                 # yaml-language-server: $schema=schema.json\n"
                            "  --help         print this text\n";

int wgf_cli_params(int argc, char **argv)
{
    bool markdown = false, schema = false;
    const struct wgf_option options[] = {
        wgf_flag_option("markdown", &markdown), wgf_flag_option("json-schema", &schema), {0}};
    struct wgf_command_line line = {.command = "params", .usage = usage, .options = options};
    int code;
    if (!wgf_options_read(&line, argc, argv, &code))
        return code;
    if (!schema) {
        wgf_params_print(stdout, markdown);
        return WGF_EXIT_OK;
    }
    char *const text = wgf_cli_schema();
    if (!text)
        return wgf_cli_error(&(struct wgf_error){WGF_EMEMORY, "no memory for the schema; free some"});
    puts(text);
    free(text);
    return WGF_EXIT_OK;
}
