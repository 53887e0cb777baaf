"""The schema and the format's page say what the types say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from recorder.trace import integrity, limits, schema, ziplayout
from recorder.trace.errors import Code
from recorder.trace.events import SCHEMA_VERSION
from recorder.trace.frames import MAGIC

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "trace-format.md").read_text()


def test_the_types_of_version_1_are_frozen() -> None:
    """Types of a released version never change. Was this meant? Then it is a new schema version; see migrations.py.
    (Before the first release: python -m recorder.trace.schema > docs/schema/v1.json)
    """
    assert SCHEMA_VERSION == 1
    assert (DOCS / "schema" / "v1.json").read_text() == schema.schema_text()


def test_the_command_prints_it() -> None:
    done = subprocess.run([sys.executable, "-m", "recorder.trace.schema"], capture_output=True, check=True)
    assert done.stdout.decode() == schema.schema_text()


def test_the_page_has_the_table_of_events() -> None:
    """Written anew by: python -m recorder.trace.schema --kinds"""
    assert schema.kinds_table() in PAGE


def test_the_page_has_every_code_of_rejection() -> None:
    listed = re.findall(r"^\| `([a-z-]+)` \| ", PAGE[PAGE.index("## Rejection") :], re.MULTILINE)
    assert listed == [str(code) for code in Code]


def test_the_page_states_every_limit() -> None:
    table = PAGE[PAGE.index("## Limits") : PAGE.index("## Rejection")].replace(",", "")
    for name, value in vars(limits).items():
        if name.isupper() and name not in ("IO", "FREE_EXPANSION", "MAX_RATIO"):
            assert f"| {value} |" in table or f"| {value} (" in table, (name, value)
    assert str(limits.FREE_EXPANSION) in table
    assert str(limits.MAX_RATIO) in table


def test_the_page_states_the_constants() -> None:
    assert MAGIC.hex(" ") in PAGE
    for text in ("reenact chain 1\\n", "reenact seal 1\\n", "reenact redaction 1\\n"):
        assert text in PAGE
        assert text.encode().decode("unicode_escape").encode() in vars(integrity).values()
    for name in (
        ziplayout.EVENTS,
        ziplayout.SALTS,
        ziplayout.MANIFEST,
        ziplayout.frames_name(1).replace("1", "N"),
    ):
        assert f"`{name}`" in PAGE
