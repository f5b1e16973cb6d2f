/* A matrix and a vector from the lines of a text file, the vector last. The whole file is read into memory first. */
#include "internal.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A stretch of the text, without its end. */
struct span {
    const char *begin, *end;
};

struct reader {
    const char *path;
    size_t size;      /* of the whole text */
    struct span rest; /* not yet read; *rest.end is NUL */
    int64_t line;     /* number of the last line taken */
    char separator;   /* ';', ',' or a tab; or ' ': runs of blanks */
    locale_t numbers; /* the C locale, whatever the program's is */
};

/* The rows so far, with room for more. */
struct table {
    int64_t rows, room;
    int64_t fields; /* of every line: the matrix's columns, and the vector */
    bool append_ones;
    double *matrix, *vector;
};

static bool is_blank(const struct reader *reader, char c)
{
    return c == ' ' || (c == '\t' && reader->separator != '\t');
}

static struct span trim(const struct reader *reader, struct span text)
{
    while (text.begin < text.end && is_blank(reader, *text.begin))
        text.begin++;
    while (text.end > text.begin && is_blank(reader, text.end[-1]))
        text.end--;
    return text;
}

/* Takes the next line that is neither blank nor a comment. False at the end of the text. */
static bool next_line(struct reader *reader, struct span *line)
{
    while (reader->rest.begin < reader->rest.end) {
        size_t left = (size_t)(reader->rest.end - reader->rest.begin);
        const char *newline = memchr(reader->rest.begin, '\n', left);
        *line = (struct span){reader->rest.begin, newline != NULL ? newline : reader->rest.end};
        reader->rest.begin = newline != NULL ? newline + 1 : reader->rest.end;
        reader->line++;
        if (line->end > line->begin && line->end[-1] == '\r')
            line->end--;
        const char *text = line->begin;
        while (text < line->end && (*text == ' ' || *text == '\t'))
            text++;
        if (text < line->end && *text != '#')
            return true;
    }
    return false;
}

static char find_separator(struct span line)
{
    for (const char *candidate = ";,\t"; *candidate != '\0'; candidate++)
        if (memchr(line.begin, *candidate, (size_t)(line.end - line.begin)) != NULL)
            return *candidate;
    return ' ';
}

static struct span next_word(const struct reader *reader, struct span *line)
{
    struct span text = trim(reader, *line), word = {text.begin, text.begin};
    while (word.end < text.end && !is_blank(reader, *word.end))
        word.end++;
    line->begin = word.end < text.end ? word.end : NULL;
    return word;
}

/* Takes the next field off *line, trimmed. After the last one line->begin is NULL. */
static struct span next_field(const struct reader *reader, struct span *line)
{
    if (reader->separator == ' ')
        return next_word(reader, line);
    struct span field = *line;
    const char *separator = memchr(field.begin, reader->separator, (size_t)(field.end - field.begin));
    if (separator != NULL)
        field.end = separator;
    line->begin = separator != NULL ? separator + 1 : NULL;
    return trim(reader, field);
}

/* Decimal numbers, nan and inf. strtod also takes hexadecimal, nan(...) and leading white space: they are refused. */
static bool parse_number(const struct reader *reader, struct span field, double *value)
{
    const char *digits = field.begin + (*field.begin == '+' || *field.begin == '-');
    if (strchr(".0123456789nNiI", *digits) == NULL || (digits[0] == '0' && (digits[1] | 32) == 'x'))
        return false;
    char *end;
    *value = strtod_l(field.begin, &end, reader->numbers);
    return end == field.end && end[-1] != ')';
}

static int64_t count_fields(const struct reader *reader, struct span line)
{
    int64_t count = 0;
    for (; line.begin != NULL; count++)
        next_field(reader, &line);
    return count;
}

/* A header has a name somewhere, and no number: "1,2x" is a row with a slip of the pen, which must not be passed over.
 * An empty field is neither: ",x,y" is a header, "1,,3" a row with a hole. */
static bool is_header(const struct reader *reader, struct span line)
{
    bool named = false;
    while (line.begin != NULL) {
        struct span field = next_field(reader, &line);
        double value;
        if (field.begin < field.end && parse_number(reader, field, &value))
            return false;
        named = named || field.begin < field.end;
    }
    return named;
}

static wgf_status fail_field(const struct reader *reader, int64_t column, struct span field, struct wgf_error *error)
{
    if (field.begin == field.end)
        return wgf_fail(error, WGF_EDATA, "%s:%" PRId64 ": column %" PRId64 " is empty; every cell needs a number",
                        reader->path, reader->line, column);
    char text[40];
    wgf_datafile_printable(text, sizeof text, field.begin, (size_t)(field.end - field.begin));
    return wgf_fail(error, WGF_EDATA,
                    "%s:%" PRId64 ": column %" PRId64 ": '%s' is no number; write decimals with a point, "
                    "and names in a first line without numbers",
                    reader->path, reader->line, column, text);
}

static int64_t matrix_cols(const struct table *table)
{
    return table->fields - 1 + table->append_ones;
}

