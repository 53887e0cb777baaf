"""Formats of agents' tools: SWE-bench, SWE-agent, OpenInference, Inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import made_rows
import pytest
from dataset_files import Load, lines

from replay.dataset.format import Unfit
from replay.dataset.formats import format_of
from replay.dataset.instance import instance_id
from replay.dataset.row import Mark, Patch, Row
from replay.export.losses import Losses

REPO = {"repo": "https://github.com/acme/shop", "commit": "0123456789abcdef"}


def files(name: str, row: Row) -> dict[str, Any]:
    return {path: json.loads(data) for path, data in format_of(name).convert(row, Losses())}


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"url": "https://github.com/acme/shop/issues/12"}, "acme__shop-12"),
        ({"url": "https://github.com/acme/shop/pull/3#discussion"}, "acme__shop-3"),
        ({"url": "https://gitlab.com/acme/shop/-/issues/7", **REPO}, "acme__shop-7"),
        (REPO, "acme__shop-0123456789ab"),
        ({"repo": "git@github.com:acme/shop.git", "commit": "ff"}, "acme__shop-ff"),
        ({"repo": "acme/shop", "commit": "ff", "url": "https://example.org/x"}, "acme__shop-ff"),
    ],
)
def test_a_task_is_called_as_swe_bench_calls_it(given: dict[str, str], name: str) -> None:
    assert instance_id(made_rows.row(**given)) == name


@pytest.mark.parametrize(
    "given", [{}, {"repo": "acme/shop"}, {"commit": "ff"}, {"repo": "shop", "commit": "ff"}]
)
def test_a_task_without_a_name_is_unfit(given: dict[str, str]) -> None:
    with pytest.raises(Unfit, match="nothing to call it by"):
        instance_id(made_rows.row(**given))


def test_a_prediction_is_the_patch() -> None:
    losses = Losses()
    (made,) = format_of("swe-bench").convert(made_rows.row(**REPO), losses)
    assert made == {
        "instance_id": "acme__shop-0123456789ab",
        "model_name_or_path": "human",
        "model_patch": made_rows.PATCH,
    }
    assert {loss.what for loss in losses.told()} >= {"how it was done: words, calls and what answered them"}


def test_what_is_no_patch_is_unfit() -> None:
    row = made_rows.row(patch=Patch(diff=None, why="logo.png: no text"), **REPO)
    with pytest.raises(Unfit, match="its changes are no patch"):
        list(format_of("swe-bench").convert(row, Losses()))
    row = made_rows.row(url="https://github.com/acme/shop/issues/1")
    with pytest.raises(Unfit, match="from which commit"):
        list(format_of("swe-bench").convert(row, Losses()))


def test_a_trajectory_has_a_step_for_each_call() -> None:
    row = made_rows.row(**REPO)
    told = files("swe-agent", row)["acme__shop-0123456789ab.traj"]
    fields = {
        "action",
        "observation",
        "response",
        "state",
        "thought",
        "execution_time",
        "query",
        "extra_info",
    }
    assert [set(step) for step in told["trajectory"]] == [fields] * 5
    first, second, third = told["trajectory"][:3]
    assert first["action"] == "pytest -q"
    assert first["state"] == {"working_dir": "/w"}
    assert second["thought"] == "It adds one too many."
    assert second["response"].endswith(second["action"])
    assert json.loads(third["action"].removeprefix("browser "))["action"] == "click"
    assert told["info"]["submission"] == made_rows.PATCH
    assert [item["message_type"] for item in told["history"][:3]] == ["observation", "action", "observation"]


def test_a_trajectory_without_a_task_is_called_by_its_trace() -> None:
    row = made_rows.row(patch=Patch(diff=None, why="no text"))
    losses = Losses()
    ((name, data),) = format_of("swe-agent").convert(row, losses)
    assert name == f"{row.trace_id}.traj"
    assert json.loads(data)["info"]["submission"] is None
    assert "the submission: no text" in {loss.what for loss in losses.told()}
    with pytest.raises(Unfit, match="nothing was done"):
        files("swe-agent", made_rows.row(()))


def test_spans_are_the_same_for_the_same_trace() -> None:
    (first,) = format_of("openinference").convert(made_rows.row(), Losses())
    (again,) = format_of("openinference").convert(made_rows.row(), Losses())
    (other,) = format_of("openinference").convert(made_rows.row(n=2), Losses())
    assert first == again

    def ids(made: Any) -> list[str]:
        return [span["spanId"] for span in made["resourceSpans"][0]["scopeSpans"][0]["spans"]]

    assert len(set(ids(first) + ids(other))) == 12


# -- loaders ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_harness_reads_predictions(load: Load, tmp_path: Path) -> None:
    found = load("swe-bench", [lines("swe-bench", [made_rows.row(**REPO)], tmp_path / "test.jsonl")])
    assert [prediction["model_patch"] for prediction in found] == [made_rows.PATCH]


@pytest.mark.slow
def test_opentelemetry_takes_the_spans(rows: tuple[Row, ...], load: Load, tmp_path: Path) -> None:
    marked = made_rows.row(n=9, marks=(Mark(t=1, step=None, label="here"),))
    found = load("openinference", [lines("openinference", (*rows, marked), tmp_path / "spans.jsonl")])
    agents = [span for span in found if not span["parent"]]
    assert len(agents) == len(rows) + 1
    by_id = {span["span"]: span for span in found}
    assert len(by_id) == len(found)
    for span in found:
        assert span["nanos"][0] <= span["nanos"][1]
        if span["parent"]:
            assert by_id[span["parent"]]["trace"] == span["trace"]
            assert span["attributes"]["openinference.span.kind"] == "TOOL"
    assert agents[-1]["events"] == ["mark", "rationale"]
    assert json.loads(agents[-1]["attributes"]["metadata"])["provenance"]["consent"] == "research"


@pytest.mark.slow
def test_inspect_reads_its_logs(rows: tuple[Row, ...], load: Load, tmp_path: Path) -> None:
    places = []
    for n, row in enumerate((*rows, made_rows.row((), n=8), made_rows.row(n=9, instruction=""))):
        for name, data in format_of("inspect").convert(row, Losses()):
            places.append(tmp_path / f"{n}-{name}")
            places[-1].write_bytes(data)
    found = load("inspect", places)
    for log, row in zip(found, rows, strict=False):
        assert (log["status"], log["id"], log["input"]) == ("success", row.trace_id, row.instruction)
        assert log["roles"] == [message.role for message in row.messages]
        assert log["reward"] == row.evaluation.reward
    assert found[3]["calls"][0] == {"command": "pytest -q", "cwd": "/w"}
