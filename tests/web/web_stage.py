"""Where a task is done: in a plain Chromium, which tells a fault of a task from one of the recorder, or recorded."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import expect, sync_playwright
from web_person import SEES, Person
from web_task import Task

PROGRAM = "/usr/bin/chromium"


def perform(task: Task, person: Person, app: object) -> None:
    """Does the task, and asserts what it came to."""
    task.do(person, app)
    expect(person.page.locator("body")).to_contain_text(task.shows)
    task.outcome(app)


@contextmanager
def plain(url: str, *, sees: float = SEES) -> Iterator[Person]:
    """A person before a Chromium that shows the page."""
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            Path(profile),
            executable_path=PROGRAM,
            args=["--no-sandbox"],
            headless=True,
            accept_downloads=True,
        )
        page = context.pages[0]
        page.goto(url)
        yield Person(page, sees=sees)
        context.close()
