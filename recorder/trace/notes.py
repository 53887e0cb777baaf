"""What the in-session `reenact` wrote down: notes, marks and outcome checks. Pure.

`notes.log` holds one line each: `KIND SECONDS SIZE FOLDER [FIELD.]*`, where seconds are those since boot (or
`-`), size is how long the shell's side channel was at that moment (or `-`), and folder and fields are base64:
note: text; mark: label; check: exit status, reward, then the command word by word.
"""

from __future__ import annotations

import binascii
import re
import shlex
from typing import Literal, NamedTuple

from recorder.trace.events import Checked, Marked, Noted, escape_path

_LINE = re.compile(
    rb"(note|mark|check) (-|\d{1,10}(?:\.\d{1,9})?) (-|\d{1,15}) ([A-Za-z0-9+/=]+)((?: [A-Za-z0-9+/=]*\.)*)"
)


class NoteRecord(NamedTuple):
    """One line. `t` is CLOCK_BOOTTIME in ns, in steps of 10 ms; `size` serves `marks.command_at`.

    `text` is the note, the label, or the checked command as one shell line. `exit` and `reward` belong to checks.
    """

    kind: Literal["note", "mark", "check"]
    t: int | None
    cwd: str
    text: str
    size: int | None
    exit: int | None
    reward: float | None


def parse_notes(log: bytes) -> list[NoteRecord]:
    """The whole lines of `log` in order; a torn or foreign line is passed over, nothing raises."""
    records: list[NoteRecord] = []
    for line in log.split(b"\n"):
        match = _LINE.fullmatch(line)
        record = _record(match) if match else None
        if record is not None:
            records.append(record)
    return records


def note_event(record: NoteRecord, t: int, command: int) -> Noted | Marked | Checked:
    """What `record` states, at time `t` and in command number `command`."""
    match record.kind:
        case "note":
            return Noted(t=t, source="notes", text=record.text)
        case "mark":
            return Marked(t=t, source="notes", label=record.text)
        case _:
            return Checked(
                t=t,
                source="notes",
                command=command,
                line=record.text,
                exit=record.exit or 0,
                reward=record.reward or 0.0,
            )


def _record(match: re.Match[bytes]) -> NoteRecord | None:
    try:
        cwd = binascii.a2b_base64(match[4], strict_mode=True)
        fields = [binascii.a2b_base64(field.rstrip(b"."), strict_mode=True) for field in match[5].split()]
    except binascii.Error:
        return None
    texts = [field.decode("utf-8", "backslashreplace") for field in fields]
    exit_status: int | None = None
    reward: float | None = None
    if match[1] == b"check":
        if len(fields) < 3 or not re.fullmatch(rb"\d{1,3}", fields[0]) or fields[1] not in (b"0", b"1"):
            return None
        exit_status = int(fields[0]) & 255
        reward = float(fields[1])
        text = shlex.join(texts[2:])
    elif len(fields) == 1:
        text = texts[0]
    else:
        return None
    seconds, _, fraction = match[2].partition(b".")
    return NoteRecord(
        kind="note" if match[1] == b"note" else "mark" if match[1] == b"mark" else "check",
        t=None if seconds == b"-" else int(seconds) * 10**9 + int(fraction.ljust(9, b"0") or b"0"),
        cwd=escape_path(cwd),
        text=text,
        size=None if match[3] == b"-" else int(match[3]),
        exit=exit_status,
        reward=reward,
    )
