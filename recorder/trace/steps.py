"""Steps: each action with the observation that answered it, derived from the events, never stored. Pure.

Nothing a person did may vanish silently, and nothing may be told twice: every command, edit, gesture and
markless program becomes one step; inputs, notes, marks, checks, changes and gaps are attached to at most one of them
(a gap to every step that it touches). Events that contradict each other never raise; the later one is believed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from recorder.trace.events import (
    Change,
    Checked,
    CommandEnded,
    CommandStarted,
    Event,
    FlowRequested,
    Gap,
    Input,
    Marked,
    Noted,
    PromptShown,
    Resized,
    TerminalEnded,
    TerminalStarted,
    Unknown,
    WorkspaceChanged,
    WorkspaceEdited,
)
from recorder.trace.gestures import Gesture, gestures
from recorder.trace.pages import PageEvent
from recorder.trace.requests import answered_requests
from recorder.trace.sentences import sentence

StepKind = Literal["command", "edit", "program", "gesture"]


class Step(Struct, frozen=True, kw_only=True):
    """One action and what answered it.

    `output` are raw offsets of what command or program showed, our marks included; null where that is unknown.
    `inputs` went to the running program, `typed` to the shell before it: the line that became this command and
    lines abandoned since the last. `changes` of several commands that could not be told apart stand at the
    first of them; each of them has that span in `changes_from` and `changes_through`. `gaps` are losses inside
    the step or the typing before it: what it shows is then not the whole truth. `flows` are the numbers of those
    that the step caused, in the order in which they began; a job in the background may go on causing some later.
    `gesture` is what a step of that kind did in a browser; its `text` says so in a sentence.
    """

    n: int
    kind: StepKind
    source: str
    t_start: int
    t_end: int
    text: str
    command: int | None
    cwd_before: str | None
    cwd_after: str | None
    exit: int | None
    output: tuple[int, int] | None
    inputs: tuple[Input, ...]
    typed: tuple[Input, ...]
    changes: tuple[Change, ...]
    changes_from: int | None
    changes_through: int | None
    rationale: tuple[str, ...]
    marks: tuple[str, ...]
    check: Checked | None
    resizes: tuple[Resized, ...]
    gaps: tuple[Gap, ...]
    flows: tuple[int, ...]
    gesture: Gesture | None = None

    @property
    def complete(self) -> bool:
        """Its end was seen and nothing was lost within."""
        return not self.gaps and (self.kind in ("edit", "gesture") or self.exit is not None)


def steps(events: Iterable[Event | Unknown], hovers: Sequence[PageEvent] | None = None) -> list[Step]:
    """The steps of a trace, by start. `events` in their order in the trace. `hovers` as in `gestures`.

    A session whose terminal never showed a shell mark gives one `program` step. Keys typed at the last prompt
    that started nothing (a closing ^D) belong to no step. Never raises on events of the vocabulary.
    """
    timeline = [event for event in events if isinstance(event, Event)]
    last = max((event.t for event in timeline), default=0)
    terminals: dict[str, _Terminal] = {}
    drafts: list[_Draft] = []
    for event in timeline:
        match event:
            case TerminalStarted() | PromptShown() | CommandStarted() | CommandEnded() | TerminalEnded():
                terminals.setdefault(event.source, _Terminal(event.source)).take(event)
            case Input() | Resized():
                terminals.setdefault(event.source, _Terminal(event.source)).take(event)
            case WorkspaceEdited():
                drafts.append(_edit(event))
            case _:
                pass
    for terminal in terminals.values():
        drafts += terminal.drafts(last)
    drafts += [_gesture(gesture) for gesture in gestures(timeline, hovers)]
    drafts.sort(key=lambda draft: draft.t_start)
    _attach(drafts, timeline)
    return [draft.step(n) for n, draft in enumerate(drafts, 1)]


def is_note(text: str) -> bool:
    """Whether a command does nothing but write a note or a mark; such a command is not what a note is about."""
    if "reenact" not in text:
        return False
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";()<>|&\n")
    lexer.whitespace = " \t\r"
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        return _NOTE.match(text) is not None and not re.search(r"[;|&\n]", text)
    while words and words[-1] == "\n":
        words.pop()
    return (
        len(words) >= 2
        and words[0].rsplit("/", 1)[-1] == "reenact"
        and words[1] in ("note", "mark")
        and not any(word and set(word) <= set(";()<>|&\n") for word in words[2:])
    )


def leaves_job(text: str) -> bool:
    """Whether a command may leave a job behind that goes on while others run."""
    return _JOB.search(text) is not None


_JOB = re.compile(r"(?<![&>])&(?![&>])|\b(?:bg|coproc|nohup|disown)\b")
_NOTE = re.compile(r"\s*(?:\S*/)?reenact\s+(?:note|mark)\b")
_NOTE_WITHIN = re.compile(r"(?:^|[\s;|&(/])reenact\s+(?:note|mark)\b")


@dataclass
class _Draft:
    kind: StepKind
    source: str
    t_start: int
    t_end: int
    text: str
    command: int | None = None
    cwd_before: str | None = None
    cwd_after: str | None = None
    exit: int | None = None
    ended: bool = False
    begin: int | None = None
    end: int | None = None
    inputs: list[Input] = field(default_factory=list)
    typed: list[Input] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    span: tuple[int, int] | None = None
    rationale: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    check: Checked | None = None
    resizes: list[Resized] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    flows: list[int] = field(default_factory=list)
    gesture: Gesture | None = None

    def close(self, t: int, offset: int | None) -> None:
        self.ended = True
        self.t_end = max(t, self.t_start)
        if offset is not None and self.begin is not None:
            self.end = max(offset, self.begin)

    def step(self, n: int) -> Step:
        return Step(
            n=n,
            kind=self.kind,
            source=self.source,
            t_start=self.t_start,
            t_end=self.t_end,
            text=self.text,
            command=self.command,
            cwd_before=self.cwd_before,
            cwd_after=self.cwd_after,
            exit=self.exit,
            output=(self.begin, self.end) if self.begin is not None and self.end is not None else None,
            inputs=tuple(self.inputs),
            typed=tuple(self.typed),
            changes=tuple(self.changes),
            changes_from=self.span[0] if self.span else None,
            changes_through=self.span[1] if self.span else None,
            rationale=tuple(self.rationale),
            marks=tuple(self.marks),
            check=self.check,
            resizes=tuple(self.resizes),
            gaps=tuple(self.gaps),
            flows=tuple(self.flows),
            gesture=self.gesture,
        )


class _Terminal:
    """One terminal's events in order, as drafts of its commands or of its one program."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.started: TerminalStarted | None = None
        self.ended: TerminalEnded | None = None
        self.marked = False
        self.commands: list[_Draft] = []
        self.running: _Draft | None = None
        self.waiting: list[Input | Resized] = []
        self.all: list[Input | Resized] = []
        self.offset = 0

    def take(self, event: Event) -> None:
        match event:
            case TerminalStarted():
                self.started = self.started or event
            case PromptShown():
                self.marked = True
                self._interrupt(event.t, event.offset)
                self.offset = max(self.offset, event.ready)
            case CommandStarted():
                self.marked = True
                self._interrupt(event.t, event.offset)
                self._start(event)
            case CommandEnded():
                self.marked = True
                self.offset = max(self.offset, event.offset)
                if self.running and self.running.command == event.n:
                    self.running.exit, self.running.cwd_after = event.exit, event.cwd
                    self.running.close(event.t, event.offset)
                    self.running = None
            case TerminalEnded():
                self.ended = event
                self.offset = max(self.offset, event.offset)
                if self.running:
                    # `exit 3`, `exec` or a kill ended the shell itself: its status is the command's.
                    self.running.exit = event.exit
                    self.running.close(event.t, event.offset)
                    self.running = None
            case Input() | Resized():
                self.offset = max(self.offset, event.offset)
                self.all.append(event)
                if self.running is None or (isinstance(event, Input) and self._of_prompt(event)):
                    self.waiting.append(event)
                elif isinstance(event, Input):
                    self.running.inputs.append(event)
                else:
                    self.running.resizes.append(event)
            case _:
                pass

    def _of_prompt(self, event: Input) -> bool:
        """Typed at a prompt although its command seems to run: relay and integration may lag each other."""
        running = self.running
        return event.at_prompt and (running is None or event.commands < (running.command or 0))

    def _start(self, event: CommandStarted) -> None:
        draft = _Draft("command", self.source, event.t, event.t, event.text, event.n, event.cwd, event.cwd)
        draft.begin = event.offset
        inputs = [e for e in self.waiting if isinstance(e, Input)]
        draft.inputs = [e for e in inputs if not e.at_prompt and e.commands >= event.n]
        draft.typed = [e for e in inputs if e.at_prompt or e.commands < event.n]
        draft.resizes = [e for e in self.waiting if isinstance(e, Resized)]
        self.waiting = []
        self.offset = max(self.offset, event.offset)
        self.commands.append(draft)
        self.running = draft

    def _interrupt(self, t: int, offset: int) -> None:
        """A prompt or command came while one ran: its end was never told. Its output stops here at the latest."""
        if self.running:
            self.running.close(t, offset)
            self.running = None

    def drafts(self, last: int) -> list[_Draft]:
        if self.running:
            self.running.close(last, self.offset)
            self.running = None
        if self.marked or self.started is None:
            return self.commands
        end = self.ended
        draft = _Draft("program", self.source, self.started.t, last, shlex.join(self.started.argv))
        draft.cwd_before = self.started.cwd
        draft.begin = 0
        draft.exit = end.exit if end else None
        draft.inputs = [e for e in self.all if isinstance(e, Input)]
        draft.resizes = [e for e in self.all if isinstance(e, Resized)]
        draft.close(end.t if end else last, self.offset)
        return [draft]


