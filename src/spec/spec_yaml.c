/* YAML by libyaml: one document of limited depth, and its scalars and mappings with their places. */
#include "spec_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* libyaml takes quadratic time in the depth of nesting and in the number of anchors and directives. */
enum { MAX_DEPTH = 32, MAX_ANCHORS = 100 }; /* the messages name them */

static struct wgf_place place_of_mark(const struct wgf_spec_reader *reader, yaml_mark_t mark)
{
    const size_t line = mark.line < INT_MAX ? mark.line : INT_MAX - 1;
    const size_t column = mark.column < INT_MAX ? mark.column : INT_MAX - 1;
    return (struct wgf_place){(int)line + 1, (int)column + 1, reader->file};
}

struct wgf_place wgf_spec_place(const struct wgf_spec_reader *reader, const yaml_node_t *node)
{
    return place_of_mark(reader, node->start_mark);
}

/* The place of a byte. */
static struct wgf_place place_of_offset(const struct wgf_spec_reader *reader, const char *text, size_t offset)
{
    struct wgf_place place = {1, 1, reader->file};
    for (size_t i = 0; i < offset; i++)
        if (text[i] == '\n')
            place = (struct wgf_place){place.line + 1, 1, reader->file};
        else if (((unsigned char)text[i] & 0xC0) != 0x80)
            place.column++;
    return place;
}

/* Does the line of this number begin with a tab, possibly after blanks? */
static bool line_has_tab(const char *text, size_t line)
{
    for (; line > 0; line--) {
        const char *end = strchr(text, '\n');
        if (!end)
            return false;
        text = end + 1;
    }
    return text[strspn(text, " ")] == '\t';
}

static void diagnose_yaml(struct wgf_spec_reader *reader, const yaml_parser_t *parser, const char *text, size_t length)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        wgf_spec_no_memory(reader);
    } else if (parser->error == YAML_READER_ERROR) {
        const size_t offset = parser->problem_offset < length ? parser->problem_offset : length;
        wgf_diagnose(reader->diagnostics, place_of_offset(reader, text, offset), "the spec is not UTF-8 text: %s",
                     parser->problem);
    } else if (parser->context) {
        wgf_diagnose(reader->diagnostics, place_of_mark(reader, parser->problem_mark),
                     "not valid YAML: %s (line %d): %s%s", parser->context,
                     place_of_mark(reader, parser->context_mark).line, parser->problem,
                     line_has_tab(text, parser->problem_mark.line) ? "; indent with blanks, not tabs" : "");
    } else {
        wgf_diagnose(reader->diagnostics, place_of_mark(reader, parser->problem_mark), "not valid YAML: %s",
                     parser->problem);
    }
}

/* Counts of the first pass over the tokens. */
struct token_counts {
    int depth, anchors;
    bool started, ended; /* the document */
};

/* Counts a token; returns what is wrong with it, or NULL. */
static const char *count_token(struct token_counts *counts, yaml_token_type_t type)
{
    switch (type) {
    case YAML_STREAM_START_TOKEN:
    case YAML_STREAM_END_TOKEN:
    case YAML_VERSION_DIRECTIVE_TOKEN:
        return NULL;
    case YAML_DOCUMENT_START_TOKEN:
        counts->ended = counts->started;
        break;
    case YAML_DOCUMENT_END_TOKEN:
        counts->ended = counts->started;
        return NULL;
    case YAML_TAG_TOKEN:
    case YAML_TAG_DIRECTIVE_TOKEN:
        return "specs have no tags; remove this one";
    case YAML_ANCHOR_TOKEN:
        counts->anchors++;
        break;
    case YAML_BLOCK_SEQUENCE_START_TOKEN:
    case YAML_BLOCK_MAPPING_START_TOKEN:
    case YAML_FLOW_SEQUENCE_START_TOKEN:
    case YAML_FLOW_MAPPING_START_TOKEN:
        counts->depth++;
        break;
    case YAML_BLOCK_END_TOKEN:
    case YAML_FLOW_SEQUENCE_END_TOKEN:
    case YAML_FLOW_MAPPING_END_TOKEN:
        counts->depth--;
        break;
    default:
        break;
    }
    counts->started = true;
    return counts->ended                   ? "a spec is one YAML document; remove all after the first"
           : counts->depth > MAX_DEPTH     ? "nested more than 32 levels deep; flatten the spec"
           : counts->anchors > MAX_ANCHORS ? "more than 100 anchors; write the values out"
                                           : NULL;
}

