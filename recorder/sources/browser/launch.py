"""Starting the browser source's process, and ending it."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec

from recorder.sources.browser.orders import FOLDER, JOURNAL, PID, SOURCE, Orders
from recorder.sources.own_process import end_notices, spawn, tell_loss
from recorder.trace.errors import RecordingFailed

_ENTRY = "recorder.sources.browser.process"
_READY_SECONDS = 60.0
URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
"""What stays as it is where a URL is made one word."""
_FINISH_SECONDS = 60.0
_CLOSE_SECONDS = 10.0


class Browser:
    """A running browser source.

    When `fileno` is readable it has something to say or has ended: whoever watches it calls `attend`. `ended` is true
    once it has, by whomever. Notices (see `process`) are written to `notify_fd`, which never blocks. `pid` is the
    process's; `on_open` is called with the session of processes that Chromium has, `on_said` with what is for the
    expert. `is_ready` once the browser is open; `failed` says why it is not.

    A browser outlives a source that died: it is recorded no more, and `ended` only once the expert has closed it.
    """

    def __init__(self, process: subprocess.Popen[bytes], notify_fd: int, status: int, folder: Path) -> None:
        self.pid = process.pid
        self.on_open: Callable[[int], None] = lambda session: None
        self.on_said: Callable[[str], None] = lambda text: None
        self.notify_fd = notify_fd
        self.ended = False
        self.reason = ""
        self.fault: str | None = None
        self._process = process
        self._status = status
        self._folder = folder
        self._told = b""
        self._left = -1
        """The process of a browser whose source died."""
        self.is_ready = False
        self.failed: str | None = None

    def fileno(self) -> int:
        """A descriptor that is readable once `attend` has something to do; -1: never more."""
        return self._status if self._left < 0 else self._left

    def attend(self) -> None:
        """Hears what it says, without waiting."""
        if self._left >= 0 and select.select([self._left], [], [], 0)[0]:
            os.close(self._left)
            self._left = -1
            self.ended = True
        while self._status >= 0 and select.select([self._status], [], [], 0)[0]:
            data = os.read(self._status, 65536)
            if not data:
                os.close(self._status)
                self._status = -1
                self.ended = self.notify_fd < 0 or not self._outlived()
            *lines, self._told = (self._told + data).split(b"\n")
            for line in lines:
                self._hear(json.loads(line))

    def ready(self, timeout: float = _READY_SECONDS) -> None:
        """Waits until the browser is open. Raises RecordingFailed where it is not; nothing runs then."""
        until = time.monotonic() + timeout
        while not (self.is_ready or self.ended) and (left := until - time.monotonic()) > 0:
            select.select([self._status], [], [], left)
            self.attend()
        if not self.is_ready:
            if not self.ended:
                self._kill()
            self.finish()
            raise RecordingFailed(self.failed or "the browser source did not start; is Playwright whole?")

    def another_tab(self, url: str) -> None:
        """Shows `url` in another tab. Raises RecordingFailed where it cannot be asked for."""
        try:
            os.write(self.notify_fd, b"O %s\n" % quote(url, safe=URL_CHARACTERS).encode())
        except OSError as error:
            raise RecordingFailed(
                "the browser that is open is not recorded any more; close it first"
            ) from error

    def finish(self, timeout: float = _FINISH_SECONDS) -> bool:
        """Ends the browser, if it still runs. True: all that came of it is in the journal.

        False: it died or could not write; the journal then lists the gap, as far as it can still be written.
        """
        if self.notify_fd >= 0:
            end_notices(self.notify_fd)
            self.notify_fd = -1
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._kill()
            self._end_left()
            self.attend()
            if self._status >= 0:
                os.close(self._status)
                self._status = -1
        if self._process.returncode == 0:
            return True
        if self.is_ready:
            how = self.fault or f"it ended with status {self._process.returncode}"
            tell_loss(self._folder / JOURNAL, SOURCE, f"the browser source did not end well: {how}"[:200])
        return False

    def _outlived(self) -> bool:
        """Whether the source died, and its browser did not."""
        if self.reason or not self.is_ready or not self._find_left():
            return False
        self.on_said(
            "the recorder of the browser died; nothing that is done in it is recorded any more. "
            "The browser stays open: close it, or press Ctrl-C here, to end"
        )
        return True

    def _kill(self) -> None:
        """Ends a source that does not end by itself; its browser outlives it."""
        self._process.kill()
        self._process.wait()
        self._find_left()

    def _find_left(self) -> bool:
        """Whether a browser is there whose source is not."""
        if self._left < 0:
            with suppress(OSError, ValueError):
                self._left = os.pidfd_open(int((self._folder / FOLDER / PID).read_text()))
        return self._left >= 0

    def _end_left(self) -> None:
        if self._left < 0:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._left, number)
            if select.select([self._left], [], [], _CLOSE_SECONDS)[0]:
                return

    def _hear(self, message: dict[str, object]) -> None:
        if "ready" in message:
            self.is_ready = True
        if isinstance(session := message.get("processes"), int):
            self.on_open(session)
        if "said" in message:
            self.on_said(str(message["said"]))
        if "failed" in message:
            self.failed = str(message["failed"])
        if "ended" in message:
            self.reason = str(message["ended"])
            self.fault = None if message.get("fault") is None else str(message["fault"])


def start_browser(
    *,
    folder: Path,
    session: str,
    task: str = "",
    started: int,
    unix_offset: int,
    mode: Literal["opened", "paired"] = "opened",
    url: str | None = None,
    headless: bool = False,
    profile: Path | None = None,
    port: int | None = None,
    seed: int | None = None,
    flags: Iterable[str] = (),
    vault: Path | None = None,
    downloads: Path | None = None,
    sites: Iterable[str] = (),
    by_code: bool = False,
) -> Browser:
    """Starts the browser source for the session in `folder`; `Browser.ready` waits until its browser is open.

    The fields are those of `Orders`. Raises RecordingFailed where it cannot be started.
    """
    notices, notify = os.pipe2(os.O_CLOEXEC)
    heard, status = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(notify, False)
    orders = Orders(
        folder=str(folder.absolute()), notices=notices, status=status, session=session, task=task, mode=mode, url=url,
        headless=headless, profile=None if profile is None else str(profile), port=port, seed=seed, flags=list(flags),
        vault=None if vault is None else str(vault), unix_offset=unix_offset, started=started,
        downloads=None if downloads is None else str(downloads), sites=list(sites), by_code=by_code,
    )  # fmt: skip
    try:
        process = spawn(_ENTRY, msgspec.json.encode(orders), descriptors=[notices, status])
    except OSError as error:
        os.close(notify)
        os.close(heard)
        raise RecordingFailed(f"the browser source cannot be started: {error.strerror}") from error
    finally:
        os.close(notices)
        os.close(status)
    return Browser(process, notify, heard, folder)
