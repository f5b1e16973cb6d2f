/* Slots for checkpoints in a result file: by pairs, by turns, whole or not at all, wiped when done. */
#include "result_fixture.h"

#include "result_internal.h"
#include "wgf/result/checkpoints.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Long enough to be given room: a slot of several buffers' length. */
static const char long_jobs[] = "name: long\nfixed: {width: 20000, n: 70, steps: 1000, record_every: 10}\n"
                                "sweep: {seed: [1, 2, 3, 4, 5, 6]}\n";
enum { LONG_JOBS = 6, NUMBERS = 40000 };

struct bench {
    struct sheet sheet;
    struct wgf_checkpoints *checkpoints;
    struct wgf_checkpoint_table table;
};

static void open_checkpoints(struct bench *bench, double interval)
{
    struct wgf_error error = {0};
    fine(wgf_checkpoints_create(&bench->checkpoints, bench->sheet.writer, interval, &error), &error);
}

static void start(struct bench *bench, int worker)
{
    *bench = (struct bench){0};
    set_up(&bench->sheet, long_jobs);
    open_checkpoints(bench, 60);
    wgf_checkpoints_start(bench->checkpoints, &bench->table, worker);
}

static void survey(struct bench *bench)
{
    struct wgf_error error = {0};
    fine(wgf_checkpoints_survey(bench->checkpoints, &bench->table, &error), &error);
}

/* What another run finds: new eyes, a survey, and worker number `worker`. */
static void restart(struct bench *bench, int worker)
{
    wgf_checkpoints_free(bench->checkpoints);
    open_checkpoints(bench, 60);
    survey(bench);
    wgf_checkpoints_start(bench->checkpoints, &bench->table, worker);
}

static void finish_bench(struct bench *bench)
{
    assert_null(wgf_checkpoints_trouble(bench->checkpoints));
    wgf_checkpoints_free(bench->checkpoints);
    tear_down(&bench->sheet);
}

static const struct wgf_checkpoint *begin_as(struct bench *bench, int64_t job, int64_t other)
{
    struct wgf_settings settings;
    wgf_plan_job(bench->sheet.planned.plan, other, &settings);
    return wgf_checkpoints_begin(bench->checkpoints, job, &settings);
}

static const struct wgf_checkpoint *begin_job(struct bench *bench, int64_t job)
{
    return begin_as(bench, job, job);
}

static void end_job(struct bench *bench, bool finished)
{
    wgf_checkpoints_end(bench->checkpoints, finished);
}

static double numbers[NUMBERS];

/* A checkpoint in pieces of all sizes, told by its tag. */
static int make_parts(double *tag, struct iovec *iov)
{
    iov[0] = (struct iovec){tag, sizeof *tag};
    iov[1] = (struct iovec){numbers, NUMBERS * sizeof *numbers};
    iov[2] = (struct iovec){tag, 3};
    iov[3] = (struct iovec){numbers, 0};
    iov[4] = (struct iovec){tag, sizeof *tag};
    return 5;
}

static void save(const struct wgf_checkpoint *checkpoint, double tag)
{
    struct iovec iov[5];
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = tag + i;
    int count = make_parts(&tag, iov);
    checkpoint->save(checkpoint->context, iov, count);
}

/* The tag of what is there to be loaded; NaN: nothing. In two calls, as a descent does it. */
static double load(const struct wgf_checkpoint *checkpoint)
{
    double tag = NAN, again = NAN;
    char three[3];
    if (!checkpoint || !checkpoint->load)
        return NAN;
    struct iovec iov[] = {
        {&tag, sizeof tag}, {numbers, NUMBERS * sizeof *numbers}, {three, 3}, {numbers, 0}, {&again, sizeof again}};
    memset(numbers, 0, sizeof numbers);
    assert_true(checkpoint->load(checkpoint->context, iov, 1));
    assert_true(checkpoint->load(checkpoint->context, iov + 1, 4));
    assert_true(again == tag && memcmp(three, &tag, 3) == 0);
    for (int i = 0; i < NUMBERS; i++)
        assert_true(numbers[i] == tag + i);
    assert_false(checkpoint->load(checkpoint->context, iov, 1)); /* there is no more */
    return tag;
}

