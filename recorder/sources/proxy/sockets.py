"""Who is at the other end of a loopback connection: the kernel's own record of the socket, asked for exactly.

One netlink message each way, some ten microseconds, whatever the number of sockets.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import NamedTuple

_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI")
_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_INET_DIAG_CGROUP_ID = 21
_ID = 48
_MESSAGE = 72


class Peer(NamedTuple):
    """A socket. `inode` is 0 where no process holds it any more; `cgroup` is the id of its control group."""

    inode: int
    uid: int
    cgroup: int | None


class SocketTable:
    """The kernel's TCP sockets. `find` answers None for all where the kernel cannot be asked.

    `netlink` is a socket for such questions of another network namespace, and ours from now on; None: of this one.
    """

    def __init__(self, netlink: socket.socket | None = None) -> None:
        self._netlink = netlink
        try:
            if self._netlink is None:
                self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
                self._netlink.bind((0, 0))
            else:
                self._drop_answers()
            self._netlink.settimeout(0.5)
        except OSError:
            self.close()

    def _drop_answers(self) -> None:
        """Those to questions of a process that died before it read them."""
        assert self._netlink is not None
        self._netlink.setblocking(False)
        with suppress(BlockingIOError):
            while self._netlink.recv(8192):
                pass

    def find(self, local: tuple[str, int], remote: tuple[str, int]) -> Peer | None:
        """The TCP socket with these two ends, as its owner sees them; None where there is none (any more)."""
        if self._netlink is None:
            return None
        family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
        body = (
            _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
            + struct.pack("!HH", local[1], remote[1])
            + socket.inet_pton(family, local[0]).ljust(16, b"\0")
            + socket.inet_pton(family, remote[0]).ljust(16, b"\0")
            + bytes(4)  # any interface
            + b"\xff" * 8  # any cookie
        )
        try:
            self._netlink.send(
                _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _NLM_F_REQUEST, 1, 0) + body
            )
            data = self._netlink.recv(8192)
        except OSError:
            return None
        length, kind, _, _, _ = _HEADER.unpack_from(data)
        if kind != _SOCK_DIAG_BY_FAMILY:
            return None
        uid, inode = struct.unpack_from("=II", data, _HEADER.size + 4 + _ID + 12)
        return Peer(inode, uid, _cgroup(data, min(length, len(data))))

    def close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None


def _cgroup(data: bytes, end: int) -> int | None:
    at = _HEADER.size + _MESSAGE
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        if kind == _INET_DIAG_CGROUP_ID:
            value: int = struct.unpack_from("=Q", data, at + 4)[0]
            return value
        if length < 4:
            break
        at += (length + 3) & ~3
    return None
