from __future__ import annotations

import json
import re

import msgspec
import pytest

from replay.report.result import (
    Integrity,
    ReplayResult,
    StepResult,
    decode,
    encode,
    json_schema,
    replay_result,
    step_result,
)
from replay.report.terminal import clip, render, render_many, render_step, wants_colour, wcswidth_of
from replay.verify.compare import compare
from replay.verify.verdict import Observation, Output, StepVerdict, Verdict, not_reached, unsupported

GOOD = Integrity(ok=True, signature="valid", recording="complete")
EVIL = "echo \x1b[2J\x07\x9b31m\u202etxt.exe\x7f\u2028"


def judged(recorded: str, observed: str) -> StepVerdict:
    return compare(
        Observation(exit=0, output=Output.of(recorded.encode())),
        Observation(exit=0, output=Output.of(observed.encode())),
    )


def step(n: int, verdict: StepVerdict, text: str = "pytest -q") -> StepResult:
    return step_result(n, "command", text, verdict, waited_ms=1.5, duration_ms=20.0)


def result(*steps: StepResult, **more: object) -> ReplayResult:
    facts = {"digest": "ab" * 32, "clock": "libfaketime", "sandbox": "bubblewrap", "integrity": GOOD, **more}
    return replay_result("0190-id", steps, **facts)  # type: ignore[arg-type]


SAME = judged("a", "a")
ALIKE = judged("in 0.1s", "in 0.2s")
OTHER = judged("1 passed\r\n", "1 failed\r\n")
MIXED = result(
    step(1, SAME), step(2, ALIKE), step(3, OTHER), step(4, not_reached("the replay stopped at step 3")),
    step(5, unsupported("no zsh here")), rewards=(1.0, 0.0), duration_ms=1234.0, runs=("a", "a"), notes=("a note",),
    network={"exact": 3, "refused": 1, "not asked for again": 1},
)  # fmt: skip


def test_the_whole_is_as_good_as_its_worst_step() -> None:
    assert result(step(1, SAME), step(2, ALIKE)).verdict is Verdict.EQUIVALENT
    assert MIXED.verdict is Verdict.DIVERGED
    assert MIXED.counts == {"exact": 1, "equivalent": 1, "not reached": 1, "unsupported": 1, "diverged": 1}


@pytest.mark.parametrize(
    ("found", "code"),
    [
        (result(step(1, SAME), step(2, ALIKE)), 0),
        (result(step(1, SAME), step(2, not_reached("--until"))), 0),
        (result(step(1, OTHER)), 1),
        (result(step(1, unsupported("x"))), 4),
        (result(step(1, unsupported("x")), step(2, OTHER)), 1),
        (result(step(1, SAME), rewards=(1.0, 0.0)), 1),
        (result(step(1, SAME), runs=("a", "b")), 1),
        (result(step(1, SAME), runs=("a", "a")), 0),
        (result(step(1, not_reached("x"))), 1),
        (result(), 1),
    ],
)
def test_exit_codes(found: ReplayResult, code: int) -> None:
    assert found.exit_code == code


def test_json_round_trip() -> None:
    assert decode(encode(MIXED)) == MIXED
    assert decode(encode(MIXED, indent=0)) == MIXED
    plain = json.loads(encode(MIXED))
    assert plain["verdict"] == "diverged"
    assert plain["steps"][2]["miss"]["facet"] == "output"
    assert plain["steps"][1]["how"] == "equivalent by durations"
    assert plain["reward"] == {"recorded": 1.0, "replayed": 0.0, "verdict": "diverged"}
    assert set(json_schema()["$defs"]) >= {"ReplayResult", "StepResult", "NearestMiss"}
    assert isinstance(json.loads(encode([MIXED, MIXED])), list)


def test_json_may_go_to_a_terminal() -> None:
    found = result(step(1, SAME, EVIL), notes=("\U000e0041",))
    raw = encode(found)
    assert decode(raw) == found
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u2028\u202a-\u202e\U000e0041]", raw.decode())


def test_report() -> None:
    text = render(MIXED, colour=False, width=100)
    assert "\x1b" not in text
    lines = text.splitlines()
    assert lines[0] == "   1 ✓ pytest -q"
    assert lines[1] == "   2 ≈ pytest -q  equivalent by durations"
    assert lines[2] == "   3 ✗ pytest -q  diverged in output"
    assert lines[3:6] == ["       output at line 1, column 3", "         -1 passed", "         +1 failed"]
    assert "   4 – pytest -q  not reached: the replay stopped at step 3" in lines
    assert "   5 ? pytest -q  unsupported: no zsh here" in lines
    assert (
        "✗ diverged  5 steps: 1 exact, 1 equivalent, 1 not reached, 1 unsupported, 1 diverged in 1.2 s"
        in lines
    )
    assert "  reward   recorded 1, replayed 0" in lines
    assert "  runs     2, one digest" in lines
    assert "  network  4 requests: 3 exact, 1 refused, 1 not asked for again" in lines
    assert text.endswith("\n")
    assert "exit code: exact" in render(MIXED, colour=False, verbose=True)


def test_colours_only_where_wanted() -> None:
    assert "\x1b[32m" in render(MIXED, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", render(MIXED, colour=True)) == render(MIXED, colour=False)
    assert wants_colour({}, True)
    assert not wants_colour({}, False)
    assert not wants_colour({"NO_COLOR": "1"}, True)
    assert wants_colour({"NO_COLOR": ""}, True)
    assert not wants_colour({"TERM": "dumb"}, True)


def test_recorded_text_reaches_no_terminal_unfiltered() -> None:
    bad = judged(EVIL, EVIL + "x\x1b]0;t\x07\r\x1b[A")
    found = result(step(1, bad, EVIL), step(2, not_reached(EVIL), "a\nb\r\nc"), notes=(EVIL,), clock=EVIL)
    texts = [
        render(found, colour=False, verbose=True),
        render_step(found.steps[0], colour=False),
        render_many([(EVIL, found)], colour=False),
    ]
    for text in texts:
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e]", text)
    assert "a ⏎ b ⏎ c" in render(found, colour=False)


@pytest.mark.parametrize("width", [40, 60, 120])
def test_lines_fit(width: int) -> None:
    long = judged("x" * 500 + "1", "x" * 500 + "2")
    found = result(step(1, long, "漢字 " * 99), step(2, ALIKE, "y" * 300), step(3, not_reached("z" * 300)))
    for line in render(found, colour=False, width=width).splitlines():
        if "3 steps:" not in line:  # the summary is never cut
            assert wcswidth_of(line) <= width, line


def test_clip() -> None:
    assert clip("abc", 3) == "abc"
    assert clip("abcd", 3) == "ab…"
    assert clip("漢漢漢", 4) == "漢…"


def test_a_wait_that_never_ended_shows_what_was_awaited() -> None:
    from replay.verify.nearest import wait_miss
    from replay.verify.verdict import missed

    verdict = missed(wait_miss("the prompt after command 2", "vim, waiting for input", ["~", "-- INSERT --"]))
    text = render_step(step(2, verdict, "vim x"), colour=False)
    assert "- the prompt after command 2" in text
    assert "+ vim, waiting for input" in text
    assert "+-- INSERT --" in text


def test_results_are_values() -> None:
    assert msgspec.json.decode(msgspec.json.encode(MIXED.steps[2]), type=StepResult) == MIXED.steps[2]
