"""Origins on loopback, each for plain HTTP and for TLS, that can be stopped for good."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization

from recorder.sources.proxy.authority import Authority

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "served_apps.py"
NPM = HERE / "npm" / "node_modules"
NODE = NPM / f"node-linux-{'arm64' if platform.machine() == 'aarch64' else 'x64'}"
"""A Node that heeds proxy variables, and serves the registry; the system's may be too old for either."""
REGISTRY = NPM / "verdaccio" / "bin" / "verdaccio"
_SECONDS = 60.0


class Origin(NamedTuple):
    """A running server. `trust` is the file with the authority that signed its certificate."""

    plain: int
    secure: int
    trust: Path

    @property
    def ports(self) -> tuple[int, int]:
        return self.plain, self.secure

    def url(self, *, tls: bool) -> str:
        return f"https://localhost:{self.secure}" if tls else f"http://localhost:{self.plain}"


@contextmanager
def serving(app: str, folder: Path, private: Path) -> Iterator[Origin]:
    """Serves `app` of served_apps.py from `folder` until the context ends. `private` gets certificates."""
    trust, certificate = _certificates(private)
    with ExitStack() as stack:
        plain, secure = (
            stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64)) for _ in "ps"
        )
        descriptors = [plain.fileno(), secure.fileno()]
        log = stack.enter_context((private / "origin.log").open("wb"))
        process = subprocess.Popen(
            [sys.executable, PROGRAM, app, folder, *map(str, descriptors), certificate],
            pass_fds=descriptors, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        stack.callback(_stop, process)
        origin = Origin(plain.getsockname()[1], secure.getsockname()[1], trust)
        plain.close()
        secure.close()
        yield origin


@contextmanager
def registry(private: Path) -> Iterator[Origin]:
    """An npm registry to which anybody may publish, without any other behind it."""
    trust, certificate = _certificates(private)
    ports = _free_port(), _free_port()
    with ExitStack() as stack:
        for port, place in zip(ports, ("http://127.0.0.1", "https://127.0.0.1"), strict=True):
            settings = private / f"verdaccio-{port}.yaml"
            settings.write_text(
                f"storage: {private}/storage\nlisten: {place}:{port}\n"
                f"https: {{key: {certificate}, cert: {certificate}}}\n"
                "web: {enable: false}\nauth: {}\nuplinks: {}\n"
                "packages: {'**': {access: $all, publish: $anonymous}}\nlog: {type: stdout, level: warn}\n"
            )
            log = stack.enter_context((private / f"verdaccio-{port}.log").open("wb"))
            process = subprocess.Popen(
                [NODE / "bin" / "node", REGISTRY, "--config", settings],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
            stack.callback(_stop, process)
        for port in ports:
            _await(port)
        yield Origin(*ports, trust)


def _certificates(private: Path) -> tuple[Path, Path]:
    """(the authority, a certificate for localhost with its key), as files."""
    authority = Authority.create(name="Test origins")
    leaf = authority.leaf(["localhost", "127.0.0.1"])
    trust, certificate = private / "origins.pem", private / "origin.pem"
    trust.write_bytes(authority.pem())
    key = leaf.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate.write_bytes(key + leaf.certificate.public_bytes(serialization.Encoding.PEM) + authority.pem())
    return trust, certificate


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await(port: int) -> None:
    """Until something accepts there."""
    until = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, f"nothing listens on port {port}"
            time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
