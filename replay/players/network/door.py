"""Where connections come in: the first bytes say what a client speaks, and to whom it believes to speak."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Literal, cast

from recorder.trace.destination import PATIENCE, destination
from replay.players.network.authority import UNVERIFIED, ReplayAuthority
from replay.players.network.connection import Connection
from replay.players.network.desk import Desk, Trust
from replay.players.network.http1 import Http1
from replay.players.network.http2 import Http2
from replay.players.network.origin import Origin

_PEEK = 64 << 10
_MOST_GUESTS = 4096
_AT_ONCE = 64
_MOST_LINES = 100
_HANDSHAKE_SECONDS = 60.0
_CONNECT = re.compile(rb"CONNECT ([^ \r\n]{1,300}) HTTP/1\.[01]\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_PREFACE = b"PRI * HTTP/2.0\r\n"
_ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_REFUSED = b"HTTP/1.1 502 Bad Gateway\r\nX-Reenact: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Speech = Literal["tls", "http1", "http2", "tunnel"]


def speech(first: bytes) -> Speech | None:
    """What a client speaks, by its first bytes; null while they do not tell."""
    if not first:
        return None
    if first[0] == 0x16:
        return "tls"
    for word, meaning in ((b"CONNECT ", "tunnel"), (_PREFACE, "http2")):
        if first.startswith(word):
            return cast(Speech, meaning)
        if word.startswith(first):
            return None
    return "http1"


class Door:
    """Accepts clients from sockets that listen. `name_of` gives the host name that an address stands for, if any."""

    def __init__(self, desk: Desk, authority: ReplayAuthority, name_of: Callable[[str], str | None]) -> None:
        self.desk = desk
        # Nobody trusts the other two. The recorder's proxy sends a chain with its own certificates only.
        self._authorities = {
            Trust.GIVEN: authority,
            Trust.REFUSED: ReplayAuthority(authority.http2),
            Trust.UNVERIFIED: ReplayAuthority(authority.http2, UNVERIFIED, chain=False),
        }
        self.name_of = name_of
        self.loop = asyncio.get_running_loop()
        self.guests: set[Guest] = set()
        self._listeners: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self, listener: socket.socket) -> None:
        """Takes over a socket that listens, and everybody who comes in by it."""
        listener.setblocking(False)
        self._listeners.append(listener)
        self.loop.add_reader(listener.fileno(), self._accept, listener)

    def close(self) -> None:
        """Nobody comes in any more, and who has not said anything yet goes."""
        for listener in self._listeners:
            self.loop.remove_reader(listener.fileno())
            listener.close()
        for guest in list(self.guests):
            guest.leave()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                client, _address = listener.accept()
            except OSError:  # nobody more, or they left again
                return
            if len(self.guests) + len(self.desk.connections) >= _MOST_GUESTS:
                client.close()
                continue
            client.setblocking(False)
            with suppress(OSError):
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Guest(self, client)

    def hand_over(self, client: socket.socket, spoken: Speech, origin: Origin) -> None:
        """The client goes to whoever speaks as it does."""
        task = self.loop.create_task(self._converse(client, spoken, origin))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, client: socket.socket, spoken: Speech, origin: Origin) -> None:
        desk = self.desk
        place = origin.tunnel or origin.destination
        as_recorded = origin.destination in desk.recording.failed or desk.distrusted(place)
        try:
            if spoken == "tls":
                authority = self._authorities[desk.trust(place)]
                await self.loop.connect_accepted_socket(
                    lambda: _Secure(desk, origin),
                    client,
                    ssl=authority.context(origin.name),
                    ssl_handshake_timeout=_HANDSHAKE_SECONDS,
                )
            else:
                kind = Http2 if spoken == "http2" else Http1
                await self.loop.connect_accepted_socket(lambda: kind(desk, origin), client)
        except (OSError, ValueError) as error:  # an untrusting client, or one that left
            client.close()
            if isinstance(error, ssl.SSLError) and not as_recorded:
                desk.handshake_failed(place, str(error)[:200])


class Guest:
    """A client that has not yet said what it speaks. Its bytes are looked at, not taken: they stay for TLS or HTTP."""

    def __init__(self, door: Door, client: socket.socket) -> None:
        self._door = door
        self._client = client
        self._tunnel: str | None = None
        self._seen = 0
        try:
            host, port = destination(client)
        except OSError:
            client.close()
            return
        recording = door.desk.recording
        inside = recording.everywhere and ipaddress.ip_address(host).is_loopback
        host = door.name_of(host) or host
        self._destination = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        door.guests.add(self)
        door.loop.add_reader(client.fileno(), self._look)
        self._unheard = recording.everywhere and self._destination in recording.absent
        if self._unheard:
            door.loop.call_later(PATIENCE, self.leave)
        elif inside or not door.desk.open(self._destination):
            self.leave()
        else:
            self._look()

    def leave(self) -> None:
        """Ends the connection, where it has not been handed over."""
        if self not in self._door.guests:
            return
        self._door.loop.remove_reader(self._client.fileno())
        self._door.guests.discard(self)
        with suppress(OSError):
            self._client.recv(_PEEK)  # what is left unread would make of the end a reset
        self._client.close()

    def _look(self) -> None:
        try:
            first = self._client.recv(_PEEK, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.leave()
            return
        if self._unheard:
            self.leave()
            return
        spoken = speech(first)
        head = _HEAD_END.search(first) if spoken == "tunnel" else None
        if spoken is None or (spoken == "tunnel" and head is None):
            if len(first) <= self._seen or len(first) >= _PEEK:  # readable, but nothing new: it is gone
                self.leave()
                return
            self._seen = len(first)
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, self._seen + 1)
            return
        if self._seen:
            self._seen = 0
            self._client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        if head is not None:
            self._dig(self._client.recv(head.end()))
            return
        self._door.loop.remove_reader(self._client.fileno())
        self._door.guests.discard(self)
        self._door.hand_over(self._client, spoken, self._origin(spoken))

    def _origin(self, spoken: Speech | None) -> Origin:
        scheme = "https" if spoken == "tls" else "http"
        return Origin(scheme, self._tunnel, self._destination)

    def _dig(self, head: bytes) -> None:
        """A tunnel to host:port; what the client says next is meant for that place."""
        asked = _CONNECT.match(head)
        place = asked.group(1).decode("latin-1") if asked else ""
        headers = [(name, value.strip()) for name, _, value in _lines(head)]
        leads = place and self._tunnel is None
        why = self._door.desk.reachable(place, headers) if leads else "no tunnel leads there"
        with suppress(OSError):
            self._client.send(_ESTABLISHED if why is None else _REFUSED % why.encode("latin-1", "replace"))
        if why is not None:
            self.leave()
            return
        self._tunnel = place


def _lines(head: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """(name, colon, value) of each header line."""
    return [line.partition(b":") for line in head.splitlines()[1:_MOST_LINES] if b":" in line]


class _Secure(asyncio.Protocol):
    """Waits for the handshake's end, which says whether the client speaks HTTP/2."""

    def __init__(self, desk: Desk, origin: Origin) -> None:
        self._desk = desk
        self._origin = origin

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        spoken = cast(ssl.SSLObject, transport.get_extra_info("ssl_object"))
        kind = Http2 if spoken.selected_alpn_protocol() == "h2" else Http1
        protocol: Connection = kind(self._desk, self._origin)
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)
