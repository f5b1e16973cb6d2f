/* Diagnostics of the early phase: directions of neurons, the extremal ones, and what a step does to neurons. */
#include "diagnostics.h"

#include "wgf/base/text.h"
#include "wgf/base/vector.h"
#include "wgf/transport/assignment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double half_turn = 3.14159265358979323846;
static const char *const names[] = {WGF_DIAGNOSTICS(WGF_DIAGNOSTIC_NAME)};
enum { COUNT = sizeof names / sizeof *names };

/* The next item of a list: its beginning, without blanks, and its length; NULL after the last. As wgf_list_next, but
 * the text stays as it is: settings are read anywhere. */
static const char *next_item(const char **rest, size_t *length)
{
    if (!*rest)
        return NULL;
    const char *const item = *rest + strspn(*rest, " \t"), *const end = item + strcspn(item, ",");
    *rest = *end ? end + 1 : NULL;
    for (*length = (size_t)(end - item); *length > 0 && strchr(" \t", item[*length - 1]);)
        --*length;
    return item;
}

static int find(const char *item, size_t length)
{
    int k = 0;
    while (k < COUNT && (strlen(names[k]) != length || memcmp(names[k], item, length) != 0))
        k++;
    return k;
}

unsigned wgf_flow_diagnostics(const struct wgf_settings *settings)
{
    const char *rest =
        settings->record_diagnostics && *settings->record_diagnostics ? settings->record_diagnostics : NULL;
    unsigned wanted = 0;
    size_t length;
    for (const char *item; (item = next_item(&rest, &length));) {
        const int which = find(item, length);
        wanted |= which < COUNT ? 1u << which : 0;
    }
    return wanted;
}

wgf_status wgf_flow_check_diagnostics(const char *text, size_t *place, struct wgf_error *error)
{
    const char *rest = text;
    size_t length;
    for (const char *item; (item = next_item(&rest, &length));) {
        char word[40];
        if (find(item, length) < COUNT)
            continue;
        *place = (size_t)(item - text);
        memset(word, 0, sizeof word);
        memcpy(word, item, length < sizeof word ? length : sizeof word - 1);
        const char *const nearest = wgf_nearest_name(word, names, COUNT);
        if (nearest)
            return wgf_fail(error, WGF_EUSAGE, "'%s' is not a diagnostic; did you mean '%s'?", word, nearest);
        return wgf_fail(error, WGF_EUSAGE,
                        "'%s' is not a diagnostic; use alignment, directions, moving, exchanged, extremals, patterns "
                        "or pattern_changes",
                        word);
    }
    return WGF_OK;
}

static bool wants(const struct wgf_trace_diagnostics *diagnostics, enum wgf_neuron_diagnostic which)
{
    return diagnostics->wanted >> which & 1;
}

static bool wants_directions(const struct wgf_trace_diagnostics *diagnostics)
{
    return wants(diagnostics, WGF_DIAGNOSTIC_DIRECTIONS) || wants(diagnostics, WGF_DIAGNOSTIC_ALIGNMENT);
}

static bool wants_extremals(const struct wgf_trace_diagnostics *diagnostics)
{
    return wants(diagnostics, WGF_DIAGNOSTIC_EXTREMALS) || wants(diagnostics, WGF_DIAGNOSTIC_ALIGNMENT);
}

static bool wants_activations(const struct wgf_trace_diagnostics *diagnostics)
{
    return wants(diagnostics, WGF_DIAGNOSTIC_PATTERNS) || wants(diagnostics, WGF_DIAGNOSTIC_PATTERN_CHANGES);
}

void wgf_diagnostics_lay_out(struct wgf_trace_diagnostics *diagnostics, const struct wgf_settings *settings, int64_t m,
                             struct wgf_arena *arena)
{
    const double neurons = (double)m;
    const int64_t n = settings->data.n, d = settings->data.d;
    diagnostics->wanted = wgf_flow_diagnostics(settings);
    if (wants_extremals(diagnostics)) {
        diagnostics->e = wgf_arena_take(arena, (double)n, sizeof(double));
        wgf_extremals_lay_out(&diagnostics->extremals, n, arena);
    }
    if (wants_directions(diagnostics)) {
        diagnostics->unit = wgf_arena_take(arena, neurons * (double)d, sizeof(double));
        diagnostics->angle = wgf_arena_take(arena, d == 2 ? neurons : 0, sizeof(double));
        diagnostics->rest = wgf_arena_take(arena, d == 2 ? 0 : neurons, sizeof *diagnostics->rest);
        diagnostics->open = wgf_arena_take(arena, d == 2 ? 0 : neurons, sizeof *diagnostics->open);
    }
    if (wants_activations(diagnostics))
        wgf_activations_lay_out(&diagnostics->activations, m, n, arena);
}

