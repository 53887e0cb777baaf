"""The tools of a row as function schemas: what a model is told that it may call. Pure."""

from __future__ import annotations

import inspect
from functools import cache
from typing import Any, NamedTuple

import msgspec

from replay.dataset.row import TOOLS, Tool


class Function(NamedTuple):
    """A tool: what it does, and the JSON Schema of its arguments (no references, nothing of draft 2020-12 alone)."""

    name: Tool
    description: str
    parameters: dict[str, Any]


@cache
def functions() -> tuple[Function, ...]:
    """Every tool of `row.TOOLS`. The same for all rows: a model learns when to use which, not only those of a session.
    What is returned is shared: callers do not change it."""
    return tuple(
        Function(name, " ".join((inspect.getdoc(kind) or "").split()), _parameters(kind))
        for name, kind in TOOLS.items()
    )


def _parameters(kind: type[Any]) -> dict[str, Any]:
    (made,), defined = msgspec.json.schema_components((kind,), ref_template="{name}")
    found: dict[str, Any] = _inlined(made, defined)
    del found["description"]  # the function's own
    return found


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_inlined(each, defined) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(defined[schema["$ref"]], defined)
    made = {
        key: _inlined(value, defined)
        for key, value in schema.items()
        if key != "title" or not isinstance(value, str)  # a struct's name; `properties` may have a `title`
    }
    if isinstance(description := made.get("description"), str):
        made["description"] = " ".join(description.split())
    if "prefixItems" in made:  # a tuple of one type, as drafts before 2020-12 say it
        made["items"] = made.pop("prefixItems")[0]
    return made
