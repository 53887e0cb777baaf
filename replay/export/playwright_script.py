"""A browser's gestures as a script of Playwright for Python that a person can read, run and keep. Pure.

Each action is preceded by its sentence, and followed by what it led to: the URL, the title, and what the
accessibility tree gained. What cannot be done or asserted is said in the script and counted in the losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from recorder.trace.pages import BrowserStarted
from recorder.trace.printable import printable
from replay.export.actions import Action
from replay.export.locators import quoted
from replay.export.losses import Loss, Losses
from replay.export.pages import Pages
from replay.export.script_calls import Calls
from replay.export.script_checks import Checks
from replay.export.script_names import Names


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
    names, losses = Names(actions), Losses()
    calls = Calls(names, losses)
    acted = [action.gesture.target for action in actions if action.gesture.target is not None]
    hidden = frozenset(target.doc for target in acted if target.closed)
    checks = Checks(names, losses, read_aria, pages.rich_text(), pages.unseen(), hidden)
    body: list[str] = []
    starts: list[int] = []
    for action in actions:
        body.append("")
        starts.append(len(body))
        body.append(f"# {action.n}. {printable(action.text)[:300]}")
        body += calls.lines(action)
        if asserted:
            body += checks.lines(action)
    started = pages.started
    if started is not None and started.storage is not None:
        names.files["storage.json"] = started.storage
    head = list(_head(title, folder, names, "\n".join(body)))
    options = list(_context(started))
    if any(action.gesture.verb in ("copy", "cut", "paste") for action in actions):
        options.append('permissions=["clipboard-read", "clipboard-write"]')
    foot = _FOOT.replace("CONTEXT", ", ".join(options))
    text = "\n".join([*head, *(f"    {line}" if line else "" for line in body), foot]) + "\n"
    return Script(text, names.files, [start + len(head) + 1 for start in starts], losses.told())


def _head(title: str, folder: str, names: Names, body: str) -> Iterator[str]:
    yield '"""' + printable(title).replace("\\", "\\\\").replace('"""', "'''").rstrip('"') + '"""'
    yield ""
    yield "import os"
    if "shows" in names.uses or "re.compile(" in body:
        yield "import re"
    if names.files:
        yield "from pathlib import Path"
    if "shows" in names.uses:
        yield "from textwrap import dedent"
    yield ""
    imported = ["Dialog"] if "answer" in names.uses else []
    imported += ["Error"] if "point" in names.uses else []
    imported += ["Locator"] if names.uses & {"drag", "point"} else []
    imported += ["Page"] + (["TimeoutError"] if "scroll" in names.uses else [])
    imported += [*(["expect"] if "expect" in names.uses else []), "sync_playwright"]
    yield f"from playwright.sync_api import {', '.join(imported)}"
    yield ""
    if names.origin:
        yield f'ORIGIN = os.environ.get("ORIGIN", {quoted(names.origin)})'
    if names.files:
        yield f"FILES = Path(__file__).parent / {quoted(folder)}"
    for name in names.secrets:
        yield f'{name} = os.environ["{name}"]  # was withheld when it was recorded'
    if names.origin or names.files or names.secrets:
        yield ""
    yield ""
    for name, function in _FUNCTIONS.items():
        if name in names.uses:
            yield from function.splitlines()
    yield "def act(page: Page) -> None:"
    yield f"    page.context.set_default_timeout({_TIMEOUT_MS})"


def _context(started: BrowserStarted | None) -> Iterator[str]:
    """The options of the browser's context: what the recorded pages could see of it."""
    if started is None:
        return
    if started.width and started.height:
        yield f'viewport={{"width": {started.width}, "height": {started.height}}}'
    if started.scale not in (0, 1):
        yield f"device_scale_factor={started.scale:g}"
    for name, value in (("locale", started.locale), ("timezone_id", started.timezone)):
        if value:
            yield f"{name}={quoted(value)}"
    if started.dark:
        yield 'color_scheme="dark"'
    if started.reduced_motion:
        yield 'reduced_motion="reduce"'
    if started.storage is not None:
        yield 'storage_state=FILES / "storage.json"'


_TIMEOUT_MS = 10_000
_FUNCTIONS = {
    "answer": '''\
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


''',
    "drag": '''\
def drag(page: Page, what: Locator, start: tuple[float, float], *way: tuple[float, float]) -> None:
    """Takes `what` at a point of it and leads it along a way, whose points count from there."""
    if what.is_visible():
        what.scroll_into_view_if_needed()
    else:
        what.locator("xpath=..").hover()  # which may show it
    box = what.bounding_box()
    assert box is not None
    x, y = box["x"] + start[0], box["y"] + start[1]
    page.mouse.move(x, y)
    page.mouse.down()
    for dx, dy in way:
        page.mouse.move(x + dx, y + dy, steps=5)
    page.mouse.up()


''',
    "point": '''\
def point(what: Locator) -> None:
    """Takes the pointer there, which may show more, if it can."""
    try:
        what.hover(timeout=2000)
    except Error:  # what comes next tells whether it matters
        pass


''',
    "scroll": '''\
def scroll(page: Page, x: float, y: float) -> None:
    """Scrolls to a place, also of a page that loads more as it is scrolled, as far as it goes."""
    there = "([x, y]) => { scrollTo(x, y); return scrollX >= x - 1 && scrollY >= y - 1; }"
    try:
        page.wait_for_function(there, arg=[x, y], polling=200, timeout=5000)
    except TimeoutError:  # what comes next tells whether it matters
        pass


''',
    "shows": '''\
def shows(page: Page, snapshot: str) -> None:
    """The page shows each item of an ARIA snapshot, wherever it stands."""
    for item in re.split(r"(?m)^(?=- )", dedent(snapshot).strip()):
        if item:
            expect(page.locator("body")).to_match_aria_snapshot(item)


''',
}
_FOOT = """\


def test_recording() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ.get("CHROMIUM"))
        context = browser.new_context(CONTEXT)
        act(context.new_page())
        browser.close()


if __name__ == "__main__":
    test_recording()"""
