#!/usr/bin/env bash
# Runs the tests, after setting up all that they need: `bash tests/run.sh` (everything) or `bash tests/run.sh -m "not slow"`.
. "$(dirname "$0")/../.ci/setup.sh"
system_packages bash zsh fish git vim less nano curl wget gdb gcc libc6-dev make sqlite3 bubblewrap faketime libseccomp2 nftables \
  asciinema python3-pytest procps util-linux tmux python3-requests python3-httpx python3-h2 python3-aiohttp python3-pip \
  python3-venv fonts-dejavu-core
browser
npm_packages "$root/tests/clients/npm" "$root/tests/browser"
environment
cd "$root"
if [ $# -gt 0 ]; then
  exec python -m pytest "$@"
fi
exec python -m pytest -n 2 --dist worksteal  # most of them mostly wait
