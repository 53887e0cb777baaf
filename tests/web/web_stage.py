"""Where a task is done: in a plain Chromium, which tells a fault of a task from one of the recorder, or recorded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, expect, sync_playwright
from web_person import SEES, Person
from web_task import Task

LOOKS = 1.0
"""Seconds that a person looks at what came of it, before the browser is closed."""
SECONDS = 60.0
CHROMIUM = os.environ.get("REENACT_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
BUNDLES = Path(__file__).resolve().parent / "built"
COMMAND = str(Path(sys.executable).parent / "reenact")


def perform(task: Task, person: Person, app: object) -> None:
    """Does the task, and asserts what it came to."""
    task.do(person, app)
    expect(person.page.locator("body")).to_contain_text(task.shows)
    task.outcome(app)


def record(task: Task, folder: Path, *, sees: float = SEES) -> Path:
    """Records the task by the command line, with the application up for as long as that takes. Returns the trace."""
    trace = folder / f"{task.name}.reenact"
    served = folder / "served"
    downloads = folder / "downloads"
    for made in (served, downloads):
        made.mkdir()
    app = task.serve(served)
    try:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        words = [
            COMMAND,
            "browse",
            app.url(task.path),
            "--headless",
            f"--debugging-port={port}",
            f"--out={trace}",
        ]
        with (folder / "browse.log").open("wb") as log:
            recorder = subprocess.Popen(
                [*words, f"--downloads={downloads}", f"--task={task.summary}", *task.options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            with sync_playwright() as playwright:
                page = _drive(playwright, port, recorder).contexts[0].pages[0]
                page.wait_for_url(f"{app.url()}**", wait_until="load")
                perform(task, Person(page, downloads, sees=sees), app)
                time.sleep(LOOKS)
                recorder.send_signal(signal.SIGINT)
                status = recorder.wait(SECONDS)
        finally:
            recorder.kill()
            recorder.wait()
    finally:
        app.close()
    assert status == 0, (folder / "browse.log").read_text()
    return trace


def _drive(playwright: Any, port: int, recorder: subprocess.Popen[bytes]) -> Any:
    """The recorded browser, once it can be driven."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            return playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
        except Error:
            if recorder.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)


def replay(trace: Path, *words: str) -> dict[str, Any]:
    """Replays the trace by the command line. Returns what `--json` says."""
    done = subprocess.run(
        [COMMAND, "replay", str(trace), "--json", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode in (0, 1), f"replay ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer | {"exit_code": done.returncode}


@contextmanager
def plain(url: str, *, sees: float = SEES) -> Iterator[Person]:
    """A person before a Chromium that shows the page."""
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        downloads = Path(profile) / "downloads"
        downloads.mkdir()
        context = playwright.chromium.launch_persistent_context(
            Path(profile) / "profile", executable_path=CHROMIUM, args=["--no-sandbox"], headless=True
        )
        page = context.pages[0]
        page.on("download", lambda download: download.save_as(downloads / download.suggested_filename))
        page.goto(url)
        yield Person(page, downloads, sees=sees)
        context.close()
