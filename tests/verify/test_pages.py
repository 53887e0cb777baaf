"""What a gesture met, recorded and replayed: identity of targets, pages by hash and by what they say."""

from __future__ import annotations

import pytest
from msgspec import structs

from recorder.trace.pages import DialogAnswered, Downloaded, PageTarget
from replay.verify.compare import compare
from replay.verify.times import Clock
from replay.verify.verdict import Context, Facet, Look, Observation, PageObservation, StepVerdict, Verdict

START = 1_700_000_000.0
TARGET = PageTarget(
    t=0, source="browser/1", tab=1, frame=1, doc=1, seq=1, n=1, tag="button", role="button", name="Delete",
    anchors=[("row", "Invoice 17")], css="tr:nth-child(3) > button", xpath="/html/body/button", ordinal=2, alike=30,
)  # fmt: skip
ARIA = '- heading "Invoices" [level=1]\n- button "Delete"\n- text: 3 open\n'
LOOK = Look(place="tab 1", url="https://a.example/", title="Invoices", dom="aa", aria=ARIA)
PAGE = PageObservation(verb="click", target=TARGET, looks=(LOOK,), tabs=(1,))
CLOCK = Clock(((START, START + 60),), 0)


def judged(recorded: PageObservation, observed: PageObservation) -> StepVerdict:
    context = Context(clocks=(CLOCK, CLOCK))
    return compare(Observation(page=recorded), Observation(page=observed), context)


def looking(**changes: object) -> PageObservation:
    return structs.replace(PAGE, looks=(structs.replace(LOOK, **changes),))


def meeting(**changes: object) -> PageObservation:
    return structs.replace(PAGE, target=structs.replace(TARGET, **changes))


def test_the_same_is_exact() -> None:
    seen = structs.replace(PAGE, target=structs.replace(TARGET, t=5, seq=9, n=4, doc=3, rect=(1, 2, 3, 4)))
    assert judged(PAGE, seen).how == "exact"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Keep"}, "Keep"),
        ({"role": "link"}, "link"),
        ({"anchors": [("row", "Invoice 18")]}, "Invoice 18"),
        ({"test_id": "other"}, "other"),
    ],
)
def test_another_element_diverges(changes: dict[str, object], field: str) -> None:
    verdict = judged(PAGE, meeting(**changes))
    assert verdict.verdict is Verdict.DIVERGED
    assert verdict.miss is not None
    assert verdict.miss.facet is Facet.TARGET
    assert "Invoice 17" in verdict.miss.expected
    assert field in verdict.miss.observed


def test_the_same_element_may_have_other_generated_names() -> None:
    verdict = judged(PAGE, meeting(id="r-17", css="#r-17", ordinal=3, alike=31))
    assert verdict.how == "equivalent by same button, other id, css, place"


def test_what_is_no_item_once_is_the_same_in_the_same_place() -> None:
    listed = structs.replace(
        PAGE, target=structs.replace(TARGET, anchors=[("item", "Milk"), ("heading", "To do")])
    )
    bare = meeting(anchors=[("heading", "To do")])
    assert judged(listed, bare).how == "equivalent by same place, not told as an item"
    assert judged(listed, meeting(anchors=[])).verdict is Verdict.DIVERGED
    elsewhere = meeting(anchors=[("heading", "To do")], css="li:nth-child(4) > button")
    assert judged(listed, elsewhere).verdict is Verdict.DIVERGED


def test_a_place_alone_is_no_identity() -> None:
    plain = structs.replace(PAGE, target=structs.replace(TARGET, anchors=[]))
    other = structs.replace(PAGE, target=structs.replace(TARGET, anchors=[], ordinal=3))
    verdict = judged(plain, other)
    assert verdict.verdict is Verdict.DIVERGED
    assert verdict.miss is not None
    assert "3 of 30" in verdict.miss.expected
    assert "4 of 30" in verdict.miss.observed


def test_an_element_that_was_pressed_elsewhere_is_not_exact() -> None:
    pressed = structs.replace(PAGE, point=(10.0, 20.0))
    assert judged(pressed, structs.replace(PAGE, point=(10.5, 20.0))).how == "exact"
    moved = judged(pressed, structs.replace(PAGE, point=(10.0, 50.0)))
    assert moved.how == "equivalent by same element, elsewhere"


def test_no_target_where_there_was_one_diverges() -> None:
    assert judged(PAGE, structs.replace(PAGE, target=None)).verdict is Verdict.DIVERGED


def test_another_hash_of_a_page_that_says_the_same_is_named() -> None:
    verdict = judged(PAGE, looking(dom="bb"))
    assert (verdict.verdict, verdict.causes) == (Verdict.EQUIVALENT, ("other DOM, same page",))


def test_another_hash_diverges_where_nothing_says_in_what() -> None:
    bare = looking(aria=None)
    verdict = judged(bare, structs.replace(bare, looks=(structs.replace(bare.looks[0], dom="bb"),)))
    assert verdict.how == "diverged in DOM"


@pytest.mark.parametrize(
    ("was", "now", "rule"),
    [
        ("saved at 22:13:21", "saved at 22:13:22", "timestamps"),
        ("saved 3 seconds ago", "saved just now", "relative-times"),
        ("saved 22:13", "saved 22:14", "minutes"),
    ],
)
def test_times_that_the_clock_showed_are_masked(was: str, now: str, rule: str) -> None:
    verdict = judged(looking(aria=ARIA + was), looking(aria=ARIA + now, dom="bb"))
    assert (verdict.verdict, verdict.causes) == (Verdict.EQUIVALENT, (rule,))


