"""Finding a recorded element again on a page that has changed: by what it is, never by where it is alone. Pure.

A likeness is no identity. An element is taken only if what names it (its name, or a key that its makers gave it: test
id, id, name attribute, address) is the recorded one, if it stands where people tell it apart (its row, its item), and
if it fits better than any other by a margin. Everything else is refused, with the two nearest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from recorder.trace.pages import PageTarget

MARGIN = 0.08
"""Of a score from 0 to 1, by which the best must be ahead of any other."""
_LEAST = 0.4
_MOST_CANDIDATES = 5_000
_LONGEST_NAME = 80
_KEYS = ("test_id", "id", "attribute", "href")
"""What a page's makers tell an element apart by."""
_CELLS = ("cell", "gridcell")
"""What is told by its row and its column, whatever it holds."""
_PLACES = ("row", "item")
_WEIGHTS: dict[str, float] = {
    "tag": 1.0, "type": 1.0, "role": 1.0, "name": 2.5, "label": 2.0, "placeholder": 1.0, "text": 1.5, "id": 1.5,
    "test_id": 3.0, "href": 2.5, "attribute": 1.5, "row": 3.0, "item": 3.0, "column": 1.5, "heading": 1.0,
    "css": 0.5, "xpath": 0.5, "shadow": 0.5, "size": 0.25,
}  # fmt: skip
_OTHER_WEIGHT = 0.75
_POSITION = {"css", "xpath", "size"}
_TOLD_EXACTLY = {"tag", "type", "role", "id", "test_id", "href", "attribute", "row", "item", "column"}
_WORD = re.compile(r"\w+")
_GOES_NOWHERE = re.compile(r"(?:#|javascript:.*)?\Z", re.IGNORECASE)


class Difference(Struct, frozen=True):
    """A feature that is not as it was recorded."""

    feature: str
    recorded: str
    now: str


class Near(Struct, frozen=True):
    """A candidate by its place in the list, how alike it is (0 to 1), and what keeps it from being the one."""

    place: int
    score: float
    against: tuple[str, ...]


class Found(Struct, frozen=True):
    """The candidate at `place` is the recorded element: because of `keys`, ahead of all others by `margin`.

    `healed` is what differs from the recording; empty: nothing that was recorded of it.
    """

    place: int
    score: float
    margin: float
    keys: tuple[str, ...]
    healed: tuple[Difference, ...]


class Refused(Struct, frozen=True):
    """No candidate can be told to be the recorded element; `nearest` are the best two."""

    why: str
    nearest: tuple[Near, ...]


class _Held(Struct, frozen=True):
    """A candidate held against the recording: which features are the same, which are others, how alike it is."""

    place: int
    same: frozenset[str]
    other: frozenset[str]
    score: float


def candidates(fields: Iterable[Mapping[str, Any]]) -> list[PageTarget]:
    """What a page's capture script says of its elements, checked; one that is malformed matches nothing."""
    found = []
    for n, one in enumerate(fields):
        if n >= _MOST_CANDIDATES:
            break
        known = {key: one[key] for key in one if key in PageTarget.__struct_fields__}
        known |= {"t": 0, "source": "browser", "tab": 0, "frame": 0, "doc": 0, "seq": 0, "n": n}
        try:
            found.append(msgspec.convert(known, PageTarget))
        except msgspec.ValidationError:
            found.append(PageTarget(t=0, source="browser", tab=0, frame=0, doc=0, seq=0, n=n, tag=""))
    return found


def match(recorded: PageTarget, found: Sequence[PageTarget]) -> Found | Refused:
    """The one of `found` that is `recorded`, or why none can be told to be."""
    mine = _features(recorded)
    held = sorted(
        (
            _hold(mine, candidate, place)
            for place, candidate in enumerate(found)
            if _alike(recorded, candidate)
        ),
        key=lambda one: (-one.score, one.place),
    )
    named = [one for one in held if "name" in one.same and _placed(mine, one)]
    fit = [one for one in held if not _objections(recorded, mine, one, named)]
    if not fit and recorded.editable:
        fit = _unchanged(mine, held)
    nearest = tuple(
        Near(one.place, round(one.score, 3), tuple(_objections(recorded, mine, one, named)))
        for one in held[:2]
    )
    if not fit:
        return Refused(_nothing(recorded, held, nearest), nearest)
    best = fit[0]
    rival = next((one for one in held if one is not best), None)
    margin = 1.0 if rival is None else best.score - rival.score
    if len(fit) > 1 and not _identity(best) - _identity(fit[1]):
        return Refused("several elements fit and nothing but their position tells them apart", nearest)
    if margin < MARGIN:
        return Refused(f"another element fits as well (margin {margin:.2f}, needed {MARGIN:.2f})", nearest)
    if best.score < _LEAST:
        return Refused(f"too little of it is as it was (score {best.score:.2f})", nearest)
    return Found(
        place=best.place,
        score=round(best.score, 3),
        margin=round(margin, 3),
        keys=tuple(sorted(_identity(best))),
        healed=tuple(_differences(recorded, found[best.place], mine)),
    )


def _unchanged(mine: Mapping[str, str], held: Sequence[_Held]) -> list[_Held]:
    """A place to write in may have no name. It is the one if all that was recorded of it is as it was, and nothing
    else is like it wherever it stands."""
    kind = mine.keys() - _POSITION
    alike = [one for one in held if kind <= one.same]
    return [one for one in alike if mine.keys() - {"size"} <= one.same] if len(alike) == 1 else []


