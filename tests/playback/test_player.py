"""Exported casts in asciinema's own player, in a real browser: that it shows what the trace says.

The browser is Chromium: the one that REENACT_CHROMIUM names, else the system's, else Playwright's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from wcwidth import wcwidth

from recorder.trace.events import CommandStarted, Input, Marked, Noted, Resized, TerminalStarted
from recorder.trace.reader import open_trace
from recorder.trace.screen import Screen

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "samples"
PLAYER = HERE / "player" / "node_modules" / "asciinema-player" / "dist" / "bundle"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

sys.path.insert(0, str(SAMPLES))
from scenario import Session, perform, set_stage  # noqa: E402


class Files(SimpleHTTPRequestHandler):
    """The page, the player and the casts of one folder; nothing else is on this server."""

    def translate_path(self, path: str) -> str:
        room, _, name = path.split("?")[0].strip("/").rpartition("/")
        folder = {"": HERE / "player", "player": PLAYER, "casts": Path(self.directory)}.get(room)
        return str(folder / name) if folder and name else "/nonexistent"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not PLAYER.is_dir():
        pytest.skip(f"asciinema's player is not there: run `npm ci` in {HERE / 'player'}")
    named = os.environ.get("REENACT_CHROMIUM")
    found = named or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    with sync_api.sync_playwright() as playwright:
        if found is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("no Chromium: install it, or set REENACT_CHROMIUM to one")
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def casts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("casts")


@pytest.fixture(scope="module")
def address(casts: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(casts)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def resized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of a session whose terminal changes its size, with a mark, wide characters and colours."""

    def play(e: Any) -> None:
        e.run("printf 'narrow: \\033[31mü 漢字\\033[0m 👍 end\\n'")
        e.resize(100, 30)
        e.run("reenact mark 'grown: wide'")
        e.run("seq 40; stty size")
        e.resize(60, 16)
        e.run("stty size; printf '%s\\n' 'now 60 by 16'")

    root = tmp_path_factory.mktemp("resized")
    session = Session(name="resized", summary="", play=play)
    stage = set_stage(session, root / "stage")
    trace = root / "resized.reenact"
    command = [sys.executable, "-c", "from recorder.cli import main; main()", "record", "--out", str(trace)]
    done = perform(session, stage, [*command, "--"], extra_env={"REENACT_TRACES": str(root)}, patience=20)
    assert done.exit == 0
    return trace


class Shown:
    """What the player made of a cast."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        self.outside: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("requestfailed", lambda request: self.troubles.append(f"{request.url}: {request.failure}"))
        page.on("request", lambda request: self._request(request.url, address))
        page.goto(f"{address}/page.html")

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(message.text)

    def _request(self, url: str, address: str) -> None:
        if not url.startswith((f"{address}/", "data:", "blob:")):
            self.outside.append(url)

    def open(self, cast: str, **options: object) -> None:
        self.page.evaluate("([url, options]) => { window.player = open(url, options); }", [cast, options])
        self.page.wait_for_function("heard.some(([name]) => name == 'metadata' || name == 'error')")

    def heard(self, name: str) -> list[Any]:
        return [data for heard, data in self.page.evaluate("heard") if heard == name]

    def until(self, rows: tuple[str, ...]) -> None:
        """Returns once the terminal shows these rows, which must come."""
        try:
            self.page.wait_for_function("(n) => rows().length == n", arg=len(rows), timeout=20_000)
            for _ in range(200):
                if self.rows() == rows:
                    return
                self.page.evaluate("() => new Promise(requestAnimationFrame)")
        except sync_api.TimeoutError:
            pass
        assert self.rows() == rows

    def rows(self) -> tuple[str, ...]:
        return tuple(map(_row, self.page.evaluate("rows()")))


def _row(pieces: list[tuple[int, str]]) -> str:
    """One row's text from pieces at their columns; a wide character takes two."""
    row, width = "", 0
    for column, text in sorted(pieces):
        row += " " * (column - width) + text
        width = max(width, column) + sum(max(0, wcwidth(character)) for character in text)
    return row.rstrip()


def final_screen(trace: Path) -> tuple[Screen, list[str], int]:
    """What the trace itself says, by its raw frames: the last screen; commands, notes, marks; how often one typed."""
    with open_trace(trace) as opened:
        events = list(opened.events)
        started = next(e for e in events if isinstance(e, TerminalStarted))
        screen = Screen(started.cols, started.rows)
        at = 0
        for resize in (e for e in events if isinstance(e, Resized)):
            screen.feed(opened.terminal_output(1, at, resize.offset))
            screen.resize(resize.cols, resize.rows)
            at = resize.offset
        screen.feed(opened.terminal_output(1, at, opened.manifest.terminals[0].output))
    marks = [_label(e) for e in events if isinstance(e, CommandStarted | Noted | Marked)]
    return screen, marks, sum(isinstance(e, Input) and not (e.hidden or e.reply) for e in events)


def _label(event: CommandStarted | Noted | Marked) -> str:
    return event.label if isinstance(event, Marked) else event.text


@pytest.fixture
def shown(browser: Any, address: str) -> Iterator[Callable[[], Shown]]:
    context = browser.new_context()
    yield lambda: Shown(context.new_page(), address)
    context.close()


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", ["python-bug", "git-bisect", "log-investigation", "resized"])
def test_the_player_shows_what_the_trace_says(
    shown: Callable[[], Shown], casts: Path, request: pytest.FixtureRequest, name: str, version: int
) -> None:
    trace = request.getfixturevalue("resized") if name == "resized" else SAMPLES / f"{name}.reenact"
    cast = casts / f"{name}-{version}.cast"
    command = [sys.executable, "-c", "from recorder.cli import main; main()", "export", "asciicast"]
    subprocess.run([*command, str(trace), "--version", str(version), "-o", str(cast)], check=True)
    screen, marks, typed = final_screen(trace)
    assert any(screen.lines())

    sought = shown()
    sought.open(f"/casts/{cast.name}")
    (metadata,) = sought.heard("metadata")
    labels = [label for _, label in metadata["markers"]]
    assert labels == marks
    assert [t for t, _ in metadata["markers"]] == sorted(t for t, _ in metadata["markers"])
    sought.page.evaluate("(end) => player.seek(end)", metadata["duration"])
    sought.until(screen.lines())
    assert (sought.troubles, sought.outside, sought.heard("error")) == ([], [], [])

    # Played through: nothing that is in the cast is skipped on the way.
    played = shown()
    played.open(f"/casts/{cast.name}", speed=100, autoPlay=True)
    played.page.wait_for_function("heard.some(([name]) => name == 'ended')", timeout=60_000)
    played.until(screen.lines())
    cols, rows = screen.size
    assert played.page.evaluate("rows().length") == rows
    if name == "resized":
        assert (played.heard("resize")[-1]["cols"], played.heard("resize")[-1]["rows"]) == (cols, rows)
    assert len(played.heard("marker")) == len(labels)
    assert len(played.heard("input")) == typed
    assert (played.troubles, played.outside, played.heard("error")) == ([], [], [])
