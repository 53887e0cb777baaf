"""Cookies taken out of header values, as HAR lists them beside the headers. Pure."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

_MOST = 1000


def sent(values: list[str]) -> list[dict[str, Any]]:
    """Of `Cookie` headers."""
    found = []
    for pair in "; ".join(values).split(";", _MOST)[:_MOST]:
        name, mark, value = pair.strip().partition("=")
        if name or mark:
            found.append({"name": name if mark else "", "value": value if mark else name})
    return found


def received(values: list[str]) -> list[dict[str, Any]]:
    """Of `Set-Cookie` headers, one each."""
    return [_received(value) for value in values[:_MOST]]


def _received(text: str) -> dict[str, Any]:
    pair, *attributes = text.split(";", 50)
    name, mark, value = pair.strip().partition("=")
    cookie: dict[str, Any] = {"name": name if mark else "", "value": value if mark else name}
    cookie |= {"httpOnly": False, "secure": False}
    for attribute in attributes:
        key, _, said = attribute.strip().partition("=")
        match key.lower():
            case "path" | "domain" as plain:
                cookie[plain] = said
            case "httponly":
                cookie["httpOnly"] = True
            case "secure":
                cookie["secure"] = True
            case "samesite":
                cookie["sameSite"] = said
            case "expires":
                if when := _moment(said):
                    cookie["expires"] = when
    return cookie


def _moment(text: str) -> str | None:
    try:
        return parsedate_to_datetime(text.replace("-", " ")).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
