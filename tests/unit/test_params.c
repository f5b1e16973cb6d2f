/* The table of parameters: its rows, its values as text, and which jobs read each. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>

#include "wgf/spec/params.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct wgf_param *find(const char *name)
{
    const struct wgf_param *param = wgf_param_find(name);
    assert_non_null(param);
    return param;
}

static wgf_status parse(const char *name, const char *text, union wgf_value *value)
{
    struct wgf_error error;
    return wgf_param_parse(find(name), text, false, value, &error);
}

static void assert_refused(const char *name, const char *text, bool quoted, const char *message)
{
    union wgf_value value;
    struct wgf_error error = {0};
    assert_int_equal(wgf_param_parse(find(name), text, quoted, &value, &error), WGF_EUSAGE);
    assert_string_equal(error.message, message);
}

static void the_table_is_sound(void **state)
{
    (void)state;
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        assert_ptr_equal(wgf_param_find(param->name), param);
        assert_int_equal(wgf_param_index(param), i);
        assert_true(strlen(param->meaning) > 0);
        assert_true(!param->decides || param->type == WGF_PARAM_CHOICE);
        assert_int_equal(param->type == WGF_PARAM_CHOICE, param->choices != NULL);
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(param->offset, wgf_params[j].offset);
        }
    }
    assert_null(wgf_param_find("gama"));
}

static void defaults_are_those_that_specs_rely_on(void **state)
{
    (void)state;
    struct wgf_settings settings;
    wgf_settings_default(&settings);
    assert_int_equal(settings.data.kind, WGF_DATA_RANDOM);
    assert_int_equal(settings.data.n, 70);
    assert_int_equal(settings.data.d, 2);
    assert_string_equal(settings.data.file, "");
    assert_int_equal(settings.init.width, 1000);
    assert_true(settings.init.scale == 1e-3);
    assert_int_equal(settings.init.seed, 1);
    assert_int_equal(settings.network.loss, WGF_LOSS_MSE);
    assert_int_equal(settings.method, WGF_METHOD_GD);
    assert_true(settings.gamma == 0.1);
    assert_true(isnan(settings.beta));
    assert_true(isnan(settings.epsilon));
    assert_int_equal(settings.dykstra_steps, 1000);
    assert_int_equal(settings.save, WGF_SAVE_NONE);
}

static void fields_are_set_and_got(void **state)
{
    (void)state;
    struct wgf_settings settings;
    wgf_settings_default(&settings);
    wgf_param_set(find("seed"), &settings, (union wgf_value){.integer = 7});
    wgf_param_set(find("noise"), &settings, (union wgf_value){.real = 0.5});
    wgf_param_set(find("signs"), &settings, (union wgf_value){.choice = WGF_SIGNS_POSITIVE});
    wgf_param_set(find("init_file"), &settings, (union wgf_value){.text = "w.h5"});
    assert_int_equal(settings.init.seed, 7);
    assert_true(settings.data.noise == 0.5);
    assert_int_equal(settings.init.signs, WGF_SIGNS_POSITIVE);
    assert_string_equal(settings.init.file, "w.h5");
    assert_int_equal(wgf_param_get(find("seed"), &settings).integer, 7);
    assert_true(wgf_param_get(find("noise"), &settings).real == 0.5);
    assert_int_equal(wgf_param_get(find("signs"), &settings).choice, WGF_SIGNS_POSITIVE);
    assert_string_equal(wgf_param_get(find("init_file"), &settings).text, "w.h5");
}

static void integers_are_whole_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"5", 5},        {"+5", 5},      {"007", 7},
                {"1e5", 100000}, {"12E+1", 120}, {"9007199254740992", INT64_C(1) << 53},
                {"0e999", 0},    {"-0", 0}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        union wgf_value value;
        assert_int_equal(parse("steps", good[i].text, &value), WGF_OK);
        assert_int_equal(value.integer, good[i].value);
    }
    static const char *const bad[] = {"1.5", "1.0", "10e-1", "x",   "0x10", "1_000", " 1", "1 ",
                                      "--1", "1e",  "e5",    "inf", "nan",  "-",     "5.", "９"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[128];
        snprintf(message, sizeof message, "steps: use a whole number, not '%s'", bad[i]);
        assert_refused("steps", bad[i], false, message);
    }
    assert_refused("steps", "9007199254740993", false,
                   "steps: 9007199254740993 is out of range; use a whole number from 0 to 2^53");
    assert_refused("anderson", "101", false, "anderson: 101 is out of range; use a whole number from 0 to 100");
    assert_refused("width", "0", false, "width: 0 is out of range; use a whole number from 1 to 2^53");
    assert_refused("width", "1e999999999999", false,
                   "width: 1e999999999999 is out of range; use a whole number from 1 to 2^53");
}

static void floats_are_plain_decimals(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0.1", 0.1},       {"1.0e-3", 1e-3}, {"1e-3", 1e-3}, {"2", 2},     {"+0.5E+2", 50},
                {"5e-324", 5e-324}, {".5", 0.5},      {"5.", 5},      {"+.5e1", 5}, {"1.e-3", 1e-3}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        union wgf_value value;
        assert_int_equal(parse("gamma", good[i].text, &value), WGF_OK);
        assert_true(value.real == good[i].value);
    }
    static const char *const bad[] = {".",   "+.",   ".e1",   "1.e", ".5.", "1e",   "nan",
                                      "inf", ".inf", "0x1p3", "1_0", "1,5", "1e5x", "auto"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[128];
        snprintf(message, sizeof message, "gamma: use a number, not '%s'", bad[i]);
        assert_refused("gamma", bad[i], false, message);
    }
    assert_refused("gamma", "1e999", false, "gamma: 1e999 is out of range; use a number above 0");
    assert_refused("noise", "1e-999", false, "noise: 1e-999 is too small and would become 0; use at least 4.95e-324");
    assert_refused("init_scale", "2e-324", false,
                   "init_scale: 2e-324 is too small and would become 0; use at least 4.95e-324");
    assert_refused("gamma", "0", false, "gamma: 0 is out of range; use a number above 0");
    assert_refused("gamma", "0.1", true, "gamma: a number in quotes is text; remove the quotes");
    assert_refused("gamma", "", false, "gamma has no value; give it one or remove it");
    assert_refused("gamma", "~", false, "gamma has no value; give it one or remove it");
}

static void negative_zero_is_zero(void **state)
{
    (void)state;
    union wgf_value value;
    assert_int_equal(parse("noise", "-0.0e0", &value), WGF_OK);
    assert_true(value.real == 0 && !signbit(value.real));
}

static void auto_is_a_value_where_it_may_be(void **state)
{
    (void)state;
    union wgf_value value;
    assert_int_equal(parse("beta", "auto", &value), WGF_OK);
    assert_true(isnan(value.real));
    assert_true(wgf_value_equal(find("beta"), value, value));
    assert_false(wgf_value_equal(find("beta"), value, (union wgf_value){.real = 1}));
    assert_int_equal(wgf_param_check(find("beta"), value, NULL), WGF_OK);
    assert_int_equal(wgf_param_check(find("gamma"), value, NULL), WGF_EUSAGE);
    assert_refused("beta", "0", false, "beta: 0 is out of range; use a number above 0 or auto");
}

static void choices_are_words(void **state)
{
    (void)state;
    union wgf_value value;
    assert_int_equal(parse("method", "prox", &value), WGF_OK);
    assert_int_equal(value.choice, WGF_METHOD_PROX);
    assert_int_equal(wgf_param_parse(find("method"), "prox", true, &value, NULL), WGF_OK);
    assert_refused("method", "pox", false,
                   "method: use gd, prox, jko, flow, wfr or pde, not 'pox'; did you mean 'prox'?");
    assert_refused("method", "adam", false, "method: use gd, prox, jko, flow, wfr or pde, not 'adam'");
}

static void paths_are_texts(void **state)
{
    (void)state;
    union wgf_value value;
    assert_int_equal(parse("data_file", "a b.h5", &value), WGF_OK);
    assert_string_equal(value.text, "a b.h5");
    assert_int_equal(wgf_param_parse(find("data_file"), "", true, &value, NULL), WGF_OK);
    assert_string_equal(value.text, "");
    assert_refused("data_file", "null", false, "data_file has no value; give it one or remove it");
}

static void values_survive_being_written(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text;
    } values[] = {{"gamma", "0.10000000000000001"},
                  {"gamma", "1.7976931348623157e+308"},
                  {"gamma", "4.9406564584124654e-324"},
                  {"beta", "auto"},
                  {"seed", "9007199254740992"},
                  {"loss", "half_mse"},
                  {"test_file", "x.csv"}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        union wgf_value value;
        char text[64];
        assert_int_equal(parse(values[i].name, values[i].text, &value), WGF_OK);
        assert_int_equal(wgf_value_format(find(values[i].name), value, text, sizeof text), strlen(values[i].text));
        assert_string_equal(text, values[i].text);
    }
}

/* What a job is, as far as it decides what is read. */
struct job {
    int data, init, method, metric, solver;
};

