"""Trees as values: differences, their composition, and the tree blob under hostile bytes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.trace.changes import apply, compose, decode_tree, diff, encode_tree, same, untimed
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import FileState

names = st.sampled_from(
    [b"a", b"b", b"a b", b"\xff\xfe", b"n\nl", b"\x1b]52;c;x\x07", b"back\\slash", b"\xc3\xa4"]
)
states = st.builds(
    FileState,
    type=st.sampled_from(["file", "link", "other"]),
    mode=st.sampled_from([0o644, 0o755]),
    size=st.integers(0, 3),
    blob=st.sampled_from([None, "0" * 64, "f" * 64]),
    mtime_ns=st.none() | st.integers(0, 9),
)
FOLDER = FileState(type="folder", mode=0o755)


@st.composite
def trees(draw: st.DrawFn) -> dict[bytes, FileState]:
    tree: dict[bytes, FileState] = {}
    for folder in [b"", *draw(st.lists(names, max_size=3, unique=True))]:
        if folder:
            tree[folder] = FOLDER
        for name in draw(st.lists(names, max_size=4, unique=True)):
            path = folder + b"/" + name if folder else name
            tree.setdefault(path, draw(states))
    return {
        path: state
        for path, state in tree.items()
        if b"/" not in path or tree[path.rpartition(b"/")[0]].type == "folder"
    }


def untimed_tree(tree: dict[bytes, FileState]) -> dict[bytes, FileState | None]:
    return {path: untimed(state) for path, state in tree.items()}


@settings(max_examples=60)
@given(trees(), trees())
def test_applying_a_diff_gives_the_other_tree(a: dict[bytes, FileState], b: dict[bytes, FileState]) -> None:
    changes = diff(a, b)
    assert untimed_tree(apply(a, changes)) == untimed_tree(b)
    assert [c.path for c in changes] == sorted({c.path for c in changes})
    assert all(not same(c.before, c.after) for c in changes)
    assert diff(a, a) == []


@settings(max_examples=60)
@given(trees(), trees(), trees())
def test_composing_diffs_is_the_diff_of_the_ends(
    a: dict[bytes, FileState], b: dict[bytes, FileState], c: dict[bytes, FileState]
) -> None:
    assert compose([diff(a, b), diff(b, c)]) == diff(a, c)
    assert compose([diff(a, b), diff(b, a)]) == []
    assert compose([diff(a, b)]) == diff(a, b)
    assert compose([]) == []


@given(trees())
def test_a_tree_blob_comes_back_as_it_went(tree: dict[bytes, FileState]) -> None:
    data = b"".join(encode_tree(tree))
    assert decode_tree(data) == tree
    assert b"\xff" not in data


GOOD = b"".join(encode_tree({b"d": FOLDER, b"d/f": FileState(type="file", mode=0o644, blob="0" * 64)}))


def line(path: str, **state: object) -> bytes:
    return msgspec.json.encode({"path": path, "state": {"type": "file", "mode": 0o644, **state}}) + b"\n"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (line("/etc/passwd"), Code.NAME),
        (line("../x"), Code.NAME),
        (line("a/../../x"), Code.NAME),
        (line("./x"), Code.NAME),
        (line("a//b"), Code.NAME),
        (line("a/"), Code.NAME),
        (line(""), Code.NAME),
        (line("a\0b"), Code.NAME),
        (line("\\x41"), Code.NAME),
        (line("x" * 4097), Code.NAME),
        (line("bad\\q"), Code.SYNTAX),
        (line("d/f"), Code.ORDER),
        (line("d") + line("d/f"), Code.NAME),
        (line("d", type="link", target="/etc") + line("d/f"), Code.NAME),
        (line("b") + line("a"), Code.ORDER),
        (line("a") + line("a"), Code.DUPLICATE),
        (line("a", mode=0o10000), Code.SCHEMA),
        (line("a", size=-1), Code.SCHEMA),
        (line("a", blob="../../x"), Code.SCHEMA),
        (line("a", type="device"), Code.SCHEMA),
        (GOOD[:-1], Code.TRUNCATED),
        (b"\n", Code.SYNTAX),
        (b"\xff\n", Code.SYNTAX),
        (b'{"path":"\xff","state":{"type":"file","mode":0}}\n', Code.ENCODING),
        (b"[" * 100_000 + b"\n", Code.SCHEMA),
        (b'{"x":' + b"[" * 100_000 + b"\n", Code.TOO_DEEP),
        (b'{"path":"a","path":"b","state":{"type":"file","mode":0}}\n', Code.DUPLICATE),
        (b"x" * 300_000 + b"\n", Code.TOO_LARGE),
        (line("a") + line("b") + line("c"), Code.TOO_LARGE),
    ],
)
def test_a_hostile_tree_blob_is_rejected(data: bytes, code: Code) -> None:
    with pytest.raises(TraceRejected) as caught:
        decode_tree(data, entries=2)
    assert caught.value.code == code
    assert caught.value.place


@settings(max_examples=150)
@given(st.data())
def test_a_damaged_tree_blob_raises_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        damaged = damaged or bytearray(b"\n")
    try:
        tree = decode_tree(bytes(damaged))
    except TraceRejected:
        return
    for path in tree:
        assert not path.startswith(b"/")
        assert b".." not in path.split(b"/")
