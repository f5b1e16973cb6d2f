/* A descent that was cut, wherever it was, and goes on from its checkpoint gives the bits of one that was not: over
 * methods, metrics, solvers, kernels, and all that can be recorded. */
#include "kinds.h"

#include "flow_internal.h"
#include "wgf/base/system.h"

#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

enum { BLOBS = 100 };

/* Checkpoints in memory. */
struct keep {
    char *blob[BLOBS]; /* one a save, while there is room; then the last is replaced */
    size_t size[BLOBS];
    int count;
    int chosen;                        /* to be loaded */
    size_t loaded;                     /* bytes of it that were */
    int loads, broken;                 /* calls of load; the one that fails, -1: none */
    volatile sig_atomic_t *interrupts; /* set by a save, or NULL */
};

static void save(void *context, const struct iovec *iov, int count)
{
    struct keep *keep = context;
    size_t size = 0;
    for (int i = 0; i < count; i++)
        size += iov[i].iov_len;
    int at = keep->count < BLOBS ? keep->count++ : BLOBS - 1;
    free(keep->blob[at]);
    keep->blob[at] = malloc(size);
    keep->size[at] = size;
    size = 0;
    for (int i = 0; i < count; i++) {
        memcpy(keep->blob[at] + size, iov[i].iov_base, iov[i].iov_len);
        size += iov[i].iov_len;
    }
    if (keep->interrupts)
        *keep->interrupts = 1;
}

static wgf_status load(void *context, const struct iovec *iov, int count)
{
    struct keep *keep = context;
    bool fails = keep->loads++ == keep->broken;
    for (int i = 0; i < count; i++) {
        size_t left = keep->size[keep->chosen] - keep->loaded;
        if (iov[i].iov_len > left || (fails && i > count / 2))
            return WGF_EDATA;
        memcpy(iov[i].iov_base, keep->blob[keep->chosen] + keep->loaded, iov[i].iov_len);
        keep->loaded += iov[i].iov_len;
    }
    return fails ? WGF_EDATA : WGF_OK;
}

static void forget(struct keep *keep)
{
    for (int i = 0; i < keep->count; i++)
        free(keep->blob[i]);
    *keep = (struct keep){.broken = -1};
}

static struct wgf_checkpoint saving(struct keep *keep)
{
    *keep = (struct keep){.broken = -1};
    return (struct wgf_checkpoint){.context = keep, .interval = 0, .worthwhile = 0, .save = save};
}

/* Runs a descent from the checkpoint of that number. */
static struct descent run_from(const struct wgf_settings *settings, struct keep *keep, int chosen)
{
    struct wgf_checkpoint checkpoint = {
        .context = keep, .interval = INFINITY, .worthwhile = INFINITY, .save = save, .load = load};
    struct descent made = prepare(settings);
    for (int c = 0; c < WGF_TRACE_COUNT; c++) /* arrays come as they are */
        for (int64_t r = 0; r < wgf_flow_records(settings); r++)
            made.trace.column[c][r] = 7;
    keep->chosen = chosen;
    keep->loaded = 0;
    keep->loads = 0;
    run_with(&made, &checkpoint);
    return made;
}

static void assert_same_numbers(const double *a, const double *b, int64_t count, const char *what)
{
    for (int64_t k = 0; a && k < count; k++)
        if (memcmp(&a[k], &b[k], sizeof *a) != 0)
            fail_msg("%s: number %lld is %.17g, not %.17g", what, (long long)k, b[k], a[k]);
}

