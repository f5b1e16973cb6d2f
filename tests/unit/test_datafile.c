/* Reading data sets and initial neurons from CSV, and what is refused whatever the format. */
#include "datafile_inputs.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

static void bad_csv(const char *text, const char *message)
{
    write_text("bad.csv", text);
    read_badly("bad.csv", &wgf_datafile_samples, WGF_EDATA, message);
}

/* All of these are the rows 1, 2.5, -3 and 4, 5, 6e2 and hash alike. */
static void test_csv_variants(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1,2.5,-3\n4,5,6e2\n",
        "1,2.5,-3\n4,5,6e2",
        "1,2.5,-3\r\n4,5,6e2\r\n",
        ("\xef\xbb\xbf"
         "1,2.5,-3\n4,5,6e2\n"),
        "\xef\xbb\xbfx,y,label\r\n1,2.5,-3\r\n4,5,6e2",
        "x,y,label\n1,2.5,-3\n4,5,6e2\n",
        "\"x\",\"y, in m\",\"a \"\"label\"\"\"\n1,2.5,-3\n4,5,6e2\n",
        "x,\"y\nin\r\nm\",z\n1,2.5,-3\n4,5,6e2\n",
        "\"1\",\"2.5\",\"-3\"\n \"4\" ,\" 5\",6e2\n",
        "1stFlrSF,-,LotArea\n1,2.5,-3\n4,5,6e2\n",
        "\"2nd\";\"-\";\"0,5\"\n1;2.5;-3\n4;5;\"6e2\"\n",
        "\"x\" \"a y\" z\n1 2.5 -3\n\"4\" \"5\" 6e2\n",
        "1,2.5,-3\r4,5,6e2\r",
        "x,y,z\r1,2.5,-3\r\r4,5,6e2",
        "x,y,z\r\r\n1,2.5,-3\r\r\n4,5,6e2\r\r\n",
        "# it's 5\" wide\n1,2.5,-3\n4,5,6e2\n\n\n \n",
        "1;2.5;-3\n4;5;6e2\n",
        "a, b;c, d;e\n1;2.5;-3\n4;5;6e2\n",
        "1\t2.5\t-3\n4\t5\t6e2\n",
        "1 2.5 -3\n4 5 6e2\n",
        "  1   2.5  -3  \n4\t5 \t  6e2\t\n",
        " 1 , 2.5 ,\t-3 \n+4,5.,+6.0E+02\n",
        "# a comment, with commas\n\n1,2.5,-3\n   \n  # another; one\n4,5,600\n\n\r\n#end",
        "\nx y z\n# between\n1 2.5 -3\n4 5 600.000\n\n\n",
    };
    const double matrix[6] = {1, 2.5, 1, 4, 5, 1}, vector[2] = {-3, 600};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_text("variant.csv", texts[i]);
        struct wgf_datafile contents;
        read_well("variant.csv", &wgf_datafile_samples, &contents);
        expect(&contents, 2, 3, matrix, vector);
        if (i > 0)
            assert_true(contents.hash == hash);
        hash = contents.hash;
        wgf_datafile_clear(&contents);
    }
}

static void test_csv_neurons_get_no_bias(void **state)
{
    (void)state;
    write_text("neurons.csv", "w1,w2,alpha\n0.5,-1,1\n2.25,3,-1\n");
    struct wgf_datafile contents;
    read_well("neurons.csv", &wgf_datafile_neurons, &contents);
    expect(&contents, 2, 2, (const double[]){0.5, -1, 2.25, 3}, (const double[]){1, -1});
    wgf_datafile_clear(&contents);
    write_text("neurons.csv", "-7,1");
    read_well("neurons.csv", &wgf_datafile_neurons, &contents);
    expect(&contents, 1, 1, &(double){-7}, &(double){1});
    wgf_datafile_clear(&contents);
}

