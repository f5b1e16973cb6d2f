#!/usr/bin/env bash
# Formats all C of the repository with clang-format, or checks that it is formatted and names what is not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$*" in
'') mode=(-i) ;;
--check) mode=(--dry-run --Werror) ;;
-h | --help)
    echo 'usage: tools/format.sh [--check]'
    echo
    echo 'Formats all C of the repository with clang-format. --check changes nothing, and exits 1 if it would.'
    exit
    ;;
*) echo 'usage: tools/format.sh [--check]' >&2 && exit 2 ;;
esac
bash tools/files.sh '*.c' '*.h' | xargs -0 -r clang-format --style=file "${mode[@]}"
