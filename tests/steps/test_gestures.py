from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Literal

import pytest
from browser_log import BrowserLog, assert_partition
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from recorder.trace.gestures import Gesture, gestures, hovered, read
from recorder.trace.pages import (
    BrowserStarted,
    Clip,
    DialogAnswered,
    DocumentShown,
    Downloaded,
    FileChosen,
    FrameSeen,
    Navigated,
    PageRequest,
    TabActivated,
    TabClosed,
    TabOpened,
)
from recorder.trace.printable import printable
from recorder.trace.sentences import sentence
from recorder.trace.steps import steps


def told(log: BrowserLog) -> list[str]:
    """The sentences of a log but for the first, which opens the page."""
    first, *rest = [sentence(gesture) for gesture in gestures(log.events)]
    assert first == "go to https://shop.example/"
    return rest


def field_log() -> BrowserLog:
    log = BrowserLog()
    log.target(1, role="button", name="Save", anchors=[("row", "Invoice 17")])
    log.target(2, "input", role="textbox", name="Amount", editable=True, type="text")
    return log


def test_a_press_of_the_mouse_is_one_click() -> None:
    log = field_log()
    log.click(1)
    assert told(log) == ["click button “Save” in row “Invoice 17”"]


def test_typing_is_one_fill_and_enter_is_a_press() -> None:
    log = field_log()
    log.click(2)
    log.text("Ab1", 2)
    log.key("ArrowLeft", 2)
    log.key("Backspace", 2, value="A1", input_type="deleteContentBackward")
    log.key("Enter", 2)
    assert told(log) == [
        "click field “Amount”",
        "fill field “Amount” with “A1”",
        "press Enter in field “Amount”",
    ]


def test_the_change_of_a_field_is_its_fill_whatever_took_the_focus() -> None:
    log = field_log()
    log.text("12", 2)
    log.down(1)
    log.event("change", 2, value="12")
    log.up(1)
    log.event("click", 1)
    fill, click = gestures(log.events)[1:]
    assert (fill.verb, fill.value, click.verb) == ("fill", "12", "click")
    assert fill.target is not None
    assert fill.target.name == "Amount"


def test_every_event_is_of_one_gesture_or_of_the_named_rest() -> None:
    log = field_log()
    log.event("focus", 2)
    log.click(2)
    log.text("Hello", 2)
    log.event("click", 1, trusted=False)
    reading = read(log.events)
    assert reading.synthetic == 1
    assert set(reading.rest) == {"movement", "focus"}
    assert_partition(log.events)


def test_a_field_that_is_filled_by_itself_is_not_what_the_key_before_did() -> None:
    log = field_log()
    log.target(3, "input", role="textbox", name="Name", editable=True, type="text")
    log.click(2)
    log.key("Tab", 2)
    log.event("input", 3, value="Ann")
    log.event("change", 3, value="Ann")
    assert told(log) == [
        "click field “Amount”",
        "press Tab in field “Amount”",
        "fill field “Name” with “Ann”",
    ]


def test_the_letters_of_an_option_are_one_select_though_the_first_found_it() -> None:
    log = field_log()
    log.target(3, "select", role="combobox", name="Size")
    log.event("keydown", 3, key="l", code="KeyL")
    log.event("input", 3, selected=["large"])
    log.event("change", 3, selected=["large"])
    log.event("keyup", 3, key="l", code="KeyL")
    for key in "arge":
        log.key(key, 3)
    log.key("Tab", 3)
    assert told(log) == ["select “large” in list “Size”", "press Tab in list “Size”"]


def test_files_that_a_debugger_chose_in_a_chooser_are_an_upload_and_no_others() -> None:
    log = field_log()
    log.target(3, "input", name="Invoice", type="file")
    files = [FileChosen(name="a.pdf", type="application/pdf", size=3)]
    log.event("change", 3, trusted=False, files=files)
    log.click(1)
    log.event("change", 3, trusted=False, files=[])
    log.click(3)
    log.event("input", 3, trusted=False, files=files)
    log.event("change", 3, trusted=False, files=files)
    assert told(log) == ["click button “Save” in row “Invoice 17”", "upload “a.pdf” to input “Invoice”"]
    assert read(log.events).synthetic == 2


