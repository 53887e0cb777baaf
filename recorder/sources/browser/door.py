"""The second way to the recorder: a WebSocket on this machine, for browsers that start no native host.

Whoever connects proves that he knows the code which the expert was shown, and so does the recorder, before anything
else is said: neither a page, nor another program, nor one that took the port of a recorder that is gone learns
anything. From the code both derive a key for the connections after the first; the code serves once. What is said then
is what native hosts pass on, one message of JSON each.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from browser_ext import EXTENSION_ID
from recorder.sources.browser.channel import Channel
from recorder.trace.errors import RecordingFailed
from recorder.trace.wire import MOST_FRAME_BYTES, Downward, Malformed, Pair, Paired, Proof, Prove, encode

PATH = "/reenact"
ORIGIN = f"chrome-extension://{EXTENSION_ID}"
MOST_TRIES = 5
"""Wrong proofs after which the code serves nobody."""
MOST_CONNECTIONS = 8
_HOST = "127.0.0.1"
_OPEN_SECONDS = 10
_MOST_EARLY = 4096
"""Bytes of a message of somebody who is not known yet."""
_REFUSED = 1008
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: none is taken for another."""
_GROUPS, _GROUP = 4, 4
_quiet = logging.getLogger("reenact.door")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class Keys(Struct):
    """What a door knows, kept in a private file so that a source that is started again has the same door.

    `code` serves until it was traded for `key`; both null: nobody comes in any more.
    """

    port: int
    code: str | None
    key: str | None = None
    tries: int = 0

    @property
    def shown(self) -> str:
        """What the expert gives to the extension."""
        letters = self.code or ""
        groups = [letters[n : n + _GROUP] for n in range(0, len(letters), _GROUP)]
        return "-".join([str(self.port), *groups])


def proof(key: str, who: str, client: str, server: str) -> str:
    """What only somebody with the key can say: `who` says it, of both sides' random words. Hex."""
    words = f"{who}:{client}:{server}".encode()
    return hmac.new(key.encode(), words, hashlib.sha256).hexdigest()


class Door:
    """Listens on a port of 127.0.0.1 for as long as it is open; use `async with`. Whoever is known is served by
    `channel`. `say` gets the code once it is there, and what happens to it, for the expert.

    Raises RecordingFailed where nobody can listen, or on the port that an earlier door of this `state` had.
    """

    def __init__(self, state: Path, channel: Channel, say: Callable[[str], None]) -> None:
        self._state = state
        self._channel = channel
        self._say = say
        self._server: Server | None = None
        self._keys = Keys(port=0, code=None)

    async def __aenter__(self) -> Self:
        before = _kept(self._state)
        listener = _listening(before.port if before else 0)
        port = listener.getsockname()[1]
        code = "".join(secrets.choice(_LETTERS) for _ in range(_GROUPS * _GROUP))
        self._keys = before or Keys(port=port, code=code)
        self._keep()
        self._server = await serve(
            self._serve, sock=listener, process_request=self._asked, create_connection=_Bounded, logger=_quiet,
            compression=None, server_header=None, open_timeout=_OPEN_SECONDS, max_size=_MOST_EARLY,
        )  # fmt: skip
        if before is None:
            self._say(
                f"open the extension's popup, choose “Connect by a code” and give it {self._keys.shown} "
                f"(it serves once)"
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _asked(self, peer: ServerConnection, request: Request) -> Response | None:
        """Nothing is here but for the extension: not for pages, whose Origin is another, nor under another name."""
        headers = request.headers
        if (
            request.path == PATH
            and headers.get_all("Origin") == [ORIGIN]
            and headers.get_all("Host") == [f"{_HOST}:{self._keys.port}"]
        ):
            return None
        return peer.respond(HTTPStatus.FORBIDDEN, "")

    async def _serve(self, peer: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            try:
                async with asyncio.timeout(_OPEN_SECONDS):
                    why = await self._strange(peer)
            except TimeoutError:
                why = "nothing was said"
            if why:
                await peer.close(_REFUSED, why)
                return
            peer.protocol.max_message_size = MOST_FRAME_BYTES
            link = _SocketLink(peer)
            await self._channel.serve(link)
            await link.drained()

    async def _strange(self, peer: ServerConnection) -> str:
        """Why this is nobody we know; empty: it is the extension that the expert gave the code to."""
        try:
            pair = msgspec.json.decode(await peer.recv(), type=Pair)
            fresh = pair.by == "code"
            key = self._keys.code if fresh else self._keys.key
            if key is None:
                return "this code has served; “reenact pair --socket”, started again, shows another"
            server = secrets.token_hex(16)
            await peer.send(
                encode(Prove(server=server, proof=proof(key, "recorder", pair.client, server))), text=True
            )
            said = msgspec.json.decode(await peer.recv(), type=Proof).proof
        except (msgspec.DecodeError, UnicodeDecodeError):
            return "that is nothing which the extension says"
        known = self._keys.code if fresh else self._keys.key
        if known != key or not hmac.compare_digest(
            said.encode(), proof(key, "extension", pair.client, server).encode()
        ):
            self._wrong(fresh)
            return "the code is wrong"
        if fresh:
            self._keys.code, self._keys.key = None, proof(key, "key", pair.client, server)
            self._keep()
        await peer.send(encode(Paired()), text=True)
        return ""

    def _wrong(self, fresh: bool) -> None:
        self._keys.tries += fresh
        if fresh and self._keys.tries >= MOST_TRIES and self._keys.code is not None:
            self._keys.code = None
            self._say(
                f"{MOST_TRIES} times somebody on this machine tried a wrong code: it serves nobody any more. "
                f"End this session, and start another."
            )
        self._keep()

    def _keep(self) -> None:
        fresh = self._state.with_suffix(".new")
        try:
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as file:
                file.write(msgspec.json.encode(self._keys))
            fresh.replace(self._state)
        except OSError as error:
            raise RecordingFailed(
                f"{fresh}: {error.strerror}; the browser cannot reach the recorder"
            ) from error


class _Bounded(ServerConnection):
    """One connection; too many at once are ended before they say anything."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if len(self.server.handler_tasks) > MOST_CONNECTIONS:
            self.transport.abort()


class _SocketLink:
    """One connection, as messages (see `channel.Link`)."""

    def __init__(self, peer: ServerConnection) -> None:
        self._peer = peer
        self._waiting: deque[bytes] = deque()
        self._sending: asyncio.Task[None] | None = None

    async def receive(self) -> bytes | None:
        try:
            said = await self._peer.recv(decode=False)
        except ConnectionClosed as closed:
            if closed.sent is not None and closed.sent.code == 1009:
                raise Malformed("a message that is too long") from closed
            return None
        return bytes(said)

    def send(self, message: Downward) -> None:
        self._waiting.append(encode(message))
        if self._sending is None or self._sending.done():
            self._sending = asyncio.ensure_future(self._send())

    async def drained(self) -> None:
        if self._sending is not None:
            await self._sending

    async def _send(self) -> None:
        with suppress(ConnectionClosed):
            while self._waiting:
                await self._peer.send(self._waiting.popleft(), text=True)


def _listening(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A port of ours that has just been closed may be had again; one on which somebody listens may not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((_HOST, port))
        listener.listen(MOST_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise RecordingFailed(
            f"{_HOST}:{port}: {error.strerror}; the browser cannot reach the recorder there"
        ) from error
    return listener


def _kept(state: Path) -> Keys | None:
    try:
        return msgspec.json.decode(state.read_bytes(), type=Keys)
    except (OSError, msgspec.DecodeError):
        return None
