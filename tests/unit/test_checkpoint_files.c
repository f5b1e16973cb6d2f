/* Checkpoint files beside a result file: whole or absent, found again by any process, removed when nothing needs
 * them. */
#include "result_fixture.h"

#include "wgf/run/checkpoint_files.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

static const char jobs_text[] = "name: six\nfixed: {width: 20, n: 7, steps: 10}\nsweep: {seed: [1, 2, 3, 4, 5, 6]}\n";
enum { NUMBERS = 100000, HEAD = sizeof(struct wgf_checkpoint_head) / 8 }; /* several buffers long; of doubles */
static const char folder[] = "x.h5.checkpoints";

struct bench {
    struct sheet sheet;
    struct wgf_checkpoints *checkpoints;
};

/* What a new process finds. */
static void restart(struct bench *bench, double interval)
{
    struct wgf_error error = {0};
    wgf_checkpoints_free(bench->checkpoints);
    fine(wgf_checkpoints_create(&bench->checkpoints, "x.h5", interval, &error), &error);
}

static void start(struct bench *bench)
{
    *bench = (struct bench){0};
    set_up(&bench->sheet, jobs_text);
    wgf_checkpoints_clean("x.h5", NULL);
    restart(bench, 60);
}

static void finish_bench(struct bench *bench)
{
    assert_null(wgf_checkpoints_failure(bench->checkpoints));
    wgf_checkpoints_free(bench->checkpoints);
    wgf_checkpoints_clean("x.h5", NULL);
    assert_int_not_equal(access(folder, F_OK), 0);
    tear_down(&bench->sheet);
}

static uint64_t key_of(const struct bench *bench, int64_t job)
{
    struct wgf_settings settings;
    wgf_plan_job(bench->sheet.planned.plan, job, &settings);
    return wgf_plan_key(bench->sheet.planned.plan, &settings);
}

static const struct wgf_checkpoint *begin_job(struct bench *bench, int64_t job)
{
    return wgf_checkpoints_begin(bench->checkpoints, job, key_of(bench, job));
}

static double numbers[NUMBERS];

/* A checkpoint of entries of all sizes, marked by its tag. */
static void save(const struct wgf_checkpoint *checkpoint, double tag)
{
    for (int i = 0; i < NUMBERS; i++)
        numbers[i] = tag + i;
    double head[HEAD] = {tag};
    const struct iovec iov[] = {
        {head, sizeof head}, {numbers, sizeof numbers}, {&tag, 3}, {numbers, 0}, {&tag, sizeof tag}};
    checkpoint->save(checkpoint->context, iov, 5);
}

/* The tag of what can be loaded; NaN: nothing. In two calls, as a descent loads. */
static double load(const struct wgf_checkpoint *checkpoint)
{
    double head[HEAD] = {NAN}, again = NAN;
    char three[3];
    if (!checkpoint || !checkpoint->load)
        return NAN;
    const struct iovec iov[] = {
        {head, sizeof head}, {numbers, sizeof numbers}, {three, 3}, {numbers, 0}, {&again, sizeof again}};
    memset(numbers, 0, sizeof numbers);
    assert_int_equal(checkpoint->load(checkpoint->context, iov, 1), WGF_OK);
    assert_int_equal(checkpoint->load(checkpoint->context, iov + 1, 4), WGF_OK);
    const double tag = head[0];
    assert_true(again == tag && memcmp(three, &tag, 3) == 0);
    for (int i = 0; i < NUMBERS; i++)
        assert_true(numbers[i] == tag + i);
    assert_int_equal(checkpoint->load(checkpoint->context, iov, 1), WGF_EDATA); /* nothing is left */
    return tag;
}

static void save_job(struct bench *bench, int64_t job, double tag)
{
    save(begin_job(bench, job), tag);
    wgf_checkpoints_end(bench->checkpoints, false);
}

/* What another process that begins the job can load. */
static double adopted(struct bench *bench, int64_t job)
{
    restart(bench, 60);
    const double tag = load(begin_job(bench, job));
    wgf_checkpoints_end(bench->checkpoints, false);
    return tag;
}

/* As a run does it when a job has ended. */
static void complete(struct bench *bench, int64_t job)
{
    begin(&bench->sheet, job, 1);
    struct row row = make_row(&bench->sheet, job);
    finish(&bench->sheet, job, &row);
    wgf_checkpoints_end(bench->checkpoints, true);
    flush(&bench->sheet, job, 1);
    wgf_checkpoints_flushed(bench->checkpoints);
}

static int entries(void)
{
    int count = 0;
    DIR *stream = opendir(folder);
    for (const struct dirent *entry; stream && (entry = readdir(stream));)
        count += entry->d_name[0] != '.';
    if (stream)
        closedir(stream);
    return count;
}

