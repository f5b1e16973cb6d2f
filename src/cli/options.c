/* Command lines by a table of options: getopt_long finds the rows, and values go to the targets of the rows. */
#include "options.h"

#include "cli.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT = 32, HELP = 'h', FIRST = 256 }; /* option i of the table is number FIRST + i of getopt_long */

static int take_integer(const struct wgf_command_line *line, const struct wgf_option *option, const char *word)
{
    char *end;
    errno = 0;
    const int64_t value = strtoll(word, &end, 10);
    if (end == word || *end || errno || value < option->least)
        return wgf_cli_misuse(line->command, "--%s needs %s, not '%s'", option->name, option->wanted, word);
    *(int64_t *)option->target = value;
    return WGF_EXIT_OK;
}

static int take_word(struct wgf_words *words, char *word)
{
    if (!WGF_GROW(words->list, words->count))
        return wgf_cli_error(&(struct wgf_error){WGF_EMEMORY, "no memory for the options"});
    words->list[words->count++] = word;
    return WGF_EXIT_OK;
}

static int take(const struct wgf_command_line *line, const struct wgf_option *option, char *word)
{
    switch (option->kind) {
    case WGF_OPTION_FLAG:
        *(bool *)option->target = true;
        break;
    case WGF_OPTION_TEXT:
        *(const char **)option->target = word;
        break;
    case WGF_OPTION_WORDS:
        return take_word(option->target, word);
    case WGF_OPTION_INTEGER:
        return take_integer(line, option, word);
    }
    return WGF_EXIT_OK;
}

/* The table as getopt_long wants it, --help included; `letters` gets the short names. */
static void translate(const struct wgf_option *options, struct option *table, char *letters)
{
    int count = 0;
    *letters++ = ':';
    *letters++ = HELP;
    for (; options && options[count].name; count++) {
        const int argument = options[count].kind == WGF_OPTION_FLAG ? no_argument : required_argument;
        assert(count < LIMIT && (argument || !options[count].letter)); /* letters stand for options with a value */
        table[count] = (struct option){options[count].name, argument, NULL, FIRST + count};
        if (options[count].letter) {
            *letters++ = options[count].letter;
            *letters++ = ':';
        }
    }
    table[count] = (struct option){"help", no_argument, NULL, HELP};
    table[count + 1] = (struct option){0};
    *letters = '\0';
}

/* The row of a number that getopt_long returned; NULL: none, the word was wrong. */
static const struct wgf_option *row_of(const struct wgf_option *options, int opt)
{
    if (opt >= FIRST)
        return &options[opt - FIRST];
    for (int i = 0; options && options[i].name; i++)
        if (options[i].letter && options[i].letter == opt)
            return &options[i];
    return NULL;
}

static int check_operands(struct wgf_command_line *line, int argc, char **argv)
{
    line->operands = argv + optind;
    line->operand_count = argc - optind;
    if (!line->operand)
        return line->operand_count == 0 ? WGF_EXIT_OK
                                        : wgf_cli_misuse(line->command, "unexpected argument '%s'", argv[optind]);
    if (line->operand_count == 0)
        return wgf_cli_misuse(line->command, "no %s", line->operand);
    if (line->operand_count > 1 && !line->several)
        return wgf_cli_misuse(line->command, "more than one %s", line->operand);
    return WGF_EXIT_OK;
}

/* The long option that a word begins with, and its name's length in the word; NULL: none. getopt_long takes the start
 * of a name for the name, other parsers of the same words do not, and so it is refused. */
static const char *long_option(const struct option *table, const char *word, size_t *length)
{
    const char *longer = NULL;
    *length = strncmp(word, "--", 2) == 0 ? strcspn(word + 2, "=") : 0;
    for (; *length && table->name; table++)
        if (strncmp(table->name, word + 2, *length) == 0) {
            if (!table->name[*length])
                return table->name;
            longer = longer ? longer : table->name;
        }
    return longer;
}

static bool is_abbreviated(const struct option *table, const char *word)
{
    size_t length;
    const char *const name = long_option(table, word, &length);
    return name && name[length];
}

/* Says what is wrong with a word that is no option (opt is '?', or the word an abbreviation) or that lacks its value
 * (':'). Returns WGF_EXIT_USAGE. */
static int refuse(const char *command, int opt, const char *word, const struct option *table)
{
    const char *names[LIMIT + 1];
    size_t length;
    int count = 0;
    if (opt == ':' && !is_abbreviated(table, word))
        return wgf_cli_misuse(command, "option '%s' needs a value", word);
    for (; table[count].name; count++)
        names[count] = table[count].name;
    const char *nearest = long_option(table, word, &length);
    if (!nearest && strncmp(word, "--", 2) == 0)
        nearest = wgf_nearest_name(word + 2, names, count);
    if (nearest)
        return wgf_cli_misuse(command, "unknown option '%s'; did you mean '--%s'?", word, nearest);
    return wgf_cli_misuse(command, "unknown option '%s'", word);
}

bool wgf_options_read(struct wgf_command_line *line, int argc, char **argv, int *code)
{
    struct option table[LIMIT + 2];
    char letters[2 * LIMIT + 3];
    translate(line->options, table, letters);
    *code = WGF_EXIT_OK;
    for (int opt; *code == WGF_EXIT_OK && (opt = getopt_long(argc, argv, letters, table, NULL)) != -1;) {
        /* The word before the next one, or before its value that stands alone. */
        const char *const word = argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
        const struct wgf_option *const option = is_abbreviated(table, word) ? NULL : row_of(line->options, opt);
        if (opt == HELP && !is_abbreviated(table, word)) {
            fputs(line->usage, stdout);
            *code = WGF_EXIT_OK;
            return false;
        }
        *code = option ? take(line, option, optarg) : refuse(line->command, opt, word, table);
    }
    if (*code == WGF_EXIT_OK)
        *code = check_operands(line, argc, argv);
    return *code == WGF_EXIT_OK;
}
