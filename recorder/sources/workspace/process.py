"""The workspace source's own process: snapshot first, then what each command changed, until notices end.

Notices are lines: `E [t]` Enter goes to the prompt, `C n [t]` command n starts, `P n [t]` a prompt is ready, `S pid`
the shell's process, `Q` the session ends (so does the last writer's end of the pipe); `t` is CLOCK_BOOTTIME in ns.
Nothing here is in the way of the terminal: whoever writes notices never waits for this process, and its death
costs nothing but its own events.
"""

from __future__ import annotations

import gc
import json
import os
import select
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from recorder.sources.own_process import Notices, quiet_signals
from recorder.sources.workspace.attribution import Attribution, Changed, Edited, Found, Scanned
from recorder.sources.workspace.jobs import Jobs
from recorder.sources.workspace.snapshot import take_snapshot
from recorder.trace.blobs import BlobStore
from recorder.trace.codec import decode_event, encode_event
from recorder.trace.content import BlobSink
from recorder.trace.errors import RecordingFailed, ReenactError
from recorder.trace.events import (
    AnyEvent,
    Change,
    Gap,
    Unknown,
    WorkspaceChanged,
    WorkspaceEdited,
    unescape_path,
)
from recorder.trace.ignore import IgnoreRules, OuterRules
from recorder.trace.journal import JournalWriter
from recorder.trace.tree import Limits
from recorder.trace.watch import NEVER, FollowedTree, Taken, boottime

if TYPE_CHECKING:
    from recorder.redact import SharedRedactor

JOURNAL = "workspace.journal"
SOURCE = "workspace"
DEBOUNCE_NS = 150_000_000
DEBOUNCE_MOST_NS = 1_000_000_000
SYNC_NS = 100_000_000
BLIND_NS = 2_000_000_000
"""Without inotify, files are looked at this often while the prompt waits (less often where that is slow)."""
BUSY_MS = 25
"""While a command runs inotify is read this often at most: the kernel joins like events meanwhile."""


class Orders(Struct, frozen=True):
    """What the process is told on its command line."""

    root: str
    shown_root: str
    folder: str
    notices: int
    ready: int
    outer: OuterRules
    limits: Limits
    watching: bool = True
    vault: str | None = None


