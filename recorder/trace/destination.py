"""Whom the client of an accepted connection wanted, where every address and port leads to one listener."""

from __future__ import annotations

import socket
import struct

PATIENCE = 1.0
"""Seconds that a client gets to say something before its connection ends, where nobody was at its destination."""
_ORIGINAL = 80
"""SO_ORIGINAL_DST of netfilter, and IP6T_SO_ORIGINAL_DST."""


def destination(connection: socket.socket) -> tuple[str, int]:
    """(address, port) that the client connected to; IPv4 in its plain form. Raises OSError for one that is gone."""
    own: tuple[str, int] = connection.getsockname()[:2]
    try:
        if connection.family == socket.AF_INET:
            port, packed = struct.unpack("!2xH4s8x", connection.getsockopt(socket.IPPROTO_IP, _ORIGINAL, 16))
            return socket.inet_ntop(socket.AF_INET, packed), port
        data = connection.getsockopt(socket.IPPROTO_IPV6, _ORIGINAL, 28)
        port, packed = struct.unpack("!2xH4x16s4x", data)
        return socket.inet_ntop(socket.AF_INET6, packed), port
    except OSError:  # nothing was redirected, or there is no such thing in this namespace
        return own[0].removeprefix("::ffff:"), own[1]
