"""A browser's gestures as a script of Playwright for Python that a person can read, run and keep. Pure.

Each action is preceded by its sentence, and followed by what it led to: the URL, the title, and what the
accessibility tree gained. What cannot be done or asserted is said in the script and counted in the losses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from recorder.trace.pages import BrowserStarted, FileChosen, PageState
from recorder.trace.printable import printable
from replay.export import aria
from replay.export.actions import Action, Pages
from replay.export.locators import python, quoted
from replay.export.losses import Loss, Losses

_MOST_NEWS = 8
"""Nodes of an accessibility tree that one action's assertion names."""
_MODIFIERS = ((2, "Control"), (1, "Alt"), (4, "Meta"), (8, "Shift"))
_BUTTONS = {1: "middle", 2: "right"}


class Script(NamedTuple):
    """`text` is the script, `files` what it reads beside it: the name below its folder of files, and the blob.
    `lines` are the first line (from 1) of each action."""

    text: str
    files: dict[str, str]
    lines: list[int]
    losses: list[Loss]


def script(
    actions: Sequence[Action],
    pages: Pages,
    read_aria: Callable[[str], str],
    *,
    title: str,
    folder: str,
    asserted: bool = True,
) -> Script:
    """The script that does `actions`. `read_aria` gives the snapshot of a blob, `folder` is the name of the folder of
    files beside the script; without `asserted` the script only acts."""
    writer = _Writer(read_aria, folder, asserted, pages.rich_text())
    writer.body(actions)
    return writer.script(title, pages.started)


