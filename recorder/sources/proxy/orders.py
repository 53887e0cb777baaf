"""What the parts of the proxy are told, and what they tell each other."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
from msgspec import Struct

from recorder.sources.proxy.variables import Upstream
from recorder.trace.events import Cause

JOURNAL = "proxy.journal"
SOURCE = "proxy"
FOLDER = "proxy"
"""Within the session folder: what programs trust."""


class Orders(Struct, frozen=True, kw_only=True):
    """What every gate and engine of a session works by; secrets travel only to the gate's standard input.

    `redact` names what makes the redactor, as module:callable; it is called with `redact_settings`. Descriptors are
    the recorder's too, so that gates and engines that come later find what waits in them: `handover` is a pair of
    sockets, the gate's end and the engine's; `slate` is the memory of a `Slate`. `listener` is where programs come in
    that know of the proxy; in an isolated session there is none, and what they come in by is in `shelf`.
    """

    folder: str
    address: str
    listener: int | None
    shelf: int | None
    notices: int
    status: int
    handover: tuple[int, int]
    slate: int
    authority: str
    roots: str
    trust: str
    upstreams: dict[str, Upstream]
    refused_ports: list[int]
    redact: str | None
    redact_settings: bytes
    drain: float
    groups: str | None


class Death(Struct, frozen=True, kw_only=True):
    """When (CLOCK_BOOTTIME) and how a gate or an engine died; `engine` is the last there was, 0: none."""

    t: int
    how: str
    engine: int = 0


class Begin(Struct, frozen=True, kw_only=True):
    """What a gate is told on its standard input. `death`: of the gate before it. `over`: the session has ended."""

    orders: Orders
    death: Death | None
    over: bool


REPLACED = b"R"
"""In the handover, from a gate that took the place of a dead one."""
OVER = b"Q"
"""In the handover: no more is to come."""


class Arrival(Struct, frozen=True, kw_only=True):
    """A connection that the gate hands to the engine, its descriptor beside it. `destination` is (address, port) that
    the program connected to, where it knows of no proxy."""

    n: int
    t: int
    cause: Cause
    destination: tuple[str, int] | None = None


class Bypass(Struct, frozen=True, kw_only=True, tag=True):
    """A connection of the session's that did not come through the proxy, as far as it was seen: `t` and `duration`
    in ns, `target` an address, bytes `sent` and `received`. The gate tells the engine once it is over."""

    n: int = 0
    t: int
    duration: int
    target: str
    sent: int
    received: int
    cause: Cause


class Serving(Struct, frozen=True, kw_only=True, tag=True):
    """A program of the session's listens on a TCP port of this machine."""

    t: int
    port: int
    cause: Cause


def status_line(**what: object) -> bytes:
    return json.dumps(what).encode() + b"\n"


encode_arrival = msgspec.json.Encoder().encode
encode_sight = msgspec.json.Encoder().encode
decode_sight: Callable[[bytes], Bypass | Serving] = msgspec.json.Decoder(Bypass | Serving).decode
decode_arrival = msgspec.json.Decoder(Arrival).decode
