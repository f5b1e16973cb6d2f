/* The JSON Schema of a spec (draft 7, which YAML language servers read), made from the table of parameters: an editor
 * completes and checks by it. It refuses nothing that the program takes, but for a path that YAML reads as a number. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON(...) #__VA_ARGS__
#define VALUE "#/definitions/parameters/%s" /* where a parameter's value is defined */
enum { PLACE = 128, TEMPLATE = 2048 };

/* All but the parameters. */
static const char frame[] = JSON({
    "$schema" : "http://json-schema.org/draft-07/schema#",
    "title" : "spec of a wgf sweep",
    "type" : "object",
    "anyOf" : [ {"required" : ["name"]}, {"required" : ["extends"]} ],
    "additionalProperties" : false,
    "properties" : {
        "extends" : {"description" : "a spec that this one changes", "type" : "string", "minLength" : 1},
        "name" : {"description" : "one line of text", "type" : [ "string", "number" ], "minLength" : 1},
        "description" : {"description" : "what the sweep is for", "type" : [ "string", "number" ]},
        "fixed" : {"$ref" : "#/definitions/fixed"},
        "sweep" : {
            "description" : "axes, or a list of blocks whose jobs are joined in order",
            "type" : [ "object", "array" ],
            "if" : {"type" : "array"},
            "then" : {"minItems" : 1, "maxItems" : 1000, "items" : {"$ref" : "#/definitions/block"}},
            "else" : {"$ref" : "#/definitions/axes"}
        }
    },
    "definitions" : {
        "block" : {
            "description" : "jobs that follow those of the block before",
            "type" : "object",
            "additionalProperties" : false,
            "dependencies" : {"sample" : ["over"], "over" : ["sample"]},
            "properties" : {
                "fixed" : {"$ref" : "#/definitions/fixed"},
                "product" : {"$ref" : "#/definitions/axes"},
                "zip" : {"$ref" : "#/definitions/axes"},
                "sample" : {
                    "description" : "points of a design, one a job",
                    "type" : "object",
                    "required" : ["count"],
                    "additionalProperties" : false,
                    "properties" : {
                        "count" : {"type" : "integer", "minimum" : 1, "maximum" : 1000000},
                        "design" : {"enum" : [ "sobol", "latin", "random" ], "default" : "sobol"},
                        "seed" : {"type" : "integer", "minimum" : 0, "default" : 1}
                    }
                },
                "over" : {"$ref" : "#/definitions/laws"},
                "exclude" : {
                    "description" : "jobs that match all of an entry are left out",
                    "type" : "array",
                    "items" : {"$ref" : "#/definitions/conditions"}
                }
            }
        },
        "fixed" : {
            "description" : "one value a parameter, for every job",
            "type" : "object",
            "additionalProperties" : false,
            "properties" : {}
        },
        "axes" : {
            "description" : "all values of each parameter; of a product the last varies fastest",
            "type" : "object",
            "additionalProperties" : false,
            "properties" : {}
        },
        "laws" : {
            "description" : "the law of each parameter over the points",
            "type" : "object",
            "minProperties" : 1,
            "additionalProperties" : false,
            "properties" : {}
        },
        "conditions" : {
            "description" : "values, comparisons as texts, or lists of these, of which one has to hold",
            "type" : "object",
            "minProperties" : 1,
            "additionalProperties" : false,
            "properties" : {}
        },
        "parameters" : {}
    }
});

/* The axis of a parameter: where its value is defined. */
static const char list[] = JSON({"type" : "array", "minItems" : 1, "items" : {"$ref" : "%s"}});

/* The axis of a number: where its value is defined; five times where the number alone is; twice its type. */
static const char list_or_space[] = JSON({
    "type" : [ "array", "object" ],
    "minItems" : 1,
    "items" : {"$ref" : "%s"},
    "minProperties" : 1,
    "maxProperties" : 1,
    "additionalProperties" : false,
    "properties" : {
        "linspace" : {
            "description" : "[first, last, count], both ends included",
            "type" : "array",
            "minItems" : 3,
            "maxItems" : 3,
            "items" : [ {"$ref" : "%s"}, {"$ref" : "%s"}, {"type" : "integer", "minimum" : 1} ]
        },
        "geomspace" : {
            "description" : "[first, last, count], both ends included",
            "type" : "array",
            "minItems" : 3,
            "maxItems" : 3,
            "items" : [ {"$ref" : "%s"}, {"$ref" : "%s"}, {"type" : "integer", "minimum" : 1} ]
        },
        "range" : {
            "description" : "[first, before] or [first, before, step]",
            "type" : "array",
            "minItems" : 2,
            "maxItems" : 3,
            "items" : [ {"$ref" : "%s"}, {"type" : "%s"}, {"type" : "%s"} ]
        }
    }
});

