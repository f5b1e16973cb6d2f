/* The instructions of an expression, between its parser and its evaluation. Each takes its operands from a stack. */
#ifndef WGF_BASE_EXPRESSION_CODE_H
#define WGF_BASE_EXPRESSION_CODE_H

#include "wgf/base/expression.h"

enum wgf_operation {
    CONSTANT,
    VARIABLE,
    IS, /* the word of a variable equals a text */
    NEGATE,
    NOT,
    IS_NAN,
    ABS,
    SQRT,
    LOG,
    EXP,
    ADD, /* from here on of two numbers */
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    POWER,
    MIN,
    MAX,
    AND,
    OR,
    EQUAL,
    UNEQUAL,
    LESS,
    LESS_EQUAL,
    GREATER,
    GREATER_EQUAL,
    MEMBER, /* below the two: what is looked for; the first becomes 1 where the second is that */
    FOUND,  /* drops what was looked for */
};

struct wgf_instruction {
    enum wgf_operation operation;
    int variable;
    double constant;
    const char *word;
};

struct wgf_expression {
    int count;
    struct wgf_instruction *code;
    char *words; /* one after the other */
};

/* A level of the grammar keeps at most seven numbers on the stack before it nests: one each of `or`, `and`, +, *, power
 * and a function, and the two of a list. */
enum { WGF_EXPRESSION_DEEPEST = 32, WGF_EXPRESSION_STACK = 8 * (WGF_EXPRESSION_DEEPEST + 2) };

#endif
