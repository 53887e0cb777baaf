"""What outlives the proxy's processes, in memory that the recorder holds too: counters, and what the gate has heard.

A write to it is a store: nothing that was noted is lost with the process that noted it, however it ended.
"""

from __future__ import annotations

import mmap
import os

_SIZE = 32 << 10
_WORDS = 128
"""Bytes; the text is behind them."""
_LENGTH = 8
_MOST_LINES = 256
_MOST_BROWSERS = 64


def new_slate() -> int:
    """A descriptor of memory for a `Slate`. Raises OSError."""
    fd = os.memfd_create("proxy", os.MFD_CLOEXEC)
    os.ftruncate(fd, _SIZE)
    return fd


class Slate:
    """Counters by number; each is written by one process at a time."""

    CONNECTIONS, FLOWS = 0, 1
    """How many there were: the number of the last one."""
    OPENED, CLOSED = 2, 3
    """How many connections engines took, and how many of them ended and were told."""
    ENGINE = 7
    """The process that is the engine; 0: there was none."""
    TOLD, WRITTEN, LAST = 4, 5, 6
    """Events that were to be written; those that were, or are counted in a gap; the time of the last one written."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, _SIZE)
        self._words = memoryview(self._memory).cast("Q")
        self._lasting: list[bytes] = []
        self._lines: list[bytes] = []

    def __getitem__(self, word: int) -> int:
        return self._words[word]

    def __setitem__(self, word: int, value: int) -> None:
        self._words[word] = value

    def add(self, word: int, count: int = 1) -> int:
        """Counts on; returns the new number."""
        self._words[word] += count
        return self._words[word]

    def hear(self, words: list[bytes]) -> None:
        """Keeps a notice for a gate that starts after this one: the shell, browsers, and the last ones of commands."""
        line = b" ".join(words)
        if words[0] in (b"S", b"B"):
            self._lasting.append(line)
            del self._lasting[1:-_MOST_BROWSERS]
        else:
            self._lines.append(line)
            del self._lines[:-_MOST_LINES]
        text = b"\n".join((*self._lasting, *self._lines))[: _SIZE - _WORDS]
        self._words[_LENGTH] = 0
        self._memory[_WORDS : _WORDS + len(text)] = text
        self._words[_LENGTH] = len(text)

    def heard(self) -> list[list[bytes]]:
        """The notices that were kept, in order."""
        text = self._memory[_WORDS : _WORDS + self._words[_LENGTH]]
        return [words for line in text.split(b"\n") if (words := line.split())]
