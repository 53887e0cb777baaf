"""Who the payload is on the host: never uid 0, and where we are root a uid that nobody else has."""

from __future__ import annotations

import os
import pwd
import socket

from recorder.trace.errors import Unsupported

FIRST_UID, LAST_UID = 60578, 61183
"""A range that neither Debian, Fedora nor systemd hands out (systemd.io/UIDS-GIDS)."""


class Claim:
    """A host uid and gid for one payload. As root: our own alone until `release` or our death.

    Raises Unsupported where none is free, or where it would be uid 0.
    """

    def __init__(self) -> None:
        self._held: socket.socket | None = None
        self.dropped = os.geteuid() == 0
        if self.dropped:
            self.uid = self.gid = self._claim()
        else:
            self.uid, self.gid = os.geteuid(), os.getegid()
        refuse_root(self.uid)

    def _claim(self) -> int:
        for uid in range(FIRST_UID, LAST_UID + 1):
            if not _mapped(uid) or _known(uid):
                continue
            # An abstract socket name is a lock that the kernel drops with its holder, and leaves no file.
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            try:
                held.bind(f"\0reenact-uid-{uid}")
            except OSError:
                held.close()
                continue
            self._held = held
            return uid
        raise Unsupported(
            f"no host uid between {FIRST_UID} and {LAST_UID} is free for the replay; end other replays, "
            "or run as an ordinary user"
        )

    def release(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


def refuse_root(uid: int) -> None:
    """Raises Unsupported for host uid 0: under bubblewrap too it may write the kernel's settings."""
    if uid == 0:
        raise Unsupported("a replay never runs as the host's root; run it as an ordinary user")


def identity_of(pid: int) -> tuple[int, ...]:
    """Real, effective, saved and file-system uid of a process, as the host sees them. Raises OSError."""
    with open(f"/proc/{pid}/status", "rb") as status:
        for line in status:
            if line.startswith(b"Uid:"):
                return tuple(int(word) for word in line.split()[1:5])
    raise ProcessLookupError(pid)


def _mapped(uid: int) -> bool:
    """Whether our user namespace (a container's, perhaps) knows this uid."""
    try:
        with open("/proc/self/uid_map", "rb") as lines:
            ranges = [tuple(map(int, line.split())) for line in lines]
    except OSError:
        return True
    return any(first <= uid < first + count for first, _, count in ranges)


def _known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
