"""The recorded network: flows put together from events, in order, each with the command it belongs to. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from recorder.trace.events import (
    AnyEvent,
    Body,
    CommandStarted,
    Connected,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    NameAsked,
    NetworkStarted,
    Unknown,
    unescape_path,
)
from replay.players.network import target as targets
from replay.players.network.names import Told
from replay.players.network.target import Target

Blob = Callable[[str], bytes]
"""Content of a blob by its digest; raises as the trace's reader does."""

MOST_PARSED = 1 << 20
"""Bytes of a request body that are looked into; of a larger one only its hash counts."""
_EMPTY = Body(size=0)
_ODD = re.compile(r"[^ -\[\]-~]")
"""What is not on the wire as it is told: escapes, and what would end a line."""
_DNS = ("resolve", "name or service", "nodename", "name resolution", "no address", "dns")
_NOBODY = "there was no connection"
_CODES, _SERVER_FAILED = 16, 2
_UNVERIFIED = "the origin's certificate does not verify"
_DISTRUSTED = ("the program refused our certificate", _UNVERIFIED)
"""How the reasons of failed connections begin that came about, but for the program's trust."""
_BY_CLIENT = ("client disconnect", "client closed", "client reset", "closed by the client", "by client")


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    target: Target
    version: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: Body
    content: bytes | None
    """The body, where it is small enough to be looked into."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    reason: str
    version: str
    headers: tuple[tuple[bytes, bytes], ...]
    trailers: tuple[tuple[bytes, bytes], ...]
    body: Body
    first_byte: int
    pace: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A WebSocket message; `content` is null where it was not kept."""

    sent: bool
    text: bool
    content: bytes | None
    at: int = 0
    """ns since the session's start."""


@dataclass(frozen=True, slots=True)
class Closing:
    sent: bool
    code: int | None
    reason: str
    at: int = 0


@dataclass(slots=True)
class Flow:
    """One request and what answered it. `response` is null where nothing did; `error` then says why.

    `command` is the command that caused it, where something told; `moment` the last one that had started then. `asked`
    and `answered` are times, ns since the session's start.
    """

    number: int
    connection: int
    command: int | None
    moment: int
    request: Request
    response: Response | None = None
    error: str | None = None
    messages: list[Message] = field(default_factory=list)
    closing: Closing | None = None
    asked: int = 0
    answered: int = 0

    @property
    def scopes(self) -> frozenset[int]:
        """The commands in whose step this flow may be asked for."""
        return frozenset((self.moment,) if self.command is None else (self.command, self.moment))

    @property
    def abandoned(self) -> bool:
        """The client went away before the response's end."""
        return any(words in (self.error or "").lower() for words in _BY_CLIENT)

    def __str__(self) -> str:
        return f"{self.request.method} {self.request.url}"


