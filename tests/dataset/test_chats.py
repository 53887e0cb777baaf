"""Formats of conversations: what stands in them, and that their loaders take them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_rows
import pytest
from dataset_files import Load, lines

from replay.dataset.format import Unfit
from replay.dataset.formats import format_of
from replay.dataset.row import Row
from replay.dataset.tools import functions
from replay.export.losses import Losses

PREFERENCE = format_of("trl-preference")


def convert(name: str, row: Row) -> tuple[dict[str, Any], dict[str, int]]:
    losses = Losses()
    (made,) = format_of(name).convert(row, losses)
    return json.loads(json.dumps(made)), {loss.what: loss.count for loss in losses.told()}


def test_tools_are_schemas_without_references() -> None:
    told = json.dumps([tool.parameters for tool in functions()])
    assert "$ref" not in told
    assert "prefixItems" not in told
    browser = next(tool for tool in functions() if tool.name == "browser")
    element = browser.parameters["properties"]["element"]["anyOf"][0]
    assert element["properties"]["rect"]["anyOf"][0]["items"] == {"type": "number"}
    assert browser.parameters["required"] == ["action", "description", "tab"]
    assert "  " not in browser.description


def test_openai_has_arguments_as_text_and_ends_with_the_assistant() -> None:
    made, lost = convert("openai", made_rows.row())
    assert set(made) == {"messages", "tools", "parallel_tool_calls"}
    first = made["messages"][1]["tool_calls"][0]
    assert json.loads(first["function"]["arguments"]) == {"command": "pytest -q", "cwd": "/w"}
    assert "content" not in made["messages"][1]
    assert made["messages"][3]["content"] == "It adds one too many."
    assert made["messages"][-1]["role"] == "assistant"
    assert lost["what answered the last action: the conversation ends with the assistant"] == 1
    assert lost["which trace it is"] == 1
    assert lost["what a step asked of the network"] == 1


def test_openai_answers_every_call_but_the_last(rows: tuple[Row, ...]) -> None:
    for row in rows:
        made, _ = convert("openai", row)
        open_calls: list[str] = []
        for message in made["messages"]:
            if message["role"] == "tool":
                open_calls.remove(message["tool_call_id"])
            else:
                assert not open_calls, "a turn came before its results"
                open_calls += [call["id"] for call in message.get("tool_calls", ())]


def test_last_words_keep_the_last_result() -> None:
    made, lost = convert("openai", made_rows.row(last_words="Done."))
    assert made["messages"][-1] == {"role": "assistant", "content": "Done."}
    assert not any(what.startswith("what answered the last action") for what in lost)


@pytest.mark.parametrize("name", ["openai", "trl", "anthropic", "sharegpt"])
def test_a_row_in_which_nothing_was_done_is_unfit(name: str) -> None:
    with pytest.raises(Unfit, match="nothing was done"):
        convert(name, made_rows.row(()))


def test_trl_has_arguments_as_objects_and_tools_as_text() -> None:
    row = made_rows.row()
    made, lost = convert("trl", row)
    call = made["messages"][5]["tool_calls"][0]["function"]
    assert call["arguments"]["element"]["near"] == {"row": "Ünïcode"}
    assert {tool["function"]["name"] for tool in json.loads(made["tools"])} == {
        "shell", "keystrokes", "browser", "edit",
    }  # fmt: skip
    assert made["trace_id"] == row.trace_id
    assert "which trace it is" not in lost


def test_rows_without_an_instruction_begin_with_the_assistant_where_a_format_lets_them() -> None:
    row = made_rows.row(instruction="")
    for name in ("openai", "trl"):
        made, _ = convert(name, row)
        assert made["messages"][0]["role"] == "assistant"
    for name in ("anthropic", "sharegpt"):
        with pytest.raises(Unfit, match="record --task"):
            convert(name, row)


def test_anthropic_alternates_and_answers_in_the_next_turn(rows: tuple[Row, ...]) -> None:
    for row in rows:
        made, _ = convert("anthropic", row)
        turns = made["messages"]
        assert [turn["role"] for turn in turns] == [("user", "assistant")[n % 2] for n in range(len(turns))]
        for turn, following in zip(turns[1::2], turns[2::2], strict=False):
            asked = [block["id"] for block in turn["content"] if block["type"] == "tool_use"]
            answered = [block.get("tool_use_id") for block in following["content"]]
            assert answered == asked
        texts = [block["text"] for turn in turns for block in turn["content"] if block["type"] == "text"]
        assert all(text.strip() for text in texts)


def test_blank_words_are_no_block() -> None:
    made, _ = convert("anthropic", made_rows.row((made_rows.shell(1, "ls"),), words={1: " \n"}))
    assert [block["type"] for block in made["messages"][1]["content"]] == ["tool_use"]


def test_sharegpt_takes_turns_and_ends_with_the_assistant(rows: tuple[Row, ...]) -> None:
    for row in rows:
        made, lost = convert("sharegpt", row)
        said = [turn["from"] for turn in made["conversations"]]
        assert len(said) % 2 == 0
        assert set(said[::2]) <= {"human", "observation"}
        assert set(said[1::2]) <= {"gpt", "function_call"}
        assert lost["which result answers which call, but by their order"] >= 1


def test_words_that_look_like_a_thought_are_counted_not_told() -> None:
    words = "odd\n</think>\n\nwords"
    made, lost = convert("sharegpt", made_rows.row((made_rows.shell(1, "ls"),), words={1: words}))
    assert json.loads(made["conversations"][1]["value"])["name"] == "shell"
    assert lost["words that look like the marks of a thought"] == 1


def test_a_preference_has_what_both_began_with_as_its_prompt() -> None:
    better, worse = made_rows.row(), made_rows.row((made_rows.shell(1, "rm a.py"),), n=2, reward=0.0)
    losses = Losses()
    (made,) = PREFERENCE.convert(better, worse, losses)
    assert made["prompt"] == [{"role": "user", "content": "Mend a.py."}]
    assert made["rejected"][0]["tool_calls"][0]["function"]["arguments"]["command"] == "rm a.py"
    assert (made["chosen_trace_id"], made["rejected_trace_id"]) == (better.trace_id, worse.trace_id)
    with pytest.raises(Unfit, match="in common"):
        list(PREFERENCE.convert(better, made_rows.row(instruction="Other."), losses))
    with pytest.raises(Unfit, match="nothing was done"):
        list(PREFERENCE.convert(better, made_rows.row(()), losses))


def test_what_is_lost_is_counted_where_there_is_any() -> None:
    _, lost = convert("trl", made_rows.row((made_rows.browser(1),), words={}))
    assert "exit codes of 0, and the folders that commands ended in" not in lost
    assert lost["what a step asked of the network"] == 1
    _, lost = convert(
        "trl", made_rows.row((made_rows.shell(1, "ls", complete=False),), reward=None, verification=None)
    )
    assert lost["exit codes of 0, and the folders that commands ended in"] == 1
    assert lost["that an observation is not complete"] == 1
    assert not any(what.startswith(("evaluation", "outcome", "marks", "what a step asked")) for what in lost)


# -- loaders ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_the_types_of_the_package_take_it(
    name: str, rows: tuple[Row, ...], load: Load, tmp_path: Path
) -> None:
    found = load(name, [lines(name, rows, tmp_path / "train.jsonl")])
    assert len(found) == len(rows)


@pytest.mark.slow
def test_datasets_and_trl_read_sessions_and_pairs(rows: tuple[Row, ...], load: Load, tmp_path: Path) -> None:
    place, pairs = lines("trl", rows, tmp_path / "train.jsonl"), tmp_path / "pairs.jsonl"
    worse = made_rows.row((made_rows.shell(1, "rm a.py"),), n=2, reward=0.0)
    made = PREFERENCE.convert(made_rows.row(), worse, Losses())
    pairs.write_text("".join(json.dumps(record) + "\n" for record in made))
    found = load("trl", [place, pairs])
    sessions = found["sessions"]
    written = [json.loads(line) for line in place.read_text().splitlines()]
    assert [example["messages"] for example in sessions] == [line["messages"] for line in written]
    assert "<tools>" in sessions[3]["text"]
    assert '"command": "pytest -q", "cwd": "/w"}' in sessions[3]["text"]
    assert "It adds one too many." in sessions[3]["text"]
    (pair,) = found["pairs"]
    assert "Mend a.py." in pair["prompt"]
    assert '"command": "pytest -q"' in pair["chosen"]
    assert '"command": "rm a.py"' in pair["rejected"]


@pytest.mark.slow
def test_llama_factory_reads_sharegpt(rows: tuple[Row, ...], load: Load, tmp_path: Path) -> None:
    found = load("sharegpt", [lines("sharegpt", rows, tmp_path / "train.jsonl")])
    assert [len(example["turns"]) % 2 for example in found] == [0] * len(rows)
    one = found[3]
    assert one["turns"][1]["role"] == "function"
    assert one["prompts"][3].startswith("<think>\nIt adds one too many.\n</think>\n\n<tool_call>")
    assert '"name": "browser"' in one["tools"]
