"""asciicast out and in: byte-exact where the format can be, tolerant as the players are, one error for all else."""

from __future__ import annotations

import csv
import json
import os
import pty
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.trace.asciicast import MAX_LINE, CastEvent, CastHeader, decode, encode
from recorder.trace.errors import Code, TraceRejected, UsageError

MS = 1_000_000
HEADER = CastHeader(
    cols=80, rows=24, timestamp=1_700_000_000, title="a ü", command="bash", env={"TERM": "xterm-256color"}
)


def lines(events: list[CastEvent], version: Literal[2, 3], header: CastHeader = HEADER) -> list[bytes]:
    return list(encode(header, events, version=version))


EVENTS = [
    CastEvent(0, "o", b"$ "),
    CastEvent(1_234_567_891, "i", b"l"),
    CastEvent(1_500 * MS, "r", b"100x40"),
    CastEvent(2_000 * MS, "m", "Märker".encode()),
    CastEvent(2_000 * MS, "o", b"\x1b[31m\r\n\x07\xff"),
    CastEvent(3_000 * MS, "x", b"0"),
]


def test_version_2() -> None:
    assert [line.decode() for line in lines(EVENTS, 2)] == [
        (
            '{"version":2,"width":80,"height":24,"timestamp":1700000000,"command":"bash","title":"a ü",'
            '"env":{"TERM":"xterm-256color"}}\n'
        ),
        '[0.000000,"o","$ "]\n',
        '[1.234568,"i","l"]\n',
        '[1.500000,"r","100x40"]\n',
        '[2.000000,"m","Märker"]\n',
        '[2.000000,"o","\\u001b[31m\\r\\n\\u0007\ufffd"]\n',
    ]


def test_version_3() -> None:
    header = CastHeader(
        cols=80, rows=24, term_type="xterm", term_version="T 1", theme={"fg": "#000"}, tags=["a"], duration=9
    )
    assert [line.decode() for line in lines(EVENTS, 3, header)] == [
        (
            '{"version":3,"term":{"cols":80,"rows":24,"type":"xterm","version":"T 1","theme":{"fg":"#000"}},'
            '"tags":["a"]}\n'
        ),
        '[0.000,"o","$ "]\n',
        '[1.235,"i","l"]\n',
        '[0.265,"r","100x40"]\n',
        '[0.500,"m","Märker"]\n',
        '[0.000,"o","\\u001b[31m\\r\\n\\u0007\ufffd"]\n',
        '[1.000,"x","0"]\n',
    ]


def test_characters_over_event_borders_are_whole_and_streams_apart() -> None:
    events = [
        CastEvent(0, "o", b"a\xe3\x82"),
        CastEvent(1, "i", b"\xc3"),
        CastEvent(2, "o", b"\xb3b\xf0"),
        CastEvent(3, "i", b"\xbc"),
    ]
    assert [line.decode() for line in lines(events, 2)[1:]] == [
        '[0.000000,"o","a"]\n', '[0.000000,"o","コb"]\n', '[0.000000,"i","ü"]\n', '[0.000000,"o","\ufffd"]\n',
    ]  # fmt: skip


def test_large_output_is_cut_into_lines_that_readers_take() -> None:
    written = lines([CastEvent(5, "o", b"\x01" * 1_000_000)], 3)
    assert max(map(len, written)) < MAX_LINE
    _, events = decode(written)
    assert b"".join(event.data for event in events) == b"\x01" * 1_000_000


def test_impossible_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="back in time"):
        lines([CastEvent(5, "o", b"a"), CastEvent(4, "o", b"b")], 2)
    with pytest.raises(UsageError, match="version"):
        lines([], 1)  # type: ignore[arg-type]


EVENT = st.tuples(st.integers(0, 3 * 10**9), st.sampled_from("oirmxz"), st.binary(max_size=12))


@settings(max_examples=100)
@given(st.lists(EVENT, max_size=40))
def test_times_and_bytes_survive(raw: list[tuple[int, str, bytes]]) -> None:
    events, t = [], 0
    for step, code, data in raw:
        t += step
        events.append(CastEvent(t, code, b"80x24" if code == "r" else data))
    versions: tuple[Literal[2, 3], ...] = (2, 3)
    for version in versions:
        header, read = decode(lines(events, version))
        assert header == HEADER
        back = list(read)
        for code in "oi":
            sent = b"".join(event.data for event in events if event.code == code)
            assert (
                b"".join(e.data for e in back if e.code == code) == sent.decode("utf-8", "replace").encode()
            )
        others = [event for event in events if event.code in "rmz"]
        returned = [event for event in back if event.code in "rmz"]
        assert [event.code for event in others] == [event.code for event in returned]
        for event, again in zip(others, returned, strict=True):
            assert abs(event.t - again.t) <= (500 if version == 2 else 500_000)


def test_reading_is_tolerant_where_players_are() -> None:
    header, events = decode(
        [
            b'{"version":3,"term":{"cols":10,"rows":5},"new":[{"a":1}],"env":{"A":null,"B":"c"}}\n',
            b"# a comment\n", b"\n", b'[0.5,"q","kept"]\n', b'[0,"x","3"]\r\n', b"  \n", b'[1,"o","x"]',
        ]
    )  # fmt: skip
    assert (header.cols, header.rows, header.env) == (10, 5, {"B": "c"})
    assert list(events) == [
        CastEvent(500 * MS, "q", b"kept"), CastEvent(500 * MS, "x", b"3"), CastEvent(1500 * MS, "o", b"x"),
    ]  # fmt: skip


def test_sizes() -> None:
    assert CastEvent(0, "r", b"80x24").size() == (80, 24)
    for wrong in (b"0x24", b"-1x5", b"80x", b"99999x1", b"80x24x", b"\xff"):
        assert CastEvent(0, "r", wrong).size() is None
    assert CastEvent(0, "o", b"80x24").size() is None


