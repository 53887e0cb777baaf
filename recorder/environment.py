"""What a session ran in: the variables that a replay needs, and a fingerprint of the machine and its tools."""

from __future__ import annotations

import hashlib
import locale
import os
import platform
import pwd
import re
import shutil
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

ALLOWED = re.compile(
    r"""(?x)
    PATH | HOME | SHELL | USER | LOGNAME | PWD | TERM | COLORTERM | LANG | LANGUAGE | LC_\w+ | TZ
    | VIMINIT | EXINIT | INPUTRC
    | EDITOR | VISUAL | PAGER | LESS | LS_COLORS | GREP_COLORS? | NO_COLOR | CLICOLOR\w* | COLUMNS | LINES
    | VIRTUAL_ENV | PYTHONPATH | PYTHON(HASHSEED|UNBUFFERED|DONTWRITEBYTECODE|STARTUP|UTF8|WARNINGS)
    | GIT_(AUTHOR|COMMITTER)_(NAME|EMAIL|DATE) | GIT_(EDITOR|PAGER|CONFIG_GLOBAL|CONFIG_NOSYSTEM|SEQUENCE_EDITOR)
    | GOPATH | GOFLAGS | CARGO_HOME | RUSTFLAGS | NODE_ENV | JAVA_HOME | CC | CXX | CFLAGS | CXXFLAGS | LDFLAGS
    | MAKEFLAGS | SOURCE_DATE_EPOCH | HISTFILE | HISTSIZE | HISTCONTROL | PS1 | PS2 | PROMPT | ENV | SHLVL
    | REENACT_SESSION | TMPDIR
    """
)
"""Names of variables that a trace may carry. Any other may hold a secret and stays out, unless asked for."""

_MOST_TOOL_BYTES = 256 << 20


def allowed_environment(env: Mapping[str, str], extra: Iterable[str] = ()) -> dict[str, str]:
    """The part of `env` that a trace carries: `ALLOWED` names and those in `extra`, sorted by name."""
    names = set(extra)
    return {name: env[name] for name in sorted(env) if ALLOWED.fullmatch(name) or name in names}


def user_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def umask() -> int:
    """This process's file mode creation mask, unchanged."""
    current = os.umask(0o077)
    os.umask(current)
    return current


def time_zone() -> str:
    """The zone's name (`Europe/Berlin`) where the machine says it, else what TZ says, else UTC."""
    if zone := os.environ.get("TZ"):
        return zone
    try:
        target = os.path.realpath("/etc/localtime")
    except OSError:
        return "UTC"
    _, found, name = target.partition("zoneinfo/")
    return name if found else "UTC"


def locale_name() -> str:
    return ".".join(part for part in locale.getlocale() if part) or "C"


def operating_system() -> str:
    try:
        release = platform.freedesktop_os_release()
        return release.get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.platform(terse=True)


def host_name() -> str:
    return socket.gethostname()


def tools_used(commands: Iterable[str], search_path: str) -> dict[str, str]:
    """Executables that the commands name first, as path -> SHA-256 of the file; what can't be read is left out."""
    names: set[str] = set()
    for text in commands:
        names.update(re.findall(r"(?:^|[|;&(]\s*|&&\s*|\$\()\s*(?:\w+=\S*\s+)*([\w./+-]+)", text))
    tools: dict[str, str] = {}
    for name in sorted(names):
        found = shutil.which(name, path=search_path)
        if found is None:
            continue
        path = Path(found).resolve()
        try:
            if path.stat().st_size <= _MOST_TOOL_BYTES:
                with path.open("rb") as file:
                    tools[str(path)] = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            continue
    return tools
