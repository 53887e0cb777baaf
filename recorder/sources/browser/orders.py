"""What the browser source's process is told, and the names of what it writes."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

SOURCE = "browser/1"
JOURNAL = "browser.journal"
FOLDER = "browser"
"""Below the session's folder: all that the browser itself needs."""
CHANNEL = "channel.sock"
PID = "pid"
"""Below the browser's folder: the process of a browser that was opened, while it is ours."""
DOOR = "door.json"
"""Below the browser's folder: what the extension is known by (see `door`)."""


class Orders(Struct, frozen=True, kw_only=True):
    """`notices` and `status` are descriptors: lines come in by one (see `process`), lines of JSON go out by the other.

    `flags` are Chromium's besides our own: the session's proxy, for example. `profile` null: a new one. With `port`
    other programs of this machine may drive the browser. `unix_offset` is Unix time less CLOCK_BOOTTIME, in ns.
    """

    folder: str
    notices: int
    status: int
    session: str
    task: str
    mode: Literal["opened", "paired"]
    url: str | None
    headless: bool
    profile: str | None
    port: int | None
    seed: int | None
    flags: list[str]
    vault: str | None
    unix_offset: int
    started: int
    """The session's start on CLOCK_BOOTTIME, in ns: nothing is older."""
    size: tuple[int, int] = (1280, 720)
    sites: list[str] = []
    """Hosts whose pages are recorded; none: all."""
    by_code: bool = False
    """The extension may come by a WebSocket, and the code that is told."""
    downloads: str | None = None
    """Where files that were downloaded are put for the expert, too."""
