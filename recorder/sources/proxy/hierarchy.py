"""Where the kernel's hierarchy of control groups (cgroup v2) may be divided by us: below the group that we are in.

Nowhere else: what lies above or beside it is the system's. No controller is asked for, so v1 beside it (hybrid)
does no harm.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

THREADS = "cgroup.threads"
_SYSTEMD = Path("/run/systemd/system")
_DELEGATED = ("user.delegate", "trusted.delegate")
_SCOPE = "-p Delegate=yes reenact record --proxy"


class Undividable(Exception):
    """No group may be made here. `mend` says what would change that."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.mend = mend


def own_group() -> Path:
    """The folder of the group that this process is in. Raises Undividable where there is none to divide."""
    for folder in located(*_told()):
        try:
            # Mounts may hide one another: that it is ours is seen from within.
            if str(os.getpid()) in (folder / THREADS).read_text().split():
                return _dividable(folder)
        except OSError:
            continue
    raise Undividable("no cgroup v2 hierarchy is mounted here", "mount one at /sys/fs/cgroup/unified")


def _told() -> tuple[str, str]:
    try:
        return Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text()
    except OSError as error:
        raise Undividable(f"{error.filename}: {error.strerror}", "mount /proc") from error


def located(cgroups: str, mounts: str) -> list[Path]:
    """Where the process with this /proc/PID/cgroup finds its group, by its /proc/PID/mountinfo."""
    own = next((line[3:] for line in cgroups.splitlines() if line.startswith("0::/")), None)
    if own is None:
        return []
    found = []
    for line in mounts.splitlines():
        fields, _, kind = line.partition(" - ")
        parts = [_unescaped(part) for part in fields.split()]
        if not kind.startswith("cgroup2 ") or len(parts) < 5:
            continue
        root, point = parts[3].rstrip("/"), parts[4]
        if own == root or own.startswith(root + "/"):
            found.append(Path(point, own[len(root) :].lstrip("/")))
    return found


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _dividable(folder: Path) -> Path:
    if not (os.access(folder, os.W_OK) and os.access(folder / "cgroup.procs", os.W_OK)):
        raise Undividable(
            f"{folder} may not be written", f"start it with: systemd-run --user --scope {_SCOPE}"
        )
    # Root may write everywhere; systemd's own groups are systemd's all the same.
    if os.geteuid() == 0 and _SYSTEMD.is_dir() and not any(map(_delegated, (folder, *folder.parents))):
        raise Undividable(f"{folder} is systemd's own", f"start it with: systemd-run --scope {_SCOPE}")
    return folder


def _delegated(folder: Path) -> bool:
    for name in _DELEGATED:
        try:
            if os.getxattr(folder, name) == b"1":
                return True
        except OSError:
            continue
    return False
