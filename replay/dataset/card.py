"""What a dataset says of itself to people and to hubs: README.md, with the front matter that `datasets` and the Hub
read. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from replay.dataset.flags import FLAGS
from replay.dataset.format import Format
from replay.export.losses import Loss

_READABLE = {".jsonl": "json", ".parquet": "parquet"}


class DataFile(Struct, frozen=True, kw_only=True):
    """A file of a dataset: its place below the dataset's folder, the split it is of, its SHA-256 and its size."""

    name: str
    split: str
    sha256: str
    bytes: int


class Dataset(Struct, frozen=True, kw_only=True):
    """What a batch came to. `records` and `traces` are counted by split; `licences` are those of the sources, as they
    were given; `options` are what was asked for; `losses` what the format could not hold."""

    name: str
    records: dict[str, int]
    traces: dict[str, int]
    files: tuple[DataFile, ...]
    licences: tuple[str, ...] = ()
    flags: dict[str, int] = {}
    options: dict[str, Any] = {}
    losses: tuple[Loss, ...] = ()


def card(form: Format, dataset: Dataset) -> str:
    """The dataset card. The same for the same dataset: no time, no place."""
    return "\n".join([*_front(form, dataset), "", *_body(form, dataset)]) + "\n"


def _front(form: Format, dataset: Dataset) -> Iterator[str]:
    """YAML; every value is written as JSON, which is YAML too."""
    yield "---"
    yield f"pretty_name: {_value(dataset.name)}"
    if dataset.licences:
        yield "license: other"
        yield f"license_name: {_value(', '.join(dataset.licences))}"
    yield "tags: " + _value(["reenact", "agent-trajectories", form.name])
    yield f"size_categories: {_value([_size(sum(dataset.records.values()))])}"
    if _readable(form) and dataset.files:
        yield "configs:"
        yield "- config_name: default"
        yield "  data_files:"
        for split in dataset.records:
            yield f"  - split: {split}"
            yield f"    path: {_value([file.name for file in dataset.files if file.split == split])}"
    yield "---"


def _body(form: Format, dataset: Dataset) -> Iterator[str]:
    yield f"# {_inline(dataset.name)}"
    yield ""
    yield f"{form.title}, made by Reenact of recorded expert sessions. Read by: {form.loader}."
    yield ""
    yield "| split | traces | records | files | bytes |"
    yield "|---|---|---|---|---|"
    for split, records in dataset.records.items():
        files = [file for file in dataset.files if file.split == split]
        size = sum(file.bytes for file in files)
        yield f"| {split} | {dataset.traces.get(split, 0)} | {records} | {len(files)} | {size} |"
    yield ""
    yield "## Sources"
    yield ""
    yield "Licences: " + (", ".join(map(_inline, dataset.licences)) or "not given.")
    if dataset.flags:
        yield ""
        yield "What a policy may object to, and in how many traces:"
        yield ""
        for flag, count in dataset.flags.items():
            yield f"- {flag} ({count}): {FLAGS.get(flag, '')}"
    if dataset.losses:
        yield ""
        yield "## What the format could not hold"
        yield ""
        for loss in dataset.losses:
            yield f"- {_inline(loss.what)} ({loss.count})"
    if dataset.options:
        yield ""
        yield "## Options"
        yield ""
        for name, value in dataset.options.items():
            yield f"- {_inline(name)}: {_inline(json.dumps(value, ensure_ascii=False))}"


def _readable(form: Format) -> bool:
    return form.suffix in _READABLE and form.kind in ("lines", "pairs", "table")


def _size(records: int) -> str:
    """The Hub's words for it."""
    for most, name in (
        (1_000, "n<1K"),
        (10_000, "1K<n<10K"),
        (100_000, "10K<n<100K"),
        (1_000_000, "100K<n<1M"),
    ):
        if records < most:
            return name
    return "1M<n<10M" if records < 10_000_000 else "10M<n<100M"


def _value(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _inline(text: str) -> str:
    """Text that is not ours, within a line of Markdown: it makes no line, link or markup of its own."""
    flat = " ".join(text.split())
    return "".join(f"\\{char}" if char in "\\`*_[]<>#|!&" else char for char in flat)
