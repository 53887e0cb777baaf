"""The one module that calls bubblewrap. A spec becomes arguments (pure), the arguments become processes."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from recorder.trace.errors import Unsupported
from replay.sandbox import privileges
from replay.sandbox.host import Entry, Host
from replay.sandbox.mounts import fixed_addresses
from replay.sandbox.reasons import INSTALL, explain
from replay.sandbox.spec import Bind, SandboxSpec
from replay.sandbox.trust import NOTHING, Trust

_START_SECONDS = 10.0

_GATE = (
    "echo ready >&2; read -r tty limits <&2 || exit 125; "
    'case $tty in /*) exec <>"$tty" >&0; echo open >&2;; esac; exec prlimit $limits env$signals -i -- "$@" 2>&0'
)
"""First program inside. Standard error is a socket to us: it says ready, and goes on only at our word, so that
limits hold before the payload's first instruction, and a payload whose replayer died meanwhile never starts. It
forks nothing: the payload gets its process number, 2."""


class Bubblewrap(NamedTuple):
    path: str
    version: str
    options: frozenset[str]


@functools.cache
def find_bubblewrap() -> Bubblewrap | None:
    """The installed bubblewrap and the options it knows."""
    path = shutil.which("bwrap", path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin")
    if path is None:
        return None

    def ask(option: str) -> str:
        done = subprocess.run([str(path), option], capture_output=True, text=True, check=False, timeout=10)
        return done.stdout + done.stderr

    try:
        version = re.search(r"[\d.]+", ask("--version"))
        options = frozenset(re.findall(r"--[a-z0-9-]+", ask("--help")))
    except (OSError, subprocess.TimeoutExpired):
        return None
    return Bubblewrap(path, version.group() if version else "unknown", options)


class Plan(NamedTuple):
    """All that the arguments depend on."""

    spec: SandboxSpec
    host: Host
    binds: list[Bind]
    """Where a place is inside another, the inner one wins."""
    files: Mapping[str, int]
    """Path inside -> descriptor with its content."""
    env: Mapping[str, str]
    sized: Mapping[str, int]
    """Path inside -> bytes of the tmpfs to mount there."""
    seccomp: int
    status: int
    trust: Trust[int] = NOTHING
    """What to show over what is there; its files are descriptors with their content."""


def arguments(plan: Plan, options: frozenset[str]) -> list[str]:
    """bubblewrap's arguments, all before the command. Pure."""
    spec = plan.spec
    args = ["--unshare-all", "--unshare-user", "--uid", str(spec.uid), "--gid", str(spec.gid)]
    if "--disable-userns" in options:
        args.append("--disable-userns")
    args += ["--hostname", spec.hostname, "--die-with-parent", "--cap-drop", "ALL", "--clearenv"]
    args += ["--setenv", "PATH", "/usr/bin:/bin", "--seccomp", str(plan.seccomp)]
    args += ["--json-status-fd", str(plan.status)]
    for path in plan.host.empty:
        args += ["--dir", path]
    args += _shown(plan.host.system)
    args += _shown(plan.host.etc)
    for path, fd in plan.files.items():
        args += ["--perms", "0644", "--file", str(fd), path]
    args += ["--symlink", "/proc/self/mounts", "/etc/mtab", "--symlink", "/run", "/var/run"]
    args += ["--symlink", "/run/lock", "/var/lock", "--proc", "/proc", "--dev", "/dev"]
    for path, size in plan.sized.items():
        args += ["--perms", "1777", "--size", str(size), "--tmpfs", path]
    for bind in sorted(plan.binds, key=lambda bind: bind.inside.count("/") if bind.inside != "/" else 0):
        if bind.host.is_dir():
            args += ["--perms", "0755", "--dir", bind.inside]
        args += ["--bind" if bind.writable else "--ro-bind", os.fspath(bind.host), bind.inside]
    args += _trust(plan.trust)
    # What is ours but needs no writing: else the payload could fill the memory behind these two.
    args += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", spec.cwd]
    return args


def _trust(trust: Trust[int]) -> list[str]:
    args: list[str] = []
    for path in trust.folders:
        args += ["--perms", "0755", "--tmpfs", path]
    for path, target in trust.links.items():
        args += ["--symlink", target, path]
    for path, fd in trust.files.items():
        made = any(path.startswith(folder + "/") for folder in trust.folders)
        args += ["--perms", "0644", "--file" if made else "--ro-bind-data", str(fd), path]
    for path in trust.folders:
        args += ["--remount-ro", path]
    return args


