# The `reenact` of a session: note, mark and check without starting Python. `launch` puts the interpreter line
# and the path of the real program in front of this text.

usage() {
  cat <<'END'
Usage: reenact note [TEXT...]          your own words on why; from standard input when there is no TEXT
       reenact mark [LABEL]            mark this moment
       reenact check [--] COMMAND...   run COMMAND as the outcome check: exit 0 earns reward 1, else 0
       reenact browse [URL]            open a browser that is recorded, too
       reenact COMMAND ...             any other command of Reenact, see `reenact help`

Examples:
  reenact note "the fixture leaks its port, so the second test can't bind"
  git diff | reenact note
  reenact mark "bug reproduced"
  reenact check -- pytest -q
END
}

fail() {
  status=$1
  shift
  printf 'reenact: %s\n' "$*" >&2
  exit "$status"
}

in_session() {
  [ -n "${REENACT_SESSION:-}" ] || fail 2 "$1: no session here; start one with \`reenact record\`"
}

encode() {
  base64 | tr -d '\n'
}

# append KIND FIELD...: one line: kind, seconds since boot, bytes of the shell's side log, folder and fields in base64
append() {
  read -r uptime _ </proc/uptime || uptime=-
  size=$(wc -c <"$REENACT_SESSION/shell-1.log" | tr -d ' ') || size=
  # A dot behind, as a substitution drops line feeds.
  folder=$(pwd; printf .)
  line="$1 $uptime ${size:--} $(printf %s "${folder%??}" | encode)"
  shift
  for field; do
    line="$line $(printf %s "$field" | encode)."
  done
  printf '%s\n' "$line" >>"$REENACT_SESSION/notes.log"
} 2>/dev/null

case ${1-} in
note)
  shift
  case ${1-} in -h | --help) usage; exit 0 ;; --) shift ;; esac
  if [ $# -eq 0 ]; then
    [ -t 0 ] && printf 'reenact: type your note, end it with Ctrl-D on a line of its own\n' >&2
    set -- "$(cat; echo .)"
    text=${1%.}
    text=${text%"
"}
  else
    text=$*
  fi
  [ -n "$text" ] || fail 2 "note: there is no text; give it as arguments or on standard input"
  in_session note
  append note "$text" || fail 5 "note: not written to $REENACT_SESSION/notes.log; is the disk full?"
  ;;
mark)
  shift
  case ${1-} in -h | --help) usage; exit 0 ;; --) shift ;; esac
  in_session mark
  append mark "$*" || fail 5 "mark: not written to $REENACT_SESSION/notes.log; is the disk full?"
  ;;
check)
  shift
  case ${1-} in -h | --help) usage; exit 0 ;; --) shift ;; esac
  [ $# -gt 0 ] || fail 2 "check: there is no command; for example: reenact check -- pytest -q"
  in_session check
  # Ctrl-C ends the command, not the check.
  trap : INT QUIT
  "$@"
  status=$?
  reward=0
  [ "$status" -eq 0 ] && reward=1
  if append check "$status" "$reward" "$@"; then
    printf 'reenact: check exit %d, reward %d\n' "$status" "$reward" >&2
  else
    printf 'reenact: check exit %d: not written to %s; is the disk full?\n' "$status" "$REENACT_SESSION/notes.log" >&2
  fi
  exit "$status"
  ;;
browse)
  in_session browse
  [ "$browsers" = 1 ] || fail 4 "browse: an isolated session opens no browser; record without --isolated"
  if [ ! -S "$REENACT_SESSION/browse.sock" ]; then
    # This is a replay: who replays opens what was recorded of it.
    printf 'reenact: the browser is open\n' >&2
    exit 0
  fi
  exec "$real" "$@"
  ;;
-h | --help)
  usage
  ;;
*)
  [ -x "$real" ] || fail 4 "${1:-that}: only note, mark and check work here; there is no $real (is this a replay?)"
  exec "$real" "$@"
  ;;
esac
