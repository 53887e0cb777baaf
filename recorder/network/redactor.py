"""What everything of a network goes through before it is written."""

from __future__ import annotations

from typing import Protocol


class BodyFilter(Protocol):
    """What a body goes through, piece by piece; it may hold bytes back until it knows more."""

    @property
    def held(self) -> int:
        """How many bytes wait in it."""

    @property
    def refused(self) -> str | None:
        """Why the body must not be kept; settled with `end`."""

    def feed(self, data: bytes) -> bytes: ...
    def end(self) -> bytes:
        """The rest. May take a while; another thread may call it."""


class Redactor(Protocol):
    """What everything goes through before it is written: the one way from the wire to the disk."""

    def url(self, url: str) -> str: ...
    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]: ...
    def text(self, text: str) -> str:
        """Reasons and errors, which may quote what was sent."""

    def body_filter(self, content_type: str, content_coding: str) -> BodyFilter: ...


class Untouched:
    """The redactor that changes nothing; also the filter of its bodies."""

    held = 0
    refused: str | None = None

    def url(self, url: str) -> str:
        return url

    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return headers

    def text(self, text: str) -> str:
        return text

    def body_filter(self, content_type: str, content_coding: str) -> BodyFilter:
        return self

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""
