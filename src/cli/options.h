/* The words of a command line, read by a table: a row for each option. */
#ifndef WGF_CLI_OPTIONS_H
#define WGF_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* The words of an option that may be repeated, in their order. */
struct wgf_words {
    char **list;
    int count;
};

enum wgf_option_kind {
    WGF_OPTION_FLAG,    /* bool */
    WGF_OPTION_TEXT,    /* const char *; the last one counts */
    WGF_OPTION_WORDS,   /* struct wgf_words, whose list the caller frees */
    WGF_OPTION_INTEGER, /* int64_t, at least `least` */
};

struct wgf_option {
    const char *name; /* without dashes */
    enum wgf_option_kind kind;
    void *target; /* an object of the kind's type, which holds the default */
    char letter;  /* a short name, or 0 */
    int64_t least;
    const char *wanted; /* for integers: "the number of a job" */
};

/* Rows; a letter of 0 is no short name. They hold the target to its type. */
static inline struct wgf_option wgf_flag_option(const char *name, bool *target)
{
    return (struct wgf_option){.name = name, .kind = WGF_OPTION_FLAG, .target = target};
}

static inline struct wgf_option wgf_text_option(const char *name, char letter, const char **target)
{
    return (struct wgf_option){.name = name, .kind = WGF_OPTION_TEXT, .target = target, .letter = letter};
}

static inline struct wgf_option wgf_words_option(const char *name, struct wgf_words *target)
{
    return (struct wgf_option){.name = name, .kind = WGF_OPTION_WORDS, .target = target};
}

static inline struct wgf_option wgf_integer_option(const char *name, int64_t *target, int64_t least, const char *wanted)
{
    return (struct wgf_option){
        .name = name, .kind = WGF_OPTION_INTEGER, .target = target, .least = least, .wanted = wanted};
}

/* A command with its options and operands. --help is understood without a row. */
struct wgf_command_line {
    const char *command, *usage;
    const struct wgf_option *options; /* the last one has no name; NULL: none */
    const char *operand;              /* what an operand is: "result file" */
    bool several;                     /* one operand or more, otherwise exactly one; NULL operand: none */
    char **operands;                  /* filled: what is not an option, in its order */
    int operand_count;
};

/* Reads argv. False: the command ends with *code, after --help or a sentence about a wrong word. */
bool wgf_options_read(struct wgf_command_line *line, int argc, char **argv, int *code);

#endif
