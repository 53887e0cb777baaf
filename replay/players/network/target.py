"""Where a request goes: its URL taken apart and brought to one form, so that equal means equal. Pure."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_DEFAULT = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_PLAIN = {"ws": "http", "wss": "https"}
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_PATH = re.compile(r"[/?]")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_MOST_PAIRS = 4096


class Target(NamedTuple):
    """`authority` is a host in lower case, with its port where that is not the scheme's own. `query` are decoded
    (name, value) pairs in the order of the wire; null where the URL has no question mark."""

    scheme: str
    authority: str
    path: str
    query: tuple[tuple[str, str], ...] | None

    @property
    def host(self) -> str:
        return split_authority(self.authority, self.scheme)[0]

    @property
    def port(self) -> int:
        return split_authority(self.authority, self.scheme)[1]

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


@lru_cache(maxsize=8192)
def parse(url: str) -> Target:
    """An absolute URL. Never raises: what is no URL has an empty authority, and so matches nothing."""
    scheme, found, rest = url.partition("://")
    if not found:
        scheme, rest = "", url
    scheme = scheme.lower()
    scheme = _PLAIN.get(scheme, scheme)
    rest = rest.partition("#")[0]
    begin = _PATH.search(rest)
    end = begin.start() if begin is not None else len(rest)
    path, mark, query = rest[end:].partition("?")
    return Target(
        scheme,
        normal_authority(rest[:end], scheme),
        _ESCAPE.sub(_plain, path) or "/",
        tuple(pairs(query)) if mark else None,
    )


def normal_authority(authority: str, scheme: str) -> str:
    """host or host:port as `Target.authority` has it; credentials before an @ are left out."""
    host, port = split_authority(authority, scheme)
    shown = f"[{host}]" if ":" in host else host
    return shown if port == _DEFAULT.get(scheme, -1) else f"{shown}:{port}"


@lru_cache(maxsize=4096)
def split_authority(authority: str, scheme: str = "") -> tuple[str, int]:
    """(host, port) of host, host:port, [v6] or [v6]:port; a missing or odd port is the scheme's own, or 0."""
    authority = authority.rpartition("@")[2]
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.lstrip(":")
    elif authority.count(":") > 1:
        host, port = authority, ""
    else:
        host, _, port = authority.partition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else _DEFAULT.get(scheme, 0)
    return host.lower().rstrip("."), number


def pairs(query: str) -> list[tuple[str, str]]:
    """Decoded names and values of a query or a form, in order; bytes outside UTF-8 stay told apart."""
    found: list[tuple[str, str]] = []
    for part in query.split("&", _MOST_PAIRS):
        if part:
            name, _, value = part.partition("=")
            found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(text: str) -> str:
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogateescape")).decode(
        "utf-8", "surrogateescape"
    )


def _plain(escape: re.Match[str]) -> str:
    byte = int(escape.group(1), 16)
    return chr(byte) if byte in _UNRESERVED else f"%{byte:02X}"


def is_loopback(host: str) -> bool:
    """Whether a host's name or address always is the machine that asks."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