static bool reads(struct job job, const char *name)
{
    struct wgf_settings settings;
    wgf_settings_default(&settings);
    settings.data.kind = job.data;
    settings.init.kind = job.init;
    settings.method = job.method;
    settings.metric = job.metric;
    settings.solver = job.solver;
    return wgf_param_is_read(find(name), &settings);
}

static void jobs_read_what_their_choices_need(void **state)
{
    (void)state;
    const struct job gd = {.method = WGF_METHOD_GD}, prox = {.method = WGF_METHOD_PROX};
    const struct job sliced = {.method = WGF_METHOD_PROX, .metric = WGF_METRIC_SLICED, .init = WGF_INIT_GRID};
    const struct job jko = {.method = WGF_METHOD_JKO, .init = WGF_INIT_GRID, .data = WGF_DATA_SINUS};
    const struct job dykstra = {.method = WGF_METHOD_JKO, .solver = WGF_SOLVER_DYKSTRA, .metric = WGF_METRIC_SLICED};
    const struct job files = {.data = WGF_DATA_FILE, .init = WGF_INIT_FILE};
    const struct job linear = {.data = WGF_DATA_LINEAR}, flow = {.method = WGF_METHOD_FLOW};
    const struct {
        const char *name;
        bool gd, prox, sliced, jko, dykstra, files, linear, flow;
    } table[] = {
        {"scaling", 1, 0, 0, 0, 0, 1, 1, 0},        {"metric", 0, 1, 1, 0, 0, 0, 0, 0},
        {"beta", 0, 1, 1, 0, 0, 0, 0, 0},           {"inner", 0, 1, 1, 0, 0, 0, 0, 0},
        {"inner_steps", 0, 1, 1, 0, 0, 0, 0, 0},    {"inner_tol", 0, 1, 1, 0, 0, 0, 0, 0},
        {"record_inner", 0, 1, 1, 1, 1, 0, 0, 0},   {"projections", 0, 0, 1, 0, 0, 0, 0, 0},
        {"width", 1, 1, 1, 0, 0, 1, 1, 1},          {"output", 1, 1, 1, 0, 0, 1, 1, 1},
        {"layers", 1, 1, 1, 1, 1, 1, 1, 1},         {"weight_decay", 1, 1, 1, 0, 0, 1, 1, 1},
        {"kernel", 1, 1, 1, 0, 0, 1, 1, 0},         {"grid", 0, 0, 0, 1, 1, 0, 0, 0},
        {"grid_radius", 0, 0, 0, 1, 1, 0, 0, 0},    {"grid2", 0, 0, 0, 1, 1, 0, 0, 0},
        {"grid2_radius", 0, 0, 0, 1, 1, 0, 0, 0},   {"epsilon", 0, 0, 0, 1, 1, 0, 0, 0},
        {"solver", 0, 0, 0, 1, 1, 0, 0, 0},         {"newton_tol", 0, 0, 0, 1, 0, 0, 0, 0},
        {"dykstra_steps", 0, 0, 0, 0, 1, 0, 0, 0},  {"dykstra_tol", 0, 0, 0, 0, 1, 0, 0, 0},
        {"anderson", 0, 0, 0, 0, 1, 0, 0, 0},       {"sampling", 1, 1, 1, 0, 1, 0, 1, 1},
        {"data_seed", 1, 1, 1, 0, 1, 0, 1, 1},      {"noise", 0, 0, 0, 1, 0, 0, 1, 0},
        {"seed", 1, 1, 1, 0, 0, 0, 1, 1},           {"init_scale", 1, 1, 1, 0, 1, 0, 1, 1},
        {"data_file", 0, 0, 0, 0, 0, 1, 0, 0},      {"init_file", 0, 0, 0, 0, 0, 1, 0, 0},
        {"init_job", 0, 0, 0, 0, 0, 1, 0, 0},       {"init_record", 0, 0, 0, 0, 0, 1, 0, 0},
        {"signs", 1, 1, 1, 1, 1, 0, 1, 1},          {"flow_solver", 0, 0, 0, 0, 0, 0, 0, 1},
        {"origin", 0, 0, 0, 0, 0, 0, 0, 1},         {"rtol", 0, 0, 0, 0, 0, 0, 0, 0},
        {"atol", 0, 0, 0, 0, 0, 0, 0, 0},           {"label", 0, 0, 0, 0, 0, 1, 0, 0},
        {"inputs", 0, 0, 0, 0, 0, 1, 0, 0},         {"standardize", 0, 0, 0, 0, 0, 1, 0, 0},
        {"test_fraction", 0, 0, 0, 0, 0, 1, 0, 0},  {"split_seed", 0, 0, 0, 0, 0, 1, 0, 0},
        {"huber_delta", 0, 0, 0, 0, 0, 0, 0, 0},    {"inner_momentum", 0, 0, 0, 0, 0, 0, 0, 0},
        {"adam_beta1", 0, 0, 0, 0, 0, 0, 0, 0},     {"adam_beta2", 0, 0, 0, 0, 0, 0, 0, 0},
        {"adam_eps", 0, 0, 0, 0, 0, 0, 0, 0},       {"inner_memory", 0, 0, 0, 0, 0, 0, 0, 0},
        {"beta_decay", 0, 1, 1, 0, 0, 0, 0, 0},     {"parametrisation", 1, 1, 1, 0, 0, 1, 1, 1},
        {"reference_file", 0, 0, 0, 0, 0, 0, 0, 0}, {"reference_job", 0, 0, 0, 0, 0, 0, 0, 0},
        {"transport_p", 0, 0, 0, 0, 0, 0, 0, 0},    {"cells", 0, 0, 0, 0, 0, 0, 0, 0},
        {"total_mass", 0, 0, 0, 0, 0, 0, 0, 0},     {"direction_tol", 1, 1, 1, 0, 0, 1, 1, 1},
        {"moving_tol", 1, 1, 1, 0, 0, 1, 1, 1},     {"anneal", 1, 0, 0, 1, 1, 1, 1, 0},
        {"start", 0, 0, 0, 1, 1, 0, 0, 0},          {"start_file", 0, 0, 0, 0, 0, 0, 0, 0},
        {"arc_start", 0, 0, 0, 0, 0, 0, 0, 0},      {"arc_width", 0, 0, 0, 0, 0, 0, 0, 0},
        {"init_alpha", 1, 1, 1, 0, 0, 0, 1, 1},     {"bias", 1, 1, 1, 1, 1, 1, 1, 1},
        {"sinus_range", 0, 0, 0, 1, 0, 0, 0, 0},    {"sinus_frequency", 0, 0, 0, 1, 0, 0, 0, 0},
        {"teacher_width", 0, 0, 0, 0, 0, 0, 0, 0},  {"teacher_seed", 0, 0, 0, 0, 0, 0, 0, 0},
        {"sliced_scale", 0, 0, 1, 0, 0, 0, 0, 0},   {"grid_grading", 0, 0, 0, 1, 1, 0, 0, 0},
        {"sinkhorn_tol", 0, 0, 0, 0, 0, 0, 0, 0},
    };
    int listed = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++, listed++) {
        assert_int_equal(reads(gd, table[i].name), table[i].gd);
        assert_int_equal(reads(prox, table[i].name), table[i].prox);
        assert_int_equal(reads(sliced, table[i].name), table[i].sliced);
        assert_int_equal(reads(jko, table[i].name), table[i].jko);
        assert_int_equal(reads(dykstra, table[i].name), table[i].dykstra);
        assert_int_equal(reads(files, table[i].name), table[i].files);
        assert_int_equal(reads(linear, table[i].name), table[i].linear);
        assert_int_equal(reads(flow, table[i].name), table[i].flow);
    }
    for (int i = 0; i < wgf_param_count; i++) {
        listed -= wgf_params[i].is_read != NULL;
    }
    assert_int_equal(listed, 0); /* the rest is read by all */
}