class _Writer:
    def __init__(
        self, read_aria: Callable[[str], str], folder: str, asserted: bool, rich: frozenset[str]
    ) -> None:
        self._rich = rich
        self._aria = read_aria
        self._folder = folder
        self._asserted = asserted
        self._losses = Losses()
        self._lines: list[str] = []
        self._starts: list[int] = []
        self._files: dict[str, str] = {}
        self._secrets: dict[str, None] = {}
        self._pages: dict[int, str] = {}
        self._shown: dict[int, tuple[PageState, list[aria.Node]]] = {}
        self._uses: set[str] = set()
        self._origin = ""
        self._clipboard: str | None = None
        self._clips = False

    # -- the whole ----------------------------------------------------------------------------------

    def body(self, actions: Sequence[Action]) -> None:
        self._origin = next(
            (_origin(a.gesture.value) for a in actions if a.gesture.verb == "navigate" and a.gesture.value),
            "",
        )
        self._clips = any(action.gesture.verb in ("copy", "cut", "paste") for action in actions)
        for action in actions:
            self._line("")
            self._starts.append(len(self._lines))
            self._line(f"# {action.n}. {printable(action.text)[:300]}")
            self._act(action)
            if self._asserted:
                self._assert(action)

    def script(self, title: str, started: BrowserStarted | None) -> Script:
        if started is not None and started.storage is not None:
            self._files["storage.json"] = started.storage
        head = list(self._head(title))
        shift = len(head) + 1
        options = [
            *_context(started),
            *(['permissions=["clipboard-read", "clipboard-write"]'] if self._clips else []),
        ]
        foot = _FOOT.replace("CONTEXT", ", ".join(options))
        text = "\n".join([*head, *(f"    {line}" if line else "" for line in self._lines), foot]) + "\n"
        lines = [start + shift for start in self._starts]
        return Script(text, self._files, lines, self._losses.told())

    def _head(self, title: str) -> Iterator[str]:
        yield '"""' + printable(title).replace("\\", "\\\\").replace('"""', "'''").rstrip('"') + '"""'
        yield ""
        yield "import os"
        if "shows" in self._uses or any("re.compile(" in line for line in self._lines):
            yield "import re"
        if self._files:
            yield "from pathlib import Path"
        if "shows" in self._uses:
            yield "from textwrap import dedent"
        yield ""
        names = ["Dialog"] if "answer" in self._uses else []
        names += ["Page", *(["expect"] if "expect" in self._uses else []), "sync_playwright"]
        yield f"from playwright.sync_api import {', '.join(names)}"
        yield ""
        if self._origin:
            yield f'ORIGIN = os.environ.get("ORIGIN", {quoted(self._origin)})'
        if self._files:
            yield f"FILES = Path(__file__).parent / {quoted(self._folder)}"
        for name in self._secrets:
            yield f'{name} = os.environ["{name}"]  # was withheld when it was recorded'
        if self._origin or self._files or self._secrets:
            yield ""
        yield ""
        if "answer" in self._uses:
            yield from _ANSWER.splitlines()
        if "shows" in self._uses:
            yield from _SHOWS.splitlines()
        yield "def act(page: Page) -> None:"
        yield f"    page.set_default_timeout({_TIMEOUT_MS})"

    # -- what is done ---------------------------------------------------------------------------------

    def _act(self, action: Action) -> None:
        gesture = action.gesture
        page = self._page(gesture.tab)
        if action.dialogs:
            self._answers(page, action)
        with_popups = [tab for tab in action.opened if tab not in self._pages and gesture.verb != "new_tab"]
        done = self._call(action, page)
        if done is None:
            return
        blocks: list[str] = []
        for count, download in enumerate(action.downloads):
            blocks.append(f"with {page}.expect_download() as download{count or ''}:")
            if not download.complete:
                self._lose("a download that did not come to its end: it is waited for all the same", action)
        blocks += [f"with {page}.expect_popup() as {self._page(tab)}_info:" for tab in with_popups]
        for depth, block in enumerate(blocks):
            self._line("    " * depth + block)
        for line in done:
            self._line("    " * len(blocks) + line)
        for tab in with_popups:
            self._line(f"{self._page(tab)} = {self._page(tab)}_info.value")
        for count, download in enumerate(action.downloads):
            self._line(f"assert download{count or ''}.value.suggested_filename == {quoted(download.name)}")

    def _call(self, action: Action, page: str) -> list[str] | None:
        """The lines that do the action; null where nothing can."""
        gesture, told = action.gesture, action.target
        if action.unreachable:
            return self._by_position(action, page)
        at = python(told, page) if told else ""
        if told and told.doubt:
            self._lose(f"what tells an element apart: {told.doubt}", action)
        match gesture.verb:
            case "click" | "double_click" | "right_click" | "hover" | "check" | "uncheck":
                return self._pointed(action, at, page)
            case "fill" | "type":
                return self._typed(action, at, page)
            case "press" | "copy" | "cut":
                return self._pressed(action, at, page)
            case "paste":
                return self._pasted(action, at, page)
            case "select":
                chosen = ", ".join(quoted(value) for value in gesture.values or (gesture.value or "",))
                one = len(gesture.values) <= 1
                return [f"{at}.select_option({chosen if one else f'[{chosen}]'})"]
            case "upload":
                return self._uploaded(action, at, page)
            case "drag":
                return self._dragged(action, at, page)
            case "scroll":
                x, y = gesture.scroll or (0.0, 0.0)
                if at:
                    return [f'{at}.evaluate("(element, [x, y]) => element.scrollTo(x, y)", [{x:g}, {y:g}])']
                return [f'{page}.evaluate("([x, y]) => scrollTo(x, y)", [{x:g}, {y:g}])']
            case "navigate":
                return [f"{page}.goto({self._url(gesture.value or 'about:blank')})"]
            case "back" | "forward":
                return [f"{page}.go_{gesture.verb}()"]
            case "reload":
                return [f"{page}.reload()"]
            case "new_tab":
                made = self._page(next(iter(action.opened), gesture.tab))
                lines = [f"{made} = page.context.new_page()"]
                return [*lines, f"{made}.goto({self._url(gesture.value)})"] if gesture.value else lines
            case "close_tab":
                return [f"{page}.close(run_before_unload=True)" if action.dialogs else f"{page}.close()"]
            case "switch_tab":
                return [f"{page}.bring_to_front()"]
            case "resize":
                width, height = gesture.size or (1280, 720)
                return [f'{page}.set_viewport_size({{"width": {width:.0f}, "height": {height:.0f}}})']
            case "dialog" | "download":
                self._lose(f"a {gesture.verb} before any action", action)
                return None

    def _pointed(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        if not at:
            self._lose(f"a {gesture.verb} on nothing that is known", action)
            return []
        options = []
        if gesture.verb == "right_click":
            options.append('button="right"')
        elif gesture.button in _BUTTONS:
            options.append(f'button="{_BUTTONS[gesture.button]}"')
        if gesture.modifiers:
            held = ", ".join(f'"{name}"' for bit, name in _MODIFIERS if gesture.modifiers & bit)
            options.append(f"modifiers=[{held}]")
        if gesture.offset and _place_matters(action):
            options.append(_position("position", gesture.offset))
        call = {"double_click": "dblclick", "right_click": "click"}.get(gesture.verb, gesture.verb)
        return [f"{at}.{call}({', '.join(options)})"]

    def _typed(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        if gesture.masked:
            value = self._secret(action)
        else:
            value = quoted(gesture.value or "")
        if gesture.verb == "fill" and at:
            held = [f"{at}.fill({quoted(action.held)})"] if action.held else []
            return [*held, f"{at}.fill({value})"]
        return [f"{at}.press_sequentially({value})" if at else f"{page}.keyboard.type({value})"]

    def _pressed(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        keys = gesture.value or ""
        if gesture.verb in ("copy", "cut"):
            self._clipboard = keys
            keys = "ControlOrMeta+C" if gesture.verb == "copy" else "ControlOrMeta+X"
        elif len(keys) == 1 and not keys.isascii():
            return [
                f"{page}.keyboard.insert_text({quoted(keys)})"
            ]  # no key of the keyboard that Playwright has
        return [f"{at}.press({quoted(keys)})" if at else f"{page}.keyboard.press({quoted(keys)})"]

    def _pasted(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        text = gesture.value or next((clip.text for clip in gesture.clips if clip.text), "") or ""
        if text and text == self._clipboard:
            return [f'{at}.press("ControlOrMeta+V")' if at else f'{page}.keyboard.press("ControlOrMeta+V")']
        if any(not clip.type.startswith("text/plain") for clip in gesture.clips) and not text:
            self._lose("pasted content that is no text", action)
        self._lose("a paste from elsewhere: its text is inserted, no paste event is seen", action)
        return [*([f"{at}.focus()"] if at else []), f"{page}.keyboard.insert_text({quoted(text)})"]

    def _uploaded(self, action: Action, at: str, page: str) -> list[str]:
        names = [self._file(action, index, file) for index, file in enumerate(action.gesture.files, 1)]
        told = ", ".join(name for name in names if name)
        one = len(names) == 1
        chosen = told if one and told else f"[{told}]"
        target = action.gesture.target
        if target is None or (target.tag == "input" and target.type == "file"):
            return [f"{at or page + _ANY_FILE}.set_input_files({chosen})"]
        return [
            f"with {page}.expect_file_chooser() as chooser:",
            f"    {at}.click()",
            f"chooser.value.set_files({chosen})",
        ]

    def _dragged(self, action: Action, at: str, page: str) -> list[str]:
        gesture = action.gesture
        onto = python(action.onto, page) if action.onto else ""
        if not at:
            self._lose("a drag of nothing that is known", action)
            return []
        if onto and onto != at:
            places = [_position("source_position", gesture.offset)] if gesture.offset else []
            places += [_position("target_position", gesture.onto_offset)] if gesture.onto_offset else []
            return [f"{at}.drag_to({', '.join([onto, *places])})"]
        (x, y), (to_x, to_y) = gesture.offset or (0.0, 0.0), gesture.onto_offset or (0.0, 0.0)
        self._lose("the way of a drag within one element: it is drawn straight", action)
        return [
            f"box = {at}.bounding_box()",
            "assert box is not None",
            f'{page}.mouse.move(box["x"] + {x:g}, box["y"] + {y:g})',
            f"{page}.mouse.down()",
            f'{page}.mouse.move(box["x"] + {to_x:g}, box["y"] + {to_y:g}, steps=10)',
            f"{page}.mouse.up()",
        ]

    def _by_position(self, action: Action, page: str) -> list[str] | None:
        """What is in a closed shadow root can be pointed at, in the tab's own frame."""
        gesture = action.gesture
        target = gesture.target
        if target is None or target.rect is None or action.frames != ():
            self._lose("an element that no locator reaches: the action is left out", action)
            self._line("# left out: no locator reaches it")
            return None
        self._lose("an element in a closed shadow root: found by its place in the window alone", action)
        left, top, width, height = target.rect
        x, y = gesture.offset or (width / 2, height / 2)
        place = f"{left + x:g}, {top + y:g}"
        if gesture.verb in ("click", "double_click", "right_click", "hover", "check", "uncheck"):
            call = {"double_click": "dblclick", "hover": "move"}.get(gesture.verb, "click")
            button = ', button="right"' if gesture.verb == "right_click" else ""
            return [f"{page}.mouse.{call}({place}{button})"]
        click = f"{page}.mouse.click({place})"
        if gesture.verb in ("fill", "type"):
            every = [f'{page}.keyboard.press("ControlOrMeta+A")'] if gesture.verb == "fill" else []
            return [click, *every, *self._typed(action, "", page)]
        if gesture.verb in ("press", "copy", "cut"):
            return self._pressed(action, "", page)
        self._line("# left out: no locator reaches it")
        return None

    def _answers(self, page: str, action: Action) -> None:
        replies = []
        for dialog in action.dialogs:
            self._line(f"# {dialog.type}: {printable(dialog.message)[:200]}")
            typed = dialog.type == "prompt" and dialog.accepted and dialog.answer is not None
            replies.append(quoted(dialog.answer or "") if typed else str(dialog.accepted))
        self._uses.add("answer")
        self._line(f"answer({page}, {', '.join(replies)})")

    # -- what it led to -------------------------------------------------------------------------------

    def _assert(self, action: Action) -> None:
        state, tab = action.shown, action.gesture.tab
        if state is None or action.gesture.verb == "close_tab":
            return
        page = self._page(tab)
        before, tree = self._shown.get(tab, (None, []))
        if (before is None or state.url != before.url) and not state.url.startswith("about:"):
            self._uses.add("expect")
            self._line(f"expect({page}).to_have_url({self._url(state.url)})")
        if state.title and (before is None or state.title != before.title) and aria.steady(state.title):
            self._uses.add("expect")
            self._line(f"expect({page}).to_have_title({quoted(state.title)})")
        fresh = tree
        if state.aria is not None:
            fresh, dropped = aria.steadied(aria.parse(self._aria(state.aria)), self._rich)
            if dropped and fresh != tree:
                what = "words of a page that hold times, identifiers or long text: not asserted"
                self._lose(what, action, dropped)
            self._assert_news(action, page, tree if before and before.doc == state.doc else [], fresh)
        self._shown[tab] = (state, fresh)

    def _assert_news(
        self, action: Action, page: str, before: list[aria.Node], after: list[aria.Node]
    ) -> None:
        found, left_out = aria.news(before, after, _MOST_NEWS)
        if any(node.role != "text" for node in found):
            found = [
                node for node in found if node.role != "text"
            ]  # words beside elements are put together differently
        found, said = _apart(found, _WORDY if self._rich else _WORDY[:2])
        if left_out:
            self._lose(
                f"of what an action brought, all but {_MOST_NEWS} nodes: not asserted", action, left_out
            )
        for words in said:
            self._uses.add("expect")
            self._line(f'expect({page}.locator("body")).to_contain_text({quoted(words)})')
        lines = aria.loosened(aria.render(_telling(found)))
        if not lines:
            return
        self._uses |= {"expect", "shows"}
        self._line(f'shows({page}, """')
        for line in lines:
            self._line("    " + repr(line)[1:-1].replace("\\'", "'").replace('"""', '\\"\\"\\"'))
        self._line('""")')

    # -- parts ----------------------------------------------------------------------------------------

    def _page(self, tab: int) -> str:
        if tab not in self._pages:
            self._pages[tab] = f"page{len(self._pages) or ''}"
        return self._pages[tab]

    def _url(self, url: str) -> str:
        if self._origin and (url == self._origin or url.startswith((self._origin + "/", self._origin + "?"))):
            rest = url[len(self._origin) :]
            return f"ORIGIN + {quoted(rest)}" if rest else "ORIGIN"
        return quoted(url)

    def _secret(self, action: Action) -> str:
        target = action.gesture.target
        told = (target.name or target.label or target.id or target.tag) if target else ""
        name = (
            re.sub(r"[^A-Z0-9]+", "_", told.upper().encode("ascii", "ignore").decode()).strip("_") or "SECRET"
        )
        name = name if not name[0].isdigit() else f"SECRET_{name}"
        self._secrets[name[:64]] = None
        self._lose(f"a withheld text: set the environment variable {name[:64]}", action)
        return name[:64]

    def _file(self, action: Action, index: int, file: FileChosen) -> str:
        if file.blob is None:
            self._lose(f"a file that a page was given: the trace does not have it ({file.skipped})", action)
            return ""
        plain = "".join(c if c.isprintable() else "_" for c in re.split(r"[/\\]", file.name)[-1])
        plain = (
            plain.lstrip(".")[-60:] or "file"
        )  # 60 characters are at most 240 bytes, which a name may have
        name = f"{action.n}-{index}/{plain}"
        self._files[name] = file.blob
        return f"FILES / {quoted(name)}"

    def _line(self, line: str) -> None:
        self._lines.append(line)

    def _lose(self, what: str, action: Action, count: int = 1) -> None:
        self._losses.add(what, action.n, count)


_TIMEOUT_MS = 10_000
_ANY_FILE = ".locator(\"input[type='file']\")"
_ANSWER = '''\
def answer(page: Page, *replies: bool | str) -> None:
    """The page's next dialogs are accepted (True), dismissed (False), or given a text."""
    waiting = list(replies)

    def reply(dialog: Dialog) -> None:
        told = waiting.pop(0)
        if not waiting:
            page.remove_listener("dialog", reply)
        if told is False:
            dialog.dismiss()
        else:
            dialog.accept(told if isinstance(told, str) else None)

    page.on("dialog", reply)


'''
_SHOWS = '''\
def shows(page: Page, snapshot: str) -> None:
    """The page shows each item of an ARIA snapshot, wherever it stands."""
    for item in re.split(r"(?m)^(?=- )", dedent(snapshot).strip()):
        if item:
            expect(page.locator("body")).to_match_aria_snapshot(item)


'''
_FOOT = """\


def test_recording() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM"))
        context = browser.new_context(CONTEXT)
        act(context.new_page())
        browser.close()


if __name__ == "__main__":
    test_recording()"""


def _context(started: BrowserStarted | None) -> list[str]:
    """The options of the browser's context: what the recorded pages could see of it."""
    if started is None:
        return []
    options = []
    if started.width and started.height:
        options.append(f'viewport={{"width": {started.width}, "height": {started.height}}}')
    if started.scale not in (0, 1):
        options.append(f"device_scale_factor={started.scale:g}")
    for name, value in (("locale", started.locale), ("timezone_id", started.timezone)):
        if value:
            options.append(f"{name}={quoted(value)}")
    if started.dark:
        options.append('color_scheme="dark"')
    if started.reduced_motion:
        options.append('reduced_motion="reduce"')
    if started.storage is not None:
        options.append('storage_state=FILES / "storage.json"')
    return options


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else ""


def _position(name: str, place: tuple[float, float]) -> str:
    return f'{name}={{"x": {place[0]:g}, "y": {place[1]:g}}}'


def _place_matters(action: Action) -> bool:
    """Whether it matters where within an element was clicked: a drawing, or something large without a name."""
    target = action.gesture.target
    if target is None:
        return False
    if target.tag in ("canvas", "svg", "video", "img", "map", "body", "html"):
        return True
    return not target.name and target.rect is not None and target.rect[2] * target.rect[3] > 40_000


def _telling(nodes: Sequence[aria.Node]) -> Sequence[aria.Node]:
    """Without words that stand beside elements, where there are elements to tell: how loose words are put together is
    what tools agree on least."""

    def kept(node: aria.Node) -> aria.Node:
        children = [kept(child) for child in node.children if child.role != "text"]
        return aria.Node(node.role, node.name, node.text, node.attributes, {}, children or node.children)

    return [kept(node) for node in nodes if node.role != "text"] or nodes


_WORDY = ("text", "paragraph", "listitem", "blockquote")


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
