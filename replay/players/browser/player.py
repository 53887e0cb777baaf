"""Does a browser's part of a trace again, in the sandbox: waits for the recorded state, then gives the recorded input.

Identity before position: before anything is pressed, what is there must be what was pressed when it was recorded.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct, json, structs

from recorder.trace.event import Event
from recorder.trace.pagelog import Keep, Kept
from recorder.trace.pages import Clip, Downloaded, FileChosen
from replay.players.browser.browser import Browser, Failed, Slow
from replay.players.browser.cdp import Gone
from replay.players.browser.chromium import Chromium
from replay.players.browser.clock import Answers, Clock
from replay.players.browser.gate import Gate, Missed
from replay.players.browser.input import Inputs
from replay.players.browser.intake import Intake
from replay.players.browser.pages import Frame, Pages, Tab
from replay.players.browser.plan import Action, Close, Do, Front, Go, Kind, Look, Open, Plan
from replay.players.browser.storage import decode

_START_SECONDS = 60.0
_TAB_SECONDS = 5.0
_LAST_SECONDS = 10.0
_ENDS_SECONDS = 5.0
_LATE_NS = 100_000_000
"""By how much a page may come to a state later than recorded: what is told by no clock takes another time."""
_PICTURE_SECONDS = 5.0
_QUALITY = 80
"""Of pictures in a film, of 100."""
_MOST_FILE = 64 << 20
_PLACED = frozenset(
    (Kind.MOVE, Kind.PRESS, Kind.RELEASE, Kind.WHEEL, Kind.TOUCH, Kind.DRAG_OVER, Kind.DROP, Kind.DRAG_END)
)
_AIMED = frozenset((Kind.PRESS, Kind.TOUCH, Kind.DROP))
"""Inputs that never reach another element than the recorded one."""
_FOCUSED = frozenset((Kind.KEY_DOWN, Kind.TEXT))
"""Inputs that go to what has the focus."""
_WATCHED = frozenset((*_AIMED, Kind.WHEEL, Kind.KEY_DOWN, Kind.TEXT, Kind.PASTE, Kind.CHOOSE_FILES, Kind.SET))
"""Inputs that wait for the recorded state of their document."""

_LEADING = frozenset((Kind.RELEASE, Kind.KEY_DOWN, Kind.TOUCH))
"""Inputs that may lead to another page."""

Blob = Callable[[str], bytes]


class Played(Struct, kw_only=True):
    """What a replay of a browser brought back: what it was seen to be, in the recording's own vocabulary, with the
    session's time. `missed` are waits that ended in vain; where the last one is fatal, nothing after it was done."""

    events: list[Event]
    missed: list[Missed]
    remarks: list[str]

    @property
    def fatal(self) -> Missed | None:
        return next((missed for missed in self.missed if missed.fatal), None)


