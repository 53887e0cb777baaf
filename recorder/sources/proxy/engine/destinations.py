"""Where connections of an isolated session lead: what a program named by an address, and whom we connect to for it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from recorder.trace.codec import decode_event
from recorder.trace.errors import TraceRejected
from recorder.trace.events import NameAsked
from recorder.trace.journal import read_journal

HOST_NAME = "host.reenact.internal"
HOST_ADDRESS = "198.18.0.2"
"""This machine, as its isolated session sees it: what listens on its loopback is reached there. Set aside for tests of
networks (RFC 2544): nobody's real address."""
_MOST = 100_000


class Destinations:
    """Remembers which name was last answered with an address."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def named(self, name: str, addresses: Iterable[str]) -> None:
        """Programs that asked for `name` connect to these addresses."""
        for address in addresses:
            if address in self._names or len(self._names) < _MOST:
                self._names[address] = name

    def learn(self, journal: Path) -> None:
        """From the events of engines that died before."""
        for frame in read_journal(journal) if journal.exists() else ():
            with suppress(TraceRejected):
                event = decode_event(frame.payload, str(journal))
                if isinstance(event, NameAsked):
                    self.named(event.name, event.addresses)

    def host(self, address: str) -> str:
        """The host as a program named it: the name that the address was told for, else the address."""
        return self._names.get(address, address)

    @staticmethod
    def outside(address: str) -> str | None:
        """The host to connect to; None: none. Who is accepted here and wanted loopback did not mean this machine's."""
        if ipaddress.ip_address(address).is_loopback:
            return None
        return "localhost" if address == HOST_ADDRESS else address