#define SAME_NUMBER(id, name, type, life, units, meaning)                                                              \
    assert_same_numbers(&whole->result.name, &cut->result.name, 1, #name);

/* All that a descent leaves. */
static void assert_same(const struct descent *whole, const struct descent *cut)
{
    const struct wgf_settings *settings = &whole->settings;
    struct wgf_state_shape shape = wgf_flow_state_shape(settings);
    int64_t inner = wgf_flow_inner_records(settings);
    assert_int_equal(whole->result.outcome, cut->result.outcome);
    assert_int_equal(whole->result.steps_done, cut->result.steps_done);
    assert_string_equal(whole->result.message, cut->result.message);
    assert_same_numbers(&whole->result.objective_initial, &cut->result.objective_initial, 1, "objective_initial");
    assert_same_numbers(&whole->result.objective_final, &cut->result.objective_final, 1, "objective_final");
    WGF_FLOW_NUMBERS(SAME_NUMBER)
    assert_int_equal(whole->trace.records, cut->trace.records);
    assert_int_equal(whole->trace.state_records, cut->trace.state_records);
    for (int c = 0; c < WGF_TRACE_COUNT; c++) {
        char column[32];
        snprintf(column, sizeof column, "column %d", c);
        assert_same_numbers(whole->trace.column[c], cut->trace.column[c], whole->trace.records, column);
    }
    assert_same_numbers(whole->trace.inner_objective, cut->trace.inner_objective, inner, "inner_objective");
    assert_same_numbers(whole->trace.inner_distance, cut->trace.inner_distance, inner, "inner_distance");
    assert_same_numbers(whole->trace.inner_constraint_even, cut->trace.inner_constraint_even, inner, "even");
    assert_same_numbers(whole->trace.inner_constraint_odd, cut->trace.inner_constraint_odd, inner, "odd");
    assert_same_numbers(whole->trace.inner_kl_objective, cut->trace.inner_kl_objective, inner, "kl_objective");
    assert_same_numbers(whole->trace.state, cut->trace.state, shape.records * shape.rows * shape.cols, "state");
}

/* From every step of a descent on. */
static void every_cut_is_mended(const struct wgf_settings *settings)
{
    struct keep keep;
    struct wgf_checkpoint checkpoint = saving(&keep);
    struct descent whole = run_settings(settings), saved = prepare(settings);
    run_with(&saved, &checkpoint);
    assert_same(&whole, &saved);
    assert_int_equal(keep.count,
                     whole.result.steps_done - 1); /* at the start and at the end there is nothing to save */
    assert_true(keep.count > 2);
    for (int i = 0; i < keep.count; i++) {
        struct descent cut = run_from(settings, &keep, i);
        assert_true(cut.result.seconds_before > 0);
        assert_true(keep.loaded == keep.size[i]);
        assert_same(&whole, &cut);
        discard(&cut);
    }
    forget(&keep);
    discard(&whole);
    discard(&saved);
}

/* A checkpoint of what turns out to be the last step: whether to stop there depends on the step before. */
static void the_last_step_knows_that_it_is(const struct wgf_settings *settings)
{
    struct wgf_settings stopping = *settings;
    struct keep keep;
    struct wgf_checkpoint checkpoint = saving(&keep);
    struct descent saved = prepare(settings);
    run_with(&saved, &checkpoint);
    const double *F = saved.trace.column[WGF_TRACE_OBJECTIVE];
    stopping.stop_change = fabs(F[5] - F[4]) / fabs(F[4]) * (1 + 1e-12);
    struct descent whole = run_settings(&stopping);
    assert_true(whole.result.steps_done > 0 && whole.result.steps_done <= 5);
    struct descent cut = run_from(&stopping, &keep, (int)whole.result.steps_done - 1);
    assert_same(&whole, &cut);
    forget(&keep);
    discard(&saved);
    discard(&whole);
    discard(&cut);
}

static volatile sig_atomic_t alarmed;

static void ring(int number)
{
    (void)number;
    alarmed = 1;
}

/* Interrupts the process once, this many seconds from now. */
static void set_alarm(double seconds)
{
    struct itimerval timer = {
        .it_value = {.tv_sec = (time_t)seconds, .tv_usec = 1 + (suseconds_t)(fmod(seconds, 1) * 1e6)}};
    alarmed = 0;
    setitimer(ITIMER_REAL, &timer, NULL);
}

static int cuts; /* that all descents of the suite went through */

/* Interrupted at arbitrary instants, within steps and looks too, again and again. */
static void any_interruption_is_mended(const struct wgf_settings *settings)
{
    struct descent whole = run_settings(settings), cut;
    struct keep keep;
    struct wgf_checkpoint checkpoint = saving(&keep);
    struct wgf_error error;
    checkpoint.interval = INFINITY;
    for (double patience = 2e-5;; patience *= 1.1) {
        cut = prepare(settings);
        struct wgf_problem problem = problem_of(&cut);
        problem.cancel = &alarmed;
        problem.checkpoint = &checkpoint;
        checkpoint.load = keep.count ? load : NULL;
        keep.chosen = keep.count - 1;
        keep.loaded = 0;
        set_alarm(patience);
        assert_int_equal(wgf_flow_run(settings, &problem, &cut.trace, &cut.result, &error), WGF_OK);
        set_alarm(0);
        setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0}}, NULL);
        if (cut.result.outcome != WGF_OUTCOME_INTERRUPTED)
            break;
        cuts += keep.count > 0;
        discard(&cut);
    }
    assert_same(&whole, &cut);
    forget(&keep);
    discard(&whole);
    discard(&cut);
}

