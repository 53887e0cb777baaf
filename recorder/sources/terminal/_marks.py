"""Stand-in until recorder.trace.marks lands."""

from __future__ import annotations

from typing import NamedTuple


class Mark(NamedTuple):
    type: str
    start: int
    end: int
    fields: tuple[bytes, ...]


class MarkScanner:
    def __init__(self, nonce: bytes, offset: int = 0) -> None:
        self._intro = b"\x1b]7770;" + nonce + b";"
        self._offset = offset
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, list[Mark]]:
        if not self._held and b"\x1b" not in data:
            self._offset += len(data)
            return data, []
        if self._held:
            data = self._held + data
            self._offset -= len(self._held)
            self._held = b""
        intro, out, marks, at, base = self._intro, [], [], 0, self._offset
        self._offset += len(data)
        while True:
            start = data.find(intro, at)
            if start < 0:
                break
            end = data.find(b"\x07", start)
            if end < 0:
                if len(data) - start < 4096:
                    self._held = data[start:]
                    data = data[:start]
                break
            fields = data[start + len(intro) : end].split(b";")
            marks.append(Mark(fields[0].decode("latin1"), base + start, base + end + 1, tuple(fields[1:])))
            out.append(data[at:start])
            at = end + 1
        if not self._held:
            tail = data.rfind(b"\x1b", at)
            if tail >= 0 and intro.startswith(data[tail:]):
                self._held = data[tail:]
                data = data[:tail]
        if not marks and not self._held:
            return data, []
        out.append(data[at:])
        return b"".join(out), marks

    def flush(self) -> bytes:
        held, self._held = self._held, b""
        return held
