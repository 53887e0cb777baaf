"""The network of the expert's own browser as its debugger tells it: large bodies sent, sockets, and their replay."""

from __future__ import annotations

import hashlib
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from channel_ends import CHROMIUM
from plain_chromium import granted, plain_chromium
from playwright.sync_api import sync_playwright
from test_pairing import REENACT, env, hand, session, settled  # noqa: F401
from websockets.sync.server import ServerConnection, serve

from recorder.trace.events import FlowAnswered, FlowClosed, FlowMessage, FlowRequested
from recorder.trace.pages import Navigated
from recorder.trace.reader import open_trace

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]
PAGE = """<!doctype html><title>Talk</title><h1>Talk</h1><button id=post>Post</button><button id=talk>Talk</button>
<script>
const say = words => document.body.append(Object.assign(document.createElement('p'), {textContent: words}));
post.onclick = async () => {
  const bytes = new Uint8Array(3_000_000).map((_, n) => n * 7);
  const form = new FormData();
  form.append('file', new Blob([bytes.slice(0, 500_000)]), 'large.bin');
  for (const body of ['é'.repeat(1_000_000), bytes, form]) {
    if (body === form) form.append('words', 'few');
    const answer = await fetch('/post', {method: 'POST', body, headers: {'Cache-Control': 'no-store'}});
    say(await answer.text());
  }
  say('posted');
};
talk.onclick = () => {
  const socket = new WebSocket('ws://127.0.0.1:SOCKET/talk');
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => { socket.send('hello'); socket.send(new Uint8Array([0, 255, 7])); };
  const heard = [];
  socket.onmessage = ({data}) => {
    heard.push(typeof data === 'string' ? data : [...new Uint8Array(data)].join(' '));
    if (heard.length === 2) socket.close(1000, 'enough');
  };
  socket.onclose = ({code}) => say(`heard ${heard.join()}; closed ${code}`);
};
</script>"""


@contextmanager
def talkative() -> Iterator[str]:
    """A page that sends much, and a socket that says everything again; the page's address."""

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            page = PAGE.replace("SOCKET", str(socket.socket.getsockname()[1]))
            self.say(page if self.path == "/" else "", "text/html")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            form = self.headers["Content-Type"] or ""
            told = (
                len(body.split(b"\r\n")) if form.startswith("multipart") else hashlib.sha256(body).hexdigest()
            )
            self.say(f"{len(body) if isinstance(told, str) else 'form'} {told}", "text/plain")

        def say(self, text: str, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

    socket = serve(echo, "127.0.0.1", 0)
    pages = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threads = [threading.Thread(target=one.serve_forever, daemon=True) for one in (socket, pages)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{pages.server_address[1]}/"
    finally:
        socket.shutdown()
        pages.shutdown()
        pages.server_close()


def test_large_bodies_and_sockets_are_recorded_and_answered(
    tmp_path: Path,
    env: dict[str, str],  # noqa: F811
) -> None:
    out, profile = tmp_path / "talk.reenact", tmp_path / "profile"
    profile.mkdir()
    with (
        talkative() as address,
        session(env, "pair", "--profile", str(profile), "-o", str(out)) as (until, end),
    ):
        extension = granted(tmp_path / "extension")
        with plain_chromium(profile, extension=extension) as tools, sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(tools)
            until("is recorded")
            page = browser.contexts[0].pages[0]
            page.goto(address)
            settled(page)
            hand(page, "#post")
            page.get_by_text("posted").wait_for()
            settled(page)
            hand(page, "#talk")
            page.get_by_text("closed 1000").wait_for()
            settled(page)
            shown = page.locator("p").all_inner_texts()
            told = end()
            browser.close()
    assert told["state"] == "complete", told
    assert shown[-1] == "heard hello,0 255 7; closed 1000"
    with open_trace(out) as trace:
        posted = [
            event for event in trace.events if isinstance(event, FlowRequested) and event.method == "POST"
        ]
        numbers = {event.flow: event for event in posted}
        sent = [
            event.request
            for event in trace.events
            if isinstance(event, FlowAnswered) and event.flow in numbers
        ]
        bodies = [trace.blob(body.blob) for body in sent[:2] if body.blob is not None]
        assert [f"{len(body)} {hashlib.sha256(body).hexdigest()}" for body in bodies] == shown[:2]
        # Of what a form holds of files the browser may tell nothing; that is told, then.
        assert sent[2].blob or sent[2].skipped, sent[2]
        messages = [event for event in trace.events if isinstance(event, FlowMessage)]
        assert [(event.sent, event.text) for event in messages] == [
            (True, True), (True, False), (False, True), (False, False),
        ]  # fmt: skip
        assert [event for event in trace.events if isinstance(event, FlowClosed)]
    replayed = subprocess.run(
        [REENACT, "replay", str(out)], env=env, capture_output=True, text=True, check=False
    )
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr


def test_the_network_of_a_site_that_is_not_listed_is_not_recorded(
    tmp_path: Path,
    env: dict[str, str],  # noqa: F811
) -> None:
    """Nor does leaving a page lose what it said last, though such a browser keeps it to show it again."""
    out, profile = tmp_path / "listed.reenact", tmp_path / "profile"
    profile.mkdir()
    with (
        talkative() as address,
        session(env, "pair", "--profile", str(profile), "--site", "127.0.0.1", "-o", str(out)) as (
            until,
            end,
        ),
    ):
        extension = granted(tmp_path / "extension")
        with plain_chromium(profile, extension=extension) as tools, sync_playwright() as playwright:
            browser = playwright.chromium.connect_over_cdp(tools)
            until("is recorded")
            page = browser.contexts[0].pages[0]
            page.goto(address)
            settled(page)
            page.goto(address.replace("127.0.0.1", "localhost"))
            page.evaluate("post.onclick()")
            page.evaluate("talk.onclick()")
            page.get_by_text("closed 1000").wait_for()
            page.goto(f"{address}?again")
            settled(page)
            told = end()
            browser.close()
    assert told["state"] == "complete", told
    with open_trace(out) as trace:
        asked = [event.url for event in trace.events if isinstance(event, FlowRequested)]
        went = [event.url for event in trace.events if isinstance(event, Navigated)]
    assert {address, f"{address}?again"} <= set(asked)
    assert not [url for url in asked + went if not url.startswith(("http://127.0.0.1", "about:", "chrome:"))]
