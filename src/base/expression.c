/* A parser by recursive descent that leaves instructions for a stack. Invariant: the parser bounds how deep an
 * expression nests, and with it the stack.
 *
 * It is our own as no library serves the three uses: muParser and TinyExpr know neither words as values
 * (status = diverged) nor lists, `in` and `not`, so --where would need a second language beside theirs. */
#include "expression_code.h"

#include "wgf/base/system.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = WGF_EXPRESSION_DEEPEST, NAME = 64 };

enum type { FAILED, NUMBER = WGF_EXPRESSION_NUMBER, CONDITION = WGF_EXPRESSION_CONDITION, WORD };

struct parser {
    const char *text, *at;
    const struct wgf_names *names;
    struct wgf_expression *made;
    char *words; /* the end of made->words */
    int depth;
    int word;   /* the variable of a WORD that was read last */
    int beside; /* the variable whose comparison is read, or -1 */
    size_t place;
    struct wgf_error *error;
};

/* Operators of two operands by their precedence; comparisons are between `and` and `+`. */
enum level { COMMA, OR_LEVEL, AND_LEVEL, SUM, PRODUCT };
static const struct {
    const char *sign;
    enum level level;
    enum wgf_operation operation;
} joints[] = {{",", COMMA, AND},    {"or", OR_LEVEL, OR},     {"and", AND_LEVEL, AND}, {"+", SUM, ADD},
              {"-", SUM, SUBTRACT}, {"*", PRODUCT, MULTIPLY}, {"/", PRODUCT, DIVIDE}};
enum { JOINTS = sizeof joints / sizeof *joints };

static const struct {
    const char *sign;
    enum wgf_operation operation;
} comparisons[] = {{"==", EQUAL}, {"!=", UNEQUAL}, {"<=", LESS_EQUAL}, {">=", GREATER_EQUAL}, {"=", EQUAL},
                   {"<", LESS},   {">", GREATER},  {"in", MEMBER},     {"not in", UNEQUAL}};
enum { COMPARISONS = sizeof comparisons / sizeof *comparisons };

static const struct {
    const char *name;
    enum wgf_operation operation;
    int arguments; /* 0: two or more */
} functions[] = {{"min", MIN, 0}, {"max", MAX, 0}, {"sqrt", SQRT, 1}, {"log", LOG, 1},
                 {"exp", EXP, 1}, {"abs", ABS, 1}, {"pow", POWER, 2}};

static enum type joined(struct parser *parser, enum level level);

static enum type fail(struct parser *parser, const char *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum type fail(struct parser *parser, const char *place, const char *format, ...)
{
    char sentence[WGF_ERROR_LENGTH];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    parser->place = (size_t)(place - parser->text);
    wgf_fail(parser->error, WGF_EUSAGE, "%s", sentence);
    return FAILED;
}

static bool is_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_';
}

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

static bool is_blank(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\n' || letter == '\r';
}

static const char *skip_blanks(struct parser *parser)
{
    while (is_blank(*parser->at))
        parser->at++;
    return parser->at;
}

/* The end of the token where the text has it, else NULL. A blank of the token stands for one or more. */
static const char *find_token(const char *text, const char *token)
{
    for (; *token; token++) {
        if (*token != *text)
            return NULL;
        do
            text++;
        while (*token == ' ' && is_blank(*text));
    }
    return is_letter(token[-1]) && (is_letter(*text) || is_digit(*text)) ? NULL : text;
}

static bool take(struct parser *parser, const char *token)
{
    const char *const end = find_token(skip_blanks(parser), token);
    parser->at = end ? end : parser->at;
    return end;
}

static void emit(struct parser *parser, struct wgf_instruction instruction)
{
    parser->made->code[parser->made->count++] = instruction;
}

static void emit_plain(struct parser *parser, enum wgf_operation operation)
{
    emit(parser, (struct wgf_instruction){.operation = operation});
}

/* Demands an operand of this type, which the text has from `start` on. */
static enum type expect(struct parser *parser, const char *start, enum type wanted, enum type type)
{
    int length = (int)(parser->at - start);
    while (length > 0 && is_blank(start[length - 1]))
        length--;
    if (type == wanted || !type)
        return type;
    if (type == WORD)
        return fail(parser, start, "%.*s is a word; compare it with = or !=, or by in [A, B]", length, start);
    if (wanted == NUMBER)
        return fail(parser, start, "'%.*s' is a condition, and a number is needed here", length, start);
    return fail(parser, start, "'%.*s' is not NAME OP VALUE, OP one of = != < <= > >= in", length, start);
}

