"""What a terminal answers when a program asks: one table.

| the program asks | form | answered with |
|---|---|---|
| primary, secondary, tertiary attributes | `CSI c`, `CSI > c`, `CSI = c`, `ESC Z` | a fixed string each |
| name and version (XTVERSION) | `CSI > q` | a fixed string |
| status | `CSI 5 n` | `CSI 0 n` |
| cursor position | `CSI 6 n`, `CSI ? 6 n` | row and column, counted from 1, inside margins in origin mode |
| colour scheme | `CSI ? 996 n` | dark or light |
| a mode (DECRQM) | `CSI [?] n $ p` | set or reset where known, else not recognised |
| keyboard flags (kitty) | `CSI ? u` | the flags in force |
| sizes | `CSI 14 t`, `16 t`, `18 t`, `19 t` | from columns, rows and the cell's pixels |
| colours | `OSC 10;?`, `11`, `12`, `OSC 4;n;?` | a fixed colour each, with the query's own terminator |
| terminfo values (XTGETTCAP) | `DCS + q hex ST` | a fixed value each, else unknown |
| settings (DECRQSS) | `DCS $ q name ST` | a fixed value each, else invalid |

Never answered, because an answer could carry text that a hostile program chose: titles (`CSI 21 t`), the
clipboard (OSC 52), ENQ. Everything is a pure function of `Answers` and of the bytes that the screen was fed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from recorder.trace.controls import MAX_STRING, ST, Parser

_MODES: Final = frozenset({4, 20})
_PRIVATE_MODES: Final = frozenset(
    {1, 6, 7, 9, 12, 25, 47, 66, 1000, 1002, 1003, 1004, 1006, 1007, 1047, 1048, 1049, 2004, 2026}
)
_SETTINGS: Final = {"m": "0m", " q": "2 q", '"p': '62;1"p', '"q': '0"q'}
_TERMCAP: Final = {"TN": "xterm-256color", "Co": "256", "colors": "256", "RGB": "8/8/8"}


class State(Protocol):
    """What of a screen answers depend on. `position` counts from 1, inside margins in origin mode."""

    @property
    def position(self) -> tuple[int, int]: ...
    @property
    def size(self) -> tuple[int, int]: ...
    @property
    def keyboard_flags(self) -> int: ...
    def has_mode(self, number: int, private: bool) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A terminal's replies; None, False and absent mean silence. The default is a plain modern terminal."""

    primary: str | None = "\x1b[?62;22c"
    secondary: str | None = "\x1b[>1;10;0c"
    tertiary: str | None = "\x1bP!|00000000\x1b\\"
    version: str | None = "\x1bP>|reenact 1\x1b\\"
    status: bool = True
    position: bool = True
    extended_position: bool = True
    scheme: str | None = "\x1b[?997;1n"
    modes: bool = True
    private_modes: bool = True
    fixed_modes: Mapping[tuple[int, bool], int] = field(default_factory=dict)
    """DECRQM values that do not follow what was fed, by (number, private): 0 unknown, 3 and 4 permanent."""
    keyboard: bool = True
    sizes: Mapping[int, tuple[int, int] | None] = field(
        default_factory=lambda: {4: None, 6: (20, 10), 8: None, 9: None}
    )
    """Size reports by the reply's first number: fixed (height, width), or None to compute it from the screen."""
    colours: Mapping[str, str] = field(
        default_factory=lambda: {
            "10": "rgb:d0d0/d0d0/d0d0",
            "11": "rgb:0000/0000/0000",
            "12": "rgb:d0d0/d0d0/d0d0",
        }
    )
    """By OSC code; palette entries as `4;n`."""
    termcap: Mapping[str, str | None] | None = field(default_factory=lambda: dict(_TERMCAP))
    """By capability: value, or None for one that the terminal said it does not know."""
    settings: Mapping[str, str | None] | None = field(default_factory=lambda: dict(_SETTINGS))

    @classmethod
    def recorded(cls, replies: Iterable[bytes]) -> Answers:
        """The answers of the terminal that sent `replies` (input marked as reply, in order).

        A query that it never answered stays unanswered, so that a replayed program meets the same terminal.
        Never raises; bytes that are no reply are passed over.
        """
        learned = _Learned()
        parser = Parser(learned)
        for reply in replies:
            parser.feed(reply)
        return learned.answers

    def csi(self, prefix: str, params: str, intermediates: str, final: str, state: State) -> str | None:
        """The reply to a CSI query; None where it is no query, or not answered."""
        numbers = [int(part) if part.isdigit() else 0 for part in params.split(";")]
        first = numbers[0]
        match prefix + intermediates + final:
            case "c":
                return self.primary if first == 0 else None
            case ">c":
                return self.secondary if first == 0 else None
            case "=c":
                return self.tertiary if first == 0 else None
            case ">q":
                return self.version if first == 0 else None
            case "n" if first == 5 and self.status:
                return "\x1b[0n"
            case "n" if first == 6 and self.position:
                return "\x1b[{};{}R".format(*state.position)
            case "?n" if first == 6 and self.extended_position:
                return "\x1b[?{};{}R".format(*state.position)
            case "?n" if first == 996:
                return self.scheme
            case "$p" if self.modes:
                return f"\x1b[{first};{self._mode(first, False, state)}$y"
            case "?$p" if self.private_modes:
                return f"\x1b[?{first};{self._mode(first, True, state)}$y"
            case "?u" if self.keyboard:
                return f"\x1b[?{state.keyboard_flags}u"
            case "t" if 14 <= first <= 19 and (first - 10) in self.sizes and len(numbers) == 1:
                return self._size(first - 10, state)
        return None

    def string(self, kind: str, body: str, end: str, state: State) -> str | None:
        """The reply to an OSC or DCS query; None where it is no query, or not answered."""
        if kind == "]":
            code, _, rest = body.rpartition(";")
            colour = self.colours.get(code) if rest == "?" else None
            return f"\x1b]{code};{colour}{end}" if colour else None
        if kind == "P" and body.startswith("+q") and self.termcap is not None:
            return "".join(map(self._capability, body[2:].split(";")[:64])) or None
        if kind == "P" and body.startswith("$q") and self.settings is not None:
            value = self.settings.get(body[2:])
            return f"\x1bP0$r{ST}" if value is None else f"\x1bP1$r{value}{ST}"
        return None

    def _mode(self, number: int, private: bool, state: State) -> int:
        fixed = self.fixed_modes.get((number, private))
        if fixed is not None:
            return fixed
        if number not in (_PRIVATE_MODES if private else _MODES):
            return 0
        return 1 if state.has_mode(number, private) else 2

    def _size(self, code: int, state: State) -> str:
        cols, rows = state.size
        cell_height, cell_width = self.sizes.get(6) or (20, 10)
        computed = (rows * cell_height, cols * cell_width) if code == 4 else (rows, cols)
        return "\x1b[{};{};{}t".format(code, *(self.sizes[code] or computed))

    def _capability(self, name_hex: str) -> str:
        if not re.fullmatch(r"(?:[0-9A-Fa-f]{2}){1,64}", name_hex):
            return ""
        assert self.termcap is not None
        name = bytes.fromhex(name_hex).decode("latin-1")
        if name not in self.termcap or (value := self.termcap[name]) is None:
            return f"\x1bP0+r{name_hex}{ST}"
        return f"\x1bP1+r{name_hex}" + (f"={value.encode().hex().upper()}" if value else "") + ST


