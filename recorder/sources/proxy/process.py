"""Entry point of the proxy's processes: the gate, and behind it the engine."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from recorder.sources.own_process import quiet_signals
from recorder.sources.proxy.gate import Gate
from recorder.sources.proxy.groups import CommandGroups
from recorder.sources.proxy.orders import Begin, Death, Orders


def main(orders: bytes) -> int:
    """Runs the gate until the session ends; returns its exit code."""
    quiet_signals()
    # A log of TLS keys, which the engine's library would write for whoever asked, tells all that was ever sent.
    for name in ("SSLKEYLOGFILE", "MITMPROXY_SSLKEYLOGFILE"):
        os.environ.pop(name, None)
    begin = msgspec.json.decode(orders, type=Begin)
    groups = CommandGroups(Path(begin.orders.groups)) if begin.orders.groups else None
    return Gate(begin, _engine, groups).run()


def _engine(orders: Orders, death: Death | None) -> int:
    # Imported here: it takes a second, and the gate needs none of it.
    from recorder.sources.proxy.engine.serving import run_engine

    return run_engine(orders, death)