static void change_byte(const char *name, int64_t at)
{
    FILE *file = fopen(name, "r+b");
    assert_non_null(file);
    fseek(file, at, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
}

static void add_number(void *context, const struct wgf_checkpoint_header *header,
                       const struct wgf_checkpoint_head *head)
{
    (void)head;
    *(int64_t *)context += (int64_t)header->number;
}

/* Of all checkpoints of unfinished jobs. */
static int64_t checkpoints_made(const char *path)
{
    int64_t made = 0;
    assert_int_equal(wgf_checkpoints_visit(path, add_number, &made, NULL), WGF_OK);
    return made;
}

static void a_job_goes_on_from_its_newest(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 2);
    assert_true(checkpoint && checkpoint->interval == 60 && checkpoint->worthwhile == 1 && !checkpoint->load);
    assert_int_not_equal(access(folder, F_OK), 0); /* nothing is written before the first save */
    for (int tag = 1; tag <= 3; tag++) {
        save(checkpoint, tag);
        assert_int_equal(checkpoints_made("x.h5"), tag);
    }
    assert_int_equal(entries(), 1);
    wgf_checkpoints_end(bench.checkpoints, false);
    restart(&bench, 60);
    checkpoint = begin_job(&bench, 2);
    assert_true(load(checkpoint) == 3);
    save(checkpoint, 4);
    assert_int_equal(checkpoints_made("x.h5"), 4);
    wgf_checkpoints_end(bench.checkpoints, false);
    restart(&bench, 0); /* --checkpoint 0 adopts and writes none */
    checkpoint = begin_job(&bench, 2);
    assert_true(load(checkpoint) == 4 && !checkpoint->save && isinf(checkpoint->interval));
    complete(&bench, 2);
    assert_int_equal(entries(), 0);
    finish_bench(&bench);
}

static void jobs_of_a_moment_touch_no_file(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    begin_job(&bench, 0);
    complete(&bench, 0);
    restart(&bench, 0);
    assert_null(begin_job(&bench, 1));
    complete(&bench, 1);
    assert_int_not_equal(access(folder, F_OK), 0);
    finish_bench(&bench);
}

/* A byte anywhere, a cut, and a longer file. */
static void damage_is_found_and_replaced(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    const int64_t header = sizeof(struct wgf_checkpoint_header), head = 8 * HEAD,
                  size = head + 8 + 3 + (int64_t)sizeof numbers;
    const int64_t payload[] = {0, head - 1, head, size / 2, size - 1};
    const char *name = "x.h5.checkpoints/0";
    save_job(&bench, 0, 7);
    for (int64_t i = 0; i < header / 8 + 5; i++) {
        const int64_t place = i < header / 8 ? 8 * i : header + payload[i - header / 8];
        change_byte(name, place);
        assert_true(isnan(adopted(&bench, 0)));
        assert_int_equal(checkpoints_made("x.h5"), place >= header + head); /* what is told is whole */
        change_byte(name, place);
        assert_true(adopted(&bench, 0) == 7);
    }
    assert_int_equal(truncate(name, header + size + 1), 0);
    assert_true(isnan(adopted(&bench, 0)));
    assert_int_equal(truncate(name, header + size - 1), 0);
    assert_true(isnan(adopted(&bench, 0)));
    assert_int_equal(truncate(name, 0), 0);
    assert_true(isnan(adopted(&bench, 0)));
    save_job(&bench, 0, 8);
    assert_true(adopted(&bench, 0) == 8);
    finish_bench(&bench);
}

/* One of version 1, whose header ends with its own hash and has none of the head. */
static void older_files_are_read(void **state)
{
    (void)state;
    struct bench bench;
    struct wgf_checkpoint_header header;
    const size_t fields = offsetof(struct wgf_checkpoint_header, head_hash);
    start(&bench);
    save_job(&bench, 0, 7);
    FILE *file = fopen("x.h5.checkpoints/0", "rb");
    assert_int_equal(fread(&header, sizeof header, 1, file), 1);
    char *const payload = malloc((size_t)header.size);
    assert_int_equal(fread(payload, (size_t)header.size, 1, file), 1);
    fclose(file);
    header.version = 1;
    header.head_hash = XXH3_64bits(&header, fields);
    file = fopen("x.h5.checkpoints/0", "wb");
    fwrite(&header, fields + sizeof header.head_hash, 1, file);
    fwrite(payload, (size_t)header.size, 1, file);
    fclose(file);
    free(payload);
    assert_int_equal(checkpoints_made("x.h5"), 1);
    assert_true(adopted(&bench, 0) == 7);
    change_byte("x.h5.checkpoints/0", 1000);
    assert_int_equal(checkpoints_made("x.h5"), 0);
    assert_true(isnan(adopted(&bench, 0)));
    change_byte("x.h5.checkpoints/0", 1000);
    restart(&bench, 60);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
    assert_true(load(checkpoint) == 7);
    save(checkpoint, 8);
    assert_int_equal(checkpoints_made("x.h5"), 2);
    wgf_checkpoints_end(bench.checkpoints, false);
    assert_true(adopted(&bench, 0) == 8);
    finish_bench(&bench);
}

