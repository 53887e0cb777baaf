"""A Chromium of the reviewer's own, on his display, that shows what the sandboxed one looks like.

The sandboxed browser never gets the display: it stays headless, and only its pictures come here. Of a picture nothing
but its one frame of lossy WebP is passed on. The window's page has no script of its own and loads nothing; it is
spoken to over a pipe, so nothing listens anywhere for it, and it ends with us however we end.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, json, to_builtins

from recorder.trace.errors import Unsupported
from recorder.trace.printable import printable
from replay.players.browser.cdp import Devtools, Failed, Gone, Said, Slow
from replay.players.browser.chromium import find_chromium
from replay.sandbox.scratch import Scratch
from replay.webm import NoFrame, bare
from replay.window.ending import Ending

_APART_NS = 100_000_000
"""Between two pictures of one step, as it was recorded."""
_MOST_WAITING = 16
_MOST_PICTURE = 4 << 20
_MOST_PIXELS = 32 << 20
_MOST_TEXT = 300
_MOST_URL = 1000
_MOST_STEPS = 2000
_START_SECONDS = 60.0
_SHOW_SECONDS = 10.0
_END_SECONDS = 3.0
_TURN_SECONDS = 0.05
_IDLE_SECONDS = 1.0
_AROUND = (20, 106)
"""What stands beside and above a picture, in pixels."""
_SIZES = ((640, 1400), (400, 900))
_HERE = Path(__file__).parent
_FLAGS = (
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    "--use-mock-keychain",
    "--disable-background-mode",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-features=Translate,MediaRouter,OptimizationHints",
    "--disable-sync",
    # It shows what it is given; there is nothing on any network for it.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    # As root Chromium has no sandbox of its own, and would say so in a bar.
    *(("--no-sandbox", "--test-type") if os.geteuid() == 0 else ()),
)
_PIPES = 'exec 3<"$1/commands" 4>"$1/answers"; shift; exec "$@"'


class View(Struct, frozen=True, kw_only=True):
    """What a browser shows at a moment of step `n`. `pointer` is where the pointer is, `pressed` where it was pressed
    last, in pixels of the picture; `presses` counts, and `missed` what was waited for in vain so far; `done`: the step
    is."""

    n: int
    url: str
    pointer: tuple[float, float] | None = None
    pressed: tuple[float, float] | None = None
    presses: int = 0
    missed: int = 0
    done: bool = False


def has_display() -> bool:
    """Whether a window could be shown here at all."""
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


class Window:
    """Opens with the first `begin`; call `close`. `name` is the replayed trace's, `runs` how often it is replayed.

    Nothing here raises because of the window, or waits for it, but for `wait`: what is wrong with it is no fault of
    the replay's. `fault` says what was.
    """

    def __init__(self, name: str, runs: int = 1) -> None:
        self.fault = ""
        self._name = printable(name)
        self._runs = runs
        self._run = 0
        self._last: int | None = None
        self._calls: deque[tuple[str, Any, bytes]] = deque()
        self._over = threading.Event()
        """It is to be closed."""
        self._gone = threading.Event()
        """It is no more, or never was."""
        self._bell = -1
        self._thread: threading.Thread | None = None

    @property
    def is_open(self) -> bool:
        """It is there, or about to be."""
        return self._thread is not None and not self._gone.is_set()

    def begin(self, size: tuple[int, int], steps: Sequence[tuple[int, str]]) -> None:
        """A run begins: of a browser whose pages are so large, in which these steps (number, sentence) are done."""
        self._run += 1
        self._last = None
        run = f", run {self._run} of {self._runs}" if self._runs > 1 else ""
        every = [(n, _text(text, _MOST_TEXT)) for n, text in steps[:_MOST_STEPS]]
        self._say("begin", {"title": f"{self._name} – Reenact", "run": run, "all": every})
        if self._thread is None:
            self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
            self._thread = threading.Thread(target=self._serve, args=(size,), name="window", daemon=True)
            self._thread.start()

    def wants(self, t: int, rested: bool) -> bool:
        """Whether a picture of the time `t` (ns of the session) is wanted; what has `rested` is always."""
        if self._gone.is_set() or len(self._calls) >= _MOST_WAITING:
            return False
        return rested or (not self._calls and (self._last is None or t - self._last >= _APART_NS))

    def take(self, t: int, webp: bytes | None, view: View) -> None:
        """Shows a picture (null: the last one) of the time `t`."""
        self._last = t
        said = to_builtins(view) | {"url": _text(view.url, _MOST_URL)}
        self._say("show", said, _plain(webp) if webp else b"")

    def end(self, ending: Ending) -> None:
        """Says how it ended. The window stays."""
        why = [(n, _text(text, _MOST_TEXT)) for n, text in ending.why]
        self._say("end", to_builtins(ending) | {"line": _text(ending.line, _MOST_TEXT), "why": why})

    def wait(self) -> None:
        """Returns when the reviewer has closed it, or it never opened."""
        if self._thread is not None:
            self._gone.wait()

    def close(self) -> None:
        """Closes it; once is enough."""
        self._over.set()
        if self._thread is not None:
            self._ring()
            self._thread.join()
            self._thread = None
            os.close(self._bell)
            self._bell = -1

    # -- in its own thread ----------------------------------------------------------------------

    def _say(self, call: str, said: Any, picture: bytes = b"") -> None:
        if not self._gone.is_set():
            self._calls.append((call, said, picture))
            self._ring()

    def _ring(self) -> None:
        if self._bell >= 0:
            os.eventfd_write(self._bell, 1)

    def _serve(self, size: tuple[int, int]) -> None:
        try:
            with ExitStack() as stack:
                page = _Page(size, self._bell, stack)
                page.open(self._over.is_set)
                while not self._over.is_set():
                    page.turn()
                    while self._calls and not self._over.is_set():
                        page.call(*self._calls.popleft())
        except (Gone, _Closed):
            pass
        except (Failed, Slow, Unsupported, OSError) as error:
            self.fault = f"no window: {error}"
        finally:
            self._gone.set()
            self._calls.clear()


class _Closed(Exception):
    """The reviewer has closed the window."""


class _Page:
    """The window's Chromium and its one page; `stack` ends it. `bell` is readable when there is something to do."""

    def __init__(self, size: tuple[int, int], bell: int, stack: ExitStack) -> None:
        self._session = ""
        self._bell = bell
        scratch = Scratch()
        stack.callback(scratch.close)
        folder = scratch.folder("window")
        words = _words(size, folder / "profile")
        # Both ends: nothing blocks or ends while we are here, and the browser ends when we do.
        commands, answers = (_fifo(folder / name, stack) for name in ("commands", "answers"))
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _PIPES, "sh", str(folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours; the window goes when we say so
        )
        stack.callback(self._end)
        self._tools = Devtools(commands, answers, self._heard, lambda: self._process.poll() is None)
        self._tools.beside[bell] = self._rung

    def open(self, given_up: Callable[[], bool]) -> None:
        """Returns when its page is there, or `given_up`. Raises Failed, Slow, and Unsupported where it never is."""
        end = time.monotonic() + _START_SECONDS
        try:
            self._tools.send(
                "Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True
            )
            while not given_up() and not self._there():
                if time.monotonic() > end:
                    raise Slow(f"Chromium shows no page within {_START_SECONDS:g} s")
                self._tools.turn(_TURN_SECONDS)
            if not given_up():
                self._evaluate((_HERE / "page.js").read_text())
        except Gone as error:
            raise Unsupported(
                "Chromium ended at once; does the display that DISPLAY or WAYLAND_DISPLAY names let you in?"
            ) from error

    def turn(self) -> None:
        """Waits a while for something to do. Raises Gone, _Closed."""
        self._tools.turn(_IDLE_SECONDS)

    def call(self, name: str, said: Any, picture: bytes) -> None:
        """Calls a function of the page's, and returns when it has shown that. Raises Failed, Gone, _Closed."""
        if picture:
            said |= {"picture": f"data:image/webp;base64,{base64.b64encode(picture).decode()}"}
        try:
            self._evaluate(f"reenact.{name}({json.encode(said).decode()})")
        except Slow:  # nobody looks, so it is not drawn
            pass

    def _there(self) -> bool:
        if not self._session:
            return False
        try:
            return bool(
                self._evaluate('document.readyState === "complete" && !!document.getElementById("bar")')
            )
        except Failed:  # it is on its way from the empty page
            return False

    def _evaluate(self, script: str) -> Any:
        said = self._tools.ask(
            "Runtime.evaluate", self._session, seconds=_SHOW_SECONDS,
            expression=script, awaitPromise=True, returnByValue=True,
        )  # fmt: skip
        if "exceptionDetails" in said:
            raise Failed(str(said["exceptionDetails"].get("exception", {}).get("description"))[:300])
        return said.get("result", {}).get("value")

    def _heard(self, method: str, params: Said, session: str) -> None:
        if (
            method == "Target.attachedToTarget"
            and not self._session
            and params["targetInfo"]["type"] == "page"
        ):
            self._session = str(params["sessionId"])
        elif method == "Target.detachedFromTarget" and params.get("sessionId") == self._session:
            raise _Closed

    def _rung(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)

    def _end(self) -> None:
        with suppress(Gone, _Closed, subprocess.TimeoutExpired):
            self._tools.send("Browser.close")
            self._process.wait(_END_SECONDS)
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def _fifo(path: Path, stack: ExitStack) -> int:
    os.mkfifo(path, 0o600)
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    stack.callback(os.close, fd)
    return fd


def _words(size: tuple[int, int], profile: Path) -> list[str]:
    page = base64.b64encode((_HERE / "page.html").read_bytes()).decode()
    width, height = (
        min(max(side + around, least), most)
        for side, around, (least, most) in zip(size, _AROUND, _SIZES, strict=True)
    )
    return [
        find_chromium(),
        *_FLAGS,
        f"--user-data-dir={profile}",
        f"--window-size={width},{height}",
        f"--app=data:text/html;base64,{page}",
    ]


def _plain(webp: bytes) -> bytes:
    """A picture with nothing in it but its frame; empty for what is none, or too large a one."""
    try:
        picture, width, height = bare(webp)
    except NoFrame:
        return b""
    return b"" if len(picture) > _MOST_PICTURE or width * height > _MOST_PIXELS else picture


def _text(text: str, most: int) -> str:
    return printable(text if len(text) <= most else text[: most - 1] + "…")
