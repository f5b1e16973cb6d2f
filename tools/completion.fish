# Completions of wgf for fish. Commands, options and parameters are read from what the program itself prints.
function __wgf_words
    set -l tokens (commandline -opc)
    set -l word (commandline -ct)
    if test (count $tokens) = 1
        printf '%s\n' --help --version
        $tokens[1] --help 2>/dev/null | sed -n 's/^  \([a-z]\+\)  *\(.*\)/\1\t\2/p'
    else if contains -- $tokens[-1] --set --by --where --sort --columns
        set -l listed (string match -r -- '^.*,|^' $word)
        test $tokens[-1] = --sort; and set listed $listed(string match -r -- '^-|^' (string replace -- "$listed" '' $word))
        $tokens[1] params --markdown 2>/dev/null | sed -n 's/^| `\([a-z0-9_]*\)` .*/\1/p' | string replace -r '^' -- "$listed"
    else if string match -q -- '-*' $word
        $tokens[1] $tokens[2] --help 2>/dev/null | string match -ar -- '--[a-z][a-z-]*' | sort -u
    else
        __fish_complete_path $word
    end
end
complete -c wgf -f -a '(__wgf_words)'
