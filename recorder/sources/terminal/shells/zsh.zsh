# Reenact's zsh integration. `launch` puts the session's values (nonce, folder, the user's ZDOTDIR) in front of
# this text and lets zsh read it as .zshenv. It gives ZDOTDIR back at once, so zsh goes on to the user's own
# files by itself; the integration starts after all of them, just before the first prompt.
#
# What it tells: marks in the terminal's output (P in PS1, R at its end, C before a command), and beside them
# records in the session's shell-1.log, opened for each write. No forks.

typeset -gi __reenact_k=0 __reenact_n=0 __reenact_began=0 __reenact_status=0
typeset -g __reenact_line= __reenact_bare=1

# Functions of ours are defined before any alias of the user's exists.

# Sourced by zsh's scheduler at top level: after every precmd function of the first prompt.
__reenact_init() {
  { builtin emulate -L zsh; builtin setopt no_xtrace unset no_err_exit no_err_return } 2>/dev/null
  local bin=$__reenact_folder/shell/bin
  [[ $path[1] == $bin ]] || path=($bin $path)
  __reenact_dump
  __reenact_arrange
  __reenact_precmd
}

# What a replay needs to find the same shell in an empty home.
__reenact_dump() {
  local state text name
  local -a own=(${(k)functions:#__reenact_*}) unread=(${(k)functions[(R)builtin autoload -X*]})
  {
    # Read without aliases, which would be expanded in functions and even in their names.
    state="setopt no_aliases"$'\n'
    # Those that were not called yet are loaded when they are; the text that stands for them would run them one
    # level too deep.
    own=(${own:|unread})
    for text in ${(u)functions[(R)builtin autoload -X*]}; do
      state+="builtin autoload -${text#*-X} ${(k)functions[(Re)$text]}"$'\n'
    done
    text=
    (( $#own )) && text=$(builtin functions -- $own)
    (( $#text < 1000000 )) || text="# functions left out: $#text characters"
    state+=$text$'\n'
    for name in PS1 PS2 PS3 PS4 RPS1 RPS2 SPROMPT PROMPT_EOL_MARK HISTSIZE SAVEHIST TIMEFMT WORDCHARS \
      KEYTIMEOUT READNULLCMD NULLCMD REPORTTIME DIRSTACKSIZE LISTMAX MAILCHECK precmd_functions \
      preexec_functions chpwd_functions fpath cdpath ZSH_THEME_GIT_PROMPT_PREFIX; do
      (( ${(P)+name} )) && state+=$(typeset -p $name)$'\n'
    done
    # Of what is exported, only what changes how programs show things; anything else may be a secret.
    for name in PATH LS_COLORS LSCOLORS CLICOLOR GREP_COLOR GREP_COLORS LESS LESSCHARSET LESSOPEN LESSCLOSE \
      PAGER MANPAGER GIT_PAGER EDITOR VISUAL PYTHONSTARTUP VIMINIT EXINIT NO_COLOR INPUTRC; do
      [[ ${(Pt)name} == *export* ]] && state+="export $name=${(qq)${(P)name}}"$'\n'
    done
    # What completion (compinit) and the two plugins that are everywhere keep outside functions.
    text=$(builtin zmodload -L; __reenact_values \
      ${(k)parameters[(I)(_comp*|_services|_(|post)patcomps|_lastcomp|comp(pre|post)funcs)]} \
      ${(k)parameters[(I)((|_)ZSH_(AUTOSUGGEST|HIGHLIGHT)_*|_zsh_highlight_*)]})
    (( $#text < 150000 )) && state+=$text$'\n'
    text=$(builtin zstyle -L; builtin zle -lL; __reenact_keys)
    (( $#text < 60000 )) && state+=$text$'\n'
    state+=$(builtin trap)$'\n'
    state+="unalias -m '*'; setopt aliases"$'\n'
    state+=$(builtin alias -L; builtin alias -gL; builtin alias -sL)$'\n'
    own=(${(f)__reenact_options})
    own=(${own:#(no|)(interactive|shinstdin|monitor|zle|login|rcs|globalrcs|privileged|exec|singlecommand)})
    (( $#own )) && state+="setopt $own"$'\n'
  } 2>/dev/null
  (( $#state < 1500000 )) || state="# state left out: $#state characters"
  {
    builtin printf '%s;S;0;%d;0;0\0%s\0%s\0\n' $__reenact_nonce $$ $PWD $state >>$__reenact_folder/shell-1.log
  } 2>/dev/null
  builtin unset __reenact_options
}

# Parameters with their values, also hidden ones, which `typeset -p` keeps to itself.
__reenact_values() {
  local name
  for name in "$@"; do
    case ${(Pt)name} in
      *readonly*|*special*) ;;
      association*) builtin print -r -- "typeset -gA $name; $name=(${(@qqkvP)name})" ;;
      array*) builtin print -r -- "typeset -ga $name; $name=(${(@qqP)name})" ;;
      ?*) builtin print -r -- "typeset -g $name=${(qqP)name}" ;;
    esac
  done
}

# Every keymap's keys; those of the user's own making, and which one is in use.
__reenact_keys() {
  local map
  for map in ${(f)"$(builtin bindkey -l)"}; do
    case $map in
      .safe|main) ;;
      command|emacs|isearch|vicmd|viins|viopp|visual|listscroll|menuselect) builtin bindkey -LM $map ;;
      *) builtin print -r -- "bindkey -N ${(q)map}"; builtin bindkey -LM $map ;;
    esac
  done
  builtin bindkey -lL main
}

__reenact_mark() {
  builtin print -n -- $1 >/dev/tty || builtin print -n -- $1
} 2>/dev/null

# zsh read a line: what was typed, whether or not it will run or be kept.
__reenact_addhistory() {
  {
    __reenact_line=$1
    # Hooks that the user's last command removed are back before this line runs.
    case ${(j: :)precmd_functions}${(j: :)preexec_functions} in
      *__reenact_precmd*__reenact_preexec*) ;;
      *) __reenact_arrange ;;
    esac
    builtin return 0
  } 2>/dev/null
}

__reenact_preexec() {
  { local s=$?; builtin emulate -L zsh; builtin setopt no_xtrace unset no_err_exit no_err_return local_traps; builtin trap - DEBUG } 2>/dev/null
  local text=${1:-$3}
  (( __reenact_n += 1 ))
  __reenact_began=1
  {
    builtin printf '%s;C;%d;%d;%d;%d\0%s\0%s\0\n' \
      $__reenact_nonce $__reenact_n $$ $s $__reenact_k $PWD $text >>$__reenact_folder/shell-1.log
  } 2>/dev/null
  __reenact_mark $'\e]7770;'$__reenact_nonce";C;$__reenact_n;$s"$'\a'
  (( $precmd_functions[(I)__reenact_precmd] )) || __reenact_arrange
}

__reenact_precmd() {
  { local s=$?; builtin emulate -L zsh; builtin setopt extended_glob no_xtrace unset no_err_exit no_err_return local_traps; builtin trap - DEBUG } 2>/dev/null
  if (( __reenact_began )); then
    __reenact_began=0
  elif [[ $__reenact_line == *[^[:space:]]* ]]; then
    __reenact_unrun $s
  fi
  __reenact_line=
  __reenact_status=$s
  (( __reenact_k += 1 ))
  {
    builtin printf '%s;P;%d;%d;%d;%d\0%s\0\0\n' \
      $__reenact_nonce $__reenact_k $$ $s $__reenact_n $PWD >>$__reenact_folder/shell-1.log
  } 2>/dev/null
  [[ -e $__reenact_folder/groups ]] && __reenact_group
  __reenact_dress $s
  if [[ $precmd_functions[-1] != __reenact_precmd ]]; then
    # Others come after this one and may set PS1; once more after them.
    builtin sched +0 "__reenact_dress $s" 2>/dev/null
    __reenact_arrange
  fi
  [[ $preexec_functions[-1] == __reenact_preexec && $zshaddhistory_functions[-1] == __reenact_addhistory ]] ||
    __reenact_arrange
  builtin return 0
}

# What the next command starts is in its control group (see the recorder's `groups`). A thread that moves itself
# among these costs nothing; it does not get there from outside, so the whole shell is moved first.
__reenact_group() {
  local group=$__reenact_folder/groups/$((__reenact_n + 1))
  builtin printf 0 >>$group/cgroup.threads || builtin printf 0 >>$group/cgroup.procs ||
    builtin printf 0 >>$__reenact_folder/groups/lost/cgroup.procs
} 2>/dev/null

# P and R into PS1; $1 is the status of the last command.
__reenact_dress() {
  { emulate -L zsh; setopt extended_glob no_xtrace unset no_err_exit no_err_return } 2>/dev/null
  local s=$1
  local mark=$'\e]7770;'$__reenact_nonce
  # Also marks of an earlier prompt go: a theme or `deactivate` may have put an old PS1 back.
  local rest=${PS1//'%{'$mark;[^$'\a']#$'\a%}'/}
  if [[ -o prompt_percent ]]; then
    # %? and %! speak for prompts after the user removed this hook, up to the next command.
    PS1="%{$mark;P;$__reenact_k;%?;$__reenact_n;%!"$'\a%}'"$rest%{$mark;R;$__reenact_k"$'\a%}'
  else
    # Without % sequences a prompt can't hold what takes no room.
    PS1=$rest
    __reenact_mark "$mark;P;$__reenact_k;$s;$__reenact_n"$'\a'"$mark;R;$__reenact_k"$'\a'
  fi
  builtin return 0
}

# A line was read and nothing ran: a comment, a syntax error, `!x:p`, or Ctrl-C in its middle. $1: status now.
__reenact_unrun() {
  local text=${__reenact_line%$'\n'} error
  local -i exit=0
  if [[ $text != [[:space:]]#\#* ]]; then
    # zsh leaves $? as it was; a line that can't be parsed counts as 1, as in `zsh -c`.
    exit=1
    error=$({ functions[__reenact_probe]=$text } 2>&1)
    [[ -n $error ]] || builtin return
    # Ctrl-C gives 130. Where it was 130 before too, an unfinished line tells.
    if (( $1 == 130 )); then
      (( __reenact_status != 130 )) && builtin return
      [[ $error == *(near \`'\n'\'|unmatched)* ]] && builtin return
    fi
  fi
  (( __reenact_n += 1 ))
  {
    builtin printf '%s;X;%d;%d;%d;%d\0%s\0%s\0\n' \
      $__reenact_nonce $__reenact_n $$ $exit $__reenact_k $PWD $text >>$__reenact_folder/shell-1.log
  } 2>/dev/null
}

# Ours last, so that what a theme does to PS1 comes before, and what a preexec prints is no output of the command.
__reenact_arrange() {
  typeset -ga precmd_functions preexec_functions zshaddhistory_functions
  precmd_functions=(${precmd_functions:#__reenact_*} __reenact_precmd)
  preexec_functions=(${preexec_functions:#__reenact_*} __reenact_preexec)
  zshaddhistory_functions=(${zshaddhistory_functions:#__reenact_*} __reenact_addhistory)
}

# -- the user's own start-up files --------------------------------------------------------------------------
if (( ${+__reenact_zdotdir} )); then
  builtin export ZDOTDIR=$__reenact_zdotdir
  builtin unset __reenact_zdotdir
else
  builtin unset ZDOTDIR
fi
if [[ -r $__reenact_folder/shell/restore ]]; then
  # Nothing of this home (and no wizard for new users); the restored state stands for it.
  builtin setopt no_rcs
  __reenact_start="builtin setopt rcs; builtin source ${(q)__reenact_folder}/shell/restore; "
elif (( __reenact_norcs )); then
  builtin setopt no_rcs
  __reenact_start=
else
  __reenact_start=
  if [[ -r ${ZDOTDIR:-$HOME}/.zshenv ]]; then
    builtin source ${ZDOTDIR:-$HOME}/.zshenv
  fi
fi
if [[ -o interactive ]]; then
  if builtin zmodload zsh/sched 2>/dev/null; then
    builtin sched +0 "${__reenact_start}__reenact_options=\$(builtin setopt); __reenact_init"
  else
    precmd_functions+=(__reenact_init)
  fi
fi
builtin unset __reenact_start __reenact_norcs
