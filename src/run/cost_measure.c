/* Measures jobs for the model of costs: the first steps of a few, in a child process, by its clock of processor time.
 * Invariant: whatever a job does, to memory or to its process, this process only finds fewer samples. */
#include "cost_internal.h"

#include "wgf/base/system.h"
#include "wgf/result/job.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { POOL = 512, ALIKE = 3 };

/* The jobs to choose from. */
struct pool {
    int64_t count, jobs; /* of the pool; of the set */
    struct wgf_settings settings[POOL];
    struct wgf_cost_point points[POOL];
    double nearest[POOL]; /* squared distance to what has been measured */
};

enum { MARKS = 64 };

/* One job that is being measured. */
struct stopwatch {
    double begun;          /* the clock at the beginning */
    double slice;          /* seconds that the job may have; three times as many until it has done FEW steps */
    int64_t steps[MARKS];  /* done at some instants, each a good part more than before, from 0 on */
    double seconds[MARKS]; /* that had passed then */
    int marks;
    bool cut;      /* its time was over before the first step began */
    timer_t timer; /* of processor time */
};

enum { FEW = 3 };

static volatile sig_atomic_t over; /* the job that is measured has had its time */

static void end_job(int number)
{
    (void)number;
    over = 1;
}

static void note(void *context, const struct wgf_flow_stage *stage)
{
    struct stopwatch *const watch = context;
    const double seconds = wgf_cpu_clock() - watch->begun;
    const int64_t last = watch->marks > 0 ? watch->steps[watch->marks - 1] : -1;
    watch->cut = watch->cut || (last < 0 && over);
    if (watch->marks < MARKS && stage->step > last + last / 4) {
        watch->steps[watch->marks] = stage->step;
        watch->seconds[watch->marks++] = seconds;
    }
    over = over || (seconds >= watch->slice && stage->step >= FEW);
}

static void start(struct stopwatch *watch, double slice)
{
    const double most = FEW * slice;
    const struct itimerspec time = {.it_value = {(time_t)most, 1 + (long)(1e9 * fmod(most, 1))}};
    over = 0;
    watch->slice = slice;
    watch->marks = 0;
    watch->cut = false;
    watch->begun = wgf_cpu_clock();
    timer_settime(watch->timer, 0, &time, NULL);
}

static bool has_inner_steps(const struct wgf_settings *settings)
{
    return wgf_flow_has_column(settings, WGF_TRACE_INNER_STEPS_USED);
}

/* How many usual steps the first one counts for where no other is known, finished or not. With inner iterations it
 * takes several times as long as those that follow: neurons that begin in one place change theirs most. */
static double first_step(const struct wgf_settings *settings)
{
    return fmin(has_inner_steps(settings) ? 3 : 0.5, (double)settings->steps / 2);
}

/* With which power of the number of steps the time of a descent usually grows: steps get shorter as it settles, where
 * inner iterations may end early. */
static double usual_power(const struct wgf_settings *settings)
{
    if (!has_inner_steps(settings))
        return 1;
    return wgf_param_is_read(wgf_param_find("inner_tol"), settings) && settings->inner_tol > 0 ? 0.84 : 0.95;
}

/* Seconds that a descent takes at least which did not end a step. Where only its settings tell how many inner steps
 * that takes, they do; elsewhere the part that was measured says more. */
static double unfinished(const struct wgf_settings *settings, int64_t done)
{
    return done == 0 && wgf_flow_knows_operations(settings) ? 1e-9 * wgf_flow_operations(settings) : 0;
}

/* Seconds of all steps, by what the first ones took: the later half of them, which says more of those to come, at the
 * usual power. A descent that did not come to them shows no more than what its start takes at least. */
static double extrapolate(const struct stopwatch *watch, int64_t done, double seconds,
                          const struct wgf_settings *settings)
{
    const double power = usual_power(settings);
    int half = watch->marks - 1;
    if (watch->cut)
        return seconds * wgf_flow_operations(settings) / wgf_flow_start_operations(settings);
    while (half > 0 && 2 * watch->steps[half] > done)
        half--;
    const double steps = done > 1 ? (double)done : fmax((double)done, first_step(settings)),
                 before = (double)watch->steps[half], middle = (steps + before) / 2;
    const double rate = (seconds - watch->seconds[half]) / (steps - before); /* of a step, in the middle of them */
    const double all =
        seconds + rate * middle / power * (pow((double)settings->steps / middle, power) - pow(steps / middle, power));
    return fmax(all, unfinished(settings, done));
}

