/* `wgf run`: options, start of MPI, exit code; and the hidden `wgf isolate` that it starts for one job. */
#include "command_run.h"

#include "cli.h"
#include "options.h"

#include "wgf/base/process.h"
#include "wgf/base/system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage[] =
    "usage: wgf run SPEC -o OUT.h5 [options]\n"
    "       mpirun -n RANKS wgf run SPEC -o OUT.h5 [options]\n\n"
    "Runs every job of a sweep spec into one result file. Under mpirun rank 0 hands out the jobs and\n"
    "sleeps, so use one rank more than cores. SPEC may be - for standard input.\n\n"
    "If OUT.h5 exists and has the same plan, the run continues it: jobs that are not finished, and rows\n"
    "whose checksum is wrong. A file of another plan is refused.\n\n"
    "  -o, --output OUT.h5  the result file\n"
    "  --set K=V            override a fixed parameter; may be repeated\n"
    "  --overwrite          replace OUT.h5 if it is a result file already\n"
    "  --jobs LIST          only these jobs: 0-9,17\n"
    "  --shard I/N          only part I (from 0) of N interleaved parts: jobs I, I+N, I+2N, …\n"
    "  --reuse OLD.h5       copy the results that this plan and another file have in common, before any\n"
    "                       job runs; may be repeated. To extend a sweep, edit its spec and run it into a\n"
    "                       new file\n"
    "  --retry STATES       also run again jobs with these states: failed, timeout, crashed, separated\n"
    "                       by commas\n"
    "  --max-attempts N     isolate a job in a process of its own once N runs died while it ran (2)\n"
    "  --fail-fast          stop at the first job that fails\n"
    "  --time-limit TIME    stop cleanly before this time is over: 90, 90s, 55m, 1h30m, 2-12:00:00\n"
    "  --sync TIME          flush results to disk this often, which bounds what a power failure loses;\n"
    "                       0: each result before it counts as finished\n"
    "  --checkpoint TIME    save the state of long descents this often (60s), and when stopped, so that\n"
    "                       they continue from there; 0: never\n"
    "  --progress WHAT      auto, bar, lines or none (auto: a bar on a terminal, else a line every 10 s)\n"
    "  --quiet              no progress, no summary, no warnings about the spec\n"
    "  --help               this text\n\n"
    "SIGTERM, SIGINT, SIGHUP and SIGUSR1 stop cleanly: what was finished is kept, exit code 75.\n\n"
    "Exit codes: 0 every selected job has a result, a diverged one too; 1 internal or I/O error;\n"
    "2 usage or spec error, nothing written; 3 finished, but some jobs failed, timed out or crashed;\n"
    "75 stopped early: run the same command again to go on.\n";

/* The words of the command line. */
struct words {
    struct wgf_words sets, reuse;
    const char *jobs, *shard, *retry, *attempts, *time_limit, *sync, *checkpoint, *progress;
};

/* Reads the words that are not taken as they are. Returns an exit code. */
static int take_words(const struct words *words, struct wgf_run_options *run, double *time_limit)
{
    int code = wgf_cli_take_progress(words->progress, run);
    if (!code && words->jobs)
        code = wgf_cli_take_jobs("run", words->jobs, &run->selection);
    if (!code && words->shard)
        code = wgf_cli_take_shard("run", words->shard, &run->selection);
    if (!code && words->retry)
        code = wgf_cli_take_retry(words->retry, run);
    if (!code && words->attempts)
        code = wgf_cli_take_attempts(words->attempts, run);
    if (!code && words->time_limit)
        code = wgf_cli_take_duration("time-limit", words->time_limit, false, time_limit);
    if (!code && words->sync)
        code = wgf_cli_take_duration("sync", words->sync, true, &run->sync);
    if (!code && words->checkpoint)
        code = wgf_cli_take_duration("checkpoint", words->checkpoint, true, &run->checkpoint);
    if (!code && !run->output)
        code = wgf_cli_misuse("run", "no result file: give -o OUT.h5");
    return code;
}

