"""The screen as its users see it: any bytes, any division, bounded cost, state and history."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.trace.screen import MAX_COLS, MAX_ROWS, Modes, Screen

TEXTS = [
    "a",
    "text, longer than any row here",
    "コ",
    "世界 wide",
    "e\u0301",
    "👩‍💻",
    "\x9b",
    "1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n",
]
CONTROLS = ["\r\n", "\r\n" * 7, *"\n\r\b\t\x0e\x0f\x07\x00\x7f\x18\x1a\x1b"]
ESCAPES = r"[ ] P _ ^ X \ (0 (B )0 #8 7 8 c D E M H n o P$qm P+q544E;zz ]0;title ]2;more ]11;?"
CSI = (
    "H 3;3H 99;99H 1:2:3H 2;4r r J 1J 2J 3J K 1K 2K 5L 2M 3@ 3P 3X 2S 2T 7b 2I 2Z s u A 2B 3C 9D E F 5G 2d 3g !p "
    "?1049h ?1049l ?47h ?47l ?1047h ?1047l ?6h ?6l ?7l ?7h 4h 4l 20h ?1h ?2004h ?25l 41m 0m ;;;;m 38:2::1:2:3m 38;2;1m "
    "48;5;999m >1u <u =5;2u ?u c >c 6n ?2026$p 4$p >q 18t"
)
PIECES = [
    *(text.encode() for text in TEXTS + CONTROLS),
    *(b"\x1b" + escape.encode() for escape in ESCAPES.split()),
    *(b"\x1b[" + csi.encode() for csi in CSI.split()),
    b"\x1b\\",
    b"\xff",
    b"\xe3\x82",
    b"\xf0\x9f",
]
STREAMS = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=6)), max_size=40).map(b"".join)


def everything(screen: Screen) -> tuple[object, ...]:
    return (
        screen.lines(), screen.history_lines(), screen.cursor, screen.cursor_visible, screen.alternate, screen.modes,
        screen.title,
    )  # fmt: skip


def fed(*parts: bytes, cols: int = 10, rows: int = 4, history: int = 0) -> Screen:
    screen = Screen(cols, rows, history=history)
    for part in parts:
        screen.feed(part)
    return screen


@settings(max_examples=120, deadline=None)
@given(STREAMS, st.integers(1, 12), st.integers(1, 6), st.sampled_from([0, 3]), st.data())
def test_any_division_gives_the_same(
    data: bytes, cols: int, rows: int, history: int, choice: st.DataObject
) -> None:
    replies: list[list[bytes]] = [[], [], []]
    whole, single, split = (Screen(cols, rows, answer=replies[n].append, history=history) for n in range(3))
    whole.feed(data)
    for byte in data:
        single.feed(bytes([byte]))
    at = 0
    while at < len(data):
        step = choice.draw(st.integers(1, 20))
        split.feed(data[at : at + step])
        at += step
    assert everything(whole) == everything(single) == everything(split)
    assert replies[0] == replies[1] == replies[2]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(STREAMS, st.tuples(st.integers(-1, 15), st.integers(-1, 9))), max_size=12))
def test_shape_holds_over_resizes(steps: list[bytes | tuple[int, int]]) -> None:
    screen = Screen(8, 3, history=5, answer=lambda reply: None)
    for step in steps:
        if isinstance(step, bytes):
            screen.feed(step)
        else:
            screen.resize(*step)
            assert screen.size == (max(1, step[0]), max(1, step[1]))
        cols, rows = screen.size
        x, y = screen.cursor
        assert 0 <= x <= screen._emulator.cursor.x <= cols
        assert 0 <= y < rows
        assert len(screen.lines()) == rows
        assert len(screen.history_lines()) <= 5
        for row in screen._emulator.grid.rows:
            assert len(row.chars) == len(row.styles) == cols
            assert row.chars[0] != "", "half of a wide character stands alone"


def test_random_bytes_never_raise() -> None:
    chance = random.Random(7)
    screen = Screen(20, 5, answer=lambda reply: None, history=10)
    for _ in range(300):
        pieces = [
            chance.choice(PIECES) if chance.random() < 0.6 else chance.randbytes(chance.randrange(9))
            for _ in range(40)
        ]
        screen.feed(b"".join(pieces))
        screen.lines()


@pytest.mark.parametrize(
    "unit",
    [
        *(b"\x1b[99999999" + final.encode() for final in "bSTLMABCDEFG@XPIZdHfr"),
        *(
            b"\x1b" + escape
            for escape in (b"[2J", b"#8", b"7", b"[>31u", b"[?99999h", b"c", b"[?1049h\x1b[?1049l")
        ),
        b"x\x1b[99999999b",
        b"\x1b[4hx\x1b[99999999b",
        b"\x1b[" + b"1;" * 200 + b"m",
        b"\x1b]0;" + b"x" * 5000 + b"\x07",
        b"x" + "\u0301".encode() * 500,
        b"\t\x1bH",
    ],
)
def test_hostile_repetition_is_bounded(unit: bytes) -> None:
    screen = Screen(500, 60, history=100)
    data = unit * (10_000 // len(unit))
    began = time.process_time()
    screen.feed(data)
    assert time.process_time() - began < 5


def test_unended_sequences_are_bounded() -> None:
    for start in (b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1b[", b"\x1b[1;", b"\x1b(!"):
        screen = fed(start)
        for _ in range(20):
            screen.feed(b" " * 10_000)
        assert len(screen._parser._body) <= 4096
        screen.feed(b"\x18\x1b\\ok")
        assert screen.lines()[screen.cursor[1]].endswith("ok")


def test_impossible_sizes_are_clamped() -> None:
    screen = Screen(1_000_000, 1_000_000)
    assert screen.size == (MAX_COLS, MAX_ROWS)
    screen.feed(b"\x1b[8;100000;100000t\x1b[?3hx")
    assert screen.size == (MAX_COLS, MAX_ROWS)
    assert Screen(0, -5).size == (1, 1)
    assert fed("コx".encode(), cols=1, rows=1).lines() == ("x",)


def test_lines_keep_their_place() -> None:
    assert fed(b"\x1b[3;2Hx  ").lines() == ("", "", " x", "")


def test_history_holds_what_left_the_main_screen() -> None:
    screen = fed(b"".join(b"%d\r\n" % n for n in range(10)), history=3)
    assert screen.history_lines() == ("4", "5", "6")
    assert screen.lines() == ("7", "8", "9", "")
    screen.feed(b"\x1b[?1049h" + b"\r\n" * 9 + b"\x1b[?1049l")
    assert screen.history_lines() == ("4", "5", "6")
    screen.feed(b"\x1b[3J")
    assert screen.history_lines() == ()
    assert fed(b"1\r\n2\r\n3\r\n4\r\n5").history_lines() == ()


def test_skipped_lines_leave_the_same_screen_as_drawn_ones() -> None:
    lines = b"".join(b"%d %s\r\n" % (n, b"w" * (n % 23)) for n in range(200))
    at_once = fed(b"before", lines, b"\x1b[3b", history=7)
    slowly = fed(b"before", *(lines[n : n + 1] for n in range(len(lines))), b"\x1b[3b", history=7)
    assert everything(at_once) == everything(slowly)


def test_resize_cuts_and_adds_without_reflow() -> None:
    screen = fed(b"1\r\n2\r\nthree", history=9)
    screen.resize(3, 2)
    assert (screen.lines(), screen.cursor, screen.history_lines()) == (("2", "thr"), (2, 1), ("1",))
    screen.resize(10, 4)
    assert (screen.lines(), screen.cursor) == (("2", "thr", "", ""), (2, 1))
    screen.feed(b"\x1b[?1049h")
    screen.resize(10, 1)
    screen.feed(b"\x1b[?1049l")
    assert (screen.lines(), screen.cursor) == (("thr",), (2, 0))


def test_modes_title_and_cursor_visibility() -> None:
    screen = fed(b"\x1b]0;one\x07")
    assert (screen.modes, screen.title, screen.cursor_visible) == (Modes(False, False), "one", True)
    screen.feed(b"\x1b[?1;2004h\x1b]2;t\xc3\xbc;o\x1b\\\x1b[?25l")
    assert (screen.modes, screen.title, screen.cursor_visible) == (Modes(True, True), "tü;o", False)
    screen.feed(b"\x1b[!p")
    assert (screen.modes, screen.cursor_visible) == (Modes(True, False), True)
    screen.feed(b"\x1bc")
    assert (screen.modes, screen.title) == (Modes(False, False), "")


def test_tab_stops_beyond_a_narrowed_screen() -> None:
    screen = fed(cols=30)
    screen.resize(12, 4)
    screen.feed(b"\x1b[3Ix\xcc\x81")
    assert (screen.lines()[0], screen.cursor) == (" " * 11 + "x\u0301", (11, 0))
    screen.feed(b"\r\x1b[9I\x1b[2Zy")
    assert screen.cursor == (1, 0)


def test_alternate_screen_is_known() -> None:
    assert not fed(b"x").alternate
    assert fed(b"\x1b[?1049h").alternate
    assert not fed(b"\x1b[?1049h\x1bc").alternate


def test_styles_are_read_right() -> None:
    screen = fed(
        b"\x1b[38:2::255:1:2mA\x1b[38:5:1mB\x1b[0;4:0mC\x1b[4:3mD\x1b[58;5;5mE\x1b[38;2;1;2mF\x1b[mG\x1b[58;5;1mH"
    )
    styles = screen._emulator.grid.rows[0].styles
    assert [styles[n].fg for n in (0, 1, 2, 6)] == ["ff0102", "cd0000", "default", "default"]
    assert [styles[n].underscore for n in (2, 3, 4, 6)] == [False, True, True, False]
    assert (styles[4].blink, styles[7].bold) == (False, False)