static void test_csv_not_finite(void **state)
{
    (void)state;
    write_text("odd.csv", "nan,inf\n-inf,NaN\nInfinity,-INF\n1e999,1e-999\n");
    struct wgf_datafile contents;
    read_well("odd.csv", &wgf_datafile_neurons, &contents);
    const double *x = contents.matrix, *y = contents.vector;
    assert_int_equal(contents.rows, 4);
    assert_true(isnan(x[0]) && isnan(y[1]));
    assert_true(y[0] == INFINITY && x[1] == -INFINITY && x[2] == INFINITY && y[2] == -INFINITY);
    assert_true(x[3] == INFINITY && y[3] == 0);
    wgf_datafile_clear(&contents);
}

/* Decimals that a sloppy reader rounds to a neighbour, and the ends of the range. */
static void test_csv_correctly_rounded(void **state)
{
    (void)state;
    const double expected[8] = {
        0x1.999999999999ap-4, 9007199254740992.0, 0x1.0000000000001p+0, DBL_MAX, DBL_MIN, DBL_TRUE_MIN, -0.0,
        0x1.fffffffffffffp+62};
    write_text("exact.csv", "0.1000000000000000055511151231257827 9007199254740993\n"
                            "1.00000000000000011102230246251565404236316680908203126 1.7976931348623157e308\n"
                            "2.2250738585072014e-308 4.9406564584124654e-324\n"
                            "-0 9223372036854774784\n");
    struct wgf_datafile contents;
    read_well("exact.csv", &wgf_datafile_neurons, &contents);
    for (int i = 0; i < 4; i++) {
        assert_memory_equal(&contents.matrix[i], &expected[2 * i], sizeof(double));
        assert_memory_equal(&contents.vector[i], &expected[2 * i + 1], sizeof(double));
    }
    wgf_datafile_clear(&contents);
}

/* What printf writes with 17 digits comes back bit by bit, over many rows (so the table grows often). */
static void test_csv_round_trip(void **state)
{
    (void)state;
    enum { ROWS = 5000 };
    FILE *file = fopen("round.csv", "w");
    for (int i = 0; i < ROWS; i++)
        fprintf(file, "%.17g,%.17g,%.17g\n", sin(i) * pow(10, i % 40 - 20), cos(i), i / 7.0);
    fclose(file);
    struct wgf_datafile contents;
    read_well("round.csv", &wgf_datafile_samples, &contents);
    assert_int_equal(contents.rows, ROWS);
    for (int i = 0; i < ROWS; i++) {
        const double row[3] = {sin(i) * pow(10, i % 40 - 20), cos(i), 1}, label = i / 7.0;
        assert_memory_equal(contents.matrix + 3 * i, row, sizeof row);
        assert_memory_equal(contents.vector + i, &label, sizeof label);
    }
    wgf_datafile_clear(&contents);
}

static void test_csv_ignores_the_locale(void **state)
{
    (void)state;
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL)
        skip();
    write_text("locale.csv", "1.5,2.5\n");
    struct wgf_datafile contents;
    read_well("locale.csv", &wgf_datafile_neurons, &contents);
    setlocale(LC_NUMERIC, "C");
    expect(&contents, 1, 1, &(double){1.5}, &(double){2.5});
    wgf_datafile_clear(&contents);
}