static void another_job_or_key_is_not_adopted(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    save_job(&bench, 1, 1);
    assert_int_equal(rename("x.h5.checkpoints/1", "x.h5.checkpoints/2"), 0);
    assert_true(isnan(adopted(&bench, 2)));
    save(wgf_checkpoints_begin(bench.checkpoints, 3, key_of(&bench, 4)), 3);
    wgf_checkpoints_end(bench.checkpoints, false);
    assert_true(isnan(adopted(&bench, 3)));
    finish_bench(&bench);
}

/* Files are removed only after the rows are written, all of them, and not that of a later job. */
static void the_flush_removes_the_files_of_finished_jobs(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    for (int64_t job = 0; job < 5; job++) {
        save(begin_job(&bench, job), (double)job);
        wgf_checkpoints_end(bench.checkpoints, true);
    }
    save(begin_job(&bench, 5), 5);
    assert_int_equal(entries(), 6);
    wgf_checkpoints_flushed(bench.checkpoints);
    assert_int_equal(entries(), 1);
    wgf_checkpoints_end(bench.checkpoints, false);
    assert_true(adopted(&bench, 5) == 5);
    save_job(&bench, 4, 4);
    wgf_checkpoints_remove(bench.checkpoints, 4);
    assert_int_equal(entries(), 1);
    finish_bench(&bench);
}

/* Of pending and running rows stays; of finished ones, of another key, damaged files and temporaries go; others
 * stay. */
static void cleaning_keeps_what_a_resume_needs(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    for (int64_t job = 0; job < 4; job++)
        save_job(&bench, job, (double)job);
    begin(&bench.sheet, 1, 1);
    begin(&bench.sheet, 2, 1);
    struct row row = make_row(&bench.sheet, 2);
    finish(&bench.sheet, 2, &row);
    flush(&bench.sheet, 2, 1); /* killed before its file was removed */
    change_byte("x.h5.checkpoints/3", 20);
    save(wgf_checkpoints_begin(bench.checkpoints, 4, 4711), 4);
    wgf_checkpoints_end(bench.checkpoints, false);
    write_file("x.h5.checkpoints/5.tmp", "half");
    write_file("x.h5.checkpoints/99", "of no job");
    write_file("x.h5.checkpoints/notes.txt", "a user's");
    write_file("x.h5.checkpoints/007", "a user's");
    wgf_checkpoints_clean("x.h5", bench.sheet.reader);
    assert_int_equal(entries(), 4);
    assert_true(adopted(&bench, 0) == 0 && adopted(&bench, 1) == 1);
    assert_int_equal(access("x.h5.checkpoints/notes.txt", F_OK), 0);
    assert_int_equal(unlink("x.h5.checkpoints/notes.txt") || unlink("x.h5.checkpoints/007"), 0);
    finish_bench(&bench);
}

/* Whatever has the name of a checkpoint, a folder or a pipe, harms nothing. */
static void foreign_entries_harm_nothing(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(mkdir("x.h5.checkpoints/0", 0777), 0);
    assert_int_equal(mkfifo("x.h5.checkpoints/1", 0666), 0);
    assert_int_equal(mkfifo("x.h5.checkpoints/2.tmp", 0666), 0);
    assert_int_equal(symlink("/dev/zero", "x.h5.checkpoints/3"), 0);
    assert_int_equal(checkpoints_made("x.h5"), 0);
    for (int64_t job = 0; job < 4; job++)
        assert_true(isnan(adopted(&bench, job)));
    save_job(&bench, 0, 0);
    assert_non_null(wgf_checkpoints_failure(bench.checkpoints));
    for (int64_t job = 1; job < 4; job++) {
        save_job(&bench, job, (double)job);
        assert_true(adopted(&bench, job) == (double)job);
    }
    assert_int_equal(rmdir("x.h5.checkpoints/0"), 0);
    finish_bench(&bench);
}

