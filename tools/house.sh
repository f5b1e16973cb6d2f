#!/usr/bin/env bash
# Checks the rules of the house that a machine can see. Prints one line a violation and exits 1 if there is any.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

most_lines=500
top_level='CMakeLists.txt CMakePresets.json LICENSE CONTRIBUTING.md README.md src include sweeps slurm tests tools'

# Foreign headers and the files that may include them, as a pattern of their paths.
headers='
yaml\.h                     ^src/spec/
hdf5(_hl)?\.h               ^src/(store|datafile)/
mpi\.h                      ^src/(schedule|store|run|cli)/
(cblas|lapacke)\.h          ^src/(model|transport|flow)/
(sundials|cvode|arkode|nvector)[a-z_/]*\.h   ^src/flow/
'

# Tracked files and new ones, without those that git ignores, that are deleted, or that others wrote.
files() { # patterns...
    git -c safe.directory="$PWD" ls-files --cached --others --exclude-standard -- "$@" ':(exclude)tools/report/tabulator' |
        while IFS= read -r file; do [ ! -f "$file" ] || printf '%s\n' "$file"; done
}

check_headers() {
    local header rooms
    while read -r header rooms; do
        [ -n "$header" ] || continue
        files 'src/*.[ch]' 'include/*.h' | grep -Ev "$rooms" | tr '\n' '\0' |
            xargs -0 -r grep -HnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]${header}[>\"]" |
            sed -E 's/^([^:]*:[0-9]+):.*[<"](.*)[>"].*/\1: \2 is included outside its rooms/'
    done <<<"$headers"
}

check_length() {
    files '*.c' '*.h' '*.py' '*.sh' '*.cmake' '*.js' '*.css' | while IFS= read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -le "$most_lines" ] || echo "$file: $lines lines, more than $most_lines: it has two subjects"
    done
}

# The words are written in two pieces here, or this file would find itself.
check_left_open() {
    local words='TO''DO|FIX''ME|XX''X|HA''CK'
    files '*.c' '*.h' '*.py' '*.sh' '*.cmake' '*.js' '*.css' '*CMakeLists.txt' '*.yaml' | tr '\n' '\0' |
        xargs -0 -r grep -HnowE "$words" | sed -E 's/^([^:]*:[0-9]+):(.*)/\1: \2 left in the code/'
}

check_top_level() {
    files | cut -d/ -f1 | sort -u | while IFS= read -r name; do
        [[ $name == .* || " $top_level " == *" $name "* ]] || echo "$name: not one of the house's top-level names"
    done
}

violations=$(check_headers; check_length; check_left_open; check_top_level)
[ -z "$violations" ] && exit 0
printf '%s\n' "$violations"
exit 1
