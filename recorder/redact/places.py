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
from recorder.redact.spans import Ends, Tries

_SECRET_HEADER = re.compile(
    rb"""(?xi)(?:x-)?(?:[a-z0-9]+-)*(?:api-?key|apikey|auth-?(?:token|key)|token|secret|password|passwd|functions-key
    |subscription-key|access-key|session(?:-(?:id|token|key))?|credentials?)\Z"""
)
_PUBLIC_HEADER = re.compile(
    rb"(?i)(?:access-control-|sec-|x-cache|surrogate-|www-|proxy-authenticate|.*-(?:limit|type)\Z)"
)
_DIGEST_RESPONSE = re.compile(rb'(?i)\b(?:response|cnonce)="?([0-9a-zA-Z+/=]{8,128})')
_AWS_SIGNATURE = re.compile(rb"(?i)\bSignature=([0-9a-f]{32,128})|\bCredential=([A-Z0-9]{16,128})")
_SESSION_COOKIE = re.compile(
    rb"(?i).*(?:sess|sid\b|auth|token|login|jwt|csrf|xsrf|secret|remember|credential)"
)

AUTHORIZATION = re.compile(
    rb"(?i)authorization\\{0,3}[\"']?[ \t]{0,2}[:=,][ \t]{0,3}\\{0,3}[\"']?(?=[^\r\n\"'\\]{8})"
)
COOKIE = re.compile(rb"(?i)(cookie)\\{0,3}[\"']?[ \t]{0,2}:[ \t]{0,3}\\{0,3}[\"']?(?=[^\r\n\"'\\]{8})")
BEARER = re.compile(rb"(?i)bearer[ \t]{1,3}([A-Za-z0-9._~+/-]{16,8192}=*)")
_LINE_END = re.compile(rb"[\r\n]")
_HEADER_END = re.compile(rb"[\r\n\"'\\]")
_PARAMETER_END = re.compile(rb"[&\s\"'<>#;\\]")
_LONGEST_HEADER = 8192
_FAR = 2048
"""So far behind a program's name its options are looked for."""
_BEFORE_HOST = re.compile(rb"[^\s/?#@\"'<>\\]{1,513}@")
_USERINFO = re.compile(rb"([^\s/?#@:\"'<>\\]{0,256}):([^\s/?#@\"'<>\\]{1,256})@[\w\[]")
_USER_ONLY = re.compile(rb"([^\s/?#@:\"'<>\\]{16,256})@[\w\[]")
_PARAMETER = re.compile(rb"[a-z_-]+=([^&\s\"'<>#;\\]{8,4096})", re.IGNORECASE)
_PARAMETER_LEFT = re.compile(rb"[?&;]\w*\Z|[?&;][\w-]{0,24}-\Z")
_MANY_PARTS = re.compile(rb"(?i)digest\s|aws4-")
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
        token = token.split(None, 1)[0].rstrip(b"])}>,;") if token else b""
    begin = start + stripped.find(token, len(scheme) + 1 if space else 0)
    if low == b"basic" and basic(token) is not None:
        if not certain and len(token) < 12:
            return
        yield Find("authorization", begin, begin + len(token), "basic", certain=True)
    elif token and not blank(token) and (certain or plausible(token)):
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
    at = offset
    for pair in value.split(b";", 1)[:1] if single else value.split(b";"):
        before, equals, behind = pair.partition(b"=")
        start = at + len(before) + 1
        at += len(pair) + 1
        words = before.rsplit(None, 1)
        text = behind.strip()
        start += behind.find(text)
        if text[:1] == b'"':
            start, text = start + 1, text[1:]
        text = text.partition(b'"')[0]
        if not equals or not words or not text or blank(text):
            continue
        named = _SESSION_COOKIE.match(words[-1][-128:]) is not None or sensitive(words[-1])
        encoding = "url" if b"%" in text else "raw"
        if (named and bits(text) >= 12) or plausible(decoded(text, encoding)):
            yield Find("cookie", start, start + len(text), encoding, certain=True)


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


def bearer(text: bytes, start: int) -> Iterator[Find]:
    """A bearer token anywhere, whatever stands before it."""
    match = BEARER.match(text, start)
    if match is not None and strong(match[1]) and re.search(rb"[0-9]", match[1]):
        yield Find("authorization", *match.span(1))


class Places:
    """The places of one text, asked for in order: what one look covered is not looked at again."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._tries = Tries(text, _PARAMETER_END)
        self._headers = Ends(text, _HEADER_END)
        self._lines = Ends(text, _LINE_END)
        self._header_covered = -1
        self._line = -1
        self._options: Iterator[re.Match[bytes]] = iter(())
        self._next_option: re.Match[bytes] | None = None

    def parameter(self, start: int, end: int) -> Iterator[Find]:
        """A URL parameter whose name begins at `start`."""
        text = self._text
        if text[start : start + 1] in b"?&":
            start += 1
        if not self._tries.allow(start) or not _PARAMETER_LEFT.search(text, max(0, start - 32), start):
            return
        match = _PARAMETER.match(text, start)
        if match is not None:
            encoding = "url" if b"%" in match[1] else "raw"
            if plausible(decoded(match[1], encoding)):
                self._tries.found(match.end())
                yield Find("url", *match.span(1), encoding)
            else:
                self._tries.failed()

    def authorization(self, start: int, end: int) -> Iterator[Find]:
        """An Authorization field somewhere in a text."""
        match = AUTHORIZATION.match(self._text, start)
        if match is None or match.end() <= self._header_covered:
            return
        value = self._header(match.end())
        if _MANY_PARTS.match(value):
            self._header_covered = match.end() + len(value)
        yield from authorization(value, match.end(), certain=False)

    def cookie(self, start: int, end: int) -> Iterator[Find]:
        """A Cookie or Set-Cookie field somewhere in a text."""
        match = COOKIE.match(self._text, start)
        if match is None or match.end() <= self._header_covered:
            return
        value = self._header(match.end())
        single = self._text[max(0, start - 4) : start].lower() == b"set-"
        if not single:
            self._header_covered = match.end() + len(value)
        yield from cookies(value, match.end(), single=single)

    def option(self, start: int, end: int) -> Iterator[Find]:
        """Passwords among the options of curl, wget, sshpass and mysql, whose name stands from `start`."""
        text = self._text
        match: re.Match[bytes] | None
        if text[start : start + 1].lower() in b"sm":
            pattern = _SSHPASS if text[start : start + 1] in b"sS" else _MYSQL
            match = pattern.match(text, start)
            if match is not None:
                yield from _password(match)
            return
        if start >= self._line:
            self._line = self._lines.after(start)
            self._options = _CURL.finditer(text, start, self._line)
            self._next_option = next(self._options, None)
        while (match := self._next_option) is not None and match.end() <= start + _FAR:
            self._next_option = next(self._options, None)
            if match.start() >= start:
                yield from _password(match)

    def _header(self, at: int) -> bytes:
        return self._text[at : min(self._headers.after(at), at + _LONGEST_HEADER)]


def _password(match: re.Match[bytes]) -> Iterator[Find]:
    group = match.lastindex or 1
    password = match[group]
    if len(password) >= 4 and not blank(password) and not _DUMMIES.match(password):
        yield Find("option", *match.span(group), certain=True)
