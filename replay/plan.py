"""From a trace's events to what to re-execute, in order, and what to wait for before each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, structs

from recorder.trace.events import (
    AnyEvent,
    Change,
    CommandEnded,
    CommandStarted,
    Gap,
    Input,
    PromptShown,
    Resized,
    TerminalEnded,
    TerminalStarted,
    WorkspaceEdited,
)

_SEPARATE = frozenset(b"\x03\x04\x1a\x1c\x1b\x0c")
"""Keys that act on what came before them: ^C ^D ^Z ^\\ ESC ^L. Each is sent on its own."""


_ENDS_LINE = (b"\r", b"\n", b"\x03", b"\x04", b"\x1c")


_CLOSED = "outer terminal lost"
_TELLS_OFFSET = (PromptShown, CommandStarted, CommandEnded, Input, Resized, TerminalEnded)


class Send(Struct, frozen=True, kw_only=True):
    """Type `data` once the terminal is in the recorded state.

    `progress` is how many bytes of raw output had come by then since the current command started, or at a prompt since
    typing could begin there. `ahead` marks keys typed
    while a program ran that did not read them: the shell got them at its next prompt.
    """

    data: bytes
    t: int
    prompts: int
    commands: int
    at_prompt: bool
    icanon: bool
    echo: bool
    foreground: str
    hidden: bool
    progress: int
    ahead: bool
    closes: bool
    """The last keys at this prompt: what comes next is another prompt."""

    @property
    def submits(self) -> bool:
        """Ends a line at a prompt, so that a command may start."""
        return self.at_prompt and any(key in self.data for key in (b"\r", b"\n"))


class Resize(Struct, frozen=True, kw_only=True):
    t: int
    cols: int
    rows: int
    commands: int
    progress: int


class Edit(Struct, frozen=True, kw_only=True):
    """Another program changed files at the prompt after `commands` commands: write the same states."""

    t: int
    commands: int
    changes: tuple[Change, ...]


class Browse(Struct, frozen=True, kw_only=True):
    """The browser does what was done in it until `until` (null: to its end). `commands` had started then, the last of
    which had ended (`at_prompt`) or had shown at least `progress` bytes."""

    t: int
    until: int | None
    commands: int
    at_prompt: bool
    progress: int


Action = Send | Resize | Edit | Browse


class Plan(Struct, frozen=True, kw_only=True):
    terminal: TerminalStarted
    actions: tuple[Action, ...]
    durations: dict[int, int]
    """Recorded duration of each command in ns, by its number; the bound of the wait for its end follows from it."""
    commands: int
    replies: tuple[Input, ...]
    """What the expert's terminal answered to queries, with the modes that it found then."""
    ends: bool
    """The recorded program ended."""
    hangs_up: bool
    """Its terminal was closed before it ended."""


def plan(events: Sequence[AnyEvent], terminal: TerminalStarted, gestures: Sequence[int] = ()) -> Plan:
    """What to do again for one terminal of a trace. `terminal` is one of the events. `gestures` are the times at which
    something begins in a browser beside it, in order."""
    mine = [e for e in events if e.source == terminal.source or isinstance(e, WorkspaceEdited)]
    started: dict[int, CommandStarted] = {e.n: e for e in mine if isinstance(e, CommandStarted)}
    durations = {
        e.n: e.t - started[e.n].t for e in mine if isinstance(e, CommandEnded) and e.n in started
    }  # fmt: skip
    mine = at_their_prompts(mine)
    ahead = _typed_ahead(mine)
    actions: list[Action] = []
    ready = 0
    for event in mine:
        match event:
            case PromptShown():
                ready = event.ready
            case Input(reply=False):
                # The shell's own line editor reads: a prompt was due, if not in sight yet.
                early = not event.at_prompt and event.foreground == terminal.shell and not event.icanon
                for data in _pieces(event.data) if not event.hidden else [event.data]:
                    actions.append(_send(event, data, started, ready, early or id(event) in ahead))
            case Resized():
                current = _current(event.offset, started)
                since = started[current].offset if current else 0
                actions.append(
                    Resize(
                        t=event.t,
                        cols=event.cols,
                        rows=event.rows,
                        commands=current,
                        progress=max(0, event.offset - since),
                    )
                )
            case WorkspaceEdited():
                actions.append(Edit(t=event.t, commands=event.commands, changes=tuple(event.changes)))
            case _:
                pass
    return Plan(
        terminal=terminal,
        actions=tuple(_closing(_merge(_with_browser(actions, mine, gestures)))),
        durations=durations,
        commands=max(started, default=0),
        replies=tuple(e for e in mine if isinstance(e, Input) and e.reply),
        ends=any(isinstance(e, TerminalEnded) for e in mine),
        hangs_up=any(isinstance(e, Gap) and e.reason.startswith(_CLOSED) for e in mine),
    )