/* A trace that nobody reads: its columns share their memory. A state that is too large is not kept. False: no memory.
 */
static bool make_trace(struct wgf_settings *settings, struct wgf_trace *trace)
{
    const struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    const double states = (double)shape.records * (double)shape.rows * (double)shape.cols;
    const bool keeps = wgf_bytes(states, sizeof(double)) < wgf_memory_limit(1) / 4;
    const int64_t inner = wgf_flow_inner_records(settings);
    settings->save = keeps ? settings->save : WGF_SAVE_NONE;
    double *const column = wgf_calloc(wgf_flow_records(settings), sizeof *column);
    *trace = (struct wgf_trace){.inner_objective = inner > 0 ? wgf_calloc(inner, sizeof(double)) : NULL,
                                .state = keeps && states > 0 ? wgf_calloc((int64_t)states, sizeof(double)) : NULL};
    trace->inner_distance = trace->inner_objective;
    trace->inner_constraint_even = trace->inner_constraint_odd = trace->inner_kl_objective = trace->inner_objective;
    for (int c = 0; c < WGF_TRACE_COUNT; c++)
        trace->column[c] = column;
    return column && (inner == 0 || trace->inner_objective) && (!keeps || states == 0 || trace->state);
}

/* Seconds that the job would take as a whole; NaN: not known. */
static double measure(struct wgf_job_runner *runner, struct stopwatch *watch, struct wgf_settings settings,
                      double slice)
{
    struct wgf_trace trace;
    struct wgf_flow_result result;
    struct wgf_error unread;
    settings.time_limit = 0;
    double seconds = NAN;
    if (make_trace(&settings, &trace)) {
        start(watch, slice);
        const enum wgf_job_state state = wgf_job_runner_run(runner, &settings, NULL, &trace, &result, &unread);
        seconds = wgf_cpu_clock() - watch->begun;
        if (state == WGF_JOB_PENDING && watch->marks > 0)
            seconds = extrapolate(watch, result.steps_done, seconds, &settings);
        else if (state != WGF_JOB_DONE && state != WGF_JOB_DIVERGED)
            seconds = NAN;
    }
    free(trace.column[0]);
    free(trace.inner_objective);
    free(trace.state);
    return seconds;
}

static void fill_pool(struct pool *pool, struct wgf_cost_model *model, const struct wgf_plan *plan,
                      const struct wgf_job_set *set)
{
    const double golden = 0.6180339887498949;
    pool->count = set->count < POOL ? set->count : POOL;
    pool->jobs = set->count;
    for (int64_t i = 0; i < pool->count; i++) {
        int64_t job;
        const double share = fmod(golden * (double)i, 1);
        wgf_job_set_list(set, set->count <= POOL ? i : (int64_t)(share * (double)set->count), 1, &job);
        wgf_plan_job(plan, job, &pool->settings[i]);
    }
    wgf_cost_choose_features(model, pool->settings, pool->count);
    for (int64_t i = 0; i < pool->count; i++) {
        pool->points[i] = wgf_cost_point(model, &pool->settings[i]);
        pool->nearest[i] = INFINITY;
    }
}

/* The job that is furthest from those that were measured, of equals the longest. */
static int64_t choose(const struct pool *pool)
{
    int64_t best = 0;
    for (int64_t i = 1; i < pool->count; i++) {
        const double more = pool->nearest[i] - pool->nearest[best];
        if (more > 0 || (!(more < 0) && pool->points[i].operations > pool->points[best].operations))
            best = i;
    }
    return best;
}

/* How many of the jobs differ in more than seeds. */
static int64_t count_kinds(const struct pool *pool, const struct wgf_cost_model *model)
{
    int64_t kinds = 0;
    for (int64_t i = 0; i < pool->count; i++) {
        int64_t j = 0;
        while (j < i && wgf_cost_distance(model, &pool->points[i], &pool->points[j]) > 0)
            j++;
        kinds += j == i;
    }
    return kinds;
}

static void mark(struct pool *pool, const struct wgf_cost_model *model, int64_t chosen)
{
    for (int64_t i = 0; i < pool->count; i++)
        pool->nearest[i] = fmin(pool->nearest[i], wgf_cost_distance(model, &pool->points[i], &pool->points[chosen]));
    pool->nearest[chosen] = -1;
}