def _edit(event: WorkspaceEdited) -> _Draft:
    paths = [change.path for change in event.changes]
    text = "edit " + ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
    draft = _Draft("edit", event.source, event.t, event.t, text.rstrip())
    draft.changes = list(event.changes)
    draft.ended = True
    return draft


def _gesture(gesture: Gesture) -> _Draft:
    draft = _Draft("gesture", gesture.source, gesture.t_start, gesture.t_end, sentence(gesture))
    draft.ended = True
    draft.gesture = gesture
    return draft


def _attach(drafts: Sequence[_Draft], timeline: Sequence[Event]) -> None:
    by_command: dict[int, _Draft] = {}
    for draft in drafts:
        if draft.command is not None:
            by_command.setdefault(draft.command, draft)
    programs = [draft for draft in drafts if draft.kind == "program"]
    answers = _answers(drafts, timeline)
    for event in timeline:
        match event:
            case WorkspaceChanged():
                _attach_changes(event, by_command, programs)
            case Noted():
                if noted := _about(drafts, event.t):
                    noted.rationale.append(event.text)
            case Marked():
                if marked := _about(drafts, event.t):
                    marked.marks.append(event.label)
            case Checked():
                if checked := by_command.get(event.command) or _before(drafts, event.t):
                    checked.check = event
            case FlowRequested():
                if caused := answers.get(event.flow) or _causing(event, by_command, programs):
                    caused.flows.append(event.flow)
            case Gap():
                _attach_gap(event, drafts)
            case _:
                pass


