"""Drift mode: a trace's gestures on the site as it is today, each on the recorded element or on none.

No recorded network answers and nothing is compared with the recording but the elements, so it verifies nothing: every
gesture is found as recorded, healed (found although it differs, and how) or refused; after a refusal nothing is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin, urlsplit

from recorder.trace.errors import Unsupported, UsageError
from recorder.trace.event import Event
from recorder.trace.events import SecretReplaced, Unknown
from recorder.trace.gestures import Gesture
from recorder.trace.pages import (
    BrowserStarted,
    DialogAnswered,
    DocumentStarted,
    FileChosen,
    FrameSeen,
    PageTarget,
)
from recorder.trace.reader import Trace
from recorder.trace.sentences import described
from recorder.trace.steps import Step, steps
from replay.drifted import DriftResult, DriftStep
from replay.players.browser.deeds import Aim, Refusal, do
from replay.players.browser.live import LiveBrowser, NotThere, frame_of, js
from replay.verify.targets import Difference, Found, Refused, candidates, match

PATIENCE_SECONDS = 10.0
"""How long an element that is not there yet is waited for."""
_QUIET_SECONDS = 1.5
"""A page that has been at rest for so long brings no more by itself."""
_REST_SECONDS = 10.0


def drift(
    trace: Trace,
    *,
    base: str | None,
    headed: bool = False,
    told: Callable[[DriftStep], None] = lambda step: None,
) -> DriftResult:
    """Plays the gestures of `trace` on the live site; at `base`, where its pages are elsewhere than recorded.

    Raises UsageError for a trace without gestures or a base that is no address, Unsupported without a browser.
    """
    began = time.monotonic()
    events = [event for event in trace.events if not isinstance(event, Unknown)]
    found = steps(events)
    mine = [step for step in found if step.gesture is not None]
    started = next((event for event in events if isinstance(event, BrowserStarted)), None)
    if not mine or started is None:
        raise UsageError("the trace has no gestures: only what was done in a browser is played with --live")
    if base is not None and urlsplit(base).scheme not in ("http", "https"):
        raise UsageError(f"{base}: --base is the address of a site, such as http://127.0.0.1:8000")
    remarks = []
    if len(mine) < len(found):
        remarks.append(f"{len(found) - len(mine)} steps at the terminal were left out")
    if any(step.source != mine[0].source for step in mine):
        raise Unsupported("the trace has several browsers: drift mode plays one")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="reenact-files-")))
        dialogs = [event for event in events if isinstance(event, DialogAnswered)]
        browser = stack.enter_context(LiveBrowser(started, dialogs, headed=headed))
        player = _Player(browser, events, base, trace.blob, folder)
        answers: list[DriftStep] = []
        for step in mine:
            if answers and answers[-1].outcome in ("refused", "not reached"):
                answer = DriftStep(n=step.n, text=step.text, outcome="not reached")
            else:
                answer = player.play(step)
            told(answer)
            answers.append(answer)
        player.rest()
        remarks += browser.remarks
    return DriftResult(
        trace=str(trace.manifest.trace_id), base=base, steps=tuple(answers), remarks=tuple(remarks),
        seconds=round(time.monotonic() - began, 1),
    )  # fmt: skip


class _Player:
    def __init__(
        self,
        browser: LiveBrowser,
        events: Sequence[Event],
        base: str | None,
        blob: Callable[[str], bytes],
        folder: Path,
    ) -> None:
        self._browser = browser
        self._base = base
        self._blob = blob
        self._folder = folder
        self._frames: dict[int, FrameSeen] = {e.frame: e for e in events if isinstance(e, FrameSeen)}
        self._docs: Mapping[int, str] = {e.doc: e.url for e in events if isinstance(e, DocumentStarted)}
        self._frame_urls = {e.frame: e.url for e in events if isinstance(e, DocumentStarted)}
        self._placeholders = tuple(
            e.placeholder.decode("utf-8", "replace") for e in events if isinstance(e, SecretReplaced)
        )
        self._origin: str | None = None
        self._tab = 1

    def play(self, step: Step) -> DriftStep:
        gesture = step.gesture
        assert gesture is not None
        self._tab = gesture.tab
        healed: list[Difference] = []
        matched: list[Found] = []
        element = ""
        try:
            self._withheld(gesture)
            if gesture.verb == "navigate":
                url = self._go(gesture)
                return DriftStep(
                    n=step.n,
                    text=step.text,
                    outcome="done",
                    remark="" if url == gesture.value else f"now {url}",
                )
            if gesture.verb == "dialog":
                return self._dialog(step, gesture)
            if gesture.verb == "download":
                return DriftStep(n=step.n, text=step.text, outcome="done")
            if gesture.verb not in ("new_tab", "switch_tab", "close_tab"):
                self._browser.rest(self._browser.tab(gesture.tab), _REST_SECONDS)
            aims: list[Aim | None] = []
            for target in (gesture.target, gesture.onto):
                if target is None or target.tag in ("html", "body"):
                    aims.append(None)
                    continue
                aim, found, there = self._find(gesture, target)
                aims.append(aim)
                matched.append(found)
                healed += found.healed
                element = element or described(there)
            remark = do(self._browser, gesture, aims[0], aims[1], self._put)
            for number in gesture.opened:
                self._browser.tab(number, PATIENCE_SECONDS)
        except _NotFound as error:
            if gesture.verb == "scroll":  # what is acted on is brought into view anyway
                return DriftStep(n=step.n, text=step.text, outcome="done", remark=f"not scrolled: {error}")
            return DriftStep(
                n=step.n, text=step.text, outcome="refused", why=error.refused.why, nearest=error.nearest
            )
        except (Refusal, NotThere) as error:
            return DriftStep(n=step.n, text=step.text, outcome="refused", why=str(error), element=element)
        return DriftStep(
            n=step.n,
            text=step.text,
            outcome="healed" if healed else "found" if matched else "done",
            element=element,
            keys=tuple(dict.fromkeys(key for one in matched for key in one.keys)),
            score=min((one.score for one in matched), default=None),
            margin=min((one.margin for one in matched), default=None),
            healed=tuple(healed),
            remark=remark,
        )

    def rest(self) -> None:
        """Lets pages do what the last gesture asked of them."""
        try:
            self._browser.rest(self._browser.tab(self._tab, 0), _REST_SECONDS)
        except NotThere:
            return

    def _withheld(self, gesture: Gesture) -> None:
        """What was typed may not be in the trace: a stand-in has no place on a live site."""
        typed = gesture.value or ""
        if gesture.verb in ("fill", "type", "paste", "press", "navigate") and (
            gesture.masked or any(placeholder in typed for placeholder in self._placeholders)
        ):
            raise Refusal("what was entered is withheld from the trace")

    def _go(self, gesture: Gesture) -> str:
        url = self._live(gesture.value or "")
        if urlsplit(url).scheme not in ("http", "https"):
            raise Refusal(f"{url[:200]}: drift mode goes to http and https addresses only")
        try:
            self._browser.tab(gesture.tab).page.goto(url, wait_until="load")
        except Exception as error:
            if type(error).__module__.startswith("playwright"):
                raise Refusal(f"{url[:200]}: {str(error).splitlines()[0][:200]}") from error
            raise
        return url

    def _live(self, url: str) -> str:
        """The recorded address, at the base if it is of the recorded site: that of the first page gone to."""
        parts = urlsplit(url)
        origin = f"{parts.scheme}://{parts.netloc}"
        self._origin = self._origin or origin
        if self._base is None or origin != self._origin:
            return url
        return urljoin(self._base.rstrip("/") + "/", url[len(origin) :].lstrip("/"))

    def _dialog(self, step: Step, gesture: Gesture) -> DriftStep:
        """It was answered when it was asked, during the gesture before."""
        (dialog,) = gesture.dialogs
        end = time.monotonic() + PATIENCE_SECONDS
        while dialog not in self._browser.answered:
            if time.monotonic() > end:
                return DriftStep(n=step.n, text=step.text, outcome="refused", why="the page did not ask")
            self._browser.turn()
        return DriftStep(n=step.n, text=step.text, outcome="done")

    def _find(self, gesture: Gesture, target: PageTarget) -> tuple[Aim, Found, PageTarget]:
        """The element on the live page, as soon as it is there. Raises _NotFound, NotThere."""
        end = time.monotonic() + PATIENCE_SECONDS
        rested: tuple[float, object] = (time.monotonic(), None)
        urls = self._frame_urls | ({target.frame: self._docs[target.doc]} if target.doc in self._docs else {})
        asked = {"role": target.role, "tag": target.tag}
        hovered: set[str] = set()
        while True:
            missing: Exception
            now: object = None
            try:
                tab = self._browser.tab(gesture.tab)
                frames = tab.frames()
                frame = frame_of(frames, self._frames, urls, target.frame)
                said = tab.evaluate(
                    frame.ident,
                    f"[__reenact.state(), __reenact.candidates({js(asked)}).map(([rect, one]) => ({{...one, rect}}))]",
                )
                state, fields = said
                found = candidates(fields)
                answer = match(target, found)
                if isinstance(answer, Found):
                    there = found[answer.place]
                    return Aim(tab, frames, frame, there, target), answer, there
                missing = _NotFound(answer, tuple(described(found[near.place]) for near in answer.nearest))
                nearest = found[answer.nearest[0].place] if answer.nearest else None
                if nearest and nearest.css not in hovered and target.name and not nearest.name:
                    # What is shown only while the pointer is near has no name before.
                    hovered.add(nearest.css)
                    Aim(tab, frames, frame, nearest, target).hover()
                    rested = (time.monotonic(), None)
                now = (state.get("url"), state.get("dom")) if state.get("settled") else None
            except NotThere as error:
                missing = error
            if now is None or now != rested[1]:
                rested = (time.monotonic(), now)
            quiet = now is not None and time.monotonic() - rested[0] > _QUIET_SECONDS
            if quiet or time.monotonic() > end:
                raise missing
            self._browser.turn()

    def _put(self, file: FileChosen) -> str | None:
        if file.blob is None and file.size:
            return None
        folder = self._folder / str(len(list(self._folder.iterdir())))
        folder.mkdir()
        name = file.name.replace("/", "_").replace("\0", "_")
        path = folder / (name if name not in ("", ".", "..") else "_")
        path.write_bytes(self._blob(file.blob) if file.blob else b"")
        return str(path)


class _NotFound(Exception):
    def __init__(self, refused: Refused, nearest: tuple[str, ...]) -> None:
        super().__init__(refused.why)
        self.refused = refused
        self.nearest = nearest
