"""Redaction of output as it comes: a secret that is split over reads is found, and little is held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recorder.redact.detector import Detection, detect
from recorder.redact.markup import cut, without_code
from recorder.redact.views import View, seen, unfinished

if TYPE_CHECKING:
    from recorder.redact.redactor import Redactor

MOST_HELD = 4096
"""At most so many bytes are held back; a candidate that is longer is decided by what is there."""
_CONTEXT = 1024
_PORTION = 64 << 10
_TITLE = b"\x1b]"


class StreamRedactor:
    """One stream's redactor. What `feed` and `flush` give, put together, is as long as what was fed.

    Held back is only what may be the beginning of a secret: the last word, a known secret's beginning, a value whose
    field or place says that it is one and that has not ended. `flush` gives it all, decided as it stands. Not to be
    fed by two threads at once.
    """

    def __init__(
        self,
        redactor: Redactor,
        place: str,
        *,
        rules: bool = True,
        shown: bool = False,
        code: bool = False,
        markup: bool = False,
    ) -> None:
        """Without `rules` only known secrets are replaced: in what is binary rules find things by chance. `shown`:
        they may have escape sequences within, as a terminal's output has. `code`: it is a program (see
        detect); `markup`: it is HTML, with programs within."""
        self._redactor = redactor
        self._place = place
        self._rules = rules
        self._code = code
        self._markup = markup
        self._in_program = False  # the buffer begins within a program of the page
        self._shown = shown or (rules and not code)
        self.hurried = False
        """Only known secrets and those that their shape gives away are looked for, and not through escape sequences:
        for floods, in which rules would cost more than there is time."""
        self.tries = 0
        """How many places were judged so far (see detector.too_dense)."""
        self._buffer = b""  # what is held back, behind as much of its line as rules look back at
        self._given = 0  # bytes of the buffer that were given already
        self._in_key = False  # the buffer begins within a private key's body

    @property
    def held(self) -> int:
        """How many bytes were fed that were not given yet."""
        return len(self._buffer) - self._given

    def feed(self, data: bytes) -> bytes:
        """Takes the next bytes; gives what is decided."""
        if len(data) <= _PORTION:
            return self._advance(data, last=False)
        return b"".join(
            self._advance(data[at : at + _PORTION], last=False) for at in range(0, len(data), _PORTION)
        )

    def flush(self) -> bytes:
        """The stream ended, or paused for long: gives all that is held back."""
        return self._advance(b"", last=True)

    def _advance(self, data: bytes, *, last: bool) -> bytes:
        redactor = self._redactor
        with redactor._lock:
            buffer = self._buffer = self._buffer + data
            stop = len(buffer) if last or not self._shown else unfinished(buffer)
            view = seen(buffer[:stop]) if self._shown and not self.hurried else View(buffer[:stop])
            if self._rules:
                detection = detect(view.text, in_key=self._in_key, shaped_only=self.hurried, code=self._code)
            else:
                detection = Detection([], len(view.text), [])
            if self._markup:
                found = without_code(view.text, detection.finds, inside=self._in_program)
                detection = detection._replace(finds=found)
            self.tries += detection.tries
            if last:
                safe = len(buffer)
                finds = detection.finds
            else:
                safe = view.back(min(detection.open, redactor.pending(view.text)))
                safe = max(min(safe, stop), self._given, len(buffer) - MOST_HELD)
                while True:  # what reaches beyond is not decided either
                    finds = [find for find in detection.finds if view.back(find.end) <= safe]
                    crossing = [
                        view.back(find.start)
                        for find in detection.finds
                        if view.back(find.start) < safe < view.back(find.end)
                    ]
                    lowest = max(min(crossing, default=safe), self._given, len(buffer) - MOST_HELD)
                    if lowest >= safe:
                        break
                    safe = lowest
                if len(buffer) - MOST_HELD >= safe:  # held too long: decided as it stands
                    finds = detection.finds
            edits = [edit for edit in redactor.edits(view, finds) if edit.end > self._given]
            for edit in edits:
                if edit.first < safe < edit.last and not last:
                    safe = max(edit.first, self._given, len(buffer) - MOST_HELD)
            out = redactor.apply(buffer, [e for e in edits if e.start < safe], self._place)[
                self._given : safe
            ]
            # A key that goes on from what was given before begins with the buffer, whatever is not shown there.
            keys = [
                (view.back(key.start) if key.start else 0, view.back(key.end), key.open)
                for key in detection.keys
            ]
            self._trim(buffer, safe, keys)
            # A title is not looked into as text: it may say what the shell runs.
            return (
                redactor.known_only(out, self._place)
                if self._shown and b"\x1b" in out and _TITLE in out
                else out
            )

    def _trim(self, buffer: bytes, safe: int, keys: list[tuple[int, int, bool]]) -> None:
        """Keeps the line of what is given next, for the rules look to the left."""
        start = max(buffer.rfind(b"\n", 0, safe) + 1, safe - _CONTEXT, 0)
        if self._markup:
            start, self._in_program = cut(buffer, start, inside=self._in_program)
        self._in_key = any(first <= start and (start < end or open_) for first, end, open_ in keys)
        self._buffer = buffer[start:]
        self._given = safe - start