V3 = b'{"version":3,"term":{"cols":10,"rows":5}}'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", Code.TRUNCATED),
        (b"\n", Code.TRUNCATED),
        (b"hello", Code.NOT_A_TRACE),
        (b"\x1f\x8b\x08", Code.ENCODING),
        (b"{", Code.SYNTAX),
        (b'{"version":4}', Code.VERSION),
        (b'{"version":3}', Code.MISSING),
        (b'{"version":"2"}', Code.SCHEMA),
        (b'{"version":2,"width":0.5}', Code.SCHEMA),
        (b'{"version":2,"width":70000,"height":1}', Code.SCHEMA),
        (b'{"version":3,"term":{"cols":0,"rows":5}}', Code.SCHEMA),
        (b'{"version":2,"timestamp":1e400}', None),
        (b'{"version":2,"theme":' + b"[" * 100_000, None),
        (b'{"version":2,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None),
        (b"[" * 100_000, None),
        (V3 + b'\n[1,"o"]', Code.SCHEMA),
        (V3 + b'\n[1,"o","x"', Code.SYNTAX),
        (V3 + b'\n[-1,"o","x"]', Code.ORDER),
        (V3 + b'\n[1e300,"o","x"]', Code.SCHEMA),
        (V3 + b'\n[1,"o","\xff"]', Code.ENCODING),
        (V3 + b'\n[1,"o","\\ud800"]', None),
        (V3 + b'\n[1,"o",' + b"[" * 100_000, None),
        (V3 + b'\n[1,"o","' + b"x" * MAX_LINE + b'"]', Code.TOO_LARGE),
    ],
)
def test_hostile_casts_are_rejected(content: bytes, code: Code | None) -> None:
    with pytest.raises(TraceRejected) as caught:
        list(decode(content.splitlines(keepends=True))[1])
    assert code in (None, caught.value.code)


SEEDS = [
    b"".join(lines(EVENTS, 2)),
    b"".join(lines(EVENTS, 3)),
    b'{"version": 1,\n"width": 80, "height": 24,\n"stdout": [[0.5, "a"],\n[1, "b\\u00fc"]]}\n',
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 6), st.binary(max_size=6)), max_size=5),
)
def test_mutations_raise_nothing_else(seed: bytes, edits: list[tuple[int, int, bytes]]) -> None:
    mutated = bytearray(seed)
    for at, removed, added in edits:
        mutated[at : at + removed] = added
    try:
        header, events = decode(bytes(mutated).splitlines(keepends=True))
        for event in events:
            event.size()
        assert header.cols >= 1
    except TraceRejected:
        pass


# -- other people's casts, other people's players --------------------------------------------------


def corpus() -> Path:
    place = os.environ.get("REENACT_CORPORA")
    folder = Path(place) if place else Path(__file__).resolve().parents[2].parent / "shared" / "corpora"
    if not (folder / "cast").is_dir():
        pytest.skip(f"no corpus of casts at {folder}; set REENACT_CORPORA to its folder")
    return folder


def test_corpus_is_read_as_a_strict_reader_does() -> None:
    folder = corpus()
    seen = 0
    with (folder / "VALIDITY.tsv").open(newline="") as table:
        for kind, name, validity, detail in csv.reader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            if kind != "cast":
                continue
            seen += 1
            with (folder / "cast" / name).open("rb") as file:
                try:
                    _, events = decode(file)
                    outcome, count = "ok", len(list(events))
                except TraceRejected:
                    outcome, count = "BAD", 0
            assert outcome == validity, name
            if outcome == "ok":
                assert f"{count} events" in detail, name
    assert seen


@pytest.mark.parametrize("version", [2, 3])
def test_corpus_survives_being_written_again(version: Literal[2, 3]) -> None:
    for path in sorted((corpus() / "cast").iterdir()):
        with path.open("rb") as file:
            try:
                header, events = decode(file)
                original = list(events)
            except TraceRejected:
                continue
        if all(event.code != "r" or event.size() for event in original):
            _, again = decode(lines(original, version, header))
            kept = [event for event in original if version == 3 or event.code != "x"]
            assert [event[1:] for event in again] == [event[1:] for event in kept], path.name


def test_asciinema_opens_version_2(tmp_path: Path) -> None:
    for tool in ("asciinema", "setsid"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    payload = "ü コ \x1b[31mred\x1b[0m\r\n".encode() + bytes(range(32)) + b"\x7f" + b"x" * 100_000
    pieces = [
        ("o", payload[:4]),
        ("i", b"typed"),
        ("r", b"90x30"),
        ("m", b"mark"),
        ("o", payload[4:]),
        ("x", b"0"),
    ]
    events = [CastEvent(t * MS, code, data) for t, (code, data) in enumerate(pieces)]
    path = tmp_path / "t.cast"
    path.write_bytes(b"".join(lines(events, 2)))
    assert asciinema_cat(path) == payload


def asciinema_cat(path: Path) -> bytes:
    """`asciinema cat` insists on a controlling terminal; its output goes to a pipe all the same."""
    master, slave = pty.openpty()
    drain = threading.Thread(target=lambda: [None for _ in iter(lambda: _read(master), b"")], daemon=True)
    drain.start()
    try:
        done = subprocess.run(
            ["setsid", "--ctty", "asciinema", "cat", str(path)],
            stdin=slave,
            capture_output=True,
            timeout=60,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "utf-8"},
        )
    finally:
        os.close(slave)
        drain.join(10)
        os.close(master)
    return done.stdout


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""


def test_lines_are_json_to_others_too() -> None:
    for line in lines(EVENTS, 3):
        json.loads(line)
