"""Recorded text in reports: nothing a terminal obeys, nothing a reader cannot see."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.trace.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é コ 👩‍💻 \ue0b0", "plain é コ 👩‍💻 \ue0b0"),
        ("a\x1b]52;c;x\x07b", "a␛]52;c;x␇b"),
        ("a\nb\tc\rd\0\x7f", "a␊b␉c␍d␀␡"),
        ("\x9b31m", "‹U+009B›31m"),
        ("user\u202ecod.exe", "user‹U+202E›cod.exe"),
        ("\u2066x\u2069\u200f\u061c", "‹U+2066›x‹U+2069›‹U+200F›‹U+061C›"),
        ("a\u200bb\ufeffc\u00adb", "a‹U+200B›b‹U+FEFF›c‹U+00AD›b"),
        ("a\u2028b\u2029c", "a‹U+2028›b‹U+2029›c"),
        ("\udcff", "‹U+DCFF›"),
        ("x\U000e0041", "x‹U+E0041›"),
        ("می‌خواهم", "می‌خواهم"),
        ("non\u00a0breaking", "non\u00a0breaking"),
    ],
)
def test_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_keeps_what_it_is_told_to() -> None:
    assert printable("a\n\tb\x1b", keep="\n\t") == "a\n\tb␛"


@given(st.text(st.characters()))
def test_never_lets_a_control_through(text: str) -> None:
    shown = printable(text)
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert not {char for char in shown if unicodedata.category(char) == "Cf"} - {"\u200c", "\u200d"}
    assert printable(shown) == shown
    shown.encode()
