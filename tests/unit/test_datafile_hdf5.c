/* Reading data sets and initial neurons from HDF5, and that HDF5 and CSV give the same. */
#include "datafile_inputs.h"

#include <hdf5.h>
#include <stdlib.h>
#include <sys/stat.h>

static const double some_matrix[6] = {0.5, -1, 2.25, 3, -4.75, 6};
static const double some_vector[3] = {1, -1, 1};

/* A data set of `type` in the file, from doubles. */
static void put(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims, const double *values)
{
    hid_t space = H5Screate_simple(rank, dims, NULL);
    hid_t set = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(set >= 0);
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

static hid_t create_hdf5(const char *path)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

/* X or W of 3 x 2 and y or alpha of 3, stored in `type`. */
static void write_hdf5(const char *path, const char *matrix, const char *vector, hid_t type)
{
    hid_t file = create_hdf5(path);
    put(file, matrix, type, 2, (const hsize_t[]){3, 2}, some_matrix);
    put(file, vector, type, 1, (const hsize_t[]){3}, some_vector);
    H5Fclose(file);
}

static void test_hdf5_types(void **state)
{
    (void)state;
    const hid_t types[] = {H5T_NATIVE_DOUBLE, H5T_IEEE_F64BE, H5T_IEEE_F32LE};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        write_hdf5("types.h5", "X", "y", types[i]);
        struct wgf_datafile contents;
        read_well("types.h5", &wgf_datafile_samples, &contents);
        expect(&contents, 3, 2, some_matrix, some_vector);
        if (i > 0)
            assert_true(contents.hash == hash);
        hash = contents.hash;
        wgf_datafile_clear(&contents);
    }
}

static void test_hdf5_float32_keeps_its_value(void **state)
{
    (void)state;
    const double third = 1.0 / 3;
    hid_t file = create_hdf5("float32.h5");
    put(file, "W", H5T_IEEE_F32LE, 2, (const hsize_t[]){1, 1}, &third);
    put(file, "alpha", H5T_STD_I8LE, 1, (const hsize_t[]){1}, &(double){-1});
    H5Fclose(file);
    struct wgf_datafile contents;
    read_well("float32.h5", &wgf_datafile_neurons, &contents);
    expect(&contents, 1, 1, &(double){(float)third}, &(double){-1});
    wgf_datafile_clear(&contents);
}

static void test_hdf5_integers(void **state)
{
    (void)state;
    const double W[4] = {-7, 1000, 3, 0}, alpha[2] = {1, -1};
    hid_t file = create_hdf5("integers.h5");
    put(file, "W", H5T_STD_I16BE, 2, (const hsize_t[]){2, 2}, W);
    put(file, "alpha", H5T_STD_I64LE, 2, (const hsize_t[]){2, 1}, alpha);
    H5Fclose(file);
    struct wgf_datafile contents;
    read_well("integers.h5", &wgf_datafile_neurons, &contents);
    expect(&contents, 2, 2, W, alpha);
    wgf_datafile_clear(&contents);
}

static void test_hdf5_chunked_after_user_block(void **state)
{
    (void)state;
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, 1024);
    hid_t file = H5Fcreate("block.h5", H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    H5Pclose(creation);
    hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(layout, 2, (const hsize_t[]){2, 2});
    H5Pset_deflate(layout, 4);
    hid_t space = H5Screate_simple(2, (const hsize_t[]){3, 2}, NULL);
    hid_t set = H5Dcreate2(file, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    assert_true(H5Dwrite(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, some_matrix) >= 0);
    H5Dclose(set);
    H5Sclose(space);
    H5Pclose(layout);
    put(file, "y", H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){3}, some_vector);
    H5Fclose(file);
    struct wgf_datafile contents;
    read_well("block.h5", &wgf_datafile_samples, &contents);
    expect(&contents, 3, 2, some_matrix, some_vector);
    wgf_datafile_clear(&contents);
}

/* A file with X and y of these shapes; what is read of it must fail with the message. */
static void bad_shapes(int x_rank, const hsize_t *x_dims, int y_rank, const hsize_t *y_dims, const char *message)
{
    static const double zeros[64];
    hid_t file = create_hdf5("shapes.h5");
    put(file, "X", H5T_NATIVE_DOUBLE, x_rank, x_dims, zeros);
    put(file, "y", H5T_NATIVE_DOUBLE, y_rank, y_dims, zeros);
    H5Fclose(file);
    read_badly("shapes.h5", &wgf_datafile_samples, WGF_EDATA, message);
}

static void test_hdf5_wrong_shapes(void **state)
{
    (void)state;
    const hsize_t three[] = {3}, two[] = {2}, matrix[] = {3, 2}, cube[] = {3, 2, 4}, row[] = {1, 3};
    const hsize_t no_rows[] = {0, 2}, none[] = {0}, no_cols[] = {3, 0};
    bad_shapes(1, three, 1, three, "X has shape 3;");
    bad_shapes(3, cube, 1, three, "X has shape 3 x 2 x 4;");
    bad_shapes(0, NULL, 1, three, "X has no dimensions;");
    bad_shapes(2, no_rows, 1, none, "X has shape 0 x 2;");
    bad_shapes(2, no_cols, 1, three, "X has shape 3 x 0;");
    bad_shapes(2, matrix, 2, matrix, "y has shape 3 x 2;");
    bad_shapes(2, matrix, 2, row, "y has shape 1 x 3;");
    bad_shapes(2, matrix, 0, NULL, "y has no dimensions;");
    bad_shapes(2, matrix, 1, none, "X has shape 3 x 2, but y has 0 entries");
    bad_shapes(2, matrix, 1, two, "(is the matrix transposed?)");
}