@pytest.mark.parametrize("mode", ["paired", "opened"])
def test_a_bar_that_tells_who_looks_on_resizes_no_window(mode: Literal["paired", "opened"]) -> None:
    """A person's own browser shows one in each new tab; later it is a person who resizes."""
    log = BrowserLog()
    log.add(
        BrowserStarted, t=0, mode=mode, product="", user_agent="", width=800, height=600, scale=1.0, locale="en",
        languages=[], timezone="UTC", dark=False, reduced_motion=False, headless=False, capture="",
    )  # fmt: skip
    log.tab(2)
    log.add(TabActivated, tab=2)
    log.document(2, tab=2, frame=2)
    log.add(Navigated, tab=2, frame=2, url="https://b.example/", how="typed")
    log.event("resize", doc=2, size=(800, 580))
    log.event("resize", doc=2, size=(800, 560))
    by_bar = [] if mode == "paired" else ["resize window to 800 × 560"]
    assert told(log)[-1 - len(by_bar) :] == ["go to https://b.example/", *by_bar]
    log.wait(5000)
    log.event("resize", doc=2, size=(700, 560))
    assert told(log)[-1] == "resize window to 700 × 560"


def opened(log: BrowserLog) -> None:
    log.target(1, role="button", name="Save")
    log.target(2, "input", role="textbox", name="Amount", editable=True)
    log.target(3, "select", role="combobox", name="Colour")
    log.target(4, "input", role="checkbox", name="Agree", type="checkbox")
    log.target(5, "input", name="Picture", type="file")
    log.target(6, "div", role="listitem", name="Card A")
    log.target(7, "div", role="list", name="Done")
    log.target(8, "div", role="textbox", name="Body", editable=True)
    log.target(9, "body")
    log.target(10, "label", text="I agree")


def double_click(log: BrowserLog) -> None:
    log.click(1)
    log.click(1, detail=2)
    log.event("dblclick", 1, detail=2)


def right_click(log: BrowserLog) -> None:
    log.down(1, button=2, buttons=2)
    log.event("contextmenu", 1, button=2)
    log.up(1, button=2)
    log.event("auxclick", 1, button=2)


def click_with_modifiers(log: BrowserLog) -> None:
    log.event("keydown", 9, key="Control", code="ControlLeft", modifiers=2)
    log.click(1, modifiers=2)
    log.event("keyup", 9, key="Control", code="ControlLeft")


def middle_click(log: BrowserLog) -> None:
    log.down(1, button=1, buttons=4)
    log.up(1, button=1)
    log.event("auxclick", 1, button=1)


def click_by_assistive_technology(log: BrowserLog) -> None:
    log.event("click", 1)


def chosen_in_the_list(log: BrowserLog) -> None:
    log.click(3)
    log.event("input", 3, selected=["red"], value="red")
    log.event("change", 3, selected=["red"], value="red")


def chosen_by_keys(log: BrowserLog) -> None:
    log.event("keydown", 3, key="ArrowDown", code="ArrowDown")
    log.event("input", 3, selected=["red"])
    log.event("change", 3, selected=["red"])
    log.event("keyup", 3, key="ArrowDown", code="ArrowDown")
    log.event("keydown", 3, key="ArrowDown", code="ArrowDown")
    log.event("input", 3, selected=["blue"])
    log.event("change", 3, selected=["blue"])
    log.event("keyup", 3, key="ArrowDown", code="ArrowDown")


def checked_by_its_label(log: BrowserLog) -> None:
    log.click(10)
    log.event("click", 4)
    log.event("input", 4, checked=True)
    log.event("change", 4, checked=True)


def unchecked_by_space(log: BrowserLog) -> None:
    log.event("keydown", 4, key=" ", code="Space")
    log.event("keyup", 4, key=" ", code="Space")
    log.event("click", 4)
    log.event("input", 4, checked=False)
    log.event("change", 4, checked=False)


