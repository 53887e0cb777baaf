"""ARIA snapshots, Playwright's way of writing an accessibility tree as YAML: read, compared, written. Pure.

Of YAML only what such a snapshot uses is read; a line that is none becomes text, so nothing a page says can fail.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

_LINE = re.compile(r"( *)- (.*)")
_KEY = re.compile(r'([a-zA-Z]+)(?: "((?:[^"\\]|\\.)*)")?((?: \[[^\]]*\])*)\s*')
_ATTRIBUTE = re.compile(r"\[([a-zA-Z-]+)(?:=([^\]]*))?\]")
_KEPT = ("checked", "disabled", "expanded", "invalid", "level", "pressed", "selected")
"""Attributes that are of the page; where the focus is and how things were found are not."""
_SUMMED = frozenset(
    (
        "heading",
        "row",
        "cell",
        "gridcell",
        "columnheader",
        "rowheader",
        "option",
        "treeitem",
        "menuitem",
        "tab",
    )
)
"""Roles that are named by what stands within them."""
_MOST_DEPTH = 200
_MOST_WORDS = 200
_VOLATILE = re.compile(
    r"/tmp/"
    r"|\d{1,2}:\d{2}|\d{4}-\d{2}-\d{2}|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\bago\b|\bjust now\b|[0-9a-f]{8}-[0-9a-f]{4}-"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d|\b(?=\w*\d)[0-9a-fA-F]{10,}\b|•"
)
"""What is another the next time: times, dates, identifiers, temporary files, and what was withheld."""


@dataclass(slots=True, eq=False)
class Node:
    """A node of an accessibility tree. A text node has the role `text` and its words in `text`; `props` are what stands
    under a node with a slash, such as url and placeholder."""

    role: str
    name: str = ""
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    props: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)

    @property
    def label(self) -> tuple[object, ...]:
        """What it is, without its children."""
        return (self.role, self.name, self.text, *sorted(self.attributes.items()))


def parse(snapshot: str) -> list[Node]:
    """The tree of a snapshot. Never raises."""
    roots: list[Node] = []
    open_nodes: list[tuple[int, Node]] = []
    for line in snapshot.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        indent, told = len(match[1]), match[2]
        while open_nodes and open_nodes[-1][0] >= indent:
            open_nodes.pop()
        key, value = _split(told)
        parent = open_nodes[-1][1] if open_nodes else None
        if key.startswith("/"):
            if parent is not None:
                parent.props[key[1:]] = value
            continue
        node = _node(key, value)
        (roots if parent is None else parent.children).append(node)
        if len(open_nodes) < _MOST_DEPTH:
            open_nodes.append((indent, node))
    return roots


def render(nodes: Sequence[Node]) -> list[str]:
    """Lines of a snapshot, as Playwright writes them."""
    return list(_lines(nodes, 0))


def as_json(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """The form in which Playwright's trace viewer reads a snapshot."""
    return [_json(node) for node in nodes]


def news(before: Sequence[Node], after: Sequence[Node], most: int) -> tuple[list[Node], int]:
    """What of `after` was not in `before`, each by itself and without what is in it; and how many nodes beyond `most`
    were left out: what tells of an outcome is kept first. What a thing stands in is not told: tools do not agree on
    that.

    Without role and name and text a node is no news, and neither is what only moved.
    """
    known = Counter(node.label for node in walk(before))
    found: list[Node] = []
    for node in walk(after):
        if known[node.label] > 0:
            known[node.label] -= 1
        elif node.name or node.text or node.attributes:
            found.append(Node(node.role, node.name, node.text, dict(node.attributes)))
    if len(found) <= most:
        return found, 0
    first = sorted(range(len(found)), key=lambda place: (found[place].role not in _OUTCOMES, place))[:most]
    return [found[place] for place in sorted(first)], len(found) - most


_OUTCOMES = ("alert", "alertdialog", "dialog", "heading", "log", "status")


def unmarked(nodes: Sequence[Node]) -> list[Node]:
    """Without which options of lists are marked: the pointer, wherever it rests, marks them, too."""
    return [
        Node(
            node.role,
            node.name,
            node.text,
            {k: v for k, v in node.attributes.items() if node.role != "option" or k != "selected"},
            {},
            unmarked(node.children),
        )
        for node in nodes
    ]


def unheaded(nodes: Sequence[Node]) -> list[Node]:
    """Without heads of tables: whether one is a row's or a column's is what tools do not agree on."""
    return [
        Node(node.role, node.name, node.text, node.attributes, node.props, unheaded(node.children))
        for node in nodes
        if node.role not in ("columnheader", "rowheader")
    ]


def unpointed(before: Sequence[Node], after: Sequence[Node], on: tuple[str, str]) -> list[Node]:
    """`after` without buttons and links that came in items and rows which were there `before`, but for the item that
    holds the element `on` (its role and name): style sheets show such in whatever moves under the pointer."""
    known = {node.label for node in walk(before) if node.name}

    def kept(node: Node, old: bool) -> Node | None:
        if old and node.role in ("button", "link") and node.label not in known:
            return None
        if node.role in _ITEMS:
            within = list(walk(node.children))
            acted = any((inner.role, inner.name) == on for inner in within)
            old = not acted and any(inner.label in known for inner in within)
        children = [found for child in node.children if (found := kept(child, old)) is not None]
        return Node(node.role, node.name, node.text, node.attributes, node.props, children)

    return [found for node in after if (found := kept(node, False)) is not None]


_ITEMS = ("listitem", "row", "treeitem", "article", "menuitem")


