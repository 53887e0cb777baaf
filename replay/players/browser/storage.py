"""What a browser holds when its replay starts: the recorded cookies and local storage.

Cookies are set at once. Local storage belongs to documents: the first one of an origin finds it filled, before
any script of its own has run.
"""

from __future__ import annotations

import json
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

_MOST_COOKIES = 3000
_SITES = {"Strict", "Lax", "None"}


class Cookie(Struct, frozen=True):
    name: str
    value: str
    domain: str
    path: str = "/"
    expires: float = -1
    http_only: bool = msgspec.field(default=False, name="httpOnly")
    secure: bool = False
    same_site: str = msgspec.field(default="", name="sameSite")


class Item(Struct, frozen=True):
    name: str
    value: str


class Origin(Struct, frozen=True):
    origin: Annotated[str, Meta(max_length=2048)]
    local: list[Item] = msgspec.field(default_factory=list, name="localStorage")
    databases: list[Any] = msgspec.field(default_factory=list, name="indexedDB")


class Storage(Struct, frozen=True):
    """Playwright's storage state, as far as it is restored."""

    cookies: list[Cookie] = []
    origins: list[Origin] = []


def decode(data: bytes) -> Storage:
    """The storage state in `data`. Raises ValueError for what is none."""
    try:
        return msgspec.json.decode(data, type=Storage)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def cookies(storage: Storage) -> list[dict[str, object]]:
    """Its cookies, as the debugging protocol wants them."""
    made: list[dict[str, object]] = []
    for cookie in storage.cookies[:_MOST_COOKIES]:
        one: dict[str, object] = {
            "name": cookie.name,
            "value": cookie.value,
            "domain": cookie.domain,
            "path": cookie.path,
            "httpOnly": cookie.http_only,
            "secure": cookie.secure,
        }
        if cookie.expires > 0:
            one["expires"] = cookie.expires
        if cookie.same_site in _SITES:
            one["sameSite"] = cookie.same_site
        made.append(one)
    return made


def scripts(storage: Storage) -> dict[str, str]:
    """Origin -> what fills its local storage, where nothing is in it yet."""
    return {
        one.origin: _FILL.replace("ORIGIN", json.dumps(one.origin)).replace(
            "ITEMS", json.dumps([[item.name, item.value] for item in one.local])
        )
        for one in storage.origins
        if one.local
    }


def origin_of(url: str) -> str:
    """The origin of an address; empty where it has none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


_FILL = """(() => {
  if (self.origin !== ORIGIN || localStorage.length) return;
  for (const [name, value] of ITEMS) localStorage.setItem(name, value);
})()"""
