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

browser() {  # a browser, and what opens exported casts in it: asciinema's player. Without them their tests are skipped
  command -v chromium chromium-browser google-chrome >/dev/null || [ -n "${REENACT_CHROMIUM:-}" ] ||
    system_packages chromium || echo "setup: no Chromium here; set REENACT_CHROMIUM to one" >&2
  npm_packages "$root/tests/playback/player"
}

npm_packages() {  # FOLDER...: what their package-lock.json pins. Without it the tests that need it are skipped
  local folder stamp
  command -v npm >/dev/null || system_packages nodejs npm || return 0
  for folder in "$@"; do
    stamp=$(cksum < "$folder/package-lock.json")
    if [ "$(cat "$folder/node_modules/.stamp" 2>/dev/null)" != "$stamp" ]; then
      echo "setup: installing npm packages of ${folder#"$root/"}" >&2
      (cd "$folder" && npm ci --silent --ignore-scripts) || continue
      echo "$stamp" > "$folder/node_modules/.stamp"
    fi
  done
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

loaders() {  # what exported datasets are made for, in an environment of its own: it is large. Without it its tests are skipped
  local venv=$root/.venv-loaders pins=$root/tests/dataset/loaders.txt stamp
  stamp=$(cksum < "$pins")
  if [ "$(cat "$venv/.stamp" 2>/dev/null)" != "$stamp" ]; then
    [ -x "$venv/bin/python" ] || "$(find_python)" -m venv "$venv"
    echo "setup: installing dataset loaders" >&2
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-compile --require-hashes -r "$pins" ||
      return 0
    echo "$stamp" > "$venv/.stamp"
  fi
}