static int64_t slot_of(struct bench *bench, int pair, int side)
{
    return (2 * pair + side) * bench->sheet.layout.checkpoint_bytes;
}

static struct wgf_slot_head head_of(struct bench *bench, int pair, int side)
{
    struct wgf_slot_head head;
    read_rows(&bench->sheet, "checkpoint", slot_of(bench, pair, side), sizeof head, &head);
    return head;
}

static void turn_byte(struct bench *bench, int pair, int side, int64_t at)
{
    struct wgf_store *store = wgf_writer_store(bench->sheet.writer);
    struct wgf_region region;
    unsigned char byte;
    assert_true(wgf_store_region(store, wgf_store_column(store, "checkpoint"), &region));
    assert_int_equal(wgf_region_read(&region, slot_of(bench, pair, side) + at, 1, &byte, NULL), WGF_OK);
    byte ^= 1;
    assert_int_equal(wgf_region_write(&region, slot_of(bench, pair, side) + at, 1, &byte, NULL), WGF_OK);
}

static bool all_zero(struct bench *bench)
{
    int64_t count = bench->sheet.layout.extent.checkpoint_bytes;
    unsigned char *bytes = malloc((size_t)count);
    bool zero = true;
    assert_true(count > 0);
    read_rows(&bench->sheet, "checkpoint", 0, count, bytes);
    for (int64_t i = 0; i < count; i++)
        zero = zero && bytes[i] == 0;
    free(bytes);
    return zero;
}

/* As a run does it when the job has come to its end. */
static void complete(struct bench *bench, int64_t job)
{
    begin(&bench->sheet, job, 1);
    struct row row = make_row(&bench->sheet, job);
    finish(&bench->sheet, job, &row);
    end_job(bench, true);
    flush(&bench->sheet, job, 1);
    wgf_checkpoints_flushed(bench->checkpoints);
}

static void slots_are_written_by_turns(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 0);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 2);
    assert_true(checkpoint && checkpoint->interval == 60 && checkpoint->worthwhile == 1 && !checkpoint->load);
    for (int tag = 1; tag <= 5; tag++) {
        save(checkpoint, tag);
        struct wgf_slot_head written = head_of(&bench, 0, (tag + 1) % 2), other = head_of(&bench, 0, tag % 2);
        assert_true(written.job == 2 && written.number == (uint64_t)tag);
        assert_true(other.number == (uint64_t)tag - 1);
    }
    end_job(&bench, false);
    restart(&bench, 0);
    checkpoint = begin_job(&bench, 2);
    assert_true(load(checkpoint) == 5);
    save(checkpoint, 6); /* over the older one */
    assert_true(head_of(&bench, 0, 0).number == 5 && head_of(&bench, 0, 1).number == 6);
    complete(&bench, 2);
    assert_true(all_zero(&bench));
    finish_bench(&bench);
}

/* Whatever is damaged, the whole one beside it is taken, or none. */
static void torn_slots_are_found(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 0);
    save(begin_job(&bench, 0), 1);
    end_job(&bench, false);
    const int64_t size = head_of(&bench, 0, 0).size, head = sizeof(struct wgf_slot_head);
    const int64_t places[] = {0, 8, 16, 24, 32, 40, 48, head, head + 1000, head + NUMBERS * 4, head + size - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        restart(&bench, 0);
        const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
        assert_true(load(checkpoint) == (double)i + 1);
        save(checkpoint, (double)i + 2);
        int newest = (int)(i + 1) % 2;
        turn_byte(&bench, 0, newest, places[i]);
        end_job(&bench, false);
        restart(&bench, 0);
        assert_true(load(begin_job(&bench, 0)) == (double)i + 1); /* the one before */
        end_job(&bench, false);
        turn_byte(&bench, 0, newest, places[i]);
    }
    turn_byte(&bench, 0, 0, head);
    turn_byte(&bench, 0, 1, head);
    restart(&bench, 0);
    assert_true(isnan(load(begin_job(&bench, 0))));
    complete(&bench, 0);
    assert_true(all_zero(&bench));
    finish_bench(&bench);
}

