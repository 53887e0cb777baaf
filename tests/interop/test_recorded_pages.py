"""A person's session in a real browser, recorded by the command line, in every other format: and each does it again.

The page says in its log what was done to it: the exported script and the exported recording must bring about the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from interop_trace import Done

from recorder.trace.reader import open_trace
from recorder.trace.steps import steps

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "web"))
from web_person import Person  # noqa: E402
from web_stage import CHROMIUM, record  # noqa: E402
from web_task import Task  # noqa: E402

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install it, or set REENACT_CHROMIUM to one"),
]
Run = Callable[..., Done]
RUNNER = HERE / "devtools" / "node_modules" / "@puppeteer" / "replay"
PAUSE = 1.2
"""Seconds after which the browser's own buttons are a person's deed, and not what a click did."""


class Desk:
    """Serves the pages, with `changed` applied to what the first one says."""

    def __init__(self, port: int = 0, changed: Callable[[bytes], bytes] = lambda content: content) -> None:
        class Files(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path.split("?")[0] not in ("/", "/index.html"):
                    super().do_GET()
                    return
                content = changed((HERE / "pages" / "index.html").read_bytes())
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), partial(Files, directory=str(HERE / "pages")))
        threading.Thread(target=self._server.serve_forever).start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self._server.server_port}{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def tidy(me: Person, app: object) -> None:
    """Something of everything that people do to pages."""
    page = me.page
    me.write(me.css("[name=name]"), "Ann")
    me.choose(me.css("[name=size]"), "large")
    me.click(page.get_by_label("I agree"))
    me.write(me.css("[name=secret]"), "hunter2")
    me.click(me.button("Save"))
    me.sees("Saved Ann, large, on, 7")
    with me.answering(accept=True):
        me.click(page.locator("tr").nth(1).get_by_role("button"))
        me.sees("Deleted 1")
    me.drag(page.locator("#card-Test"), page.locator("#done"))
    me.sees("Moved")
    note = Path(os.environ["DESK_NOTE"])
    me.give(page.get_by_label("Attachment"), note)
    me.sees("a note.txt: hello")
    me.click(me.button("Five stars"))
    me.sees("Rated")
    frame = page.frame_locator("iframe")
    me.click(frame.locator("#pan"))
    me.type("4111")
    me.click(frame.get_by_role("button"))
    me.sees("Paid with 4111")
    me.click(me.css("#notes"))
    me.type("Hi there")
    me.point(page.get_by_text("More"))
    me.click(page.get_by_role("button", name="Archive"))
    me.sees("Archived")
    me.press("Control+k")
    me.sees("Palette")
    helper = me.popup(lambda: me.click(me.link("Help")))
    helper.click(helper.button("Useful"))
    helper.sees("Thanks")
    time.sleep(PAUSE)
    helper.page.close()
    time.sleep(PAUSE)
    me.click(me.link("Second page"))
    me.sees("Second page")
    time.sleep(PAUSE)
    me.back()
    me.sees("Palette")


LOG = [
    "Saved Ann, large, on, 7", "Deleted 1", "Moved", "a note.txt: hello", "Rated", "Paid with 4111", "Archived",
    "Palette",
]  # fmt: skip
UNSAYABLE = ["Moved", "a note.txt: hello"]
"""A drag and an upload: DevTools' format has no words for them."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The recorded session."""
    folder = tmp_path_factory.mktemp("desk")
    note = folder / "a note.txt"
    note.write_text("hello")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DESK_NOTE", str(note))
        patch.setenv("REENACT_TRACES", str(folder / "traces"))
        task = Task(
            name="desk",
            summary="tidy the desk",
            do=tidy,
            shows="Palette",
            path="/index.html",
            serve=lambda _: Desk(),
        )
        yield record(task, folder, sees=0.03)


@contextmanager
def served(changed: Callable[[bytes], bytes] = lambda content: content) -> Iterator[str]:
    app = Desk(changed=changed)
    yield app.url().rstrip("/")
    app.close()


def played(script: Path, origin: str) -> subprocess.CompletedProcess[str]:
    """Runs an exported script against the server at `origin`, as a person would."""
    env = os.environ | {"ORIGIN": origin, "SECRET": "hunter2", "CHROMIUM": str(CHROMIUM)}
    return subprocess.run(
        [sys.executable, str(script)], env=env, capture_output=True, text=True, timeout=120, check=False
    )


def test_the_steps_are_what_the_person_did(desk: Path) -> None:
    with open_trace(desk) as trace:
        told = [step.gesture.verb for step in steps(trace.events) if step.gesture]
    assert told == [
        "navigate", "click", "fill", "select", "check", "click", "fill", "click", "click", "dialog", "drag", "upload",
        "click", "click", "fill", "click", "click", "type", "click", "press", "click", "click", "close_tab", "click",
        "back",
    ]  # fmt: skip


