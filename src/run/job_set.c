#include "select.h"

#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Does a job fit behind the last span, as one more of its jobs? */
static bool continues(const struct wgf_span *last, int64_t first, int64_t step, int64_t count)
{
    return (count == 1 || last->step == step) && first == last->first + last->count * last->step;
}

bool wgf_job_set_add(struct wgf_job_set *set, int64_t first, int64_t step, int64_t count)
{
    enum { ROOM = 16 };
    struct wgf_span *last = set->span_count > 0 ? &set->spans[set->span_count - 1] : NULL;
    if (count <= 0)
        return true;
    if (last && last->count == 1)
        last->step = step; /* of a single job any step is right */
    if (last && continues(last, first, step, count)) {
        last->count += count;
    } else {
        if (set->span_count == set->room) {
            int64_t room = set->room ? 2 * set->room : ROOM;
            struct wgf_span *spans = realloc(set->spans, (size_t)room * sizeof *spans);
            if (!spans)
                return false;
            set->spans = spans;
            set->room = room;
        }
        set->spans[set->span_count++] = (struct wgf_span){first, step, count, set->count};
    }
    set->count += count;
    return true;
}

void wgf_job_set_free(struct wgf_job_set *set)
{
    free(set->spans);
    *set = (struct wgf_job_set){0};
}

int64_t wgf_job_set_span(const struct wgf_job_set *set, int64_t position)
{
    int64_t low = 0, high = set->span_count - 1; /* the span is in [low, high] */
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (set->spans[middle].before <= position)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

void wgf_job_set_list(const struct wgf_job_set *set, int64_t first, int64_t count, int64_t *jobs)
{
    int64_t done = 0;
    for (int64_t s = count > 0 ? wgf_job_set_span(set, first) : 0; done < count; s++) {
        const struct wgf_span *span = &set->spans[s];
        for (int64_t i = first + done - span->before; done < count && i < span->count; i++)
            jobs[done++] = span->first + i * span->step;
    }
}

/* An interval of --jobs, both ends included. */
struct interval {
    int64_t first, last;
};

/* Reads digits; false when there are none, or too many. */
static bool read_number(const char **text, int64_t *number)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *number = strtoll(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* Reads "7" or "0-9" and the comma behind it. */
static bool read_interval(const char **text, struct interval *interval)
{
    if (!read_number(text, &interval->first))
        return false;
    interval->last = interval->first;
    if (**text == '-') {
        ++*text;
        if (!read_number(text, &interval->last) || interval->last < interval->first)
            return false;
    }
    if (**text == ',')
        return *++*text != '\0';
    return **text == '\0';
}

int wgf_cli_take_jobs(const char *command, const char *word, struct wgf_selection *selection)
{
    struct interval interval;
    bool fine = *word != '\0';
    for (const char *text = word; fine && *text;)
        fine = read_interval(&text, &interval);
    if (!fine)
        return wgf_cli_misuse(command, "--jobs is a list of jobs like 0-9,17, not '%s'", word);
    selection->jobs = word;
    return WGF_EXIT_OK;
}

int wgf_cli_take_shard(const char *command, const char *word, struct wgf_selection *selection)
{
    const char *text = word;
    bool fine = read_number(&text, &selection->part) && *text++ == '/' && read_number(&text, &selection->parts) &&
                *text == '\0' && selection->part < selection->parts;
    if (!fine)
        return wgf_cli_misuse(command, "--shard is I/N, part I of N counted from 0, like 0/4, not '%s'", word);
    return WGF_EXIT_OK;
}

static int compare_intervals(const void *a, const void *b)
{
    const struct interval *one = a, *other = b;
    return (one->first > other->first) - (one->first < other->first);
}

/* The intervals of --jobs in order, or the one of all jobs; allocated. NULL: no memory. */
static struct interval *list_intervals(const char *text, int64_t jobs, size_t *count)
{
    size_t most = 1;
    for (const char *c = text; c && *c; c++)
        most += *c == ',';
    struct interval *list = calloc(most, sizeof *list);
    *count = 0;
    if (!list)
        return NULL;
    if (!text)
        list[(*count)++] = (struct interval){0, jobs - 1};
    while (text && *text)
        read_interval(&text, &list[(*count)++]);
    qsort(list, *count, sizeof *list, compare_intervals);
    return list;
}

/* Adds the jobs of an interval that are in the part. */
static bool add_interval(struct wgf_job_set *set, const struct wgf_selection *selection, struct interval interval)
{
    int64_t parts = selection->parts > 1 ? selection->parts : 1;
    int64_t ahead = selection->part - interval.first % parts; /* to the first one of the part */
    ahead += ahead < 0 ? parts : 0;
    if (interval.last < interval.first || ahead > interval.last - interval.first)
        return true;
    int64_t first = interval.first + ahead;
    return wgf_job_set_add(set, first, parts, (interval.last - first) / parts + 1);
}

wgf_status wgf_cli_select(const struct wgf_selection *selection, int64_t jobs, struct wgf_job_set *set,
                          struct wgf_error *error)
{
    size_t count;
    struct interval *list = list_intervals(selection->jobs, jobs, &count);
    bool fine = list != NULL;
    int64_t next = 0, missing = -1; /* jobs before `next` have been looked at */
    *set = (struct wgf_job_set){0};
    for (size_t i = 0; fine && i < count; i++) {
        if (list[i].last >= jobs) {
            missing = list[i].last;
            break;
        }
        fine =
            add_interval(set, selection, (struct interval){list[i].first > next ? list[i].first : next, list[i].last});
        next = list[i].last + 1 > next ? list[i].last + 1 : next;
    }
    free(list);
    if (fine && missing < 0)
        return WGF_OK;
    wgf_job_set_free(set);
    if (!fine)
        return wgf_fail(error, WGF_EMEMORY, "no memory for the list of jobs");
    return wgf_fail(error, WGF_EUSAGE, "--jobs names job %" PRId64 ", but the plan has jobs 0 to %" PRId64, missing,
                    jobs - 1);
}