def _shown(entries: Sequence[Entry]) -> list[str]:
    args: list[str] = []
    for entry in entries:
        args += ["--symlink", entry.link, entry.path] if entry.link else ["--ro-bind", entry.path, entry.path]
    return args


@functools.cache
def _signal_option() -> str:
    """What makes env(1) give the payload every signal's default effect: under nohup, or in the background of a
    script, we were started with some ignored, and a recorded ^C would do nothing."""
    option = " --default-signal"
    try:
        done = subprocess.run(["env", *option.split(), "true"], capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return option if done.returncode == 0 else ""


def command(spec: SandboxSpec, env: Mapping[str, str], signals: str = "") -> list[str]:
    """What runs inside, from the gate to the payload. Pure. `setsid -c` makes the payload the leader of its own
    session on the terminal, so that job control works and TIOCSTI reaches nobody else."""
    variables = [f"{name}={value}" for name, value in env.items()]
    return [
        "/bin/sh",
        "-c",
        _GATE.replace("$signals", signals),
        "sh",
        *variables,
        "setsid",
        "-c",
        "--",
        *spec.argv,
    ]


class Launched(threading.Thread):
    """The thread that starts bubblewrap, and then waits for its end.

    A thread of its own, for three reasons: the parent-death signal is tied to the thread that forked, and callers
    may start from any; mounts made in its private mount namespace are gone with it, also after SIGKILL; its
    personality is inherited without changing ours.
    """

    def __init__(
        self,
        plan: Callable[[], Plan],
        claim: privileges.Claim,
        slave: int | None,
        umask: int,
        stage: Callable[[], None],
    ) -> None:
        super().__init__(name="sandbox", daemon=True)
        self._plan = plan
        self._claim = claim
        self._slave = slave
        self._umask = umask
        self._stage = stage
        self._started = threading.Event()
        self._looked = threading.Event()
        """Whoever launches has read what a process that ended at once had to say."""
        self._error: BaseException | None = None
        self._ours, self._theirs = socket.socketpair()
        self._status = -1
        self.ended = threading.Event()
        self.returncode: int | None = None
        self.init_pid = 0
        """Host pid of the sandbox's process 1: with it all others die."""
        self.payload_pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._init_fd = -1
        self.on_tick: Callable[[], None] | None = None

    def launch(self) -> None:
        """Returns once the gate waits inside. Raises Unsupported, naming the cause."""
        self.start()
        self._started.wait()
        if self._error is not None:
            self._close()
            raise self._error
        try:
            try:
                self._await_gate()
                self._find_processes()
                self._verify()
            finally:
                self._looked.set()
        except BaseException:
            self.kill()
            self.ended.wait(5.0)
            raise

    def open_gate(self, terminal: str | None, rlimits: Sequence[str]) -> None:
        """Lets the payload run, on the named terminal of the sandbox or (None) on the one it was started on."""
        with contextlib.suppress(OSError):
            self._ours.sendall(" ".join([terminal or "-", *rlimits]).encode() + b"\n")
            if terminal:
                self._ours.recv(16)  # its word that it holds the terminal, or its end

    def kill(self) -> None:
        if self._init_fd >= 0:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._init_fd, signal.SIGKILL)
        if self._process is not None:
            with contextlib.suppress(OSError):
                self._process.kill()

    # -- the thread -----------------------------------------------------------------------------

    def run(self) -> None:
        try:
            self._process = self._spawn()
        except BaseException as error:  # noqa: BLE001 - launch() raises it again, in the caller's thread
            self._error = error
            self.ended.set()
            return
        finally:
            self._theirs.close()
            self._started.set()
        end = os.pidfd_open(self._process.pid)
        try:
            while not select.select([end], [], [], 0.05)[0]:
                if self.on_tick is not None:
                    self.on_tick()
        finally:
            os.close(end)
        self.returncode = self._process.wait()
        self._looked.wait()
        self._close()
        self.ended.set()

    def _spawn(self) -> subprocess.Popen[bytes]:
        bubblewrap = find_bubblewrap()
        if bubblewrap is None:
            raise Unsupported(f"bubblewrap is not here: {INSTALL}")
        privileges.refuse_root(self._claim.uid)
        self._stage()
        plan = self._plan()
        self._status, status = os.pipe()
        plan = plan._replace(status=status)
        given = [*plan.files.values(), *plan.trust.files.values(), plan.seccomp, status]
        packed = os.memfd_create("arguments", 0)
        given.append(packed)
        try:
            _write_all(packed, b"".join(os.fsencode(a) + b"\0" for a in arguments(plan, bubblewrap.options)))
            if plan.spec.fixed_addresses:
                fixed_addresses()
            uid, gid = (self._claim.uid, self._claim.gid) if self._claim.dropped else (None, None)
            return subprocess.Popen(
                [
                    bubblewrap.path,
                    "--args",
                    str(packed),
                    "--",
                    *command(plan.spec, plan.env, _signal_option()),
                ],
                stdin=subprocess.DEVNULL if self._slave is None else self._slave,
                stdout=subprocess.DEVNULL if self._slave is None else self._slave,
                stderr=self._theirs.fileno(),
                close_fds=True,
                pass_fds=given,
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                start_new_session=True,
                umask=self._umask,
                user=uid,
                group=gid,
                extra_groups=[] if self._claim.dropped else None,
            )
        finally:
            for fd in given:
                os.close(fd)

    # -- bringing up ----------------------------------------------------------------------------

    def _await_gate(self) -> None:
        said = b""
        self._ours.settimeout(_START_SECONDS)
        while not said.endswith(b"ready\n"):
            try:
                data = self._ours.recv(65536)
            except TimeoutError:
                raise Unsupported(
                    f"the sandbox did not start within {_START_SECONDS:g} s: {_text(said)}"
                ) from None
            except OSError:
                data = b""
            if not data:
                raise Unsupported(explain(_text(said)))
            said += data
        if said != b"ready\n":
            raise Unsupported(explain(_text(said.removesuffix(b"ready\n"))))

    def _find_processes(self) -> None:
        report = b""
        while b"child-pid" not in report or b"\n" not in report:
            data = os.read(self._status, 65536)
            if not data:
                raise Unsupported("bubblewrap told no process number; use version 0.5 or newer")
            report += data
        self.init_pid = json.loads(report.split(b"\n")[0])["child-pid"]
        self._init_fd = os.pidfd_open(self.init_pid)
        inside = children(self.init_pid)
        if len(inside) != 1:
            raise Unsupported("the kernel does not list child processes (CONFIG_PROC_CHILDREN)")
        self.payload_pid = inside[0]

    def _verify(self) -> None:
        """What must be true of every process inside is checked, not hoped."""
        for pid in (self.init_pid, self.payload_pid):
            for _ in range(100_000):  # process 1 takes its filter after it has forked the gate
                state = _status_of(pid)
                if state.get("Seccomp") == "2":
                    break
                os.sched_yield()
            for uid in privileges.identity_of(pid):
                privileges.refuse_root(uid)
            if state.get("Seccomp") != "2" or state.get("NoNewPrivs") != "1":
                raise Unsupported("the system-call filter is not in force; is seccomp in this kernel?")
            if pid == self.payload_pid and int(state.get("CapEff", "1"), 16) != 0:
                raise Unsupported("bubblewrap left the payload capabilities")

    def _close(self) -> None:
        for fd in (self._status, self._init_fd):
            if fd >= 0:
                os.close(fd)
        self._status = self._init_fd = -1
        self._ours.close()


def children(pid: int) -> list[int]:
    """Host pids of a process's children; empty when it is gone."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", "rb") as numbers:
                found += map(int, numbers.read().split())
    except OSError:
        pass
    return found


def content_fds(contents: Mapping[str, bytes]) -> dict[str, int]:
    """Descriptors from which bubblewrap copies made-up files."""
    fds: dict[str, int] = {}
    for path, content in contents.items():
        fds[path] = os.memfd_create("file", 0)
        _write_all(fds[path], content)
    return fds


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
    os.lseek(fd, 0, os.SEEK_SET)


def _status_of(pid: int) -> dict[str, str]:
    with open(f"/proc/{pid}/status") as lines:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _text(said: bytes) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in said.decode("utf-8", "replace"))