void wgf_diagnostics_start(struct wgf_trace_diagnostics *diagnostics, const struct wgf_data *data, const double *W)
{
    if (wants_extremals(diagnostics))
        wgf_extremals_start(&diagnostics->extremals, data);
    if (wants_activations(diagnostics))
        wgf_activations_start(&diagnostics->activations, data, W);
}

void wgf_diagnostics_leave(struct wgf_trace_diagnostics *diagnostics)
{
    wgf_activations_leave(&diagnostics->activations);
}

int wgf_diagnostics_state_iov(struct wgf_trace_diagnostics *diagnostics, struct iovec *iov)
{
    if (!wants_activations(diagnostics))
        return 0;
    iov[0] = wgf_activations_before(&diagnostics->activations);
    return 1;
}

double wgf_diagnostics_operations(const struct wgf_settings *settings, int64_t m)
{
    const double neurons = (double)m, n = (double)settings->data.n, d = (double)settings->data.d;
    const unsigned wanted = wgf_flow_diagnostics(settings);
    const bool pairs = wanted >> WGF_DIAGNOSTIC_DIRECTIONS & 1 && settings->data.d > 2;
    return wanted & ~(unsigned)WGF_DIAGNOSTICS_OF_STEPS ? 2 * neurons * n * d + (pairs ? neurons * neurons * d / 2 : 0)
                                                        : 0;
}

static bool is_active(const struct wgf_data *data, const double *w)
{
    int64_t j = 0;
    while (j < data->n && !(wgf_dot(data->X + j * data->d, w, data->d) > 0))
        j++;
    return j < data->n;
}

/* unit, angle <- the directions of active neurons with that sign of alpha; returns how many. */
static int64_t gather(struct wgf_trace_diagnostics *diagnostics, const struct wgf_data *data, int64_t m,
                      const double *W, const double *alpha, double sign)
{
    const int64_t d = data->d;
    int64_t count = 0;
    for (int64_t i = 0; i < m; i++) {
        double *const unit = diagnostics->unit + count * d;
        if (!(sign * alpha[i] > 0) || !is_active(data, W + i * d))
            continue;
        memcpy(unit, W + i * d, (size_t)d * sizeof *unit);
        wgf_normalise(unit, d);
        if (d == 2)
            diagnostics->angle[count] = atan2(unit[1], unit[0]);
        count++;
    }
    return count;
}

static int compare(const void *a, const void *b)
{
    const double *p = a, *q = b;
    return (*p > *q) - (*p < *q);
}

/* Chains of angles around the circle with gaps of at most the tolerance. */
static int64_t chains_in_plane(double *angle, int64_t count, double tolerance)
{
    int64_t gaps = 0;
    qsort(angle, (size_t)count, sizeof *angle, compare);
    for (int64_t i = 0; i < count; i++)
        gaps += (i + 1 < count ? angle[i + 1] : angle[0] + 2 * half_turn) - angle[i] > tolerance;
    return count > 0 && gaps == 0 ? 1 : gaps;
}

/* Sets of directions that are connected by angles of at most the tolerance. */
static double chains(struct wgf_trace_diagnostics *diagnostics, int64_t count, int64_t d, double tolerance,
                     const volatile sig_atomic_t *cancel)
{
    const double chord = 2 * sin(fmin(tolerance, half_turn) / 2);
    int64_t left = count, *const rest = diagnostics->rest, *const open = diagnostics->open;
    double found = 0;
    for (int64_t i = 0; i < count; i++)
        rest[i] = i;
    for (int64_t waiting = 0; left > 0; found++) {
        open[waiting++] = rest[--left];
        while (waiting > 0) {
            const double *const from = diagnostics->unit + open[--waiting] * d;
            if (cancel && *cancel)
                return NAN;
            for (int64_t k = 0; k < left;) {
                if (wgf_squared_distance(from, diagnostics->unit + rest[k] * d, d) <= chord * chord) {
                    open[waiting++] = rest[k];
                    rest[k] = rest[--left];
                } else
                    k++;
            }
        }
    }
    return found;
}

/* The cosine to the nearest of these directions. */
static double alignment_of(double angle, const double *extremal, int64_t count)
{
    double best = -1;
    for (int64_t k = 0; k < count; k++)
        best = fmax(best, cos(angle - extremal[k]));
    return best;
}

static bool has_sign(const double *alpha, int64_t m, double sign)
{
    int64_t i = 0;
    while (i < m && !(sign * alpha[i] > 0))
        i++;
    return i < m;
}

