/* Values of parameters as text: parsing, ranges, printing. Every error is one sentence with the remedy. */
#include "wgf/base/text.h"
#include "wgf/spec/diagnostics.h"
#include "wgf/spec/params.h"

#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t largest_integer = INT64_C(1) << 53; /* a double holds every integer up to here */

enum number_form { NO_NUMBER, DECIMAL, WHOLE };

static const char *skip_digits(const char *text)
{
    while (*text >= '0' && *text <= '9')
        text++;
    return text;
}

static const char *skip_sign(const char *text)
{
    return text + (*text == '+' || *text == '-');
}

/* Scans [+-]? digits [. digits] [e [+-]? digits]; digits on one side of the point are enough. WHOLE: no point and no
 * negative exponent. */
static enum number_form number_form(const char *text)
{
    enum number_form form = WHOLE;
    const char *digits = skip_sign(text), *end = skip_digits(digits);
    bool any = end > digits;
    if (*end == '.') {
        form = DECIMAL;
        digits = end + 1;
        end = skip_digits(digits);
        any = any || end > digits;
    }
    if ((*end == 'e' || *end == 'E') && any) {
        if (end[1] == '-')
            form = DECIMAL;
        digits = skip_sign(end + 1);
        end = skip_digits(digits);
        any = end > digits;
    }
    return any && *end == '\0' ? form : NO_NUMBER;
}

/* The integer that a WHOLE text denotes; false beyond ±2^53. */
static bool whole_value(const char *text, int64_t *value)
{
    const char *at = skip_sign(text);
    int64_t magnitude = 0;
    for (; *at >= '0' && *at <= '9' && magnitude <= largest_integer; at++)
        magnitude = 10 * magnitude + (*at - '0');
    at = skip_digits(at);
    if (*at != '\0') {
        int exponent = 0;
        for (at = skip_sign(at + 1); *at && exponent < 100; at++)
            exponent = 10 * exponent + (*at - '0');
        for (; exponent > 0 && magnitude > 0 && magnitude <= largest_integer; exponent--)
            magnitude *= 10;
    }
    *value = *text == '-' ? -magnitude : magnitude;
    return magnitude <= largest_integer;
}

/* Does a text of any number form denote 0? */
static bool denotes_zero(const char *text)
{
    const char end = text[strspn(text, "+-0.")];
    return end == '\0' || end == 'e' || end == 'E';
}

/* What the parameter allows: "a whole number from 1 to 2^53", "a number above 0 or auto". */
static const char *allowed(const struct wgf_param *param, char *buffer, size_t size)
{
    if (param->type == WGF_PARAM_INT) {
        const bool widest = param->maximum >= (double)largest_integer;
        snprintf(buffer, size, widest ? "a whole number from %.16g to 2^53" : "a whole number from %.16g to %.16g",
                 param->minimum, param->maximum);
    } else {
        snprintf(buffer, size, "a number %s %g", param->open ? "above" : "of at least", param->minimum);
        if (param->maximum < DBL_MAX)
            snprintf(buffer + strlen(buffer), size - strlen(buffer), " and %s %g",
                     param->open_above ? "below" : "at most", param->maximum);
    }
    const size_t length = strlen(buffer);
    snprintf(buffer + length, size - length, "%s%s", param->word ? " or " : "", param->word ? param->word : "");
    return buffer;
}

static wgf_status out_of_range(const struct wgf_param *param, const char *shown, struct wgf_error *error)
{
    char range[96];
    return wgf_fail(error, WGF_EUSAGE, "%s: %s is out of range; use %s", param->name, shown,
                    allowed(param, range, sizeof range));
}

bool wgf_text_is_null(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof nulls / sizeof *nulls; i++)
        if (strcmp(text, nulls[i]) == 0)
            return true;
    return false;
}