def uploaded(log: BrowserLog) -> None:
    log.click(1)
    log.event("click", 5, trusted=False)
    log.wait(3000)
    files = [FileChosen(name="a.png", type="image/png", size=3)]
    log.event("input", 5, files=files)
    log.event("change", 5, files=files)


def dragged(log: BrowserLog) -> None:
    log.down(6)
    log.event("pointermove", 6, x=20, y=20, buttons=1)
    log.event("dragstart", 6, x=20, y=20)
    log.event("pointercancel", 6)
    log.event("dragenter", 7)
    log.event("dragover", 7, x=200, y=20)
    log.event("drop", 7, x=200, y=20, clips=[Clip(type="text/plain", text="a")])
    log.event("dragend", 6)
    log.event("pointermove", 7)


def dragged_by_mouse(log: BrowserLog) -> None:
    log.down(6)
    log.event("pointermove", 7, x=100, y=90, buttons=1)
    log.up(7, x=100, y=90)


def dropped_from_outside(log: BrowserLog) -> None:
    log.event("dragenter", 7)
    log.event("dragover", 7)
    log.event("drop", 7, files=[FileChosen(name="a.txt", type="", size=1)])


def wheeled(log: BrowserLog) -> None:
    for _ in range(3):
        log.event("wheel", 9, dy=100)
        log.event("pointermove", 9)
        log.event("scroll", 9, scroll=(0, 100))


def wheeled_with_a_drawn_scrollbar(log: BrowserLog) -> None:
    """Its page scrolls it along with the list."""
    log.target(31, "li", role="listitem", name="Row", xpath="/html/body/div[1]/ul/li[1]")
    log.target(32, "ul", role="list", name="Rows", xpath="/html/body/div[1]/ul")
    log.target(33, "div", role="group", name="Bar", xpath="/html/body/div[1]/div")
    for top in (100, 200):
        log.event("wheel", 31, dy=100)
        log.event("scroll", 32, scroll=(0, top))
        log.event("scroll", 33, scroll=(0, top))


def scrolled_by_the_page(log: BrowserLog) -> None:
    log.click(1)
    log.wait(500)
    log.event("scroll", 9, scroll=(0, 100))


def shortcut(log: BrowserLog) -> None:
    log.event("keydown", 9, key="Control", code="ControlLeft", modifiers=2)
    log.event("keydown", 9, key="Shift", code="ShiftLeft", modifiers=10)
    log.key("K", 9, code="KeyK", modifiers=10)
    log.event("keyup", 9, key="Shift", code="ShiftLeft", modifiers=2)
    log.event("keyup", 9, key="Control", code="ControlLeft")


def a_modifier_alone(log: BrowserLog) -> None:
    log.key("Alt", 9)


def a_hotkey_of_the_browser(log: BrowserLog) -> None:
    """Its last key comes to no page; nor do the others as they go up, where another window has come by then."""
    log.event("keydown", 9, key="Alt", code="AltLeft", modifiers=1)
    log.event("keydown", 9, key="Shift", code="ShiftLeft", modifiers=9)
    log.wait(2000)
    log.click(1)


def a_hotkey_of_the_browser_and_its_keys_let_go(log: BrowserLog) -> None:
    log.event("keydown", 9, key="Alt", code="AltLeft", modifiers=1)
    log.event("keydown", 9, key="Shift", code="ShiftLeft", modifiers=9)
    log.event("keyup", 9, key="y", code="KeyY", modifiers=9)
    log.event("keyup", 9, key="Shift", code="ShiftLeft", modifiers=1)
    log.event("keyup", 9, key="Alt", code="AltLeft")


def keys_of_the_page(log: BrowserLog) -> None:
    log.key("j", 9)
    log.key("?", 9, modifiers=8)
    log.key("Tab", 9)


def held_key(log: BrowserLog) -> None:
    log.event("keydown", 9, key="ArrowRight", code="ArrowRight")
    log.event("keydown", 9, key="ArrowRight", code="ArrowRight", repeat=True)
    log.event("keyup", 9, key="ArrowRight", code="ArrowRight")


