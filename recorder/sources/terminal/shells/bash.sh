# Reenact's bash integration. `launch` puts the session's values (nonce, folder, which files are the user's)
# in front of this text and starts bash on it; the user's own files are sourced, never written.
#
# What it tells: marks in the terminal's output (P in PS1, R at its end, C in PS0), and beside them records in
# the session's shell-1.log, opened for each write. At most one fork for a command, none for a prompt.
# Every part heals another: PS1 and PS0 put the hook back into PROMPT_COMMAND, the hook puts PS1 and PS0 right.
# Builtins are written `\builtin name` so that no alias or function of the user stands in for them.

# -- the user's own start-up files, as bash would have read them ------------------------------------------
if [[ ${__reenact_startup:-rc} != rc ]]; then
  # --login and --norc read no --rcfile: bash was started with --posix and ENV instead (see `launch`).
  \builtin set +o posix
  \builtin shopt -u inherit_errexit
  [[ ${HISTFILE-} == ~/.sh_history ]] && HISTFILE=~/.bash_history
  if [[ ${__reenact_env+set} ]]; then
    \builtin export ENV="$__reenact_env"
  else
    \builtin unset ENV
  fi
fi
if [[ -r $__reenact_folder/shell/restore ]]; then
  \builtin . "$__reenact_folder/shell/restore"
elif [[ $__reenact_startup == login ]]; then
  [[ -r /etc/profile ]] && \builtin . /etc/profile
  if [[ -r ~/.bash_profile ]]; then
    \builtin . ~/.bash_profile
  elif [[ -r ~/.bash_login ]]; then
    \builtin . ~/.bash_login
  elif [[ -r ~/.profile ]]; then
    \builtin . ~/.profile
  fi
elif [[ -n ${__reenact_user_rc-} && -r $__reenact_user_rc ]]; then
  \builtin . "$__reenact_user_rc"
fi

# They may have set PATH anew: the `reenact` of this session comes first.
[[ $PATH == "$__reenact_folder/shell/bin":* ]] || PATH=$__reenact_folder/shell/bin:$PATH

# bash before 4.4 has no PS0, so commands could not be told apart.
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
  \builtin printf 'reenact: bash %s is older than 4.4: commands will not be told apart\n' "$BASH_VERSION" >&2
  \builtin return
fi

