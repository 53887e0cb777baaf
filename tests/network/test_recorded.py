"""Recorded by the real proxy, played with every origin stopped: curl sees the same bytes and ends the same way."""

from __future__ import annotations

import http.server
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import CLIENTS, listening

from recorder.sources.proxy.launch import start_proxy
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import decode_event
from recorder.trace.events import NetworkStarted
from recorder.trace.frames import Kind
from recorder.trace.journal import read_journal
from replay.players.network.recording import Recording
from replay.players.network.server import NetworkPlayer

pytest.importorskip("mitmproxy")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CLIENTS["curl"] is None, reason="needs curl")]


class Origin(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self) -> None:
        Origin.asked += 1
        body = f"{self.path} {Origin.asked}\n".encode()
        if self.path == "/chunks":
            self._head(200, ("Transfer-Encoding", "chunked"))
            self.wfile.write(b"3\r\nab\n\r\n" * 3 + b"0\r\n\r\n")
        elif self.path == "/cut":
            self._head(200, ("Content-Length", "100"))
            self.wfile.write(b"part")
            self.close_connection = True
        elif self.path == "/private" and "Authorization" not in self.headers:
            self._head(401, ("WWW-Authenticate", 'Basic realm="x"'), ("Content-Length", "0"))
        else:
            self._head(200, ("X-CaSe", "kept"), ("Content-Length", str(len(body))))
            self.wfile.write(body)

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        self._head(201, ("Content-Length", str(len(sent))))
        self.wfile.write(sent)

    def _head(self, status: int, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class StoredBodies:
    def __init__(self, store: BlobStore) -> None:
        self._store = store

    def blob(self, digest: str) -> bytes:
        return self._store.get(digest)

    def stream_blob(self, digest: str) -> Iterator[bytes]:
        yield self._store.get(digest)


def test_every_command_sees_the_same(tmp_path: Path) -> None:
    origin = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Origin)
    threading.Thread(target=origin.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{origin.server_address[1]}"
    commands = [
        ["-i", f"{site}/count"],
        ["-i", f"{site}/count"],
        [f"{site}/chunks"],
        [f"{site}/cut"],
        ["-d", "a=1", f"{site}/post"],
        ["-F", "f=@/etc/hostname", "-o", "/dev/null", "-w", "%{http_code}", f"{site}/post"],
        ["--anyauth", "-u", "me:secret-of-mine", f"{site}/private"],
        ["-r", "0-3", f"{site}/range"],
        ["-p", f"{site}/tunnel"],
        ["http://127.0.0.1:1/dead"],
        ["https://127.0.0.1:1/dead"],
    ]

    def run(environment: dict[str, str]) -> list[tuple[int, bytes]]:
        env = {"PATH": "/usr/bin:/bin", **environment}
        done = [
            subprocess.run(["curl", "-s", *c], capture_output=True, check=False, env=env) for c in commands
        ]
        return [(one.returncode, one.stdout) for one in done]

    proxy = start_proxy(folder=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    recorded = run(proxy.environment())
    assert proxy.finish()
    origin.shutdown()
    origin.server_close()

    frames = [frame for frame in read_journal(tmp_path / "proxy.journal") if frame.kind == Kind.EVENT]
    events = [decode_event(frame.payload, "journal") for frame in frames]
    bodies = StoredBodies(BlobStore(tmp_path / "blobs"))
    with NetworkPlayer(Recording.of(events, bodies.blob), bodies, lambda: (0,)) as player:
        started = next(event for event in events if isinstance(event, NetworkStarted))
        (tmp_path / started.trust).write_bytes(player.trust)
        listener = listening()
        port = listener.getsockname()[1]
        player.start([listener])
        old, new = f"127.0.0.1:{proxy.port}", f"127.0.0.1:{port}"
        replayed = run({name: value.replace(old, new) for name, value in proxy.environment().items()})
        report = player.stop()
    assert replayed == recorded
    assert (report.refused, report.unasked, report.faults) == ([], [], [])
