"""A running sandbox: starting one from a spec, its processes, clock and files, and its certain end."""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import termios
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from recorder.trace.errors import Unsupported, UsageError
from replay.sandbox import boundary, mounts, syscalls
from replay.sandbox.boundary import Launched, Plan, children
from replay.sandbox.cgroups import Group
from replay.sandbox.clock import Clock, make_clock
from replay.sandbox.host import check, made_up_files, survey
from replay.sandbox.limits import DiskWatch, Taken, give, rlimit_words
from replay.sandbox.privileges import Claim
from replay.sandbox.scratch import Scratch
from replay.sandbox.sleepers import Sleepers
from replay.sandbox.spec import Bind, SandboxSpec
from replay.sandbox.trust import Trust, trusting

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TIOCGPTN, _TIOCSPTLCK, _TIOCGPTPEER = 0x80045430, 0x40045431, 0x5441
_FILES_IN_MEMORY = 20_000


class Usage(NamedTuple):
    processes: int
    memory: int | None
    """Bytes, of all processes; None where no cgroup counts them."""
    disk: int
    files: int


class Sandbox:
    """A payload that runs in a sandbox. Use as a context manager, or call `kill()`: nothing of it remains then.

    Nothing remains either when this process dies, however it dies.
    """

    def __init__(self, spec: SandboxSpec, slave_fd: int | None, prepare: Callable[[int], object]) -> None:
        check(spec)
        self.spec = spec
        self.breach: str | None = None
        """Which limit the payload was killed for; None if for none."""
        self.master = -1
        """The terminal's master where the sandbox made the terminal (`slave_fd` was None); its owner closes it."""
        self._group: Group | None = None
        self._first: dict[Path, Taken] = {}
        self._undo: list[Callable[[], object]] = []
        self._session = -1
        self._prepare = prepare
        self._sleepers: Sleepers | None = None
        try:
            self._bring_up(spec, slave_fd)
        except OSError as error:
            self._tear_down()
            raise Unsupported(f"the sandbox cannot be set up: {error}") from error
        except BaseException:
            self._tear_down()
            raise

    # -- what a player asks ---------------------------------------------------------------------

    @property
    def clock(self) -> str:
        """The clock's tier: page, libfaketime or real."""
        return self._clock.tier

    @property
    def clock_cannot_reach(self) -> str:
        return self._clock.unreached

    @property
    def controllers(self) -> tuple[str, ...]:
        """Which cgroup limits hold: memory, pids."""
        return self._group.controllers if self._group else ()

    @property
    def boundary(self) -> str:
        """What separates the payload from this machine, with its version."""
        found = boundary.find_bubblewrap()
        return f"bubblewrap {found.version if found else '?'}"

    @property
    def pid(self) -> int:
        """Host pid of the sandbox's process 1."""
        return self._launched.init_pid

    def shell_pid(self) -> int:
        """Host pid of the process that was started with `spec.argv`; it is number 2 inside."""
        return self._launched.payload_pid

    def processes(self) -> list[int]:
        """Host pids of the payload's processes, the shell first. Cheap: only the payload's own are looked at."""
        found: list[int] = []
        todo = [self._launched.init_pid]
        while todo and not self._launched.ended.is_set():
            below = children(todo.pop(0))
            found += below
            todo += below
        return found

    def set_clock(self, unix_ns: int) -> int:
        """Shows the payload this Unix time; returns what is shown (never less than before, with tier `page`)."""
        return self._clock.set(unix_ns)

    @property
    def clock_shift(self) -> int:
        """By how many ns a clock that runs shows more than the machine's, to the digit."""
        return self._clock.shift

    def pass_time(self, until: int | None) -> bool:
        """To be called all the time while the payload runs. Skips to the end of its next sleep if that ends before
        `until` (ns of shown time since the session's start; None: nothing is skipped) and nothing could happen
        before; returns whether it did. Never does with another clock than `page`."""
        if self._sleepers is None:
            return False
        self._sleepers.tend()
        return until is not None and self._sleepers.skip(until)

    def read_file(self, name: str, cap: int, offset: int = 0) -> bytes:
        """At most `cap` bytes of a regular file right in the session folder; b"" where none is there.

        What the payload may have put there instead (a link, a FIFO, a folder) counts as no file.
        """
        if not name or "/" in name or "\0" in name or name in (".", ".."):
            raise UsageError(f"{name!r} is not the name of a file in the session folder")
        try:
            fd = os.open(
                name,
                os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC,
                dir_fd=self._session,
            )
        except OSError:
            return b""
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return b""
            portions: list[bytes] = []
            while cap > 0 and (data := os.pread(fd, min(cap, 1 << 20), offset)):
                portions.append(data)
                offset += len(data)
                cap -= len(data)
            return b"".join(portions)
        finally:
            os.close(fd)

    def usage(self) -> Usage:
        """What the payload uses now. Costs a walk of its folders."""
        taken = self._disk.taken()
        return Usage(
            len(self.processes()), self._group.memory() if self._group else None, taken.bytes, taken.files
        )

    def wait(self, timeout: float | None = None) -> int | None:
        """Exit status of `spec.argv`: 128 + signal where one killed it, negative where the whole sandbox was
        killed; None after `timeout` seconds. When this first process ends, so do all others."""
        return self._launched.returncode if self._launched.ended.wait(timeout) else None

    def kill(self) -> None:
        """Ends every process inside and removes what was made for them, within seconds. May be called again."""
        self._tear_down()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tear_down()

    # -- bringing up ----------------------------------------------------------------------------

    def _bring_up(self, spec: SandboxSpec, slave_fd: int | None) -> None:
        claim = Claim()
        self._undo.append(claim.release)
        owner = (claim.uid, claim.gid) if claim.dropped else None
        scratch = Scratch()
        self._undo.append(scratch.close)
        clock_folder = scratch.folder("clock", mode=0o755)
        self._clock: Clock = make_clock(spec.clock, clock_folder, spec.start_ns, spec.seed)
        self._undo.append(self._clock.close)
        if self._clock.sleeps is not None:
            self._sleepers = Sleepers(self._clock.sleeps, self.processes)
        binds = self._places(spec, scratch, owner)
        self._session = os.open(spec.session_folder_host, _FOLDER)
        self._undo.append(self._close_session)
        if slave_fd is not None and owner is not None:
            os.fchown(slave_fd, claim.uid, 5)  # so that the payload can open its terminal by name
        self._watch(spec, binds)
        sized = {"/tmp": spec.limits.temporary, "/var/tmp": spec.limits.temporary}
        sized["/dev/shm"] = spec.limits.shared_memory

        def stage() -> None:
            """In the launching thread, as whoever we are: root's own mounts are seen by the sandbox only."""
            nonlocal binds, sized
            if claim.dropped and mounts.private_mounts():
                binds = [_staged(bind, number, scratch) for number, bind in enumerate(binds)]
                for number, (inside, size) in enumerate(sized.items()):
                    folder = scratch.folder(f"memory-{number}")
                    mounts.memory_mount(folder, size=size, files=_FILES_IN_MEMORY)
                    binds.append(Bind(folder, inside, True))
                sized = {}

        def plan() -> Plan:
            trust = trusting(spec.trust, spec.extra_readonly)
            preload = [self._clock.preload] if self._clock.preload else []
            return Plan(
                spec=spec,
                host=survey(spec),
                binds=binds,
                files=boundary.content_fds(made_up_files(spec, preload)),
                trust=Trust(trust.folders, trust.links, boundary.content_fds(trust.files)),
                env={**self._clock.env, **spec.env},
                sized=sized,
                seccomp=syscalls.filter_fd(),
                status=-1,
            )

        self._launched = Launched(plan, claim, slave_fd, spec.umask, stage)
        self._launched.launch()
        self._undo.append(self._end_processes)
        rlimits = self._limit(spec, scratch)
        self._prepare(self.pid)
        self._launched.on_tick = self._tick
        if slave_fd is not None:
            self._launched.open_gate(None, rlimits)
            return
        terminal, held = self._make_terminal(spec, claim)
        try:
            self._launched.open_gate(terminal, rlimits)
        finally:
            os.close(held)

    def _places(self, spec: SandboxSpec, scratch: Scratch, owner: tuple[int, int] | None) -> list[Bind]:
        workspace = spec.workspace or scratch.folder("workspace", mode=0o755)
        binds = [Bind(workspace, spec.root, True), Bind(spec.session_folder_host, spec.session_folder, True)]
        if not _within(spec.home, (spec.root, spec.session_folder)):
            binds.append(Bind(spec.home_host or scratch.folder("home", mode=0o755), spec.home, True))
        binds += spec.places
        self._first = {bind.host: give(bind.host, *owner) for bind in binds} if owner is not None else {}
        binds += [Bind(path, os.path.normpath(path), False) for path in spec.extra_readonly]
        return binds + self._clock.binds

    def _watch(self, spec: SandboxSpec, binds: list[Bind]) -> None:
        places = [bind.host for bind in binds if bind.writable and bind.host.is_dir()]
        folders = [os.open(place, _FOLDER) for place in places]
        self._undo += [lambda fd=fd: os.close(fd) for fd in folders]  # type: ignore[misc]
        self._disk = DiskWatch(folders, spec.limits, [self._first.get(place) for place in places])

    def _limit(self, spec: SandboxSpec, scratch: Scratch) -> list[str]:
        name = f"reenact-{os.getpid()}-{self._launched.init_pid}"
        self._group = Group(name, memory=spec.limits.memory, processes=spec.limits.processes)
        for path in set(self._group.folders.values()):
            scratch.remove_group(path)
        pids = (self._launched.init_pid, self._launched.payload_pid)
        grouped = self._group.add(pids) and "memory" in self._group.controllers
        return rlimit_words(spec.limits, grouped=grouped)

    def _make_terminal(self, spec: SandboxSpec, claim: Claim) -> tuple[str, int]:
        """A terminal of the sandbox's own /dev/pts: `tty` and `ps` inside then name it as on any machine."""
        inside = Path(f"/proc/{self._launched.init_pid}/root/dev/pts")
        self.master = os.open(inside / "ptmx", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        (number,) = struct.unpack("i", fcntl.ioctl(self.master, _TIOCGPTN, bytes(4)))
        fcntl.ioctl(self.master, _TIOCSPTLCK, struct.pack("i", 0))
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", spec.rows, spec.cols, 0, 0))
        # Held until the gate has it: a terminal that nobody holds reads as hung up.
        slave = fcntl.ioctl(self.master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        if claim.dropped:
            os.fchown(slave, claim.uid, claim.gid)
        return f"/dev/pts/{number}", slave

    # -- ending ---------------------------------------------------------------------------------

    def _tick(self) -> None:
        if self.breach is None and (breach := self._disk.look()) is not None:
            self.breach = breach
            self._launched.kill()

    def _end_processes(self) -> None:
        self._launched.on_tick = None
        if self._group is not None:
            self._group.kill()
        self._launched.kill()
        self._launched.ended.wait(10.0)

    def _close_session(self) -> None:
        if self._session >= 0:
            os.close(self._session)
            self._session = -1

    def _tear_down(self) -> None:
        while self._undo:
            self._undo.pop()()


def start(
    spec: SandboxSpec,
    slave_fd: int | None = None,
    prepare: Callable[[int], object] = lambda pid: None,
) -> Sandbox:
    """Starts `spec.argv` in a sandbox on the terminal `slave_fd`, which becomes its controlling terminal.

    With None the sandbox makes the terminal itself (`Sandbox.master`), of `spec.cols` by `spec.rows`. A terminal
    that is given must be nobody's controlling terminal. As root, the workspace and the session folder are given to
    the payload's uid. `prepare` is called with the host pid of the sandbox's first process while the payload waits to
    be let in; what it raises ends the start. Raises UsageError for a spec that makes no sense, Unsupported where this
    machine can't do it; nothing of the payload has run then.
    """
    return Sandbox(spec, slave_fd, prepare)


def _within(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def _staged(bind: Bind, number: int, scratch: Scratch) -> Bind:
    """The bind from a place that the payload's uid can reach, whatever folders its own path leads through."""
    if bind.host.is_dir():
        place = scratch.folder(f"place-{number}", mode=0o711)
    else:
        place = scratch.path / f"place-{number}"
        place.touch()
    mounts.bind_mount(bind.host, place)
    return bind._replace(host=place)
