#!/usr/bin/env bash
#SBATCH --job-name=wgf
#SBATCH --ntasks=4
#SBATCH --mem-per-cpu=1G
#SBATCH --time=4:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#
# Runs a sweep, from a spec to the result file and its figure: the same script under `sbatch` and under plain `bash`.
# The time limit is short, as short jobs start sooner: the script stops the run in time and goes back into the queue
# until the sweep is finished. There is no --signal among the defaults: Slurm may send it a minute early, so that a
# short job would stop at once.
# shellcheck disable=SC2317  # some functions are called by name
set -uo pipefail

# Where one of these is closed, the next file that a program opens has its number and gets its messages.
[ -e /dev/fd/0 ] || exec </dev/null
[ -e /dev/fd/1 ] || exec >/dev/null
[ -e /dev/fd/2 ] || exec 2>/dev/null

usage() {
    cat <<END
usage: $name [SPEC] [-o OUT.h5] [options of wgf run]
       sbatch [--ntasks=N] [--time=T] $name [SPEC] [-o OUT.h5] [options of wgf run]
       sbatch --array=0-7 $name SPEC [options of wgf run]
       $name --merge SPEC [-o OUT.h5]

Without SPEC it runs the spec that WGF_SPEC names, or else sweeps/step_size.yaml.
Installs what is missing (where it may), builds wgf if needed, runs the sweep on every core, and draws its figure.
The result goes to the spec's stem + .h5 in the current folder, the figure beside it as .png. A result that exists is
continued. Where a process is killed (out of memory, say), the run is started again as long as it gets on.

Under Slurm it stops before the job's time limit and requeues the job until the sweep is finished. Each task of an
array takes one shard into stem-I-of-N.h5, and --merge, which may be a dependent job, makes one file of them.

  -o, --output OUT.h5   where the result goes
  --merge               merge the shards of SPEC into OUT.h5 and draw its figure; runs no jobs
  -h, --help            this text
  other options         are handed to \`wgf run\`; $program run --help lists them

  WGF_RANKS=N           processes to run (default: one more than cores, or than Slurm's CPUs: the master sleeps)
  OMPI_MCA_...          settings of Open MPI are left as they are

exit codes: 0 every selected job has a result; 1 internal or I/O error; 2 usage or spec error, nothing run; 3 finished,
but some jobs failed; 75 stopped early on a signal or time limit.
END
}

say() { [ -n "$quiet" ] || echo "sweep: $*" | harmless >&2; }
fail() { echo "sweep: $2" | harmless >&2 && exit "$1"; } # CODE SENTENCE

# The characters that include/wgf/base/text.h escapes (wgf_escape), each as '?'.
harmless() {
    LC_ALL=C sed 's/[\x01-\x08\x0b-\x1f\x7f]/?/g; s/\xc2[\x80-\x9f]/?/g; s/\xd8\x9c/?/g
        s/\xe2\x80[\x8e\x8f\xa8-\xae]/?/g; s/\xe2\x81[\xa6-\xa9]/?/g'
}

is_root() { [ -f "$1/slurm/sweep.sh" ] && [ -f "$1/tools/plot.py" ]; }

# The repository, or share/wgf where wgf is installed. Under sbatch this script is a copy in Slurm's spool folder, so
# Slurm is asked where it came from.
find_root() {
    local script candidate candidates=("$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/..")
    if [ -n "$slurm_job" ] && ! is_root "${candidates[0]}"; then
        script=$(scontrol show job "$slurm_job" | sed -n 's/^ *Command=\(.*\(sweep\.sh\|wgf-sweep\)\).*/\1/p')
        candidates+=("$(dirname "$(readlink -f "$script")")/.." "$SLURM_SUBMIT_DIR" "$SLURM_SUBMIT_DIR/..")
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
            [ $# -gt 1 ] || fail 2 "$1 wants a value ($name --help)"
            take_option "$1" "$2"
            shift
            ;;
        -o?*) out=${1#-o} ;;
        --*=*) take_option "${1%%=*}" "${1#*=}" ;;
        --quiet) quiet=1 options+=(--quiet) ;;
        --fail-fast) options+=(--fail-fast) chosen+=(--fail-fast) ;;
        --merge) merge=1 ;;
        --overwrite) first_only+=(--overwrite) ;;
        -*) unknown "$1" ;;
        *) [ -z "$spec" ] || fail 2 "one spec at a time: $spec or $1" && spec=$1 ;;
        esac
        shift
    done
    [ -n "$spec" ] || { spec=${WGF_SPEC:-$root/sweeps/step_size.yaml} && say "no spec was given; running $spec"; }
    [ -r "$spec" ] || fail 2 "the spec $spec cannot be read from $PWD"
    [[ $spec != -* ]] || spec=./$spec
    stem=${spec##*/} stem=${stem%.*}
    [[ $stem != -* ]] || stem=./$stem
    [ -n "$merge" ] || choose_shard
    out=${out:-$stem${shard:+-${shard/\//-of-}}.h5}
    [[ $out != -* ]] || out=./$out
}

# A word that this script does not know is none to hand on: what it means for a second start would not be known.
unknown() { fail 2 "unknown option '$1'; see $name --help and $program run --help"; } # OPTION

# A task of an array is a shard, unless it is told which one it is.
choose_shard() {
    [ -n "${SLURM_ARRAY_TASK_ID:-}" ] && [ -z "$shard" ] || return
    [ "${SLURM_ARRAY_TASK_MIN:-}/${SLURM_ARRAY_TASK_MAX:-}" = "0/$((SLURM_ARRAY_TASK_COUNT - 1))" ] ||
        fail 2 "an array counts from 0 (--array=0-7); to run shard 3 of 8 again: --array=3 ... --shard 3/8"
    shard=$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT
    chosen+=(--shard "$shard") options+=(--shard "$shard")
}

take_option() { # OPTION VALUE
    case $1 in
    -o | --output) out=$2 && return ;;
    --set) sets+=(--set "$2") ;;
    --jobs) chosen+=(--jobs "$2") ;;
    --shard) shard=$2 chosen+=(--shard "$2") ;;
    --progress) progress=$2 ;;
    --time-limit) limit=$2 && return ;;
    --retry) first_only+=(--retry "$2") && return ;;
    --reuse | --max-attempts | --sync | --checkpoint) ;;
    *) unknown "$1" ;;
    esac
    options+=("$1" "$2")
}

quietly() { # LABEL COMMAND...: shows the output only when the command fails
    local output
    output=$("${@:2}" 2>&1 </dev/null) && return
    echo "$output" >&2
    fail 1 "$1 failed; its output is above"
}

is_installed() { [ ! -f "$root/CMakeLists.txt" ]; }

# Several jobs of one user may start at once (shards, say): one of them builds.
build() {
    is_installed && return
    [ -x "$wgf" ] && [ ! -w "$root" ] && return
    mkdir -p "$root/build" || fail 1 "$root cannot be written to, and wgf is not built there"
    (
        flock 9
        [ -f "$root/build/CMakeCache.txt" ] || say 'configuring and building wgf, once'
        quietly 'building' bash "$root/tools/build.sh" build wgf
    ) 9>"$root/build/.lock"
}

# nproc obeys OMP_NUM_THREADS, which says nothing about how many ranks the machine can take.
cores() { env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc; }

# The workers that there is room for: Slurm counts the tasks that were asked for, which may be fewer than the CPUs that
# it gave (--exclusive, --ntasks-per-node). It writes CPUs as 4(x2),3.
workers() {
    local part given=${SLURM_JOB_CPUS_PER_NODE:-} cpus=0
    for part in ${given//,/ }; do
        [[ $part =~ ^([0-9]+)(\(x([0-9]+)\))?$ ]] && cpus=$((cpus + BASH_REMATCH[1] * ${BASH_REMATCH[3]:-1}))
    done
    [ "$cpus" -gt "${SLURM_NTASKS:-0}" ] || cpus=${SLURM_NTASKS:-$(cores)}
    echo "$cpus"
}

# Seconds in 90, 90s, 1h30m, 1:30:00 or 2-12:00:00. False: none of these.
seconds_in() { # DURATION
    local text=$1 total=0 days=0 part
    if [[ $text =~ ^([0-9]+-)?([0-9]+:)*[0-9]+$ ]]; then
        if [[ $text == *-* ]]; then
            days=${text%%-*} text=${text#*-}
            until [[ $text == *:*:* ]]; do text+=:00; done # D-H and D-H:M
        fi
        for part in ${text//:/ }; do total=$((total * 60 + 10#$part)); done
        echo $((total + 10#$days * 86400))
    elif [[ $text =~ ^([0-9]+[smhd])+$ ]]; then
        text=${text//s/+10#} text=${text//m/*60+10#} text=${text//h/*3600+10#} text=${text//d/*86400+10#}
        echo $((10#${text}0))
    else
        return 1
    fi
}

# The run is to end this many seconds from now, or sooner.
limit_within() { # SECONDS
    local end=$((SECONDS + $1))
    deadline=$((${deadline:-end} < end ? ${deadline:-end} : end))
}

# All of the Slurm job's time, but what comes after the run. wgf stops early enough to end in time.
limit_by_slurm() {
    local left
    left=$(seconds_in "$(squeue -h -j "$slurm_job" -o %L 2>/dev/null)") || return # UNLIMITED, say
    limit_within $((left > 600 ? left - 60 : left * 9 / 10))
}

# Open MPI's shared-memory files get a folder of their own, so that what a killed run leaves can be removed.
prepare_shared_memory() {
    local folder
    for folder in /dev/shm/wgf."$UID".*; do
        [ -d "$folder" ] && ! kill -0 "${folder##*.}" 2>/dev/null && rm -rf "$folder"
    done
    [ -w /dev/shm ] || return
    [ "${SLURM_JOB_NUM_NODES:-1}" = 1 ] || return
    [ -z "${OMPI_MCA_btl_vader_backing_directory:-}${OMPI_MCA_btl_sm_backing_directory:-}" ] || return
    shared_memory=/dev/shm/wgf.$UID.$$
    mkdir -p "$shared_memory" || return
    export OMPI_MCA_btl_vader_backing_directory=$shared_memory OMPI_MCA_btl_sm_backing_directory=$shared_memory
}

# Without room for its files MPI ends in MPI_Init, and says neither why nor where.
check_scratch() {
    local file why
    why=$(file=$(mktemp "${TMPDIR:-/tmp}/wgf.XXXXXX" 2>&1) || { echo "$file" && exit; }
        head -c 1M /dev/zero 2>&1 >"$file"
        rm -f "$file")
    [ -z "$why" ] || fail 1 "MPI needs a megabyte in ${TMPDIR:-/tmp}: ${why##*: }; make room there, or set TMPDIR"
}

# A death ends all ranks and then mpirun, which waits twice this timeout before SIGKILL. Under Slurm, whose SIGTERM
# mpirun receives too, its own default (1) leaves the ranks time to put their jobs back. Open MPI 4 and 5 read settings
# of different names.
mpi_command() { # RANKS
    [ -n "$slurm_job${OMPI_MCA_odls_base_sigkill_timeout:-}" ] ||
        export OMPI_MCA_odls_base_sigkill_timeout=0 PRTE_MCA_odls_base_sigkill_timeout=0
    check_scratch
    prepare_shared_memory
    launch=(bash "$root/tools/mpirun.sh" "$1")
}

# What the ranks write reaches a terminal through mpirun's pipe, so they are told what they cannot see.
choose_progress() {
    [ -z "$quiet$progress" ] || return
    [ -t 2 ] || { options+=(--progress lines) && return; }
    read -r _ COLUMNS < <(stty size <&2 2>/dev/null)
    [ "${COLUMNS:-0}" -gt 0 ] || COLUMNS=80
    export COLUMNS
    options+=(--progress bar)
}

stop() { # SIGNAL
    stopped=$1 interrupted=1
    [ -n "$started" ] || { say 'stopped before the run began' && exit 75; }
    [ -z "$child" ] || kill -USR1 "$child" 2>/dev/null
}

# Ends a launcher that does not end after a rank's death: Open MPI 4 deadlocks now and then where that comes within
# MPI_Init, at times with all ranks dead. For seconds fewer ranks live than were started, and the launcher is still
# there; a launcher that has never had any gets a minute. Where it was only slow nothing is lost, as the file says how
# far the sweep is. On several nodes the ranks are not all the launcher's children.
watch() { # LAUNCHER
    local rank name state living patience=60 lacking=0
    while sleep 1 &>/dev/null && [ -d "/proc/$1" ]; do
        living=0
        for rank in $(cat "/proc/$1/task/$1/children"); do # wgf may start itself again, by the name of /proc/self/exe
            read -r name <"/proc/$rank/comm" && read -r _ _ state _ <"/proc/$rank/stat" || continue
            [[ $name = @(wgf|exe) ]] || continue
            patience=8
            [ "$state" = Z ] || living=$((living + 1))
        done
        [ "$living" -lt "$ranks" ] && lacking=$((lacking + 1)) || lacking=0
        [ "$lacking" -ge "$patience" ] || continue
        say 'a process has died and mpirun does not end; ending it' 2>&3
        kill -STOP "$1" # so that it neither ends with a code of its own nor before all of its ranks
        # shellcheck disable=SC2046 # several numbers
        kill -KILL $(cat "/proc/$1/task/$1/children") "$1"
    done 3>&2 2>/dev/null
}

# Runs the ranks in a session of their own, so that a terminal's Ctrl-C reaches this script alone, which passes it on
# as SIGUSR1: mpirun forwards that to the ranks and lives, where SIGINT would end it. Returns the run's exit code.
run() {
    local code watcher='' within=()
    [ -z "$deadline" ] || within=(--time-limit "$((deadline > SECONDS ? deadline - SECONDS : 1))s")
    started=1
    setsid "${launch[@]}" "$wgf" run "$spec" -o "$out" "${options[@]}" "${first_only[@]}" "${within[@]}" </dev/null &
    child=$!
    if [ "$ranks" -gt 1 ] && [ "${SLURM_JOB_NUM_NODES:-1}" = 1 ]; then
        watch "$child" </dev/null &
        watcher=$!
    fi
    [ -z "$stopped" ] || kill -USR1 "$child"
    while
        interrupted=
        wait "$child"
        code=$?
        [ -n "$interrupted" ]
    do :; done
    child=
    [ -z "$watcher" ] || kill "$watcher" 2>/dev/null
    return "$code"
}

# A process was killed: no code of wgf's own, but the launcher's word for a signal, its number or 128 more.
was_death() { [[ $1 != @(0|1|2|3|75) ]]; } # CODE-OF-RUN

# mpirun says 1 when it was itself told to stop, and a death says nothing about the jobs. Then the file tells.
exit_code() { # CODE-OF-RUN
    case $1 in
    3 | 75) return "$1" ;;
    1 | 2) [ -n "$stopped" ] || return "$1" ;;
    esac
    [ -e "$out" ] || { [ -z "$stopped" ] && ! was_death "$1" && return 1 || return 75; }
    "$wgf" status "$out" --exit-code "${chosen[@]}" >/dev/null
}

# What changes only if the sweep gets on: rows with a result, attempts at the others, checkpoints of long ones.
standing() {
    [ -e "$out" ] || return
    "$wgf" status "$out" --json 2>/dev/null | tr -d '[:space:]' |
        grep -oE '"(done|diverged|failed|timeout|crashed|attempts|checkpoints)":[1-9][0-9]*'
}

# Runs, and runs again while processes are killed, up to two starts in a row that gain nothing. Leaves `code`, and
# `gained`: the sweep got on.
run_until_done() {
    local run_code first before fruitless=0
    first=$(standing)
    while :; do
        before=$(standing)
        run
        run_code=$?
        exit_code "$run_code"
        code=$?
        [ "$(standing)" = "$before" ] && fruitless=$((fruitless + 1)) || fruitless=0
        [ "$(standing)" = "$first" ] || gained=1
        [ "$code" = 75 ] && was_death "$run_code" && [ -z "$stopped" ] || return
        [ "$fruitless" = 0 ] || "${launch[@]}" true </dev/null || fail 1 'mpirun starts no processes; why is said above'
        [ "$fruitless" -lt 2 ] || { say 'processes were killed again before anything was gained; giving up' && return; }
        [ "${deadline:-$((SECONDS + 1))}" -gt "$SECONDS" ] || return
        say 'a process was killed; starting again with what is left'
        first_only=()
        starts=$((starts + 1))
        sleep 0.5 # orphans of a killed mpirun die and release the file
    done
}

# Puts the Slurm job back into the queue. False where that would not help: the user cancelled it, or it stands still.
requeue() {
    [ -n "$slurm_job" ] && [ "$stopped" != TERM ] || return
    [ -n "$gained" ] || { say 'not requeued: nothing was gained; give the job more time, or memory' && return; }
    say "requeueing job $slurm_job"
    trap '' TERM # which Slurm sends for it
    scontrol requeue "$slurm_job"
}

merge_shards() {
    local parts=("$stem"-*-of-*.h5) count i
    count=${parts[0]##*-of-} count=${count%.h5}
    [[ $count =~ ^[0-9]+$ ]] || fail 1 "there are no shards $stem-I-of-N.h5 in $PWD"
    for i in "${parts[@]}"; do
        [[ $i == *-of-"$count".h5 ]] || fail 1 "${parts[0]} and $i are shards of different arrays; remove one kind"
    done
    parts=()
    for ((i = 0; i < count; i++)); do parts+=("$stem-$i-of-$count.h5"); done
    "$wgf" merge -o "$out" "${options[@]}" "${first_only[@]}" "${parts[@]}" || exit
    "$wgf" status "$out" --exit-code >/dev/null
    code=$?
}

draw() {
    local python said
    python=$(bash "$root/tools/setup.sh" --python) ||
        { say "no figure: Python with h5py and Matplotlib is missing (bash $root/tools/setup.sh)" && return; }
    if said=$("$python" "$root/tools/plot.py" "$out" -o "${out%.h5}.png" 2>&1); then
        say "$out, drawn in ${out%.h5}.png"
    else
        said=${said##*$'\n'}
        say "$out, not drawn: ${said#plot.py: }"
    fi
}

finish() {
    case $code in
    0 | 3)
        [ -n "$quiet" ] || [ "$starts$slurm_job" = 1 ] || "$wgf" status "$out" >&2
        draw
        ;;
    75)
        [ -e "$out" ] && say "stopped early; the jobs that were finished are in $out"
        [ -e "$out" ] || say "stopped early, before $out was made"
        [ -n "$merge" ] || requeue
        ;;
    esac
    exit "$code"
}

spec='' out='' quiet='' shard='' progress='' merge='' stem='' limit=''
started='' child='' stopped='' interrupted='' shared_memory='' deadline='' code='' gained='' starts=1
# first_only: options of the first start alone. A later one must neither undo its work nor retry for ever.
options=() first_only=() sets=() chosen=() launch=()
# A task of an array has a name of its own; the number of the last one is also the whole array's.
slurm_job=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID}
slurm_job=${slurm_job:-${SLURM_JOB_ID:-}}
root=$(find_root) || fail 1 'the folder of this script is not found; submit from inside the repository of wgf'
wgf=$root/build/wgf
# The names by which a user calls this script and the program.
is_installed && name=wgf-sweep program=wgf || name=slurm/sweep.sh program=build/wgf
parse_arguments "$@"
[[ ${WGF_RANKS:-1} =~ ^[1-9][0-9]*$ ]] || fail 2 "WGF_RANKS is a number of processes, not $WGF_RANKS"
trap 'stop USR1' USR1
trap 'stop TERM' TERM INT HUP
trap '[ -z "$shared_memory" ] || rm -rf "$shared_memory"' EXIT

is_installed || bash "$root/tools/setup.sh" --run || exit 1
build || exit
"$wgf" plan "$spec" "${sets[@]}" >/dev/null || exit

[ -z "$merge" ] || { merge_shards; finish; }
workers=$(workers)
ranks=${WGF_RANKS:-$((workers > 1 ? workers + 1 : 1))}
[ -z "$slurm_job" ] || [ "$ranks" -ge "$workers" ] || say "WGF_RANKS=$ranks leaves CPUs unused: Slurm gave $workers"
[ "$ranks" -gt 1 ] && mpi_command "$ranks"
if [ -n "$limit" ]; then # wgf says what is wrong with one that is none
    if left=$(seconds_in "$limit"); then limit_within "$left"; else options+=(--time-limit "$limit"); fi
fi
[ -z "$slurm_job" ] || limit_by_slurm
[ "${SLURM_RESTART_COUNT:-0}" = 0 ] || first_only=()
choose_progress
run_until_done
finish