static void test_csv_bad_cells(void **state)
{
    (void)state;
    bad_csv("1,2\n3,\n", "bad.csv:2: column 2 is empty");
    bad_csv("1,2\n,4\n", "bad.csv:2: column 1 is empty");
    bad_csv("1,,3\n", "bad.csv:1: column 2 is empty");
    bad_csv("1\t2\t3\n1\t \t3\n", "bad.csv:2: column 2 is empty");
    bad_csv("x,y\n1,2\n3,four\n", "bad.csv:3: column 2: 'four' is no number");
    bad_csv("x,y\n# one\n\n1,2\r\n3,4 5\r\n", "bad.csv:5: column 2: '4 5' is no number");
    bad_csv("1,2\nNA,4\n", "'NA' is no number");
    bad_csv("1,2\n0x10,4\n", "'0x10' is no number");
    bad_csv("1,2\n-0X1p3,4\n", "'-0X1p3' is no number");
    bad_csv("1,2\nnan(7),4\n", "'nan(7)' is no number");
    bad_csv("1,2\n1e5e,4\n", "'1e5e' is no number");
    bad_csv("1,2\n--1,4\n", "'--1' is no number");
    bad_csv("1,2\n-,4\n", "'-' is no number");
    bad_csv("1,2\n\v1,4\n", "'?1' is no number");
    bad_csv("1;2\n1,5;4\n", "'1,5' is no number; write decimals with a point");
    bad_csv("1,2\n\xe9t\xe9,4\n", "'?t?' is no number");
    bad_csv("1,2x\n3,4\n", "bad.csv:1: column 2: '2x' is no number; write decimals with a point, and names in a first");
    bad_csv("0,1,label\n3,4,5\n", "bad.csv:1: column 3: 'label' is no number");
    bad_csv("x,2,3\n3,4,5\n", "bad.csv:1: column 1: 'x' is no number");
    bad_csv("1,,z\n3,4,5\n", "bad.csv:1: column 2 is empty");
    bad_csv("x,y\nx,y\n1,2\n", "bad.csv:2: column 1: 'x' is no number");
    bad_csv("1,5;2,7\n3,5;4,5\n", "bad.csv:1: column 1: '1,5' is no number; write decimals with a point");
    bad_csv("1.5.2,2x\n3,4\n", "bad.csv:1: column 1: '1.5.2' is no number");
    bad_csv("2nd,3rd\n3,4\n", "bad.csv:1: column 1: '2nd' is no number; write decimals with a point, and names in a "
                              "first line without numbers, in quotes where they begin like one");
    bad_csv("NA,2x\n3,4\n", "bad.csv:1: column 1: 'NA' is no number");
    bad_csv("NA,NA\n3,4\n", "bad.csv:1: column 1: 'NA' is no number");
    bad_csv("x,\"a\nb\"\n\n1,2\n3,four\n", "bad.csv:5: column 2: 'four' is no number");
    bad_csv("1,\"2\"3\n", "bad.csv:1: column 2: '\"2\"3' is no number");
    bad_csv("1,\"\"\n", "bad.csv:1: column 2 is empty");
}

static void test_csv_quotes_are_closed(void **state)
{
    (void)state;
    bad_csv("x,\"y\n1,2\n3,4\n", "bad.csv:1: a quote is not closed");
    bad_csv("x,y\n1,2\n3,\"4\n5,6\n", "bad.csv:3: a quote is not closed");
    bad_csv("\"", "bad.csv:1: a quote is not closed");
    bad_csv("1,2\"\"\"", "bad.csv:1: a quote is not closed");
}

static void test_csv_headers_name_every_column(void **state)
{
    (void)state;
    bad_csv(",x,y\n0,1,2\n1,3,4\n", "bad.csv:1: column 1 has no name: it is an index, which would be read as an input; "
                                    "write the file without it (in pandas: to_csv(index=False))");
    bad_csv("\"\",x,y\n0,1,2\n", "bad.csv:1: column 1 has no name");
    bad_csv(";x;y\r0;1;2\r", "bad.csv:1: column 1 has no name");
    bad_csv(",0,1\n0,5,6\n", "bad.csv:1: column 1 is empty; every cell needs a number, without an index column");
    bad_csv("x,,y\n0,1,2\n", "bad.csv:1: column 2 has no name; name every column or none");
    bad_csv("x,y,\n0,1,\n", "bad.csv:1: column 3 has no name");
    bad_csv("x,y\n0,1,2\n", "bad.csv:2: 3 columns, but the header has 2 names; name every column");
    bad_csv("x,y,z,u\n\n0,1,2\n", "bad.csv:3: 3 columns, but the header has 4 names");
    bad_csv("petal length,width y\n0,1,2\n", "bad.csv:2: 3 columns, but the header has 2 names");
    bad_csv("1,2,\n3,4,\n", "bad.csv:1: column 3 is empty; every cell needs a number, without an index column or a "
                            "separator at the end of the line");
}

static void test_csv_ragged(void **state)
{
    (void)state;
    bad_csv("1,2,3\n4,5,6\n7,8\n", "bad.csv:3: 2 columns, but the rows above have 3");
    bad_csv("1 2\n3 4 5\n", "bad.csv:2: 3 columns, but the rows above have 2");
    bad_csv("1,2\n3,4,\n", "bad.csv:2: 3 columns, but the rows above have 2");
    bad_csv("1,2\n3\n", "bad.csv:2: 1 columns, but the rows above have 2");
}