class BrowserPlayer:
    """Plays `plan` in the browser of `place`, which the sandbox runs. `unix_ns` is when the recorded session started,
    `ahead_ns` is by how much the browser's own time of day is later than ours, `keep` takes content that the replay
    brings, `blob` gives recorded content, `alive` says whether the sandbox is.

    `answers` are the recorded network's. `progress` is told the time that is reached, `answering` the recorded time of
    each answer to a page's question, just before it is given.
    """

    def __init__(
        self,
        plan: Plan,
        place: Chromium,
        *,
        unix_ns: int,
        ahead_ns: int = 0,
        keep: Keep,
        blob: Blob,
        alive: Callable[[], bool] = lambda: True,
        answers: Answers | None = None,
        progress: Callable[[int], None] = lambda t: None,
        answering: Callable[[int], None] = lambda t: None,
    ) -> None:
        self._plan = plan
        self._place = place
        self._keep = keep
        self._unix_ns = unix_ns
        self._blob = blob
        self._progress = progress
        self._next = 0
        self._fatal = False
        self._shift = (0.0, 0.0)
        """How far from its recorded place what was pressed last is: what goes on from there goes as far."""
        self.pointer: tuple[int, float, float] | None = None
        """Where the pointer is: (recorded tab, x, y in it); `pressed`: where it was pressed last, `presses` counts."""
        self.pressed: tuple[int, float, float] | None = None
        self.presses = 0
        commands, said, told, telling = place.pipes
        pages = Pages(plan.frames)
        self._browser = Browser(
            commands, said, pages, plan.started, plan.dialogs, f"{place.inside}/downloads", alive
        )
        self._browser.answers = answering
        self._pages = pages
        for began in plan.documents:
            seen = plan.frames.get(began.frame)
            if seen is None or seen.parent is None:
                self._browser.began.setdefault(began.tab, []).append((unix_ns + began.t) / 1e6)
        if plan.tapes:
            given = [structs.asdict(tape) | {"began": (unix_ns + tape.began) / 1e6} for tape in plan.tapes]
            self._browser.tapes = f"\n__reenactClock.tapes({json.encode(given).decode()});"
        self._clock = Clock(self._browser, unix_ns, answers, ahead_ns)
        self._intake = Intake(told, telling, plan.started.source, self._clock.at, keep, [], plan.after)
        self._browser.tools.beside[told] = self._intake.read
        self._gate = Gate(self._browser, self._clock, plan)
        self._inputs = Inputs(self._browser, self._put, self._text)

    @property
    def now(self) -> int:
        """The replay's time, ns since the session's start."""
        return self._clock.now

    @property
    def actions(self) -> int:
        """How many there are to do."""
        return len(self._plan.actions)

    @property
    def stuck(self) -> bool:
        """It cannot go on: nothing more is done."""
        return self._fatal

    @property
    def missed(self) -> int:
        """How much was waited for in vain so far."""
        return sum(not missed.shown for missed in self._gate.missed)

    @property
    def ends(self) -> int:
        """When the last tab was closed, or else the last thing told."""
        closed = [action.t for action in self._plan.actions if isinstance(action, Close)]
        return closed[-1] if closed else self._plan.end + 1

    def start(self) -> None:
        """Returns once the browser and the extension are there. Raises Gone or Slow where they never are."""
        self._browser.open()
        if not self._browser.settle(lambda: bool(list(self._pages)), _START_SECONDS):
            raise Slow("the browser shows no page")
        if not self._browser.settle(lambda: self._intake.greeted, _START_SECONDS):
            raise Slow("the browser's extension does not answer")
        if self._plan.started.storage is not None:
            try:
                self._browser.restore(decode(self._blob(self._plan.started.storage)))
            except ValueError as error:
                self._browser.remark(f"the browser's storage was not restored: {error}")
        self._clock.start(self._plan.started.t)

    def play(self, until: int | None = None) -> None:
        """Does all that was done before `until` (ns of the session; None: all) and was not done yet. Returns also where
        it cannot go on; `finish` tells why."""
        actions = self._plan.actions
        while self._next < len(actions) and (until is None or actions[self._next].t < until):
            if self._fatal:
                return
            action = actions[self._next]
            self._next += 1
            try:
                later = actions[self._next].t if self._next < len(actions) else None
                self._clock.next = min(self._plan.end if later is None else later, until or self._plan.end)
                if isinstance(action, Look):
                    self._look(action)
                else:
                    self._reach(action)
                    self._act(action)
            except Failed as error:
                self._miss(action, "the input", str(error), fatal=False)
            except (Slow, Gone) as error:
                self._miss(action, "the browser", str(error), fatal=True)
            self._progress(action.t)

    def finish(self) -> Played:
        """Ends it and gives what it brought. The sandbox is the caller's to end."""
        try:
            if not self._fatal:
                self._clock.advance(self._plan.end)
                self._last_states()
            self._clock.leave(self._plan.end + 1)
            self._close()
        except (Failed, Slow, Gone) as error:
            self._browser.remark(f"at the end: {error}")
        if departed := sum(self._clock.departed.values()):
            self._browser.remark(
                f"pages read the clock {departed} times otherwise than when they were recorded"
            )
        remarks = [*self._browser.remarks, *(f"the extension: {fault}" for fault in self._intake.faults[:5])]
        return Played(events=self._with_downloads(), missed=self._gate.missed, remarks=remarks)

    def picture(self, tab: int, form: Literal["png", "webp"] = "png") -> bytes | None:
        """What the recorded tab looks like now, as PNG or as lossy WebP; None where it cannot be told."""
        there = self._pages.tab(tab)
        if there is None or there.crashed or there.leaving:
            return None
        made: dict[str, Any] = {"format": form} | ({"quality": _QUALITY} if form == "webp" else {})
        try:
            told = self._browser.tools.ask(
                "Page.captureScreenshot", there.session, seconds=_PICTURE_SECONDS, **made
            )
            return binascii.a2b_base64(str(told["data"]))
        except (Failed, Slow, Gone, KeyError, ValueError):
            return None

    def address(self, tab: int) -> str:
        """Where the recorded tab is now, as the browser says; empty where it is not there."""
        there = self._pages.tab(tab)
        return there.frame.url if there is not None else ""

    def look(self, tab: int, expression: str) -> object:
        """What a script gives in the page of the recorded tab, for who wants to know what it shows. Raises Failed."""
        there = self._pages.tab(tab)
        if there is None or not self._browser.settle(
            lambda: bool(there.frame.main and not there.leaving), _TAB_SECONDS
        ):
            raise Failed(f"tab {tab} is not there")
        return self._browser.evaluate(there, there.frame.main, expression)

    # -- one action -----------------------------------------------------------------------------

    def _reach(self, action: Action) -> None:
        """Moves the clock to the action's time; its state says whether what is due just before it comes first."""
        if not isinstance(action, Do) or action.dom is None or not _begins(action, _WATCHED):
            self._clock.advance(action.t, tardy=isinstance(action, Do))
            return
        event, dom = action.event, action.dom

        def there() -> bool:
            place = self._gate.present(self._tab(event.tab), event.frame, event.doc)
            return place is not None and self._gate.holds(*place, dom)

        self._clock.meet(action.t, there)

    def _act(self, action: Action) -> None:
        match action:
            case Open():
                self._open(action)
            case Close():
                tab = self._pages.tab(action.tab)
                if tab is not None:
                    self._browser.tools.ask("Target.closeTarget", targetId=tab.target)
                    self._browser.settle(lambda: tab not in list(self._pages), _TAB_SECONDS)
            case Front():
                tab = self._tab(action.tab)
                if tab is not None and len(list(self._pages)) > 1:
                    self._browser.tools.ask("Page.bringToFront", tab.session)
            case Go():
                self._go(action)
            case Do():
                self._do(action)

    def _open(self, action: Open) -> None:
        if self._pages.tab(action.tab) is not None:
            return

        def there() -> bool:
            return self._pages.unclaimed(action.opener) is not None

        if action.opener is None and not there():
            self._browser.tools.ask("Target.createTarget", url="about:blank")
        if not there() and not self._browser.settle(there, _TAB_SECONDS):
            self._miss(action, f"tab {action.tab}", "no page opened one", fatal=True)
            return
        tab = self._pages.unclaimed(action.opener)
        assert tab is not None
        tab.number = action.tab

    def _tab(self, number: int) -> Tab | None:
        """The tab; one that nothing told of opening is the first that stands for none."""
        tab = self._pages.tab(number)
        if tab is None and (tab := self._pages.unclaimed(None)) is not None:
            tab.number = number
        return tab

    def _go(self, action: Go) -> None:
        tab = self._tab(action.tab)
        if tab is None:
            self._miss(action, f"tab {action.tab}", "it is not there", fatal=True)
            return
        if self._gate.went(tab, action):
            return
        if action.how == "reload":
            self._browser.go(tab, "Page.reload")
        elif action.how == "back_forward" and (entry := self._entry(tab, action.url)) is not None:
            self._browser.go(tab, "Page.navigateToHistoryEntry", entryId=entry)
        else:
            self._browser.go(tab, "Page.navigate", url=action.url)
        self._clock.rest()

    def _entry(self, tab: Tab, url: str) -> int | None:
        """The entry of the tab's history with this address that is nearest to the present one."""
        said = self._browser.tools.ask("Page.getNavigationHistory", tab.session)
        here = int(said["currentIndex"])
        ways = [
            (abs(index - here), index < here, int(entry["id"]))
            for index, entry in enumerate(said["entries"])
            if entry["url"] == url and index != here
        ]
        return min(ways, key=lambda way: (way[0], not way[1]))[2] if ways else None

    def _look(self, action: Look) -> None:
        """A state is looked for from now to the time at which it was told: what changed a page then was mostly a little
        later than it is now."""
        state = action.state

        def reached() -> bool:
            place = self._gate.present(self._tab(state.tab), state.frame, state.doc)
            early = self._clock.now < action.t
            return place is not None and self._gate.reached(*place, state.dom, state.settled, still=early)

        later = min(
            [action.t + _LATE_NS, *(then.t for then in self._plan.actions[self._next : self._next + 1])]
        )
        for to in (action.t, later):
            # What the last input led to without a timer (focus, selection, sizes) comes before time goes on, for it
            # sets timers itself.
            place = self._gate.present(self._tab(state.tab), state.frame, state.doc)
            if place is not None and not reached():
                self._browser.drawn(*place)
            self._clock.advance(to, reached)
            if self._clock.now < to or reached():
                return
        # A document that was there, and is not, was left meanwhile: it does not come again for being looked at.
        look = self._gate.present if self._gate.knew(state.doc) else self._gate.document
        tab = self._tab(state.tab)
        found = look(tab, state.frame, state.doc) if tab is not None else None
        if found is not None:
            self._gate.state(*found, action, state.doc, state.dom, patient=state.settled, emit=True)

    def _do(self, action: Do) -> None:
        event = action.event
        found = self._place_of(event.tab, event.frame, event.doc)
        if found is None:
            self._miss(action, f"{action.kind} in document {event.doc}", "its frame is not there", fatal=True)
            return
        tab, frame = found
        if action.dom is not None and _begins(action, _WATCHED):
            self._gate.state(tab, frame, action, event.doc, action.dom, patient=True, emit=False)
        x, y = event.x or 0.0, event.y or 0.0
        if _begins(action, _AIMED) and action.target is not None:
            aimed = self._gate.aim(tab, frame, action, action.target, x, y)
            if aimed is None:
                self._fatal = True
                return
            self._shift = (aimed[0] - x, aimed[1] - y)
            x, y = aimed
        elif action.kind in (Kind.RELEASE, Kind.TOUCH) or (action.kind is Kind.MOVE and event.buttons):
            x, y = x + self._shift[0], y + self._shift[1]
        elif action.kind in _FOCUSED and not self._gate.focus(tab, frame, action, action.target):
            self._inputs.focus(tab, frame, action)
        if action.kind in _PLACED:
            left, top = self._browser.offset(tab, frame)
            x, y = x + left, y + top
            self.pointer = (event.tab, x, y)
            if _begins(action, _AIMED):
                self.pressed = self.pointer
                self.presses += 1
        if action.kind in (Kind.PRESS, Kind.KEY_DOWN):
            tab.went, tab.sent = [], False
        self._inputs.do(tab, frame, action, x, y)
        if action.kind in _LEADING:
            self._browser.felt(tab)
        elif action.kind is Kind.WHEEL:
            self._browser.drawn(tab, frame)

    def _place_of(self, tab_number: int, frame_number: int, doc: int) -> tuple[Tab, Frame] | None:
        tab = self._tab(tab_number)
        if tab is None:
            return None
        return self._gate.document(tab, frame_number, doc)

    def _miss(self, action: Action, what: str, saw: str, *, fatal: bool) -> None:
        self._gate.miss(action, what, saw, fatal=fatal)
        self._fatal = self._fatal or fatal

    # -- content --------------------------------------------------------------------------------

    def _put(self, file: FileChosen) -> str | None:
        if file.blob is None:
            return None if file.size else self._place.put(file.name, b"")
        return self._place.put(file.name, self._blob(file.blob))

    def _text(self, clip: Clip) -> str | None:
        if clip.text is not None:
            return clip.text
        if clip.blob is None or not clip.type.startswith("text/"):
            return None
        return self._blob(clip.blob).decode("utf-8", "replace")

    # -- the end --------------------------------------------------------------------------------

    def _last_states(self) -> None:
        """Each document's state once more, so that the end is told, too; all that they have told is here then."""
        there = [(tab, frame) for tab in self._pages for frame in tab.frames.values()]
        for call in ("emit", "written"):
            for tab, frame in there:
                if frame.ours and not tab.deaf:
                    try:
                        self._browser.ours(tab, frame, call, seconds=_LAST_SECONDS)
                    except (Failed, Slow):
                        continue

    def _close(self) -> None:
        """Downloads end; then pages are closed one by one, so that each says its last."""
        self._browser.settle(
            lambda: all(download.state != "inProgress" for download in self._browser.downloads), _TAB_SECONDS
        )
        self._browser.tools.send(
            "Target.createTarget", url="about:blank"
        )  # the last one's end ends the browser
        for tab in self._pages:
            self._browser.tools.send("Target.closeTarget", targetId=tab.target)
        self._browser.settle(lambda: not self._intake.open_documents(), _ENDS_SECONDS)

    def _with_downloads(self) -> list[Event]:
        """What was told until the end, and what was downloaded: that is the browser's to tell, by name and content."""
        events = [
            event
            for event in self._intake.events
            if event.t <= self._plan.end and not isinstance(event, Downloaded)
        ]
        for one in self._browser.downloads:
            complete = one.state == "completed"
            kept = self._content(one.ident) if complete else Kept(None, 0, "it did not end")
            t = int(one.ended * 1e6) - self._unix_ns if one.ended else self._plan.end
            events.append(
                Downloaded(
                    t=max(0, min(t, self._plan.end)), source=self._plan.started.source, tab=one.tab,
                    url=one.url[: 1 << 20], name=one.name[:1024], complete=complete, size=kept.size, blob=kept.blob,
                    skipped=kept.skipped,
                )
            )  # fmt: skip
        return events

    def _content(self, ident: str) -> Kept:
        data = self._place.downloaded(ident, _MOST_FILE)
        return Kept(None, 0, "too large or gone") if data is None else self._keep(data)


def _begins(action: Do, kinds: frozenset[Kind]) -> bool:
    """Whether it is one of these, and the first of its finger: what follows goes where that went, and at once. A finger
    that is held up in between would be taken for one that rests."""
    return action.kind in kinds and (action.kind is not Kind.TOUCH or action.event.type == "pointerdown")


__all__: Sequence[str] = ["BrowserPlayer", "Missed", "Played"]
