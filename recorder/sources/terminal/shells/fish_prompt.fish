function fish_prompt
    set -l last $status
    __reenact_status $last
    __reenact_user_prompt
    printf '\e]7770;%s;R;%d\a' $__reenact_nonce $__reenact_k
end
