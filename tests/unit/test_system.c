/* Error sentences, memory and clocks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/process.h"
#include "wgf/base/status.h"
#include "wgf/base/system.h"
#include "wgf/base/text.h"
#include "wgf/base/ticker.h"

#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void a_failure_is_one_sentence(void **state)
{
    (void)state;
    struct wgf_error error = {0};
    assert_string_equal(wgf_status_text(error.status), "success");
    assert_int_equal(wgf_fail(&error, WGF_EIO, "%s: %d of %d", "x.csv", 3, 7), WGF_EIO);
    assert_int_equal(error.status, WGF_EIO);
    assert_string_equal(error.message, "x.csv: 3 of 7");
    assert_int_equal(wgf_fail(NULL, WGF_EDATA, "nobody listens"), WGF_EDATA);
}

static void a_long_sentence_is_cut(void **state)
{
    (void)state;
    struct {
        struct wgf_error error;
        char guard[16];
    } room;
    char text[2 * WGF_ERROR_LENGTH];
    memset(room.guard, 'g', sizeof room.guard);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    wgf_fail(&room.error, WGF_EUSAGE, "%s", text);
    assert_int_equal(strlen(room.error.message), WGF_ERROR_LENGTH - 1);
    assert_int_equal(strspn(room.error.message, "a"), WGF_ERROR_LENGTH - 1);
    for (size_t i = 0; i < sizeof room.guard; i++)
        assert_int_equal(room.guard[i], 'g');
}

static void a_sentence_is_cut_between_characters(void **state)
{
    (void)state;
    static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    for (int c = 0; c < 3; c++)
        for (int lead = 0; lead < 4; lead++) {
            char text[2 * WGF_ERROR_LENGTH] = "";
            struct wgf_error error;
            const size_t length = strlen(characters[c]), begin = (size_t)lead, room = WGF_ERROR_LENGTH - 1;
            memset(text, 'a', begin);
            for (size_t at = begin; at < room; at += length)
                strcpy(text + at, characters[c]);
            wgf_fail(&error, WGF_EIO, "%s", text);
            assert_int_equal(strlen(error.message), room - (room - begin) % length);
            assert_memory_equal(error.message, text, strlen(error.message));
        }
}

static void a_sentence_is_utf8_whatever_its_parts(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"caf\xe9.csv", "caf?.csv"},
        {"\xc3\xa9t\xc3.csv", "\xc3\xa9t?.csv"},
        {"\x80\xbf", "??"},
        {"\xc0\xaf.", "??."},
        {"\xe0\x9f\xbf.", "???."},
        {"\xed\xa0\x80.", "???."},
        {"\xf0\x8f\xbf\xbf.", "????."},
        {"\xf4\x90\x80\x80.", "????."},
        {"\xed\x9f\xbf \xf4\x8f\xbf\xbf", "\xed\x9f\xbf \xf4\x8f\xbf\xbf"},
        {"no\xe2\x82", "no"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct wgf_error error;
        wgf_fail(&error, WGF_EIO, "%s", pairs[i][0]);
        assert_string_equal(error.message, pairs[i][1]);
        assert_int_equal(wgf_is_utf8(pairs[i][0]), strcmp(pairs[i][0], pairs[i][1]) == 0);
    }
}

static void every_status_has_a_text(void **state)
{
    (void)state;
#define STATUS_ID(id, text) id,
    static const wgf_status all[] = {WGF_STATUS_LIST(STATUS_ID)};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        assert_non_null(wgf_status_text(all[i]));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(wgf_status_text(all[i]), wgf_status_text(all[k]));
    }
}

static void bytes_do_not_wrap(void **state)
{
    (void)state;
    assert_true(wgf_bytes(3, sizeof(double)) == 24);
    assert_true(wgf_bytes(0, 8) == 0);
    assert_true(wgf_bytes(0x1p62, 8) == 0x1p65);
    assert_true(isinf(wgf_bytes(INFINITY, 1)));
}

static void memory_comes_zeroed_or_not_at_all(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    int64_t *numbers = wgf_calloc(COUNT, sizeof *numbers);
    assert_non_null(numbers);
    for (int i = 0; i < COUNT; i++)
        assert_true(numbers[i] == 0);
    free(numbers);
    void *nothing = wgf_calloc(0, 8);
    assert_non_null(nothing);
    free(nothing);
    assert_null(wgf_calloc(-1, 1));
    assert_null(wgf_calloc(LLONG_MIN, 8));
    assert_null(wgf_calloc(LLONG_MAX, 2)); /* would wrap to a small size */
    assert_null(wgf_calloc(INT64_C(1) << 61, 8));
    assert_null(wgf_calloc(INT64_C(1) << 60, 8));
}

