"""ATIF documents: what stands in them, what we refuse to write, and that the official models take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_rows
import msgspec
import pytest
from dataset_files import Load

from replay.dataset.format import Unfit
from replay.dataset.formats import format_of
from replay.dataset.row import Message, Row
from replay.export.losses import Losses


def convert(row: Row) -> tuple[dict[str, Any], dict[str, int]]:
    losses = Losses()
    ((name, content),) = format_of("atif").convert(row, losses)
    assert name == "trajectory.json"
    return json.loads(content), {loss.what: loss.count for loss in losses.told()}


def test_an_expert_acts_as_agent_and_results_stand_in_their_calls_step() -> None:
    made, lost = convert(made_rows.row())
    assert made["schema_version"] == "ATIF-v1.7"
    assert made["agent"]["name"] == "reenact-expert"
    assert "model_name" not in made["agent"]
    assert [step["source"] for step in made["steps"]] == ["user", *["agent"] * 5]
    first = made["steps"][1]
    assert first["tool_calls"][0]["arguments"] == {"command": "pytest -q", "cwd": "/w"}
    (result,) = first["observation"]["results"]
    assert result["source_call_id"] == first["tool_calls"][0]["tool_call_id"]
    assert "1 failed" in result["content"]
    assert result["extra"] == {"exit": 1, "cwd": "/w", "complete": True}
    assert made["steps"][2]["message"] == "It adds one too many."
    assert first["timestamp"] == "2023-11-14T22:13:21.000000Z"
    assert lost["what a step asked of the network"] == 1


def test_what_the_format_has_no_word_for_stands_in_extra() -> None:
    row = made_rows.row()
    extra = convert(row)[0]["extra"]
    assert extra["evaluation"] == json.loads(msgspec.json.encode(row.evaluation))
    assert extra["policy_flags"] == json.loads(msgspec.json.encode(row.policy_flags))
    assert extra["provenance"] == json.loads(msgspec.json.encode(row.provenance))
    assert extra["patch"] == json.loads(msgspec.json.encode(row.patch))


def test_late_results_are_folded_back() -> None:
    row = made_rows.row((made_rows.shell(1, "a", "1"), made_rows.shell(2, "b", "2")))
    one, two = row.messages[1:3], row.messages[3:5]
    late = msgspec.structs.replace(row, messages=(row.messages[0], one[0], *two, one[1]))
    made, _ = convert(late)
    assert [step.get("observation", {}).get("results", [{}])[0].get("content") for step in made["steps"]] == [
        None, one[1].content, two[1].content,
    ]  # fmt: skip


def test_rows_that_contradict_themselves_are_unfit() -> None:
    row = made_rows.row((made_rows.shell(1, "a"), made_rows.shell(2, "b")))

    def unfit(messages: tuple[Message, ...]) -> str:
        with pytest.raises(Unfit) as error:
            convert(msgspec.structs.replace(row, messages=messages))
        return str(error.value)

    user, call, result, *_ = row.messages
    assert "two calls are named call_1" in unfit((user, call, result, call, result))
    assert "results of []" in unfit((user, call))
    assert "before its call" in unfit((user, result, call))
    assert "results of" in unfit((user, call, result, result))
    with pytest.raises(Unfit, match="nothing was done"):
        convert(made_rows.row(()))


@pytest.mark.slow
def test_the_official_models_and_validator_take_them(
    rows: tuple[Row, ...], load: Load, tmp_path: Path
) -> None:
    files = []
    for number, row in enumerate(rows):
        ((_, content),) = format_of("atif").convert(row, Losses())
        files.append(tmp_path / f"{number}.json")
        files[-1].write_bytes(content)
    found = load("atif", files)
    assert found == [
        {"steps": len([m for m in row.messages if m.role != "tool"]), "calls": len(row.tool_calls)}
        for row in rows
    ]


@pytest.mark.slow
def test_the_official_models_refuse_what_they_do_not_know(load: Load, tmp_path: Path) -> None:
    made, _ = convert(made_rows.row())
    made["evaluation"] = {}
    (tmp_path / "bad.json").write_text(json.dumps(made))
    with pytest.raises(AssertionError, match="evaluation"):
        load("atif", [tmp_path / "bad.json"])
