# The user's prompt with R at its end. fish drops one line feed at the end of a prompt, so R goes before it.
function fish_prompt --inherit-variable __reenact_dressed
    set -l last $status
    if set -q __reenact_within # a later prompt calls this one: only the whole has an end
        __reenact_status $last
        __reenact_prompt_$__reenact_dressed
        return
    end
    set -lx __reenact_within 1
    __reenact_status $last
    set -l lines (__reenact_prompt_$__reenact_dressed)
    if set -q lines[1]
        set lines[-1] $lines[-1]$__reenact_ready
    else
        set lines $__reenact_ready
    end
    printf '%s\n' $lines
end
