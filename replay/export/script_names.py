"""What a generated script calls things: its pages, addresses, withheld texts, and the files beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from recorder.trace.pages import FileChosen
from replay.export.actions import Action
from replay.export.locators import quoted


class Names:
    """`files` is what the script reads beside it: the name below its folder of files, and the blob; `secrets` are its
    variables for what was withheld; `uses` are the functions of its own, and Playwright's `expect`, that it calls."""

    def __init__(self, actions: Sequence[Action]) -> None:
        led = (_origin(a.gesture.value) for a in actions if a.gesture.verb == "navigate" and a.gesture.value)
        self.origin = next(led, "")
        self.files: dict[str, str] = {}
        self.secrets: dict[str, None] = {}
        self.uses: set[str] = set()
        self._pages: dict[int, str] = {}

    def knows(self, tab: int) -> bool:
        """Whether a tab has its variable."""
        return tab in self._pages

    def page(self, tab: int) -> str:
        """The variable of a tab."""
        if tab not in self._pages:
            self._pages[tab] = f"page{len(self._pages) or ''}"
        return self._pages[tab]

    def url(self, url: str) -> str:
        """An address as an expression: from ORIGIN where it is there."""
        if self.origin and (url == self.origin or url.startswith((self.origin + "/", self.origin + "?"))):
            rest = url[len(self.origin) :]
            return f"ORIGIN + {quoted(rest)}" if rest else "ORIGIN"
        return quoted(url)

    def secret(self, action: Action) -> str:
        """The variable of a withheld text."""
        target = action.gesture.target
        told = (target.name or target.label or target.id or target.tag) if target else ""
        plain = told.upper().encode("ascii", "ignore").decode()
        name = re.sub(r"[^A-Z0-9]+", "_", plain).strip("_") or "SECRET"
        name = (name if not name[0].isdigit() else f"SECRET_{name}")[:64]
        self.secrets[name] = None
        return name

    def file(self, action: Action, index: int, file: FileChosen, blob: str) -> str:
        """A file that a page was given, as an expression."""
        plain = "".join(c if c.isprintable() else "_" for c in re.split(r"[/\\]", file.name)[-1])
        plain = plain.lstrip(".")[-60:] or "file"  # at most 240 bytes, which a name may have
        name = f"{action.n}-{index}/{plain}"
        self.files[name] = blob
        return f"FILES / {quoted(name)}"


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.netloc else ""
