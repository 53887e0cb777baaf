"""Terminal output as if printed on endless paper: what redrawing within lines left standing. Pure.

A progress bar, a line edited with readline and a spinner show the same text however their redraws were cut
into writes. Rendering keeps every line, scrolled away or not (a screen would show the last few only), keeps
colours, and keeps all that it cannot model (absolute positions, scroll regions, other screens) as it came, in
its place. So equal renderings mean equal effects on a terminal; a rendering rendered again is itself.
"""

from __future__ import annotations

import re
from functools import lru_cache

from wcwidth import wcwidth

_MAX_COLUMN = 4096
_MAX_DOWN = 256

_TOKEN = re.compile(
    r"(?P<text>[^\x00-\x1f\x7f]+)"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|\x1b\[(?P<prefix>[<=>?]?)(?P<params>[0-9:;]*)(?P<middle>[ -/]*)(?P<final>[@-~])"
    r"|(?P<string>\x1b(?:\][^\x07\x1b]*|[P_^X][^\x1b]*)(?:\x07|\x1b\\))"
    r"|(?P<escape>\x1b(?:[ -/]+[0-~]|[0-OQ-WYZ\\`-~]))"
)
_PLAIN = re.compile(rb"[^\x00-\x08\x0b-\x0d\x0e-\x1f\x7f]*(?:\r+\n[^\x00-\x08\x0b-\x0d\x0e-\x1f\x7f]*)*")
_SCREEN_MODES = re.compile(r"(?:^|;)(?:47|1047|1048|1049)(?:;|$)")


def render(data: bytes, cols: int = 0) -> bytes:
    """`data` with redraws resolved. Lines wrap at `cols` (0: never).

    Data that is cut within a control sequence, holds a malformed one, or has no stable rendering comes back
    unchanged, so `render(render(x)) == render(x)` for every x.
    """
    if _PLAIN.fullmatch(data):
        return re.sub(rb"\r+\n", b"\r\n", data)
    rendered = _render(data, cols)
    return rendered if _render(rendered, cols) == rendered else data


def _render(data: bytes, cols: int) -> bytes:
    text = data.decode("utf-8", "surrogateescape")
    out: list[str] = []
    paper = _Paper(cols, "")
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            return data
        at = token.end()
        if not paper.take(token):
            out += (paper.flush(), token[0])
            paper = _Paper(cols, paper.style, paper.graphics)
    out.append(paper.flush())
    return "".join(out).encode("utf-8", "surrogateescape")


class _Row:
    __slots__ = ("cells", "fill", "redrawn", "soft", "styles")

    def __init__(self, soft: bool = False) -> None:
        self.cells: list[str | None] = []
        self.styles: list[str] = []
        self.soft = soft
        self.redrawn = False
        self.fill = ""

    def pad(self, x: int) -> None:
        missing = x - len(self.cells)
        if missing > 0:
            self.cells += [None] * missing
            self.styles += [""] * missing

    def put(self, x: int, cells: list[str | None], style: str) -> None:
        self.pad(x)
        self.redrawn = self.redrawn or x < len(self.cells)
        self._halve(x)
        self._halve(x + len(cells))
        self.cells[x : x + len(cells)] = cells
        self.styles[x : x + len(cells)] = [style] * len(cells)

    def _halve(self, x: int) -> None:
        """A character of two cells that is cut at x leaves blanks."""
        if 0 < x < len(self.cells) and self.cells[x] == "":
            self.cells[x - 1] = self.cells[x] = " "

    def cut(self, x: int) -> None:
        self.redrawn = self.redrawn or x < len(self.cells)
        self._halve(x)
        del self.cells[x:], self.styles[x:]

    def trim(self) -> None:
        """Drops blanks at the end that are no text: never written, or left by a redraw."""
        while (
            self.cells
            and not self.styles[-1]
            and (self.cells[-1] is None or (self.redrawn and self.cells[-1] == " "))
        ):
            self.cells.pop()
            self.styles.pop()


class _Paper:
    def __init__(self, cols: int, style: str, graphics: bool = False) -> None:
        self.cols = cols
        self.before = style
        self.style = style
        self.graphics = graphics
        self.rows = [_Row()]
        self.x = self.y = 0
        self.saved: tuple[int, int, str] | None = None
        self.asides: list[str] = []
        self.last = ""

    # -- taking tokens; False means: not mine, a break -------------------------------------------------

    def take(self, token: re.Match[str]) -> bool:
        if token["text"] is not None:
            self._text(token["text"])
            return True
        if token["control"] is not None:
            return self._control(token["control"])
        if token["final"] is not None:
            return self._csi(token)
        if token["string"] is not None:
            self.asides.append(token["string"])
            return True
        return self._escape(token["escape"])

    def _text(self, text: str) -> None:
        self.last = text[-1]
        if text.isascii():
            at = 0
            while at < len(text):
                room = self._room(1)
                part = text[at : at + room] if room else text[at:]
                self.rows[self.y].put(self.x, list(part), self.style)
                self.x += len(part)
                at += len(part)
            return
        for char in text:
            width = _width(char)
            if width <= 0:
                self._combine(char)
                continue
            self._room(width)
            cells: list[str | None] = [char, ""]
            self.rows[self.y].put(self.x, cells[:width], self.style)
            self.x += width

    def _room(self, width: int) -> int:
        """Cells left in the line, after wrapping where `width` more do not fit; 0 for an endless line."""
        if not self.cols:
            return 0
        if self.x + width > self.cols and self.x > 0:
            self.x = 0
            self._down()
            row = self.rows[self.y]
            if not row.cells and not row.redrawn:
                row.soft = True
        return max(1, self.cols - self.x)

    def _combine(self, char: str) -> None:
        row = self.rows[self.y]
        at = self.x - 1
        while at >= 0 and at < len(row.cells) and row.cells[at] == "":
            at -= 1
        if 0 <= at < len(row.cells):
            row.cells[at] = (row.cells[at] or " ") + char
        else:
            self.asides.append(char)

    def _down(self) -> None:
        self.y += 1
        if self.y == len(self.rows):
            self.rows.append(_Row())

    def _control(self, char: str) -> bool:
        match char:
            case "\r":
                self.x = 0
            case "\n" | "\v" | "\f":
                self._unwrap()
                self._down()
            case "\b":
                self._unwrap()
                self.x = max(0, self.x - 1)
            case "\t":
                self._unwrap()
                self.x = self._bound(self.x // 8 * 8 + 8)
            case "\x0e" | "\x0f":
                return char == "\x0f" and not self.graphics
            case _:
                self.asides.append(char)
        return True

    def _unwrap(self) -> None:
        if self.cols:
            self.x = min(self.x, self.cols - 1) if self.x < self.cols else self.cols - 1

    def _bound(self, x: int) -> int:
        return max(0, min(x, (self.cols or _MAX_COLUMN) - 1))

    def _escape(self, escape: str) -> bool:
        match escape[1:]:
            case "7":
                self.saved = (self.x, self.y, self.style)
            case "8" if self.saved:
                self.x, self.y, self.style = self.saved
            case "D":
                self._down()
            case "E":
                self.x = 0
                self._down()
            case "=" | ">" | "\\":
                self.asides.append(escape)
            case "(B":
                if self.graphics:
                    self.graphics = False
                    return False
            case "(0":
                self.graphics = True
                return False
            case _:
                return False
        return True

    def _csi(self, token: re.Match[str]) -> bool:
        prefix, params, middle, final = token["prefix"], token["params"], token["middle"], token["final"]
        if prefix or middle:
            if prefix == "?" and final in "hl" and _SCREEN_MODES.search(params):
                return False
            if final in "JK" or middle == "!":
                return False
            self.asides.append(token[0])
            return True
        if final == "m":
            self.style = _restyle(self.style, params)
            return True
        if final in "hlcntqu" and not (final == "u" and not params):
            self.asides.append(token[0])
            return True
        if ":" in params or ";" in params:
            return False
        n = int(params[:6]) if params else 0
        return self._edit(final, n) if final in "KJX@Pb" else self._move(final, max(1, n))

    def _move(self, final: str, n: int) -> bool:
        match final:
            case "A" | "F":
                if n > self.y:
                    return False
                self.y -= n
            case "B" | "E":
                if n > _MAX_DOWN:
                    return False
                for _ in range(n):
                    self._down()
            case "C" | "a":
                self._unwrap()
                self.x = self._bound(self.x + n)
            case "D":
                self._unwrap()
                self.x = self._bound(self.x - n)
            case "G" | "`":
                self.x = self._bound(n - 1)
            case "s":
                self.saved = (self.x, self.y, self.style)
            case "u" if self.saved:
                self.x, self.y, _ = self.saved
            case _:
                return False
        if final in "EF":
            self.x = 0
        return True

    def _edit(self, final: str, n: int) -> bool:
        row = self.rows[self.y]
        if final == "b":
            if self.last:
                self._text(self.last * min(n or 1, _MAX_COLUMN))
            return True
        if final in "KJ" and n:
            # Erasing leftwards or the whole line or screen: the line form can be modelled, the screen not.
            if final == "J" or n > 2:
                return False
            if n == 2:
                row.cut(0)
                row.fill = _background(self.style)
            else:
                width = min(self.x + 1, len(row.cells))
                row.put(0, [None] * width, _background(self.style))
            return True
        self._unwrap()
        if final in "KJ":
            row.cut(self.x)
            row.fill = _background(self.style)
            if final == "J":
                del self.rows[self.y + 1 :]
            return True
        n = min(max(1, n), _MAX_COLUMN)
        if self.x >= len(row.cells):
            return True
        row.redrawn = True
        if final == "X":
            width = min(n, len(row.cells) - self.x)
            row.put(self.x, [None] * width, _background(self.style))
        elif final == "P":
            del row.cells[self.x : self.x + n], row.styles[self.x : self.x + n]
        else:
            row.cells[self.x : self.x] = [None] * n
            row.styles[self.x : self.x] = [_background(self.style)] * n
            if self.cols:
                row.cut(self.cols)
        return True

    # -- writing it out -------------------------------------------------------------------------------

    def flush(self) -> str:
        out = [*self.asides]
        style = self.before
        previous = 0
        for y, row in enumerate(self.rows):
            row.trim()
            if y and not (row.soft and row.cells and previous == self.cols and self.cols):
                out.append("\r\n")
            for cell, wanted in zip(row.cells, row.styles, strict=True):
                if wanted != style:
                    out.append(_sgr(wanted))
                    style = wanted
                out.append(" " if cell is None else cell)
            if row.fill and not 0 < self.cols <= len(row.cells):
                out += (_sgr(row.fill), "\x1b[K")
                style = row.fill
            previous = len(row.cells)
        if self.y < len(self.rows) - 1:
            out.append(f"\x1b[{len(self.rows) - 1 - self.y}A")
        at_end = len(self.rows[-1].cells)
        if self.x != at_end:
            out.append(
                "\r" if self.x == 0 else f"\x1b[{self.x + 1}G" if self.x < (self.cols or 1 << 30) else ""
            )
        if style != self.style:
            out.append(_sgr(self.style))
        return "".join(out)


@lru_cache(4096)
def _width(char: str) -> int:
    return 1 if "\udc80" <= char <= "\udcff" or "\x80" <= char <= "\x9f" else wcwidth(char)


def _sgr(style: str) -> str:
    return f"\x1b[0;{style}m" if style else "\x1b[0m"


_OFF = {
    "21": (), "22": ("1", "2"), "23": ("3",), "24": ("4", "21"), "25": ("5", "6"), "27": ("7",), "28": ("8",),
    "29": ("9",), "39": ("38",), "49": ("48",), "55": ("53",), "59": ("58",),
}  # fmt: skip


def _restyle(style: str, params: str) -> str:
    """The style after one SGR sequence, as its attributes in canonical order."""
    attributes = dict(_attributes(style.split(";")) if style else ())
    for key, value in _attributes((params or "0").split(";")):
        if key == "0":
            attributes.clear()
        elif key in _OFF and key != "21":
            for gone in _OFF[key]:
                attributes.pop(gone, None)
        else:
            attributes[key] = value
    return ";".join(attributes[key] for key in sorted(attributes))


def _attributes(items: list[str]) -> list[tuple[str, str]]:
    """(kind, text) of each attribute. Colours of one plane share a kind: 38 in front, 48 behind, 58 underline."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(items):
        item = items[at].lstrip("0") or "0"
        count = 1
        if item in ("38", "48", "58"):
            mode = items[at + 1].lstrip("0") if at + 1 < len(items) else ""
            count = {"5": 3, "2": 5}.get(mode, 1)
        text = ";".join([item, *(one.lstrip("0") or "0" for one in items[at + 1 : at + count])])
        at += count
        base = item.split(":")[0]
        number = int(base) if base.isdigit() and len(base) < 5 else -1
        if 30 <= number <= 37 or 90 <= number <= 97:
            base = "38"
        elif 40 <= number <= 47 or 100 <= number <= 107:
            base = "48"
        found.append(("24" if item == "4:0" else base, text))
    return found


def _background(style: str) -> str:
    """The part of a style that erased cells keep."""
    if not style:
        return ""
    return ";".join(text for kind, text in _attributes(style.split(";")) if kind == "48")
