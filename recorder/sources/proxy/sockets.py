"""The kernel's own record of TCP sockets: one of them, asked for exactly, or all that talk.

For one, a netlink message each way, some ten microseconds, whatever the number of sockets. For all, some two hundred.
"""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from typing import NamedTuple

_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBBI")
_NETLINK_SOCK_DIAG = 4
_TCPDIAG_GETSOCK = 18
"""The older request: it lists both address families at once."""
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST = 1
_NLM_F_DUMP = 0x300
_NLMSG_DONE = 3
_INET_DIAG_INFO = 2
_INET_DIAG_CGROUP_ID = 21
_LISTEN = 10
_TALKING = (1, 2, 4, 5, 8, 9, 11)
"""Every state with two ends but SYN_RECV, which no process has yet, and TIME_WAIT, which none has any more."""
_STATES = sum(1 << state for state in (*_TALKING, _LISTEN))
_BYTES = 120
"""Where in tcp_info the bytes sent (and acknowledged) and received are."""
_MAPPED = bytes(10) + b"\xff\xff"
_ID = 48
_MESSAGE = 72


class Peer(NamedTuple):
    """A socket. `inode` is 0 where no process holds it any more; `cgroup` is the id of its control group."""

    inode: int
    uid: int
    cgroup: int | None


class Talk(NamedTuple):
    """A socket with two ends, as its owner sees them. `sent` and `received` in bytes."""

    local: tuple[str, int]
    remote: tuple[str, int]
    peer: Peer
    sent: int
    received: int


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

    def talks(self) -> tuple[list[Talk], dict[int, Peer]] | None:
        """All sockets with two ends, and by port those that listen; None where the kernel cannot be asked."""
        if self._netlink is None:
            return None
        body = bytes((0, 0, 0, 1 << (_INET_DIAG_INFO - 1))) + bytes(_ID) + struct.pack("=II", _STATES, 0)
        found: list[Talk] = []
        listening: dict[int, Peer] = {}
        try:
            self._netlink.send(
                _HEADER.pack(_HEADER.size + len(body), _TCPDIAG_GETSOCK, _NLM_F_REQUEST | _NLM_F_DUMP, 1, 0)
                + body
            )
            while True:
                data = self._netlink.recv(65536)
                at = 0
                while at + _HEADER.size <= len(data):
                    length, kind, _, _, _ = _HEADER.unpack_from(data, at)
                    if kind == _NLMSG_DONE:
                        return found, listening
                    if kind not in (_SOCK_DIAG_BY_FAMILY, _TCPDIAG_GETSOCK) or length < _HEADER.size:
                        return None
                    message = data[at : at + length]
                    if message[_HEADER.size + 1] == _LISTEN:
                        (port,) = struct.unpack_from("!H", message, _HEADER.size + 4)
                        uid, inode = struct.unpack_from("=II", message, _HEADER.size + 4 + _ID + 12)
                        listening[port] = Peer(inode, uid, _cgroup(message, len(message)))
                    else:
                        found.append(_talk(message))
                    at += (length + 3) & ~3
        except OSError:
            return None

    def close(self) -> None:
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None


def _talk(data: bytes) -> Talk:
    family, start = data[_HEADER.size], _HEADER.size + 4
    here, there = struct.unpack_from("!HH", data, start)
    uid, inode = struct.unpack_from("=II", data, start + _ID + 12)
    info = _attribute(data, len(data), _INET_DIAG_INFO) or b""
    sent, received = struct.unpack_from("=QQ", info, _BYTES) if len(info) >= _BYTES + 16 else (0, 0)
    return Talk(
        (_address(family, data[start + 4 : start + 20]), here),
        (_address(family, data[start + 20 : start + 36]), there),
        Peer(inode, uid, _cgroup(data, len(data))),
        sent,
        received,
    )


def _address(family: int, raw: bytes) -> str:
    if family == socket.AF_INET:
        return socket.inet_ntoa(raw[:4])
    if raw.startswith(_MAPPED):
        return socket.inet_ntoa(raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)


def _cgroup(data: bytes, end: int) -> int | None:
    found = _attribute(data, end, _INET_DIAG_CGROUP_ID)
    return struct.unpack("=Q", found)[0] if found is not None and len(found) == 8 else None


def _attribute(data: bytes, end: int, wanted: int) -> bytes | None:
    at = _HEADER.size + _MESSAGE
    while at + 4 <= end:
        length, kind = struct.unpack_from("=HH", data, at)
        if length < 4:
            break
        if kind == wanted:
            return data[at + 4 : min(at + length, end)]
        at += (length + 3) & ~3
    return None
