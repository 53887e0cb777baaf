"""The ledger: blobs and events go to disk here, in a thread of its own, in the order in which they were told.

The loop that serves programs only puts them in a queue; a queue that gets too heavy holds it back. Events are in the
journal within milliseconds and synced at most 100 ms later. What the disk does not take is counted and told as a gap.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from recorder.sources.own_process import boottime
from recorder.sources.proxy.orders import SOURCE
from recorder.sources.proxy.slate import Slate
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import encode_event
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import AnyEvent, Gap
from recorder.trace.frames import MAX_PAYLOAD, Frame, Kind
from recorder.trace.journal import JournalWriter

SYNC_NS = 100_000_000
HEAVY = 16 << 20
"""Bytes of bodies in the queue from which on the loop waits."""
GATHER_SECONDS = 0.005
_AGAIN_NS = 500_000_000

Entry = Callable[[], AnyEvent]
"""Keeps the blobs of an event and returns it. May raise RecordingFailed: the event is lost then."""


class Ledger:
    """Writes to a journal and its blobs. `slate` tells whoever comes after a sudden death what was on its way."""

    def __init__(self, journal: JournalWriter, blobs: BlobStore, slate: Slate) -> None:
        self._slate = slate
        self._journal = journal
        self._blobs = blobs
        self._queue: queue.SimpleQueue[tuple[Entry, int] | None] = queue.SimpleQueue()
        self._weight = 0
        self._light = threading.Condition()
        self._lost_since: int | None = None
        self._lost = 0
        self._why = ""
        self.healthy = True
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def put(self, entry: Entry, weight: int = 0) -> None:
        """Has `entry` made and its event written. `weight` is the memory that it holds."""
        with self._light:
            while weight and self._weight > HEAVY:
                self._light.wait()
            self._weight += weight
            self._slate.add(Slate.TOLD)
        self._queue.put((entry, weight))

    def event(self, event: AnyEvent) -> None:
        self.put(lambda: event)

    def close(self) -> bool:
        """Returns when all that was put is on disk; False where something could not be written."""
        self._queue.put(None)
        self._thread.join()
        try:
            self._blobs.sync()
            self._journal.close()
        except RecordingFailed:
            return False
        return self.healthy

    def _run(self) -> None:
        dirty: int | None = None
        while True:
            batch, last = self._take(dirty)
            if self._write(batch) and dirty is None:
                dirty = boottime() + SYNC_NS // 2
            self._slate.add(Slate.WRITTEN, len(batch))
            if dirty is not None and (last or boottime() >= dirty):
                dirty = None
                try:
                    self._journal.sync()
                except RecordingFailed as error:
                    self._miss(0, str(error))
            if last:
                return

    def _take(self, dirty: int | None) -> tuple[list[tuple[Entry, int]], bool]:
        """What is in the queue; waits for the first until a sync is due."""
        batch = []
        timeout = None if dirty is None else max(0.0, (dirty - boottime()) / 1e9)
        if self._lost_since is not None:
            timeout = _AGAIN_NS / 1e9 if timeout is None else timeout
        try:
            item = self._queue.get(timeout=timeout)
            if item is not None:
                # One turn for many: each time that this thread wakes it takes the interpreter from the loop.
                time.sleep(GATHER_SECONDS)
            while item is not None:
                batch.append(item)
                if len(batch) >= 256:
                    return batch, False
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _write(self, batch: list[tuple[Entry, int]]) -> bool:
        events: list[AnyEvent] = []
        for entry, weight in batch:
            try:
                events.append(entry())
            except RecordingFailed as error:
                self._miss(1, str(error))
            except Exception as error:  # noqa: BLE001 - told as a gap
                self._miss(1, f"an event could not be made: {type(error).__name__}: {error}")
            if weight:
                with self._light:
                    self._weight -= weight
                    self._light.notify()
        if self._lost_since is not None:
            events.append(self._gap())
        frames: list[Frame] = []
        for event in events:
            payload = encode_event(event)
            if len(payload) > MAX_PAYLOAD:
                self._miss(1, f"an event of {len(payload)} bytes is too long")
                continue
            number = self._journal.next_sequence + len(frames)
            frames.append(Frame(number, event.t, Kind.EVENT, payload))
        if not frames:
            return False
        try:
            self._journal.extend(frames)
        except RecordingFailed as error:
            self._miss(sum(not isinstance(event, Gap) for event in events), str(error))
            return False
        self._slate[Slate.LAST] = max(self._slate[Slate.LAST], *(event.t for event in events))
        if any(isinstance(event, Gap) and event.source == SOURCE for event in events[-1:]):
            self._lost_since, self._lost = None, 0
        return True

    def _gap(self) -> Gap:
        assert self._lost_since is not None
        reason = f"{self._lost} network events were lost: {self._why}"
        return Gap(t=self._lost_since, source=SOURCE, until=boottime(), bytes=None, reason=reason)

    def _miss(self, count: int, why: str) -> None:
        self.healthy = False
        self._lost += count
        self._why = why
        if self._lost_since is None:
            self._lost_since = boottime()
