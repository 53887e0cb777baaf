"""Old traces stay readable: the frozen sample, the chain of steps, and a version from the future."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from trace_sample import OUTPUT, events

from recorder.trace import migrations
from recorder.trace.codec import decode_event
from recorder.trace.errors import Code, TraceRejected
from recorder.trace.events import SCHEMA_VERSION, Noted
from recorder.trace.migrations import MIGRATIONS, Migration, Migrator
from recorder.trace.reader import open_trace

FROZEN = Path(__file__).parent / "data" / "v1.reenact"


def test_the_frozen_trace_of_version_1_reads_as_it_always_did() -> None:
    """Never write this file anew once version 1 is released; see trace_sample.py."""
    with open_trace(FROZEN) as trace:
        found = [e for e in trace.events if e.t not in (58, 59)]
        digests = [found[0].files[0].blob, found[1].tree, found[7].changes[0].after.blob]
        assert found == events(*digests)
        assert trace.terminal_output(1, 0, 100) == b"".join(data for _, data in OUTPUT)
        report = trace.verify()
        assert report.ok, report.problems
        assert report.signature == "valid"


def test_every_older_version_has_a_step() -> None:
    assert sorted(MIGRATIONS) == list(range(1, SCHEMA_VERSION))
    assert Migrator(1).changes == (SCHEMA_VERSION > 1)


def test_a_newer_version_says_to_upgrade() -> None:
    with pytest.raises(TraceRejected, match="upgrade Reenact") as caught:
        Migrator(SCHEMA_VERSION + 1)
    assert caught.value.code == Code.VERSION


def rename(event: dict[str, Any]) -> dict[str, Any] | None:
    if event["kind"] == "noise":
        return None
    if event["kind"] == "remark":
        event |= {"kind": "note", "text": event.pop("words")}
    return event


def add_mood(event: dict[str, Any]) -> dict[str, Any]:
    return event | {"mood": event["t"] + 1}


STEPS = {
    1: Migration(lambda m: m | {"colour": m["color"]}, rename),
    2: Migration(lambda m: m | {"done": True}, add_mood),
}


def test_steps_run_in_order_and_change_nothing_for_the_newest() -> None:
    oldest = Migrator(1, newest=3, steps=STEPS)
    line = oldest.event(b'{"kind":"remark","t":4,"source":"notes","words":"hm"}', "x")
    assert line is not None
    assert json.loads(line)["mood"] == 5
    assert decode_event(line, "x") == Noted(t=4, source="notes", text="hm")
    assert oldest.event(b'{"kind":"noise","t":4,"source":"notes"}', "x") is None
    newest = Migrator(3, newest=3, steps=STEPS)
    raw = b'{"kind":"remark","unknown":1.50}'
    assert newest.event(raw, "x") is raw
    assert newest.manifest(raw) is raw


def test_a_migrated_manifest_has_the_new_version_and_its_seal_last() -> None:
    oldest = Migrator(1, newest=3, steps=STEPS)
    raw = oldest.manifest(b'{"schema_version":1,"color":"red","seal":null,"redactions":[]}')
    assert json.loads(raw) == {
        "schema_version": 3, "color": "red", "colour": "red", "done": True, "seal": None, "redactions": [],
    }  # fmt: skip
    assert raw.endswith(b',"seal":null,"redactions":[]}')


def test_a_trace_that_lies_about_its_version_is_rejected_not_crashed_on() -> None:
    oldest = Migrator(1, newest=3, steps=STEPS)
    for line in (b"{}", b'{"kind":"remark","t":4}', b'{"kind":"x","t":"4"}'):
        with pytest.raises(TraceRejected) as caught:
            oldest.event(line, "events.jsonl line 1")
        assert caught.value.code == Code.SCHEMA
    with pytest.raises(TraceRejected):
        oldest.manifest(b"{}")
    with pytest.raises(TraceRejected, match="no way from version"):
        Migrator(1, newest=3, steps={2: STEPS[2]})


def test_a_whole_trace_goes_through_the_chain(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample, read as though version 2 had renamed notes and dropped marks."""

    def step(event: dict[str, Any]) -> dict[str, Any] | None:
        if event["kind"] == "mark":
            return None
        return event | {"text": event["text"].upper()} if event["kind"] == "note" else event

    class Next(Migrator):
        def __init__(self, version: int) -> None:
            super().__init__(version, newest=2, steps={1: Migration(lambda m: m, step)})

    monkeypatch.setattr("recorder.trace.reader.Migrator", Next)
    with open_trace(sample) as trace:
        assert trace.manifest.schema_version == 2
        found = list(trace.events)
        assert [e.text for e in found if isinstance(e, Noted)] == ["THE LOG SHOWS IT TWICE", "LATER"]
        assert len(found) == len(trace.events) - 1
        report = trace.verify()  # what was sealed is what was written then
        assert report.ok, report.problems
        assert report.signature == "valid"


def test_the_module_is_pure() -> None:
    assert not {"os", "time", "random", "socket"} & set(vars(migrations))
