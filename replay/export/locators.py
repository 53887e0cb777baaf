"""How another tool finds an element again: a target's fingerprint as one locator, chosen for identity. Pure.

A locator is chosen that says what the element is, and that led to this element alone when it was recorded: that is
proven on the accessibility tree that the page had then. Among elements that are alike, one is told by the row, the item
or the dialog that it stands in, never by its place among them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from recorder.trace.pages import PageTarget
from replay.export.aria import Node, steady, walk

_ROLES = """
    alert alertdialog application article banner blockquote button caption cell checkbox code columnheader combobox
    complementary contentinfo definition deletion dialog directory document emphasis feed figure form generic grid
    gridcell group heading img insertion link list listbox listitem log main marquee math meter menu menubar menuitem
    menuitemcheckbox menuitemradio navigation none note option paragraph presentation progressbar radio radiogroup
    region row rowgroup rowheader scrollbar search searchbox separator slider spinbutton status strong subscript
    superscript switch tab table tablist tabpanel term textbox time timer toolbar tooltip tree treegrid treeitem"""
ROLES = frozenset(_ROLES.split())
"""The roles that Playwright's get_by_role takes."""
UNROLED = ("summary",)
"""Tags to which tools give other roles."""
_SCOPES = {
    "row": ("row",),
    "item": ("listitem", "treeitem", "option", "menuitem", "article"),
    "dialog": ("dialog", "alertdialog"),
    "group": ("group", "radiogroup", "region"),
}
"""By the kind of an anchor, the roles of what it stands for."""
_NAMED = ("dialog", "group")
"""Kinds of anchors that are names; the others are words that stand within."""
_MOST_TEXT = 80
Kind = Literal["frame", "role", "css", "xpath", "text", "within"]


class Part(NamedTuple):
    """A step of a locator, within what the steps before it found.

    frame: enters the frame whose element CSS `value` finds (the `nth` of them). role: `value`, by its accessible name
    if it has one, `exact` or in part. within: the elements of role `value` that hold an element with exactly the text
    `name`, or not `exact`, these words. text: what is found holds `value`, or not `exact`, its words, of which nobody
    knows whether there is space between them.
    """

    kind: Kind
    value: str
    name: str = ""
    nth: int | None = None
    exact: bool = True


class Locator(NamedTuple):
    """Parts, outermost first. `doubt` says in a few words why it may find another element; empty: it is as certain as
    the recording can make it."""

    parts: tuple[Part, ...]
    doubt: str = ""


def locator(target: PageTarget, frames: Sequence[Part] = (), tree: Sequence[Node] = ()) -> Locator | None:
    """The locator of a target in the frame that `frames` lead to; null where none can reach it (a closed root). `tree`
    is the accessibility tree of the target's document then, empty where it is not known."""
    if target.closed:
        return None
    if way := _by_role(target, tree):
        return Locator((*frames, *way))
    if not target.css and not target.xpath:
        return None
    hosts = [Part("css", host) for host in target.shadow]
    by_chance = target.xpath and not hosts and _CHANCE.search(target.css)
    place = Part("css", target.css) if target.css and not by_chance else Part("xpath", target.xpath)
    text = _text(target)
    keyed = place.kind == "css" and re.search(r"[#\[][^>]*$", target.css)
    whole = (
        not tree or " " not in text or any(text in inner.text or text in inner.name for inner in walk(tree))
    )
    # Also where the tree has the words in one: boxes side by side have spaces between them there, and none in the page.
    said = [Part("text", text, exact=" " not in text)] if text and (whole or not keyed) else []
    certain = text or keyed
    parts = [*hosts, place, *said]
    return Locator((*frames, *parts), "" if certain else "found by its place in the page alone")


_CHANCE = re.compile(r"#(?:[^>]*\\|[^\s>]*(?:\d[A-Za-z]|[A-Za-z]\d))")
"""An id that is another each time, perhaps."""


def scope(chosen: Locator) -> Part | None:
    """The part that says which row or item a locator is anchored in."""
    return next((part for part in chosen.parts if part.kind == "within"), None)


def by_name(chosen: Locator) -> bool:
    """Whether the element's role and name alone lead to it, within its frame."""
    return [part.kind for part in chosen.parts if part.kind != "frame"] == ["role"]


