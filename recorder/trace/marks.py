"""What the shell integration says: marks within the terminal's output, and records beside it.

A mark is `ESC ] 7770 ; NONCE ; TYPE [; field]* BEL`, its fields plain numbers:

    P  prompt number; status of the last command; commands so far;
       and where the shell knows it, its history number                where the prompt begins
    R  prompt number                                                   where typing begins
    C  command number; status of the command before                    where the command's output begins

Numbers rise through a session and are the shell's own, so a redrawn prompt, or old output shown again, counts for
nothing. Lines that went to the shell and never ran (comments, syntax errors) are commands too, without a C.

A record of the side channel is `NONCE;TYPE;number;pid;status;counter NUL folder NUL text NUL LF`:

    C  as the mark, with the command's text; counter is the prompt it was typed at
    X  a line that never ran: command number and status given to it, its text
    P  a prompt is due: prompt number, status of the last command; counter is the commands so far; may be
       absent where the folder is as before
    S  the shell's state at its start, as a script that restores it

Pure. Both are written by programs that may die at any point and read after others wrote between: what is not
whole is left out, nothing raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from recorder.trace.events import CommandEnded, CommandStarted, PromptShown, escape_path

MAX_MARK = 4096
"""The most that a scanner ever holds back, in bytes."""

_BODY = re.compile(rb"([A-Z])((?:;[0-9A-Za-z._-]*)*)\x07")
_UNFINISHED = re.compile(rb"(?:[A-Z](?:;[0-9A-Za-z._-]*)*)?\Z")


class Mark(NamedTuple):
    """One mark; `start` and `end` are offsets in the raw output, `end` behind its last byte."""

    type: str
    start: int
    end: int
    fields: tuple[bytes, ...]


class MarkScanner:
    """Takes raw output in any portions, gives it back without marks.

    `offset` is the raw offset of the first byte to come. How the output is cut into portions changes nothing.
    """

    def __init__(self, nonce: bytes, offset: int = 0) -> None:
        self._intro = b"\x1b]7770;" + nonce + b";"
        self._offset = offset
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, list[Mark]]:
        """The data without marks, and the marks that end in it. With none, `data` itself comes back.

        What may be the beginning of a mark is held back, never more than `MAX_MARK` bytes.
        """
        intro = self._intro
        if not self._held:
            # Nearly all output passes here.
            last = data.rfind(b"\x1b", -len(intro) + 1)
            if data.find(intro) < 0 and (last < 0 or not intro.startswith(data[last:])):
                self._offset += len(data)
                return data, []
        else:
            data = self._held + data
            self._offset -= len(self._held)
            self._held = b""
        marks: list[Mark] = []
        shown: list[bytes] = []
        at = look = 0
        while (start := data.find(intro, look)) >= 0:
            body = start + len(intro)
            match = _BODY.match(data, body, start + MAX_MARK)
            if match:
                fields = tuple(match[2].split(b";")[1:])
                mark = Mark(match[1].decode(), self._offset + start, self._offset + match.end(), fields)
                marks.append(mark)
                shown.append(data[at:start])
                at = look = match.end()
            elif len(data) - start < MAX_MARK and _UNFINISHED.match(data, body):
                break
            else:
                look = start + 1
        else:
            start = data.rfind(b"\x1b", max(look, len(data) - len(intro) + 1))
            if start < 0 or not intro.startswith(data[start:]):
                start = len(data)
        self._held = data[start:]
        self._offset += len(data)
        shown.append(data[at:start])
        return b"".join(shown), marks

    def flush(self) -> bytes:
        """What is held back, at the end of the output: it was no mark after all."""
        held, self._held = self._held, b""
        return held


class Progress:
    """Where a shell stands, from its marks alone: prompts shown and commands entered so far.

    One rule for all who follow a shell (while it is recorded, on replay, when events are derived). `commands`
    counts lines that never ran too; those are known at the next prompt.
    """

    def __init__(self, prompts: int = 0, commands: int = 0) -> None:
        self.prompts = prompts
        self.commands = commands
        self.at_prompt = False
        self._prompt = -1
        self._line = 0
        self._ready = -1

    def see(self, mark: Mark) -> bool:
        """Takes the next mark; False where it tells nothing new (a redrawn prompt, old output shown again)."""
        number = _number(mark.fields, 0)
        if number is None:
            return False
        if mark.type == "P":
            key = (number, _number(mark.fields, 3) or 0)
            if key <= (self._prompt, self._line):
                return False
            self._prompt, self._line = key
            self._ready = -1
            self.prompts += 1
            self.commands = max(self.commands, _number(mark.fields, 2) or 0)
            self.at_prompt = False
            return True
        if mark.type == "R":
            if number != self._prompt or number == self._ready:
                return False
            self._ready = number
            self.at_prompt = True
            return True
        if mark.type == "C" and number > self.commands:
            self.commands = number
            self.at_prompt = False
            return True
        return False


def _number(fields: tuple[bytes, ...], index: int) -> int | None:
    if index < len(fields) and 0 < len(fields[index]) < 10 and fields[index].isdigit():
        return int(fields[index])
    return None


# -- the side channel ---------------------------------------------------------------------------------------


class Record(NamedTuple):
    """One record of the side channel (see the top of this module)."""

    type: str
    number: int
    pid: int
    status: int
    counter: int
    cwd: bytes
    text: bytes


def read_records(log: bytes, nonce: bytes) -> list[Record]:
    """The whole records of a side channel in order; whatever else stands between them is passed over."""
    header = rb";([CPXS]);(\d{1,9});(\d{1,9});(\d{1,3});(\d{1,9})\0([^\0]*)\0([^\0]*)\0\n"
    return [
        Record(m[1].decode(), int(m[2]), int(m[3]), int(m[4]) & 255, int(m[5]), m[6], m[7])
        for m in re.finditer(re.escape(nonce) + header, log)
    ]


def shell_state(log: bytes, nonce: bytes) -> bytes | None:
    """The script that puts a shell of the same kind into the state that the recorded one began in, if known."""
    return next((record.text for record in read_records(log, nonce) if record.type == "S"), None)


def command_at(log: bytes, nonce: bytes, size: int) -> int:
    """Which command ran when the side channel was `size` bytes long; 0 before the first."""
    return max((r.number for r in read_records(log[:size], nonce) if r.type in "CX"), default=0)


def shell_events(
    marks: Iterable[tuple[int, Mark]], log: bytes, *, nonce: bytes, source: str, cwd: str, end: int
) -> list[PromptShown | CommandStarted | CommandEnded]:
    """Joins marks (time, mark; in order of the output) with the side channel `log`.

    `cwd` is the shell's folder at its start, `end` the size of the raw output: marks beyond it are left out.
    Returns the events in order of time. A command whose end nobody told (the shell ended or was replaced in
    it) has no `CommandEnded`. A text of "" means that the shell did not know it (history off); bytes outside
    UTF-8 stand in it as `\\xNN`. Commands that never ran start and end at the next prompt's offset, or at the
    next command's where that comes first.
    """
    walk = _Walk(read_records(log, nonce), source, cwd)
    progress = Progress()
    for t, mark in marks:
        if mark.end > end or not progress.see(mark):
            continue
        if mark.type == "P":
            walk.over(t, mark, progress)
        elif mark.type == "R":
            walk.ready(t, mark.end)
        else:
            walk.command(t, mark, progress.commands)
    walk.ready(None, None)
    return walk.events


class _Walk:
    """Marks and records side by side: for each mark, the records written since the last one."""

    def __init__(self, records: list[Record], source: str, cwd: str) -> None:
        self.events: list[PromptShown | CommandStarted | CommandEnded] = []
        self._records = records
        self._at = 0
        self._source = source
        self._cwd = cwd
        self._running = 0
        self._last = 0
        self._prompt: tuple[int, int, int, int] | None = None

    def over(self, t: int, mark: Mark, progress: Progress) -> None:
        """A P: nothing runs any more."""
        self.ready(None, None)
        prompt = _number(mark.fields, 0) or 0
        while self._at < len(self._records):
            record = self._records[self._at]
            beyond = prompt if record.type == "P" else progress.commands
            if record.type != "S" and record.number > beyond:
                break
            self._take(record, t, mark.start)
        self._end(t, mark.start, _number(mark.fields, 1) or 0)
        self._prompt = (progress.prompts, t, mark.start, mark.end)

    def ready(self, t: int | None, end: int | None) -> None:
        """An R at time `t`, up to `end`; None: whatever prompt is pending had none."""
        if self._prompt is None:
            return
        n, begun, offset, mark_end = self._prompt
        self._prompt = None
        self.events.append(
            PromptShown(
                t=begun if t is None else t,
                source=self._source,
                n=n,
                offset=offset,
                ready=mark_end if end is None else end,
            )
        )

    def command(self, t: int, mark: Mark, n: int) -> None:
        """A C: the shell begins command `n`."""
        self.ready(None, None)
        text = b""
        index = next(
            (i for i, r in enumerate(self._records[self._at :], self._at) if r.type == "C" and r.number == n),
            None,
        )
        if index is not None:
            while self._at < index:
                self._take(self._records[self._at], t, mark.start)
            self._at += 1
            record = self._records[index]
            self._cwd = escape_path(record.cwd)
            text = record.text
        self._end(t, mark.start, _number(mark.fields, 1) or 0)
        self._begin(t, n, mark.end, text)

    def _take(self, record: Record, t: int, offset: int) -> None:
        self._at += 1
        if record.type == "S":
            return
        if record.type in "CX":
            # Its mark is missing (the terminal was elsewhere), or it never had one.
            self._end(t, offset, record.status if record.type == "C" else 0)
            self._cwd = escape_path(record.cwd)
            self._begin(t, record.number, offset, record.text)
        if record.type != "C":
            self._end(t, offset, record.status, escape_path(record.cwd))

    def _begin(self, t: int, n: int, offset: int, text: bytes) -> None:
        if n <= self._last:
            return
        self._running = self._last = n
        shown = text.rstrip(b"\n").decode("utf-8", "backslashreplace")
        self.events.append(
            CommandStarted(t=t, source=self._source, n=n, offset=offset, text=shown, cwd=self._cwd)
        )

    def _end(self, t: int, offset: int, status: int, cwd: str | None = None) -> None:
        if cwd is not None:
            self._cwd = cwd
        if self._running:
            n, self._running = self._running, 0
            self.events.append(
                CommandEnded(t=t, source=self._source, n=n, offset=offset, exit=status & 255, cwd=self._cwd)
            )
