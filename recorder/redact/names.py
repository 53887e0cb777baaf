"""Secrets that the name of their field gives away: in JSON, forms, URLs, settings, command lines, XML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from recorder.redact.encodings import decoded
from recorder.redact.finds import Find
from recorder.redact.plausible import plausible
from recorder.redact.spans import Tries

KEYWORDS = (
    b"pass", b"pwd", b"secret", b"token", b"api_key", b"api-key", b"apikey", b"access_key", b"access-key",
    b"accesskey", b"private_key", b"private-key", b"privatekey", b"auth_key", b"auth-key", b"authkey", b"account_key",
    b"accountkey", b"encryption_key", b"encryptionkey", b"master_key", b"masterkey", b"signing_key", b"signingkey",
    b"shared_key", b"storage_key", b"functions-key", b"subscription-key", b"credential", b"sessionid", b"session_id",
    b"session_key", b"_auth", b'"auth"',
)  # fmt: skip
"""In lower case; each begins a name that `field` understands."""

_NAME = rb"""(?:pass(?:w(?:or)?d|phrase|code)?|pwd|secret|token|\"?auth|(?:api|access|private|auth|account|encryption
|master|signing|shared|storage|functions|subscription)[_-]?key|credentials?|session[_-]?(?:id|key))"""
_SUFFIX = rb"(?:[_-]?(?:access)?[_-]?(?:key|value|hash|data|b64|base64|string)(?:[_-]?base)?)?[_-]?\d{0,3}"
_VALUE = rb"""(?:"(?P<double>(?:[^"\\\r\n]++|\\[^\r\n]){0,2048}+)"
  | '(?P<single>(?:[^'\\\r\n]++|\\[^\r\n]){0,2048}+)'
  | `(?P<back>[^`\r\n]{0,2048})`
  | (?P<mark>\\{1,3}["'])(?P<escaped>[^\r\n]{0,2048}?)(?P=mark)
  | &(?P<entity>quot|\#3[49]);(?P<markup>[^&\r\n]{0,2048})&(?P=entity);
  | ["'](?P<cut>[^\s"'\\]{8,2048})
  | (?P<plain>[^\s"'`&;,\\<>|][^\s"'`&;,\\<>|]{0,2047}))"""
_FIELD = re.compile(
    rb"(?xi)"
    + _NAME
    + _SUFFIX
    + rb"(?:\\{0,3}[\"']|&quot;)?\]?[ \t]{0,3}(?:=>|:=|={1,2}|:)[ \t]{0,4}"
    + _VALUE
)
_BOUND = re.compile(rb"(?xi)" + _NAME + _SUFFIX + rb"[\\\"'&\]:=>\ \t]")
"""What any of the three that follow must begin with: most names are part of a word."""
_OPTION = re.compile(
    rb"(?xi)"
    + _NAME
    + _SUFFIX
    + rb"[ \t]{1,4}(?:[\"'](?P<quoted>[^\"'\r\n]+)[\"']|(?P<word>[^\s\"'-][^\s\"']*))"
)
_ELEMENT = re.compile(rb"(?xi)" + _NAME + _SUFFIX + rb">(?P<content>[^<>\r\n]{1,2048})</")
_PROSE = re.compile(rb"[^:=]*:[ \t]+[.#&*!-]*[a-z]*\d{0,4}[a-z]*[^\w]*\Z")
"""A colon, a blank and a mere word behind it: a sentence, or a line of a manual."""
_LEFT = re.compile(rb"[\w.-]{0,48}\Z")
_PREFIX_OF_PASS = re.compile(
    rb"(?i)(?:(?:\A|[^a-z])|db|my|pg|sql|user|ssh|smtp|admin|root|ftp|ldap|mail|redis|key|store)\Z"
)
_ALIVE_NAME = rb"""(?xi)[\w-]{0,24}(?:\\{0,3}["'\]]{0,2}|&quot;?)[ \t]{0,3}"""
_ALIVE_QUOTE = rb"""(?:\\{0,3}["'`]|&quot;)"""
_ALIVE_SIGN = rb"(?:=>|:=|==?|:|=|[ \t]|>)[ \t]{0,4}"
_ALIVE_QUOTED = re.compile(_ALIVE_NAME + _ALIVE_SIGN + _ALIVE_QUOTE)
_ALIVE = re.compile(
    _ALIVE_NAME + rb"(?:" + _ALIVE_SIGN + rb"(?P<value>" + _ALIVE_QUOTE + rb"[^\r\n]*|[^\s\"'`&;,<]*))?\Z"
)
ALIVE_TAIL = re.compile(rb"[\s\"'`&;,<]")
_PLAIN_END = re.compile(rb"[\s\"'`&;,\\<>|]")
_MULTIPART = re.compile(
    rb'(?i)\bname="(?P<name>[^"\r\n]{1,128})"[^\r\n]*\r\n(?:[^\r\n]+\r\n){0,8}\r\n(?P<value>[^\r\n]{1,2048})\r\n--'
)
_SENSITIVE = re.compile(rb"(?xi)(?:\A|.*[^a-z]|.*[a-z](?=[A-Z]))?" + _NAME + _SUFFIX + rb"\]?\Z")
_VALUE_GROUPS = (
    ("double", "json"), ("single", "json"), ("back", "raw"), ("escaped", "json"), ("markup", "raw"), ("cut", "raw"),
    ("plain", "raw"),
)  # fmt: skip


def sensitive(name: bytes) -> bool:
    """Whether a whole field name says that the value is secret."""
    return len(name) <= 128 and _SENSITIVE.match(name) is not None


class Fields:
    """The fields of one text, asked for in order."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._tries = Tries(text, _PLAIN_END)

    def at(self, start: int, end: int) -> Iterator[Find]:
        """Looks at a name whose keyword stands from `start` to `end`: is it a field's, is its value a secret?"""
        if _BOUND.match(self._text, start) is None or not self._tries.allow(start):
            return
        finds = list(_field(self._text, start, end))
        for find in finds:
            self._tries.found(find.end)
        if not finds:
            self._tries.failed()
        yield from finds


def _field(text: bytes, start: int, end: int) -> Iterator[Find]:
    following = text[end : end + 1]
    match = _FIELD.match(text, start)
    if match is not None:
        if text[start : start + 4].lower() == b"pass" and not _left_of_pass(text, start, following):
            return
        group, encoding = next((g, e) for g, e in _VALUE_GROUPS if match[g] is not None)
        if group == "plain" and _PROSE.match(match[0]):
            return
        begin, stop = match.span(group)
        if group == "plain":
            left = _LEFT.search(text, max(0, start - 48), start)
            if left is not None and text[max(0, left.start() - 1) : left.start()] in (b"?", b"&"):
                stop = begin + len(
                    text[begin:stop].partition(b"#")[0]
                )  # a URL's fragment is not the parameter's
        yield from _value(text, begin, stop, "plain" if group == "plain" else encoding)
        return
    match = _ELEMENT.match(text, start)
    if match is not None:
        yield from _value(text, *match.span("content"), "raw")
        return
    match = _OPTION.match(text, start)
    if match is not None:
        left = _LEFT.search(text, max(0, start - 48), start)
        line = text[max(0, text.rfind(b"\n", max(0, start - 512), start) + 1, start - 512) : start]
        if (left is not None and left[0][:1] == b"-") or re.search(rb"\b(?:login|machine)\s", line):
            yield from _value(text, *match.span("quoted" if match["quoted"] is not None else "word"), "raw")


def alive(text: bytes, end: int, tail: int) -> int | None:
    """Where the value begins, or will, of a name whose keyword ends at `end`; None if that is settled already.

    `tail` is where the last run of characters begins that may be a value without quotes.
    """
    if end + Tries.NAME < tail and _ALIVE_QUOTED.match(text, end) is None:
        return None
    match = _ALIVE.match(text, end)
    if match is None:
        return None
    return match.start("value") if match["value"] is not None else len(text)


def multipart(text: bytes) -> Iterator[Find]:
    """The fields of a multipart form. Its values are what was typed: they need not look like secrets."""
    for match in _MULTIPART.finditer(text):
        if sensitive(match["name"]):
            yield Find("field", *match.span("value"), certain=True)


def form(text: bytes) -> Iterator[Find]:
    """The fields of a URL-encoded form, likewise."""
    at = 0
    for part in text.split(b"&"):
        name, equals, value = part.partition(b"=")
        if equals and value and sensitive(name):
            yield Find("field", at + len(name) + 1, at + len(part), "url", certain=True)
        at += len(part) + 1


def _left_of_pass(text: bytes, start: int, following: bytes) -> bool:
    """ "pass" also ends words (bypass, compass): alone, it must begin one or follow what goes with it."""
    if text[start : start + 5] == b"PASS:" and not text[max(0, start - 1) : start].isalnum():
        return text[max(0, start - 1) : start] == b"_"  # a test's result
    return following.lower() in (b"w", b"p", b"c") or bool(
        _PREFIX_OF_PASS.search(text, max(0, start - 8), start)
    )


def _value(text: bytes, start: int, end: int, encoding: str) -> Iterator[Find]:
    value = text[start:end]
    if encoding == "plain":
        end = start + len(value.rstrip(b").]}>:!?"))
        value = text[start:end]
        encoding = "raw"
    if encoding == "raw" and re.search(rb"%[0-9a-fA-F]{2}", value):
        encoding = "url"
    if encoding == "json" and b"\\" not in value:
        encoding = "raw"
    if plausible(decoded(value, encoding)):
        yield Find("field", start, end, encoding)
