"""Starting the workspace source's process, and ending it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from recorder.sources.own_process import end_notices, spawn, tell_loss
from recorder.sources.workspace.outer import capture
from recorder.sources.workspace.process import JOURNAL, SOURCE, Orders
from recorder.trace.errors import RecordingFailed
from recorder.trace.tree import Limits

_FINISH_SECONDS = 60.0
_ENTRY = "recorder.sources.workspace.process"


class Workspace:
    """A running workspace source.

    Notices (see `process`) are written to `notify_fd`, which never blocks; it is passed on to the relay.
    `messages` are for the expert. `pid` is the process's.
    """

    def __init__(
        self, process: subprocess.Popen[bytes], notify_fd: int, folder: Path, ready: dict[str, object]
    ) -> None:
        self.pid = process.pid
        self.notify_fd = notify_fd
        self.files = ready.get("files")
        self.bytes = ready.get("bytes")
        messages = ready.get("messages")
        self.messages = [str(m) for m in messages] if isinstance(messages, list) else []
        self._process = process
        self._folder = folder

    def alive(self) -> bool:
        return self._process.poll() is None

    def follow_shell(self, pid: int) -> None:
        """Tells the shell's process: what its background jobs change is then a late change, not an edit."""
        try:
            os.write(self.notify_fd, b"S %d\n" % pid)
        except OSError:
            pass  # it died; `finish` will say so

    def finish(self, timeout: float = _FINISH_SECONDS) -> bool:
        """Lets the source look once more, and waits for its end. True: everything it saw is in the journal.

        False: it died or could not write; the journal then lists the gap, as far as it can still be written.
        Call it when the terminal has ended; notices that are written later are not heard.
        """
        if self.notify_fd >= 0:
            end_notices(self.notify_fd)
            self.notify_fd = -1
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if status == 0:
            return True
        reason = f"the workspace source ended with status {status}; changes after this are not recorded"
        tell_loss(self._folder / JOURNAL, SOURCE, reason)
        return False


def start_workspace(
    *,
    root: Path,
    folder: Path,
    shown_root: Path | None = None,
    include_ignored: bool = False,
    excluded: Iterable[Path] = (),
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
    watching: bool = True,
    holds: int | None = None,
    vault: Path | None = None,
) -> Workspace:
    """Takes the snapshot of `root` and goes on watching it, in a process of its own. Returns once the snapshot stands.

    The journal and the blobs go to the session folder `folder`. `shown_root` is the path by which the session
    knows the folder, where that differs. `excluded` folders inside the root are never looked at; the recorder's own
    are always among them. `progress` gets files and bytes so far. `holds` is a descriptor that
    the process keeps open until it has looked for the last time. With the session's `vault` secrets in what is kept
    become placeholders. Raises RecordingFailed: nothing runs then.
    """
    root = Path(os.path.realpath(root))
    outer = capture(root, excluded=[*own_folders(folder), *excluded], include_ignored=include_ignored)
    notices, notify = os.pipe2(os.O_CLOEXEC)
    heard, ready = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(notify, False)
    orders = Orders(
        root=str(root),
        shown_root=str(shown_root or root),
        folder=str(folder.absolute()),
        notices=notices,
        ready=ready,
        outer=outer,
        limits=limits or Limits(),
        watching=watching,
        vault=None if vault is None else str(vault),
    )
    process: subprocess.Popen[bytes] | None = None
    try:
        kept = [notices, ready] if holds is None else [notices, ready, holds]
        process = spawn(_ENTRY, msgspec.json.encode(orders), descriptors=kept)
        os.close(notices)
        os.close(ready)
        notices = ready = -1
        answer = _await(heard, progress)
        if answer is None:
            raise RecordingFailed(
                f"The workspace source died while it took the snapshot of {root} (status {process.wait()}). "
                f"Try again, or record without files with --no-workspace."
            )
        return Workspace(process, notify, folder, answer)
    except BaseException:
        if process is not None:
            process.kill()
            process.wait()
        os.close(notify)
        raise
    finally:
        for fd in (notices, ready, heard):
            if fd >= 0:
                os.close(fd)


def own_folders(folder: Path) -> list[Path]:
    """What the recorder itself writes around a session folder: its sessions, its keys, its traces."""
    real = Path(os.path.realpath(folder))
    if real.parent.name == ".sessions":
        traces = real.parent.parent
        return [traces, traces / ".sessions", traces / ".keys"]
    return [real]


def _await(heard: int, progress: Callable[[int, int], None] | None) -> dict[str, object] | None:
    """The answer of the process; None where it died without one. Raises RecordingFailed with its reason."""
    with open(heard, "rb", closefd=False) as lines:
        for line in lines:
            message = json.loads(line)
            if "failed" in message:
                raise RecordingFailed(message["failed"])
            if "ready" in message:
                answer = message["ready"]
                return answer if isinstance(answer, dict) else {}
            if progress is not None:
                progress(*message["progress"])
    return None
