"""Where programs of a running session ask for a browser: `reenact browse` inside it comes here."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from recorder.begin import Begun
from recorder.browsing import open_browser
from recorder.sessionfile import BrowserRequest
from recorder.trace.errors import RecordingFailed, ReenactError, UsageError

if TYPE_CHECKING:
    from recorder.sources.browser import Browser
    from recorder.sources.proxy import Proxy

SOCKET = "browse.sock"
OPEN = "the browser is open"
"""What is told once it is; a replay's shell says the same (see reenact.sh)."""
_MOST_REQUEST = 1 << 16
_MOST_WAITING = 8
_READY_SECONDS = 90.0


class Answer(Struct, frozen=True):
    """`failed` says why no browser was opened; null: it is open."""

    failed: str | None = None


class BrowserDesk:
    """Opens the session's browser when it is asked to, one at a time: while it is open, what is asked for is another
    tab in it.

    When `fileno` is readable there is something to do: whoever watches it calls `attend`, which never waits.
    """

    def __init__(self, begun: Begun, proxy: Proxy | None) -> None:
        """Raises RecordingFailed."""
        self._begun = begun
        self._proxy = proxy
        self._browser: Browser | None = None
        self._whole = True
        self._asking: list[socket.socket] = []
        """Who has not said yet what he wants."""
        self._waiting: list[socket.socket] = []
        """Who waits for the browser to be open."""
        try:
            self._listener = _listen(begun.folder)
        except OSError as error:
            raise RecordingFailed(f"{begun.folder / SOCKET}: {error.strerror}; record elsewhere") from error
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)

    def fileno(self) -> int:
        """A descriptor that is readable once `attend` has something to do."""
        return self._poll.fileno()

    def attend(self) -> None:
        """Hears who asks, and the browser."""
        for fd, _ in self._poll.poll(0):
            if fd == self._listener.fileno():
                self._accept()
            elif self._browser is not None and fd == self._browser.fileno():
                self._browser.attend()
                if (now := self._browser.fileno()) not in (fd, -1):  # its source died, and it did not
                    self._poll.register(now, select.EPOLLIN)
                self._answer()
            else:
                for asking in [one for one in self._asking if one.fileno() == fd]:
                    self._hear(asking)

    def open(self, wanted: BrowserRequest) -> None:
        """Opens the browser and waits until it is open. Raises what `open_browser` and `Browser.ready` raise."""
        self._start(wanted)
        assert self._browser is not None
        self._browser.ready()

    def finish(self) -> bool:
        """Ends it all. True: all that came of the browsers is in the journal."""
        if self._listener.fileno() >= 0:
            for connection in (self._listener, *self._asking, *self._waiting):
                connection.close()
            self._poll.close()
            self._end()
        return self._whole

    def _accept(self) -> None:
        with suppress(OSError):
            asking, _ = self._listener.accept()
            asking.setblocking(False)
            if len(self._asking) + len(self._waiting) >= _MOST_WAITING:
                asking.close()
                return
            self._asking.append(asking)
            self._poll.register(asking, select.EPOLLIN)

    def _hear(self, asking: socket.socket) -> None:
        self._asking.remove(asking)
        self._poll.unregister(asking)
        try:
            wanted = msgspec.json.decode(asking.recv(_MOST_REQUEST), type=BrowserRequest)
            if self._browser is not None and not self._browser.ended:
                self._browser.another_tab(wanted.url or "about:blank")
            else:
                self._start(wanted)
        except (ReenactError, msgspec.DecodeError, OSError) as error:
            _say(asking, Answer(str(error)))
            return
        self._waiting.append(asking)
        self._answer()

    def _start(self, wanted: BrowserRequest) -> None:
        self._end()
        self._browser = open_browser(self._begun, self._proxy, wanted)
        self._poll.register(self._browser.fileno(), select.EPOLLIN)

    def _end(self) -> None:
        if self._browser is not None:
            self._whole = self._browser.finish() and self._whole
            self._browser = None

    def _answer(self) -> None:
        """Tells those who wait what has become of it."""
        browser = self._browser
        if browser is None or not (browser.is_ready or browser.failed or browser.ended):
            return
        for waiting in self._waiting:
            failed = None if browser.is_ready else browser.failed or "the browser source ended"
            _say(waiting, Answer(failed))
        self._waiting.clear()


def ask(session: Path, wanted: BrowserRequest) -> None:
    """Asks the session in this folder for a browser; returns once it is open. Raises UsageError where the session has
    no desk, RecordingFailed where no browser was opened."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as desk:
        desk.settimeout(_READY_SECONDS)
        try:
            with _address(session) as address:
                desk.connect(address)
            desk.send(msgspec.json.encode(wanted))
            said = desk.recv(_MOST_REQUEST)
        except OSError as error:
            raise UsageError(
                f"the session in {session} opens no browser ({error.strerror or 'no answer'}); "
                f"is it an isolated one, or a replay?"
            ) from error
    if not said:
        raise RecordingFailed("the session ended before the browser was open")
    answer = msgspec.json.decode(said, type=Answer)
    if answer.failed is not None:
        raise RecordingFailed(answer.failed)


def _say(waiting: socket.socket, answer: Answer) -> None:
    with suppress(OSError), waiting:
        waiting.send(msgspec.json.encode(answer))


def _listen(folder: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    try:
        with _address(folder) as address:
            listener.bind(address)
        os.chmod(folder / SOCKET, 0o600)
        listener.listen(_MOST_WAITING)
    except BaseException:
        listener.close()
        raise
    return listener


@contextmanager
def _address(folder: Path) -> Iterator[str]:
    """By the folder's descriptor: the address of a socket has room for 107 bytes only. Raises OSError."""
    fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{SOCKET}"
    finally:
        os.close(fd)
