"""The WebSocket of the recorder against whoever connects: nobody but the extension that was given the code is heard."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from channel_ends import Recorder
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from browser_ext import EXTENSION_ID
from recorder.sources.browser import door
from recorder.sources.browser.door import MOST_CONNECTIONS, MOST_TRIES, proof
from recorder.trace.pages import TabOpened
from recorder.trace.wire import WIRE_VERSION

HELLO = {"m": "hello", "v": WIRE_VERSION, "capture": "0", "user_agent": "x", "instance": "i", "browser": "b"}
TAB = {"m": "log", "instance": "i", "items": [{"k": "tab.opened", "s": 1, "t": 1.0, "tab": 7}]}
MINE = "0" * 32


@pytest.fixture
def way() -> str:
    return "code"


class Peer:
    """Somebody who speaks as the extension does."""

    def __init__(self, recorder: Recorder, *, origin: str = door.ORIGIN) -> None:
        self._recorder = recorder
        address = f"ws://127.0.0.1:{recorder.port}{door.PATH}"
        self._opening = connect(address, origin=Origin(origin), compression=None, max_size=None)
        self.socket: ClientConnection = self._opening.__enter__()
        self.key = ""

    def say(self, message: object) -> None:
        self.socket.send(json.dumps(message))

    def hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(self.socket.recv(10))
        return heard

    def pair(self, key: str, by: str = "code") -> None:
        """Comes in by the key. Raises ConnectionClosed where it is not let in."""
        self.say({"m": "pair", "client": MINE, "by": by})
        said = self.hear()
        assert said["proof"] == proof(key, "recorder", MINE, said["server"])
        self.key = proof(key, "key", MINE, said["server"])
        self.say({"m": "proof", "proof": proof(key, "extension", MINE, said["server"])})
        assert self.hear() == {"m": "paired"}

    def ended(self) -> str:
        """Why the connection was ended; what was said before goes by."""
        try:
            while True:
                self.socket.recv(10)
        except ConnectionClosed as closed:
            return closed.rcvd.reason if closed.rcvd else ""


@pytest.fixture
def letters(recorder: Recorder) -> str:
    """The code without the port, as it is proved."""
    return "".join(recorder.code.split("-")[1:])


@pytest.fixture
def peer(recorder: Recorder) -> Iterator[Peer]:
    made = Peer(recorder)
    yield made
    made.socket.close()


def test_who_knows_the_code_is_served(peer: Peer, recorder: Recorder, letters: str) -> None:
    peer.pair(letters)
    peer.say(HELLO)
    assert peer.hear()["m"] == "welcome"
    peer.say(TAB)
    assert peer.hear() == {"m": "ack", "key": "i", "s": 1}
    assert len(recorder.of(TabOpened)) == 1
    large = {"m": "log", "instance": "i", "items": [], "more": "x" * (1 << 20)}
    peer.say(large)
    assert peer.hear()["m"] == "ack"


def test_the_code_serves_once_and_its_key_again(peer: Peer, recorder: Recorder, letters: str) -> None:
    peer.pair(letters)
    late = Peer(recorder)
    late.say({"m": "pair", "client": MINE, "by": "code"})
    assert "has served" in late.ended()
    recorder.down()
    recorder.up()
    assert len(recorder.shown) == 1
    again = Peer(recorder)
    again.pair(peer.key, "key")
    again.say(HELLO)
    assert again.hear()["m"] == "welcome"
    again.socket.close()


def test_two_at_once_by_one_code(recorder: Recorder, letters: str) -> None:
    first, second = Peer(recorder), Peer(recorder)
    said = []
    for one in (first, second):
        one.say({"m": "pair", "client": MINE, "by": "code"})
        said.append(one.hear()["server"])
    for one, server in zip((first, second), said, strict=True):
        one.say({"m": "proof", "proof": proof(letters, "extension", MINE, server)})
        if one is first:
            assert first.hear() == {"m": "paired"}
    assert "wrong" in second.ended()
    first.socket.close()


def test_a_few_wrong_codes_and_it_serves_nobody(recorder: Recorder, letters: str) -> None:
    for _ in range(MOST_TRIES):
        wrong = Peer(recorder)
        wrong.say({"m": "pair", "client": MINE, "by": "code"})
        server = wrong.hear()["server"]
        wrong.say({"m": "proof", "proof": proof("0" * 16, "extension", MINE, server)})
        assert "wrong" in wrong.ended()
    assert "tried a wrong code" in recorder.shown[1]
    late = Peer(recorder)
    with pytest.raises(ConnectionClosed):
        late.pair(letters)


def test_an_overheard_proof_serves_nobody(recorder: Recorder, letters: str) -> None:
    first, second = Peer(recorder), Peer(recorder)
    servers = []
    for one in (first, second):
        one.say({"m": "pair", "client": MINE, "by": "code"})
        servers.append(one.hear()["server"])
    second.say({"m": "proof", "proof": proof(letters, "extension", MINE, servers[0])})
    assert "wrong" in second.ended()
    third = Peer(recorder)
    third.say({"m": "pair", "client": MINE, "by": "code"})
    said = third.hear()
    third.say({"m": "proof", "proof": said["proof"]})  # the recorder's own, given back
    assert "wrong" in third.ended()
    first.socket.close()


@pytest.mark.parametrize(
    "said",
    [
        "no json",
        b"\xff\xfe",
        "[" * 4000,
        json.dumps(HELLO),
        json.dumps(TAB),
        json.dumps({"m": "pair", "client": "short", "by": "code"}),
        json.dumps({"m": "pair", "client": MINE, "by": "magic"}),
        json.dumps({"m": "pair", "client": MINE, "by": "key"}),
        json.dumps({"m": "proof", "proof": ""}),
        "x" * 5000,
    ],
)
def test_who_is_not_known_is_not_heard(said: str | bytes, peer: Peer, recorder: Recorder) -> None:
    peer.socket.send(said)
    peer.ended()
    assert not recorder.hellos
    assert not recorder.events


def test_who_is_known_keeps_to_the_rules(peer: Peer, recorder: Recorder, letters: str) -> None:
    peer.pair(letters)
    peer.say(TAB)
    peer.ended()
    recorder.wait(lambda r: r.faults)
    assert not recorder.events


def ask(port: int, head: str) -> str:
    """The status line that answers a request, or nothing."""
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        plain.sendall(head.replace("\n", "\r\n").encode())
        return plain.makefile("rb").readline().decode().strip()


UPGRADE = """Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==
"""


@pytest.mark.parametrize(
    ("path", "host", "origin"),
    [
        ("/reenact", "127.0.0.1:{port}", "Origin: https://bad.example\n"),
        ("/reenact", "127.0.0.1:{port}", f"Origin: chrome-extension://{EXTENSION_ID[::-1]}\n"),
        ("/reenact", "127.0.0.1:{port}", f"Origin: chrome-extension://{EXTENSION_ID}/\n"),
        ("/reenact", "127.0.0.1:{port}", "Origin: null\n"),
        ("/reenact", "127.0.0.1:{port}", ""),
        ("/reenact", "127.0.0.1:{port}", f"Origin: {door.ORIGIN}\nOrigin: https://bad.example\n"),
        ("/reenact", "bad.example:{port}", f"Origin: {door.ORIGIN}\n"),
        ("/reenact", "localhost:{port}", f"Origin: {door.ORIGIN}\n"),
        ("/reenact", "127.0.0.1", f"Origin: {door.ORIGIN}\n"),
        ("/reenact", "127.0.0.1:{port}\nHost: bad.example", f"Origin: {door.ORIGIN}\n"),
        ("/", "127.0.0.1:{port}", f"Origin: {door.ORIGIN}\n"),
        ("/reenact?x", "127.0.0.1:{port}", f"Origin: {door.ORIGIN}\n"),
        ("http://127.0.0.1/reenact", "127.0.0.1:{port}", f"Origin: {door.ORIGIN}\n"),
    ],
)
def test_nobody_else_is_answered(path: str, host: str, origin: str, recorder: Recorder) -> None:
    port = recorder.port
    said = ask(port, f"GET {path} HTTP/1.1\nHost: {host.format(port=port)}\n{origin}{UPGRADE}\n")
    assert said == "HTTP/1.1 403 Forbidden"


def test_the_extension_is(recorder: Recorder) -> None:
    port = recorder.port
    said = ask(port, f"GET /reenact HTTP/1.1\nHost: 127.0.0.1:{port}\nOrigin: {door.ORIGIN}\n{UPGRADE}\n")
    assert said == "HTTP/1.1 101 Switching Protocols"
    with pytest.raises(InvalidStatus):
        Peer(recorder, origin="https://bad.example")


def test_who_dawdles_is_ended_and_keeps_nobody_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_OPEN_SECONDS", 1)
    recorder = Recorder(tmp_path / "channel" / "socket", by_code=True)
    recorder.up()
    idle = [socket.create_connection(("127.0.0.1", recorder.port), 10) for _ in range(2 * MOST_CONNECTIONS)]
    for n, one in enumerate(idle):
        if n % 2:
            one.send(b"GET /reenact HTTP/1.1\r\nHost: 127")
    ended = 0
    for one in idle:
        try:
            ended += one.recv(1) == b""
        except ConnectionResetError:
            ended += 1
        one.close()
    assert ended == len(idle)
    silent = Peer(recorder)
    assert silent.ended() == "nothing was said"
    late = Peer(recorder)
    late.pair("".join(recorder.code.split("-")[1:]))
    late.socket.close()
    recorder.down()


def test_it_listens_on_this_machine_alone_and_keeps_its_keys_private(recorder: Recorder) -> None:
    kept = recorder.socket.with_name("door.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    listening = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    assert f"0100007F:{recorder.port:04X}" in listening


def test_a_port_that_somebody_took_is_not_had_again(recorder: Recorder) -> None:
    from recorder.trace.errors import RecordingFailed

    recorder.down()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", recorder.port))
        thief.listen()
        with pytest.raises(RecordingFailed, match="cannot reach the recorder"):
            door._listening(recorder.port)
    recorder.up()
