"""Speaks Chromium's DevTools protocol over two pipes, from one thread, and reads a third meanwhile.

A client of our own rather than a library's: the browser at the other end runs pages of strangers without a sandbox but
ours, so what it says is bounded here and reaches no file of ours. Commands may be sent without waiting for
their answers; the browser takes them in order.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

_PORTION = 1 << 20
_MOST_MESSAGE = 256 << 20
_IDLE_SECONDS = 0.25

Said = dict[str, Any]
Heard = Callable[[str, Said, str], None]
"""What is told of an event: its method, its parameters, the session that it came from (empty: the browser)."""


class Gone(Exception):
    """The browser ended, or speaks what no browser does."""


class Failed(Exception):
    """The browser refused a command."""


class Slow(Exception):
    """An answer did not come in time."""


class Devtools:
    """`commands` is written to, `answers` read from; both are the caller's. `alive` is asked while nothing comes.

    Events go to `heard`, in their order, whenever this object waits; it may send, but not wait itself. `beside` are
    other descriptors and who reads them when there is something. `idle` is called where an answer is long in coming.
    """

    def __init__(self, commands: int, answers: int, heard: Heard, alive: Callable[[], bool]) -> None:
        self._commands = commands
        self._answers = answers
        self._heard = heard
        self._alive = alive
        self._held = bytearray()
        self._scanned = 0
        self._out = bytearray()
        self._number = 0
        self._waiting: dict[int, str] = {}
        self._answered: dict[int, Said] = {}
        self._callbacks: dict[int, Callable[[Said], None]] = {}
        self._events: deque[tuple[str, Said, str]] = deque()
        self._hearing = False
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(dict[str, Any]).decode
        self.beside: dict[int, Callable[[], None]] = {}
        self.idle: Callable[[], None] = lambda: None
        os.set_blocking(commands, False)
        os.set_blocking(answers, False)

    def send(
        self, method: str, session: str = "", *, then: Callable[[Said], None] | None = None, **params: Any
    ) -> int:
        """Sends a command without waiting; its number. `then` is given the result when it
        comes, nothing where it was refused."""
        self._number += 1
        if then is not None:
            self._callbacks[self._number] = then
        message: Said = {"id": self._number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self._out += self._encode(message) + b"\0"
        self._write()
        return self._number

    def ask(self, method: str, session: str = "", *, seconds: float = 30.0, **params: Any) -> Said:
        """Sends a command and waits for its answer. Raises Failed, Slow, Gone."""
        return self.answer(self.begin(method, session, **params), method, seconds)

    def begin(self, method: str, session: str = "", **params: Any) -> int:
        """Sends a command without waiting; `answer` must be asked for what it gives."""
        number = self.send(method, session, **params)
        self._waiting[number] = session
        return number

    def answer(self, number: int, method: str, seconds: float) -> Said:
        """The answer to the command that `begin` sent as `number`. Raises Failed, Slow, Gone."""
        end = time.monotonic() + seconds
        try:
            while number not in self._answered:
                left = end - time.monotonic()
                if left <= 0:
                    raise Slow(f"{method}: no answer within {seconds:g} s")
                self.turn(left)
        finally:
            self._waiting.pop(number, None)
        said = self._answered.pop(number)
        if "error" in said:
            error = said["error"]
            raise Failed(f"{method}: {error.get('message') if isinstance(error, dict) else error}"[:500])
        result = said.get("result")
        return result if isinstance(result, dict) else {}

    def turn(self, seconds: float) -> None:
        """Takes what comes, waiting for it at most so long."""
        if self._events:
            self._tell()
            return
        readers = [self._answers, *self.beside]
        writers = [self._commands] if self._out else []
        ready, room, _ = select.select(readers, writers, [], min(seconds, _IDLE_SECONDS))
        if room:
            self._write()
        for fd, read in self.beside.items():
            if fd in ready:
                read()
        if self._answers in ready:
            self._read()
        elif not ready:
            if not self._alive():
                raise Gone("the browser ended")
            if self._waiting:
                self.idle()
        self._tell()

    def _write(self) -> None:
        try:
            while self._out:
                del self._out[: os.write(self._commands, self._out[:_PORTION])]
        except BlockingIOError:
            pass
        except OSError as error:
            raise Gone(f"the browser takes no commands: {error.strerror}") from error

    def _read(self) -> None:
        try:
            data = os.read(self._answers, _PORTION)
        except BlockingIOError:
            return
        self._held += data
        while (end := self._held.find(b"\0", self._scanned)) >= 0:
            line = bytes(self._held[:end])
            del self._held[: end + 1]
            self._scanned = 0
            self._take(line)
        self._scanned = len(self._held)
        if self._scanned > _MOST_MESSAGE:
            raise Gone("the browser said more than a browser says")

    def _take(self, line: bytes) -> None:
        try:
            said = self._decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Gone(f"the browser said what is no message: {error}") from error
        number = said.get("id")
        if isinstance(number, int):
            if number in self._waiting:
                self._answered[number] = said
            elif (then := self._callbacks.pop(number, None)) is not None:
                result = said.get("result")
                then(result if isinstance(result, dict) else {})
            return
        params = said.get("params")
        session = said.get("sessionId")
        method = said.get("method")
        if method == "Target.detachedFromTarget" and isinstance(params, dict):
            self._drop(params.get("sessionId"))
        self._events.append(
            (
                method if isinstance(method, str) else "",
                params if isinstance(params, dict) else {},
                session if isinstance(session, str) else "",
            )
        )

    def _drop(self, session: object) -> None:
        """Nobody answers what a page was asked that closed itself."""
        for number, asked in self._waiting.items():
            if asked and asked == session:
                self._answered.setdefault(number, {"error": {"message": "the page was closed"}})

    def _tell(self) -> None:
        """Events in their order, never one within another's telling."""
        if self._hearing:
            return
        self._hearing = True
        try:
            while self._events:
                self._heard(*self._events.popleft())
        finally:
            self._hearing = False
