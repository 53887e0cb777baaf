"""Replies of terminals, as recorded from real ones, told from keys; cut at every byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.sources.terminal.replies import ReplyParser, asks

REPLIES = {
    "primary attributes": b"\x1b[?62;1;2;6;22c",
    "secondary attributes": b"\x1b[>41;354;0c",
    "cursor position": b"\x1b[24;80R",
    "mode report": b"\x1b[?2026;2$y",
    "ANSI mode report": b"\x1b[4;1$y",
    "status": b"\x1b[0n",
    "colour scheme": b"\x1b[?997;1n",
    "kitty keyboard flags": b"\x1b[?5u",
    "background colour": b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\",
    "foreground colour, bell": b"\x1b]10;rgb:ffff/ffff/ffff\x07",
    "clipboard": b"\x1b]52;c;aGVsbG8=\x07",
    "XTVERSION": b"\x1bP>|kitty(0.35.2)\x1b\\",
    "tertiary attributes": b"\x1bP!|00000000\x1b\\",
    "DECRQSS": b"\x1bP1$r0m\x1b\\",
    "XTGETTCAP": b"\x1bP1+r544e=787465726d\x1b\\",
    "kitty graphics": b"\x1b_Gi=31;OK\x1b\\",
    "focus in": b"\x1b[I",
    "focus out": b"\x1b[O",
    "window size": b"\x1b[8;24;80t",
    "graphics": b"\x1b[?2;0;1000;1000S",
}
KEYS = {
    "letters": b"hello",
    "arrow": b"\x1b[A",
    "application arrow": b"\x1bOA",
    "ctrl-right": b"\x1b[1;5C",
    "delete": b"\x1b[3~",
    "F5": b"\x1b[15~",
    "shift-F3": b"\x1b[1;2R",
    "alt-f": b"\x1bf",
    "alt-]": b"\x1b]",
    "alt-P": b"\x1bP",
    "alt-[": b"\x1b[",
    "escape": b"\x1b",
    "two escapes": b"\x1b\x1b",
    "mouse": b"\x1b[<0;10;5M",
    "kitty key": b"\x1b[97;5u",
    "paste": b"\x1b[200~\x1b[?62c and \x1b]11;x\x07\x1b[201~",
    "UTF-8": "žluťoučký 🐎".encode(),
    "every byte": bytes(range(256)),
}


def parse(parts: list[bytes], *, expect: bool = True) -> list[tuple[bytes, bool]]:
    parser = ReplyParser()
    if expect:
        parser.expect(position=True)
    pieces = [piece for part in parts for piece in parser.feed(part)]
    pieces += parser.flush()
    joined: list[tuple[bytes, bool]] = []
    for data, reply in pieces:
        if joined and joined[-1][1] == reply:
            joined[-1] = joined[-1][0] + data, reply
        else:
            joined.append((data, reply))
    return joined


@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_is_one_whole_and_cut_at_every_byte(name: str) -> None:
    reply = REPLIES[name]
    assert parse([reply]) == [(reply, True)]
    assert parse([b"a", reply, b"b"]) == [(b"a", False), (reply, True), (b"b", False)]
    assert parse([b"a" + reply + b"\r"]) == [(b"a", False), (reply, True), (b"\r", False)]
    for cut in range(1, len(reply)):
        assert parse([reply[:cut], reply[cut:]]) == [(reply, True)], cut
    assert parse([reply[i : i + 1] for i in range(len(reply))]) == [(reply, True)]


@pytest.mark.parametrize("name", KEYS)
def test_a_key_is_no_reply(name: str) -> None:
    keys = KEYS[name]
    assert parse([keys], expect=False) == [(keys, False)]
    assert parse([keys], expect=False) == parse([keys + b""], expect=False)


def test_an_escape_is_kept_back_only_where_an_answer_is_due() -> None:
    parser = ReplyParser()
    assert parser.feed(b"\x1b") == [(b"\x1b", False)]
    parser.expect(position=False)
    assert parser.feed(b"\x1b") == []
    assert parser.pending == b"\x1b"


def test_a_paste_stays_one_when_its_end_is_cut() -> None:
    paste = KEYS["paste"]
    for cut in range(6, len(paste)):
        assert parse([paste[:cut], paste[cut:], REPLIES["status"]]) == [
            (paste, False),
            (REPLIES["status"], True),
        ], cut


@given(
    st.lists(st.sampled_from([*REPLIES.values(), *KEYS.values(), b"\x1b", b"[", b"]0", b"\x07", b"\\"])),
    st.data(),
)
def test_nothing_is_lost_or_added_however_it_is_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    edges = [0, *cuts, len(whole)]
    pieces = parse([whole[a:b] for a, b in pairwise(edges)])
    assert b"".join(piece for piece, _ in pieces) == whole


@pytest.mark.parametrize(
    ("output", "query", "position"),
    [
        (b"\x1b[c", True, False),
        (b"text\x1b[6n", True, True),
        (b"\x1b]11;?\x1b\\", True, False),
        (b"\x1b[?2026$p", True, False),
        (b"\x1b[>q", True, False),
        (b"\x1bP+q544e\x1b\\", True, False),
        (b"\x1b[1;31mred\x1b[0m", False, False),
        (b"plain", False, False),
    ],
)
def test_queries_are_seen(output: bytes, query: bool, position: bool) -> None:
    assert asks(output) == (query, position)