static enum type missing(struct parser *parser, const char *what)
{
    const char *const at = skip_blanks(parser);
    int length = *at != '\0';
    while (length > 0 && at[length] &&
           (is_letter(*at) ? is_letter(at[length]) : (at[length] & 0xC0) == 0x80)) /* of one character */
        length++;
    return *at ? fail(parser, at, "%s is needed, not '%.*s'", what, length, at)
               : fail(parser, at, "%s is missing at the end, after '%s'", what, parser->text);
}

static enum type number(struct parser *parser)
{
    const char *const start = parser->at, *end = start;
    char digits[NAME];
    while (is_digit(*end) || *end == '.')
        end++;
    if ((*end == 'e' || *end == 'E') && (is_digit(end[1]) || ((end[1] == '-' || end[1] == '+') && is_digit(end[2]))))
        for (end += 2; is_digit(*end);)
            end++;
    const char *last = end;
    while (is_digit(*last) || is_letter(*last) || *last == '.')
        last++;
    snprintf(digits, sizeof digits, "%.*s", (int)(end - start), start);
    char *stop;
    const double value = strtod(digits, &stop);
    parser->at = last;
    if (last > end || *stop || end - start >= NAME || !isfinite(value))
        return fail(parser, start, "'%.*s' is not a number", (int)(last - start), start);
    emit(parser, (struct wgf_instruction){.operation = CONSTANT, .constant = value});
    return NUMBER;
}

static enum type call(struct parser *parser, const char *start, const char *name)
{
    size_t f = 0;
    int given = 0;
    while (f < sizeof functions / sizeof *functions && strcmp(functions[f].name, name) != 0)
        f++;
    if (f == sizeof functions / sizeof *functions)
        return fail(parser, start, "unknown function '%s'; there are min, max, sqrt, log, exp, abs and pow", name);
    do {
        const char *const argument = skip_blanks(parser);
        if (!expect(parser, argument, NUMBER, joined(parser, SUM)))
            return FAILED;
        if (++given > 1 || functions[f].arguments == 1)
            emit_plain(parser, functions[f].operation);
    } while (take(parser, ","));
    if (!take(parser, ")"))
        return missing(parser, "a closing parenthesis");
    if (functions[f].arguments ? given != functions[f].arguments : given < 2)
        return fail(parser, start, "%s takes %s", name,
                    functions[f].arguments == 1   ? "one number"
                    : functions[f].arguments == 2 ? "two numbers"
                                                  : "two numbers or more");
    return NUMBER;
}

static enum type name(struct parser *parser)
{
    const char *const start = parser->at;
    char text[NAME];
    struct wgf_symbol symbol = {.variable = -1};
    while (is_letter(*parser->at) || is_digit(*parser->at))
        parser->at++;
    if (parser->at - start >= NAME)
        return fail(parser, start, "'%.*s...' is not a name", NAME, start);
    snprintf(text, sizeof text, "%.*s", (int)(parser->at - start), start);
    if (take(parser, "("))
        return call(parser, start, text);
    if (parser->names->find(parser->names->context, text, parser->beside, &symbol, parser->error)) {
        parser->place = (size_t)(start - parser->text);
        return FAILED;
    }
    parser->word = symbol.variable;
    if (symbol.is_word)
        return WORD;
    emit(parser,
         (struct wgf_instruction){symbol.variable < 0 ? CONSTANT : VARIABLE, symbol.variable, symbol.constant, NULL});
    return NUMBER;
}

static enum type primary(struct parser *parser)
{
    const char *const start = skip_blanks(parser);
    if (is_digit(*start) || (*start == '.' && is_digit(start[1])))
        return number(parser);
    if (is_letter(*start) && !find_token(start, "and") && !find_token(start, "or") && !find_token(start, "not"))
        return name(parser);
    if (!take(parser, "("))
        return missing(parser, "a number or a name");
    const int beside = parser->beside;
    const enum type type = joined(parser, COMMA);
    parser->beside = beside;
    return !type || take(parser, ")") ? type : missing(parser, "a closing parenthesis");
}

static enum type too_deep(struct parser *parser)
{
    return fail(parser, parser->at, "the expression nests more than %d deep; simplify it", DEEPEST);
}

