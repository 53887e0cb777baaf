"""A replay may show the secret where the recording has its placeholder, and nothing else."""

from __future__ import annotations

import pytest

from replay.verify.compare import compare
from replay.verify.redacted import credible, placed
from replay.verify.verdict import Context, Observation, Output, Verdict

MARK = b"gV4xTq81LmZ-0aPw"
SECRET = b"kQ7rBz29DcY-5eHt"
CONTEXT = Context(placeholders=(MARK,))


def verdict(recorded: bytes, observed: bytes, context: Context = CONTEXT) -> Verdict:
    both = (Observation(output=Output.of(data), exit=0) for data in (recorded, observed))
    return compare(*both, context).verdict


@pytest.mark.parametrize(
    ("recorded", "observed"),
    [
        (b"it is " + MARK + b" now\n", b"it is " + SECRET + b" now\n"),
        (MARK + b" " + MARK, SECRET + b" " + SECRET),
        (b"a\nx=" + MARK + b"\n[1] 4711\n", b"a\nx=" + SECRET + b"\n[1] 99\n"),
    ],
)
def test_its_place_may_hold_the_value(recorded: bytes, observed: bytes) -> None:
    assert verdict(recorded, observed) is Verdict.EQUIVALENT
    assert verdict(recorded, observed, Context()) is Verdict.DIVERGED
    assert verdict(recorded, observed, Context(placeholders=(MARK[::-1],))) is Verdict.DIVERGED


@pytest.mark.parametrize(
    ("recorded", "observed"),
    [
        (b"it is " + MARK + b" now\n", b"it is " + SECRET + b" not\n"),
        (b"it is " + MARK + b"\n", b"it is " + SECRET + b"x\n"),
        (b"it is " + MARK + b"\n", b"it is " + SECRET[:-1] + b"\n"),
        (b"it is " + MARK + b"\n", b"it is " + SECRET.upper() + b"\n"),
        (b"it is " + MARK + b"\n", b"it is nothing, or no \n"),
        (b"it is " + MARK + b"\nend\n", b"it is " + SECRET + b"\n\nend\n"),
        (b"it is over there\n", b"it is " + SECRET + b"\n"),
    ],
)
def test_nothing_else_is_excused(recorded: bytes, observed: bytes) -> None:
    assert verdict(recorded, observed) is Verdict.DIVERGED


@pytest.mark.parametrize(
    "word", [b"PASSED", b"passed", b"3 passed, 2 failed", b"12345678901", b"aaaaaaaaaaA1", b""]
)
def test_a_plain_word_is_no_placeholder(word: bytes) -> None:
    assert not credible(word)
    assert placed(word, word.swapcase()[::-1], [word]) == word.swapcase()[::-1]
