"""What must hold between events, beyond each one's own type. Writers and readers keep to the same rules. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from recorder.trace.codec import Decoded
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import (
    BrowserStarted,
    Checked,
    CommandEnded,
    CommandStarted,
    Downloaded,
    FlowAnswered,
    FlowClosed,
    FlowMessage,
    FlowRequested,
    Gap,
    Input,
    PageEvent,
    PageState,
    PromptShown,
    Recovered,
    Resized,
    Screenshot,
    TerminalEnded,
    TerminalStarted,
    WorkspaceChanged,
    WorkspaceEdited,
    WorkspaceSnapshot,
)
from recorder.trace.manifest import Completeness, Counts, GapNote, Outcome

MAX_GAPS_LISTED = 1000
MAX_KINDS = 1000


class _Shell:
    """What one terminal's events have said so far."""

    def __init__(self, output: int) -> None:
        self.output = output
        self.started = False
        self.prompt = 0
        self.prompt_offset = 0
        self.command = 0
        self.command_offset = 0
        self.ended = 0


class EventRules:
    """Checks events in their order and sums them up.

    `terminals` gives each terminal's output bytes, `has_blob` says whether a digest is in the trace.
    """

    def __init__(self, terminals: Mapping[int, int], has_blob: Callable[[str], bool]) -> None:
        self._shells = {f"terminal/{n}": _Shell(output) for n, output in terminals.items()}
        self._has_blob = has_blob
        self._t = 0
        self._kinds: dict[str, int] = {}
        self._gaps: list[GapNote] = []
        self._gap_count = 0
        self._recovered = False
        self._flows: set[int] = set()
        self._answered: set[int] = set()
        self._outcome = Outcome(reward=None, command=None)

    def add(self, event: Decoded, place: str) -> None:
        """Takes the next event. Raises TraceRejected at `place` where it cannot follow the ones before."""
        if event.t < self._t:
            raise TraceRejected(Code.ORDER, place, f"t {event.t} after t {self._t}")
        self._t = event.t
        kind = str(getattr(event, "kind", None) or type(event).__struct_config__.tag)
        self._kinds[kind] = self._kinds.get(kind, 0) + 1
        if len(self._kinds) > MAX_KINDS:
            raise TraceRejected(Code.TOO_LARGE, place, f"more than {MAX_KINDS} kinds of events")
        check = _CHECKS.get(type(event))
        if check is not None:
            check(self, event, place)

    def completeness(self) -> Completeness:
        state = "incomplete" if self._gap_count else "recovered" if self._recovered else "complete"
        return Completeness(state=state, gap_count=self._gap_count, gaps=list(self._gaps))  # type: ignore[arg-type]

    def counts(self) -> Counts:
        return Counts(events=sum(self._kinds.values()), kinds=dict(sorted(self._kinds.items())))

    def outcome(self) -> Outcome:
        return self._outcome

    def _shell(self, event: Decoded, place: str, offset: int) -> _Shell:
        shell = self._shells.get(event.source)
        if shell is None:
            raise TraceRejected(Code.MISSING, place, f"source {event.source!r} has no stream in the trace")
        if offset > shell.output:
            raise TraceRejected(Code.ORDER, place, f"offset {offset} in an output of {shell.output} bytes")
        return shell

    def _blob(self, digest: str | None, place: str) -> None:
        if digest is not None and not self._has_blob(digest):
            raise TraceRejected(Code.MISSING, place, f"blob {digest} is not in the trace")

    def _terminal_started(self, event: TerminalStarted, place: str) -> None:
        shell = self._shell(event, place, 0)
        if shell.started:
            raise TraceRejected(Code.DUPLICATE, place, f"{event.source} starts twice")
        shell.started = True
        for file in event.files:
            self._blob(file.blob, place)

    def _prompt(self, event: PromptShown, place: str) -> None:
        shell = self._shell(event, place, event.ready)
        if not shell.prompt_offset <= event.offset <= event.ready:
            raise TraceRejected(Code.ORDER, place, f"a prompt from {event.offset} to {event.ready}")
        if event.n <= shell.prompt:
            raise TraceRejected(Code.ORDER, place, f"prompt {event.n} after prompt {shell.prompt}")
        shell.prompt, shell.prompt_offset = event.n, event.offset

    def _command_started(self, event: CommandStarted, place: str) -> None:
        shell = self._shell(event, place, event.offset)
        if event.n <= shell.command or event.offset < shell.command_offset:
            raise TraceRejected(
                Code.ORDER, place, f"command {event.n} at {event.offset} after {shell.command}"
            )
        shell.command, shell.command_offset = event.n, event.offset

    def _command_ended(self, event: CommandEnded, place: str) -> None:
        shell = self._shell(event, place, event.offset)
        if event.n != shell.command or event.n == shell.ended or event.offset < shell.command_offset:
            raise TraceRejected(
                Code.ORDER, place, f"command {event.n} ends, but {shell.command} is the last started"
            )
        shell.ended = event.n
        shell.command_offset = event.offset

    def _at_offset(self, event: Input | Resized | TerminalEnded, place: str) -> None:
        self._shell(event, place, event.offset)

    def _snapshot(self, event: WorkspaceSnapshot, place: str) -> None:
        self._blob(event.tree, place)

    def _changed(self, event: WorkspaceChanged | WorkspaceEdited, place: str) -> None:
        if isinstance(event, WorkspaceChanged) and event.first > event.last:
            raise TraceRejected(Code.ORDER, place, f"commands {event.first} to {event.last}")
        for change in event.changes:
            for state in (change.before, change.after):
                if state is not None:
                    self._blob(state.blob, place)

    def _requested(self, event: FlowRequested, place: str) -> None:
        if event.flow in self._flows:
            raise TraceRejected(Code.DUPLICATE, place, f"flow {event.flow} begins twice")
        self._flows.add(event.flow)

    def _flow(self, event: FlowAnswered | FlowMessage | FlowClosed, place: str) -> None:
        if event.flow not in self._flows:
            raise TraceRejected(Code.MISSING, place, f"flow {event.flow} has no request before this")
        if isinstance(event, FlowAnswered):
            if event.flow in self._answered:
                raise TraceRejected(Code.DUPLICATE, place, f"flow {event.flow} is answered twice")
            self._answered.add(event.flow)
            self._blob(event.request.blob, place)
            self._blob(event.response.blob, place)
        elif isinstance(event, FlowMessage):
            self._blob(event.body.blob, place)

    def _browser(self, event: BrowserStarted, place: str) -> None:
        self._blob(event.storage, place)

    def _page_event(self, event: PageEvent, place: str) -> None:
        for clip in event.clips:
            self._blob(clip.blob, place)
        for file in event.files:
            self._blob(file.blob, place)

    def _page_state(self, event: PageState, place: str) -> None:
        self._blob(event.aria, place)

    def _content(self, event: Screenshot | Downloaded, place: str) -> None:
        self._blob(event.blob, place)

    def _checked(self, event: Checked, place: str) -> None:
        self._outcome = Outcome(reward=event.reward, command=event.command)

    def _gap(self, event: Gap, place: str) -> None:
        if event.until < event.t:
            raise TraceRejected(Code.ORDER, place, f"a gap from {event.t} to {event.until}")
        self._gap_count += 1
        if len(self._gaps) < MAX_GAPS_LISTED:
            note = GapNote(
                source=event.source,
                t=event.t,
                until=event.until,
                bytes=event.bytes,
                reason=event.reason[:200],
            )
            self._gaps.append(note)

    def _recovery(self, event: Recovered, place: str) -> None:
        self._recovered = True


_CHECKS: dict[type, Callable[..., None]] = {
    TerminalStarted: EventRules._terminal_started,
    PromptShown: EventRules._prompt,
    CommandStarted: EventRules._command_started,
    CommandEnded: EventRules._command_ended,
    Input: EventRules._at_offset,
    Resized: EventRules._at_offset,
    TerminalEnded: EventRules._at_offset,
    WorkspaceSnapshot: EventRules._snapshot,
    WorkspaceChanged: EventRules._changed,
    WorkspaceEdited: EventRules._changed,
    Checked: EventRules._checked,
    FlowRequested: EventRules._requested,
    FlowAnswered: EventRules._flow,
    FlowMessage: EventRules._flow,
    FlowClosed: EventRules._flow,
    BrowserStarted: EventRules._browser,
    PageEvent: EventRules._page_event,
    PageState: EventRules._page_state,
    Screenshot: EventRules._content,
    Downloaded: EventRules._content,
    Gap: EventRules._gap,
    Recovered: EventRules._recovery,
}
