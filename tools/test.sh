#!/usr/bin/env bash
# Tests everything: format, rules of the house, a build with warnings as errors and its tests, the unit tests under
# sanitizers, and one small sweep from spec to picture. Installs what is missing where it may, stops at the
# first failure and shows its output. The last line is 'N passed, M failed', over stages and single tests.
# shellcheck disable=SC2317  # the stages are called by name
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

root=$PWD
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
log=$scratch/log
passed=0 failed=0
command -v ninja >/dev/null && export CMAKE_GENERATOR=${CMAKE_GENERATOR-Ninja}

finish() {
    [ "$failed" -eq 0 ] || cat "$log"
    echo "$passed passed, $failed failed"
    exit $((failed > 0))
}

# Adds the tests that a log of ctest counts; false when it counts none.
count_tests() {
    local bad all
    read -r bad all < <(sed -nE 's/.* ([0-9]+) tests? failed out of ([0-9]+).*/\1 \2/p' "$log") || return
    passed=$((passed + all - bad)) failed=$((failed + bad))
}

# stage LABEL COMMAND...: a stage counts as one, or as its tests when it runs ctest.
stage() {
    local label=$1 start=$SECONDS good=1
    shift
    printf '%-44s' "$label"
    "$@" >"$log" 2>&1 </dev/null || good=0
    if ! [[ $1 == ctest ]] || ! count_tests; then
        passed=$((passed + good)) failed=$((failed + !good))
    fi
    printf '%s %4d s\n' "$([ "$good" = 1 ] && echo passed || echo FAILED)" $((SECONDS - start))
    [ "$good" = 1 ] && return
    [ "$failed" -gt 0 ] || failed=1
    finish
}

build() { # preset
    cmake --preset "$1" && cmake --build --preset "$1" --parallel "$(nproc)"
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

stage 'what is needed' bash tools/setup.sh --test
stage 'format' bash tools/format.sh --check
stage 'rules of the house' python3 tools/house.py
stage 'build, warnings are errors' build ci
# Side by side what computes; alone, one after another, what looks at the clock or kills.
computing='^(unit|conformance|reference|bad_specs|figures|fuzz)$'
stage 'tests that compute' ctest --preset ci --no-tests=error -L "$computing" --parallel "$(nproc)"
stage 'tests of whole runs, teams and faults' ctest --preset ci --no-tests=error -LE "$computing"
stage 'build by clang, warnings are errors' build clang
stage 'build with sanitizers' build asan
stage 'unit tests and bad specs under sanitizers' \
    ctest --preset asan --no-tests=error -L 'unit|bad_specs' --parallel "$(nproc)"
stage 'a sweep from spec to picture' sweep
finish
