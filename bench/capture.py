"""What capturing costs a page, and that nothing is missing: `python -m bench.capture [--presses 25500]`.

Listeners: the time of each call of the capture script's listeners, by a clock around them, while a page of 5,000
elements is used; a press follows its move after 100 ms, as a person's does. Events: keys pressed without a pause, all
that the page saw of them held against what was recorded.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import BrowserContext

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "channel"), str(ROOT / "tests" / "capture_browser")]

import channel_ends  # noqa: E402
from channel_ends import Recorder, chromium  # noqa: E402
from site_of_pages import Site  # noqa: E402

from browser_ext import unpack  # noqa: E402
from recorder.trace.events import Gap  # noqa: E402
from recorder.trace.pages import PageEvent  # noqa: E402

ROW = (
    "<tr><td>Invoice {n}</td><td>{n}.00</td><td><input value='{n}'></td><td><button>Delete</button></td></tr>"
)
LARGE = (
    "<title>Invoices</title><h1>Invoices</h1><table>"
    + "".join(ROW.format(n=n) for n in range(715))
    + "</table>"
)
SETTLED = "new Promise(done => setTimeout(() => requestIdleCallback(done), 1500))"
ISOLATED = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
"""With these a page's clock, and the script's in it, tells 5 µs."""
KINDS = ("keydown", "keyup", "beforeinput", "input")


def clocked(folder: Path) -> Path:
    """The extension with a clock around its listeners."""
    copy = unpack(folder)
    script = copy / "capture.js"
    text = script.read_text()
    plain = "#see = (event) => {"
    assert text.count(plain) == 1
    around = (
        "#see = (event) => { const began = performance.now(); this.#clocked(event); (globalThis.costs ??= [])"
    )
    text = text.replace(plain, f"{around}.push(performance.now() - began); }}; #clocked = (event) => {{")
    script.write_text(text)
    return copy


def listeners(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    site.headers["/"] = ISOLATED
    cdp = context.new_cdp_session(page)
    worlds: list[dict[str, object]] = []
    cdp.on("Runtime.executionContextCreated", lambda event: worlds.append(event["context"]))
    cdp.send("Runtime.enable")
    page.goto(site.show(LARGE))
    page.evaluate(SETTLED)
    for n in range(60):
        x, y = 40 + (n * 97) % 500, 60 + (n * 53) % 480
        page.mouse.move(x, y, steps=8)
        page.wait_for_timeout(100)
        page.mouse.click(x, y)
        page.keyboard.type("words")
        if n % 10 == 9:
            page.mouse.wheel(0, 120)
    world = [one["id"] for one in worlds if one["name"] == "Reenact"][-1]
    asked = {"expression": "costs", "contextId": world, "returnByValue": True}
    costs = sorted(cost * 1000 for cost in cdp.send("Runtime.evaluate", asked)["result"]["value"])
    p = [costs[int(len(costs) * share)] for share in (0.5, 0.9, 0.99)]
    print(
        f"listeners, 5,000 elements: {len(costs)} calls, p50 {p[0]:.0f} µs, p90 {p[1]:.0f} µs, p99 {p[2]:.0f} µs"
    )
    del site.headers["/"]
    page.close()


def events(context: BrowserContext, site: Site, recorder: Recorder, presses: int) -> None:
    page = context.new_page()
    counting = "".join(f"addEventListener('{kind}', () => seen++, true);" for kind in KINDS)
    page.goto(site.show(f"<script>var seen = 0; {counting}</script><input id=field>"))
    page.click("#field")
    before, began = len(recorder.events), time.monotonic()
    for _ in range(presses // 500):
        page.keyboard.type("x" * 500)
        page.evaluate("field.value = ''")
    seen = page.evaluate("seen")

    def told() -> int:
        return sum(isinstance(event, PageEvent) and event.type in KINDS for event in recorder.events[before:])

    recorder.wait(lambda _: told() >= seen, 120)
    lost = [gap.reason for gap in recorder.of(Gap)]
    took = time.monotonic() - began
    print(f"events: {seen} seen by the page, {told()} recorded, lost: {lost or 'none'}, {took:.0f} s")
    page.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presses", type=int, default=25_500)
    given = parser.parse_args()
    site = Site()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorder = Recorder(folder / "channel" / "socket")
        recorder.up()
        shipped, channel_ends.EXTENSION = channel_ends.EXTENSION, clocked(folder / "clocked")
        secure = f"--unsafely-treat-insecure-origin-as-secure={site.url('')}"
        with chromium(folder / "clocked-profile", recorder.socket, secure) as context:
            listeners(context, site)
        channel_ends.EXTENSION = shipped
        with chromium(folder / "profile", recorder.socket) as context:
            events(context, site, recorder, given.presses)
        recorder.down()
    site.close()


if __name__ == "__main__":
    main()
