"""The recorder's end of the channel against whoever connects: bounded, and told of."""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from channel_ends import Recorder

from recorder.sources.browser import hosts, native_host
from recorder.trace.events import Gap
from recorder.trace.pages import TabOpened
from recorder.trace.wire import WIRE_VERSION

HELLO = {"m": "hello", "v": WIRE_VERSION, "capture": "0", "user_agent": "x", "instance": "i", "browser": "b"}


def framed(message: object) -> bytes:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return struct.pack("=I", len(data)) + data


class Peer:
    """Somebody who connected."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(10)
        self._socket.connect(os.fspath(path))

    def say(self, *messages: object) -> None:
        self._socket.sendall(b"".join(map(framed, messages)))

    def say_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hear(self) -> dict[str, object] | None:
        """The next message; None once the connection was ended."""
        head = self._exactly(4)
        if head is None:
            return None
        heard: dict[str, object] = json.loads(self._exactly(struct.unpack("=I", head)[0]) or b"")
        return heard

    def _exactly(self, size: int) -> bytes | None:
        data = b""
        while len(data) < size:
            try:
                more = self._socket.recv(size - len(data))
            except ConnectionResetError:
                return None
            if not more:
                return None
            data += more
        return data

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def peer(recorder: Recorder) -> Peer:
    return Peer(recorder.socket)


def test_the_socket_is_this_users_alone(recorder: Recorder) -> None:
    assert stat.S_IMODE(recorder.socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(recorder.socket.parent.stat().st_mode) == 0o700


def test_what_is_stated_is_acknowledged_once_it_is_taken(peer: Peer, recorder: Recorder) -> None:
    item = {"k": "tab.opened", "s": 1, "t": 1.0, "tab": 7}
    peer.say(
        HELLO, {"m": "log", "instance": "i", "items": [item]}, {"m": "log", "instance": "i", "items": [item]}
    )
    assert (peer.hear() or {})["m"] == "welcome"
    assert peer.hear() == {"m": "ack", "key": "i", "s": 1}
    assert peer.hear() == {"m": "ack", "key": "i", "s": 1}
    assert len(recorder.of(TabOpened)) == 1
    peer.close()


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff",
        framed(b"no json"),
        framed(b"\xff\xfe"),
        framed({"m": "batch", "tab": 1, "frame": 0, "document": "d", "items": []}),
        framed({"m": "ask", "what": "stop"}),
        framed(b"[" * 100_000),
        framed(HELLO) + framed(HELLO),
        framed(HELLO) + framed({"m": "batch", "tab": "x", "frame": 0, "document": "d", "items": []}),
        framed(HELLO) + framed({"m": "ask", "what": "delete"}),
    ],
)
def test_who_breaks_the_rules_is_ended_and_told_of(said: bytes, peer: Peer, recorder: Recorder) -> None:
    peer.say_bytes(said)
    while peer.hear() is not None:
        pass
    recorder.wait(lambda r: r.faults)
    assert not recorder.events
    assert not recorder.asks
    peer.close()


def test_another_version_is_refused(peer: Peer, recorder: Recorder) -> None:
    peer.say({**HELLO, "v": WIRE_VERSION + 1})
    assert (peer.hear() or {})["m"] == "refused"
    assert peer.hear() is None
    assert not recorder.hellos
    peer.close()


def test_more_than_a_few_connections_find_nobody(recorder: Recorder) -> None:
    peers = [Peer(recorder.socket) for _ in range(8)]
    for one in peers:
        one.say(HELLO)
        assert (one.hear() or {})["m"] == "welcome"
    late = Peer(recorder.socket)
    assert late.hear() is None
    for one in [*peers, late]:
        one.close()


def test_a_malformed_statement_is_a_hole_and_not_asked_for_again(peer: Peer, recorder: Recorder) -> None:
    bad, good = {"k": "nonsense", "s": 1, "t": 1.0}, {"k": "tab.opened", "s": 2, "t": 1.0, "tab": 7}
    peer.say(
        HELLO, {"m": "log", "instance": "i", "items": [bad]}, {"m": "log", "instance": "i", "items": [good]}
    )
    peer.hear()
    assert peer.hear() == {"m": "ack", "key": "i", "s": 1}
    assert peer.hear() == {"m": "ack", "key": "i", "s": 2}
    assert len(recorder.of(TabOpened)) == 1
    peer.close()


def opened(*numbers: int) -> dict[str, object]:
    items = [{"k": "tab.opened", "s": n, "t": 1.0, "tab": n} for n in numbers]
    return {"m": "log", "instance": "i", "items": items}


def test_what_overtook_others_is_not_taken_and_may_come_again(peer: Peer, recorder: Recorder) -> None:
    peer.say(HELLO, opened(1), opened(3), opened(4))
    peer.hear()
    assert peer.hear() == {"m": "ack", "key": "i", "s": 1}
    assert peer.hear() is None
    peer.close()
    again = Peer(recorder.socket)
    again.say(HELLO, opened(2, 3, 4))
    again.hear()
    assert again.hear() == {"m": "ack", "key": "i", "s": 4}
    assert len(recorder.of(TabOpened)) == 4
    assert not recorder.of(Gap)
    assert not recorder.faults
    again.close()


def test_what_does_not_come_again_is_lost_and_told(peer: Peer, recorder: Recorder) -> None:
    peer.say(HELLO, opened(1), opened(4))
    peer.hear()
    peer.hear()
    assert peer.hear() is None
    peer.close()
    again = Peer(recorder.socket)
    again.say(HELLO, opened(4), opened(5))
    again.hear()
    assert again.hear() == {"m": "ack", "key": "i", "s": 4}
    assert again.hear() == {"m": "ack", "key": "i", "s": 5}
    assert [gap.reason for gap in recorder.of(Gap)] == ["2 messages of the extension's worker never came"]
    again.close()


def test_the_host_passes_bytes_on_both_ways_and_ends_with_either_side(recorder: Recorder) -> None:
    host = subprocess.Popen(
        [sys.executable, "-IS", native_host.__file__, os.fspath(recorder.socket), "chrome-extension://x/"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert host.stdin is not None
    assert host.stdout is not None
    host.stdin.write(framed(HELLO))
    host.stdin.flush()
    size = struct.unpack("=I", host.stdout.read(4))[0]
    assert json.loads(host.stdout.read(size))["m"] == "welcome"
    host.stdin.close()
    assert host.wait(10) == 0
    host.stdout.close()


def test_a_host_without_a_recorder_says_so(tmp_path: Path) -> None:
    command = [sys.executable, "-IS", native_host.__file__, str(tmp_path / "nobody")]
    assert (
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == native_host.NO_RECORDER
    )


def test_a_long_path_is_reached(tmp_path: Path) -> None:
    made = Recorder(tmp_path / ("long" * 30) / "socket")
    made.up()
    hosts.place(tmp_path / "manifests", tmp_path / "host", made.socket, "x" * 32)
    host = subprocess.Popen([tmp_path / "host", "x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdin is not None
    assert host.stdout is not None
    host.stdin.write(framed(HELLO))
    host.stdin.flush()
    assert b"welcome" in host.stdout.read(20)
    host.communicate()
    made.down()
