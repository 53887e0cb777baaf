"""Traces from a hostile hand: each is rejected with its code, and nothing else is raised."""

from __future__ import annotations

import io
import json
import os
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from trace_fuzz import Parts, look, pack, reseal, sign, unpack
from trace_sample import OUTPUT, RC

from recorder.trace import compression, frames, limits, ziplayout
from recorder.trace.errors import TraceRejected
from recorder.trace.reader import Trace, open_trace

RAW = b"".join(data for _, data in OUTPUT)
CAST, FRAMES, EVENTS, SALTS, MANIFEST = (
    "terminal/1.cast",
    "terminal/1.frames.zst",
    ziplayout.EVENTS,
    ziplayout.SALTS,
    ziplayout.MANIFEST,
)


@pytest.fixture(scope="module")
def parts(sample: Path) -> Parts:
    return unpack(sample)


def opened(data: bytes) -> Trace:
    fd = os.memfd_create("trace")
    os.write(fd, data)
    return Trace(fd)


def rejected(data: bytes) -> str:
    """The code and reason of the rejection; opening must be enough to be rejected."""
    with pytest.raises(TraceRejected) as caught:
        opened(data).close()
    return f"{caught.value.code}: {caught.value}"


def plain_zip(parts: Parts, **options: Any) -> bytes:
    """The members, zipped by Python's own module: good ZIP, but not the one layout."""
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(out, "w", **options) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
    return out.getvalue()


def end_of(data: bytes) -> int:
    return data.rindex(b"PK\5\6")


def patched(data: bytes, at: int, fmt: str, value: int) -> bytes:
    out = bytearray(data)
    struct.pack_into(fmt, out, at, value)
    return bytes(out)


def first_central(data: bytes) -> int:
    return struct.unpack_from("<I", data, end_of(data) + 16)[0]


