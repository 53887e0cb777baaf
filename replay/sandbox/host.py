"""What of this machine a sandbox shows: an allow-list, looked up once per start, and files made up for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from recorder.trace.errors import Unsupported, UsageError
from replay.sandbox.spec import SandboxSpec

SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "opt", "nix/store", "gnu/store")
"""Top-level folders of programs. /opt is there for its tools; nothing private belongs in any of these."""

ETC = (  # noqa: SIM905 - a list to read
    "adjtime alternatives bash.bashrc bash_completion bash_completion.d bashrc ca-certificates ca-certificates.conf "
    "chromium/master_preferences chromium.d/default-flags chromium.d/dev-shm chromium.d/extensions "
    "crypto-policies debian_version debuginfod dircolors environment ethertypes fedora-release fish fonts gai.conf "
    "gdb gitconfig groff host.conf inputrc java-11-openjdk java-17-openjdk java-21-openjdk ld.so.cache ld.so.conf "
    "ld.so.conf.d less locale.alias locale.conf localtime login.defs lsb-release lynx magic magic.mime mailcap "
    "man_db.conf manpath.config maven mime.types nanorc networks npm os-release perl pki/ca-trust pki/tls/certs "
    "pki/tls/cert.pem profile profile.d protocols pulse python3 python3.11 python3.12 python3.13 redhat-release rpc "
    "screenrc services shells skel ssl/certs ssl/cert.pem ssl/openssl.cnf sysless terminfo timezone tmux.conf vim "
    "vimrc virc wgetrc X11/rgb.txt xdg zlogin zlogout zprofile zsh zshenv zshrc"
).split()
"""Of /etc: settings of programs, none that holds secrets (no shadow, ssl/private, ssh, npmrc, pip.conf, sudoers)."""

VAR = ("lib/dpkg", "lib/rpm")
EMPTY = (
    "boot",
    "etc",
    "home",
    "media",
    "mnt",
    "root",
    "run",
    "run/lock",
    "srv",
    "sys",
    "var",
    "var/cache",
    "var/lib",
    "var/log",
)
NEEDED = ("sh", "env", "prlimit", "setsid")

_OURS = ("/proc", "/dev", "/sys", "/run/reenact", "/etc")
OVERFLOW = 65534
"""What the kernel shows for owners that the sandbox's user namespace does not know: everybody of the host."""


class Entry(NamedTuple):
    path: str
    link: str | None
    """Where it points, if it is a symbolic link; links are made anew, not followed."""


class Host(NamedTuple):
    system: list[Entry]
    etc: list[Entry]
    empty: list[str]
    """Folders to make that hold nothing: mount points, and what `ls /` should show."""


def survey(spec: SandboxSpec) -> Host:
    """Looks up what exists of the allow-lists. Raises Unsupported where a program is missing that starting needs."""
    places = [spec.root, spec.home, spec.session_folder, *map(os.fspath, spec.extra_readonly)]
    system: list[Entry] = []
    empty = [f"/{name}" for name in EMPTY]
    for name in SYSTEM:
        path = f"/{name}"
        if (entry := _entry(path)) is not None:
            system += _around(entry, [p for p in places if p.startswith(path + "/")], empty)
    system += [e for name in VAR if (e := _entry(f"/var/{name}"))]
    etc = [e for name in ETC if (e := _entry(f"/etc/{name}")) and (e.link or os.access(e.path, os.R_OK))]
    for program in NEEDED:
        if not any(os.access(f"{folder}/{program}", os.X_OK) for folder in ("/usr/bin", "/bin")):
            raise Unsupported(f"the sandbox needs `{program}` in /usr/bin; install coreutils and util-linux")
    return Host(system, etc, empty)


def _entry(path: str) -> Entry | None:
    try:
        return Entry(path, os.readlink(path))
    except OSError:
        return Entry(path, None) if os.path.exists(path) else None


def _around(entry: Entry, inside: list[str], empty: list[str]) -> list[Entry]:
    """The entry itself; or, where places must stand inside it that the host lacks, its children one by one."""
    missing = [place for place in inside if not os.path.isdir(place)]
    if not missing or entry.link is not None:
        return [entry]
    empty.append(entry.path)
    children: list[Entry] = []
    for name in sorted(os.listdir(entry.path)):
        path = f"{entry.path}/{name}"
        below = [place for place in missing if place == path or place.startswith(path + "/")]
        if path in below:
            continue
        if (child := _entry(path)) is not None:
            children += _around(child, below, empty) if below else [child]
    return children


