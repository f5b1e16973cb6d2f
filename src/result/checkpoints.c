#include "wgf/result/checkpoints.h"
#include "result_internal.h"

#include "wgf/base/system.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL /* the state then lives on the stack */
#include <xxhash.h>

static const char slot_magic[8] = "wgfslot";

struct wgf_checkpoints {
    struct wgf_store *store;
    const struct wgf_plan *plan;
    struct wgf_region region;  /* of all slots */
    int64_t pairs, slot_bytes; /* pairs is 0 where the file has no room */
    double interval;
    struct wgf_checkpoint_table table;
    bool spent[WGF_CHECKPOINT_PAIRS]; /* their jobs are finished, but not in the file yet */
    int64_t own;                      /* the worker's pair, or -1 */

    struct wgf_checkpoint given; /* to the job at work */
    int64_t pair;                /* its pair, or -1 */
    struct wgf_slot_head head;   /* of its last checkpoint */
    int side;                    /* of the pair, where the next one goes */
    int64_t loaded;              /* bytes of the slot that the descent has taken */
    bool written;                /* the pair is no longer zeros */

    unsigned char *buffer; /* BUFFER */
    struct wgf_error trouble, told;
};

enum { BUFFER = 1 << 18 };

wgf_status wgf_checkpoints_create(struct wgf_checkpoints **checkpoints, struct wgf_writer *writer, double interval,
                                  struct wgf_error *error)
{
    const struct wgf_layout *layout = wgf_writer_layout(writer);
    struct wgf_checkpoints *made = *checkpoints = wgf_calloc(1, sizeof *made);
    struct wgf_store_extent extent;
    if (!made || !(made->buffer = wgf_calloc(BUFFER, 1)))
        return wgf_fail(error, WGF_EMEMORY, "no memory for checkpoints");
    made->store = wgf_writer_store(writer);
    made->plan = wgf_writer_plan(writer);
    made->interval = interval;
    made->own = made->pair = -1;
    wgf_store_extent(made->store, &extent);
    int column = wgf_store_column(made->store, "checkpoint");
    /* A file of a version that knew none, or other sizes, goes on without. */
    if (column >= 0 && extent.checkpoint_bytes == layout->extent.checkpoint_bytes &&
        wgf_store_region(made->store, column, &made->region)) {
        made->pairs = layout->checkpoint_pairs;
        made->slot_bytes = layout->checkpoint_bytes;
    }
    return WGF_OK;
}

void wgf_checkpoints_free(struct wgf_checkpoints *checkpoints)
{
    if (!checkpoints)
        return;
    free(checkpoints->buffer);
    free(checkpoints);
}

const struct wgf_error *wgf_checkpoints_trouble(struct wgf_checkpoints *checkpoints)
{
    if (!checkpoints->trouble.status)
        return NULL;
    checkpoints->told = checkpoints->trouble;
    checkpoints->trouble.status = WGF_OK;
    return &checkpoints->told;
}

static int64_t slot_start(const struct wgf_checkpoints *checkpoints, int64_t pair, int side)
{
    return (2 * pair + side) * checkpoints->slot_bytes;
}

static void wipe_pair(struct wgf_checkpoints *checkpoints, int64_t pair)
{
    wgf_region_wipe(&checkpoints->region, slot_start(checkpoints, pair, 0), 2 * checkpoints->slot_bytes,
                    &checkpoints->trouble);
}

static uint64_t hash_of_head(const struct wgf_slot_head *head)
{
    return XXH3_64bits(head, offsetof(struct wgf_slot_head, hash));
}

/* False: the slot holds none, or not a whole one. */
static bool read_head_at(const struct wgf_checkpoints *checkpoints, int64_t start, struct wgf_slot_head *head)
{
    return !wgf_region_read(&checkpoints->region, start, sizeof *head, head, NULL) &&
           memcmp(head->magic, slot_magic, sizeof slot_magic) == 0 && head->hash == hash_of_head(head) &&
           head->size > 0 && head->size <= checkpoints->slot_bytes - (int64_t)sizeof *head;
}

static bool read_head(const struct wgf_checkpoints *checkpoints, int64_t pair, int side, struct wgf_slot_head *head)
{
    return read_head_at(checkpoints, slot_start(checkpoints, pair, side), head);
}