static void test_hdf5_missing(void **state)
{
    (void)state;
    write_hdf5("missing.h5", "W", "alpha", H5T_NATIVE_DOUBLE);
    read_badly("missing.h5", &wgf_datafile_samples, WGF_EDATA, "no data set X in its root group; it has W, alpha");
    write_hdf5("missing.h5", "X", "label", H5T_NATIVE_DOUBLE);
    read_badly("missing.h5", &wgf_datafile_samples, WGF_EDATA, "no data set y in its root group; it has X, label");

    H5Fclose(create_hdf5("missing.h5"));
    read_badly("missing.h5", &wgf_datafile_samples, WGF_EDATA, "it has none at all");

    hid_t file = create_hdf5("missing.h5");
    hid_t group = H5Gcreate2(file, "train", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    put(group, "X", H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){3}, some_vector);
    H5Gclose(group);
    H5Fclose(file);
    read_badly("missing.h5", &wgf_datafile_samples, WGF_EDATA, "it has train/X");
}

static void test_hdf5_many_names(void **state)
{
    (void)state;
    hid_t file = create_hdf5("many.h5");
    for (int i = 0; i < 100; i++) {
        char name[32];
        snprintf(name, sizeof name, "measurement_%03d", i);
        put(file, name, H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){3}, some_vector);
    }
    H5Fclose(file);
    read_badly("many.h5", &wgf_datafile_samples, WGF_EDATA, "measurement_001, measurement_002");
    read_badly("many.h5", &wgf_datafile_samples, WGF_EDATA, ", ...");
}

