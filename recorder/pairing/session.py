"""A session that records the expert's own browser: no Chromium is opened, one that has the extension comes to us."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path

from browser_ext import EXTENSION
from recorder.begin import Say
from recorder.browsing import browse
from recorder.finish import Finished
from recorder.pairing.setup import pairing_folder, set_up, socket_path
from recorder.sessionfile import Request
from recorder.sources.browser.orders import CHANNEL
from recorder.trace.errors import RecordingFailed, Unsupported, UsageError


def pair(request: Request, profiles: list[Path], *, say: Say) -> Finished:
    """Records a browser that is paired until the expert ends it in its popup or by Ctrl-C, and seals the trace.

    `profiles` are folders of browsers that keep their data elsewhere than usual (--user-data-dir). Blocks. Raises
    UsageError or RecordingFailed before anything is recorded.
    """
    assert request.browser is not None
    by_code = request.browser.by_code
    with nullcontext() if by_code else _alone():
        if by_code:
            _need_websockets()
        else:
            set_up(os.environ, profiles)
        say(
            "the browser needs Reenact's extension, once: open chrome://extensions, switch Developer mode on,"
        )
        say(f"choose “Load unpacked” and the folder {EXTENSION}")
        say(
            "(its button may hide behind the puzzle piece: pin it there; it shows REC while something is recorded)"
        )
        say(
            "then, on each site to record, press that button and “Record this site” (nothing else is captured)"
        )
        say("and load the pages again that were open before")
        return browse(request, say=say, reached=None if by_code else _leading_to)


def _need_websockets() -> None:
    if find_spec("websockets") is None:
        raise Unsupported("--socket needs the library websockets: pip install 'reenact[browser]'")


@contextmanager
def _leading_to(folder: Path) -> Iterator[None]:
    """While it is open, extensions of paired browsers reach the session of `folder`. Raises RecordingFailed."""
    path = socket_path()
    try:
        path.unlink(missing_ok=True)
        path.symlink_to(folder / CHANNEL)
    except OSError as error:
        raise RecordingFailed(f"{path}: {error.strerror}; the browser cannot reach the recorder") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _alone() -> Iterator[None]:
    """One paired session at a time. Raises UsageError where there is another."""
    folder = pairing_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise RecordingFailed(f"{folder}: {error.strerror}; the browser cannot reach the recorder") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("another session records a paired browser; end it first") from None
        yield
    finally:
        os.close(lock)
