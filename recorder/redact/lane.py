"""A stream that is cut into the same portions behind its redaction as before."""

from __future__ import annotations

from recorder.redact.stream import StreamRedactor


class Lane:
    """Bytes go in as they come, and come out decided, in portions of any length: all of them, in order."""

    def __init__(self, stream: StreamRedactor) -> None:
        self._stream = stream
        self._decided = bytearray()

    def feed(self, data: bytes, *, hurried: bool = False) -> None:
        self._stream.hurried = hurried
        self._decided += self._stream.feed(data)

    def flush(self) -> None:
        """What is held back is decided as it stands."""
        self._decided += self._stream.flush()

    def take(self, length: int) -> bytes | None:
        """The next `length` bytes; None where they are not decided."""
        if len(self._decided) < length:
            return None
        data = bytes(self._decided[:length])
        del self._decided[:length]
        return data
