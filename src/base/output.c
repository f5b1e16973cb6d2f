/* stdout and stderr through one escape function. Invariant: bytes reach descriptors 1 and 2 in the order in which they
 * are printed, each print in one write where the stream is not buffered; a character that is cut between two prints is
 * judged when it is whole. fopencookie is the GNU C Library's. */
#include "wgf/base/output.h"

#include "wgf/base/text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 1024 };

static struct output {
    int descriptor;
    bool exact, begun;
    size_t held; /* bytes of a character whose end has not come yet */
    char bytes[BLOCK];
} outputs[] = {{.descriptor = STDOUT_FILENO}, {.descriptor = STDERR_FILENO}};

static bool write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t count = write(descriptor, bytes, size);
        if (count < 0 && errno != EINTR)
            return false;
        bytes += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

static ssize_t write_escaped(void *cookie, const char *bytes, size_t size)
{
    struct output *const output = cookie;
    char escaped[WGF_ESCAPE_GROWTH * BLOCK];
    if (output->exact)
        return write_all(output->descriptor, bytes, size) ? (ssize_t)size : 0;
    for (size_t done = 0; done < size;) {
        const size_t room = BLOCK - output->held, count = size - done < room ? size - done : room;
        size_t used;
        memcpy(output->bytes + output->held, bytes + done, count);
        const size_t length = wgf_escape(output->bytes, output->held + count, &used, escaped);
        output->held += count - used;
        memmove(output->bytes, output->bytes + used, output->held);
        if (!write_all(output->descriptor, escaped, length))
            return 0;
        done += count;
    }
    return (ssize_t)size;
}

static struct output *output_of(FILE *stream)
{
    struct output *const output = stream == stdout ? &outputs[0] : stream == stderr ? &outputs[1] : NULL;
    return output && output->begun ? output : NULL;
}

static void begin(struct output *output, FILE **stream, int mode)
{
    FILE *const escaping = fopencookie(output, "w", (cookie_io_functions_t){.write = write_escaped});
    if (!escaping)
        return;
    fflush(*stream);
    setvbuf(escaping, NULL, mode, BUFSIZ);
    *stream = escaping;
    output->begun = true;
}

void wgf_output_begin(void)
{
    begin(&outputs[0], &stdout, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF);
    begin(&outputs[1], &stderr, _IONBF);
}

void wgf_output_exact(FILE *stream, bool exact)
{
    struct output *const output = output_of(stream);
    if (!output)
        return;
    fflush(stream);
    output->exact = exact;
}

int wgf_output_descriptor(FILE *stream)
{
    const struct output *const output = output_of(stream);
    return output ? output->descriptor : fileno(stream);
}
