"""A hostile page, and a hostile extension, in a real Chromium: none reaches the channel, forges, reads, or stops it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from channel_ends import CHROMIUM, Recorder, chromium, pair
from playwright.sync_api import BrowserContext, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from browser_ext import EXTENSION_ID, NATIVE_HOST
from recorder.trace.events import Gap
from recorder.trace.pages import DocumentStarted, Navigated, PageEvent, PageState

pytestmark = pytest.mark.slow
PAGE = b"<!doctype html><title>Bad</title><button id=button style='position:fixed;left:0;top:0'>Pay</button>"
REACH = """async (id) => {
  const told = {};
  const attempt = async (name, act) => {
    try { told[name] = String(await act()); } catch (error) { told[name] = `refused: ${error.name}`; }
  };
  await attempt("runtime", () => typeof chrome?.runtime?.connectNative);
  await attempt("message", () => chrome.runtime.sendMessage(id, {m: "ask", what: "stop"}));
  await attempt("connect", () => chrome.runtime.connect(id, {name: "panel"}));
  await attempt("fetch", () => fetch(`chrome-extension://${id}/popup.html`).then(() => "answered"));
  await attempt("import", () => import(`chrome-extension://${id}/worker.js`).then(() => "loaded"));
  await attempt("script", () => new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = `chrome-extension://${id}/worker.js`;
    script.onload = () => done("loaded");
    script.onerror = () => failed(new Error("none"));
    document.head.append(script);
  }));
  await attempt("frame", () => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.src = `chrome-extension://${id}/popup.html`;
    frame.onload = () => { try { done(frame.contentDocument ? "readable" : "closed"); } catch { done("closed"); } };
    document.body.append(frame);
  }));
  const globals = Object.getOwnPropertyNames(globalThis).filter((name) => /reenact/i.test(name));
  return {...told, globals};
}"""


class _Bad(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Bad)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def bad(page: Page, recorder: Recorder, port: int) -> Page:
    page.goto(f"http://bad.test:{port}/")
    recorder.wait(lambda r: r.of(DocumentStarted))
    return page


def clicks(recorder: Recorder) -> list[PageEvent]:
    return [event for event in recorder.of(PageEvent) if event.type == "click"]


def test_it_reaches_neither_the_recorder_nor_the_extension(bad: Page, recorder: Recorder) -> None:
    told = bad.evaluate(REACH, EXTENSION_ID)
    assert told.pop("runtime") == "undefined"
    assert told.pop("globals") == []
    assert told.pop("frame") == "closed"
    assert all(value.startswith("refused") for value in told.values()), told
    bad.mouse.click(5, 5)
    recorder.wait(clicks)
    assert not recorder.asks
    assert not recorder.notes
    assert len(recorder.hellos) == 1


def test_what_it_makes_itself_is_marked(bad: Page, recorder: Recorder) -> None:
    bad.evaluate(
        """() => {
          button.click();
          button.dispatchEvent(new MouseEvent("click", {bubbles: true}));
          const forged = new MouseEvent("click", {bubbles: true});
          try { Object.defineProperty(forged, "isTrusted", {value: true}); } catch {}
          button.dispatchEvent(forged);
          const item = {k: "event", s: 1, t: Date.now(), type: "click", trusted: true};
          const said = {session: "s1", items: [item]};
          for (const one of [said, {m: "batch", tab: 1, frame: 0, document: "d", items: [item]}, {m: "wake"}]) {
            postMessage(one, "*");
            dispatchEvent(new CustomEvent("reenact", {detail: one}));
            document.dispatchEvent(new MessageEvent("message", {data: one}));
          }
        }"""
    )
    bad.mouse.click(5, 5)
    recorder.wait(lambda r: [e for e in clicks(r) if e.trusted])
    assert [event.trusted for event in clicks(recorder)] == [False, False, False, True]


def test_it_cannot_keep_real_input_out_of_the_record(bad: Page, recorder: Recorder) -> None:
    bad.evaluate(
        """() => {
          for (const type of ["pointerdown", "mousedown", "click", "keydown"])
            addEventListener(type, (event) => { event.stopImmediatePropagation(); event.preventDefault(); }, true);
          EventTarget.prototype.addEventListener = () => {};
          EventTarget.prototype.removeEventListener = () => {};
          MutationObserver.prototype.observe = () => {};
          globalThis.queueMicrotask = globalThis.setTimeout = globalThis.requestAnimationFrame = () => 0;
          performance.now = Date.now = () => 0;
          JSON.stringify = Array.prototype.push = Object.assign = () => { throw new Error("no"); };
          document.open();
          document.write("<title>Other</title><button>Again</button>");
          document.close();
        }"""
    )
    bad.mouse.click(5, 5)
    bad.keyboard.press("a")
    recorder.wait(lambda r: [e for e in r.of(PageEvent) if e.type == "keydown" and e.key == "a"])
    assert [event.trusted for event in clicks(recorder)] == [True]
    assert not recorder.faults


def test_a_flood_hides_nothing_and_is_told(bad: Page, recorder: Recorder) -> None:
    bad.evaluate(
        "() => { for (let n = 0; n < 100_000; n++) button.dispatchEvent(new MouseEvent('mousedown')); }"
    )
    bad.mouse.click(5, 5)
    recorder.wait(clicks)
    made = [event for event in recorder.of(PageEvent) if not event.trusted]
    told = sum(event.detail for event in made if event.type == "omitted")
    assert sum(event.type == "mousedown" for event in made) + told == 100_000
    assert told > 50_000
    assert not recorder.of(Gap)


def test_it_learns_nothing_of_another_site(bad: Page, recorder: Recorder, port: int) -> None:
    other = bad.context.new_page()
    other.goto(f"http://good.test:{port}/")
    other.evaluate("document.title = 'the secret of good.test'")
    other.keyboard.press("x")
    recorder.wait(lambda r: [e for e in r.of(PageEvent) if e.type == "keydown"])
    heard = bad.evaluate(
        """async () => {
          const seen = [];
          addEventListener("message", (event) => seen.push(JSON.stringify(event.data)));
          const stores = [JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage}), document.cookie,
            JSON.stringify(await indexedDB.databases()), JSON.stringify(await globalThis.caches?.keys() ?? [])];
          return [...seen, ...stores, document.documentElement.outerHTML].join();
        }"""
    )
    assert "good.test" not in heard
    assert "reenact" not in heard.lower()


def test_sites_that_are_not_allowed_are_not_captured(tmp_path: Path, port: int) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    recorder = Recorder(tmp_path / "channel" / "socket", sites=["*.good.test"])
    recorder.up()
    with chromium(tmp_path / "profile", recorder.socket) as context:
        recorder.wait(lambda r: r.hellos)
        page = context.pages[0]
        for site in ("bad.test", "www.good.test", "notgood.test", "good.test.bad.test", "good.test"):
            page.goto(f"http://{site}:{port}/")
            page.mouse.click(5, 5)
        recorder.wait(lambda r: len(clicks(r)) == 2)
        hosts_seen = {event.url.split("/")[2].rpartition(":")[0] for event in recorder.of(DocumentStarted)}
        assert hosts_seen == {"www.good.test", "good.test"}
        assert {event.url.split("/")[2].rpartition(":")[0] for event in recorder.of(Navigated)} == hosts_seen
    recorder.down()


def test_of_a_site_that_the_browser_keeps_from_the_extension_nothing_is_told(
    tmp_path: Path, browser: BrowserContext, recorder: Recorder, port: int
) -> None:
    settings = browser.new_page()
    settings.goto("chrome://extensions")
    settings.evaluate(
        """async (id) => {
          await chrome.developerPrivate.updateExtensionConfiguration(
            { extensionId: id, hostAccess: "ON_SPECIFIC_SITES" });
          await chrome.developerPrivate.addHostPermission(id, "http://good.test/*");
        }""",
        EXTENSION_ID,
    )
    page = browser.new_page()
    for site in ("good.test", "bad.test", "good.test"):
        page.goto(f"http://{site}:{port}/")
        page.mouse.click(5, 5)
    recorder.wait(lambda r: len(clicks(r)) == 2)
    hosts_seen = {
        event.url.split("/")[2].rpartition(":")[0]
        for event in [*recorder.of(DocumentStarted), *recorder.of(PageState), *recorder.of(Navigated)]
        if event.url.startswith("http")
    }
    assert hosts_seen == {"good.test"}


def test_another_extension_is_no_more_welcome(tmp_path: Path, recorder: Recorder, port: int) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    other = tmp_path / "other"
    other.mkdir()
    manifest = {
        "manifest_version": 3,
        "name": "Other",
        "version": "1",
        "permissions": ["nativeMessaging"],
        "background": {"service_worker": "worker.js"},
    }
    (other / "manifest.json").write_text(json.dumps(manifest))
    (other / "worker.js").write_text(
        """globalThis.reach = async (id, host) => {
          const told = [];
          const refused = (error) => told.push(error.message);
          await chrome.runtime.sendMessage(id, {do: "stop"}).then(() => told.push("heard"), refused);
          for (const port of [chrome.runtime.connect(id, {name: "panel"}), chrome.runtime.connectNative(host)])
            await new Promise((done) => port.onDisconnect.addListener(() => {
              told.push(chrome.runtime.lastError?.message ?? "ended");
              done();
            }));
          return told;
        };"""
    )
    with chromium(tmp_path / "profile", recorder.socket, extensions=[other]) as context:
        recorder.wait(lambda r: r.hellos)
        until = context.service_workers
        found = [worker for worker in until if EXTENSION_ID not in worker.url]
        worker = (
            found[0]
            if found
            else context.wait_for_event("serviceworker", lambda w: EXTENSION_ID not in w.url)
        )
        told = worker.evaluate("([id, host]) => reach(id, host)", [EXTENSION_ID, NATIVE_HOST])
    assert "Receiving end does not exist" in told[0]
    assert "Receiving end does not exist" in told[1]
    assert "forbidden" in told[2]
    assert len(recorder.hellos) == 1
    assert not recorder.asks


KNOCK = """async (port) => {
  const told = {};
  const attempt = async (name, act) => {
    try { told[name] = await act(); } catch (error) { told[name] = `refused: ${error.name}`; }
  };
  const socket = (url) => new Promise((done) => {
    const one = new WebSocket(url);
    one.onopen = () => done("open");
    one.onclose = () => done("refused");
  });
  await attempt("socket", () => socket(`ws://127.0.0.1:${port}/reenact`));
  await attempt("renamed", () => socket(`ws://bad.test:${port}/reenact`));
  await attempt("localhost", () => socket(`ws://localhost:${port}/reenact`));
  await attempt("fetch", () => fetch(`http://127.0.0.1:${port}/reenact`).then((answer) => answer.text()));
  await attempt("same name", () => fetch(`http://bad.test:${port}/`).then((answer) => answer.text()));
  const blind = { mode: "no-cors", method: "POST", body: '{"m":"ask","what":"stop"}' };
  await attempt("blind", () => fetch(`http://127.0.0.1:${port}/reenact`, blind).then((answer) => answer.type));
  await attempt("stream", () => new Promise((done) => {
    const stream = new EventSource(`http://127.0.0.1:${port}/reenact`);
    stream.onopen = () => done("open");
    stream.onerror = () => (stream.close(), done("refused"));
  }));
  await attempt("frame", () => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.src = `http://127.0.0.1:${port}/reenact`;
    frame.onload = () => { try { done(frame.contentDocument ? "readable" : "closed"); } catch { done("closed"); } };
    document.body.append(frame);
  }));
  return told;
}"""


@pytest.mark.parametrize("way", ["code"])
def test_it_does_not_reach_the_recorders_port(bad: Page, recorder: Recorder) -> None:
    told = bad.evaluate(KNOCK, recorder.port)
    assert told.pop("blind") in ("opaque", "refused: TypeError")  # it learns nothing of what was answered
    assert told.pop("frame") == "closed"
    assert all(value.startswith("refused") for value in told.values()), told
    bad.mouse.click(5, 5)
    recorder.wait(clicks)
    assert len(recorder.hellos) == 1
    assert not recorder.asks
    assert not recorder.faults
    assert len(recorder.shown) == 1


@pytest.mark.parametrize("way", ["code"])
def test_who_took_the_port_of_a_recorder_that_is_gone_hears_nothing(bad: Page, recorder: Recorder) -> None:
    heard: list[dict[str, Any]] = []
    came = threading.Semaphore(0)

    def thief(peer: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            heard.append(json.loads(peer.recv()))
            came.release()
            peer.send(json.dumps({"m": "prove", "server": "0" * 32, "proof": "0" * 64}))
            peer.send(json.dumps({"m": "paired"}))
            heard.append(json.loads(peer.recv()))

    recorder.down()
    with serve(thief, "127.0.0.1", recorder.port) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        bad.mouse.click(5, 5)
        for _ in range(3):  # it is called again and again
            assert came.acquire(timeout=10)
        server.shutdown()
        serving.join(10)
    assert {message["m"] for message in heard} == {"pair"}
    assert {message["by"] for message in heard} == {"key"}
    assert len({message["client"] for message in heard}) == len(heard)
    recorder.up()
    recorder.wait(clicks)
    assert not recorder.of(Gap)


def test_a_code_that_does_not_fit_is_said_in_the_popup(tmp_path: Path) -> None:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    recorder = Recorder(tmp_path / "channel" / "socket", by_code=True)
    recorder.up()
    with chromium(tmp_path / "profile", None) as context:
        popup = pair(context, "no code")
        expect(popup.locator("#about")).to_contain_text("four times four letters")
        for typed, said in [
            (f"{recorder.port}-0000-0000-0000-0000", "does not fit the recorder"),
            ("1-0000-0000-0000-0000", "Nobody records at port 1"),
        ]:
            popup.get_by_label("The code that").fill(typed)
            popup.get_by_role("button", name="Connect").click()
            expect(popup.locator("#about")).to_contain_text(said)
        popup.get_by_label("The code that").fill(f" {recorder.code.lower()} ")
        popup.get_by_role("button", name="Connect").click()
        expect(popup.get_by_role("status")).to_have_text("Recording")
    assert len(recorder.shown) == 1
    recorder.down()
