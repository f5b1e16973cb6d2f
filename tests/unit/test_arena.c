/* wgf/base/arena.h: measuring and handing out are one layout; arrays are zeroed, aligned and apart. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/base/arena.h"

#include <string.h>

enum { LINE = 64 };

struct work {
    double *numbers;
    char *letters;
    int32_t *nothing;
};

static void lay_out(struct work *work, struct wgf_arena *arena)
{
    work->numbers = wgf_arena_take(arena, 11, sizeof *work->numbers);
    work->letters = wgf_arena_take(arena, 1, sizeof *work->letters);
    work->nothing = wgf_arena_take(arena, 0, sizeof *work->nothing);
}

static void what_is_measured_is_what_is_used(void **state)
{
    (void)state;
    struct work work;
    struct wgf_arena arena = {0};
    lay_out(&work, &arena);
    assert_null(work.numbers);
    const double measured = arena.used;
    assert_true(measured == 2 * LINE + LINE);
    assert_true(wgf_arena_allocate(&arena));
    lay_out(&work, &arena);
    assert_true(arena.used == measured);
    wgf_arena_free(&arena);
    assert_null(arena.memory);
    wgf_arena_free(&arena);
}

static void arrays_are_zeroed_aligned_and_apart(void **state)
{
    (void)state;
    struct work work;
    struct wgf_arena arena = {0};
    lay_out(&work, &arena);
    assert_true(wgf_arena_allocate(&arena));
    lay_out(&work, &arena);
    assert_true((uintptr_t)work.numbers % LINE == 0 && (uintptr_t)work.letters % LINE == 0);
    for (int i = 0; i < 11; i++)
        assert_true(work.numbers[i] == 0);
    memset(work.numbers, 0xFF, 11 * sizeof *work.numbers);
    assert_true(work.letters[0] == 0);
    wgf_arena_free(&arena);
}

static void no_size_overflows(void **state)
{
    (void)state;
    struct wgf_arena arena = {0};
    wgf_arena_take(&arena, 1e300, 8);
    wgf_arena_take(&arena, 1e300, 1000000000);
    assert_false(wgf_arena_allocate(&arena));
    assert_null(arena.memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_measured_is_what_is_used),
        cmocka_unit_test(arrays_are_zeroed_aligned_and_apart),
        cmocka_unit_test(no_size_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
