"""The hash chain over events, the commitments that let a value be taken out later, and signatures. Pure.

The chain runs over each event's line with every sensitive value replaced by a commitment, SHA256(salt + value). Delete
value and salt and the commitment still stands: the chain holds, and the value can't be guessed from it.

The limit: the recording user holds the key. A signature proves that a trace was not changed by others since; it
can't prove that its recorder did not make it up.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from recorder.trace import jsonscan, limits
from recorder.trace.codec import Decoded
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import Count, Digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SENSITIVE: dict[str, tuple[str, ...]] = {
    "terminal.started": ("argv", "env/*"),
    "terminal.input": ("data",),
    "command.started": ("text",),
    "note": ("text",),
    "mark": ("label",),
    "check": ("line",),
    "network.name": ("name",),
    "flow.requested": ("url", "headers"),
    "flow.answered": ("headers", "trailers", "request_trailers"),
    "page.document": ("url",),
    "page.navigated": ("url",),
    "page.target": ("name", "text", "attributes", "anchors"),
    "page.event": ("key", "text", "value", "selected", "clips", "files"),
    "page.state": ("url", "title"),
    "page.dialog": ("message", "answer"),
    "page.download": ("url", "name"),
    "page.request": ("url",),
}
"""Fields that can be taken out later, by kind; `env/*` is each value of `env`."""

SALT_BYTES = 16
_PLAIN = re.compile(r"/[a-z_]+")
_CHAIN = b"reenact chain 1\n"
_SEAL = b"reenact seal 1\n"
_REDACTION = b"reenact redaction 1\n"

SaltHex = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]


class Salt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A line of salts.jsonl: the value at JSON Pointer `field` of event line `event` (from 0) stands behind a
    commitment. `salt` while the value is there; `commitment` in its stead once the value was taken out.
    """

    event: Count
    field: Annotated[str, Meta(max_length=512)]
    salt: SaltHex | None = None
    commitment: Digest | None = None


_salt_decoder = msgspec.json.Decoder(Salt)


def decode_salt(line: bytes, place: str) -> Salt:
    """A line of salts.jsonl. Raises TraceRejected."""
    jsonscan.check(line, place, max_bytes=limits.MAX_SALT_LINE)
    try:
        salt = _salt_decoder.decode(line)
    except (msgspec.DecodeError, ValueError) as error:
        raise TraceRejected(Code.SCHEMA, place, str(error)) from None
    if (salt.salt is None) == (salt.commitment is None):
        raise TraceRejected(Code.SCHEMA, place, "needs either a salt or a commitment")
    return salt


def commitment(salt: bytes, value: bytes) -> str:
    """SHA256(salt + value), hex; `value` is the JSON text of the value as it stands in the line."""
    return hashlib.sha256(salt + value).hexdigest()


def pointer_text(pointer: jsonscan.Pointer) -> str:
    """RFC 6901."""
    return "".join("/" + str(p).replace("~", "~0").replace("/", "~1") for p in pointer)


def sensitive(event: Decoded, line: bytes) -> list[str]:
    """JSON Pointers of the values of an event that get a commitment, in the order they stand in the line."""
    fields = SENSITIVE.get(_kind(event))
    if fields is None:
        return []
    found = []
    if not any(name.endswith("/*") for name in fields):
        spans = sorted(jsonscan.find(line, fields, "event").values(), key=lambda s: s.start)
        return [pointer_text(span.pointer) for span in spans]
    for span in jsonscan.spans(line, "event"):
        name = str(span.pointer[0])
        if (len(span.pointer) == 1 and name in fields) or (len(span.pointer) == 2 and f"{name}/*" in fields):
            text = pointer_text(span.pointer)
            if len(text) <= 512:
                found.append(text)
    return found


def _kind(event: Decoded) -> str:
    return str(type(event).__struct_config__.tag)


def chained(line: bytes, salts: Sequence[Salt], place: str) -> bytes:
    """The line as the chain sees it: each committed value replaced by its commitment, as a JSON string.

    Raises TraceRejected where a commitment points at nothing, is out of order, or covers a value that should be gone.
    """
    if not salts:
        return line
    where = _locate(line, {salt.field for salt in salts}, place)
    out = []
    at = 0
    for salt in salts:
        found = where.get(salt.field)
        if found is None:
            raise TraceRejected(
                Code.CHAIN, place, f"a commitment for {salt.field!r}, which is not in the event"
            )
        if found.start < at:
            raise TraceRejected(Code.ORDER, place, f"the commitment for {salt.field!r} is out of order")
        value = line[found.start : found.end]
        if salt.salt is not None:
            mark = commitment(bytes.fromhex(salt.salt), value)
        elif value in (b'""', b"[]") and salt.commitment is not None:
            mark = salt.commitment
        else:
            raise TraceRejected(Code.CHAIN, place, f"{salt.field!r} was taken out, yet a value stands there")
        out += [line[at : found.start], b'"', mark.encode(), b'"']
        at = found.end
    out.append(line[at:])
    return b"".join(out)


def _locate(line: bytes, fields: set[str], place: str) -> dict[str, jsonscan.Span]:
    if all(_PLAIN.fullmatch(field) for field in fields):
        found = jsonscan.find(line, [field[1:] for field in fields], place)
        return {"/" + name: span for name, span in found.items()}
    texts = ((pointer_text(span.pointer), span) for span in jsonscan.spans(line, place))
    return {text: span for text, span in texts if text in fields}


class Chain:
    """The hash chain of one trace: `add` every line in order, then read `root`.

    link(0) = SHA256("reenact chain 1\\n" + trace id); link(i+1) = SHA256(link(i) + SHA256(chained line i)).
    """

    def __init__(self, trace_id: str) -> None:
        self._link = hashlib.sha256(_CHAIN + trace_id.encode()).digest()
        self.events = 0

    def add(self, chained_line: bytes) -> None:
        self._link = hashlib.sha256(self._link + hashlib.sha256(chained_line).digest()).digest()
        self.events += 1

    @property
    def root(self) -> str:
        return self._link.hex()


def public_key(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def sign_seal(key: Ed25519PrivateKey, sealed_part: bytes) -> str:
    """The recorder's signature over `manifest.sealed_part`, hex."""
    return key.sign(_SEAL + sealed_part).hex()


def sign_redaction(key: Ed25519PrivateKey, part: bytes) -> str:
    """A redactor's signature over `manifest.redaction_part`, hex."""
    return key.sign(_REDACTION + part).hex()


def seal_holds(public: str, signature: str, sealed_part: bytes) -> bool:
    return _holds(public, signature, _SEAL + sealed_part)


def redaction_holds(public: str, signature: str, part: bytes) -> bool:
    return _holds(public, signature, _REDACTION + part)


def _holds(public: str, signature: str, message: bytes) -> bool:
    # Imported here: only sealing and verifying pay for loading OpenSSL.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True
