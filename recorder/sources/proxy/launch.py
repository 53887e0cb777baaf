"""Starting the proxy, and ending it."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import msgspec

from recorder.sources.own_process import boottime, end_notices, spawn, tell_loss
from recorder.sources.proxy.authority import Authority, system_bundle, write_trust
from recorder.sources.proxy.chromium import FLAGS, PROGRAMS, chromium_flags, wrapper
from recorder.sources.proxy.hierarchy import Undividable
from recorder.sources.proxy.orders import FOLDER, JOURNAL, SOURCE, Begin, Death, Orders
from recorder.sources.proxy.session_group import SessionGroup
from recorder.sources.proxy.shelf import new_shelf, put
from recorder.sources.proxy.slate import new_slate
from recorder.sources.proxy.variables import (
    proxy_environment,
    session_environment,
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
_MOST_DEATHS = 10
_WITHIN_SECONDS = 10.0


class Proxy:
    """A running proxy, on `port` of 127.0.0.1 or (0) for the network of an isolated session, which `take` gets.

    Notices of the terminal source are written to `notify_fd`, which never blocks. The listening socket is this
    process's, and all that its processes have in common: connections wait in it while the proxy starts, and while one
    that died is replaced. `pid` is the process that accepts them. When `fileno` is readable it has died; whoever
    watches it calls `attend`.
    """

    def __init__(
        self,
        orders: Orders,
        notify_fd: int,
        status: int,
        own: list[int],
        environment: dict[str, str],
        groups: SessionGroup | None,
        authority: bytes,
        shelf: socket.socket | None,
    ) -> None:
        """Starts it. `own` are the descriptors of `orders`, ours from now on. Raises OSError."""
        self.port = int(orders.address.rpartition(":")[2] or 0)
        self.authority = authority
        """The certificate (PEM) that programs must trust."""
        self._shelf = shelf
        self.notify_fd = notify_fd
        self._orders: Orders | None = orders
        self._own = own
        self._status = status
        self._told = b""
        self._folder = Path(orders.folder)
        self._environment = environment
        self._groups = groups
        self._over = False
        self._deaths: deque[float] = deque(maxlen=_MOST_DEATHS)
        self._pidfd = -1
        self._start(None)

    @property
    def pid(self) -> int:
        return self._process.pid

    def environment(self) -> dict[str, str]:
        """The variables that make the session's programs use the proxy and trust it."""
        return dict(self._environment)

    def files(self) -> dict[str, tuple[int, bytes]]:
        """What its variables name, as (mode, content) by the path below the session folder."""
        trust = f"{FOLDER}/trust.pem"
        return {trust: (0o644, (self._folder / trust).read_bytes())}

    def take(self, sockets: Mapping[str, Iterable[socket.socket]]) -> None:
        """Serves from now on what comes in by these sockets (see `shelf.put`), whichever process calls."""
        assert self._shelf is not None, "this proxy has a port of its own"
        put(self._shelf, sockets)

    def fileno(self) -> int:
        """A descriptor that is readable once `attend` has something to do; -1: never more."""
        return self._pidfd

    def attend(self) -> None:
        """Starts another gate where the one that accepted has died; it goes on with what the dead one left.

        Does not wait. One that dies again and again is given up: then the port refuses connections.
        """
        if self._pidfd < 0 or self._process.poll() is None:
            return
        status = self._process.returncode
        os.close(self._pidfd)
        self._pidfd = -1
        self._hear()
        if self._ended():
            return
        self._deaths.append(now := time.monotonic())
        if len(self._deaths) < _MOST_DEATHS or now - self._deaths[0] > _WITHIN_SECONDS:
            how = f"signal {-status}" if status < 0 else f"status {status}"
            try:
                self._start(Death(t=boottime(), how=how))
            except OSError:
                pass
            else:
                return
        self._close()

    def engine(self, timeout: float = 30.0) -> int:
        """The process that serves connections now; waits for the first. Raises RecordingFailed where none comes."""
        self._hear()
        until = time.monotonic() + timeout
        while (pid := self._engine_pid()) is None:
            if self._status < 0 or (left := until - time.monotonic()) <= 0:
                raise RecordingFailed("The proxy did not start; record without --proxy.")
            self._wait(left)
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
        self._over = True
        until = time.monotonic() + timeout
        while self._status >= 0 and not self._ended() and (left := until - time.monotonic()) > 0:
            self._wait(left)
        if not self._ended():
            self._kill()
        self._process.wait()
        self._close()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        if self._status >= 0:
            os.close(self._status)
        self._orders = None
        if self._groups is not None:
            self._groups.close()
        if any(line.get("whole") for line in self._lines()):
            return True
        reason = "the proxy did not end well; what went through it last may be missing"
        tell_loss(self._folder / JOURNAL, SOURCE, reason)
        return False

    def _start(self, death: Death | None) -> None:
        assert self._orders is not None
        begin = msgspec.json.encode(Begin(orders=self._orders, death=death, over=self._over))
        # Without assertions mitmproxy is a tenth faster.
        self._process = spawn(_ENTRY, begin, descriptors=self._own, optimized=True)
        self._pidfd = os.pidfd_open(self._process.pid)

    def _wait(self, seconds: float) -> None:
        """Returns when something was told, or died and was seen to, or after so long."""
        select.select([fd for fd in (self._status, self._pidfd) if fd >= 0], [], [], seconds)
        self._hear()
        self.attend()

    def _close(self) -> None:
        for fd in self._own:
            os.close(fd)
        self._own = []
        if self._shelf is not None:
            self._shelf.close()

    def _hear(self) -> None:
        """Reads what the processes tell, to the end: when there is none any more, nor will be."""
        while self._status >= 0 and select.select([self._status], [], [], 0)[0]:
            data = os.read(self._status, 65536)
            self._told += data
            if not data:
                os.close(self._status)
                self._status = -1

    def _ended(self) -> bool:
        return any(line.get("ended") for line in self._lines())

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
    everywhere: bool = False,
    refused_ports: Iterable[int] = (),
    trusted: Iterable[Path] = (),
    redact: str | None = None,
    redact_settings: bytes = b"",
    drain: float = DRAIN_SECONDS,
    groups: bool = True,
) -> Proxy:
    """Starts a proxy for the session in `folder`. Returns at once: connections wait until it serves.

    `everywhere`: for an isolated session; no port is opened here. `env` is the user's environment: its proxies are
    gone through, what its variables trust stays trusted. Nothing is relayed to `refused_ports` of this machine (the
    proxy's own is among them). `trusted` are more files of certificates that origins may have. `redact` names, as
    module:callable, what makes a `Redactor` from `redact_settings`, in the proxy's process. With `groups` each command
    gets a control group, where they can be had; an isolated shell could not enter one. Raises Unsupported where
    mitmproxy is missing or a proxy of the user's cannot be chained, RecordingFailed where it cannot be started:
    nothing runs then.
    """
    if find_spec("mitmproxy") is None:
        raise Unsupported("Recording the network needs mitmproxy: pip install 'reenact[proxy]'")
    chained = upstreams(env)
    if everywhere and chained:
        names = " and ".join(f"{scheme}_proxy" for scheme in sorted(chained))
        raise Unsupported(
            f"with --isolated there is no way through the proxy of {names}; unset it to go directly"
        )
    own_folder = folder.absolute() / FOLDER
    trust, roots = own_folder / "trust.pem", own_folder / "roots.pem"
    authority = Authority.create()
    bundles = [*user_bundles(env), *trusted]
    if system := system_bundle():
        bundles.insert(0, system)
    try:
        own_folder.mkdir(mode=0o700, exist_ok=True)
        users = user_wgetrc(env)
        _write(own_folder / "wgetrc", wgetrc(users.read_bytes() if users and users.is_file() else b"", trust))
    except OSError as error:
        raise RecordingFailed(
            f"{error.filename}: {error.strerror}; the network cannot be recorded"
        ) from error
    write_trust(trust, authority, bundles)
    write_trust(roots, None, bundles)
    write_trust(own_folder / "authority.pem", authority, [])
    session = None
    if groups and not everywhere:
        with suppress(Undividable):
            session = SessionGroup.start(folder)
    listener = None if everywhere else _listen()
    ports: list[int] = [listener.getsockname()[1]] if listener else []
    shelf, shelf_end = new_shelf() if everywhere else (None, None)
    gate_end, engine_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    notices, notify = os.pipe2(os.O_CLOEXEC)
    heard, status = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(notify, False)
    orders = Orders(
        folder=str(folder.absolute()),
        address="".join(f"127.0.0.1:{port}" for port in ports),
        listener=listener.detach() if listener else None,
        shelf=shelf_end.detach() if shelf_end else None,
        notices=notices,
        status=status,
        handover=(gate_end.detach(), engine_end.detach()),
        slate=new_slate(),
        authority=authority.secret_pem().decode(),
        roots=str(roots),
        trust=f"{FOLDER}/trust.pem",
        upstreams=chained,
        refused_ports=[*ports, *refused_ports],
        redact=redact,
        redact_settings=redact_settings,
        drain=drain,
        groups=str(session.path) if session else None,
    )
    entries = [fd for fd in (orders.listener, orders.shelf) if fd is not None]
    own = [*entries, notices, status, *orders.handover, orders.slate]
    variables = session_environment(trust=trust, caches=own_folder / "caches")
    for port in ports:
        variables |= proxy_environment(env, port=port, wgetrc=own_folder / "wgetrc")
    variables[FLAGS] = chromium_flags(env, port=ports[0] if ports else None, spki=authority.spki())
    try:
        return Proxy(orders, notify, heard, own, variables, session, authority.pem(), shelf)
    except OSError as error:
        for fd in (notify, heard, *own):
            os.close(fd)
        if session is not None:
            session.close()
        raise RecordingFailed(f"the proxy cannot be started: {error.strerror}") from error


def wrappers(env: Mapping[str, str]) -> dict[str, bytes]:
    """What is to stand on the session's PATH before the browsers that `env` finds there, by name."""
    found = {name: shutil.which(name, path=env.get("PATH")) for name in PROGRAMS}
    return {name: wrapper(real) for name, real in found.items() if real}


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