def _alike(recorded: PageTarget, candidate: PageTarget) -> bool:
    """Whether it is the same kind of thing at all."""
    if "password" in (recorded.type, candidate.type) and recorded.type != candidate.type:
        return False
    if recorded.role and candidate.role:
        return recorded.role == candidate.role
    return recorded.tag == candidate.tag


def _objections(
    recorded: PageTarget, mine: Mapping[str, str], one: _Held, named: Sequence[_Held]
) -> Iterable[str]:
    """What keeps a candidate from being told to be the recorded element."""
    keys = {key for key in _KEYS if key in one.same and (key == "href" or not _numbered(mine[key]))}
    objections = []
    cell = recorded.role in _CELLS and {"row", "column"} <= one.same
    if "name" not in one.same and not cell:
        if not keys:
            objections.append("neither its name nor a key of its own is the recorded one")
        elif any(other is not one for other in named):
            objections.append("another element has the recorded name")
        elif one.other & set(_KEYS):
            objections.append("its name and one of its keys differ")
    if not _placed(mine, one) and "href" not in keys:
        kind = next(kind for kind in _PLACES if kind in mine and kind not in one.same)
        objections.append(f"it is not in {kind} “{mine[kind]}”")
    if recorded.alike > 1 and not any(kind in mine for kind in _PLACES):
        telling = {"label", "column", "heading", *(key for key in one.same if key.startswith("in "))}
        if not keys and not one.same & telling:
            objections.append("only its position told it apart when it was recorded")
        elif not keys and one.other & telling:
            objections.append(f"{' and '.join(sorted(one.other & telling))} differ")
    return objections


def _placed(mine: Mapping[str, str], one: _Held) -> bool:
    return all(kind in one.same for kind in _PLACES if kind in mine)


def _identity(one: _Held) -> set[str]:
    return {
        key
        for key in one.same
        if key in ("name", "label", "row", "item", "column", "heading", *_KEYS) or key.startswith("in ")
    }


def _nothing(recorded: PageTarget, held: Sequence[_Held], nearest: Sequence[Near]) -> str:
    if not held:
        return f"the page has no {recorded.role or recorded.tag}"
    return f"the nearest is not it: {'; '.join(nearest[0].against)}"


def _features(target: PageTarget) -> dict[str, str]:
    attributes = dict(target.attributes)
    href = attributes.pop("href", "")
    name, text = target.name, target.text
    if target.editable:  # what it holds is not what it is
        name, text = ("" if text and text.startswith(name) else name), ""
    elif not name and len(text) <= _LONGEST_NAME:
        name = text
    features = {
        "tag": target.tag, "type": target.type, "role": target.role, "name": name, "label": target.label,
        "placeholder": target.placeholder, "text": text, "id": target.id, "test_id": target.test_id,
        "href": "" if _GOES_NOWHERE.match(href) else _address(href), "attribute": attributes.pop("name", ""),
        "css": target.css, "xpath": target.xpath, "shadow": " ".join(target.shadow),
    }  # fmt: skip
    for kind, text in reversed(target.anchors):  # the nearest of a kind is the first
        features[kind if kind in _WEIGHTS else f"in {kind}"] = text
    features |= {f"@{name}": value for name, value in attributes.items()}
    if target.editable:
        features["editable"] = "yes"
    if target.rect is not None:
        features["size"] = f"{target.rect[2]:.0f} × {target.rect[3]:.0f}"
    return {name: " ".join(value.split()) for name, value in features.items() if value.strip()}


def _hold(mine: Mapping[str, str], candidate: PageTarget, place: int) -> _Held:
    theirs = _features(candidate)
    same, other = set(), set()
    score = total = 0.0
    for name, value in mine.items():
        now = theirs.get(name, "")
        weight = _WEIGHTS.get(name, _OTHER_WEIGHT)
        if name in ("id", "test_id", "attribute") and _numbered(value):
            weight /= 3  # it may count what is above it
        total += weight
        if value.casefold() == now.casefold():
            same.add(name)
            score += weight
            continue
        if now:
            other.add(name)
        if now and name not in _TOLD_EXACTLY:
            score += weight * _shared_words(value, now) / 2
    return _Held(place, frozenset(same), frozenset(other), score / total if total else 0.0)


def _shared_words(one: str, other: str) -> float:
    a, b = (set(_WORD.findall(text.casefold())) for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 0.0


def _differences(recorded: PageTarget, now: PageTarget, mine: Mapping[str, str]) -> Iterable[Difference]:
    """Where it is counts only if something else differs: a page may be scrolled otherwise."""
    theirs = _features(now)
    differs = [name for name, value in mine.items() if theirs.get(name, "") != value and name != "size"]
    for name in differs:
        yield Difference(name, mine[name], theirs.get(name, ""))
    if differs and recorded.rect and now.rect and recorded.rect[:2] != now.rect[:2]:
        before, after = (f"{rect[0]:.0f}, {rect[1]:.0f}" for rect in (recorded.rect, now.rect))
        if before != after:
            yield Difference("position", before, after)


def _address(href: str) -> str:
    """Without the server: the same site may run elsewhere."""
    try:
        return urlsplit(href)._replace(scheme="", netloc="").geturl() or "/"
    except ValueError:
        return href


def _numbered(key: str) -> bool:
    """Whether a key has a number in it, which may be a place in a list or made anew with each page."""
    return any(char.isdigit() for char in key)
