/* Quantiles by selection (quickselect, Hoare 1961) in expected time O(count). */
#include "wgf/query/groups.h"

#include <math.h>
#include <stdlib.h>

static void swap(double *a, double *b)
{
    double kept = *a;
    *a = *b;
    *b = kept;
}

static double middle(double a, double b, double c)
{
    return fmax(fmin(a, b), fmin(fmax(a, b), c));
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Moves the number of rank `place` to that index, smaller ones before it and larger ones after it. Partitions in three,
 * so that many equal numbers cost nothing. Sorts the rest after 128 rounds, which bounds the time for bad pivots. */
static void select_place(double *numbers, int64_t count, int64_t place)
{
    int64_t first = 0, end = count;
    for (int rounds = 0; end - first > 1; rounds++) {
        const int most = 128;
        if (rounds == most) {
            qsort(numbers + first, (size_t)(end - first), sizeof *numbers, compare);
            return;
        }
        double pivot = middle(numbers[first], numbers[first + (end - first) / 2], numbers[end - 1]);
        int64_t less = first, at = first, more = end;
        while (at < more) {
            if (numbers[at] < pivot)
                swap(&numbers[less++], &numbers[at++]);
            else if (numbers[at] > pivot)
                swap(&numbers[at], &numbers[--more]);
            else
                at++;
        }
        if (place < less)
            end = less;
        else if (place >= more)
            first = more;
        else
            return;
    }
}

double wgf_quantile(double *numbers, int64_t count, double part)
{
    if (count == 0)
        return NAN;
    double exact = part * (double)(count - 1);
    int64_t place = (int64_t)exact;
    double weight = exact - (double)place;
    select_place(numbers, count, place);
    double below = numbers[place], above = INFINITY;
    if (weight == 0)
        return below;
    for (int64_t i = place + 1; i < count; i++)
        above = fmin(above, numbers[i]);
    if (isinf(below) || isinf(above)) /* infinities have no difference: as the mean of the two, which is exact here */
        return below + above;
    return weight < 0.5 ? below + (above - below) * weight : above - (above - below) * (1 - weight);
}
