"""What a person did to the browser itself, told from what its pages caused: tabs, addresses, history. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from recorder.trace.event import Event
from recorder.trace.pages import BrowserStarted, Navigated, PageRequest, TabActivated, TabClosed, TabOpened
from recorder.trace.strokes import Stroke
from recorder.trace.verbs import Verb

_AT_ONCE_NS = 1_000_000_000
"""A page's own click or key that was followed this soon by a reload, a step in history or a closed tab caused it."""
_NOWHERE = ("about:blank", "chrome://newtab", "chrome://new-tab-page", "chrome-search://")


class TabStrip:
    """Takes what one browser states of its tabs, in order of time, or several that were opened one after the other;
    keeps each tab's history."""

    def __init__(self) -> None:
        self.open: list[int] = []
        self.opener: dict[int, int | None] = {}
        self._seen = 0
        self._expected: int | None = None
        self._visited: dict[int, list[str]] = {}
        self._place: dict[int, int] = {}
        self._tops: dict[int, int] = {}
        self._front: int | None = None

    def take(self, fact: Event, began: int, latest: Stroke | None) -> Verb | None:
        """What the person did, None where it came of `latest` (the tab's last stroke), of a page or of the browser.

        `began` is when it did: a navigation is stated at its end.
        """
        match fact:
            case BrowserStarted():
                self.open.clear()
                self._seen, self._expected, self._front = 0, None, None
                return None
            case TabOpened():
                self._seen += 1
                self.open.append(fact.tab)
                self.opener[fact.tab] = fact.opener
                self._expected = fact.tab  # it comes to the front, or not, without another gesture
                self._front = self._front or fact.tab
                return "new_tab" if fact.opener is None and self._seen > 1 else None
            case TabActivated():
                expected, self._expected = self._expected, None
                before, self._front = self._front, fact.tab
                if expected in (fact.tab, -1) or before in (fact.tab, None):  # none: the work begins there
                    return None
                return "switch_tab"
            case TabClosed():
                if fact.tab in self.open:
                    self.open.remove(fact.tab)
                if self._front == fact.tab:
                    self._expected = -1  # another comes to the front by itself
                if not self.open or _soon(latest, began):
                    return None
                return "close_tab"
            case Navigated():
                return self._navigated(fact, began, latest)
            case _:
                return None

    def _navigated(self, fact: Navigated, began: int, latest: Stroke | None) -> Verb | None:
        top = self._tops.setdefault(fact.tab, fact.frame)  # the first that is told of a tab is its own frame
        if fact.frame != top:
            return None
        way = self._moved(fact)
        if fact.how == "typed":
            return None if fact.url.startswith(_NOWHERE) else "navigate"
        if fact.how in ("reload", "back_forward"):
            verb: Verb = "reload" if fact.how == "reload" else way
            if latest is None or not _soon(latest, began):
                return verb
            latest.navigated = True
            return None
        unprompted = latest is None and self.opener.get(fact.tab) is None and not fact.within
        if unprompted and fact.how in ("link", "other") and not fact.url.startswith(_NOWHERE):
            return "navigate"
        return None

    def _moved(self, fact: Navigated) -> Verb:
        """Keeps the tab's history; whether it was gone back or forward in, if it was."""
        visited = self._visited.setdefault(fact.tab, [])
        place = self._place.get(fact.tab, -1)
        if fact.how == "reload":
            return "reload"
        if fact.how == "back_forward":
            back = next((i for i in range(place - 1, -1, -1) if visited[i] == fact.url), None)
            forth = next((i for i in range(place + 1, len(visited)) if visited[i] == fact.url), None)
            forward = forth is not None and (back is None or forth - place < place - back)
            self._place[fact.tab] = (forth if forward else back) or 0
            return "forward" if forward else "back"
        if visited and (fact.how == "redirect" or visited[place] == fact.url):
            visited[place] = fact.url
        else:
            visited[place + 1 :] = [fact.url]
            self._place[fact.tab] = place + 1
        return "navigate"


def asked_for(navigated: Navigated, asked: Sequence[PageRequest]) -> tuple[int, str]:
    """When a navigation began, and where to, before others sent it on. `asked` is what its tab asked for as a page
    since the navigation before: this one's, mostly, but also what became a download or never came."""
    url = navigated.url.partition("#")[0]
    number = next((request.n for request in reversed(asked) if request.url == url), None)
    back = navigated.how == "back_forward"
    if number is None:
        # A page that the browser had kept is not asked for.
        return (asked[0].t if asked and not back else navigated.t), navigated.url
    first = next(request for request in asked if request.n == number)
    return first.t, navigated.url if back else first.url


def _soon(latest: Stroke | None, began: int) -> bool:
    return latest is not None and latest.kind != "browser" and began - latest.t_start < _AT_ONCE_NS
