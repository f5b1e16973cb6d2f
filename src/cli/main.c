/* wgf: parameter sweeps of Wasserstein gradient flows of two-layer ReLU networks. Finds the subcommand. */
#include "cli.h"

#include "wgf/base/output.h"
#include "wgf/base/process.h"
#include "wgf/flow/flow.h"
#include "wgf/model/network.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
    const char *name, *summary; /* NULL: internal, in no help and no suggestion */
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    {"plan", "validate a sweep spec and list its jobs; runs nothing", wgf_cli_plan},
    {"run", "run a sweep spec into a result file, as one process or under mpirun", wgf_cli_run},
    {"status", "how far a result file is; safe while a run is writing", wgf_cli_status},
    {"show", "the job table of a result file, or one job's trace and data", wgf_cli_show},
    {"predict", "what the networks of a result file say at new inputs", wgf_cli_predict},
    {"distance", "exact Wasserstein distances between kept states", wgf_cli_distance},
    {"learn", "the energy of a flow, learned back from its kept states", wgf_cli_learn},
    {"aggregate", "groups of jobs reduced to medians, quantiles, means: over seeds, say", wgf_cli_aggregate},
    {"merge", "one result file out of shards", wgf_cli_merge},
    {"verify", "make every finished row's checksum again, and name the rows that do not match", wgf_cli_verify},
    {"params", "the table of all parameters", wgf_cli_params},
    {"isolate", NULL, wgf_cli_isolate},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static int help(void)
{
    printf("wgf %s: sweeps of Wasserstein gradient flows of two-layer ReLU networks\n\n", wgf_cli_version);
    printf("usage: wgf COMMAND [options]\n       mpirun -n RANKS wgf run SPEC -o OUT.h5\n\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].summary)
            printf("  %-9s %s\n", commands[i].name, commands[i].summary);
    printf("\n'wgf COMMAND --help' explains each.\n"
           "exit codes: 0 all jobs have a result; 1 internal or I/O error; 2 usage or spec error;\n"
           "            3 finished, but some jobs failed or timed out; 75 stopped early\n");
    return WGF_EXIT_OK;
}

static int unknown(const char *word)
{
    const char *names[COMMAND_COUNT];
    int count = 0;
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (commands[i].summary)
            names[count++] = commands[i].name;
    const char *const nearest = wgf_nearest_name(word, names, count);
    fprintf(stderr, "wgf: error: unknown command '%s'", word);
    if (nearest)
        fprintf(stderr, "; did you mean '%s'?", nearest);
    fprintf(stderr, "; see wgf --help\n");
    return WGF_EXIT_USAGE;
}

/* An OpenBLAS older than the processor picks its slowest kernels. It reads OPENBLAS_CORETYPE only when it is loaded, so
 * this sets it and starts the program again; on failure only speed is lost. */
static void name_processor(char **argv)
{
    const char *core = wgf_blas_missed_core();
    if (core && !getenv("OPENBLAS_CORETYPE") && setenv("OPENBLAS_CORETYPE", core, 1) == 0)
        execv("/proc/self/exe", argv);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "wgf: error: no command; see wgf --help\n");
        return WGF_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("wgf %s (%s), %s\n", wgf_cli_version, wgf_cli_revision,
               wgf_flow_library() ? wgf_flow_library() : "built without SUNDIALS");
        return WGF_EXIT_OK;
    }
    /* HDF5 is not to look for plug-ins: no file of ours needs one, and where it fails to open a file, HDF5 1.14 tells
     * that the folder of plug-ins is absent in place of the system's reason. */
    setenv("HDF5_PLUGIN_PATH", "", 1);
    name_processor(argv);
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return unknown(argv[1]);
}

/* Commands print to stdout and do not ask whether it was written. Returns the exit code of one that ended with `code`:
 * an output cut short (a full disk, say) is an error. */
static int write_output(int code)
{
    errno = 0; /* an earlier failure is known by ferror alone, without its reason */
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "wgf: error: standard output cannot be written%s%s\n", errno ? ": " : "",
            errno ? strerror(errno) : "");
    return WGF_EXIT_ERROR;
}

/* Runs before all constructors: that of OpenBLAS 0.3.29 maps 128 MiB and tries for ever where it cannot. Constructors
 * before it take 13 MB with Open MPI 5. */
static void require_room(void)
{
    const char *const missing = wgf_blas_missing_room((size_t)32 << 20);
    if (missing) {
        dprintf(STDERR_FILENO, "wgf: error: %s\n", missing);
        _exit(WGF_EXIT_ERROR);
    }
}

__attribute__((section(".preinit_array"), used)) static void (*first)(void) = require_room;

int main(int argc, char **argv)
{
    wgf_output_begin();
    signal(SIGXFSZ, SIG_IGN); /* beyond the limit of file sizes a write fails, as on a full disk */
    signal(SIGPIPE, SIG_DFL); /* `wgf show | head` ends quietly, whatever the parent ignores */
    wgf_process_end(write_output(run(argc, argv)));
}
