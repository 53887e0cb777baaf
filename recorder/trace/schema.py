"""JSON Schema of everything in a trace that is JSON, generated from the types.

`python -m recorder.trace.schema` prints it; docs/schema/v1.json is its frozen output. Once version 1 is released
that file never changes again: a change here means a new schema version.
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any, get_args

import msgspec

from recorder.trace.codec import KINDS
from recorder.trace.events import SCHEMA_VERSION, AnyEvent, TreeEntry
from recorder.trace.integrity import SENSITIVE, Salt
from recorder.trace.manifest import Manifest


def schema() -> dict[str, Any]:
    """The schema: `$defs` has each type; `members` says which one each member of a trace is made of."""
    kinds = get_args(AnyEvent)
    roots, components = msgspec.json.schema_components(
        [*kinds, Manifest, Salt, TreeEntry], ref_template="#/$defs/{name}"
    )
    for component in components.values():
        if "description" in component:  # whether a docstring is indented depends on Python's version
            component["description"] = inspect.cleandoc(component["description"])
    events = dict(zip(KINDS, roots[: len(kinds)], strict=True))
    manifest, salt, entry = roots[len(kinds) :]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Reenact trace, schema version {SCHEMA_VERSION}",
        "description": "Objects may have more members, which readers keep; seal, redaction and salt may not.",
        "members": {
            "manifest.json": manifest,
            "events.jsonl": {"anyOf": list(events.values())},
            "salts.jsonl": salt,
            "tree blob": entry,
        },
        "kinds": events,
        "sensitive": SENSITIVE,
        "$defs": dict(sorted(components.items())),
    }


def schema_text() -> str:
    """The schema as it stands in docs/schema."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def kinds_table() -> str:
    """The table of events in docs/trace-format.md."""
    rows = ["| kind | fields beyond `t` and `source` | meaning |", "| --- | --- | --- |"]
    for kind, made in KINDS.items():
        fields = [f.encode_name for f in msgspec.structs.fields(made) if f.name not in ("t", "source")]
        starred = [f"`{f}`" + ("*" if _is_sensitive(kind, f) else "") for f in fields]
        doc = (
            " ".join((made.__doc__ or "").split())
            if not (made.__doc__ or "").startswith(made.__name__ + "(")
            else ""
        )
        rows.append(f"| `{kind}` | {', '.join(starred)} | {doc} |")
    return "\n".join(rows) + "\n"


def _is_sensitive(kind: str, field: str) -> bool:
    return any(name.split("/")[0] == field for name in SENSITIVE.get(kind, ()))


if __name__ == "__main__":
    sys.stdout.write(kinds_table() if "--kinds" in sys.argv[1:] else schema_text())