ARCHIVES: dict[str, tuple[Callable[[bytes, Parts], bytes], str]] = {
    "empty": (lambda d, p: b"", "not-a-trace"),
    "text": (lambda d, p: b"hello world\n" * 100, "not-a-trace"),
    "only zeros": (lambda d, p: bytes(5000), "not-a-trace"),
    "cut in half": (lambda d, p: d[: len(d) // 2], "truncated"),
    "one byte short": (lambda d, p: d[:-1], "syntax"),
    "trailing byte": (lambda d, p: d + b"\0", "syntax"),
    "comment": (lambda d, p: patched(d, len(d) - 2, "<H", 3) + b"abc", "syntax"),
    "leading byte": (lambda d, p: b"\0" + d, "syntax"),
    "twice": (lambda d, p: d + d, "syntax"),
    "another zip": (lambda d, p: plain_zip(p), "syntax"),
    "another zip, deflated": (lambda d, p: plain_zip(p, compression=zipfile.ZIP_DEFLATED), "syntax"),
    "another zip, lzma": (lambda d, p: plain_zip(p, compression=zipfile.ZIP_LZMA), "syntax"),
    "no members": (lambda d, p: pack({}), "missing"),
    "no manifest": (lambda d, p: pack({k: v for k, v in p.items() if k != MANIFEST}), "missing"),
    "no events": (lambda d, p: pack({k: v for k, v in p.items() if k != EVENTS}), "missing"),
    "no salts": (lambda d, p: pack({k: v for k, v in p.items() if k != SALTS}), "missing"),
    "no frames": (lambda d, p: pack({k: v for k, v in p.items() if k != FRAMES}), "missing"),
    "a blob less": (lambda d, p: pack(dict(list(p.items())[1:])), "blobs: not the blobs"),
    "a blob more": (
        lambda d, p: pack({f"blobs/{'0' * 64}.zst": compression.compress(b"x"), **p}),
        "blobs: not the",
    ),
    "an unlisted cast": (lambda d, p: pack({**p, "terminal/2.cast": b"x"}), "not listed in the manifest"),
    "member twice": (lambda d, p: pack([*p.items(), (EVENTS, p[EVENTS])]), "duplicate"),
    "blob twice": (lambda d, p: pack([*p.items(), next(iter(p.items()))]), "duplicate"),
    "up and away": (lambda d, p: pack({"../../etc/passwd": b"x", **p}), "name"),
    "absolute": (lambda d, p: pack({"/etc/passwd": b"x", **p}), "name"),
    "backslash": (lambda d, p: pack({"..\\x": b"x", **p}), "name"),
    "a folder": (lambda d, p: pack({"blobs/": b"", **p}), "name"),
    "case": (lambda d, p: pack({"Manifest.json": b"{}", **p}), "name"),
    "NUL in a name": (lambda d, p: pack({"events.jsonl\0.txt": b"x", **p}), "name"),
    "newline in a name": (lambda d, p: pack({"terminal/1.cast\n": b"x", **p}), "name"),
    "terminal 0": (lambda d, p: pack({"terminal/0.cast": b"x", **p}), "name"),
    "upper-case digest": (
        lambda d, p: pack({f"blobs/{'A' * 64}.zst": compression.compress(b""), **p}),
        "name",
    ),
    "long name": (lambda d, p: pack({"x" * 60_000: b"x", **p}), "does not fit"),
    "not ASCII": (lambda d, p: d.replace(b"terminal/1.cast", b"terminal/1.c\xc3\xa4t"), "name"),
    "encrypted": (lambda d, p: patched(d, first_central(d) + 8, "<H", 1), "encrypted"),
    "method 99": (lambda d, p: patched(d, first_central(d) + 10, "<H", 99), "method 99"),
    "executable": (lambda d, p: patched(d, first_central(d) + 38, "<I", 0o100755 << 16), "syntax"),
    "symbolic link": (lambda d, p: patched(d, first_central(d) + 38, "<I", 0o120777 << 16), "syntax"),
    "second disk": (lambda d, p: patched(d, end_of(d) + 4, "<H", 1), "syntax"),
    "disk of a member": (lambda d, p: patched(d, first_central(d) + 34, "<H", 1), "syntax"),
    "member comment": (lambda d, p: patched(d, first_central(d) + 32, "<H", 4), "syntax"),
    "more members said": (
        lambda d, p: patched(patched(d, end_of(d) + 8, "<H", 99), end_of(d) + 10, "<H", 99),
        "syntax",
    ),
    "fewer members said": (
        lambda d, p: patched(patched(d, end_of(d) + 8, "<H", 8), end_of(d) + 10, "<H", 8),
        "syntax",
    ),
    "65535 members said": (
        lambda d, p: patched(patched(d, end_of(d) + 8, "<H", 65535), end_of(d) + 10, "<H", 65535),
        "syntax",
    ),
    "directory elsewhere": (lambda d, p: patched(d, end_of(d) + 16, "<I", 0), "syntax"),
    "overlap": (lambda d, p: pack(p, central=lambda e: e._replace(offset=0)), "overlap"),
    "local name differs": (lambda d, p: d.replace(b"events.jsonl", b"events.jsonk", 1), "local header"),
    "local size differs": (
        lambda d, p: pack(p, local=lambda e: e._replace(size=e.size + 1) if e.name == EVENTS else e),
        "local header",
    ),
    "local CRC differs": (lambda d, p: patched(d, 14, "<I", 0), "local header"),
    "stored of two sizes": (
        lambda d, p: pack(
            p,
            local=lambda e: e._replace(size=9) if e.name == MANIFEST else e,
            central=lambda e: e._replace(size=9) if e.name == MANIFEST else e,
        ),
        "two sizes",
    ),
    "a gap between members": (lambda d, p: _gap(p), "bytes between"),
    "manifest: wrong CRC": (lambda d, p: _crc(p), "CRC-32"),
    "manifest: not JSON": (lambda d, p: pack({**p, MANIFEST: b"\x80abc"}), "encoding"),
    "manifest: huge": (lambda d, p: pack({**p, MANIFEST: b" " * (limits.MAX_MANIFEST + 1)}), "too-large"),
    "manifest: deep": (
        lambda d, p: pack({**p, MANIFEST: b'{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}"}),
        "too-deep",
    ),
    "manifest: another format": (lambda d, p: _said(p, format="asciicast"), "not-a-trace"),
    "manifest: newer version": (
        lambda d, p: _said(p, schema_version=2),
        "version: manifest.json: schema version 2",
    ),
    "manifest: version 0": (lambda d, p: _said(p, schema_version=0), "schema"),
    "manifest: keys after the seal": (lambda d, p: _after_seal(p), "last two keys"),
    "manifest: bad trace id": (lambda d, p: _said(p, trace_id="x" * 36), "schema"),
    "manifest: a terminal that is not there": (
        lambda d, p: _changed(p, lambda m: m["terminals"].append({**m["terminals"][0], "number": 2})),
        "missing",
    ),
    "manifest: a terminal twice": (
        lambda d, p: _changed(p, lambda m: m["terminals"].append(m["terminals"][0])),
        "duplicate",
    ),
    "manifest: expands without end": (
        lambda d, p: _changed(p, lambda m: m["terminals"][0].update(content=2**35)),
        "ratio",
    ),
    "manifest: petabytes": (
        lambda d, p: _changed(p, lambda m: m["terminals"][0].update(content=2**52)),
        "too-large",
    ),
    "manifest: lists itself": (
        lambda d, p: _changed(p, lambda m: m["members"].append({**m["members"][0], "name": MANIFEST})),
        "hash",
    ),
    "blob of nothing": (lambda d, p: _blob(p, b""), "not a zstd frame"),
    "blob that declares 1 TB": (
        lambda d, p: _blob(p, b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 2**40)),
        "too-large",
    ),
    "blob without a size": (
        lambda d, p: _blob(p, zstandard.ZstdCompressor(write_content_size=False).compress(RC)),
        "size",
    ),
    "blob with a checksum": (
        lambda d, p: _blob(p, zstandard.ZstdCompressor(write_checksum=True).compress(RC)),
        "checksum",
    ),
    "blob with a wide window": (lambda d, p: _blob(p, b"\x28\xb5\x2f\xfd\x80\x70" + bytes(20)), "window"),
    "blob that is skippable": (lambda d, p: _blob(p, b"\x50\x2a\x4d\x18\x04\0\0\0abcd"), "not a zstd frame"),
}


def _gap(parts: Parts) -> bytes:
    data = pack(parts)
    where = first_central(data)
    raised = data[:where] + b"\0" * 8 + data[where:]
    return patched(raised, end_of(raised) + 16, "<I", where + 8)


def _crc(parts: Parts) -> bytes:
    wrong = lambda e: e._replace(crc=e.crc ^ 1) if e.name == MANIFEST else e  # noqa: E731
    return pack(parts, local=wrong, central=wrong)


def _said(parts: Parts, **fields: Any) -> bytes:
    return _changed(parts, lambda said: said.update(fields))


def _changed(parts: Parts, change: Callable[[dict[str, Any]], object]) -> bytes:
    return pack(reseal(parts, change))  # type: ignore[arg-type]


def _after_seal(parts: Parts) -> bytes:
    return pack({**parts, MANIFEST: parts[MANIFEST][:-1] + b',"later":1}'})


def _blob(parts: Parts, packed: bytes) -> bytes:
    return pack(
        reseal({next(n for n in parts if n.startswith("blobs/")): packed, **dict(list(parts.items())[1:])})
    )


@pytest.mark.parametrize("case", ARCHIVES, ids=str)
def test_hostile_archives(sample: Path, parts: Parts, case: str) -> None:
    make, expected = ARCHIVES[case]
    assert expected in rejected(make(sample.read_bytes(), parts))


def test_the_harness_makes_good_traces(parts: Parts) -> None:
    """Else the tables would prove nothing."""
    assert look(pack(parts)) == look(pack(reseal(parts))) == "valid"


def chunk(*made: frames.Frame) -> bytes:
    return compression.compress(b"".join(frames.encode(*f) for f in made))


GOOD = [frames.Frame(n, t, 1, data) for n, (t, data) in enumerate(OUTPUT)]
STREAMS: dict[str, tuple[bytes, str]] = {
    "sequence from 1": (chunk(*(f._replace(sequence=f.sequence + 1) for f in GOOD)), "out of order"),
    "a repeat": (chunk(GOOD[0], *GOOD), "out of order"),
    "time runs back": (chunk(*GOOD[:3], GOOD[3]._replace(t=0)), "out of order"),
    "time out of range": (chunk(*GOOD[:3], GOOD[3]._replace(t=2**63)), "out of order"),
    "an event frame": (chunk(GOOD[0]._replace(kind=2), *GOOD[1:]), "another kind"),
    "a short chunk first": (chunk(*GOOD[:2]) + chunk(*GOOD[2:]), "before the last one"),
    "an empty chunk": (compression.compress(b""), "a chunk of 0 bytes"),
    "half a frame": (compression.compress(frames.encode(*GOOD[0])[:-1]), "whole frames"),
    "garbage": (compression.compress(b"garbage" * 9), "whole frames"),
    "bytes after": (chunk(*GOOD) + b"\0", "before the last one"),
    "a skippable frame after": (chunk(*GOOD) + b"\x50\x2a\x4d\x18\x04\0\0\0abcd", "before the last one"),
    "cut": (chunk(*GOOD)[:-1], "ends early"),
    "chunk too large": (compression.compress(bytes(limits.MAX_CHUNK + 1)), "a chunk of 4194305 bytes"),
}


@pytest.mark.parametrize("case", STREAMS, ids=str)
def test_hostile_streams(parts: Parts, case: str) -> None:
    stream, expected = STREAMS[case]
    with opened(pack(reseal({**parts, FRAMES: stream}))) as trace:
        for read in (lambda: list(trace.terminal_frames(1)), lambda: trace.terminal_output(1, 0, 50)):
            with pytest.raises(TraceRejected) as caught:
                read()
            assert expected in str(caught.value)
        assert any(expected in problem.reason for problem in trace.verify().problems)


def lines(*changes: tuple[bytes, bytes]) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        for old, new in changes:
            assert old in content
            content = content.replace(old, new, 1)
        return content

    return change


START = b'{"kind":"terminal.started","t":0'
TEXTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "time runs back": (lines((b'"kind":"note","t":31', b'"kind":"note","t":29')), "order"),
    "last line does not end": (lambda c: c[:-1], "truncated"),
    "empty line": (lambda c: b"\n" + c, "syntax"),
    "CRLF": (lambda c: c.replace(b"\n", b"\r\n"), "syntax"),
    "BOM": (lambda c: b"\xef\xbb\xbf" + c, "syntax"),

    "a line of 5 MB": (lambda c: b"x" * 5_000_000 + b"\n" + c, "too-large"),
    "a foreign terminal": (lines((b'"t":33,"source":"terminal/1"', b'"t":33,"source":"terminal/2"')), "missing"),
    "a blob that is not there": (lines((b'"tree":"', b'"tree":"0'), (b'","files":1', b'","files":1')), "schema"),
    "an offset past the end": (lines((b'"rows":30,"offset":18', b'"rows":30,"offset":99')), "order"),
    "a prompt twice": (lines((b'"n":2,"offset":16,"ready"', b'"n":1,"offset":16,"ready"')), "order"),
    "a prompt before its start": (lines((b'"offset":16,"ready":18', b'"offset":16,"ready":15')), "order"),
    "an end without a start": (
        lines((b'ended","t":20,"source":"terminal/1","n":1', b'ended","t":20,"source":"terminal/1","n":2')),
        "order",
    ),
    "a second start": (lambda c: c.split(b"\n")[0] + b"\n" + c, "duplicate"),
    "a gap that ends before": (lines((b'"until":58', b'"until":50')), "order"),
    "commands backwards": (lines((b'"first":1,"last":1', b'"first":2,"last":1')), "order"),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS, ids=str)
def test_hostile_events(parts: Parts, case: str) -> None:
    change, expected = TEXTS[case]
    with opened(pack(reseal({**parts, EVENTS: change(parts[EVENTS])}))) as trace:
        with pytest.raises(TraceRejected) as caught:
            list(trace.events)
        assert caught.value.code == expected
        assert caught.value.place.startswith("events.jsonl")
        assert not trace.verify().ok


def test_a_blob_that_no_longer_stands_there_is_missed(parts: Parts) -> None:
    tree = json.loads(parts[EVENTS].split(b"\n")[1])["tree"].encode()
    changed = {**parts, EVENTS: parts[EVENTS].replace(tree, b"0" * 64)}
    with (
        opened(pack(reseal(changed))) as trace,
        pytest.raises(TraceRejected, match=r"blob 0+ is not in the trace"),
    ):
        list(trace.events)


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def raw_member(parts: Parts, name: str, packed: bytes, size: int, crc: int) -> bytes:
    """A trace whose member `name` is deflated by hand."""
    out, listed = bytearray(), []
    for each, content in parts.items():
        data, entry_size, entry_crc = content, len(content), zlib.crc32(content)
        if each == name:
            data, entry_size, entry_crc = packed, size, crc
        elif ziplayout.method(each) == ziplayout.DEFLATED:
            data = deflated(content)
        entry = ziplayout.Entry(each, entry_crc, len(data), entry_size, len(out))
        out += ziplayout.local(entry) + data
        listed.append(entry)
    where = len(out)
    central = b"".join(map(ziplayout.central, listed))
    return bytes(out) + central + ziplayout.end(len(listed), len(central), where)


@pytest.mark.parametrize(
    ("packed", "size", "code"),
    [
        (deflated(bytes(50_000_000)), 100, "too-large"),
        (deflated(b"x" * 100), 101, "hash"),
        (deflated(b"x" * 100) + b"\0", 100, "syntax"),
        (deflated(b"x" * 100)[:-1], 100, "truncated"),
        (b"\xff" * 30, 100, "syntax"),
        (deflated(b"x" * 100) * 2, 100, "syntax"),
        (b"", 0, "truncated"),
    ],
)
def test_hostile_deflate(parts: Parts, packed: bytes, size: int, code: str) -> None:
    data = raw_member(parts, CAST, packed, size, zlib.crc32(b"x" * 100))

    def fit(said: dict[str, Any]) -> None:
        for member in said["members"]:
            if member["name"] == CAST:
                member.update(size=size, packed=len(packed))

    said = json.loads(reseal(parts)[MANIFEST])
    fit(said)
    for member in said["members"]:  # deflated at another level here
        if member["name"] in (EVENTS, SALTS):
            member["packed"] = len(deflated(parts[member["name"]]))
    data = raw_member({**parts, MANIFEST: sign(said)}, CAST, packed, size, zlib.crc32(b"x" * 100))
    with opened(data) as trace:
        with pytest.raises(TraceRejected) as caught:
            list(trace.cast(1))
        assert caught.value.code == code


def test_a_blob_of_too_many_blocks_is_not_walked_to_its_end() -> None:
    packed = b"\x28\xb5\x2f\xfd\x20\x01" + bytes(3) * 1_000_000 + b"\x09\0\0x"
    read = lambda offset, size: packed[offset : offset + size]  # noqa: E731
    with pytest.raises(TraceRejected, match="too many"):
        compression.frame_length(read, 0, len(packed), "x")


def test_asked_for_too_much_or_for_what_is_not_there(sample: Path) -> None:
    with open_trace(sample) as trace:
        digest = next(d for d in trace.blob_digests() if trace.blob(d) == RC)
        for ask in (
            lambda: trace.blob(digest, most=len(RC) - 1),
            lambda: trace.blob("0" * 64),
            lambda: trace.blob("../../x"),
            lambda: trace.blob(digest.upper()),
            lambda: list(trace.terminal_frames(2)),
            lambda: trace.terminal_output(2, 0, 1),
            lambda: list(trace.cast(2)),
        ):
            with pytest.raises(TraceRejected):
                ask()
        assert not trace.has_blob("zz")
        assert trace.has_blob(digest)
        assert trace.blob_size(digest) == len(RC)
        assert trace.terminal_output(1, -5, 10**18) == RAW


def test_copying_a_blob_to_a_file(sample: Path, tmp_path: Path) -> None:
    with open_trace(sample) as trace, open(tmp_path / "out", "wb") as out:
        digest = next(d for d in trace.blob_digests() if trace.blob(d) == RC)
        assert trace.copy_blob(digest, out.fileno()) == len(RC)
        assert (tmp_path / "out").read_bytes() == RC


def test_what_is_no_file_is_rejected(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (tmp_path, fifo, Path("/dev/null")):
        with pytest.raises(TraceRejected, match="not a regular file"):
            open_trace(path)
    with pytest.raises(FileNotFoundError):
        open_trace(tmp_path / "nowhere")


def test_no_descriptor_is_left_open(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"PK" * 50)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with pytest.raises(TraceRejected):
            open_trace(tmp_path / "bad")
        with open_trace(sample) as trace:
            trace.verify()
    assert len(os.listdir("/proc/self/fd")) == before
