"""Logs of sessions in a real Chromium (`data/*.jsonl`), and the steps that a person reads of them (`data/*.txt`)."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser_log import assert_partition

from recorder.trace.codec import decode_event
from recorder.trace.event import Event
from recorder.trace.gestures import gestures
from recorder.trace.sentences import sentence

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> list[Event]:
    lines = (DATA / f"{name}.jsonl").read_bytes().splitlines()
    events = [decode_event(line, f"{name}.jsonl:{n}") for n, line in enumerate(lines, 1)]
    return [event for event in events if isinstance(event, Event)]


@pytest.mark.parametrize("name", sorted(path.stem for path in DATA.glob("*.jsonl")))
def test_the_steps_of_a_recorded_session(name: str) -> None:
    events = recorded(name)
    assert [sentence(gesture) for gesture in gestures(events)] == (
        DATA / f"{name}.txt"
    ).read_text().splitlines()
    assert_partition(events)