def rich_text(log: BrowserLog) -> None:
    for char in "Hi":
        log.key(char, 8, text=char)
    log.key("Enter", 8, input_type="insertParagraph")
    log.key("x", 8, text="x")
    log.key("y", 8, text="y")
    log.key("Backspace", 8, input_type="deleteContentBackward")


def rich_text_that_looks_different_with_each_key(log: BrowserLog) -> None:
    for n, char in enumerate("Hi", 20):
        log.target(n, "div", role="textbox", name="Body", text="Hi"[: n - 20], css="#body", editable=True)
        log.key(char, n, text=char)


def keys_that_an_editor_takes(log: BrowserLog) -> None:
    log.key("o", 8)
    log.key("k", 8)


def composed(log: BrowserLog) -> None:
    log.event("keydown", 2, key="Process", code="KeyN")
    log.event("compositionstart", 2)
    log.event("compositionupdate", 2, text="に")
    log.event("input", 2, input_type="insertCompositionText", text="に", value="に", composing=True)
    log.event("compositionend", 2, text="に")
    log.event("keyup", 2, key="n", code="KeyN")


def filled_by_the_browser(log: BrowserLog) -> None:
    log.click(1)
    log.event("input", 2, value="12 High Street")
    log.event("change", 2, value="12 High Street")


def a_field_that_the_page_changed_before_it_was_left(log: BrowserLog) -> None:
    log.text("he: ", 2)
    log.event("paste", 2, clips=[Clip(type="text/plain", text="fox")])
    log.event("change", 2, value="he: FOX")


def a_date_part_by_part(log: BrowserLog) -> None:
    for char in "05":
        log.key(char, 2)
    log.key("1", 2, value="2031-05-01", input_type="")


def masked(log: BrowserLog) -> None:
    log.key("•", 2, text="•", value="•", masked=True)
    log.key("•", 2, text="•", value="••", masked=True)


def a_part_of_a_button(log: BrowserLog) -> None:
    log.target(20, "button", role="button", name="Like", rect=(100, 100, 80, 30))
    log.target(21, "svg", control=20, rect=(110, 105, 10, 10))
    log.target(22, "span", text="Like", control=20, rect=(130, 105, 30, 10))
    log.down(21)
    log.up(22)
    log.event("click", 20)


def rich_text_of_a_long_page(log: BrowserLog) -> None:
    log.key("a", 8, text="a", value="Once upon a time a")
    log.key("b", 8, text="b", value="Once upon a time ab")


def copied_and_pasted(log: BrowserLog) -> None:
    for key, kind in (("c", "copy"), ("v", "paste")):
        log.event("keydown", 2, key="Control", code="ControlLeft", modifiers=2)
        log.event("keydown", 2, key=key, code=key, modifiers=2)
        log.event(kind, 2, clips=[Clip(type="text/plain", text="42")])
        if kind == "paste":
            log.event("input", 2, input_type="insertFromPaste", value="42")
        log.event("keyup", 2, key=key, code=key, modifiers=2)
        log.event("keyup", 2, key="Control", code="ControlLeft")


def pasted_by_menu(log: BrowserLog) -> None:
    log.event("paste", 2, clips=[Clip(type="text/plain", text="42")])
    log.event("input", 2, input_type="insertFromPaste", value="42")


def slid(log: BrowserLog) -> None:
    log.target(11, "input", role="slider", name="Volume", type="range")
    log.down(11)
    log.event("input", 11, value="30")
    log.event("pointermove", 11, x=90, y=5, buttons=1)
    log.event("input", 11, value="70")
    log.up(11, x=90)
    log.event("change", 11, value="70")
    log.event("click", 11)


def dialog(log: BrowserLog) -> None:
    log.click(1)
    log._numbered(DialogAnswered, 1, type="confirm", message="Sure?", asked=log.t, accepted=False)


def tabs(log: BrowserLog) -> None:
    log.tab(2)
    log.add(TabActivated, tab=2)
    log.document(2, tab=2, frame=2)
    log.add(Navigated, tab=2, frame=2, url="https://b.example/", how="typed")
    log.wait(5000)
    log.add(TabActivated, tab=1)
    log.add(TabActivated, tab=2)
    log.add(TabClosed, tab=2)
    log.add(TabActivated, tab=1)