def _answers(drafts: Sequence[_Draft], timeline: Sequence[Event]) -> dict[int, _Draft]:
    """By flow the gesture whose page asked for it."""
    asking = {
        (draft.source, request): draft
        for draft in drafts
        if draft.gesture is not None
        for request in draft.gesture.requests
    }
    if not asking:
        return {}
    asked = {flow: (request.source, request.n) for flow, request in answered_requests(timeline).items()}
    return {flow: asking[request] for flow, request in asked.items() if request in asking}


def _attach_changes(
    event: WorkspaceChanged, by_command: dict[int, _Draft], programs: Sequence[_Draft]
) -> None:
    if event.last - event.first < len(by_command):
        known = [n for n in range(event.first, event.last + 1) if n in by_command]
    else:
        known = [n for n in by_command if event.first <= n <= event.last]
    if known:
        first = min(known)
        by_command[first].changes += event.changes
        for n in known:
            old = by_command[n].span or (first, event.last)
            by_command[n].span = (min(old[0], first), max(old[1], event.last))
    elif earlier := [n for n in by_command if n < event.first]:
        by_command[max(earlier)].changes += event.changes
    elif by_command:
        by_command[min(by_command)].changes += event.changes  # before the first prompt
    elif programs:
        programs[0].changes += event.changes


def _causing(
    event: FlowRequested, by_command: dict[int, _Draft], programs: Sequence[_Draft]
) -> _Draft | None:
    if event.cause.command is not None:
        return by_command.get(event.cause.command)
    return programs[0] if programs and event.cause.how != "unknown" else None


def _about(drafts: Sequence[_Draft], t: int) -> _Draft | None:
    """What a note at `t` is about: the last step completed before it; before any, the first that is no note.

    A note written by a part of a longer command line (`pytest; reenact note …`) is about that line.
    """
    running = _last(drafts, lambda d: d.kind == "command" and d.t_start <= t < d.t_end)
    if running and not is_note(running.text) and _NOTE_WITHIN.search(running.text):
        return running
    done = _last(drafts, lambda d: d.ended and d.t_end <= t and d is not running and not is_note(d.text))
    if done:
        return done
    first = next((d for d in drafts if not is_note(d.text)), None)
    return first or (drafts[0] if drafts else None)


def _last(drafts: Sequence[_Draft], wanted: Callable[[_Draft], bool]) -> _Draft | None:
    return next((draft for draft in reversed(drafts) if wanted(draft)), None)


def _before(drafts: Sequence[_Draft], t: int) -> _Draft | None:
    return _last(drafts, lambda d: d.t_start <= t)


def _attach_gap(gap: Gap, drafts: Sequence[_Draft]) -> None:
    for draft in drafts:
        if gap.source.startswith(("terminal/", "browser/")) and draft.source != gap.source:
            continue
        begin = min([draft.t_start, *(e.t for e in draft.typed)])
        if gap.t <= draft.t_end and begin <= max(gap.until, gap.t):
            draft.gaps.append(gap)
