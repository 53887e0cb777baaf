"""Breaks traces in every way it can think of, and demands that reading them raises TraceRejected or nothing.

    python tests/trace/trace_fuzz.py [--count 200000] [--seed 1]

Mutations: raw bytes; members behind right CRCs and sizes; events, salts, frames and manifests behind right
hashes, a right chain and a right signature, so that what stands behind them is reached.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import struct
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import zstandard
from trace_sample import KEY, write_sample

from recorder.trace import compression, frames, integrity, ziplayout
from recorder.trace.codec import decode_event
from recorder.trace.errors import TraceRejected
from recorder.trace.reader import Trace
from recorder.trace.redaction import redact
from recorder.trace.ziplayout import Entry

Parts = dict[str, bytes]
"""Members by name: deflated ones as content, others as they stand."""


def pack(parts: Parts | list[tuple[str, bytes]], **changes: Callable[[Entry], Entry]) -> bytes:
    """A trace file of `parts`, headers right but for `changes` ("local" or "central") to an entry."""
    out, listed = bytearray(), []
    for name, content in parts.items() if isinstance(parts, dict) else parts:
        packed = content
        if ziplayout.method(name) == ziplayout.DEFLATED:
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            packed = packer.compress(content) + packer.flush()
        entry = Entry(name, zlib.crc32(content), len(packed), len(content), len(out))
        out += ziplayout.local(changes.get("local", lambda e: e)(entry)) + packed
        listed.append(changes.get("central", lambda e: e)(entry))
    where = len(out)
    for entry in listed:
        out += ziplayout.central(entry)
    return bytes(out) + ziplayout.end(len(listed), len(out) - where, where)


def unpack(path: Path) -> Parts:
    """The members of a good trace, in the order of the file."""
    with Trace(os.open(path, os.O_RDONLY)) as trace:
        entries = list(trace._archive.entries.values())
        entries += [trace._archive.blob_entry(d) for d in trace.blob_digests()]
        entries.sort(key=lambda e: e.offset)
        return {e.name: b"".join(trace._archive.content(e, most=1 << 30)) for e in entries}


def reseal(parts: Parts, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Parts:
    """`parts` with a manifest that agrees with them: sizes, hashes, counts, chain root, signature; then `change`d
    (and signed again). What can't be read any more is left as it was.
    """
    said = json.loads(parts[ziplayout.MANIFEST])
    packed = _packed(parts)
    current = {member["name"]: member for member in said["members"]}
    for redaction in said["redactions"]:
        current.update((member["name"], member) for member in redaction["members"])
    for member in current.values():
        if member["name"] in parts:
            data = packed[member["name"]]
            member.update(size=len(parts[member["name"]]), packed=len(data), sha256=_sha(data))
    blobs = sorted((d, parts[n]) for n in parts if (d := ziplayout.blob_digest(n)))
    try:
        sizes = [(d, compression.header(data, "")[1]) for d, data in blobs]
        text = "".join(f"{d} {s}\n" for d, s in sizes)
        said["blobs"] = {"count": len(sizes), "size": sum(s for _, s in sizes), "sha256": _sha(text.encode())}
        for terminal in said["terminals"]:
            stream = parts[ziplayout.frames_name(terminal["number"])]
            if compression.header(stream, "").content > 1 << 26:
                continue
            data = zstandard.ZstdDecompressor().decompress(stream)
            found = list(frames.FrameDecoder().feed(data))
            output = sum(len(f.payload) for f in found)
            terminal.update(frames=len(found), output=output, content=len(data))
    except (TraceRejected, zstandard.ZstdError, KeyError, MemoryError):
        pass
    _rechain(parts, said)
    change(said)
    return {**parts, ziplayout.MANIFEST: sign(said)}


def _rechain(parts: Parts, said: dict[str, Any]) -> None:
    lines = parts[ziplayout.EVENTS].split(b"\n")[:-1]
    chain = integrity.Chain(said["trace_id"])
    kinds: Counter[str] = Counter()
    committed: dict[int, list[integrity.Salt]] = {}
    try:
        for line in parts[ziplayout.SALTS].split(b"\n")[:-1]:
            salt = integrity.decode_salt(line, "")
            committed.setdefault(salt.event, []).append(salt)
        for number, line in enumerate(lines):
            event = decode_event(line, "")
            kinds[str(getattr(event, "kind", None) or type(event).__struct_config__.tag)] += 1
            chain.add(integrity.chained(line, committed.get(number, []), ""))
    except TraceRejected:
        return
    said["counts"] = {"events": len(lines), "kinds": dict(sorted(kinds.items()))}
    count = sum(map(len, committed.values()))
    said["integrity"] = {"events": len(lines), "root": chain.root, "commitments": count}


def sign(said: dict[str, Any]) -> bytes:
    """The bytes of a manifest, signed by the tests' key."""
    rest = {k: v for k, v in said.items() if k not in ("seal", "redactions")}
    part = _json(rest)
    seal = {"public_key": integrity.public_key(KEY), "signature": integrity.sign_seal(KEY, part)}
    out = part[:-1] + b',"seal":' + _json(seal) + b',"redactions":'
    redactions = said.get("redactions", [])
    if not isinstance(redactions, list) or not all(isinstance(r, dict) for r in redactions):
        return out + _json(redactions) + b"}"
    out += b"["
    for redaction in redactions:
        head = {k: v for k, v in redaction.items() if k not in ("public_key", "signature")}
        out += _json({**head, "public_key": integrity.public_key(KEY)})[:-1]
        out += b',"signature":"' + integrity.sign_redaction(KEY, out).encode() + b'"},'
    return (out[:-1] if redactions else out) + b"]}"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _packed(parts: Parts) -> Parts:
    out = dict(parts)
    for name, content in parts.items():
        if ziplayout.method(name) == ziplayout.DEFLATED:
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            out[name] = packer.compress(content) + packer.flush()
    return out