/* What a link in the place of the folder leads to stays as it is, files of the names of checkpoints included. */
static void a_linked_folder_is_none(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    save_job(&bench, 0, 1);
    assert_int_equal(rename(folder, "elsewhere"), 0);
    write_file("elsewhere/1.tmp", "another's");
    assert_int_equal(symlink("elsewhere", folder), 0);
    assert_int_equal(checkpoints_made("x.h5"), 0);
    assert_true(isnan(adopted(&bench, 0)));
    save_job(&bench, 1, 1);
    const struct wgf_error *failure = wgf_checkpoints_failure(bench.checkpoints);
    assert_non_null(failure);
    assert_non_null(strstr(failure->message, "this is not a folder"));
    wgf_checkpoints_remove(bench.checkpoints, 0);
    wgf_checkpoints_clean("x.h5", NULL);
    assert_int_equal(unlink(folder), 0);
    assert_int_equal(rename("elsewhere", folder), 0);
    assert_int_equal(entries(), 2);
    assert_true(adopted(&bench, 0) == 1);
    finish_bench(&bench);
}

/* It is made again, and the next checkpoint is there. */
static void the_folder_may_be_removed_during_a_job(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
    save(checkpoint, 1);
    assert_int_equal(unlink("x.h5.checkpoints/0") || rmdir(folder), 0);
    save(checkpoint, 2);
    assert_null(wgf_checkpoints_failure(bench.checkpoints));
    wgf_checkpoints_end(bench.checkpoints, false);
    assert_true(adopted(&bench, 0) == 2);
    finish_bench(&bench);
}

/* A failed write is told once, leaves the checkpoint before it, and the next one is tried. */
static void a_full_disk_costs_the_checkpoint_alone(void **state)
{
    (void)state;
    struct bench bench;
    struct rlimit usual, little = {.rlim_cur = 1000};
    start(&bench);
    const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
    save(checkpoint, 1);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &usual);
    little.rlim_max = usual.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    save(checkpoint, 2);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
    const struct wgf_error *failure = wgf_checkpoints_failure(bench.checkpoints);
    assert_non_null(failure);
    assert_non_null(strstr(failure->message, "File too large"));
    assert_null(wgf_checkpoints_failure(bench.checkpoints));
    assert_int_equal(entries(), 1);
    wgf_checkpoints_end(bench.checkpoints, false);
    assert_true(adopted(&bench, 0) == 1);
    save_job(&bench, 0, 3);
    assert_true(adopted(&bench, 0) == 3);
    finish_bench(&bench);
}

/* Killed at any moment of many saves: what is there is one of them, whole. */
static void a_kill_leaves_a_whole_one(void **state)
{
    (void)state;
    struct bench bench;
    start(&bench);
    save_job(&bench, 0, 1);
    for (int round = 0; round < 30; round++) {
        const pid_t child = fork();
        if (child == 0) {
            restart(&bench, 60);
            const struct wgf_checkpoint *checkpoint = begin_job(&bench, 0);
            for (double tag = 2;; tag++)
                save(checkpoint, tag);
        }
        usleep(1000 + 700 * (unsigned)round);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_true(adopted(&bench, 0) >= 1);
        assert_true(entries() <= 2);
    }
    wgf_checkpoints_clean("x.h5", bench.sheet.reader);
    assert_int_equal(entries(), 1);
    finish_bench(&bench);
}

static void links_lead_to_the_same_folder(void **state)
{
    (void)state;
    struct bench bench;
    struct wgf_error error = {0};
    start(&bench);
    save_job(&bench, 0, 1);
    unlink("link.h5");
    assert_int_equal(symlink("x.h5", "link.h5"), 0);
    wgf_checkpoints_free(bench.checkpoints);
    fine(wgf_checkpoints_create(&bench.checkpoints, "link.h5", 60, &error), &error);
    assert_true(load(begin_job(&bench, 0)) == 1);
    wgf_checkpoints_end(bench.checkpoints, false);
    assert_int_equal(checkpoints_made("link.h5"), 1);
    unlink("link.h5");
    finish_bench(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_goes_on_from_its_newest),
        cmocka_unit_test(jobs_of_a_moment_touch_no_file),
        cmocka_unit_test(damage_is_found_and_replaced),
        cmocka_unit_test(older_files_are_read),
        cmocka_unit_test(another_job_or_key_is_not_adopted),
        cmocka_unit_test(the_flush_removes_the_files_of_finished_jobs),
        cmocka_unit_test(cleaning_keeps_what_a_resume_needs),
        cmocka_unit_test(foreign_entries_harm_nothing),
        cmocka_unit_test(a_linked_folder_is_none),
        cmocka_unit_test(the_folder_may_be_removed_during_a_job),
        cmocka_unit_test(a_full_disk_costs_the_checkpoint_alone),
        cmocka_unit_test(a_kill_leaves_a_whole_one),
        cmocka_unit_test(links_lead_to_the_same_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
