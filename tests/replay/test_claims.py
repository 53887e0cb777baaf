"""What a trace says of a step besides what it showed: each claim alone, and what may differ without a lie."""

from __future__ import annotations

from typing import Any

import pytest

from recorder.trace.events import Checked
from recorder.trace.steps import Step
from replay.verify.claims import with_claims
from replay.verify.compare import compare
from replay.verify.verdict import Context, Facet, Observation, Output, Verdict

CHECK = Checked(t=5, source="notes", command=1, line="pytest -q", exit=0, reward=1.0)


def step(**fields: Any) -> Step:
    plain: dict[str, Any] = {
        "n": 1, "kind": "command", "source": "terminal/1", "t_start": 1, "t_end": 9, "text": "make test", "command": 1,
        "cwd_before": "/w", "cwd_after": "/w", "exit": 0, "output": (10, 20), "inputs": (), "typed": (), "changes": (),
        "changes_from": None, "changes_through": None, "rationale": (), "marks": (), "check": None, "resizes": (),
        "gaps": (), "flows": (),
    }  # fmt: skip
    return Step(**(plain | fields))


def judge(
    recorded: Step,
    observed: Step,
    lines: tuple[bytes, bytes] = (b"", b""),
    context: Context | None = None,
) -> dict[Facet, Verdict]:
    """The facets that are lower than exact, after an observation that was the same on both sides."""
    same = Observation(exit=0, output=Output.of(b"ok\r\n"), cwd="/w", changes=())
    context = context or Context()
    verdict = with_claims(compare(same, same, context), recorded, observed, context, lines)
    order = [facet.facet for facet in verdict.facets]
    assert order == sorted(order, key=list(Facet).index)
    return {f.facet: f.verdict for f in verdict.facets if f.verdict is not Verdict.EXACT}


@pytest.mark.parametrize(
    ("recorded", "observed", "facets"),
    [
        (step(), step(), {}),
        (step(cwd_before="/w/sub"), step(), {Facet.CWD: Verdict.DIVERGED}),
        (step(cwd_before="/w/sub"), step(cwd_before=None), {Facet.CWD: Verdict.DIVERGED}),
        (step(cwd_before=None), step(), {}),
        (step(cwd_before="/tmp/tmp.Ab3dEf9hIj"), step(cwd_before="/tmp/tmp.Zz3dEf9hIj"),
         {Facet.CWD: Verdict.EQUIVALENT}),
        (step(check=CHECK), step(check=CHECK), {}),
        (step(), step(check=CHECK), {Facet.REWARD: Verdict.DIVERGED}),
    ],
)  # fmt: skip
def test_claims(recorded: Step, observed: Step, facets: dict[Facet, Verdict]) -> None:
    assert judge(recorded, observed) == facets


@pytest.mark.parametrize(
    "other", [{"exit": 5}, {"line": "true"}, {"exit": 1, "reward": 0.0}], ids=["exit", "line", "all"]
)
def test_another_check(other: dict[str, Any]) -> None:
    changed = Checked(**({name: getattr(CHECK, name) for name in CHECK.__struct_fields__} | other))
    assert judge(step(check=changed), step(check=CHECK)) == {Facet.REWARD: Verdict.DIVERGED}


def test_a_check_that_a_gap_may_have_swallowed() -> None:
    assert judge(step(), step(check=CHECK), context=Context(gaps=("disk full",))) == {}


TYPED = b"$ make test\r\n"


@pytest.mark.parametrize(
    ("recorded", "observed", "holds"),
    [
        (TYPED, TYPED, True),
        (b"$ make tent\r\n", TYPED, False),
        (b"", TYPED, True),  # nothing was kept of it
        (b"$ make tent\r\n", b"$ !!\r\n", True),  # the shell shows it otherwise: nobody can tell
        (b"12:01 $ make test\r\n", b"12:02 $ make test\r\n", True),  # prompts tell the time
        (b"$ mk\x08ake test\r\n", TYPED, True),  # typed with a mistake, mended
        (b"$ make test.bak\r\n", TYPED, True),  # a suggestion behind it
        (b"$ make te\r\n$ make test\r\n", TYPED, True),
        (b"$ ma\r\nke test\r\n", b"$ make test\r\n", True),  # wrapped elsewhere
        (b"$ m\x1b[32make\x1b[m test\r\n", TYPED, True),
    ],
)
def test_the_line_as_it_was_typed(recorded: bytes, observed: bytes, holds: bool) -> None:
    facets = judge(step(), step(), (recorded, observed))
    assert facets == ({} if holds else {Facet.SCREEN: Verdict.DIVERGED})


def test_another_command_is_told_by_its_text_alone() -> None:
    lines = (b"$ make tent\r\n", TYPED)
    assert judge(step(text="make tent"), step(), lines) == {}
