"""The manifest: what a trace says of itself. Types, and the exact bytes that its signatures cover. Pure.

Nothing here defaults a time, an id or anything of the machine: who writes a trace states every fact.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from recorder.trace import jsonscan, limits
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import SCHEMA_VERSION, Count, Digest, Nanos, Path, Source

PLACE = "manifest.json"
FORMAT = "reenact"

TraceId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z",
        description="UUIDv7",
    ),
]
Size = Annotated[int, Meta(ge=0, lt=2**53)]
UnixNanos = Annotated[int, Meta(ge=-(2**62), lt=2**62, description="nanoseconds since 1970, UTC")]
PublicKey = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", description="ed25519 public key, hex")]
Signature = Annotated[str, Meta(pattern=r"^[0-9a-f]{128}\Z", description="ed25519 signature, hex")]


class Task(Struct, frozen=True, kw_only=True):
    """What the expert was asked to do. `url` is the issue, `repo` the repository, `commit` where work began."""

    instruction: str | None
    url: str | None
    repo: str | None
    commit: str | None


class Actor(Struct, frozen=True, kw_only=True):
    """Who acted; model and its version are null for a human."""

    kind: Literal["human", "model", "mixed"]
    model: str | None
    model_version: str | None


class Recorder(Struct, frozen=True, kw_only=True):
    version: str
    settings: dict[str, str]


class Parent(Struct, frozen=True, kw_only=True):
    """The trace and step that this one branched from."""

    trace_id: TraceId
    step: Count


class Provenance(Struct, frozen=True, kw_only=True):
    annotator: str | None
    project: str | None
    consent: str | None
    source_licence: str | None
    recorder: Recorder
    rubric_version: str | None
    assistant_model: str | None
    parent: Parent | None


class Tool(Struct, frozen=True, kw_only=True):
    """An executable that was used."""

    version: str | None
    sha256: Digest | None


class Environment(Struct, frozen=True, kw_only=True):
    """The machine and user, as far as a replay needs to resemble them. `tools` is by path."""

    os: str
    kernel: str
    shell: str | None
    terminal: str | None
    locale: str | None
    timezone: str | None
    hostname: str
    uid: Count
    gid: Count
    user: str
    umask: Annotated[int, Meta(ge=0, le=0o777)]
    tools: dict[Path, Tool]


class Draft(Struct, frozen=True, kw_only=True):
    """What is known when a session starts; it waits in the session folder until the trace is sealed."""

    format: Literal["reenact"]
    schema_version: Annotated[int, Meta(ge=1, lt=2**31)]
    trace_id: TraceId
    started_unix_ns: UnixNanos
    isolated: bool
    task: Task
    actor: Actor
    provenance: Provenance
    environment: Environment


class GapNote(Struct, frozen=True, kw_only=True):
    """A gap event, repeated where a reader looks first."""

    source: Source
    t: Nanos
    until: Nanos
    bytes: Count | None
    reason: str


class Completeness(Struct, frozen=True, kw_only=True):
    """`complete`: nothing was lost and nothing died. `recovered`: a part died, nothing that was shown is missing.
    `incomplete`: something is missing; `gaps` lists it (the first of them; `gap_count` counts all).
    """

    state: Literal["complete", "recovered", "incomplete"]
    gap_count: Count
    gaps: list[GapNote]


class Outcome(Struct, frozen=True, kw_only=True):
    """The last outcome check: its reward and the command it ran as; null where none ran."""

    reward: float | None
    command: Count | None


class Counts(Struct, frozen=True, kw_only=True):
    """Events by kind, also of unknown kinds."""

    events: Count
    kinds: dict[str, Count]


class Terminal(Struct, frozen=True, kw_only=True):
    """A recorded terminal: its stream's frames, their output bytes, and the content bytes of the stream."""

    number: Annotated[int, Meta(ge=1, le=9999)]
    frames: Size
    output: Size
    content: Size


class Member(Struct, frozen=True, kw_only=True):
    """A member other than the manifest and the blobs. `sha256` is of its bytes as they stand in the file
    (`packed` of them, compressed where the member is); `size` is what an unzipping tool makes of them.
    """

    name: str
    size: Size
    packed: Size
    sha256: Digest


class BlobSet(Struct, frozen=True, kw_only=True):
    """All blobs: how many, their content bytes, and the SHA-256 over `<digest> <content size>\\n` of each, sorted."""

    count: Count
    size: Size
    sha256: Digest


class Integrity(Struct, frozen=True, kw_only=True):
    """The hash chain over the events: its last link, and how many values in it stand behind commitments."""

    events: Count
    root: Digest
    commitments: Size


class Seal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The recording user's signature."""

    public_key: PublicKey
    signature: Signature


