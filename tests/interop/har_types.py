"""HAR 1.2 as its specification has it, strictly: which fields there must be, and of what type."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")]
Size = Annotated[int, Meta(ge=-1)]
Span = Annotated[float, Meta(ge=0)]
Phase = Annotated[float, Meta(ge=-1)]


class Pair(Struct):
    name: str
    value: str


class Cookie(Pair):
    path: str = ""
    domain: str = ""
    expires: Moment | None = None
    httpOnly: bool = False  # noqa: N815 - HAR's names, here and below
    secure: bool = False


class Param(Struct):
    name: str
    value: str = ""
    fileName: str = ""  # noqa: N815
    contentType: str = ""  # noqa: N815


class PostData(Struct):
    mimeType: str  # noqa: N815
    text: str = ""
    params: list[Param] = []


class Request(Struct):
    method: str
    url: Annotated[str, Meta(pattern=r"^(http|ws)s?://")]
    httpVersion: str  # noqa: N815
    cookies: list[Cookie]
    headers: list[Pair]
    queryString: list[Pair]  # noqa: N815
    headersSize: Size  # noqa: N815
    bodySize: Size  # noqa: N815
    postData: PostData | None = None  # noqa: N815


class Content(Struct):
    size: Size
    mimeType: str  # noqa: N815
    compression: int = 0
    text: str = ""
    encoding: str = ""


class Response(Struct):
    status: int
    statusText: str  # noqa: N815
    httpVersion: str  # noqa: N815
    cookies: list[Cookie]
    headers: list[Pair]
    content: Content
    redirectURL: str  # noqa: N815
    headersSize: Size  # noqa: N815
    bodySize: Size  # noqa: N815


class Timings(Struct):
    send: Phase
    wait: Phase
    receive: Phase
    blocked: Phase = -1
    dns: Phase = -1
    connect: Phase = -1
    ssl: Phase = -1


class Entry(Struct):
    startedDateTime: Moment  # noqa: N815
    time: Span
    request: Request
    response: Response
    cache: dict[str, Any]
    timings: Timings
    pageref: str = ""
    serverIPAddress: str = ""  # noqa: N815
    connection: str = ""


class Page(Struct):
    startedDateTime: Moment  # noqa: N815
    id: str
    title: str
    pageTimings: dict[str, float]  # noqa: N815


class Creator(Struct):
    name: str
    version: str


class Log(Struct):
    version: Annotated[str, Meta(pattern="^1[.]2$")]
    creator: Creator
    entries: list[Entry]
    pages: list[Page] = []


class Har(Struct):
    log: Log


def check(har: bytes) -> Log:
    """The HAR, where it keeps to the specification; msgspec.ValidationError says where not. Fields that no
    specification knows must begin with an underscore; the exceptions are in docs/interop.md."""
    log = msgspec.json.decode(har, type=Har).log
    _names(msgspec.json.decode(har), Har)
    pages = {page.id for page in log.pages}
    assert all(entry.pageref in pages for entry in log.entries if entry.pageref)
    for entry in log.entries:
        phases = msgspec.structs.astuple(entry.timings)
        assert abs(sum(p for p in phases if p > 0) - entry.time) < 0.01
    return log


def _names(value: Any, kind: Any) -> None:
    kinds = [k for k in getattr(kind, "__args__", (kind,)) if k is not type(None)]
    if isinstance(value, list):
        for item in value:
            _names(item, kinds[0])
    elif isinstance(value, dict) and isinstance(kinds[0], type) and issubclass(kinds[0], Struct):
        fields = {field.name: field.type for field in msgspec.structs.fields(kinds[0])}
        for name, item in value.items():
            if name in fields:
                _names(item, fields[name])
            else:
                known = name.startswith("_") or name in ("comment", "sameSite")
                assert known or (kinds[0] is PostData and name == "encoding"), f"{kinds[0].__name__}.{name}"
