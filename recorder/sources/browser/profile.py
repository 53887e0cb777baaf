"""What a kept profile holds before its browser is opened: cookies, local storage and databases of every site it showed.

A browser without a window and without a way to any network looks, running no page's scripts; so neither tabs nor
sites tell of it.
"""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.async_api import Playwright, Route

_MOST_ORIGINS = 200
_MOST_PAGES = 20_000
_LOOK_MS = 10_000
_OFFLINE = ["--host-resolver-rules=MAP * ~NOTFOUND", "--proxy-server=http://127.0.0.1:1"]


def origins(profile: Path) -> list[str]:
    """The sites whose pages it showed, the latest first; of very many the latest. Empty for a new profile."""
    history = profile / "Default" / "History"
    found: dict[str, None] = {}
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{history.as_uri()}?immutable=1", uri=True)) as rows,
    ):
        for (url,) in rows.execute(
            "SELECT url FROM urls ORDER BY last_visit_time DESC LIMIT ?", (_MOST_PAGES,)
        ):
            parts = urlsplit(str(url))
            if parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc:
                found[f"{parts.scheme}://{parts.netloc}"] = None
            if len(found) == _MOST_ORIGINS:
                break
    return list(found)


async def holdings(playwright: Playwright, program: str, profile: Path) -> bytes | None:
    """Playwright's storage state of the profile; None where it holds nothing, or cannot be looked at."""
    from playwright.async_api import Error

    sites = origins(profile)
    if not sites:
        return None

    async def answer(route: Route) -> None:
        await route.fulfill(status=200, content_type="text/html", body="")

    try:
        context = await playwright.chromium.launch_persistent_context(
            profile, executable_path=program, headless=True, chromium_sandbox=os.getuid() != 0,
            java_script_enabled=False, service_workers="block", args=_OFFLINE,
            handle_sigint=False, handle_sigterm=False, handle_sighup=False, timeout=_LOOK_MS,
        )  # fmt: skip
    except Error:
        return None
    try:
        await context.route("**/*", answer)
        page = context.pages[0] if context.pages else await context.new_page()
        for site in sites:
            with suppress(Error):  # what cannot be shown any more held nothing
                await page.goto(f"{site}/", wait_until="commit", timeout=_LOOK_MS)
        try:
            state = await context.storage_state(indexed_db=True)
        except Error:  # a database holds what cannot be told: a file, say
            state = await context.storage_state()
    except Error:
        return None
    finally:
        with suppress(Error):
            await context.close()
    return json.dumps(state, sort_keys=True).encode() if state["cookies"] or state["origins"] else None
