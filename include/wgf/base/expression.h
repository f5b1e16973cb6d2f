/* Conditions and arithmetic as a user writes them, compiled once and evaluated often: the one language of --where,
 * stop_when and derived values. src/README.md "Expressions" describes it for users. */
#ifndef WGF_BASE_EXPRESSION_H
#define WGF_BASE_EXPRESSION_H

#include "wgf/base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum wgf_expression_type { WGF_EXPRESSION_NUMBER = 1, WGF_EXPRESSION_CONDITION };

/* What a name stands for: a variable, of numbers or of words, or (variable -1) a constant. */
struct wgf_symbol {
    int variable;
    bool is_word;
    double constant;
};

/* The names of an expression, for its compilation. Both functions return WGF_OK, or an error with a sentence. */
struct wgf_names {
    void *context;
    /* The meaning of a name. beside: the variable with which it is compared, or -1. */
    wgf_status (*find)(void *context, const char *name, int beside, struct wgf_symbol *symbol, struct wgf_error *error);
    /* May the variable be compared with this word? NULL: no name is that of words. */
    wgf_status (*check)(void *context, int variable, const char *word, struct wgf_error *error);
};

/* The values of variables, for an evaluation. */
struct wgf_values {
    const void *context;
    double (*number)(const void *context, int variable);
    bool (*is)(const void *context, int variable, const char *word); /* NULL: no variable is of words */
};

struct wgf_expression;

/* Compiles a text. Its caller frees the expression. Errors: WGF_EMEMORY, WGF_EUSAGE and what `names` return; *place is
 * then the byte of the text to blame. */
wgf_status wgf_expression_compile(struct wgf_expression **expression, const char *text, enum wgf_expression_type type,
                                  const struct wgf_names *names, size_t *place, struct wgf_error *error);
void wgf_expression_free(struct wgf_expression *expression); /* NULL is fine */

bool wgf_expression_uses(const struct wgf_expression *expression, int variable);

/* The number, or 1 and 0 of a condition. A pure function of the values. Numbers are compared as they are shown, by 15
 * digits. NaN is neither equal to a number, nor less, nor greater; `= nan` asks for it. */
double wgf_expression_value(const struct wgf_expression *expression, const struct wgf_values *values);

#endif
