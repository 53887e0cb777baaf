"""Marks out of output, and the join with the side channel: tables, every split, damaged input."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.trace.events import CommandEnded, CommandStarted, PromptShown
from recorder.trace.marks import (
    MAX_MARK,
    Mark,
    MarkScanner,
    Progress,
    command_at,
    read_records,
    shell_events,
    shell_state,
)

N = b"0123456789abcdef" * 2
F = b"f" * 32


def mark(body: bytes, nonce: bytes = N) -> bytes:
    return b"\x1b]7770;" + nonce + b";" + body + b"\x07"


TABLE: list[tuple[str, bytes, bytes, list[tuple[str, int, int, tuple[bytes, ...]]]]] = [
    ("plain", b"hello\r\n", b"hello\r\n", []),
    ("empty", b"", b"", []),
    ("one", b"a" + mark(b"P;1;0;0") + b"b", b"ab", [("P", 1, 49, (b"1", b"0", b"0"))]),
    ("no fields", mark(b"R"), b"", [("R", 0, 42, ())]),
    (
        "two in a row",
        mark(b"P;1") + mark(b"R;1"),
        b"",
        [("P", 0, 44, (b"1",)), ("R", 44, 88, (b"1",))],
    ),
    ("another nonce", mark(b"P;1", F), mark(b"P;1", F), []),
    ("no nonce", b"\x1b]7770;;P;1\x07", b"\x1b]7770;;P;1\x07", []),
    ("other OSC", b"\x1b]0;title\x07\x1b[31mred", b"\x1b]0;title\x07\x1b[31mred", []),
    ("bad type", mark(b"p;1"), mark(b"p;1"), []),
    ("bad field", mark(b"P;a b"), mark(b"P;a b"), []),
    ("two letters", mark(b"PP;1"), mark(b"PP;1"), []),
    ("mark within an unfinished one", mark(b"P")[:-1] + mark(b"R;1"), mark(b"P")[:-1], [("R", 41, 85, (b"1",))]),
    ("unfinished at the end", b"x\x1b]7770;" + N[:5], b"x\x1b]7770;" + N[:5], []),
    ("escape at the end", b"x\x1b", b"x\x1b", []),
    ("too long", mark(b"P;" + b"1" * MAX_MARK), mark(b"P;" + b"1" * MAX_MARK), []),
    ("invalid UTF-8 around", b"\xff\xfe" + mark(b"C;1;0") + b"\x80", b"\xff\xfe\x80", [("C", 2, 48, (b"1", b"0"))]),
]  # fmt: skip


def scan(portions: list[bytes], offset: int = 0) -> tuple[bytes, list[Mark], int]:
    scanner = MarkScanner(N, offset)
    shown, marks, held, fed = b"", [], 0, 0
    for portion in portions:
        fed += len(portion)
        out, found = scanner.feed(portion)
        shown += out
        marks += found
        held = max(held, fed - len(shown) - sum(m.end - m.start for m in marks))
    return shown + scanner.flush(), marks, held


@pytest.mark.parametrize(("label", "data", "shown", "marks"), TABLE, ids=[row[0] for row in TABLE])
def test_whole_and_byte_by_byte_and_with_garbage(
    label: str, data: bytes, shown: bytes, marks: list[tuple[str, int, int, tuple[bytes, ...]]]
) -> None:
    wanted = [Mark(*m) for m in marks]
    assert scan([data])[:2] == (shown, wanted)
    assert scan([data[i : i + 1] for i in range(len(data))])[:2] == (shown, wanted)
    before, after = b"\x1b]7770;" + N[:7] + b"\xff", b"\x1b\x1b]\x00tail"
    moved = [m._replace(start=m.start + len(before), end=m.end + len(before)) for m in wanted]
    assert scan([before + data + after])[:2] == (before + shown + after, moved)


def test_output_without_marks_is_not_copied() -> None:
    scanner = MarkScanner(N)
    for data in (b"x" * 65536, b"\x1b[31mred\x1b[0m\n", b""):
        assert scanner.feed(data)[0] is data


def test_offsets_count_from_the_given_one() -> None:
    assert scan([b"ab", mark(b"R;1")], offset=100)[1] == [Mark("R", 102, 146, (b"1",))]


_PIECES = st.lists(
    st.one_of(
        st.binary(max_size=8),
        st.sampled_from(
            [
                mark(b"P;1;0;0"),
                mark(b"C;12;130"),
                mark(b"P", F),
                b"\x1b]7770;",
                b"\x1b]7770;" + N,
                b"\x1b]7770;" + N + b";P;1",
                b"\x07",
                b"\x1b",
                N,
                mark(b"P;" + b"1" * (MAX_MARK - 50)),
            ]
        ),
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(_PIECES, st.data())
def test_any_split_gives_the_same(pieces: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=10)))
    portions = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    shown, marks, held = scan(portions)
    assert (shown, marks) == scan([whole])[:2]
    assert held <= MAX_MARK
    taken = bytearray(whole)
    for found in reversed(marks):
        assert whole[found.start : found.end].startswith(b"\x1b]7770;" + N)
        del taken[found.start : found.end]
    assert bytes(taken) == shown


# -- the join ---------------------------------------------------------------------------------------------


def record(
    kind: str, number: int, status: int = 0, counter: int = 0, cwd: bytes = b"/w", text: bytes = b""
) -> bytes:
    return N + f";{kind};{number};77;{status};{counter}\0".encode() + cwd + b"\0" + text + b"\0\n"


def events(
    output: bytes, log: bytes, end: int | None = None
) -> list[PromptShown | CommandStarted | CommandEnded]:
    marks = [(10 * i, m) for i, m in enumerate(scan([output])[1])]
    return shell_events(
        marks, log, nonce=N, source="terminal/1", cwd="/start", end=len(output) if end is None else end
    )


def short(found: list[PromptShown | CommandStarted | CommandEnded]) -> list[str]:
    out = []
    for event in found:
        if isinstance(event, PromptShown):
            out.append(f"prompt {event.n}")
        elif isinstance(event, CommandStarted):
            out.append(f"{event.n} {event.text!r} in {event.cwd}")
        else:
            out.append(f"{event.n} -> {event.exit} in {event.cwd}")
    return out


P, R, C = (
    (lambda *f: mark(b"P;%d;%d;%d" % f)),
    (lambda k: mark(b"R;%d" % k)),
    (lambda n, s=0: mark(b"C;%d;%d" % (n, s))),
)
FIRST = P(1, 0, 0) + b"$ " + R(1)
TWO = [
    ("a command", FIRST + b"false\r\n" + C(1) + b"out" + P(2, 1, 1) + R(2),
     record("P", 1) + record("C", 1, text=b"false") + record("P", 2, 1, 1, b"/x"),
     ["prompt 1", "1 'false' in /w", "1 -> 1 in /x", "prompt 2"]),
    ("no side channel", FIRST + C(1) + P(2, 3, 1) + R(2), b"",
     ["prompt 1", "1 '' in /start", "1 -> 3 in /start", "prompt 2"]),
    ("redrawn prompt", FIRST + R(1) + FIRST + C(1) + P(2, 0, 1) + R(2) + R(2), record("C", 1, text=b"x"),
     ["prompt 1", "1 'x' in /w", "1 -> 0 in /w", "prompt 2"]),
    ("old output shown again", FIRST + C(1) + FIRST + C(1) + P(2, 0, 1) + R(2), record("C", 1, text=b"cat old"),
     ["prompt 1", "1 'cat old' in /w", "1 -> 0 in /w", "prompt 2"]),
    ("comment", FIRST + P(2, 1, 1) + R(2), record("P", 1) + record("X", 1, 0, text=b"# hi") + record("P", 2, 1, 1),
     ["prompt 1", "1 '# hi' in /w", "1 -> 0 in /w", "prompt 2"]),
    ("several at one prompt", FIRST + C(1) + C(2, 1) + C(3, 4) + P(2, 0, 3) + R(2),
     b"".join(record("C", n, s, text=b"c%d" % n) for n, s in ((1, 0), (2, 1), (3, 4))),
     ["prompt 1", "1 'c1' in /w", "1 -> 1 in /w", "2 'c2' in /w", "2 -> 4 in /w", "3 'c3' in /w", "3 -> 0 in /w",
      "prompt 2"]),
    ("exec: no end", FIRST + C(1) + b"new shell", record("C", 1, text=b"exec zsh"), ["prompt 1", "1 'exec zsh' in /w"]),
    ("prompt cut short", FIRST + C(1) + P(2, 0, 1) + b"$", record("C", 1, text=b"x"),
     ["prompt 1", "1 'x' in /w", "1 -> 0 in /w", "prompt 2"]),
    ("empty lines", FIRST + P(2, 0, 0) + R(2) + P(3, 0, 0) + R(3), b"", ["prompt 1", "prompt 2", "prompt 3"]),
    ("mark lost, record there", FIRST + P(2, 5, 1) + R(2),
     record("P", 1) + record("C", 1, text=b"quiet") + record("P", 2, 5, 1, b"/y"),
     ["prompt 1", "1 'quiet' in /w", "1 -> 5 in /y", "prompt 2"]),
    ("torn record", FIRST + C(1) + P(2, 0, 1) + R(2) + C(2) + P(3, 0, 2) + R(3),
     record("C", 1, text=b"one")[:-4] + record("P", 2, 0, 1) + b"garbage\0\n" + record("C", 2, text=b"two"),
     ["prompt 1", "1 '' in /start", "1 -> 0 in /w", "prompt 2", "2 'two' in /w", "2 -> 0 in /w", "prompt 3"]),
    ("another nonce in the log", FIRST + C(1) + P(2, 0, 1) + R(2),
     record("C", 1, text=b"forged").replace(N, F) + record("C", 1, text=b"true"),
     ["prompt 1", "1 'true' in /w", "1 -> 0 in /w", "prompt 2"]),
    ("bytes outside UTF-8", FIRST + C(1) + P(2, 0, 1), record("C", 1, cwd=b"/\xff\\", text=b"a\xffb\nc"),
     ["prompt 1", "1 'a\\\\xffb\\nc' in /\\xff\\\\", "1 -> 0 in /\\xff\\\\", "prompt 2"]),
]  # fmt: skip


@pytest.mark.parametrize(("label", "output", "log", "want"), TWO, ids=[row[0] for row in TWO])
def test_join(label: str, output: bytes, log: bytes, want: list[str]) -> None:
    assert short(events(output, log)) == want


def test_offsets_and_times() -> None:
    output = FIRST + b"x\r\n" + C(1) + b"out\r\n" + P(2, 0, 1) + b"$ " + R(2)
    prompt, started, ended, second = events(output, record("C", 1, text=b"x"))
    assert isinstance(prompt, PromptShown)
    assert (prompt.offset, prompt.ready, prompt.t) == (0, len(FIRST), 10)
    assert isinstance(started, CommandStarted)
    assert isinstance(ended, CommandEnded)
    assert output[started.offset : ended.offset] == b"out\r\n"
    assert (started.t, ended.t, second.t) == (20, 30, 40)


def test_marks_beyond_the_end_do_not_count() -> None:
    output = FIRST + C(1) + P(2, 0, 1)
    assert short(events(output, b"", end=len(FIRST))) == ["prompt 1"]


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_damage_never_raises_and_keeps_order(seed: int) -> None:
    chance = random.Random(seed)
    output, log = b"", record("S", 0, text=b"alias x=y")
    for n in range(1, 6):
        output += P(n, chance.randrange(256), n - 1) + R(n) + C(n, chance.randrange(256))
        log += record("P", n) + record("C", n, text=b"c")
    damaged = []
    for data in (output, log):
        pieces = bytearray(data)
        for _ in range(chance.randrange(6)):
            at = chance.randrange(len(pieces) + 1)
            match chance.randrange(3):
                case 0:
                    del pieces[at : at + chance.randrange(40)]
                case 1:
                    pieces[at:at] = pieces[: chance.randrange(60)]
                case _:
                    pieces[at:at] = chance.randbytes(3)
        damaged.append(bytes(pieces))
    found = events(*damaged)
    assert [e.t for e in found] == sorted(e.t for e in found)
    numbers = [e.n for e in found if isinstance(e, CommandStarted)]
    assert numbers == sorted(set(numbers))
    running: set[int] = set()
    for event in found:
        if isinstance(event, CommandStarted):
            running = {event.n}
        elif isinstance(event, CommandEnded):
            assert event.n in running
            running = set()


def test_progress_says_what_is_new() -> None:
    progress = Progress()
    marks = scan([FIRST + FIRST + C(1) + R(1) + C(1) + P(2, 0, 2) + R(2)])[1]
    assert [progress.see(m) for m in marks] == [True, True, False, False, True, False, False, True, True]
    assert (progress.prompts, progress.commands, progress.at_prompt) == (2, 2, True)
    assert not progress.see(Mark("P", 0, 0, (b"x",)))


def test_records_and_what_is_read_from_them() -> None:
    log = record("S", 0, text=b"alias x=y") + record("P", 1) + record("C", 1, text=b"one")
    size = len(log)
    log += record("P", 2) + record("X", 2, text=b"# c") + record("C", 3, text=b"three")
    assert [r.type for r in read_records(log, N)] == ["S", "P", "C", "P", "X", "C"]
    assert shell_state(log, N) == b"alias x=y"
    assert shell_state(log, F) is None
    assert [command_at(log, N, s) for s in (0, size - 1, size, len(log))] == [0, 0, 1, 3]
