/* The words of a query, variables and their cells, tables, and the rows that a query picks from a file. */
#include "result_fixture.h"

#include "wgf/query/query.h"
#include "wgf/query/table.h"

typedef wgf_status words_taker(struct wgf_query *query, char *words, struct wgf_error *error);

/* Gives the words to an empty query, or to `query`. */
static wgf_status give(words_taker *take, const char *words, struct wgf_query *query, struct wgf_error *error)
{
    static char copy[4096]; /* conditions borrow from it */
    snprintf(copy, sizeof copy, "%s", words);
    wgf_query_begin(query);
    *error = (struct wgf_error){0};
    return take(query, copy, error);
}

static void refused(words_taker *take, const char *words, const char *sentence)
{
    struct wgf_query query;
    struct wgf_error error;
    assert_int_equal(give(take, words, &query, &error), WGF_EUSAGE);
    if (!strstr(error.message, sentence))
        fail_msg("'%s': \"%s\" lacks \"%s\"", words, error.message, sentence);
}

static void names_of_conditions(void **state)
{
    static const char *const good[] = {"seed = 3", "beta != auto, objective_final = nan, init_record = last",
                                       "key = 18446744073709551615 or method = prox", "data_file = a b.csv",
                                       "job < 10 and seconds > attempts"};
    struct wgf_query query;
    struct wgf_error error;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        fine(give(wgf_query_add_conditions, good[i], &query, &error), &error);
        assert_true(query.condition_count == 1 && !query.names_status && !query.has_trace && !query.on_traces[0]);
        wgf_query_free(&query);
    }
    fine(give(wgf_query_add_conditions, "status in [failed, diverged]", &query, &error), &error);
    assert_true(query.names_status && !query.has_trace);
    wgf_query_free(&query);
    fine(give(wgf_query_add_conditions, "objective < objective_initial", &query, &error), &error);
    assert_true(query.has_trace && query.on_traces[0]);
    wgf_query_free(&query);
}