def test_the_exported_script_does_it_again(desk: Path, reenact: Run) -> None:
    script = desk.with_name("test_desk.py")
    done = reenact("export", "playwright", desk, "-o", script, "--json")
    assert done.code == 0, done.err
    (uploaded,) = done.json["files"]
    assert (desk.with_name("test_desk_files") / uploaded).read_text() == "hello"
    text = script.read_text()
    assert "hunter2" not in text
    with served() as origin:
        done_again = played(script, origin)
    assert done_again.returncode == 0, done_again.stderr[-4000:]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"say(`Deleted ${number}`)", b"say(`Removed ${number}`)", "Deleted 1"),
        (b"<button>Save</button>", b"<button>Send</button>", 'name="Save"'),
    ],
    ids=["another answer", "another button"],
)
def test_the_exported_script_fails_where_the_page_does_otherwise(
    desk: Path, reenact: Run, tmp_path: Path, before: bytes, after: bytes, said: str
) -> None:
    script = tmp_path / "test_desk.py"
    assert reenact("export", "playwright", desk, "-o", script).code == 0
    soon = "set_default_timeout(2000)\n    expect.set_options(timeout=1500)"
    script.write_text(script.read_text().replace("set_default_timeout(10000)", soon))
    with served(lambda content: content.replace(before, after)) as origin:
        done = played(script, origin)
    assert done.returncode != 0
    assert said in done.stderr


def test_the_exported_script_finds_its_row_when_another_stands_before_it(
    desk: Path, reenact: Run, tmp_path: Path
) -> None:
    script = tmp_path / "test_desk.py"
    assert reenact("export", "playwright", desk, "-o", script).code == 0
    with served(
        lambda content: content.replace(b"number = 1; number <= 12", b"number = -3; number <= 12")
    ) as origin:
        done = played(script, origin)
    assert done.returncode == 0, done.stderr[-4000:]


def test_chromes_own_replayer_runs_the_exported_recording(desk: Path, reenact: Run, tmp_path: Path) -> None:
    if not RUNNER.is_dir() or shutil.which("node") is None:
        pytest.skip(f"@puppeteer/replay is not there: run `npm ci` in {HERE / 'devtools'}")
    out = tmp_path / "desk.json"
    done = reenact("export", "devtools-recording", desk, "-o", out, "--json")
    assert done.code == 0, done.err
    lost = {loss["what"] for loss in done.json["losses"]}
    assert "a drag: a customStep that runners pass over" in lost
    assert "an upload: a customStep that runners pass over" in lost
    with open_trace(desk) as trace:
        first = next(step.gesture.value or "" for step in steps(trace.events) if step.gesture)
    recorded = re.match(r"http://[^/]+", first)
    assert recorded is not None
    with served() as origin:
        out.write_text(out.read_text().replace(recorded[0], origin).replace("•••••••", "hunter2"))
        node = subprocess.run(
            ["node", str(HERE / "devtools" / "run.mjs"), str(CHROMIUM), str(out)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert node.returncode == 0, node.stderr[-4000:]
    told: dict[str, Any] = json.loads(node.stdout)
    assert told["done"] is True
    assert told["log"] == [line for line in LOG if line not in UNSAYABLE]


def test_an_exported_recording_imported_again_lists_the_same_steps(
    desk: Path, reenact: Run, tmp_path: Path
) -> None:
    out, back = tmp_path / "desk.json", tmp_path / "back.reenact"
    assert reenact("export", "devtools-recording", desk, "-o", out).code == 0
    assert reenact("import", "devtools", out, "-o", back).code == 0
    with open_trace(desk) as one, open_trace(back) as other:
        was = [step.text for step in steps(one.events)]
        now = [step.text for step in steps(other.events)]
    for line in was:
        if line.startswith(("fill", "select", "press", "go to")):
            deed = line.split(" in ")[0]  # keys have no target there, frames no names
            assert any(told.startswith(deed) for told in now), line


def test_the_exported_playwright_trace_has_the_network_and_the_pages(
    desk: Path, reenact: Run, tmp_path: Path
) -> None:
    out = tmp_path / "desk.zip"
    done = reenact("export", "playwright-trace", desk, "-o", out, "--json")
    assert done.code == 0, done.err
    with zipfile.ZipFile(out) as archive:
        events = [json.loads(line) for line in archive.read("trace.trace").splitlines()]
        asked = [json.loads(line)["snapshot"] for line in archive.read("trace.network").splitlines()]
        names = set(archive.namelist())
    calls = [f"{event['class']}.{event['method']}" for event in events if event["type"] == "before"]
    assert calls[:3] == ["Frame.goto", "Frame.click", "Frame.fill"]
    assert "Frame.dragAndDrop" in calls
    paths = [entry["request"]["url"].split("/", 3)[3].split("?")[0] for entry in asked]
    assert {"index.html", "frame.html", "popup.html", "second.html"} <= set(paths)
    page = next(entry for entry in asked if entry["request"]["url"].endswith("/popup.html"))
    assert page["pageref"] == "page@2"
    assert f"resources/{page['response']['content']['_sha1']}" in names
    assert all(event["file"] in names for event in events if event["type"] == "aria-snapshot")
