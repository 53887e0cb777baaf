"""Starting the proxy, and ending it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec

from recorder.sources.own_process import end_notices, spawn, tell_loss
from recorder.sources.proxy.authority import Authority, system_bundle, write_trust
from recorder.sources.proxy.orders import FOLDER, JOURNAL, SOURCE, Orders
from recorder.sources.proxy.variables import (
    proxy_environment,
    upstreams,
    user_bundles,
    user_wgetrc,
    wgetrc,
)
from recorder.trace.errors import RecordingFailed, Unsupported

DRAIN_SECONDS = 2.0
_FINISH_SECONDS = 60.0
_BACKLOG = 1024
_ENTRY = "recorder.sources.proxy.process"


class Proxy:
    """A running proxy on `port` of 127.0.0.1.

    Notices of the terminal source are written to `notify_fd`, which never blocks. The listening socket is this
    process's: connections wait in it while the proxy starts, and while one that died is replaced. `pid` is the
    process that accepts them.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        listener: socket.socket,
        notify_fd: int,
        status: int,
        folder: Path,
        environment: dict[str, str],
    ) -> None:
        self.pid = process.pid
        self.port: int = listener.getsockname()[1]
        self.notify_fd = notify_fd
        self._process = process
        self._listener = listener
        self._status = status
        self._told = b""
        self._folder = folder
        self._environment = environment

    def environment(self) -> dict[str, str]:
        """The variables that make the session's programs use the proxy and trust it."""
        return dict(self._environment)

    def alive(self) -> bool:
        return self._process.poll() is None

    def engine(self, timeout: float = 30.0) -> int:
        """The process that serves connections now; waits for the first. Raises RecordingFailed where none comes."""
        self._hear()
        until = time.monotonic() + timeout
        while (pid := self._engine_pid()) is None:
            if (
                not select.select([self._status], [], [], max(0.0, until - time.monotonic()))[0]
                or not self._hear()
            ):
                raise RecordingFailed("The proxy did not start; record without --proxy.")
        return pid

    def finish(self, timeout: float = _FINISH_SECONDS) -> bool:
        """Lets answers on their way come (2 s), then ends the proxy. True: all that it saw is in the journal.

        False: it died or could not write; the journal then lists the gap, as far as it can still be written. Call
        it when the terminal has ended. The authority's key is gone with the processes that held it.
        """
        if self.notify_fd < 0:
            return True
        end_notices(self.notify_fd)
        self.notify_fd = -1
        self._listener.close()
        until = time.monotonic() + timeout
        ended = False
        while not ended and (left := until - time.monotonic()) > 0:
            ended = bool(select.select([self._status], [], [], left)[0]) and not self._hear()
        if not ended:
            self._kill()
        self._process.wait()
        os.close(self._status)
        if any(line.get("whole") for line in self._lines()):
            return True
        reason = "the proxy did not end well; what went through it last may be missing"
        tell_loss(self._folder / JOURNAL, SOURCE, reason)
        return False

    def _hear(self) -> bool:
        """Reads what the processes tell; False at the end, when none of them lives."""
        while select.select([self._status], [], [], 0)[0]:
            data = os.read(self._status, 65536)
            if not data:
                return False
            self._told += data
        return True

    def _lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self._told.split(b"\n")[:-1]]

    def _engine_pid(self) -> int | None:
        pids = [pid for line in self._lines() if isinstance(pid := line.get("engine"), int)]
        return pids[-1] if pids else None

    def _kill(self) -> None:
        self._process.kill()
        pid = self._engine_pid()
        if pid is not None:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def start_proxy(
    *,
    folder: Path,
    env: Mapping[str, str],
    refused_ports: Iterable[int] = (),
    trusted: Iterable[Path] = (),
    redact: str | None = None,
    redact_settings: bytes = b"",
    drain: float = DRAIN_SECONDS,
) -> Proxy:
    """Starts a proxy for the session in `folder`. Returns at once: connections wait until it serves.

    `env` is the user's environment: its proxies are gone through, what its variables trust stays trusted. Nothing
    is relayed to `refused_ports` of this machine (the proxy's own is among them). `trusted` are more files of
    certificates that origins may have. `redact` names, as module:callable, what makes a `Redactor` from
    `redact_settings`, in the proxy's process. Raises Unsupported where mitmproxy is missing or a proxy of the user's
    cannot be chained, RecordingFailed where it cannot be started: nothing runs then.
    """
    if find_spec("mitmproxy") is None:
        raise Unsupported("Recording the network needs mitmproxy: pip install 'reenact[proxy]'")
    chained = upstreams(env)
    own = folder.absolute() / FOLDER
    trust, roots = own / "trust.pem", own / "roots.pem"
    authority = Authority.create()
    bundles = [*user_bundles(env), *trusted]
    if system := system_bundle():
        bundles.insert(0, system)
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        users = user_wgetrc(env)
        _write(own / "wgetrc", wgetrc(users.read_bytes() if users and users.is_file() else b"", trust))
    except OSError as error:
        raise RecordingFailed(
            f"{error.filename}: {error.strerror}; the network cannot be recorded"
        ) from error
    write_trust(trust, authority, bundles)
    write_trust(roots, None, bundles)
    write_trust(own / "authority.pem", authority, [])
    listener = _listen()
    port: int = listener.getsockname()[1]
    notices, notify = os.pipe2(os.O_CLOEXEC)
    heard, status = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(notify, False)
    orders = Orders(
        folder=str(folder.absolute()),
        listener=listener.fileno(),
        notices=notices,
        status=status,
        authority=authority.secret_pem().decode(),
        roots=str(roots),
        trust=f"{FOLDER}/trust.pem",
        upstreams=chained,
        refused_ports=[port, *refused_ports],
        redact=redact,
        redact_settings=redact_settings,
        drain=drain,
    )
    try:
        # Without assertions mitmproxy is a tenth faster.
        kept = [orders.listener, notices, status]
        process = spawn(_ENTRY, msgspec.json.encode(orders), descriptors=kept, optimized=True)
    except OSError as error:
        for fd in (notify, heard):
            os.close(fd)
        listener.close()
        raise RecordingFailed(f"the proxy cannot be started: {error.strerror}") from error
    finally:
        os.close(notices)
        os.close(status)
    variables = proxy_environment(env, port=port, trust=trust, wgetrc=own / "wgetrc", caches=own / "caches")
    return Proxy(process, listener, notify, heard, folder, variables)


def _listen() -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.bind(("127.0.0.1", 0))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise RecordingFailed(f"no port for the proxy on 127.0.0.1: {error.strerror}") from error
    return listener


def _write(path: Path, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(content)