/* A checkpoint that is cut short, unreadable or of another descent: from the beginning, and nothing of it is left. */
static void a_bad_checkpoint_counts_for_nothing(const struct wgf_settings *settings)
{
    struct keep keep;
    struct wgf_checkpoint checkpoint = saving(&keep);
    struct descent whole = run_settings(settings), saved = prepare(settings);
    struct wgf_settings other = *settings;
    run_with(&saved, &checkpoint);
    for (int way = 0; way < 5; way++) {
        int last = keep.count - 1;
        if (way == 2)
            keep.size[last] -= sizeof(double);
        if (way == 3)
            keep.size[last] = 3;
        keep.broken = way < 2 ? way : -1;
        if (way == 4) { /* of fewer neurons or cells, or a smaller grid */
            other.init.width--;
            other.grid--;
            other.cells--;
        }
        struct descent fresh = way == 4 ? run_settings(&other) : whole;
        struct descent cut = run_from(way == 4 ? &other : settings, &keep, way == 4 ? 0 : last);
        assert_true(cut.result.seconds_before == 0);
        assert_same(&fresh, &cut);
        discard(&cut);
        if (way == 4)
            discard(&fresh);
    }
    forget(&keep);
    discard(&whole);
    discard(&saved);
}

/* An interruption saves once, where it is worthwhile; no time, no save. */
static void saves_keep_to_their_times(const struct wgf_settings *settings)
{
    for (int worthwhile = 0; worthwhile < 2; worthwhile++) {
        struct keep keep;
        struct wgf_checkpoint checkpoint = saving(&keep);
        struct descent made = prepare(settings);
        keep.interrupts = &made.cancel;
        run_with(&made, &checkpoint);
        assert_int_equal(made.result.outcome, WGF_OUTCOME_INTERRUPTED);
        assert_int_equal(keep.count, 1); /* of step 1: it has been saved, so the end does not do it again */
        forget(&keep);
        made.cancel = 0;
        checkpoint.interval = 3600;
        checkpoint.worthwhile = worthwhile ? 0 : 3600;
        run_with(&made, &checkpoint);
        assert_int_equal(made.result.outcome, WGF_OUTCOME_DONE);
        assert_int_equal(keep.count, 0);
        discard(&made);
    }
}

/* time_limit counts what was spent before. */
static void seconds_add_up(const struct wgf_settings *settings)
{
    enum { SECONDS_AT = 7 }; /* the number of the head that they are */
    struct wgf_settings limited = *settings;
    struct descent first = prepare(settings);
    struct keep keep;
    struct wgf_checkpoint checkpoint = saving(&keep);
    double before = wgf_clock(), seconds;
    keep.interrupts = &first.cancel;
    run_with(&first, &checkpoint);
    assert_int_equal(first.result.outcome, WGF_OUTCOME_INTERRUPTED);
    memcpy(&seconds, keep.blob[0] + SECONDS_AT * sizeof seconds, sizeof seconds);
    assert_true(seconds > 0 && seconds <= wgf_clock() - before);
    seconds = 3600;
    memcpy(keep.blob[0] + SECONDS_AT * sizeof seconds, &seconds, sizeof seconds);
    for (int within = 0; within < 2; within++) {
        limited.time_limit = within ? 7200 : 3000;
        struct descent second = run_from(&limited, &keep, 0);
        assert_true(second.result.seconds_before == 3600);
        assert_int_equal(second.result.outcome, within ? WGF_OUTCOME_DONE : WGF_OUTCOME_TIMEOUT);
        assert_int_equal(second.result.steps_done, within ? settings->steps : 1);
        assert_true(second.trace.column[WGF_TRACE_STEP][1] == 1);
        discard(&second);
    }
    forget(&keep);
    discard(&first);
}