def _with_browser(
    actions: Sequence[Action], events: Sequence[AnyEvent], gestures: Sequence[int]
) -> list[Action]:
    """The actions with the browser's turns between them. Its last has no end."""
    turns: list[Action] = []
    for index, t in enumerate(gestures):
        past = [e for e in events if e.t <= t]
        begun = max((e.n for e in past if isinstance(e, CommandStarted)), default=0)
        ended = max((e.n for e in past if isinstance(e, CommandEnded)), default=0)
        since = next((e.offset for e in past if isinstance(e, CommandStarted) and e.n == begun), 0)
        shown = max((e.offset for e in past if isinstance(e, _TELLS_OFFSET)), default=0)
        turns.append(
            Browse(
                t=t,
                until=gestures[index + 1] if index + 1 < len(gestures) else None,
                commands=begun,
                at_prompt=ended == begun,
                progress=max(0, shown - since),
            )
        )
    merged: list[Action] = []
    for action in actions:
        while turns and turns[0].t < action.t:
            merged.append(turns.pop(0))
        merged.append(action)
    return merged + turns


def _current(offset: int, started: dict[int, CommandStarted]) -> int:
    return max((n for n, e in started.items() if e.offset <= offset), default=0)


def _send(event: Input, data: bytes, started: dict[int, CommandStarted], ready: int, ahead: bool) -> Send:
    command = started.get(event.commands)
    since = ready if event.at_prompt else command.offset if command else event.offset
    return Send(
        data=data,
        t=event.t,
        prompts=event.prompts,
        commands=event.commands,
        at_prompt=event.at_prompt,
        icanon=event.icanon,
        echo=event.echo,
        foreground=event.foreground,
        hidden=event.hidden,
        progress=max(0, event.offset - since),
        ahead=ahead,
        closes=False,
    )


def at_their_prompts(events: Iterable[AnyEvent]) -> list[AnyEvent]:
    """Keys seen with a state that was already over are told with the one that had begun.

    Typed while a prompt was being shown, they belong to it. Typed after a line was entered, they belong to the command
    that was about to start, if the terminal was in line mode again (no shell's editor reads so) or the line was already
    the whole command: its shell, still in its own mode, left them to the next prompt.
    """
    events = list(events)
    texts = _texts_by_prompt(events)
    prompt: PromptShown | None = None
    entered = whole = -1
    line = b""
    placed: list[AnyEvent] = []
    for event in events:
        match event:
            case PromptShown():
                prompt, line = event, b""
            case CommandStarted():
                prompt = None
            case Input(at_prompt=True, icanon=True, echo=True) if event.prompts == entered:
                event = structs.replace(event, at_prompt=False, commands=event.commands + 1)
            case Input(at_prompt=True, reply=False) if event.prompts == whole:
                event = structs.replace(
                    event, at_prompt=False, commands=event.commands + 1, icanon=True, echo=True
                )
            case Input(at_prompt=False) if prompt is not None and event.offset >= prompt.offset:
                event = structs.replace(event, at_prompt=True, prompts=prompt.n)
            case _:
                pass
        if isinstance(event, Input) and event.at_prompt and not event.icanon and not event.reply:
            line += event.data
            if event.data.endswith(_ENDS_LINE):
                entered = event.prompts
                if line.strip() == texts.get(event.prompts):
                    whole = event.prompts
        placed.append(event)
    return placed


def _texts_by_prompt(events: Iterable[AnyEvent]) -> dict[int, bytes]:
    """The command that each prompt led to, by the prompt's number."""
    texts: dict[int, bytes] = {}
    prompt = 0
    for event in events:
        if isinstance(event, PromptShown):
            prompt = event.n
        elif isinstance(event, CommandStarted):
            texts.setdefault(prompt, event.text.strip().encode())
    return texts


def _closing(actions: Sequence[Action]) -> list[Action]:
    """Marks the last keys at each prompt."""
    last = {a.prompts: i for i, a in enumerate(actions) if isinstance(a, Send) and a.at_prompt}
    final = {i for i in last.values() if getattr(actions[i], "data", b"").endswith(_ENDS_LINE)}
    return [structs.replace(a, closes=True) if i in final else a for i, a in enumerate(actions)]