static void start_parser(yaml_parser_t *parser, const char *text, size_t length)
{
    yaml_parser_set_input_string(parser, (const unsigned char *)text, length);
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING);
}

/* The first pass: refuses what would make the second one slow. */
static bool check_token_limits(struct wgf_spec_reader *reader, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        wgf_spec_no_memory(reader);
        return false;
    }
    start_parser(&parser, text, length);
    struct token_counts counts = {0};
    bool fine = true, more = true;
    while (fine && more) {
        yaml_token_t token;
        if (!yaml_parser_scan(&parser, &token)) {
            diagnose_yaml(reader, &parser, text, length);
            fine = false;
            break;
        }
        const char *refusal = count_token(&counts, token.type);
        if (refusal) {
            wgf_diagnose(reader->diagnostics, place_of_mark(reader, token.start_mark), "%s", refusal);
            fine = false;
        }
        more = token.type != YAML_STREAM_END_TOKEN;
        yaml_token_delete(&token);
    }
    yaml_parser_delete(&parser);
    return fine;
}

bool wgf_spec_load_document(struct wgf_spec_reader *reader, const char *text, size_t length)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF"; /* it would count as a column */
    const size_t mark = strncmp(text, byte_order_mark, 3) == 0 ? 3 : 0;
    text += mark;
    length -= mark;
    if (!check_token_limits(reader, text, length))
        return false;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        wgf_spec_no_memory(reader);
        return false;
    }
    start_parser(&parser, text, length);
    const bool loaded = yaml_parser_load(&parser, &reader->document);
    if (!loaded)
        diagnose_yaml(reader, &parser, text, length);
    yaml_parser_delete(&parser);
    return loaded;
}

const char *wgf_spec_scalar(struct wgf_spec_reader *reader, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_SCALAR_NODE) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s: use one value, not a %s", what,
                     node->type == YAML_SEQUENCE_NODE ? "list" : "mapping");
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) != node->data.scalar.length) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node), "%s: contains a NUL character; remove it",
                     what);
        return NULL;
    }
    return text;
}

bool wgf_spec_is_quoted(const yaml_node_t *scalar)
{
    return scalar->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
}

bool wgf_spec_is_null(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && !wgf_spec_is_quoted(node) &&
           wgf_text_is_null((const char *)node->data.scalar.value);
}

/* Orders by name, and equal names as they were written. */
static int compare_entries(const void *left, const void *right)
{
    const struct wgf_spec_entry *a = *(struct wgf_spec_entry *const *)left;
    const struct wgf_spec_entry *b = *(struct wgf_spec_entry *const *)right;
    const int order = strcmp(a->name, b->name);
    return order != 0 ? order : (a > b) - (a < b);
}

/* Diagnoses repeated names and takes them out of the list. */
static void drop_repeated(struct wgf_spec_reader *reader, struct wgf_spec_entries *entries)
{
    struct wgf_spec_entry **sorted = calloc((size_t)entries->count + 1, sizeof *sorted);
    if (!sorted) {
        wgf_spec_no_memory(reader);
        return;
    }
    for (int i = 0; i < entries->count; i++)
        sorted[i] = &entries->list[i];
    qsort(sorted, (size_t)entries->count, sizeof *sorted, compare_entries);
    for (int i = 1, first = 0; i < entries->count; i++) {
        if (strcmp(sorted[i]->name, sorted[first]->name) != 0) {
            first = i;
            continue;
        }
        wgf_diagnose(reader->diagnostics, sorted[i]->place, "'%s' is given twice, first on line %d; keep one of them",
                     wgf_excerpt(sorted[i]->name).text, sorted[first]->place.line);
        sorted[i]->value = NULL;
    }
    free(sorted);
    int kept = 0;
    for (int i = 0; i < entries->count; i++)
        if (entries->list[i].value)
            entries->list[kept++] = entries->list[i];
    entries->count = kept;
}