/* Free pairs go to workers by their numbers; held ones to whoever runs the job. */
static void nobody_writes_to_anothers_slots(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 1);
    save(begin_job(&bench, 4), 44);
    end_job(&bench, false);
    assert_true(head_of(&bench, 0, 0).number == 0 && head_of(&bench, 1, 0).job == 4);
    for (int worker = 0; worker < 3; worker++) { /* pairs 0, 2 and 3 are free */
        restart(&bench, worker);
        assert_true(bench.table.holder[1] == 5);
        save(begin_job(&bench, worker), worker);
        end_job(&bench, false);
        static const int pairs[] = {0, 2, 3};
        assert_true(head_of(&bench, pairs[worker], 0).job == worker);
        complete(&bench, worker);
    }
    for (int worker = 0; worker < 2; worker++) { /* the held one is reached from anywhere */
        restart(&bench, worker);
        assert_true(load(begin_job(&bench, 4)) == 44);
        end_job(&bench, false);
    }
    complete(&bench, 4);
    restart(&bench, LONG_JOBS); /* there are as many pairs as jobs */
    assert_null(begin_job(&bench, 5));
    end_job(&bench, false);
    finish_bench(&bench);
}

/* A worker that had no pair keeps that of the first job that it finished. */
static void pairs_that_come_free_are_taken(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 0);
    for (int job = 0; job < 5; job++) {
        restart(&bench, 0);
        save(begin_job(&bench, job), job);
        end_job(&bench, false);
    }
    restart(&bench, 1); /* one pair is left, for worker 0 */
    assert_null(begin_job(&bench, 5));
    end_job(&bench, false);
    begin_job(&bench, 3);
    complete(&bench, 3);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 5);
    assert_non_null(checkpoint);
    save(checkpoint, 55);
    assert_true(head_of(&bench, 3, 0).job == 5);
    end_job(&bench, false);
    for (int job = 0; job < 6; job++)
        if (job != 3) {
            restart(&bench, 0);
            assert_true(load(begin_job(&bench, job)) == (job == 5 ? 55 : job));
            complete(&bench, job);
        }
    assert_true(all_zero(&bench));
    finish_bench(&bench);
}

/* Between the end of a job and its flush the next one may save already. */
static void a_flush_does_not_wipe_the_next_job(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 0);
    save(begin_job(&bench, 0), 1);
    begin(&bench.sheet, 0, 1);
    struct row row = make_row(&bench.sheet, 0);
    finish(&bench.sheet, 0, &row);
    end_job(&bench, true);
    save(begin_job(&bench, 1), 2);
    flush(&bench.sheet, 0, 1);
    wgf_checkpoints_flushed(bench.checkpoints);
    end_job(&bench, false);
    restart(&bench, 0);
    assert_true(load(begin_job(&bench, 1)) == 2);
    complete(&bench, 1);
    assert_true(all_zero(&bench));
    finish_bench(&bench);
}

/* Of finished jobs, of jobs with another key, and what is none: wiped. */
static void what_is_not_wanted_is_wiped(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 0);
    save(begin_job(&bench, 0), 1);
    end_job(&bench, false);
    begin(&bench.sheet, 0, 1);
    struct row row = make_row(&bench.sheet, 0);
    finish(&bench.sheet, 0, &row);
    flush(&bench.sheet, 0, 1); /* killed before the wipe */
    assert_false(all_zero(&bench));
    restart(&bench, 0);
    assert_true(bench.table.holder[0] == 0 && all_zero(&bench));

    save(begin_as(&bench, 1, 2), 1);
    end_job(&bench, false);
    restart(&bench, 0);
    assert_true(bench.table.holder[0] == 0 && all_zero(&bench));

    turn_byte(&bench, 2, 1, 5000); /* of a save that was cut before its head */
    restart(&bench, 0);
    assert_true(all_zero(&bench));

    save(begin_job(&bench, 1), 1); /* a row that was found running is as good as one that is pending */
    begin(&bench.sheet, 1, 1);
    restart(&bench, 0);
    assert_true(bench.table.holder[0] == 2);
    struct wgf_error error = {0};
    fine(wgf_checkpoints_wipe(bench.checkpoints, &error), &error);
    assert_true(all_zero(&bench));
    finish_bench(&bench);
}

