from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from recorder.trace.events import Change, FileState
from replay.verify.compare import compare
from replay.verify.digest import Judged, digest
from replay.verify.verdict import Context, Look, Observation, Output, PageObservation, not_reached


def seen(output: str, *, exit: int = 0, reward: float | None = None, blob: str = "a") -> Observation:
    change = Change(path="x", before=None, after=FileState(type="file", mode=0o644, size=1, blob=blob * 64))
    return Observation(
        exit=exit, output=Output.of(output.encode()), cwd="/w", changes=(change,), text="t", reward=reward
    )


def of(recorded: Observation, *observed: Observation, context: Context | None = None) -> str:
    context = context or Context()
    return digest(
        Judged(n, recorded, one, context, compare(recorded, one, context))
        for n, one in enumerate(observed, 1)
    )


REC = seen("3 passed in 0.03s\r\n", reward=1.0)


def test_verified_replays_have_one_digest_whatever_the_level() -> None:
    again = of(REC, seen("3 passed in 0.03s\r\n", reward=1.0))
    assert again == of(REC, seen("3 passed in 0.44s\r\n", reward=1.0))
    assert again == of(REC, seen("3 passed in 0.44s\r\n", reward=1.0), context=Context(elapsed=9.0))
    lines = seen("a\r\nb\r\n")
    assert of(lines, seen("a\r\nb\r\n")) == of(lines, seen("b\r\na\r\n"))


def test_every_difference_that_counts_changes_it() -> None:
    digests = {
        of(REC, REC),
        of(REC, seen("2 passed in 0.03s\r\n", reward=1.0)),
        of(REC, seen("1 passed in 0.03s\r\n", reward=1.0)),
        of(REC, seen("3 passed in 0.03s\r\n", exit=1, reward=1.0)),
        of(REC, seen("3 passed in 0.03s\r\n", exit=2, reward=1.0)),
        of(REC, seen("3 passed in 0.03s\r\n", reward=0.0)),
        of(REC, seen("3 passed in 0.03s\r\n", reward=1.0, blob="b")),
        of(REC, seen("3 passed in 0.03s\r\n", reward=1.0, blob="c")),
        of(REC, REC, REC),
        of(REC),
        of(seen("4 passed in 0.03s\r\n", reward=1.0), seen("4 passed in 0.03s\r\n", reward=1.0)),
        digest([Judged(1, REC, None, Context(), not_reached("x"))]),
    }
    assert len(digests) == 12


def test_the_same_divergence_has_the_same_digest() -> None:
    one = of(REC, seen("2 passed in 0.03s\r\n", reward=1.0))
    assert one == of(REC, seen("2 passed in 0.09s\r\n", reward=1.0))


def test_pictures_and_bytes_of_one_program_have_one_digest() -> None:
    def vim(*frames: str) -> Observation:
        data = "\x1b[?1049h" + "\x1b[H".join(frames) + "\x1b[?1049l"
        return Observation(output=Output.of(data.encode()), alternate_used=True, alternate=(frames[-1],))

    assert of(vim("a", "b"), vim("a", "b")) == of(vim("a", "b"), vim("b"))
    assert of(vim("a", "b"), vim("a", "b")) != of(vim("a", "b"), vim("a", "c"))


def test_of_pages_counts_what_was_held_against_the_recording() -> None:
    """What a page became after it had been left, when a replay was still looking, is not known of the recording."""

    def page(*doms: str, firm: bool = False) -> Observation:
        looks = tuple(Look(place="tab 1", url="u", title="t", dom=dom, aria="- text: a") for dom in doms)
        place = frozenset(("tab 1",)) if firm else frozenset()
        return Observation(
            page=PageObservation(verb="click", target=None, looks=looks, tabs=(1,), firm=place)
        )

    assert of(page("a"), page("a")) == of(page("a"), page("a", "b"))
    assert of(page("a", firm=True), page("a")) != of(page("a", firm=True), page("a", "b"))
    assert of(page("a"), page("b")) != of(page("a"), page("c"))


@given(st.lists(st.sampled_from(["a", "b 0.1s", "b 0.2s", "pid 4", "pid 5", "c"]), max_size=4), st.data())
def test_equal_digests_mean_equal_judgements(lines: list[str], data: st.DataObject) -> None:
    others = st.lists(st.sampled_from(["a", "b 0.1s", "b 0.3s", "pid 4", "pid 6", "d"]), max_size=4)
    recorded = seen("\r\n".join(lines))
    one, two = (seen("\r\n".join(data.draw(others))) for _ in range(2))
    verdicts = [compare(recorded, side).verdict.verified for side in (one, two)]
    if of(recorded, one) == of(recorded, two):
        assert verdicts[0] == verdicts[1]
        assert verdicts[0] or compare(one, two).verdict.verified
    elif verdicts == [True, True]:
        raise AssertionError("two verified replays with two digests")
