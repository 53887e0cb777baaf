"""A placeholder for a secret: as long, of the same alphabet and build, made from a key, so that it tells nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re

from recorder.redact.shapes import prefix_length

_UPPER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER = _UPPER.lower()
_DIGITS = b"0123456789"
_HEX_WHOLE = re.compile(rb"[0-9a-fA-F:.\-]{8,}\Z")
_JWT = re.compile(rb"(eyJ[A-Za-z0-9_-]*)\.(eyJ[A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)\Z")
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"(\s*:)?')
_PADDED = re.compile(rb"[A-Za-z0-9+/_-]+={1,2}\Z")
_PUBLIC_CLAIMS = frozenset(
    {b"alg", b"typ", b"kid", b"iss", b"aud", b"exp", b"iat", b"nbf", b"scope", b"scp", b"token_type", b"azp"}
)


def pseudonym(key: bytes, value: bytes) -> bytes:
    """What stands for `value` wherever it occurs: a pure function of both, of equal length, never `value` itself
    (unless `value` has no letter, digit or character outside ASCII).

    Upper case stays upper case, lower lower, digits digits, hexadecimal hexadecimal; punctuation, a vendor's prefix
    and padding stay. Of a JWT the header and the registered claims stay readable.
    """
    jwt = _JWT.match(value)
    if jwt is not None:
        claims = _claims(key, jwt[2])
        if claims is not None:
            return b".".join((jwt[1], claims, _mapped(key, value, jwt[3], 0)))
    keep = prefix_length(value)
    return value[:keep] + _mapped(key, value, value[keep:], 0)


def _mapped(key: bytes, seed: bytes, text: bytes, attempt: int) -> bytes:
    """`text` with each character replaced by one of its class, chosen by the key and `seed`."""
    digits, upper, lower = _DIGITS, _UPPER, _LOWER
    if _HEX_WHOLE.match(text):
        upper, lower = upper[:6], lower[:6]
    random = _stream(key, seed, 2 * len(text), attempt)
    out = bytearray(text)
    last = len(text)
    if _PADDED.match(text):  # the character before the padding has bits that must be zero: it stays
        last = len(text.rstrip(b"=")) - 1
    for i in range(last):
        c = text[i]
        draw = random[2 * i] << 8 | random[2 * i + 1]
        if 0x30 <= c <= 0x39:
            out[i] = digits[1 + draw % 9] if i == 0 and c != 0x30 else digits[draw % 10]
        elif 0x41 <= c <= 0x5A:
            out[i] = upper[draw % len(upper)]
        elif 0x61 <= c <= 0x7A:
            out[i] = lower[draw % len(lower)]
        elif 0x80 <= c < 0xC0 and not (i + 1 < len(text) and 0x80 <= text[i + 1] < 0xC0):
            out[i] = 0x80 | draw & 0x3F  # the last byte of a UTF-8 character: the rest says its length
    if bytes(out) == text and attempt < 8 and any(c >= 0x80 or chr(c).isalnum() for c in text[:last]):
        return _mapped(key, seed, text, attempt + 1)
    return bytes(out)


def _stream(key: bytes, seed: bytes, size: int, attempt: int) -> bytes:
    inner = hmac.digest(key, bytes([attempt]) + seed, "sha256")
    return hashlib.shake_256(inner).digest(size)


def _claims(key: bytes, segment: bytes) -> bytes | None:
    """A JWT's payload with the strings of private claims mapped; None where it is not JSON."""
    try:
        payload = base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
        if not isinstance(json.loads(payload), dict):
            return None
    except (ValueError, binascii.Error, RecursionError):
        return None
    out = bytearray(payload)
    name = b""
    for match in _JSON_STRING.finditer(payload):
        if match[1] is not None:
            name = match[0][1:].split(b'"', 1)[0]
        elif name not in _PUBLIC_CLAIMS and b"\\" not in match[0]:
            start, end = match.start() + 1, match.end() - 1
            out[start:end] = _mapped(key, payload[start:end], payload[start:end], 0)
    return base64.urlsafe_b64encode(bytes(out)).rstrip(b"=")