# -- what a replay needs to find the same shell in an empty home -------------------------------------------
# Functions before aliases, which would be expanded in them; options that could hurt the reading come last.
__reenact_state=$(
  \builtin set +euxv
  \builtin shopt -p | command -p grep -vE 'login_shell|restricted_shell'
  if functions=$(\builtin declare -f) && ((${#functions} < 1000000)); then
    \builtin printf '%s\n' "$functions"
  else
    \builtin printf '# functions left out: %d characters\n' "${#functions}"
  fi
  for name in PS1 PS2 PS3 PS4 PS0 PROMPT_COMMAND PROMPT_DIRTRIM IGNOREEOF HISTCONTROL HISTIGNORE HISTSIZE \
    HISTFILESIZE HISTTIMEFORMAT TIMEFORMAT CDPATH FIGNORE GLOBIGNORE MAILCHECK debian_chroot \
    precmd_functions preexec_functions "${!GIT_PS1_@}" \
    "${!BASH_COMPLETION@}" "${!_comp@}" _xspecs _backup_glob; do
    \builtin declare -p "$name"
  done 2>/dev/null
  # Of what is exported, only what changes how programs show things; anything else may be a secret.
  for name in PATH LS_COLORS LSCOLORS CLICOLOR GREP_COLOR GREP_COLORS LESS LESSCHARSET LESSOPEN LESSCLOSE \
    PAGER MANPAGER GIT_PAGER EDITOR VISUAL PYTHONSTARTUP VIMINIT EXINIT NO_COLOR INPUTRC; do
    [[ ${!name+set} && ${!name@a} == *x* ]] && \builtin declare -p "$name"
  done 2>/dev/null
  if functions=$(\builtin complete -p) && ((${#functions} < 40000)); then
    \builtin printf '%s\n' "$functions"
  fi
  while IFS= \builtin read -r name; do
    \builtin printf 'bind %q\n' "$name"
  done < <(\builtin bind -v) 2>/dev/null
  for map in emacs vi-insert vi-command; do
    while IFS= \builtin read -r name; do
      case $name in
        \#* | *': self-insert' | *': do-lowercase-version' | *': vi-arg-digit' | '') ;;
        *) \builtin printf 'bind -m %s %q\n' "$map" "$name" ;;
      esac
    done < <(\builtin bind -m "$map" -p; \builtin bind -m "$map" -s)
    while IFS= \builtin read -r name; do
      \builtin printf 'bind -m %s -x %q\n' "$map" "$name"
    done < <(\builtin bind -m "$map" -X)
  done 2>/dev/null
  \builtin trap -p
  \builtin alias -p
  \builtin set +o | command -p grep -vE ' (history|monitor|posix|emacs|vi|interactive-comments|noexec)$'
  [[ -o vi ]] && \builtin printf 'set -o vi\n'
  \builtin true
) 2>/dev/null
((${#__reenact_state} < 1500000)) || __reenact_state="# state left out: ${#__reenact_state} characters"
\builtin printf '%s;S;0;%d;0;0\0%s\0%s\0\n' "$__reenact_nonce" "$$" "$PWD" "$__reenact_state" \
  2>/dev/null >>"$__reenact_folder/shell-1.log" || \builtin true
\builtin unset __reenact_state __reenact_env __reenact_user_rc

# -- our state, none of it exported -------------------------------------------------------------------------
__reenact_log=$__reenact_folder/shell-1.log
__reenact_scratch=$__reenact_folder/shell-1.tmp
__reenact_cwd=      # the folder that the log told last
__reenact_k=0       # prompts expanded so far
__reenact_n=0       # commands so far, those that ran and those that could not (comments, syntax errors)
__reenact_h=0       # history number that the next line will get
__reenact_began=0   # a command started since the last prompt
# By history number, what the user's settings do with a command's entry: 1 not kept, 2 older copies erased.
__reenact_fates=()
__reenact_fresh=0   # 1: the earlier hook ran for this prompt, 2: the later one did
__reenact_picky=0   # the user's settings do not keep every line
__reenact_hc=::     # the user's HISTCONTROL
__reenact_hi=()     # the user's HISTIGNORE, split
__reenact_hc_set=${HISTCONTROL-} __reenact_hi_set=${HISTIGNORE-}
__reenact_void=v
__reenact_hook=$'{\n__reenact_prompt\n} 2>/dev/null'
__reenact_early=$'{\n__reenact_before\n} 2>/dev/null\n'
# Far from index 0, which `PROMPT_COMMAND=...` sets. Before 5.1 only index 0 runs.
__reenact_slot=7770
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)) && __reenact_slot=0

# A removed pattern is a way to say ${x:=y} and show nothing: [v...] removes the v and has y expanded.
__reenact_heal='${__reenact_void#[v${PROMPT_COMMAND['$__reenact_slot']:=$__reenact_hook}]}'
# `${__reenact_nonce+...}`: in a nested shell that inherited an exported PS1 all of this is nothing.
__reenact_pre='\[${__reenact_nonce+\e]7770;$__reenact_nonce;P;$((__reenact_k+=1));$?;$((__reenact_fresh=0,__reenact_h=\!,__reenact_n))'$__reenact_heal'\a}\]'
__reenact_post='\[${__reenact_nonce+\e]7770;$__reenact_nonce;R;$__reenact_k\a}\]'
__reenact_ps0='${__reenact_nonce+\e]7770;$__reenact_nonce;C;$((__reenact_began=1,__reenact_fresh=0,__reenact_fates[\!]=0$({ __reenact_start; } 2>/dev/null),__reenact_n+=1));$?'$__reenact_heal'\a}'

# In PS0's fork, before a command runs: write its text down, return what becomes of its history entry.
__reenact_start() {
  \builtin local s="$?" text before
  \builtin set +euxv
  IFS=$' \t\n'
  __reenact_entry
  \builtin printf '%s;C;%d;%d;%d;%d\0%s\0%s\0\n' \
    "$__reenact_nonce" $((__reenact_n + 1)) "$$" "$s" "$__reenact_k" "$PWD" "$text" >>"$__reenact_log"
  __reenact_fate "$text" "$before"
  \builtin printf '%d' $?
  \builtin return "$s"
}

# The history entry that was added last into `text`, the one before it into `before`; nothing where history is
# off or did not take it. Through a file, as a pipe would take another fork; one that is never truncated, as that
# makes some file systems write it out at once.
__reenact_entry() {
  \builtin local now='\!' HISTTIMEFORMAT=
  \builtin local -a both lines
  \builtin local -i width count
  now=${now@P} count=now-__reenact_h+1
  text= before=
  [[ -o history ]] && ((count > 0)) || \builtin return 0
  # "%5d", a flag, a space, the text
  width=$((${#now} > 5 ? ${#now} + 2 : 7))
  # With cmdhist off, every line of a command is an entry.
  [[ :$BASHOPTS: == *:cmdhist:* ]] && count=1
  {
    \builtin history "$count"
    \builtin printf '\0'
    ((__reenact_picky)) && \builtin history $((count + 1))
    \builtin printf '\0'
  } 1<>"$__reenact_scratch"
  \builtin mapfile -t -n 2 -d '' both <"$__reenact_scratch"
  ((${#both[1]} > ${#both[0]})) && before=${both[1]:width:${#both[1]} - ${#both[0]} - width - 1}
  text=${both[0]:width}
  text=${text%$'\n'}
  if ((count > 1)); then
    \builtin mapfile -t lines <<<"${both[0]}"
    for count in "${!lines[@]}"; do lines[count]=${lines[count]:width}; done
    \builtin printf -v text '%s\n' "${lines[@]}"
    text=${text%$'\n'}
  fi
}

# Returns what bash itself would have done with entry $1 that follows $2 under the user's settings.
__reenact_fate() {
  [[ -n $1 ]] && ((__reenact_picky)) || \builtin return 0
  \builtin local line="${1%%$'\n'*}" pattern
  [[ ${1:0:1} == ' ' && $__reenact_hc == *:@(ignorespace|ignoreboth):* ]] && \builtin return 1
  [[ $1 == "$2" && $__reenact_hc == *:@(ignoredups|ignoreboth):* ]] && \builtin return 1
  for pattern in "${__reenact_hi[@]}"; do
    [[ $pattern == *'&'* && $pattern != *'\&'* ]] && pattern=${pattern/&/"$2"}
    [[ -n $pattern && $line == $pattern ]] && \builtin return 1
  done
  [[ $__reenact_hc == *:erasedups:* ]] && \builtin return 2
  \builtin return 0
}

# Do to the history entry numbered $1 what the user's settings say ($2, see __reenact_fate).
__reenact_forget() {
  \builtin local now='\!' text before
  now=${now@P}
  # After `history -c` or -d the number may stand for another line: better one too many than one lost.
  (($2 && $1 <= now)) || \builtin return 0
  if (($2 == 2 && $1 == now)); then
    __reenact_entry
    HISTCONTROL=erasedups
    \builtin history -d "$1" && \builtin history -s -- "$text"
    HISTCONTROL=$__reenact_hc_set
  elif (($2 == 1)); then
    \builtin history -d "$1"
  fi
}

# The same for all commands since the last prompt, from the newest back, so that numbers stay right.
__reenact_settle() {
  \builtin local -i i
  \builtin local -a numbers
  numbers=("${!__reenact_fates[@]}")
  for ((i = ${#numbers[@]} - 1; i >= 0; i--)); do
    __reenact_forget "${numbers[i]}" "${__reenact_fates[numbers[i]]}"
  done
  __reenact_fates=()
}

# A prompt is due: the last command is over. $1 is its status.
__reenact_over() {
  \builtin local now='\!' text before status IFS=$' \t\n'
  now=${now@P}
  if ((__reenact_began)); then
    __reenact_began=0
    __reenact_settle
  elif ((__reenact_h && now >= __reenact_h)); then
    # A line went to history and nothing ran: a comment, a syntax error (2), else Ctrl-C in its middle, `!x:p`.
    __reenact_entry
    status=
    if [[ $text =~ ^[[:space:]]*'#' ]]; then
      status=0
    elif (($1 == 2)); then
      status=2
    fi
    if [[ -n $text && -n $status ]]; then
      __reenact_n=$((__reenact_n + 1))
      \builtin printf '%s;X;%d;%d;%d;%d\0%s\0%s\0\n' \
        "$__reenact_nonce" "$__reenact_n" "$$" "$status" "$__reenact_k" "$PWD" "$text" >>"$__reenact_log"
    fi
    if [[ -n $text ]]; then
      __reenact_fate "$text" "$before"
      __reenact_forget "$now" $?
    fi
  fi
  # The mark says the rest.
  if [[ $PWD != "$__reenact_cwd" ]]; then
    __reenact_cwd=$PWD
    \builtin printf '%s;P;%d;%d;%d;%d\0%s\0\0\n' \
      "$__reenact_nonce" $((__reenact_k + 1)) "$$" "$1" "$__reenact_n" "$PWD" >>"$__reenact_log"
  fi
}

# What the next command starts is in its control group (see the recorder's `groups`). A thread that moves itself
# among these costs nothing; it does not get there from outside, so the whole shell is moved first.
__reenact_group() {
  \builtin local -i n=__reenact_n+1
  \builtin printf 0 >>"$__reenact_folder/groups/$n/cgroup.threads" ||
    \builtin printf 0 >>"$__reenact_folder/groups/$n/cgroup.procs" ||
    \builtin printf 0 >>"$__reenact_folder/groups/lost/cgroup.procs"
}

# Runs before the user's PROMPT_COMMAND (where both it and history settings exist), so that its `history -a`
# meets the history that the user configured. Keeps $? for them.
__reenact_before() {
  \builtin local s="$?" -
  \builtin set +euxv
  __reenact_over "$s"
  __reenact_fresh=1
  \builtin return "$s"
}

# Runs after the user's PROMPT_COMMAND.
__reenact_prompt() {
  \builtin local s="$?" -
  \builtin set +euxv
  ((__reenact_fresh == 1)) || __reenact_over "$s"
  __reenact_fresh=2
  [[ -e $__reenact_folder/groups ]] && __reenact_group
  [[ ${HISTCONTROL-} == "$__reenact_hc_set" && ${HISTIGNORE-} == "$__reenact_hi_set" ]] || __reenact_disarm
  [[ ${PS1-} == "$__reenact_pre"*"$__reenact_post" && ${PS0-} == "$__reenact_ps0"* &&
    :$BASHOPTS: == *:promptvars:* ]] || __reenact_dress
  if [[ ${PROMPT_COMMAND[-1]} != *"$__reenact_hook" ]]; then
    __reenact_arrange
  elif ((__reenact_picky && ${#PROMPT_COMMAND[@]} > 1)) && [[ ${PROMPT_COMMAND[0]-} != "$__reenact_early"* ]]; then
    __reenact_arrange
  fi
  \builtin return 0
}

# Our parts of PS1 and PS0 back to their places: at both ends, once.
__reenact_dress() {
  \builtin local rest="${PS1-}"
  rest=${rest//"$__reenact_pre"/}
  PS1=$__reenact_pre${rest//"$__reenact_post"/}$__reenact_post
  rest=${PS0-}
  PS0=$__reenact_ps0${rest//"$__reenact_ps0"/}
  \builtin shopt -s promptvars
}

# bash must keep every line until its text is written down. The user's HISTCONTROL and HISTIGNORE stay as they
# look, but with white space that makes bash overlook them; __reenact_forget does what they say.
__reenact_disarm() {
  \builtin local value rest IFS=$' \t\n'
  [[ ${HISTCONTROL@a}${HISTIGNORE@a} == *r* ]] && \builtin return 0
  value=${HISTCONTROL-}
  value=${value// /}
  __reenact_hc=:$value:
  if [[ $__reenact_hc == *:@(ignorespace|ignoredups|ignoreboth|erasedups):* ]]; then
    HISTCONTROL=" ${value//:/: }"
  else
    __reenact_hc=::
  fi
  __reenact_hc_set=${HISTCONTROL-}
  value=${HISTIGNORE-}
  value=${value//$'\n'/}
  __reenact_hi=()
  rest=$value
  # to the next colon that is neither escaped nor within brackets
  \builtin local part='^((\\.|\[(\[:[a-z]+:\]|[^]])*\]|[^:])*):?'
  while [[ -n $rest && $rest =~ $part ]]; do
    __reenact_hi+=("${BASH_REMATCH[1]}")
    rest=${rest:${#BASH_REMATCH[0]}}
  done
  [[ -n $value ]] && HISTIGNORE=$'\n'${value//:/:$'\n'}
  __reenact_hi_set=${HISTIGNORE-}
  [[ $__reenact_hc == :: && -z $value ]]
  __reenact_picky=$?
  # The last command meets no further prompt. A trap of the user's own is left alone.
  if ((__reenact_picky)) && [[ -z $(\builtin trap -p EXIT) ]]; then
    \builtin trap -- $'{\n__reenact_bye\n} 2>/dev/null' EXIT
  fi
  __reenact_arrange
}

__reenact_bye() {
  \builtin local s="$?" -
  \builtin set +euxv
  ((__reenact_began)) && __reenact_settle
  \builtin return "$s"
}

# The later hook last; the earlier one in front, where there is something of the user's to be in front of.
__reenact_arrange() {
  \builtin local -a mine
  \builtin local i rest
  for i in "${!PROMPT_COMMAND[@]}"; do
    rest=${PROMPT_COMMAND[i]//"$__reenact_early"/}
    rest=${rest//"$__reenact_hook"/}
    ((i >= 7770)) && [[ -z $rest ]] && \builtin continue
    mine+=("$rest")
  done
  if [[ -n ${mine[*]} ]] && ((__reenact_picky)); then
    mine[0]=$__reenact_early${mine[0]-}
  fi
  if ((__reenact_slot)); then
    PROMPT_COMMAND=("${mine[@]}" [__reenact_slot]="$__reenact_hook")
  else
    rest=${mine[0]-}
    PROMPT_COMMAND=${rest:+$rest$'\n'}$__reenact_hook
  fi
}

# The user's files may have left `set -eu` behind.
__reenact_begin() {
  \builtin local -
  \builtin set +euxv
  __reenact_arrange
  __reenact_disarm
  __reenact_dress
}
{ __reenact_begin; } 2>/dev/null
\builtin unset -f __reenact_begin
