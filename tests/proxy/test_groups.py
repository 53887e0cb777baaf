"""The control groups of commands: where they may be made, what they tell, and that nothing of them is left."""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from proxied_origin import Origin
from proxied_recording import PLAIN, Recording

from recorder.sources.proxy import start_proxy
from recorder.sources.proxy.groups import CommandGroups
from recorder.sources.proxy.hierarchy import Undividable, located, own_group
from recorder.sources.proxy.session_group import (
    LINK,
    LOST,
    SessionGroup,
    clear,
    enter,
    group_of,
    members,
    sweep,
)
from recorder.sources.proxy.sockets import SocketTable
from recorder.trace.events import FlowRequested

UNIFIED = "31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
HYBRID = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "36 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
INNER = "31 23 0:28 /outer/box /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
ODD = "31 23 0:28 / /mnt/a\\040b shared:4 master:2 rw - cgroup2 none rw\n31 broken\n"


@pytest.mark.parametrize(
    ("cgroups", "mounts", "folders"),
    [
        ("0::/user.slice/user@7.service/x.scope\n", UNIFIED, ["/sys/fs/cgroup/user.slice/user@7.service/x.scope"]),
        ("9:name=systemd:/\n4:memory:/a\n0::/\n", HYBRID, ["/sys/fs/cgroup/unified"]),
        ("0::/outer/box/a\n", INNER, ["/sys/fs/cgroup/a"]),
        ("0::/outer/box\n", INNER, ["/sys/fs/cgroup"]),
        ("0::/outer/boxes\n", INNER, []),
        ("0::/a\n", ODD + UNIFIED, ["/mnt/a b/a", "/sys/fs/cgroup/a"]),
        ("4:memory:/a\n", HYBRID, []),
        ("0::/a\n", "", []),
    ],
)  # fmt: skip
def test_a_group_is_found_where_it_is_mounted(cgroups: str, mounts: str, folders: list[str]) -> None:
    assert located(cgroups, mounts) == [Path(folder) for folder in folders]


@pytest.fixture
def home() -> Iterator[Path]:
    """A group of the test's own, as the one that a session is started in."""
    try:
        path = own_group() / f"test-{secrets.token_hex(4)}"
        path.mkdir()
    except (Undividable, OSError) as error:
        pytest.skip(f"no control group may be made here: {error}")
    yield path
    sweep(path)
    path.rmdir()