class Source:
    """The running source. `run` returns the process's exit code: 0, or 5 where something could not be told."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        folder = Path(orders.folder)
        self._blobs = BlobStore(folder / "blobs")
        sink: BlobSink = self._blobs
        self._redactor: SharedRedactor | None = None
        if orders.vault is not None:
            from recorder.redact import SharedRedactor  # here: its rules take a while
            from recorder.sources.workspace.redaction import RedactedBlobs

            self._redactor = SharedRedactor(Path(orders.vault))
            sink = RedactedBlobs(self._blobs, self._redactor)
        self._tree = FollowedTree(
            orders.root,
            rules=IgnoreRules(orders.outer),
            limits=orders.limits,
            blobs=sink,
            progress=self._progress,
            watching=orders.watching,
        )
        self._watch = self._tree.watch
        self._journal = JournalWriter(folder / JOURNAL)
        self._jobs = Jobs()
        self._unsent: deque[AnyEvent] = deque()
        self._sync_at: int | None = None
        self._dirty_since: int | None = None
        self._job_lived = False
        """A job lived when what is dirty was noticed; it may end before that is looked at."""
        self._touched = self._told = 0
        self._looked = 0
        self._cost = 0
        self._lost = False
        self._told_progress = 0
        self._notices = Notices(orders.notices)
        self._queue: deque[list[bytes]] = deque()
        self._ended = False
        self._attribution = Attribution(
            scan=self._scan,
            jobs=lambda: self._job_lived or self._jobs.alive(),
            tell=self._tell,
        )

    def snapshot(self) -> None:
        """Takes the snapshot and says that the shell may start."""
        event, messages = take_snapshot(
            self._tree.scanner,
            self._blobs,
            shown_root=os.fsencode(self._orders.shown_root),
            limits=self._orders.limits,
            clock=boottime,
            said=self._said,
        )
        self._journal.append_event(event)
        self._journal.sync()
        if self._watch.blind is not None and self._orders.watching:
            messages.append(self._watch.blind)
        self._report({"ready": {"files": event.files, "bytes": event.bytes, "messages": messages}})
        os.close(self._orders.ready)
        # What stands now stands for long: the collector need not walk it again and again.
        gc.collect()
        gc.freeze()

    def run(self) -> int:
        while not self._ended:
            self._wait()
            self._step()
        self._attribution.end()
        for _ in range(20):
            if self._send():
                break
            time.sleep(0.05)
        try:
            self._blobs.sync()
            self._journal.close()
        except RecordingFailed:
            return 5
        return 5 if self._unsent else 0

    # -- the loop -------------------------------------------------------------------------------

    def _step(self) -> None:
        attribution = self._attribution
        # Files first: what is dirty before the notices are read was touched before what they say.
        self._watch.collect()
        self._read()
        while self._queue:
            self._handle(self._queue.popleft())
            self._read()
        look = self._jobs.next_look
        if attribution.idle and look is not None and time.monotonic() >= look:
            self._jobs.alive()
        now = boottime()
        attribution.quiet(now)
        attribution.wait(now)
        self._look_for_edits(now)
        if self._unsent or (self._sync_at is not None and now >= self._sync_at):
            self._send()

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._orders.notices, select.POLLIN)
        watch = self._watch.fileno()
        calm = self._attribution.idle
        if watch is not None and (calm or not self._lately()):
            poll.register(watch, select.POLLIN)
        deadlines = [
            at for at in (self._attribution.deadline, self._sync_at, self._edit_deadline()) if at is not None
        ]
        if self._unsent:
            deadlines.append(boottime() + 1_000_000_000)
        if calm and (look := self._jobs.next_look) is not None:
            deadlines.append(boottime() + max(0, int((look - time.monotonic()) * 1e9)))
        timeout = None if not deadlines else max(0, (min(deadlines) - boottime() + 999_999) // 1_000_000)
        if watch is not None and not calm and self._lately():
            timeout = BUSY_MS if timeout is None else min(timeout, BUSY_MS)
        poll.poll(timeout)
        self._collected = boottime()

    _collected = 0

    def _lately(self) -> bool:
        return boottime() - self._collected < BUSY_MS * 1_000_000

    def _read(self) -> None:
        if not self._ended:
            self._queue.extend(self._notices.read())
            self._ended = self._notices.ended

    def _handle(self, words: list[bytes]) -> None:
        kind, number = words[0], _number(words)
        attribution = self._attribution
        self._dirty_since = None
        self._job_lived = False
        if kind == b"P":
            more = any(line[0] in (b"E", b"C") for line in self._queue)
            if number == 1 and not more:
                self._jobs.begin()
            attribution.prompt(boottime, more=more)
            self._jobs.prompt()
        elif kind == b"C" and number is not None:
            attribution.command(number)
        elif kind == b"E":
            attribution.enter(number)
        elif kind == b"S" and number is not None:
            self._jobs.shell(number)
        elif kind == b"Q":
            self._ended = True

    def _edit_deadline(self) -> int | None:
        if not self._attribution.idle or self._lost:
            return None
        if self._watch.blind is not None:
            return self._looked + max(BLIND_NS, 20 * self._cost)
        if self._dirty_since is None:
            return None
        return min(self._touched + DEBOUNCE_NS, self._dirty_since + DEBOUNCE_MOST_NS)

    def _look_for_edits(self, now: int) -> None:
        if not self._attribution.idle or self._lost:
            return
        if self._watch.dirty and self._watch.blind is None:
            if self._dirty_since is None:
                self._dirty_since = now
                self._job_lived = self._jobs.alive()
                self._told = -1
            if self._told != self._watch.told:
                self._told, self._touched = self._watch.told, now
        deadline = self._edit_deadline()
        if deadline is not None and now >= deadline:
            self._dirty_since = None
            self._attribution.look(boottime)

    # -- what attribution asks ------------------------------------------------------------------

    def _scan(self) -> Scanned:
        if self._lost:
            return _NOTHING
        started = boottime()
        try:
            changes, taken = self._tree.look()
        except (ReenactError, OSError) as error:
            # Half a look would blame the next command for the other half: from here on nothing is told.
            self._lost = True
            self._watch.close()
            self._emit(Gap(t=started, source=SOURCE, until=boottime(), bytes=None, reason=_lost(error)))
            return _NOTHING
        finally:
            self._looked = boottime()
            self._cost = self._looked - started
        if troubles := self._tree.scanner.troubles():
            more = f" (and {len(troubles) - 1} more)" if len(troubles) > 1 else ""
            reason = f"file content was not kept: {troubles[0]}{more}"
            self._emit(Gap(t=started, source=SOURCE, until=boottime(), bytes=None, reason=reason))
        found = [
            Found(change, self._tree.latest(unescape_path(change.path), taken, gone=change.after is None))
            for change in changes
        ]
        return Scanned(found, bool(taken.deep or taken.entries), lambda: self._unseen(changes, taken))

    def _unseen(self, changes: list[Change], taken: Taken) -> int:
        try:
            return self._tree.unseen(changes, taken)
        except OSError:
            return NEVER

    def _tell(self, result: Changed | Edited) -> None:
        if isinstance(result, Changed):
            self._emit(
                WorkspaceChanged(
                    t=boottime(), source=SOURCE, first=result.first, last=result.last, changes=result.changes
                )
            )
        else:
            self._emit(
                WorkspaceEdited(t=boottime(), source=SOURCE, commands=result.commands, changes=result.changes)
            )

    # -- out ------------------------------------------------------------------------------------

    def _said(self, text: bytes) -> bytes:
        """Names of files and what links point to, with placeholders for what is known to be a secret."""
        return text if self._redactor is None else self._redactor.known_only(text, "path")

    def _emit(self, event: AnyEvent) -> None:
        if self._redactor is not None:
            self._redactor.refresh()
            line = encode_event(event)
            if (said := self._said(line)) != line:
                decoded = decode_event(said, JOURNAL)
                event = event if isinstance(decoded, Unknown) else decoded
        self._unsent.append(event)
        self._send()

    def _send(self) -> bool:
        """Writes what is not written yet, in order; what cannot be written is tried again later."""
        try:
            while self._unsent:
                self._journal.append_event(self._unsent[0])
                self._unsent.popleft()
                self._sync_at = boottime() + SYNC_NS if self._sync_at is None else self._sync_at
            if self._sync_at is not None and boottime() >= self._sync_at:
                self._journal.sync()
                self._sync_at = None
        except RecordingFailed:
            return False
        return True

    def _progress(self, entries: int, size: int) -> None:
        now = boottime()
        if now - self._told_progress > 200_000_000:
            self._told_progress = now
            self._report({"progress": [entries, size]})

    def _report(self, message: dict[str, object]) -> None:
        os.write(self._orders.ready, json.dumps(message).encode() + b"\n")


_NOTHING = Scanned((), False, lambda: 0)


def _number(words: list[bytes]) -> int | None:
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def _lost(error: Exception) -> str:
    return f"the workspace is no longer followed: {error}"


def main(orders: bytes) -> int:
    """Entry point of the process. What goes wrong before the session starts is reported to whoever waits."""
    quiet_signals()
    told = msgspec.json.decode(orders, type=Orders)
    try:
        source = Source(told)
        source.snapshot()
    except ReenactError as error:
        os.write(told.ready, json.dumps({"failed": str(error)}).encode() + b"\n")
        return 5
    return source.run()
