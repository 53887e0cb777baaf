"""What capturing costs a page's load: `python -m bench.page_load [--loads 20]`.

A page of 5,000 elements is loaded by turns in a recorded tab, and in one of a private context of the same browser,
where there is no extension. Told is the CPU time of the pages' main threads (not the wall clock's) until the load
event, when the page stands still and asks the bench for it, and in the second and a half from then on, when the first
state is taken.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import BrowserContext

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "channel"), str(ROOT / "tests" / "capture_browser")]

from channel_ends import Recorder, chromium  # noqa: E402
from site_of_pages import Site  # noqa: E402

from bench.capture import LARGE, SETTLED  # noqa: E402

WATCHED = """<script>addEventListener("load", () => {
  const mark = new XMLHttpRequest();
  mark.open("GET", "/loaded", false);
  mark.send();
});</script>"""
FIRST = 3
"""Loads that are not counted: caches fill."""


class Loads:
    """Loads pages in a tab of `context`, coming from the `empty` one of the same site: in one process."""

    def __init__(self, context: BrowserContext, empty: str) -> None:
        assert context.browser is not None
        self._page = context.new_page()
        self._empty = empty
        self._page.goto(empty)
        self._tools = context.browser.new_browser_cdp_session()
        self._renderers: list[int] = []
        self.loaded = 0.0
        self.until: list[float] = []
        self.after: list[float] = []

    def load(self, url: str) -> None:
        processes = self._tools.send("SystemInfo.getProcessInfo")["processInfo"]
        self._renderers = [int(process["id"]) for process in processes if process["type"] == "renderer"]
        before = self.cpu()
        self._page.goto(url, wait_until="load")
        self._page.evaluate(SETTLED)
        self.until.append(self.loaded - before)
        self.after.append(self.cpu() - self.loaded)
        self._page.goto(self._empty)
        self._page.evaluate(SETTLED)

    def mark(self) -> None:
        """The page is loaded, and stands still."""
        self.loaded = self.cpu()

    def cpu(self) -> float:
        """ms that the main threads of the renderers have run so far."""
        spent = 0
        for process in self._renderers:
            with suppress(OSError):
                spent += int(Path(f"/proc/{process}/schedstat").read_text().split()[0])
        return spent / 1e6


class Marked(dict[str, bytes]):
    """Pages; `mark` is called when /loaded is asked for."""

    mark: Callable[[], None] = staticmethod(lambda: None)

    def get(self, path: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        if path == "/loaded":
            self.mark()
            return b"1"
        return super().get(path, default)


def told(name: str, plain: list[float], captured: list[float]) -> None:
    more = [with_it - without for without, with_it in zip(plain[FIRST:], captured[FIRST:], strict=True)]
    middle = statistics.median
    print(
        f"{name}: {middle(plain[FIRST:]):.1f} ms without, {middle(captured[FIRST:]):.1f} ms with,"
        f" more by {middle(more):.1f} ms (quartiles {', '.join(f'{q:.1f}' for q in statistics.quantiles(more)[::2])})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loads", type=int, default=20)
    given = parser.parse_args()
    site = Site()
    site.pages = pages = Marked()
    with tempfile.TemporaryDirectory() as name:
        recorder = Recorder(Path(name) / "channel" / "socket")
        recorder.up()
        empty, large = site.show("<title>Empty</title>", "/empty"), site.show(LARGE + WATCHED)
        with chromium(Path(name) / "profile", recorder.socket) as context:
            recorder.wait(lambda recorder: recorder.hellos)
            assert context.browser is not None
            plain = Loads(context.browser.new_context(), empty)
            captured = Loads(context, empty)
            for _ in range(FIRST + given.loads):
                for loads in (plain, captured):
                    pages.mark = loads.mark  # type: ignore[method-assign]
                    loads.load(large)
        recorder.down()
    site.close()
    told("until a page of 5,000 elements was loaded", plain.until, captured.until)
    told("in the second and a half after that", plain.after, captured.after)


if __name__ == "__main__":
    main()
