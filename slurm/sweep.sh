#!/usr/bin/env bash
#SBATCH --job-name=wgf
#SBATCH --ntasks=4
#SBATCH --mem-per-cpu=1G
#SBATCH --time=1-00:00:00
#SBATCH --no-requeue
#SBATCH --open-mode=append
#
# Runs a sweep, from a spec to the result file and its figure: the same script under `sbatch` and under plain `bash`.
# There is no --signal among the defaults: Slurm may send it a minute early, so that a short job would stop at once.
# The script reads the time limit instead and stops the run in time.
# shellcheck disable=SC2317  # some functions are called by name
set -uo pipefail

usage() {
    cat <<'END'
usage: slurm/sweep.sh SPEC [-o OUT.h5] [options of wgf run]
       sbatch [--ntasks=N] [--time=T] slurm/sweep.sh SPEC [-o OUT.h5] [options of wgf run]

Installs what is missing (where it may), builds wgf if needed, runs the sweep on every core, and draws its figure.
The result goes to the spec's stem + .h5 in the current folder (of a shard: stem-I-of-N.h5), the figure beside it as
.png. Resuming is not built yet: a result that exists is refused, unless --overwrite starts it anew.

  -o, --output OUT.h5   where the result goes
  -h, --help            this text
  other options         are handed to `wgf run`; build/wgf run --help lists them

  WGF_RANKS=N           processes to run (default: one more than cores, as the master sleeps; under Slurm, its tasks)
  OMPI_MCA_...          settings of Open MPI are left as they are

exit codes: 0 every selected job has a result; 1 internal or I/O error; 2 usage or spec error, nothing run; 3 finished,
but some jobs failed; 75 stopped early on a signal or time limit.
END
}

say() { [ -n "$quiet" ] || echo "sweep: $*" >&2; }
fail() { # CODE SENTENCE
    echo "sweep: $2" >&2
    exit "$1"
}

is_root() { [ -f "$1/slurm/sweep.sh" ] && [ -f "$1/CMakeLists.txt" ]; }

# The repository: under sbatch this script is a copy in Slurm's spool folder, so Slurm is asked where it came from.
find_root() {
    local candidates=("$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/..") candidate
    if [ -n "${SLURM_JOB_ID:-}" ] && ! is_root "${candidates[0]}"; then
        candidates+=("$(scontrol show job "$SLURM_JOB_ID" | sed -n 's|^ *Command=\(.*\)/slurm/sweep\.sh.*|\1|p')"
            "$SLURM_SUBMIT_DIR" "$SLURM_SUBMIT_DIR/..")
    fi
    for candidate in "${candidates[@]}"; do
        is_root "$candidate" && cd "$candidate" && pwd && return
    done
    return 1
}

parse_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help) usage && exit 0 ;;
        -o | --output | --set | --jobs | --shard | --reuse | --time-limit | --max-attempts | --retry | --checkpoint | \
            --sync | --progress)
            [ $# -gt 1 ] || fail 2 "$1 wants a value (slurm/sweep.sh --help)"
            take_option "$1" "$2"
            shift
            ;;
        -o?*) out=${1#-o} ;;
        --*=*) take_option "${1%%=*}" "${1#*=}" ;;
        --quiet) quiet=1 options+=(--quiet) ;;
        -*) options+=("$1") ;;
        *)
            [ -z "$spec" ] || fail 2 "one spec at a time: $spec or $1"
            spec=$1
            ;;
        esac
        shift
    done
    [ -n "$spec" ] || fail 2 'which spec? usage: slurm/sweep.sh SPEC [-o OUT.h5] [options of wgf run]'
    [ -r "$spec" ] || fail 2 "the spec $spec cannot be read from $PWD"
    local stem=${spec##*/}
    stem=${stem%.*}
    out=${out:-$stem${shard:+-${shard/\//-of-}}.h5}
}

take_option() { # OPTION VALUE
    case $1 in
    -o | --output) out=$2 && return ;;
    --set) sets+=(--set "$2") ;;
    --jobs) chosen+=(--jobs "$2") ;;
    --shard) shard=$2 ;;
    --progress) progress=$2 ;;
    esac
    options+=("$1" "$2")
}

quietly() { # LABEL COMMAND...: shows the output of a failure alone
    local label=$1 log
    shift
    log=$(mktemp) || exit 1
    if ! "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        fail 1 "$label failed; its output is above"
    fi
    rm -f "$log"
}

configure() {
    local tests=ON
    pkg-config --exists cmocka || tests=OFF
    command -v ninja >/dev/null && export CMAKE_GENERATOR=${CMAKE_GENERATOR-Ninja}
    cmake -S "$root" -B "$root/build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING="$tests"
}

# Several jobs of one user may start at once (shards, say): one of them builds.
build() {
    [ -x "$wgf" ] && [ ! -w "$root" ] && return
    mkdir -p "$root/build" || fail 1 "$root cannot be written to, and wgf is not built there"
    (
        flock 9
        [ -f "$root/build/CMakeCache.txt" ] || say 'configuring and building wgf, once'
        { [ -f "$root/build/build.ninja" ] || [ -f "$root/build/Makefile" ]; } || quietly 'configuring' configure
        quietly 'building' cmake --build "$root/build" --target wgf --parallel "$(cores)"
    ) 9>"$root/build/.lock"
}

# nproc heeds OMP_NUM_THREADS, which says nothing about how many ranks the machine can take.
cores() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

