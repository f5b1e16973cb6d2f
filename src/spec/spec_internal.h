/* Shared by the files spec*.c: reading one YAML document. Every function here adds the errors that it finds to
 * reader->diagnostics and goes on. The depth of calls is that of the grammar, whatever the document nests. */
#ifndef WGF_SPEC_SPEC_INTERNAL_H
#define WGF_SPEC_SPEC_INTERNAL_H

#include "wgf/spec/spec.h"

#include <stdbool.h>
#include <yaml.h>

/* Texts that live as long as the spec. */
struct wgf_text_pool {
    struct wgf_text_pool *next;
    char text[];
};

/* The sample of the block being read. */
struct wgf_sample {
    struct wgf_place place; /* line 0: there is none */
    int64_t count;
    int design;
    uint64_t seed;
    int parameters; /* read so far */
};

enum { WGF_SPEC_LEVELS = 16 }; /* of specs that extend others */

struct wgf_spec_reader {
    yaml_document_t document;
    /* The file being read: its name and its folder relative to the spec's, NULL and "" for the spec itself; how many
     * specs extend it, one by way of the other; the texts of those that it extends, or NULL. */
    const char *file, *folder, *rest;
    const char *chain[WGF_SPEC_LEVELS]; /* this file and those that extend it */
    int level;
    struct wgf_diagnostics *diagnostics;
    struct wgf_spec *spec;
    /* By parameter, line 0: not there. For every block; the first time in any block; in the block being read. */
    struct wgf_place fixed_at[WGF_MOST_PARAMS], swept_at[WGF_MOST_PARAMS], given_at[WGF_MOST_PARAMS];
    int fixed_level[WGF_MOST_PARAMS], sweep_level;
    int64_t written_left, spaced_left; /* values that all axes and exclusions may still hold */
    struct wgf_sample sample;
    bool named, sweep_is_list, out_of_memory;
};

/* One key of a mapping. */
struct wgf_spec_entry {
    const char *name;
    struct wgf_place place; /* of the key */
    yaml_node_t *value;
};

struct wgf_spec_entries {
    int count;
    struct wgf_spec_entry *list; /* freed by the caller */
};

struct wgf_place wgf_spec_place(const struct wgf_spec_reader *reader, const yaml_node_t *node);
void wgf_spec_no_memory(struct wgf_spec_reader *reader);

/* A copy of the text in the spec's pool; NULL when out of memory. */
const char *wgf_spec_keep(struct wgf_spec_reader *reader, const char *text);

/* The same of a parameter's value; a path in the file being read is made relative to the spec's folder. */
const char *wgf_spec_keep_value(struct wgf_spec_reader *reader, const struct wgf_param *param, const char *text);

/* spec_yaml.c: reads the text as one document of limited depth, which the caller deletes. False: it is not one. */
bool wgf_spec_load_document(struct wgf_spec_reader *reader, const char *text, size_t length);

/* Text of a scalar; NULL for anything else and for a text that contains NUL. `what` names it in the sentence. */
const char *wgf_spec_scalar(struct wgf_spec_reader *reader, const yaml_node_t *node, const char *what);
bool wgf_spec_is_quoted(const yaml_node_t *scalar);
bool wgf_spec_is_null(const yaml_node_t *node);

/* The keys of a mapping in order, without repeated ones; empty for another kind of node, which `what` names. */
struct wgf_spec_entries wgf_spec_entries(struct wgf_spec_reader *reader, const yaml_node_t *node, const char *what);

/* The parameter that a key names; NULL, diagnosed, when there is none. */
const struct wgf_param *wgf_spec_param(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry);

/* Says that a key is unknown, with the nearest of `count` names; `known` says which there are. */
void wgf_spec_unknown(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry, const char *const *names,
                      int count, const char *known);

/* Sets a parameter in a list, in the place of its value there; takes it out of one. */
void wgf_spec_fix(struct wgf_spec_reader *reader, struct wgf_fixed **list, int *count, struct wgf_fixed fixed);
void wgf_spec_release(struct wgf_fixed *list, int *count, const struct wgf_param *param);

/* A section of fixed parameters: adds them to the list, and their places to `at`. */
void wgf_spec_fixed(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, struct wgf_fixed **list,
                    int *count, struct wgf_place *at);