class RedactedField(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A value that was taken out: line of events.jsonl (from 0) and JSON Pointer in it."""

    event: Count
    field: str


class Redaction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values taken out after sealing, by whom and why; `members` replaces entries of the manifest's list."""

    at_unix_ns: UnixNanos
    reason: str
    fields: list[RedactedField]
    members: list[Member]
    public_key: PublicKey
    signature: Signature


class Manifest(Draft, frozen=True, kw_only=True):
    """The whole manifest. `seal` is null in an unsigned trace. `seal` and `redactions` are the last two keys."""

    duration_ns: Nanos
    completeness: Completeness
    counts: Counts
    outcome: Outcome
    terminals: list[Terminal]
    members: list[Member]
    blobs: BlobSet
    integrity: Integrity
    seal: Seal | None
    redactions: list[Redaction]

    def current_members(self) -> dict[str, Member]:
        """The members as they should stand now: as sealed, each redaction's replacements laid over."""
        table = {m.name: m for m in self.members}
        for redaction in self.redactions:
            table.update((m.name, m) for m in redaction.members)
        return table


class _Version(Struct, frozen=True):
    format: Literal["reenact"]
    schema_version: Annotated[int, Meta(ge=1, lt=2**31)]


_SEAL = b',"seal":'
_REDACTIONS = b',"redactions":'
_SIGNATURE = b',"signature":'


def new_trace_id(unix_ns: int, randomness: bytes) -> str:
    """A UUIDv7 of a moment and 10 random bytes. Raises ValueError for a moment it cannot hold."""
    millis = unix_ns // 1_000_000
    if not 0 <= millis < 2**48 or len(randomness) != 10:
        raise ValueError("a UUIDv7 takes a moment after 1970 and 10 random bytes")
    tail = int.from_bytes(randomness, "big")
    value = millis << 80 | 7 << 76 | (tail >> 68) << 64 | 2 << 62 | tail & (1 << 62) - 1
    return str(uuid.UUID(int=value))


def new_draft(**fields: Any) -> Draft:
    """A draft of this version's format; every other field is the caller's to state."""
    return Draft(format="reenact", schema_version=SCHEMA_VERSION, **fields)


def encode(manifest: Manifest) -> bytes:
    """The bytes of manifest.json. Raises ValueError where they are over the limit."""
    data = msgspec.json.encode(manifest)
    if len(data) > limits.MAX_MANIFEST:
        raise ValueError(f"a manifest of {len(data)} bytes; the most is {limits.MAX_MANIFEST}")
    return data


def version_of(raw: bytes) -> int:
    """The schema version of a manifest; checks the JSON first. Raises TraceRejected."""
    jsonscan.check(raw, PLACE, max_bytes=limits.MAX_MANIFEST)
    return _decode(raw, _Version).schema_version


def decode(raw: bytes) -> Manifest:
    """The manifest of this schema version. Raises TraceRejected, and nothing else, whatever the bytes are."""
    jsonscan.check(raw, PLACE, max_bytes=limits.MAX_MANIFEST)
    manifest = _decode(raw, Manifest)
    sealed_part(raw)
    return manifest


def _decode[T](raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        code = Code.NOT_A_TRACE if str(error).endswith("$.format`") else Code.SCHEMA
        raise TraceRejected(code, PLACE, str(error)) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TraceRejected(Code.SYNTAX, PLACE, str(error)) from None


def sealed_part(raw: bytes) -> bytes:
    """What the recorder signs: the manifest up to its `seal`, closed with a brace. Raises TraceRejected.

    A prefix of the very bytes, so that no canonical form has to be agreed on.
    """
    marks = jsonscan.find(raw, ("seal", "redactions"), PLACE)
    seal, redactions = marks.get("seal"), marks.get("redactions")
    if (
        seal is None
        or redactions is None
        or raw[seal.start - len(_SEAL) : seal.start] != _SEAL
        or raw[seal.end : redactions.start] != _REDACTIONS
        or redactions.end != len(raw) - 1
    ):
        raise TraceRejected(Code.SCHEMA, PLACE, "`seal` and `redactions` are not the last two keys")
    return raw[: seal.start - len(_SEAL)] + b"}"


def redaction_part(raw: bytes, index: int) -> bytes:
    """What a redactor signs: every byte of the manifest before the signature of redaction `index`."""
    for span in jsonscan.spans(raw, PLACE):
        if span.pointer == ("redactions", index, "signature"):
            cut = span.start - len(_SIGNATURE)
            if raw[cut : span.start] == _SIGNATURE and raw[span.end : span.end + 1] == b"}":
                return raw[:cut]
    raise TraceRejected(Code.SCHEMA, PLACE, f"`signature` is not the last key of redaction {index}")
