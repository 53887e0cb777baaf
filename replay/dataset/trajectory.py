"""A trace as a native row. Pure: the trace's events, output and blobs are given."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import msgspec

from recorder.trace.event import Event
from recorder.trace.events import (
    AnyEvent,
    Checked,
    FlowAnswered,
    FlowRequested,
    Marked,
    Noted,
    PageRequest,
    Screenshot,
    TerminalStarted,
    Unknown,
)
from recorder.trace.manifest import Manifest
from recorder.trace.steps import Step, is_note, steps
from replay.dataset import observation
from replay.dataset.flags import policy_flags
from replay.dataset.gesture import browser
from replay.dataset.keystrokes import keys
from replay.dataset.patch import net_patch
from replay.dataset.row import (
    ROW_VERSION,
    Answer,
    Browser,
    BrowserCall,
    Call,
    Check,
    Edit,
    EditCall,
    Environment,
    Evaluation,
    FileChange,
    Keystrokes,
    KeystrokesCall,
    Mark,
    Message,
    Parent,
    Provenance,
    Rationale,
    Request,
    Row,
    Shell,
    ShellCall,
    ToolCall,
)
from replay.export.losses import Loss, Losses
from replay.observe import observations
from replay.pages import page_observations
from replay.verify.verdict import Observation, PageObservation


@dataclass(frozen=True, kw_only=True, slots=True)
class Recording:
    """A trace as `trajectory` needs it. `output` gives raw output of a terminal (its number) between two offsets,
    `blob` the content of a blob or None. `sha256` is that of the trace's file, `public_key` whose seal was
    checked. `longest`: how many characters of a text are kept.
    """

    manifest: Manifest
    events: Sequence[AnyEvent | Unknown]
    output: Callable[[int, int, int], Iterator[bytes]]
    blob: Callable[[str], bytes | None]
    sha256: str
    public_key: str | None
    longest: int = observation.LONGEST


def trajectory(recording: Recording) -> tuple[Row, list[Loss]]:
    """The row of a trace, not verified (see `flags.verified`), and what of the trace it does not hold. Raises what
    `output` and `blob` raise."""
    made = _Trajectory(recording)
    return made.row(), made.losses.told()


class _Trajectory:
    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.losses = Losses()
        self.steps = steps(recording.events)
        self.requests = dict(_requests(recording.events))
        self.left_out = 0

    def row(self) -> Row:
        said, calls = self.recording, self._calls()
        rationale, marks = self._notes()
        messages = self._messages(calls, rationale)
        manifest = said.manifest
        self._count_lost(calls)
        patch = net_patch(said.events, said.blob)
        texts = chain((message.content for message in messages), (_text(call) for call in calls))
        if any(change.diff is None for call in calls for change in _changes(call)):
            texts = chain(texts, (patch.diff or "",))  # it may have what no message tells
        return Row(
            row_version=ROW_VERSION,
            trace_id=manifest.trace_id,
            messages=messages,
            rationale=rationale,
            marks=marks,
            tool_calls=calls,
            patch=patch,
            evaluation=Evaluation(
                reward=manifest.outcome.reward,
                checks=tuple(self._checks()),
                verification=None,
                reviews=(),
            ),
            policy_flags=policy_flags(manifest, said.events, texts, self.left_out),
            provenance=_provenance(said),
        )

    # -- calls --------------------------------------------------------------------------------------

    def _calls(self) -> tuple[ToolCall, ...]:
        answers = self._answers()
        calls = []
        for step in self.steps:
            if step.kind == "command" and is_note(step.text):
                continue  # the recorder's own; its words are in `rationale`
            calls.append(self._call(step, answers[step.n]))
        return tuple(calls)

    def _call(self, step: Step, answer: Answer) -> ToolCall:
        common: dict[str, Any] = {
            "id": f"call_{step.n}",
            "step": step.n,
            "t_start": step.t_start,
            "t_end": step.t_end,
            "observation": answer,
        }
        if step.gesture is not None:
            return BrowserCall(arguments=browser(step.gesture, step.text), **common)
        if step.kind == "edit":
            files = observation.file_changes(step.changes, self.recording.blob, self.recording.longest)
            return EditCall(arguments=Edit(files=files), **common)
        line = step.check.line if step.check is not None else step.text
        typed = b"".join(given.data for given in step.inputs if not given.reply)
        if typed:
            arguments = Keystrokes(command=line, cwd=step.cwd_before, keys=keys(typed))
            return KeystrokesCall(arguments=arguments, **common)
        return ShellCall(arguments=Shell(command=line, cwd=step.cwd_before), **common)

    # -- what answered them -------------------------------------------------------------------------

    def _answers(self) -> dict[int, Answer]:
        seen = self._observed()
        pages = page_observations(self.steps, self.recording.events, self.recording.blob)
        return {step.n: self._answer(step, seen.get(step.n), pages.get(step.n)) for step in self.steps}

    def _observed(self) -> dict[int, tuple[Observation, int]]:
        """By step what its terminal showed, and how wide that was."""
        found: dict[int, tuple[Observation, int]] = {}
        by_source: dict[str, list[Step]] = defaultdict(list)
        for step in self.steps:
            if step.kind in ("command", "program"):
                by_source[step.source].append(step)
        for source, own in by_source.items():
            number = int(source.rpartition("/")[2])
            told = [
                event
                for event in self.recording.events
                if event.source == source or not event.source.startswith("terminal/")
            ]
            started = next((event for event in told if isinstance(event, TerminalStarted)), None)
            width = started.cols if started is not None else 0
            seen = observations(own, told, partial(self.recording.output, number))
            found |= {step.n: (one, width) for step, one in zip(own, seen, strict=True)}
        return found

    def _answer(
        self, step: Step, seen: tuple[Observation, int] | None, page: PageObservation | None
    ) -> Answer:
        longest = self.recording.longest
        shown, gesture = observation.Shown(), step.gesture
        if seen is not None:
            shown = observation.shown_on_terminal(*seen, longest)
        elif page is not None and gesture is not None:
            shown = observation.shown_in_browser(page, gesture.opened, gesture.tab, longest)
        self.left_out += shown.left_out
        changes = () if step.kind == "edit" else step.changes
        return Answer(
            exit=step.exit,
            cwd=step.cwd_after,
            output=shown.output,
            screen=shown.screen,
            files=observation.file_changes(changes, self.recording.blob, longest),
            pages=shown.pages,
            dialogs=tuple(f"{one.type}: {one.message}" for one in gesture.dialogs) if gesture else (),
            downloads=tuple(one.name for one in gesture.downloads) if gesture else (),
            requests=tuple(self._asked(step)),
            reward=step.check.reward if step.check else None,
            left_out=shown.left_out,
            complete=step.complete,
        )

    def _asked(self, step: Step) -> Iterator[Request]:
        """What it asked of the network, as the proxy saw it; where none recorded, as the browser told."""
        own: Iterable[tuple[str, int]] = (("flow", n) for n in step.flows)
        if not step.flows and step.gesture is not None:
            own = ((step.source, n) for n in step.gesture.requests)
        return (self.requests[key] for key in own if key in self.requests)

    # -- words --------------------------------------------------------------------------------------

    def _notes(self) -> tuple[tuple[Rationale, ...], tuple[Mark, ...]]:
        about: dict[tuple[str, str], deque[int]] = defaultdict(deque)
        for step in self.steps:
            for text in step.rationale:
                about["note", text].append(step.n)
            for label in step.marks:
                about["mark", label].append(step.n)
        rationale, marks = [], []
        for event in self.recording.events:
            if isinstance(event, Noted):
                known = about["note", event.text]
                rationale.append(
                    Rationale(t=event.t, step=known.popleft() if known else None, text=event.text)
                )
            elif isinstance(event, Marked):
                known = about["mark", event.label]
                marks.append(Mark(t=event.t, step=known.popleft() if known else None, label=event.label))
        return tuple(rationale), tuple(marks)

    def _messages(self, calls: Sequence[ToolCall], rationale: Sequence[Rationale]) -> tuple[Message, ...]:
        """Turns in order: words stand before the first action that began after they were written."""
        told: list[Message] = []
        if instruction := self.recording.manifest.task.instruction:
            told.append(Message(role="user", content=instruction))
        waiting = deque(rationale)
        for call in calls:
            words = []
            while waiting and waiting[0].t <= call.t_start:
                words.append(waiting.popleft().text)
            arguments: dict[str, Any] = msgspec.to_builtins(call.arguments)
            own = Call(id=call.id, name=call.name, arguments=arguments)
            told.append(Message(role="assistant", content="\n\n".join(words), tool_calls=(own,)))
            answer = observation.told(call.observation) or _NOTHING[call.name]
            told.append(Message(role="tool", content=answer, tool_call_id=call.id, name=call.name))
        if waiting:
            told.append(Message(role="assistant", content="\n\n".join(note.text for note in waiting)))
        return tuple(told)

    def _checks(self) -> Iterator[Check]:
        by_check = {id(step.check): step.n for step in self.steps if step.check is not None}
        for event in self.recording.events:
            if isinstance(event, Checked):
                yield Check(
                    step=by_check.get(id(event)), command=event.line, exit=event.exit, reward=event.reward
                )

    # -- what is lost -------------------------------------------------------------------------------

    def _count_lost(self, calls: Sequence[ToolCall]) -> None:
        lose = self.losses.add
        until = 0
        for step, call in _of(self.steps, calls):
            if call.t_start < until:
                lose("what was shown when: later calls had begun before the result came", step.n)
            if step.gesture is None:
                until = max(until, call.t_end)
            if step.inputs:
                lose("when keys were typed, and the screens between them", step.n, len(step.inputs))
            if step.gesture is not None:
                lose("raw browser events: the pointer's way, timing", step.n)
            if call.observation.left_out:
                lose("characters in the middle of long texts", step.n, call.observation.left_out)
            for change in call.observation.files:
                if change.diff is None:
                    lose("content of changed files that are no short text", step.n)
        for event in self.recording.events:
            if isinstance(event, FlowRequested):
                lose("headers and bodies of requests", event.flow)
            elif isinstance(event, Screenshot):
                lose("screenshots")
        if self.recording.manifest.terminals:
            lose("colours and timing of terminal output", count=len(self.recording.manifest.terminals))


_NOTHING = {
    "shell": "[no output]",
    "keystrokes": "[no output]",
    "browser": "[the page had not come to rest when the next action came]",
    "edit": "[saved]",
}
"""What answers a call of which nothing was seen."""


def _of(known: Sequence[Step], calls: Sequence[ToolCall]) -> Iterator[tuple[Step, ToolCall]]:
    by_number = {step.n: step for step in known}
    return ((by_number[call.step], call) for call in calls)


def _requests(events: Iterable[Event | Unknown]) -> Iterator[tuple[tuple[str, int], Request]]:
    """By ("flow", number) or (source, number) of a browser's."""
    asked: dict[tuple[str, int], tuple[str, str]] = {}
    for event in events:
        match event:
            case FlowRequested():
                key = ("flow", event.flow)
                asked[key] = (event.method, event.url)
                yield key, Request(method=event.method, url=event.url, status=None)
            case FlowAnswered() if ("flow", event.flow) in asked:
                key = ("flow", event.flow)
                yield key, Request(method=asked[key][0], url=asked[key][1], status=event.status)
            case PageRequest():
                yield (
                    (event.source, event.n),
                    Request(method=event.method, url=event.url, status=event.status),
                )
            case _:
                pass


