/* The sections of a spec: name, description, fixed and sweep. */
#include "spec_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_SPACED = 10000000,
    MAX_WRITTEN = WGF_SPEC_LIMIT / 2, /* a value and its comma; only aliases make more */
    MAX_NAME = 255,
};

void wgf_spec_no_memory(struct wgf_spec_reader *reader)
{
    if (!reader->out_of_memory)
        wgf_diagnose(reader->diagnostics, (struct wgf_place){.line = 0},
                     "out of memory while reading the spec; shorten its lists");
    reader->out_of_memory = true;
}

const char *wgf_spec_keep(struct wgf_spec_reader *reader, const char *text)
{
    const size_t size = strlen(text) + 1;
    struct wgf_text_pool *entry = malloc(sizeof *entry + size);
    if (!entry) {
        wgf_spec_no_memory(reader);
        return NULL;
    }
    entry->next = reader->spec->pool;
    reader->spec->pool = entry;
    return memcpy(entry->text, text, size);
}

/* The text under a key; NULL, diagnosed, when there is none. */
static char *read_text(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    if (wgf_spec_is_null(entry->value)) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, entry->value),
                     "%s has no value; give it one or remove it", entry->name);
        return NULL;
    }
    const char *text = wgf_spec_scalar(reader, entry->value, entry->name);
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        wgf_spec_no_memory(reader);
    return copy;
}

static bool is_good_name(const char *name)
{
    bool blank = true;
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        if (*at < ' ' || *at == 0x7F)
            return false;
        blank = blank && *at == ' ';
    }
    return !blank && strlen(name) <= MAX_NAME;
}

static void read_name(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    free(reader->spec->name);
    reader->spec->name = read_text(reader, entry);
    reader->named = true;
    if (reader->spec->name && !is_good_name(reader->spec->name)) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, entry->value),
                     "name: use one line of text, not empty and of at most %d bytes", MAX_NAME);
    }
}

static void read_description(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    free(reader->spec->description);
    reader->spec->description = read_text(reader, entry);
}

const struct wgf_param *wgf_spec_param(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    const struct wgf_param *param = wgf_param_find(entry->name);
    if (!param) {
        /* Once errors are dropped, hundreds of thousands may follow: no search for names that are not printed. */
        const char *nearest = reader->diagnostics->dropped == 0 ? wgf_param_nearest(entry->name) : NULL;
        wgf_diagnose(reader->diagnostics, entry->place, "unknown parameter '%s'; %s%s%s", wgf_excerpt(entry->name).text,
                     nearest ? "did you mean '" : "see wgf params", nearest ? nearest : "", nearest ? "'?" : "");
    }
    return param;
}

void wgf_spec_unknown(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry, const char *const *names,
                      int count, const char *known)
{
    const char *nearest = reader->diagnostics->dropped == 0 ? wgf_nearest_name(entry->name, names, count) : NULL;
    wgf_diagnose(reader->diagnostics, entry->place, "unknown key '%s'; %s%s%s", wgf_excerpt(entry->name).text,
                 nearest ? "did you mean '" : known, nearest ? nearest : "", nearest ? "'?" : "");
}

void wgf_spec_fix(struct wgf_spec_reader *reader, struct wgf_fixed **list, int *count, struct wgf_fixed fixed)
{
    int at = 0;
    while (at < *count && (*list)[at].param != fixed.param)
        at++;
    if (at == *count && !wgf_grow(list, *count, sizeof **list)) {
        wgf_spec_no_memory(reader);
        return;
    }
    (*list)[at] = fixed;
    *count += at == *count;
}

void wgf_spec_release(struct wgf_fixed *list, int *count, const struct wgf_param *param)
{
    int kept = 0;
    for (int i = 0; i < *count; i++)
        if (list[i].param != param)
            list[kept++] = list[i];
    *count = kept;
}

/* Reads one value of fixed; false, diagnosed, when it is none. */
static bool read_value(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                       struct wgf_fixed *fixed)
{
    const char *const text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
    struct wgf_error error = {0};
    size_t place;
    *fixed = (struct wgf_fixed){.param = param, .place = wgf_spec_place(reader, node)};
    if (!wgf_spec_is_derived(param, text))
        return wgf_spec_value(reader, param, node, &fixed->value);
    fixed->derived = wgf_spec_derived(reader, param, text, &place, &error);
    if (error.status)
        wgf_diagnose(reader->diagnostics, wgf_spec_place_in(reader, node, place), "%s", error.message);
    return fixed->derived;
}

