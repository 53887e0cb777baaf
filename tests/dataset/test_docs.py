"""docs/datasets.md says what is so."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from replay.dataset.formats import format_of, names
from replay.dataset.row import Row

ROOT = Path(__file__).resolve().parent.parent.parent
TOLD = (ROOT / "docs" / "datasets.md").read_text()


def test_the_example_is_a_row() -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```", TOLD, re.DOTALL | re.MULTILINE)
    row = msgspec.json.decode(example, type=Row)
    told, known = msgspec.json.decode(example), msgspec.json.decode(msgspec.json.encode(row))
    assert set(told) == set(known)
    assert told["provenance"] == known["provenance"]
    assert [call.id for call in row.messages[1].tool_calls] == [row.messages[2].tool_call_id]


@pytest.mark.parametrize("name", names())
def test_a_format_is_called_what_it_is_called(name: str) -> None:
    assert format_of(name).name == name


@pytest.mark.parametrize(
    "name",
    [
        "native",
        "openai",
        "trl",
        "trl-preference",
        "anthropic",
        "sharegpt",
        "swe-bench",
        "swe-agent",
        "openinference",
        "inspect",
        "parquet",
    ],
)
def test_a_format_is_in_the_table(name: str) -> None:
    assert name in names()
    assert f"\n| `{name}` |" in TOLD
