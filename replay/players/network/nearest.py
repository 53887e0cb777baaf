"""Of all recorded requests the one that comes nearest to one that nothing answers, and where they part. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from replay.players.network.fields import Field, Form
from replay.players.network.recording import Flow

_MOST_LOOKED_AT = 5000
_CLIP = 200


class Parting(NamedTuple):
    """Where a request parts from the nearest recorded one; `where` is method, scheme, host, path, a parameter, a
    body field, a header, a step or the number of times."""

    where: str
    expected: str
    observed: str

    def __str__(self) -> str:
        return f"{self.where}: recorded {self.expected or 'nothing'}, asked {self.observed or 'nothing'}"


def nearest(
    scope: Sequence[int], asked: Form, recorded: Sequence[tuple[Flow, Form, bool]]
) -> tuple[Flow | None, Parting]:
    """`recorded` are (flow, its form, whether it was asked for already). Null where the recording is empty."""
    best: tuple[float, Flow, Form, bool] | None = None
    for flow, form, used in recorded[:_MOST_LOOKED_AT]:
        score = _score(asked, form) + (0.5 if flow.scopes & set(scope) else 0.0) - (0.2 if used else 0.0)
        if best is None or score > best[0]:
            best = (score, flow, form, used)
    if best is None:
        return None, Parting("host", "", asked.target.authority)
    _, flow, form, used = best
    return flow, _part(scope, asked, flow, form, used)


def _score(a: Form, b: Form) -> float:
    """Host counts more than path, path more than method, method more than all fields."""
    score = 0.0
    if a.target.authority == b.target.authority:
        score += 16.0
        if a.target.scheme == b.target.scheme:
            score += 1.0
    if a.target.path == b.target.path:
        score += 8.0
    else:
        x, y = a.target.path.split("/"), b.target.path.split("/")
        score += 6.0 * sum(p == q for p, q in zip(x, y, strict=False)) / max(len(x), len(y))
    if a.method == b.method:
        score += 2.0
    mine, theirs = set(a.fields), set(b.fields)
    return score + 1.0 * (len(mine & theirs) + 1) / (len(mine | theirs) + 1)


def _part(scope: Sequence[int], asked: Form, flow: Flow, form: Form, used: bool) -> Parting:
    for where, expected, observed in (
        ("host", form.target.authority, asked.target.authority),
        ("scheme", form.target.scheme, asked.target.scheme),
        ("method", form.method, asked.method),
    ):
        if expected != observed:
            return Parting(where, _clip(expected), _clip(observed))
    if form.loose[3] != asked.loose[3]:
        return Parting("path", _clip(form.target.path), _clip(asked.target.path))
    if (field := _field(form.loose[4], asked.loose[4])) is not None:
        expected, observed = _values(form.fields, field), _values(asked.fields, field)
        return Parting(str(field), expected, observed)
    if scope and not flow.scopes & set(scope):
        where = ", ".join(map(str, sorted(flow.scopes)))
        return Parting("step", f"command {where}", f"command {scope[0]}")
    if not scope:
        return Parting("step", "one of several commands", "by nobody known")
    if not used:
        return Parting("header", "other credentials or preferences", "these")
    return Parting("number of times", "fewer", "once more than was recorded")


def _field(recorded: object, asked: object) -> Field | None:
    """The first field of which the (masked) values differ."""
    if not isinstance(recorded, tuple) or not isinstance(asked, tuple):
        return None
    mine, theirs = _by_name(asked), _by_name(recorded)
    for key in dict.fromkeys((*theirs, *mine)):
        if mine.get(key) != theirs.get(key):
            return Field(*key, "")
    return None


def _by_name(fields: Sequence[Field]) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for field in fields:
        found.setdefault((field.place, field.name), []).append(field.value)
    return found


def _values(fields: Sequence[Field], of: Field) -> str:
    return _clip(", ".join(f.value for f in fields if (f.place, f.name) == (of.place, of.name)))


def _clip(text: str) -> str:
    return text if len(text) <= _CLIP else text[: _CLIP - 1] + "…"
