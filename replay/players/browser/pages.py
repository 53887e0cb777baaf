"""The tabs and frames that a browser has now, and the recorded ones among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from recorder.trace.pages import FrameSeen

_MOST_LEFT = 10_000


@dataclass(slots=True, eq=False)
class Frame:
    """A frame by the browser's ids. `main` and `ours` are the unique ids of the script contexts of the page and of the
    extension, empty where there is none now. `documents` are the addresses that it went to."""

    ident: str
    parent: str | None
    url: str = "about:blank"
    name: str = ""
    main: str = ""
    ours: str = ""
    loading: bool = False
    documents: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Tab:
    """A tab by the browser's ids. `number` is the recorded one that it stands for, None while it stands for none.

    `asked` are requests on their way, by number; `chooser` the file input that wants files, and whether several. `drag`
    is what is being dragged, `dragged` whether it was over anything; `starts` are the scripts by which new documents
    get their time; `opens` the size of the window that its page opens.
    """

    target: str
    session: str
    opener: str | None
    frames: dict[str, Frame] = field(default_factory=dict)
    number: int | None = None
    asked: dict[str, str] = field(default_factory=dict)
    chooser: tuple[int, bool] | None = None
    drag: object | None = None
    dragged: bool = False
    leaving: str = ""
    """The request for the page that comes next, while its answer is awaited: scripts wait for it, input does not."""
    went: list[str] = field(default_factory=list)
    """Where it went to by itself since a button or a key was pressed, or it was told to go anywhere."""
    sent: bool = False
    """It was told to go somewhere, and has not begun to."""
    starts: list[str] = field(default_factory=list)
    fills: dict[str, str] = field(default_factory=dict)
    """Origin -> the script that fills its local storage."""
    opens: tuple[int, int] | None = None
    crashed: bool = False
    kept: set[str] = field(default_factory=set)
    """Its pages' script contexts so far: one that comes again is that of a page that the browser had kept."""
    left: dict[str, Frame] = field(default_factory=dict)
    """Frames of pages that it left, which may be shown again."""

    @property
    def frame(self) -> Frame:
        """Its own."""
        return self.frames.setdefault(self.target, Frame(self.target, None))

    @property
    def deaf(self) -> bool:
        """Nothing that its scripts are asked is answered now: it crashed, or waits for the page that comes next."""
        return self.crashed or bool(self.leaving)

    @property
    def busy(self) -> str:
        """What is still being loaded, in words; empty for nothing."""
        if self.asked:
            return next(iter(self.asked.values()))
        return next((f"the page {frame.url}" for frame in self.frames.values() if frame.loading), "")

    def children(self, frame: Frame) -> list[Frame]:
        """Its frames in the browser's order, which is that of `window.frames`."""
        return [other for other in self.frames.values() if other.parent == frame.ident]

    def drop(self, ident: str) -> None:
        """The frame, and all in it, are gone."""
        gone = self.frames.pop(ident, None)
        if gone is not None:
            for child in self.children(gone):
                self.drop(child.ident)

    def leave(self, *, shown: bool) -> None:
        """Its page goes, and all frames in it. `shown`: a page that was kept comes, whose frames are here already;
        those of the other have no script contexts any more."""
        for frame in list(self.frames.values()):
            if frame.parent is not None and not (shown and (frame.main or frame.ours)):
                self.left[frame.ident] = self.frames.pop(frame.ident)
        while len(self.left) > _MOST_LEFT:
            del self.left[next(iter(self.left))]


class Pages:
    """All tabs, and which recorded ones they are."""

    def __init__(self, frames: dict[int, FrameSeen]) -> None:
        self._recorded = frames
        self._by_session: dict[str, Tab] = {}
        self._found: dict[int, str] = {}

    def __iter__(self) -> Iterator[Tab]:
        return iter(list(self._by_session.values()))

    def add(self, tab: Tab) -> None:
        self._by_session[tab.session] = tab

    def of_session(self, session: str) -> Tab | None:
        return self._by_session.get(session)

    def of_target(self, target: str) -> Tab | None:
        return next((tab for tab in self if tab.target == target), None)

    def remove(self, session: str) -> None:
        self._by_session.pop(session, None)

    def tab(self, number: int) -> Tab | None:
        """What stands for the recorded tab."""
        return next((tab for tab in self if tab.number == number), None)

    def unclaimed(self, opener: int | None) -> Tab | None:
        """The first tab that stands for none yet and was opened by the recorded tab `opener`'s page."""
        for tab in self:
            if tab.number is None:
                from_page = self.of_target(tab.opener) if tab.opener else None
                if (from_page.number if from_page else None) == opener:
                    return tab
        return None

    def frame(self, tab: Tab, number: int, url: str) -> Frame | None:
        """What stands for the recorded frame, whose document now has the address `url`: by its place in its parent,
        where several would do by its address and name."""
        seen = self._recorded.get(number)
        if seen is None or seen.parent is None:
            return tab.frame
        held = tab.frames.get(self._found.get(number, ""))
        if held is not None:
            return held
        above = self.frame(tab, seen.parent, "")
        if above is None:
            return None
        taken = {self._found[n] for n in self._found if n != number}
        best: tuple[int, Frame] | None = None
        for index, child in enumerate(tab.children(above)):
            if child.ident in taken:
                continue
            score = 4 * (_plain(child.url) == _plain(url)) + 3 * (index == seen.index)
            score += 2 * bool(seen.name and child.name == seen.name)
            if score and (best is None or score > best[0]):
                best = (score, child)
        if best is None:
            return None
        self._found[number] = best[1].ident
        return best[1]


def _plain(url: str) -> str:
    return url.partition("#")[0]