void wgf_spec_fixed(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, struct wgf_fixed **list,
                    int *count, struct wgf_place *at)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, section->value, section->name);
    for (int i = 0; i < entries.count; i++) {
        const struct wgf_spec_entry *entry = &entries.list[i];
        const struct wgf_param *param = wgf_spec_param(reader, entry);
        struct wgf_fixed fixed;
        if (!param)
            continue;
        at[wgf_param_index(param)] = entry->place;
        if (read_value(reader, param, entry->value, &fixed))
            wgf_spec_fix(reader, list, count, fixed);
    }
    free(entries.list);
}

static void read_fixed(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section)
{
    struct wgf_place at[WGF_MOST_PARAMS] = {{0}};
    wgf_spec_fixed(reader, section, &reader->spec->fixed, &reader->spec->fixed_count, at);
    for (int i = 0; i < wgf_param_count; i++)
        if (at[i].line > 0) {
            reader->fixed_at[i] = at[i];
            reader->fixed_level[i] = reader->level;
        }
}

/* The sweep of a spec takes the place of that of the spec that it extends. */
static void read_sweep(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section)
{
    for (int b = 0; b < reader->spec->block_count; b++)
        wgf_spec_free_block(&reader->spec->blocks[b]);
    reader->spec->block_count = 0;
    memset(reader->swept_at, 0, sizeof reader->swept_at);
    reader->sweep_level = reader->level;
    reader->sweep_is_list = section->value->type == YAML_SEQUENCE_NODE;
    wgf_spec_sweep(reader, section);
}

/* What is extended has been read before all else. */
static void read_extends(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section)
{
    (void)reader;
    (void)section;
}

static const char *const section_names[] = {"name", "description", "fixed", "sweep", "extends"};
static void (*const section_readers[])(struct wgf_spec_reader *, const struct wgf_spec_entry *) = {
    read_name, read_description, read_fixed, read_sweep, read_extends};
enum { SECTIONS = sizeof section_names / sizeof *section_names };

static void diagnose_unknown_section(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    if (wgf_param_find(entry->name))
        wgf_diagnose(reader->diagnostics, entry->place, "%s is a parameter; put it under fixed or sweep", entry->name);
    else if (wgf_spec_is_block_key(entry->name))
        wgf_spec_misplaced(reader, entry);
    else
        wgf_spec_unknown(reader, entry, section_names, SECTIONS,
                         "a spec has name, description, extends, fixed and sweep");
}

static void read_section(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    for (int i = 0; i < SECTIONS; i++) {
        if (strcmp(entry->name, section_names[i]) == 0) {
            section_readers[i](reader, entry);
            return;
        }
    }
    diagnose_unknown_section(reader, entry);
}

/* A block may sweep what the spec fixes for the others, and what is fixed in a spec that is extended. */
static void check_fixed_or_swept(struct wgf_spec_reader *reader)
{
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_place fixed = reader->fixed_at[i], swept = reader->swept_at[i];
        const bool fixed_first = wgf_comes_before(fixed, swept);
        if (fixed.line == 0 || swept.line == 0)
            continue;
        if (reader->fixed_level[i] < reader->sweep_level)
            wgf_diagnose(reader->diagnostics, fixed, "%s is swept on line %d of %s; give a sweep here as well",
                         wgf_params[i].name, swept.line, swept.file);
        else if (reader->fixed_level[i] == reader->sweep_level && !reader->sweep_is_list)
            wgf_diagnose(reader->diagnostics, fixed_first ? swept : fixed,
                         "%s is already %s on line %d; keep one of them", wgf_params[i].name,
                         fixed_first ? "fixed" : "swept", fixed_first ? fixed.line : swept.line);
    }
}

