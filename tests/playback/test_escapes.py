"""What reaches a viewer's terminal: only what the allow-list names, however the input is divided."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.trace.screen import Screen
from replay.report.escapes import EscapeFilter

ALLOWED = re.compile(
    rb"[\x20-\x7e\x80-\xff]"
    rb"|[\b\t\n\v\f\r\x0e\x0f]"
    rb"|\x1b(?:[78DEM]|#8|[()][0AB])"
    rb"|\x1b\[[0-9:;]*m"
    rb"|\x1b\[(?:[0-9]{1,4})?(?:;[0-9]{1,4})?[@ABCDEFGHIJKLMPSTXZ`abdefrsu]"
    rb"|\x1b\[4[hl]"
    rb"|\x1b\[\?(?:6|7|25|47|1047|1048|1049)[hl]"
)
"""Written apart from the filter, as a reader of its output would."""


def is_harmless(out: bytes) -> bool:
    at = 0
    while at < len(out):
        found = ALLOWED.match(out, at)
        if found is None:
            return False
        at = found.end()
    return not re.search(rb"\x1b\[[3-9][0-9]*J|\x1b\[[0-9]+;[0-9]*T", out) and out.decode("utf-8") is not None


def shown(data: bytes) -> bytes:
    return EscapeFilter().feed(data)


MOVES = "1;31m m 38:2::1:2:3m 0m 2J K 3;4H 2;10r ?1049h ?25l 4h 5@ 3P s u 7b 2T"
PASSES = [
    b"plain text\r\n",
    b"tab\tback\b",
    "wide コ e\u0301".encode(),
    b"\x0e\x0f",
    *(b"\x1b[" + csi.encode() for csi in MOVES.split()),
    *(b"\x1b" + escape for escape in (b"7", b"8", b"M", b"D", b"E", b"#8", b"(0lqk\x1b(B")),
]
OSC = "52;c;cm0gLXJm 0;title 2;title 8;;http://evil 10;? 11;#000 4;1;? 7;file:/// 133;A 9;notify 1337;File=x l L"
DEVICE_STRINGS = "Pq#0~ P$qm P+q544e Ptmux; _Ga=q;AAAA ^private Xany"
QUERIES = "c >c =c 6n 5n ?6n ?15n >q x ?2004$p 4$p ?u 14t 18t 21t 1$r"
EFFECTS = (
    "8;1;1t 2t 22;0t >1u <u =1u 5i ?4i 3J ?1000h ?1002;1006h ?2004h ?1h ?3h ?5h ?9h ?1004h ?69h ?2026h 20h 2h 0q "
    ">4;2m ?4m 1;2;3;4;5T 3g 1;10s 1;2'z 1:2H"
)
VANISHES = [
    *(b"\x1b]" + osc.encode() + end for osc in OSC.split() for end in (b"\x07", b"\x1b\\")),
    *(b"\x1b" + string.encode() + b"\x1b\\" for string in DEVICE_STRINGS.split()),
    *(b"\x1b[" + csi.encode() for csi in (QUERIES + " " + EFFECTS).split()),
    *(b"\x1b" + escape for escape in (b"Z", b"H", b"=", b">", b"%G", b"N", b"O", b"n", b"|", b" F", b"[5 q")),
    *(b"\x05", b"\x07", b"\x00", b"\x7f", b"\x18", b"\x11\x13", b"\xc2\x9b", b"\xc2\x9d", b"\xc2\x90"),
    b"\x1b[" + b"1;" * 300 + b"m",
]


@pytest.mark.parametrize("data", PASSES)
def test_passes_unchanged(data: bytes) -> None:
    assert shown(data) == data
    assert is_harmless(data)


@pytest.mark.parametrize("data", VANISHES)
def test_vanishes(data: bytes) -> None:
    assert shown(b"a" + data + b"b") == b"ab"


def test_what_a_dropped_sequence_hides_is_dropped_too() -> None:
    assert shown(b"a\x1b]0;\x1b]52;c;eA==\x07b") == b"ab"
    assert shown(b"a\x1bP\x1b[6nb") == b"ab"
    assert shown(b"a\x1b[\x1b]52;c;eA==\x07b") == b"ab"
    assert shown(b"a\x1b]52;c;eA==\xc2\x9c\x1b\\b") == b"ab"
    assert shown(b"a\x9b6n\x9d52;c;x\x07") == "a\ufffd6n\ufffd52;c;x".encode()


def test_some_are_replaced() -> None:
    assert shown(b"\x1b[?25;1000;2004;1049h") == b"\x1b[?25h\x1b[?1049h"
    assert shown(b"\x1b[99999999999;5;7H") == b"\x1b[9999;5H"
    assert shown(b"\xff\xfe") == "\ufffd\ufffd".encode()
    full_reset = shown(b"\x1b[?1049hx\x1bc")
    assert full_reset.endswith(b"\x1b[H\x1b[2J")
    assert b"\x1bc" not in full_reset
    assert is_harmless(shown(b"\x1b[!p"))


@pytest.mark.parametrize(
    "mess",
    [
        b"\x1b[31m",
        b"\x1b[?25l",
        b"\x1b[?1049h",
        b"\x1b[?47h",
        b"\x1b[2;3r",
        b"\x1b[4h\x1b[?7l\x1b[?6h",
        b"\x1b(0",
        b"\x1b)0\x0e",
    ],
)
def test_restore_undoes_what_was_let_through(mess: bytes) -> None:
    filter_ = EscapeFilter()
    screen = Screen(10, 5)
    screen.feed(b"before" + filter_.feed(mess) + filter_.restore())
    assert screen.lines()[0] == "before"
    assert screen.cursor_visible
    assert not screen.alternate
    assert filter_.restore() == b""
    screen.feed(b"\x1b[H\x1b[2J" + b"q" * 12 + b"\x1b[5;1H\n\nend\rE")
    assert screen.lines() == ("", "", "", "", "End")
    assert screen._emulator.cursor.attrs.fg == "default"


def test_restore_of_plain_text_is_nothing() -> None:
    filter_ = EscapeFilter()
    assert filter_.feed(b"plain\r\n\x1b]0;t\x07") == b"plain\r\n"
    assert filter_.restore() == b""


HOSTILE = st.lists(st.one_of(st.sampled_from(PASSES + VANISHES), st.binary(max_size=8)), max_size=30).map(
    b"".join
)


@settings(max_examples=200, deadline=None)
@given(HOSTILE)
def test_output_is_harmless(data: bytes) -> None:
    filter_ = EscapeFilter()
    out = filter_.feed(data) + filter_.restore()
    assert is_harmless(out)


@settings(max_examples=80, deadline=None)
@given(HOSTILE, st.data())
def test_any_division_gives_the_same(data: bytes, choice: st.DataObject) -> None:
    split, single = EscapeFilter(), EscapeFilter()
    parts = []
    at = 0
    while at < len(data):
        step = choice.draw(st.integers(1, 12))
        parts.append(split.feed(data[at : at + step]))
        at += step
    assert b"".join(parts) == shown(data) == b"".join(single.feed(bytes([byte])) for byte in data)


@settings(max_examples=100, deadline=None)
@given(HOSTILE)
def test_filtering_twice_changes_nothing(data: bytes) -> None:
    assert shown(shown(data)) == shown(data)


def test_unended_strings_take_bounded_memory() -> None:
    filter_ = EscapeFilter()
    assert filter_.feed(b"\x1b]52;c;" + b"A" * 10_000_000) == b""
    assert len(filter_._parser._body) <= 4096
    assert filter_.feed(b"\x07ok") == b"ok"
