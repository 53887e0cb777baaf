"""A session without a terminal: a browser, its network, and nothing else."""

from __future__ import annotations

import os
import re
import secrets
import select
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from recorder.begin import Begun, Say, begin
from recorder.finish import Finished, finish
from recorder.sessionfile import SESSION_FILE, BrowserRequest, Request, SessionFile, write_session
from recorder.trace.errors import UsageError

if TYPE_CHECKING:
    from recorder.sources.browser import Browser
    from recorder.sources.proxy import Proxy

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


_SCHEMES = ("http", "https", "file", "data", "about", "chrome", "view-source")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?!\d)")
_NEAR = re.compile(r"(?i)(localhost|[^/?#]*\.localhost|[\d.]+|\[[\da-f:]+\]|[^./?#:]+)(:\d+)?([/?#]|$)")
"""Hosts that are mostly on this machine or near it, and speak no TLS."""


def address(typed: str) -> str:
    """The URL of what a person types to open a page: `shop.example`, `localhost:8000`. Raises UsageError."""
    typed = typed.strip()
    if scheme := _SCHEME.match(typed):
        if scheme[1].lower() not in _SCHEMES:
            raise UsageError(
                f"{typed}: not an address that a browser opens; give one like https://shop.example"
            )
        return typed
    if not typed or re.search(r"\s", typed):
        raise UsageError(f"“{typed}” is no address; give one like https://shop.example")
    return f"http{'' if _NEAR.match(typed) else 's'}://{typed}"


class _Part(Protocol):
    def fileno(self) -> int: ...
    def attend(self) -> None: ...


def browse(
    request: Request, *, say: Say, reached: Callable[[Path], AbstractContextManager[None]] | None = None
) -> Finished:
    """Records a browser until it is closed or the expert ends it by Ctrl-C, and seals the trace. Blocks.

    `reached` leads a browser that is not ours to the session's folder for as long as it is open.
    Raises UsageError, Unsupported or RecordingFailed before the browser is open, never after: then the result tells
    what was lost.
    """
    assert request.browser is not None
    with begin(request, say, in_memory=False) as begun:
        proxy = begun.start_proxy() if request.proxy else None
        write_session(begun, shell=None, terminal=None)
        browser = open_browser(begun, proxy, request.browser)
        begun.stack.callback(browser.finish)
        with _interrupts() as wake:
            browser.on_said = say
            if not request.browser.paired:
                say("opening the browser")
            browser.ready()
            if reached is not None:
                begun.stack.enter_context(reached(begun.folder))
            how = "choose “Stop recording” in" if request.browser.paired else "close"
            say(f"recording to {begun.out}; {how} the browser or press Ctrl-C here to end")
            parts: list[_Part] = [browser] if proxy is None else [browser, proxy]
            _watch(parts, browser, wake)
            say("ending")
            if not browser.finish():
                say("the browser's record did not end well; the trace lists the gap")
            if proxy is not None and not proxy.finish():
                say("the proxy did not end well; the trace lists the gap")
        session = msgspec.json.decode((begun.folder / SESSION_FILE).read_bytes(), type=SessionFile)
        return finish(begun.folder, session, begun.out, None, say, recovered=False)


def open_browser(begun: Begun, proxy: Proxy | None, wanted: BrowserRequest) -> Browser:
    """Starts the browser source of a session. Raises RecordingFailed or UsageError."""
    from recorder.sources.browser import start_browser

    if wanted.profile is not None and ("/" in wanted.profile or wanted.profile.startswith(".")):
        raise UsageError(f"--profile {wanted.profile}: a name, not a path")
    screen = begun.env.get("DISPLAY") or begun.env.get("WAYLAND_DISPLAY")
    if not (screen or wanted.headless or wanted.paired):
        raise UsageError(
            "there is no screen here for a window (neither DISPLAY nor WAYLAND_DISPLAY is set); "
            "open none with --headless, and drive it with --debugging-port N"
        )
    flags = proxy.environment()["REENACT_CHROMIUM_FLAGS"].split() if proxy is not None else []
    browser = start_browser(
        folder=begun.folder,
        session=begun.trace_id,
        task=begun.guard.optional(begun.request.task) or "",
        started=begun.boottime,
        unix_offset=begun.started_unix - begun.boottime,
        mode="paired" if wanted.paired else "opened",
        sites=wanted.sites,
        by_code=wanted.by_code,
        url=wanted.url,
        headless=wanted.headless,
        profile=None if wanted.profile is None else begun.folder.parent.parent / ".profiles" / wanted.profile,
        port=wanted.port,
        seed=wanted.seed if wanted.seed is not None or wanted.paired else secrets.randbelow(2**31),
        flags=flags,
        vault=begun.guard.vault,
        downloads=wanted.downloads,
    )
    if proxy is not None:
        notices = proxy.notify_fd

        def tell(processes: int) -> None:
            with suppress(OSError):
                os.write(notices, b"B %d\n" % processes)

        browser.on_open = tell
    return browser


def _watch(parts: Sequence[_Part], browser: Browser, wake: int) -> None:
    """Attends to the session's parts until the browser has ended or a signal came."""
    while not browser.ended:
        watched = {part.fileno(): part for part in parts if part.fileno() >= 0}
        ready = select.select([wake, *watched], [], [])[0]
        for fd in ready:
            if fd in watched:
                watched[fd].attend()
        if wake in ready:
            return


@contextmanager
def _interrupts() -> Iterator[int]:
    """A descriptor that is readable once the session is to end; the signals that say so do nothing else."""
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    handlers: dict[int, Any] = {number: signal.signal(number, lambda *_: None) for number in _ENDING}
    try:
        yield read
    finally:
        for number, handler in handlers.items():
            with suppress(TypeError):
                signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(read)
        os.close(write)
