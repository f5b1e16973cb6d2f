/* The file in which a run tells of itself: written and read back, and of no use when it is damaged. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/run/live.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char result_file[] = "live.h5", path[] = "live.h5.progress";

static const struct wgf_running jobs[] = {{3, {17, 100, 0.5, 2}, 2.5, 9}, {8, {0, 5, 1, 0}, 0.1, 0}};

/* Writes two jobs, as soon as that may be. */
static struct wgf_live_file *written(void)
{
    const struct timespec second = {1, 10000000};
    struct wgf_live live = {.workers = 2, .running = 2, .known = 2, .fraction = 0.25, .left = 12};
    fclose(fopen(result_file, "w"));
    struct wgf_live_file *const file = wgf_live_open(result_file);
    wgf_live_write(file, &live, jobs);
    assert_true(access(path, R_OK) != 0 || access(path, X_OK) == 0); /* a run of a moment leaves nothing to see */
    nanosleep(&second, NULL);
    wgf_live_write(file, &live, jobs);
    return file;
}

static bool readable(void)
{
    struct wgf_live live;
    struct wgf_running *found;
    const bool whole = wgf_live_read(result_file, &live, &found);
    free(found);
    return whole;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct wgf_live live;
    struct wgf_running *found;
    struct wgf_live_file *const file = written();
    assert_true(wgf_live_read(result_file, &live, &found));
    assert_true(live.workers == 2 && live.known == 2 && live.fraction == 0.25 && live.left == 12);
    assert_true(live.when > (double)time(NULL) - 100 && live.when <= (double)time(NULL) + 1);
    assert_memory_equal(found, jobs, sizeof jobs);
    free(found);
    wgf_live_close(file);
    assert_int_equal(access(path, F_OK), -1);
    assert_false(readable());
}

/* Whatever byte is another one, and whatever is missing. */
static void damage_is_no_news(void **state)
{
    (void)state;
    struct stat info;
    struct wgf_live_file *const file = written();
    stat(path, &info);
    for (off_t at = 0; at < info.st_size; at += 7) {
        char byte;
        const int descriptor = open(path, O_RDWR);
        assert_int_equal(pread(descriptor, &byte, 1, at), 1);
        byte ^= 4;
        assert_int_equal(pwrite(descriptor, &byte, 1, at), 1);
        assert_false(readable());
        byte ^= 4;
        assert_int_equal(pwrite(descriptor, &byte, 1, at), 1);
        close(descriptor);
    }
    assert_true(readable());
    for (off_t size = info.st_size; size-- > 0;) {
        assert_int_equal(truncate(path, size), 0);
        assert_false(readable());
    }
    wgf_live_close(file);
}

/* The next run removes what a kill has left; a folder or a link of that name is not touched, and not followed. */
static void what_a_kill_leaves_is_removed(void **state)
{
    (void)state;
    struct wgf_live_file *file = written();
    assert_int_equal(rename(path, "kept"), 0);
    wgf_live_close(file);
    assert_int_equal(rename("kept", path), 0);
    assert_true(readable());
    file = wgf_live_open(result_file);
    assert_int_equal(access(path, F_OK), -1);
    wgf_live_close(file);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_false(readable());
    file = written();
    wgf_live_close(file);
    assert_int_equal(rmdir(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(damage_is_no_news),
        cmocka_unit_test(what_a_kill_leaves_is_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