@pytest.mark.parametrize(
    ("was", "now"),
    [("3 open", "4 open"), ("call at 9:07", "call at 9:31"), ("on 1 May 2019", "on 2 May 2019")],
)
def test_data_is_not(was: str, now: str) -> None:
    verdict = judged(looking(aria=ARIA + was), looking(aria=ARIA + now, dom="bb"))
    assert verdict.verdict is Verdict.DIVERGED


def test_a_snapshot_is_shown_by_the_lines_that_differ() -> None:
    verdict = judged(PAGE, looking(aria=ARIA.replace("3 open", "4 open"), dom="bb"))
    assert verdict.how == "diverged in page"
    miss = verdict.miss
    assert miss is not None
    assert (miss.expected, miss.observed, miss.line) == ("- text: 3 open", "- text: 4 open", 3)
    assert miss.excerpt == (' - button "Delete"', "-- text: 3 open", "+- text: 4 open")


@pytest.mark.parametrize("field", ["url", "title"])
def test_address_and_title_count(field: str) -> None:
    assert judged(PAGE, looking(**{field: "else"})).verdict is Verdict.DIVERGED


def test_a_page_that_is_not_there_diverges() -> None:
    assert judged(PAGE, structs.replace(PAGE, looks=())).how == "diverged in address, title"


def test_what_was_not_at_rest_is_not_compared() -> None:
    restless = structs.replace(PAGE, restless=("tab 1",))
    verdict = judged(restless, looking(dom="bb", aria="else"))
    assert {facet.facet for facet in verdict.facets} == {Facet.TARGET, Facet.VALUE, Facet.TABS}


def test_a_look_that_was_passed_counts_unless_the_recorded_one_lasted() -> None:
    went_on = structs.replace(LOOK, dom="bb", aria="else")
    passed = structs.replace(PAGE, looks=(LOOK, went_on))
    assert judged(PAGE, passed).how == "exact"
    firm = structs.replace(PAGE, firm=frozenset(("tab 1",)))
    assert judged(firm, passed).verdict is Verdict.DIVERGED
    assert judged(firm, structs.replace(PAGE, looks=(went_on, LOOK))).how == "exact"


@pytest.mark.parametrize("change", [{"value": "b"}, {"verb": "type"}, {"values": ("x",)}])
def test_values_count(change: dict[str, object]) -> None:
    filled = structs.replace(PAGE, verb="fill", value="a")
    assert judged(filled, filled).how == "exact"
    assert judged(filled, structs.replace(filled, **change)).how == "diverged in value"


def dialog(**changes: object) -> DialogAnswered:
    one = DialogAnswered(
        t=2, source="browser/1", tab=1, frame=1, doc=1, seq=3, type="confirm", message="Sure?", asked=1,
        accepted=True,
    )  # fmt: skip
    return structs.replace(one, **changes)


def download(**changes: object) -> Downloaded:
    one = Downloaded(
        t=2, source="browser/1", tab=1, url="blob:x", name="a.csv", complete=True, size=3, blob="a" * 64
    )
    return structs.replace(one, **changes)


@pytest.mark.parametrize(
    ("was", "now", "facet"),
    [
        ({"dialogs": (dialog(),)}, {"dialogs": ()}, Facet.DIALOGS),
        ({"dialogs": (dialog(),)}, {"dialogs": (dialog(message="Really?"),)}, Facet.DIALOGS),
        ({"dialogs": (dialog(),)}, {"dialogs": (dialog(accepted=False),)}, Facet.DIALOGS),
        ({}, {"dialogs": (dialog(),)}, Facet.DIALOGS),
        ({"downloads": (download(),)}, {"downloads": ()}, Facet.DOWNLOADS),
        ({"downloads": (download(),)}, {"downloads": (download(blob="b" * 64),)}, Facet.DOWNLOADS),
        ({"tabs": (1, 2)}, {"tabs": (1,)}, Facet.TABS),
    ],
)
def test_what_came_of_it_counts(was: dict[str, object], now: dict[str, object], facet: Facet) -> None:
    recorded, observed = structs.replace(PAGE, **was), structs.replace(PAGE, **now)
    assert judged(recorded, recorded).how == "exact"
    verdict = judged(recorded, observed)
    assert verdict.how == f"diverged in {facet}"


def test_a_download_that_was_not_kept_holds_by_its_size_only() -> None:
    unkept = structs.replace(PAGE, downloads=(download(blob=None, skipped="too large"),))
    assert judged(unkept, unkept).causes == ("content not kept",)
    assert judged(unkept, structs.replace(PAGE, downloads=(download(),))).causes == ("content not kept",)


def test_a_window_that_closed_just_after_is_not_held_against_the_step() -> None:
    """A page closes it by itself, and the person did the next thing meanwhile."""
    recorded = structs.replace(PAGE, tabs=(1, 2), passing=frozenset((2,)))
    assert judged(recorded, PAGE).how == "exact"
    verdict = judged(structs.replace(recorded, passing=frozenset()), PAGE)
    assert verdict.miss is not None
    assert verdict.miss.facet is Facet.TABS
