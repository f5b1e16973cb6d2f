/* Checkpoints of a descent: a head, what the method carries, and the trace so far.
 *
 * Invariant: one is taken after a step and before the new iterate is evaluated, so a cancel, which can spoil an
 * evaluation, never spoils a checkpoint. Resuming begins with that evaluation, and records it if that is due. */
#include "flow_internal.h"

#include "wgf/base/system.h"

#include <assert.h>
#include <math.h>

enum { FORMAT = 1 };

/* Is the column kept? Others are NaN throughout. */
static bool has_column(const struct wgf_settings *settings, int column)
{
    return wgf_flow_has_column(settings, (enum wgf_trace_column)column);
}

/* Lists the memory after the head, for a descent that has come as far as the head says. */
static int list_state(const struct wgf_descent *run, const struct wgf_checkpoint_head *head, struct iovec *iov)
{
    const struct wgf_trace *trace = run->trace;
    const int64_t inner = head->step * run->inner_records;
    const int64_t states = head->state_records * run->shape.rows * run->shape.cols;
    int count = run->method->state_iov(run->work, iov);
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        if (has_column(run->settings, c))
            iov[count++] = WGF_IOV_ARRAY(trace->column[c], head->records);
    if (inner > 0)
        count += wgf_inner_trace_iov(trace, inner, wgf_flow_has_constraints(run->settings), iov + count);
    if (states > 0)
        iov[count++] = WGF_IOV_ARRAY(trace->state, states);
    assert(count < WGF_STATE_IOVS);
    return count;
}

static int64_t size_of(const struct iovec *iov, int count)
{
    size_t size = sizeof(struct wgf_checkpoint_head);
    for (int i = 0; i < count; i++)
        size += iov[i].iov_len;
    return (int64_t)size;
}

bool wgf_checkpoint_is_due(const struct wgf_descent *run, double now)
{
    return run->checkpoint && now - run->saved >= run->checkpoint->interval &&
           run->result->steps_done > run->saved_step;
}

void wgf_checkpoint_save(struct wgf_descent *run)
{
    const struct wgf_checkpoint *checkpoint = run->checkpoint;
    const int64_t step = run->result->steps_done;
    if (!checkpoint || !checkpoint->save || step == run->saved_step)
        return;
    const bool recorded = run->recorded == step; /* left out: resuming records it again */
    const bool kept = recorded && run->settings->save == WGF_SAVE_ALL && run->trace->state;
    double now = wgf_clock();
    struct wgf_checkpoint_head head = {.format = FORMAT,
                                       .step = step,
                                       .records = run->trace->records - recorded,
                                       .state_records = run->trace->state_records - kept,
                                       .objective_initial = run->result->objective_initial,
                                       .previous = run->previous,
                                       .seconds = now - run->started};
    struct iovec iov[WGF_STATE_IOVS] = {{&head, sizeof head}};
    int count = 1 + list_state(run, &head, iov + 1);
    head.size = size_of(iov + 1, count - 1);
    checkpoint->save(checkpoint->context, iov, count);
    run->saved = wgf_clock(); /* after the save: slow saves are no more frequent */
    run->saved_step = step;
}

void wgf_checkpoint_save_last(struct wgf_descent *run)
{
    if (run->checkpoint && wgf_clock() - run->saved >= run->checkpoint->worthwhile)
        wgf_checkpoint_save(run);
}

static bool is_sound(const struct wgf_descent *run, const struct wgf_checkpoint_head *head)
{
    return head->format == FORMAT && head->step > 0 && head->step <= run->settings->steps && head->records > 0 &&
           head->records <= run->records && head->state_records >= 0 && head->state_records <= run->shape.records;
}

/* Fills `records` of a column with NaN, as those that a checkpoint does not keep. */
static void blank_column(const struct wgf_descent *run, int column, int64_t records)
{
    for (int64_t r = 0; r < records; r++)
        run->trace->column[column][r] = NAN;
}

/* Blanks the trace after a load that failed half way. */
static void blank_trace(struct wgf_descent *run)
{
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        blank_column(run, c, run->records);
    const struct wgf_inner_trace inner = wgf_inner_trace_from(run->trace, 0);
    wgf_inner_trace_blank(&inner, run->settings->steps * run->inner_records);
}

wgf_status wgf_checkpoint_load(struct wgf_descent *run)
{
    const struct wgf_checkpoint *checkpoint = run->checkpoint;
    struct wgf_checkpoint_head head;
    struct iovec iov[WGF_STATE_IOVS] = {{&head, sizeof head}};
    wgf_status status = checkpoint->load(checkpoint->context, iov, 1);
    if (status || !is_sound(run, &head))
        return status ? status : WGF_EDATA;
    int count = list_state(run, &head, iov);
    if (head.size != size_of(iov, count))
        return WGF_EDATA;
    status = checkpoint->load(checkpoint->context, iov, count);
    if (status) {
        blank_trace(run);
        return status;
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
    run->started -= head.seconds;
    return WGF_OK;
}