/* Which parameters are read, as a string of 0 and 1. */
static void write_reads(const struct wgf_settings *settings, char *reads_text)
{
    for (int i = 0; i < wgf_param_count; i++) {
        reads_text[i] = wgf_param_is_read(&wgf_params[i], settings) ? '1' : '0';
    }
    reads_text[wgf_param_count] = '\0';
}

static int count_choices(const struct wgf_param *param)
{
    int count = 0;
    while (param->choices && param->choices[count])
        count++;
    return count;
}

/* Defaults, with every choice drawn. */
static void draw_choices(struct wgf_settings *settings)
{
    wgf_settings_default(settings);
    for (int i = 0; i < wgf_param_count; i++)
        if (wgf_params[i].choices)
            wgf_param_set(&wgf_params[i], settings,
                          (union wgf_value){.choice = rand() % count_choices(&wgf_params[i])});
        else if (wgf_params[i].wakes)
            wgf_param_set(&wgf_params[i], settings, (union wgf_value){.real = rand() % 2});
}

/* Of all that a row may look at in order to know whether a job reads its parameter, exactly the rows marked so decide.
 * */
static void rows_that_decide_say_so(void **state)
{
    (void)state;
    for (int i = 0; i < wgf_param_count; i++) {
        const struct wgf_param *param = &wgf_params[i];
        bool decides = false;
        srand(1);
        for (int trial = 0; trial < 2000; trial++) {
            struct wgf_settings settings;
            char before[128], after[128];
            draw_choices(&settings);
            write_reads(&settings, before);
            if (param->choices)
                wgf_param_set(param, &settings, (union wgf_value){.choice = rand() % count_choices(param)});
            else if (wgf_param_is_text(param))
                wgf_param_set(param, &settings, (union wgf_value){.text = "x"});
            else if (param->type == WGF_PARAM_INT)
                wgf_param_set(param, &settings, (union wgf_value){.integer = rand() % 4});
            else
                wgf_param_set(param, &settings, (union wgf_value){.real = rand() % 4});
            write_reads(&settings, after);
            decides = decides || strcmp(before, after) != 0;
        }
        if (decides != (param->decides || param->wakes))
            fail_msg("%s decides what jobs read: %d, but its row says %d", param->name, decides,
                     param->decides || param->wakes);
    }
}

