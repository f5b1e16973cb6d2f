/* Expressions: values, precedence, words, NaN, and where each error lies. */
#include "wgf/base/expression.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Variables 0 to 3: x = 3, t = 0.1 + 0.2, none = NaN, and `kind`, of the words a, b and c, which is b. */
enum { X, T, NONE, KIND };
static const char *const variables[] = {"x", "t", "none", "kind"};

static wgf_status find(void *context, const char *name, int beside, struct wgf_symbol *symbol, struct wgf_error *error)
{
    (void)context;
    symbol->constant = NAN;
    if (beside == NONE && strcmp(name, "auto") == 0)
        return WGF_OK;
    for (int v = X; v <= KIND; v++)
        if (strcmp(variables[v], name) == 0) {
            symbol->variable = v;
            symbol->is_word = v == KIND;
            return WGF_OK;
        }
    return wgf_fail(error, WGF_EUSAGE, "there is no %s", name);
}

static wgf_status check(void *context, int variable, const char *word, struct wgf_error *error)
{
    (void)context;
    assert_int_equal(variable, KIND);
    return strlen(word) == 1 || strchr(word, ' ') ? WGF_OK : wgf_fail(error, WGF_EUSAGE, "kind is never %s", word);
}

static double number(const void *context, int variable)
{
    (void)context;
    return variable == X ? 3 : variable == T ? 0.1 + 0.2 : NAN;
}

static bool is(const void *context, int variable, const char *word)
{
    (void)context;
    assert_int_equal(variable, KIND);
    return strcmp(word, "b") == 0;
}

static const struct wgf_names names = {NULL, find, check};
static const struct wgf_values values = {NULL, number, is};

static double value(const char *text, enum wgf_expression_type type)
{
    struct wgf_expression *expression;
    struct wgf_error error = {0};
    size_t place;
    if (wgf_expression_compile(&expression, text, type, &names, &place, &error))
        fail_msg("'%s': %s", text, error.message);
    const double found = wgf_expression_value(expression, &values);
    wgf_expression_free(expression);
    return found;
}

