"""What answered a step, as text: terminal output, screens, file diffs, pages. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from recorder.trace.events import Change, FileState, unescape_path
from recorder.trace.volatile import volatile
from replay.dataset.row import Answer, FileChange, Page
from replay.verify.paper import render
from replay.verify.verdict import Observation, Output, PageObservation

LONGEST = 100_000
"""Characters of a text that are kept where nobody says otherwise."""
_MOST_DIFFED = 1 << 20
_MOST_LINES = 20_000
"""Of a file that is diffed: difflib's time may grow with the square of what differs."""

_SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-9:;<=>?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])|[\x00-\x08\x0b-\x1f\x7f]"
)
_CONTROLS = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_ADDRESSING = re.compile(rb"\x1b\[[0-9;]*[Hfdr]|\x1b\[[0-9]*[LMPSTX@]|\x1b[78MDE]")
"""What `render` leaves as it came: output that only a screen can tell."""

Blob = Callable[[str], bytes | None]


class Text(NamedTuple):
    """A text, and how many characters were taken from its middle."""

    text: str
    left_out: int


class Shown(NamedTuple):
    """What a step showed: in a terminal `output` or `screen`, in a browser `pages`."""

    output: str | None = None
    screen: tuple[str, ...] | None = None
    pages: tuple[Page, ...] = ()
    left_out: int = 0


def shortened(text: str, longest: int) -> Text:
    """`text`, at most about `longest` characters of it: its two ends, and between them a line that says how much is
    missing."""
    if len(text) <= longest:
        return Text(text, 0)
    head, tail = longest * 2 // 3, longest - longest * 2 // 3
    missing = len(text) - head - tail
    return Text(f"{text[:head]}\n[… {missing} characters left out …]\n{text[len(text) - tail :]}", missing)


def plain(output: Output, cols: int) -> str:
    """Terminal output as a person read it: redraws resolved, without colours and control characters. Of a very long one
    the ends."""
    if output.whole:
        return _plain(output.head, cols)
    missing = output.total - len(output.head) - len(output.tail)
    return f"{_plain(output.head, cols)}\n[… {missing} bytes left out …]\n{_plain(output.tail, cols)}"


def _plain(data: bytes, cols: int) -> str:
    data = data.replace(b"\r\n", b"\n")
    if len(data.translate(None, _CONTROLS)) == len(data):
        return data.decode("utf-8", "replace").strip("\n")
    data = data.replace(b"\n", b"\r\n")
    rendered = render(data, cols).replace(b"\r\n", b"\n")
    return _SEQUENCE.sub(b"", rendered).decode("utf-8", "replace").strip("\n")


def shown_on_terminal(seen: Observation, cols: int, longest: int) -> Shown:
    """What a command showed on a terminal of `cols` columns. Where a full-screen program ran, the last screen says what
    it showed: its drawing is no text."""
    if seen.output is None:
        return Shown()
    if seen.alternate is not None:
        return Shown(screen=_rows(seen.alternate))
    if seen.screen is not None and seen.output.whole and _ADDRESSING.search(render(seen.output.head, cols)):
        return Shown(screen=_rows(seen.screen))
    text = shortened(plain(seen.output, cols), longest)
    return Shown(output=text.text, left_out=text.left_out)


def _rows(lines: Sequence[str]) -> tuple[str, ...]:
    last = next((n for n in range(len(lines), 0, -1) if lines[n - 1]), 0)
    return tuple(lines[:last])


def file_changes(changes: Iterable[Change], blob: Blob, longest: int) -> tuple[FileChange, ...]:
    """What became of files, each with a unified diff where both sides are text that the trace holds."""
    return tuple(_file_change(change, blob, longest) for change in changes)


