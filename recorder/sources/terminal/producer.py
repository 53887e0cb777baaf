"""Putting records in the ring: numbering, what to do when it is full, and the gap that tells what was dropped."""

from __future__ import annotations

import os
import threading
import time

from recorder.sources.terminal.ring import (
    ASLEEP,
    ERRNO,
    GAP_BYTES,
    GAP_FROM,
    GAP_RECORDS,
    HEAD,
    KICKED,
    TAIL,
    ClosedGap,
    Ring,
    now,
    wake,
)
from recorder.trace.codec import encode_event
from recorder.trace.events import AnyEvent, Gap
from recorder.trace.frames import MAX_PAYLOAD, Kind

PATIENCE = 1.0
"""Seconds that the relay waits, once, for a writer that frees no room. A writer that does is waited for: that is
the disk's own pace, as with any program that writes to a file."""


class Producer:
    """The one producer of a ring. Its methods may be called from several threads.

    `state` is read freely and changed only under `lock`. What `output` and `event` have returned for is in the
    ring (or counted as lost): it survives the death of this process, not a power cut.
    """

    def __init__(self, ring: Ring, source: str, kick_fd: int, alarm_fds: tuple[int, ...] = ()) -> None:
        self.state = ring.load()
        self.lock = threading.RLock()
        self.source = source
        self._ring = ring
        self._words = ring.words
        self._head = ring.words[HEAD]
        self._half = ring.capacity // 2
        self._kick_fd = kick_fd
        self._alarm_fds = alarm_fds

    def output(self, data: bytes, t: int, held: bytes = b"") -> bool:
        """Publish terminal output. `held` are the last bytes of the stream that were not shown yet because
        they may be the first half of a mark. False where the record had to be dropped."""
        with self.lock:
            state = self.state
            state.held = held
            end = self._head + ((len(data) + 63) & ~31)
            if (end - self._words[TAIL] > self._ring.capacity or self._words[GAP_FROM]) and not self._room(
                len(data), t, len(data)
            ):
                return False
            state.offset += len(data)
            self._put(Kind.OUTPUT, t, data)
            return True

    def event(self, event: AnyEvent) -> bool:
        """Publish an event. False where it had to be dropped."""
        payload = encode_event(event)
        if len(payload) > MAX_PAYLOAD:
            raise ValueError(f"{type(event).__name__} of {len(payload)} bytes; the most is {MAX_PAYLOAD}")
        with self.lock:
            if not self._room(len(payload), event.t, 0):
                return False
            self._put(Kind.EVENT, event.t, payload)
            return True

    def close_gap(self) -> None:
        """Publish the open gap if there is room for it. For the end, when no further record would do it."""
        with self.lock:
            if self._words[GAP_FROM]:
                self._end_gap(0, now())

    def _put(self, kind: int, t: int, payload: bytes) -> None:
        state, words = self.state, self._words
        head = self._ring.put(self._head, kind, state.sequence, t, payload)
        state.sequence += 1
        self._ring.commit(head, state)
        self._head = head
        if words[ASLEEP]:
            words[ASLEEP] = 0
            wake(self._kick_fd)
        elif head - words[TAIL] > self._half and not words[KICKED]:
            words[KICKED] = 1
            wake(self._kick_fd)

    def _free(self) -> int:
        return self._ring.capacity - (self._head - self._words[TAIL])

    def _room(self, length: int, t: int, count: int) -> bool:
        words, cost = self._words, Ring.cost(length)
        if not words[GAP_FROM]:
            if cost <= self._free() or self._wait(cost):
                return True
            words[GAP_BYTES] = words[GAP_RECORDS] = 0
            words[GAP_FROM] = t
            self._alarm()
        elif self._end_gap(cost, t):
            return True
        words[GAP_BYTES] += count
        words[GAP_RECORDS] += 1
        return False

    def _wait(self, cost: int) -> bool:
        words = self._words
        tail = words[TAIL]
        limit = time.monotonic() + PATIENCE
        wake(self._kick_fd)
        self._alarm()
        while cost > self._free():
            if words[ERRNO]:
                return False
            time.sleep(0.002)
            if words[TAIL] != tail:
                tail = words[TAIL]
                limit = time.monotonic() + PATIENCE
            elif time.monotonic() > limit:
                return False
        return True

    def _alarm(self) -> None:
        for fd in self._alarm_fds:
            wake(fd)

    def _end_gap(self, cost: int, t: int) -> bool:
        # A quarter of the ring, so that a writer in trouble does not make a gap of every second record.
        if self._free() < max(self._ring.capacity // 4, cost + 4096):
            return False
        gap = self._ring.close_gap(t)
        payload = encode_event(gap_event(gap, self.source))
        self._put(Kind.EVENT, gap.since, payload)
        return True


def gap_event(gap: ClosedGap, source: str) -> Gap:
    """The event that tells a gap of the ring."""
    why = f"the journal could not be written: {os.strerror(gap.errno)}" if gap.errno else "the writer stalled"
    return Gap(
        t=gap.since,
        source=source,
        until=gap.until,
        bytes=gap.bytes,
        reason=f"{gap.records} records dropped, {why}",
    )
