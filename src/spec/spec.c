/* The sections of a spec: name, description, fixed and sweep. */
#include "spec_internal.h"

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
        wgf_diagnose(reader->diagnostics, (struct wgf_place){0, 0},
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
        wgf_diagnose(reader->diagnostics, wgf_spec_place(entry->value), "%s has no value; give it one or remove it",
                     entry->name);
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
    reader->spec->name = read_text(reader, entry);
    if (reader->spec->name && !is_good_name(reader->spec->name)) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(entry->value),
                     "name: use one line of text, not empty and of at most %d bytes", MAX_NAME);
    }
}

static void read_description(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    reader->spec->description = read_text(reader, entry);
}

static void refuse_unbuilt(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    wgf_diagnose(reader->diagnostics, entry->place,
                 "%s is not supported here in this version; write sweep as one mapping of parameters", entry->name);
}

/* The parameter that a key of fixed or sweep names; NULL, diagnosed, when there is none. */
static const struct wgf_param *find_param(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
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

static void read_fixed(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section)
{
    struct wgf_spec *spec = reader->spec;
    struct wgf_spec_entries entries = wgf_spec_entries(reader, section->value, section->name);
    for (int i = 0; i < entries.count; i++) {
        const struct wgf_spec_entry *entry = &entries.list[i];
        const struct wgf_param *param = find_param(reader, entry);
        if (!param)
            continue;
        reader->fixed_at[wgf_param_index(param)] = entry->place;
        union wgf_value value;
        if (wgf_spec_value(reader, param, entry->value, &value))
            spec->fixed[spec->fixed_count++] = (struct wgf_fixed){param, value, wgf_spec_place(entry->value), NULL};
    }
    free(entries.list);
}

/* Words of sweeps of blocks, which this version does not support. */
static bool is_unbuilt(const char *word)
{
    static const char *const words[] = {"fixed", "product", "zip", "exclude", "sample", "over", "design"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static void read_axis(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    if (is_unbuilt(entry->name)) {
        refuse_unbuilt(reader, entry);
        return;
    }
    const struct wgf_param *param = find_param(reader, entry);
    if (!param)
        return;
    struct wgf_spec *spec = reader->spec;
    struct wgf_axis *axis = &spec->axes[spec->axis_count];
    reader->swept_at[wgf_param_index(param)] = entry->place;
    if (wgf_spec_axis(reader, param, entry->value, axis))
        spec->axis_count++;
    else
        free(axis->values);
}

static void read_sweep(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section)
{
    if (section->value->type == YAML_SEQUENCE_NODE) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(section->value),
                     "sweep: a list of blocks is not supported in this version; write it as one mapping of parameters");
        return;
    }
    struct wgf_spec_entries entries = wgf_spec_entries(reader, section->value, section->name);
    for (int i = 0; i < entries.count; i++)
        read_axis(reader, &entries.list[i]);
    free(entries.list);
}

static const char *const section_names[] = {"name", "description", "fixed", "sweep", "extends"};
static void (*const section_readers[])(struct wgf_spec_reader *, const struct wgf_spec_entry *) = {
    read_name, read_description, read_fixed, read_sweep, refuse_unbuilt};
enum { SECTIONS = sizeof section_names / sizeof *section_names };

static void diagnose_unknown_section(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry)
{
    const char *nearest = wgf_nearest_name(entry->name, section_names, SECTIONS);
    if (wgf_param_find(entry->name)) {
        wgf_diagnose(reader->diagnostics, entry->place, "%s is a parameter; put it under fixed or sweep", entry->name);
    } else if (is_unbuilt(entry->name)) {
        refuse_unbuilt(reader, entry);
    } else {
        wgf_diagnose(reader->diagnostics, entry->place, "unknown key '%s'; %s%s%s", wgf_excerpt(entry->name).text,
                     nearest ? "did you mean '" : "a spec has name, description, fixed and sweep",
                     nearest ? nearest : "", nearest ? "'?" : "");
    }
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

static void check_fixed_or_swept(struct wgf_spec_reader *reader)
{
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_place fixed = reader->fixed_at[i], swept = reader->swept_at[i];
        if (fixed.line == 0 || swept.line == 0)
            continue;
        const bool fixed_first = fixed.line < swept.line || (fixed.line == swept.line && fixed.column < swept.column);
        wgf_diagnose(reader->diagnostics, fixed_first ? swept : fixed, "%s is already %s on line %d; keep one of them",
                     wgf_params[i].name, fixed_first ? "fixed" : "swept", fixed_first ? fixed.line : swept.line);
    }
}

static void read_root(struct wgf_spec_reader *reader, const yaml_node_t *root)
{
    struct wgf_spec_entries entries = wgf_spec_entries(reader, root, "the spec");
    bool named = root->type != YAML_MAPPING_NODE;
    for (int i = 0; i < entries.count; i++) {
        named = named || strcmp(entries.list[i].name, "name") == 0;
        read_section(reader, &entries.list[i]);
    }
    free(entries.list);
    if (!named)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(root), "name is missing; add a line 'name: WORDS'");
    check_fixed_or_swept(reader);
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
    if (!wgf_spec_load_document(reader, reader->spec->text, reader->spec->length))
        return;
    const yaml_node_t *root = yaml_document_get_root_node(&reader->document);
    if (root) {
        read_root(reader, root);
        read_sets(reader, sets, set_count);
    } else {
        wgf_diagnose(reader->diagnostics, (struct wgf_place){1, 1}, "the spec is empty; it needs at least a name");
    }
    yaml_document_delete(&reader->document);
    if (!reader->spec->description && !(reader->spec->description = strdup("")))
        wgf_spec_no_memory(reader);
}

/* Folder of a file: the text before its last slash. */
static char *folder_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    return slash == file ? strdup("/") : slash ? strndup(file, (size_t)(slash - file)) : strdup(".");
}

/* A spec with room for every parameter once; NULL when memory ends. */
static struct wgf_spec *create(const char *file, const char *text, size_t length)
{
    struct wgf_spec *spec = calloc(1, sizeof *spec);
    if (!spec)
        return NULL;
    spec->file = strdup(file);
    spec->folder = folder_of(file);
    spec->text = malloc(length + 1);
    spec->length = length;
    spec->fixed = calloc((size_t)wgf_param_count, sizeof *spec->fixed);
    spec->axes = calloc((size_t)wgf_param_count, sizeof *spec->axes);
    if (!spec->file || !spec->folder || !spec->text || !spec->fixed || !spec->axes) {
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
        .diagnostics = diagnostics, .written_left = MAX_WRITTEN, .spaced_left = MAX_SPACED};
    const int errors_before = diagnostics->count + diagnostics->dropped;
    reader.spec = create(file, text, length);
    reader.fixed_at = calloc((size_t)wgf_param_count, sizeof *reader.fixed_at);
    reader.swept_at = calloc((size_t)wgf_param_count, sizeof *reader.swept_at);
    if (reader.spec && reader.fixed_at && reader.swept_at)
        read_text_of_spec(&reader, sets, set_count);
    else
        wgf_spec_no_memory(&reader);
    free(reader.fixed_at);
    free(reader.swept_at);
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
    for (int i = 0; i < spec->axis_count; i++)
        free(spec->axes[i].values);
    while (spec->pool) {
        struct wgf_text_pool *next = spec->pool->next;
        free(spec->pool);
        spec->pool = next;
    }
    free(spec->axes);
    free(spec->fixed);
    free(spec->description);
    free(spec->name);
    free(spec->text);
    free(spec->folder);
    free(spec->file);
    free(spec);
}
