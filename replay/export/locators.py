"""How another tool finds an element again: a target's fingerprint as one locator, chosen for identity. Pure.

A locator is chosen that led to this element alone when it was recorded, and that says what the element is. Among
elements that are alike, it is told by the row or item it stands in, never by its place among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from recorder.trace.pages import PageTarget

_ROLES = """
    alert alertdialog application article banner blockquote button caption cell checkbox code columnheader combobox
    complementary contentinfo definition deletion dialog directory document emphasis feed figure form generic grid
    gridcell group heading img insertion link list listbox listitem log main marquee math meter menu menubar menuitem
    menuitemcheckbox menuitemradio navigation none note option paragraph presentation progressbar radio radiogroup
    region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status strong subscript
    superscript switch tab table tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem"""
ROLES = frozenset(_ROLES.split())
"""The roles that Playwright's get_by_role takes."""
_SCOPES = {"row": "row", "item": "listitem"}
"""Anchors that tell an element's place by what identifies it, and the role of what they stand for."""
_MOST_TEXT = 80
Kind = Literal["frame", "role", "test_id", "css", "xpath", "text", "within"]


class Part(NamedTuple):
    """A step of a locator, within what the steps before it found.

    frame: enters the frame whose element CSS `value` finds (the `nth` of them). role: `value`, by its accessible name.
    within: the elements of role `value` that hold exactly the text `name`. text: what is found must hold `value`.
    """

    kind: Kind
    value: str
    name: str = ""
    nth: int | None = None


class Locator(NamedTuple):
    """Parts, outermost first. `doubt` says in a few words why it may find another element; empty: it is as certain as
    the recording can make it."""

    parts: tuple[Part, ...]
    doubt: str = ""


def locator(target: PageTarget, frames: Sequence[Part] = ()) -> Locator | None:
    """The locator of a target in the frame that `frames` lead to; null where none can reach it (a closed root)."""
    if target.closed:
        return None
    scope = _scope(target)
    if target.role in ROLES and target.name and (target.alike == 1 or scope):
        parts = ([] if target.alike == 1 else scope) + [Part("role", target.role, target.name)]
        return Locator((*frames, *parts))
    if target.test_id:
        parts = (scope if target.alike > 1 else []) + [Part("test_id", target.test_id)]
        return Locator(
            (*frames, *parts), "" if scope or target.alike == 1 else "only its test id tells it apart"
        )
    if not target.css and not target.xpath:
        return None
    hosts = [Part("css", host) for host in target.shadow]
    way = Part("css", target.css) if target.css else Part("xpath", target.xpath)
    text = _text(target)
    parts = [*hosts, way, *([Part("text", text)] if text else [])]
    certain = text or "[" in target.css or "#" in target.css
    return Locator((*frames, *parts), "" if certain else "found by its place in the page alone")


def anchor(target: PageTarget) -> tuple[str, str] | None:
    """The role and the identifying text of the row or item that a target stands in."""
    return next(((_SCOPES[kind], text) for kind, text in target.anchors if kind in _SCOPES and text), None)


def _scope(target: PageTarget) -> list[Part]:
    found = anchor(target)
    return [Part("within", *found)] if found else []


def _text(target: PageTarget) -> str:
    """What stands in it, where that is short and not what a person types into it."""
    if target.editable or target.masked or target.tag in ("input", "textarea", "select", "body", "html"):
        return ""
    text = " ".join(target.text.split())
    return text if len(text) <= _MOST_TEXT else ""


def python(chosen: Locator, page: str) -> str:
    """As Playwright for Python writes it, from the variable `page`."""
    return page + "".join(_python(part, page) for part in chosen.parts)


def _python(part: Part, page: str) -> str:
    match part.kind:
        case "frame":
            nth = f".nth({part.nth})" if part.nth is not None else ""
            return f".locator({quoted(part.value)}){nth}.content_frame"
        case "role":
            return f".get_by_role({quoted(part.value)}, name={quoted(part.name)}, exact=True)"
        case "within":
            has = f"{page}.get_by_text({quoted(part.name)}, exact=True)"
            return f".get_by_role({quoted(part.value)}).filter(has={has})"
        case "test_id":
            return f".get_by_test_id({quoted(part.value)})"
        case "text":
            return f".filter(has_text={quoted(part.value)})"
        case "css":
            return f".locator({quoted(part.value)})"
        case "xpath":
            return f".locator({quoted('xpath=' + part.value)})"


def selector(chosen: Locator) -> str:
    """As Playwright's own selectors write it, which its trace viewer shows as a locator."""
    return " >> ".join(_selector(part) for part in chosen.parts)


def _selector(part: Part) -> str:
    match part.kind:
        case "frame":
            nth = f" >> nth={part.nth}" if part.nth is not None else ""
            return f"{part.value}{nth} >> internal:control=enter-frame"
        case "role":
            return f"internal:role={part.value}[name={_json(part.name)}s]"
        case "within":
            inner = f"internal:text={_json(part.name)}s"
            return f"internal:role={part.value} >> internal:has={_json(inner)}"
        case "test_id":
            return f"internal:testid=[data-testid={_json(part.value)}s]"
        case "text":
            return f"internal:has-text={_json(part.value)}i"
        case "css":
            return part.value
        case "xpath":
            return "xpath=" + part.value


def quoted(text: str) -> str:
    """A string of Python, in double quotes where it has none itself, with all that does not print escaped."""
    told = repr(text)
    if told[0] == "'" and '"' not in text:
        return '"' + told[1:-1].replace("\\'", "'") + '"'
    return told


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def literal(text: str) -> str:
    """A string of XPath 1.0, which knows no escapes."""
    if '"' not in text:
        return f'"{text}"'
    if "'" not in text:
        return f"'{text}'"
    return "concat(" + ", '\"', ".join(f'"{piece}"' for piece in re.split('"', text)) + ")"
