# SPDX-License-Identifier: Apache-2.0
# bash completion for davit: source this, or install it as /usr/share/bash-completion/completions/davit.
_davit() {
    local IFS=$'\n'
    mapfile -t COMPREPLY < <(davit __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    # Nothing of ours fits: file names (bash's own).
    [[ ${#COMPREPLY[@]} -gt 0 ]]
}
complete -o default -F _davit davit
