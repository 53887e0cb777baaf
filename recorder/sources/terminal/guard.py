"""What may be stored of what was typed. Pure: events in, events out.

Two rules. A terminal in line mode without echo asks for a secret: the text never leaves this module, only the
keys that ended it do. A program that reads keys by itself (ssh, sudo, a password field of a prompt library) shows
no such mode; there, when the last line of output asks for a secret, what is typed is held back in memory until
its echo proves that it was no secret, and dropped where Enter comes first.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from recorder.trace.events import Input

ECHO_WAIT = 0.25
"""Seconds that a line held back waits for its echo after Enter."""

MAX_HELD = 4096
TAIL = 400

_CONTROL = re.compile(rb"[^\r\n\x03\x04\x1a\x1c]+")
_ENDS = re.compile(rb"[\r\n\x03\x04\x1a\x1c]")
_ESCAPES = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]P_^X][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|[\x00-\x08\x0b-\x1f\x7f]"
)
_PLACED = re.compile(rb"\x1b\[[0-9;]*[Hf]|\x1b\[\?(?:1049|1047|47)h")
_ASKS = re.compile(
    r"(?<![a-z])(?:pass(?:word|wd|phrase|code|wort)?|pin|token|otp|2fa|mfa|secret|(?:api|access|private|recovery).?key"
    r"|(?:verification|security|auth\w*|one-time) code|credential|kennwort|mot de passe|contraseña|senha"
    r"|пароль|密码|密碼|パスワード|암호)s?(?![a-z])[^\n]{0,80}[:?>：\]]\s*$",
    re.IGNORECASE,
)
_PROMPT_ENDS = (b":", b"?", b">", b"]", b"*")
_MASKS = frozenset("*•●∙·█")
_MASKED_READERS = frozenset({"fish"})
"""Shells whose own `read -s` draws masks in raw mode, with any prompt."""
_ALWAYS = ("pinentry",)
"""Programs that ask for nothing but secrets."""


class Guard:
    """Decides about each input event before it is published. One session's state; not thread-safe."""

    def __init__(self) -> None:
        self._held: list[Input] = []
        self._echo = b""
        self._by_default_hidden = True
        self._deadline = 0
        self._masked = False
        self._in_hidden = False

    @property
    def holding(self) -> bool:
        """Whether `shown` wants the terminal's output."""
        return bool(self._held)

    @property
    def deadline(self) -> int:
        """When `expire` wants to be called (CLOCK_BOOTTIME ns); 0: not at all."""
        return self._deadline

    def typed(self, event: Input, tail: bytes) -> list[Input]:
        """Events that may be published now that `event` was typed. `tail`: the end of the output so far."""
        if event.reply:
            return [event]
        if event.icanon and not event.echo:
            return [*self.settle(), *self._hide(event)]
        if self._held:
            if self._deadline or event.at_prompt:
                # The line before this one still waits for its echo; none came before more was typed.
                return [*self.settle(), *self.typed(event, tail)]
            return self._hold(event)
        # Arrow keys, Enter alone: nothing that could be a secret.
        keys = (
            not event.at_prompt and not event.icanon and not event.echo and bool(_plain(event.data).strip())
        )
        if keys and self._suspects(event, tail):
            return self._hold(event)
        self._in_hidden = False
        return [event]

    def shown(self, data: bytes) -> list[Input]:
        """Events that may be published now that the terminal showed `data`. Call only while `holding`."""
        if not self._held:
            return []
        self._echo = (self._echo + data)[:MAX_HELD]
        verdict = self._echoed()
        if verdict is False and not self._deadline:
            # Masks: a secret until Enter, however it goes on.
            self._masked = True
            return []
        if verdict is None and self._deadline and not self._by_default_hidden:
            return []
        if verdict is None and self._deadline and b"\n" in data:
            verdict = False
        return [] if verdict is None else self._release(visible=verdict)

    def settle(self) -> list[Input]:
        """Decide about what is held with what is known."""
        if not self._held:
            return []
        verdict = False if self._masked else self._echoed()
        return self._release(visible=not self._by_default_hidden if verdict is None else verdict)

    def _suspects(self, event: Input, tail: bytes) -> bool:
        if event.foreground.startswith(_ALWAYS) or asks_secret(tail):
            self._by_default_hidden = True
            return True
        self._by_default_hidden = False
        return event.foreground in _MASKED_READERS and event.commands > 0

    def _hold(self, event: Input) -> list[Input]:
        if not self._held:
            self._echo = b""
        self._held.append(event)
        if sum(len(one.data) for one in self._held) > MAX_HELD:
            return self._release(visible=not (self._by_default_hidden or self._masked))
        if _ENDS.search(event.data):
            verdict = False if self._masked else self._echoed()
            if verdict is not None:
                return self._release(visible=verdict)
            self._deadline = event.t + int(ECHO_WAIT * 1e9)
        return []

    def _echoed(self) -> bool | None:
        """True: what was typed is on the screen. False: masks are. None: neither yet."""
        typed = _plain(b"".join(event.data for event in self._held))
        shown = _plain(self._echo)
        wanted = typed.rstrip("\n")
        if not wanted or not shown:
            return None
        if shown[0] in _MASKS and wanted[0] not in _MASKS:
            return False
        # Two characters, or the whole line if it is shorter: one may be chance.
        if shown[:2] == wanted[:2] and (len(wanted) > 1 or self._deadline):
            return True
        return None

    def _release(self, *, visible: bool) -> list[Input]:
        held, self._held = self._held, []
        self._echo, self._deadline, self._masked = b"", 0, False
        if visible:
            self._in_hidden = False
            return held
        return self._hide(replace(held[-1], data=b"".join(event.data for event in held)))

    def _hide(self, event: Input) -> list[Input]:
        # One event when it begins and one for each key that ends it: a count of events would tell the length.
        data = _CONTROL.sub(b"", event.data)
        if data == event.data and data and not self._in_hidden:
            return [event]  # Enter alone: an empty answer hides nothing, and must be empty again
        if not data and self._in_hidden:
            return []
        self._in_hidden = not data
        return [replace(event, data=data, hidden=True)]


def asks_secret(tail: bytes) -> bool:
    """Whether output that ends in `tail` looks like a prompt for a secret on the last line (not a full screen)."""
    end = tail.rstrip(b" ")[-1:]
    if end not in _PROMPT_ENDS and (not end or end < b"\x80") and b"\x1b" not in tail[-32:]:
        return False  # nearly every key of a full-screen program passes here
    line = tail[-TAIL:].rsplit(b"\n", 1)[-1]
    if _PLACED.search(line):
        return False
    # A line editor redraws from the margin; the last that it drew counts, its masks don't.
    drawn = [text for text in map(_plain, line.split(b"\r")) if text.strip()]
    return bool(drawn) and _ASKS.search(drawn[-1].rstrip("".join(_MASKS) + " ") + " ") is not None


def _plain(data: bytes) -> str:
    return _ESCAPES.sub(b"", data).decode("utf-8", "ignore")
