"""`reenact replay --live`: a recorded session on the site as it has become. What is hit, the site itself tells."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from invoices import AS_IT_WAS, INSERTED, Page
from recorded_browser import CHROMIUM, Recording

REENACT = shutil.which("reenact", path=str(Path(sys.executable).parent)) or "reenact"


class Shop(ThreadingHTTPServer):
    """Serves `page`; `did` is what was done on it, as its own script tells."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.did: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Shop

    def do_GET(self) -> None:
        self._answer(self.server.page.html())

    def do_POST(self) -> None:
        self.server.did.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._answer("")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def served(page: Page) -> Iterator[Shop]:
    with Shop(page) as shop:
        Thread(target=shop.serve_forever, daemon=True).start()
        try:
            yield shop
        finally:
            shop.shutdown()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A trace of deeds at the page as it was, and what they did."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    folder = tmp_path_factory.mktemp("drift")
    with served(Page(spans=True)) as shop:
        recording = Recording(folder, f"{shop.address}/")
        with recording.expert() as page:
            for which in ("cancel", "delete 17", "edit 3"):
                page.locator(f"[data-does='{which}']").scroll_into_view_if_needed()
                box = page.locator(f"[data-does='{which}'] span").bounding_box()
                assert box is not None
                page.mouse.click(box["x"] + 3, box["y"] + 3)
            page.locator("#search").click()
            page.keyboard.type("steel")
            page.locator("[name=paid]").check()
            page.locator("#save-button").click()
            recording.close(page)
        result, said = recording.ended()
        assert result["state"] == "complete", said
        assert shop.did == ["cancel", "delete 17", "edit 3", "search", "paid", "save"]
        return recording.out, shop.did


def live(trace: Path, shop: Shop) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [REENACT, "replay", str(trace), "--live", "--base", shop.address, "--json"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_what_changed_is_healed_and_nothing_else_is_hit(recorded: tuple[Path, list[str]]) -> None:
    trace, did = recorded
    ids = {"save": "x1", "cancel": "x2", "search": "x3"}
    with served(Page(rows=INSERTED, ids=ids, footer=True, columns_swapped=True, spans=True)) as shop:
        code, result = live(trace, shop)
        assert shop.did == did
    outcomes = {step["text"]: step["outcome"] for step in result["steps"]}
    assert code == 0, outcomes
    assert outcomes["click button “Delete” in row “Invoice 1017”"] == "healed"
    assert result["mode"] == "drift"
    assert result["verified"] is False
    saved = next(step for step in result["steps"] if step["text"] == "click button “Save”")
    assert {"feature": "id", "recorded": "save-button", "now": "x1"} in saved["healed"]


@pytest.mark.slow
def test_what_cannot_be_told_is_refused_and_nothing_is_done_after_it(
    recorded: tuple[Path, list[str]],
) -> None:
    trace, _ = recorded
    with served(Page(rows=INSERTED, row_words=False, spans=True)) as shop:
        code, result = live(trace, shop)
        assert shop.did == ["cancel"]
    assert code == 1
    refused = [step for step in result["steps"] if step["outcome"] == "refused"]
    assert [step["text"] for step in refused] == ["click button “Delete” in row “Invoice 1017”"]
    assert "Invoice 1017" in refused[0]["why"]
    assert result["steps"][-1]["outcome"] == "not reached"


@pytest.mark.slow
def test_an_element_behind_another_is_refused(recorded: tuple[Path, list[str]]) -> None:
    trace, _ = recorded
    cover = "<div data-does=cover style='position:fixed;inset:0;background:#fff8'></div>"

    class Covered(Page):
        def html(self) -> str:
            return super().html() + cover

    with served(Covered(spans=True)) as shop:
        code, result = live(trace, shop)
        assert shop.did == []
    assert code == 1
    assert any("in front of it" in step.get("why", "") for step in result["steps"])
    assert AS_IT_WAS.html() != shop.page.html()


@pytest.mark.slow
def test_the_recorded_session_is_told(recorded: tuple[Path, list[str]]) -> None:
    trace, _ = recorded
    said = subprocess.run([REENACT, "steps", str(trace), "--json"], capture_output=True, check=True).stdout
    told = {step["text"]: step for step in json.loads(said)}
    deleted = told["click button “Delete” in row “Invoice 1017”"]["gesture"]
    assert (deleted["verb"], deleted["tab"], deleted["frames"]) == ("click", 1, [])
    assert told["fill field “Search” with “steel”"]["gesture"]["value"] == "steel"
    assert any(asked["url"].endswith("/did") for asked in told["click button “Cancel”"]["requests"])
    shown = subprocess.run([REENACT, "show", str(trace)], capture_output=True, check=True, text=True).stdout
    assert "more that scripts made" in shown
