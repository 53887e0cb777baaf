"""A recording inside the replayer's sandbox: the same terminal, clock, paths and process numbers as on replay.

The sandbox is hosted by a child process of the recorder, which is what the recorder takes for the program: it ends
when the session's shell ends, with its status. Orders (the clock's) come over a socket and are answered, so that
the time is set before the key that follows.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec.structs import replace

from recorder.trace.blobs import BlobStore
from recorder.trace.errors import ReenactError, Unsupported
from recorder.trace.events import FileState
from recorder.trace.removal import remove_tree
from replay.sandbox.machine import Sandbox, start
from replay.sandbox.ports import NAMESERVER, open_everywhere
from replay.sandbox.scratch import Scratch
from replay.sandbox.spec import FISH_COMPLETIONS, ClockMode, SandboxSpec
from replay.sandbox.workspace import restore_tree

_ORDER = struct.Struct("<q")

Capture = Callable[[Mapping[str, Iterable[socket.socket]]], None]
"""Takes over the sockets of a sandbox's network, by kind: tcp, dns, dns-tcp, diag."""


class Isolation:
    """A sandbox made ready for a recording. `workspace` is the copy on which the session works.

    `spawn` starts the program; `set_clock` shows it a Unix time (ns) and may be called in any process forked after
    `spawn`; `logs` is the folder in which the side channels are written; `close` ends and removes everything.
    `holds`: see `Scratch`.
    """

    def __init__(
        self, spec: SandboxSpec, scratch: Scratch, workspace: Path | None, capture: Capture | None
    ) -> None:
        self.workspace = workspace
        self.logs = spec.session_folder_host
        self._spec = spec
        self._capture = capture
        self.holds = scratch.holds
        self._scratch = scratch
        self._orders: socket.socket | None = None
        self._host = 0

    def spawn(self, cols: int, rows: int) -> tuple[int, int, int]:
        """(pid of the hosting child, the shell's, master of the session's terminal). Raises Unsupported."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            ours.close()
            os._exit(_host(self._spec, self._capture, cols, rows, theirs))
        theirs.close()
        self._orders, self._host = ours, pid
        message, fds, _, _ = socket.recv_fds(ours, 65536, 1)
        if not fds:
            os.waitpid(pid, 0)
            raise Unsupported(message.decode("utf-8", "replace") or "the sandbox could not be started")
        return pid, int(message), fds[0]

    def set_clock(self, unix_ns: int) -> None:
        if self._orders is not None:
            with contextlib.suppress(OSError):  # the shell has just ended: no key will be read any more
                self._orders.sendall(_ORDER.pack(unix_ns))
                self._orders.recv(1)

    def close(self) -> None:
        if self._orders is not None:
            self._orders.close()
            self._orders = None
        self._scratch.close()
        with contextlib.suppress(OSError):
            remove_tree(self.logs.parent)


def isolate(
    *,
    argv: list[str],
    env: Mapping[str, str],
    cwd: str,
    root: str | None,
    tree: Mapping[bytes, FileState],
    blobs: BlobStore,
    session_folder: Path,
    logs_in: Path,
    files: Mapping[str, tuple[int, bytes]],
    home_files: Mapping[Path, bytes],
    user: str,
    hostname: str,
    umask: int,
    tools: list[Path],
    start_ns: int,
    trust: bytes,
    capture: Capture | None,
) -> Isolation:
    """Makes a sandbox ready in which `root` is a copy of the workspace (`tree`, with its content in `blobs`).

    `files` are relative to the session folder, `home_files` absolute. What is written into the session folder inside
    stands below `logs_in`. `capture` gets the sandbox's network, in the process that hosts it, before anything runs;
    None: there is none. `trust` (PEM) is trusted inside. Nothing runs yet.
    """
    with contextlib.ExitStack() as undo:
        scratch = Scratch()  # gone also after SIGKILL, and however deep the session made its folders
        undo.callback(scratch.close)
        # What a recovery needs to know stays with the session.
        logs = logs_in / "isolated" / "session"
        logs.parent.mkdir(mode=0o700)
        logs.mkdir(mode=0o755)
        home_host, workspace = scratch.folder("home", mode=0o755), scratch.folder("workspace", mode=0o755)
        (home_host / FISH_COMPLETIONS).mkdir(parents=True)
        for name, (mode, content) in files.items():
            _put(logs / name, mode, content)
        home = env.get("HOME", "/nonexistent")
        for path, content in home_files.items():
            _put(home_host / os.path.relpath(path, home), 0o600, content)

        def content_of(digest: str, fd: int) -> None:
            for data in blobs.stream(digest):
                view = memoryview(data)
                while view:
                    view = view[os.write(fd, view) :]

        restore_tree(tree, content_of, workspace)
        spec = SandboxSpec(
            argv=argv,
            env=dict(env),
            workspace=workspace,
            root=root or cwd,
            cwd=cwd,
            session_folder_host=logs,
            session_folder=str(session_folder),
            home=home,
            home_host=home_host,
            uid=os.getuid(),
            gid=os.getgid(),
            user=user,
            hostname=hostname,
            umask=umask,
            clock=ClockMode.FROZEN,
            start_ns=start_ns,
            extra_readonly=tools,
            nameserver=NAMESERVER if capture else "",
            trust=trust,
        )
        undo.pop_all()
        return Isolation(spec, scratch, workspace if root else None, capture)


def _put(target: Path, mode: int, content: bytes) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)


def _host(spec: SandboxSpec, capture: Capture | None, cols: int, rows: int, orders: socket.socket) -> int:
    """Body of the hosting child: runs the sandbox until its program ends; returns the program's status."""
    os.setsid()  # no terminal's signals reach it; none is ignored, for the payload would inherit that

    def network(pid: int) -> None:
        if capture is not None:
            ports = open_everywhere(pid)
            capture(
                {
                    "tcp": ports.listeners,
                    "dns": ports.names,
                    "dns-tcp": ports.name_listeners,
                    "diag": ports.tables,
                }
            )

    try:
        sandbox = start(replace(spec, cols=cols, rows=rows), None, network)
    except (ReenactError, OSError) as error:
        orders.sendall(str(error).encode()[:60000])
        return 125
    with sandbox:
        signal.signal(signal.SIGHUP, lambda *_: _hang_up(sandbox))
        signal.signal(signal.SIGTERM, lambda *_: _hang_up(sandbox))
        socket.send_fds(orders, [str(sandbox.shell_pid()).encode()], [sandbox.master])
        os.close(sandbox.master)
        while (status := sandbox.wait(0)) is None:
            ready, _, _ = select.select([orders], [], [], 0.005)
            if ready:
                data = orders.recv(_ORDER.size, socket.MSG_WAITALL)
                if len(data) < _ORDER.size:
                    return 129  # the recorder is gone, and with it the terminal
                sandbox.set_clock(_ORDER.unpack(data)[0])
                orders.sendall(b".")
        return status if status >= 0 else 128 - status


def _hang_up(sandbox: Sandbox) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(sandbox.shell_pid(), signal.SIGHUP)
