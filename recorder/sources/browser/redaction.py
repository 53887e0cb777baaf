"""What pages state on its way to the journal: every text passes the session's redactor; as long as before."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from recorder.redact import SharedRedactor
from recorder.trace.event import Event
from recorder.trace.pages import PageEvent, PageTarget

_URLS = frozenset(("url", "initiator"))
_LEFT = frozenset(("kind", "source", "dom", "type", "blob", "storage", "aria", "skipped"))
"""Fields that are ours, or digests."""


class _Item(Struct):
    name: str
    value: str


class _Origin(Struct):
    localStorage: list[_Item] = []  # noqa: N815 - as Playwright writes it
    indexedDB: list[Any] = []  # noqa: N815


class _Storage(Struct):
    cookies: list[_Item] = []
    origins: list[_Origin] = []


_TYPED = frozenset(
    ("keydown", "keypress", "keyup", "beforeinput", "input", "compositionupdate", "selectionchange")
)
_MOST_FIELDS = 4096


class Texts(Protocol):
    """What every event and every content goes through before it is written."""

    def event[E: Event](self, event: E) -> E: ...
    def content(self, content: bytes) -> bytes: ...
    def storage(self, state: bytes) -> bytes: ...


class Untouched:
    """For a session that keeps everything as it is."""

    def event[E: Event](self, event: E) -> E:
        return event

    def content(self, content: bytes) -> bytes:
        return content

    def storage(self, state: bytes) -> bytes:
        return state


class RedactedPages:
    """Shares what it finds with the session's other sources, through the vault's file."""

    def __init__(self, vault: Path) -> None:
        """Raises OSError or ValueError where the vault cannot be read."""
        self._redactor = SharedRedactor(vault)
        self._fields: OrderedDict[tuple[int, int], list[str]] = OrderedDict()
        """What fields are called, by document and number."""

    def event[E: Event](self, event: E) -> E:
        """The event with its secrets replaced, the very same where there are none."""
        self._redactor.refresh()
        texts = {name: getattr(event, name) for name in event.__struct_fields__ if name not in _LEFT}
        entered: dict[str, Any] = {}
        if isinstance(event, PageEvent):
            texts.pop("value")
            entered = self._entered(event)
        elif isinstance(event, PageTarget):
            self._learn(event)
        done = {name: self._value(name, value) for name, value in texts.items() if value} | entered
        changed = {name: value for name, value in done.items() if value != getattr(event, name)}
        return msgspec.structs.replace(event, **changed) if changed else event

    def _learn(self, target: PageTarget) -> None:
        words = (target.attributes.get("name"), target.id, target.label, target.name, target.placeholder)
        if target.editable and not target.masked:
            self._fields[target.doc, target.n] = list(dict.fromkeys(word for word in words if word))
            while len(self._fields) > _MOST_FIELDS:
                self._fields.popitem(last=False)

    def _entered(self, event: PageEvent) -> dict[str, Any]:
        """What a field holds. While it is typed only what is known is looked for: the beginnings of a secret would be
        taken for secrets; when it is done, the field's name may say what it is."""
        if not event.value or event.masked:
            return {}
        if event.type in _TYPED:
            known = self._redactor.known_only(event.value.encode("utf-8", "surrogateescape"), "text")
            return {"value": known.decode("utf-8", "surrogateescape")}
        value = event.value
        for word in self._fields.get((event.doc, event.target or 0), ()):
            value = self._named(word, value)
        return {"value": self._redactor.text(value)}

    def content(self, content: bytes) -> bytes:
        self._redactor.refresh()
        return self._redactor.body(content)

    def storage(self, state: bytes) -> bytes:
        """Cookies and storage (Playwright's storage state): what a cookie holds is as secret as in a header, what is
        stored under a name as what stands beside it."""
        said = msgspec.json.decode(state, type=_Storage)
        self._redactor.refresh()
        for cookie in said.cookies:
            self._redactor.headers([("Cookie", f"{cookie.name}={cookie.value}")])
        for origin in said.origins:
            for item in origin.localStorage:
                self._named(item.name, item.value)
            self._databases(origin.indexedDB)
        return self.content(state)

    def _databases(self, said: Any) -> None:
        """What databases hold under a name, plain or as Playwright encodes it."""
        for one in said if isinstance(said, list) else [said]:
            if isinstance(one, dict):
                if isinstance(one.get("k"), str):
                    one = {one["k"]: one.get("v")}
                for key, value in one.items():
                    if isinstance(value, str):
                        self._named(key, value)
                    else:
                        self._databases(value)
            elif isinstance(one, list):
                self._databases(one)

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
