"""What connections of every protocol share: writing with back-pressure, and how they end."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from replay.players.network.desk import Desk

_NO_LINGER = struct.pack("ii", 1, 0)


class Connection(asyncio.Protocol):
    """One client. `closed` once it is gone or was told to go."""

    transport: asyncio.Transport

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.closed = False
        self._writable: asyncio.Event | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.desk.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        self.desk.connections.discard(self)
        if self._writable is not None:
            self._writable.set()

    def pause_writing(self) -> None:
        self._writable = asyncio.Event()

    def resume_writing(self) -> None:
        if self._writable is not None:
            self._writable.set()
            self._writable = None

    def write(self, data: bytes) -> None:
        if data and not self.closed:
            self.transport.write(data)

    async def drained(self) -> None:
        """Returns when the client has taken enough of what was written."""
        if self._writable is not None:
            await self._writable.wait()

    def close(self, *, hard: bool = False) -> None:
        """Ends the connection once what was written is out, or (`hard`) at once, with a reset."""
        if self.closed:
            return
        self.closed = True
        if hard:
            plain = self.transport.get_extra_info("socket")
            if plain is not None:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.transport.abort()
        else:
            self.transport.close()


def closes_hard(error: str | None) -> bool:
    """Whether the recorded connection ended with a reset."""
    return "reset" in (error or "").lower()
