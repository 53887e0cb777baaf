"""The engine's life: it takes connections from the gate, has mitmproxy serve them, and tells capture what it sees."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mitmproxy import options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master
from mitmproxy.proxy import mode_specs

from recorder.sources.own_process import boottime
from recorder.sources.proxy.authority import Authority
from recorder.sources.proxy.capture import Capture
from recorder.sources.proxy.engine.handler import Handler
from recorder.sources.proxy.engine.hooks import Hooks
from recorder.sources.proxy.engine.http1 import mend
from recorder.sources.proxy.engine.interception import Certificates, RefusedPorts, Routes
from recorder.sources.proxy.ledger import Ledger
from recorder.sources.proxy.orders import (
    FOLDER,
    JOURNAL,
    SOURCE,
    Arrival,
    Orders,
    Redactor,
    Start,
    Untouched,
    decode_arrival,
    status_line,
)
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import decode_event
from recorder.trace.errors import TraceRejected
from recorder.trace.events import Cause, FlowRequested, Gap, NetworkStarted, Recovered
from recorder.trace.journal import JournalWriter, read_journal

_FOREVER = 7 * 24 * 3600
"""A program may keep a silent connection open for as long as it likes."""
_ENDED = "the session ended"


class Serving:
    """A running engine."""

    def __init__(self, orders: Orders, start: Start) -> None:
        self._orders = orders
        self._handover = socket.socket(fileno=start.handover)
        self._handover.setblocking(False)
        self._listener = socket.socket(fileno=orders.listener)
        folder = Path(orders.folder)
        flows, last = _told_before(folder / JOURNAL) if start.died is not None else (0, 0)
        blobs = BlobStore(folder / "blobs")
        if start.predecessor is not None:
            blobs.drop_spools(start.predecessor)
        journal = JournalWriter(folder / JOURNAL)
        self._ledger = Ledger(journal, blobs)
        self._capture = Capture(self._ledger, blobs, _redactor(orders), flows=flows)
        self._authority = Authority.from_pem(orders.authority.encode())
        if journal.next_sequence == 0:
            self._ledger.event(self._started())
        if start.died is not None:
            reason = start.reason or "the proxy died"
            self._ledger.event(
                Gap(
                    t=min(last, start.died),  # what was on its way to the journal is lost, too
                    source=SOURCE,
                    until=boottime(),
                    bytes=None,
                    reason=f"{reason}; open connections were cut",
                )
            )
        self._handlers: set[Handler] = set()
        self._count = 0
        self._over = asyncio.Event()

    def _started(self) -> NetworkStarted:
        host, port = self._listener.getsockname()[:2]
        upstream = " ".join(
            f"{scheme}={up.scheme}://{up.address}" for scheme, up in sorted(self._orders.upstreams.items())
        )
        return NetworkStarted(
            t=boottime(),
            source=SOURCE,
            address=f"{host}:{port}",
            engine=f"mitmproxy {version('mitmproxy')}",
            certificate=self._authority.digest(),
            trust=self._orders.trust,
            upstream=upstream or None,
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
        self._mode = mode_specs.ProxyMode.parse("regular")
        mend()
        loop.set_task_factory(asyncio.eager_task_factory)
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 50)
        loop.add_reader(self._handover, self._take)
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
            if data == b"Q":
                self._over.set()
            elif not data:
                self._accept_alone()
                return
            elif fds:
                self._serve(decode_arrival(data), socket.socket(fileno=fds[0]))

    def _serve(self, arrival: Arrival, connection: socket.socket) -> None:
        self._count = arrival.n
        asyncio.get_running_loop().create_task(self._handle(arrival, connection))

    async def _handle(self, arrival: Arrival, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        record = self._capture.opened(arrival)
        handler: Handler | None = None
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = asyncio.StreamReader(loop=loop)
            transport, protocol = await loop.connect_accepted_socket(
                lambda: asyncio.StreamReaderProtocol(reader, loop=loop), connection
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            handler = Handler(record, self._hooks, reader, writer, self._master.options, self._mode)
            self._handlers.add(handler)
            await handler.handle_client()
        except OSError as error:
            record.error = str(error)
            connection.close()
        finally:
            if handler is not None:
                self._handlers.discard(handler)
            self._capture.closed(record)

    def _accept_alone(self) -> None:
        """The gate is dead: from here on connections come straight from the listening socket."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._handover)
        detail = "what accepts connections died; what causes them is unknown from here on"
        self._ledger.event(Recovered(t=boottime(), source=SOURCE, part="proxy gate", detail=detail))
        self._listener.setblocking(False)
        loop.add_reader(self._listener, self._accept)
        loop.add_reader(self._orders.notices, self._hear)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        unknown = Cause(command=None, how="unknown", process="")
        self._serve(Arrival(n=self._count + 1, t=boottime(), cause=unknown), connection)

    def _hear(self) -> None:
        data = os.read(self._orders.notices, 65536)
        if not data or b"Q" in data.split(b"\n"):
            asyncio.get_running_loop().remove_reader(self._orders.notices)
            self._over.set()

    # -- the end --------------------------------------------------------------------------------

    async def _drain(self) -> None:
        """Lets answers that are on their way come, for a while; then all connections end."""
        until = boottime() + int(self._orders.drain * 1e9)
        while self._capture.busy and boottime() < until:
            await asyncio.sleep(0.02)
        for handler in list(self._handlers):
            handler.end()


def run_engine(orders: Orders, start: Start) -> int:
    """Body of the engine's process; returns its exit code."""
    logging.disable(logging.CRITICAL)

    async def live() -> int:
        return await Serving(orders, start).run()

    status = asyncio.run(live())
    sys.stdout.flush()
    return status


def _redactor(orders: Orders) -> Redactor:
    if orders.redact is None:
        return Untouched()
    module, _, name = orders.redact.partition(":")
    made: Redactor = getattr(import_module(module), name)(orders.redact_settings)
    return made


def _told_before(path: Path) -> tuple[int, int]:
    """How many flows predecessors have told, and when they told the last event."""
    most = last = 0
    for frame in read_journal(path):
        last = max(last, frame.t)
        try:
            event: Any = decode_event(frame.payload, str(path))
        except TraceRejected:
            continue
        if isinstance(event, FlowRequested):
            most = max(most, event.flow)
    return most, last