static void test_hdf5_not_numbers(void **state)
{
    (void)state;
    hid_t file = create_hdf5("text.h5");
    hid_t text = H5Tcopy(H5T_C_S1), space = H5Screate_simple(2, (const hsize_t[]){1, 1}, NULL);
    hid_t set = H5Dcreate2(file, "X", text, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(set);
    H5Sclose(space);
    H5Tclose(text);
    put(file, "y", H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){1}, some_vector);
    H5Fclose(file);
    read_badly("text.h5", &wgf_datafile_samples, WGF_EDATA, "X does not hold numbers");

    file = create_hdf5("group.h5");
    H5Gclose(H5Gcreate2(file, "X", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Fclose(file);
    read_badly("group.h5", &wgf_datafile_samples, WGF_EDATA, "X is no data set");
}

/* Every length short of the whole is refused. */
static void test_hdf5_truncated(void **state)
{
    (void)state;
    write_hdf5("whole.h5", "X", "y", H5T_NATIVE_DOUBLE);
    struct stat info;
    assert_int_equal(stat("whole.h5", &info), 0);
    char *bytes = malloc((size_t)info.st_size);
    FILE *file = fopen("whole.h5", "rb");
    assert_int_equal(fread(bytes, 1, (size_t)info.st_size, file), info.st_size);
    fclose(file);
    for (off_t length = 8; length < info.st_size; length += 61) {
        write_bytes("cut.h5", bytes, (size_t)length);
        read_badly("cut.h5", &wgf_datafile_samples, WGF_EDATA, "damaged or unfinished HDF5 file: ");
    }
    free(bytes);
}

static void test_hdf5_too_large(void **state)
{
    (void)state;
    hid_t file = create_hdf5("large.h5");
    hid_t layout = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(layout, 2, (const hsize_t[]){1024, 1024});
    hid_t space = H5Screate_simple(2, (const hsize_t[]){1 << 30, 1 << 30}, NULL);
    H5Dclose(H5Dcreate2(file, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, layout, H5P_DEFAULT));
    H5Sclose(space);
    space = H5Screate_simple(1, (const hsize_t[]){1 << 30}, NULL);
    H5Pset_chunk(layout, 1, (const hsize_t[]){1024});
    H5Dclose(H5Dcreate2(file, "y", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, layout, H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(layout);
    H5Fclose(file);
    read_badly("large.h5", &wgf_datafile_samples, WGF_EMEMORY, "GiB");
}

static void test_hdf5_files_of_others_stay_open(void **state)
{
    (void)state;
    write_hdf5("other.h5", "X", "y", H5T_NATIVE_DOUBLE);
    hid_t file = H5Fopen("other.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t set = H5Dopen2(file, "X", H5P_DEFAULT);
    write_hdf5("open.h5", "X", "y", H5T_NATIVE_DOUBLE);
    struct wgf_datafile contents;
    read_well("open.h5", &wgf_datafile_samples, &contents);
    wgf_datafile_clear(&contents);
    double values[6];
    assert_true(H5Dread(set, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Fclose(file);
}

static void test_hdf5_leaves_nothing_open(void **state)
{
    (void)state;
    write_hdf5("leak.h5", "X", "other", H5T_NATIVE_DOUBLE);
    read_badly("leak.h5", &wgf_datafile_samples, WGF_EDATA, "no data set y");
    write_hdf5("leak.h5", "X", "y", H5T_NATIVE_DOUBLE);
    struct wgf_datafile contents;
    read_well("leak.h5", &wgf_datafile_samples, &contents);
    wgf_datafile_clear(&contents);
    assert_int_equal(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    H5E_auto2_t print = NULL;
    void *stream;
    H5Eget_auto2(H5E_DEFAULT, &print, &stream);
    assert_non_null(print);
}

/* X is elsewhere: behind a link to another file, at once or within a group; in a raw file; or mapped from another
 * file. */
static void test_hdf5_other_files_are_not_read(void **state)
{
    (void)state;
    const hsize_t dims[] = {3, 2};
    write_hdf5("elsewhere.h5", "X", "y", H5T_NATIVE_DOUBLE);
    write_bytes("elsewhere.raw", (const char *)some_matrix, sizeof some_matrix);
    for (int kind = 0; kind < 4; kind++) {
        hid_t file = create_hdf5("foreign.h5");
        put(file, "y", H5T_NATIVE_DOUBLE, 1, (const hsize_t[]){3}, some_vector);
        hid_t properties = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(2, dims, NULL);
        if (kind == 0)
            H5Lcreate_external("elsewhere.h5", "X", file, "X", H5P_DEFAULT, H5P_DEFAULT);
        if (kind == 1) {
            H5Lcreate_external("elsewhere.h5", "/", file, "group", H5P_DEFAULT, H5P_DEFAULT);
            H5Lcreate_soft("group/X", file, "X", H5P_DEFAULT, H5P_DEFAULT);
        }
        if (kind == 2)
            H5Pset_external(properties, "elsewhere.raw", 0, sizeof some_matrix);
        if (kind == 3)
            H5Pset_virtual(properties, space, "elsewhere.h5", "X", space);
        if (kind >= 2)
            H5Dclose(H5Dcreate2(file, "X", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, properties, H5P_DEFAULT));
        H5Sclose(space);
        H5Pclose(properties);
        H5Fclose(file);
        read_badly("foreign.h5", &wgf_datafile_samples, WGF_EDATA,
                   kind < 2 ? "X is no data set of this file" : "X is stored in other files");
    }
}

static void test_equal_contents_hash_alike(void **state)
{
    (void)state;
    const double X[4] = {0.1, 1, -2.5, 1}, y[2] = {3, 1e-300};
    hid_t file = create_hdf5("same.h5");
    put(file, "X", H5T_NATIVE_DOUBLE, 2, (const hsize_t[]){2, 2}, X);
    put(file, "y", H5T_NATIVE_DOUBLE, 2, (const hsize_t[]){2, 1}, y);
    H5Fclose(file);
    write_text("same.csv", "x;y\n0.1;3\n-2.5;1e-300\n");
    struct wgf_datafile a, b;
    read_well("same.h5", &wgf_datafile_samples, &a);
    read_well("same.csv", &wgf_datafile_samples, &b);
    expect(&a, 2, 2, X, y);
    expect(&b, 2, 2, X, y);
    assert_true(a.hash == b.hash && a.hash != 0);
    wgf_datafile_clear(&a);
    wgf_datafile_clear(&b);
}

static void test_format_is_told_from_bytes(void **state)
{
    (void)state;
    write_hdf5("hdf5.csv", "X", "y", H5T_NATIVE_DOUBLE);
    struct wgf_datafile contents;
    read_well("hdf5.csv", &wgf_datafile_samples, &contents);
    expect(&contents, 3, 2, some_matrix, some_vector);
    wgf_datafile_clear(&contents);
    write_text("text.h5", "1,2\n");
    read_well("text.h5", &wgf_datafile_neurons, &contents);
    expect(&contents, 1, 1, &(double){1}, &(double){2});
    wgf_datafile_clear(&contents);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hdf5_types),
        cmocka_unit_test(test_hdf5_float32_keeps_its_value),
        cmocka_unit_test(test_hdf5_integers),
        cmocka_unit_test(test_hdf5_chunked_after_user_block),
        cmocka_unit_test(test_hdf5_wrong_shapes),
        cmocka_unit_test(test_hdf5_missing),
        cmocka_unit_test(test_hdf5_many_names),
        cmocka_unit_test(test_hdf5_not_numbers),
        cmocka_unit_test(test_hdf5_truncated),
        cmocka_unit_test(test_hdf5_too_large),
        cmocka_unit_test(test_hdf5_files_of_others_stay_open),
        cmocka_unit_test(test_hdf5_leaves_nothing_open),
        cmocka_unit_test(test_hdf5_other_files_are_not_read),
        cmocka_unit_test(test_equal_contents_hash_alike),
        cmocka_unit_test(test_format_is_told_from_bytes),
    };
    return cmocka_run_group_tests_name("datafile_hdf5", tests, NULL, NULL);
}