# -- mutations ----------------------------------------------------------------------------------------

NUMBERS = [0, 1, -1, 2**31, 2**53, 2**62, 2**63, 2**64, -(2**63), 10**19, 1.5, 1e300, -0.0]
TEXTS = [
    "",
    "\0",
    "../x",
    "/",
    "ü" * 50,
    "\ud800",
    "a" * 70000,
    "0" * 64,
    "f" * 64,
    "terminal/1",
    "terminal/9",
    '"\\',
]
VALUES: list[Any] = [*NUMBERS, *TEXTS, None, True, False, [], {}, [[]], {"a": {"a": []}}, [None] * 300]


def mangle(data: bytes, chance: random.Random) -> bytes:
    """A few changes to raw bytes."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        at = chance.randrange(len(out) + 1)
        size = chance.choice((1, 1, 2, 4, 16, 300))
        match chance.randrange(7):
            case 0 | 1 if at < len(out):
                out[at] ^= 1 << chance.randrange(8)
            case 2:
                out[at : at + size] = chance.randbytes(min(size, max(0, len(out) - at)))
            case 3:
                del out[at : at + size]
            case 4:
                out[at:at] = chance.randbytes(size)
            case 5:
                out[at:at] = out[at : at + size]
            case 6:
                number = chance.choice((0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, len(out)))
                width = chance.choice((1, 2, 4, 8))
                out[at : at + width] = (number & (1 << 8 * width) - 1).to_bytes(width, "little")
            case _:
                del out[at:]
    return bytes(out)


def twist(value: Any, chance: random.Random) -> Any:
    """One change somewhere inside a JSON value."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        match chance.randrange(8):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return {**value, chance.choice(TEXTS[:5]): chance.choice(VALUES)}
            case 2:
                return dict(reversed(value.items()))
            case _:
                return {**value, key: twist(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        match chance.randrange(5):
            case 0:
                return value[:at] + value[at + 1 :]
            case 1:
                return value[: at + 1] + value[at:]
            case _:
                return [*value[:at], twist(value[at], chance), *value[at + 1 :]]
    if isinstance(value, int) and chance.random() < 0.5:
        return value + chance.choice((-1, 1, 2, 1000))
    return chance.choice(VALUES)


def twist_line(line: bytes, chance: random.Random) -> bytes:
    match chance.randrange(10):
        case 0:
            return mangle(line, chance)
        case 1:  # depth and width
            fill = chance.choice((b"[" * 40 + b"]" * 40, b"[" * 30 + b"]" * 30, b"[" + b"0," * 3000 + b"0]"))
            return line[:-1] + b',"zz":' + fill + b"}"
        case 2:
            return line[:-1] + b',"t":1}'
        case 3:
            return line.replace(b'"t":', chance.choice((b'"\\u0074":', b'"t" :', b'"t":0', b'"T":')), 1)
        case _:
            try:
                return _json(twist(json.loads(line), chance))
            except ValueError:
                return line


def twist_lines(content: bytes, chance: random.Random) -> bytes:
    lines = content.split(b"\n")[:-1]
    at = chance.randrange(len(lines))
    match chance.randrange(8):
        case 0:
            del lines[at]
        case 1:
            lines.insert(chance.randrange(len(lines) + 1), lines[at])
        case 2:
            chance.shuffle(lines)
        case 3:
            return b"\n".join(lines)
        case _:
            lines[at] = twist_line(lines[at], chance)
    return b"".join(line + b"\n" for line in lines)


def twist_frames(packed: bytes, chance: random.Random) -> bytes:
    found = list(frames.FrameDecoder().feed(zstandard.ZstdDecompressor().decompress(packed)))
    at = chance.randrange(len(found))
    frame = found[at]
    match chance.randrange(6):
        case 0:
            found[at] = frame._replace(sequence=chance.choice((0, 2**64 - 1, frame.sequence + 1)))
        case 1:
            found[at] = frame._replace(t=chance.choice((0, 2**62, 2**64 - 1)))
        case 2:
            found[at] = frame._replace(kind=chance.randrange(256))
        case 3:
            found[at] = frame._replace(payload=mangle(frame.payload, chance))
        case 4:
            del found[at]
        case _:
            found.insert(at, frame)
    data = b"".join(frames.encode(*f) for f in found)
    if chance.random() < 0.3:
        data = mangle(data, chance)
    match chance.randrange(6):
        case 0:  # several chunks
            cut = chance.randrange(len(data) + 1)
            return compression.compress(data[:cut]) + compression.compress(data[cut:])
        case 1:  # zstd that declares nothing, or has a checksum
            packer = zstandard.ZstdCompressor(write_content_size=chance.random() < 0.5, write_checksum=True)
            return packer.compress(data)
        case 2:
            return mangle(compression.compress(data), chance)
        case _:
            return compression.compress(data)


class Case(NamedTuple):
    way: str
    data: bytes
    covered: bool  # a change that verification must notice


def mutate(original: bytes, parts: Parts, chance: random.Random) -> Case:
    """One broken trace."""
    match chance.randrange(8):
        case 0 | 1:
            return Case("bytes", mangle(original, chance), True)
        case 2:
            name = chance.choice(list(parts))
            changed = {**parts, name: mangle(parts[name], chance)}
            return Case("member", pack(changed), True)
        case 3:
            name = chance.choice([n for n in parts if n != ziplayout.MANIFEST])
            return Case("resealed member", pack(reseal({**parts, name: mangle(parts[name], chance)})), False)
        case 4:
            name = chance.choice((ziplayout.EVENTS, ziplayout.EVENTS, ziplayout.EVENTS, ziplayout.SALTS))
            return Case(
                "resealed lines", pack(reseal({**parts, name: twist_lines(parts[name], chance)})), False
            )
        case 5:
            name = ziplayout.frames_name(1)
            return Case(
                "resealed frames", pack(reseal({**parts, name: twist_frames(parts[name], chance)})), False
            )
        case 6:
            said = twist(json.loads(parts[ziplayout.MANIFEST]), chance)
            raw = sign(said) if isinstance(said, dict) and chance.random() < 0.8 else _json(said)
            return Case("manifest", pack({**parts, ziplayout.MANIFEST: raw}), False)
        case _:
            return Case("layout", _layout(parts, chance), False)


def _layout(parts: Parts, chance: random.Random) -> bytes:
    members = list(parts.items())
    name, content = chance.choice(members)
    names = [
        "../x",
        "/etc/passwd",
        "blobs/" + "A" * 64 + ".zst",
        "terminal/0.cast",
        "terminal/1.cast",
        name,
        "x",
    ]
    field = chance.choice(("crc", "packed", "size", "offset"))
    number = chance.choice((0, 1, 0xFFFFFFFE, 0xFFFFFFFF, 2**40))
    match chance.randrange(5):
        case 0:
            members.insert(chance.randrange(len(members) + 1), (chance.choice(names), content))
        case 1:
            chance.shuffle(members)
        case 2:
            members.remove((name, content))
        case _:
            side = chance.choice(("local", "central"))
            change = lambda e: e._replace(**{field: number}) if e.name == name else e  # noqa: E731
            try:
                return pack(members, **{side: change})
            except (ValueError, struct.error):
                return mangle(pack(members), chance)
    return pack(members)


# -- the look -----------------------------------------------------------------------------------------


def look(data: bytes) -> str:
    """Reads all there is in a trace: the rejection's code, "invalid", "unsigned" or "valid". Anything raised but
    TraceRejected is a bug of the reader.
    """
    fd = os.memfd_create("trace")
    os.write(fd, data)
    try:
        with Trace(fd) as trace:
            report = trace.verify()
            for part in (
                lambda: list(trace.events.lines()),
                lambda: [trace.blob(d) for d in trace.blob_digests()],
                lambda: [trace.terminal_output(t.number, 1, 30) for t in trace.manifest.terminals],
                lambda: [list(trace.cast(t.number)) for t in trace.manifest.terminals],
            ):
                try:
                    part()
                except TraceRejected as error:
                    if report.ok and error.code != "missing":
                        raise AssertionError(f"verified, yet unreadable: {error}") from error
            if not report.ok:
                return "invalid"
            return "valid" if report.signature == "valid" else "unsigned"
    except TraceRejected as error:
        return str(error.code)


def forbid_writes() -> None:
    """From now on, opening a file to write to it, or making one, is an error in this process."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            raise AssertionError(f"a reader opens {args[0]!r} to write")
        if event in ("os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate"):
            raise AssertionError(f"a reader calls {event} {args!r}")

    sys.addaudithook(hook)


def fuzz(
    original: bytes, parts: Parts, count: int, seed: int, *, report_every: int = 0
) -> Counter[tuple[str, str]]:
    """`count` mutations of a trace; how each way of breaking it ended. AssertionError: what must not be."""
    assert look(original) == look(pack(reseal(parts))) == "valid"
    found: Counter[tuple[str, str]] = Counter()
    start = time.monotonic()
    for number in range(count):
        chance = random.Random(f"{seed} {number}")
        case = mutate(original, parts, chance)
        try:
            result = look(case.data)
        except BaseException as error:
            raise AssertionError(f"seed {seed} number {number} ({case.way}): {error!r}") from error
        if result == "valid" and case.covered and case.data not in (original, pack(parts)):
            raise AssertionError(
                f"seed {seed} number {number} ({case.way}): no error found, the checker is broken"
            )
        found[case.way, result] += 1
        if report_every and (number + 1) % report_every == 0:
            print(f"{number + 1} in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return found


def _peak() -> int:
    """This process's highest memory in MB; ru_maxrss would count the process that this one was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        whole, redacted = Path(folder) / "whole", Path(folder) / "redacted"
        write_sample(whole)
        with Trace(os.open(whole, os.O_RDONLY)) as trace:
            redact(trace, redacted, [(3, "/data"), (4, "/text")], reason="a token", at_unix_ns=5, key=KEY)
        originals = [(path.read_bytes(), unpack(path)) for path in (whole, redacted)]
    forbid_writes()
    start = time.monotonic()
    found: Counter[tuple[str, str]] = Counter()
    for number, (original, parts) in enumerate(originals):
        share = options.count * 3 // 4 if number == 0 else options.count - options.count * 3 // 4
        found += fuzz(original, parts, share, options.seed + number, report_every=10_000)
    peak = _peak()
    print(f"{options.count} mutations in {time.monotonic() - start:.0f} s, peak memory {peak} MB")
    for (way, result), times in sorted(found.items()):
        print(f"{way:16} {result:12} {times}")


if __name__ == "__main__":
    main()
