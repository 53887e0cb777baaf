"""Parquet, the dataset card and Croissant: what stands in them, and that their loaders read them."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet
import pytest
from dataset_files import Load

from replay.batch.batch import run
from replay.batch.options import Options
from replay.dataset.card import DataFile, Dataset, card
from replay.dataset.croissant import croissant
from replay.dataset.formats import format_of
from replay.dataset.row import Row
from replay.export.losses import Loss, Losses

ROOT = Path(__file__).resolve().parent.parent.parent
PARQUET = format_of("parquet")


def dataset_in(folder: Path, *names: str) -> Dataset:
    files = []
    for name in names:
        data = (folder / name).read_bytes()
        known = hashlib.sha256(data).hexdigest()
        files.append(DataFile(name=name, split=name.partition("-")[0], sha256=known, bytes=len(data)))
    splits = dict.fromkeys(file.split for file in files)
    return Dataset(
        name='traces: "hostile"\n---\n# x',
        records=dict.fromkeys(splits, 3),
        traces=dict.fromkeys(splits, 3),
        files=tuple(files),
        licences=("MIT", "CC-BY-4.0"),
        flags={"licence-unknown": 2},
        options={"seed": 0, "where": "<img src=x> [a](b)"},
        losses=(Loss("what | a * was", 2, []),),
    )


@pytest.fixture(autouse=True)
def own_traces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own rows are kept or found."""
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "home"))


def as_json(row: Row) -> Any:
    return msgspec.json.decode(msgspec.json.encode(row))


def test_a_table_holds_whole_rows(rows: tuple[Row, ...]) -> None:
    losses = Losses()
    told = pyarrow.parquet.read_table(io.BytesIO(PARQUET.convert(rows, losses))).to_pylist()
    assert losses.told() == []
    assert len(told) == len(rows)
    for record, row in zip(told, rows, strict=True):
        evaluation = json.loads(record["evaluation"])
        assert record.pop("instruction") == row.instruction
        assert record.pop("reward") == row.evaluation.reward
        for call in (*record["tool_calls"], *(c for m in record["messages"] for c in m["tool_calls"])):
            call["arguments"] = json.loads(call["arguments"])
        for call in record["tool_calls"]:
            call["observation"] = json.loads(call["observation"])
        record |= {key: json.loads(record[key]) for key in ("patch", "provenance")}
        record["evaluation"] = evaluation
        assert as_json(msgspec.convert(record, Row)) == as_json(row)


def test_the_same_rows_give_the_same_bytes(rows: tuple[Row, ...]) -> None:
    assert PARQUET.convert(rows, Losses()) == PARQUET.convert(rows, Losses())


def test_a_card_is_not_led_astray_by_names(tmp_path: Path) -> None:
    (tmp_path / "train-0.parquet").write_bytes(b"x")
    told = card(PARQUET, dataset_in(tmp_path, "train-0.parquet"))
    assert told.count("\n---\n") == 1
    assert "<img" not in told.replace("\\<", "")
    assert "\n# x" not in told
    assert "what \\| a \\* was (2)" in told
    assert "- licence-unknown (2): nobody said" in told


# -- loaders ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def table(rows: tuple[Row, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset's folder: two shards of train, one of test, card and Croissant."""
    folder = tmp_path_factory.mktemp("table")
    shards = {
        "train-00000-of-00002.parquet": rows[:4],
        "train-00001-of-00002.parquet": rows[4:5],
        "test-00000-of-00001.parquet": rows[5:],
    }
    for name, part in shards.items():
        (folder / name).write_bytes(PARQUET.convert(part, Losses()))
    dataset = dataset_in(folder, *shards)
    (folder / "README.md").write_text(card(PARQUET, dataset))
    (folder / "croissant.json").write_text(json.dumps(croissant(PARQUET, dataset)))
    return folder


@pytest.mark.slow
def test_a_table_is_loaded_by_what_stands_beside_it(table: Path, rows: tuple[Row, ...], load: Load) -> None:
    found = load("folder", [table])
    train = found["splits"]["train"]
    assert [row["trace_id"] for row in train] == [row.trace_id for row in rows[:5]]
    assert [row["trace_id"] for row in found["splits"]["test"]] == [row.trace_id for row in rows[5:]]
    told = as_json(rows[3])
    assert [call["arguments"] for call in train[3]["tool_calls"]] == [
        call["arguments"] for call in told["tool_calls"]
    ]
    assert train[3]["provenance"] == told["provenance"]

    read = found["croissant"]["records"]["train"]
    assert found["croissant"]["errors"] == []
    assert [record["train/trace_id"] for record in read] == [row.trace_id for row in rows[:5]]
    assert read[3]["train/messages"][0] == {
        "train/messages/role": "user",
        "train/messages/content": rows[3].instruction,
    }
    assert json.loads(read[3]["train/provenance"])["consent"] == "research"


@pytest.mark.slow
def test_mlcroissant_refuses_another_file(table: Path, load: Load, tmp_path: Path) -> None:
    told = json.loads((table / "croissant.json").read_text())
    del told["distribution"][0]["sha256"]
    (tmp_path / "croissant.json").write_text(json.dumps(told))
    with pytest.raises(AssertionError, match="sha256"):
        load("croissant", [tmp_path / "croissant.json"])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "compression"), [("parquet", ""), ("trl", "gzip")])
def test_a_batch_is_loaded_by_what_stands_beside_it(
    name: str, compression: str, sample_rows: tuple[Row, ...], load: Load, tmp_path: Path
) -> None:
    asked = Options(
        format=name,
        format_version=1,
        reenact="0.1.0",
        shares=(0.5, 0.0, 0.5),
        shard_bytes=1,
        compression=compression,
    )
    run(sorted((ROOT / "samples").glob("*.reenact")), tmp_path / "d", asked, 1)
    found = load("folder", [tmp_path / "d"])
    told = sorted(row["trace_id"] for rows in found["splits"].values() for row in rows)
    assert told == sorted(row.trace_id for row in sample_rows)
    read = found["croissant"]
    assert read["errors"] == []
    assert sum(map(len, read["records"].values())) == (3 if name == "parquet" else 0)


def test_compressed_lines_are_files_alone(tmp_path: Path) -> None:
    (tmp_path / "train-0.jsonl.zst").write_bytes(b"x")
    told = croissant(format_of("trl"), dataset_in(tmp_path, "train-0.jsonl.zst"))
    (file,) = told["distribution"]
    assert (file["@type"], file["encodingFormat"]) == ("cr:FileObject", "application/zstd")
