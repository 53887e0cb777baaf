"""Break it, and demand that the checker notices; take a value out, and demand that the rest still holds."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import Counter
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from trace_fuzz import Parts, look, pack, reseal, unpack
from trace_sample import KEY, events, write_sample

from recorder.trace import integrity, jsonscan, manifest, ziplayout
from recorder.trace.codec import encode_event
from recorder.trace.errors import TraceRejected, UsageError
from recorder.trace.integrity import Chain, Salt, chained, commitment
from recorder.trace.keys import create_key, load_key
from recorder.trace.reader import IntegrityReport, open_trace
from recorder.trace.redaction import redact


@pytest.fixture(scope="module")
def parts(sample: Path) -> Parts:
    return unpack(sample)


def notices(data: bytes) -> bool:
    """Whether reading rejects it or verification finds it broken."""
    return look(data) != "valid"


def report(path: Path) -> IntegrityReport:
    with open_trace(path) as trace:
        return trace.verify()


# -- break it -----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("bits", range(8) if os.environ.get("REENACT_EXHAUSTIVE") else [3])
def test_a_flipped_bit_of_every_byte_is_noticed(sample: Path, bits: int) -> None:
    """No byte of a trace is without cover: there is no list of exceptions. With REENACT_EXHAUSTIVE every bit of it."""
    data = bytearray(sample.read_bytes())
    for at in range(len(data)):
        bit = 1 << (at + bits) % 8
        data[at] ^= bit
        assert notices(bytes(data)), f"no error found at byte {at}, the checker is broken"
        data[at] ^= bit


def test_flipped_bits_here_and_there_are_noticed(sample: Path) -> None:
    data = bytearray(sample.read_bytes())
    for at in range(0, len(data), 19):
        data[at] ^= 1 << at // 19 % 8
        assert notices(bytes(data)), f"no error found at byte {at}, the checker is broken"
        data[at] ^= 1 << at // 19 % 8


def test_every_truncation_is_rejected(sample: Path) -> None:
    data = sample.read_bytes()
    found = Counter(look(data[:end]) for end in range(len(data)))
    assert set(found) <= {"truncated", "syntax", "not-a-trace"}


def test_a_change_behind_right_sizes_and_crcs_is_noticed(parts: Parts) -> None:
    """As by one who can zip but cannot sign: one byte of each member, in turn."""
    for name, content in parts.items():
        for at in range(0, len(content), max(1, len(content) // 12)):
            changed = content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]
            assert notices(pack({**parts, name: changed})), (name, at)


def test_a_forger_with_another_key_shows(parts: Parts, tmp_path: Path, sample: Path) -> None:
    """All can be rebuilt around a lie, but not signed by the recorder."""
    lie = parts[ziplayout.EVENTS].replace(b'"exit":0', b'"exit":1', 1)
    forged = reseal({**parts, ziplayout.EVENTS: lie})
    said = json.loads(forged[ziplayout.MANIFEST])
    said["seal"] = json.loads(parts[ziplayout.MANIFEST])["seal"]
    raw = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    path = tmp_path / "forged"
    path.write_bytes(pack({**forged, ziplayout.MANIFEST: raw}))
    found = report(path)
    assert found.signature == "invalid"
    assert [p.code for p in found.problems] == ["signature"]


def test_a_stripped_signature_is_absent_never_valid(parts: Parts, tmp_path: Path) -> None:
    said = json.loads(parts[ziplayout.MANIFEST])
    said["seal"] = None
    raw = json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode()
    path = tmp_path / "stripped"
    path.write_bytes(pack({**parts, ziplayout.MANIFEST: raw}))
    found = report(path)
    assert (found.ok, found.signature, found.public_key) == (True, "absent", None)


def test_verification_reports_all_that_is_wrong_and_never_raises(parts: Parts, tmp_path: Path) -> None:
    blob = next(name for name in parts if name.startswith("blobs/"))
    broken = {
        **parts,
        blob: parts[blob][:-1] + b"?",
        ziplayout.frames_name(1): parts[ziplayout.frames_name(1)][:-3] + b"???",
        ziplayout.SALTS: parts[ziplayout.SALTS]
        .replace(b'"salt":"', b'"salt":"0', 1)
        .replace(b'0"}', b'"}', 1),
    }
    path = tmp_path / "broken"
    path.write_bytes(pack(broken))
    try:
        found = report(path)
    except TraceRejected:
        return  # the salts deflate to another size: the manifest's list is broken already
    assert len({p.place for p in found.problems}) >= 3


# -- the chain ----------------------------------------------------------------------------------------


def test_the_chain_is_what_the_format_says(sample: Path) -> None:
    """Written out by hand, from the text of docs/trace-format.md."""
    with open_trace(sample) as trace:
        salts = list(trace._salts())
        link = hashlib.sha256(b"reenact chain 1\n" + trace.manifest.trace_id.encode()).digest()
        for number, recorded in enumerate(trace.events.lines()):
            line = recorded.line.decode()
            value = json.loads(line)
            for salt in (s for s in salts if s.event == number):
                found = value
                for step in salt.field.split("/")[1:]:
                    found = found[step.replace("~1", "/").replace("~0", "~")]
                text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
                mark = hashlib.sha256(bytes.fromhex(salt.salt or "") + text.encode()).hexdigest()
                assert line.count(text) == 1
                line = line.replace(text, f'"{mark}"')
            link = hashlib.sha256(link + hashlib.sha256(line.encode()).digest()).digest()
        assert link.hex() == trace.manifest.integrity.root


def test_every_sensitive_field_gets_a_commitment(sample: Path) -> None:
    with open_trace(sample) as trace:
        fields = {(salt.event, salt.field) for salt in trace._salts()}
        kinds = [type(e).__struct_config__.tag for e in trace.events]
    assert {(kinds[n], f) for n, f in fields} == {
        ("terminal.started", "/argv"),
        ("terminal.started", "/env/TERM"),
        ("terminal.started", "/env/A~1B~0"),
        ("terminal.input", "/data"),
        ("command.started", "/text"),
        ("page.document", "/url"),
        ("page.navigated", "/url"),
        ("page.request", "/url"),
        ("page.state", "/url"),
        ("page.state", "/title"),
        ("page.target", "/name"),
        ("page.target", "/anchors"),
        ("page.event", "/key"),
        ("page.event", "/clips"),
        ("page.event", "/files"),
        ("page.dialog", "/message"),
        ("page.download", "/url"),
        ("page.download", "/name"),
        ("note", "/text"),
        ("mark", "/label"),
        ("check", "/line"),
        ("network.name", "/name"),
        ("flow.requested", "/url"),
        ("flow.requested", "/headers"),
        ("flow.answered", "/headers"),
        ("flow.answered", "/trailers"),
    }


def test_salts_make_equal_values_differ() -> None:
    assert commitment(b"a" * 16, b'"hunter2"') != commitment(b"b" * 16, b'"hunter2"')


LINE = b'{"kind":"note","t":1,"source":"notes","text":"secret"}'
SALT = "00" * 16


@pytest.mark.parametrize(
    "salts",
    [
        [Salt(event=0, field="/nowhere", salt=SALT)],
        [Salt(event=0, field="", salt=SALT)],
        [Salt(event=0, field="/text", salt=SALT), Salt(event=0, field="/t", salt=SALT)],
        [Salt(event=0, field="/text", salt=SALT), Salt(event=0, field="/text", salt=SALT)],
        [Salt(event=0, field="/text", commitment="ab" * 32)],
    ],
)
def test_commitments_that_do_not_fit(salts: list[Salt]) -> None:
    with pytest.raises(TraceRejected):
        chained(LINE, salts, "x")


def test_order_and_number_of_events_matter() -> None:
    def root(*lines: bytes) -> str:
        chain = Chain("id")
        for line in lines:
            chain.add(line)
        return chain.root

    roots = [
        root(),
        root(b"a"),
        root(b"b"),
        root(b"a", b"b"),
        root(b"b", b"a"),
        root(b"ab"),
        root(b"a", b"b", b""),
    ]
    assert len(set(roots)) == len(roots)


# -- redaction ----------------------------------------------------------------------------------------

REDACTOR = Ed25519PrivateKey.from_private_bytes(b"r" * 32)
SECRETS = [(0, "/env/A~1B~0"), (3, "/data"), (4, "/text"), (0, "/argv"), (9, "/text")]


def redacted(source: Path, out: Path, fields: list[tuple[int, str]] = SECRETS) -> IntegrityReport:
    with open_trace(source) as trace:
        redact(trace, out, fields, reason="a token", at_unix_ns=5, key=REDACTOR, casts={1: [b"{}\n"]})
    return report(out)


def test_values_are_gone_and_all_else_still_holds(sample: Path, tmp_path: Path) -> None:
    out = tmp_path / "redacted"
    found = redacted(sample, out)
    assert found.ok, found.problems
    assert found.signature == "valid"
    assert found.redacted == len(SECRETS)
    assert [(r.reason, r.fields, r.valid) for r in found.redactions] == [("a token", len(SECRETS), True)]
    assert found.redactions[0].public_key == integrity.public_key(REDACTOR)
    whole = b"".join(unpack(out).values())
    assert b"log shows it twice" not in whole
    assert b"ZWNobyBoaQ0" not in whole
    with open_trace(out) as trace, open_trace(sample) as before:
        assert trace.manifest.integrity == before.manifest.integrity
        assert trace.manifest.seal == before.manifest.seal
        now, then = list(trace.events), list(before.events)
        assert [n for n in range(len(now)) if now[n] != then[n]] == [0, 3, 4, 9]
        assert now[0].env == {"TERM": "xterm", "A/B~": ""}
        assert (now[0].argv, now[3].data, now[4].text) == ([], b"", "")
        assert b"".join(trace.cast(1)) == b"{}\n"
        salts = {(s.event, s.field): s for s in trace._salts()}
        assert all(salts[field].salt is None for field in SECRETS)


def test_redacting_twice(sample: Path, tmp_path: Path) -> None:
    redacted(sample, tmp_path / "once", SECRETS[:2])
    found = redacted(tmp_path / "once", tmp_path / "twice", SECRETS[2:])
    assert found.ok, found.problems
    assert found.redacted == len(SECRETS)
    assert [r.valid for r in found.redactions] == [True, True]


def test_every_byte_of_a_redacted_trace_is_covered(sample: Path, tmp_path: Path) -> None:
    redacted(sample, tmp_path / "r")
    data = bytearray((tmp_path / "r").read_bytes())
    for at in range(len(data) - 3000, len(data), 7):  # its manifest
        data[at] ^= 2
        assert notices(bytes(data)), at
        data[at] ^= 2


def test_a_redaction_that_was_tampered_with_shows(sample: Path, tmp_path: Path) -> None:
    redacted(sample, tmp_path / "r")
    parts = unpack(tmp_path / "r")
    raw = parts[ziplayout.MANIFEST]
    assert look(pack(parts)) == "valid"
    for old, new in (
        (b"a token", b"a tokem"),
        (b'"at_unix_ns":5', b'"at_unix_ns":6'),
        (b'"/argv"', b'"/argw"'),
    ):
        assert old in raw
        assert look(pack({**parts, ziplayout.MANIFEST: raw.replace(old, new)})) == "invalid"
    nobody = raw[: raw.index(b',"redactions":')] + b',"redactions":[]}'
    assert notices(pack({**parts, ziplayout.MANIFEST: nobody}))


def test_a_value_put_back_shows(sample: Path, tmp_path: Path) -> None:
    redacted(sample, tmp_path / "r")
    parts = unpack(tmp_path / "r")
    lie = parts[ziplayout.EVENTS].replace(b'"text":""', b'"text":"rm -rf /"', 1)
    assert notices(pack(reseal({**parts, ziplayout.EVENTS: lie})))


def test_what_cannot_be_redacted(sample: Path, tmp_path: Path) -> None:
    for field in [(0, "/nonce"), (99, "/text"), (3, "/nowhere")]:
        with pytest.raises(UsageError, match="can be taken out"):
            redacted(sample, tmp_path / "r", [field])
    redacted(sample, tmp_path / "once", [(3, "/data")])
    with pytest.raises(UsageError):
        redacted(tmp_path / "once", tmp_path / "r", [(3, "/data")])
    assert sorted(os.listdir(tmp_path)) == ["once"]


# -- keys ---------------------------------------------------------------------------------------------


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "config" / "key.pem"
    made = create_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert integrity.public_key(load_key(path)) == integrity.public_key(made)
    with pytest.raises(UsageError, match="File exists"):
        create_key(path)
    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        load_key(path)


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_bytes(content)
    with pytest.raises(UsageError, match="signing key"):
        load_key(path)
    with pytest.raises(UsageError, match="No such file"):
        load_key(tmp_path / "nowhere")


def test_the_sealed_part_is_a_prefix_of_the_manifest(sample: Path) -> None:
    with open_trace(sample) as trace:
        part = manifest.sealed_part(trace.raw_manifest)
        assert trace.raw_manifest.startswith(part[:-1])
        assert json.loads(part).keys() == json.loads(trace.raw_manifest).keys() - {"seal", "redactions"}
        seal = trace.manifest.seal
        assert seal is not None
        KEY.public_key().verify(bytes.fromhex(seal.signature), b"reenact seal 1\n" + part)


def test_spans_of_the_samples_cover_their_values() -> None:
    for event in events("a" * 64, "b" * 64, "c" * 64):
        line = encode_event(event)
        for field in integrity.sensitive(event, line):
            assert any(integrity.pointer_text(s.pointer) == field for s in jsonscan.spans(line, "x"))


def test_ids_are_uuids_of_their_moment() -> None:
    made = manifest.new_trace_id(1_700_000_000_123_000_000, b"\xff" * 10)
    assert made == "018bcfe5-687b-7fff-bfff-ffffffffffff"
    assert manifest.new_trace_id(1_700_000_000_124_000_000, bytes(10)) > made
    with pytest.raises(ValueError, match="10 random bytes"):
        manifest.new_trace_id(0, b"")


def test_an_unsigned_trace_verifies_as_unsigned(tmp_path: Path) -> None:
    write_sample(tmp_path / "t", key=None)
    found = report(tmp_path / "t")
    assert (found.ok, found.signature) == (True, "absent")
