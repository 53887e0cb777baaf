# The user's prompt with R at its end. fish drops one line feed at the end of a prompt, so R goes before it.
function fish_prompt
    set -l last $status
    __reenact_status $last
    set -l lines (__reenact_user_prompt)
    if set -q lines[1]
        set lines[-1] $lines[-1]$__reenact_ready
    else
        set lines $__reenact_ready
    end
    printf '%s\n' $lines
end
