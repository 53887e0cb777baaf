"""The forms in which a secret may stand in bytes, each beside the same form of its placeholder, equally long."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_URL_SAFE = _STANDARD[:62] + b"-_"
_OTHER_ALPHABET = {_STANDARD: _URL_SAFE, _URL_SAFE: _STANDARD}
_SEXTET_OF = bytes.maketrans(_STANDARD, bytes(range(64)))
_SAFE_SETS = ("", "/", "!*'()", "!*'();/?:@&=+$,#")
"""What percent-encoders leave as it is: RFC 3986, paths, JavaScript's encodeURIComponent and encodeURI."""
_ESCAPED_BY_GO = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_UNTOUCHED = re.compile(rb"[A-Za-z0-9_.-]+\Z")
"""What no encoder escapes: its forms are itself, hexadecimal and base64."""
_LONGEST_IN_FORMS = 1024
"""What is longer is looked for as it is: its forms would cost more than all others together."""
_SHELL_SPECIAL = re.compile(r"([^A-Za-z0-9_./:=@%+,^-])", re.ASCII)


class Edge(NamedTuple):
    """A base64 character that holds bits of the secret and of its neighbour: `mask` says which are the secret's."""

    alphabet: bytes
    mask: int
    old: int
    new: int

    def patched(self, character: int) -> int | None:
        """The character with the secret's bits replaced; None where it does not hold them."""
        # what the secret itself holds may look alike in both alphabets
        alphabet = self.alphabet if character in self.alphabet else _OTHER_ALPHABET[self.alphabet]
        value = alphabet.find(character)
        if value < 0 or value & self.mask != self.old:
            return None
        return alphabet[value & ~self.mask | self.new]


class Form(NamedTuple):
    """`old` is to become `new`; `before` and `after` are its neighbours that hold some of it (base64 only)."""

    old: bytes
    new: bytes
    before: Edge | None = None
    after: Edge | None = None


def forms(secret: bytes, placeholder: bytes) -> list[Form]:
    """Every form of `secret`, without line ends (they may stand anywhere in it), each once; the plain one first."""
    found: dict[bytes, Form] = {}
    if len(secret) > _LONGEST_IN_FORMS:
        _add(found, Form(_flat(secret), _flat(placeholder)))
        return list(found.values())
    untouched = _UNTOUCHED.match(secret) and _UNTOUCHED.match(placeholder)
    for encode in (bytes, *_HEXADECIMAL) if untouched else _ENCODERS:
        _add(found, Form(_flat(encode(secret)), _flat(encode(placeholder))))
    for alphabet in (_STANDARD, _URL_SAFE):
        for shift in range(3):
            _add(found, _base64_form(secret, placeholder, alphabet, shift))
    return list(found.values())


def _add(found: dict[bytes, Form], form: Form) -> None:
    if len(form.old) == len(form.new) >= 6 and form.old != form.new:
        found.setdefault(form.old, form)


def _flat(text: bytes) -> bytes:
    return text.translate(None, b"\r\n")


def _base64_form(secret: bytes, placeholder: bytes, alphabet: bytes, shift: int) -> Form:
    """The form of a secret that begins `shift` bytes into a group of three."""
    old, new = (_sextets(bytes(shift) + text) for text in (secret, placeholder))
    whole = (8 * (shift + len(secret))) // 6  # sextets that end within the secret
    left = 8 * shift % 6  # bits of the first sextet that belong to what is before
    start = 8 * shift // 6
    before = after = None
    if left:
        mask = (1 << (6 - left)) - 1
        before = Edge(alphabet, mask, old[start] & mask, new[start] & mask)
        start += 1
    right = 8 * (shift + len(secret)) % 6  # bits of the last sextet that belong to the secret
    if right:
        mask = 0x3F & ~((1 << (6 - right)) - 1)
        after = Edge(alphabet, mask, old[whole] & mask, new[whole] & mask)
    table = bytes.maketrans(bytes(range(64)), alphabet)
    return Form(
        bytes(old[start:whole]).translate(table), bytes(new[start:whole]).translate(table), before, after
    )


def _sextets(text: bytes) -> list[int]:
    """The 6-bit groups of `text`, the last one filled with zeros."""
    return list(base64.b64encode(text).rstrip(b"=").translate(_SEXTET_OF))


def _percent(safe: str, lower: bool, plus: bool) -> Callable[[bytes], bytes]:
    def encode(text: bytes) -> bytes:
        out = quote(text, safe=safe)
        if lower:
            out = re.sub("%[0-9A-F]{2}", lambda m: m[0].lower(), out)
        return (out.replace("%20", "+") if plus else out).encode()

    return encode


