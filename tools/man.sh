#!/usr/bin/env bash
# Writes the manual page of wgf, made of what the program itself says: --help of each command, as it stands.
set -euo pipefail

case ${1:-} in
-h | --help)
    echo 'usage: tools/man.sh WGF'
    echo
    echo 'Prints the manual page wgf(1), in the macros of man(7), from the --help of this program and its commands.'
    exit
    ;;
'') echo 'man.sh: which program? usage: tools/man.sh WGF' >&2 && exit 2 ;;
esac
wgf=$1

# A dot or an apostrophe at the beginning of a line is a macro to roff, a plain hyphen a soft one.
verbatim() {
    echo .nf
    sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\&&/"
    echo .fi
}

help=$("$wgf" --help)
summary=${help%%$'\n'*}
echo "'\\\" -*- coding: utf-8 -*-"
echo ".TH WGF 1 \"\" \"${summary%%:*}\" \"User Commands\""
printf '.SH NAME\nwgf \\- %s\n.SH DESCRIPTION\n' "${summary#*: }"
tail -n +3 <<<"$help" | verbatim
sed -n 's/^  \([a-z]\+\) .*/\1/p' <<<"$help" | while read -r command; do
    echo ".SH \"${command^^}\""
    "$wgf" "$command" --help </dev/null | verbatim
done
cat <<'END'
.SH "PROGRAMS THAT BELONG TO IT"
.TP
.B wgf\-sweep
from a spec to the result file and its figure, under bash and under sbatch
.TP
.B wgf\-plot
draws the figure of a result file
.TP
.B wgf\-report
makes an HTML page of a result file
.PP
Each explains itself with \-\-help. Example specs are in share/wgf/sweeps below the prefix.
END
