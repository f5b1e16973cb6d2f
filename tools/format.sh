#!/usr/bin/env bash
# Formats all C of the repository with clang-format. With --check it changes nothing, names what is not formatted, and
# exits 1 if there is any.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "$*" in
'') mode=(-i) ;;
--check) mode=(--dry-run --Werror) ;;
*) echo 'usage: tools/format.sh [--check]' >&2 && exit 2 ;;
esac
git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard '*.c' '*.h' |
    while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
    xargs -0 -r clang-format --style=file "${mode[@]}"
