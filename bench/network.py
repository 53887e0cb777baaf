"""The replayed network under load: `python -m bench.network [--seconds 1] [--rounds 9] [--connections 8]`.

Requests a second over HTTP/1.1, TLS and HTTP/2, with the whole matcher, from loopback clients of our own; beside them
the same requests to mitmdump's server replay, where mitmproxy is installed. Ratios of one run count; the load generator
shares the machine. Every answer is checked.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from recorder.trace.events import Body, Cause, CommandStarted, FlowAnswered, FlowRequested
from replay.players.network import frames
from replay.players.network.recording import Recording
from replay.players.network.server import NetworkPlayer

HOST = "api.example"
ROUTES = 200
TIMES = 200
BODY = b"x" * 1024
KINDS = ("HTTP/1.1", "TLS", "HTTP/2")


class Load(NamedTuple):
    """`cpu` are seconds of a processor that the server took."""

    requests: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def each(self) -> float:
        """Seconds of a processor a request."""
        return self.cpu / self.requests


class Blobs:
    def blob(self, digest: str) -> bytes:
        return BODY

    def stream_blob(self, digest: str) -> Iterator[bytes]:
        yield BODY


def recording(version: str, scheme: str) -> Recording:
    """GETs of `ROUTES` routes, `TIMES` of each; further ones are answered as the answers are all the same."""
    events: list[Any] = [CommandStarted(t=0, source="terminal/1", n=1, offset=0, text="load", cwd="/")]
    for number in range(1, ROUTES * TIMES + 1):
        headers = [("content-type", "text/plain"), ("content-length", str(len(BODY)))]
        events.append(
            FlowRequested(
                t=number, source="proxy", flow=number, connection=1, method="GET", version=version,
                url=f"{scheme}://{HOST}/items/{number % ROUTES}?page=1", headers=[],
                cause=Cause(command=1, how="cgroup", process="load"),
            )
        )  # fmt: skip
        events.append(
            FlowAnswered(
                t=number, source="proxy", flow=number, status=200, reason="OK", version=version, headers=headers,
                trailers=[], request=Body(size=0), response=Body(size=len(BODY), blob=f"{number % ROUTES:064x}"),
                first_byte=1, pace=[], error=None,
            )
        )  # fmt: skip
    return Recording.of(events, Blobs().blob)


@contextlib.contextmanager
def ours(kind: str) -> Iterator[tuple[int, ssl.SSLContext | None]]:
    """Our server on a port of this machine, with what a client needs to trust it."""
    scheme = "http" if kind == "HTTP/1.1" else "https"
    player = NetworkPlayer(recording("2" if kind == "HTTP/2" else "1.1", scheme), Blobs(), lambda: (1,))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    port = listener.getsockname()[1]
    player.start([listener])
    try:
        yield port, trusting(kind, player.trust.decode()) if scheme == "https" else None
    finally:
        report = player.stop()
        assert not report.refused, report.refused[:3]


def trusting(kind: str, authority: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority)
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2" if kind == "HTTP/2" else "http/1.1"])
    return context


@contextlib.contextmanager
def mitmdump(kind: str) -> Iterator[tuple[int, int, ssl.SSLContext | None]]:
    """mitmdump's server replay of the same flows, as a reverse proxy of an origin that is not there."""
    from mitmproxy import http, io
    from mitmproxy.test import tflow

    scheme = "http" if kind == "HTTP/1.1" else "https"
    with tempfile.TemporaryDirectory() as folder:
        flows = Path(folder, "flows")
        with flows.open("wb") as file:
            writer = io.FlowWriter(file)
            for number in range(ROUTES):
                url = f"{scheme}://{HOST}/items/{number}?page=1"
                answer = http.Response.make(200, BODY, {"content-type": "text/plain"})
                flow = tflow.tflow(req=http.Request.make("GET", url), resp=answer)
                writer.add(flow)
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            port = chosen.getsockname()[1]
        options = ["server_replay_reuse=true", "server_replay_extra=kill", "connection_strategy=lazy"]
        options += [f"confdir={folder}", "server_replay_ignore_host=true"]
        program = shutil.which("mitmdump", path=str(Path(sys.executable).parent)) or "mitmdump"
        line = [
            program,
            "-q",
            "--mode",
            f"reverse:{scheme}://{HOST}/@127.0.0.1:{port}",
            "-S",
            str(flows),
        ]
        process = subprocess.Popen([*line, *(word for o in options for word in ("--set", o))])
        try:
            await_port(port, process)
            yield port, process.pid, trusting(kind, None) if scheme == "https" else None
        finally:
            process.kill()  # asked to end, it waits for clients that it has lost sight of
            process.wait()


def await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit("mitmdump ended before it served")