def history(log: BrowserLog) -> None:
    log.click(1)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/a", how="link")
    for how, url in (("back_forward", ""), ("back_forward", "a"), ("reload", "a")):
        log.wait(5000)
        log.add(Navigated, tab=1, frame=1, url=f"https://shop.example/{url}", how=how)


def back_at_once(log: BrowserLog) -> None:
    """Whoever sees at once that it is the wrong page does not wait a second."""
    log.click(1)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/a", how="link")
    log.document(2, tab=1, frame=1, url="https://shop.example/a")
    log.state(1, "a", doc=2)
    log.wait(200)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/", how="back_forward")


def back_after_a_download(log: BrowserLog) -> None:
    """A download is asked for as a page is, and nobody goes there; a page that was kept is not asked for."""
    history(log)
    log.click(1)
    url = "https://shop.example/prices.csv"
    log.add(PageRequest, n=9, tab=1, frame=1, method="GET", url=url, type="main_frame")
    log.wait(5000)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/", how="back_forward")


def back_to_a_kept_page(log: BrowserLog) -> None:
    """It is shown before the browser tells that it went there; what was done in the page before ends there."""
    log.state(1, "a")
    history(log)
    log.wait(5000)
    log.add(DocumentShown, doc=1, frame=1, tab=1, seq=100)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/", how="back_forward")


def back_by_the_page(log: BrowserLog) -> None:
    """The page had not come to rest: nobody saw it."""
    log.click(1)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/a", how="link")
    log.document(2, tab=1, frame=1, url="https://shop.example/a")
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/", how="back_forward")


def history_by_key(log: BrowserLog) -> None:
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/a", how="link")
    log.event("keydown", 9, key="ArrowLeft", code="ArrowLeft", modifiers=1)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/", how="back_forward")


def resized(log: BrowserLog) -> None:
    log.event("resize", size=(800, 600))
    log.event("resize", size=(801, 600))


ONCE = (tabs, history, back_at_once, back_after_a_download, back_to_a_kept_page, back_by_the_page)
"""Deeds that begin tabs or documents, which can be begun once."""
DEEDS = [
    (double_click, ["double-click button “Save”"]),
    (right_click, ["right-click button “Save”"]),
    (click_with_modifiers, ["Control+click button “Save”"]),
    (middle_click, ["middle-click button “Save”"]),
    (click_by_assistive_technology, ["click button “Save”"]),
    (chosen_in_the_list, ["select “red” in list “Colour”"]),
    (chosen_by_keys, ["select “blue” in list “Colour”"]),
    (checked_by_its_label, ["check checkbox “Agree”"]),
    (unchecked_by_space, ["uncheck checkbox “Agree”"]),
    (uploaded, ["upload “a.png” to input “Picture”"]),
    (dragged, ["drag listitem “Card A” to list “Done”"]),
    (dragged_by_mouse, ["drag listitem “Card A” to list “Done”"]),
    (dropped_from_outside, ["upload “a.txt” to list “Done”"]),
    (wheeled, ["scroll down in page"]),
    (wheeled_with_a_drawn_scrollbar, ["scroll down in list “Rows”"]),
    (scrolled_by_the_page, ["click button “Save”"]),
    (shortcut, ["press Control+Shift+K"]),
    (a_modifier_alone, ["press Alt"]),
    (a_hotkey_of_the_browser, ["click button “Save”"]),
    (a_hotkey_of_the_browser_and_its_keys_let_go, []),
    (keys_of_the_page, ["press j", "press ?", "press Tab"]),
    (held_key, ["press ArrowRight"]),
    (rich_text, ["type “Hi ⏎ x” into field “Body”"]),
    (rich_text_that_looks_different_with_each_key, ["type “Hi” into field “Body”"]),
    (keys_that_an_editor_takes, ["type “ok” into field “Body”"]),
    (composed, ["fill field “Amount” with “に”"]),
    (filled_by_the_browser, ["click button “Save”", "fill field “Amount” with “12 High Street”"]),
    (
        a_field_that_the_page_changed_before_it_was_left,
        ["fill field “Amount” with “he: ”", "paste “fox” into field “Amount”"],
    ),
    (a_date_part_by_part, ["fill field “Amount” with “2031-05-01”"]),
    (masked, ["fill field “Amount” with “••”"]),
    (a_part_of_a_button, ["click button “Like”"]),
    (rich_text_of_a_long_page, ["type “ab” into field “Body”"]),
    (copied_and_pasted, ["copy “42” from field “Amount”", "paste “42” into field “Amount”"]),
    (pasted_by_menu, ["paste “42” into field “Amount”"]),
    (slid, ["fill slider “Volume” with “70”"]),
    (dialog, ["click button “Save”", "dismiss “Sure?”"]),
    (tabs, ["open tab 2", "go to https://b.example/", "switch to tab 1", "switch to tab 2", "close tab 2"]),
    (history, ["click button “Save”", "go back", "go forward", "reload"]),
    (back_at_once, ["click button “Save”", "go back"]),
    (
        back_after_a_download,
        ["click button “Save”", "go back", "go forward", "reload", "click button “Save”", "go back"],
    ),
    (
        back_to_a_kept_page,
        ["click button “Save”", "go back", "go forward", "reload", "go back"],
    ),
    (back_by_the_page, ["click button “Save”"]),
    (history_by_key, ["go back"]),
    (resized, ["resize window to 801 × 600"]),
]


