"""Each connection is tied to the command that caused it, however awkward the way."""

from __future__ import annotations

import os
import re
import socket
import time
from collections import Counter
from pathlib import Path

import pytest
from proxied_origin import Origin
from proxied_recording import Recording
from proxied_shell import Shell

from recorder.sources.proxy.causes import History
from recorder.sources.proxy.processes import TICK_NS, read_process
from recorder.sources.proxy.sockets import SocketTable
from recorder.trace.events import FlowRequested

ROUNDS = 6


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


def commands(url: str, proxy: int, fifo: Path) -> list[str]:
    """Each asks for `url`; # stands for the command's number."""
    get = f"printf 'GET {url}%s HTTP/1.0\\r\\n\\r\\n' #"
    tcp = f"exec 3<>/dev/tcp/127.0.0.1/{proxy}"
    bare = 'env -i PATH="$PATH" http_proxy="$http_proxy"'
    return [
        f"curl -sS {url}#",
        f"(sleep 0.3; curl -sS {url}#) &",
        f"curl -sS {url}# & curl -sS {url}#; wait",
        f"setsid -f sh -c 'sleep 0.4; curl -sS {url}#'",
        f"(setsid sh -c 'sleep 0.2; (sleep 0.4; curl -sS {url}#) & exit' &)",
        f"{bare} curl -sS {url}#",
        f"{bare} setsid -f sh -c 'sleep 0.5; curl -sS {url}#'",
        f"bash -c '{tcp}; {get.replace(chr(39), chr(34))} >&3; cat <&3'",
        f"bash -c '{tcp}; {get.replace(chr(39), chr(34))} >&3; read -t 0.05 <&3'",
        f"{tcp}; {get} >&3; cat <&3 >/dev/null; exec 3<&-",
        f"printf '%s\\n' {url}# {url}# {url}# {url}# | xargs -P 4 -n 1 curl -sS",
        f"curl -sS {url}# | cat | tail -1; echo {url}# | xargs curl -sS",
        f"echo 'curl -sS {url}#' | bash",
        f"nohup sh -c 'sleep 0.6; exec curl -sS {url}#' >/dev/null 2>&1 & disown",
        f"rm -f {fifo}; mkfifo {fifo}; setsid -f sh -c 'exec 4<>{fifo}; while read x <&4; do curl -sS {url}#; done'",
        f"echo go > {fifo}",
        "sleep 0.1; true",
        f"echo go > {fifo}; curl -sS {url}#",
    ]


@pytest.mark.slow
def test_awkward_causes(recording: Recording, origin: Origin, tmp_path: Path) -> None:
    recording.proxy.engine()
    shell = Shell(recording.inside, recording.proxy.notify_fd)
    for n in range(ROUNDS):
        for command in commands(origin.url("/hello?step="), recording.proxy.port, tmp_path / f"fifo{n}"):
            number = shell.commands + 1
            shell.run(command.replace("#", str(number)))
    # Background jobs sleep less than this command.
    shell.run("sleep 1.5")
    told = recording.told(FlowRequested)
    shell.close()
    wrong = Counter[str]()
    for request in told:
        step = int(re.findall(r"step=(\d+)", request.url)[0])
        if request.cause.command != step:
            wrong[f"{step} ({step % 18}): {request.cause}"] += 1
    assert len(told) >= 100
    assert sum(wrong.values()) <= 0.005 * len(told), (len(told), wrong)
    assert {request.cause.how for request in told} == {"process"}
