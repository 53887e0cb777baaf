"""From one sandbox to the servers of another: connections to chosen ports of its loopback are carried over.

The two share nothing else. Whoever listens in the other is reached as it was recorded; where nobody does yet, that is
waited for, as long as `PATIENCE`.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from recorder.trace.errors import Unsupported
from replay.sandbox import callers
from replay.sandbox.ports import open_ports

PATIENCE = 10.0
"""Seconds for a server to listen."""
_AGAIN = 0.02
_NS_GET_USERNS = 0xB701
_PORTION = 1 << 16
_MOST_CONNECTIONS = 512
_LOOPBACK = ("127.0.0.1", "::1")


class Bridge:
    """Carries what process `near`'s network connects to at one of `ports` of its loopback to the same port of process
    `far`'s. Both are sandboxes' first processes. A context manager. Raises Unsupported where the kernel refuses."""

    def __init__(self, near: int, far: int, ports: Sequence[int]) -> None:
        self.refused: list[str] = []
        """Places where nobody listened."""
        self._asking = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        self._to, self._process = _callers(far)
        try:
            places = [(address, port) for port in ports for address in _LOOPBACK]
            opened = open_ports(near, places, names=False)
        except Unsupported:
            self.close()
            raise
        self._listeners = opened.listeners
        for listener in self._listeners:
            threading.Thread(target=self._accept, args=(listener,), name="bridge", daemon=True).start()

    def close(self) -> None:
        """Ends it, and all that it carries."""
        self._closed = True
        for one in (*getattr(self, "_listeners", ()), *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for listener in getattr(self, "_listeners", ()):
            listener.close()
        self._to.close()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self, listener: socket.socket) -> None:
        port = listener.getsockname()[1]
        while not self._closed:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if len(self._open) >= _MOST_CONNECTIONS:
                client.close()
                continue
            self._open.add(client)
            threading.Thread(target=self._carry, args=(client, port), name="bridge", daemon=True).start()

    def _carry(self, client: socket.socket, port: int) -> None:
        server = self._connect(port)
        if server is not None:
            self._open.add(server)
            back = threading.Thread(target=_pump, args=(server, client), name="bridge", daemon=True)
            back.start()
            _pump(client, server)
            back.join()
        for end in (client, server):
            if end is not None:
                self._open.discard(end)
                end.close()

    def _connect(self, port: int) -> socket.socket | None:
        until = time.monotonic() + PATIENCE
        while not self._closed:
            for host in _LOOPBACK:
                found = self._ask(host, port)
                if isinstance(found, socket.socket):
                    return found
                if found not in (errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.ENETUNREACH):
                    break
            if time.monotonic() > until:
                break
            time.sleep(_AGAIN)
        self.refused.append(f"127.0.0.1:{port}")
        return None

    def _ask(self, host: str, port: int) -> socket.socket | int:
        """A connection, or the error's number."""
        try:
            with self._asking:
                self._to.send(f"{host}:{port}".encode())
                said, fds, _, _ = socket.recv_fds(self._to, 64, 1)
        except OSError as error:
            return error.errno or 0
        return socket.socket(fileno=fds[0]) if fds else int(said or b"0")


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(_PORTION):
            sink.sendall(data)
    except OSError:
        pass
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _callers(pid: int) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A program in the network of process `pid` that connects there, and the way to ask it."""
    network = user = -1
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        user = fcntl.ioctl(network, _NS_GET_USERNS)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(callers.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(network, user, theirs.fileno()),
            cwd="/",
        )
        order = {"to": theirs.fileno(), "network": network, "user": user}
        assert process.stdin is not None
        with process.stdin as given:
            given.write(json.dumps(order).encode())
    except OSError as error:
        ours.close()
        raise Unsupported(f"the sandbox's network cannot be entered: {error}") from error
    finally:
        theirs.close()
        for fd in (network, user):
            if fd >= 0:
                os.close(fd)
    return ours, process
