"""What a dataset says of itself to machines: croissant.json, MLCommons' Croissant 1.0. Pure.

Every file stands in it with its SHA-256. Of a table the columns are told; of lines nothing more: `mlcroissant` gives
each as often as there are lines, and reads no columns of nested ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replay.dataset.card import DataFile, Dataset
from replay.dataset.format import Format

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {
    name: f"cr:{name}"
    for name in (
        "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject", "fileSet", "format",
        "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references",
        "regex", "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
    )
}  # fmt: skip

_ENCODINGS = {
    ".parquet": "application/x-parquet",
    ".jsonl": "application/jsonlines",
    ".gz": "application/gzip",
    ".zst": "application/zstd",
}

_COLUMNS: dict[str, str | dict[str, str]] = {
    "trace_id": "sc:Text",
    "instruction": "sc:Text",
    "messages": {"role": "sc:Text", "content": "sc:Text"},
    "rationale": {"text": "sc:Text"},
    "tool_calls": {"id": "sc:Text", "step": "sc:Integer", "name": "sc:Text", "arguments": "sc:Text"},
    "patch": "sc:Text",
    "reward": "sc:Float",
    "evaluation": "sc:Text",
    "policy_flags": {"flag": "sc:Text", "count": "sc:Integer"},
    "provenance": "sc:Text",
}
"""Of the table of native rows. What has the type `arrow.json` there is text here."""


def croissant(form: Format, dataset: Dataset) -> dict[str, Any]:
    """The JSON-LD of a dataset, for a file beside its README.md. The same for the same dataset."""
    made: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": dataset.name,
        "description": f"{form.title}, made by Reenact of recorded expert sessions.",
        "version": "1.0.0",
    }
    if dataset.licences:
        made["license"] = list(dataset.licences)
    made["distribution"] = [_file(file) for file in dataset.files]
    if form.name == "parquet":
        splits = list(dict.fromkeys(file.split for file in dataset.files))
        made["distribution"] += [_file_set(split, form.suffix) for split in splits]
        made["recordSet"] = [_record_set(split) for split in splits]
    return made


def _file(file: DataFile) -> dict[str, Any]:
    ending = file.name.rpartition(".")[2]
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": _ENCODINGS.get(f".{ending}", "application/octet-stream"),
        "sha256": file.sha256,
    }


def _file_set(split: str, suffix: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileSet",
        "@id": f"{split}-files",
        "name": f"{split}-files",
        "encodingFormat": _ENCODINGS[suffix],
        "includes": f"{split}-*{suffix}",
    }


def _record_set(split: str) -> dict[str, Any]:
    return {"@type": "cr:RecordSet", "@id": split, "name": split, "field": list(_columns(split))}


def _columns(split: str) -> Iterator[dict[str, Any]]:
    for name, kind in _COLUMNS.items():
        source = {"fileSet": {"@id": f"{split}-files"}, "extract": {"column": name}}
        if isinstance(kind, str):
            yield _field(f"{split}/{name}", kind, source)
        else:
            parts = [
                _field(f"{split}/{name}/{part}", of_part, source | {"transform": {"jsonPath": part}})
                for part, of_part in kind.items()
            ]
            place = f"{split}/{name}"
            yield {"@type": "cr:Field", "@id": place, "name": place, "repeated": True, "subField": parts}


def _field(place: str, kind: str, source: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": place, "name": place, "dataType": kind, "source": source}
