"""What pages state on its way to the journal: every text passes the session's redactor; as long as before."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import msgspec

from recorder.redact import SharedRedactor
from recorder.trace.event import Event

_URLS = frozenset(("url", "initiator"))
_LEFT = frozenset(("kind", "source", "dom", "type", "blob", "storage", "aria", "skipped"))
"""Fields that are ours, or digests."""


class Texts(Protocol):
    """What every event and every content goes through before it is written."""

    def event[E: Event](self, event: E) -> E: ...
    def content(self, content: bytes) -> bytes: ...


class Untouched:
    """For a session that keeps everything as it is."""

    def event[E: Event](self, event: E) -> E:
        return event

    def content(self, content: bytes) -> bytes:
        return content


class RedactedPages:
    """Shares what it finds with the session's other sources, through the vault's file."""

    def __init__(self, vault: Path) -> None:
        """Raises OSError or ValueError where the vault cannot be read."""
        self._redactor = SharedRedactor(vault)

    def event[E: Event](self, event: E) -> E:
        """The event with its secrets replaced, the very same where there are none."""
        self._redactor.refresh()
        fields = {name: getattr(event, name) for name in event.__struct_fields__ if name not in _LEFT}
        texts = {
            name: value for name, value in fields.items() if isinstance(value, str | list | dict | tuple)
        }
        done = {name: self._value(name, value) for name, value in texts.items() if value}
        changed = {name: value for name, value in done.items() if value != texts[name]}
        return msgspec.structs.replace(event, **changed) if changed else event

    def content(self, content: bytes) -> bytes:
        self._redactor.refresh()
        return self._redactor.body(content)

    def _value(self, name: str, value: Any) -> Any:
        if isinstance(value, str):
            if len(value) < 4:
                return value
            return self._redactor.url(value) if name in _URLS else self._redactor.text(value)
        if isinstance(value, dict):
            return {key: self._named(key, one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self._value(name, one) for one in value)
        if isinstance(value, msgspec.Struct):
            return self._struct(value)
        return value

    def _struct(self, value: msgspec.Struct) -> msgspec.Struct:
        fields = {n: getattr(value, n) for n in value.__struct_fields__ if n not in _LEFT}
        return msgspec.structs.replace(value, **{n: self._value(n, v) for n, v in fields.items()})

    def _named(self, key: str, value: Any) -> Any:
        """A name may say that its value is a secret."""
        if not isinstance(value, str):
            return self._value(key, value)
        return self._redactor.text(f"{key}={value}")[len(key) + 1 :]