/* Does a text as "method: prox; metric: sliced, wasserstein" let a job that reads the decider, with this choice, read?
 */
static bool lets(const char *text, const struct wgf_param *decider, int choice)
{
    char copy[WGF_READERS_LENGTH], *rest = copy, name[64], word[64];
    snprintf(copy, sizeof copy, "%s", text);
    snprintf(name, sizeof name, "%s: ", decider->name);
    snprintf(word, sizeof word, " %s,", decider->choices[choice]);
    for (char *part = strtok_r(copy, ";", &rest); part; part = strtok_r(NULL, ";", &rest)) {
        char list[WGF_READERS_LENGTH + 2];
        part += *part == ' ';
        snprintf(list, sizeof list, "%s,", part + strlen(decider->name) + 1);
        if (strncmp(part, name, strlen(name)) == 0)
            return strstr(list, word) != NULL;
    }
    return true;
}

static bool is_any(const bool choices[16])
{
    for (int c = 0; c < 16; c++)
        if (choices[c])
            return true;
    return false;
}

/* Against choices at random: what a job reads its text lets, and each choice that is let is one of such a job. */
static void readers_are_those_that_read(void **state)
{
    (void)state;
    static bool seen[WGF_MOST_PARAMS][WGF_MOST_PARAMS][16];
    static char texts[WGF_MOST_PARAMS][WGF_READERS_LENGTH];
    wgf_params_readers(texts);
    srand(2);
    for (int trial = 0; trial < 100000; trial++) {
        struct wgf_settings settings;
        draw_choices(&settings);
        for (int i = 0; i < wgf_param_count; i++) {
            const bool read = wgf_param_is_read(&wgf_params[i], &settings);
            for (int p = 0; read && p < wgf_param_count; p++)
                if (wgf_params[p].decides && wgf_param_is_read(&wgf_params[p], &settings))
                    seen[i][p][wgf_param_get(&wgf_params[p], &settings).choice] = true;
        }
    }
    for (int i = 0; i < wgf_param_count; i++)
        for (int p = 0; p < wgf_param_count; p++)
            for (int c = 0; wgf_params[p].decides && wgf_params[p].choices[c]; c++)
                if (is_any(seen[i][p]) && lets(texts[i], &wgf_params[p], c) != seen[i][p][c])
                    fail_msg("%s with %s: %s: read %d, but its text is '%s'", wgf_params[i].name, wgf_params[p].name,
                             wgf_params[p].choices[c], seen[i][p][c], texts[i]);
}

