"""Every gesture in every format: one table, so that none can be forgotten in one of them."""

from __future__ import annotations

import ast
import json
from typing import Any, get_args

import pytest
from msgspec import structs
from page_gestures import (
    CASES,
    CLOSED,
    DELETE,
    FRAMES,
    IN_SHADOW,
    NAME,
    PAN,
    PLACE,
    ROW_XPATH,
    SAVE,
    gesture,
    target,
)

from recorder.trace.gestures import Gesture, Span, Verb
from recorder.trace.pages import Navigated, PageEvent, PageState
from replay.export.actions import Action, actions
from replay.export.devtools_recording import recording
from replay.export.har import Origin
from replay.export.pages import Pages
from replay.export.playwright_script import Script, script
from replay.export.playwright_trace import PlaywrightTrace

VERBS = get_args(Verb)


def no_aria(digest: str) -> str:
    raise AssertionError("nothing was shown")


def made(*gestures: Gesture) -> list[Action]:
    return actions([(n, one.verb, one) for n, one in enumerate(gestures, 1)], Pages.of(FRAMES), no_aria)


def written(*gestures: Gesture) -> Script:
    return script(made(*gestures), Pages.of(FRAMES), no_aria, title="a task", folder="x_files")


def acted(told: Script) -> list[str]:
    """The lines of the script that act, without their indent and without what an action's number and sentence say."""
    lines = told.text.split("def act(page: Page) -> None:\n")[1].split("\n\n\ndef ")[0].split("\n")[1:]
    return [
        line[4:] for line in lines if line and not line.startswith(tuple(f"    # {n}. " for n in range(9)))
    ]


def of(verb: str) -> list[Gesture]:
    return (
        [gesture("click", SAVE), CASES[verb].gesture]
        if verb in ("dialog", "download")
        else [CASES[verb].gesture]
    )


def test_the_table_knows_every_verb() -> None:
    assert set(CASES) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_as_a_playwright_script(verb: str) -> None:
    told = written(*of(verb))
    ast.parse(told.text)
    assert acted(told) == CASES[verb].script


@pytest.mark.parametrize("verb", VERBS)
def test_as_a_devtools_recording(verb: str) -> None:
    told = recording(made(*of(verb)), None, "a task", no_aria)
    assert told.flow["steps"] == CASES[verb].devtools


@pytest.mark.parametrize("verb", VERBS)
def test_as_an_action_of_a_playwright_trace(verb: str) -> None:
    found = made(*of(verb))
    told = traced(found)
    name, params = CASES[verb].trace
    (before,) = [event for event in told if event["type"] == "before"]
    assert f"{before['class']}.{before['method']}" == name
    assert before["params"] | params == before["params"]
    kinds = {event["method"] for event in told if event["type"] == "event"}
    assert (verb in kinds) == (verb in ("dialog", "download"))


def traced(found: list[Action], **put: bytes) -> list[dict[str, Any]]:
    """The lines of the actions' Playwright trace."""
    origin = Origin("0", 1_700_000_000_000_000_000, "1")
    made_of = PlaywrightTrace(
        found, [], Pages.of(FRAMES), origin, title="a task", script=("", [1] * len(found)), read_aria=no_aria,
        blob=lambda _: [b"content"], attach=lambda name, content: put.update({name: b"".join(content)}),
    )  # fmt: skip
    return [json.loads(line) for line in made_of.events()]


def test_an_element_among_its_like_is_told_by_its_row_and_never_by_its_place() -> None:
    told = written(gesture("click", DELETE))
    assert acted(told) == [
        (
            'page.get_by_role("row").filter(has=page.get_by_text("Invoice 17", exact=True))'
            '.get_by_role("button", name="Delete", exact=True).click()'
        )
    ]
    assert told.losses == []
    (step,) = recording(made(gesture("click", DELETE)), None, "", no_aria).flow["steps"]
    assert step["selectors"] == [[ROW_XPATH]]