static wgf_status make_room(const struct reader *reader, struct table *table, struct wgf_error *error)
{
    if (table->rows < table->room)
        return WGF_OK;
    int64_t room = table->rows + table->rows / 2 + 1;
    double bytes = wgf_bytes((double)room * (double)(matrix_cols(table) + 1), sizeof(double));
    wgf_status status = wgf_datafile_check_memory(reader->path, bytes + (double)reader->size, error);
    if (status != WGF_OK)
        return status;
    double *matrix = reallocarray(table->matrix, (size_t)room, (size_t)matrix_cols(table) * sizeof *matrix);
    if (matrix != NULL)
        table->matrix = matrix;
    double *vector = reallocarray(table->vector, (size_t)room, sizeof *vector);
    if (vector != NULL)
        table->vector = vector;
    if (matrix == NULL || vector == NULL)
        return wgf_fail(error, WGF_EMEMORY, "out of memory in line %" PRId64 " of %s", reader->line, reader->path);
    table->room = room;
    return WGF_OK;
}

static wgf_status read_row(const struct reader *reader, struct table *table, struct span line, struct wgf_error *error)
{
    struct span rest = line;
    double *row = table->matrix + table->rows * matrix_cols(table);
    int64_t i = 0;
    for (; i < table->fields && rest.begin != NULL; i++) {
        struct span field = next_field(reader, &rest);
        double *cell = i < table->fields - 1 ? row + i : table->vector + table->rows;
        if (field.begin == field.end || !parse_number(reader, field, cell))
            return fail_field(reader, i + 1, field, error);
    }
    if (i < table->fields || rest.begin != NULL)
        return wgf_fail(error, WGF_EDATA,
                        "%s:%" PRId64 ": %" PRId64 " columns, but the rows above have %" PRId64
                        "; every row needs as many",
                        reader->path, reader->line, count_fields(reader, line), table->fields);
    if (table->append_ones)
        row[table->fields - 1] = 1;
    table->rows++;
    return WGF_OK;
}

static wgf_status begin_table(const struct reader *reader, const struct wgf_datafile_layout *layout, struct span line,
                              struct table *table, struct wgf_error *error)
{
    table->append_ones = layout->append_ones;
    table->fields = count_fields(reader, line);
    if (table->fields < 2)
        return wgf_fail(error, WGF_EDATA,
                        "%s:%" PRId64 ": one column alone; a row needs its part of %s and then %s, separated by "
                        "commas, semicolons, tabs or blanks",
                        reader->path, reader->line, layout->matrix, layout->vector);
    return WGF_OK;
}

static wgf_status read_rows(struct reader *reader, const struct wgf_datafile_layout *layout, struct table *table,
                            struct wgf_error *error)
{
    struct span line;
    bool more = next_line(reader, &line);
    if (more) {
        reader->separator = find_separator(line);
        if (is_header(reader, line))
            more = next_line(reader, &line);
    }
    if (!more)
        return wgf_fail(error, WGF_EDATA, "%s has no rows; it must hold lines of numbers, or be an HDF5 file",
                        reader->path);
    wgf_status status = begin_table(reader, layout, line, table, error);
    while (status == WGF_OK && more) {
        status = make_room(reader, table, error);
        if (status == WGF_OK)
            status = read_row(reader, table, line, error);
        more = next_line(reader, &line);
    }
    return status;
}

/* Reads `size` bytes from the start and adds a NUL. */
static wgf_status load(const char *path, int fd, int64_t size, char **text, struct wgf_error *error)
{
    wgf_status status = wgf_datafile_check_memory(path, (double)size, error);
    if (status != WGF_OK)
        return status;
    *text = malloc((size_t)size + 1);
    if (*text == NULL)
        return wgf_fail(error, WGF_EMEMORY, "out of memory while reading %s", path);
    int64_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, *text + done, (size_t)(size - done), done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return wgf_fail(error, WGF_EIO, "cannot read %s: %s", path, strerror(errno));
        if (got == 0)
            return wgf_fail(error, WGF_EIO, "cannot read %s: it shrank while it was being read", path);
        done += got;
    }
    (*text)[size] = '\0';
    return WGF_OK;
}

static wgf_status read_text(const char *path, struct span text, const struct wgf_datafile_layout *layout,
                            struct table *table, struct wgf_error *error)
{
    size_t length = (size_t)(text.end - text.begin);
    if (memchr(text.begin, '\0', length) != NULL)
        return wgf_fail(error, WGF_EDATA, "%s is neither HDF5 nor plain text; save it as HDF5 or as CSV in UTF-8",
                        path);
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    if (strncmp(text.begin, byte_order_mark, strlen(byte_order_mark)) == 0)
        text.begin += strlen(byte_order_mark);
    struct reader reader = {
        .path = path, .size = length, .rest = text, .numbers = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (reader.numbers == (locale_t)0)
        return wgf_fail(error, WGF_EMEMORY, "out of memory while reading %s", path);
    wgf_status status = read_rows(&reader, layout, table, error);
    freelocale(reader.numbers);
    return status;
}

wgf_status wgf_datafile_read_csv(const char *path, int fd, int64_t size, const struct wgf_datafile_layout *layout,
                                 struct wgf_datafile *contents, struct wgf_error *error)
{
    char *text = NULL;
    struct table table = {0};
    wgf_status status = load(path, fd, size, &text, error);
    if (status == WGF_OK)
        status = read_text(path, (struct span){text, text + size}, layout, &table, error);
    free(text);
    *contents = (struct wgf_datafile){
        .rows = table.rows, .cols = matrix_cols(&table), .matrix = table.matrix, .vector = table.vector};
    return status;
}
