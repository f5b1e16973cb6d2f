/* Specs that extend others. The text of a spec is kept with those of all that it extends, in order, each after the mark
 * of the end of a YAML document: so it is read without their files, and explains itself. */
#include "spec_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

static const struct wgf_param files = {.name = "extends", .type = WGF_PARAM_PATH};
static const char mark[] = "\n... # extends ";

char *wgf_path_in(const char *folder, const char *path)
{
    const bool plain = path[0] == '/' || folder[0] == '\0' || strcmp(folder, ".") == 0;
    const size_t size = strlen(folder) + strlen(path) + 2;
    char *joined = malloc(size);
    if (joined)
        snprintf(joined, size, "%s%s%s", plain ? "" : folder, plain || folder[strlen(folder) - 1] == '/' ? "" : "/",
                 path);
    return joined;
}

const char *wgf_spec_keep_value(struct wgf_spec_reader *reader, const struct wgf_param *param, const char *text)
{
    char *path = wgf_path_in(text[0] && param->type == WGF_PARAM_PATH ? reader->folder : "", text);
    const char *kept = path ? wgf_spec_keep(reader, path) : NULL;
    if (!path)
        wgf_spec_no_memory(reader);
    free(path);
    return kept;
}

/* Cuts a text at the first mark, and sets `rest` to what follows the line of the mark. */
static void cut(struct wgf_spec_reader *reader, char *text)
{
    char *const end = strstr(text, mark), *const line = end ? strchr(end + 1, '\n') : NULL;
    reader->rest = line ? line + 1 : NULL;
    if (line)
        end[1] = '\0';
}

void wgf_spec_begin(struct wgf_spec_reader *reader, wgf_read_file *read)
{
    const struct wgf_spec *spec = reader->spec;
    char *rest = malloc(spec->length + 1);
    if (!rest) {
        wgf_spec_no_memory(reader);
        return;
    }
    memcpy(rest, spec->text, spec->length + 1);
    reader->chain[0] = spec->file;
    const bool is_text = strlen(rest) == spec->length;
    if (is_text)
        cut(reader, rest);
    read(reader, rest, is_text ? strlen(rest) : spec->length);
    free(rest);
}

/* Appends what is extended to the text that the spec keeps. */
static bool append(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, const char *path,
                   const char *text)
{
    struct wgf_spec *spec = reader->spec;
    const bool ended = spec->length > 0 && spec->text[spec->length - 1] == '\n';
    const size_t size = spec->length + strlen(path) + strlen(text) + sizeof mark + 2;
    if (size > WGF_SPEC_LIMIT) {
        wgf_diagnose(reader->diagnostics, section->place, "the spec is larger than %d bytes with all that it extends",
                     WGF_SPEC_LIMIT);
        return false;
    }
    char *joined = realloc(spec->text, size);
    if (!joined) {
        wgf_spec_no_memory(reader);
        return false;
    }
    spec->text = joined;
    snprintf(joined + spec->length, size - spec->length, "%s%s\n%s", mark + ended, path, text);
    spec->length += strlen(joined + spec->length);
    return true;
}

/* The text of a file that is extended: from behind the spec's own, or from the disk. NULL, diagnosed: there is none. */
static char *load(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, const char *path,
                  const char *file)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    char *text = NULL;
    size_t length;
    struct wgf_error error;
    if (reader->rest) {
        text = strdup(reader->rest);
        if (text)
            cut(reader, text);
        else
            wgf_spec_no_memory(reader);
        return text;
    }
    if (wgf_spec_load(file, &text, &length, &error)) {
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, section->value), "extends: %s", error.message);
        return NULL;
    }
    if (!append(reader, section, path, text + (strncmp(text, byte_order_mark, 3) == 0 ? 3 : 0))) {
        free(text);
        return NULL;
    }
    return text;
}

/* Reads the file, whose folder relative to the spec's is the folder of `path` in that of the file at hand. */
static void extend(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, const char *path,
                   const char *file, wgf_read_file *read)
{
    const yaml_document_t document = reader->document;
    const char *const outer_file = reader->file, *const outer_folder = reader->folder;
    const char *const slash = strrchr(path, '/');
    char *text = load(reader, section, path, file), *folder = slash ? strndup(path, (size_t)(slash + 1 - path)) : NULL;
    if (text && (folder || !slash)) {
        const char *inner = folder ? wgf_spec_keep_value(reader, &files, folder) : reader->folder;
        reader->chain[++reader->level] = reader->file = file;
        reader->folder = inner ? inner : "";
        read(reader, text, strlen(text));
        reader->level--;
    }
    reader->document = document;
    reader->file = outer_file;
    reader->folder = outer_folder;
    free(folder);
    free(text);
}

/* Why the file cannot be extended, or NULL. */
static const char *refuse(const struct wgf_spec_reader *reader, const char *path, const char *file)
{
    bool same = path[0] == '\0' || strcmp(path, "-") == 0;
    if (same)
        return "name a file";
    for (int i = 0; !reader->rest && !same && i <= reader->level; i++)
        same = !wgf_same_file(reader->chain[i], file, &same, NULL) && same;
    return same                                   ? "this file is, or extends, the one at hand; remove one extends"
           : reader->level + 1 == WGF_SPEC_LEVELS ? "more than 15 files extend one another; join some of them"
                                                  : NULL;
}

void wgf_spec_extend(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, wgf_read_file *read)
{
    const char *path = wgf_spec_scalar(reader, section->value, "extends");
    union wgf_value value;
    if (!path || !wgf_spec_value(reader, &files, section->value, &value))
        return;
    char *joined = wgf_path_in(reader->spec->folder, value.text);
    const char *file = joined ? wgf_spec_keep(reader, joined) : NULL;
    const char *refusal = file ? refuse(reader, path, file) : NULL;
    if (!joined)
        wgf_spec_no_memory(reader);
    if (refusal)
        wgf_diagnose(reader->diagnostics, wgf_spec_place(reader, section->value), "extends: %s", refusal);
    else if (file)
        extend(reader, section, path, file, read);
    free(joined);
}