static void nearest_names_are_near(void **state)
{
    (void)state;
    assert_string_equal(wgf_param_nearest("gama"), "gamma");
    assert_string_equal(wgf_param_nearest("gmama"), "gamma");
    assert_string_equal(wgf_param_nearest("Width"), "width");
    assert_string_equal(wgf_param_nearest("weight-decay"), "weight_decay");
    assert_string_equal(wgf_param_nearest("recordevery"), "record_every");
    assert_null(wgf_param_nearest("learning_rate"));
    assert_null(wgf_param_nearest("x"));
    assert_null(wgf_param_nearest(""));
    char huge[5000];
    memset(huge, 'g', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    assert_null(wgf_param_nearest(huge));
}

static char *printed(bool markdown)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    wgf_params_print(out, markdown);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void the_printed_table_has_every_row(void **state)
{
    (void)state;
    char *people = printed(false), *markdown = printed(true);
    for (int i = 0; i < wgf_param_count; i++) {
        char row[64];
        snprintf(row, sizeof row, "\n%s ", wgf_params[i].name);
        assert_non_null(strstr(people, row));
        snprintf(row, sizeof row, "\n| `%s` | ", wgf_params[i].name);
        assert_non_null(strstr(markdown, row));
    }
    assert_non_null(strstr(markdown, "| `dykstra_tol` | float (1e-6) | > 0 | method: jko; solver: dykstra |"));
    assert_non_null(strstr(markdown, "| `method` | gd, prox, jko, flow, wfr, pde (gd) |  | all |"));
    for (char *line = strtok(people, "\n"); line; line = strtok(NULL, "\n")) {
        assert_true(strlen(line) <= 100);
        assert_true(line[strlen(line) - 1] != ' ');
    }
    free(people);
    free(markdown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sound),
        cmocka_unit_test(defaults_are_those_that_specs_rely_on),
        cmocka_unit_test(fields_are_set_and_got),
        cmocka_unit_test(integers_are_whole_decimals),
        cmocka_unit_test(floats_are_plain_decimals),
        cmocka_unit_test(negative_zero_is_zero),
        cmocka_unit_test(auto_is_a_value_where_it_may_be),
        cmocka_unit_test(choices_are_words),
        cmocka_unit_test(paths_are_texts),
        cmocka_unit_test(values_survive_being_written),
        cmocka_unit_test(jobs_read_what_their_choices_need),
        cmocka_unit_test(rows_that_decide_say_so),
        cmocka_unit_test(readers_are_those_that_read),
        cmocka_unit_test(nearest_names_are_near),
        cmocka_unit_test(the_printed_table_has_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