def _pieces(data: bytes) -> list[bytes]:
    """Cut before and after keys that must not share a write with others. An escape sequence stays whole."""
    pieces: list[bytes] = []
    run = bytearray()
    at = 0
    while at < len(data):
        byte = data[at]
        if byte == 0x1B:
            if run:
                pieces.append(bytes(run))
                run.clear()
            end = _escape_end(data, at)
            pieces.append(data[at:end])
            at = end
            continue
        if byte in _SEPARATE:
            if run:
                pieces.append(bytes(run))
                run.clear()
            pieces.append(data[at : at + 1])
        else:
            run.append(byte)
            if byte in b"\r\n":
                pieces.append(bytes(run))
                run.clear()
        at += 1
    if run:
        pieces.append(bytes(run))
    return pieces


_PASTE_BEGIN, _PASTE_END = b"\x1b[200~", b"\x1b[201~"


def _escape_end(data: bytes, at: int) -> int:
    """End of the escape sequence that begins at `at`; a bracketed paste counts as one, whole."""
    if data.startswith(_PASTE_BEGIN, at):
        close = data.find(_PASTE_END, at)
        return close + len(_PASTE_END) if close >= 0 else len(data)
    if at + 1 < len(data) and data[at + 1] in b"[O":
        end = at + 2
        while end < len(data) and not 0x40 <= data[end] <= 0x7E:
            end += 1
        return min(end + 1, len(data))
    return min(at + 2, len(data)) if at + 1 < len(data) and data[at + 1] != 0x1B else at + 1


def _typed_ahead(events: Iterable[AnyEvent]) -> set[int]:
    """Inputs (by id) that were typed while a command ran but became the text of a later one.

    A whole line did if the next command has its text and no line was submitted at the prompt in between; an
    unfinished one if the next command's text begins with it.
    """
    ahead: set[int] = set()
    typed: list[Input] = []
    submitted = False
    for event in events:
        match event:
            case CommandStarted():
                text = event.text.strip().encode()
                lines = _lines(past for past in typed if past.commands < event.n)
                typed = [past for past in typed if past.commands >= event.n]
                if submitted:
                    begun = _text(lines[-1]).lstrip()
                    if begun and text.startswith(begun):
                        ahead.update(id(past) for past in lines[-1])
                else:
                    found = next(
                        (i for i, line in enumerate(lines[:-1]) if _text(line).strip() == text), None
                    )
                    if found is not None:
                        ahead.update(id(past) for past in lines[found])
                        typed = [past for line in lines[found + 1 :] for past in line] + typed
                submitted = False
            case Input(reply=False, at_prompt=True):
                submitted = submitted or event.data.endswith(_ENDS_LINE)
            case Input(reply=False, hidden=False, icanon=True, echo=True):
                typed.append(event)
            case _:
                pass
    return ahead


def _lines(typed: Iterable[Input]) -> list[list[Input]]:
    """Inputs line by line; the last line is the one that is not ended."""
    lines: list[list[Input]] = [[]]
    for event in typed:
        lines[-1].append(event)
        if event.data.endswith((b"\r", b"\n")):
            lines.append([])
    return lines


def _text(line: Iterable[Input]) -> bytes:
    return b"".join(event.data for event in line)


def _merge(actions: Iterable[Action]) -> list[Action]:
    """Printable keys that nobody could react to one by one go as one write, with what ends their line: those typed at
    one prompt, and those typed in line mode into one program. Of hidden keys only those that end the line are left."""
    merged: list[Action] = []
    for action in actions:
        last = merged[-1] if merged else None
        if isinstance(action, Send) and isinstance(last, Send) and _one_write(last, action):
            merged[-1] = structs.replace(last, data=last.data + action.data, t=action.t)
        elif not (isinstance(action, Send) and action.hidden and not action.data):
            merged.append(action)
    return merged


def _one_write(last: Send, action: Send) -> bool:
    if not _plain(last.data) or not (_plain(action.data) or action.data in (b"\r", b"\n")):
        return False
    if last.at_prompt and action.at_prompt:
        return last.prompts == action.prompts
    return (
        not last.at_prompt
        and not action.at_prompt
        and not (last.hidden or action.hidden)
        and last.icanon
        and (last.commands, last.icanon, last.echo, last.ahead)
        == (action.commands, action.icanon, action.echo, action.ahead)
    )


def _plain(data: bytes) -> bool:
    return all(byte >= 0x20 and byte != 0x7F for byte in data)
