/* Evaluates an expression on a stack, which its parser has bounded. */
#include "expression_code.h"

#include "wgf/base/decimal.h"

#include <math.h>

enum { UNORDERED = 2 };

/* -1, 0 or 1 as shown: 0.30000000000000004 of an older file, or of a sum of steps, equals 0.3. */
static int order(double a, double b)
{
    if (isnan(a) || isnan(b))
        return UNORDERED;
    if (fabs(a - b) < 1e-13 * fabs(b)) { /* else they differ within 15 digits */
        a = wgf_shown_double(a);
        b = wgf_shown_double(b);
    }
    return (a > b) - (a < b);
}

static double one_operand(enum wgf_operation operation, double a)
{
    switch (operation) {
    case NEGATE:
        return -a;
    case NOT:
        return a == 0;
    case IS_NAN:
        return isnan(a);
    case ABS:
        return fabs(a);
    case SQRT:
        return sqrt(a);
    case LOG:
        return log(a);
    default:
        return exp(a);
    }
}

static double two_operands(enum wgf_operation operation, double a, double b)
{
    switch (operation) {
    case ADD:
        return a + b;
    case SUBTRACT:
        return a - b;
    case MULTIPLY:
        return a * b;
    case DIVIDE:
        return a / b;
    case POWER:
        return pow(a, b);
    case MIN:
        return a < b || isnan(a) ? a : b;
    case MAX:
        return a > b || isnan(a) ? a : b;
    case AND:
        return a != 0 && b != 0;
    case OR:
        return a != 0 || b != 0;
    case EQUAL:
        return order(a, b) == 0;
    case UNEQUAL:
        return order(a, b) != 0;
    case LESS:
        return order(a, b) == -1;
    case LESS_EQUAL:
        return order(a, b) <= 0;
    case GREATER:
        return order(a, b) == 1;
    case GREATER_EQUAL:
        return order(a, b) == 0 || order(a, b) == 1;
    default:
        return b; /* FOUND */
    }
}

double wgf_expression_value(const struct wgf_expression *expression, const struct wgf_values *values)
{
    double stack[WGF_EXPRESSION_STACK], *top = stack - 1;
    for (int i = 0; i < expression->count; i++) {
        const struct wgf_instruction *const one = &expression->code[i];
        if (one->operation == CONSTANT) {
            *++top = one->constant;
        } else if (one->operation == VARIABLE) {
            *++top = values->number(values->context, one->variable);
        } else if (one->operation == IS) {
            *++top = values->is(values->context, one->variable, one->word);
        } else if (one->operation < ADD) {
            *top = one_operand(one->operation, *top);
        } else if (one->operation == MEMBER) {
            top--;
            if (order(top[-1], top[1]) == 0 || (isnan(top[-1]) && isnan(top[1])))
                *top = 1;
        } else {
            top--;
            *top = two_operands(one->operation, top[0], top[1]);
        }
    }
    return *top;
}
