"""What the debugging protocol wants to know of a key beyond its names: its Windows number, and what it types. Pure."""

from __future__ import annotations

_NAMED = {
    "Backspace": 8, "Tab": 9, "Enter": 13, "Shift": 16, "Control": 17, "Alt": 18, "Pause": 19, "CapsLock": 20,
    "Escape": 27, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
    "ArrowDown": 40, "PrintScreen": 44, "Insert": 45, "Delete": 46, "Meta": 91, "ContextMenu": 93, "NumLock": 144,
    "ScrollLock": 145, "AltGraph": 225, "Clear": 12,
}  # fmt: skip
_CODES = {
    "Space": 32, "Semicolon": 186, "Equal": 187, "Comma": 188, "Minus": 189, "Period": 190, "Slash": 191,
    "Backquote": 192, "BracketLeft": 219, "Backslash": 220, "BracketRight": 221, "Quote": 222, "IntlBackslash": 226,
    "NumpadMultiply": 106, "NumpadAdd": 107, "NumpadSubtract": 109, "NumpadDecimal": 110, "NumpadDivide": 111,
}  # fmt: skip
MASK = "•"
STAND_IN = "x"
"""What is typed where the recording withheld a character."""


def number(key: str, code: str) -> int:
    """The Windows number of a key; 0 where nothing tells."""
    if key in _NAMED:
        return _NAMED[key]
    if code in _CODES:
        return _CODES[code]
    if code.startswith("Key") and len(code) == 4:
        return ord(code[3])
    if code.startswith("Digit") and code[5:].isdigit():
        return 48 + int(code[5:6])
    if code.startswith("Numpad") and code[6:].isdigit():
        return 96 + int(code[6:7])
    if key[:1] == "F" and key[1:].isdigit() and 1 <= int(key[1:]) <= 24:
        return 111 + int(key[1:])
    if len(key) == 1 and key.isascii():
        return ord(key.upper())
    return 0


def text(key: str, modifiers: int) -> str:
    """What the key types; empty for nothing. `modifiers`: 1 alt, 2 control, 4 meta, 8 shift."""
    if key == "Enter":
        return "\r"
    control, alt = bool(modifiers & 2), bool(modifiers & 1)
    if len(key) != 1 or modifiers & 4 or (control and not alt) or (alt and not control and key.isascii()):
        return ""
    return key