@dataclass(frozen=True, slots=True)
class Recording:
    """All that the network did. `started` are the proxies that captured, `refused` what was never connected."""

    flows: tuple[Flow, ...]
    started: tuple[NetworkStarted, ...]
    refused: frozenset[str]
    """host:port of connections that failed, where no other to the same place came about."""
    passed: frozenset[str]
    """host:port of connections whose bytes were handed on unseen."""
    captured: frozenset[str]
    """host:port of connections that came about, as the program named it."""
    distrusted: Mapping[str, frozenset[int | None]]
    """host:port of connections that a program ended over the certificate -> the commands that did."""
    unverified: frozenset[str]
    """host:port of origins whose own certificate did not verify for it."""
    unknown_names: frozenset[str]
    """Host names that had no address."""
    failed: frozenset[str] = frozenset()
    """host:port of connections on which nothing was asked."""
    absent: frozenset[str] = frozenset()
    """host:port of those where nobody was, and never was."""
    names: Mapping[tuple[str, str], Sequence[Told]] = field(default_factory=dict)
    """What was said to whoever asked for the addresses of a (name, type), in order."""

    @classmethod
    def of(cls, events: Iterable[AnyEvent | Unknown], blob: Blob) -> Recording:
        """Flows in the order of their requests. `blob` is asked for request bodies and messages only, each at most
        `MOST_PARSED` bytes; what it raises is the caller's. Facts about a flow that never began are left out."""
        flows: dict[int, Flow] = {}
        bodies: dict[int, Body] = {}
        started: list[NetworkStarted] = []
        connections: list[Connected] = []
        names: dict[tuple[str, str], list[Told]] = {}
        moment = 0
        for event in events:
            match event:
                case CommandStarted():
                    moment = max(moment, event.n)
                case NetworkStarted():
                    started.append(event)
                case Connected():
                    connections.append(event)
                case NameAsked():
                    addresses = tuple(a for a in event.addresses if _kind(a) == event.type)
                    said = Told(addresses, event.code if event.code < _CODES else _SERVER_FAILED)
                    names.setdefault((event.name.lower().rstrip("."), event.type), []).append(said)
                case FlowRequested() if event.flow not in flows:
                    flows[event.flow] = _flow(event, moment)
                case FlowAnswered() if event.flow in flows:
                    flows[event.flow].response = _response(event)
                    flows[event.flow].error = event.error
                    flows[event.flow].answered = event.t
                    bodies[event.flow] = event.request
                case FlowMessage() if event.flow in flows:
                    message = Message(event.sent, event.text, _content(event.body, blob), event.t)
                    flows[event.flow].messages.append(message)
                case FlowClosed() if event.flow in flows:
                    flows[event.flow].closing = Closing(event.sent, event.code, event.reason, event.t)
                case _:
                    pass
        for number, body in bodies.items():
            flow = flows[number]
            was = flow.request
            flow.request = Request(
                was.method, was.url, was.target, was.version, was.headers, body, _content(body, blob)
            )
        answered = [f.request.target for f in flows.values() if f.response is not None]
        reached = {f"{place.host}:{place.port}" for place in answered}
        reached |= {c.target.lower() for c in connections if c.target and c.handling == "passed"}
        failed: dict[str, str] = {}
        distrusted: dict[str, set[int | None]] = defaultdict(set)
        for c in connections:
            if c.target and c.handling == "failed":
                failed[c.target.lower()] = c.reason or ""
                if (c.reason or "").startswith(_DISTRUSTED):
                    distrusted[c.target.lower()].add(c.cause.command)
        return cls(
            flows=tuple(flows.values()),
            started=tuple(started),
            refused=frozenset(failed) - reached - distrusted.keys(),
            passed=frozenset(c.target.lower() for c in connections if c.target and c.handling == "passed"),
            captured=frozenset(
                c.target.lower() for c in connections if c.target and c.handling == "captured"
            ),
            distrusted={place: frozenset(commands) for place, commands in distrusted.items()},
            unverified=frozenset(place for place, why in failed.items() if why.startswith(_UNVERIFIED)),
            unknown_names=frozenset(
                targets.split_authority(place)[0]
                for place, why in failed.items()
                if place not in reached and any(word in why.lower() for word in _DNS)
            ),
            failed=frozenset(failed),
            absent=frozenset(
                place for place, why in failed.items() if place not in reached and why.startswith(_NOBODY)
            ),
            names=names,
        )

    @property
    def everywhere(self) -> bool:
        """Whether connections to all addresses and ports were accepted, whoever was there."""
        return any(started.everywhere for started in self.started)

    @property
    def authorities(self) -> frozenset[tuple[str, str]]:
        """(scheme, authority) of everything that was asked for."""
        return frozenset((f.request.target.scheme, f.request.target.authority) for f in self.flows)

    @property
    def hosts(self) -> frozenset[str]:
        """Host names and addresses that were there."""
        reached = {f.request.target.host for f in self.flows}
        places = {targets.split_authority(place)[0] for place in self._places}
        return frozenset((reached | places) - self.unknown_names)

    @property
    def _places(self) -> frozenset[str]:
        return self.refused | self.passed | self.captured | self.distrusted.keys()

    @property
    def ports(self) -> frozenset[int]:
        """TCP ports that were asked for, where something answered."""
        return frozenset(f.request.target.port for f in self.flows if f.request.target.port)

    @property
    def http2(self) -> frozenset[str]:
        """Hosts that spoke HTTP/2 with a recorded client."""
        return frozenset(f.request.target.host for f in self.flows if f.request.version.startswith("2"))


def _flow(event: FlowRequested, moment: int) -> Flow:
    request = Request(
        event.method,
        event.url,
        targets.parse(event.url),
        event.version,
        _headers(tuple(event.headers)),
        _EMPTY,
        b"",
    )
    return Flow(event.flow, event.connection, event.cause.command, moment, request, asked=event.t)


def _response(event: FlowAnswered) -> Response | None:
    if event.status is None:
        return None
    return Response(
        event.status,
        event.reason,
        event.version,
        _headers(tuple(event.headers)),
        _headers(tuple(event.trailers)),
        event.response,
        event.first_byte or 0,
        _pace(event.pace, event.response.size),
    )


def _pace(pace: Sequence[tuple[int, int]], size: int) -> tuple[tuple[int, int], ...]:
    """Only where it tells how the whole body came: times that never go back, pieces that sum up to its size."""
    if not pace:
        return ()
    times = [t for t, _ in pace]
    fits = all(n > 0 for _, n in pace) and sum(n for _, n in pace) == size
    return tuple(pace) if fits and times == sorted(times) and min(times, default=0) >= 0 else ()


@lru_cache(maxsize=4096)
def _headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    """As bytes of the wire. What would end a header's line is no part of one."""
    return tuple((_wire(name), _wire(value)) for name, value in headers)


def _wire(text: str) -> bytes:
    if _ODD.search(text) is None:
        return text.encode()
    try:
        data = unescape_path(text)
    except ValueError:
        data = text.encode("utf-8", "surrogateescape")
    return data.replace(b"\r", b"").replace(b"\n", b" ").replace(b"\0", b"")


def _kind(address: str) -> str | None:
    """The type of record that holds the address."""
    try:
        return "A" if ipaddress.ip_address(address).version == 4 else "AAAA"
    except ValueError:
        return None


def _content(body: Body, blob: Blob) -> bytes | None:
    if body.blob is None:
        return b"" if body.size == 0 and body.skipped is None else None
    return blob(body.blob) if body.size <= MOST_PARSED else None