void wgf_diagnostics_of_state(struct wgf_trace_diagnostics *diagnostics, const struct wgf_settings *settings,
                              const struct wgf_data *data, int64_t m, const double *W, const double *alpha,
                              const volatile sig_atomic_t *cancel, double *values)
{
    double cosines = 0, aligned = 0, directions = 0, extremals = 0;
    if (wants_extremals(diagnostics))
        wgf_network_errors(&settings->network, data, m, W, alpha, diagnostics->e);
    for (int s = 0; s < 2; s++) {
        const double sign = s ? -1 : 1;
        if (!has_sign(alpha, m, sign))
            continue;
        const int64_t known =
            wants_extremals(diagnostics) ? wgf_extremals_find(&diagnostics->extremals, diagnostics->e, sign) : 0;
        const int64_t count = wants_directions(diagnostics) ? gather(diagnostics, data, m, W, alpha, sign) : 0;
        extremals += (double)known;
        for (int64_t i = 0; i < count && known > 0; i++, aligned++)
            cosines += alignment_of(diagnostics->angle[i], diagnostics->extremals.angle, known);
        if (wants(diagnostics, WGF_DIAGNOSTIC_DIRECTIONS))
            directions += data->d == 2 ? (double)chains_in_plane(diagnostics->angle, count, settings->direction_tol)
                                       : chains(diagnostics, count, data->d, settings->direction_tol, cancel);
    }
    if (wants_activations(diagnostics))
        wgf_activations_look(&diagnostics->activations, data, W);
    if (wants(diagnostics, WGF_DIAGNOSTIC_PATTERNS))
        values[WGF_TRACE_PATTERNS] = (double)wgf_activations_distinct(&diagnostics->activations);
    if (wants(diagnostics, WGF_DIAGNOSTIC_PATTERN_CHANGES))
        values[WGF_TRACE_PATTERN_CHANGES] = (double)wgf_activations_changes(&diagnostics->activations);
    if (wants(diagnostics, WGF_DIAGNOSTIC_EXTREMALS))
        values[WGF_TRACE_EXTREMALS] = extremals;
    if (wants(diagnostics, WGF_DIAGNOSTIC_ALIGNMENT) && aligned > 0)
        values[WGF_TRACE_ALIGNMENT] = cosines / aligned;
    if (wants(diagnostics, WGF_DIAGNOSTIC_DIRECTIONS))
        values[WGF_TRACE_DIRECTIONS] = directions;
}

/* |after - before| > tolerance |before|? */
static bool moves(const double *before, const double *after, int64_t cols, double tolerance)
{
    const double unit = fmax(wgf_largest(before, cols), wgf_largest(after, cols));
    double way = 0, length = 0;
    for (int64_t k = 0; k < cols && unit > 0; k++) { /* squares of entries may be beyond the doubles */
        const double step = (after[k] - before[k]) / unit, entry = before[k] / unit;
        way += step * step;
        length += entry * entry;
    }
    return sqrt(way) > tolerance * sqrt(length);
}

static double moving(const struct wgf_clouds *clouds, double tolerance)
{
    const int64_t m = clouds->points.m, cols = clouds->points.cols;
    double count = 0;
    for (int64_t i = 0; i < m; i++)
        count += moves(clouds->before + i * cols, clouds->after + i * cols, cols, tolerance);
    return count / (double)m;
}

/* Points of the cycles of sigma that shorten the way. Each is looked at from its least point. */
static double exchanged(const struct wgf_clouds *clouds)
{
    const double tie = 1e-10;
    const int64_t m = clouds->points.m, cols = clouds->points.cols;
    const int64_t *const sigma = wgf_assignment_sigma(clouds->assignment);
    double count = 0;
    for (int64_t i = 0; i < m; i++) {
        double own = 0, best = 0, length = 0;
        int64_t k = i;
        if (sigma[i] == i)
            continue;
        do {
            own += wgf_squared_distance(clouds->after + k * cols, clouds->before + k * cols, cols);
            best += wgf_squared_distance(clouds->after + k * cols, clouds->before + sigma[k] * cols, cols);
            length++;
            k = sigma[k];
        } while (k > i);
        count += k == i && best < own * (1 - tie) ? length : 0;
    }
    return count / (double)m;
}

void wgf_diagnostics_of_step(const struct wgf_trace_diagnostics *diagnostics, const struct wgf_settings *settings,
                             const struct wgf_clouds *clouds, bool matched, double *values)
{
    if (wants(diagnostics, WGF_DIAGNOSTIC_MOVING))
        values[WGF_TRACE_MOVING] = moving(clouds, settings->moving_tol);
    if (wants(diagnostics, WGF_DIAGNOSTIC_EXCHANGED) && matched)
        values[WGF_TRACE_EXCHANGED] = exchanged(clouds);
}
