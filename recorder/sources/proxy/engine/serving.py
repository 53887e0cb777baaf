"""The engine's life: it takes connections from the gate, has mitmproxy serve them, and tells capture what it sees."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
from collections.abc import Coroutine
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mitmproxy import options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.proxy import mode_specs

from recorder.network.redactor import Redactor, Untouched
from recorder.sources.own_process import boottime
from recorder.sources.proxy.authority import Authority
from recorder.sources.proxy.capture import Capture
from recorder.sources.proxy.engine import http1, http2, websocket
from recorder.sources.proxy.engine.destinations import Destinations
from recorder.sources.proxy.engine.handler import Handler
from recorder.sources.proxy.engine.hooks import Hooks, target
from recorder.sources.proxy.engine.interception import Certificates, RefusedPorts, Routes
from recorder.sources.proxy.engine.names import NameServer, NameStream
from recorder.sources.proxy.ledger import Ledger
from recorder.sources.proxy.orders import (
    FOLDER,
    JOURNAL,
    OVER,
    REPLACED,
    SOURCE,
    Arrival,
    Bypass,
    Death,
    Orders,
    decode_arrival,
    decode_sight,
    status_line,
)
from recorder.sources.proxy.shelf import look
from recorder.sources.proxy.slate import Slate
from recorder.trace.blobs import BlobStore
from recorder.trace.events import Gap, NetworkStarted, Recovered
from recorder.trace.journal import JournalWriter

_FOREVER = 7 * 24 * 3600
"""A program may keep a silent connection open for as long as it likes."""
_ENDED = "the session ended"


class Serving:
    """A running engine."""

    def __init__(self, orders: Orders, death: Death | None) -> None:
        self._orders = orders
        self._handover = socket.socket(fileno=orders.handover[1])
        self._handover.setblocking(False)
        slate = Slate(orders.slate)
        folder = Path(orders.folder)
        self._destinations = Destinations()
        if death is not None:
            self._destinations.learn(folder / JOURNAL)
        blobs = BlobStore(folder / "blobs")
        if death is not None and death.engine:
            blobs.drop_spools(death.engine)
        journal = JournalWriter(folder / JOURNAL)
        gap = _gap(death, slate) if death is not None else None
        self._ledger = Ledger(journal, blobs, slate)
        self._capture = Capture(self._ledger, blobs, _redactor(orders), slate)
        self._authority = Authority.from_pem(orders.authority.encode())
        if journal.next_sequence == 0:
            self._ledger.event(self._started())
        if gap is not None:
            self._ledger.event(gap)
        self._handlers: set[Handler] = set()
        self._tasks: set[asyncio.Task[object]] = set()
        self._over = asyncio.Event()

    def _started(self) -> NetworkStarted:
        upstream = " ".join(
            f"{scheme}={up.scheme}://{up.address}" for scheme, up in sorted(self._orders.upstreams.items())
        )
        return NetworkStarted(
            t=boottime(),
            source=SOURCE,
            address=self._orders.address,
            engine=f"mitmproxy {version('mitmproxy')}",
            certificate=self._authority.digest(),
            trust=self._orders.trust,
            upstream=upstream or None,
            everywhere=self._orders.listener is None,
        )

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        orders = self._orders
        master: Any = Master(
            options.Options(
                confdir="/nonexistent",
                http2=True,
                http2_ping_keepalive=0,
                ssl_verify_upstream_trusted_ca=orders.roots,
            )
        )
        chain = Path(orders.folder, FOLDER, "authority.pem")
        certificates = Certificates(self._authority, chain)
        # For its options only; the one socket there is comes from the gate.
        proxyserver: Any = Proxyserver
        master.addons.add(proxyserver(), certificates)
        master.options.update(tcp_timeout=_FOREVER, server=False, validate_inbound_headers=False)
        hooks = Hooks(
            self._capture, certificates, Routes(orders.upstreams), RefusedPorts(orders.refused_ports)
        )
        self._hooks, self._master = hooks.table(), master
        self._mode = mode_specs.ProxyMode.parse("regular" if orders.listener is not None else "transparent")
        http1.mend()
        http2.mend()
        websocket.mend()
        loop.set_task_factory(asyncio.eager_task_factory)
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        loop.add_reader(self._handover, self._take)
        if orders.shelf is not None:
            loop.add_reader(orders.shelf, self._take_out, orders.shelf)
        os.write(orders.status, status_line(engine=os.getpid()))
        await self._over.wait()
        await self._drain()
        whole = await loop.run_in_executor(None, self._capture.close, _ENDED)
        os.write(orders.status, status_line(ended=True, whole=whole))
        return 0 if whole else 5

    # -- connections ----------------------------------------------------------------------------

    def _take(self) -> None:
        while not self._over.is_set():
            try:
                data, fds, _, _ = socket.recv_fds(self._handover, 65536, 1)
            except BlockingIOError:
                return
            except OSError:
                data, fds = b"", []
            if data in (OVER, b""):  # nothing: gate and recorder are gone
                self._over.set()
            elif data == REPLACED:
                self._gate_replaced()
            elif fds:
                self._serve(decode_arrival(data), socket.socket(fileno=fds[0]))
            else:
                sight = decode_sight(data)
                if isinstance(sight, Bypass):
                    self._capture.bypassed(sight)
                else:
                    self._capture.serving(sight)

    def _take_out(self, shelf: int) -> None:
        """The session's own network is there: its names are answered here."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(shelf)
        names = NameServer(self._capture, self._destinations)
        sockets = look(shelf, ("dns", "dns-tcp"))
        for bound in sockets["dns"]:
            self._keep(loop.create_datagram_endpoint(lambda: names, sock=bound))
        for listener in sockets["dns-tcp"]:
            self._keep(loop.create_server(lambda: NameStream(names), sock=listener))

    def _keep(self, made: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(made)
        if not task.done():
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _serve(self, arrival: Arrival, connection: socket.socket) -> None:
        asyncio.get_running_loop().create_task(self._handle(arrival, connection))

    async def _handle(self, arrival: Arrival, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        record = self._capture.opened(arrival)
        handler: Handler | None = None
        try:
            outside = None
            if arrival.destination is not None:
                address, port = arrival.destination
                record.target = target(self._destinations.host(address), port)
                host = self._destinations.outside(address)
                if host is None:
                    raise ConnectionRefusedError("loopback is the session's own")
                outside = host, port
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = asyncio.StreamReader(loop=loop)
            transport, protocol = await loop.connect_accepted_socket(
                lambda: asyncio.StreamReaderProtocol(reader, loop=loop), connection
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            options = self._master.options
            handler = Handler(record, self._hooks, reader, writer, options, self._mode, outside)
            self._handlers.add(handler)
            await handler.handle_client()
        except OSError as error:
            record.error = str(error)
            connection.close()
        finally:
            if handler is not None:
                self._handlers.discard(handler)
            self._capture.closed(record)

    def _gate_replaced(self) -> None:
        detail = (
            "what accepts connections died and was started again; those that it had not handed over were cut"
        )
        self._ledger.event(Recovered(t=boottime(), source=SOURCE, part="proxy gate", detail=detail))

    # -- the end --------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Lets answers that are on their way come, for a while; then all connections end."""
        until = boottime() + int(self._orders.drain * 1e9)
        while self._capture.busy and boottime() < until:
            await asyncio.sleep(0.02)
        for handler in list(self._handlers):
            handler.end()


def run_engine(orders: Orders, death: Death | None) -> int:
    """Body of the engine's process; returns its exit code."""
    logging.disable(logging.CRITICAL)

    async def live() -> int:
        return await Serving(orders, death).run()

    status = asyncio.run(live())
    sys.stdout.flush()
    return status


def _redactor(orders: Orders) -> Redactor:
    if orders.redact is None:
        return Untouched()
    module, _, name = orders.redact.partition(":")
    made: Redactor = getattr(import_module(module), name)(orders.redact_settings)
    return made


def _gap(death: Death, slate: Slate) -> Gap:
    """What was lost with an engine that died, as far as the slate tells; it forgets it then."""
    lost, cut = slate[Slate.TOLD] - slate[Slate.WRITTEN], slate[Slate.OPENED] - slate[Slate.CLOSED]
    slate[Slate.WRITTEN] = slate[Slate.TOLD]
    slate[Slate.CLOSED] = slate[Slate.OPENED]
    reason = f"the proxy died ({death.how}) and was started again"
    if cut > 0:
        reason += f"; {cut} open connections were cut, with what was not answered on them"
    if lost > 0:
        reason += f"; up to {lost} events on their way to the journal were lost"
    since = min(slate[Slate.LAST] or death.t, death.t)
    return Gap(t=since, source=SOURCE, until=boottime(), bytes=None, reason=reason)