static void test_csv_without_rows(void **state)
{
    (void)state;
    bad_csv("x,y\n", "has no rows");
    bad_csv("# only this\n\n", "has no rows");
    bad_csv("\n", "has no rows");
    bad_csv("\xef\xbb\xbf", "has no rows");
    bad_csv("1\n2\n", "bad.csv:1: one column alone");
    bad_csv("label\n1\n2\n", "bad.csv:2: one column alone");
}

static void test_csv_binary(void **state)
{
    (void)state;
    write_bytes("bad.npy", "\x93NUMPY\1\0v\0", 10);
    read_badly("bad.npy", &wgf_datafile_samples, WGF_EDATA, "neither HDF5 nor plain text");
    write_bytes("bad.csv",
                "\xff\xfe"
                "1\0,\0"
                "2\0",
                8);
    read_badly("bad.csv", &wgf_datafile_samples, WGF_EDATA, "neither HDF5 nor plain text");
}

static uint64_t hash_of(const char *text, const struct wgf_datafile_layout *layout)
{
    write_text("hash.csv", text);
    struct wgf_datafile contents;
    read_well("hash.csv", layout, &contents);
    uint64_t hash = contents.hash;
    wgf_datafile_clear(&contents);
    return hash;
}

static void test_hash_tells_contents_apart(void **state)
{
    (void)state;
    const uint64_t hashes[] = {
        hash_of("1,2,3\n4,5,6\n", &wgf_datafile_neurons),
        hash_of("1,2,3\n4,5,6\n", &wgf_datafile_samples),
        hash_of("1,2,3,4,5,6\n", &wgf_datafile_neurons),
        hash_of("1,2\n3,4\n5,6\n", &wgf_datafile_neurons),
        hash_of("1,2,3\n4,5,6.000000000000001\n", &wgf_datafile_neurons),
        hash_of("4,5,6\n1,2,3\n", &wgf_datafile_neurons),
        hash_of("1,3,2\n4,6,5\n", &wgf_datafile_neurons),
    };
    size_t count = sizeof hashes / sizeof *hashes;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(hashes[i] != hashes[j]);
}

static void test_not_regular_files(void **state)
{
    (void)state;
    read_badly("absent.csv", &wgf_datafile_samples, WGF_EDATA, "No such file");
    read_badly(".", &wgf_datafile_samples, WGF_EDATA, "it is a folder");
    read_badly("/dev/zero", &wgf_datafile_samples, WGF_EDATA, "device or pipe");
    unlink("pipe");
    assert_int_equal(mkfifo("pipe", 0600), 0);
    read_badly("pipe", &wgf_datafile_samples, WGF_EDATA, "device or pipe");
    write_text("empty.csv", "");
    read_badly("empty.csv", &wgf_datafile_samples, WGF_EDATA, "is empty");
}

static void test_clear_empties(void **state)
{
    (void)state;
    write_text("clear.csv", "1,2\n");
    struct wgf_datafile contents;
    read_well("clear.csv", &wgf_datafile_samples, &contents);
    wgf_datafile_clear(&contents);
    assert_null(contents.matrix);
    assert_int_equal(contents.rows, 0);
    wgf_datafile_clear(&contents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_variants),
        cmocka_unit_test(test_csv_neurons_get_no_bias),
        cmocka_unit_test(test_csv_not_finite),
        cmocka_unit_test(test_csv_correctly_rounded),
        cmocka_unit_test(test_csv_round_trip),
        cmocka_unit_test(test_csv_ignores_the_locale),
        cmocka_unit_test(test_csv_bad_cells),
        cmocka_unit_test(test_csv_quotes_are_closed),
        cmocka_unit_test(test_csv_headers_name_every_column),
        cmocka_unit_test(test_csv_ragged),
        cmocka_unit_test(test_csv_without_rows),
        cmocka_unit_test(test_csv_binary),
        cmocka_unit_test(test_hash_tells_contents_apart),
        cmocka_unit_test(test_not_regular_files),
        cmocka_unit_test(test_clear_empties),
    };
    return cmocka_run_group_tests_name("datafile", tests, NULL, NULL);
}
