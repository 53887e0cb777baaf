"""The control groups of a session: a folder for each command, which its shell enters before the prompt.

They only mark: no controller, no limit. They are threaded groups, as a single thread that moves itself among those
is the one move that the kernel does at once; any other takes up to some 20 ms. Whoever makes them may be killed: a
lock on the session's folder says that the session lives, and who comes next dissolves what no live session holds.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import select
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from recorder.sources.proxy.hierarchy import THREADS, Undividable, own_group
from recorder.sources.proxy.sockets import SocketTable

LINK = "groups"
"""Within the session folder: leads to the session's group."""
LOST = "lost"
"""The group for whatever cannot have its command's."""
FIRST = 64
"""Groups ahead of the command that runs: more lines than are typed while we are slow."""
_PREFIX = "reenact-"
_PROCESSES = "cgroup.procs"
_ROUNDS = 8


class SessionGroup:
    """The group within which a session's others are; locked, as long as this process or one that it forks lives."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def start(cls, folder: Path) -> SessionGroup:
        """Makes it, with the first commands' groups; the shell integration finds it through the session `folder`.

        Tries for real whether sockets tell of them. Raises Undividable where none can be made, or none would tell.
        """
        home = own_group()
        sweep(home)
        try:
            session = cls(*_made(home))
            try:
                make_group(session.path, LOST)
                for number in range(1, FIRST + 1):
                    make_group(session.path, str(number))
                if not _tells(session.path):
                    raise Undividable(
                        "the kernel does not tell a socket's control group", "use Linux 5.9 or newer"
                    )
                os.symlink(session.path, folder / LINK)
            except BaseException:
                session.close()
                raise
        except OSError as error:
            reason = f"{home}: no control group can be made there: {error.strerror}"
            raise Undividable(reason, "see cgroup.max.descendants and cgroup.max.depth above it") from error
        return session

    def close(self) -> None:
        """Dissolves it: what still runs goes back to the group that it came from."""
        _dissolve(self.path)
        os.close(self._lock)


def support() -> tuple[str | None, str, str]:
    """Where the commands of a session recorded from here would have their groups; or None, why, and what mends it."""
    with tempfile.TemporaryDirectory(prefix="reenact-groups-") as folder:
        try:
            session = SessionGroup.start(Path(folder))
        except Undividable as error:
            return None, str(error), error.mend
        session.close()
        return str(session.path.parent), "", ""


def make_group(session: Path, name: str) -> int:
    """Makes a group within a session's and returns its id, as sockets tell it. Raises OSError."""
    path = session / name
    path.mkdir()
    (path / "cgroup.type").write_text("threaded")
    return path.stat().st_ino


def enter(session: Path, name: str, pid: int) -> None:
    """Moves a process. Raises OSError."""
    _write(session / name / _PROCESSES, pid)


def members(session: Path, name: str) -> list[int]:
    """The threads in a group."""
    return _members(session / name)


def remove(session: Path, name: str) -> bool:
    """Removes a group; False while anything is in it."""
    return _removed(session / name)


def group_of(session: Path, pid: int) -> str | None:
    """In which of the session's groups a process is; None in none of them."""
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except OSError:
        return None
    own = next((line[3:] for line in lines if line.startswith("0::")), "")
    head, _, name = own.rpartition("/")
    return name if head.endswith(f"/{session.name}") else None


def group_around(session: Path, cgroup: int) -> str | None:
    """The session's group in which somebody made the group `cgroup`: programs may divide theirs, too."""
    for folder in _folders(session):
        with suppress(OSError):
            # A folder has a link for each of its folders.
            if folder.stat().st_nlink > 2 and any(os.stat(f).st_ino == cgroup for f, _, _ in os.walk(folder)):
                return folder.name
    return None


def sweep(home: Path) -> None:
    """Dissolves what dead sessions left in the group `home`."""
    for path in _folders(home):
        if path.name.startswith(_PREFIX):
            _dissolve_dead(path)


def clear(folder: Path) -> None:
    """Dissolves what the session in `folder` left, unless somebody of it lives."""
    with suppress(OSError):
        path = Path(os.readlink(folder / LINK))
        if path.name.startswith(_PREFIX) and (path / THREADS).is_file():
            _dissolve_dead(path)


def _made(home: Path) -> tuple[Path, int]:
    for _ in range(_ROUNDS):
        path = home / f"{_PREFIX}{secrets.token_hex(4)}"
        path.mkdir()
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        # Until it was locked, another session might have taken it for a dead one's.
        if _locked(lock) and path.exists():
            with suppress(OSError):
                # In a session within a session; else it is the root of the threaded ones by itself.
                if (home / "cgroup.type").read_text().strip() == "threaded":
                    (path / "cgroup.type").write_text("threaded")
            return path, lock
        os.close(lock)
    raise BlockingIOError(0, "they are removed at once")


def _tells(session: Path) -> bool:
    """Whether the kernel names the group of a socket: asked of one that a process in a group opens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        pid = os.fork()
        if pid == 0:
            try:
                enter(session, LOST, 0)
                _write(session / "1" / THREADS, 0)
                client = socket.socket()
                client.connect(address)
                client.recv(1)
            finally:
                os._exit(0)
        table = SocketTable()
        ended = os.pidfd_open(pid)
        try:
            if server.fileno() not in select.select([server.fileno(), ended], [], [], 2)[0]:
                return False
            accepted, theirs = server.accept()
            with accepted:
                peer = table.find(theirs, address)
                return peer is not None and peer.cgroup == (session / "1").stat().st_ino
        finally:
            table.close()
            os.waitpid(pid, 0)
            os.close(ended)


def _dissolve_dead(path: Path) -> None:
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            if _locked(fd):
                _dissolve(path)
        finally:
            os.close(fd)


def _dissolve(path: Path) -> None:
    """Moves all members out and removes what is empty then. Groups that programs made within stay, with those around
    them: they are theirs."""
    for group in _folders(path):
        sweep(group)
        _empty(group, path.parent)
    _empty(path, path.parent)


def _empty(path: Path, home: Path) -> None:
    # More than once: members have children.
    for _ in range(_ROUNDS):
        for pid in _members(path):
            with suppress(OSError):
                _write(home / _PROCESSES, pid)
        if _removed(path):
            return


def _members(path: Path) -> list[int]:
    try:
        # 0 stands for one that is not in our namespace.
        return [int(pid) for pid in (path / THREADS).read_text().split() if pid != "0"]
    except OSError:
        return []


def _folders(path: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(path) if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _removed(path: Path) -> bool:
    try:
        path.rmdir()
    except FileNotFoundError:
        pass
    except OSError:
        return False
    return True


def _locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(path: Path, value: int) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, b"%d" % value)
    finally:
        os.close(fd)
