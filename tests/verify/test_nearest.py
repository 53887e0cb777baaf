from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.verify.compare import compare
from replay.verify.nearest import common, wait_miss
from replay.verify.verdict import Facet, NearestMiss, Observation, Output


def miss(recorded: str, observed: str) -> NearestMiss:
    found = compare(
        Observation(output=Output.of(recorded.encode())), Observation(output=Output.of(observed.encode()))
    ).miss
    assert found is not None
    return found


def test_the_first_line_that_really_differs() -> None:
    """A masked difference before it is not where they part."""
    found = miss("a\r\nran in 0.1s\r\n3 failed\r\nz\r\n", "a\r\nran in 0.2s\r\n2 failed\r\nz\r\n")
    assert (found.line, found.column, found.at) == (3, 1, "line 3, column 1")
    assert (found.expected, found.observed) == ("3 failed", "2 failed")
    assert found.excerpt == (" a", " ran in 0.1s", "-3 failed", "+2 failed", " z", " ")
    assert found.offset == 12


def test_output_that_ends_early() -> None:
    found = miss("a\r\nb\r\nc", "a\r\n")
    assert (found.expected, found.observed, found.hint) == ("b", "", "the replay's output ends here")
    assert miss("", "more").hint == "the recording's output ends here"


def test_redrawn_lines_are_shown_as_they_stood() -> None:
    found = miss("1%\r2%\r3% done\r\n", "1%\r3% gone\r\n")
    assert (found.expected, found.observed) == ("3% done", "3% gone")


def test_long_lines_and_many_lines_are_cut_around_the_difference() -> None:
    found = miss("x" * 5000 + "A" + "y" * 5000, "x" * 5000 + "B" + "y" * 5000)
    assert "A" in found.expected
    assert len(found.expected) < 170
    assert all(len(line) < 170 for line in found.excerpt)
    found = miss("\r\n".join(f"a{n}" for n in range(999)), "\r\n".join(f"b{n}" for n in range(999)))
    assert len(found.excerpt) <= 14


def test_invalid_bytes_are_shown_as_escapes() -> None:
    found = compare(Observation(output=Output.of(b"\xff")), Observation(output=Output.of(b"\xfe"))).miss
    assert found is not None
    assert (found.expected, found.observed) == ("\\xff", "\\xfe")


@pytest.mark.parametrize(
    ("observed", "hint"),
    [
        (
            "curl: (6) Could not resolve host: a.b",
            "needs the network, of which a replay has only what was recorded",
        ),
        (
            "OSError: [Errno 101] Network is unreachable",
            "needs the network, of which a replay has only what was recorded",
        ),
        ("bash: foo: command not found", "a program is missing here"),
        ("ModuleNotFoundError: No module named 'x'", "a library is missing here"),
        ("touch: x: Read-only file system", "writes outside the workspace are not possible in a replay"),
    ],
)
def test_hints(observed: str, hint: str) -> None:
    assert miss("ok", observed).hint == hint
    assert miss(observed, observed + "!").hint != hint, "the recording said so too"


def test_exit_codes() -> None:
    found = compare(
        Observation(exit=0), Observation(exit=127, output=Output.of(b"x: command not found"))
    ).miss
    assert found is not None
    assert (found.facet, found.expected, found.observed) == (Facet.EXIT, "0", "127 (command not found)")
    assert found.hint == "a program is missing here"
    found = compare(Observation(exit=1), Observation(exit=-9)).miss
    assert found is not None
    assert found.observed == "-9 (killed by signal 9)"


def test_a_wait_that_never_ended() -> None:
    found = wait_miss("prompt 3 ready", "vim in the foreground", ["one", "two", "", ""])
    assert (found.facet, found.expected, found.observed) == (
        Facet.WAIT,
        "prompt 3 ready",
        "vim in the foreground",
    )
    assert found.excerpt == ("+one", "+two")


@given(st.binary(max_size=30), st.binary(max_size=30), st.binary(max_size=30))
def test_common(prefix: bytes, a: bytes, b: bytes) -> None:
    one, two = prefix + a, prefix + b
    n = common(one, two)
    assert one[:n] == two[:n]
    assert one[n : n + 1] != two[n : n + 1] or n == min(len(one), len(two))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_never_raises_and_always_explains(a: bytes, b: bytes) -> None:
    verdict = compare(Observation(output=Output.of(a)), Observation(output=Output.of(b)))
    assert verdict.verdict.verified or verdict.miss is not None
    assert a != b or verdict.how == "exact"