/* A sign binds less than a power: -2^2 is -4. */
static enum type signed_number(struct parser *parser)
{
    if (parser->depth == DEEPEST)
        return too_deep(parser);
    parser->depth++;
    const char *const start = skip_blanks(parser);
    const bool minus = take(parser, "-"), is_signed = minus || take(parser, "+");
    const char *last = skip_blanks(parser);
    enum type type = is_signed ? signed_number(parser) : primary(parser);
    const bool is_power = type && !is_signed && (take(parser, "^") || take(parser, "**"));
    if (is_power && expect(parser, start, NUMBER, type)) {
        last = skip_blanks(parser);
        type = signed_number(parser);
    }
    if (is_signed || is_power)
        type = parser->error->status ? FAILED : expect(parser, last, NUMBER, type);
    if (type && (minus || is_power))
        emit_plain(parser, minus ? NEGATE : POWER);
    parser->depth--;
    return type;
}

/* Reads a word that a variable is compared with: in quotes, or up to a comma, a bracket, `and` or `or`. */
static const char *read_word(struct parser *parser)
{
    const char *const start = skip_blanks(parser), quote = *start == '"' || *start == '\'' ? *start : '\0';
    const char *first = start + (quote ? 1 : 0), *end = first;
    if (quote) {
        while (*end && *end != quote)
            end++;
        if (!*end)
            return fail(parser, start, "%s has no closing quote", start), NULL;
        parser->at = end + 1;
    } else {
        while (*end && !strchr(",()[]", *end) &&
               !(is_blank(*end) && (find_token(end + 1, "and") || find_token(end + 1, "or"))))
            end++;
        parser->at = end;
        while (end > first && is_blank(end[-1]))
            end--;
        if (end == first)
            return missing(parser, "a word"), NULL;
    }
    char *const word = parser->words;
    memcpy(word, first, (size_t)(end - first));
    word[end - first] = '\0';
    parser->words += end - first + 1;
    if (!parser->names->check(parser->names->context, parser->word, word, parser->error))
        return word;
    parser->place = (size_t)(start - parser->text);
    return NULL;
}

/* One element of a comparison's right side; first: of a list. */
static bool element(struct parser *parser, int variable, bool is_list, bool first)
{
    const char *const start = skip_blanks(parser);
    if (variable < 0) {
        if (!expect(parser, start, NUMBER, joined(parser, SUM)))
            return false;
        if (is_list)
            emit_plain(parser, MEMBER);
        return true;
    }
    parser->word = variable;
    const char *const word = read_word(parser);
    if (!word)
        return false;
    emit(parser, (struct wgf_instruction){.operation = IS, .variable = variable, .word = word});
    if (is_list && !first)
        emit_plain(parser, OR);
    return true;
}

/* The list of `in`. */
static bool list(struct parser *parser, int variable)
{
    const bool square = take(parser, "[");
    if (!square && !take(parser, "("))
        return missing(parser, "a list, [A, B],");
    if (variable < 0)
        emit_plain(parser, CONSTANT); /* 0: not found */
    bool first = true;
    do {
        if (!element(parser, variable, true, first))
            return false;
        first = false;
    } while (take(parser, ","));
    if (variable < 0)
        emit_plain(parser, FOUND);
    return take(parser, square ? "]" : ")") || missing(parser, square ? "a closing ]" : "a closing parenthesis");
}

/* Ends a comparison of two numbers; the right one has its instructions from `right` on. NaN that is written asks for
 * NaN. */
static void compare(struct parser *parser, enum wgf_operation operation, int right)
{
    struct wgf_expression *const made = parser->made;
    const bool asks = made->count == right + 1 && made->code[right].operation == CONSTANT &&
                      isnan(made->code[right].constant) && (operation == EQUAL || operation == UNEQUAL);
    if (!asks) {
        emit_plain(parser, operation);
        return;
    }
    made->code[right].operation = IS_NAN;
    if (operation == UNEQUAL)
        emit_plain(parser, NOT);
}

static int find_comparison(struct parser *parser)
{
    int c = 0;
    while (c < COMPARISONS && !find_token(skip_blanks(parser), comparisons[c].sign))
        c++;
    return c;
}

