#compdef wgf
# Completions of wgf for zsh. Commands, options and parameters are read from what the program itself prints.
local -a found
local before=${words[CURRENT-1]}
if ((CURRENT == 2)); then
    found=(--help --version $("$words[1]" --help 2>/dev/null | sed -n 's/^  \([a-z]\+\) .*/\1/p'))
elif [[ $before == --(set|by|where|sort|columns) ]]; then
    found=($("$words[1]" params --markdown 2>/dev/null | sed -n 's/^| `\([a-z0-9_]*\)` .*/\1/p'))
    compset -P '*,' || true
    [[ $before == --sort ]] && { compset -P '-' || true }
elif [[ $PREFIX == -* ]]; then
    found=($("$words[1]" "$words[2]" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u))
fi
if (($#found)); then compadd -a found; else _files; fi