def steady(words: str) -> bool:
    """Whether words are short, and hold nothing that is another the next time."""
    return len(words) <= _MOST_WORDS and not _VOLATILE.search(words)


def loosened(lines: Sequence[str]) -> list[str]:
    """A snapshot's lines with the names of combo boxes as the beginnings of such: by the standard their value may
    belong to their name, and tools do not agree."""
    return [_COMBO.sub(lambda match: f"{match[1]}/^{re.escape(match[2])}/", line) for line in lines]


_COMBO = re.compile(r'^(\s*- combobox )"([\w -]+)"')


def steadied(nodes: Sequence[Node], rich: Container[str] = ()) -> tuple[list[Node], int]:
    """The tree without the words of what will be another next time, and how many those were; and without names that are
    but what stands within: how those are put together is what tools agree on least. Of text boxes whose names
    are in `rich`, which are no fields but rich text, it has no words: Playwright's snapshots have none."""
    dropped = 0

    def kept(words: str) -> str:
        nonlocal dropped
        if steady(words):
            return words
        dropped += 1
        return ""

    def copy(node: Node) -> Node:
        mute = node.role == "textbox" and node.name in rich
        children = [copy(child) for child in node.children if not (mute and child.role == "text")]
        text = "" if mute else kept(node.text)
        summed = node.role in _SUMMED and any(child.role != "text" for child in node.children)
        spaced = node.name != text and "".join(node.name.split()) == "".join(text.split())
        if spaced and node.name:  # pieces of markup, of which nobody knows how a tool puts them together
            summed, text = True, ""
        name = "" if summed or node.role == "iframe" else kept(node.name)
        return Node(node.role, name, text, dict(node.attributes), {}, children)

    return [copy(node) for node in nodes], dropped


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    """All nodes, each before its children."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def _split(told: str) -> tuple[str, str]:
    """Key and value of a line, unquoted."""
    if told.startswith("'"):
        if match := re.match(r"'((?:[^']|'')*)'(?:\s*:(?: (.*))?)?$", told):
            return match[1].replace("''", "'"), _scalar(match[2] or "")
        return "text", told
    if told.startswith('"'):
        return "text", _scalar(told)
    if match := re.match(r"((?:/\w+|text))\s*:(?: (.*))?$", told):
        return match[1], _scalar(match[2] or "")
    if match := _KEY.match(told):
        rest = told[match.end() :]
        if not rest or rest.startswith(":"):
            return match[0].rstrip(), _scalar(rest[1:].strip())
    return "text", told


def _scalar(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", value)))
        except ValueError:
            return value[1:-1]
    if len(value) >= 2 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    return value


def _node(key: str, value: str) -> Node:
    value = _seen(value)
    if key == "text":
        return Node("text", text=value)
    match = _KEY.fullmatch(key)
    if match is None:
        return Node("text", text=_seen(key))
    name = _seen(_scalar(f'"{match[2]}"')) if match[2] else ""
    told = {name: value or "true" for name, value in _ATTRIBUTE.findall(match[3])}
    return Node(match[1], name, value, {name: value for name, value in told.items() if name in _KEPT})


def _seen(words: str) -> str:
    """Without characters that have no width, as Playwright has words."""
    return " ".join(words.replace("\u200b", "").replace("\u00ad", "").split())


def _key(node: Node) -> str:
    told = node.role
    if node.name and len(node.name) <= 900:  # a key of YAML has at most 1024 characters
        told += " " + json.dumps(node.name, ensure_ascii=False)
    for name, value in node.attributes.items():
        told += f" [{name}]" if value == "true" else f" [{name}={value}]"
    return told


def _lines(nodes: Sequence[Node], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for node in nodes:
        if node.role == "text":
            if node.text:
                yield f"{indent}- text: {_quoted_value(node.text)}"
            continue
        key = _key(node)
        key = "'" + key.replace("'", "''") + "'" if _needs_quotes(key) else key
        inner = [f"{indent}  - /{name}: {_quoted_value(value)}" for name, value in node.props.items()]
        if inner and node.text:
            inner.append(f"{indent}  - text: {_quoted_value(node.text)}")
        inner += _lines(node.children, depth + 1)
        if inner:
            yield f"{indent}- {key}:"
            yield from inner
        else:
            yield f"{indent}- {key}" + (f": {_quoted_value(node.text)}" if node.text else "")


def _quoted_value(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if _needs_quotes(value) else value


_QUOTED = re.compile(
    r"^$|^\s|\s$|[\x00-\x1f\x7f-\x9f]|^-|:(?:\s|$)|\s#|^[&*\],?!>|@\"'#%\[]|[{}`]"
    r"|^[-+.\d][-+.\deExXa-fA-F_]*$|^(?i:y|n|yes|no|true|false|on|off|null|~)$"
)


def _needs_quotes(told: str) -> bool:
    """Whether YAML would read it as something else; Playwright's rule, and a little more."""
    return _QUOTED.search(told) is not None


def _json(node: Node) -> dict[str, Any]:
    if node.role == "text":
        return {"role": "text", "text": node.text}
    told: dict[str, Any] = {"role": node.role}
    if node.name:
        told["name"] = node.name
    for name, value in node.attributes.items():
        told[name] = (
            int(value) if name == "level" and value.isdecimal() else True if value == "true" else value
        )
    told |= {name: value for name, value in node.props.items() if name in ("url", "placeholder")}
    if node.children:
        text = [{"role": "text", "text": node.text}] if node.text else []
        told["children"] = [*text, *as_json(node.children)]
    elif node.text:
        told["text"] = node.text
    return told
