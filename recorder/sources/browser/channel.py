"""The recorder's end of the channel: what the extension's native hosts connect to, a unix socket of this user's.

A connection says hello, is welcomed or refused, and then states batches and logs; each is acknowledged once it is
written. One that breaks the rules is ended: the extension connects again and sends what was not acknowledged. So is one
in which statements are missing: what nobody sends again is lost, and the hole in the numbers tells it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

from recorder.trace.wire import (
    WIRE_VERSION,
    Ack,
    Ask,
    Batch,
    Downward,
    Frames,
    Hello,
    Log,
    Malformed,
    Note,
    Refused,
    Status,
    Storage,
    Upward,
    Welcome,
    decode,
    frame,
)

_MOST_CONNECTIONS = 8
_HELLO_SECONDS = 10.0
_PORTION = 1 << 18


class Listener(Protocol):
    """Who takes what comes through a channel. Called from its event loop, one call at a time."""

    def hello(self, hello: Hello) -> Welcome | Refused:
        """A browser's extension is there."""

    async def take(self, message: Batch | Log) -> int:
        """Keeps what the message states. Returns the number up to which all of its document or instance is written:
        that much may be forgotten there. Raises Malformed, RecordingFailed."""

    def acknowledged(self, key: str) -> int:
        """The number up to which a document or instance need not say anything again; 0: nothing came of it."""

    def storage(self, storage: Storage) -> None:
        """What the browser has of the recorded sites."""

    def note(self, note: Note) -> None:
        """The expert says something."""

    def ask(self, ask: Ask) -> None:
        """The expert wants something."""

    def broken(self, why: str) -> None:
        """A connection was ended because of what it said."""


class Link(Protocol):
    """One connection of an extension, as messages."""

    async def receive(self) -> bytes | None:
        """The next message; None at the end. Raises Malformed where it is too long."""

    def send(self, message: Downward) -> None:
        """Says it, once the other end reads."""

    async def drained(self) -> None:
        """Waits where the other end does not read."""


class Channel:
    """Serves at `path` for as long as it is open. Use `async with`. Raises OSError where nobody can listen there."""

    def __init__(self, path: Path, listener: Listener) -> None:
        self._path = path
        self._listener = listener
        self._server: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()
        self._skipped: set[str] = set()
        """Documents and instances of which statements are missing that may yet come."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_unix_server(self._connected, sock=listening(self._path))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    @property
    def connected(self) -> bool:
        """Whether an extension that was welcomed is there."""
        return bool(self._links)

    def tell(self, message: Status | Refused) -> None:
        """Shows the expert how it goes, or that it is over, wherever an extension is connected."""
        for link in self._links:
            link.send(message)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        peer = writer.get_extra_info("socket")
        if len(self._tasks) >= _MOST_CONNECTIONS or _peer_uid(peer) != os.getuid():
            writer.close()
            return
        self._tasks.add(task)
        try:
            await self.serve(_HostLink(reader, writer))
        finally:
            self._tasks.discard(task)
            writer.close()

    async def serve(self, link: Link) -> None:
        """Speaks with one extension until either side ends it."""
        with suppress(ConnectionError, asyncio.CancelledError):
            try:
                async with asyncio.timeout(_HELLO_SECONDS):
                    first = await link.receive()
                if first is not None and self._greeted(decode(first), link):
                    self._links.add(link)
                    while (data := await link.receive()) is not None:
                        await self._heard(decode(data), link)
            except Malformed as error:
                self._listener.broken(str(error))
            except TimeoutError:
                self._listener.broken("a connection said nothing")
            finally:
                self._links.discard(link)

    def _greeted(self, hello: Upward, link: Link) -> bool:
        if not isinstance(hello, Hello):
            raise Malformed(f"the first message is no hello but {type(hello).__name__.lower()}")
        if hello.v != WIRE_VERSION:
            answer: Welcome | Refused = Refused(
                why=f"the extension speaks version {hello.v}, the recorder {WIRE_VERSION}; load the extension again"
            )
        else:
            answer = self._listener.hello(hello)
        link.send(answer)
        return isinstance(answer, Welcome)

    async def _heard(self, message: Upward, link: Link) -> None:
        async with self._turn:
            if isinstance(message, Batch | Log):
                link.send(await self._taken(message))
            elif isinstance(message, Note):
                self._listener.note(message)
            elif isinstance(message, Storage):
                self._listener.storage(message)
            elif isinstance(message, Ask):
                self._listener.ask(message)
            else:
                raise Malformed("a second hello")
        await link.drained()

    async def _taken(self, message: Batch | Log) -> Ack:
        key = message.document if isinstance(message, Batch) else message.instance
        if self._skips(key, message):
            raise ConnectionAbortedError  # whoever still has what is missing sends it, once connected again
        try:
            return Ack(key=key, s=await self._listener.take(message))
        except Malformed as error:
            # Sent again it would be refused again; forgotten there it leaves a hole in the numbers, which tells.
            self._listener.broken(str(error))
            numbers = [s for item in message.items if isinstance(s := item.get("s"), int)]
            return Ack(key=key, s=max(numbers, default=0))

    def _skips(self, key: str, message: Batch | Log) -> bool:
        """Whether it is not known yet that what came before these statements is lost."""
        first = message.items[0].get("s") if message.items else None
        if (
            key in self._skipped
            or not isinstance(first, int)
            or first <= self._listener.acknowledged(key) + 1
        ):
            self._skipped.discard(key)
            return False
        self._skipped.add(key)
        return True


class _HostLink:
    """One connection of a native host."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._frames = Frames()
        self._whole: deque[bytes] = deque()

    async def receive(self) -> bytes | None:
        while not self._whole:
            data = await self._reader.read(_PORTION)
            if not data:
                return None
            self._whole.extend(self._frames.feed(data))
        return self._whole.popleft()

    def send(self, message: Downward) -> None:
        if not self._writer.is_closing():
            self._writer.write(frame(message))

    async def drained(self) -> None:
        await self._writer.drain()


def listening(path: Path) -> socket.socket:
    """A socket of ours alone at `path`, in a private folder; one that a dead process left there is replaced."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # By the folder's descriptor: the address of a socket has room for 107 bytes only.
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        path.chmod(0o600)
        listener.listen(_MOST_CONNECTIONS)
    except BaseException:
        listener.close()
        raise
    finally:
        os.close(folder)
    return listener


def _peer_uid(peer: socket.socket) -> int:
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", credentials)[1]
    return uid
