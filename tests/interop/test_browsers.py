"""A page that a browser really loaded through the recording proxy, exported as HAR, in two programs that open HARs:
Playwright serves it from there with the origin gone, and Chromium's developer tools list it."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import har_types
import msgspec
import pytest
from interop_trace import Done, seal_events
from test_har_out import everything
from test_serving import serving

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("mitmproxy", reason="mitmproxy is not installed (extra `proxy`)")

from proxied_recording import Recording  # noqa: E402 - needs mitmproxy

pytestmark = pytest.mark.slow
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

PAGE = """<!doctype html><title>loading</title><link rel=stylesheet href=/style.css>
<img id=dot src=/dot.png><p id=grown>gr&uuml;&szlig;e</p>
<script>
addEventListener('load', async () => {
  const moved = await (await fetch('/old')).text();
  const sum = await (await fetch('/sum', {method: 'POST', body: JSON.stringify([1, 2, 3])})).json();
  const other = await (await fetch('/sum', {method: 'POST', body: JSON.stringify([4, 5])})).json();
  const bytes = new Uint8Array(await (await fetch('/bytes')).arrayBuffer());
  const dot = document.getElementById('dot');
  const colour = getComputedStyle(document.getElementById('grown')).color;
  document.title = ['done', moved, sum.sum, other.sum, bytes.length, bytes[200], dot.naturalWidth, colour].join(' ');
});
</script>
"""
DONE = "done moved here 6 9 256 200 3 rgb(1, 2, 3)"


def png(width: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(width + 1)))
        + chunk(b"IEND", b"")
    )


class Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path:
            case "/":
                self._say(
                    gzip.compress(PAGE.encode()), "text/html; charset=utf-8", ("Content-Encoding", "gzip")
                )
            case "/style.css":
                self._say(b"#grown { color: rgb(1, 2, 3) }", "text/css")
            case "/dot.png":
                self._say(png(3), "image/png")
            case "/old":
                self._say(b"", "text/plain", ("Location", "/new"), status=302)
            case "/new":
                self._say(b"moved here", "text/plain")
            case "/bytes":
                self._say(bytes(range(256)), "application/octet-stream")
            case _:
                self._say(b"", "text/plain", status=404)

    def do_POST(self) -> None:
        numbers = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(json.dumps({"sum": sum(numbers)}).encode(), "application/json")

    def _say(self, body: bytes, kind: str, *headers: tuple[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def chromium(playwright: Any) -> str | None:
    """The browser that REENACT_CHROMIUM names, else the system's, else Playwright's own (null)."""
    named = os.environ.get("REENACT_CHROMIUM")
    found = named or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None and not Path(playwright.chromium.executable_path).exists():
        pytest.skip("no Chromium: install it, or set REENACT_CHROMIUM to one")
    return found


@pytest.fixture(scope="module")
def recorded(
    playwright: Any, chromium: str | None, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The trace of a page load, and the page's URL; its origin is gone."""
    root = tmp_path_factory.mktemp("recorded")
    folder = root / "session"
    folder.mkdir(mode=0o700)
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{site.server_port}/"
    recording = Recording(folder, drain=1.0)
    try:
        proxy = {"server": recording.inside["http_proxy"], "bypass": "<-loopback>"}
        browser = playwright.chromium.launch(executable_path=chromium, proxy=proxy)
        page = browser.new_page()
        page.goto(url)
        page.wait_for_function("document.title.startsWith('done')")
        assert page.title() == DONE
        browser.close()
        events = recording.finish()
    finally:
        recording.proxy.finish()
        site.shutdown()
        thread.join()
        site.server_close()
    first = min(event.t for event in events)
    moved = sorted((msgspec.structs.replace(e, t=e.t - first) for e in events), key=lambda e: e.t)
    seal_events(moved, root / "page.reenact", folder / "blobs")
    return root / "page.reenact", url


@pytest.mark.parametrize("words", [("out.har",), ("out.zip", "--attach")], ids=["embedded", "attached"])
def test_playwright_serves_the_page_with_its_origin_gone(
    playwright: Any,
    chromium: str | None,
    recorded: tuple[Path, str],
    reenact: Callable[..., Done],
    tmp_path: Path,
    words: tuple[str, ...],
) -> None:
    trace, url = recorded
    har = tmp_path / words[0]
    assert reenact("export", "har", trace, "-o", har, *words[1:]).code == 0
    browser = playwright.chromium.launch(executable_path=chromium)
    try:
        page = browser.new_page()
        with pytest.raises(sync_api.Error):
            page.goto(url)  # there is nothing
        page.route_from_har(har, not_found="abort")
        page.goto(url)
        page.wait_for_function("document.title.startsWith('done')", timeout=20_000)
        assert page.title() == DONE
        assert page.inner_text("#grown") == "grüße"
    finally:
        browser.close()