def test_a_browser_of_which_the_tab_in_front_is_told_late_was_not_switched() -> None:
    """One that was there before the session comes to the front when the expert leaves the terminal."""
    log = BrowserLog()
    log.add(TabActivated, tab=1)
    log.add(Navigated, tab=1, frame=1, url="https://shop.example/", how="typed")
    log.add(TabActivated, tab=2)
    assert told(log) == ["go to https://shop.example/", "switch to tab 2"]


@pytest.mark.parametrize(("deed", "sentences"), DEEDS, ids=[deed.__name__ for deed, _ in DEEDS])
def test_deeds(deed: Callable[[BrowserLog], None], sentences: list[str]) -> None:
    log = BrowserLog()
    opened(log)
    deed(log)
    assert told(log) == sentences
    assert_partition(log.events)


@given(
    st.lists(st.sampled_from([deed for deed, _ in DEEDS if deed not in ONCE]), max_size=8),
    st.randoms(),
)
@settings(max_examples=60)
def test_whatever_order_documents_come_in(deeds: list[Callable[[BrowserLog], None]], random: Random) -> None:
    log = BrowserLog()
    opened(log)
    for deed in deeds:
        deed(log)
    in_order = read(log.events)
    assert_partition(log.events)
    shuffled = list(log.events)
    random.shuffle(shuffled)
    stated = [event for event in log.events if not hasattr(event, "doc")]
    shuffled.sort(key=lambda event: stated.index(event) if event in stated else -1)
    assert read(shuffled) == in_order


