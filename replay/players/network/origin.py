"""Whom the client of a connection believes to speak with."""

from __future__ import annotations

from typing import NamedTuple


class Origin(NamedTuple):
    """`scheme` of requests that name none. `tunnel` is the host:port that a proxy client asked for by CONNECT,
    `destination` the host:port that the connection was made to. `name` is the host that TLS certifies, if any."""

    scheme: str
    tunnel: str | None
    destination: str

    @property
    def name(self) -> str:
        """The host without its port."""
        place = self.tunnel or self.destination
        host = place.rpartition(":")[0]
        return host.removeprefix("[").removesuffix("]")
