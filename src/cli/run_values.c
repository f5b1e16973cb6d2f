/* Values of the options of `wgf run`. */
#include "command_run.h"

#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int wgf_cli_take_progress(const char *word, struct wgf_run_options *run)
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

int wgf_cli_take_retry(const char *word, struct wgf_run_options *run)
{
    static const enum wgf_job_state states[] = {WGF_JOB_FAILED, WGF_JOB_TIMEOUT, WGF_JOB_CRASHED};
    for (const char *text = word;; text++) {
        size_t length = strcspn(text, ",");
        bool known = false;
        for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
            const char *name = wgf_job_state_names[states[i]];
            if (strlen(name) == length && strncmp(text, name, length) == 0) {
                run->retry |= 1u << states[i];
                known = true;
            }
        }
        if (!known)
            return wgf_cli_misuse("run", "--retry is a list of failed, timeout and crashed, not '%s'", word);
        text += length;
        if (*text == '\0')
            return WGF_EXIT_OK;
    }
}

int wgf_cli_take_attempts(const char *word, struct wgf_run_options *run)
{
    char *end;
    errno = 0;
    run->max_attempts = strtol(word, &end, 10);
    if (errno || *word < '0' || *word > '9' || *end || run->max_attempts < 1)
        return wgf_cli_misuse("run", "--max-attempts is a number from 1, not '%s'", word);
    return WGF_EXIT_OK;
}

/* Reads a plain decimal; false when there is none. */
static bool read_decimal(const char **text, double *number)
{
    size_t length = strspn(*text, "0123456789.");
    char *end;
    if (length == 0)
        return false;
    *number = strtod(*text, &end);
    bool whole = end == *text + length;
    *text = end;
    return whole;
}

/* 90, 90s, 55m, 1h30m, 1.5d: units from large to small, each at most once. */
static bool read_units(const char *text, double *seconds)
{
    static const char units[] = "dhms";
    static const double worth[] = {86400, 3600, 60, 1};
    const char *left = units;
    *seconds = 0;
    do {
        double number;
        if (!read_decimal(&text, &number))
            return false;
        if (*text == '\0' && left == units) {
            *seconds = number;
            return true;
        }
        const char *unit = *text ? strchr(left, *text) : NULL;
        if (!unit)
            return false;
        *seconds += number * worth[unit - units];
        left = unit + 1;
    } while (*++text);
    return true;
}

/* Slurm's own: M:S, H:M:S, D-H, D-H:M, D-H:M:S. */
static bool read_clock(const char *text, double *seconds)
{
    enum { MOST = 3 };
    double days = 0, part[MOST] = {0};
    int parts = 0;
    bool has_days = strchr(text, '-') != NULL;
    if (has_days && (!read_decimal(&text, &days) || *text++ != '-'))
        return false;
    do {
        if (parts == MOST || !read_decimal(&text, &part[parts++]))
            return false;
    } while (*text == ':' && *++text);
    if (*text || text[-1] == ':')
        return false;
    if (!has_days && parts == 2) { /* M:S */
        part[2] = part[1];
        part[1] = part[0];
        part[0] = 0;
    }
    *seconds = days * 86400 + part[0] * 3600 + part[1] * 60 + part[2];
    return true;
}

int wgf_cli_take_duration(const char *option, const char *word, bool may_be_zero, double *seconds)
{
    bool fine = strpbrk(word, ":-") ? read_clock(word, seconds) : read_units(word, seconds);
    if (fine && isfinite(*seconds) && (*seconds > 0 || may_be_zero))
        return WGF_EXIT_OK;
    return wgf_cli_misuse("run", "--%s is a time like 90s, 55m, 1h30m or 1:30:00%s, not '%s'", option,
                          may_be_zero ? "" : ", above 0", word);
}
