"""Answers in their time: what a browser was answered when, by the clock that its player moves.

The player's thread moves it and asks; the network's own thread waits for it.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import threading
from itertools import count


class Timeline:
    """Stands at no time at first, and when it is closed: then nothing waits. `fd` is readable when more does."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._lock = threading.Lock()
        self._now: int | None = None
        self._number = count()
        self._waiting: list[tuple[int, int, bool, asyncio.Future[None]]] = []
        self._gone: set[int] = set()
        self.heard = 0
        """How many messages of WebSockets have come from clients; what was to follow them waits now, or is sent."""

    # -- the player's side ------------------------------------------------------------------------

    def release(self, now: int) -> int:
        """Lets go what had been answered by `now` (ns of the session). Returns how many pieces of streams that were."""
        streamed = 0
        with self._lock:
            self._now = now
            while self._waiting and self._waiting[0][0] <= now:
                _, number, stream, future = heapq.heappop(self._waiting)
                if number in self._gone:
                    self._gone.discard(number)
                    continue
                streamed += stream
                future.get_loop().call_soon_threadsafe(_done, future)
        return streamed

    def due(self) -> int | None:
        """When the next thing that waits was answered; null where nothing waits."""
        with self._lock:
            return next((t for t, number, _, _ in sorted(self._waiting) if number not in self._gone), None)

    def held(self) -> int:
        """How many answers wait; pieces of streams are none."""
        with self._lock:
            return sum(not stream for _, number, stream, _ in self._waiting if number not in self._gone)

    def close(self) -> None:
        """Nothing waits any more."""
        self.release(1 << 63)
        with self._lock:
            self._now = None

    def seen(self) -> None:
        """Takes the word that something new waits."""
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            pass

    # -- the network's side -------------------------------------------------------------------------

    def hear(self, messages: int) -> None:
        """So many more messages of a WebSocket have come."""
        self.heard += messages
        os.eventfd_write(self.fd, 1)

    def waits(self, t: int) -> bool:
        """Whether what was answered at `t` must wait now."""
        return self._now is not None and t > self._now

    async def until(self, t: int, *, stream: bool = False) -> None:
        """Returns at `t`. `stream`: it is a piece of an answer that nobody waits for the end of."""
        with self._lock:
            if not self.waits(t):
                return
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            number = next(self._number)
            heapq.heappush(self._waiting, (t, number, stream, future))
        os.eventfd_write(self.fd, 1)
        try:
            await future
        except asyncio.CancelledError:
            with self._lock:
                self._gone.add(number)
            raise


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
