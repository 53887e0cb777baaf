"""Secrets that the place where they stand gives away: header values, cookies, URLs, options of well-known programs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from recorder.redact.encodings import decoded
from recorder.redact.finds import Find
from recorder.redact.names import sensitive
from recorder.redact.plausible import bits, blank, plausible, strong

_SECRET_HEADER = re.compile(
    rb"""(?xi)(?:x-)?(?:[a-z0-9]+-)*(?:api-?key|apikey|auth-?(?:token|key)|token|secret|password|passwd|functions-key
    |subscription-key|access-key|session(?:-(?:id|token|key))?|credentials?)\Z"""
)
_PUBLIC_HEADER = re.compile(
    rb"(?i)(?:access-control-|sec-|x-cache|surrogate-|www-|proxy-authenticate|.*-(?:limit|type)\Z)"
)
_DIGEST_RESPONSE = re.compile(rb'(?i)\b(?:response|cnonce)="?([0-9a-zA-Z+/=]{8,128})')
_AWS_SIGNATURE = re.compile(rb"(?i)\bSignature=([0-9a-f]{32,128})|\bCredential=([A-Z0-9]{16,128})")
_PAIR = re.compile(rb"\s*([^=;\s]+)\s*=\s*\"?([^;\"]*?)\"?\s*(?:;|\Z)")
_SESSION_COOKIE = re.compile(
    rb"(?i).*(?:sess|sid\b|auth|token|login|jwt|csrf|xsrf|secret|remember|credential)"
)

AUTHORIZATION = re.compile(
    rb"(?i)authorization\\{0,3}[\"']?[ \t]{0,2}[:=,][ \t]{0,3}\\{0,3}[\"']?([^\r\n\"'\\]{8,8192})"
)
COOKIE = re.compile(rb"(?i)(cookie)\\{0,3}[\"']?[ \t]{0,2}:[ \t]{0,3}\\{0,3}[\"']?([^\r\n\"'\\]{8,8192})")
BEARER = re.compile(rb"(?i)bearer[ \t]{1,3}([A-Za-z0-9._~+/-]{16,8192}=*)")
_BEFORE_HOST = re.compile(rb"[^\s/?#@\"'<>\\]{1,513}@")
_USERINFO = re.compile(rb"([^\s/?#@:\"'<>\\]{0,256}):([^\s/?#@\"'<>\\]{1,256})@[\w\[]")
_USER_ONLY = re.compile(rb"([^\s/?#@:\"'<>\\]{16,256})@[\w\[]")
_PARAMETER = re.compile(rb"[a-z_-]+=([^&\s\"'<>#;\\]{8,4096})", re.IGNORECASE)
_CURL = re.compile(
    rb"(?i)\s(?:-u|--(?:proxy-)?user|-U)(?:[ \t=]{0,2})[\"']?[^\s:\"']{0,64}:([^\s\"']{1,256})"
    rb"|\s--(?:http-)?(?:proxy-)?password[= ][\"']?([^\s\"']{1,256})"
)
_SSHPASS = re.compile(rb"sshpass[ \t]+-p[ \t]*[\"']?([^\s\"']{1,256})")
_MYSQL = re.compile(rb"(?:mysql|mariadb)[^\r\n|;]{0,200}?[ \t]-p[\"']?([^\s\"'-][^\s\"']{0,255})")
_DUMMIES = re.compile(
    rb"(?i)(?:pass(?:w(?:or)?d)?|passwd|pw|pwd|secret|token|x+|\*+|user|foo|bar|1234|test|example|hunter2)\Z"
)
PARAMETERS = (
    b"sig=",
    b"signature=",
    b"?key=",
    b"&key=",
    b"?code=",
    b"&code=",
    b"sid=",
    b"x-amz-credential=",
    b"assertion=",
)
"""Of URL parameters, those whose names say something only there."""


def header(name: bytes, value: bytes, offset: int = 0) -> Iterator[Find]:
    """The secrets of a header field; their positions count from `offset` before the value."""
    low = name.lower()
    if low in (b"authorization", b"proxy-authorization"):
        yield from authorization(value, offset, certain=True)
    elif low in (b"cookie", b"set-cookie", b"cookie2", b"set-cookie2"):
        yield from cookies(value, offset, single=low.startswith(b"set"))
    elif _SECRET_HEADER.match(low) and not _PUBLIC_HEADER.match(low):
        start = offset + len(value) - len(value.lstrip())
        if value.strip() and not blank(value.strip()):
            yield Find("header", start, start + len(value.strip()), certain=len(value.strip()) >= 6)


def authorization(value: bytes, offset: int, *, certain: bool) -> Iterator[Find]:
    """What an Authorization field proves itself with. Unless `certain`, it must also look like that."""
    stripped = value.strip()
    start = offset + value.find(stripped)
    scheme, space, rest = stripped.partition(b" ")
    low = scheme.lower()
    if low == b"digest":
        for match in _DIGEST_RESPONSE.finditer(stripped):
            yield Find("authorization", start + match.start(1), start + match.end(1), certain=True)
        return
    if low.startswith(b"aws4-"):
        for match in _AWS_SIGNATURE.finditer(stripped):
            group = 1 if match[1] else 2
            yield Find("authorization", start + match.start(group), start + match.end(group), certain=True)
        return
    token = rest.strip() if space else stripped
    if not certain:
        token = token.split()[0].rstrip(b"])}>,;") if token.split() else b""
    begin = start + stripped.find(token, len(scheme) + 1 if space else 0)
    if low == b"basic" and basic(token) is not None:
        if not certain and len(token) < 12:
            return
        yield Find("authorization", begin, begin + len(token), "basic", certain=True)
    elif token and not blank(token) and (certain or (strong(token) and plausible(token))):
        yield Find("authorization", begin, begin + len(token), certain=True)


def basic(token: bytes) -> tuple[bytes, bytes] | None:
    """The user and password of a Basic token; None where it holds none."""
    try:
        user, colon, password = base64.b64decode(token + b"=" * (-len(token) % 4), validate=True).partition(
            b":"
        )
    except (ValueError, binascii.Error):
        return None
    return (user, password) if colon and (password or user) else None


def cookies(value: bytes, offset: int, *, single: bool) -> Iterator[Find]:
    """The values of cookies (with `single` of the first pair only: attributes follow).

    A short value, a number or a plain word stays, unless the cookie's name says that it is a session's: pages read
    such cookies (`theme=dark`).
    """
    for match in _PAIR.finditer(value):
        text = match[2]
        named = _SESSION_COOKIE.match(match[1]) is not None or sensitive(match[1])
        encoding = "url" if b"%" in text else "raw"
        if text and not blank(text) and ((named and bits(text) >= 12) or plausible(decoded(text, encoding))):
            yield Find("cookie", offset + match.start(2), offset + match.end(2), encoding, certain=True)
        if single:
            return


def url(text: bytes, start: int, end: int) -> Iterator[Find]:
    """Credentials before a URL's host; `end` is behind its `://`."""
    if _BEFORE_HOST.match(text, end) is None:
        return
    match = _USERINFO.match(text, end)
    if match is not None:
        password = match[2]
        if not blank(password) and not _DUMMIES.match(password) and len(password) >= 3:
            yield Find("url", *match.span(2), "url" if b"%" in password else "raw", certain=True)
        return
    match = _USER_ONLY.match(text, end)
    if match is not None and plausible(match[1]):
        yield Find("url", *match.span(1), certain=True)


def parameter(text: bytes, start: int, end: int) -> Iterator[Find]:
    """A URL parameter whose name begins at `start`."""
    if text[start : start + 1] in b"?&":
        start += 1
    left = text[max(0, start - 32) : start]
    if not re.search(rb"[?&;]\w*\Z|[?&;][\w-]{0,24}-\Z", left):
        return
    match = _PARAMETER.match(text, start)
    if match is not None:
        encoding = "url" if b"%" in match[1] else "raw"
        if plausible(decoded(match[1], encoding)):
            yield Find("url", *match.span(1), encoding)


def option(text: bytes, start: int, end: int) -> Iterator[Find]:
    """Passwords among the options of curl, wget, sshpass and mysql, whose name stands from `start`."""
    stop = text.find(b"\n", end)
    stop = len(text) if stop < 0 else stop
    for pattern in (_CURL, _SSHPASS, _MYSQL):
        if pattern is _CURL and text[start:end].lower() not in (b"curl ", b"wget ", b"http "):
            continue
        for match in pattern.finditer(text, start, min(stop, start + 2048)):
            group = match.lastindex or 1
            password = match[group]
            if len(password) >= 4 and not blank(password) and not _DUMMIES.match(password):
                yield Find("option", *match.span(group), certain=True)
