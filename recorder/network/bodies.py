"""The body of a message on its way through: told on piece by piece, and kept as a blob.

Memory stays flat: what is long waits in a file. Pieces go through the session's redactor before they go anywhere.
"""

from __future__ import annotations

from collections.abc import Callable

from recorder.network.redactor import BodyFilter
from recorder.trace.blobs import BlobStore, BlobTooLarge
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import Body

NO_BODY = Body(size=0)
_PACE_NS = 50_000_000
_MOST_PIECES = 4096


class BodySink:
    """Takes a body's pieces; `seal` gives what to call for the event's `Body`, in another thread if need be."""

    __slots__ = ("_filter", "_received", "_skipped", "_spool", "partial", "size")

    def __init__(self, store: BlobStore, body_filter: BodyFilter) -> None:
        self._spool = store.spool()
        self._filter = body_filter
        self._skipped: str | None = None
        self.size = self._received = 0
        self.partial = True

    def write(self, data: bytes) -> None:
        self._received += len(data)
        self._write(self._filter.feed(data))

    def end(self) -> None:
        """The body is complete."""
        self.partial = False

    @property
    def in_file(self) -> bool:
        """Whether keeping it takes a while."""
        return self._spool.in_file or self._filter.held > self._spool.IN_MEMORY

    @property
    def held(self) -> int:
        """Bytes of it in memory."""
        return (0 if self._spool.in_file else self.size) + self._filter.held

    def seal(self) -> Callable[[], Body]:
        """No piece comes any more. The result may be called once; it raises nothing."""
        return self._keep

    def _write(self, data: bytes) -> None:
        if not data:
            return
        self.size += len(data)
        if self._skipped is None:
            try:
                self._spool.write(data)
            except (BlobTooLarge, RecordingFailed) as error:
                self._skipped = str(error)
                self._spool.drop()

    def _keep(self) -> Body:
        self._write(self._filter.end())  # here, for it may have to decode it all
        if self._filter.refused is not None:
            self._skipped, self.size = self._filter.refused, self._received
            self._spool.drop()
        if self._skipped is None and self.size:
            try:
                return Body(size=self.size, blob=self._spool.keep(), partial=self.partial)
            except RecordingFailed as error:
                self._skipped = str(error)
        return Body(size=self.size, skipped=self._skipped, partial=self.partial)


class Pace:
    """When a body's pieces came: [ns, bytes], joined where they come faster than a reader could tell."""

    __slots__ = ("_pieces", "_step")

    def __init__(self) -> None:
        self._pieces: list[tuple[int, int]] = []
        self._step = 1_000_000

    def add(self, t: int, size: int) -> None:
        pieces = self._pieces
        if len(pieces) > 1 and t - pieces[-1][0] < self._step:
            pieces[-1] = (pieces[-1][0], pieces[-1][1] + size)
            return
        pieces.append((t, size))
        if len(pieces) > _MOST_PIECES:
            self._step *= 2
            joined = [pieces[0]]
            for at, count in pieces[1:]:
                if at - joined[-1][0] < self._step:
                    joined[-1] = (joined[-1][0], joined[-1][1] + count)
                else:
                    joined.append((at, count))
            self._pieces = joined

    def told(self, *, partial: bool) -> list[tuple[int, int]]:
        """The pieces, where there were several over more than 50 ms; of a `partial` body always, for who ended it may
        have done so because of the last one."""
        pieces = self._pieces
        return pieces if len(pieces) > 1 and (partial or pieces[-1][0] - pieces[0][0] > _PACE_NS) else []
