"""The network of a replay: plays a recording to whoever connects, from a thread of its own.

It has no connection that goes out, and no code that could make one.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from importlib import import_module
from types import TracebackType
from typing import Any, Self

from replay.players.network.answers import Bodies
from replay.players.network.authority import ReplayAuthority
from replay.players.network.desk import Desk, NetworkReport, Scope
from replay.players.network.door import Door
from replay.players.network.name_server import NameServer, NameStream
from replay.players.network.names import Names
from replay.players.network.recording import Recording
from replay.players.network.timeline import Timeline

_STOP_SECONDS = 10.0


class NetworkPlayer:
    """Plays `recording` on sockets that listen already. A context manager; `stop` gives what was asked for.

    `trust` is the certificate authority (PEM) that clients must trust, `spki` the hash of its key. `scope` tells the
    commands that run now and is called from the player's thread. With `paced`, bodies take the time that they took;
    with `timeline` answers come at their time on it; `stand_in` is typed for each character that was withheld.
    """

    def __init__(
        self,
        recording: Recording,
        bodies: Bodies,
        scope: Scope,
        *,
        paced: bool = False,
        timeline: Timeline | None = None,
        stand_in: str = "",
    ) -> None:
        self._desk = Desk(recording, bodies, scope, paced=paced, timeline=timeline, stand_in=stand_in)
        http2 = recording.http2
        self._authority = ReplayAuthority(lambda host: host in http2)
        self.trust = self._authority.pem
        self.spki = self._authority.spki
        self.names = Names(
            recording.hosts,
            recording.unknown_names,
            self._desk.name,
            recording.names,
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._over = asyncio.Event()
        self._report: NetworkReport | None = None

    def start(
        self,
        listeners: Sequence[socket.socket],
        name_sockets: Sequence[socket.socket] = (),
        name_listeners: Sequence[socket.socket] = (),
    ) -> None:
        """Serves on these sockets, which are ours from now on. Returns when it does."""
        sockets = (listeners, name_sockets, name_listeners)
        self._thread = threading.Thread(target=self._run, args=sockets, name="network", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> NetworkReport:
        """Ends all connections; what was asked for, and what nobody asked for. May be called again."""
        if self._report is None:
            if self._loop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._over.set)
                self._thread.join(_STOP_SECONDS)
            self._report = self._desk.finish()
        return self._report

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, *sockets: Sequence[socket.socket]) -> None:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(self._serve(*sockets))

    async def _serve(
        self,
        listeners: Sequence[socket.socket],
        name_sockets: Sequence[socket.socket],
        name_listeners: Sequence[socket.socket],
    ) -> None:
        loop = self._loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._fault)
        door = Door(self._desk, self._authority, self.names.name_of)
        for listener in listeners:
            door.listen(listener)
        answering = [NameServer(self.names, bound) for bound in name_sockets]
        servers = [
            await loop.create_server(lambda: NameStream(self.names), sock=listener)
            for listener in name_listeners
        ]
        self._ready.set()
        await self._over.wait()
        door.close()
        for name_server in answering:
            name_server.close()
        for server in servers:
            server.close()
        for connection in list(self._desk.connections):
            connection.close(hard=True)

    def _fault(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What a client did that no code of ours foresaw ends its connection, not the replay."""
        error = context.get("exception")
        if not isinstance(error, OSError):
            self._desk.fault(f"{context.get('message')}: {error!r}")


def _loop_factory() -> Any:
    """uvloop's event loop where it is installed: three times as fast."""
    try:
        return import_module("uvloop").new_event_loop
    except ImportError:
        return asyncio.new_event_loop
