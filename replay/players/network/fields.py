"""What a request says, field by field: query, body, and the headers that choose among answers. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import msgspec

from replay.players.network import coding, git_push
from replay.players.network.target import Target, pairs
from replay.players.network.volatile import Token, masked

_BOUNDARY = re.compile(rb'boundary="?([^\s;"]{1,200})', re.IGNORECASE)
_PART_NAME = re.compile(rb'\bname="([^"]{0,200})"', re.IGNORECASE)
_MOST_FIELDS = 4096
_DEEPEST = 64
STRICT = frozenset(
    (b"range", b"if-range", b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since")
)
"""An answer to another of these is wrong for whoever asked."""
CHOOSING = (b"authorization", b"git-protocol", b"soapaction", b"x-http-method-override", b"accept", b"origin")
"""Count only where recorded requests that are else alike differ in them."""
_PLACES = {"query": "parameter", "body": "body field", "bytes": "body"}
Headers = Iterable[tuple[bytes, bytes]]


class Field(NamedTuple):
    """`place` is query, body, bytes (a body that is no text: `value` is its hash) or header."""

    place: str
    name: str
    value: str

    def __str__(self) -> str:
        return {"query": "parameter", "body": "body field", "bytes": "body"}.get(
            self.place, self.place
        ) + f" {self.name}"


@dataclass(frozen=True, slots=True)
class Form:
    """A request brought to one form. `fields` are sorted by place and name; those of one name keep their order.

    `counters` are (recorded or asked) numbers that only tie an answer to its request: the id of a JSON-RPC call.
    `exact` and `loose` are keys: what is equal in them is the same request, or the same but for volatile values.
    """

    method: str
    target: Target
    fields: tuple[Field, ...]
    counters: tuple[str, ...]
    tokens: tuple[Token, ...]
    """Volatile parts in the order of `path` and `fields`."""
    exact: tuple[object, ...]
    loose: tuple[object, ...]


def form(method: str, target: Target, headers: Headers, content: bytes | None, sha256: str) -> Form:
    """`content` is null where the body is too large to look into; `sha256` then stands for it."""
    known = {name.lower(): value for name, value in headers}
    fields = [Field("query", name, value) for name, value in target.query or ()]
    body, counters = body_fields(known, content, sha256)
    fields += body
    fields += [
        Field("header", name.decode("latin-1"), value.decode("latin-1"))
        for name, value in known.items()
        if name in STRICT
    ]
    fields.sort(key=lambda f: (f.place, f.name))
    path: list[str] = []
    tokens: list[Token] = []
    for segment in target.path.split("/"):
        text, found = masked("/", segment)
        path.append(text)
        tokens += found
    hidden: list[Field] = []
    for one in fields:
        text, found = masked(one.name, one.value) if _may_vary(one) else (one.value, ())
        hidden.append(one._replace(value=text))
        tokens += found
    whole = tuple(fields)
    place = (method, target.scheme, target.authority)
    return Form(
        method,
        target,
        whole,
        counters,
        tuple(tokens),
        (*place, target.path, whole),
        (*place, "/".join(path), tuple(hidden)),
    )


def _may_vary(field: Field) -> bool:
    """A date may be that of a file of the client's own, which the session has just made."""
    return field.name.endswith("modified-since") if field.place == "header" else field.place != "bytes"


@lru_cache(maxsize=4096)
def variant(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[str, ...]:
    """Values of the `CHOOSING` headers. Of credentials only their kind: they are never the recorded ones."""
    known = {name.lower(): value for name, value in headers}
    values = [known.get(name, b"").decode("latin-1") for name in CHOOSING]
    values[0] = values[0].split(" ", 1)[0]
    return tuple(values)


def header(headers: Headers, name: bytes) -> bytes | None:
    """The first value under this name, given in lower case."""
    for key, value in headers:
        if key.lower() == name:
            return value
    return None


def body_fields(
    headers: dict[bytes, bytes], content: bytes | None, sha256: str
) -> tuple[list[Field], tuple[str, ...]]:
    """(fields, counters) of a body. `headers` by lower-case name."""
    if content == b"":
        return [], ()
    if content is None:
        return [Field("bytes", "content", sha256)], ()
    kind = headers.get(b"content-type", b"").lower()
    data = coding.decoded(content, headers.get(b"content-encoding", b"")) or content
    if b"multipart/" in kind and (boundary := _BOUNDARY.search(headers[b"content-type"])):
        return list(_parts(data, boundary.group(1)))[:_MOST_FIELDS], ()
    if data.lstrip()[:1] in (b"{", b"["):  # whatever it is called: `curl -d` calls everything a form
        try:
            return _json(msgspec.json.decode(data))
        except (msgspec.MsgspecError, RecursionError, ValueError):
            pass
    if b"x-www-form-urlencoded" in kind:
        named = pairs(data.decode("utf-8", "surrogateescape"))
        return [Field("body", name, value) for name, value in named], ()
    if kind == git_push.MEDIA and (pushed := git_push.parts(data)) is not None:
        return [Field("body", name, value) for name, value in pushed], ()
    return [_content("content", data)], ()


def _content(name: str, data: bytes) -> Field:
    """Text as it is; other bytes by their hash, so that no two of them are taken for alike."""
    try:
        return Field("body", name, data.decode())
    except UnicodeDecodeError:
        return Field("bytes", name, hashlib.sha256(data).hexdigest())


def _parts(data: bytes, boundary: bytes) -> Iterator[Field]:
    """A multipart body: each part's head (its type, its file name) and content."""
    for number, part in enumerate(data.split(b"--" + boundary, _MOST_FIELDS)[1:]):
        if part.startswith(b"--"):
            return
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _PART_NAME.search(head)
        shown = name.group(1).decode("utf-8", "replace") if name else f"part {number + 1}"
        yield _content(shown, content.removesuffix(b"\r\n"))
        yield _content(f"{shown} (head)", head)


def _json(value: object) -> tuple[list[Field], tuple[str, ...]]:
    counters: list[str] = []
    fields: list[Field] = []

    def walk(value: object, name: str, depth: int) -> None:
        if len(fields) >= _MOST_FIELDS or depth > _DEEPEST:
            fields.append(Field("body", name, msgspec.json.encode(value, order="sorted").decode()))
        elif isinstance(value, dict) and value:
            call = "jsonrpc" in value and isinstance(value.get("id"), int | str)
            for key, inner in value.items():
                if call and key == "id":
                    counters.append(msgspec.json.encode(inner).decode())
                else:
                    walk(inner, f"{name}.{key}" if name else str(key), depth + 1)
        elif isinstance(value, list) and value:
            for index, inner in enumerate(value):
                walk(inner, f"{name}[{index}]", depth + 1)
        else:
            text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
            fields.append(Field("body", name, text))

    walk(value, "", 0)
    return fields, tuple(counters)
