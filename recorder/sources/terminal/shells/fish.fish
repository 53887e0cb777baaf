# Reenact's fish integration. `launch` puts the session's values (nonce, folder) in front of this text and has
# fish source it with --init-command, after the user's own files.
#
# What it tells: marks in the terminal's output (P when a command is over or a prompt is due, R at the prompt's
# end, C before a command), and beside them records in the session's shell-1.log, opened for each write. No forks.

if test -r $__reenact_folder/shell/restore
    source $__reenact_folder/shell/restore
end

# The user's files may have set PATH anew: the `reenact` of this session comes first.
if test "$PATH[1]" != $__reenact_folder/shell/bin
    set -gx PATH $__reenact_folder/shell/bin $PATH
end

set -g __reenact_k 0 # prompts so far
set -g __reenact_n 0 # commands so far, those that ran and those that could not
set -g __reenact_over 0 # the P mark of the coming prompt is out
set -g __reenact_comment 0 # the running command is nothing but comments
set -g __reenact_log $__reenact_folder/shell-1.log

# What a replay needs to find the same shell in an empty home.
function __reenact_dump
    for name in (functions --all --names)
        string match -q '__reenact_*' -- $name; and continue
        if test -e $__fish_data_dir/functions/$name.fish; and not test -e $__fish_config_dir/functions/$name.fish
            # One of fish's own, unless the user made it anew. Asking loads it, so only those that people do.
            string match -qr '^(fish_.*(prompt|greeting|title|found|bindings)|ls|la|ll|cd|man|grep|diff|history)$' -- $name
            or continue
        end
        string match -q "$__fish_data_dir/*" (functions --details -- $name); and continue
        functions --no-details -- $name
    end
    abbr --show
    for name in (set --names | string match -r '^fish_(?:color_|pager_color_|key_bindings|greeting|cursor_|prompt_).*')
        echo set -g $name (string escape -- $$name)
    end
    # Of what is exported, only what changes how programs show things; anything else may be a secret.
    for name in PATH LS_COLORS LSCOLORS CLICOLOR GREP_COLOR GREP_COLORS LESS LESSCHARSET LESSOPEN LESSCLOSE PAGER MANPAGER GIT_PAGER EDITOR VISUAL PYTHONSTARTUP VIMINIT EXINIT NO_COLOR INPUTRC
        set -qx $name; and echo set -gx $name (string escape -- $$name)
    end
    bind --user
end

begin
    set -l state (__reenact_dump 2>/dev/null | string collect)
    if test (string length -- "$state") -gt 1500000
        set state "# state left out"
    end
    printf '%s;S;0;%d;0;0\0%s\0%s\0\n' $__reenact_nonce $fish_pid $PWD "$state" >>$__reenact_log
end 2>/dev/null
functions -e __reenact_dump

function __reenact_status
    return $argv[1]
end

function __reenact_preexec --on-event fish_preexec
    set -l last $status
    set -g __reenact_n (math $__reenact_n + 1)
    set -g __reenact_over 0
    set -g __reenact_comment 0
    set -g __reenact_stopped
    if jobs -q; and not string match -q 'fg*' -- $argv[1]
        set -g __reenact_stopped (__reenact_jobs)
    end
    string match -qr '^\s*(#[^\n]*\s*)+$' -- $argv[1]; and set -g __reenact_comment 1
    test -f $__reenact_log; and printf '%s;C;%d;%d;%d;%d\0%s\0%s\0\n' $__reenact_nonce $__reenact_n $fish_pid $last $__reenact_k $PWD "$argv[1]" >>$__reenact_log 2>/dev/null
    printf '\e]7770;%s;C;%d;%d\a' $__reenact_nonce $__reenact_n $last
end

# The jobs that are stopped now.
function __reenact_jobs
    jobs | string match -r '^\d+\s+\d+(?=.*\sstopped\s)'
end

# $argv[1] is the status of the last command.
function __reenact_done
    set -g __reenact_k (math $__reenact_k + 1)
    set -g __reenact_over 1
    set -g __reenact_ready \e']7770;'$__reenact_nonce';R;'$__reenact_k\a
    test -f $__reenact_log; and printf '%s;P;%d;%d;%d;%d\0%s\0\0\n' $__reenact_nonce $__reenact_k $fish_pid $argv[1] $__reenact_n $PWD >>$__reenact_log 2>/dev/null
    printf '\e]7770;%s;P;%d;%d;%d\a' $__reenact_nonce $__reenact_k $argv[1] $__reenact_n
end

function __reenact_postexec --on-event fish_postexec
    set -l last $status
    # A comment leaves $status as it was; it did nothing, and that well.
    test $__reenact_comment = 1; and set last 0
    # So does a job that Ctrl-Z stopped: 148, as other shells say.
    if jobs -q
        for job in (__reenact_jobs)
            contains -- $job $__reenact_stopped; or set last 148
        end
    end
    __reenact_done $last
end

# Enter on a line that can't be parsed: fish shows its prompt again, the line still in the editor. 127 as in a
# script.
function __reenact_posterror --on-event fish_posterror
    set -g __reenact_n (math $__reenact_n + 1)
    test -f $__reenact_log; and printf '%s;X;%d;%d;%d;%d\0%s\0%s\0\n' $__reenact_nonce $__reenact_n $fish_pid 127 $__reenact_k $PWD "$argv[1]" >>$__reenact_log 2>/dev/null
    __reenact_done 127
    set -g __reenact_over 0
end

function __reenact_event --on-event fish_prompt
    set -l last $status
    test $__reenact_over = 1; or __reenact_done $last
    set -g __reenact_over 0
    test -e $__reenact_folder/groups; and __reenact_group
    string match -q -- "$__reenact_file" (functions --details fish_prompt); or __reenact_dress
end

# What the next command starts is in its control group (see the recorder's `groups`). A thread that moves itself
# among these costs nothing; it does not get there from outside, so the whole shell is moved first. Whatever cannot be
# written fish says aloud, so nothing is only tried.
function __reenact_group
    set -l group $__reenact_folder/groups/(math $__reenact_n + 1)
    test -e $group; or set group $__reenact_folder/groups/lost
    if set -q __reenact_grouped
        test -e $group; and printf 0 >>$group/cgroup.threads
    else if test -e $group
        set -g __reenact_grouped
        printf 0 >>$group/cgroup.procs
    end
end

# The user's fish_prompt within ours, which adds R to its end. Numbered, because the next one may call this one:
# a virtual environment keeps what it finds under another name.
function __reenact_dress
    set -g __reenact_dressed (math $__reenact_dressed + 1)
    functions -c fish_prompt __reenact_prompt_$__reenact_dressed
    source $__reenact_folder/shell/fish_prompt.fish
end
set -g __reenact_dressed 0
set -g __reenact_file $__reenact_folder/shell/fish_prompt.fish
__reenact_dress