/* Is the data of the slot what its head says? */
static bool is_whole(const struct wgf_checkpoints *checkpoints, int64_t pair, int side,
                     const struct wgf_slot_head *head)
{
    int64_t start = slot_start(checkpoints, pair, side) + (int64_t)sizeof *head;
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    for (int64_t done = 0, part; done < head->size; done += part) {
        part = head->size - done < BUFFER ? head->size - done : BUFFER;
        if (wgf_region_read(&checkpoints->region, start + done, part, checkpoints->buffer, NULL))
            return false;
        XXH3_64bits_update(&state, checkpoints->buffer, (size_t)part);
    }
    return XXH3_64bits_digest(&state) == head->data_hash;
}

/* Bytes on their way to a slot; small pieces are gathered. */
struct stream {
    struct wgf_checkpoints *checkpoints;
    int64_t at, gathered;
    XXH3_state_t state;
    struct wgf_error error;
};

static void pass_on(struct stream *stream, const void *bytes, int64_t size)
{
    struct wgf_checkpoints *checkpoints = stream->checkpoints;
    if (!stream->error.status && size > 0)
        wgf_region_write(&checkpoints->region, stream->at, size, bytes, &stream->error);
    stream->at += size;
}

static void put(struct stream *stream, const void *bytes, size_t size)
{
    unsigned char *buffer = stream->checkpoints->buffer;
    XXH3_64bits_update(&stream->state, bytes, size);
    if (stream->gathered + (int64_t)size > BUFFER) {
        pass_on(stream, buffer, stream->gathered);
        stream->gathered = 0;
    }
    if (size > BUFFER) {
        pass_on(stream, bytes, (int64_t)size);
    } else {
        memcpy(buffer + stream->gathered, bytes, size);
        stream->gathered += (int64_t)size;
    }
}

static void save(void *context, const struct iovec *iov, int count)
{
    struct wgf_checkpoints *checkpoints = context;
    struct wgf_slot_head head = checkpoints->head;
    const int64_t start = slot_start(checkpoints, checkpoints->pair, checkpoints->side);
    struct stream stream = {.checkpoints = checkpoints, .at = start + (int64_t)sizeof head};
    head.size = 0;
    for (int i = 0; i < count; i++)
        head.size += (int64_t)iov[i].iov_len;
    if (head.size > checkpoints->slot_bytes - (int64_t)sizeof head)
        return; /* never: the plan has seen to it */
    XXH3_64bits_reset(&stream.state);
    for (int i = 0; i < count; i++)
        put(&stream, iov[i].iov_base, iov[i].iov_len);
    pass_on(&stream, checkpoints->buffer, stream.gathered);
    head.number++;
    head.data_hash = XXH3_64bits_digest(&stream.state);
    head.hash = hash_of_head(&head);
    stream.at = start;
    pass_on(&stream, &head, sizeof head);
    checkpoints->written = true;
    checkpoints->spent[checkpoints->pair] = false; /* what an earlier job left there goes with this one's */
    if (stream.error.status) { /* half a checkpoint is good for nothing, and takes room that others may need */
        wgf_fail(&checkpoints->trouble, stream.error.status,
                 "a checkpoint of job %" PRId64
                 " could not be kept: %s; the job goes on, and a kill would cost it more",
                 head.job, stream.error.message);
        wgf_region_wipe(&checkpoints->region, start, checkpoints->slot_bytes, NULL);
        return;
    }
    checkpoints->head = head;
    checkpoints->side = !checkpoints->side;
}

static bool load(void *context, const struct iovec *iov, int count)
{
    struct wgf_checkpoints *checkpoints = context;
    /* The next save goes to the other slot, so this one is at the side before. */
    int64_t start = slot_start(checkpoints, checkpoints->pair, !checkpoints->side) + (int64_t)sizeof checkpoints->head;
    for (int i = 0; i < count; i++) {
        int64_t size = (int64_t)iov[i].iov_len;
        if (size > checkpoints->head.size - checkpoints->loaded ||
            wgf_region_read(&checkpoints->region, start + checkpoints->loaded, size, iov[i].iov_base, NULL))
            return false;
        checkpoints->loaded += size;
    }
    return true;
}

/* Finds the newest whole checkpoint of the job at work in its pair. */
static bool find(struct wgf_checkpoints *checkpoints)
{
    struct wgf_slot_head heads[2];
    bool good[2];
    for (int side = 0; side < 2; side++)
        good[side] = read_head(checkpoints, checkpoints->pair, side, &heads[side]) &&
                     heads[side].job == checkpoints->head.job && heads[side].key == checkpoints->head.key;
    for (int tried = 0; tried < 2; tried++) {
        int side = good[1] && (!good[0] || heads[1].number > heads[0].number);
        if (good[side] && is_whole(checkpoints, checkpoints->pair, side, &heads[side])) {
            checkpoints->head = heads[side];
            checkpoints->side = !side;
            return true;
        }
        good[side] = false;
    }
    return false;
}