/* Reads one file: what it extends, and then its own sections. */
static void read_file(struct wgf_spec_reader *reader, const char *text, size_t length)
{
    if (!wgf_spec_load_document(reader, text, length))
        return;
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    if (root) {
        struct wgf_spec_entries entries = wgf_spec_entries(reader, root, "the spec");
        for (int i = 0; i < entries.count; i++)
            if (strcmp(entries.list[i].name, "extends") == 0)
                wgf_spec_extend(reader, &entries.list[i], read_file);
        for (int i = 0; i < entries.count; i++)
            read_section(reader, &entries.list[i]);
        free(entries.list);
        reader->named = reader->named || root->type != YAML_MAPPING_NODE;
        if (!reader->named && reader->level == 0)
            wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, root),
                         "name is missing; add a line 'name: WORDS'");
        if (reader->spec->block_count == 0 && reader->level == 0) /* no sweep is one job */
            wgf_spec_block(reader, wgf_spec_place(reader, root));
    } else {
        wgf_diagnose(reader->diagnostics, (struct wgf_place){1, 1, reader->file},
                     "the spec is empty; it needs at least a name");
    }
    yaml_document_delete(&reader->document);
}

static void read_sets(struct wgf_spec_reader *reader, const char *const *sets, int set_count)
{
    bool *is_set = calloc((size_t)wgf_param_count, sizeof *is_set);
    if (!is_set) {
        wgf_spec_no_memory(reader);
        return;
    }
    for (int i = 0; i < set_count; i++)
        wgf_spec_set(reader, sets[i], is_set);
    free(is_set);
}

static void read_text_of_spec(struct wgf_spec_reader *reader, const char *const *sets, int set_count)
{
    wgf_spec_begin(reader, read_file);
    if (reader->rest && !wgf_diagnostics_any(reader->diagnostics))
        wgf_diagnose(reader->diagnostics, (struct wgf_place){.line = 1, .column = 1},
                     "the spec extends nothing, yet others follow it; remove all after its end");
    check_fixed_or_swept(reader);
    if (reader->spec->block_count > 0) {
        read_sets(reader, sets, set_count);
        wgf_spec_finish_blocks(reader);
    }
    if (!reader->spec->description && !(reader->spec->description = strdup("")))
        wgf_spec_no_memory(reader);
}

/* Folder of a file: the text before its last slash. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == file ? strdup("/") : slash ? strndup(file, (size_t)(slash - file)) : strdup(".");
}

/* A spec with its text; NULL when memory ends. */
static struct wgf_spec *create(const char *file, const char *text, size_t length)
{
    struct wgf_spec *spec = calloc(1, sizeof *spec);
    if (!spec)
        return NULL;
    spec->file = strdup(file);
    spec->folder = folder_of(file);
    spec->text = malloc(length + 1);
    spec->length = length;
    if (!spec->file || !spec->folder || !spec->text) {
        wgf_spec_free(spec);
        return NULL;
    }
    memcpy(spec->text, text, length);
    spec->text[length] = '\0';
    return spec;
}

wgf_status wgf_spec_parse(const char *file, const char *text, size_t length, const char *const *sets, int set_count,
                          struct wgf_spec **spec, struct wgf_diagnostics *diagnostics)
{
    *spec = NULL;
    struct wgf_spec_reader reader = {
        .diagnostics = diagnostics, .folder = "", .written_left = MAX_WRITTEN, .spaced_left = MAX_SPACED};
    const int errors_before = diagnostics->count + diagnostics->dropped;
    reader.spec = create(file, text, length);
    if (reader.spec)
        read_text_of_spec(&reader, sets, set_count);
    else
        wgf_spec_no_memory(&reader);
    if (diagnostics->count + diagnostics->dropped > errors_before) {
        wgf_spec_free(reader.spec);
        return reader.out_of_memory ? WGF_EMEMORY : WGF_EUSAGE;
    }
    *spec = reader.spec;
    return WGF_OK;
}

void wgf_spec_free(struct wgf_spec *spec)
{
    if (!spec)
        return;
    for (int b = 0; b < spec->block_count; b++)
        wgf_spec_free_block(&spec->blocks[b]);
    while (spec->pool) {
        struct wgf_text_pool *next = spec->pool->next;
        free(spec->pool);
        spec->pool = next;
    }
    free(spec->blocks);
    free(spec->fixed);
    free(spec->description);
    free(spec->name);
    free(spec->text);
    free(spec->folder);
    free(spec->file);
    free(spec);
}