def _file_change(change: Change, blob: Blob, longest: int) -> FileChange:
    before, after = change.before, change.after
    kind: Literal["created", "modified", "deleted", "replaced"]
    if before is None:
        kind = "created"
    elif after is None:
        kind = "deleted"
    else:
        kind = "modified" if before.type == after.type else "replaced"
    if reason := volatile(unescape_path(change.path)):
        return FileChange(path=change.path, change=kind, why=str(reason))
    texts = [text_of(state, blob) for state in (before, after)]
    if any(text is None for text in texts):
        return FileChange(path=change.path, change=kind, why=lacking(before, after))
    old, new = (text or "" for text in texts)
    if old == new:
        return FileChange(path=change.path, change=kind, why="its mode or time alone")
    names = [f"a/{change.path}" if before else "/dev/null", f"b/{change.path}" if after else "/dev/null"]
    diff = unified(old, new, names[0], names[1])
    if diff is None:
        return FileChange(path=change.path, change=kind, why="too many lines")
    if len(diff) > longest:
        return FileChange(path=change.path, change=kind, why=f"a diff of {len(diff)} characters")
    return FileChange(path=change.path, change=kind, diff=diff)


def unified(old: str, new: str, old_name: str, new_name: str) -> str | None:
    """A unified diff that `patch` and `git apply` take; None where there are too many lines to compare."""
    a, b = _lines(old), _lines(new)
    if len(a) > _MOST_LINES or len(b) > _MOST_LINES:
        return None
    lines = []
    for line in difflib.unified_diff(a, b, old_name, new_name):
        lines.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(lines)


def _lines(text: str) -> list[str]:
    """Lines as patches count them: a form feed or a carriage return ends none."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])


def text_of(state: FileState | None, blob: Blob) -> str | None:
    """The content of a text file ("" of none at all); None where it is no text, or not in the trace."""
    if state is None:
        return ""
    if state.type == "link":
        return _utf8(unescape_path(state.target or ""))
    if state.type != "file" or state.size > _MOST_DIFFED:
        return None
    if state.size == 0 and state.blob is None:
        return ""
    data = blob(state.blob) if state.blob else None
    return None if data is None or b"\x00" in data else _utf8(data)


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def lacking(before: FileState | None, after: FileState | None) -> str:
    """Why there is no diff between two states of which one is no text that the trace holds."""
    for state in (after, before):
        if state is not None and state.type not in ("file", "link"):
            return f"a {state.type}"
        if state is not None and state.skipped:
            return state.skipped
        if state is not None and state.size > _MOST_DIFFED:
            return f"{state.size} bytes"
    return "no text"


def shown_in_browser(seen: PageObservation, opened: Sequence[int], tab: int, longest: int) -> Shown:
    """The page that was there when the step was over, with its frames: of the tab that it opened, else of `tab`."""
    here = next((n for n in reversed(opened) if n in seen.tabs), tab)
    last = {look.place: look for look in seen.looks if look.place.partition(",")[0] == f"tab {here}"}
    pages: list[Page] = []
    left_out = 0
    for place in sorted(last, key=lambda place: [int(part) for part in re.findall(r"\d+", place)]):
        room = longest - sum(len(page.aria or "") for page in pages)
        aria, missing = shortened(last[place].aria or "", max(0, room))
        left_out += missing
        pages.append(Page(place=place, url=last[place].url, title=last[place].title, aria=aria or None))
    return Shown(pages=tuple(pages), left_out=left_out)


def told(answer: Answer) -> str:
    """An observation as the text of a message: what was shown, then what else came of it, in brackets; empty where
    there was nothing."""
    parts: list[str] = []
    if answer.output:
        parts.append(answer.output)
    if answer.screen is not None:
        parts.append("[screen]\n" + "\n".join(answer.screen))
    for page in answer.pages:
        kind = "frame" if "," in page.place else "page"
        parts.append(f"[{kind}] {page.title}\n{page.url}" + (f"\n{page.aria.rstrip()}" if page.aria else ""))
    parts += [f"[dialog] {dialog}" for dialog in answer.dialogs]
    parts += [f"[downloaded] {name}" for name in answer.downloads]
    parts += [_changed(change) for change in answer.files]
    if answer.exit:
        parts.append(f"[exit code: {answer.exit}]")
    return "\n".join(parts)


def _changed(change: FileChange) -> str:
    return f"[{change.change}: {change.path}]" + (f"\n{change.diff}" if change.diff else "")
