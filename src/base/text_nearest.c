/* The nearest known name to a misspelt word, for "did you mean". */
#include "wgf/base/text.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

enum { LONGEST = 32 }; /* longer words and names match nothing */

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Edits that turn a into b: insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
static int edit_distance(const char *a, int a_length, const char *b, int b_length)
{
    int rows[3][LONGEST + 1];
    for (int j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (int i = 1; i <= a_length; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i + 2) % 3], *twice_above = rows[(i + 1) % 3];
        row[0] = i;
        for (int j = 1; j <= b_length; j++) {
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + !same_letter(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                row[j] = least(row[j], twice_above[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *wgf_nearest_name(const char *word, const char *const *names, int count)
{
    const int length = (int)strnlen(word, LONGEST + 1);
    const int allowed = (length + 1) / 3; /* one edit in three letters; none in a word of one letter */
    const char *nearest = NULL;
    int best = INT_MAX;
    for (int i = 0; i < count && length <= LONGEST; i++) {
        const int name_length = (int)strnlen(names[i], LONGEST + 1);
        if (name_length > LONGEST || name_length > length + allowed || name_length < length - allowed)
            continue;
        const int distance = edit_distance(word, length, names[i], name_length);
        if (distance <= allowed && distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
