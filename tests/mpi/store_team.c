/* Ranks of a team write interleaved rows of one file, each on its own; rank 0 then reads all of them back alone.
 * Usage: mpirun -n N store_team FILE. Prints the mean cost of a small write, and exits 1 with a sentence if a row is
 * wrong, the file has grown, or a file that is no good does not fail on every rank. */
#include "wgf/store/store.h"

#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOBS = 3001, RECORDS = 5, LETTERS = 24 };

static const struct wgf_column columns[] = {
    {"method", WGF_COLUMN_TEXT, WGF_SHAPE_JOB, WGF_LIFE_CREATED, NULL, NULL, NULL, NULL},
    {"status", WGF_COLUMN_UINT8, WGF_SHAPE_JOB, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
    {"rank", WGF_COLUMN_INT64, WGF_SHAPE_JOB, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
    {"objective", WGF_COLUMN_FLOAT64, WGF_SHAPE_RECORD, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
    {"mass", WGF_COLUMN_FLOAT64, WGF_SHAPE_RECORD, WGF_LIFE_EMPTY, NULL, NULL, NULL, NULL},
    {"message", WGF_COLUMN_CHARS, WGF_SHAPE_MESSAGE, WGF_LIFE_WRITTEN, NULL, NULL, NULL, NULL},
};
static const struct wgf_columns known = {columns, sizeof columns / sizeof *columns};
static const struct wgf_attribute attributes[] = {{.name = "wgf_version", .text = "test"},
                                                  {.name = "schema", .number = 1}};

/* Ends all ranks: they need not be able to go on. */
static void require(bool truth, const char *sentence)
{
    if (truth)
        return;
    fprintf(stderr, "store_team: %s\n", sentence);
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static void fill(void *context, int column, int64_t first, int64_t count, void *buffer)
{
    (void)context, (void)column, (void)first;
    for (int64_t i = 0; i < count; i++)
        ((const char **)buffer)[i] = "gd";
}

static void create(const char *path)
{
    struct wgf_store_schema schema = {.extent = {.jobs = JOBS, .records = RECORDS, .message_length = LETTERS},
                                      .column_count = (int)(sizeof columns / sizeof *columns),
                                      .attribute_count = (int)(sizeof attributes / sizeof *attributes),
                                      .columns = columns,
                                      .attributes = attributes};
    struct wgf_error error = {0};
    require(wgf_store_create(path, &schema, fill, NULL, &(struct wgf_store_making){.replace = true}, &error) == WGF_OK,
            error.message);
}

static bool is_written(int64_t job)
{
    return job % 10 != 9; /* a tenth stays pending */
}

static void write_job(struct wgf_store *store, int64_t job, int rank)
{
    struct wgf_error error = {0};
    double trace[RECORDS];
    char message[LETTERS] = {0};
    int64_t writer = rank;
    uint8_t done = 2;
    for (int r = 0; r < RECORDS; r++)
        trace[r] = (double)job + 0.125 * r;
    snprintf(message, sizeof message, "job %d", (int)job);
    require(!wgf_store_write(store, wgf_store_column(store, "objective"), job, 1, trace, &error) &&
                !wgf_store_write(store, wgf_store_column(store, "message"), job, 1, message, &error) &&
                !wgf_store_write(store, wgf_store_column(store, "rank"), job, 1, &writer, &error) &&
                !wgf_store_write(store, wgf_store_column(store, "status"), job, 1, &done, &error),
            error.message);
}

/* Seconds a write. */
static double write_rows(const char *path, int rank, int ranks)
{
    struct wgf_store *store = NULL;
    struct wgf_error error = {0};
    require(!wgf_store_open(&store, path, WGF_STORE_WRITE_TEAM, &known, &error), error.message);
    double start = MPI_Wtime();
    int64_t writes = 0;
    for (int64_t job = rank; job < JOBS; job += ranks)
        if (is_written(job)) {
            write_job(store, job, rank);
            writes += 4;
        }
    double seconds = MPI_Wtime() - start, mass[RECORDS];
    require(!wgf_store_read(store, wgf_store_column(store, "mass"), rank, 1, mass, &error) && isnan(mass[0]),
            "an empty column does not read NaN");
    require(!wgf_store_sync(store, &error), error.message);
    require(!wgf_store_close(store, &error), error.message);
    return seconds / (double)writes;
}

static void check_job(struct wgf_store *store, int64_t job, int ranks)
{
    double trace[RECORDS];
    char message[LETTERS], expected[LETTERS] = {0}, *method;
    int64_t writer;
    uint8_t status;
    bool written = is_written(job);
    struct wgf_error error = {0};
    require(!wgf_store_read(store, wgf_store_column(store, "objective"), job, 1, trace, &error) &&
                !wgf_store_read(store, wgf_store_column(store, "message"), job, 1, message, &error) &&
                !wgf_store_read(store, wgf_store_column(store, "rank"), job, 1, &writer, &error) &&
                !wgf_store_read(store, wgf_store_column(store, "status"), job, 1, &status, &error) &&
                !wgf_store_read(store, wgf_store_column(store, "method"), job, 1, &method, &error),
            error.message);
    if (written)
        snprintf(expected, sizeof expected, "job %d", (int)job);
    for (int r = 0; r < RECORDS; r++)
        require(written ? trace[r] == (double)job + 0.125 * r : isnan(trace[r]), "a trace is wrong");
    require(memcmp(message, expected, LETTERS) == 0, "a message is wrong");
    require(writer == (written ? job % ranks : 0), "a rank is wrong");
    require(status == (written ? 2 : 0), "a status is wrong");
    require(strcmp(method, "gd") == 0, "a text is wrong");
    free(method);
}

static void check_rows(const char *path, int ranks)
{
    struct wgf_store *store = NULL;
    struct wgf_error error = {0};
    require(!wgf_store_open(&store, path, WGF_STORE_READ, &known, &error), error.message);
    for (int64_t job = 0; job < JOBS; job++)
        check_job(store, job, ranks);
    require(!wgf_store_close(store, &error), error.message);
}

int main(int argc, char **argv)
{
    int rank, ranks, lock = -1;
    struct stat before = {0}, after = {0};
    struct wgf_store *none = NULL;
    struct wgf_error error = {0};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    require(argc == 2, "usage: store_team FILE");
    if (rank == 0) {
        create(argv[1]);
        stat(argv[1], &before);
        lock = wgf_store_lock(argv[1]);
        require(lock >= 0, "cannot lock the file");
    }
    MPI_Barrier(MPI_COMM_WORLD);
    double seconds = write_rows(argv[1], rank, ranks);
    require(wgf_store_open(&none, "nonesuch.h5", WGF_STORE_WRITE_TEAM, &known, &error) == WGF_EIO && !none &&
                strstr(error.message, "nonesuch.h5"),
            "a missing file does not fail on every rank");
    if (rank == 0) {
        stat(argv[1], &after);
        require(before.st_size == after.st_size, "writing has changed the size of the file");
        check_rows(argv[1], ranks);
        close(lock);
        printf("store_team: %d ranks, %.1f us a write\n", ranks, 1e6 * seconds);
    }
    MPI_Finalize();
    return 0;
}
