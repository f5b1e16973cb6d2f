/* The result file in trouble: every file that is no good is refused with a sentence that says why, a creation that
 * fails leaves what was there, and a kill at any instant leaves a file that opens and speaks the truth. */
#include "store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void refused(const char *path, enum wgf_store_mode mode, const char *why)
{
    struct wgf_store *store = NULL;
    struct wgf_error error = {0};
    assert_int_equal(wgf_store_open(&store, path, mode, &known, &error), WGF_EIO);
    assert_null(store);
    if (!strstr(error.message, why) || !strstr(error.message, path))
        fail_msg("wanted '%s', got: %s", why, error.message);
}

static void copy(const char *from, const char *to, long bytes)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    assert_true(in && out);
    for (int c; bytes-- > 0 && (c = fgetc(in)) != EOF;)
        fputc(c, out);
    fclose(in);
    fclose(out);
}

static void bad_files_are_told_apart(void **state)
{
    (void)state;
    create("good.h5", 10);
    struct stat info;
    assert_int_equal(stat("good.h5", &info), 0);
    refused("nonesuch.h5", WGF_STORE_READ, "no result file");
    refused("nonesuch/x.h5", WGF_STORE_WRITE, "no result file");
    refused(".", WGF_STORE_WRITE, "a folder");
    copy("good.h5", "empty.h5", 0);
    refused("empty.h5", WGF_STORE_READ, "is empty");
    FILE *text = fopen("text.h5", "w");
    fputs("not at all\n", text);
    fclose(text);
    refused("text.h5", WGF_STORE_WRITE, "not an HDF5 file");
    static const long cuts[] = {1, 100, 1000, 20000};
    for (int i = 0; i < 4; i++) {
        copy("good.h5", "cut.h5", (long)info.st_size - cuts[i]);
        refused("cut.h5", WGF_STORE_WRITE, "cut short");
    }
    copy("good.h5", "cut.h5", 20);
    refused("cut.h5", WGF_STORE_READ, "cut short");
}

static void foreign_files_are_told_apart(void **state)
{
    (void)state;
    struct wgf_store_schema schema = schema_of(10);
    int64_t largest = 0;
    schema.attributes = attributes + 1;
    schema.attribute_count--;
    assert_int_equal(wgf_store_create("foreign.h5", &schema, fill, &largest, &replacing, NULL), WGF_OK);
    refused("foreign.h5", WGF_STORE_READ, "wgf_version");
    struct wgf_attribute future[] = {{.name = "wgf_version", .text = "9.9"}, {.name = "schema", .number = 2}};
    schema.attributes = future;
    schema.attribute_count = 2;
    assert_int_equal(wgf_store_create("future.h5", &schema, fill, &largest, &replacing, NULL), WGF_OK);
    refused("future.h5", WGF_STORE_READ, "schema 2");
    refused("future.h5", WGF_STORE_READ, "wgf 9.9");
}

static int folder_entries(const char *folder)
{
    char command[128];
    int count = -1;
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *out = popen(command, "r");
    assert_int_equal(fscanf(out, "%d", &count), 1);
    pclose(out);
    return count;
}

static void creation_refused(const char *path, const struct wgf_store_schema *schema, const char *why)
{
    struct wgf_error error = {0};
    int64_t largest = 0;
    assert_int_equal(wgf_store_create(path, schema, fill, &largest, &replacing, &error), WGF_EIO);
    if (!strstr(error.message, why) || !strstr(error.message, path))
        fail_msg("wanted '%s', got: %s", why, error.message);
}

/* A limit on the size of files stands for a full disk. */
static void creation_beyond_limit_refused(const char *path, const struct wgf_store_schema *schema)
{
    struct rlimit old, limit;
    getrlimit(RLIMIT_FSIZE, &old);
    limit = old;
    limit.rlim_cur = 300000;
    setrlimit(RLIMIT_FSIZE, &limit);
    creation_refused(path, schema, "File too large");
    setrlimit(RLIMIT_FSIZE, &old);
}

static void a_failed_creation_leaves_what_was_there(void **state)
{
    (void)state;
    mkdir("folder", 0777);
    create("folder/kept.h5", 7);
    struct wgf_store_schema schema = schema_of(JOBS);
    creation_refused("nonesuch/x.h5", &schema, "No such file or directory");
    creation_refused("folder", &schema, "it is a folder");
    creation_beyond_limit_refused("folder/kept.h5", &schema);
    schema.extent.state_elements = INT64_C(1) << 50;
    creation_refused("folder/kept.h5", &schema, "GB free");
    assert_int_equal(folder_entries("folder"), 1);
    struct wgf_store *store = open_store("folder/kept.h5", WGF_STORE_READ);
    struct wgf_store_extent extent;
    wgf_store_extent(store, &extent);
    assert_int_equal(extent.jobs, 7);
    close_store(store);
}

static void one_of_many_makers_names_the_file(void **state)
{
    (void)state;
    enum { MAKERS = 4, TIMES = 20 };
    mkdir("raced", 0777);
    for (int t = 0; t < TIMES; t++) {
        int named = 0;
        pid_t makers[MAKERS];
        for (int i = 0; i < MAKERS; i++) {
            makers[i] = fork();
            struct wgf_store_schema schema = schema_of(100);
            struct wgf_store_making alone = {.replace = false};
            int64_t largest = 0;
            if (makers[i] == 0)
                _exit(wgf_store_create("raced/x.h5", &schema, fill, &largest, &alone, NULL) == WGF_OK ? 0 : 1);
        }
        for (int i = 0; i < MAKERS; i++) {
            int result = -1;
            waitpid(makers[i], &result, 0);
            named += result == 0;
        }
        assert_int_equal(named, 1);
        assert_int_equal(folder_entries("raced"), 1);
        close_store(open_store("raced/x.h5", WGF_STORE_READ));
        unlink("raced/x.h5");
    }
}