class Client:
    """One connection, with blocking calls: an event loop's TLS would cost more than the server that is measured."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        plain = socket.create_connection(("127.0.0.1", port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname=HOST) if context else plain
        self.count = 0

    def ask(self) -> None:
        path = b"/items/%d?page=1" % (self.count % ROUTES)
        self.socket.sendall(b"GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (path, HOST.encode()))

    def take(self) -> None:
        """The answer, checked."""
        data = self.receive()
        while (end := data.find(b"\r\n\r\n") + 4) < 4 or len(data) < end + len(BODY):
            data += self.receive()
        assert data.startswith(b"HTTP/1.1 200"), data[:end]
        assert data[end:] == BODY
        self.count += 1

    def receive(self) -> bytes:
        data = self.socket.recv(65536)
        assert data, "the server ended the connection"
        return data


class Http2Client(Client):
    """Frames written by hand."""

    def __init__(self, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(port, context)
        wide = frames.MOST_WINDOW - (1 << 16)
        self.socket.sendall(
            frames.PREFACE
            + frames.told_settings({frames.Setting.INITIAL_WINDOW: wide})
            + frames.number(frames.Kind.WINDOW_UPDATE, 0, wide)
        )
        self._rest = b""

    def ask(self) -> None:
        path = b"/items/%d?page=1" % (self.count % ROUTES)
        fields = (
            (b":method", b"GET"),
            (b":scheme", b"https"),
            (b":authority", HOST.encode()),
            (b":path", path),
        )
        self.socket.sendall(frames.headers(2 * self.count + 1, frames.block(fields), frames.END_STREAM))

    def take(self) -> None:
        body, ended = b"", False
        while not ended:
            data = self._rest + self.receive()
            found, end = frames.split(data)
            self._rest = data[end:]
            for one in found:
                if one.kind == frames.Kind.SETTINGS and not one.flags & frames.ACK:
                    self.socket.sendall(frames.frame(frames.Kind.SETTINGS, frames.ACK, 0))
                assert one.kind not in (frames.Kind.RESET, frames.Kind.GOAWAY), one
                if one.kind == frames.Kind.DATA:
                    body += one.payload
                    ended = bool(one.flags & frames.END_STREAM)
        assert body == BODY
        self.count += 1


def load(
    kind: str, port: int, pid: int, context: ssl.SSLContext | None, seconds: float, connections: int
) -> Load:
    """Each connection has one question under way; whose answer was taken asks the next."""
    make = Http2Client if kind == "HTTP/2" else Client
    clients = [make(port, context) for _ in range(connections)]
    begin, spent = time.monotonic(), spent_by(pid)
    for client in clients:
        client.ask()
    while time.monotonic() < begin + seconds:
        for client in clients:
            client.take()
            client.ask()
    for client in clients:
        client.take()
    done = Load(sum(client.count for client in clients), time.monotonic() - begin, spent_by(pid) - spent)
    for client in clients:
        client.socket.close()
    return done


def spent_by(pid: int) -> float:
    """Seconds of a processor that a process took until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pipelined(port: int, pid: int, seconds: float) -> Load:
    """Many requests in one write: what the server does when the client costs nothing."""
    wave = b"".join(
        b"GET /items/%d?page=1 HTTP/1.1\r\nHost: %s\r\n\r\n" % (n, HOST.encode()) for n in range(ROUTES)
    )
    done = 0
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(wave)
        first = client.recv(1 << 20)
        head = first.index(b"\r\n\r\n") + 4
        size = ROUTES * (head + len(BODY))
        got = len(first)
        while got < size:
            got += len(client.recv(1 << 20))
        begin, spent = time.monotonic(), spent_by(pid)
        while time.monotonic() < begin + seconds:
            client.sendall(wave)
            got = 0
            while got < size:
                got += len(client.recv(1 << 20))
            assert got == size
            done += ROUTES
        return Load(done, time.monotonic() - begin, spent_by(pid) - spent)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--only-serve", metavar="PORT-FILE", help=argparse.SUPPRESS)
    parser.add_argument("--kind", default=KINDS[0], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.only_serve:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        with ours(asked.kind) as (port, _):
            Path(asked.only_serve).write_text(str(port))
            signal.sigwait({signal.SIGTERM, signal.SIGINT})
        return
    peer = shutil.which("mitmdump", path=str(Path(sys.executable).parent)) is not None
    for kind in KINDS:
        with contextlib.ExitStack() as stack:
            servers = [stack.enter_context(apart(kind))]
            servers += [stack.enter_context(mitmdump(kind))] if peer else []
            loads: list[list[Load]] = [[] for _ in servers]
            for _ in range(asked.rounds):  # in turns, so that what else the machine does falls on both
                for (port, pid, context), done in zip(servers, loads, strict=True):
                    done.append(load(kind, port, pid, context, asked.seconds, asked.connections))
            wave = pipelined(*servers[0][:2], asked.seconds) if kind == "HTTP/1.1" else None
        rates, costs = zip(*(_medians(done) for done in loads), strict=True)
        line = f"{kind}: {rates[0]:,.0f} requests/s, {costs[0] * 1e6:,.0f} µs of a processor each"
        if wave is not None:
            line += f" (pipelined {wave.rate:,.0f}, {wave.each * 1e6:,.0f} µs)"
        if peer:
            ratio = statistics.median(mine.rate / theirs.rate for mine, theirs in zip(*loads, strict=True))
            line += (
                f"; mitmdump's server replay {rates[1]:,.0f}, {costs[1] * 1e6:,.0f} µs: "
                f"{ratio:.1f} times the rate, {costs[1] / costs[0]:.1f} times a processor's"
            )
        print(line, flush=True)


def _medians(loads: list[Load]) -> tuple[float, float]:
    return statistics.median(one.rate for one in loads), statistics.median(one.each for one in loads)


@contextlib.contextmanager
def apart(kind: str) -> Iterator[tuple[int, int, ssl.SSLContext | None]]:
    """Our server in a process of its own, as mitmdump is."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "port")
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.network", "--only-serve", str(told), "--kind", kind]
        )
        try:
            while not told.exists() or not told.read_text():
                if process.poll() is not None:
                    raise SystemExit("our server ended before it served")
                time.sleep(0.05)
            yield int(told.read_text()), process.pid, trusting(kind, None) if kind != "HTTP/1.1" else None
        finally:
            process.terminate()
            assert process.wait() == 0


if __name__ == "__main__":
    main()