static struct wgf_slot_head head_of(int64_t job, uint64_t key)
{
    struct wgf_slot_head head = {.job = job, .key = key};
    memcpy(head.magic, slot_magic, sizeof slot_magic);
    return head;
}

/* What the descent of the job at work is given. */
static const struct wgf_checkpoint *give(struct wgf_checkpoints *checkpoints, bool found)
{
    const double worthwhile = 1, interval = checkpoints->interval > 0 ? checkpoints->interval : INFINITY;
    checkpoints->given =
        (struct wgf_checkpoint){.context = checkpoints,
                                .interval = interval,
                                .worthwhile = interval < INFINITY ? fmin(interval, worthwhile) : INFINITY,
                                .save = save,
                                .load = found ? load : NULL};
    return &checkpoints->given;
}

static int64_t held_pair(const struct wgf_checkpoints *checkpoints, int64_t job)
{
    int64_t pair = 0;
    while (pair < checkpoints->pairs && checkpoints->table.holder[pair] != job + 1)
        pair++;
    return pair < checkpoints->pairs ? pair : -1;
}

void wgf_checkpoints_seek(struct wgf_checkpoints *checkpoints, int64_t job)
{
    struct wgf_slot_head head;
    int64_t pair = -1;
    uint64_t most = 0;
    if (held_pair(checkpoints, job) >= 0)
        return;
    for (int64_t slot = 0; slot < 2 * checkpoints->pairs; slot++)
        if (read_head(checkpoints, slot / 2, (int)(slot % 2), &head) && head.job == job && head.number > most) {
            pair = slot / 2;
            most = head.number;
        }
    if (pair >= 0)
        checkpoints->table.holder[pair] = job + 1;
}

const struct wgf_checkpoint *wgf_checkpoints_begin(struct wgf_checkpoints *checkpoints, int64_t job,
                                                   const struct wgf_settings *settings)
{
    const int64_t held = held_pair(checkpoints, job);
    const bool saves = checkpoints->interval > 0 && wgf_checkpoint_is_useful(settings);
    checkpoints->pair = -1;
    if (held < 0 && (checkpoints->own < 0 || !saves)) /* all that most jobs come to know of this */
        return NULL;
    checkpoints->pair = held >= 0 ? held : checkpoints->own;
    checkpoints->side = 0;
    checkpoints->loaded = 0;
    checkpoints->head = head_of(job, wgf_plan_key(checkpoints->plan, settings));
    checkpoints->written = held >= 0;
    return give(checkpoints, held >= 0 && find(checkpoints));
}

bool wgf_checkpoints_hand_over(struct wgf_checkpoints *checkpoints, struct wgf_checkpoint_hand *hand)
{
    if (checkpoints->pair < 0)
        return false;
    *hand = (struct wgf_checkpoint_hand){.region = checkpoints->region,
                                         .slot_bytes = checkpoints->slot_bytes,
                                         .pair = checkpoints->pair,
                                         .job = checkpoints->head.job,
                                         .key = checkpoints->head.key,
                                         .interval = checkpoints->interval};
    checkpoints->written = true; /* for all that is known */
    return true;
}

wgf_status wgf_checkpoints_take_over(struct wgf_checkpoints **checkpoints, const struct wgf_checkpoint_hand *hand,
                                     const struct wgf_checkpoint **given, struct wgf_error *error)
{
    struct wgf_checkpoints *made = *checkpoints = wgf_calloc(1, sizeof *made);
    if (!made || !(made->buffer = wgf_calloc(BUFFER, 1)))
        return wgf_fail(error, WGF_EMEMORY, "no memory for checkpoints");
    made->region = hand->region;
    made->slot_bytes = hand->slot_bytes;
    made->interval = hand->interval;
    made->pair = hand->pair;
    made->head = head_of(hand->job, hand->key);
    *given = give(made, find(made));
    return WGF_OK;
}

void wgf_checkpoints_end(struct wgf_checkpoints *checkpoints, bool finished)
{
    const int64_t pair = checkpoints->pair;
    checkpoints->pair = -1;
    if (pair < 0 || !finished)
        return;
    checkpoints->spent[pair] = checkpoints->spent[pair] || checkpoints->written;
    checkpoints->table.holder[pair] = 0;
    if (checkpoints->own < 0) /* there was none left for this worker */
        checkpoints->own = pair;
}