def _text(encode: Callable[[str], str]) -> Callable[[bytes], bytes]:
    def encoded(text: bytes) -> bytes:
        return encode(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    return encoded


def _go_json(text: str) -> str:
    return "".join(_ESCAPED_BY_GO.get(c, c) for c in json.dumps(text, ensure_ascii=False)[1:-1])


def _quoted_in_double(text: str) -> str:
    return re.sub(r'([$"\\`])', r"\\\1", text)


_HEXADECIMAL = (
    _text(lambda text: text.encode("utf-8", "surrogateescape").hex()),
    _text(lambda text: text.encode("utf-8", "surrogateescape").hex().upper()),
)
_ENCODERS: tuple[Callable[[bytes], bytes], ...] = (
    bytes,
    *(
        _percent(safe, lower, plus)
        for safe in _SAFE_SETS
        for lower in (False, True)
        for plus in (False, True)
    ),
    _text(lambda text: json.dumps(text)[1:-1]),
    _text(lambda text: json.dumps(text, ensure_ascii=False)[1:-1]),
    _text(lambda text: json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/")),
    _text(_go_json),
    _text(lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1]),  # JSON within a JSON string
    _text(lambda text: html.escape(text, quote=False)),
    _text(html.escape),
    _text(lambda text: html.escape(text).replace("&#x27;", "&#39;")),
    _text(lambda text: html.escape(text).replace("&#x27;", "&apos;")),
    _text(lambda text: html.escape(text).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")),
    _text(lambda text: text.replace("'", "'\"'\"'")),
    _text(lambda text: text.replace("'", "'\\''")),
    _text(lambda text: text.replace("\\", "\\\\").replace("'", "\\'")),
    _text(_quoted_in_double),
    _text(lambda text: _SHELL_SPECIAL.sub(r"\\\1", text)),
    *_HEXADECIMAL,
)


# -- units: a span in some encoding, decoded and encoded again in the very style it was written in ------------------

_UNITS = {
    "raw": re.compile(rb"[\s\S]"),
    "url": re.compile(rb"%[0-9a-fA-F]{2}|[\s\S]"),
    "json": re.compile(rb"(?:\\u[0-9a-fA-F]{4})+|\\[\s\S]|[\s\S]"),
}
_JSON_SHORT = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}


def decoded(span: bytes, encoding: str) -> bytes:
    """The value that a span of `encoding` (raw, url or json) says."""
    if encoding == "raw":
        return span
    return b"".join(value for _, value in _units(span, encoding))


def reencoded(span: bytes, encoding: str, value: bytes) -> bytes:
    """`value`, as long as what `span` says, written as `span` is: the same characters escaped in the same way."""
    out = bytearray()
    at = 0
    for unit, said in _units(span, encoding):
        new = value[at : at + len(said)]
        at += len(said)
        if new == said:
            out += unit
        elif unit[:1] == b"%" and len(unit) == 3:
            digits = f"{new[0]:02x}"
            out += b"%" + (digits.upper() if unit == unit.upper() else digits).encode()
        elif unit[:2] == b"\\u":
            upper = unit[2:] != unit[2:].lower()
            wide = new.decode("utf-8", "replace").encode("utf-16-be", "replace").hex()
            out += b"".join(
                b"\\u" + (h.upper() if upper else h).encode()
                for h in (wide[i : i + 4] for i in range(0, len(wide), 4))
            )
        else:
            out += unit[: len(unit) - len(new)] + new
    return bytes(out) if len(out) == len(span) else span[: len(span) - len(value)] + value


def _units(span: bytes, encoding: str) -> Iterator[tuple[bytes, bytes]]:
    for match in _UNITS[encoding].finditer(span):
        unit = match[0]
        if encoding == "url" and len(unit) == 3:
            yield unit, bytes([int(unit[1:], 16)])
        elif encoding == "url" and unit == b"+":
            yield unit, b" "
        elif encoding == "json" and unit[:2] == b"\\u" and len(unit) >= 6:
            wide = bytes.fromhex(unit.replace(b"\\u", b"").decode())
            yield unit, wide.decode("utf-16-be", "surrogatepass").encode("utf-8", "surrogatepass")
        elif encoding == "json" and len(unit) == 2:
            yield unit, _JSON_SHORT.get(unit[1:], unit[1:])
        else:
            yield unit, unit