static volatile sig_atomic_t interrupted;

/* Interrupts the making after some blocks of rows. */
static void fill_and_interrupt(void *context, int column, int64_t first, int64_t count, void *buffer)
{
    int64_t largest = 0, last = *(int64_t *)context;
    assert_true(first <= last);
    interrupted = first == last;
    fill(&largest, column, first, count, buffer);
}

static void an_interrupted_creation_leaves_what_was_there(void **state)
{
    (void)state;
    mkdir("stopped", 0777);
    create("stopped/kept.h5", 7);
    struct wgf_store_schema schema = schema_of(4 * WGF_STORE_BLOCK);
    for (int64_t block = 0; block < 4; block++) {
        int64_t last = block * WGF_STORE_BLOCK;
        struct wgf_error error = {0};
        interrupted = 0;
        struct wgf_store_making making = {.replace = true, .interrupted = &interrupted};
        assert_int_equal(wgf_store_create("stopped/kept.h5", &schema, fill_and_interrupt, &last, &making, &error),
                         WGF_EINTERRUPTED);
        assert_non_null(strstr(error.message, "stopped/kept.h5"));
    }
    assert_int_equal(folder_entries("stopped"), 1);
    struct wgf_store *store = open_store("stopped/kept.h5", WGF_STORE_READ);
    struct wgf_store_extent extent;
    wgf_store_extent(store, &extent);
    assert_int_equal(extent.jobs, 7);
    close_store(store);
}

static void temporaries_of_the_dead_are_removed(void **state)
{
    (void)state;
    mkdir("stale", 0777);
    fclose(fopen("stale/x[1].h5.tmp-1", "w"));
    fclose(fopen("stale/x[1].h5.tmp-mine", "w"));
    create("stale/x[1].h5", 3);
    assert_int_equal(access("stale/x[1].h5.tmp-1", F_OK), -1);
    assert_int_equal(access("stale/x[1].h5.tmp-mine", F_OK), 0);
    unlink("stale/x[1].h5.tmp-mine");
}

static void write_until_killed(const char *path)
{
    struct wgf_store *store = NULL;
    if (wgf_store_open(&store, path, WGF_STORE_WRITE, &known, NULL))
        _exit(1);
    int objective = wgf_store_column(store, "objective"), status = wgf_store_column(store, "status");
    for (int64_t k = 0;; k = (k + 7) % JOBS) {
        double row[RECORDS] = {(double)k, (double)k + 1, (double)k + 2};
        uint8_t done = 2;
        if (wgf_store_write(store, objective, k, 1, row, NULL) || wgf_store_write(store, status, k, 1, &done, NULL))
            _exit(1);
    }
}

static void a_kill_loses_no_row_that_is_marked(void **state)
{
    (void)state;
    static uint8_t status[JOBS];
    static double rows[JOBS][RECORDS];
    int64_t marked = 0;
    for (int kill_number = 0; kill_number < 20; kill_number++) {
        create("killed.h5", JOBS);
        pid_t child = fork();
        if (child == 0)
            write_until_killed("killed.h5");
        usleep(3000 + 1700 * (useconds_t)kill_number);
        kill(child, SIGKILL);
        int result = 0;
        waitpid(child, &result, 0);
        assert_true(WIFSIGNALED(result));
        struct wgf_store *store = open_store("killed.h5", WGF_STORE_READ);
        read_rows(store, "status", 0, JOBS, status);
        read_rows(store, "objective", 0, JOBS, rows);
        close_store(store);
        for (int64_t k = 0; k < JOBS; k++) {
            marked += status[k];
            for (int r = 0; status[k] && r < RECORDS; r++)
                assert_true(rows[k][r] == (double)(k + r));
        }
    }
    assert_true(marked > 0);
}

static void a_kill_during_creation_leaves_a_file_that_opens(void **state)
{
    (void)state;
    mkdir("born", 0777);
    create("born/result.h5", 10);
    for (int kill_number = 0; kill_number < 20; kill_number++) {
        pid_t child = fork();
        if (child == 0)
            for (int64_t jobs = 11;; jobs = jobs % 4000 + 11)
                create("born/result.h5", jobs);
        usleep(3000 + 1700 * (useconds_t)kill_number);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        close_store(open_store("born/result.h5", WGF_STORE_READ));
    }
    int held = wgf_store_lock("born/result.h5");
    assert_true(held >= 0);
    assert_int_equal(folder_entries("born"), 1);
    close(held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_files_are_told_apart),
        cmocka_unit_test(foreign_files_are_told_apart),
        cmocka_unit_test(a_failed_creation_leaves_what_was_there),
        cmocka_unit_test(one_of_many_makers_names_the_file),
        cmocka_unit_test(an_interrupted_creation_leaves_what_was_there),
        cmocka_unit_test(temporaries_of_the_dead_are_removed),
        cmocka_unit_test(a_kill_loses_no_row_that_is_marked),
        cmocka_unit_test(a_kill_during_creation_leaves_a_file_that_opens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
