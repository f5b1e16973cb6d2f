/* Checkpoints. One is what stands right after a step, before anybody has looked at the new state: so an interruption,
 * which may spoil any look, spoils none. Who goes on from it looks first, and records if that is due. */
#include "flow_internal.h"

#include "wgf/base/system.h"

#include <math.h>
#include <string.h>

enum { FORMAT = 1 };

/* What a checkpoint begins with. */
struct head {
    int64_t format, size; /* of all parts in bytes, this one included */
    int64_t step, records, state_records;
    double objective_initial, previous, seconds;
};

/* The column of the trace is part of a checkpoint: others are NaN throughout. */
static bool has_column(const struct wgf_settings *settings, int column)
{
    return wgf_flow_has_column(settings, (enum wgf_trace_column)column);
}

/* Everything behind the head, for a descent that has come as far as the head says. */
static int list_parts(const struct wgf_descent *run, const struct head *head, struct wgf_part *parts)
{
    const struct wgf_trace *trace = run->trace;
    int64_t inner = head->step * wgf_inner_records(run->settings);
    int64_t states = head->state_records * run->shape.rows * run->shape.cols;
    int count = run->method->carry(run->work, parts);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (has_column(run->settings, c))
            parts[count++] = (struct wgf_part){trace->column[c], (size_t)head->records * sizeof(double)};
    if (inner > 0) {
        parts[count++] = (struct wgf_part){trace->inner_objective, (size_t)inner * sizeof(double)};
        parts[count++] = (struct wgf_part){trace->inner_distance, (size_t)inner * sizeof(double)};
    }
    if (states > 0)
        parts[count++] = (struct wgf_part){trace->state, (size_t)states * sizeof(double)};
    return count;
}

static int64_t size_of(const struct wgf_part *parts, int count)
{
    int64_t size = sizeof(struct head);
    for (int i = 0; i < count; i++)
        size += (int64_t)parts[i].size;
    return size;
}

double wgf_checkpoint_bytes(const struct wgf_settings *settings)
{
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    double columns = 0;
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        columns += has_column(settings, c);
    double numbers = columns * (double)wgf_flow_records(settings) + 2 * (double)wgf_flow_inner_records(settings) +
                     (double)shape.records * (double)shape.rows * (double)shape.cols;
    return sizeof(struct head) + wgf_method_find(settings->method)->carried(settings) +
           wgf_bytes(numbers, sizeof(double));
}

double wgf_checkpoint_operations(const struct wgf_settings *settings)
{
    return (double)settings->steps * wgf_method_find(settings->method)->effort(settings);
}

bool wgf_checkpoint_is_useful(const struct wgf_settings *settings)
{
    const double least = 1e8; /* a tenth of a second or less */
    return settings->steps > 1 && wgf_checkpoint_operations(settings) >= least;
}

bool wgf_checkpoint_is_due(const struct wgf_descent *run)
{
    const struct wgf_checkpoint *checkpoint = run->checkpoint;
    return checkpoint && checkpoint->interval < INFINITY && run->result->steps_done > run->saved_step &&
           wgf_clock() - run->saved >= checkpoint->interval;
}

void wgf_checkpoint_save(struct wgf_descent *run)
{
    const struct wgf_checkpoint *checkpoint = run->checkpoint;
    const int64_t step = run->result->steps_done;
    if (!checkpoint || !checkpoint->save || step == run->saved_step)
        return;
    const bool looked_at = run->recorded == step; /* and recorded: whoever goes on does it again */
    const bool kept = looked_at && run->settings->save == WGF_SAVE_ALL && run->trace->state;
    double now = wgf_clock();
    struct head head = {.format = FORMAT,
                        .step = step,
                        .records = run->trace->records - looked_at,
                        .state_records = run->trace->state_records - kept,
                        .objective_initial = run->result->objective_initial,
                        .previous = run->previous,
                        .seconds = now - run->begun};
    struct wgf_part parts[WGF_PARTS] = {{&head, sizeof head}};
    int count = 1 + list_parts(run, &head, parts + 1);
    head.size = size_of(parts + 1, count - 1);
    checkpoint->save(checkpoint->context, parts, count);
    run->saved = wgf_clock(); /* so that slow saves do not eat up the time */
    run->saved_step = step;
}

void wgf_checkpoint_save_last(struct wgf_descent *run)
{
    if (run->checkpoint && wgf_clock() - run->saved >= run->checkpoint->worthwhile)
        wgf_checkpoint_save(run);
}

static bool is_sound(const struct wgf_descent *run, const struct head *head)
{
    const int64_t records = wgf_flow_records(run->settings);
    return head->format == FORMAT && head->step > 0 && head->step <= run->settings->steps && head->records > 0 &&
           head->records <= records && head->state_records >= 0 && head->state_records <= run->shape.records;
}

/* What the records so far hold in a column that is no part of a checkpoint. */
static void blank_column(const struct wgf_descent *run, int column, int64_t records)
{
    for (int64_t r = 0; r < records; r++)
        run->trace->column[column][r] = NAN;
}

/* Takes back what was loaded into the trace before it failed. */
static void blank_trace(struct wgf_descent *run)
{
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        blank_column(run, c, wgf_flow_records(run->settings));
    for (int64_t k = 0; k < wgf_flow_inner_records(run->settings); k++)
        run->trace->inner_objective[k] = run->trace->inner_distance[k] = NAN;
}

bool wgf_checkpoint_load(struct wgf_descent *run)
{
    const struct wgf_checkpoint *checkpoint = run->checkpoint;
    struct head head;
    struct wgf_part parts[WGF_PARTS] = {{&head, sizeof head}};
    if (!checkpoint->load(checkpoint->context, parts, 1) || !is_sound(run, &head))
        return false;
    int count = list_parts(run, &head, parts);
    if (head.size != size_of(parts, count))
        return false;
    if (!checkpoint->load(checkpoint->context, parts, count)) {
        blank_trace(run);
        return false;
    }
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (!has_column(run->settings, c))
            blank_column(run, c, head.records);
    run->trace->records = head.records;
    run->trace->state_records = head.state_records;
    run->result->steps_done = run->saved_step = head.step;
    run->result->objective_initial = head.objective_initial;
    run->result->seconds_before = head.seconds;
    run->previous = head.previous;
    run->begun -= head.seconds;
    return true;
}
