from __future__ import annotations

from collections import Counter
from typing import Any

from browser_log import BrowserLog

from recorder.trace.gestures import Gesture, gestures, read
from recorder.trace.pages import (
    PageEvent,
)
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


def assert_partition(events: list[Any]) -> None:
    reading = read(events)
    owners: Counter[tuple[str, int, int]] = Counter()
    trusted = {(e.source, e.doc, e.seq) for e in events if isinstance(e, PageEvent) and e.trusted}
    for gesture in reading.gestures:
        for span in gesture.spans:
            for seq in range(span.first, span.last + 1):
                if (gesture.source, span.doc, seq) in trusted:
                    owners[gesture.source, span.doc, seq] += 1
    for rest in reading.rest.values():
        owners.update((e.source, e.doc, e.seq) for e in rest)
    assert set(owners) == trusted
    assert set(owners.values()) <= {1}


def test_gestures_are_steps() -> None:
    log = field_log()
    log.click(1)
    found = steps(log.events)
    assert [(step.kind, step.text) for step in found] == [
        ("gesture", "go to https://shop.example/"),
        ("gesture", "click button “Save” in row “Invoice 17”"),
    ]
    assert all(step.complete and isinstance(step.gesture, Gesture) for step in found)