KINDS = (
    "pointermove pointerdown pointerup pointercancel mousedown mouseup click dblclick auxclick contextmenu keydown "
    "keypress keyup beforeinput input change compositionstart compositionupdate compositionend wheel scroll copy cut "
    "paste dragstart dragover drop dragend resize focus blur submit selectionchange odd"
)
RAW = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS.split()), "trusted": st.booleans(), "doc": st.sampled_from([1, 2, 3])},
    optional={
        "target": st.integers(1, 12), "button": st.integers(-1, 4), "buttons": st.integers(0, 4),
        "key": st.sampled_from(["a", "Shift", "Control", "Enter", "Process", "ArrowLeft", ""]),
        "modifiers": st.integers(0, 15), "repeat": st.booleans(), "composing": st.booleans(),
        "x": st.integers(0, 50), "y": st.integers(0, 50), "detail": st.integers(0, 3),
        "value": st.text(max_size=3), "text": st.text(max_size=2), "checked": st.booleans(),
        "input_type": st.sampled_from(["insertText", "deleteContentBackward", "formatBold", ""]),
        "scroll": st.just((1, 2)), "masked": st.booleans(),
    },
)  # fmt: skip
TOLD = st.sampled_from([
    (TabOpened, {"tab": 3, "opener": None, "popup": False}), (TabOpened, {"tab": 4, "opener": 1, "popup": True}),
    (TabActivated, {"tab": 1}), (TabActivated, {"tab": 2}), (TabClosed, {"tab": 2}), (TabClosed, {"tab": 9}),
    *((Navigated, {"tab": 1, "frame": 1, "url": f"https://{to}.example/", "how": how})
      for to in "ab" for how in ("typed", "reload", "back_forward", "link", "redirect")),
    (DocumentShown, {"doc": 1, "frame": 1, "tab": 1, "seq": 1000}),
    (PageRequest, {"n": 1, "tab": 1, "frame": 1, "method": "GET", "url": "https://a.example/", "type": "main_frame"}),
    (Downloaded, {"tab": None, "url": "https://a.example/", "name": "a", "complete": True, "size": 1}),
])  # fmt: skip


@given(st.lists(RAW | TOLD, max_size=40))
@settings(max_examples=300)
def test_any_log_is_read(happened: list[Any]) -> None:
    log = BrowserLog()
    log.tab(2)
    log.document(2, tab=2, frame=2)
    log.add(FrameSeen, frame=3, tab=1, parent=1, index=0, name="inner")
    log.document(3, tab=1, frame=3)
    opened(log)
    for one in happened:
        if isinstance(one, tuple):
            log.add(one[0], **one[1])
        else:
            fields = dict(one)
            log.event(fields.pop("kind"), fields.pop("target", None), fields.pop("doc"), **fields)
    assert_partition(log.events)
    for gesture in gestures(log.events):
        assert gesture.t_start <= gesture.t_end
        assert printable(sentence(gesture)) == sentence(gesture)
    steps(log.events)


def test_the_place_of_a_click_counts_from_its_control() -> None:
    log = BrowserLog()
    log.target(1, "button", role="button", name="Like", rect=(100, 100, 80, 30))
    log.target(2, "svg", control=1, rect=(110, 105, 10, 10))
    log.click(2, offset=(1, 2))
    gesture = gestures(log.events)[1]
    assert gesture.target is not None
    assert (gesture.target.name, gesture.offset) == ("Like", (11, 7))


MENU = "/html[1]/body[1]/ul[1]/li[1]"


def test_a_hover_that_opened_what_was_clicked() -> None:
    log = BrowserLog()
    log.target(1, "a", role="link", name="Products", xpath=f"{MENU}/a[1]")
    log.target(2, "a", role="link", name="Shoes", xpath=f"{MENU}/ul[1]/li[2]/a[1]")
    log.state(1, "0" * 16)
    log.event("pointermove", 1, x=5, y=5)
    log.wait(200)
    log.state(2, "1" * 16)
    log.click(2)
    assert told(log) == ["hover over link “Products”", "click link “Shoes”"]
    assert_partition(log.events)


def test_a_field_that_gets_another_id_at_each_letter_is_one_field() -> None:
    log = BrowserLog()
    for n in (1, 2, 3):
        log.target(n, "textarea", role="textbox", css=f"#x{n}", xpath="/html[1]/body[1]/textarea[1]")
    log.target(4, "textarea", role="textbox", name="Remarks", css="#y", xpath="/html[1]/body[1]/textarea[1]")
    for n, letter in enumerate("abc", 1):
        log.key(letter, n, value="abc"[:n])
    log.key("d", 4, value="d")
    assert told(log) == ["fill field with “abc”", "fill field “Remarks” with “d”"]


def test_a_frame_that_comes_with_its_first_events_is_no_window() -> None:
    """In a replay all of them may be told at one moment."""
    log = BrowserLog()
    log.document(2, tab=1, frame=2, url="about:srcdoc")
    log.event("resize", doc=2, size=(300, 150))
    log.add(FrameSeen, frame=2, tab=1, parent=1, index=0, name="")
    at_once = [structs.replace(event, t=log.events[-1].t) for event in log.events[-3:]]
    assert [g.verb for g in gestures([*log.events[:-3], *at_once])] == ["navigate"]


