"""Typed bytes by the names that tmux's send-keys takes: text as it is, `Enter`, `Escape`, `C-c`, `M-x`, `Up`. Pure."""

from __future__ import annotations

import re

_NAMED = {
    b"\r": "Enter", b"\n": "C-j", b"\t": "Tab", b"\x1b": "Escape", b"\x7f": "BSpace", b"\x00": "C-Space",
    b"\x1c": "C-\\", b"\x1d": "C-]", b"\x1e": "C-^", b"\x1f": "C-_", b"\x1b[Z": "BTab",
}  # fmt: skip
_FINALS = {
    "A": "Up", "B": "Down", "C": "Right", "D": "Left", "H": "Home", "F": "End",
    "P": "F1", "Q": "F2", "R": "F3", "S": "F4",
}  # fmt: skip
_NUMBERED = {
    "1": "Home", "2": "IC", "3": "DC", "4": "End", "5": "PPage", "6": "NPage", "7": "Home", "8": "End",
    "11": "F1", "12": "F2", "13": "F3", "14": "F4", "15": "F5", "17": "F6", "18": "F7", "19": "F8", "20": "F9",
    "21": "F10", "23": "F11", "24": "F12",
}  # fmt: skip
_PASTE = {"200": "paste-start", "201": "paste-end"}
_TOKEN = re.compile(
    r"\x1b\[(?P<number>\d{1,3})(?:;(?P<held>\d{1,2}))?~"
    r"|\x1b(?:\[(?:1;(?P<moved>\d{1,2}))?|O)(?P<final>[ABCDHFPQRS])"
    r"|(?P<back>\x1b\[Z)"
    r"|(?P<other>\x1b\[[0-9;<=>?]*[ -/]*[@-~])"
    r"|\x1b(?P<meta>[^\x00-\x1f\x1b\[O\x7f])"
    r"|(?P<control>[\x00-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)"
)


def keys(data: bytes) -> tuple[str, ...]:
    """The keys that send `data`, in order. Text in a row is one element; bytes that are no key and no UTF-8 come as
    `\\xNN`, sequences of unknown keys and of the mouse as `\\e[…`. Every byte is told."""
    told: list[str] = []
    for token in _TOKEN.finditer(data.decode("utf-8", "surrogateescape")):
        told += _told(token)
    return tuple(told)


def _told(token: re.Match[str]) -> list[str]:
    if (number := token["number"]) is not None:
        if number in _PASTE and token["held"] is None:
            return [_PASTE[number]]
        name = _NUMBERED.get(number)
        return [_held(token["held"]) + name] if name else [_escaped(token[0])]
    if token["final"] is not None:
        return [_held(token["moved"]) + _FINALS[token["final"]]]
    if token["back"] is not None:
        return ["BTab"]
    if token["other"] is not None:
        return [_escaped(token["other"])]
    if token["meta"] is not None:
        return ["M-" + _escaped(token["meta"])]
    if token["control"] is not None:
        byte = token["control"].encode()
        return [_NAMED.get(byte) or f"C-{chr(byte[0] + 0x60)}"]
    return [_escaped(token["text"])]


def _held(number: str | None) -> str:
    """xterm tells what was held as a number: 1 plus 1 for Shift, 2 for Alt, 4 for Control."""
    bits = int(number) - 1 if number else 0
    return "".join(name for bit, name in ((4, "C-"), (2, "M-"), (1, "S-")) if bits & bit)


def _escaped(text: str) -> str:
    shown = (f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text)
    return "".join(shown).replace("\x1b", "\\e")
