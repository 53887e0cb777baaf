"""What the browser extension and whoever records say to each other: `wire.ts` of browser_ext has the same types. Pure.

JSON objects, each in a frame as of Chromium's native messaging: its length, four bytes, least first, then the text.
A `Batch` is what one document's capture script states, a `Log` what the extension's worker states; both are kept by
their speaker until an `Ack` says that they are written. A page that broke out of its renderer could speak here, so
everything is bounded.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

WIRE_VERSION = 1
MOST_FRAME_BYTES = 64 << 20
"""Chromium sends no longer message."""
_LENGTH = struct.Struct("<I")
_ESCAPED = re.compile(
    r"(\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
"""Escapes that are whole (the first group), and halves of pairs."""

Ident = Annotated[str, Meta(max_length=128)]
Line = Annotated[str, Meta(max_length=1024)]


class Malformed(ValueError):
    """A message that the extension never sends."""


class Hello(Struct, frozen=True, kw_only=True, tag_field="m", tag="hello"):
    """The first message of a connection. `instance` is another at each start of the worker, `browser` stays as long as
    the browser runs; `sees`: the browser lets the extension see some site."""

    v: int
    capture: Line
    user_agent: Line
    instance: Ident
    browser: Ident = ""
    sees: bool = True


class Batch(Struct, frozen=True, kw_only=True, tag_field="m", tag="batch"):
    """Items of a document. `tab`, `frame` (0: the tab's own) and `parent` are the browser's numbers."""

    tab: int
    frame: int
    document: Ident
    items: list[dict[str, Any]]
    parent: int | None = None


class Log(Struct, frozen=True, kw_only=True, tag_field="m", tag="log"):
    """Items of the extension's worker, of which each start is another `instance`."""

    instance: Ident
    items: list[dict[str, Any]]


class Note(Struct, frozen=True, kw_only=True, tag_field="m", tag="note"):
    """Words of the expert, at a Unix time in ms."""

    t: float
    text: Annotated[str, Meta(max_length=1 << 16)]


class Ask(Struct, frozen=True, kw_only=True, tag_field="m", tag="ask"):
    """What the expert asks for in the popup; `ready`: the browser is, whatever happens in it now is told."""

    what: Literal["pause", "resume", "stop", "ready"]


class Welcome(Struct, frozen=True, kw_only=True, tag_field="m", tag="welcome"):
    """Recording is on. `sites`: host patterns that are captured (none: all); `mask`: CSS of fields to withhold.
    `network`: nobody else records it, the browser may."""

    session: str
    task: str = ""
    sites: list[str] = []
    mask: list[str] = []
    network: bool = False


class Ack(Struct, frozen=True, kw_only=True, tag_field="m", tag="ack"):
    """All up to `s` of this document or worker instance is written."""

    key: str
    s: int


class Status(Struct, frozen=True, kw_only=True, tag_field="m", tag="status"):
    """What the popup shows; `since` is Unix ms."""

    recording: bool
    paused: bool
    events: int
    steps: int
    lost: int
    since: float


class Refused(Struct, frozen=True, kw_only=True, tag_field="m", tag="refused"):
    """Nothing is recorded over this connection."""

    why: str


class Cookie(Struct, frozen=True, kw_only=True):
    """As in Playwright's storage state."""

    name: str
    value: str
    domain: str
    path: str
    expires: float
    httpOnly: bool  # noqa: N815 - the format's name
    secure: bool
    sameSite: Literal["None", "Lax", "Strict"]  # noqa: N815


class StoredItem(Struct, frozen=True, kw_only=True):
    name: str
    value: str


class StoredOrigin(Struct, frozen=True, kw_only=True):
    """As in Playwright's storage state."""

    origin: str
    localStorage: list[StoredItem]  # noqa: N815


class Storage(Struct, frozen=True, kw_only=True, tag_field="m", tag="storage"):
    """Cookies and storage of the recorded sites, on the expert's consent; before all that is stated."""

    cookies: Annotated[list[Cookie], Meta(max_length=10_000)]
    origins: Annotated[list[StoredOrigin], Meta(max_length=1000)]


class Pair(Struct, frozen=True, kw_only=True, tag_field="m", tag="pair"):
    """By the WebSocket only, before the hello: the extension wants in, by the code that the expert gave it or by the
    key that it was traded for. `client` is a random word (hex)."""

    client: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]
    by: Literal["code", "key"]


class Prove(Struct, frozen=True, kw_only=True, tag_field="m", tag="prove"):
    """The recorder's random word, and that it knows the same."""

    server: str
    proof: str


class Proof(Struct, frozen=True, kw_only=True, tag_field="m", tag="proof"):
    """So does the extension."""

    proof: Line


class Paired(Struct, frozen=True, kw_only=True, tag_field="m", tag="paired"):
    """The hello may come."""


Upward = Hello | Batch | Log | Note | Ask | Storage
Downward = Welcome | Ack | Status | Refused

_decoder: msgspec.json.Decoder[Upward] = msgspec.json.Decoder(Upward)
_encoder = msgspec.json.Encoder()


def decode(data: bytes) -> Upward:
    """A message of the extension. Raises Malformed.

    Halves of surrogate pairs, which a page's text may hold and JSON cannot say, become replacement characters.
    """
    try:
        try:
            return _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _decoder.decode(_whole(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(str(error)) from error


def _whole(data: bytes) -> bytes:
    text = data.decode("utf-8", "surrogatepass")
    text = _ESCAPED.sub(lambda found: found[0] if found[1] else r"\ufffd", text)
    return text.encode("utf-8", "replace")


def encode(message: Downward | Upward | Pair | Prove | Proof | Paired) -> bytes:
    """The message as JSON."""
    return _encoder.encode(message)


def frame(message: Downward | Upward) -> bytes:
    """The message in its frame."""
    data = encode(message)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Takes a stream of frames apart, however it is cut."""

    def __init__(self, most: int = MOST_FRAME_BYTES) -> None:
        self._most = most
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole now. Raises Malformed where one is said to be longer than the most."""
        self._held += data
        while len(self._held) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._held)
            if length > self._most:
                raise Malformed(f"a message of {length} bytes")
            if len(self._held) < _LENGTH.size + length:
                return
            message = bytes(self._held[_LENGTH.size : _LENGTH.size + length])
            del self._held[: _LENGTH.size + length]
            yield message
