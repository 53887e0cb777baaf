"""mitmproxy's connection handler with its hooks run in place: no task, no lock and no search for addons per hook.

Every handler of ours is a plain function, so a hook is over when it returns. That is half of mitmproxy's time.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from mitmproxy import options as moptions
from mitmproxy.connection import Client
from mitmproxy.proxy import commands, events, layers, mode_specs, server

from recorder.sources.proxy.capture import Connection
from recorder.sources.proxy.engine.everywhere import Everywhere

Hook = Callable[[Connection, Any], None]
_argument: dict[type, Callable[[Any], Any]] = {}


class Handler(server.LiveConnectionHandler):
    """Serves one program's connection. `hooks` are by the name of mitmproxy's event."""

    def __init__(
        self,
        record: Connection,
        hooks: dict[str, Hook],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        options: moptions.Options,
        mode: mode_specs.ProxyMode,
        outside: tuple[str, int] | None = None,
    ) -> None:
        """`outside` is whom to connect to, where the program believes to have connected to its destination."""
        super().__init__(reader, writer, options, mode)
        self.record = record
        self._hooks = hooks
        self._events: deque[events.Event] = deque()
        self._busy = False
        if outside is None:
            self.layer = layers.modes.HttpProxy(self.layer.context)
        else:
            self.client.sockname = record.arrival.destination or self.client.sockname
            self.layer.context.server.address = outside
            self.layer = Everywhere(self.layer.context)

    async def handle_hook(self, hook: commands.StartHook) -> None:
        self._run_hook(hook)

    async def server_event(self, event: events.Event) -> None:
        # One that arises while another is handled waits for its end.
        self._events.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._events:
                self._handle(self._events.popleft())
        except Exception as error:  # noqa: BLE001 - told in the event
            # A layer that failed half-way would leave the program hanging.
            self.record.error = f"the proxy failed: {type(error).__name__}: {error}"
            self._events.clear()
            for io in list(self.transports.values()):
                if io.handler is not None:
                    io.handler.cancel("failed")
        finally:
            self._busy = False

    def end(self) -> None:
        """Closes the connection to the program; what it was asked for goes unanswered."""
        io = self.transports.get(self.client)
        if io is not None and io.handler is not None:
            io.handler.cancel("the session ended")

    def _handle(self, event: events.Event) -> None:
        self.timeout_watchdog.last_activity = time.time()
        record, transports = self.record, self.transports
        if isinstance(event, events.DataReceived):
            if isinstance(event.connection, Client):
                record.sent += len(event.data)
            else:
                record.tunnel_received += len(event.data)
        for command in self.layer.handle_event(event):
            if isinstance(command, commands.SendData):
                io = transports.get(command.connection)
                if io is None or io.writer is None or io.writer.is_closing():
                    continue
                if isinstance(command.connection, Client):
                    if record.silent:
                        continue
                    record.received += len(command.data)
                else:
                    record.tunnel_sent += len(command.data)
                io.writer.write(command.data)
            elif isinstance(command, commands.StartHook):
                self._run_hook(command)
                if command.blocking:
                    self._events.append(events.HookCompleted(command))
            elif isinstance(command, commands.Log):
                continue
            elif isinstance(command, commands.OpenConnection):
                task = asyncio.get_running_loop().create_task(self.open_connection(command))
                # An eager task may be over already.
                if not task.done():
                    transports.setdefault(command.connection, server.ConnectionIO()).handler = task
            elif isinstance(command, commands.RequestWakeup):
                self.wakeup_timer.add(asyncio.get_running_loop().create_task(self.wakeup(command)))
            elif isinstance(command, commands.ConnectionCommand):
                if command.connection in transports:
                    half = isinstance(command, commands.CloseTcpConnection) and command.half_close
                    self.close_connection(command.connection, half)
            else:
                raise TypeError(f"unexpected command {command}")

    def _run_hook(self, hook: commands.StartHook) -> None:
        handler = self._hooks.get(hook.name)
        if handler is None:
            return
        kind = type(hook)
        argument = _argument.get(kind)
        if argument is None:
            argument = _argument[kind] = attrgetter(next(iter(kind.__annotations__)))
        handler(self.record, argument(hook))
