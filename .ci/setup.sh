# Sourced by the demo, the tests and CI: brings up what they need and puts it on PATH. Safe to run again.
# Debian and Ubuntu: missing system packages come from apt (as root, or through sudo). Elsewhere: named, not installed.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

system_packages() {  # PACKAGE...: install those that are missing
  local missing=() package
  command -v dpkg-query >/dev/null || return 0
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  local sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup: please install: ${missing[*]}" >&2; return 1; }
    sudo=(sudo)
  fi
  echo "setup: installing ${missing[*]}" >&2
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

find_python() {  # prints a Python that is 3.12 or newer and has venv
  local candidate
  for candidate in ${REENACT_PYTHON:-} python3.13 python3.12 python3.14 python3 \
      ~/.pyenv/versions/3.1[2-9]*/bin/python; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "setup: Python 3.12 or newer is needed (with venv); set REENACT_PYTHON to one" >&2
  return 1
}

environment() {  # a virtual environment with the pinned dependencies and this checkout
  local venv=$root/.venv stamp
  stamp=$(cat "$root/requirements.txt" "$root/pyproject.toml" | cksum)
  if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ]; then
    [ -x "$venv/bin/python" ] || "$(find_python)" -m venv "$venv"
    echo "setup: installing Python packages" >&2
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$root/requirements.txt"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e "$root"
    echo "$stamp" > "$venv/.stamp"
  fi
  export PATH="$venv/bin:$PATH"
}
