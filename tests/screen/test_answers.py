"""What a screen answers, the table row by row, and that it can answer like the terminal that was recorded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.trace.answers import SILENT, Answers
from recorder.trace.screen import Screen


def replies(data: bytes, answers: Answers | None = None) -> bytes:
    got: list[bytes] = []
    Screen(80, 24, answer=got.append, answers=answers).feed(data)
    return b"".join(got)


TABLE = [
    (b"\x1b[c", b"\x1b[?62;22c"),
    (b"\x1b[0c", b"\x1b[?62;22c"),
    (b"\x1bZ", b"\x1b[?62;22c"),
    (b"\x1b[>c", b"\x1b[>1;10;0c"),
    (b"\x1b[>0c", b"\x1b[>1;10;0c"),
    (b"\x1b[=c", b"\x1bP!|00000000\x1b\\"),
    (b"\x1b[>q", b"\x1bP>|reenact 1\x1b\\"),
    (b"\x1b[>0q", b"\x1bP>|reenact 1\x1b\\"),
    (b"\x1b[5n", b"\x1b[0n"),
    (b"\x1b[3;5H\x1b[6n", b"\x1b[3;5R"),
    (b"\x1b[3;5H\x1b[?6n", b"\x1b[?3;5R"),
    (b"\x1b[5;9r\x1b[?6h\x1b[2;1H\x1b[6n", b"\x1b[2;1R"),
    (b"x" * 80 + b"\x1b[6n", b"\x1b[1;80R"),
    (b"\x1b[999;999H\x1b[6n", b"\x1b[24;80R"),
    (b"\x1b[?996n", b"\x1b[?997;1n"),
    (b"\x1b[?2026$p", b"\x1b[?2026;2$y"),
    (b"\x1b[?2026h\x1b[?2026$p", b"\x1b[?2026;1$y"),
    (b"\x1b[?1049h\x1b[?1047$p", b"\x1b[?1047;1$y"),
    (b"\x1b[?7$p", b"\x1b[?7;1$y"),
    (b"\x1b[?31337$p", b"\x1b[?31337;0$y"),
    (b"\x1b[4h\x1b[4$p", b"\x1b[4;1$y"),
    (b"\x1b[20$p", b"\x1b[20;2$y"),
    (b"\x1b[?u", b"\x1b[?0u"),
    (b"\x1b[>5u\x1b[?u", b"\x1b[?5u"),
    (b"\x1b[>5u\x1b[=2;2u\x1b[?u\x1b[<u\x1b[?u", b"\x1b[?7u\x1b[?0u"),
    (b"\x1b[>5u\x1b[?1049h\x1b[?u", b"\x1b[?0u"),
    (b"\x1b[<99u\x1b[?u", b"\x1b[?0u"),
    (b"\x1b[14t", b"\x1b[4;480;800t"),
    (b"\x1b[16t", b"\x1b[6;20;10t"),
    (b"\x1b[18t", b"\x1b[8;24;80t"),
    (b"\x1b[19t", b"\x1b[9;24;80t"),
    (b"\x1b]11;?\x07", b"\x1b]11;rgb:0000/0000/0000\x07"),
    (b"\x1b]10;?\x1b\\", b"\x1b]10;rgb:d0d0/d0d0/d0d0\x1b\\"),
    (b"\x1bP+q544E\x1b\\", b"\x1bP1+r544E=787465726D2D323536636F6C6F72\x1b\\"),
    (b"\x1bP+q436F;6162\x1b\\", b"\x1bP1+r436F=323536\x1b\\\x1bP0+r6162\x1b\\"),
    (b"\x1bP$qm\x1b\\", b"\x1bP1$r0m\x1b\\"),
    (b"\x1bP$q q\x1b\\", b"\x1bP1$r2 q\x1b\\"),
    (b"\x1bP$qx\x1b\\", b"\x1bP0$r\x1b\\"),
    # never answered
    (b"\x1b]0;rm -rf\x07\x1b[21t\x1b[20t", b""),
    (b"\x1b]52;c;?\x07", b""),
    (b"\x05", b""),
    (b"\x1b[1c\x1b[7n\x1b[14;2t\x1b]11;#fff\x07\x1bP+qzz\x1b\\\x1bP+q\x1b\\", b""),
]


@pytest.mark.parametrize(("query", "reply"), TABLE)
def test_reply(query: bytes, reply: bytes) -> None:
    assert replies(query) == reply


@pytest.mark.parametrize("query", [query for query, _ in TABLE])
def test_silence(query: bytes) -> None:
    assert replies(query, SILENT) == b""


ALL = b"".join(query for query, _ in TABLE)


def test_the_recorded_terminal_is_met_again() -> None:
    assert replies(ALL, Answers.recorded([replies(ALL)])) == replies(ALL)


def test_what_was_never_answered_stays_unanswered() -> None:
    answers = Answers.recorded([b"\x1b[>41;367;0c", b"\x1b]11;rgb:ffff/ff", b"ff/ffff\x1b\\"])
    assert replies(b"\x1b[c\x1b[>c\x1b[6n\x1b]10;?\x07\x1b]11;?\x07", answers) == (
        b"\x1b[>41;367;0c\x1b]11;rgb:ffff/ffff/ffff\x07"
    )


def test_modes_that_the_recorded_terminal_lacked_stay_unknown() -> None:
    answers = Answers.recorded([b"\x1b[?2026;0$y\x1b[?12;3$y\x1b[?1;2$y"])
    assert (
        replies(b"\x1b[?1h\x1b[?2026$p\x1b[?12$p\x1b[?1$p", answers)
        == b"\x1b[?2026;0$y\x1b[?12;3$y\x1b[?1;1$y"
    )
    assert replies(b"\x1b[4$p", answers) == b""


@given(st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([reply for _, reply in TABLE]))))
def test_learning_never_raises(recorded: list[bytes]) -> None:
    answers = Answers.recorded(recorded)
    replies(ALL, answers)


@given(st.binary(max_size=60))
def test_replies_never_carry_text_of_the_program(text: bytes) -> None:
    shown = b"\x1b]2;" + text + b"\x07" + text + b"\x18\x1b\\"
    marker = b"[marker]"
    assert marker not in replies(b"\x1b]2;" + marker + b"\x07" + shown + b"\x1b[21t\x1b[20t\x1b]52;c;?\x07")