SILENT: Final = Answers(
    primary=None, secondary=None, tertiary=None, version=None, status=False, position=False, extended_position=False,
    scheme=None, modes=False, private_modes=False, keyboard=False, sizes={}, colours={}, termcap=None, settings=None,
)  # fmt: skip
"""A terminal that never answers."""


class _Learned:
    """A `Sink` that reads a terminal's replies."""

    def __init__(self) -> None:
        self.answers = SILENT

    def text(self, text: str) -> None:
        pass

    def lines(self, text: str) -> None:
        pass

    def control(self, char: str) -> None:
        pass

    def escape(self, intermediates: str, final: str) -> None:
        pass

    def csi(self, prefix: str, params: str, intermediates: str, final: str) -> None:
        now = self.answers
        whole = f"\x1b[{prefix}{params}{intermediates}{final}"
        numbers = [min(int(part), 65535) if part.isdigit() else 0 for part in params.split(";")]
        match prefix + intermediates + final:
            case "?c":
                now = replace(now, primary=whole)
            case ">c":
                now = replace(now, secondary=whole)
            case "n" if numbers[0] == 0:
                now = replace(now, status=True)
            case "?n" if numbers[0] == 997:
                now = replace(now, scheme=whole)
            case "R" if len(numbers) == 2:
                now = replace(now, position=True)
            case "?R":
                now = replace(now, extended_position=True)
            case "?u":
                now = replace(now, keyboard=True)
            case "$y" | "?$y" if len(numbers) == 2:
                fixed = dict(now.fixed_modes)
                if numbers[1] in (0, 3, 4):
                    fixed[numbers[0], prefix == "?"] = numbers[1]
                now = replace(now, fixed_modes=fixed)
                now = replace(now, private_modes=True) if prefix else replace(now, modes=True)
            case "t" if len(numbers) == 3 and numbers[0] in (4, 6, 8, 9):
                value = (numbers[1], numbers[2]) if numbers[0] != 8 else None
                now = replace(now, sizes={**now.sizes, numbers[0]: value})
        self.answers = now

    def string(self, kind: str, body: str, end: str) -> None:
        now = self.answers
        whole = f"\x1b{kind}{body}{ST}"
        if len(body) >= MAX_STRING:
            return
        if kind == "]":
            code, _, colour = body.rpartition(";")
            if re.fullmatch(r"1[0-9]|4;[0-9]{1,3}", code) and re.fullmatch(r"[\w:/]{1,40}", colour):
                now = replace(now, colours={**now.colours, code: colour})
        elif kind == "P" and body.startswith("!|"):
            now = replace(now, tertiary=whole)
        elif kind == "P" and body.startswith(">|"):
            now = replace(now, version=whole)
        elif kind == "P" and (found := re.fullmatch(r"([01])\+r([0-9A-Fa-f]+)(?:=([0-9A-Fa-f]*))?", body)):
            known = dict(now.termcap or {})
            try:
                name = bytes.fromhex(found[2]).decode("latin-1")
                value = bytes.fromhex(found[3] or "").decode("utf-8", "replace")
            except ValueError:
                return
            known[name] = value if found[1] == "1" else None
            now = replace(now, termcap=known)
        elif kind == "P" and (found := re.fullmatch(r'([01])\$r(.*?)((?: |")?[a-z])?', body, re.DOTALL)):
            settings = dict(now.settings or {})
            if found[1] == "1" and found[3]:
                settings[found[3]] = found[2] + found[3]
            now = replace(now, settings=settings)
        self.answers = now
