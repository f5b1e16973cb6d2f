/* The JSON Schema of a spec (draft 7, which YAML language servers read), made from the table of parameters: an editor
 * completes and checks by it. It refuses nothing that the program takes, but for a path that YAML reads as a number. */
#include "cli.h"

#include <cjson/cJSON.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#define JSON(...) #__VA_ARGS__
#define PLACE "#/definitions/parameters/%s" /* of the definition of a parameter's value */
enum { REFERENCE = 128 };

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
        "fixed" : {
            "description" : "one value a parameter, for every job",
            "type" : "object",
            "additionalProperties" : false,
            "properties" : {}
        },
        "axes" : {
            "description" : "all values of each parameter; their product is made, the last varies fastest",
            "type" : "object",
            "additionalProperties" : false,
            "properties" : {}
        },
        "block" : {
            "type" : "object",
            "additionalProperties" : false,
            "properties" : {
                "fixed" : {"$ref" : "#/definitions/fixed"},
                "product" : {"$ref" : "#/definitions/axes"},
                "zip" : {"description" : "lists of equal length that advance together", "$ref" : "#/definitions/axes"},
                "exclude" : {
                    "description" : "jobs that match all keys of an entry are left out",
                    "type" : "array",
                    "items" : {
                        "type" : "object",
                        "minProperties" : 1,
                        "propertyNames" : {"$ref" : "#/definitions/names"},
                        "additionalProperties" : {"type" : [ "string", "number" ]}
                    }
                },
                "sample" : {
                    "description" : "points of a design, one a job",
                    "type" : "object",
                    "required" : ["count"],
                    "additionalProperties" : false,
                    "properties" : {
                        "count" : {"type" : "integer", "minimum" : 1, "maximum" : 10000000},
                        "design" : {"enum" : [ "sobol", "latin", "random" ], "default" : "sobol"},
                        "seed" : {"type" : "integer", "minimum" : 0, "default" : 1}
                    }
                },
                "over" : {
                    "description" : "the law of each parameter over the points",
                    "type" : "object",
                    "minProperties" : 1,
                    "propertyNames" : {"$ref" : "#/definitions/names"},
                    "additionalProperties" : {"$ref" : "#/definitions/law"}
                }
            },
            "dependencies" : {"sample" : ["over"], "over" : ["sample"]}
        },
        "law" : {
            "type" : "object",
            "minProperties" : 1,
            "maxProperties" : 1,
            "additionalProperties" : false,
            "properties" : {
                "uniform" : {"$ref" : "#/definitions/ends"},
                "loguniform" : {"$ref" : "#/definitions/ends"},
                "integers" : {"$ref" : "#/definitions/ends"},
                "choice" : {"description" : "a list of values", "type" : [ "array", "object" ], "minItems" : 1}
            }
        },
        "ends" : {
            "description" : "[lowest, highest]",
            "type" : "array",
            "minItems" : 2,
            "maxItems" : 2,
            "items" : {"type" : "number"}
        },
        "names" : {"enum" : []},
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

static bool is_number(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_INT || param->type == WGF_PARAM_FLOAT;
}

static const char *number_type(const struct wgf_param *param)
{
    return param->type == WGF_PARAM_INT ? "integer" : "number";
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

/* What a value of the parameter may be. A number that has a word beside it is the first of `anyOf`. */
static cJSON *make_value(const struct wgf_param *param)
{
    if (is_number(param) && !param->word)
        return make_number(param);
    if (param->type == WGF_PARAM_PATH)
        return cJSON_Parse(JSON({"type" : "string"}));
    if (param->check) /* a condition compares something */
        return cJSON_Parse(JSON({"type" : "string", "pattern" : "^(none)?$|[<=>]| in "}));
    if (param->list)
        return cJSON_Parse(JSON(
            {"type" : [ "array", "string", "number" ], "minItems" : 1, "items" : {"type" : [ "string", "number" ]}}));
    if (param->type == WGF_PARAM_TEXT)
        return cJSON_Parse(JSON({"type" : [ "string", "number" ]}));
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
        cJSON_AddItemToArray(enumeration, cJSON_CreateString(choices[i]));
    return schema;
}

/* Its meaning, and which jobs read it. */
static void add_description(const struct wgf_param *param, cJSON *schema)
{
    char readers[WGF_READERS_LENGTH], text[2 * WGF_READERS_LENGTH];
    wgf_param_readers(param, readers);
    snprintf(text, sizeof text, "%s%s%s", param->meaning, *readers ? "; read with " : "", readers);
    cJSON_AddStringToObject(schema, "description", text);
}

static void add_default(const struct wgf_param *param, cJSON *schema)
{
    char *end;
    const double number = strtod(param->default_text, &end);
    if (is_number(param) && *end == '\0')
        cJSON_AddNumberToObject(schema, "default", number);
    else if (!wgf_param_is_text(param))
        cJSON_AddStringToObject(schema, "default", param->default_text);
}

static cJSON *make_axis(const struct wgf_param *param)
{
    const char *const type = number_type(param);
    char value[REFERENCE], number[REFERENCE], text[sizeof list_or_space + 8 * REFERENCE];
    snprintf(value, sizeof value, PLACE, param->name);
    snprintf(number, sizeof number, PLACE "%s", param->name, param->word ? "/anyOf/0" : "");
    if (is_number(param))
        snprintf(text, sizeof text, list_or_space, value, number, number, number, number, number, type, type);
    else
        snprintf(text, sizeof text, list, value);
    return cJSON_Parse(text);
}

char *wgf_cli_schema(void)
{
    cJSON *root = cJSON_Parse(frame), *definitions = cJSON_GetObjectItem(root, "definitions");
    cJSON *fixed = cJSON_GetObjectItem(cJSON_GetObjectItem(definitions, "fixed"), "properties");
    cJSON *axes = cJSON_GetObjectItem(cJSON_GetObjectItem(definitions, "axes"), "properties");
    cJSON *values = cJSON_GetObjectItem(definitions, "parameters");
    cJSON *names = cJSON_GetObjectItem(cJSON_GetObjectItem(definitions, "names"), "enum");
    for (const struct wgf_param *param = wgf_params; param < wgf_params + wgf_param_count; param++) {
        cJSON_AddItemToArray(names, cJSON_CreateString(param->name));
        cJSON *value = make_value(param), *axis = make_axis(param), *reference = cJSON_CreateObject();
        char place[REFERENCE];
        add_description(param, value);
        add_default(param, value);
        add_description(param, axis);
        snprintf(place, sizeof place, PLACE, param->name);
        cJSON_AddStringToObject(reference, "$ref", place);
        if (is_number(param)) { /* or derived */
            cJSON *const number = reference, *const any =
                                                 cJSON_AddArrayToObject(reference = cJSON_CreateObject(), "anyOf");
            cJSON_AddItemToArray(any, number);
            cJSON_AddItemToArray(any, cJSON_Parse(JSON({"type" : "string", "pattern" : "^="})));
        }
        cJSON_AddItemToObject(values, param->name, value);
        cJSON_AddItemToObject(axes, param->name, axis);
        cJSON_AddItemToObject(fixed, param->name, reference);
    }
    char *text = cJSON_Print(root);
    cJSON_Delete(root);
    return text;
}
