"""Each connection is tied to the command that caused it, however awkward the way."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from caused import Pages, browser, commands
from caused_session import Score, Session
from proxied_recording import PLAIN, dividable

from recorder.sources.proxy.causes import History
from recorder.sources.proxy.processes import TICK_NS, read_process
from recorder.sources.proxy.sockets import SocketTable


def test_a_socket_is_found_by_its_two_ends() -> None:
    table = SocketTable()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            peer = table.find(client.getsockname(), client.getpeername())
            assert peer is not None
            assert peer.inode == os.fstat(client.fileno()).st_ino
            assert peer.uid == os.getuid()
            assert table.find(("127.0.0.1", 1), ("127.0.0.1", 1)) is None
    table.close()


def test_a_process_is_read() -> None:
    own = read_process(os.getpid())
    assert own is not None
    assert (own.parent, own.group, own.session) == (os.getppid(), os.getpgrp(), os.getsid(0))
    assert 0 < own.started * TICK_NS <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    assert read_process(2**22 + 1) is None


def test_a_start_belongs_to_the_command_that_ran() -> None:
    history = History()
    tick = TICK_NS

    def between(*parts: int) -> list[list[int]]:
        return [history.started_between(part * tick, (part + 1) * tick - 1) for part in parts]

    history.prompt(100 * tick)
    assert between(100, 200) == [[], []]
    history.enter(150 * tick)
    history.command(1, 151 * tick)
    assert history.current == 1
    assert between(149, 150, 151, 900) == [[], [1], [1], [1]]
    history.prompt(200 * tick)
    assert history.current is None
    assert between(199, 201) == [[1], []]
    history.enter(300 * tick + 5)
    history.command(2, 301 * tick)
    assert between(250, 300, 302) == [[], [2], [2]]
    # Typed ahead: the next command starts with the prompt, within the same tick.
    history.prompt(400 * tick + 1)
    history.command(3, 400 * tick + 2)
    assert between(399, 400, 401) == [[2], [2, 3], [3]]


@pytest.fixture
def pages() -> Iterator[Pages]:
    made = Pages()
    yield made
    made.shutdown()
    made.server_close()


def awkward(
    folder: Path, pages: Pages, shell: str, *, groups: bool, pace: float | None, chromium: str | None
) -> Score:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    session = Session(folder, program, groups=groups, env=PLAIN)
    # Other tests may run beside: a program that is gone before anybody had a turn to look at it is unknown.
    session.type(commands(pages.url(), folder, shell, chromium, linger=0.5), pace=pace)
    session.type(["sleep 1"], pace=0.1)
    return session.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shell", "pace", "browsing"),
    [("bash", 0.05, True), ("bash", None, False), ("zsh", None, False), ("fish", None, False)],
)
def test_each_flow_is_in_its_commands_group(
    tmp_path: Path, pages: Pages, shell: str, pace: float | None, browsing: bool
) -> None:
    """Also typed ahead of the prompts, and from browsers that load pages side by side."""
    if not dividable():
        pytest.skip("no control group may be made here")
    chromium = browser() if browsing else None
    score = awkward(tmp_path / "a", pages, shell, groups=True, pace=pace, chromium=chromium)
    assert score.flows >= (90 if chromium else 25)
    assert score.right >= 0.995 * score.flows, score.wrong
    assert not score.guessed, score.wrong
    assert score.how["cgroup"] >= 0.995 * score.flows, score.how


@pytest.mark.slow
def test_without_groups_the_process_tree_tells(tmp_path: Path, pages: Pages) -> None:
    score = awkward(tmp_path / "a", pages, "bash", groups=False, pace=0.05, chromium=browser())
    assert score.flows >= 25
    # A program that connects and ends may be gone before it is looked at.
    assert score.right >= 0.98 * score.flows, score.wrong
    assert not score.guessed, score.wrong
    assert "cgroup" not in score.how