@pytest.fixture
def inside(home: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts programs in the group `home`, or in one of a session's."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*argv: str, session: Path | None = None, name: str = "") -> subprocess.Popen[bytes]:
        def move() -> None:
            (home / "cgroup.procs").write_text("0")
            if session is not None:
                enter(session, name, 0)

        started.append(
            subprocess.Popen(
                argv,
                preexec_fn=move,  # noqa: PLW1509
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def ended(pid: int) -> None:
    """Waits for the end of a process that may be nobody's child here."""
    with suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        assert select.select([fd], [], [], 20)[0]
        os.close(fd)


def in_home(home: Path, function: Callable[[], object], user: int | None = None) -> int:
    """Runs the function in a process in the group `home`; its exit code is 0 where it returned."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            (home / "cgroup.procs").write_text("0")
            if user is not None:
                os.setgroups([])
                os.setresuid(user, user, user)
            function()
            status = 0
        except BaseException:  # noqa: BLE001 - shown, then this process ends
            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def started(home: Path, folder: Path) -> Path:
    """A session's group in `home`, whose session is dead."""
    folder.mkdir()
    assert in_home(home, lambda: SessionGroup.start(folder)) == 0
    return Path(os.readlink(folder / LINK))


def test_what_a_session_leaves_running_goes_back_to_where_it_came_from(
    home: Path, tmp_path: Path, inside: Callable[..., subprocess.Popen[bytes]]
) -> None:
    session = started(home, tmp_path / "session")
    assert session.parent == home
    daemon = inside("sleep", "60", session=session, name="3")
    assert group_of(session, daemon.pid) == "3"
    assert members(session, "3") == [daemon.pid]
    clear(tmp_path / "session")
    assert not session.exists()
    assert str(daemon.pid) in (home / "cgroup.procs").read_text().split()
    assert daemon.poll() is None


def test_only_the_dead_are_swept(home: Path, tmp_path: Path) -> None:
    dead = started(home, tmp_path / "dead")

    def live() -> None:
        session = SessionGroup.start(tmp_path)
        assert not dead.exists()
        # As any other session would find it.
        pid = os.fork()
        if pid == 0:
            sweep(home)
            os._exit(0)
        os.waitpid(pid, 0)
        assert session.path.is_dir()
        session.close()
        assert not session.path.exists()

    assert in_home(home, live) == 0


def test_a_link_that_leads_elsewhere_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "reenact-x" / "1").mkdir(parents=True)
    (tmp_path / LINK).symlink_to(tmp_path / "reenact-x")
    clear(tmp_path)
    assert (tmp_path / "reenact-x" / "1").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another")
def test_who_is_not_root_needs_a_group_of_his_own(home: Path) -> None:
    folder = Path(tempfile.mkdtemp())
    os.chown(folder, 65534, 65534)

    def refused() -> None:
        with pytest.raises(Undividable) as error:
            SessionGroup.start(folder)
        assert str(home) in str(error.value)
        assert "--user --scope" in error.value.mend

    def delegated() -> None:
        session = SessionGroup.start(folder)
        assert session.path.parent == home
        session.close()

    assert in_home(home, refused, user=65534) == 0
    # As systemd hands a scope to its user.
    for path in (home, home / "cgroup.procs", home / "cgroup.threads", home / "cgroup.subtree_control"):
        os.chown(path, 65534, 65534)
    assert in_home(home, delegated, user=65534) == 0
    (folder / LINK).unlink()
    folder.rmdir()


def test_a_group_within_a_group_is_its_commands(
    home: Path, tmp_path: Path, inside: Callable[..., subprocess.Popen[bytes]]
) -> None:
    """Such as a session that is recorded in a recorded session."""
    outer = started(home, tmp_path / "outer")

    def record() -> None:
        enter(outer, "2", 0)
        SessionGroup.start(tmp_path)
        os.rename(tmp_path / LINK, tmp_path / "inner")

    assert in_home(home, record) == 0
    inner = Path(os.readlink(tmp_path / "inner"))
    assert inner.parent == outer / "2"
    groups = CommandGroups(outer)
    assert groups.command((inner / "7").stat().st_ino) == 2
    assert groups.command((outer / "5").stat().st_ino) == 5
    assert groups.command(home.stat().st_ino) is None
    assert groups.command((outer / LOST).stat().st_ino) is None
    # The inner one, too, is dead.
    clear(tmp_path / "outer")
    assert not outer.exists()


def test_groups_are_made_ahead_and_removed_behind(
    home: Path, tmp_path: Path, inside: Callable[..., subprocess.Popen[bytes]]
) -> None:
    session = started(home, tmp_path / "session")
    groups = CommandGroups(session)
    job = inside("sleep", "60", session=session, name="2")
    cgroup = (session / "3").stat().st_ino
    for number in (1, 2, 3, 70, 999_999_999):
        groups.started(number)
        groups.tidy()
        assert sum(1 for path in session.iterdir() if path.is_dir()) < 200
        assert (session / str(number + 1)).is_dir()
    for _ in range(20):
        groups.tidy()
    left = {path.name for path in session.iterdir() if path.is_dir()}
    assert "2" in left
    assert not left & {"1", "3", "63"}
    # A program that is gone, its group with it, is known all the same.
    assert groups.command(cgroup) == 3
    job.kill()
    job.wait()
    groups.tidy()
    assert not (session / "2").exists()
    clear(tmp_path / "session")


def test_a_shell_that_did_not_enter_is_noticed(
    home: Path, tmp_path: Path, inside: Callable[..., subprocess.Popen[bytes]]
) -> None:
    session = started(home, tmp_path / "session")
    groups = CommandGroups(session)
    # Of more than one thread, as fish is.
    code = (
        "import sys, threading; threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "for n in sys.stdin: open(f'{sys.argv[1]}/{int(n)}/cgroup.procs', 'w').write('0'); print(flush=True)"
    )
    shell = inside("python3", "-c", code, str(session), session=session, name=LOST)
    assert shell.stdin is not None
    assert shell.stdout is not None
    ids = {number: (session / str(number)).stat().st_ino for number in (1, 2, 3)}

    def enters(number: int) -> None:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(b"%d\n" % number)
        shell.stdin.flush()
        shell.stdout.readline()

    groups.follow(shell.pid)
    enters(1)
    groups.prompt()
    groups.started(1)
    assert groups.command(ids[1]) == 1
    # It is ahead of what we heard: that is no fault.
    enters(2)
    groups.prompt()
    assert group_of(session, shell.pid) == "2"
    groups.started(2)
    groups.prompt()
    assert group_of(session, shell.pid) == LOST
    assert not groups.tells
    assert groups.command(ids[2]) is None
    assert groups.command(ids[1]) == 1
    enters(3)
    groups.started(3)
    assert groups.command(ids[3]) == 3
    assert groups.tells
    # What a prompt starts and leaves running is of no command.
    child = inside("sleep", "60", session=session, name="3")
    groups.entered(time.clock_gettime_ns(time.CLOCK_BOOTTIME) + 10**9)
    assert group_of(session, child.pid) == LOST
    assert group_of(session, shell.pid) == "3"
    clear(tmp_path / "session")


@pytest.mark.slow
def test_a_new_gate_knows_the_groups_of_the_dead_one(recording: Recording, origin: Origin) -> None:
    link = recording.folder / LINK
    if not link.exists():
        pytest.skip("no control group may be made here")
    session = Path(os.readlink(link))
    # A shell that is elsewhere, so that its process tree tells nothing.
    shell = subprocess.Popen(["sleep", "60"])
    go = 'read x; curl -sS "$0"; read x'
    program = subprocess.Popen(
        ["sh", "-c", go, origin.url("/hello")], env=recording.inside, stdin=subprocess.PIPE,
        preexec_fn=lambda: enter(session, "1", 0),  # noqa: PLW1509
    )  # fmt: skip
    assert program.stdin is not None
    notify = recording.proxy.notify_fd
    os.write(notify, b"S %d\nP 1\nC 1\nP 2\nC 2\n" % shell.pid)
    recording.proxy.engine()
    gate = recording.proxy.pid
    os.kill(gate, signal.SIGKILL)
    ended(gate)
    recording.proxy.attend()
    program.stdin.write(b"go\n")
    program.stdin.flush()
    [request] = recording.told(FlowRequested)
    assert (request.cause.command, request.cause.how) == (1, "cgroup")
    assert not session.exists()
    program.communicate(b"go\n")
    shell.kill()
    shell.wait()


@pytest.mark.slow
def test_a_recorder_that_is_killed_leaves_what_the_next_one_sweeps(tmp_path: Path) -> None:
    tmp_path.joinpath("session").mkdir()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        proxy = start_proxy(folder=tmp_path / "session", env=PLAIN)
        os.write(write, b"%d" % proxy.pid)
        os.kill(os.getpid(), signal.SIGKILL)
    gate = int(os.read(read, 20))
    os.close(read)
    os.close(write)
    os.waitpid(child, 0)
    ended(gate)
    link = tmp_path / "session" / LINK
    if not link.is_symlink():
        pytest.skip("no control group may be made here")
    session = Path(os.readlink(link))
    clear(tmp_path / "session")
    assert not session.exists()


def test_sockets_tell_of_a_group_that_is_gone(
    home: Path, tmp_path: Path, inside: Callable[..., subprocess.Popen[bytes]]
) -> None:
    session = started(home, tmp_path / "session")
    table = SocketTable()
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); input()"
        program = inside("python3", "-c", code, str(server.getsockname()[1]), session=session, name="4")
        accepted, client = server.accept()
        with accepted:
            peer = table.find(client, server.getsockname())
            assert peer is not None
            assert peer.cgroup == (session / "4").stat().st_ino
            clear(tmp_path / "session")
            assert program.poll() is None
            again = table.find(client, server.getsockname())
            assert again is not None
            assert again.cgroup == peer.cgroup
    table.close()
