"""Recorded names have addresses; no others exist."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import Stage
from tape import Tape

from recorder.trace.events import NameAsked
from replay.players.network.names import Names, Told

A, PTR, AAAA = 1, 12, 28


def query(name: str, kind: int = A, *, number: int = 7) -> bytes:
    labels = b"".join(bytes((len(part),)) + part.encode() for part in name.split("."))
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def answered(names: Names, name: str, kind: int = A) -> tuple[int, bytes]:
    """(code, data of the one answer)"""
    asked = query(name, kind)
    said = names.answer(asked)
    assert said is not None
    number, flags, questions, answers, _, _ = struct.unpack("!6H", said[:12])
    assert (number, flags & 0x8000, questions) == (7, 0x8000, 1)
    assert said[12 : len(asked)] == asked[12:]
    return flags & 15, said[len(asked) + 12 :] if answers else b""


def made(unknown: Callable[[str], None] = lambda name: None) -> Names:
    return Names(["b.example", "a.example", "203.0.113.7", "::1"], ["gone.example"], unknown)


def test_each_recorded_name_has_an_address_of_its_own_always_the_same() -> None:
    names = made()
    [a], [b] = names.addresses_of("a.example"), names.addresses_of("b.example")
    assert a != b
    assert answered(names, "A.Example") == (0, socket.inet_aton(a))
    assert names.name_of(a) == "a.example"
    assert made().addresses_of("a.example") == [a]


def test_other_kinds_of_records_are_none_but_the_name_is_there() -> None:
    assert answered(made(), "a.example", AAAA) == (0, b"")


def test_names_never_recorded_do_not_exist_and_are_told_once() -> None:
    told: list[str] = []
    names = made(told.append)
    assert answered(names, "new.example") == (3, b"")
    assert answered(names, "NEW.example", AAAA) == (3, b"")
    assert told == ["new.example"]


def test_names_that_did_not_exist_then_do_not_now_and_nobody_wonders() -> None:
    told: list[str] = []
    assert answered(made(told.append), "gone.example") == (3, b"")
    assert told == []


def test_names_that_cannot_exist_are_nobodys_wonder() -> None:
    """RFC 6761: there is nothing below `invalid`."""
    told: list[str] = []
    names = made(told.append)
    assert answered(names, "no.such.invalid") == (3, b"")
    assert answered(names, "invalid.example") == (3, b"")
    assert told == ["invalid.example"]


def test_addresses_have_their_names() -> None:
    names = made()
    [a] = names.addresses_of("a.example")
    assert a is not None
    asked = ".".join(reversed(a.split("."))) + ".in-addr.arpa"
    assert answered(names, asked, PTR) == (0, b"\x01a\x07example\0")
    assert answered(names, "9.9.9.9.in-addr.arpa", PTR)[0] == 3


@pytest.mark.parametrize(
    "data",
    [b"", bytes(12), query("a.example")[:-1], query("a.example")[:12] + b"\xc0\x0c\0\1\0\1", b"\xff" * 512],
)
def test_what_is_no_query_breaks_nothing(data: bytes) -> None:
    said = made().answer(data)
    assert said is None or said[3] & 15 in (1, 4)


@given(st.binary(max_size=600))
def test_any_bytes_break_nothing(data: bytes) -> None:
    made().answer(data)
    made().answer(query("a.example")[:12] + data)


def test_over_udp_from_the_address_that_was_asked_and_over_tcp(play: Callable[..., Stage]) -> None:
    tape = Tape()
    tape.command(1)
    tape.get("http://a.example/")
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("0.0.0.0", 0))
    port = bound.getsockname()[1]
    stage = play(tape, names=(bound, socket.create_server(("127.0.0.1", 0))))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.8.8.8", port))  # takes answers from there only
        client.send(query("a.example"))
        by_udp = client.recv(512)
    with socket.create_connection(("127.0.0.1", stage.name_port), timeout=10) as client:
        asked = query("a.example")
        client.sendall(struct.pack("!H", len(asked)) + asked)
        assert client.recv(512) == struct.pack("!H", len(by_udp)) + by_udp
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        client.send(query("never.example"))
        assert client.recv(512)[3] & 15 == 3
    assert [one.asked for one in stage.stop().refused] == ["the name never.example"]


def test_what_was_told_is_told_again_in_order_and_the_last_for_ever() -> None:
    told = {
        ("a.example", "A"): [Told(("192.0.2.1", "192.0.2.2"), 0), Told(("192.0.2.9",), 0)],
        ("a.example", "AAAA"): [Told((), 0)],
        ("gone.example", "A"): [Told((), 3)],
    }
    unknown: list[str] = []
    names = Names(["a.example", "b.example"], [], unknown.append, told)
    first = names.answer(query("A.example"))
    assert first is not None
    assert first.endswith(socket.inet_aton("192.0.2.2"))
    assert struct.unpack_from("!H", first, 6) == (2,)
    for _ in range(2):
        assert answered(names, "a.example") == (0, socket.inet_aton("192.0.2.9"))
    assert answered(names, "a.example", AAAA) == (0, b"")
    assert answered(names, "a.example", 65) == (0, b"")
    assert answered(names, "gone.example") == (3, b"")
    assert [names.name_of(f"192.0.2.{n}") for n in (1, 2, 9)] == ["a.example"] * 3
    assert names.addresses_of("a.example") == ["192.0.2.1", "192.0.2.2", "192.0.2.9"]
    assert answered(names, "b.example")[0] == 0
    assert unknown == []


def test_what_a_stranger_says_was_told_is_checked() -> None:
    tape = Tape()
    for kind, addresses in (("A", ["1.2.3", "::1", "192.0.2.1", "x" * 9000]), ("AAAA", ["192.0.2.1", "::2"])):
        tape.events.append(
            NameAsked(t=tape.now, source="proxy", name="A.example.", type=kind, addresses=addresses, code=99)
        )
    names = tape.recording().names
    assert names["a.example", "A"] == [Told(("192.0.2.1",), 2)]
    assert names["a.example", "AAAA"] == [Told(("::2",), 2)]
