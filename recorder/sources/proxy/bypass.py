"""What the session's programs talk to past the proxy, and where they listen: seen in the kernel's list of sockets, now
and then.

Nothing of it is captured; that it happened is told, so that a record knows what it lacks. A connection that begins and
ends between two looks goes unseen, and so does whatever is not TCP.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from recorder.sources.proxy.orders import Bypass, Serving
from recorder.sources.proxy.sockets import Peer, Talk
from recorder.trace.events import Cause

OFTEN_NS = 20_000_000
"""Between two looks while a command is young,"""
SELDOM_NS = 100_000_000
"""when it has run for a while,"""
IDLE_NS = 1_000_000_000
"""and while none runs: earlier ones may have left something behind."""
_YOUNG_NS = 3_000_000_000
_MOST = 4096

Place = tuple[tuple[str, int], tuple[str, int]]


class Table(Protocol):
    def talks(self) -> tuple[list[Talk], dict[int, Peer]] | None: ...


@dataclass(slots=True)
class _Open:
    began: int
    seen: int
    talk: Talk
    cause: Cause


class Lookout:
    """Compares what talks now with what talked before.

    `owner` tells the cause of a socket of the session's, None for others'; `foreign` whether one is another's for sure.
    `proxy` is the proxy's own address.
    """

    def __init__(
        self,
        table: Table,
        owner: Callable[[Peer], Cause | None],
        foreign: Callable[[Peer], bool],
        proxy: tuple[str, int],
        clock: Callable[[], int],
    ) -> None:
        self._table = table
        self._owner = owner
        self._foreign = foreign
        self._proxy = proxy
        self._clock = clock
        self._open: dict[Place, _Open] = {}
        self._settled: dict[Place, int] = {}
        """What needs no further look, by the inodes it had."""
        self._looked = self._next = 0
        self._listening: dict[int, int] = {}
        self._serving: list[Serving] = []

    def due(self, began: int | None) -> int:
        """Nanoseconds until the next look; `began` is when the command that runs started, None where none does."""
        now = self._clock()
        pause = IDLE_NS if began is None else OFTEN_NS if now - began < _YOUNG_NS else SELDOM_NS
        self._next = min(self._next, self._looked + pause)
        return max(0, self._next - now)

    def look(self) -> list[Bypass]:
        """Looks; what was over since the last look."""
        now = self._looked = self._clock()
        self._next = now + IDLE_NS
        found = self._table.talks()
        if found is None:
            return []
        self._listen(found[1], now)
        talks = {(talk.local, talk.remote): talk for talk in found[0]}
        inodes = {place: talk.peer.inode for place, talk in talks.items()}
        over = [place for place, known in self._open.items() if inodes.get(place) != known.talk.peer.inode]
        ended = [self._ended(self._open.pop(place)) for place in over]
        for place, talk in talks.items():
            if (known := self._open.get(place)) is not None:
                known.seen, known.talk = now, talk
            elif self._settled.get(place) != talk.peer.inode and talk.peer.inode:
                self._judge(place, talk, talks, found[1], now)
        self._settled = {place: inode for place, inode in self._settled.items() if place in talks}
        return ended

    def serving(self) -> list[Serving]:
        """The session's servers that were seen since this was asked last."""
        seen, self._serving = self._serving, []
        return seen

    def _listen(self, listening: dict[int, Peer], now: int) -> None:
        for port, peer in listening.items():
            if self._listening.get(port) != peer.inode and (cause := self._owner(peer)) is not None:
                self._serving.append(Serving(t=now, port=port, cause=cause))
        self._listening = {port: peer.inode for port, peer in listening.items()}

    def end(self) -> list[Bypass]:
        """The session is over: looks a last time; what was not over is now."""
        ended = self.look()
        ended += [self._ended(known) for known in self._open.values()]
        self._open.clear()
        return ended

    def _judge(
        self, place: Place, talk: Talk, talks: dict[Place, Talk], listening: Iterable[int], now: int
    ) -> None:
        cause = None
        if self._proxy not in place and talk.local[1] not in listening:
            cause = self._owner(talk.peer)
        if cause is not None and _is_loopback(talk.remote[0]):
            other = talks.get((talk.remote, talk.local))
            if other is not None and other.peer.inode and self._owner(other.peer) is not None:
                cause = None
            elif other is None or not other.peer.inode or not self._foreign(other.peer):
                return  # nobody has taken it yet, or any more: who does tells whether it leaves the session
        if cause is None:
            self._settled[place] = talk.peer.inode
        elif len(self._open) < _MOST:
            self._open[place] = _Open(now, now, talk, cause)

    def _ended(self, known: _Open) -> Bypass:
        host, port = known.talk.remote
        return Bypass(
            t=known.began,
            duration=known.seen - known.began,
            target=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            # The kernel counts the connection's own beginning as a byte.
            sent=max(0, known.talk.sent - 1),
            received=known.talk.received,
            cause=known.cause,
        )


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback
