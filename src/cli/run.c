#include "run.h"

#include "wgf/base/system.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: wgf run SPEC -o OUT.h5 [options]\n"
    "       mpirun -n RANKS wgf run SPEC -o OUT.h5 [options]\n\n"
    "Runs every job of a sweep spec into one result file. Under mpirun rank 0 hands out the jobs and\n"
    "sleeps, so use one rank more than cores. SPEC may be - for standard input.\n\n"
    "Where OUT.h5 is there already and of the same plan, what is missing in it is run: jobs that were\n"
    "never finished, and rows whose checksum is wrong. A file of another plan is refused.\n\n"
    "  -o, --output OUT.h5  the result file\n"
    "  --set K=V            override a fixed parameter; may be repeated\n"
    "  --overwrite          start anew where OUT.h5 is a result file already\n"
    "  --jobs LIST          these jobs alone: 0-9,17\n"
    "  --shard I/N          part I (from 0) of N interleaved parts alone: jobs I, I+N, I+2N, …\n"
    "  --reuse OLD.h5       copy the results that this plan and another file have in common, before any\n"
    "                       job runs; may be repeated. So a sweep is extended: edit its spec, and run it\n"
    "                       into a new file\n"
    "  --retry STATES       also run again the jobs that ended so: failed, timeout, crashed, or some of\n"
    "                       them with commas\n"
    "  --max-attempts N     try a job that was being run when N runs died in a process of its own (2)\n"
    "  --fail-fast          stop at the first job that fails\n"
    "  --time-limit TIME    stop cleanly before this time is over: 90, 90s, 55m, 1h30m, 2-12:00:00\n"
    "  --sync TIME          have results on disk, not only with the system, as often as this; 0: each\n"
    "                       before it counts as finished. What a node that loses power may lose\n"
    "  --checkpoint TIME    keep the state of long descents as often as this (60s), and when stopped, so\n"
    "                       that they go on from there; 0: never\n"
    "  --progress WHAT      auto, bar, lines or none (auto: a bar on a terminal, else lines, one in 10 s)\n"
    "  --quiet              no progress and no summary\n"
    "  --exit-file FILE     write the exit code there too: mpirun --enable-recovery, under which a worker\n"
    "                       that dies costs only its job, ends with 0 whatever it was\n"
    "  --help               this text\n\n"
    "SIGTERM, SIGINT, SIGHUP and SIGUSR1 stop cleanly: what was finished is kept, exit code 75.\n\n"
    "Exit codes: 0 every selected job has a result, a diverged one too; 1 internal or I/O error;\n"
    "2 usage or spec error, nothing written; 3 finished, but some jobs failed, timed out or crashed;\n"
    "75 stopped early: run the same command again to go on.\n";

enum {
    OUTPUT = 'o',
    HELP = 'h',
    SET = 256,
    OVERWRITE,
    FAIL_FAST,
    PROGRESS,
    QUIET,
    JOBS,
    SHARD,
    REUSE,
    RETRY,
    ATTEMPTS,
    LIMIT,
    SYNC,
    CHECKPOINT,
    EXIT_FILE
};

/* Takes one option with its value, if it has one. Returns an exit code. */
static int take_option(int opt, const char *word, struct wgf_run_options *run, const char **sets, const char **reuse)
{
    switch (opt) {
    case OUTPUT:
        run->output = word;
        return WGF_EXIT_OK;
    case SET:
        sets[run->set_count++] = word;
        return WGF_EXIT_OK;
    case OVERWRITE:
        run->overwrite = true;
        return WGF_EXIT_OK;
    case FAIL_FAST:
        run->fail_fast = true;
        return WGF_EXIT_OK;
    case QUIET:
        run->quiet = true;
        return WGF_EXIT_OK;
    case PROGRESS:
        return wgf_cli_take_progress(word, run);
    case JOBS:
        return wgf_cli_take_jobs("run", word, &run->selection);
    case SHARD:
        return wgf_cli_take_shard("run", word, &run->selection);
    case REUSE:
        reuse[run->reuse_count++] = word;
        return WGF_EXIT_OK;
    case RETRY:
        return wgf_cli_take_retry(word, run);
    case ATTEMPTS:
        return wgf_cli_take_attempts(word, run);
    case LIMIT:
        return wgf_cli_take_duration("time-limit", word, false, &run->time_limit);
    case EXIT_FILE:
        run->exit_file = word;
        return WGF_EXIT_OK;
    case SYNC:
        return wgf_cli_take_duration("sync", word, true, &run->sync);
    default:
        return wgf_cli_take_duration("checkpoint", word, true, &run->checkpoint);
    }
}