/* What is recorded, which weights train, which kernel: variants of each kind. False: not of this kind. */
static bool vary(const struct kind *kind, int variant, struct wgf_settings *settings)
{
    const bool particles = wgf_method_has_neurons(kind->method);
    *settings = settings_of_kind(kind);
    switch (variant) {
    case 0:
        return true;
    case 1: /* all that can be recorded */
        settings->record_distances = WGF_DISTANCES_ALL;
        settings->record_inner = 3;
        return true;
    case 2: /* some of it, and the end comes between two records */
        settings->record_every = 3;
        settings->save = WGF_SAVE_LAST;
        settings->record_distances = WGF_DISTANCES_ALL;
        settings->record_diagnostics = "directions,moving,exchanged,patterns,pattern_changes";
        settings->direction_tol = 0.1;
        return true;
    case 3: /* the end comes by itself, and says so */
        settings->save = WGF_SAVE_NONE;
        settings->steps = 28;
        settings->record_every = 7;
        settings->stop_change = 1e-3;
        settings->dykstra_steps = 3;
        return true;
    case 4:
        settings->network.layers = WGF_LAYERS_BOTH;
        settings->record_diagnostics = "moving,exchanged,pattern_changes";
        return kind->trains_alpha;
    case 5: /* neurons that pass one another, over many kinks */
        settings->init.width = 150;
        settings->init.scale = 1e-3;
        settings->data.n = 40;
        settings->gamma = kind->long_gamma;
        settings->inner_steps = 60;
        settings->record_distances = WGF_DISTANCES_ALL;
        return particles;
    case 6:
        settings->data.d = 5;
        settings->init.width = 40;
        settings->network.kernel = WGF_KERNEL_BLAS;
        return particles;
    case 7:
        settings->network.kernel = WGF_KERNEL_DENSE;
        settings->beta = 1e-3;
        settings->sinkhorn_tol = 1e-300; /* is not met, which the message counts */
        return particles;
    case 8:
        settings->data.d = 3;
        settings->network.kernel = WGF_KERNEL_FUSED;
        settings->network.weight_decay = 1e-3;
        return particles;
    case 9:
        settings->anderson = 3;
        return kind->solver == WGF_SOLVER_DYKSTRA && !particles;
    case 10: /* activation patterns, kept from one evaluation to the next */
        settings->data.d = 4;
        settings->data.n = 150;
        settings->init.width = 300;
        settings->init.scale = 0.1;
        settings->inner_steps = 10;
        settings->projections = 5;
        return particles;
    case 11:
        settings->data.d = 20;
        settings->data.n = 70;
        settings->init.width = 130;
        settings->inner_steps = 10;
        settings->projections = 5;
        return particles;
    case 12: /* arc stepper, many steps */
        settings->data.n = 60;
        settings->init.width = 400;
        settings->steps = 40;
        settings->beta = 1e-3;
        settings->save = WGF_SAVE_LAST;
        settings->inner_steps = 30;
        settings->projections = 5;
        return particles && kind->metric != WGF_METRIC_WASSERSTEIN;
    case 13:
        settings->network.loss = WGF_LOSS_HUBER;
        settings->network.huber_delta = 0.2;
        return particles && !(kind->method == WGF_METHOD_FLOW && kind->solver == WGF_FLOW_EVENTS);
    case 14:
        settings->record_distances = WGF_DISTANCES_REFERENCE;
        settings->transport_p = 1;
        settings->record_every = 3;
        settings->save = WGF_SAVE_LAST;
        return true;
    case 15: /* noise, and a temperature that falls */
    case 16:
        settings->entropy = 0.01;
        settings->anneal = variant == 15 ? WGF_ANNEAL_LOG : WGF_ANNEAL_CONSTANT;
        settings->network.confine = 0.1;
        settings->network.output = WGF_OUTPUT_MEAN;
        settings->scaling = WGF_SCALING_MEAN_FIELD;
        return kind->method == WGF_METHOD_GD
                   ? kind->parametrisation == WGF_NEURONS && settings->network.layers == WGF_LAYERS_FIRST
                   : kind->method == WGF_METHOD_JKO && kind->grid2 == 0;
    default:
        return false;
    }
}
enum { VARIANTS = 17 };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Of the flow smaller ones, a step of which costs as much as many of the others'. */
static bool make_variant(const struct kind *kind, int variant, struct wgf_settings *settings)
{
    const bool flow = kind->method == WGF_METHOD_FLOW, events = flow && kind->solver == WGF_FLOW_EVENTS;
    if (!vary(kind, variant, settings))
        return false;
    if (flow) {
        settings->data.n = least(settings->data.n, 40);
        settings->init.width = least(settings->init.width, 60);
        settings->steps = least(settings->steps, 28);
    }
    const bool exact = kind->inner >= WGF_INNER_EXACT_LOCAL; /* for d = 2 and squared losses alone */
    if (exact && (settings->data.d != 2 || !wgf_loss_is_squared(settings->network.loss)))
        return false;
    return settings->data.d <= WGF_EVENTS_INPUTS || !events;
}