static wgf_status no_value(const struct wgf_param *param, struct wgf_error *error)
{
    return wgf_fail(error, WGF_EUSAGE, "%s has no value; give it one or remove it", param->name);
}

static wgf_status not_a_number(const struct wgf_param *param, const char *word, const char *text,
                               struct wgf_error *error)
{
    return wgf_fail(error, WGF_EUSAGE, "%s: use a %s%s%s, not '%s'", param->name,
                    param->type == WGF_PARAM_INT ? "whole number" : "number", word ? " or " : "", word ? word : "",
                    wgf_excerpt(text).text);
}

/* A number, in its range or not; `word` (or NULL) only completes the sentence. */
static wgf_status parse_number(const struct wgf_param *param, const char *word, const char *text, bool quoted,
                               union wgf_value *value, struct wgf_error *error)
{
    const bool integer = param->type == WGF_PARAM_INT;
    const enum number_form form = number_form(text);
    if (form == NO_NUMBER || (integer && form != WHOLE))
        return not_a_number(param, word, text, error);
    if (quoted)
        return wgf_fail(error, WGF_EUSAGE, "%s: a number in quotes is text; remove the quotes", param->name);
    if (!integer) {
        value->real = strtod(text, NULL) + 0.0; /* -0 becomes 0 */
        if (value->real == 0 && !denotes_zero(text)) {
            return wgf_fail(error, WGF_EUSAGE, "%s: %s is too small and would become 0; use at least 4.95e-324",
                            param->name, wgf_excerpt(text).text);
        }
    }
    const bool fits = integer ? whole_value(text, &value->integer) : isfinite(value->real);
    return fits ? WGF_OK : out_of_range(param, wgf_excerpt(text).text, error);
}

wgf_status wgf_number_parse(const struct wgf_param *param, const char *text, bool quoted, union wgf_value *value,
                            struct wgf_error *error)
{
    if (param->type != WGF_PARAM_INT && param->type != WGF_PARAM_FLOAT)
        return wgf_fail(error, WGF_EUSAGE, "%s does not take numbers", param->name);
    if (!quoted && wgf_text_is_null(text))
        return no_value(param, error);
    return parse_number(param, NULL, text, quoted, value, error);
}

/* Writes "a, b or c". */
static const char *choices_text(const struct wgf_param *param, int count, char *buffer, size_t size)
{
    size_t length = 0;
    buffer[0] = '\0';
    for (int i = 0; i < count && length < size; i++) {
        const char *joint = i == 0 ? "" : i == count - 1 ? " or " : ", ";
        length += (size_t)snprintf(buffer + length, size - length, "%s%s", joint, param->choices[i]);
    }
    return buffer;
}

static wgf_status parse_choice(const struct wgf_param *param, const char *text, int *choice, struct wgf_error *error)
{
    char list[128];
    int count = 0;
    for (; param->choices[count]; count++) {
        if (strcmp(text, param->choices[count]) == 0) {
            *choice = count;
            return WGF_OK;
        }
    }
    const char *nearest = wgf_nearest_name(text, param->choices, count);
    return wgf_fail(error, WGF_EUSAGE, "%s: use %s, not '%s'%s%s%s", param->name,
                    choices_text(param, count, list, sizeof list), wgf_excerpt(text).text,
                    nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
}

static wgf_status parse_text(const struct wgf_param *param, const char *text, const char **value,
                             struct wgf_error *error)
{
    const char *const remedy = param->type == WGF_PARAM_PATH ? "rename the file" : "use other words";
    for (const char *at = text; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F) {
            return wgf_fail(error, WGF_EUSAGE, "%s: '%s' contains a control character; %s", param->name,
                            wgf_excerpt(text).text, remedy);
        }
    }
    if (!wgf_is_utf8(text))
        return wgf_fail(error, WGF_EUSAGE, "%s: '%s' is not UTF-8; %s", param->name, wgf_excerpt(text).text, remedy);
    if (strlen(text) >= PATH_MAX)
        return wgf_fail(error, WGF_EUSAGE, "%s: '%s' is too long; use a shorter one", param->name,
                        wgf_excerpt(text).text);
    *value = param->word && strcmp(text, param->word) == 0 ? "" : text;
    struct wgf_error inner;
    size_t place;
    const wgf_status status = param->check && **value ? param->check(*value, &place, &inner) : WGF_OK;
    return status ? wgf_fail(error, status, "%s: %s", param->name, inner.message) : WGF_OK;
}

