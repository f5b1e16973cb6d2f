/* Reading of root attributes. src/store/README.md "Attributes". */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

static char *read_text(hid_t attribute, hid_t type)
{
    if (H5Tget_class(type) != H5T_STRING)
        return NULL;
    if (H5Tis_variable_str(type) > 0) {
        char *text = NULL;
        bool ok = H5Aread(attribute, type, &text) >= 0 && wgf_store_own_texts(&text, 1);
        return ok ? text : NULL;
    }
    char *text = calloc(H5Tget_size(type) + 1, 1);
    if (text && H5Aread(attribute, type, text) < 0) {
        free(text);
        text = NULL;
    }
    return text;
}

struct attribute {
    struct wgf_store *store;
    struct wgf_store_watch watch;
    hid_t id, type;
    int64_t length; /* elements */
};

/* False when the file has no such attribute; to be closed in any case. */
static bool open_attribute(struct wgf_store *store, const char *name, struct attribute *attribute)
{
    attribute->store = store;
    wgf_store_watch(&attribute->watch);
    attribute->type = H5I_INVALID_HID;
    attribute->id = H5Aexists(store->file, name) > 0 ? H5Aopen(store->file, name, H5P_DEFAULT) : H5I_INVALID_HID;
    if (attribute->id < 0)
        return false;
    attribute->type = H5Aget_type(attribute->id);
    hid_t space = H5Aget_space(attribute->id);
    attribute->length = H5Sget_simple_extent_npoints(space);
    H5Sclose(space);
    return true;
}

static void close_attribute(struct attribute *attribute)
{
    if (attribute->type >= 0)
        H5Tclose(attribute->type);
    if (attribute->id >= 0)
        H5Aclose(attribute->id);
    wgf_store_unwatch(&attribute->watch);
    wgf_store_note(attribute->store, &attribute->watch);
}

char *wgf_store_text(struct wgf_store *store, const char *name)
{
    struct attribute attribute;
    char *text = NULL;
    if (open_attribute(store, name, &attribute) && attribute.length == 1)
        text = read_text(attribute.id, attribute.type);
    close_attribute(&attribute);
    return text;
}

bool wgf_store_number(struct wgf_store *store, const char *name, uint64_t *number)
{
    struct attribute attribute;
    bool ok = open_attribute(store, name, &attribute) && attribute.length == 1 &&
              H5Tget_class(attribute.type) == H5T_INTEGER && H5Aread(attribute.id, H5T_NATIVE_UINT64, number) >= 0;
    close_attribute(&attribute);
    return ok;
}

char **wgf_store_list(struct wgf_store *store, const char *name, int *count)
{
    struct attribute attribute;
    char **list = NULL;
    *count = 0;
    if (open_attribute(store, name, &attribute) && attribute.length > 0 && H5Tis_variable_str(attribute.type) > 0)
        list = wgf_calloc(attribute.length, sizeof *list);
    if (list && H5Aread(attribute.id, attribute.type, list) >= 0 && wgf_store_own_texts(list, attribute.length))
        *count = (int)attribute.length;
    close_attribute(&attribute);
    if (*count == 0) {
        free(list);
        list = NULL;
    }
    return list;
}

/* The attributes found so far. */
struct found {
    struct wgf_store *store;
    struct wgf_attribute *list;
    int count;
};

static herr_t add_attribute(hid_t file, const char *name, const H5A_info_t *info, void *data)
{
    struct found *found = data;
    (void)file;
    (void)info;
    if (!WGF_GROW(found->list, found->count))
        return -1;
    struct wgf_attribute *attribute = &found->list[found->count++];
    *attribute = (struct wgf_attribute){.name = strdup(name), .text = wgf_store_text(found->store, name)};
    if (!attribute->name)
        return -1;
    if (attribute->text || wgf_store_number(found->store, name, &attribute->number))
        return 0;
    attribute->list = (const char *const *)wgf_store_list(found->store, name, &attribute->list_count);
    if (!attribute->list) /* an empty one, which is nevertheless not NULL */
        attribute->list = wgf_calloc(1, sizeof *attribute->list);
    return attribute->list ? 0 : -1;
}

struct wgf_attribute *wgf_store_attributes(struct wgf_store *store, int *count)
{
    struct found found = {.store = store};
    struct wgf_store_watch watch;
    wgf_store_watch(&watch);
    bool ok = H5Aiterate2(store->file, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, add_attribute, &found) >= 0;
    wgf_store_unwatch(&watch);
    wgf_store_note(store, &watch);
    *count = found.count;
    if (ok && found.list)
        return found.list;
    wgf_store_free_attributes(found.list, found.count);
    return NULL;
}

void wgf_store_free_attributes(struct wgf_attribute *attributes, int count)
{
    for (int a = 0; attributes && a < count; a++) {
        for (int i = 0; i < attributes[a].list_count; i++)
            free((void *)attributes[a].list[i]);
        free((void *)attributes[a].list);
        free((void *)attributes[a].text);
        free((void *)attributes[a].name);
    }
    free(attributes);
}