/* The law of a parameter: its name. */
static const char choice[] = JSON({
    "type" : "object",
    "required" : ["choice"],
    "additionalProperties" : false,
    "properties" : {"choice" : {"$ref" : "#/definitions/axes/properties/%s"}}
});

/* The law of a number: that of its type; twice where the number is defined; its name. */
static const char law[] = JSON({
    "type" : "object",
    "minProperties" : 1,
    "maxProperties" : 1,
    "additionalProperties" : false,
    "properties" : {
        "%s" : {"type" : "array", "minItems" : 2, "maxItems" : 2, "items" : {"$ref" : "%s"}},
        "loguniform" : {
            "type" : "array",
            "minItems" : 2,
            "maxItems" : 2,
            "items" : {"allOf" : [ {"$ref" : "%s"}, {"exclusiveMinimum" : 0} ]}
        },
        "choice" : {"$ref" : "#/definitions/axes/properties/%s"}
    }
});

static const char any_text[] = JSON({"type" : [ "string", "number" ]});

/* A value, or a text: where that is defined, and what a comparison, or a derived value, looks like. */
static const char value_alone[] = JSON({"$ref" : "%s"});
static const char value_or_text[] = JSON({"anyOf" : [ {"$ref" : "%s"}, {"type" : "string", "pattern" : "%s"} ]});

/* A condition: one of these, or a list of them; twice what one is. */
static const char one_or_list[] =
    "{\"if\": {\"type\": \"array\"}, \"then\": {\"minItems\": 1, \"items\": %s}, \"else\": %s}";

static bool is_number(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_INT || param->type == WGF_PARAM_FLOAT;
}

static const char *number_type(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_INT ? "integer" : "number";
}

static cJSON *properties_of(const cJSON *definitions, const char *name)
{
    return cJSON_GetObjectItem(cJSON_GetObjectItem(definitions, name), "properties");
}

static cJSON *make_number(const struct wgf_param *param)
{
    cJSON *schema = cJSON_CreateObject();
    cJSON_AddStringToObject(schema, "type", number_type(param));
    cJSON_AddNumberToObject(schema, param->open ? "exclusiveMinimum" : "minimum", param->minimum);
    if (param->type == WGF_PARAM_INT || param->maximum < DBL_MAX)
        cJSON_AddNumberToObject(schema, param->open_above ? "exclusiveMaximum" : "maximum", param->maximum);
    return schema;
}

/* Words of a list, or one text of them. */
#define ALTERNATIVE(id, word) "|" #word
#define WORD "(none" WGF_DIAGNOSTICS(ALTERNATIVE) ")"
#define WORDS WORD "( *, *" WORD ")*$"
static cJSON *make_diagnostics(void)
{
    cJSON *const schema = cJSON_Parse(JSON({"type" : [ "array", "string" ], "minItems" : 1}));
    cJSON_AddStringToObject(schema, "pattern", "^$|^" WORDS);
    cJSON *const items = cJSON_AddObjectToObject(schema, "items");
    cJSON_AddStringToObject(items, "type", "string");
    cJSON_AddStringToObject(items, "pattern", "^" WORD "$");
    return schema;
}

/* The value that YAML reads the word as: true and false are booleans. */
static cJSON *make_word(const char *word)
{
    if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
        return cJSON_CreateBool(*word == 't');
    return cJSON_CreateString(word);
}

/* What a value of the parameter may be. A number that has a word beside it is the first of `anyOf`. */
static cJSON *make_value(const struct wgf_param *param)
{
    if (is_number(param) && !param->word)
        return make_number(param);
    if (param->type == WGF_PARAM_PATH)
        return cJSON_Parse(JSON({"type" : "string"}));
    if (param->check && param->list)
        return make_diagnostics();
    if (param->check) /* a condition compares something */
        return cJSON_Parse(JSON({"type" : "string", "pattern" : "^(none)?$|[<=>]| in "}));
    if (param->list)
        return cJSON_Parse(JSON(
            {"type" : [ "array", "string", "number" ], "minItems" : 1, "items" : {"type" : [ "string", "number" ]}}));
    if (param->type == WGF_PARAM_TEXT)
        return cJSON_Parse(any_text);
    cJSON *schema = cJSON_CreateObject();
    const char *const words[] = {param->word, NULL}, *const *choices = is_number(param) ? words : param->choices;
    cJSON *holder = schema;
    if (is_number(param)) {
        cJSON *any = cJSON_AddArrayToObject(schema, "anyOf");
        cJSON_AddItemToArray(any, make_number(param));
        cJSON_AddItemToArray(any, holder = cJSON_CreateObject());
    }
    cJSON *enumeration = cJSON_AddArrayToObject(holder, "enum");
    for (int i = 0; choices[i]; i++)
        cJSON_AddItemToArray(enumeration, make_word(choices[i]));
    return schema;
}