count_ranks() {
    local count
    count=$(cores)
    if [ -n "${WGF_RANKS:-}" ]; then
        echo "$WGF_RANKS"
    elif [ -n "${SLURM_NTASKS:-}" ]; then
        echo "$SLURM_NTASKS"
    else
        echo $((count > 1 ? count + 1 : 1))
    fi
}

# Seconds that the Slurm job leaves for the run: all but what ending it may take.
slurm_seconds() {
    local left days=0 clock part
    left=$(squeue -h -j "$SLURM_JOB_ID" -o %L 2>/dev/null) || return
    [[ $left =~ ^([0-9]+-)?([0-9]+:)*[0-9]+$ ]] || return
    [[ $left == *-* ]] && days=${left%%-*} left=${left#*-}
    IFS=: read -r -a clock <<<"$left"
    left=0
    for part in "${clock[@]}"; do left=$((left * 60 + 10#$part)); done
    left=$((left + days * 86400))
    echo $((left > 600 ? left - 120 : left * 4 / 5))
}

# Open MPI's shared-memory files get a folder of their own, so that what a killed run leaves can be told and removed.
prepare_shared_memory() {
    local folder
    for folder in /dev/shm/wgf."$UID".*; do
        [ -d "$folder" ] && ! kill -0 "${folder##*.}" 2>/dev/null && rm -rf "$folder"
    done
    [ -w /dev/shm ] || return
    [ "${SLURM_JOB_NUM_NODES:-1}${OMPI_MCA_btl_vader_backing_directory:-}" = 1 ] || return
    shared_memory=/dev/shm/wgf.$UID.$$
    mkdir -p "$shared_memory" && export OMPI_MCA_btl_vader_backing_directory=$shared_memory
}

mpi_command() {
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    prepare_shared_memory
    launch=(mpirun -n "$1" --oversubscribe --bind-to none --quiet)
}

# What the ranks write reaches a terminal through mpirun's pipe, so they are told what they cannot see.
choose_progress() {
    [ -z "$quiet$progress" ] || return
    if [ ! -t 2 ]; then
        options+=(--progress lines)
        return
    fi
    read -r _ COLUMNS < <(stty size <&2 2>/dev/null)
    [ "${COLUMNS:-0}" -gt 0 ] || COLUMNS=80
    export COLUMNS
    [[ " ${launch[*]} " != *' mpirun '* ]] || launch+=(-x COLUMNS)
    options+=(--progress bar)
}

stop() { # SIGNAL
    stopped=1 interrupted=1
    [ -n "$started" ] || { say 'stopped before the run began' && exit 75; }
    [ -z "$child" ] || kill -USR1 "$child" 2>/dev/null
}

# Runs the ranks in a session of their own, so that a terminal's Ctrl-C reaches this script alone, which passes it on
# as SIGUSR1: mpirun hands that to the ranks and lives, where SIGINT would end it. Returns the run's exit code.
run() {
    local code
    started=1
    setsid "${launch[@]}" "$wgf" run "$spec" -o "$out" "${options[@]}" </dev/null &
    child=$!
    [ -z "$stopped" ] || kill -USR1 "$child"
    while
        interrupted=
        wait "$child"
        code=$?
        [ -n "$interrupted" ]
    do :; done
    return "$code"
}

# mpirun says what the ranks said, except that it says 1 when it was itself told to stop, and that a rank's death, or
# a launch that keeps the others alive, says nothing about the jobs. Then the file is asked.
exit_code() { # CODE-OF-RUN
    case $1 in
    3 | 75) return "$1" ;;
    1 | 2) [ -n "$stopped" ] || return "$1" ;;
    esac
    if [ -e "$out" ]; then
        "$wgf" status "$out" --exit-code "${chosen[@]}" >/dev/null
    else
        return $((stopped ? 75 : 1))
    fi
}

draw() {
    local python
    if ! python=$(bash "$root/tools/setup.sh" --python); then
        say 'no figure: Python with h5py and Matplotlib is missing (tools/setup.sh lists what to install)'
        return
    fi
    "$python" "$root/tools/plot.py" "$out" -o "${out%.h5}.png" && say "$out, drawn in ${out%.h5}.png"
}

spec='' out='' quiet='' shard='' progress=''
started='' child='' stopped='' interrupted='' shared_memory=''
options=() sets=() chosen=() launch=()
parse_arguments "$@"
[[ ${WGF_RANKS:-1} =~ ^[1-9][0-9]*$ ]] || fail 2 "WGF_RANKS is a number of processes, not $WGF_RANKS"
trap 'stop USR1' USR1
trap 'stop TERM' TERM INT HUP
trap '[ -z "$shared_memory" ] || rm -rf "$shared_memory"' EXIT

root=$(find_root) || fail 1 'the repository of wgf is not found; submit from inside it'
wgf=$root/build/wgf
bash "$root/tools/setup.sh" --run || exit 1
build || exit
"$wgf" plan "$spec" "${sets[@]}" >/dev/null || exit

ranks=$(count_ranks)
[ "$ranks" -gt 1 ] && mpi_command "$ranks"
if [ -n "${SLURM_JOB_ID:-}" ] && seconds=$(slurm_seconds); then
    launch=(timeout --foreground --preserve-status --signal=USR1 "$seconds" "${launch[@]}")
fi
choose_progress
run
run_code=$?
exit_code "$run_code"
code=$?

case $code in
0 | 3) draw ;;
75)
    if [ -e "$out" ]; then
        say "stopped early; the jobs that were finished are in $out"
    else
        say "stopped early, before $out was made"
    fi
    ;;
esac
exit "$code"
