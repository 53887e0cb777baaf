"""Which locator a target gets by the accessibility tree that its page had, and how such trees are read and compared."""

from __future__ import annotations

import pytest
from page_gestures import target

from replay.export import aria
from replay.export.locators import locator, python, selector

TABLE = """\
- table:
  - row "Number Amount":
    - columnheader "Number"
  - row "Invoice 1 Delete":
    - cell "Invoice 1"
    - button "Delete"
  - row "Invoice 17 Delete":
    - cell "Invoice 17"
    - button "Delete"
- list:
  - listitem:
    - text: Lamp 1
    - button "Add"
  - listitem:
    - text: Lamp 12
    - button "Add"
- checkbox
- dialog "Sure?":
  - button "Delete"
- button "Save"
- button "Save all"
- link "Terms and conditions"
"""
ROW = {"role": "button", "name": "Delete", "alike": 3, "css": "tr:nth-child(2) button"}
ITEM = {"role": "button", "name": "Add", "alike": 2, "css": "li:nth-child(1) button"}


def found(snapshot: str = TABLE, **fields: object) -> str:
    chosen = locator(target("button", **fields), (), aria.parse(snapshot))
    assert chosen is not None
    assert selector(chosen)
    return python(chosen, "page").removeprefix("page")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (
            {"role": "link", "name": "Terms and conditions"},
            '.get_by_role("link", name="Terms and conditions")',
        ),
        ({"role": "button", "name": "Save"}, '.get_by_role("button", name="Save", exact=True)'),
        ({"role": "button", "name": "Save all", "alike": 9}, '.get_by_role("button", name="Save all")'),
        (
            ROW | {"anchors": [("row", "Invoice 1")]},
            (
                '.get_by_role("row").filter(has=page.get_by_text("Invoice 1", exact=True))'
                '.get_by_role("button", name="Delete", exact=True)'
            ),
        ),
        (
            ROW | {"anchors": [("dialog", "Sure?")]},
            '.get_by_role("dialog", name="Sure?", exact=True).get_by_role("button", name="Delete", exact=True)',
        ),
        (
            ITEM | {"anchors": [("item", "Lamp 1")]},
            (
                r'.get_by_role("listitem").filter(has_text=re.compile("\\bLamp 1\\b"))'
                '.get_by_role("button", name="Add", exact=True)'
            ),
        ),
        (ROW | {"anchors": [("row", "Invoice 99")]}, '.locator("tr:nth-child(2) button")'),
        ({"role": "checkbox", "css": "#all"}, '.locator("#all")'),
        (
            {"css": "#r7Ab\\= > button", "xpath": "/html[1]/body[1]/button[1]", "text": "Go"},
            '.locator("xpath=/html[1]/body[1]/button[1]").filter(has_text="Go")',
        ),
        ({"css": '[data-testid="go"]'}, '.get_by_test_id("go")'),
        (
            {"css": "div > p", "text": "Milk and bread"},
            r'.locator("div > p").filter(has_text=re.compile("Milk\\s*and\\s*bread"))',
        ),
        ({"css": "div > p", "text": "Saved at 7:25pm"}, '.locator("div > p")'),
    ],
)
def test_a_locator_is_what_the_tree_proves(fields: dict[str, object], code: str) -> None:
    assert found(**fields) == code


def test_what_only_its_place_tells_apart_is_doubted() -> None:
    chosen = locator(target("div", css="div:nth-of-type(3)"), (), ())
    assert chosen is not None
    assert chosen.doubt == "found by its place in the page alone"


TREE = """\
- 'heading "Shop: all" [level=1]'
- 'button "Save: now" [pressed]'
- textbox "Name": "7"
- link "a":
  - /url: /a
- text: "- loose: words"
- list:
  - listitem: Milk
"""


def test_a_snapshot_comes_back_as_it_was_written() -> None:
    nodes = aria.parse(TREE)
    assert "\n".join(aria.render(nodes)) + "\n" == TREE
    button = nodes[1]
    assert (button.role, button.name, button.attributes) == ("button", "Save: now", {"pressed": "true"})
    assert aria.as_json(nodes)[3] == {"role": "link", "name": "a", "url": "/a"}


def test_news_are_what_was_not_there_each_by_itself() -> None:
    before = aria.parse('- main:\n  - listitem: Milk\n  - button "Save"')
    after = aria.parse(
        '- main:\n  - listitem: Milk\n  - listitem: Tea\n  - status: Saved\n  - button "Save" [disabled]'
    )
    found, left_out = aria.news(before, after, 2)
    assert aria.render(found) == ["- listitem: Tea", "- status: Saved"]
    assert left_out == 1


@pytest.mark.parametrize(
    "words", ["at 12:30", "2026-01-02", "3 minutes ago", "•••", "Nov 3", "deadbeef12345", "x" * 300]
)
def test_what_is_another_next_time_is_no_news(words: str) -> None:
    (node,), dropped = aria.steadied(aria.parse(f'- status: "{words}"'))
    assert (node.text, dropped) == ("", 1)


@pytest.mark.parametrize(
    "text", ["", "-", "- ", "- 'x", '- "', "  - a: b", "- a:\n- b", "\u202e", "- text", "- /x: y", "-" * 999]
)
def test_any_text_is_read_as_some_tree(text: str) -> None:
    aria.render(aria.steadied(aria.parse(text))[0])


def test_a_deep_tree_is_read_without_end() -> None:
    deep = "\n".join("  " * depth + "- group:" for depth in range(5000))
    assert len(aria.render(aria.parse(deep))) == 5000
