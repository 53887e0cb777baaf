"""No planted secret is left in any output, whole or fed in pieces; what was built of parts still is."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from corpus import KEY, Planted, planted, residue

from recorder.redact import Redactor, Vault

CASES = list(planted())


def redactor(case: Planted) -> Redactor:
    return Redactor(Vault(KEY), [case.secret.encode()] if case.told else [])


def redacted(case: Planted) -> str:
    door = redactor(case)
    if case.place == "headers":
        name, _, value = case.text.partition(": ")
        return "\n".join(f"{n}: {v}" for n, v in door.headers([(name, value)]))
    if case.place == "url":
        return door.url(case.text)
    if case.place == "body":
        return door.body(case.text.encode(), case.content_type).decode()
    return door.text(case.text)


def streamed(case: Planted, size: int) -> str:
    stream = redactor(case).stream()
    data = case.text.encode()
    out = b"".join(stream.feed(data[i : i + size]) for i in range(0, len(data), size)) + stream.flush()
    return out.decode()


def test_the_corpus_is_large() -> None:
    assert len({case.secret for case in CASES}) >= 200
    assert all(residue(case, case.text) for case in CASES if not case.name.startswith("header-basic"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nothing_planted_is_left(case: Planted) -> None:
    out = redacted(case)
    assert residue(case, out) is None, out
    assert len(out.encode()) == len(case.text.encode())
    assert out.count("\n") == case.text.count("\n")
    if case.place == "url":
        assert urlsplit(out).hostname == urlsplit(case.text).hostname
    if case.content_type == "application/json":
        assert json.loads(out).keys() == json.loads(case.text).keys()


IN_TEXT = [case for case in CASES if case.place == "text"]


@pytest.mark.parametrize("case", IN_TEXT[::4], ids=lambda case: case.name)
def test_nothing_planted_is_left_in_a_stream(case: Planted) -> None:
    for size in (3, 64):
        check_stream(case, size)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 2, 7])
def test_nothing_planted_is_left_however_it_is_split(size: int) -> None:
    for case in IN_TEXT:
        check_stream(case, size)


def check_stream(case: Planted, size: int) -> None:
    out = streamed(case, size)
    assert residue(case, out) is None, out
    assert len(out.encode()) == len(case.text.encode())
    assert out == redacted(case), "the pieces that it comes in make no difference"


def test_all_at_once() -> None:
    """One session sees everything: what is found in one place is replaced in the others."""
    door = Redactor(Vault(KEY), [case.secret.encode() for case in CASES if case.told])
    for case in CASES:
        if case.place == "headers":
            door.headers([tuple(case.text.split(": ", 1))])  # type: ignore[list-item]
        else:
            door.body(case.text.encode(), case.content_type)
    everything = "\n".join(case.text for case in CASES)
    out = door.body(everything.encode(), "text/plain").decode()
    left = [case.name for case in CASES if not case.told and residue(case, out)]
    assert left == []
    assert door.body(out.encode()).decode() == out, "placeholders are no secrets"
