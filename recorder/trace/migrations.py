"""How traces of older schema versions are read: a chain of pure steps, each from one version to the next.

Types of a released version never change; a new version is a new number, a step here, and a frozen sample in the
tests. Steps work on plain JSON values, so that they don't depend on the types of today.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import SCHEMA_VERSION

Json = dict[str, Any]


class Migration(NamedTuple):
    """One step: what becomes of a manifest and of an event (None: this version has no such event any more)."""

    manifest: Callable[[Json], Json]
    event: Callable[[Json], Json | None]


MIGRATIONS: dict[int, Migration] = {}
"""By the version they start from. Version 1 is the first: nothing is older."""


class Migrator:
    """The way from `version` to the newest one. Raises TraceRejected where there is none."""

    def __init__(
        self, version: int, *, newest: int = SCHEMA_VERSION, steps: Mapping[int, Migration] = MIGRATIONS
    ) -> None:
        if version > newest:
            raise TraceRejected(
                Code.VERSION,
                "manifest.json",
                f"schema version {version}; this Reenact reads up to {newest}: upgrade Reenact to read it",
            )
        self._newest = newest
        try:
            self._steps = [steps[n] for n in range(version, newest)]
        except KeyError as error:
            raise TraceRejected(
                Code.VERSION,
                "manifest.json",
                f"schema version {version}: no way from version {error} is known",
            ) from None

    @property
    def changes(self) -> bool:
        """Whether the trace is of an older version."""
        return bool(self._steps)

    def manifest(self, raw: bytes) -> bytes:
        """The manifest's bytes as this version's; the very same ones where there is nothing to do."""
        if not self._steps:
            return raw
        value = _loads(raw, "manifest.json")
        for step in self._steps:
            value = _apply(step.manifest, value, "manifest.json")
        value["schema_version"] = self._newest
        return _last_keys(value)

    def event(self, line: bytes, place: str) -> bytes | None:
        """An event's line as this version's, or None where it is dropped."""
        if not self._steps:
            return line
        value: Json | None = _loads(line, place)
        for step in self._steps:
            if value is None:
                return None
            value = _apply(step.event, value, place)
        return None if value is None else msgspec.json.encode(value)


def _loads(raw: bytes, place: str) -> Json:
    try:
        value: Json = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise TraceRejected(Code.SYNTAX, place, str(error)) from None
    return value


def _apply[T](step: Callable[[Json], T], value: Json, place: str) -> T:
    try:
        return step(value)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise TraceRejected(Code.SCHEMA, place, f"not of its own schema version: {error!r}") from None


def _last_keys(value: Json) -> bytes:
    for key in ("seal", "redactions"):
        if key in value:
            value[key] = value.pop(key)
    return msgspec.json.encode(value)
