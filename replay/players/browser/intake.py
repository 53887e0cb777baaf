"""What the extension tells of a replay, as events of the same kinds as the recording's."""

from __future__ import annotations

import os
from collections.abc import Callable

from recorder.trace.event import Event
from recorder.trace.pagelog import Keep, Numbers, PageLog
from recorder.trace.wire import (
    WIRE_VERSION,
    Batch,
    Frames,
    Hello,
    Log,
    Malformed,
    Refused,
    Welcome,
    decode,
    frame,
)
from recorder.trace.wire import Ack as _Ack

_PORTION = 1 << 20
_MOST_EVENTS = 2_000_000


class Intake:
    """Reads `told` when `read` is called, answers over `telling`. `at` gives the session's time by the machine's, in
    which the extension tells its own. `mask` is what the recording withheld by CSS. Numbers go on from `after`.
    """

    def __init__(
        self,
        told: int,
        telling: int,
        source: str,
        at: Callable[[float], int],
        keep: Keep,
        mask: list[str],
        after: Numbers | None = None,
    ) -> None:
        self._told = told
        self._telling = telling
        self._frames = Frames()
        self._out = bytearray()
        self._mask = mask
        self._log = PageLog(source, at, keep, after=after)
        self.events: list[Event] = []
        self.greeted = False
        self.faults: list[str] = []

    def open_documents(self) -> list[int]:
        """Documents that have not said their end."""
        return self._log.open_documents()

    def read(self) -> None:
        """Takes what has come. What breaks the rules is told in `faults` and left out."""
        try:
            data = os.read(self._told, _PORTION)
        except BlockingIOError:
            return
        try:
            for message in self._frames.feed(data):
                self._take(message)
        except Malformed as error:
            if len(self.faults) < 100:
                self.faults.append(str(error)[:500])
            self._frames = Frames()
        self._write()

    def _take(self, data: bytes) -> None:
        message = decode(data)
        if isinstance(message, Hello):
            if message.v != WIRE_VERSION:
                self._say(frame(Refused(why="another version")))
                return
            self.greeted = True
            self._say(frame(Welcome(session="replay", task="", sites=[], mask=self._mask)))
        elif isinstance(message, Batch | Log) and len(self.events) < _MOST_EVENTS:
            self.events += self._log.take(message)
            key = message.document if isinstance(message, Batch) else message.instance
            self._say(frame(_Ack(key=key, s=self._log.acknowledged(key))))

    def _say(self, data: bytes) -> None:
        self._out += data

    def _write(self) -> None:
        try:
            while self._out:
                del self._out[: os.write(self._telling, self._out)]
        except BlockingIOError:  # more than a pipe holds of acknowledgements that nobody reads
            pass