/* None are made, but those that there are, are gone on from. */
static void an_interval_of_0_makes_none(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 0);
    save(begin_job(&bench, 0), 7);
    end_job(&bench, false);
    wgf_checkpoints_free(bench.checkpoints);
    open_checkpoints(&bench, 0);
    survey(&bench);
    wgf_checkpoints_start(bench.checkpoints, &bench.table, 0);
    assert_null(begin_job(&bench, 1));
    end_job(&bench, false);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
    assert_true(load(checkpoint) == 7);
    assert_true(isinf(checkpoint->interval) && isinf(checkpoint->worthwhile));
    complete(&bench, 0);
    assert_true(all_zero(&bench));
    finish_bench(&bench);
}

/* A disk that is full, here a limit on the length of files that lies within the slots, is told once and costs nothing
 * but the checkpoint. */
static void a_failed_save_is_told(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench, 0);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
    struct rlimit old;
    save(checkpoint, 1);
    save(checkpoint, 2);
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 4096, .rlim_max = old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    save(checkpoint, 3);
    setrlimit(RLIMIT_FSIZE, &old);
    const struct wgf_error *trouble = wgf_checkpoints_trouble(bench.checkpoints);
    assert_non_null(trouble);
    assert_non_null(strstr(trouble->message, "checkpoint"));
    assert_null(wgf_checkpoints_trouble(bench.checkpoints));
    end_job(&bench, false);
    restart(&bench, 0);
    checkpoint = begin_job(&bench, 0);
    assert_true(load(checkpoint) == 2);
    save(checkpoint, 4);
    end_job(&bench, false);
    restart(&bench, 0);
    assert_true(load(begin_job(&bench, 0)) == 4);
    complete(&bench, 0);
    assert_true(all_zero(&bench));
    finish_bench(&bench);
}

/* Killed at any instant of saving: what is loaded afterwards is one of the last two. */
static void any_kill_leaves_a_whole_one(void **state)
{
    (void)state;
    for (int turn = 0; turn < 25; turn++) {
        struct bench bench;
        start(&bench, 0);
        int ends[2], told = 0;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        if (child == 0) {
            const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
            for (int tag = 1;; tag++) {
                save(checkpoint, tag);
                if (write(ends[1], &tag, sizeof tag) != sizeof tag)
                    _exit(1);
            }
        }
        close(ends[1]);
        for (int tag = 0; told < 3 && read(ends[0], &tag, sizeof tag) == sizeof tag;)
            told = tag;
        usleep((useconds_t)(turn * 37 % 400));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        for (int tag = 0; read(ends[0], &tag, sizeof tag) == sizeof tag;)
            told = tag;
        close(ends[0]);
        restart(&bench, 0);
        double found = load(begin_job(&bench, 0));
        if (!(found == told || found == told + 1))
            fail_msg("found %g where %d had been told", found, told);
        complete(&bench, 0);
        assert_true(all_zero(&bench));
        finish_bench(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_written_by_turns),         cmocka_unit_test(torn_slots_are_found),
        cmocka_unit_test(nobody_writes_to_anothers_slots),    cmocka_unit_test(pairs_that_come_free_are_taken),
        cmocka_unit_test(a_flush_does_not_wipe_the_next_job), cmocka_unit_test(what_is_not_wanted_is_wiped),
        cmocka_unit_test(an_interval_of_0_makes_none),        cmocka_unit_test(a_failed_save_is_told),
        cmocka_unit_test(any_kill_leaves_a_whole_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
