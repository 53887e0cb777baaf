"""Native rows as a table in Parquet, by pyarrow (extra `reenact[parquet]`). Pure.

A row of the table is a native row, with `instruction` beside it. What differs from call to call (arguments,
observations) and what may grow (evaluation, provenance) has the type `arrow.json`: `datasets` gives it back as it was,
other readers as text.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet

from replay.dataset.row import Row

Column = Callable[[Sequence[Any]], pa.Array]
"""Makes the values of things the array of a column. By hand, leaf by leaf: pyarrow's own way from objects is far
slower, and knows no `arrow.json` within structs."""


def _plain(name: str, kind: pa.DataType) -> Column:
    return lambda things: pa.array([getattr(thing, name) for thing in things], kind)


def _json(name: str) -> Column:
    def made(things: Sequence[Any]) -> pa.Array:
        told = [msgspec.json.encode(getattr(thing, name)).decode() for thing in things]
        return pa.ExtensionArray.from_storage(pa.json_(), pa.array(told, pa.string()))

    return made


def _struct(**columns: Column) -> Column:
    return lambda things: pa.StructArray.from_arrays(
        [column(things) for column in columns.values()], names=list(columns)
    )


def _list(name: str, column: Column) -> Column:
    def made(things: Sequence[Any]) -> pa.Array:
        lists = [getattr(thing, name) for thing in things]
        offsets = pa.array([0, *accumulate(map(len, lists))], pa.int32())
        return pa.ListArray.from_arrays(offsets, column([each for one in lists for each in one]))

    return made


def _reward(rows: Sequence[Row]) -> pa.Array:
    return pa.array([row.evaluation.reward for row in rows], pa.float64())


def _text(name: str) -> Column:
    return _plain(name, pa.string())


def _whole(name: str) -> Column:
    return _plain(name, pa.int64())


COLUMNS: dict[str, Column] = {
    "row_version": _whole("row_version"),
    "trace_id": _text("trace_id"),
    "instruction": _text("instruction"),
    "messages": _list(
        "messages",
        _struct(
            role=_text("role"),
            content=_text("content"),
            tool_calls=_list(
                "tool_calls", _struct(id=_text("id"), name=_text("name"), arguments=_json("arguments"))
            ),
            tool_call_id=_text("tool_call_id"),
            name=_text("name"),
        ),
    ),
    "rationale": _list("rationale", _struct(t=_whole("t"), step=_whole("step"), text=_text("text"))),
    "marks": _list("marks", _struct(t=_whole("t"), step=_whole("step"), label=_text("label"))),
    "tool_calls": _list(
        "tool_calls",
        _struct(
            id=_text("id"),
            step=_whole("step"),
            t_start=_whole("t_start"),
            t_end=_whole("t_end"),
            name=_text("name"),
            arguments=_json("arguments"),
            observation=_json("observation"),
        ),
    ),
    "patch": _json("patch"),
    "reward": _reward,
    "evaluation": _json("evaluation"),
    "policy_flags": _list(
        "policy_flags", _struct(flag=_text("flag"), count=_whole("count"), detail=_text("detail"))
    ),
    "provenance": _json("provenance"),
}
"""In the order in which they stand in the table."""


def parquet(rows: Sequence[Row]) -> bytes:
    """The file that holds these rows; nothing of them is lost."""
    table = pa.table({name: column(rows) for name, column in COLUMNS.items()})
    out = io.BytesIO()
    pyarrow.parquet.write_table(table, out, compression="zstd")
    return out.getvalue()
