"""Secrets that were typed into pages key by key: no event holds one whole, and together they spell it. Pure.

What is known to be a secret by the end is looked for in the keys of each document, in the order in which they were
typed; where it is found, keys, texts and what fields held meanwhile (its beginnings) become those of its placeholder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from recorder.trace.events import AnyEvent, PageEvent, PageState, PageTarget

LEAST = 4
"""Shorter beginnings of a secret are left in snapshots of pages, where anything may stand beside them."""
_CHORD = 2 | 4
_SETTLES_NS = 3_000_000_000
"""So long after the last key a page may still show a beginning."""
Pieces = list[tuple[str, str]]


class Spelled:
    """What was typed of one secret: from event `first` to `last` of one document (places in the list of events)."""

    __slots__ = ("first", "keys", "last", "placeholder", "secret")

    def __init__(self, secret: str, placeholder: str, keys: list[int]) -> None:
        self.secret = secret
        self.placeholder = placeholder
        self.keys = keys
        self.first, self.last = keys[0], keys[-1]


def unspelled(
    events: Sequence[AnyEvent], secrets: Mapping[str, str]
) -> tuple[list[AnyEvent], dict[str, Pieces]]:
    """The events without the secrets (each with its placeholder, as long as it) that they spell; and, by blob, what is
    to be replaced in snapshots that were taken meanwhile."""
    out = list(events)
    blobs: dict[str, Pieces] = defaultdict(list)
    places: dict[int, list[int]] = defaultdict(list)
    for place, event in enumerate(events):
        if isinstance(event, PageEvent | PageState | PageTarget):
            places[event.doc].append(place)
    for mine in places.values():
        for found in _found(events, mine, secrets):
            _unspell(out, mine, found, blobs)
    return out, dict(blobs)


def _found(events: Sequence[AnyEvent], mine: list[int], secrets: Mapping[str, str]) -> Iterable[Spelled]:
    """Where the keys of a document spell a secret; the longest first, none within another."""
    keys: list[int] = []
    for place in mine:
        event = events[place]
        if not isinstance(event, PageEvent) or event.type != "keydown" or event.key is None or event.masked:
            continue
        if event.key == "Backspace" and keys:
            keys.pop()
        elif len(event.key) == 1 and not event.modifiers & _CHORD:
            keys.append(place)
    text = "".join(_key(events[place]) for place in keys)
    taken: set[int] = set()
    for secret in sorted(secrets, key=len, reverse=True):
        at = text.find(secret) if len(secret) >= LEAST else -1
        while at >= 0:
            span = range(at, at + len(secret))
            if taken.isdisjoint(span):
                taken.update(span)
                yield Spelled(secret, secrets[secret], [keys[i] for i in span])
            at = text.find(secret, at + 1)


def _unspell(out: list[AnyEvent], mine: list[int], found: Spelled, blobs: dict[str, Pieces]) -> None:
    new = dict(zip(found.keys, found.placeholder, strict=True))
    until = out[found.last].t + _SETTLES_NS
    pressed: dict[str, str] = {}
    for place in mine:
        event = out[place]
        if place < found.first:
            continue
        if place > found.last and event.t > until:
            break
        if isinstance(event, PageEvent):
            if place in new:
                pressed[_key(event)] = new[place]
            elif event.type == "keydown":
                pressed.pop(_key(event), None)  # the same key again, for something else
            changes: dict[str, str] = {}
            if event.key in pressed:
                changes["key"] = pressed[event.key]
            if event.text in pressed and event.text is not None:
                changes["text"] = pressed[event.text]
            if event.value and (value := _without(event.value, found, 1)) != event.value:
                changes["value"] = value
            if changes:
                # The key's own code would tell as much.
                code = None if "key" in changes and changes["key"] != event.key else event.code
                out[place] = replace(event, **changes, code=code)
        elif isinstance(event, PageTarget):
            name, text = (_without(value, found, LEAST) for value in (event.name, event.text))
            if (name, text) != (event.name, event.text):
                out[place] = replace(event, name=name, text=text)
        elif isinstance(event, PageState) and event.aria is not None:
            blobs[event.aria] += [
                (found.secret[:n], found.placeholder[:n]) for n in range(len(found.secret), LEAST - 1, -1)
            ]


def _without(value: str, found: Spelled, least: int) -> str:
    """The text with the longest beginning of the secret that stands in it replaced, where it stands last."""
    for n in range(len(found.secret), least - 1, -1):
        at = value.rfind(found.secret[:n])
        if at >= 0:
            return value[:at] + found.placeholder[:n] + value[at + n :]
    return value


def _key(event: AnyEvent) -> str:
    return (event.key if isinstance(event, PageEvent) else None) or ""