wgf_status wgf_param_parse(const struct wgf_param *param, const char *text, bool quoted, union wgf_value *value,
                           struct wgf_error *error)
{
    union wgf_value parsed = {0};
    if (!quoted && wgf_text_is_null(text))
        return no_value(param, error);
    wgf_status status;
    if (param->type == WGF_PARAM_CHOICE) {
        status = parse_choice(param, text, &parsed.choice, error);
    } else if (wgf_param_is_text(param)) {
        status = parse_text(param, text, &parsed.text, error);
    } else if (param->word && strcmp(text, param->word) == 0) {
        if (param->type == WGF_PARAM_INT)
            parsed.integer = -1;
        else
            parsed.real = NAN;
        status = WGF_OK;
    } else {
        status = parse_number(param, param->word, text, quoted, &parsed, error);
        if (status == WGF_OK)
            status = wgf_param_check(param, parsed, error);
    }
    if (status == WGF_OK)
        *value = parsed;
    return status;
}

wgf_status wgf_param_check(const struct wgf_param *param, union wgf_value value, struct wgf_error *error)
{
    if (param->type != WGF_PARAM_INT && param->type != WGF_PARAM_FLOAT)
        return WGF_OK;
    const bool integer = param->type == WGF_PARAM_INT;
    const double number = integer ? (double)value.integer : value.real;
    if (isnan(number) && param->word)
        return WGF_OK;
    const bool high_enough = param->open ? number > param->minimum : number >= param->minimum;
    if (high_enough && (param->open_above ? number < param->maximum : number <= param->maximum))
        return WGF_OK;
    char shown[32];
    snprintf(shown, sizeof shown, integer ? "%.16g" : "%g", number);
    return out_of_range(param, shown, error);
}

bool wgf_param_holds(const struct wgf_param *param, union wgf_value value)
{
    return (param->type == WGF_PARAM_INT && param->word && value.integer == -1) ||
           wgf_param_check(param, value, NULL) == WGF_OK;
}

bool wgf_value_equal(const struct wgf_param *param, union wgf_value a, union wgf_value b)
{
    switch (param->type) {
    case WGF_PARAM_INT:
        return a.integer == b.integer;
    case WGF_PARAM_FLOAT:
        return a.real == b.real || (isnan(a.real) && isnan(b.real));
    case WGF_PARAM_CHOICE:
        return a.choice == b.choice;
    case WGF_PARAM_PATH:
    case WGF_PARAM_TEXT:
        return strcmp(a.text, b.text) == 0;
    }
    return false;
}

int wgf_value_format(const struct wgf_param *param, union wgf_value value, char *buffer, size_t size)
{
    switch (param->type) {
    case WGF_PARAM_INT:
        return value.integer == -1 && param->word ? snprintf(buffer, size, "%s", param->word)
                                                  : snprintf(buffer, size, "%" PRId64, value.integer);
    case WGF_PARAM_FLOAT:
        return isnan(value.real) && param->word ? snprintf(buffer, size, "%s", param->word)
                                                : snprintf(buffer, size, "%.17g", value.real);
    case WGF_PARAM_CHOICE:
        return snprintf(buffer, size, "%s", param->choices[value.choice]);
    case WGF_PARAM_PATH:
    case WGF_PARAM_TEXT:
        return snprintf(buffer, size, "%s", value.text);
    }
    return snprintf(buffer, size, "%s", "");
}