static void arithmetic(void **state)
{
    static const struct {
        const char *text;
        double value;
    } cases[] = {{"1 + 2 * x", 7},
                 {"(1 + 2) * x", 9},
                 {"10 - 4 - 3", 3},
                 {"12 / 2 / x", 2},
                 {"-x ^ 2", -9},
                 {"2 ** -1", 0.5},
                 {"2 ^ x ^ 2", 512},
                 {"--x", 3},
                 {"+x - -x", 6},
                 {"-(1 - x)", 2},
                 {" .5e1 + 1.e-1*x ", 5.3},
                 {"min(x, 2, 5) + max(1, x)", 5},
                 {"sqrt(pow(x, 2)) + log(exp(1)) + abs(-x)", 7},
                 {"max(1, min(x, 2)) * 2", 4},
                 {"((((x))))", 3}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (fabs(value(cases[i].text, WGF_EXPRESSION_NUMBER) - cases[i].value) > 1e-15 * fabs(cases[i].value))
            fail_msg("'%s' is %.17g, not %.17g", cases[i].text, value(cases[i].text, WGF_EXPRESSION_NUMBER),
                     cases[i].value);
    assert_true(isnan(value("none * 0", WGF_EXPRESSION_NUMBER)));
    assert_true(isnan(value("min(none, 1)", WGF_EXPRESSION_NUMBER)) &&
                isnan(value("max(1, none)", WGF_EXPRESSION_NUMBER)));
}

static void conditions(void **state)
{
    static const char *const hold[] = {
        "x = 3",
        "x == 3 and x != 2",
        "x<4,x>=3,x<=3,x>2",
        "1 = 2 or x = 3 and x > 1",
        "x = 3 or x = 3 and 1 = 2",
        "not x = 2 and not (x = 3 and x = 2)",
        "not not x = 3",
        "(1 = 2 or x = 3) , 2 = 2",
        "x + 1 > 2 * 1.5",
        "x in [1, 1 + 2]",
        "x not in (1, 2) or 1 = 2",
        "kind = b",
        "kind == 'b'",
        "kind != \"a b, c\"",
        "kind = b and x = 3",
        "kind != a b or x = 2",
        "kind in [a, b]",
        "kind not in [a, c] and kind in (b)",
        "not kind in [a]",
        "t = 0.3 and t <= 0.3 and t >= .3 and not t > .3 and t != 0.300000000000001",
        "none = auto and x != none",
        "none in [1, auto]",
        "not (none < 1 or none > 1 or none <= 1 or none >= 1 or none = 1 or none = none)",
        "not none != auto"};
    (void)state;
    for (size_t i = 0; i < sizeof hold / sizeof *hold; i++) {
        char negated[256];
        snprintf(negated, sizeof negated, "not (%s)", hold[i]);
        if (value(hold[i], WGF_EXPRESSION_CONDITION) != 1 || value(negated, WGF_EXPRESSION_CONDITION) != 0)
            fail_msg("'%s' does not hold", hold[i]);
    }
}

static void errors(void **state)
{
    static const struct {
        const char *text;
        size_t place;
        const char *sentence;
    } cases[] = {{"", 0, "empty"},
                 {"  ", 2, "empty"},
                 {"x", 0, "'x' is not NAME OP VALUE"},
                 {"x = ", 4, "a number or a name is missing at the end, after 'x = '"},
                 {"x = 3 and", 9, "missing at the end"},
                 {"x = and", 4, "not 'and'"},
                 {"x = \xc3\xa9.", 4, "not '\xc3\xa9'"},
                 {"x = 3 x = 4", 6, "'x = 4' is not understood"},
                 {"x = 3)", 5, "')' is not understood"},
                 {"(x = 3", 6, "closing parenthesis is missing"},
                 {"x = 3 and y = 4", 10, "there is no y"},
                 {"x = 1.2.3", 4, "'1.2.3' is not a number"},
                 {"x = 3x", 4, "'3x' is not a number"},
                 {"x = 1e400", 4, "'1e400' is not a number"},
                 {"1 < x < 3", 6, "join them by and"},
                 {"x = 1 + (x = 3)", 8, "'(x = 3)' is a condition"},
                 {"not x", 4, "'x' is not NAME OP VALUE"},
                 {"x and x = 3", 0, "'x' is not NAME OP VALUE"},
                 {"kind", 0, "kind is a word"},
                 {"kind < b", 0, "kind is a word"},
                 {"x = kind", 4, "kind is a word"},
                 {"2 * kind = 3", 4, "kind is a word"},
                 {"kind = bb", 7, "kind is never bb"},
                 {"kind in [a, bb]", 12, "kind is never bb"},
                 {"kind = 'b", 7, "no closing quote"},
                 {"kind = , x = 3", 7, "a word is needed"},
                 {"kind in b", 8, "a list"},
                 {"x in [1, 2", 10, "closing ]"},
                 {"x in []", 6, "a number or a name is needed"},
                 {"f(x) = 3", 0, "unknown function 'f'"},
                 {"pow(x) = 3", 0, "pow takes two numbers"},
                 {"sqrt(x, x) = 3", 0, "sqrt takes one number"},
                 {"max(x) = 3", 0, "max takes two numbers or more"},
                 {"x = auto", 4, "there is no auto"},
                 {"x ! 3", 2, "not understood"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wgf_expression *expression;
        struct wgf_error error = {0};
        size_t place;
        assert_int_equal(
            wgf_expression_compile(&expression, cases[i].text, WGF_EXPRESSION_CONDITION, &names, &place, &error),
            WGF_EUSAGE);
        assert_null(expression);
        if (!strstr(error.message, cases[i].sentence) || place != cases[i].place)
            fail_msg("'%s': \"%s\" at %zu, not \"%s\" at %zu", cases[i].text, error.message, place, cases[i].sentence,
                     cases[i].place);
    }
}

static void nesting(void **state)
{
    char text[8192] = "";
    (void)state;
    for (int depth = 1; depth < 40; depth++) {
        struct wgf_expression *expression;
        struct wgf_error error;
        size_t place;
        text[0] = '\0';
        for (int i = 0; i < depth; i++)
            strcat(text, "x + 1 * 2 * max(0, (");
        strcat(text, "3");
        for (int i = 0; i < depth; i++)
            strcat(text, "))");
        const wgf_status status =
            wgf_expression_compile(&expression, text, WGF_EXPRESSION_NUMBER, &names, &place, &error);
        assert_int_equal(status, depth < 16 ? WGF_OK : WGF_EUSAGE);
        if (!status)
            assert_true(wgf_expression_value(expression, &values) > 0);
        wgf_expression_free(expression);
    }
    memset(text, '-', 4000);
    text[4000] = '\0';
    struct wgf_expression *expression;
    struct wgf_error error;
    size_t place;
    assert_int_equal(wgf_expression_compile(&expression, text, WGF_EXPRESSION_NUMBER, &names, &place, &error),
                     WGF_EUSAGE);
    assert_non_null(strstr(error.message, "nests more than"));
}

/* Random words: they compile, or the error lies in the text. Sanitizers look at the rest. */
static void random_texts(void **state)
{
    static const char *const words[] = {
        "x",    "t",    "kind", "auto",    "1", "2.5", "(", ")",   "[",        "]", ",", " and ",
        " or ", "not ", " in ", "not in ", "=", "!=",  "<", ">=",  "+",        "-", "*", "/",
        "^",    "**",   "min(", "pow(",    "'", "\"",  "b", "a b", "\xc3\xa9", "."};
    int compiled = 0;
    (void)state;
    srand(1);
    for (int i = 0; i < 100000; i++) {
        char text[256] = "";
        for (int left = rand() % 16; left > 0; left--)
            strcat(text, words[(size_t)rand() % (sizeof words / sizeof *words)]);
        char *const exact = strdup(text); /* nothing lies behind it */
        struct wgf_expression *expression;
        struct wgf_error error = {0};
        size_t place;
        const enum wgf_expression_type type = i % 2 ? WGF_EXPRESSION_NUMBER : WGF_EXPRESSION_CONDITION;
        if (wgf_expression_compile(&expression, exact, type, &names, &place, &error))
            assert_true(error.message[0] && place <= strlen(text));
        else
            compiled += isnan(wgf_expression_value(expression, &values)) || true;
        wgf_expression_free(expression);
        free(exact);
    }
    assert_true(compiled > 300);
}

static void variables_in_use(void **state)
{
    struct wgf_expression *expression;
    struct wgf_error error;
    size_t place;
    (void)state;
    assert_int_equal(
        wgf_expression_compile(&expression, "x < 2 and kind = a", WGF_EXPRESSION_CONDITION, &names, &place, &error),
        WGF_OK);
    assert_true(wgf_expression_uses(expression, X) && wgf_expression_uses(expression, KIND));
    assert_false(wgf_expression_uses(expression, T));
    wgf_expression_free(expression);
    wgf_expression_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(arithmetic),   cmocka_unit_test(conditions),
                                       cmocka_unit_test(errors),       cmocka_unit_test(nesting),
                                       cmocka_unit_test(random_texts), cmocka_unit_test(variables_in_use)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