def check(spec: SandboxSpec) -> None:
    """Raises UsageError for a spec that no sandbox can be, Unsupported for a place that it must not take."""
    if not spec.argv or any("\0" in word for word in spec.argv):
        raise UsageError("a sandbox needs a command without NUL characters")
    for what in ("root", "cwd", "session_folder", "home"):
        _check_path(getattr(spec, what), what)
    for what in ("root", "session_folder"):
        path = getattr(spec, what)
        if path == "/" or any(path == ours or path.startswith(ours + "/") for ours in _OURS):
            raise Unsupported(f"the recorded {what.replace('_', ' ')} {path} cannot be made in a sandbox")
    for name, value in spec.env.items():
        if not name or "=" in name or "\0" in name + value:
            raise UsageError(f"environment variable {name!r} cannot be set")
    if not 0 < len(spec.hostname.encode()) <= 64:
        raise UsageError(f"host name {spec.hostname!r} must have 1 to 64 bytes")
    for number in (spec.uid, spec.gid):
        if not 0 <= number < 2**32 - 1:
            raise UsageError(f"uid or gid {number} is out of range")
    check_tools(spec.extra_readonly, Path.home())


def check_tools(folders: Iterable[Path], home: Path) -> None:
    """Raises UsageError for a folder that would show the sandbox a home folder, or is none."""
    for folder in folders:
        path = Path(os.path.normpath(folder))
        if not path.is_absolute() or not path.is_dir():
            raise UsageError(f"--tools {folder}: not an absolute path of a folder")
        real = path.resolve()
        for homes in (home.resolve(), Path("/home"), Path("/root")):
            if real == homes or real in homes.parents:
                raise UsageError(
                    f"--tools {folder} would show the home folder {homes}; name a folder below it"
                )
        if any(
            str(path) == ours or str(path).startswith(ours + "/")
            for ours in ("/proc", "/dev", "/sys", "/run")
        ):
            raise UsageError(f"--tools {folder}: kernel and run-time folders cannot be shown")


def _check_path(path: str, what: str) -> None:
    if (
        not path.startswith("/")
        or "\0" in path
        or str(PurePosixPath(path)) != path
        or ".." in path.split("/")
    ):
        raise UsageError(f"{what} {path!r} is not a plain absolute path")


def made_up_files(spec: SandboxSpec, preload: Sequence[str]) -> dict[str, bytes]:
    """Files of /etc that describe the recorded machine. Pure.

    Everything of the host's that the payload sees belongs to the overflow uid, which no file can change. Here that
    uid is called root, as it most often was: `ls -l /usr` reads as recorded, and `nobody` still has its number.
    """
    user, home, shell = _field(spec.user), _field(spec.home), _field(spec.env.get("SHELL", "/bin/sh"))
    passwd = [
        f"root:x:0:0:root:{home if spec.uid == 0 else '/root'}:{shell if spec.uid == 0 else '/bin/bash'}"
    ]
    group = ["root:x:0:"]
    if spec.uid != 0:
        passwd.append(f"{user}:x:{spec.uid}:{spec.gid}::{home}:{shell}")
    elif spec.user not in ("", "root"):
        passwd.insert(0, f"{user}:x:0:{spec.gid}::{home}:{shell}")
    if spec.gid != 0:
        group.append(f"{user or 'user'}:x:{spec.gid}:")
    if spec.uid != OVERFLOW:
        passwd.append(f"root:x:{OVERFLOW}:{OVERFLOW}::/root:/usr/sbin/nologin")
    if spec.gid != OVERFLOW:
        group.append(f"root:x:{OVERFLOW}:")
    passwd.append(f"nobody:x:{OVERFLOW}:{OVERFLOW}:nobody:/nonexistent:/usr/sbin/nologin")
    group += ["tty:x:5:", f"nogroup:x:{OVERFLOW}:"]
    hosts = f"127.0.0.1\tlocalhost\n127.0.1.1\t{spec.hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    files = {
        "passwd": "\n".join(passwd) + "\n",
        "group": "\n".join(group) + "\n",
        "hosts": hosts,
        "hostname": spec.hostname + "\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n",
        "resolv.conf": f"nameserver {_field(spec.nameserver)}\n" if spec.nameserver else "",
    }
    if preload:
        files["ld.so.preload"] = "\n".join(preload) + "\n"
    return {f"/etc/{name}": os.fsencode(text) for name, text in files.items()}


def _field(text: str) -> str:
    return "".join(c for c in text if c not in ":\n\r\0")
