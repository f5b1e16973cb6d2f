/* Texts of variable length, read without HDF5, which follows any reference and crashes on a damaged one. A reference
 * holds the text's length, the address of a global heap collection and the number of an object in it (HDF5 File Format
 * Specification, III.E); all three are checked here. */
#include "store_internal.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER = 16,            /* of a collection: GCOL, version 1, 3 reserved, size 8; and of an object */
    MOST = 1 << 26,         /* bytes of the largest collection that is accepted; its largest text is a spec of 4 MiB */
    SMALLEST = HEADER + 16, /* collection */
};

/* An object of a collection; its bytes are in wgf_store_heap's. */
struct object {
    uint16_t number;
    uint64_t start, size;
};

struct wgf_store_heap {
    uint64_t address; /* of the collection that is held; 0: none */
    uint64_t size;
    unsigned char *bytes;
    size_t room;
    struct object *objects;
    size_t count;
    size_t last; /* object that was asked for last: the next one is a neighbour */
};

void wgf_store_heap_free(struct wgf_store_heap *heap)
{
    if (!heap)
        return;
    free(heap->bytes);
    free(heap->objects);
    free(heap);
}

static uint64_t decode(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = count - 1; i >= 0; i--)
        value = value << 8 | bytes[i];
    return value;
}

/* False with errno, which is 0 where the file has no such bytes. */
static bool read_all(int descriptor, void *bytes, uint64_t size, uint64_t offset)
{
    errno = 0;
    return offset <= INT64_MAX && wgf_read_at(descriptor, bytes, size, (off_t)offset) == (ssize_t)size;
}

/* Lists the objects of the collection that is held; number 0 is the free room at the end. */
static bool list_objects(struct wgf_store_heap *heap)
{
    heap->count = heap->last = 0;
    for (uint64_t at = HEADER; at + HEADER <= heap->size;) {
        struct object object = {.number = (uint16_t)decode(heap->bytes + at, 2),
                                .start = at + HEADER,
                                .size = decode(heap->bytes + at + 8, 8)};
        if (object.number == 0)
            return true;
        if (object.size > heap->size - object.start || !WGF_GROW(heap->objects, (long long)heap->count))
            return false;
        heap->objects[heap->count++] = object;
        at = object.start + (object.size + 7) / 8 * 8;
    }
    return true;
}

static bool load(struct wgf_store_heap *heap, int descriptor, uint64_t address)
{
    unsigned char header[HEADER];
    if (heap->address == address && address != 0)
        return true;
    heap->address = 0;
    if (!read_all(descriptor, header, HEADER, address) || memcmp(header, "GCOL\1", 5) != 0)
        return false;
    heap->size = decode(header + 8, 8);
    if (heap->size < SMALLEST || heap->size > MOST)
        return false;
    if (heap->room < heap->size) {
        unsigned char *bytes = realloc(heap->bytes, heap->size);
        if (!bytes)
            return false;
        heap->bytes = bytes;
        heap->room = heap->size;
    }
    if (!read_all(descriptor, heap->bytes, heap->size, address) || !list_objects(heap))
        return false;
    heap->address = address;
    return true;
}

static const struct object *find(struct wgf_store_heap *heap, uint64_t number)
{
    for (size_t i = 0; i < heap->count; i++) { /* HDF5 stores the texts of a block from the last to the first */
        const size_t index = (heap->last + heap->count - 1 + i) % heap->count;
        if (heap->objects[index].number == number) {
            heap->last = index;
            return &heap->objects[index];
        }
    }
    return NULL;
}

/* NULL with errno, which is 0 for damage. */
static char *read_text(struct wgf_store *store, const unsigned char *reference)
{
    struct wgf_store_heap *heap = store->heap;
    uint64_t length = decode(reference, 4), address = decode(reference + 4, 8), number = decode(reference + 12, 4);
    errno = 0;
    if (length == 0 && address == 0 && number == 0)
        return strdup("");
    const struct object *object = load(heap, store->descriptor, address) ? find(heap, number) : NULL;
    return object && object->size == length ? strndup((const char *)heap->bytes + object->start, length) : NULL;
}

bool wgf_store_read_texts(struct wgf_store *store, const struct wgf_store_column *column, int64_t first, int64_t count,
                          char **texts)
{
    enum { BLOCK = 256 };
    unsigned char references[BLOCK * WGF_STORE_REFERENCE];
    bool ok = store->heap || (store->heap = calloc(1, sizeof *store->heap));
    int64_t done = 0;
    for (int64_t i = 0; ok && i < count; i++) {
        if (i % BLOCK == 0) {
            int64_t block = count - i < BLOCK ? count - i : BLOCK;
            ok = read_all(store->descriptor, references, (uint64_t)block * WGF_STORE_REFERENCE,
                          (uint64_t)(column->text_offset + (first + i) * WGF_STORE_REFERENCE));
        }
        texts[i] = ok ? read_text(store, references + i % BLOCK * WGF_STORE_REFERENCE) : NULL;
        ok = ok && texts[i];
        done = ok ? i + 1 : i;
    }
    for (int64_t i = 0; !ok && i < count; i++) {
        if (i < done)
            free(texts[i]); /* which keeps errno */
        texts[i] = NULL;
    }
    return ok;
}

int64_t wgf_store_text_offset(hid_t file, hid_t dataset)
{
    size_t address = 0, size = 0;
    hid_t creation = H5Fget_create_plist(file);
    bool usual = creation >= 0 && H5Pget_sizes(creation, &address, &size) >= 0 && address == 8 && size == 8;
    if (creation >= 0)
        H5Pclose(creation);
    const haddr_t offset = usual ? H5Dget_offset(dataset) : HADDR_UNDEF; /* undefined for a chunked one */
    return offset == HADDR_UNDEF ? -1 : (int64_t)offset;
}
