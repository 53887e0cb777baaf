"""Where the sockets of an isolated session's network wait: one message on a socket of the recorder's; it stays there.

Whoever needs them looks and gets copies, as often as it likes: gates and engines that are started again find them.
"""

from __future__ import annotations

import json
import socket
from array import array
from collections.abc import Iterable, Mapping

_MOST = 16


def new_shelf() -> tuple[socket.socket, socket.socket]:
    """(the end to put into, the end to look at)"""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def put(end: socket.socket, sockets: Mapping[str, Iterable[socket.socket]]) -> None:
    """Puts sockets there, by kind, and closes the caller's copies: tcp (listening; all connections lead there,
    whomever they are to), dns (UDP), dns-tcp (listening), diag (netlink, for questions about sockets). Raises OSError.
    """
    given = [(kind, one) for kind, some in sockets.items() for one in some]
    kinds = json.dumps([kind for kind, _ in given])
    try:
        socket.send_fds(end, [kinds.encode()], [one.fileno() for _, one in given])
    finally:
        for _, one in given:
            one.close()


def look(end: int, wanted: tuple[str, ...]) -> dict[str, list[socket.socket]]:
    """What is there of the kinds `wanted`; nothing where nothing was put yet, nor will be."""
    found: dict[str, list[socket.socket]] = {kind: [] for kind in wanted}
    with socket.fromfd(end, socket.AF_UNIX, socket.SOCK_SEQPACKET) as shelf:
        try:
            # Not recv_fds, which ignores its flags.
            space = socket.CMSG_SPACE(_MOST * array("i").itemsize)
            data, extra, _, _ = shelf.recvmsg(4096, space, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except OSError:
            return found
    fds = array("i", b"".join(content for _, kind, content in extra if kind == socket.SCM_RIGHTS))
    for kind, fd in zip(json.loads(data or b"[]"), fds, strict=True):
        one = socket.socket(fileno=fd)
        if kind in found:
            found[kind].append(one)
        else:
            one.close()
    return found