struct wgf_spec_entries wgf_spec_entries(struct wgf_spec_reader *reader, const yaml_node_t *node, const char *what)
{
    struct wgf_spec_entries entries = {0, NULL};
    if (node->type != YAML_MAPPING_NODE) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node),
                     wgf_spec_is_null(node) ? "%s has no value; give it one or remove it"
                                            : "%s: use a mapping, KEY: VALUE",
                     what);
        return entries;
    }
    const yaml_node_pair_t *first = node->data.mapping.pairs.start, *end = node->data.mapping.pairs.top;
    entries.list = calloc((size_t)(end - first) + 1, sizeof *entries.list);
    if (!entries.list) {
        wgf_spec_no_memory(reader);
        return entries;
    }
    for (const yaml_node_pair_t *pair = first; pair < end; pair++) {
        const yaml_node_t *key = yaml_document_get_node(&reader->document, pair->key);
        const char *name = wgf_spec_scalar(reader, key, "key");
        if (name) {
            entries.list[entries.count++] = (struct wgf_spec_entry){
                name, wgf_spec_place(reader, key), yaml_document_get_node(&reader->document, pair->value)};
        }
    }
    drop_repeated(reader, &entries);
    return entries;
}

struct wgf_place wgf_spec_place_in(const struct wgf_spec_reader *reader, const yaml_node_t *node, size_t at)
{
    struct wgf_place place = wgf_spec_place(reader, node);
    if (node->start_mark.line == node->end_mark.line)
        place.column += (int)at + wgf_spec_is_quoted(node);
    return place;
}

/* The place to blame in a text that its parameter may check. */
static struct wgf_place place_in(const struct wgf_spec_reader *reader, const struct wgf_param *param,
                                 const yaml_node_t *node, const char *text)
{
    struct wgf_error error;
    size_t at;
    return param->check && param->check(text, &at, &error) ? wgf_spec_place_in(reader, node, at)
                                                           : wgf_spec_place(reader, node);
}

/* The items of a YAML list as one text in the spec's pool; NULL, diagnosed, where they are not names. */
static const char *join(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node)
{
    const yaml_node_item_t *const first = node->data.sequence.items.start, *const end = node->data.sequence.items.top;
    char joined[PATH_MAX];
    size_t used = 0;
    for (const yaml_node_item_t *item = first; item < end; item++) {
        const yaml_node_t *const name = yaml_document_get_node(&reader->document, *item);
        const char *const text = wgf_spec_scalar(reader, name, param->name);
        const bool fits = text && used + WGF_LIST_ROOM(strlen(text)) + 2 < sizeof joined;
        if (text && (!fits || wgf_spec_is_null(name)))
            wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, name), "%s: %s", param->name,
                         fits ? "an item has no value; give it one or remove it" : "the list is too long; shorten it");
        if (!fits || wgf_spec_is_null(name))
            return NULL;
        if (item > first)
            joined[used++] = ',';
        used += wgf_list_write(text, joined + used);
    }
    joined[used] = '\0';
    if (first == end)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, node),
                     "%s: the list is empty; add an item or remove it", param->name);
    return first == end ? NULL : wgf_spec_keep(reader, joined);
}

bool wgf_spec_value(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                    union wgf_value *value)
{
    const bool listed = param->list && node->type == YAML_SEQUENCE_NODE;
    const char *text = listed ? join(reader, param, node) : wgf_spec_scalar(reader, node, param->name);
    if (!text)
        return false;
    struct wgf_error error;
    if (wgf_param_parse(param, text, listed || wgf_spec_is_quoted(node), value, &error) != WGF_OK) {
        wgf_diagnose(reader->diagnostics, place_in(reader, param, node, text), "%s", error.message);
        return false;
    }
    if (wgf_param_is_text(param) && !listed)
        value->text = wgf_spec_keep_value(reader, param, value->text);
    return !wgf_param_is_text(param) || value->text != NULL;
}
