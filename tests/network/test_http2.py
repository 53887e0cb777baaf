"""Our HTTP/2 held against a library's: many requests at once, small windows, uploads, and what hostile clients send."""

from __future__ import annotations

import random
import socket
from collections import deque
from collections.abc import Callable, Iterator

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, SettingsAcknowledged, StreamEnded, StreamReset
from h2.settings import SettingCodes
from hypothesis import given
from hypothesis import strategies as st
from stage import Stage, everything
from tape import Tape

from replay.players.network import frames
from replay.players.network.frames import Code, ConnectionFault, Kind

Play = Callable[..., Stage]
URL = "http://a.example"


def tape_of(bodies: dict[str, bytes]) -> Tape:
    tape = Tape()
    tape.command(1)
    for path, body in bodies.items():
        flow = tape.request("GET", URL + path, version="2")
        tape.answer(flow, body=body, version="2", headers=[("x-path", path)])
    return tape


class Client:
    """A library's client: `answers` by stream, checked by the library as they come."""

    def __init__(self, stage: Stage, window: int = 65_535) -> None:
        self.socket = stage.connect()
        self.h2 = H2Connection(H2Configuration(header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.h2.update_settings(
            {SettingCodes.INITIAL_WINDOW_SIZE: window, SettingCodes.HEADER_TABLE_SIZE: 4096}
        )
        self.answers: dict[int, bytes] = {}
        self.heads: dict[int, dict[str, str]] = {}
        self.resets: dict[int, int] = {}
        self.ended: set[int] = set()
        self.settled = False

    def ask(self, path: str, *extra: tuple[str, str], method: str = "GET", end: bool = True) -> int:
        stream = self.h2.get_next_available_stream_id()
        fields = [
            (":method", method),
            (":scheme", "http"),
            (":authority", "a.example"),
            (":path", path),
            *extra,
        ]
        self.h2.send_headers(stream, fields, end_stream=end)
        return stream

    def until(self, done: Callable[[], bool]) -> None:
        self.socket.sendall(self.h2.data_to_send())
        while not done():
            data = self.socket.recv(65_536)
            assert data, "the connection ended"
            for event in self.h2.receive_data(data):
                match event:
                    case ResponseReceived():
                        self.heads[event.stream_id or 0] = dict(event.headers)  # type: ignore[arg-type]
                    case DataReceived():
                        self.answers.setdefault(event.stream_id or 0, b"")
                        self.answers[event.stream_id or 0] += event.data or b""
                        self.h2.acknowledge_received_data(
                            event.flow_controlled_length or 0, event.stream_id or 0
                        )
                    case StreamEnded():
                        self.ended.add(event.stream_id or 0)
                    case StreamReset():
                        self.resets[event.stream_id or 0] = int(event.error_code or 0)
                    case SettingsAcknowledged():
                        self.settled = True
            self.socket.sendall(self.h2.data_to_send())


Connect = Callable[..., Client]


@pytest.fixture
def connect(play: Play) -> Iterator[Connect]:
    made: list[Client] = []

    def start(tape: Tape, window: int = 65_535) -> Client:
        made.append(Client(play(tape), window))
        return made[-1]

    yield start
    for client in made:
        client.socket.close()


@pytest.mark.parametrize("window", [1, 1000, 65_535, 1 << 20])
def test_many_at_once_through_windows_of_any_size(connect: Connect, window: int) -> None:
    least = min(window * 40, 50_000)
    bodies = {f"/{n}": bytes([n]) * (n * least // 20) for n in range(20)}
    client = connect(tape_of(bodies), window)
    streams = {client.ask(path): body for path, body in bodies.items()}
    client.until(lambda: client.ended == set(streams) and client.settled)
    assert client.answers == {stream: body for stream, body in streams.items() if body}
    assert {head[":status"] for head in client.heads.values()} == {"200"}


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 32_768, 65_535, 65_536, 200_000])
def test_bodies_about_the_length_of_a_frame(connect: Connect, size: int) -> None:
    client = connect(tape_of({"/": b"x" * size}), 1 << 20)
    client.until(lambda: client.settled)
    stream = client.ask("/")
    client.until(lambda: stream in client.ended)
    assert client.answers[stream] == b"x" * size


def test_an_upload_is_taken_whole_and_told_by_its_content(connect: Connect) -> None:
    body = random.Random(1).randbytes(3_000_000)
    tape = Tape()
    tape.command(1)
    tape.post(URL + "/", body, b"taken")
    client = connect(tape)
    stream = client.ask("/", method="POST", end=False)
    at = 0
    while at < len(body):
        room = min(client.h2.local_flow_control_window(stream), client.h2.max_outbound_frame_size)
        padding = at % 7 if room > 100 else None
        if room:
            room -= 0 if padding is None else padding + 1
            client.h2.send_data(stream, body[at : at + room], pad_length=padding)
            at += room
            client.socket.sendall(client.h2.data_to_send())
        else:
            client.until(lambda: client.h2.local_flow_control_window(stream) > 0)
    client.h2.send_headers(stream, [("x-sum", "1")], end_stream=True)
    client.until(lambda: stream in client.ended)
    assert client.answers[stream] == b"taken"


def test_long_heads_come_in_continuations(connect: Connect) -> None:
    client = connect(tape_of({"/": b"here"}))
    stream = client.ask("/", *[(f"x-{n}", "y" * 4000) for n in range(20)])
    client.until(lambda: stream in client.ended)
    assert client.answers[stream] == b"here"


def test_a_cancelled_answer_leaves_the_others_alone(connect: Connect) -> None:
    client = connect(tape_of({"/long": b"l" * 500_000, "/short": b"s"}))
    long = client.ask("/long")
    client.h2.reset_stream(long)
    short = client.ask("/short")
    client.until(lambda: short in client.ended)
    client.h2.ping(b"12345678")
    client.h2.prioritize(short + 2, weight=3)
    again = client.ask("/short")
    client.until(lambda: again in client.ended)
    assert client.answers[short] == client.answers[again] == b"s"


def test_more_streams_than_allowed_are_refused(connect: Connect) -> None:
    client = connect(tape_of({"/": b"x"}))
    open_ones = [client.ask("/", method="POST", end=False) for _ in range(130)]
    client.until(lambda: len(client.resets) == 2)
    assert client.resets == dict.fromkeys(open_ones[128:], Code.REFUSED)


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return frames.frame(kind, flags, stream, payload)


HEAD = frames.block(
    ((b":method", b"GET"), (b":scheme", b"http"), (b":authority", b"a.example"), (b":path", b"/"))
)
WRONG = {
    "no preface": (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", Code.PROTOCOL),
    "a frame too long": (b"\x00\x40\x01\x00\x00\x00\x00\x00\x01", Code.FRAME_SIZE),
    "an even stream": (frame(Kind.HEADERS, 5, 2, HEAD), Code.PROTOCOL),
    "stream zero": (frame(Kind.HEADERS, 5, 0, HEAD), Code.PROTOCOL),
    "data before a head": (frame(Kind.DATA, 1, 1, b"x"), Code.PROTOCOL),
    "a lonely continuation": (frame(Kind.CONTINUATION, 4, 1, HEAD), Code.PROTOCOL),
    "something between head and continuation": (
        frame(Kind.HEADERS, 1, 1, HEAD) + frame(Kind.PING, 0, 0, b"12345678"),
        Code.PROTOCOL,
    ),
    "a head without end": (
        frame(Kind.HEADERS, 1, 1, HEAD) + frame(Kind.CONTINUATION, 0, 1, b"\x00") * 100,
        Code.TOO_MUCH,
    ),
    "no header block": (frame(Kind.HEADERS, 5, 1, b"\xff\xff\xff\xff"), Code.COMPRESSION),
    "an empty name's block": (frame(Kind.HEADERS, 5, 1, b"\x80"), Code.COMPRESSION),
    "more padding than frame": (frame(Kind.HEADERS, 0xD, 1, b"\xff" + HEAD), Code.PROTOCOL),
    "a short ping": (frame(Kind.PING, 0, 0, b"1"), Code.FRAME_SIZE),
    "half a setting": (frame(Kind.SETTINGS, 0, 0, b"\x00\x04\x00"), Code.FRAME_SIZE),
    "too wide a start": (frame(Kind.SETTINGS, 0, 0, b"\x00\x04\xff\xff\xff\xff"), Code.FLOW_CONTROL),
    "too wide a window": (frames.number(Kind.WINDOW_UPDATE, 0, frames.MOST_WINDOW), Code.FLOW_CONTROL),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_http2_ends_the_connection_and_says_why(play: Play, name: str) -> None:
    said, code = WRONG[name]
    stage = play(tape_of({"/": b"x"}))
    with stage.connect() as client:
        client.sendall(said if name == "no preface" else frames.PREFACE + frame(Kind.SETTINGS) + said)
        client.shutdown(socket.SHUT_WR)
        answered, _ = frames.split(everything(client))
    assert (answered[-1].kind, answered[-1].payload[4:]) == (Kind.GOAWAY, code.to_bytes(4))


@pytest.mark.slow
def test_who_reads_nothing_gets_no_more_answers(play: Play) -> None:
    """Memory must not grow with what a client asks for and does not take."""
    stage = play(tape_of({"/": b"x" * 60_000}))
    with stage.connect() as client:
        client.settimeout(2)
        wide = frames.number(Kind.WINDOW_UPDATE, 0, 1 << 30)
        client.sendall(frames.PREFACE + frame(Kind.SETTINGS) + wide)
        flood = (
            frame(Kind.HEADERS, 5, 2 * n + 1, HEAD) + frame(Kind.PING, 0, 0, b"12345678") * 50
            for n in range(200_000)
        )
        with pytest.raises(TimeoutError):
            deque(map(client.sendall, flood), maxlen=0)
    assert len(stage.stop().served) < 2000


@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=40)))
)
def test_frames_come_apart_as_they_were_put_together(parts: list[tuple[int, int, int, bytes]]) -> None:
    data = b"".join(frame(*part) for part in parts)
    try:
        found, end = frames.split(data)
    except ConnectionFault:
        return
    assert end == len(data)
    assert [(one.kind, one.flags, one.stream, one.size) for one in found] == [
        (*p[:3], len(p[3])) for p in parts
    ]


@pytest.mark.parametrize("seed", range(20))
def test_noise_ends_a_connection_and_nothing_else(play: Play, seed: int) -> None:
    r = random.Random(seed)
    stage = play(tape_of({"/": b"x"}))
    noise = b"".join(
        frame(
            r.randrange(11),
            r.choice((0, 1, 4, 5, 8, 13, 32)),
            r.randrange(6),
            r.choice((HEAD, r.randbytes(6), b"")),
        )
        for _ in range(200)
    )
    with stage.connect() as client:
        client.sendall(frames.PREFACE + noise)
        client.shutdown(socket.SHUT_WR)
        everything(client)
    assert stage.curl("--http2-prior-knowledge", URL + "/").stdout == b"x"