def _provenance(said: Recording) -> Provenance:
    manifest, given = said.manifest, said.manifest.provenance
    env = manifest.environment
    return Provenance(
        annotator=given.annotator,
        project=given.project,
        consent=given.consent,
        source_licence=given.source_licence,
        url=manifest.task.url,
        repo=manifest.task.repo,
        commit=manifest.task.commit,
        actor=manifest.actor.kind,
        model=manifest.actor.model,
        assistant_model=given.assistant_model,
        recorder_version=given.recorder.version,
        recorder_settings=given.recorder.settings,
        rubric_version=given.rubric_version,
        parent=Parent(trace_id=given.parent.trace_id, step=given.parent.step) if given.parent else None,
        environment=Environment(
            os=env.os,
            kernel=env.kernel,
            shell=env.shell,
            terminal=env.terminal,
            locale=env.locale,
            timezone=env.timezone,
        ),
        recorded_unix_ns=manifest.started_unix_ns,
        duration_ns=manifest.duration_ns,
        completeness=manifest.completeness.state,
        trace_sha256=said.sha256,
        event_root=manifest.integrity.root,
        public_key=said.public_key,
    )


def _changes(call: ToolCall) -> tuple[FileChange, ...]:
    own = call.arguments.files if isinstance(call.arguments, Edit) else ()
    return own + call.observation.files


def _text(call: ToolCall) -> str:
    match call.arguments:
        case Shell() | Keystrokes():
            return call.arguments.command
        case Browser():
            return " ".join((call.arguments.value or "", *call.arguments.values))
        case _:
            return ""
