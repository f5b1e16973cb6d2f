#include "run.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: wgf run SPEC -o OUT.h5 [options]\n"
    "       mpirun -n RANKS wgf run SPEC -o OUT.h5 [options]\n\n"
    "Runs every job of a sweep spec into one result file. Under mpirun rank 0 hands out the jobs and\n"
    "sleeps, so use one rank more than cores. SPEC may be - for standard input.\n\n"
    "  -o, --output OUT.h5  the result file\n"
    "  --set K=V            override a fixed parameter; may be repeated\n"
    "  --overwrite          start anew where OUT.h5 is a result file already\n"
    "  --fail-fast          stop at the first job that fails\n"
    "  --progress WHAT      auto, bar, lines or none (auto: a bar on a terminal, else lines, one in 10 s)\n"
    "  --quiet              no progress and no summary\n"
    "  --help               this text\n\n"
    "SIGTERM, SIGINT, SIGHUP and SIGUSR1 stop cleanly: what was finished is kept, exit code 75.\n";

/* Options of the contract that this version does not have yet: told from typing errors. */
static const char *const later[] = {"jobs",  "shard", "reuse",        "time-limit",
                                    "retry", "sync",  "max-attempts", "checkpoint"};

static int bad_option(int opt, char **argv, const struct option *options)
{
    const char *word = argv[optind - 1];
    for (size_t i = 0; opt == '?' && i < sizeof later / sizeof *later; i++)
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, later[i], strlen(later[i])) == 0)
            return wgf_cli_misuse("run", "--%s is not built yet in this version", later[i]);
    return wgf_cli_bad_option("run", opt, argv, options);
}

static int set_progress(struct wgf_run_options *run, const char *word)
{
    if (strcmp(word, "auto") == 0)
        run->progress = isatty(STDERR_FILENO) ? WGF_PROGRESS_BAR : WGF_PROGRESS_LINES;
    else if (strcmp(word, "bar") == 0)
        run->progress = WGF_PROGRESS_BAR;
    else if (strcmp(word, "lines") == 0)
        run->progress = WGF_PROGRESS_LINES;
    else if (strcmp(word, "none") == 0)
        run->progress = WGF_PROGRESS_NONE;
    else
        return wgf_cli_misuse("run", "--progress is auto, bar, lines or none, not '%s'", word);
    return WGF_EXIT_OK;
}

/* Reads the command line; `sets` has room for argc texts. -1: go on; else an exit code. */
static int read_options(int argc, char **argv, struct wgf_run_options *run, const char **sets)
{
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},   {"set", required_argument, NULL, 's'},
        {"overwrite", no_argument, NULL, 'w'},      {"fail-fast", no_argument, NULL, 'f'},
        {"progress", required_argument, NULL, 'p'}, {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},           {0}};
    int code = set_progress(run, "auto");
    for (int opt; !code && (opt = getopt_long(argc, argv, ":ho:", options, NULL)) != -1;) {
        if (opt == 'h')
            return fputs(usage, stdout), wgf_cli_flush();
        if (opt == 'o')
            run->output = optarg;
        else if (opt == 's')
            sets[run->set_count++] = optarg;
        else if (opt == 'w')
            run->overwrite = true;
        else if (opt == 'f')
            run->fail_fast = true;
        else if (opt == 'p')
            code = set_progress(run, optarg);
        else if (opt == 'q')
            run->quiet = true;
        else
            return bad_option(opt, argv, options);
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
    return -1;
}

int wgf_cli_run(int argc, char **argv)
{
    const char *sets[argc];
    struct wgf_run_options options = {0};
    struct wgf_team team;
    struct wgf_error error;
    wgf_cli_catch_signals();           /* at once: MPI takes some tenths of a second to start */
    if (wgf_team_start(&team, &error)) /* before anything can fail: a rank that ends alone would end the others */
        return wgf_cli_error(&error);
    int code = read_options(argc, argv, &options, sets);
    if (code < 0)
        code = wgf_cli_sweep(&team, &options);
    wgf_team_finish(&team);
    return code;
}
