"""What the extension says becomes events: once each, in order, whatever comes twice, late, never or malformed."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.trace.codec import decode_event, encode_event
from recorder.trace.event import Event
from recorder.trace.events import (
    DocumentEnded,
    DocumentShown,
    DocumentStarted,
    FrameSeen,
    Gap,
    Navigated,
    PageEvent,
    PageRequest,
    PageState,
    TabActivated,
    TabClosed,
    TabOpened,
)
from recorder.trace.pagelog import Kept, Numbers, PageLog, numbers_of
from recorder.trace.wire import Batch, Frames, Log, Malformed, Note, decode, frame

Item = dict[str, Any]


class Blobs:
    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def keep(self, content: bytes) -> Kept:
        self.kept.append(content)
        return Kept(f"{len(self.kept):064x}", len(content))


def log(after: Numbers | None = None) -> tuple[PageLog, Blobs]:
    blobs = Blobs()
    return PageLog("browser/1", lambda ms: int(ms * 1_000_000), blobs.keep, after=after), blobs


def start(s: int = 1, t: float = 1.0, **more: Any) -> Item:
    return {"k": "start", "s": s, "t": t, "url": "http://a.test/", **more}


def event(s: int, t: float = 2.0, **more: Any) -> Item:
    return {"k": "event", "s": s, "t": t, "type": "click", "trusted": True, **more}


def batch(
    *items: Item, document: str = "d", tab: int = 70, frame: int = 0, parent: int | None = None
) -> Batch:
    return Batch(tab=tab, frame=frame, document=document, items=list(items), parent=parent)


def worker(*items: Item, instance: str = "i") -> Log:
    return Log(instance=instance, items=list(items))


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


def test_a_document_brings_its_tab_and_frame_and_is_numbered_from_one() -> None:
    pages, _ = log()
    events = pages.take(batch(start(index=4, name="x"), event(2)))
    assert kinds(events) == [TabOpened, FrameSeen, DocumentStarted, PageEvent]
    inner = pages.take(batch(start(index=4, name="x"), document="e", frame=9, parent=0))
    assert kinds(inner) == [FrameSeen, DocumentStarted]
    assert (inner[0].frame, inner[0].parent, inner[0].index, inner[0].name) == (2, 1, 4, "x")  # type: ignore[attr-defined]
    assert inner[1].doc == 2  # type: ignore[attr-defined]
    assert [pages.acknowledged("d"), pages.acknowledged("e"), pages.acknowledged("?")] == [2, 1, 0]


def test_what_comes_twice_is_taken_once_and_what_never_came_is_a_gap() -> None:
    pages, _ = log()
    pages.take(batch(start(), event(2)))
    assert pages.take(batch(start(), event(2))) == []
    assert kinds(pages.take(batch(event(2), event(3)))) == [PageEvent]
    lost, found = pages.take(batch(event(7)))
    assert (lost.reason, found.seq) == ("3 events of document 1 never came", 7)  # type: ignore[attr-defined]
    assert kinds(pages.take(worker({"k": "tab.activated", "s": 3, "t": 1, "tab": 70}))) == [Gap, TabActivated]


def test_a_closed_tab_of_which_nothing_was_told_is_none_of_the_recording() -> None:
    """The page in which an expert typed the code of the session goes when that has begun."""
    pages, _ = log()
    assert pages.take(worker({"k": "tab.closed", "s": 1, "t": 1, "tab": 80})) == []
    assert kinds(pages.take(worker({"k": "tab.opened", "s": 2, "t": 2, "tab": 70}))) == [TabOpened]


def test_a_document_is_open_until_it_ends_and_again_when_it_is_gone_back_to() -> None:
    pages, _ = log()
    pages.take(batch(start(), event(2)))
    assert pages.open_documents() == [1]
    (ended,) = pages.take(batch({"k": "end", "s": 3, "t": 3}))
    assert isinstance(ended, DocumentEnded)
    assert (ended.last, pages.open_documents()) == (3, [])
    pages.take(batch(event(4)))
    assert pages.open_documents() == [1]


def test_a_frame_at_rest_goes_with_its_page() -> None:
    pages, _ = log()
    pages.take(batch(start(), document="page"))
    pages.take(batch(start(), event(2, t=1000), document="busy", frame=5, parent=0))
    pages.take(batch(start(), event(2, t=900), document="resting", frame=6, parent=0))
    assert pages.open_documents() == [1, 2, 3]
    pages.take(batch({"k": "end", "s": 2, "t": 1950}, document="page"))
    assert pages.open_documents() == [2]
    pages.take(batch(start(), document="other tab", tab=71))
    pages.take(worker({"k": "tab.closed", "s": 1, "t": 1951, "tab": 70}))
    (lost,) = pages.lost_ends()
    assert lost.startswith("document 2 went")


def test_statements_of_a_document_stay_in_their_order_whatever_its_clock_does() -> None:
    pages, _ = log()
    events = pages.take(batch(start(t=5), event(2, t=9), event(3, t=1), event(4, t=10)))
    assert [e.t for e in events[2:]] == [5_000_000, 9_000_000, 9_000_000, 10_000_000]


def test_an_event_keeps_its_time_though_its_target_was_described_after_it() -> None:
    pages, _ = log()
    targets = [{"k": "target", "s": s, "t": t, "n": s, "tag": "a"} for s, t in ((2, 8.5), (3, 9.0))]
    events = pages.take(batch(start(), *targets, event(4, t=7), event(5, t=7.5)))
    assert [e.t for e in events[3:]] == [7_000_000, 7_000_000, 7_000_000, 7_500_000]


def test_a_closed_tab_keeps_its_number_for_what_comes_late() -> None:
    pages, _ = log()
    pages.take(batch(start(), event(2)))
    closed = {"k": "tab.closed", "s": 1, "t": 4, "tab": 70}
    assert kinds(pages.take(worker(closed))) == [TabClosed]
    assert kinds(pages.take(worker({**closed, "s": 2}))) == []
    assert kinds(pages.take(batch({"k": "end", "s": 3, "t": 3}))) == [DocumentEnded]
    assert kinds(pages.take(batch(start(), document="late"))) == [DocumentStarted]


def test_a_document_that_the_browser_kept_is_shown_again() -> None:
    pages, _ = log()
    pages.take(batch(start(), event(2), {"k": "end", "s": 3, "t": 3}))
    assert pages.open_documents() == []
    events = pages.take(batch({"k": "shown", "s": 4, "t": 9}, event(5, t=10)))
    assert kinds(events) == [DocumentShown, PageEvent]
    assert (events[0].t, events[0].doc, events[0].seq) == (9_000_000, 1, 4)  # type: ignore[attr-defined]
    assert pages.open_documents() == [1]


def test_a_frame_that_navigated_first_is_told_again_when_its_document_knows_more() -> None:
    pages, _ = log()
    gone = {"k": "navigated", "s": 1, "t": 1, "tab": 70, "frame": 5, "url": "http://a.test/", "how": "other"}
    assert kinds(pages.take(worker(gone))) == [TabOpened, FrameSeen, Navigated]
    again = pages.take(batch(start(index=2), frame=5, parent=0))
    assert kinds(again) == [FrameSeen, DocumentStarted]
    assert (again[0].frame, again[0].index) == (1, 2)  # type: ignore[attr-defined]


def test_content_in_parts_is_kept_whole() -> None:
    pages, blobs = log()
    parts = [
        {"k": "part", "s": 2 + i, "t": 2, "id": "p", "data": base64.b64encode(data).decode()}
        for i, data in enumerate((b"one ", b"two"))
    ]
    file = {"name": "a.txt", "type": "text/plain", "size": 7, "part": "p"}
    events = pages.take(batch(start(), *parts, event(4, files=[file])))
    (chosen,) = events[-1].files  # type: ignore[attr-defined]
    assert (blobs.kept, chosen.blob, chosen.size) == ([b"one two"], f"{1:064x}", 7)
    (gap,) = pages.take(batch(event(5, files=[file])))
    assert "never came" in gap.reason  # type: ignore[attr-defined]


def test_content_that_is_too_much_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recorder.trace.pagelog.MOST_PART_BYTES", 5)
    pages, blobs = log()
    part = {"k": "part", "t": 2, "id": "p", "data": base64.b64encode(b"abc").decode()}
    clip = {"type": "text/plain", "part": "p"}
    events = pages.take(batch(start(), *({**part, "s": s} for s in (2, 3, 4)), event(5, clips=[clip])))
    (kept,) = events[-1].clips  # type: ignore[attr-defined]
    assert kept.blob is None
    assert kept.skipped.startswith("more than")
    assert blobs.kept == []


def test_a_request_has_one_number_from_its_start_to_its_end() -> None:
    pages, _ = log()
    asked = {
        "k": "request",
        "id": "9",
        "tab": 70,
        "frame": 0,
        "method": "GET",
        "url": "http://a.test/",
        "type": "image",
    }
    events = pages.take(
        worker(
            *({**asked, "s": n + 1, "t": n, "ended": ended} for n, ended in enumerate((False, True, False)))
        )
    )
    assert [(e.n, e.ended) for e in events if isinstance(e, PageRequest)] == [
        (1, False),
        (1, True),
        (2, False),
    ]


def test_numbers_go_on_from_the_browser_before() -> None:
    pages, _ = log()
    first = pages.take(batch(start(), document="a")) + pages.take(
        batch(start(), document="b", frame=3, parent=0)
    )
    after = numbers_of(first)
    assert after == Numbers(1, 2, 2, 0)
    again = log(after)[0].take(batch(start()))
    assert [again[0].tab, again[1].frame, again[2].doc] == [2, 3, 3]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "bad",
    [
        {"k": "event", "t": 2, "type": "click", "trusted": True},
        {"k": "event", "s": "2", "t": 2},
        {"k": "event", "s": 0, "t": 2},
        {"k": "event", "s": True, "t": 2},
        {"k": "event", "s": 2**40, "t": 2},
        {"k": "event", "s": 3},
        {"k": "event", "s": 3, "t": None},
        {"k": "event", "s": 3, "t": "soon"},
        {"k": "event", "s": 3, "t": 1e400},
    ],
)  # fmt: skip
def test_a_statement_without_number_or_time_is_no_message_and_nothing_of_it_is_taken(bad: Item) -> None:
    pages, _ = log()
    with pytest.raises(Malformed):
        pages.take(batch(start(), event(2), bad))
    assert pages.acknowledged("d") == 0
    assert kinds(pages.take(batch(start(), event(2)))) == [TabOpened, FrameSeen, DocumentStarted, PageEvent]


@pytest.mark.parametrize(
    "bad",
    [
        {"s": 2, "t": 2},
        {"k": "nonsense", "s": 2, "t": 2},
        {"k": ["event"], "s": 2, "t": 2},
        {"k": "event", "s": 2, "t": 2, "type": "click"},
        {"k": "event", "s": 2, "t": 2, "type": "click", "trusted": "yes"},
        {"k": "event", "s": 2, "t": 2, "type": "x" * 65, "trusted": True},
        {"k": "event", "s": 2, "t": 2, "type": "click", "trusted": True, "x": 1e30},
        {"k": "event", "s": 2, "t": 2, "type": "drop", "trusted": True, "files": [7]},
        {"k": "event", "s": 2, "t": 2, "type": "drop", "trusted": True, "files": {"a": 1}},
        {"k": "event", "s": 2, "t": 2, "type": "click", "trusted": True, "button": 99},
        {"k": "part", "s": 2, "t": 2, "id": "p", "data": "%%%"},
        {"k": "target", "s": 2, "t": 2, "n": 1, "tag": "a", "css": "x" * 9000},
        {"k": "state", "s": 2, "t": 2, "n": -1},
        {"k": "dialog", "s": 2, "t": 2, "type": "alert", "message": "", "asked": "x", "accepted": True},
    ],
)
def test_a_malformed_statement_costs_itself_alone_and_is_told(bad: Item) -> None:
    pages, _ = log()
    events = pages.take(batch(start(), bad, event(3)))
    assert kinds(events[2:]) == [DocumentStarted, Gap, PageEvent]
    assert pages.acknowledged("d") == 3


def test_halves_of_surrogates_do_not_stop_a_recording() -> None:
    message = decode(rb'{"m":"note","t":1,"text":"\udc00\ud83d\ude00\\ud800"}')
    assert isinstance(message, Note)
    assert message.text == "\ufffd😀\\ud800"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
_KINDS = ["start", "end", "part", "target", "event", "state", "dialog", "clock", "tab.opened", "tab.activated",
          "tab.closed", "navigated", "request", "download", "gap", "?"]  # fmt: skip
_FIELDS = ["s", "t", "url", "id", "data", "n", "tag", "type", "trusted", "target", "files", "clips", "tab", "frame",
           "opener", "how", "index", "name", "asked", "message", "accepted", "first", "base", "later", "dom", "title",
           "method", "ended", "complete", "size", "reason", "aria", "parts"]  # fmt: skip
_ITEMS = st.builds(
    lambda kind, s, t, more: {"s": s, "t": t, **more, "k": kind},
    st.sampled_from(_KINDS), st.integers(1, 6), st.floats(0, 1e12), st.dictionaries(st.sampled_from(_FIELDS), _JSON),
)  # fmt: skip
_LISTS = st.lists(_ITEMS, max_size=5)
_MESSAGES = st.builds(
    lambda items, tab, number, document: batch(*items, tab=tab, frame=number, document=document, parent=0),
    _LISTS, st.integers(-2, 4), st.integers(0, 3), st.sampled_from("abc"),
) | st.builds(lambda items, who: worker(*items, instance=who), _LISTS, st.sampled_from("xy"))  # fmt: skip


@example(
    [batch({"k": "start", "s": 1, "t": 0.0, "url": None, "id": None, "index": False}, frame=1, parent=0)]
)
@given(st.lists(_MESSAGES, max_size=6))
def test_whatever_is_said_becomes_events_that_can_be_read_or_is_malformed(
    messages: list[Batch | Log],
) -> None:
    pages, _ = log()
    for message in messages:
        try:
            events = pages.take(message)
        except Malformed:
            continue
        for one in events:
            assert decode_event(encode_event(one), "page") == one  # type: ignore[arg-type]
        assert pages.take(message) == []


_DEEDS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), min_size=1, max_size=12)


@given(_DEEDS, st.data())
def test_however_it_is_cut_repeated_and_mixed_each_document_states_the_same(
    deeds: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Documents keep what was not acknowledged and send it again; what was acknowledged may come again, too."""
    whole = {name: [start()] + [event(s, t=s) for s in range(2, 9)] for name in "abc"}
    expected = {name: log()[0].take(batch(*items, document=name)) for name, items in whole.items()}
    pages, _ = log()
    got: dict[str, list[Event]] = {name: [] for name in "abc"}
    for name, count in deeds + [(name, 9) for name in "abc"]:
        sent = pages.acknowledged(name)
        first = data.draw(st.integers(0, sent))
        got[name] += pages.take(batch(*whole[name][first : sent + count], document=name))
    for name, events in got.items():
        mine = [(e.seq, e.type) for e in events if isinstance(e, PageEvent)]
        assert mine == [(e.seq, e.type) for e in expected[name] if isinstance(e, PageEvent)]
        assert not [e for e in events if isinstance(e, Gap)]


@given(st.lists(st.binary(max_size=40), max_size=4), st.integers(1, 7))
def test_frames_are_the_same_however_the_stream_is_cut(contents: list[bytes], size: int) -> None:
    said = [Note(t=1.0, text=content.hex()) for content in contents]
    stream = b"".join(frame(note) for note in said)
    frames = Frames()
    found = [decode(one) for at in range(0, len(stream), size) for one in frames.feed(stream[at : at + size])]
    assert found == said
    with pytest.raises(Malformed):
        list(frames.feed(b"\xff\xff\xff\xff"))


@given(st.binary(max_size=60) | _JSON.map(msgspec.json.encode))
def test_what_is_no_message_is_malformed_and_nothing_else(data: bytes) -> None:
    try:
        decode(data)
    except Malformed:
        pass


def test_states_name_their_snapshot() -> None:
    pages, blobs = log()
    state = {"k": "state", "s": 2, "t": 2, "n": 1, "url": "u", "title": "t", "dom": "ab", "aria": "- button"}
    (told,) = [e for e in pages.take(batch(start(), state)) if isinstance(e, PageState)]
    assert (told.aria, blobs.kept) == (f"{1:064x}", [b"- button"])
