"""DevTools recordings as traces: what they say becomes steps, what they do not say is said to be missing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from interop_trace import Done
from page_gestures import CASES, FRAMES, SAVE, gesture

from recorder.imports.devtools import DevtoolsReader
from recorder.imports.exchange import ImportRejected
from recorder.trace.codec import decode_event, encode_event
from recorder.trace.events import Gap
from recorder.trace.gestures import gestures
from recorder.trace.pages import FrameSeen, PageTarget
from recorder.trace.reader import open_trace
from replay.export.actions import actions
from replay.export.devtools_recording import recording
from replay.export.pages import Pages

Run = Callable[..., Done]
# As Chrome's Recorder panel exports it: the checkout of its own demo.
CHECKOUT: dict[str, Any] = {
    "title": "Order a coffee",
    "steps": [
        {"type": "setViewport", "width": 1130, "height": 967, "deviceScaleFactor": 1, "isMobile": False,
         "hasTouch": False, "isLandscape": False},
        {"type": "navigate", "url": "https://coffee-cart.app/", "assertedEvents": [
            {"type": "navigation", "url": "https://coffee-cart.app/", "title": "Coffee cart"}]},
        {"type": "click", "target": "main", "selectors": [
            ['aria/Mocha'], ["#app li:nth-of-type(5) div.cup-body"], ['xpath///*[@data-test="Mocha"]'],
            ['pierce/#app li:nth-of-type(5) div.cup-body']], "offsetY": 92.5, "offsetX": 97},
        {"type": "click", "target": "main", "selectors": [['aria/Proceed to checkout[role="button"]'], ["button.pay"]],
         "offsetY": 10, "offsetX": 20, "duration": 90},
        {"type": "change", "value": "Ann", "selectors": [["aria/Name"], ["#name"]], "target": "main"},
        {"type": "keyDown", "target": "main", "key": "Tab"},
        {"type": "keyUp", "key": "Tab", "target": "main"},
        {"type": "change", "value": "ann@a.example", "selectors": [["aria/Email"], ["#email"]], "target": "main"},
        {"type": "waitForElement", "selectors": ["#submit-payment"]},
        {"type": "click", "target": "main", "frame": [0, 1], "selectors": [["my-pay", "button.go"]],
         "offsetY": 1, "offsetX": 2, "assertedEvents": [{"type": "navigation", "url": "https://coffee-cart.app/thanks"}]},
    ],
}  # fmt: skip


def read(flow: Any) -> list[Any]:
    return list(DevtoolsReader(json.dumps(flow).encode(), "x.json").events())


def test_an_imported_recording_lists_its_steps_and_says_what_is_missing(tmp_path: Path, reenact: Run) -> None:
    file = tmp_path / "checkout.json"
    file.write_text(json.dumps(CHECKOUT))
    out = tmp_path / "checkout.reenact"
    done = reenact("import", "devtools", file, "-o", out, "--json")
    assert done.code == 0, done.err
    assert done.json["steps"] == 7
    assert done.json["left_out"] == {"waitForElement": 1}
    listed = reenact("steps", out)
    for line in (
        "go to https://coffee-cart.app/",
        "click div “Mocha”",
        "click button “Proceed to checkout”",
        "fill field “Name” with “Ann”",
        "press Tab",
        "fill field “Email” with “ann@a.example”",
        "click button in frame",
    ):
        assert line in listed.out
    with open_trace(out) as trace:
        assert trace.verify().ok
        assert trace.manifest.completeness.state == "incomplete"
        reasons = [gap.reason for gap in trace.manifest.completeness.gaps]
        settings = trace.manifest.provenance.recorder.settings
        assert trace.manifest.task.instruction == "Order a coffee"
    assert reasons == [
        "left out: 1 × waitForElement",
        "the format has no times, no states of pages and no network: steps stand a second apart",
    ]
    assert settings["import"] == "devtools"
    assert settings["file"] == "checkout.json"


def test_selectors_become_the_fields_of_a_target() -> None:
    targets = [event for event in read(CHECKOUT) if isinstance(event, PageTarget)]
    mocha, proceed, *_, go = targets
    assert (mocha.tag, mocha.name, mocha.css) == ("div", "Mocha", "#app li:nth-of-type(5) div.cup-body")
    assert mocha.xpath == '//*[@data-test="Mocha"]'
    assert (proceed.role, proceed.name, proceed.tag) == ("button", "Proceed to checkout", "button")
    assert (go.shadow, go.css) == (["my-pay"], "button.go")
    frames = {event.frame: event for event in read(CHECKOUT) if isinstance(event, FrameSeen)}
    inner = frames[go.frame]
    assert inner.index == 1
    assert inner.parent is not None
    assert frames[inner.parent].index == 0


SAYABLE = ("click", "double_click", "right_click", "fill", "press", "select", "scroll", "navigate", "resize")


@pytest.mark.parametrize("verb", SAYABLE)
def test_what_is_exported_is_the_same_gesture_when_it_comes_back(verb: str) -> None:
    first = gesture("navigate", value="https://shop.example/")
    given = [(n, one.verb, one) for n, one in enumerate((first, CASES[verb].gesture), 1)]

    def no_aria(digest: str) -> str:
        raise AssertionError

    out = recording(actions(given, Pages.of(FRAMES), no_aria), None, "there and back", no_aria).flow
    (back,) = gestures(read(out))[1:]
    was = CASES[verb].gesture
    same = ("verb", "value", "values", "modifiers", "scroll", "size", "offset")
    for name in same:
        if getattr(was, name):
            assert getattr(back, name) == getattr(was, name), name
    if was.target is not None and was.target.role and verb != "press":  # keys go to whatever has the focus
        assert back.target is not None
        assert (back.target.role, back.target.name) == (was.target.role, was.target.name)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b'{"steps": []}', b'{"title": 1, "steps": []}', b'{"title": "x", "steps": {}}',
        b'{"title": "x", "steps": ' + b"[" * 100_000, b"\xff\xfe",
    ],
)  # fmt: skip
def test_what_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises(ImportRejected, match="no DevTools recording"):
        DevtoolsReader(data, "x.json")


def test_a_file_without_a_step_makes_no_trace(tmp_path: Path, reenact: Run) -> None:
    file = tmp_path / "empty.json"
    file.write_text('{"title": "x", "steps": [{"type": "customStep"}]}')
    done = reenact("import", "devtools", file, "-o", tmp_path / "x.reenact")
    assert done.code == 3
    assert "1 × customStep" in done.err
    assert not (tmp_path / "x.reenact").exists()


def test_a_step_that_is_none_is_left_out_and_told() -> None:
    steps = [
        {"type": "navigate", "url": "https://a.example/"}, {"type": "click"}, 7,
        {"type": "change", "selectors": [["#a"]]}, {"type": "click", "selectors": ["#b"], "frame": ["x"]},
    ]  # fmt: skip
    told = [event.reason for event in read({"title": "x", "steps": steps}) if isinstance(event, Gap)]
    assert told[:-1] == [
        "left out: 1 × click: without a selector",
        "left out: 1 × a step of no known type",
        "left out: 1 × change: without a value",
        "left out: 1 × click: with a frame that is none",
    ]


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers()
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_KINDS = sorted({step["type"] for step in CHECKOUT["steps"]} | {"hover", "scroll", "close", "doubleClick"})
_steps = st.fixed_dictionaries(
    {"type": st.sampled_from(_KINDS)},
    optional={
        name: _values | st.just(value)
        for name, value in (
            ("target", "main"), ("selectors", [["aria/x", "b"], "#x"]), ("frame", [1, 0]), ("url", "https://a.example/"),
            ("value", "v"), ("key", "Shift"), ("offsetX", 1), ("button", "secondary"), ("x", 1),
            ("assertedEvents", [{"type": "navigation", "url": "https://b.example/"}]), ("width", 3), ("height", 4),
        )
    },
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(_steps | _values, max_size=8))
def test_whatever_stands_in_a_file_gives_events_that_a_trace_takes(told: list[Any]) -> None:
    reader = DevtoolsReader(json.dumps({"title": "x", "steps": told}).encode(), "x.json")
    events = list(reader.events())
    assert [decode_event(encode_event(event), "") for event in events] == events
    assert sorted(event.t for event in events) == [event.t for event in events]
    assert isinstance(gestures(events), list)


def test_the_gesture_of_a_click_knows_where_in_the_element_it_was() -> None:
    (made,) = [one for one in gestures(read(CHECKOUT)) if one.target and one.target.name == "Mocha"]
    assert made.offset == (97, 92.5)
    assert SAVE.name != "Mocha"
