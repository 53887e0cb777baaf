"""The small browser session that the tests of pages are about: a ledger that is added to, deleted from, downloaded."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

TESTS = Path(__file__).resolve().parent.parent
for folder in (TESTS / "source_browser", TESTS / "web"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from recorded_browser import Recording, free_port, of, wait_for  # noqa: E402, F401
from web_person import Person  # noqa: E402

from recorder.trace.blobs import BlobStore  # noqa: E402
from recorder.trace.events import Downloaded  # noqa: E402
from recorder.trace.pages import PageState  # noqa: E402

PAGE = """<!doctype html><title>Ledger</title><h1>Ledger</h1>
<form id=f><label>Name <input id=name></label><button>Add</button></form>
<table><tbody id=rows></tbody></table><a href="/report.csv" download="report.csv">Report</a>
<p>Last entry: <b id=day>none</b></p>
<script>
async function load() {
  const items = await (await fetch('/items')).json();
  rows.replaceChildren(...items.map(item => {
    const row = document.createElement('tr');
    row.innerHTML = '<td></td><td><button>Delete</button></td>';
    row.firstChild.textContent = item;
    row.querySelector('button').onclick = async () => {
      if (!confirm('Delete ' + item + '?')) return;
      await fetch('/items?name=' + encodeURIComponent(item), {method: 'DELETE'});
      load();
    };
    return row;
  }));
}
f.onsubmit = async event => {
  event.preventDefault();
  const field = document.getElementById('name');
  day.textContent = new Date().toISOString().slice(0, 10);
  await fetch('/items', {method: 'POST', body: field.value});
  field.value = '';
  load();
};
load();
</script>"""


@contextmanager
def ledger() -> Iterator[str]:
    """The application on loopback; gives its address."""
    items = ["Invoice 17", "Invoice 18", "Invoice 19"]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def say(self, body: str, kind: str) -> None:
            data = body.encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            match urlsplit(self.path).path:
                case "/items":
                    self.say(json.dumps(items), "application/json")
                case "/report.csv":
                    self.say("\n".join(items), "text/csv")
                case "/":
                    self.say(PAGE, "text/html")
                case _:
                    self.say("", "image/x-icon")

        def do_POST(self) -> None:
            items.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.say("", "text/plain")

        def do_DELETE(self) -> None:
            items.remove(parse_qs(urlsplit(self.path).query)["name"][0])
            self.say("", "text/plain")

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def recorded(recording: Recording, shows: Callable[[bytes], bool]) -> None:
    """Waits until the recorder has the page's snapshot that shows it: what is done then is done to a page at rest."""
    blobs = BlobStore(recording.session / "blobs")

    def last() -> bool:
        snapshots = [state.aria for state in of(PageState, recording.journal()) if state.aria]
        return bool(snapshots) and shows(blobs.get(snapshots[-1]))

    wait_for(last)


def record(folder: Path) -> Path:
    """Does it in a recorded browser, by real input; the trace."""
    with ledger() as address:
        recording = Recording(folder, "--seed", "7", address)
        try:
            with recording.expert() as page:
                person = Person(page, folder)
                recorded(recording, lambda page: b"Invoice 19" in page)
                person.click(person.field("Name"))
                person.type("Rent")
                person.press("Enter")
                recorded(recording, lambda page: b'cell "Rent"' in page)
                with person.answering() as said:
                    person.click(person.css("tr:has-text('Invoice 18') button"))
                    recorded(recording, lambda page: b"Invoice 18" not in page)
                assert said == ["Delete Invoice 18?"]
                person.click(person.link("Report"))
                while not of(Downloaded, recording.journal()):
                    page.wait_for_timeout(20)
                person.point(page.get_by_role("heading"))  # so the page tells that it stayed as it was
                recording.close(page)
            result, told = recording.ended()
        finally:
            if recording.process.poll() is None:
                recording.interrupt()
            with recording.process:  # closes its pipes, and waits
                pass
    assert result["state"] == "complete", told
    return recording.out
