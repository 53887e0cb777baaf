"""`--where`: a condition on what a row says of itself, in a few of Python's own words. Nothing in it is run. Pure."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from recorder.trace.errors import UsageError
from replay.dataset.flags import flagged
from replay.dataset.row import Row

_COMPARED: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_, ast.IsNot: operator.is_not,
}  # fmt: skip
_LONGEST = 10_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

FIELDS = {
    "trace_id": "UUIDv7 of the trace",
    "instruction": "what was asked for, empty where nobody said",
    "reward": "of the last outcome check, None where there was none",
    "verdict": "of a trusted replay: exact, equivalent, diverged …; None where there is none",
    "runs": "how often it was replayed",
    "flags": "its policy flags",
    "tools": "the tools that were used: shell, keystrokes, browser, edit",
    "steps": "how many calls",
    "annotator": "who recorded it, or None",
    "project": "or None",
    "consent": "or None",
    "licence": "of the sources, or None",
    "repo": "or None",
    "commit": "or None",
    "actor": "human, model or mixed",
    "assistant": "the model that helped, or None",
    "complete": "complete, recovered or incomplete",
    "seconds": "how long it took",
    "recorded": "the date, as 2026-01-31",
    "os": "of the recording machine",
    "shell": "or None",
}
"""What a condition may name."""


class Where:
    """A condition such as `reward == 1 and "incomplete" not in flags and seconds < 600`."""

    def __init__(self, text: str) -> None:
        """Raises UsageError where it is no condition, or names what rows do not have."""
        self._text = text
        try:
            if len(text) > _LONGEST:
                raise SyntaxError("too long")
            self._tree = ast.parse(text.strip(), mode="eval").body
            _check(self._tree)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else str(error)
            raise UsageError(
                f"--where {text!r}: {reason}; an example: --where 'reward == 1 and seconds < 600'"
            ) from None

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether facts (see `facts_of`) fulfil it. What cannot be compared (None with a number) does not."""
        return bool(_value(self._tree, facts))


def facts_of(row: Row) -> dict[str, Any]:
    """What a row says under the names in `FIELDS`."""
    said, found = row.provenance, row.evaluation.verification
    return {
        "trace_id": row.trace_id,
        "instruction": row.instruction,
        "reward": row.evaluation.reward,
        "verdict": found.verdict if found else None,
        "runs": found.runs if found else 0,
        "flags": flagged(row.policy_flags),
        "tools": frozenset(call.name for call in row.tool_calls),
        "steps": len(row.tool_calls),
        "annotator": said.annotator,
        "project": said.project,
        "consent": said.consent,
        "licence": said.source_licence,
        "repo": said.repo,
        "commit": said.commit,
        "actor": said.actor,
        "assistant": said.assistant_model,
        "complete": said.completeness,
        "seconds": said.duration_ns / 1e9,
        "recorded": _date(said.recorded_unix_ns),
        "os": said.environment.os,
        "shell": said.environment.shell,
    }


def _date(unix_ns: int) -> str:
    """The day (UTC) of a moment; empty where the calendar has none."""
    try:
        return (_EPOCH + timedelta(seconds=unix_ns // 10**9)).date().isoformat()
    except OverflowError:
        return ""


def _check(node: ast.AST) -> None:
    match node:
        case ast.BoolOp():
            for value in node.values:
                _check(value)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            _check(node.operand)
        case ast.Compare():
            for part in (node.left, *node.comparators):
                _check(part)
        case ast.Name():
            if node.id not in FIELDS:
                raise ValueError(f"there is no {node.id!r}; there are {', '.join(FIELDS)}")
        case ast.Constant(value=str() | int() | float() | None):
            pass
        case ast.Tuple() | ast.List() | ast.Set():
            for part in node.elts:
                _check(part)
        case _:
            raise ValueError(
                "only names, texts, numbers, comparisons, `in`, `and`, `or` and `not` may stand in it"
            )


def _value(node: ast.AST, facts: Mapping[str, Any]) -> Any:
    match node:
        case ast.BoolOp(op=ast.And()):
            return all(_value(value, facts) for value in node.values)
        case ast.BoolOp():
            return any(_value(value, facts) for value in node.values)
        case ast.UnaryOp(op=ast.Not()):
            return not _value(node.operand, facts)
        case ast.UnaryOp():
            return -_value(node.operand, facts)
        case ast.Compare():
            values = [_value(part, facts) for part in (node.left, *node.comparators)]
            return all(_compared(op, a, b) for op, a, b in zip(node.ops, values, values[1:], strict=False))
        case ast.Name():
            return facts[node.id]
        case ast.Constant():
            return node.value
        case ast.Tuple() | ast.List() | ast.Set():
            return [_value(part, facts) for part in node.elts]
        case _:
            raise AssertionError(node)


def _compared(op: ast.cmpop, a: Any, b: Any) -> bool:
    try:
        return _COMPARED[type(op)](a, b)
    except TypeError:
        return False