def _by_role(target: PageTarget, tree: Sequence[Node]) -> list[Part]:
    """By role and name, where they are its alone, in the whole page or in what it stands in; else nothing."""
    if target.role not in ROLES or target.tag in UNROLED:
        return []
    own = Part("role", target.role, target.name)
    if not tree:
        row = next((text for kind, text in target.anchors if kind == "row"), "")
        if target.name and target.alike == 1:
            return [own]
        return [Part("within", "row", row), own] if target.name and row else []

    def count(nodes: Sequence[Node]) -> int:
        """How many a locator of role and name finds; without a name it finds all of the role."""
        alike = [node.name for node in walk(nodes) if node.role == target.role]
        return sum(name == target.name for name in alike) if target.name else len(alike)

    if target.name and count(tree) == 1:
        said = target.name.casefold()
        parts = sum(node.role == target.role and said in node.name.casefold() for node in walk(tree))
        return [own._replace(exact=parts > 1)]
    for kind, text in target.anchors:
        for role in _SCOPES.get(kind, ()):
            around = [node for node in walk(tree) if node.role == role and count(node.children)]
            if kind in _NAMED:
                held = [node for node in around if node.name == text]
            else:
                held = [node for node in around if _holds(node, text)]
            inmost = [node for node in held if not any(inner in held for inner in walk(node.children))]
            if text and len(inmost) == 1 and count(inmost[0].children) == 1:
                bare = kind not in _NAMED and _bare(inmost[0], text) and sum(map(_says(text), around)) == 1
                return [Part("role" if kind in _NAMED else "within", role, text, exact=not bare), own]
    return []


def _holds(node: Node, text: str) -> bool:
    """Whether something within says exactly this."""
    return any(text in (inner.text, inner.name) and inner.role != "img" for inner in walk([node]))


def _bare(node: Node, text: str) -> bool:
    """Whether it says this beside its elements, or in one without a role: a tree does not tell which."""
    return not any(text in (n.text, n.name) for n in walk(node.children) if n.role != "text")


def _says(text: str) -> Callable[[Node], bool]:
    """Whether the words stand in a node."""
    words = re.compile(words_pattern(text))
    return lambda node: any(words.search(inner.text) or words.search(inner.name) for inner in walk([node]))


def _escaped(text: str) -> str:
    return re.sub(r"[^\w\s]", lambda match: "\\" + match[0] if match[0].isascii() else match[0], text)


def _pieces(text: str) -> str:
    """The words in their order, as a pattern of Python and JavaScript."""
    return r"\s*".join(map(_escaped, text.split()))


def words_pattern(text: str) -> str:
    """The words as no part of longer ones, as a pattern of Python and JavaScript."""
    escaped = _escaped(text)
    return ("\\b" if text[:1].isalnum() else "") + escaped + ("\\b" if text[-1:].isalnum() else "")


def _text(target: PageTarget) -> str:
    """What stands in it, where that is short, the same the next time, and not what a person types into it."""
    if target.editable or target.masked or target.tag in ("input", "textarea", "select", "body", "html"):
        return ""
    text = " ".join(target.text.split())
    return text if len(text) <= _MOST_TEXT and steady(text) else ""


_TEST_ID = re.compile(r'\[data-testid="([\w -]+)"\]')


def python(chosen: Locator, page: str) -> str:
    """As Playwright for Python writes it, from the variable `page`."""
    return page + "".join(_python(part, page) for part in chosen.parts)


def _python(part: Part, page: str) -> str:
    match part.kind:
        case "frame":
            nth = f".nth({part.nth})" if part.nth is not None else ""
            return f".locator({quoted(part.value)}){nth}.content_frame"
        case "role":
            named = f", name={quoted(part.name)}" if part.name else ""
            named += ", exact=True" if part.name and part.exact else ""
            return f".get_by_role({quoted(part.value)}{named})"
        case "within":
            if not part.exact:
                words = f"has_text=re.compile({quoted(words_pattern(part.name))})"
                return f".get_by_role({quoted(part.value)}).filter({words})"
            has = f"{page}.get_by_text({quoted(part.name)}, exact=True)"
            return f".get_by_role({quoted(part.value)}).filter(has={has})"
        case "text":
            words = f"re.compile({quoted(_pieces(part.value))})"
            return f".filter(has_text={quoted(part.value) if part.exact else words})"
        case "css":
            if test_id := _TEST_ID.fullmatch(part.value):
                return f".get_by_test_id({quoted(test_id[1])})"
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
            case = "s" if part.exact else "i"
            return f"internal:role={part.value}" + (f"[name={_json(part.name)}{case}]" if part.name else "")
        case "within":
            if not part.exact:
                words = words_pattern(part.name).replace("/", "\\/")
                return f"internal:role={part.value} >> internal:has-text=/{words}/"
            inner = f"internal:text={_json(part.name)}s"
            return f"internal:role={part.value} >> internal:has={_json(inner)}"
        case "text":
            pieces = _pieces(part.value).replace("/", "\\/")
            return (
                f"internal:has-text={_json(part.value)}i" if part.exact else f"internal:has-text=/{pieces}/"
            )
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
