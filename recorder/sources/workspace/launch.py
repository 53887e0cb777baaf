"""Starting the workspace source's process, and ending it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from recorder.sources.workspace.outer import capture
from recorder.sources.workspace.process import JOURNAL, SOURCE, Orders
from recorder.trace.errors import RecordingFailed
from recorder.trace.events import Gap
from recorder.trace.journal import JournalWriter, read_journal
from recorder.trace.tree import Limits

_FINISH_SECONDS = 60.0


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
            try:
                # Said aloud: a process that inherited the pipe may outlive the session.
                os.write(self.notify_fd, b"Q\n")
            except OSError:
                pass  # dead, or full of notices: then it reads on to the pipe's end
            os.close(self.notify_fd)
            self.notify_fd = -1
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        if status == 0:
            return True
        self._note_gap(
            f"the workspace source ended with status {status}; changes after this are not recorded"
        )
        return False

    def _note_gap(self, reason: str) -> None:
        path = self._folder / JOURNAL
        now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        try:
            last = max((frame.t for frame in read_journal(path)), default=now)
            with JournalWriter(path) as journal:
                journal.append_event(
                    Gap(t=min(last, now), source=SOURCE, until=now, bytes=None, reason=reason)
                )
        except RecordingFailed:
            pass  # the disk that failed the source fails us too; the caller knows by our result


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
) -> Workspace:
    """Takes the snapshot of `root` and goes on watching it, in a process of its own. Returns once the snapshot stands.

    The journal and the blobs go to the session folder `folder`. `shown_root` is the path by which the session
    knows the folder, where that differs. `excluded` folders inside the root are never looked at; the recorder's own
    are always among them. `progress` gets files and bytes so far. `holds` is a descriptor that
    the process keeps open until it has looked for the last time. Raises RecordingFailed: nothing runs then.
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
    )
    process: subprocess.Popen[bytes] | None = None
    try:
        process = _spawn(orders, () if holds is None else (holds,))
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


def _spawn(orders: Orders, also_open: tuple[int, ...]) -> subprocess.Popen[bytes]:
    # -P and a path of our own: the current folder is the expert's and may hold modules named like ours.
    code = (
        "import sys; sys.path[:] = [p for p in sys.path if p] + sys.argv[1:]; "
        "from recorder.sources.workspace.process import main; sys.exit(main(sys.stdin.buffer.read()))"
    )
    here = str(Path(__file__).resolve().parents[3])
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code, here],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(orders.notices, orders.ready, *also_open),
        start_new_session=True,
        cwd="/",
    )
    assert process.stdin is not None
    try:
        with process.stdin:
            process.stdin.write(msgspec.json.encode(orders))
    except BrokenPipeError:
        pass  # it died: its missing answer says so
    return process


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
