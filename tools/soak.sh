#!/usr/bin/env bash
# Does harm to small sweeps for some minutes, every kind in turn, and prints or writes how often each was survived.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

usage() {
    cat <<'END_OF_USAGE'
usage: tools/soak.sh MINUTES [--only WORD] [--seed S] [--write]
       tools/soak.sh --crafted [--only WORD] [--files N] [--skip K]

Kills, storms of signals, full disks, flipped bits, jobs that kill their process: see tests/fault/. After each of them
what tests/fault/promises.py promises of the file must hold. Ends with a table; exits 1 if any sweep did not survive.

With --crafted gives all result files of a stranger that tests/fault/crafted.py makes to every command, built with
sanitizers, which takes hours.

  --only WORD  only faults with this word in their name
  --write      go on until each fault came as often as CI asks, and put the table, promise by promise, into
               tests/README.md as well, under "Harm survived"
  --seed S     the same instants again, as far as a machine's timing allows
END_OF_USAGE
}

case ${1:-} in
-h | --help) usage && exit 0 ;;
--crafted)
    bash tools/setup.sh --test && bash tools/build.sh build-asan wgf --preset asan || exit 1
    exec "$(bash tools/setup.sh --python)" tests/fault/crafted.py build-asan/wgf "${@:2}"
    ;;
'' | *[!0-9.]*) usage >&2 && exit 2 ;;
esac
minutes=$1
shift
options=()
for argument in "$@"; do
    if [ "$argument" = --write ]; then options+=(--write "$PWD/tests/README.md"); else options+=("$argument"); fi
done
bash tools/setup.sh --test || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
{
    bash tools/build.sh build wgf --preset ci && bash tools/build.sh build harm
} >"$scratch/log" 2>&1 || { cat "$scratch/log" && exit 1; }
root=$PWD
cd "$scratch" || exit 1
"$(bash "$root/tools/setup.sh" --python)" "$root/tests/fault/run.py" "$root/build/wgf" "$root/build/tests/libharm.so" \
    "$root/slurm/sweep.sh" --minutes "$minutes" "${options[@]}"
