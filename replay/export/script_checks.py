"""What an action led to, as assertions of a generated script: address, title, what the page then shows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from recorder.trace.pages import PageState
from replay.export import aria
from replay.export.actions import Action
from replay.export.locators import Locator, Part, python, quoted
from replay.export.losses import Losses
from replay.export.script_names import Names

_MOST_NEWS = 8
"""Nodes of an accessibility tree that one action's assertions name."""
_LISTED = ("button", "cell", "gridcell", "heading", "link", "menuitem", "option")
"""Roles of what stands in lists, by whose names tools agree."""
_WORDY = ("text", "paragraph", "listitem", "blockquote")


class Checks:
    """Takes actions in their order. `read_aria` gives the snapshot of a blob, `rich` are names of what was edited as a
    document is, `unseen` role and name of what Playwright does not see so. No locator sees what is in closed shadow
    roots: `hidden` are documents where such was acted on, of which nobody knows what else is there."""

    def __init__(
        self,
        names: Names,
        losses: Losses,
        read_aria: Callable[[str], str],
        rich: frozenset[str],
        unseen: frozenset[tuple[str, str]],
        hidden: frozenset[int],
    ) -> None:
        self._names = names
        self._losses = losses
        self._aria = read_aria
        self._rich = rich
        self._unseen = unseen
        self._hidden = hidden
        self._shown: dict[int, tuple[PageState, list[aria.Node]]] = {}
        self._url: dict[int, str] = {}

    def lines(self, action: Action) -> Iterator[str]:
        """The assertions that follow an action."""
        state, tab, url = action.rested, action.gesture.tab, action.landed
        if action.gesture.verb == "close_tab":
            return
        page = self._names.page(tab)
        if url and url != self._url.get(tab) and not url.startswith("about:"):
            yield self._expect(f"expect({page}).to_have_url({self._names.url(url)})")
            self._url[tab] = url
        if state is None:
            return
        before, tree = self._shown.get(tab, (None, []))
        if state.title and (before is None or state.title != before.title) and aria.steady(state.title):
            yield self._expect(f"expect({page}).to_have_title({quoted(state.title)})")
        if state.aria is None:
            self._shown[tab] = (state, tree)
            return
        fresh, dropped = aria.steadied(aria.parse(self._aria(state.aria)), self._rich)
        if fresh != tree:
            if dropped:
                what = "words of a page that hold times, identifiers or long text: not asserted"
                self._losses.add(what, action.n, dropped)
            if state.doc in self._hidden:
                what = "what a page with closed shadow roots shows: no locator sees it, so it is not asserted"
                self._losses.add(what, action.n)
            else:
                yield from self._news(action, page, tree, fresh)
                if action.gesture.verb == "fill":
                    yield from self._gone(page, tree, fresh)
        self._shown[tab] = (state, fresh)

    def _news(
        self, action: Action, page: str, before: list[aria.Node], after: list[aria.Node]
    ) -> Iterator[str]:
        target = action.gesture.target
        on = (target.role, target.name) if target is not None else ("", "")
        after = aria.unheaded(aria.unpointed(before, after, on))
        if action.gesture.verb != "select":
            after = aria.unmarked(after)
        found, left_out = aria.news(before, after, _MOST_NEWS)
        if any(node.role != "text" for node in found):
            # Words beside elements are put together differently.
            found = [node for node in found if node.role != "text"]
        found = [node for node in found if (node.role, node.name) not in self._unseen]
        found, said = _apart(found, _WORDY if self._rich else _WORDY[:2])
        if left_out:
            what = f"of what an action brought, all but {_MOST_NEWS} nodes: not asserted"
            self._losses.add(what, action.n, left_out)
        for words in said:
            yield self._expect(f'expect({page}.locator("body")).to_contain_text({quoted(words)})')
        lines = aria.loosened(aria.render(_telling(found)))
        if not lines:
            return
        self._names.uses |= {"expect", "shows"}
        yield f'shows({page}, """'
        for line in lines:
            yield "    " + repr(line)[1:-1].replace("\\'", "'").replace('"""', '\\"\\"\\"')
        yield '""")'

    def _gone(self, page: str, before: list[aria.Node], after: list[aria.Node]) -> Iterator[str]:
        """The first of what a search left out: pages search some time after the last key, and draw anew then."""
        there = {(node.role, node.name) for node in aria.walk(after)}
        for node in aria.walk(before):
            if node.name and node.role in _LISTED and (node.role, node.name) not in there | self._unseen:
                found = python(Locator((Part("role", node.role, node.name),)), page)
                yield self._expect(f"expect({found}).to_have_count(0)")
                return

    def _expect(self, line: str) -> str:
        self._names.uses.add("expect")
        return line


def _telling(nodes: Sequence[aria.Node]) -> Sequence[aria.Node]:
    """Without words that stand beside elements, where there are elements to tell: how loose words are put together is
    what tools agree on least."""

    def kept(node: aria.Node) -> aria.Node:
        children = [kept(child) for child in node.children if child.role != "text"]
        return aria.Node(node.role, node.name, node.text, node.attributes, {}, children or node.children)

    return [kept(node) for node in nodes if node.role != "text"] or nodes


def _apart(nodes: Sequence[aria.Node], wordy: Sequence[str]) -> tuple[list[aria.Node], list[str]]:
    """The nodes without those of wordy roles, and what these say: of markup within a paragraph a snapshot makes other
    nodes, and in rich text a list's bullets are words of its items."""
    said: list[str] = []

    def kept(node: aria.Node) -> aria.Node | None:
        if node.role in wordy and not node.children:
            said.extend([node.text] if node.text else [])
            return None
        children = [child for child in map(kept, node.children) if child is not None]
        if node.children and not children:
            return None
        return aria.Node(node.role, node.name, node.text, node.attributes, {}, children)

    return [node for node in map(kept, nodes) if node is not None], said