void wgf_checkpoints_flushed(struct wgf_checkpoints *checkpoints)
{
    for (int64_t pair = 0; pair < checkpoints->pairs; pair++)
        if (checkpoints->spent[pair]) {
            wipe_pair(checkpoints, pair);
            checkpoints->spent[pair] = false;
        }
}

void wgf_checkpoints_start(struct wgf_checkpoints *checkpoints, const struct wgf_checkpoint_table *table, int worker)
{
    int before = 0;
    checkpoints->table = *table;
    checkpoints->own = -1;
    for (int64_t pair = 0; pair < checkpoints->pairs && checkpoints->own < 0; pair++)
        if (table->holder[pair] == 0 && before++ == worker)
            checkpoints->own = pair;
}

/* Does the head speak of a job of this file that is to be run? */
static wgf_status is_wanted(const struct wgf_checkpoints *checkpoints, const struct wgf_slot_head *head, bool *wanted,
                            struct wgf_error *error)
{
    struct wgf_store_extent extent;
    uint8_t state = WGF_JOB_DONE;
    uint64_t key = 0;
    wgf_store_extent(checkpoints->store, &extent);
    *wanted = false;
    if (head->job < 0 || head->job >= extent.jobs)
        return WGF_OK;
    wgf_status status =
        wgf_store_read(checkpoints->store, wgf_store_column(checkpoints->store, "status"), head->job, 1, &state, error);
    if (!status)
        status =
            wgf_store_read(checkpoints->store, wgf_store_column(checkpoints->store, "key"), head->job, 1, &key, error);
    *wanted = !status && (state == WGF_JOB_PENDING || state == WGF_JOB_RUNNING) && key == head->key;
    return status;
}

/* Of two jobs in one pair, which can only be when a kill came between the end of one and its flush, the longer stays. */
static wgf_status survey_pair(const struct wgf_checkpoints *checkpoints, int64_t pair, int64_t *job,
                              struct wgf_error *error)
{
    struct wgf_slot_head head;
    uint64_t most = 0;
    wgf_status status = WGF_OK;
    *job = -1;
    for (int side = 0; !status && side < 2; side++) {
        bool wanted = false;
        if (read_head(checkpoints, pair, side, &head))
            status = is_wanted(checkpoints, &head, &wanted, error);
        if (wanted && head.number > most) {
            most = head.number;
            *job = head.job;
        }
    }
    return status;
}

wgf_status wgf_checkpoints_survey(struct wgf_checkpoints *checkpoints, struct wgf_checkpoint_table *table,
                                  struct wgf_error *error)
{
    wgf_status status = WGF_OK;
    int64_t free_from = 0; /* pairs from here on are free, and not wiped yet */
    *table = (struct wgf_checkpoint_table){0};
    for (int64_t pair = 0; !status && pair <= checkpoints->pairs; pair++) {
        int64_t job = -1;
        if (pair < checkpoints->pairs)
            status = survey_pair(checkpoints, pair, &job, error);
        if (status || (job < 0 && pair < checkpoints->pairs))
            continue;
        if (pair > free_from)
            status = wgf_region_wipe(&checkpoints->region, slot_start(checkpoints, free_from, 0),
                                     2 * (pair - free_from) * checkpoints->slot_bytes, error);
        if (pair < checkpoints->pairs)
            table->holder[pair] = job + 1;
        free_from = pair + 1;
    }
    return status;
}

wgf_status wgf_checkpoints_wipe(struct wgf_checkpoints *checkpoints, struct wgf_error *error)
{
    if (checkpoints->pairs == 0)
        return WGF_OK;
    return wgf_region_wipe(&checkpoints->region, 0, 2 * checkpoints->pairs * checkpoints->slot_bytes, error);
}

int64_t wgf_checkpoints_made(struct wgf_store *store)
{
    const int64_t block = WGF_CHECKPOINT_BLOCK; /* where slots begin; how long they are the plan alone knows */
    struct wgf_checkpoints looked = {.store = store};
    const int column = wgf_store_column(store, "checkpoint");
    int64_t made = 0;
    if (column < 0 || !wgf_store_region(store, column, &looked.region))
        return 0;
    looked.slot_bytes = looked.region.length;
    for (int64_t start = 0; start < looked.region.length; start += block) {
        struct wgf_slot_head head;
        if (read_head_at(&looked, start, &head))
            made += (int64_t)head.number;
    }
    return made;
}