def test_frames_are_entered_by_their_name_or_else_by_their_place() -> None:
    told = gesture("fill", PAN, value="1")
    assert acted(written(told)) == [
        (
            """page.locator('iframe[name="pay"], frame[name="pay"]').content_frame"""
            """.locator("iframe, frame").nth(0).content_frame.get_by_role("textbox", name="Card number", exact=True)"""
            """.fill("1")"""
        )
    ]
    (step,) = recording(made(told), None, "", no_aria).flow["steps"]
    assert step["frame"] == [1, 0]


def test_shadow_roots_are_crossed_and_closed_ones_said_to_be_out_of_reach() -> None:
    assert acted(written(gesture("click", IN_SHADOW))) == [
        'page.locator("my-app").locator("my-bar").locator("button.x").click()'
    ]
    (step,) = recording(made(gesture("click", IN_SHADOW)), None, "", no_aria).flow["steps"]
    assert step["selectors"] == [["my-app", "my-bar", "button.x"]]
    told = written(gesture("click", CLOSED, offset=(3, 4)))
    assert acted(told) == ["page.mouse.click(103, 54)"]
    assert [loss.what for loss in told.losses] == [
        "an element in a closed shadow root: found by its place in the window alone"
    ]
    recorded = recording(made(gesture("click", CLOSED, offset=(3, 4))), None, "", no_aria)
    (step,) = recorded.flow["steps"]
    assert (step["selectors"], step["offsetX"], step["offsetY"]) == ([["html"]], 103, 54)
    assert [loss.what for loss in recorded.losses] == [loss.what for loss in told.losses]


def test_what_was_withheld_is_asked_of_the_environment() -> None:
    password = target("input", type="password", name="Pass word!", css="#p", masked=True, editable=True)
    told = written(gesture("fill", password, value="•••", masked=True))
    assert acted(told) == ['page.locator("#p").fill(PASS_WORD)']
    assert 'PASS_WORD = os.environ["PASS_WORD"]' in told.text
    assert "•" not in told.text


SITE = "http://127.0.0.1:8000/"


def asserted(*events: Navigated | PageState) -> list[str]:
    """What a script asserts of a click at 0.1 s and another at 2 s, in their order, by its number."""
    clicks = [gesture("click", SAVE, at=at) for at in (100, 2000)]
    pages = Pages.of([*FRAMES, *events])
    found = actions([(n, "click", one) for n, one in enumerate(clicks, 1)], pages, no_aria)
    told = script(found, pages, no_aria, title="a task", folder="x_files").text
    n, lines = "", []
    for line in map(str.strip, told.splitlines()):
        n = line[2:4] if line.startswith("# ") else n
        lines += [f"{n} {line}"] if line.startswith("expect(") else []
    return lines


def went(at: int, path: str, **fields: Any) -> Navigated:
    place = {"source": "browser/1", "tab": 1, "frame": 1}
    return Navigated(t=at, url=SITE + path, **place, **({"how": "link", "within": True} | fields))


def rested(at: int, path: str, title: str = "Slides", doc: int = 1) -> PageState:
    place = PLACE | {"doc": doc}
    return PageState(t=at, seq=9, n=at, url=SITE + path, title=title, dom="0", settled=True, **place)


def test_an_address_that_a_page_writes_once_it_has_rested_is_that_of_what_was_done_before() -> None:
    assert asserted(
        rested(50, "#1"), went(90, "#1"), rested(250, "#1"), went(1100, "#2"), rested(2100, "#2"), went(3000, "#3")
    ) == [
        f'1. expect(page).to_have_url("{SITE}#2")', '1. expect(page).to_have_title("Slides")',
        f'2. expect(page).to_have_url("{SITE}#3")',
    ]  # fmt: skip


def test_an_address_is_not_asserted_where_the_next_was_done_before_the_page_rested() -> None:
    assert asserted(went(300, "?q=ab")) == []