/* Its meaning, and which jobs read it. */
static void add_description(const struct wgf_param *param, const char *readers, cJSON *schema)
{
    char text[2 * WGF_READERS_LENGTH];
    snprintf(text, sizeof text, "%s%s%.*s", param->meaning, *readers ? "; read with " : "", WGF_READERS_LENGTH,
             readers);
    cJSON_AddStringToObject(schema, "description", text);
}

static void add_default(const struct wgf_param *param, cJSON *schema)
{
    char *end;
    const double number = strtod(param->default_text, &end);
    if (is_number(param) && *end == '\0')
        cJSON_AddNumberToObject(schema, "default", number);
    else if (!wgf_param_is_text(param))
        cJSON_AddItemToObject(schema, "default", make_word(param->default_text));
}

/* What a comparison with the parameter looks like. A text is one as it is. */
static void write_pattern(const struct wgf_param *param, char pattern[TEMPLATE])
{
    const bool number = is_number(param), words = param->check && param->list;
    const char *const texts = words ? "^(!=|=) *" WORDS : "^(!=|=)";
    size_t used = (size_t)snprintf(pattern, TEMPLATE, "%s", number ? "^(<=?|>=?|!=|=) *[-+.0-9]" : texts);
    if (param->word)
        used += (size_t)snprintf(pattern + used, TEMPLATE - used, "|^(!=|=) *%s$", param->word);
    for (int i = 0; param->choices && param->choices[i]; i++)
        used += (size_t)snprintf(pattern + used, TEMPLATE - used, "%s%s%s", i > 0 ? "|" : " *(", param->choices[i],
                                 param->choices[i + 1] ? "" : ")$");
}

/* The schemas of a parameter in each place that names it. */
static void add_param(const struct wgf_param *param, const char *readers, cJSON *definitions)
{
    const bool number = is_number(param), integer = param->type == WGF_PARAM_INT;
    const char *const name = param->name, *const type = number_type(param);
    char value[PLACE], only[PLACE], pattern[TEMPLATE], text[2 * TEMPLATE], either[6 * TEMPLATE];
    snprintf(value, sizeof value, VALUE, name);
    snprintf(only, sizeof only, VALUE "%s", name, param->word ? "/anyOf/0" : "");
    cJSON *const definition = make_value(param);
    add_description(param, readers, definition);
    add_default(param, definition);
    cJSON_AddItemToObject(cJSON_GetObjectItem(definitions, "parameters"), name, definition);
    snprintf(text, sizeof text, number ? value_or_text : value_alone, value, "^=");
    cJSON_AddItemToObject(properties_of(definitions, "fixed"), name, cJSON_Parse(text));
    if (number)
        snprintf(text, sizeof text, list_or_space, value, only, only, only, only, only, type, type);
    else
        snprintf(text, sizeof text, list, value);
    cJSON *const axis = cJSON_Parse(text);
    add_description(param, readers, axis);
    cJSON_AddItemToObject(properties_of(definitions, "axes"), name, axis);
    if (number)
        snprintf(text, sizeof text, law, integer ? "integers" : "uniform", only, only, name);
    else
        snprintf(text, sizeof text, choice, name);
    cJSON_AddItemToObject(properties_of(definitions, "laws"), name, cJSON_Parse(text));
    const bool free_list = param->list && !param->check;
    write_pattern(param, pattern);
    snprintf(text, sizeof text, value_or_text, value, pattern);
    snprintf(either, sizeof either, one_or_list, free_list ? any_text : text, free_list ? any_text : text);
    cJSON_AddItemToObject(properties_of(definitions, "conditions"), name, cJSON_Parse(either));
}

char *wgf_cli_schema(void)
{
    cJSON *const root = cJSON_Parse(frame);
    char readers[WGF_MOST_PARAMS][WGF_READERS_LENGTH];
    wgf_params_readers(readers);
    for (int i = 0; i < wgf_param_count; i++)
        add_param(&wgf_params[i], readers[i], cJSON_GetObjectItem(root, "definitions"));
    char *const text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}
