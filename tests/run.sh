#!/usr/bin/env bash
# Runs the tests, after setting up all that they need: `bash tests/run.sh` (everything) or `bash tests/run.sh -m "not slow"`.
. "$(dirname "$0")/../.ci/setup.sh"
system_packages bash zsh fish git vim less nano curl wget gdb gcc libc6-dev make sqlite3 bubblewrap faketime libseccomp2 nftables \
  asciinema python3-pytest procps util-linux tmux python3-requests python3-httpx python3-h2 python3-aiohttp python3-pip \
  python3-venv fonts-dejavu-core xvfb
browser
npm_packages "$root/tests/clients/npm" "$root/tests/browser" "$root/tests/interop/devtools" "$root/tests/web" \
  "$root/browser_ext"
! [ -d "$root/tests/web/node_modules" ] || (cd "$root/tests/web" && npm run build --silent)
environment
loaders
cd "$root"
if [ $# -gt 0 ]; then
  exec python -m pytest "$@"
fi
rm -f .pytest_cache/v/cache/lastfailed
python -m pytest -n 2 --dist worksteal && exit  # most of them mostly wait
# Real terminals, browsers and killed processes race a busy machine: a few that failed are tried once more, by
# themselves, and named.
failed=$(python -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")')
[ "$(wc -l <<<"$failed")" -le 4 ] || exit 1
printf 'tried twice:\n%s\n' "$failed"
exec python -m pytest --last-failed --last-failed-no-failures none
