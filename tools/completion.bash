# Completions of wgf for bash. Commands, options and parameters are read from what the program itself prints.
_wgf() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words='' listed=''
    if [ "$COMP_CWORD" = 1 ]; then
        words="--help --version $("$1" --help 2>/dev/null | sed -n 's/^  \([a-z]\+\) .*/\1/p')"
    elif [[ $before == @(--set|--by|--where|--sort|--columns) ]]; then
        words=$("$1" params --markdown 2>/dev/null | sed -n 's/^| `\([a-z0-9_]*\)` .*/\1/p')
        [[ $word == *,* ]] && listed=${word%,*},
        [[ $before == --sort && ${word#"$listed"} == -* ]] && listed+=-
    elif [[ $word == -* ]]; then
        words=$("$1" "${COMP_WORDS[1]}" --help 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)
    fi
    mapfile -t COMPREPLY < <(compgen -P "$listed" -W "$words" -- "${word#"$listed"}")
}
complete -o default -F _wgf wgf