/* Reads the command line. False: the command ends with *code. */
static bool read_options(int argc, char **argv, struct words *words, struct wgf_run_options *run, double *time_limit,
                         int *code)
{
    const struct wgf_option options[] = {wgf_text_option("output", 'o', &run->output),
                                         wgf_words_option("set", &words->sets),
                                         wgf_flag_option("overwrite", &run->overwrite),
                                         wgf_text_option("jobs", 0, &words->jobs),
                                         wgf_text_option("shard", 0, &words->shard),
                                         wgf_words_option("reuse", &words->reuse),
                                         wgf_text_option("retry", 0, &words->retry),
                                         wgf_text_option("max-attempts", 0, &words->attempts),
                                         wgf_flag_option("fail-fast", &run->fail_fast),
                                         wgf_text_option("time-limit", 0, &words->time_limit),
                                         wgf_text_option("sync", 0, &words->sync),
                                         wgf_text_option("checkpoint", 0, &words->checkpoint),
                                         wgf_text_option("progress", 0, &words->progress),
                                         wgf_flag_option("quiet", &run->quiet),
                                         {0}};
    struct wgf_command_line line = {.command = "run", .usage = usage, .options = options, .operand = "SPEC"};
    if (!wgf_options_read(&line, argc, argv, code))
        return false;
    *code = take_words(words, run, time_limit);
    if (run->quiet)
        run->progress = WGF_PROGRESS_NONE;
    run->spec = line.operands[0];
    run->sets = (const char *const *)words->sets.list;
    run->set_count = words->sets.count;
    run->reuse = (const char *const *)words->reuse.list;
    run->reuse_count = words->reuse.count;
    return *code == WGF_EXIT_OK;
}

/* Runs the sweep and says how it ended: an error on the ranks that have one, everything else on rank 0. */
static int sweep(const struct wgf_team *team, const struct wgf_run_options *options)
{
    struct wgf_run_report report;
    struct wgf_error error = {0};
    const wgf_status status = wgf_run_sweep(team, options, &report, &error);
    if (team->rank == 0 && wgf_diagnostics_any(&report.diagnostics))
        wgf_diagnostics_print(&report.diagnostics, "error", options->spec, stderr);
    if (status)
        wgf_cli_error(&error);
    else if (team->rank == 0 && !options->quiet)
        wgf_cli_print_report(team, options, &report, stderr);
    const int code = wgf_cli_exit(report.outcome);
    wgf_run_report_free(&report);
    return code;
}

int wgf_cli_run(int argc, char **argv)
{
    enum { USUAL_ATTEMPTS = 2, USUAL_CHECKPOINT = 60 };
    const double begun = wgf_clock();
    struct words words = {.progress = "auto"};
    struct wgf_run_options options = {.version = wgf_cli_version,
                                      .revision = wgf_cli_revision,
                                      .max_attempts = USUAL_ATTEMPTS,
                                      .sync = NAN,
                                      .checkpoint = USUAL_CHECKPOINT,
                                      .stream = stderr};
    double time_limit = 0;
    struct wgf_team team;
    struct wgf_error error;
    int code;
    wgf_run_catch_signals();           /* at once: MPI takes some tenths of a second to start */
    if (wgf_team_start(&team, &error)) /* before anything can fail: a rank that ends by itself ends the others */
        return wgf_cli_error(&error);
    bool goes_on = read_options(argc, argv, &words, &options, &time_limit, &code);
    if (goes_on && wgf_team_is_scattered(&team) && options.selection.shards <= 1) {
        code = wgf_cli_misuse("run", "srun started several processes that no MPI joins; use mpirun");
        goes_on = false;
    }
    if (goes_on) {
        if (time_limit > 0)
            wgf_run_stop_before(begun, time_limit);
        code = sweep(&team, &options);
    }
    free(words.sets.list);
    free(words.reuse.list);
    wgf_selection_free(&options.selection);
    /* HDF5 holds a file that it cannot close after a failed write, and crashes when MPI ends. */
    if (code == WGF_EXIT_ERROR)
        wgf_process_end(code);
    wgf_team_finish(&team);
    return code;
}

int wgf_cli_isolate(int argc, char **argv)
{
    struct wgf_diagnostics diagnostics = {0};
    struct wgf_error error = {0};
    const wgf_status status = wgf_run_isolated(argc, argv, stderr, &diagnostics, &error);
    wgf_diagnostics_print(&diagnostics, "error", "spec", stderr);
    wgf_diagnostics_clear(&diagnostics);
    return status ? wgf_cli_error(&error) : WGF_EXIT_OK;
}