/* spec_extends.c: reads the spec's own text with `read`. Reads likewise what the document at hand extends, and goes on
 * with that document. */
typedef void wgf_read_file(struct wgf_spec_reader *reader, const char *text, size_t length);
void wgf_spec_begin(struct wgf_spec_reader *reader, wgf_read_file *read);
void wgf_spec_extend(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, wgf_read_file *read);

/* spec_exclude.c: the list of exclusions of a block. */
void wgf_spec_exclude(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                      struct wgf_sweep_block *block);
void wgf_spec_free_exclusion(struct wgf_exclusion *exclusion);

/* spec_sample.c: the points of a block, and the laws of the parameters over them, whose axes are a dimension. */
void wgf_spec_sample(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section,
                     struct wgf_sweep_block *block);
void wgf_spec_over(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section, struct wgf_sweep_block *block);

/* spec_sweep.c: adds an axis, which `read` reads, to a block; NULL, diagnosed, when it is not valid. The dimension that
 * follows those of a block. */
typedef bool wgf_read_axis(struct wgf_spec_reader *reader, const struct wgf_param *param, yaml_node_t *node,
                           struct wgf_axis *axis);
struct wgf_axis *wgf_spec_add_axis(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry,
                                   wgf_read_axis *read, int dimension, bool together, struct wgf_sweep_block *block);
int wgf_spec_next_dimension(const struct wgf_sweep_block *block);

/* The section sweep. A word that is a key of its blocks, elsewhere. An empty block; NULL: no memory. What
 * is done once all has been read. */
void wgf_spec_sweep(struct wgf_spec_reader *reader, const struct wgf_spec_entry *section);
bool wgf_spec_is_block_key(const char *word);
void wgf_spec_misplaced(struct wgf_spec_reader *reader, const struct wgf_spec_entry *entry);
struct wgf_sweep_block *wgf_spec_block(struct wgf_spec_reader *reader, struct wgf_place place);
void wgf_spec_finish_blocks(struct wgf_spec_reader *reader);
void wgf_spec_free_block(struct wgf_sweep_block *block);

/* A parameter's value written in one node. */
bool wgf_spec_value(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                    union wgf_value *value);

/* spec_axis.c: what one parameter is swept over, in an axis that has its dimension; false when it is not valid. */
bool wgf_spec_axis(struct wgf_spec_reader *reader, const struct wgf_param *param, yaml_node_t *node,
                   struct wgf_axis *axis);

/* A number of a parameter, in its range. */
bool wgf_spec_end(struct wgf_spec_reader *reader, const struct wgf_param *param, const yaml_node_t *node,
                  union wgf_value *value);

/* spec_values.c: the lists of axes. Allocates one: all axes share a budget of values, `left`, which bounds time and
 * memory for any spec. The next two set axis->values, axis->count and axis->repeated. */
bool wgf_spec_room(struct wgf_spec_reader *reader, struct wgf_place place, int64_t count, int64_t *left,
                   struct wgf_axis *axis);
bool wgf_spec_list(struct wgf_spec_reader *reader, const yaml_node_t *node, struct wgf_axis *axis);
enum wgf_spacing { WGF_SPACING_LINEAR, WGF_SPACING_GEOMETRIC };
bool wgf_spec_spaced(struct wgf_spec_reader *reader, struct wgf_place place, enum wgf_spacing spacing,
                     union wgf_value first, union wgf_value last, int64_t count, struct wgf_axis *axis);

/* spec_derived.c: is this the text of a derived value, "= 0.5 * gamma"? The expression in the spec's pool; NULL with an
 * error whose place is a byte of the text, or out of memory. */
bool wgf_spec_is_derived(const struct wgf_param *param, const char *text);
const char *wgf_spec_derived(struct wgf_spec_reader *reader, const struct wgf_param *param, const char *text,
                             size_t *place, struct wgf_error *error);

/* spec_yaml.c: the place of a byte of a text that is written on one line; else that of its beginning. */
struct wgf_place wgf_spec_place_in(const struct wgf_spec_reader *reader, const yaml_node_t *node, size_t at);

/* spec_set.c: one K=V of --set. */
void wgf_spec_set(struct wgf_spec_reader *reader, const char *set, bool *is_set);

#endif
