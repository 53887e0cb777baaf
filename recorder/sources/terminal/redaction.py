"""Records on their way from the ring to the journal: secrets become placeholders, as long as what they stand for.

Output and typed keys are two streams, each cut into frames as it came. A frame is given when all of its bytes are
decided, and none before the frames that came before it. What waits stays in the ring, so a writer that is killed loses
nothing; how long it may wait is bounded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from recorder.redact import Lane, SharedRedactor
from recorder.sources.terminal.ring import TAIL, Record, Ring, now
from recorder.sources.terminal.sidelog import SideLog
from recorder.trace.codec import decode_event, encode_event
from recorder.trace.events import Input
from recorder.trace.frames import Kind

if TYPE_CHECKING:
    from recorder.sources.terminal.request import Redaction

QUIET_NS = 2_000_000_000
"""A word that nothing is added to for so long is taken as it stands."""
LONGEST_NS = 15_000_000_000
"""No record waits longer."""
HURRY = 1 << 20
"""With so many bytes behind, only known secrets and those that their shape gives away are looked for."""
_CONTEXT = 2048
"""Bytes of the ring that are left for a writer's successor, which must know what stood before."""
_OUTPUT = int(Kind.OUTPUT)
_INPUT = b'{"kind":"terminal.input"'


class Frame(NamedTuple):
    """A record to be written. `end` is where it ends in the ring."""

    end: int
    sequence: int
    t: int
    kind: int
    payload: bytes


class FrameRedactor:
    """Takes records in order (`take`), gives them when they are decided (`ready`, `done`)."""

    def __init__(self, redactor: SharedRedactor) -> None:
        self._redactor = redactor
        self._output = Lane(redactor.stream("terminal"))
        self._input = Lane(redactor.stream("keys"))
        self._waiting: deque[tuple[Frame, int, Input | None]] = deque()
        self._ready: deque[Frame] = deque()
        self._fed = 0

    @property
    def empty(self) -> bool:
        return not self._waiting and not self._ready

    def take(self, records: Iterable[Record], at: int, *, hurried: bool) -> int:
        """Takes records in; `at` is now by their clock. Returns where the last one ends, 0 where there was none."""
        output: list[bytes] = []
        end = 0
        for end, kind, sequence, t, view in records:
            payload = bytes(view)
            length, event = 0, None
            if kind == _OUTPUT:
                output.append(payload)
                length = len(payload)
            elif payload.startswith(_INPUT):
                decoded = decode_event(payload, "ring")
                if isinstance(decoded, Input) and not decoded.hidden and not decoded.reply:
                    event, length = decoded, len(decoded.data)
                    self._input.feed(decoded.data)
            self._waiting.append((Frame(end, sequence, t, kind, payload), length, event))
        if output:
            self._output.feed(b"".join(output), hurried=hurried)
        if end:
            self._fed = at
        self._settle()
        return end

    def wait_no_longer(self, at: int, *, all_of_it: bool) -> None:
        """Decides as it stands what has waited long enough, or all."""
        if self._waiting and (
            all_of_it or at - self._fed > QUIET_NS or at - self._waiting[0][0].t > LONGEST_NS
        ):
            self._input.flush()
            self._output.flush()
            self._settle()

    def ready(self, most: int, most_bytes: int) -> list[Frame]:
        """The next frames to be written, in order; `done` says how many were."""
        frames: list[Frame] = []
        for frame in self._ready:
            frames.append(frame)
            most_bytes -= len(frame.payload)
            if len(frames) >= most or most_bytes <= 0:
                break
        return frames

    def done(self, count: int) -> None:
        for _ in range(count):
            self._ready.popleft()

    def _settle(self) -> None:
        while self._waiting:
            frame, length, event = self._waiting[0]
            if length:
                data = (self._output if event is None else self._input).take(length)
                if data is None:
                    return
                if event is None:
                    frame = frame._replace(payload=data)
                elif data != event.data:
                    frame = frame._replace(payload=encode_event(replace(event, data=data)))
            self._waiting.popleft()
            self._ready.append(frame)


class Redacting:
    """A redacting writer's half: what was taken out of the ring, and the logs beside.

    Raises OSError or ValueError where the vault cannot be read.
    """

    def __init__(self, ring: Ring, redaction: Redaction, batch: int) -> None:
        self._redactor = SharedRedactor(redaction.vault)
        self.frames = FrameRedactor(self._redactor)
        self.position = ring.words[TAIL]
        self._ring = ring
        self._batch = batch
        self._patience = redaction.patience
        self._logs = [SideLog(paths, self._redactor) for paths in redaction.side_logs]
        self._hurry = min(HURRY, ring.capacity // 4)
        self._written: deque[int] = deque()

    def take(self, head: int, *, last: bool) -> bool:
        """Takes the next records; whether there were any. Raises OSError."""
        self._redactor.refresh()
        for log in self._logs:
            log.advance(last=last)
        behind = head - self._ring.words[TAIL]
        hurried = behind > self._hurry
        # A ring that fills is emptied before anything is waited for.
        due = now() if last or hurried else now() - self._patience
        records = self._portion(head, due)
        end = self.frames.take(records, now(), hurried=hurried)
        self.position = end or self.position
        over = (last and self.position >= head) or behind > self._ring.capacity // 4
        self.frames.wait_no_longer(now(), all_of_it=over)
        return bool(end)

    def freed(self, end: int) -> int:
        """The ring's new tail when all before `end` is in the journal."""
        self._written.append(end)
        tail = self._ring.words[TAIL]
        while self._written and end - self._written[0] >= _CONTEXT:
            tail = self._written.popleft()
        return tail

    def _portion(self, head: int, due: int) -> Iterator[Record]:
        size = 0
        for record in self._ring.records(self.position, head):
            if record.t > due or size >= self._batch:
                return
            size += len(record.payload)
            yield record