READ_BY_DEVTOOLS = """async (text) => {
  const HAR = await import('./models/har/har.js');
  const requests = HAR.Importer.Importer.requestsFromHARLog(new HAR.HARFormat.HARRoot(JSON.parse(text)).log);
  return Promise.all(requests.map(async (request) => {
    const data = await request.requestContentData();
    const body = data.isTextContent ? data.text : data.base64;
    return {url: request.url(), status: request.statusCode, kind: request.resourceType().name(), body,
            headers: request.responseHeaders.length, size: request.resourceSize,
            frames: request.frames().map((frame) => frame.text)};
  }));
}"""
SHOWN_BY_DEVTOOLS = """async (text) => {
  const network = await import('./panels/network/network.js');
  const UI = await import('./ui/legacy/legacy.js');
  await UI.ViewManager.ViewManager.instance().showView('network');
  const view = network.NetworkPanel.NetworkPanel.instance().networkLogView;
  await view.onLoadFromFile(new File([text], 'page.har'));
}"""
SHOWN_ROWS = """async () => {
  // By itself: the developer tools' policy forbids what Playwright's own waiting does.
  for (const end = performance.now() + 20_000; ;) {
    const found = [];
    const walk = (node) => {
      if (node.classList?.contains('network-log-grid')) found.push(node.textContent);
      for (const child of [...(node.shadowRoot?.children ?? []), ...(node.children ?? [])]) walk(child);
    };
    walk(document.body);
    if (found.join(' ').includes('dot.png') || performance.now() > end) return found.join(' ');
    await new Promise(requestAnimationFrame);
  }
}"""


@pytest.mark.parametrize("name", ["page.har", "page.zip"])
def test_what_playwright_recorded_is_imported_and_answers(
    playwright: Any, chromium: str | None, reenact: Callable[..., Done], tmp_path: Path, name: str
) -> None:
    """The other way round: its HAR, embedded or an archive, becomes a trace that serves the page to a browser."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=site.serve_forever, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{site.server_port}/"
    browser = playwright.chromium.launch(executable_path=chromium)
    try:
        context = browser.new_context(record_har_path=tmp_path / name)
        page = context.new_page()
        page.goto(url)
        page.wait_for_function("document.title.startsWith('done')")
        context.close()
    finally:
        browser.close()
        site.shutdown()
        thread.join()
        site.server_close()
    trace = tmp_path / "page.reenact"
    done = reenact("import", "har", tmp_path / name, "-o", trace, "--json")
    assert done.code == 0, done.err
    assert (done.json["bodies_not_kept"], done.json["left_out"]) == (0, {})
    with serving(trace) as server:
        proxy = {"server": server.told["proxy"], "bypass": "<-loopback>"}
        browser = playwright.chromium.launch(executable_path=chromium, proxy=proxy)
        try:
            page = browser.new_page()
            page.goto(url)
            page.wait_for_function("document.title.startsWith('done')", timeout=20_000)
            assert page.title() == DONE
        finally:
            browser.close()


def test_developer_tools_open_the_har(
    playwright: Any,
    chromium: str | None,
    recorded: tuple[Path, str],
    reenact: Callable[..., Done],
    sealed: Callable[[Any], Path],
    tmp_path: Path,
) -> None:
    """By the importer of Chromium's own developer tools, and in their network panel."""
    trace, url = recorded
    har = tmp_path / "page.har"
    assert reenact("export", "har", trace, "-o", har).code == 0
    har_types.check(har.read_bytes())
    profile = tmp_path / "profile"
    ports = ["--remote-debugging-port=0", "--remote-allow-origins=*"]
    context = playwright.chromium.launch_persistent_context(profile, executable_path=chromium, args=ports)
    try:
        port = int((profile / "DevToolsActivePort").read_text().split()[0])
        page = context.new_page()
        answer = page.goto(f"http://127.0.0.1:{port}/devtools/devtools_app.html")
        if answer is None or not answer.ok:
            pytest.skip("this Chromium carries no developer tools")
        found = {item["url"]: item for item in page.evaluate(READ_BY_DEVTOOLS, har.read_text())}
        assert found[url]["body"] == PAGE
        assert (found[url]["kind"], found[url]["status"]) == ("document", 200)
        assert found[url]["size"] == len(PAGE.encode())
        assert found[f"{url}old"]["status"] == 302
        assert (found[f"{url}dot.png"]["kind"], found[f"{url}style.css"]["kind"]) == ("image", "stylesheet")
        assert found[f"{url}sum"]["headers"] >= 2
        everyone = tmp_path / "everything.har"
        assert reenact("export", "har", sealed(everything()), "-o", everyone).code == 0
        others = {item["url"]: item for item in page.evaluate(READ_BY_DEVTOOLS, everyone.read_text())}
        assert others["wss://a.example/ws"]["frames"] == ["hi", "AP8="]
        assert others["http://dead.example/"]["status"] == 0
        page.locator(".root-view").wait_for(state="attached")
        page.evaluate(SHOWN_BY_DEVTOOLS, har.read_text())
        shown = page.evaluate(SHOWN_ROWS)
        assert all(name in shown for name in ("style.css", "dot.png", "old", "new", "sum", "bytes", "302"))
    finally:
        context.close()