static void an_array_grows_by_one_and_keeps_what_it_has(void **state)
{
    enum { COUNT = 5000 };
    double *list = NULL, *same;
    (void)state;
    for (int count = 0; count < COUNT; count++) {
        assert_true(WGF_GROW(list, count));
        assert_true(malloc_usable_size(list) >= (size_t)(count + 1) * sizeof *list);
        list[count] = count;
    }
    for (int i = 0; i < COUNT; i++)
        assert_true(list[i] == i);
    same = list;
    assert_false(WGF_GROW(list, (long long)1 << 60)); /* and the bytes wrap around to 0 */
    assert_ptr_equal(list, same);
    free(list);
}

static void memory_limit_is_at_most_the_machine(void **state)
{
    (void)state;
    double machine = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE), limit = wgf_memory_limit(1);
    assert_true(limit > 1e6 && limit <= machine);
    assert_true(wgf_memory_limit(4) == limit / 4);
    assert_true(wgf_memory_limit(1) == limit);
    void *used = malloc(50000000);
    memset(used, 1, 50000000);
    assert_true(wgf_memory_limit(1) == limit);
    free(used);
}

static void memory_limit_is_at_most_the_address_space(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its shadow alone is larger than any limit */
#endif
    struct rlimit before, lower;
    double machine = wgf_memory_limit(1);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    lower = before;
    lower.rlim_cur = (rlim_t)(0.75 * machine);
    assert_int_equal(setrlimit(RLIMIT_AS, &lower), 0);
    double limit = wgf_memory_limit(1), shared = wgf_memory_limit(2);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_true(limit == (double)lower.rlim_cur);
    assert_true(shared == machine / 2); /* each process has an address space of its own */
    assert_true(wgf_memory_limit(1) == machine);
}

static void clocks_tell_waiting_from_working(void **state)
{
    (void)state;
    double start = wgf_clock(), processor = wgf_cpu_clock();
    struct timespec nap = {0, 30000000};
    nanosleep(&nap, NULL);
    double slept = wgf_clock() - start, worked = wgf_cpu_clock() - processor;
    assert_true(slept >= 0.03 && slept < 10);
    assert_true(worked >= 0 && worked < 0.02);
    volatile double sum = 0;
    for (processor = wgf_cpu_clock(); wgf_cpu_clock() - processor < 0.02;)
        sum = sum + 1;
    assert_true(wgf_clock() - start >= slept + 0.0199);
}

struct count {
    int calls, most;
    volatile bool enough;
};

static void count_call(void *context)
{
    struct count *const count = context;
    count->enough = ++count->calls >= count->most;
}

static void a_ticker_calls_until_it_is_stopped_and_never_under_its_lock(void **state)
{
    (void)state;
    struct wgf_ticker ticker = {0};
    struct count count = {.most = 3};
    wgf_ticker_lock(&ticker); /* not started: none of these does anything */
    wgf_ticker_unlock(&ticker);
    wgf_ticker_stop(&ticker);
    wgf_ticker_start(&ticker, 1e-3, count_call, &count);
    assert_true(ticker.runs);
    while (!count.enough)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    wgf_ticker_lock(&ticker);
    const int before = count.calls;
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    assert_int_equal(count.calls, before);
    wgf_ticker_unlock(&ticker);
    wgf_ticker_stop(&ticker);
    assert_false(ticker.runs);
    const int after = count.calls;
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    assert_int_equal(count.calls, after);
}

static int handler_pipe[2];

static void handler_of_before(void)
{
    (void)!write(handler_pipe[1], "b", 1);
}

static void handler_of_after(void)
{
    (void)!write(handler_pipe[1], "a", 1);
}

static void an_end_runs_the_handlers_that_are_kept(void **state)
{
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    const int first = 1; /* an end looks for leaks, and runs them all */
#else
    const int first = 0;
#endif
    for (int kept = first; kept < 2; kept++) {
        char said[3] = "";
        int status;
        assert_int_equal(pipe(handler_pipe), 0);
        const pid_t child = fork();
        if (child == 0) {
            atexit(handler_of_before);
            wgf_process_mark_handlers();
            atexit(handler_of_after);
            if (kept)
                wgf_process_keep_handlers();
            wgf_process_end(7);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
        close(handler_pipe[1]);
        assert_int_equal(read(handler_pipe[0], said, 2), kept);
        assert_string_equal(said, kept ? "a" : "");
        close(handler_pipe[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_one_sentence),
        cmocka_unit_test(a_long_sentence_is_cut),
        cmocka_unit_test(a_sentence_is_cut_between_characters),
        cmocka_unit_test(a_sentence_is_utf8_whatever_its_parts),
        cmocka_unit_test(every_status_has_a_text),
        cmocka_unit_test(bytes_do_not_wrap),
        cmocka_unit_test(memory_comes_zeroed_or_not_at_all),
        cmocka_unit_test(an_array_grows_by_one_and_keeps_what_it_has),
        cmocka_unit_test(memory_limit_is_at_most_the_machine),
        cmocka_unit_test(memory_limit_is_at_most_the_address_space),
        cmocka_unit_test(an_end_runs_the_handlers_that_are_kept),
        cmocka_unit_test(clocks_tell_waiting_from_working),
        cmocka_unit_test(a_ticker_calls_until_it_is_stopped_and_never_under_its_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
