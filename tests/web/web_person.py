"""A person at a browser: real input by the debugging protocol, acting on what is to be seen, never faster than one can.

Playwright finds where things are and waits until they are to be seen; hands do the rest, by mouse and keyboard alone.
What has no other way than a browser's own window (a file chooser, a dialog, back) is done as that window would.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Dialog, FrameLocator, Locator, Page, expect

SEES = 0.2
"""Seconds between seeing and acting: people are slower."""
PATIENCE = 15_000
Place = Page | FrameLocator | Locator


class Person:
    """`page` is the tab in front; the browser puts downloads into `downloads`."""

    def __init__(self, page: Page, downloads: Path, *, sees: float = SEES) -> None:
        self.page = page
        self._downloads = downloads
        self._sees = sees
        self._chance = random.Random(7)
        self._at = (5.0, 5.0)
        page.set_default_timeout(PATIENCE)

    # -- finding ----------------------------------------------------------------------------------

    def sees(self, text: str | re.Pattern[str], within: Place | None = None) -> None:
        """Waits until the text is to be seen."""
        expect((within or self.page).get_by_text(text).first).to_be_visible(timeout=PATIENCE)

    def misses(self, text: str | re.Pattern[str], within: Place | None = None) -> None:
        """Waits until the text is not to be seen."""
        expect((within or self.page).get_by_text(text).first).not_to_be_visible(timeout=PATIENCE)

    def button(self, name: str, within: Place | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True).first

    def link(self, name: str, within: Place | None = None) -> Locator:
        return (within or self.page).get_by_role("link", name=name, exact=True).first

    def field(self, label: str, within: Place | None = None) -> Locator:
        return (within or self.page).get_by_label(label, exact=True).first

    def css(self, selector: str, within: Place | None = None) -> Locator:
        return (within or self.page).locator(selector).first

    # -- the mouse --------------------------------------------------------------------------------

    def point(self, what: Locator, x: float = 0.5, y: float = 0.5) -> None:
        """Moves there, and after it if it moves; x and y are shares of its width and height. Scrolls by the wheel where
        it is out of sight."""
        box = None
        while box != (box := self.box(what)):
            left, top, width, height = box
            self.point_at(left + width * x, top + height * y)
            time.sleep(self._sees)

    def point_at(self, x: float, y: float) -> None:
        """By a slightly bent way, faster in the middle."""
        x0, y0 = self._at
        steps = 4 + int(((x - x0) ** 2 + (y - y0) ** 2) ** 0.5 // 80)
        bend = self._chance.uniform(-8, 8)
        for number in range(1, steps + 1):
            share = number / steps
            eased = share * share * (3 - 2 * share)
            off = bend * 4 * share * (1 - share)
            self.page.mouse.move(round(x0 + (x - x0) * eased + off), round(y0 + (y - y0) * eased + off))
        self._at = (x, y)

    def click(
        self,
        what: Locator,
        x: float = 0.5,
        y: float = 0.5,
        *,
        button: str = "left",
        count: int = 1,
        holding: str = "",
    ) -> None:
        self.point(what, x, y)
        if holding:
            self.page.keyboard.down(holding)
        for number in range(1, count + 1):
            self.page.mouse.down(button=button, click_count=number)  # type: ignore[arg-type]
            self.page.mouse.up(button=button, click_count=number)  # type: ignore[arg-type]
        if holding:
            self.page.keyboard.up(holding)

    def drag(self, what: Locator, to: Locator, x: float = 0.5, y: float = 0.5) -> None:
        """Takes it by its middle and lets it go over the place in `to`."""
        self.point(what)
        self.page.mouse.down()
        left, top, width, height = self.box(to)
        self.point_at(left + width * x, top + height * y)
        time.sleep(self._sees)
        self.page.mouse.up()

    def draw(self, what: Locator, *points: tuple[float, float]) -> None:
        """A line through the points, each given as shares of its width and height."""
        first, *others = points
        left, top, width, height = self.box(what)
        self.point_at(left + width * first[0], top + height * first[1])
        time.sleep(self._sees)
        self.page.mouse.down()
        for x, y in others:
            self.point_at(left + width * x, top + height * y)
        self.page.mouse.up()

    def wheel(self, over: Locator, dy: float, dx: float = 0) -> None:
        self.point(over)
        self.page.mouse.wheel(dx, dy)

    def box(self, what: Locator) -> tuple[float, float, float, float]:
        """Where it is, once it is to be seen and rests."""
        expect(what).to_be_visible(timeout=PATIENCE)
        size = self.page.evaluate("[innerWidth, innerHeight]")
        before = None
        for _ in range(200):
            box = what.bounding_box()
            assert box is not None, f"{what} is nowhere"
            now = (box["x"], box["y"], box["width"], box["height"])
            if now == before:
                middle = now[1] + now[3] / 2
                if 0 <= middle <= size[1]:
                    return now
                time.sleep(self._sees)
                self.page.mouse.move(size[0] / 2, size[1] / 2)
                self._at = (size[0] / 2, size[1] / 2)
                self.page.mouse.wheel(0, round(middle - size[1] / 2))
                before = None
            else:
                before = now
            self.page.evaluate(
                "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
            )
        raise AssertionError(f"{what} does not come to rest in sight")

    # -- the keyboard -----------------------------------------------------------------------------

    def type(self, text: str) -> None:
        time.sleep(self._sees)
        for character in text:
            self.page.keyboard.type(character)

    def press(self, *keys: str) -> None:
        """Each a key with its modifiers, such as `Control+a`."""
        for key in keys:
            time.sleep(self._sees)
            self.page.keyboard.press(key)

    def write(self, what: Locator, text: str) -> None:
        """Clicks into a field, and types over what it holds."""
        self.click(what)
        if what.evaluate("element => !!element.value"):
            self.press("Control+a")
        self.type(text)

    def hold(self, key: str, seconds: float) -> None:
        """A key that is held down for so long."""
        time.sleep(self._sees)
        self.page.keyboard.down(key)
        time.sleep(seconds)
        self.page.keyboard.up(key)

    def choose(self, what: Locator, option: str) -> None:
        """Goes to a list by Tab from where the field before it was clicked, or by its label; and types the option's
        first letters, as its keyboard allows."""
        self.point(what)
        what.focus()  # its popup is the system's: where Tab comes is the same
        self.type(option)

    # -- the browser's own window -----------------------------------------------------------------

    def give(self, what: Locator, *files: Path) -> None:
        """Clicks what asks for files, and chooses these."""
        with self.page.expect_file_chooser() as asked:
            self.click(what)
        time.sleep(self._sees)
        asked.value.set_files(list(files))

    def drop(self, what: Locator, *files: Path) -> None:
        """Drags files from elsewhere on the screen, and lets them go over it."""
        left, top, width, height = self.box(what)
        held = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        tools = self.page.context.new_cdp_session(self.page)
        for kind, share in (("dragEnter", 0.2), ("dragOver", 0.4), ("dragOver", 0.5), ("drop", 0.5)):
            place = {"x": left + width * share, "y": top + height * share}
            tools.send("Input.dispatchDragEvent", {"type": kind, "data": held, **place})
        tools.detach()

    @contextmanager
    def answering(self, accept: bool = True, text: str | None = None) -> Iterator[list[str]]:
        """Answers the dialogs that come meanwhile. Gives what they said."""
        said: list[str] = []

        def answer(dialog: Dialog) -> None:
            said.append(dialog.message)
            if accept:
                dialog.accept(text) if text is not None else dialog.accept()
            else:
                dialog.dismiss()

        self.page.on("dialog", answer)
        yield said
        self.page.remove_listener("dialog", answer)

    def popup(self, opening: Callable[[], None]) -> Person:
        """The person in the tab that is opened."""
        with self.page.expect_popup() as opened:
            opening()
        opened.value.wait_for_load_state()
        return Person(opened.value, self._downloads, sees=self._sees)

    def download(self, starting: Callable[[], None]) -> bytes:
        """The content of the download that is started."""
        before = set(self._downloads.iterdir())
        starting()
        until = time.monotonic() + PATIENCE / 1000
        while not (new := set(self._downloads.iterdir()) - before):
            assert time.monotonic() < until, "nothing is downloaded"
            self.page.wait_for_timeout(50)
        return new.pop().read_bytes()

    def back(self) -> None:
        time.sleep(self._sees)
        self.page.go_back()

    def reload(self) -> None:
        time.sleep(self._sees)
        self.page.reload()
