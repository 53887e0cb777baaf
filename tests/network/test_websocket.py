"""WebSocket tapes: what the server said, once the client has said what came before."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Callable

import pytest
from stage import CLIENTS, Stage, listening
from tape import Tape

from replay.players.network.websocket import WebSocketTape, accept_key, frame

Play = Callable[..., Stage]
OLD, NEW = "6fa459ea-ee8a-3ca4-894e-db77e160355e", "16fd2706-8baf-433b-82eb-8c7fada847da"
UPGRADE = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "recorded")]


def talk(host: str = "a.example") -> Tape:
    tape = Tape()
    tape.command(1)
    flow = tape.request("GET", f"http://{host}/ws")
    tape.answer(flow, 101, headers=UPGRADE, reason="Switching Protocols")
    tape.message(flow, b"welcome", sent=False)
    tape.message(flow, f"id {OLD}".encode(), sent=True)
    tape.message(flow, f"hello {OLD}".encode(), sent=False)
    tape.message(flow, b"\0\1\2", sent=True, text=False)
    tape.message(flow, b"x" * 70_000, sent=False, text=False)
    tape.closed(flow, 1000, sent=False, reason="done")
    return tape


def masked_frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    key = os.urandom(4)
    plain = frame(opcode, payload)
    head = bytearray(plain[: len(plain) - len(payload)])
    head[0] = (head[0] & 0x0F) | (0x80 if final else 0)
    head[1] |= 0x80
    return bytes(head) + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def tape_of(tape: Tape) -> tuple[WebSocketTape, list[tuple[str, str]]]:
    (flow,) = tape.recording().flows
    log: list[tuple[str, str]] = []
    return WebSocketTape(flow, None, lambda a, b: log.append((a, b))), log


def conversation(tape: WebSocketTape, pieces: list[bytes]) -> bytes:
    return tape.start() + b"".join(tape.receive(piece) for piece in pieces)


CLIENT = (
    masked_frame(1, b"id ", final=False)
    + masked_frame(9, b"are you there")
    + masked_frame(0, NEW.encode())
    + masked_frame(2, b"\0\1\2")
    + masked_frame(8, struct.pack("!H", 1000))
)
SERVER = (
    frame(1, b"welcome")
    + frame(10, b"are you there")
    + frame(1, f"hello {NEW}".encode())
    + frame(2, b"x" * 70_000)
    + frame(8, struct.pack("!H", 1000) + b"done")
)


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_the_same_is_said_however_the_bytes_come(size: int) -> None:
    tape, log = tape_of(talk())
    pieces = [CLIENT[at : at + size] for at in range(0, len(CLIENT), size)]
    assert conversation(tape, pieces) == SERVER
    assert (tape.ended, log) == (True, [])


def test_nothing_is_said_before_its_time() -> None:
    tape, _ = tape_of(talk())
    assert tape.start() == frame(1, b"welcome")
    assert tape.receive(masked_frame(10, b"")) == b""
    assert tape.receive(masked_frame(1, f"id {OLD}".encode())) == frame(1, f"hello {OLD}".encode())


def test_another_message_is_told_and_the_tape_goes_on() -> None:
    tape, log = tape_of(talk())
    tape.start()
    assert tape.receive(masked_frame(1, b"something else")) == frame(1, f"hello {OLD}".encode())
    assert log == [(f"id {OLD}", "something else")]


def test_a_message_too_many_is_told() -> None:
    made = Tape()
    flow = made.request("GET", "http://a.example/ws")
    made.answer(flow, 101, headers=UPGRADE)
    tape, log = tape_of(made)
    assert tape.start() + tape.receive(masked_frame(1, b"hello?")) == b""
    assert log == [("no further message", "hello?")]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(1, b"unmasked"), 1002),
        (bytes((0xF1, 0x80)) + bytes(4), 1002),
        (masked_frame(0, b"goes on from nothing"), 1002),
        (masked_frame(9, b"p", final=False), 1002),
        (bytes((0x82, 0xFF)) + b"\x7f" * 8, 1009),
        (bytes((0x83, 0x80)) + bytes(4), 1002),
    ],
    ids=["unmasked", "reserved bits", "no beginning", "a ping in pieces", "too long", "unknown kind"],
)
def test_what_breaks_the_protocol_ends_it(data: bytes, code: int) -> None:
    tape, _ = tape_of(talk())
    tape.start()
    assert tape.receive(data) == frame(8, struct.pack("!H", code))
    assert tape.ended
    assert tape.receive(CLIENT) == b""


def test_the_clients_close_is_answered() -> None:
    tape, _ = tape_of(talk())
    tape.start()
    assert tape.receive(masked_frame(8, struct.pack("!H", 4001) + b"bye")) == frame(
        8, struct.pack("!H", 4001) + b"bye"
    )
    assert tape.ended


def test_over_the_wire(play: Play) -> None:
    stage = play(talk())
    with stage.connect() as client:
        client.sendall(
            b"GET /ws HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" + CLIENT
        )
        said = b""
        while data := client.recv(65536):
            said += data
    head = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    assert said == head + SERVER
    assert accept_key(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


_PROGRAM = """
const ws = new WebSocket('ws://127.0.0.1:PORT/ws')
ws.binaryType = 'arraybuffer'
ws.onmessage = m => {
  console.log(typeof m.data == 'string' ? m.data : m.data.byteLength)
  if (m.data === 'welcome') ws.send('id NEW')
  else if (typeof m.data == 'string') ws.send(new Uint8Array([0, 1, 2]))
}
ws.onclose = c => console.log(c.code, c.reason)
"""


@pytest.mark.skipif(CLIENTS["node"] is None, reason="needs node")
def test_node_hears_the_same(play: Play) -> None:
    listener = listening()
    port = listener.getsockname()[1]
    stage = play(talk(f"127.0.0.1:{port}"), listener=listener)
    program = _PROGRAM.replace("PORT", str(port)).replace("NEW", NEW)
    line = ["node", "--experimental-websocket", "-e", program]
    done = subprocess.run(line, capture_output=True, check=False, timeout=20)
    if b"bad option" in done.stderr:
        pytest.skip("this node has no WebSocket")
    assert done.stdout.decode() == f"welcome\nhello {NEW}\n70000\n1000 done\n"
    assert stage.stop().refused == []


def test_messages_are_heard_when_they_are_whole() -> None:
    """A player waits for as many as its pages sent: fragments and pings are none of their own."""
    tape, _ = tape_of(talk())
    tape.start()
    heard = []
    for n in range(len(CLIENT)):
        tape.receive(CLIENT[n : n + 1])
        heard.append(tape.heard)
    first = len(masked_frame(1, b"id ") + masked_frame(9, b"are you there") + masked_frame(0, NEW.encode()))
    assert heard.index(1) == first - 1
    assert heard.index(2) == first + len(masked_frame(2, b"\0\1\2")) - 1
    assert heard[-1] == 2
