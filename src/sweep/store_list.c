#include "store_internal.h"

#include "wgf/base/system.h"

#include <stdlib.h>
#include <string.h>

char **wgf_store_list(struct wgf_store *store, const char *name, int *count)
{
    *count = 0;
    hid_t attribute = H5Aexists(store->file, name) > 0 ? H5Aopen(store->file, name, H5P_DEFAULT) : H5I_INVALID_HID;
    if (attribute < 0)
        return NULL;
    hid_t type = wgf_store_memory_type(WGF_COLUMN_TEXT), space = H5Aget_space(attribute);
    hssize_t length = H5Sget_simple_extent_npoints(space);
    char **texts = length > 0 ? wgf_calloc(length, sizeof *texts) : NULL;
    char **list = length > 0 ? wgf_calloc(length, sizeof *list) : NULL;
    if (texts && list && H5Aread(attribute, type, texts) >= 0) {
        for (hssize_t i = 0; i < length; i++)
            list[i] = strdup(texts[i] ? texts[i] : "");
        *count = (int)length;
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    }
    free(texts);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return list;
}
