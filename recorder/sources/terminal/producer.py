"""Putting records in the ring: numbering, what to do when it is full, and the gap that tells what was dropped."""

from __future__ import annotations

import time

from recorder.sources.terminal.losses import gap_event
from recorder.sources.terminal.ring import (
    ASLEEP,
    ERRNO,
    GAP_BYTES,
    GAP_FROM,
    GAP_RECORDS,
    HEAD,
    KICKED,
    MAX_STAGED_KEYS,
    STAGED,
    TAIL,
    Ring,
    now,
    wake,
)
from recorder.trace.codec import encode_event
from recorder.trace.events import AnyEvent
from recorder.trace.frames import MAX_PAYLOAD, Kind

PATIENCE = 1.0
"""Seconds that the relay waits, once, for a writer that frees no room. A writer that does is waited for: that is
the disk's own pace, as with any program that writes to a file."""

_OUTPUT, _EVENT = int(Kind.OUTPUT), int(Kind.EVENT)


class Producer:
    """The one producer of a ring; for one thread.

    What `output` and `event` have returned for is in the ring (or counted as lost): it survives the death of this
    process, not a power cut.
    """

    def __init__(self, ring: Ring, source: str, kick_fd: int, alarm_fds: tuple[int, ...] = ()) -> None:
        self.state = ring.load()
        self.source = source
        self._ring = ring
        self._words = ring.words
        self._head = ring.words[HEAD]
        self._capacity = ring.capacity
        self._half = ring.capacity // 2
        self._kick_fd = kick_fd
        self._alarm_fds = alarm_fds

    def output(self, data: bytes, t: int | None = None) -> bool:
        """Publish terminal output that was shown at `t` (CLOCK_BOOTTIME; now). False where it had to be dropped."""
        if t is None:
            t = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        length = len(data)
        words, head, state = self._words, self._head, self.state
        if (self._capacity - head + words[TAIL] < length + 64 or words[GAP_FROM]) and not self._room(
            length, t, length
        ):
            words[STAGED] = 0
            return False
        state.offset += length
        self._put(_OUTPUT, t, data)
        return True

    def event(self, event: AnyEvent) -> bool:
        """Publish an event. False where it had to be dropped."""
        payload = encode_event(event)
        if len(payload) > MAX_PAYLOAD:
            raise ValueError(f"{type(event).__name__} of {len(payload)} bytes; the most is {MAX_PAYLOAD}")
        if not self._room(len(payload), event.t, 0):
            return False
        self._put(_EVENT, event.t, payload)
        return True

    def stage_keys(self, keys: bytes, after: int = 0) -> int:
        """Lay down keys that were forwarded, behind `after` bytes that are staged already, until anything is
        published. Returns where they end; what doesn't fit (a long paste) is left out."""
        if after + len(keys) > MAX_STAGED_KEYS:
            return after
        return self._ring.stage_keys(keys, self.state.sequence, after)

    def staged_keys(self) -> bytes:
        """What a predecessor staged and did not publish."""
        return self._ring.staged_keys(self.state.sequence)

    def last_output(self, length: int) -> bytes:
        """The last bytes of output that were published: `length`, where the ring holds as many."""
        return self._ring.last_output(self.state, length)

    def close_gap(self) -> None:
        """Publish the open gap if there is room for it. For the end, when no further record would do it."""
        if self._words[GAP_FROM]:
            self._end_gap(0, now())

    def _put(self, kind: int, t: int, payload: bytes) -> None:
        state, words = self.state, self._words
        head = self._ring.put(self._head, kind, state.sequence, t, state.last, payload)
        state.last = self._head
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
        return self._capacity - (self._head - self._words[TAIL])

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
        if self._free() < max(self._capacity // 4, cost + 4096):
            return False
        gap = self._ring.close_gap(t)
        self._put(_EVENT, gap.since, encode_event(gap_event(gap, self.source)))
        return True
