"""What actions are made of: what a page showed only under the pointer, what was pressed, the way of a drag."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs
from page_gestures import FRAMES, PLACE

from recorder.trace.gestures import Gesture, Span
from recorder.trace.pages import FrameSeen, Navigated, PageEvent, PageState, PageTarget, TabOpened
from replay.export.actions import Action, actions
from replay.export.devtools_recording import recording
from replay.export.pages import Pages
from replay.export.playwright_script import script

MS = 1_000_000
MENU = "/html/body/span/span"
SHUT = '- textbox "Notes"\n- text: More'
OPEN = SHUT + '\n- button "Archive"'


def element(n: int, tag: str, **fields: Any) -> PageTarget:
    return PageTarget(t=0, seq=n, n=n, tag=tag, **PLACE, **fields)


NOTES = element(1, "div", role="textbox", name="Notes", css="#notes", xpath="/html/body/div", editable=True)
MORE = element(2, "span", text="More", css="span > span", xpath="/html/body/p/span/span")
ARCHIVE = element(
    3, "button", role="button", name="Archive", css="#archive", xpath="/html/body/p/span/div/button"
)
LOGO = element(4, "img", css="img", xpath="/html/body/header/img")
BOX = element(5, "input", type="checkbox", role="checkbox", name="News", css="input", rect=(0, 0, 12, 12))
THUMB = element(6, "span", css="span.thumb", control=5)
WORDS = element(7, "p", role="paragraph", text="The quick brown fox", css="#source", rect=(0, 0, 900, 20))
ELEMENTS = [NOTES, MORE, ARCHIVE, LOGO, BOX, THUMB, WORDS]


def state(ms: int, shown: str, dom: str) -> PageState:
    return PageState(t=ms * MS, seq=100 + ms, n=ms, url="http://a/", title="", dom=dom, aria=shown, **PLACE)


def event(ms: int, kind: str, target: PageTarget | None = None, **fields: Any) -> PageEvent:
    n = target.n if target is not None else None
    return PageEvent(t=ms * MS, seq=1000 + ms, type=kind, trusted=True, target=n, **PLACE, **fields)


def deed(verb: Any, target: PageTarget, first: int, last: int, **fields: Any) -> Gesture:
    spans = (Span(1, 1000 + first, 1000 + last),)
    return Gesture(
        verb=verb, tab=1, t_start=first * MS, t_end=last * MS, frame=1, doc=1, target=target, spans=spans, **fields
    )  # fmt: skip


def made(gestures: list[Gesture], *events: Any) -> tuple[list[Action], Pages]:
    pages = Pages.of([*FRAMES, *ELEMENTS, *events])
    return actions([(n, one.verb, one) for n, one in enumerate(gestures, 1)], pages, str), pages


def lines(gestures: list[Gesture], *events: Any) -> list[str]:
    """The lines of the script that act."""
    found, pages = made(gestures, *events)
    told = script(found, pages, str, title="", folder="x_files", asserted=False).text
    body = told.split("def act(page: Page) -> None:\n")[1].split("\n\n\ndef ")[0].splitlines()[1:]
    return [line.strip() for line in body if line.strip() and not line.strip().startswith("# ")]


@pytest.mark.parametrize(
    "late",
    [
        pytest.param([], id="no state came between"),
        pytest.param([state(330, OPEN, "typed")], id="the typed text was told while the menu was open"),
    ],
)
def test_what_a_style_sheet_shows_under_the_pointer_is_pointed_at_first(late: list[PageState]) -> None:
    gestures = [deed("type", NOTES, 100, 200, value="Hi"), deed("click", ARCHIVE, 400, 410)]
    moved = [
        event(250, "pointermove", LOGO),
        event(300, "pointermove", MORE),
        event(390, "pointermove", ARCHIVE),
    ]
    found, _ = made(gestures, state(50, SHUT, "blank"), *moved, *late)
    told = [(action.gesture.verb, action.gesture.target) for action in found]
    assert told == [("type", NOTES), ("hover", MORE), ("click", ARCHIVE)]
    assert not found[0].shown, "what the pointer showed is not what was typed"


def test_a_box_whose_style_shows_its_menu_is_pointed_at_where_the_page_was_told_right_then() -> None:
    box = element(12, "span", text="More", css="p > span", xpath="/html/body/p/span")
    gestures = [deed("type", NOTES, 100, 200, value="Hi"), deed("click", ARCHIVE, 400, 410)]
    moved = [event(300, "pointermove", box), event(310, "pointermove", MORE)]
    found, _ = made(gestures, box, state(50, SHUT, "blank"), *moved, state(305, OPEN, "typed"))
    assert [(action.gesture.verb, action.gesture.target) for action in found][1] == ("hover", box)


def test_what_came_before_the_pointer_moved_is_not_pointed_at() -> None:
    gestures = [deed("type", NOTES, 100, 200, value="Hi"), deed("click", ARCHIVE, 400, 410)]
    moved = [event(350, "pointermove", MORE), event(390, "pointermove", ARCHIVE)]
    found, _ = made(gestures, state(50, SHUT, "blank"), state(330, OPEN, "typed"), *moved)
    assert "hover" not in [action.gesture.verb for action in found]


def test_three_clicks_are_three_and_where_among_words_they_were() -> None:
    gesture = deed("double_click", WORDS, 10, 15, offset=(63.0, 9.0))
    clicks = [event(10 + n, "mousedown", WORDS, detail=n, x=63, y=9) for n in (1, 2, 3)]
    assert lines([gesture], *clicks)[-1] == (
        r'page.locator("#source").filter(has_text=re.compile("The\\s*quick\\s*brown\\s*fox"))'
        '.click(click_count=3, position={"x": 63, "y": 9})'
    )


def test_a_drawn_checkbox_is_clicked_where_it_covers_its_own() -> None:
    pressed = event(10, "pointerdown", THUMB, x=5, y=5)
    assert lines([deed("check", BOX, 10, 12)], pressed)[-1].endswith(".check(force=True)")
    plain = event(10, "pointerdown", BOX, x=5, y=5)
    assert lines([deed("check", BOX, 10, 12)], plain)[-1].endswith(".check()")


def test_what_a_page_copies_by_itself_is_not_asked_of_it_by_keys() -> None:
    copied = deed("copy", NOTES, 10, 10, value="Hi")
    found, _ = made([copied], event(10, "copy", NOTES))
    assert found[-1].own
    by_key = deed("copy", NOTES, 10, 12, value="Hi")
    found, _ = made([by_key], event(10, "keydown", NOTES, key="c", modifiers=2), event(12, "copy", NOTES))
    assert not found[-1].own


def test_a_drag_over_what_is_known_by_its_place_alone_goes_its_recorded_way() -> None:
    onto = element(8, "div", css="td > div", xpath="/html/body/table/td/div")
    moves = [(30, 0), (60, 0), (90, 0), (90, 40)]
    raw = [
        event(10, "pointerdown", MORE, x=100, y=100),
        *(event(11 + n, "pointermove", MORE, x=100 + x, y=100 + y) for n, (x, y) in enumerate(moves)),
        event(20, "pointerup", MORE, x=190, y=140),
    ]
    gesture = deed("drag", MORE, 10, 20, onto=onto, offset=(4.0, 5.0), onto_offset=(1.0, 1.0))
    assert lines([gesture], *raw)[-1] == (
        'drag(page, page.locator("span > span").filter(has_text="More"), (4, 5), (90, 0), (90, 40))'
    )


def test_a_wheel_that_scrolls_nothing_is_turned_over_what_it_was_over() -> None:
    gesture = deed("scroll", LOGO, 10, 10, value="0,-200")
    assert lines([gesture], event(10, "wheel", LOGO, dy=-200))[-2:] == [
        'page.locator("img").hover()', "page.mouse.wheel(0, -200)",
    ]  # fmt: skip


def test_a_devtools_recording_waits_for_a_menu_to_go_and_for_what_the_last_action_brought() -> None:
    option = element(9, "li", role="option", name="Barbara", css="#menu > li", xpath="/html/body/ul/li")
    shut, opened = '- button "Save"', '- button "Save"\n- option "Barbara"'
    save = element(10, "button", role="button", name="Save", css="button", xpath="/html/body/button")
    gestures = [deed("click", option, 100, 110), deed("click", save, 300, 310)]
    states = [state(50, opened, "a"), state(200, shut, "b"), state(400, shut + '\n- heading "Saved"', "c")]
    found, pages = made(gestures, option, save, *states)
    told = recording(found, pages.started, "", str).flow["steps"]
    hidden = '!document.querySelector("#menu > li")?.checkVisibility({visibilityProperty: true, opacityProperty: true})'
    assert [step for step in told if step["type"].startswith("wait")] == [
        {"type": "waitForExpression", "target": "main", "expression": hidden},
        # By its words, too: a browser calls a heading by the capitals that a style sheet makes of them.
        {
            "type": "waitForElement",
            "target": "main",
            "selectors": [['aria/Saved[role="heading"]'], ["text/Saved"]],
        },
    ]


def flow(gestures: list[Gesture], *events: Any) -> list[dict[str, Any]]:
    """The steps of the DevTools recording."""
    found, pages = made(gestures, *events)
    return recording(found, pages.started, "", str).flow["steps"]


def went(ms: int, how: str) -> Navigated:
    return Navigated(t=ms * MS, source="browser/1", tab=1, frame=1, url="http://a/next", how=how)


@pytest.mark.parametrize(
    ("key", "leads"),
    [("Enter", ("keyDown", "Enter")), ("Control+Enter", ("keyDown", "Enter")), ("Space", ("keyUp", "Space"))],
)
def test_a_devtools_recording_asserts_a_navigation_where_the_key_brings_it(
    key: str, leads: tuple[str, str]
) -> None:
    told = flow([deed("press", NOTES, 100, 110, value=key)], went(150, "link"))
    assert [(step["type"], step["key"]) for step in told if "assertedEvents" in step] == [leads]


def test_a_devtools_recording_waits_for_no_reload_that_the_person_may_have_done() -> None:
    told = flow([deed("press", NOTES, 100, 110, value="Enter")], went(150, "reload"))
    assert not any("assertedEvents" in step for step in told)


def test_in_a_devtools_recording_a_key_of_another_tab_clicks_what_it_pressed() -> None:
    save = element(11, "button", role="button", name="Save", css="button", rect=(0, 0, 40, 20))
    opened = [
        TabOpened(t=20 * MS, source="browser/1", tab=2, opener=1, popup=True),
        FrameSeen(t=20 * MS, source="browser/1", frame=9, tab=2, parent=None, index=None, name=""),
    ]
    there = {"tab": 2, "frame": 9, "doc": 2}
    field, save = structs.replace(NOTES, **there), structs.replace(save, **there)
    raw = [
        structs.replace(event(50, "keydown", field, key="Enter"), **there),
        structs.replace(event(51, "click", save), **there),
        structs.replace(event(52, "keyup", field, key="Enter"), **there),
    ]
    press = deed("press", field, 50, 52, value="Enter")
    press = structs.replace(press, tab=2, frame=9, doc=2, spans=(Span(2, 1050, 1052),))
    click = deed("click", MORE, 10, 12, opened=(2,))
    told = flow([click, press], *opened, field, save, *raw)
    assert [(step["type"], step["selectors"][-1]) for step in told[1:]] == [("click", ["button"])]


def test_a_devtools_recording_waits_for_what_is_clicked_and_for_what_went() -> None:
    lamp = element(
        12, "li", role="option", name="Lamp 9", text="Lamp 9", css="#r > li", xpath="/html/body/ul/li"
    )
    save = element(
        13, "button", role="button", name="Save", text="Save", css="button", xpath="/html/body/button"
    )
    gestures = [
        deed("click", NOTES, 10, 20), deed("fill", NOTES, 100, 110, value="L"), deed("click", lamp, 300, 310),
        deed("click", save, 500, 510), deed("click", NOTES, 700, 710),
    ]  # fmt: skip
    trees = ['- button "Edit"', "- text: None", *['- button "Save"'] * 3]
    states = [state(50 + 200 * n, tree, str(n)) for n, tree in enumerate(trees)]
    told = [step for step in flow(gestures, lamp, save, *states) if step["type"].startswith("wait")]
    gone, due, hidden, came = told
    assert (gone["selectors"], gone["operator"], gone["count"]) == ([['aria/Edit[role="button"]']], "==", 0)
    assert (
        due["expression"] == 'document.querySelector("#r > li")?.textContent.replace(/\\s+/g, "") === "Lamp9"'
    )
    assert hidden["expression"].startswith('!document.querySelector("#r > li")')
    assert came["selectors"] == [['aria/Save[role="button"]'], ["text/Save"]]


def test_what_a_filled_field_showed_is_known_though_it_was_left_later() -> None:
    field = element(15, "input", type="search", role="searchbox", name="Search", css="#q", editable=True)
    filled = deed("fill", field, 10, 90, value="a")
    raw = [event(10, "input", field), event(20, "keyup", field, key="a"), event(90, "change", field)]
    found, _ = made([filled, deed("click", MORE, 95, 99)], field, *raw, state(50, "- text: one", "a"))
    assert (found[0].shown, found[0].rested) == (None, state(50, "- text: one", "a"))


def test_a_devtools_recording_clears_a_field_by_keys_and_moves_the_caret_as_they_did() -> None:
    field = element(14, "input", type="text", role="textbox", name="Title", css="#t", editable=True)
    cleared = deed("fill", field, 10, 30, value="")
    told = flow([cleared], field, event(20, "input", field, value="F"))
    assert [step.get("value", step.get("key")) for step in told] == [
        "F", "Control", "a", "a", "Control", "Backspace", "Backspace",
    ]  # fmt: skip
    typed = deed("type", NOTES, 100, 130, value="a")
    raw = [event(110, "input", NOTES, text="a"), event(120, "keydown", NOTES, key="Home", modifiers=8)]
    keys = [step["key"] for step in flow([typed], *raw) if step["type"] == "keyDown"]
    assert keys == ["a", "Shift", "Home"]


def test_what_was_selected_after_typing_is_selected_again() -> None:
    typed = deed("type", NOTES, 10, 30, value="Hi")
    raw = [
        event(10, "keydown", NOTES, key="H"), event(11, "input", NOTES, text="H", input_type="insertText"),
        event(12, "keydown", NOTES, key="i"), event(13, "input", NOTES, text="i", input_type="insertText"),
        event(14, "keydown", NOTES, key="Home", modifiers=8),
    ]  # fmt: skip
    notes = 'page.get_by_role("textbox", name="Notes", exact=True)'
    assert lines([typed], *raw)[-2:] == [f'{notes}.press_sequentially("Hi")', f'{notes}.press("Shift+Home")']
    filled = deed("fill", NOTES, 10, 30, value="iH")
    back = event(12, "keydown", NOTES, key="ArrowLeft")
    found, _ = made([filled], raw[0], raw[1], back, raw[3], raw[4])
    assert found[-1].pieces == (("press", "Shift+Home"),)
    slid = [event(10, "keydown", NOTES, key="ArrowRight"), event(11, "input", NOTES, value="19")]
    found, _ = made([filled], *slid)
    assert not found[-1].pieces, "the key is in the value"


def test_a_page_is_scrolled_as_far_as_it_loads() -> None:
    gesture = deed("scroll", LOGO, 10, 10, value="0,400", scroll=(0.0, 400.0))
    whole = Gesture(verb="scroll", tab=1, t_start=1, t_end=2, frame=1, scroll=(0.0, 400.0))
    assert lines([whole])[-1] == "scroll(page, 0, 400)"
    assert lines([gesture])[-1] == (
        'page.locator("img").evaluate("(element, [x, y]) => element.scrollTo(x, y)", [0, 400])'
    )


def test_what_other_tools_see_in_another_role_is_not_told_by_its_role() -> None:
    summary = element(11, "summary", role="button", name="Returns", text="Returns", css="summary")
    shown = [state(5, "", "a"), state(20, '- button "Returns"', "b")]
    found, pages = made([deed("click", summary, 10, 12)], summary, *shown)
    told = script(found, pages, str, title="", folder="x_files").text
    assert 'page.locator("summary").filter(has_text="Returns").click()' in told
    assert 'button "Returns"' not in told.split("click()")[1]


def test_heads_of_tables_are_not_asserted() -> None:
    shown = [state(5, "", "a"), state(20, '- columnheader "Filename"\n- cell "books"', "b")]
    found, pages = made([deed("click", WORDS, 10, 12)], *shown)
    told = script(found, pages, str, title="", folder="x_files").text
    assert '- cell "books"' in told
    assert "Filename" not in told