static void conditions_that_are_refused(void **state)
{
    static const char *const cases[][2] = {{"seed", "--where: 'seed' is not NAME OP VALUE"},
                                           {"seed ~ 3", "a condition is NAME OP VALUE"},
                                           {"", "is empty"},
                                           {"seed = 3,", "missing at the end"},
                                           {"sed = 3", "did you mean 'seed'?"},
                                           {"frobnicate = 3", "is not a parameter, result or trace"},
                                           {"message = x", "cannot be compared"},
                                           {"method = prxo", "did you mean 'prox'?"},
                                           {"status = finished", "status is never 'finished'"},
                                           {"method < prox", "compare it with = or !="},
                                           {"seed = ", "a number or a name is missing"},
                                           {"seed = 3x", "'3x' is not a number"},
                                           {"seed = auto", "a number, not 'auto'"},
                                           {"beta = x", "a number or auto, not 'x'"},
                                           {"key = 1.5", "a whole number"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused(wgf_query_add_conditions, cases[i][0], cases[i][1]);
}

static void names_that_are_refused(void **state)
{
    (void)state;
    refused(wgf_query_add_by, "objective", "only 'step' and 'time'");
    refused(wgf_query_add_by, "message", "makes no groups");
    refused(wgf_query_add_by, "seed,width,seed", "'seed' is given twice");
    refused(wgf_query_add_by, "gama", "did you mean 'gamma'?");
    refused(wgf_query_add_values, "method", "is not a quantity");
    refused(wgf_query_add_values, "message", "is text");
    refused(wgf_query_set_statistics, "mean,men", "did you mean");
    refused(wgf_query_set_statistics, "q101", "unknown statistic");
    refused(wgf_query_set_statistics, "q", "unknown statistic");
    refused(wgf_query_set_statistics, "q1e1", "unknown statistic");
    refused(wgf_query_set_statistics, "max,max", "given twice");
}

static void statistics_by_their_names(void **state)
{
    struct wgf_query query;
    struct wgf_error error;
    (void)state;
    fine(give(wgf_query_set_statistics, " count, q2.5 ,median,q100", &query, &error), &error);
    assert_int_equal(query.statistic_count, 4);
    assert_int_equal(query.statistics[0].statistic.kind, WGF_STATISTIC_COUNT);
    assert_int_equal(query.statistics[1].statistic.kind, WGF_STATISTIC_QUANTILE);
    assert_true(query.statistics[1].statistic.part == 0.025 && query.statistics[3].statistic.part == 1);
    assert_string_equal(query.statistics[1].name, "q2.5");
    assert_int_equal(query.statistics[2].statistic.kind, WGF_STATISTIC_MEDIAN);
}

static void a_query_is_completed(void **state)
{
    struct wgf_query query;
    struct wgf_error error;
    (void)state;
    fine(give(wgf_query_add_values, "objective,seconds", &query, &error), &error);
    fine(wgf_query_end(&query, &error), &error);
    assert_int_equal(query.by_count, 1); /* every record: groups by step */
    assert_int_equal(query.by[0], WGF_QUERY_STEP);
    assert_int_equal(query.statistic_count, 4);
    fine(give(wgf_query_add_values, "objective", &query, &error), &error);
    fine(wgf_query_set_step(&query, "last", &error), &error);
    fine(wgf_query_end(&query, &error), &error);
    assert_true(query.by_count == 0 && query.records == WGF_RECORD_LAST);
    fine(give(wgf_query_add_values, "seconds", &query, &error), &error);
    fine(wgf_query_set_step(&query, "7", &error), &error);
    assert_int_equal(wgf_query_end(&query, &error), WGF_EUSAGE);
    assert_int_equal(wgf_query_set_step(&query, "-1", &error), WGF_EUSAGE);
    wgf_query_begin(&query);
    assert_int_equal(wgf_query_end(&query, &error), WGF_EUSAGE);
}

/* A file with all rows finished: job 3 diverged and job 4 failed. */
static void fill_sheet(struct sheet *sheet)
{
    set_up(sheet, mixed);
    begin(sheet, 0, JOBS);
    for (int64_t k = 0; k < JOBS; k++) {
        struct row row = make_row(sheet, k);
        row.state = k == 3 ? WGF_JOB_DIVERGED : k == 4 ? WGF_JOB_FAILED : WGF_JOB_DONE;
        finish(sheet, k, &row);
    }
    flush(sheet, 0, JOBS);
}

/* Every column of a result file that has one cell a job or a record, by its name. */
static void variables_have_the_types_of_the_file(void **state)
{
    struct sheet sheet;
    (void)state;
    fill_sheet(&sheet);
    const char *names[256];
    int count = 0;
    for (int i = 0; i < wgf_param_count; i++)
        names[count++] = wgf_params[i].name;
#define NAME(id, column, ...) names[count++] = #column;
    WGF_RESULT_COLUMNS(NAME)
    WGF_TRACE_COLUMNS(NAME)
    for (int i = 0; i < count; i++) {
        struct wgf_variable variable;
        assert_true(wgf_variable_find(names[i], &variable));
        assert_string_equal(variable.name, names[i]);
        assert_int_equal(variable.type, wgf_store_type(sheet.reader, wgf_store_column(sheet.reader, names[i])));
        assert_int_equal(variable.is_trace, i >= wgf_param_count + WGF_RESULT_COUNT);
        assert_int_equal(variable.param != NULL, i < wgf_param_count);
    }
    tear_down(&sheet);
}

static void cells_are_those_of_the_file(void **state)
{
    struct sheet sheet;
    struct wgf_cells cells = {0};
    struct wgf_variable variable;
    struct wgf_error error = {0};
    char text[WGF_CELL_TEXT_LENGTH], expected[64];
    (void)state;
    fill_sheet(&sheet);
    assert_true(wgf_variable_find("job", &variable) && wgf_variable_is_job(&variable));
    fine(wgf_cells_open(&cells, &variable, sheet.reader, 5, &error), &error);
    fine(wgf_cells_read(&cells, 4, 5, &error), &error);
    assert_int_equal(*(const int64_t *)wgf_cells_at(&cells, 3, 0), 7);
    wgf_cells_close(&cells);
    static const char *const names[] = {"method", "save", "record_every", "gamma"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        wgf_variable_find(names[i], &variable);
        fine(wgf_cells_open(&cells, &variable, sheet.reader, JOBS, &error), &error);
        for (int pass = 0; pass < 2; pass++) /* the texts of the first block are freed by the second reading */
            fine(wgf_cells_read(&cells, 1, JOBS - 1, &error), &error);
        for (int64_t k = 1; k < JOBS; k++)
            assert_string_equal(wgf_variable_text(&variable, wgf_cells_at(&cells, k - 1, 0), WGF_NUMBER_SPEC, text),
                                value_in_job(sheet.planned.plan, k, names[i], expected));
        wgf_cells_close(&cells);
    }
    wgf_variable_find("objective", &variable);
    fine(wgf_cells_open(&cells, &variable, sheet.reader, 2, &error), &error);
    fine(wgf_cells_read(&cells, 10, 2, &error), &error);
    assert_true(*(const double *)wgf_cells_at(&cells, 1, 1) == made_up(11, WGF_TRACE_OBJECTIVE, 1));
    wgf_cells_close(&cells);
    wgf_cells_close(&cells);
    tear_down(&sheet);
}

static void holds_text(const char *name, const void *cell, enum wgf_number_style style, const char *expected)
{
    struct wgf_variable variable;
    char text[WGF_CELL_TEXT_LENGTH];
    assert_true(wgf_variable_find(name, &variable));
    assert_string_equal(wgf_variable_text(&variable, cell, style, text), expected);
}

static void texts_of_cells(void **state)
{
    const double third = 1.0 / 3, tenths = 0.3, none = NAN;
    const int64_t integer = INT64_MIN;
    const uint64_t natural = UINT64_MAX;
    const uint8_t done = WGF_JOB_DONE, damaged = 200;
    const char *const path = "a,b.csv";
    char message[WGF_MESSAGE_LENGTH], cut[WGF_MESSAGE_LENGTH];
    (void)state;
    memset(message, 'x', sizeof message); /* no NUL at its end, as in a damaged file */
    memset(cut, 'x', sizeof cut);
    cut[sizeof cut - 1] = '\0';
    holds_text("gamma", &third, WGF_NUMBER_SHORT, "0.333333");
    holds_text("gamma", &third, WGF_NUMBER_EXACT, "0.33333333333333331");
    holds_text("gamma", &third, WGF_NUMBER_PLAIN, "0.33333333333333331");
    holds_text("gamma", &tenths, WGF_NUMBER_PLAIN, "0.3");
    holds_text("gamma", &tenths, WGF_NUMBER_SPEC, "0.29999999999999999");
    holds_text("beta", &none, WGF_NUMBER_PLAIN, "auto");
    holds_text("beta", &none, WGF_NUMBER_SHORT, "auto");
    holds_text("beta", &none, WGF_NUMBER_SPEC, "auto");
    holds_text("beta", &none, WGF_NUMBER_EXACT, "nan");
    holds_text("objective_final", &none, WGF_NUMBER_SPEC, "nan");
    holds_text("seed", &integer, WGF_NUMBER_SHORT, "-9223372036854775808");
    holds_text("key", &natural, WGF_NUMBER_SHORT, "18446744073709551615");
    holds_text("status", &done, WGF_NUMBER_EXACT, "done");
    holds_text("status", &damaged, WGF_NUMBER_EXACT, "damaged");
    holds_text("data_file", &path, WGF_NUMBER_EXACT, path);
    holds_text("message", message, WGF_NUMBER_EXACT, cut);
}

/* Rows that pass the conditions, with the sum of their job numbers told by objective_final. */
static void picks(const char *conditions, int64_t count, double objective_sum)
{
    static const enum wgf_column_type none;
    char value[] = "objective_final";
    struct wgf_query query;
    struct wgf_groups *groups;
    struct wgf_error error;
    if (conditions[0])
        fine(give(wgf_query_add_conditions, conditions, &query, &error), &error);
    else
        wgf_query_begin(&query);
    fine(wgf_query_add_values(&query, value, &error), &error);
    if (query.has_trace)
        fine(wgf_query_set_step(&query, "last", &error), &error);
    fine(wgf_query_end(&query, &error), &error);
    fine(wgf_groups_create(&groups, 0, &none, 1, false, &error), &error);
    fine(wgf_query_read(&query, "x.h5", groups, &error), &error);
    const bool any = wgf_groups_count(groups) > 0;
    const struct wgf_statistic counted = {WGF_STATISTIC_COUNT, 0}, sum = {WGF_STATISTIC_SUM, 0};
    const double got_count = any ? wgf_groups_statistic(groups, 0, 0, counted) : 0;
    const double got_sum = any ? wgf_groups_statistic(groups, 0, 0, sum) : 0;
    if (got_count != (double)count || got_sum != objective_sum)
        fail_msg("'%s': %g rows, sum %g; not %g, %g", conditions, got_count, got_sum, (double)count, objective_sum);
    wgf_groups_free(groups);
    wgf_query_free(&query);
}

/* objective_final of job k is k + 1/4; jobs 0 to 5 are gd, and record_every alternates between 1 and 3. */
static void rows_that_pass_conditions(void **state)
{
    struct sheet sheet;
    (void)state;
    fill_sheet(&sheet);
    picks("", 11, 62 + 11 * 0.25);
    picks("status = failed", 1, 4.25);
    picks("status != done", 2, 7.5);
    picks("method = gd, status = done", 4, 0 + 1 + 2 + 5 + 1);
    picks("method != gd", 6, 51 + 6 * 0.25);
    picks("record_every > 2", 6, 36 + 6 * 0.25);
    picks("record_every >= 1.5, objective_final <= 3.25", 2, 4.5);
    picks("objective_final < 1.25", 1, 0.25);
    picks("objective_final = nan", 0, 0);
    picks("objective_final != nan", 11, 62 + 11 * 0.25);
    picks("method = gd and record_every > 2 or job = 11", 4, 21);
    picks("job in [1, 2, 4]", 2, 3.5);
    picks("not (objective_final < 11 or objective < 100000)", 1, 11.25);
    picks("objective > 100000", 2, 21.5); /* jobs 10 and 11, by their last record */
    tear_down(&sheet);
}

static const char *const cells_of_a_table[] = {"name", "n", "a,b", "say \"x\"", "ccc", ""};

static void print_table(struct wgf_table *table)
{
    for (int i = 0; i < 6; i++)
        wgf_table_cell(table, cells_of_a_table[i]);
}

static void tables_are_aligned_or_csv(void **state)
{
    char *text;
    size_t size;
    (void)state;
    for (int csv = 0; csv < 2; csv++) {
        struct wgf_table table = {.stream = open_memstream(&text, &size), .csv = csv, .columns = 2};
        table.measures = true;
        print_table(&table);
        table.measures = false;
        print_table(&table);
        fclose(table.stream);
        assert_string_equal(text,
                            csv ? "name,n\n\"a,b\",\"say \"\"x\"\"\"\nccc,\n" : "name  n\na,b   say \"x\"\nccc   \n");
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_conditions),         cmocka_unit_test(conditions_that_are_refused),
        cmocka_unit_test(names_that_are_refused),      cmocka_unit_test(statistics_by_their_names),
        cmocka_unit_test(a_query_is_completed),        cmocka_unit_test(variables_have_the_types_of_the_file),
        cmocka_unit_test(cells_are_those_of_the_file), cmocka_unit_test(texts_of_cells),
        cmocka_unit_test(rows_that_pass_conditions),   cmocka_unit_test(tables_are_aligned_or_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
