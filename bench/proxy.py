"""What recording the network costs: `python -m bench.proxy [--seconds 4] [--rounds 3] [--connections 8]`.

Our proxy and plain mitmdump (which keeps flows with `-w`), each between the same client and the same origin on
loopback, in turns: requests a second and CPU time a request, over HTTP/1.1 and TLS, every 1 KB body different from all
others; and one long body. Ratios of one run count; lengths are checked.
"""

from __future__ import annotations

import argparse
import asyncio
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
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives import serialization

from recorder.network.redaction import FACTORY
from recorder.redact import VaultFile
from recorder.sources.proxy import start_proxy
from recorder.sources.proxy.authority import Authority

BODY = 1024
TICKS = os.sysconf("SC_CLK_TCK")


class Origin(asyncio.Protocol):
    """Answers every request with 1 KB that no other answer has; /N with N bytes of text, /binary/N with zeros."""

    count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        for head in heads:
            size = int(head.split(b" ", 2)[1].rsplit(b"/", 1)[1] or BODY)
            Origin.count += 1
            start = b"%016d" % Origin.count
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size + start
            )
            left = size - len(start)
            block = (b"\0" if b"/binary/" in head[:1000] else b"x") * min(left, 1 << 20)
            while left:
                self._transport.write(block[:left])
                left -= min(left, len(block))


def serve(ports: list[int], certificate: str) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        await loop.create_server(Origin, "127.0.0.1", ports[0], backlog=512)
        await loop.create_server(Origin, "127.0.0.1", ports[1], ssl=context, backlog=512)
        await asyncio.Event().wait()

    asyncio.run(run())


class Load(NamedTuple):
    """What a client loads: through `proxy` to `origin`, over TLS where there is what to `trust`."""

    proxy: int
    origin: int
    trust: str | None


async def _connect(load: Load) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
    reader, writer = await asyncio.open_connection("127.0.0.1", load.proxy)
    if load.trust is None:
        return reader, writer, f"http://127.0.0.1:{load.origin}/"
    writer.write(f"CONNECT localhost:{load.origin} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    await writer.start_tls(ssl.create_default_context(cafile=load.trust), server_hostname="localhost")
    return reader, writer, "/"


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> int:
    writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head.split(b"\r\n", 1)[0], head
    size = left = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while left:
        data = await reader.read(min(left, 1 << 20))
        assert data, "the connection ended in the middle of a body"
        left -= len(data)
    return size


async def requests(load: Load, seconds: float, connections: int) -> int:
    end = time.perf_counter() + seconds

    async def one() -> int:
        reader, writer, target = await _connect(load)
        done = 0
        while time.perf_counter() < end:
            assert await _ask(reader, writer, target) == BODY
            done += 1
        writer.close()
        return done

    return sum(await asyncio.gather(*(one() for _ in range(connections))))


async def long_body(load: Load, kind: str, size: int) -> float:
    reader, writer, target = await _connect(load)
    started = time.perf_counter()
    assert await _ask(reader, writer, f"{target}{kind}/{size}") == size
    took = time.perf_counter() - started
    writer.close()
    return took


def cpu_seconds(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def peaks(pids: list[int]) -> list[int]:
    """The most memory that each process had at once, in MB, with what it shares with others."""
    statuses = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return [int(status.split("VmHWM:")[1].split()[0]) >> 10 for status in statuses]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Peer(NamedTuple):
    name: str
    port: int
    trust: str
    pids: list[int]


@contextlib.contextmanager
def ours(folder: Path, roots: Path) -> Iterator[Peer]:
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    VaultFile.create(folder / "vault").close()
    settings = msgspec.json.encode({"vault": str(folder / "vault")})
    proxy = start_proxy(folder=folder, env=env, trusted=[roots], redact=FACTORY, redact_settings=settings)
    try:
        yield Peer("reenact", proxy.port, proxy.environment()["SSL_CERT_FILE"], [proxy.pid, proxy.engine()])
    finally:
        assert proxy.finish(), "something was not recorded"


@contextlib.contextmanager
def mitmdump(folder: Path) -> Iterator[Peer]:
    port = free_port()
    program = [sys.executable, shutil.which("mitmdump", path=str(Path(sys.executable).parent)) or "mitmdump"]
    options = ["-q", "--mode", f"regular@{port}", "--listen-host", "127.0.0.1", "--ssl-insecure"]
    process = subprocess.Popen(
        [*program, *options, "--set", f"confdir={folder}", "-w", str(folder / "flows")],
        stdout=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert process.poll() is None, "mitmdump ended"
            assert time.monotonic() < until, "mitmdump does not listen"
        yield Peer("mitmdump", port, str(folder / "mitmproxy-ca-cert.pem"), [process.pid])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def compare(peers: list[Peer], ports: list[int], options: argparse.Namespace) -> None:
    for name, origin, secure in (("HTTP/1.1", ports[0], False), ("TLS", ports[1], True)):
        rates: dict[str, list[float]] = {peer.name: [] for peer in peers}
        costs: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for _ in range(options.rounds):
            for peer in peers:
                load = Load(peer.port, origin, peer.trust if secure else None)
                before, started = cpu_seconds(peer.pids), time.perf_counter()
                done = asyncio.run(requests(load, options.seconds, options.connections))
                rates[peer.name].append(done / (time.perf_counter() - started))
                costs[peer.name].append((cpu_seconds(peer.pids) - before) / max(done, 1) * 1e6)
        for peer in peers:
            rate, cost = statistics.median(rates[peer.name]), statistics.median(costs[peer.name])
            print(f"{name:9} {peer.name:9} {rate:7.0f} requests/s, {cost:6.0f} us of CPU each")
        times = sum(rates["reenact"]) / sum(rates["mitmdump"])
        cheaper = statistics.median(costs["mitmdump"]) / statistics.median(costs["reenact"])
        print(f"{name:9} ratio     {times:7.2f} x requests/s, {cheaper:.2f} x less CPU")
    size = options.megabytes * 1_000_000
    for kind in ("text", "binary"):
        took: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for _ in range(options.rounds):
            for peer in peers:
                took[peer.name].append(asyncio.run(long_body(Load(peer.port, ports[0], None), kind, size)))
        name = f"{options.megabytes} MB {kind}"
        for peer in peers:
            rate = size / statistics.median(took[peer.name]) / 1e6
            most = " + ".join(map(str, peaks(peer.pids)))
            print(f"{name:13} {peer.name:9} {rate:7.0f} MB/s, {most} MB of memory at most")
        print(f"{name:13} ratio     {sum(took['mitmdump']) / sum(took['reenact']):7.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--megabytes", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-proxy-") as name:
        folder = Path(name)
        authority = Authority.create(name="Bench origin")
        leaf = authority.leaf(["localhost"])
        roots, certificate = folder / "roots.pem", folder / "origin.pem"
        roots.write_bytes(authority.pem())
        key = leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        certificate.write_bytes(key + leaf.certificate.public_bytes(serialization.Encoding.PEM))
        ports = [free_port(), free_port()]
        origin = get_context("spawn").Process(target=serve, args=(ports, str(certificate)), daemon=True)
        origin.start()
        (folder / "ours").mkdir()
        (folder / "theirs").mkdir()
        with ours(folder / "ours", roots) as own, mitmdump(folder / "theirs") as other:
            compare([own, other], ports, options)
        origin.kill()


if __name__ == "__main__":
    main()