static void interruptions_came(const struct wgf_settings *settings)
{
    (void)settings;
    print_message("%d interruptions\n", cuts);
    assert_true(cuts > 20);
}

#define LAW(function, kinds, variants) #function, function, kinds, variants
static const struct law {
    const char *name;
    void (*holds)(const struct wgf_settings *);
    int kinds, variants; /* that it is tried on, of each the first ones */
} laws[] = {
    {LAW(every_cut_is_mended, KINDS, VARIANTS)},
    {LAW(the_last_step_knows_that_it_is, KINDS, 2)},
    {LAW(any_interruption_is_mended, KINDS, VARIANTS)},
    {LAW(interruptions_came, 1, 1)}, /* those of the law before */
    {LAW(a_bad_checkpoint_counts_for_nothing, KINDS, 2)},
    {LAW(saves_keep_to_their_times, KINDS, 1)},
    {LAW(seconds_add_up, KINDS, 1)},
};
enum { LAWS = sizeof laws / sizeof *laws, TRIALS = LAWS * KINDS * VARIANTS }; /* at most */

/* One law for one variant of a kind: a test of its own, named "kind/law/variant". */
static struct trial {
    char name[NAME_LENGTH];
    const struct law *law;
    struct wgf_settings settings;
} trials[TRIALS];

static void run_trial(void **state)
{
    const struct trial *trial = *state;
    require_kind(&trial->settings);
    trial->law->holds(&trial->settings);
}

int main(void)
{
    static struct CMUnitTest tests[TRIALS];
    size_t count = 0;
    for (const struct law *law = laws; law < laws + LAWS; law++)
        for (int k = 0; k < law->kinds; k++)
            for (int variant = 0; variant < law->variants; variant++) {
                struct trial *trial = &trials[count];
                if (!make_variant(&kinds[k], variant, &trial->settings))
                    continue;
                trial->law = law;
                snprintf(trial->name, sizeof trial->name, "%s/%s/%d", kinds[k].name, law->name, variant);
                tests[count++] =
                    (struct CMUnitTest){.name = trial->name, .test_func = run_trial, .initial_state = trial};
            }
    signal(SIGALRM, ring);
    return _cmocka_run_group_tests("checkpoints", tests, count, NULL, NULL);
}
