# SPDX-License-Identifier: Apache-2.0
# fish completion for davit: install it as ~/.config/fish/completions/davit.fish.
function __davit_complete
    set -l words (commandline -opc) (commandline -ct)
    davit __complete $words[2..-1] 2>/dev/null
end
complete -c davit -a '(__davit_complete)'
