"""Calls that Chromium makes by itself, without any page's asking: for updates, the time, a tab's icon. Pure.

When and how often it makes them depends on nothing that was recorded, so they stay out of the verdict (rule
`chromium-housekeeping`): those that were recorded are answered, others get an error, and neither is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

HOSTS = re.compile(
    r"(?:(?:android\.)?clients[1-6]?|accounts|mtalk|dl|sb-ssl)\.google\.com"
    r"|(?:update|clientservices|content-autofill|safebrowsing|safebrowsingohttpgateway|optimizationguide-pa"
    r"|passwordsleakcheck-pa)\.googleapis\.com"
    r"|(?:redirector|edgedl\.me|nav-edgedl\.me)\.gvt1\.com"
)
_AGENT = re.compile(rb"Chrom(?:e|ium)/\d")
_BY_A_PAGE = (b"origin", b"referer")
_ICON = "/favicon.ico"


def housekeeping(host: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request is such a call: Chromium's, for the icon that a site has without saying so, or to a service
    of its maker's and neither a page's nor for a page. Of a CONNECT, which has no path, less is known."""
    if path != _ICON and HOSTS.fullmatch(host) is None:
        return False
    known = {name.lower(): value for name, value in headers}
    if _AGENT.search(known.get(b"user-agent", b"")) is None:
        return False
    return path == _ICON or (
        not any(name in known for name in _BY_A_PAGE)
        and known.get(b"sec-fetch-site", b"none") == b"none"
        and known.get(b"sec-fetch-mode", b"") != b"navigate"
    )


def is_chromium(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether Chromium asks."""
    return any(name.lower() == b"user-agent" and _AGENT.search(value) is not None for name, value in headers)
