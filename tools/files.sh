#!/usr/bin/env bash
# Prints the files of the repository, each ended by NUL: those that git tracks or would add; without git, of an unpacked
# archive, say, all but what builds leave.
set -euo pipefail

case ${1:-} in
-h | --help)
    echo 'usage: tools/files.sh [PATTERN]...'
    echo
    echo 'Prints the files of the repository, NUL after each: all, or those whose name matches one of the patterns.'
    exit
    ;;
esac
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# A repository further out says nothing about this folder.
if [ -e .git ] && command -v git >/dev/null; then
    git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard "$@"
else
    names=()
    for pattern in "${@:-*}"; do names+=(-o -name "$pattern"); done
    find . -mindepth 1 \( -path './build*' -o -path './.git' -o -name __pycache__ -o -path './*.h5' \) -prune \
        -o -type f \( "${names[@]:1}" \) -printf '%P\0'
fi |
    while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done