/* Reads the command line; `sets` and `reuse` have room for argc texts. -1: go on; else an exit code. */
static int read_options(int argc, char **argv, struct wgf_run_options *run, const char **sets, const char **reuse)
{
    static const struct option options[] = {{"output", required_argument, NULL, OUTPUT},
                                            {"set", required_argument, NULL, SET},
                                            {"overwrite", no_argument, NULL, OVERWRITE},
                                            {"fail-fast", no_argument, NULL, FAIL_FAST},
                                            {"progress", required_argument, NULL, PROGRESS},
                                            {"quiet", no_argument, NULL, QUIET},
                                            {"jobs", required_argument, NULL, JOBS},
                                            {"shard", required_argument, NULL, SHARD},
                                            {"reuse", required_argument, NULL, REUSE},
                                            {"retry", required_argument, NULL, RETRY},
                                            {"max-attempts", required_argument, NULL, ATTEMPTS},
                                            {"time-limit", required_argument, NULL, LIMIT},
                                            {"sync", required_argument, NULL, SYNC},
                                            {"checkpoint", required_argument, NULL, CHECKPOINT},
                                            {"exit-file", required_argument, NULL, EXIT_FILE},
                                            {"help", no_argument, NULL, HELP},
                                            {0}};
    enum { USUAL_ATTEMPTS = 2, USUAL_CHECKPOINT = 60 };
    *run = (struct wgf_run_options){.max_attempts = USUAL_ATTEMPTS, .sync = NAN, .checkpoint = USUAL_CHECKPOINT};
    int code = wgf_cli_take_progress("auto", run);
    for (int opt; !code && (opt = getopt_long(argc, argv, ":ho:", options, NULL)) != -1;) {
        if (opt == HELP)
            return fputs(usage, stdout), wgf_cli_flush();
        if (opt == '?' || opt == ':')
            return wgf_cli_bad_option("run", opt, argv, options);
        code = take_option(opt, optarg, run, sets, reuse);
    }
    if (code)
        return code;
    if (optind + 1 != argc)
        return wgf_cli_misuse("run", optind == argc ? "no SPEC" : "more than one SPEC");
    if (!run->output)
        return wgf_cli_misuse("run", "no result file: give -o OUT.h5");
    if (run->quiet)
        run->progress = WGF_PROGRESS_NONE;
    run->spec = argv[optind];
    run->sets = sets;
    run->reuse = reuse;
    return -1;
}

int wgf_cli_run(int argc, char **argv)
{
    const char *sets[argc], *reuse[argc];
    const double begun = wgf_clock();
    struct wgf_run_options options;
    struct wgf_team team;
    struct wgf_error error;
    wgf_cli_catch_signals();           /* at once: MPI takes some tenths of a second to start */
    if (wgf_team_start(&team, &error)) /* before anything can fail: a rank that ends alone would end the others */
        return wgf_cli_error(&error);
    int code = read_options(argc, argv, &options, sets, reuse);
    if (code < 0 && options.time_limit > 0)
        wgf_cli_stop_before(begun, options.time_limit);
    if (code < 0)
        code = wgf_cli_sweep(&team, &options);
    if (team.rank == 0)
        wgf_cli_write_exit_file(&options, code);
    const bool failed = code == WGF_EXIT_ERROR;
    if (team.lifeline)
        code = WGF_EXIT_OK; /* mpirun passes none on, and under Slurm it may hang after another */
    /* After a write that failed HDF5 crashes when MPI ends or the process exits: it holds a file that it cannot close. */
    if (failed)
        wgf_team_abandon(&team, code);
    wgf_team_finish(&team);
    return code;
}