static enum type comparison(struct parser *parser)
{
    const char *const start = skip_blanks(parser);
    const int left = parser->made->count;
    enum type type = joined(parser, SUM);
    const int c = type ? find_comparison(parser) : COMPARISONS;
    if (c == COMPARISONS)
        return type;
    const enum wgf_operation operation = comparisons[c].operation;
    const bool is_word = type == WORD, is_list = is_letter(comparisons[c].sign[0]);
    if (is_word ? !is_list && operation > UNEQUAL : type != NUMBER)
        return expect(parser, start, NUMBER, type);
    const int right = parser->made->count, outer = parser->beside;
    const bool is_alone = right == left + 1 && parser->made->code[left].operation == VARIABLE;
    parser->beside = is_alone ? parser->made->code[left].variable : -1;
    take(parser, comparisons[c].sign);
    const int variable = is_word ? parser->word : -1;
    if (is_list ? !list(parser, variable) : !element(parser, variable, false, true))
        return FAILED;
    if (!is_word && !is_list)
        compare(parser, operation, right);
    else if (operation == UNEQUAL)
        emit_plain(parser, NOT);
    parser->beside = outer;
    if (find_comparison(parser) < COMPARISONS)
        return fail(parser, parser->at, "two comparisons in a row; join them by and, as in 'a < b and b < c'");
    return CONDITION;
}

static enum type negation(struct parser *parser)
{
    if (!take(parser, "not"))
        return comparison(parser);
    if (parser->depth == DEEPEST)
        return too_deep(parser);
    parser->depth++;
    const char *const start = skip_blanks(parser);
    const enum type type = expect(parser, start, CONDITION, negation(parser));
    parser->depth--;
    if (type)
        emit_plain(parser, NOT);
    return type;
}

static enum type operand(struct parser *parser, enum level level)
{
    return level == PRODUCT     ? signed_number(parser)
           : level == AND_LEVEL ? negation(parser)
                                : joined(parser, (enum level)(level + 1));
}

/* Operands of one level, joined by its operators from left to right. */
static enum type joined(struct parser *parser, enum level level)
{
    const char *start = skip_blanks(parser);
    const enum type wanted = level < SUM ? CONDITION : NUMBER;
    enum type type = operand(parser, level);
    for (int j = 0; type && j < JOINTS; j++) {
        if (joints[j].level != level || !find_token(skip_blanks(parser), joints[j].sign))
            continue;
        type = expect(parser, start, wanted, type);
        take(parser, joints[j].sign);
        start = skip_blanks(parser);
        type = type ? expect(parser, start, wanted, operand(parser, level)) : FAILED;
        if (type)
            emit_plain(parser, joints[j].operation);
        j = -1; /* any of them may follow */
    }
    return type;
}

/* The type of the whole text. */
static enum type whole(struct parser *parser, enum type wanted)
{
    const char *const start = skip_blanks(parser);
    if (!*start)
        return fail(parser, start, "the expression is empty");
    const enum type type = joined(parser, COMMA);
    if (type && *skip_blanks(parser))
        return fail(parser, parser->at, "'%s' is not understood here%s", parser->at,
                    wanted == CONDITION ? "; a condition is NAME OP VALUE, joined to others by and or or" : "");
    return expect(parser, start, wanted, type);
}

wgf_status wgf_expression_compile(struct wgf_expression **expression, const char *text, enum wgf_expression_type type,
                                  const struct wgf_names *names, size_t *place, struct wgf_error *error)
{
    struct wgf_error inner = {0};
    struct wgf_expression *const made = *expression = wgf_calloc(1, sizeof *made);
    const int64_t length = (int64_t)strlen(text);
    *place = 0;
    if (made) {
        made->code = wgf_calloc(2 * length + 2, sizeof *made->code); /* a letter makes two instructions at most */
        made->words = wgf_calloc(length + 1, 1);                     /* an operator is before each */
    }
    struct parser parser = {
        .text = text, .at = text, .names = names, .made = made, .words = made ? made->words : NULL, .beside = -1};
    parser.error = &inner;
    if (!made || !made->code || !made->words)
        wgf_fail(&inner, WGF_EMEMORY, "no memory for an expression");
    else if (whole(&parser, (enum type)type))
        return WGF_OK;
    *place = parser.place;
    wgf_expression_free(made);
    *expression = NULL;
    return wgf_fail(error, inner.status, "%s", inner.message);
}

void wgf_expression_free(struct wgf_expression *expression)
{
    if (!expression)
        return;
    free(expression->code);
    free(expression->words);
    free(expression);
}

bool wgf_expression_uses(const struct wgf_expression *expression, int variable)
{
    for (int i = 0; i < expression->count; i++) {
        const struct wgf_instruction *const one = &expression->code[i];
        if ((one->operation == VARIABLE || one->operation == IS) && one->variable == variable)
            return true;
    }
    return false;
}
