"""A server that plays a tape on a port of this machine, and real clients that come to it."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tape import Tape

from replay.players.network.desk import NetworkReport
from replay.players.network.server import NetworkPlayer

CLIENTS = {name: shutil.which(name) for name in ("curl", "node", "wget", "git")}


def listening() -> socket.socket:
    """A port of this machine, before it is known what is played there."""
    return socket.create_server(("127.0.0.1", 0), backlog=128)


class TapeBodies:
    def __init__(self, tape: Tape) -> None:
        self._blobs = tape.blobs

    def blob(self, digest: str) -> bytes:
        return self._blobs[digest]

    def stream_blob(self, digest: str) -> Iterator[bytes]:
        content = self._blobs[digest]
        return (content[at : at + 65536] for at in range(0, len(content), 65536))


class Stage:
    """`step` is the command that runs now; change it as the replayed session would go on."""

    def __init__(
        self,
        tape: Tape,
        folder: Path,
        *,
        paced: bool = False,
        listener: socket.socket | None = None,
        names: tuple[socket.socket, socket.socket] | None = None,
    ) -> None:
        self.step = 1
        self.player = NetworkPlayer(tape.recording(), TapeBodies(tape), lambda: (self.step,), paced=paced)
        listener = listener or listening()
        self.port: int = listener.getsockname()[1]
        self.trust = folder / "trust.pem"
        self.trust.write_bytes(self.player.trust)
        self.name_port: int = names[1].getsockname()[1] if names else 0
        self.player.start([listener], names[:1] if names else (), names[1:] if names else ())

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> NetworkReport:
        return self.player.stop()

    def connect(self, tls: str | None = None, alpn: list[str] | None = None) -> socket.socket:
        """A bare connection; with `tls` a handshake for that host name."""
        client = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        if tls is None:
            return client
        context = ssl.create_default_context(cafile=str(self.trust))
        if alpn:
            context.set_alpn_protocols(alpn)
        return context.wrap_socket(client, server_hostname=tls)

    def say(self, data: bytes) -> bytes:
        """Sends raw bytes on a connection of its own; all that comes back until it ends."""
        with self.connect() as client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            return everything(client)

    def curl(self, *words: str, proxy: bool = False) -> subprocess.CompletedProcess[bytes]:
        """curl, sent here whatever host it asks for (or by CONNECT and absolute URLs, with `proxy`)."""
        way = ["--proxy", self.proxy] if proxy else ["--connect-to", f"::127.0.0.1:{self.port}"]
        line = ["curl", "-sS", "--max-time", "20", "--noproxy", "", "--cacert", str(self.trust), *way, *words]
        return subprocess.run(
            line, capture_output=True, check=False, timeout=30, env={"PATH": "/usr/bin:/bin"}
        )


def everything(client: socket.socket) -> bytes:
    """What comes until the other side ends the connection."""
    parts: list[bytes] = []
    while data := client.recv(65536):
        parts.append(data)
    return b"".join(parts)
