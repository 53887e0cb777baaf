"""A replay of a browser can fail: a trace that lies about one thing of its pages diverges there, and nowhere before.

Lies about what was seen are held against one real replay of the true trace. Lies about what was done are replayed.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec import structs
from resealing import Mutant
from small_session import Reenact

from recorder.trace.events import Body, FlowAnswered, FlowRequested
from recorder.trace.pages import (
    DialogAnswered,
    DocumentStarted,
    Downloaded,
    Navigated,
    PageEvent,
    PageRequest,
    PageState,
    PageTarget,
)
from recorder.trace.reader import open_trace
from recorder.trace.steps import Step
from replay.browsing import by_gesture
from replay.judge import Judged, Reach, Side, Times, judge
from replay.session import Options, Replayed, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.sandbox,
    pytest.mark.usefixtures("sandbox"),
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium here"),
]
VERIFIED = ("exact", "equivalent")
FILL, ENTER, DELETE, ANSWER, REPORT = (
    "fill", "press Enter", "click button “Delete”", "accept", "click link “Report”",
)  # fmt: skip


@pytest.fixture(scope="module")
def replayed(browsed: Path) -> Iterator[Replayed]:
    """One real replay of the true trace."""
    with ExitStack() as stack:
        trace = stack.enter_context(open_trace(browsed))
        yield run(trace, list(trace.events), Options(), stack)


@pytest.fixture
def mutant(browsed: Path, tmp_path: Path) -> Mutant:
    return Mutant(browsed, tmp_path)


def judged(mutant: Mutant, back: Replayed) -> list[Judged]:
    """What a trace tells, held against a replay."""
    assert back.browsed is not None
    assert back.browsed.network is not None
    recorded = Side(events=mutant.events, output=lambda a, b: iter(()), blob=mutant.blob)
    observed = Side(
        events=back.events, output=back.output, blob=lambda digest: back.blobs.get(digest, 1 << 24)
    )
    asked = by_gesture(back.browsed.network, mutant.steps, mutant.events)
    times = Times(recorded=mutant.draft.started_unix_ns / 1e9, replayed=(0.0, 0.0), controlled=True)
    return judge(recorded, observed, Reach(lapses=back.browsed.lapses), times, pages=asked)


def after(m: Mutant, step: Step) -> PageState:
    """The last state that the page came to before the next step."""
    until = next((other.t_start for other in m.steps if other.n > step.n), 1 << 62)
    return [e for e in m.events if isinstance(e, PageState) and e.t < until][-1]


def other_page(m: Mutant, step: str, was: bytes, now: bytes, dom: str = "0" * 16) -> None:
    """Another snapshot, and another hash."""
    state = after(m, m.step(step))
    digest = next(
        e.aria for e in reversed(m.events) if isinstance(e, PageState) and e.n <= state.n and e.aria
    )
    assert digest is not None
    content = m.blob(digest)
    assert was in content
    m.replace(state, aria=m.put(content.replace(was, now)), dom=dom)


def target_of(m: Mutant, step: str) -> PageTarget:
    gesture = m.step(step).gesture
    assert gesture is not None
    assert gesture.target is not None
    return gesture.target


class Claim(NamedTuple):
    """A lie about what was seen, the step that must diverge first, and in what; in the nearest miss is `told`."""

    change: Callable[[Mutant], object]
    step: str
    facet: str
    told: str


def _value(m: Mutant) -> None:
    for event in [e for e in m.events if isinstance(e, PageEvent) and e.value == "Rent"]:
        m.replace(event, value="Rant")


def _again(m: Mutant) -> None:
    """The file came twice, the trace says."""
    index = m.events.index(m.first(Downloaded))
    m.events.insert(index, m.events[index])


def _other_press(m: Mutant) -> None:
    for event in [e for e in m.events if isinstance(e, PageEvent) and e.key == "Enter"]:
        m.replace(event, key="Escape", code="Escape")


CLAIMS = {
    "row": Claim(lambda m: other_page(m, ENTER, b"Rent", b"Rant"), ENTER, "page", "Rant"),
    "last page": Claim(lambda m: other_page(m, ANSWER, b"Invoice 19", b"Invoice 91"), ANSWER, "page", "91"),
    "value": Claim(_value, FILL, "value", "Rant"),
    "title": Claim(lambda m: m.replace(after(m, m.step(ENTER)), title="Ledgers"), ENTER, "title", "Ledgers"),
    "address": Claim(
        lambda m: m.replace(after(m, m.step(ENTER)), url="http://127.0.0.1/x"), ENTER, "address", "/x"
    ),
    "target's row": Claim(
        lambda m: m.replace(target_of(m, DELETE), anchors=[("row", "Invoice 17")]), DELETE, "target", "17"
    ),
    "target's name": Claim(
        lambda m: m.replace(target_of(m, REPORT), name="Reports"), "click link “Reports”", "target", "Reports"
    ),
    "question": Claim(
        lambda m: m.replace(m.first(DialogAnswered), message="Delete all?"), ANSWER, "dialogs", "all"
    ),
    "answer": Claim(
        lambda m: m.replace(m.first(DialogAnswered), accepted=False), "dismiss", "dialogs", "dismissed"
    ),
    "download": Claim(
        lambda m: m.replace(m.first(Downloaded), blob=m.put(b"other")), REPORT, "downloads", "SHA-256"
    ),
    "name of the download": Claim(
        lambda m: m.replace(m.first(Downloaded), name="other.csv"), REPORT, "downloads", "other.csv"
    ),
    "snapshot alone": Claim(
        lambda m: other_page(m, ENTER, b"Rent", b"Rant", dom=after(m, m.step(ENTER)).dom),
        ENTER,
        "page",
        "Rant",
    ),
    "pressed key": Claim(_other_press, "press Escape", "value", "Escape"),
    "download twice": Claim(_again, REPORT, "downloads", "nothing"),
    "download left out": Claim(
        lambda m: m.events.remove(m.first(Downloaded)), REPORT, "downloads", "nothing"
    ),
}


def test_the_true_trace_holds(mutant: Mutant, replayed: Replayed) -> None:
    assert replayed.browsed is not None
    assert replayed.browsed.lapses == []
    assert [
        (one.step.text, one.verdict.how) for one in judged(mutant, replayed) if one.verdict.how != "exact"
    ] == []


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_a_false_claim_diverges_at_its_step(claim: Claim, mutant: Mutant, replayed: Replayed) -> None:
    claim.change(mutant)
    found = judged(mutant, replayed)
    bad = [one for one in found if not one.verdict.verdict.verified]
    assert bad, [one.verdict.how for one in found]
    assert bad[0].step.text.startswith(claim.step)
    (miss,) = [miss for miss in bad[0].verdict.misses if miss.facet == claim.facet]
    assert claim.told in miss.expected + miss.observed


def test_another_hash_of_the_same_page_is_never_exact(mutant: Mutant, replayed: Replayed) -> None:
    """Hashes differ by chance, too, as by generated ids: what the page says decides then, and that is told."""
    state = after(mutant, mutant.step(ENTER))
    mutant.replace(state, dom="0" * 16)
    (found,) = [one for one in judged(mutant, replayed) if one.step.text.startswith(ENTER)]
    assert found.verdict.how == "equivalent by other DOM, same page"


OMISSIONS: dict[str, Callable[[Any], list[Any]]] = {
    "states": lambda e: [] if isinstance(e, PageState) else [_restless(e)],
    "documents": lambda e: [] if isinstance(e, DocumentStarted | PageState) else [e],
    "rest": lambda e: [structs.replace(e, settled=False) if isinstance(e, PageState) else e],
}


def _restless(event: Any) -> Any:
    return structs.replace(event, state=None) if isinstance(event, PageEvent) else event


@pytest.mark.parametrize("without", OMISSIONS.values(), ids=OMISSIONS)
def test_a_trace_that_tells_nothing_of_its_pages_is_never_exact(
    without: Callable[[Any], list[Any]], mutant: Mutant, replayed: Replayed
) -> None:
    mutant.events = [kept for event in mutant.events for kept in without(event)]
    found = judged(mutant, replayed)
    assert {one.verdict.how for one in found} == {"equivalent by page not seen at rest: tab 1"}


def test_a_last_gesture_of_which_nothing_came_is_not_verified(mutant: Mutant, replayed: Replayed) -> None:
    end = mutant.step(FILL).t_start
    mutant.events = [_restless(e) for e in mutant.events if e.t < end and not isinstance(e, PageState)]
    *_, last = judged(mutant, replayed)
    assert last.step.text.startswith("click field")
    assert last.verdict.verdict == "not reached"


class Deed(NamedTuple):
    """A lie about what was done, the first step that must diverge, and in what."""

    change: Callable[[Mutant], object]
    step: str
    facet: str


def _key(m: Mutant) -> None:
    for kind in ("keydown", "keyup"):
        m.replace(m.first(PageEvent, type=kind, key="e"), key="a", code="KeyA")


def _swapped(m: Mutant) -> None:
    """The button of another row is named than the one that was pressed."""
    m.replace(target_of(m, DELETE), anchors=[("row", "Invoice 17")])


def _body(m: Mutant) -> None:
    asked = [e for e in m.events if isinstance(e, FlowRequested) and e.url.endswith("/items")]
    last = max((e for e in asked if e.method == "GET" and e.t < m.step(DELETE).t_start), key=lambda e: e.t)
    answered = m.first(FlowAnswered, flow=last.flow)
    assert answered.response.blob is not None
    content = m.blob(answered.response.blob).replace(b"Rent", b"Rant")
    m.replace(answered, response=Body(size=len(content), blob=m.put(content)))


def _unasked(m: Mutant) -> None:
    gone = m.first(FlowRequested, method="DELETE")
    m.events = [
        e for e in m.events if not (isinstance(e, FlowRequested | FlowAnswered) and e.flow == gone.flow)
    ]


def _reordered(m: Mutant) -> None:
    """The row was deleted before the name was entered, the trace says."""
    field, row = m.step("click field").gesture, m.step(DELETE).gesture
    assert field is not None
    assert row is not None
    apart = row.t_start - field.t_start
    end = m.step(REPORT).t_start
    moved: list[Any] = []
    for event in m.events:
        if field.t_start <= event.t < row.t_start:
            event = structs.replace(event, t=event.t + end - row.t_start)
        elif row.t_start <= event.t < end:
            event = structs.replace(event, t=event.t - apart)
        moved.append(event)
    m.events = sorted(moved, key=lambda event: event.t)


def _later(m: Mutant) -> None:
    """All from the entry on was done a day later, the trace says."""
    entered = m.step(ENTER).t_start
    m.stretched(lambda t: t + (86_400_000_000_000 if t >= entered else 0))


def _elsewhere(m: Mutant) -> None:
    went = m.first(Navigated, how="typed")
    for event in [e for e in m.events if isinstance(e, Navigated | PageRequest) and e.url == went.url]:
        m.replace(event, url=went.url + "elsewhere")


def _sent(m: Mutant) -> None:
    posted = m.first(FlowRequested, method="POST")
    answered = m.first(FlowAnswered, flow=posted.flow)
    m.replace(answered, request=Body(size=4, blob=m.put(b"Rant")))


def _without(m: Mutant, step: Step) -> list[Any]:
    """The raw events of a gesture, taken out."""
    gesture = step.gesture
    assert gesture is not None
    spans = [(span.doc, range(span.first, span.last + 1)) for span in gesture.spans]
    mine = [
        e for e in m.events if isinstance(e, PageEvent) and any(e.doc == d and e.seq in s for d, s in spans)
    ]
    m.events = [e for e in m.events if not any(e is one for one in mine)]
    return mine


def _left_out(m: Mutant) -> None:
    _without(m, m.step(FILL))


def _doubled(m: Mutant) -> None:
    """The name was typed twice."""
    typed = _without(m, m.step(FILL))
    m.events = sorted([*m.events, *typed, *typed], key=lambda event: event.t)


def _unanswered(m: Mutant) -> None:
    m.events.remove(m.first(DialogAnswered))


DEEDS = {
    "key": Deed(_key, FILL, "value"),
    "element": Deed(_swapped, DELETE, "target"),
    "answer of the network": Deed(_body, ENTER, "page"),
    "request left out": Deed(_unasked, ANSWER, "network"),
    "content of a request": Deed(_sent, ENTER, "network"),
    "address": Deed(_elsewhere, "go to", "network"),
    "time": Deed(_later, ENTER, "page"),
    "step left out": Deed(_left_out, "click field", "page"),
    "step doubled": Deed(_doubled, FILL, "wait"),
    "dismissed": Deed(lambda m: m.replace(m.first(DialogAnswered), accepted=False), "dismiss", "page"),
    "question left out": Deed(_unanswered, DELETE, "page"),
    "order": Deed(_reordered, "go to", "page"),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_false_deed_diverges_at_its_step(
    deed: Deed, mutant: Mutant, reenact: Reenact, tmp_path: Path
) -> None:
    deed.change(mutant)
    done = reenact("replay", mutant.seal(tmp_path / "lie.reenact"), "--json")
    verdicts = [(step["text"], step["how"]) for step in done.json["steps"]]
    assert (done.code, done.json["verdict"]) == (1, "diverged"), verdicts
    assert done.json["integrity"]["ok"]
    bad = [step for step in done.json["steps"] if step["verdict"] not in VERIFIED]
    assert bad[0]["text"].startswith(deed.step), verdicts
    assert deed.facet in [miss["facet"] for miss in [bad[0]["miss"], *bad[0]["further"]]], bad[0]


def test_replays_are_alike(browsed: Path, reenact: Reenact, tmp_path: Path) -> None:
    done = reenact("replay", browsed, "--runs", "2", "--json", "--screenshots", tmp_path / "shots")
    assert done.code == 0, done.out
    assert {step["verdict"] for step in done.json["steps"]} == {"exact"}
    assert len(set(done.json["runs"])) == 1
    assert done.json["network"]["refused"] == 0
    pictures = sorted((tmp_path / "shots").iterdir())
    assert len(pictures) == len(done.json["steps"])
    assert all(picture.read_bytes().startswith(b"\x89PNG") for picture in pictures)


def test_a_damaged_log_is_judged_all_the_same(mutant: Mutant, replayed: Replayed) -> None:
    """Events that are gone, come twice, in another order or with each other's values: a verdict, never an error."""
    whole = list(mutant.events)
    for seed in range(40):
        chance = random.Random(seed)
        mutant.events = list(whole)
        for _ in range(chance.randrange(1, 30)):
            at = chance.randrange(len(mutant.events))
            event = mutant.events[at]
            match chance.randrange(4):
                case 0:
                    del mutant.events[at]
                case 1:
                    mutant.events.insert(chance.randrange(len(mutant.events)), event)
                case 2:
                    other = chance.randrange(len(mutant.events))
                    mutant.events[at], mutant.events[other] = mutant.events[other], event
                case _:
                    donor = chance.choice([e for e in mutant.events if type(e) is type(event)])
                    field = chance.choice(event.__struct_fields__)
                    mutant.events[at] = structs.replace(event, **{field: getattr(donor, field)})
        assert len(judged(mutant, replayed)) == len(mutant.steps)
