/* A matrix and a vector from the lines of a text file, the vector last. The whole file is read into memory first.
 * Quotes are those of RFC 4180, section 2. */
#include "internal.h"

#include "wgf/base/system.h"

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A stretch of the text, without its end; of a field in quotes, what they enclose. */
struct span {
    const char *begin, *end;
    bool quoted;
};

struct reader {
    const char *path;
    size_t size;      /* of the whole text */
    struct span rest; /* not yet read; *rest.end is NUL */
    int64_t line;     /* number of the last line taken: of its first, where quotes enclose line ends */
    int64_t next;     /* number of the line that the rest begins with */
    char separator;   /* ';', ',' or a tab; or ' ': runs of blanks */
    locale_t numbers; /* the C locale, whatever the program's is */
};

/* The rows so far, with room for more. */
struct table {
    int64_t rows, room;
    int64_t fields; /* of every line */
    int64_t inputs; /* columns of the matrix that the file has */
    int64_t *place; /* fields: where each goes */
    bool append_ones, has_vector;
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

/* The end of the line: LF, CR LF or CR, outside quotes unless it is a comment. Each line end in quotes counts in
 * *next. */
static const char *line_end(const struct reader *reader, const char *at, bool comment, int64_t *next)
{
    bool quoted = false;
    for (; at < reader->rest.end; at++) {
        if (*at == '"' && !comment)
            quoted = !quoted;
        else if (*at == '\n' || *at == '\r') {
            if (!quoted)
                break;
            *next += *at == '\n' || at[1] != '\n';
        }
    }
    return at;
}

/* Takes the next line that is neither blank nor a comment. False at the end of the text. */
static bool next_line(struct reader *reader, struct span *line)
{
    while (reader->rest.begin < reader->rest.end) {
        const char *text = reader->rest.begin + strspn(reader->rest.begin, " \t");
        reader->line = reader->next;
        *line = (struct span){reader->rest.begin, line_end(reader, text, *text == '#', &reader->next), false};
        reader->rest.begin = line->end;
        if (line->end < reader->rest.end) {
            reader->next++;
            reader->rest.begin += line->end[0] == '\r' && line->end[1] == '\n' ? 2 : 1;
        }
        if (text < line->end && *text != '#')
            return true;
    }
    return false;
}

/* The end of what is quoted, on the closing quote; the end of the line where none closes it. */
static const char *closing_quote(const char *at, const char *end)
{
    for (at++; at < end; at++) {
        if (*at == '"' && (at + 1 == end || at[1] != '"'))
            return at;
        at += *at == '"'; /* of two quotes, which stand for one */
    }
    return end;
}

/* The first of these characters outside quotes; NULL: none. */
static const char *find_outside(struct span line, char wanted)
{
    for (const char *at = line.begin; at < line.end; at++) {
        if (*at == wanted)
            return at;
        if (*at == '"' && (at = closing_quote(at, line.end)) == line.end)
            break;
    }
    return NULL;
}

static char find_separator(struct span line)
{
    for (const char *candidate = ";,\t"; *candidate != '\0'; candidate++)
        if (find_outside(line, *candidate))
            return *candidate;
    return ' ';
}

static struct span next_word(const struct reader *reader, struct span *line)
{
    struct span text = trim(reader, *line), word = {text.begin, text.begin, false};
    for (; word.end < text.end && !is_blank(reader, *word.end); word.end++)
        if (*word.end == '"' && (word.end = closing_quote(word.end, text.end)) == text.end)
            break;
    line->begin = word.end < text.end ? word.end : NULL;
    return word;
}

/* A field without the quotes around all of it. */
static struct span unquote(const struct reader *reader, struct span field)
{
    if (field.end - field.begin < 2 || *field.begin != '"' || closing_quote(field.begin, field.end) != field.end - 1)
        return field;
    return trim(reader, (struct span){field.begin + 1, field.end - 1, true});
}

/* Takes the next field off *line, trimmed. After the last one line->begin is NULL. */
static struct span next_field(const struct reader *reader, struct span *line)
{
    if (reader->separator == ' ')
        return unquote(reader, next_word(reader, line));
    struct span field = *line;
    const char *separator = find_outside(field, reader->separator);
    if (separator != NULL)
        field.end = separator;
    line->begin = separator != NULL ? separator + 1 : NULL;
    return unquote(reader, trim(reader, field));
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

/* Is a field that is no number surely a name, not a slip of the pen ("2x", "1,5", "-") or a word for a missing value?
 * In quotes it is, where they count. */
static bool is_name(struct span field, bool quotes_count)
{
    static const char *const missing[] = {"NA", "N/A", "null", "NULL", "None", "?"};
    const size_t length = (size_t)(field.end - field.begin);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (strlen(missing[i]) == length && strncmp(field.begin, missing[i], length) == 0)
            return false;
    return length > 0 && ((field.quoted && quotes_count) || !strchr("+-.0123456789", *field.begin));
}

/* A header has a name somewhere, and no number: "1,2x" is a row that must not be passed over, and so is "1,5;2x". A
 * number in quotes is a name beside one that is a name without them. */
static bool is_header(const struct reader *reader, struct span line)
{
    bool named = false, surely = false, numbers = false;
    while (line.begin != NULL) {
        struct span field = next_field(reader, &line);
        double value;
        if (field.begin < field.end && parse_number(reader, field, &value)) {
            if (!field.quoted)
                return false;
            numbers = true;
            continue;
        }
        named = named || is_name(field, true);
        surely = surely || is_name(field, false);
    }
    return numbers ? surely : named;
}

/* A quote that nothing closes would hide the lines after it. */
static wgf_status check_quotes(const struct reader *reader, struct span line, struct wgf_error *error)
{
    bool open = false;
    for (const char *at = line.begin; at < line.end; at++)
        open = open != (*at == '"');
    return open ? wgf_fail(error, WGF_EDATA, "%s:%" PRId64 ": a quote is not closed; close or remove it", reader->path,
                           reader->line)
                : WGF_OK;
}

/* Checks that a header names every column. */
static wgf_status check_header(const struct reader *reader, struct span line, struct wgf_error *error)
{
    for (int64_t column = 1; line.begin != NULL; column++) {
        struct span field = next_field(reader, &line);
        if (field.begin < field.end)
            continue;
        if (column == 1)
            return wgf_fail(error, WGF_EDATA,
                            "%s:%" PRId64 ": column 1 has no name: it is an index, which would be read as an input; "
                            "write the file without it (in pandas: to_csv(index=False))",
                            reader->path, reader->line);
        return wgf_fail(error, WGF_EDATA, "%s:%" PRId64 ": column %" PRId64 " has no name; name every column or none",
                        reader->path, reader->line, column);
    }
    return WGF_OK;
}

static wgf_status fail_field(const struct reader *reader, int64_t column, struct span field, struct wgf_error *error)
{
    if (field.begin == field.end)
        return wgf_fail(error, WGF_EDATA,
                        "%s:%" PRId64 ": column %" PRId64
                        " is empty; every cell needs a number, without an index column "
                        "or a separator at the end of the line",
                        reader->path, reader->line, column);
    char text[40];
    wgf_datafile_printable(text, sizeof text, field.begin, (size_t)(field.end - field.begin));
    return wgf_fail(error, WGF_EDATA,
                    "%s:%" PRId64 ": column %" PRId64 ": '%s' is no number; write decimals with a point, "
                    "and names in a first line without numbers, in quotes where they begin like one",
                    reader->path, reader->line, column, text);
}

static int64_t matrix_cols(const struct table *table)
{
    return table->inputs + table->append_ones;
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
    if (check_quotes(reader, line, error))
        return WGF_EDATA;
    struct span rest = line;
    double *row = table->matrix + table->rows * matrix_cols(table);
    int64_t i = 0;
    for (; i < table->fields && rest.begin != NULL; i++) {
        struct span field = next_field(reader, &rest);
        const int64_t place = table->place[i];
        double *cell = place == WGF_PLACE_VECTOR ? table->vector + table->rows : row + place;
        if (place != WGF_PLACE_NONE && (field.begin == field.end || !parse_number(reader, field, cell)))
            return fail_field(reader, i + 1, field, error);
    }
    if (i < table->fields || rest.begin != NULL)
        return wgf_fail(error, WGF_EDATA,
                        "%s:%" PRId64 ": %" PRId64 " columns, but the rows above have %" PRId64
                        "; every row needs as many",
                        reader->path, reader->line, count_fields(reader, line), table->fields);
    if (table->append_ones)
        row[table->inputs] = 1;
    if (!table->has_vector)
        table->vector[table->rows] = 0;
    table->rows++;
    return WGF_OK;
}

/* A copy of a name; two quotes within it stand for one. */
static char *copy_name(struct span field)
{
    char *const name = strndup(field.begin, (size_t)(field.end - field.begin)), *out = name;
    for (const char *at = name; at && *at; at++) {
        at += field.quoted && at[0] == '"' && at[1] == '"';
        *out++ = *at;
    }
    if (name)
        *out = '\0';
    return name;
}

/* The names of a header; NULL: no memory. */
static char **list_names(const struct reader *reader, struct span line, int64_t count)
{
    char **const names = wgf_calloc(count, sizeof *names);
    bool fine = names != NULL;
    for (int64_t i = 0; fine && i < count; i++)
        fine = (names[i] = copy_name(next_field(reader, &line))) != NULL;
    for (int64_t i = 0; names && !fine && i < count; i++)
        free(names[i]);
    if (!fine)
        free(names);
    return fine ? names : NULL;
}

/* Finds where the fields of a line go. header: empty where there is none. */
static wgf_status begin_table(const struct reader *reader, const struct wgf_datafile_layout *layout, struct span header,
                              struct table *table, struct wgf_error *error)
{
    table->append_ones = layout->append_ones;
    table->has_vector = layout->vector != NULL;
    if (table->fields < 1 + table->has_vector)
        return wgf_fail(error, WGF_EDATA,
                        "%s:%" PRId64 ": one column alone; a row needs its part of %s and then %s, separated by "
                        "commas, semicolons, tabs or blanks",
                        reader->path, reader->line, layout->matrix, layout->vector);
    char **const names = header.begin ? list_names(reader, header, table->fields) : NULL;
    table->place = wgf_calloc(table->fields, sizeof *table->place);
    wgf_status status = WGF_EMEMORY;
    if (table->place && (names || !header.begin))
        status = wgf_datafile_choose(reader->path, layout, (const char *const *)names, table->fields, table->place,
                                     &table->inputs, error);
    else
        wgf_fail(error, status, "out of memory while reading %s", reader->path);
    for (int64_t i = 0; names && i < table->fields; i++)
        free(names[i]);
    free(names);
    return status;
}

static wgf_status read_rows(struct reader *reader, const struct wgf_datafile_layout *layout, struct table *table,
                            struct wgf_error *error)
{
    struct span line, header = {NULL, NULL, false};
    bool more = next_line(reader, &line);
    wgf_status status = WGF_OK;
    if (more)
        status = check_quotes(reader, line, error);
    reader->separator = more ? find_separator(line) : ' ';
    if (more && !status && is_header(reader, line)) {
        header = line;
        status = layout->inputs && *layout->inputs ? WGF_OK : check_header(reader, line, error);
        more = next_line(reader, &line);
    }
    if (status != WGF_OK)
        return status;
    if (!more)
        return wgf_fail(error, WGF_EDATA, "%s has no rows; it must hold lines of numbers, or be an HDF5 file",
                        reader->path);
    table->fields = count_fields(reader, line);
    const int64_t names = header.begin ? count_fields(reader, header) : table->fields;
    if (names != table->fields)
        return wgf_fail(error, WGF_EDATA,
                        "%s:%" PRId64 ": %" PRId64 " columns, but the header has %" PRId64
                        " names; name every column, and leave out an index",
                        reader->path, reader->line, table->fields, names);
    status = begin_table(reader, layout, header, table, error);
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
    const ssize_t got = wgf_read_at(fd, *text, (size_t)size, 0);
    if (got < 0)
        return wgf_fail(error, WGF_EIO, "cannot read %s: %s", path, strerror(errno));
    if (got < size)
        return wgf_fail(error, WGF_EIO, "cannot read %s: it shrank while it was being read", path);
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
        .path = path, .size = length, .rest = text, .next = 1, .numbers = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
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
        status = read_text(path, (struct span){text, text + size, false}, layout, &table, error);
    free(text);
    free(table.place);
    *contents = (struct wgf_datafile){
        .rows = table.rows, .cols = matrix_cols(&table), .matrix = table.matrix, .vector = table.vector};
    return status;
}
