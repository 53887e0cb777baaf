"""Chromium in a session: it heeds no variable for what it trusts, so it is given flags. Pure.

A program of its name stands first on the session's PATH and passes them on; scripts that start a browser by its
path read the variable. Neither its own settings nor the system's store of certificates are touched.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

FLAGS = "REENACT_CHROMIUM_FLAGS"
"""The variable that holds the flags, parted by blanks."""
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_TRUST = "--ignore-certificate-errors-spki-list="
# Its own calls home are no part of the work.
_QUIET = ("--disable-background-networking", "--disable-component-update", "--no-first-run")
_WRAPPER = """\
# Chromium, sent through the session's proxy. Only a profile of its own takes these flags: a window that is open already
# would open another one without them, and what it is logged in to is not for a recording.
set -f
case " $* " in
*\\ --user-data-dir* | *\\ --headless*) ;;
*) [ -z "$REENACT_SESSION" ] || set -- "--user-data-dir=$REENACT_SESSION/chromium" "$@" ;;
esac
exec "$real" $REENACT_CHROMIUM_FLAGS "$@"
"""


def chromium_flags(env: Mapping[str, str], *, port: int | None, spki: str) -> str:
    """The flags that send Chromium to the proxy on `port` of this machine and have it trust certificates whose chain
    holds the key with this hash (`spki`: base64 of the SHA-256 of its SubjectPublicKeyInfo). No port: it runs in a
    sandbox, all of whose network is ours, and in which it can make none of its own.

    Other than flags that ignore all errors these leave its cache, HTTP/2 and service workers as they are. Loopback
    goes through the proxy too, as it does for other programs; what `no_proxy` of `env` excludes stays excluded.
    """
    if port is None:
        return " ".join(["--no-sandbox", "--disable-dev-shm-usage", f"{_TRUST}{spki}", *_QUIET])
    bypassed = ["<-loopback>"]
    for place in (env.get("no_proxy") or env.get("NO_PROXY") or "").split(","):
        name = place.strip().lstrip(".")
        if name and not set(name) & set(" ;\t\n"):
            plain = name == "*" or name.replace(".", "").isdigit() or any(c in name for c in "/:[")
            bypassed += [name] if plain else [name, f"*.{name}"]
    return " ".join(
        [
            f"--proxy-server=http://127.0.0.1:{port}",
            f"--proxy-bypass-list={';'.join(bypassed)}",
            f"{_TRUST}{spki}",
            *_QUIET,
        ]
    )


def wrapper(real: str) -> bytes:
    """The program that stands before the browser at `real`."""
    return f"#!/bin/sh\nreal={shlex.quote(real)}\n{_WRAPPER}".encode()