def test_what_a_document_showed_that_was_then_left_is_not_asserted_of_the_next() -> None:
    assert asserted(
        rested(250, "form", "Saving"), went(1100, "saved", within=False), rested(2100, "saved", "Saved", doc=2)
    ) == [
        f'1. expect(page).to_have_url("{SITE}saved")', '2. expect(page).to_have_title("Saved")',
    ]  # fmt: skip


def test_where_the_browser_went_next_is_not_asserted_of_what_was_done_before() -> None:
    led = gesture("navigate", value=SITE + "two", at=2000)
    pages = Pages.of([*FRAMES, rested(250, "one"), went(2000, "two", how="typed", within=False)])
    found = actions([(1, "click", gesture("click", SAVE, at=100)), (2, "go", led)], pages, no_aria)
    assert [(action.url, action.landed) for action in found] == [
        ("", SITE + "one"),
        (SITE + "one", SITE + "two"),
    ]


def test_a_script_goes_on_where_what_was_pointed_at_is_known_by_its_place_alone() -> None:
    told = written(gesture("hover", target("article", css="main > div:nth-of-type(2)")))
    assert acted(told) == ['point(page.locator("main > div:nth-of-type(2)"))']
    assert "def point(" in told.text
    assert "what was pointed at: the script goes on where it is not there" in [
        loss.what for loss in told.losses
    ]


def test_what_a_search_left_out_is_awaited_before_the_next_is_done() -> None:
    """The field says that it changed only when it is left: by then the next has begun."""
    trees = {"all": '- cell "Ada"\n- cell "Barbara"', "found": '- textbox "Name": ar\n- cell "Barbara"'}
    place = PLACE | {"tab": 1, "url": SITE, "title": "", "dom": "0"}
    states = [PageState(t=at, seq=9, n=at, aria=tree, **place) for at, tree in ((15, "all"), (300, "found"))]
    entered = [
        PageEvent(t=at, seq=at, type=kind, target=1, value="ar", trusted=True, **PLACE)
        for at, kind in ((20, "input"), (1000, "change"))
    ]
    filled = gesture("fill", NAME, value="ar", spans=(Span(doc=1, first=20, last=1000),), at=20)
    filled = structs.replace(filled, t_end=1000)
    pages = Pages.of([*FRAMES, *states, *entered])
    gestures = [
        (1, "click", gesture("click", NAME, at=1)),
        (2, "fill", filled),
        (3, "", gesture("click", SAVE, at=990)),
    ]
    found = actions(gestures, pages, trees.__getitem__)
    told = script(found, pages, trees.__getitem__, title="a task", folder="x_files").text
    assert (
        'expect(page.get_by_role("cell", name="Ada", exact=True)).to_have_count(0)' in told.split("# 3.")[0]
    )


HOSTILE = (
    '"""\nos.system("x")\n"""', "\\", "'\"", "\u202e\n#", "{}%s", "\ud800", "'''", '");evil()#', "\r\x00\x1b[2J",
)  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("verb", VERBS)
def test_what_a_page_says_is_never_code(verb: str, text: str) -> None:
    """Whatever stands in names, values and messages, the script's statements are the same."""

    def renamed(one: Any) -> Any:
        if one is None:
            return None
        fields = {"name": text, "text": text, "css": text, "xpath": text, "test_id": text, "label": text}
        return structs.replace(one, **fields, anchors=[("row", text)])

    gestures = [
        structs.replace(
            one, target=renamed(one.target), onto=renamed(one.onto), value=text,
            dialogs=tuple(structs.replace(d, message=text, answer=text) for d in one.dialogs),
            downloads=tuple(structs.replace(d, name=text) for d in one.downloads),
            files=tuple(structs.replace(f, name=text) for f in one.files),
        )
        for one in of(verb)
    ]  # fmt: skip
    found = actions([(1, text, one) for one in gestures], Pages.of(FRAMES), no_aria)
    told = script(found, Pages.of(FRAMES), no_aria, title=text, folder="x_files")
    tree = ast.parse(told.text)
    called = {
        node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
    }
    assert not called & {"system", "evil"}
    assert told.text.isascii() or all(c.isprintable() or c == "\n" for c in told.text)
