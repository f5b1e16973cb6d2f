/* Reads the bytes of a spec, never more than the limit. */
#include "wgf/spec/spec.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The status says whether the name is at fault, or the system. */
static wgf_status refuse(const char *file, struct wgf_error *error)
{
    return wgf_fail(error, wgf_is_wrong_name(errno) ? WGF_EUSAGE : WGF_EIO, "cannot read the spec %s: %s", file,
                    strerror(errno));
}

static wgf_status refuse_size(const char *file, struct wgf_error *error)
{
    return wgf_fail(error, WGF_EUSAGE, "the spec %s is larger than %d bytes; use range in place of lists", file,
                    WGF_SPEC_LIMIT);
}

/* Refuses folders and large files before reading. */
static wgf_status check_kind(const char *file, int descriptor, struct wgf_error *error)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0)
        return refuse(file, error);
    if (S_ISDIR(status.st_mode))
        return wgf_fail(error, WGF_EUSAGE, "cannot read the spec %s: it is a folder; name a file", file);
    return S_ISREG(status.st_mode) && status.st_size > WGF_SPEC_LIMIT ? refuse_size(file, error) : WGF_OK;
}

/* Reads to the end, or to one byte beyond the limit. */
static wgf_status read_all(const char *file, int descriptor, char *buffer, size_t *length, struct wgf_error *error)
{
    *length = 0;
    while (*length <= WGF_SPEC_LIMIT) {
        const ssize_t got = read(descriptor, buffer + *length, WGF_SPEC_LIMIT + 1 - *length);
        if (got == 0)
            return WGF_OK;
        if (got > 0)
            *length += (size_t)got;
        else if (errno != EINTR)
            return refuse(file, error);
    }
    return refuse_size(file, error);
}

static wgf_status load(const char *file, int descriptor, char **text, size_t *length, struct wgf_error *error)
{
    wgf_status status = check_kind(file, descriptor, error);
    if (status != WGF_OK)
        return status;
    char *buffer = malloc(WGF_SPEC_LIMIT + 2);
    if (!buffer)
        return wgf_fail(error, WGF_EMEMORY, "out of memory while reading the spec %s", file);
    status = read_all(file, descriptor, buffer, length, error);
    if (status != WGF_OK) {
        free(buffer);
        return status;
    }
    buffer[*length] = '\0';
    *text = buffer;
    return WGF_OK;
}

wgf_status wgf_spec_load(const char *file, char **text, size_t *length, struct wgf_error *error)
{
    if (strcmp(file, "-") == 0)
        return load("on standard input", STDIN_FILENO, text, length, error);
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return refuse(file, error);
    const wgf_status status = load(file, descriptor, text, length, error);
    close(descriptor);
    return status;
}
