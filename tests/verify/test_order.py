"""Gestures in another order than their documents counted them in."""

from __future__ import annotations

from recorder.trace.gestures import Gesture
from replay.verify.order import out_of_order


def gesture(t: int, doc: int | None, first: int | None) -> Gesture:
    return Gesture(verb="click", tab=1, t_start=t, t_end=t + 1, doc=doc, first=first, last=first)


def test_every_gesture_is_told_that_stands_before_one_counted_earlier() -> None:
    told = [gesture(1, None, None), gesture(2, 1, 30), gesture(3, 2, 5), gesture(4, 1, 40), gesture(5, 1, 10)]
    found = out_of_order(list(enumerate(told, 1)))
    assert sorted(found) == [2, 4]
    assert {verdict.miss.observed.split(",")[0] for verdict in found.values() if verdict.miss} == {
        "before step 5"
    }


def test_documents_are_counted_each_by_itself() -> None:
    told = [gesture(1, 1, 30), gesture(2, 2, 5), gesture(3, 1, 31), gesture(4, 2, 5)]
    assert out_of_order(list(enumerate(told, 1))) == {}
