"""Names over UDP and TCP: an answer leaves from the very address that was asked, whichever that was."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import cast

from replay.players.network.names import Names

_MOST = 4096
_AT_ONCE = 64
_IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)
_PKTINFO = struct.Struct("=I4s4s")


class NameServer:
    """Answers on one bound UDP socket (IPv4)."""

    def __init__(self, names: Names, bound: socket.socket) -> None:
        self._names = names
        self._socket = bound
        bound.setblocking(False)
        bound.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                query, extra, _, client = self._socket.recvmsg(_MOST, socket.CMSG_SPACE(_PKTINFO.size))
            except OSError:
                return
            answer = self._names.answer(query)
            if answer is None:
                continue
            asked = [
                _PKTINFO.unpack(data[: _PKTINFO.size])[2] for _, kind, data in extra if kind == _IP_PKTINFO
            ]
            source = [
                (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO.pack(0, address, bytes(4))) for address in asked
            ]
            with suppress(OSError):
                self._socket.sendmsg([answer], source, 0, client)


class NameStream(asyncio.Protocol):
    """One client over TCP: each message after its length in two bytes."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._data = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        while len(self._data) >= 2:
            end = 2 + int.from_bytes(self._data[:2], "big")
            if len(self._data) < end:
                return
            answer = self._names.answer(bytes(self._data[2:end]))
            del self._data[:end]
            if answer is not None:
                self._transport.write(struct.pack("!H", len(answer)) + answer)