def test_a_window_that_a_page_opens_gets_its_size_by_itself() -> None:
    """Late on a busy machine, when its page is there already."""
    log = BrowserLog()
    log.target(1, "button", role="button", name="Choose")
    log.click(1)
    log.tab(2, opener=1)
    log.document(2, tab=2, frame=2)
    log.event("resize", doc=2, size=(400, 300))
    log.wait(3000)
    assert told(log) == ["click button “Choose”"]
    log.event("resize", doc=2, size=(500, 300))
    assert told(log) == ["click button “Choose”", "resize window to 500 × 300"]


def test_a_replay_hovers_where_its_recording_did() -> None:
    """Whenever its pages change: in one before the pointer comes, in the other after."""
    sides = []
    for late in (True, False):
        log = BrowserLog()
        log.target(1, "a", role="link", name="Products", xpath=f"{MENU}/a[1]")
        log.target(2, "a", role="link", name="Shoes", xpath=f"{MENU}/ul[1]/li[2]/a[1]")
        log.state(1, "0" * 16)
        if not late:
            log.state(2, "1" * 16)
        log.event("pointermove", 1, x=5, y=5)
        log.wait(200)
        if late:
            log.state(2, "1" * 16)
        log.click(2)
        sides.append(log)
    recorded, replayed = sides
    assert told(replayed) == ["click link “Shoes”"]
    hovers = hovered(recorded.events, gestures(recorded.events))
    again = gestures(replayed.events, hovers)
    assert [(g.verb, g.target and g.target.name) for g in again[1:]] == [
        ("hover", "Products"),
        ("click", "Shoes"),
    ]


def test_a_page_that_changed_by_itself_was_not_hovered() -> None:
    log = BrowserLog()
    log.target(1, "h1", role="heading", name="Products", xpath="/html[1]/body[1]/main[1]/h1[1]")
    log.target(2, "a", role="link", name="Shoes", xpath="/html[1]/body[1]/main[1]/a[1]")
    log.state(1, "0" * 16)
    log.event("pointermove", 1, x=5, y=5)
    log.wait(200)
    log.state(2, "1" * 16)
    log.click(2)
    assert told(log) == ["click link “Shoes”"]


def test_states_requests_and_downloads_are_of_the_gesture_that_caused_them() -> None:
    log = BrowserLog()
    log.target(1, role="button", name="Report")
    log.state(1, "0" * 16)
    log.click(1)
    request = {"tab": 1, "frame": 1, "method": "GET", "url": "https://shop.example/r.csv", "type": "other"}
    log.add(PageRequest, n=7, **request)
    log.state(2, "1" * 16)
    log.click(1)
    log.add(Downloaded, tab=1, url="https://shop.example/r.csv", name="r.csv", complete=True, size=9)
    _, first, second = gestures(log.events)
    assert (first.before and first.before.n, first.after and first.after.n) == (1, 2)
    assert first.requests == (7,)
    assert [d.name for d in first.downloads] == ["r.csv"]
    assert not second.downloads


def test_text_of_a_page_cannot_leave_its_quotes_or_its_line() -> None:
    log = BrowserLog()
    log.target(1, role="button", name="Save” in row “X\x1b[31m\u202e\n" + "y" * 500)
    log.click(1)
    (line,) = told(log)
    assert line.startswith('click button “Save" in row "X␛[31m‹U+202E›')
    assert line.isprintable()
    assert len(line) < 120


def test_gestures_are_steps() -> None:
    log = field_log()
    log.click(1)
    found = steps(log.events)
    assert [(step.kind, step.text) for step in found] == [
        ("gesture", "go to https://shop.example/"),
        ("gesture", "click button “Save” in row “Invoice 17”"),
    ]
    assert all(step.complete and isinstance(step.gesture, Gesture) for step in found)