/* Seconds of all jobs: by what is known, or one nanosecond an operation. */
static double estimate(const struct pool *pool, const struct wgf_cost_model *model)
{
    double sum = 0;
    for (int64_t i = 0; i < pool->count; i++)
        sum +=
            model->count > 0 ? wgf_cost_seconds(model, &pool->settings[i]) : 1e-9 * pow(10, pool->points[i].operations);
    return sum * (double)pool->jobs / (double)pool->count;
}

/* Seconds that are left for measuring. A job of another kind than all before, which nothing tells of, has a moment. */
static double time_left(const struct pool *pool, const struct wgf_cost_model *model, int64_t next,
                        const struct wgf_cost_limits *limits)
{
    const double least = 0.1, moment = 0.03;
    const double worth = fmax(least, limits->share * estimate(pool, model));
    const double left = fmin(limits->budget, worth) - model->spent;
    return pool->nearest[next] < WGF_COST_OTHER_KIND ? left : fmax(left, fmin(moment, limits->budget - model->spent));
}

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void measure_jobs(struct wgf_cost_model *model, struct pool *pool, struct wgf_job_runner *runner,
                         const struct wgf_cost_limits *limits)
{
    const double least = 1e-3, longest = 0.25, period = 1e-4, begun = wgf_cpu_clock();
    struct stopwatch watch = {0};
    const struct wgf_flow_listener listener = {note, &watch, period};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGPROF};
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &watch.timer))
        return;
    wgf_job_runner_listen(runner, &listener);
    measure(runner, &watch, pool->settings[choose(pool)], least); /* a process waits for memory in its first job */
    const int64_t most = least_of(least_of(count_kinds(pool, model) + ALIKE, pool->count), WGF_COST_SAMPLES);
    for (int64_t tried = 0; tried < most; tried++) {
        const int64_t chosen = choose(pool);
        const double left = time_left(pool, model, chosen, limits);
        if (left <= 0)
            break;
        double seconds =
            measure(runner, &watch, pool->settings[chosen], fmin(fmax(left / (double)(most - tried), least), longest));
        const double others = model->count > 0 ? wgf_cost_seconds(model, &pool->settings[chosen]) : 0;
        mark(pool, model, chosen);
        model->spent = wgf_cpu_clock() - begun;
        if (watch.cut && seconds > 0) /* what it takes at least */
            seconds = fmax(seconds, others);
        if (seconds > 0) {
            model->samples[model->count] = (struct wgf_cost_sample){
                pool->points[chosen], log(seconds) - log(10) * pool->points[chosen].operations};
            model->count++;
        }
    }
}

/* The child's work. */
static void work(struct wgf_cost_model *model, const struct wgf_plan *plan, const struct wgf_job_set *set,
                 const struct wgf_cost_limits *limits, pid_t parent)
{
    struct wgf_error error;
    struct wgf_job_runner *runner;
    struct pool *const pool = wgf_calloc(1, sizeof *pool);
    struct sigaction action = {.sa_handler = end_job, .sa_flags = SA_RESTART};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || !pool || close_range(3, ~0u, 0))
        return;
    sigaction(SIGPROF, &action, NULL);
    if (wgf_blas_start(&error) || wgf_job_runner_create(&runner, plan, 1, &over, &error))
        return;
    model->memory = wgf_memory_limit(1);
    fill_pool(pool, model, plan, set);
    measure_jobs(model, pool, runner, limits);
}

/* Waits for the child, which is killed when it takes far too long, as for a file that does not come, or is not wanted.
 */
static void wait_for(pid_t child, const struct wgf_cost_limits *limits)
{
    const double patience = 15, begun = wgf_clock();
    const struct timespec nap = {0, 500000};
    while (waitpid(child, NULL, WNOHANG) == 0) {
        if (wgf_clock() - begun > patience * limits->budget || (limits->stop && *limits->stop))
            kill(child, SIGKILL);
        nanosleep(&nap, NULL);
    }
}

void wgf_cost_measure(struct wgf_cost_model *model, const struct wgf_plan *plan, const struct wgf_job_set *set,
                      const struct wgf_cost_limits *limits)
{
    *model = (struct wgf_cost_model){0};
    struct wgf_cost_model *const shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return;
    const pid_t parent = getpid(), child = fork();
    if (child == 0) {
        work(shared, plan, set, limits, parent);
        _exit(0);
    }
    if (child > 0)
        wait_for(child, limits);
    *model = *shared;
    munmap(shared, sizeof *shared);
}
