/* Where a result file comes from: root attributes. src/store/README.md "Attributes". */
#include "run_internal.h"

#include "wgf/base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_created(const struct timespec *created, char *buffer, size_t size)
{
    struct tm utc;
    char seconds[24];
    gmtime_r(&created->tv_sec, &utc);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(buffer, size, "%s.%06ldZ", seconds, created->tv_nsec / 1000);
}

bool wgf_created_parse(const char *text, struct timespec *created)
{
    struct tm utc = {0};
    const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    long microseconds = 0;
    if (!rest || sscanf(rest, ".%6ldZ", &microseconds) != 1)
        return false;
    *created = (struct timespec){timegm(&utc), microseconds * 1000};
    return true;
}

void wgf_provenance_gather(struct wgf_provenance *provenance, const struct wgf_team *team,
                           const struct wgf_run_options *options, const struct timespec *created)
{
    *provenance = (struct wgf_provenance){0};
    write_created(created, provenance->created, sizeof provenance->created);
    gethostname(provenance->host, sizeof provenance->host - 1);
    snprintf(provenance->libraries, sizeof provenance->libraries, "%s; %s; %s%s%s", wgf_store_library(),
             wgf_team_library(), wgf_blas_library(), wgf_flow_library() ? "; " : "",
             wgf_flow_library() ? wgf_flow_library() : "");
    if (!realpath(options->spec, provenance->spec_path))
        provenance->spec_path[0] = '\0'; /* standard input, say */
    wgf_repair_utf8(provenance->spec_path);
    const struct wgf_attribute list[] = {
        {.name = "wgf_version", .text = options->version},
        {.name = "wgf_revision", .text = options->revision},
        {.name = "created", .text = provenance->created},
        {.name = "host", .text = provenance->host},
        {.name = "libraries", .text = provenance->libraries},
        {.name = "processes", .number = (uint64_t)team->size},
        {.name = "spec_file", .text = provenance->spec_path},
        {.name = "sets", .list = options->sets, .list_count = options->set_count},
    };
    _Static_assert(sizeof list / sizeof *list == WGF_PROVENANCE_COUNT, "the count stands in run_internal.h");
    memcpy(provenance->list, list, sizeof list);
}
