#!/usr/bin/env bash
# Tests everything. Stops at the first failure and shows its output. The last line is 'N passed, M failed', over stages
# and single tests; ', K skipped' follows where this machine cannot do some of them.
# shellcheck disable=SC2317  # the stages are called by name
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

usage() {
    cat <<'END'
usage: tools/test.sh [--system]

Tests everything: format, rules of the house, a build with warnings as errors and its tests, the unit tests under
sanitizers, one small sweep from spec to picture, and on another release of Debian what depends on the system. Installs
what is missing where it may.

  --system   only what depends on the system: the build, tests of teams and faults, the sweep
END
}

system=''
case "$*" in
'') ;;
--system) system=1 ;;
-h | --help) usage && exit 0 ;;
*) usage >&2 && exit 2 ;;
esac
root=$PWD
scratch=$(mktemp -d) || exit 1
beside=''
trap '[ -z "$beside" ] || { kill -- "-$beside" && wait "$beside"; } 2>/dev/null; rm -rf "$scratch"' EXIT
log=$scratch/log
passed=0 failed=0 skipped=0

finish() {
    [ "$failed" -eq 0 ] || cat "$log"
    echo "$passed passed, $failed failed$([ "$skipped" -eq 0 ] || echo ", $skipped skipped")"
    exit $((failed > 0))
}

# Adds the tests that a log of ctest counts; false when it counts none.
count_tests() {
    local bad all left
    read -r bad all < <(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\1 \2/p' "$log") || return
    left=$(grep -c '\*\*\*Skipped' "$log")
    passed=$((passed + all - bad - left)) failed=$((failed + bad)) skipped=$((skipped + left))
}

# stage LABEL COMMAND...: a stage counts as one, or as its tests when it runs ctest. Exit code 77 is a skip, for which
# the last line of the output is the reason.
stage() {
    local label=$1 start=$SECONDS code=0
    shift
    printf '%-44s' "$label"
    "$@" >"$log" 2>&1 </dev/null || code=$?
    if [ "$code" = 77 ]; then
        skipped=$((skipped + 1))
        tail -n 1 "$log"
        return
    fi
    if ! [[ $1 == ctest ]] || ! count_tests; then
        passed=$((passed + !code)) failed=$((failed + !!code))
    fi
    printf '%s %4d s\n' "$([ "$code" = 0 ] && echo passed || echo FAILED)" $((SECONDS - start))
    [ "$code" = 0 ] && return
    [ "$failed" -gt 0 ] || failed=1
    finish
}

# begin COMMAND...: runs a command beside the stages that follow, until `await` takes its output and exit code.
begin() {
    setsid "$@" >"$scratch/beside" 2>&1 </dev/null &
    beside=$!
}

await() {
    local code=0
    wait "$beside" || code=$?
    beside=''
    cat "$scratch/beside"
    return "$code"
}

build() { # FOLDER PRESET
    bash tools/build.sh "$1" all --preset "$2"
}

# A small sweep as a user runs it; other people's programs then read what it wrote.
sweep() (
    cd "$scratch" || return
    bash "$root/slurm/sweep.sh" "$root/sweeps/smoke.yaml" || return
    [ -s smoke.png ] || { echo 'the sweep drew no figure' && return 1; }
    ncdump smoke.h5 >smoke.cdl || return
    jobs=$("$root/build/wgf" plan "$root/sweeps/smoke.yaml" --csv | tail -n +2 | wc -l)
    "$(bash "$root/tools/setup.sh" --python)" - "$jobs" <<'END'
import sys
import xarray

with xarray.open_dataset("smoke.h5", engine="h5netcdf") as result:
    assert result.sizes["job"] == int(sys.argv[1]), f"{result.sizes['job']} rows for {sys.argv[1]} jobs"
    assert (result.status == 2).all(), f"not all done: {result.status.values}"
    assert (result.objective_final < result.objective_initial).all(), "an objective did not fall"
    assert (result.objective.isel(record=0) == result.objective_initial).all(), "record 0 is not the initial state"
END
)

if [ -n "$system" ]; then
    stage 'what is needed' bash tools/setup.sh --system
    stage 'build, warnings are errors' build build ci
    stage 'tests of teams and faults' ctest --preset ci --no-tests=error -L '^(mpi|fault)$' --parallel 2
    stage 'a sweep from spec to picture' sweep
    finish
fi
stage 'what is needed' bash tools/setup.sh --test
stage 'format' bash tools/format.sh --check
stage 'rules of the house' python3 tools/house.py
begin bash tools/debian.sh
stage 'build, warnings are errors' build build ci
# One more than cores: the tests of teams, clusters and kills mostly wait.
stage 'tests' ctest --preset ci --no-tests=error --parallel $(($(nproc) + 1))
stage 'build by clang, warnings are errors' build build-clang clang
stage 'build with sanitizers' build build-asan asan
stage 'unit tests, bad specs and crafted files under sanitizers' \
    ctest --preset asan --no-tests=error -L 'unit|bad_specs|crafted' --parallel "$(nproc)"
stage 'a sweep from spec to picture' sweep
stage 'another release of Debian' await
finish
