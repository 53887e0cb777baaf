"""An exported Playwright trace in Playwright's own viewer, as its package ships it: that it shows what was recorded."""

from __future__ import annotations

import os
import shutil
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from interop_trace import Done, seal_events
from tape import Tape

from recorder.trace.blobs import BlobStore
from recorder.trace.events import AnyEvent, CommandEnded
from recorder.trace.pages import BrowserStarted, DialogAnswered, PageRequest, Screenshot

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "steps"))
from browser_log import BrowserLog  # noqa: E402

pytestmark = pytest.mark.slow
VIEWER = Path(sync_api.__file__).parents[1] / "driver" / "package" / "lib" / "vite" / "traceViewer"
SHOP = "http://shop.example/"


class Served(SimpleHTTPRequestHandler):
    """The viewer, and the traces of one folder under /traces/."""

    def translate_path(self, path: str) -> str:
        plain = path.split("?")[0]
        folder = Path(self.directory) if plain.startswith("/traces/") else VIEWER
        return str(folder / plain.removeprefix("/traces/").lstrip("/"))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def viewer(tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Opens a trace of this test's folder in the viewer, and gives the page."""
    found = os.environ.get("REENACT_CHROMIUM") or shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium: install it, or set REENACT_CHROMIUM to one")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Served, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever).start()
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})

        def show(name: str) -> Any:
            page.goto(f"http://127.0.0.1:{server.server_port}/index.html?trace=/traces/{name}")
            return page

        yield show
        browser.close()
    server.shutdown()
    server.server_close()


def image(red: int, width: int = 300, height: int = 200) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes((red, 0, 0)) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A session in a browser and a terminal: a field filled, a button that asks, a request, a command."""
    store = BlobStore(tmp_path / "blobs")
    log = BrowserLog(SHOP)
    log.add(
        BrowserStarted, t=0, mode="opened", product="Chromium", user_agent="UA/1", width=800, height=600, scale=1,
        locale="en-US", languages=[], timezone="UTC", dark=False, reduced_motion=False, headless=True, capture="1",
    )  # fmt: skip

    def shot(red: int) -> None:
        log.add(
            Screenshot,
            tab=1,
            blob=store.put(image(red)),
            type="image/png",
            width=300,
            height=200,
            reason="step",
        )

    before = store.put(b'- heading "Shop" [level=1]\n- textbox "Amount"\n- button "Save"')
    log.state(1, "d1", url=SHOP, aria=before)
    shot(250)
    log.target(1, role="button", name="Save", rect=(10, 20, 80, 30), css="button")
    log.target(2, "input", role="textbox", name="Amount", editable=True, rect=(10, 80, 200, 20), css="input")
    log.click(2)
    log.text("Ab", 2)
    log.wait(300)
    log.click(1, offset=(7, 8))
    log.add(
        DialogAnswered,
        tab=1,
        frame=1,
        doc=1,
        seq=900,
        type="confirm",
        message="Sure?",
        asked=log.t,
        accepted=True,
    )
    asked = {"n": 1, "tab": 1, "frame": 1, "method": "POST", "url": SHOP + "save", "type": "xmlhttprequest"}
    log.add(PageRequest, **asked)
    log.wait(200)
    after = store.put(b'- heading "Shop" [level=1]\n- textbox "Amount": Ab\n- status: Saved')
    log.state(2, "d2", url=SHOP, aria=after)
    shot(100)
    tape = Tape()
    tape.post(SHOP + "save", b"amount=Ab", b'{"saved": true}', headers=[("Content-Type", "application/json")])
    tape.command(1)
    tape.events.append(CommandEnded(t=tape.now, source="terminal/1", n=1, offset=0, exit=0, cwd="/"))
    for content in tape.blobs.values():
        store.put(content)
    from msgspec import structs

    cause = {"how": "browser", "process": "chromium", "command": None}
    flows = [structs.replace(e, t=log.t - 10**8) for e in tape.events[:2]]
    flows[0] = structs.replace(flows[0], cause=structs.replace(flows[0].cause, **cause))  # type: ignore[attr-defined]
    later = [structs.replace(e, t=log.t + 10**9 * n) for n, e in enumerate(tape.events[2:], 1)]
    events: list[AnyEvent] = sorted([*log.events, *flows, *later], key=lambda event: event.t)  # type: ignore[list-item]
    out = tmp_path / "shop.reenact"
    seal_events(events, out, tmp_path / "blobs")
    return out


def test_the_viewer_lists_actions_with_what_was_seen_and_asked(
    shop: Path, viewer: Callable[[str], Any], reenact: Callable[..., Done]
) -> None:
    done = reenact("export", "playwright-trace", shop, "-o", shop.with_name("shop.zip"), "--json")
    assert done.code == 0, done.err
    assert done.json["actions"] == 4
    page = viewer("shop.zip")
    listed = page.get_by_role("tree").get_by_role("treeitem")
    sync_api.expect(listed).to_have_count(5)
    for line in (
        "Navigate", 'get_by_role("textbox", name="Amount")', 'Fill "Ab"',
        'get_by_role("button", name="Save")', "$ command 1",
    ):  # fmt: skip
        sync_api.expect(listed.filter(has_text=line).first).to_be_visible()

    listed.filter(has_text="Save").click()
    page.get_by_role("tab", name="After").click()
    sync_api.expect(page.locator(".aria-mode-lines")).to_contain_text("status: Saved")
    picture = page.get_by_role("img", name="Screenshot")
    sync_api.expect(picture).to_be_visible()
    assert picture.evaluate("img => [img.naturalWidth, img.naturalHeight]") == [300, 200]
    page.get_by_role("tab", name="Before").click()
    sync_api.expect(page.locator(".aria-mode-lines")).to_contain_text('button "Save"')

    page.get_by_role("tab", name="Action", exact=True).click()
    sync_api.expect(page.locator(".aria-mode-lines")).not_to_contain_text("status: Saved")

    page.get_by_role("tab", name="Log").click()
    sync_api.expect(page.get_by_role("tabpanel", name="Log")).to_contain_text("4. click button “Save”")
    page.get_by_role("tab", name="Source").click()
    sync_api.expect(page.get_by_role("tabpanel", name="Source")).to_contain_text(
        'page.get_by_role("button", name="Save").click()'
    )
    page.get_by_role("tab", name="Network").click()
    asked = page.get_by_role("tabpanel", name="Network").get_by_text("save", exact=True).first
    asked.click()
    body = page.get_by_role("tabpanel", name="Network")
    page.get_by_role("tab", name="Response").click()
    sync_api.expect(body).to_contain_text('"saved": true')
