"""Holds a replay against its recording, step by step."""

from __future__ import annotations

import bisect
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct, structs

from recorder.trace.changes import compose
from recorder.trace.events import AnyEvent, Resized, SecretReplaced, TerminalStarted, Unknown, unescape_path
from recorder.trace.gestures import hovered
from recorder.trace.pages import BrowserStarted
from recorder.trace.steps import Step, leaves_job, steps
from recorder.trace.volatile import volatile
from replay.observe import Slice, observations, prompt_lines, written
from replay.pages import page_observations
from replay.pairing import paired, same_spans
from replay.players.terminal.outcome import Missed
from replay.verify.claims import with_claims
from replay.verify.compare import compare
from replay.verify.echo import typed
from replay.verify.nearest import wait_miss
from replay.verify.network import StepNetwork, network_facet
from replay.verify.noise import Mask
from replay.verify.order import out_of_order
from replay.verify.pages import UNSEEN, compared, tells_of_effect
from replay.verify.times import Clock
from replay.verify.verdict import (
    Context,
    Facet,
    FacetVerdict,
    NearestMiss,
    Observation,
    StepVerdict,
    Verdict,
    missed,
    not_reached,
)
from replay.verify.verdict import judged as judged_facets

_MAKES_OBJECTS = re.compile(
    r"\bgit\b.*\b(?:commit|merge|rebase|cherry-pick|stash|tag|am|revert|pull|notes|bisect)\b"
)
_MOST_LATE = 8
_NO_EFFECT = ("hover", "new_tab", "close_tab", "switch_tab")
"""Gestures that need not lead to anything but what they are."""
Blob = Callable[[str], bytes | None]


class Lapse(Struct, frozen=True, kw_only=True):
    """What the browser could not do again of what was recorded at `t`: `what` was awaited, `saw` was there instead.

    `fatal`: the browser was played no further.
    """

    t: int
    what: str
    saw: str
    lines: tuple[str, ...] = ()
    fatal: bool = False


class Reach(Struct, frozen=True, kw_only=True):
    """How far a replay came: the waits that failed, by command of the terminal, and in the browser by time."""

    missed: Sequence[Missed] = ()
    fatal: Missed | None = None
    """The terminal was played no further."""
    lapses: Sequence[Lapse] = ()


class Judged(Struct, kw_only=True):
    """A step of the recording, what came of it, and the verdict."""

    step: Step
    recorded: Observation
    observed: Observation | None
    context: Context
    verdict: StepVerdict


class Times(Struct, frozen=True, kw_only=True):
    """When things happened, in Unix seconds: the recording's start, and the replay in the machine's own time.

    `controlled`: the replay's programs saw the recorded time, so that a differing date is a difference.
    """

    recorded: float
    replayed: tuple[float, float]
    controlled: bool


class Side(Struct, kw_only=True):
    """A recording or a replay, told in events, with its raw output."""

    events: Sequence[AnyEvent | Unknown]
    output: Slice
    blob: Blob


def sides_steps(
    recorded: Side, observed: Side
) -> tuple[list[Step], dict[int, Step], list[Observation], dict[int, Observation]]:
    """The recording's steps, the replay's that answer them by the former's number; the same of observations."""
    mine = steps(recorded.events)
    pointed = hovered(recorded.events, [step.gesture for step in mine if step.gesture is not None])
    theirs = steps(observed.events, pointed)
    mine, theirs = same_spans(mine, theirs)
    seen = _with_pages(theirs, observations(theirs, observed.events, observed.output), observed)
    answers = paired(mine, theirs)
    said = observations(mine, recorded.events, recorded.output)
    return (
        mine,
        {n: theirs[i] for n, i in answers.items()},
        _with_pages(mine, said, recorded),
        {n: seen[i] for n, i in answers.items()},
    )


def _with_pages(of: Sequence[Step], seen: Sequence[Observation], side: Side) -> list[Observation]:
    pages = page_observations(of, side.events, side.blob)
    return [
        structs.replace(one, page=pages[step.n]) if step.n in pages else one
        for step, one in zip(of, seen, strict=True)
    ]


def judge(
    recorded: Side,
    observed: Side,
    reached: Reach,
    times: Times,
    *,
    until: int | None = None,
    masks: dict[int, Mask] | None = None,
    network: Mapping[int, StepNetwork] | None = None,
    pages: Mapping[int, StepNetwork] | None = None,
) -> list[Judged]:
    """The verdict on every step of the recording, in order. `network` is what each command asked for, by its number,
    `pages` what each gesture did, by its step's."""
    mine, theirs, said, seen = sides_steps(recorded, observed)
    missed_in = {m.command: m for m in reversed(reached.missed)}
    lapses = _by_gesture(mine, reached.lapses)
    disordered = out_of_order([(step.n, step.gesture) for step in mine if step.gesture is not None])
    fatal = reached.fatal
    commits = any(_MAKES_OBJECTS.search(step.text) for step in mine)
    lines_typed = prompt_lines(mine, recorded.events, recorded.output)
    lines_again = prompt_lines(list(theirs.values()), observed.events, observed.output)
    notes, notes_again = written(mine, recorded.events), written(list(theirs.values()), observed.events)
    all_noted = _counted(notes) == _counted(notes_again)
    placeholders = tuple(e.placeholder for e in recorded.events if isinstance(e, SecretReplaced))
    left_behind = False  # a job that may write into the line at any later prompt
    judged: list[Judged] = []
    stopped: str | None = None
    for step, recording in zip(mine, said, strict=True):
        observation = seen.get(step.n)
        context = _context(
            step,
            theirs.get(step.n),
            recorded,
            observed,
            times,
            commits,
            (masks or {}).get(step.n),
            placeholders,
        )
        miss = missed_in.get(step.command) if step.command is not None else None
        if step.kind == "program":
            miss = fatal
        lapse = lapses.get(step.n)
        if until is not None and step.n > until:
            verdict = not_reached(f"after step {until}, where the replay was asked to stop")
        elif stopped is not None:
            verdict = not_reached(stopped)
        elif miss is not None and (observation is None or miss is fatal):
            verdict = missed(wait_miss(miss.what, miss.saw, miss.screen))
        elif lapse is not None:
            verdict = missed(wait_miss(lapse.what, lapse.saw, lapse.lines))
        elif observation is None:
            verdict = missed(
                NearestMiss(
                    facet=Facet.WAIT,
                    expected=step.text or "this edit",
                    observed="no such step in the replay",
                    hint="an earlier step went another way",
                )
            )
        elif recording.page is not None:
            verdict = _gesture(recording, observation, context, (pages or {}).get(step.n))
            if step.n in disordered:
                verdict = judged_facets((*verdict.facets, disordered[step.n]))
        else:
            answer = theirs[step.n]
            lines = (
                (b"", b"") if left_behind else (lines_typed.get(step.n, b""), lines_again.get(answer.n, b""))
            )
            # A job in the background may have written a note while another command ran.
            noted = (notes.get(step.n, ()), notes_again.get(answer.n, ()))
            if left_behind and all_noted:
                noted = ((), ())
            verdict = with_claims(
                compare(recording, observation, context), step, answer, context, lines, noted
            )
            asked = network.get(step.command or 0) if network and step.kind != "edit" else None
            if asked is not None:
                verdict = judged_facets((*verdict.facets, network_facet(asked)))
        left_behind = left_behind or leaves_job(step.text)
        if (miss is not None and miss is fatal) or (lapse is not None and lapse.fatal):
            stopped = f"the replay stopped at step {step.n}"
        judged.append(
            Judged(step=step, recorded=recording, observed=observation, context=context, verdict=verdict)
        )
    return _late_files(_unseen_ends(judged))


def _unseen_ends(judged: list[Judged]) -> list[Judged]:
    """A page that had not come to rest is answered for by what a later gesture shows. Where none does, nothing tells
    what came of it: a session's last gestures are verified by what they led to, or not at all."""
    done = list(judged)
    for at in reversed(range(len(done))):
        page, verdict = done[at].recorded.page, done[at].verdict
        if page is None or page.verb in _NO_EFFECT:
            continue
        if not verdict.verdict.verified or tells_of_effect(verdict.facets):
            break
        done[at] = structs.replace(done[at], verdict=not_reached("nothing shows what came of it"))
    return done


def _gesture(
    recorded: Observation, observed: Observation, context: Context, asked: StepNetwork | None
) -> StepVerdict:
    """The verdict on a gesture. Where the recording did not see a page at rest it is not exact, and says so; where
    nothing is left to compare it is no verdict."""
    assert recorded.page is not None
    verb, restless = recorded.page.verb, recorded.page.restless
    verdict = compare(recorded, observed, context)
    if asked is not None:
        verdict = judged_facets((*verdict.facets, network_facet(asked)))
    if verb == "hover":
        verdict = _by_its_page(verdict)
    why = f"page not seen at rest: {', '.join(restless)}"
    if verdict.verdict.verified and not compared(verb, verdict.facets):
        return not_reached(f"nothing of it could be compared{f' ({why})' if restless else ''}")
    if not restless:
        return verdict
    unseen = FacetVerdict(facet=Facet.ARIA, verdict=Verdict.EQUIVALENT, how=UNSEEN, causes=(why,))
    return judged_facets((*verdict.facets, unseen))


def _by_its_page(verdict: StepVerdict) -> StepVerdict:
    """The verdict on a hover: what lies under a pointer on its way may still move or fade. Nothing is pressed there, so
    what it led to decides, where that was seen."""
    others = [facet for facet in verdict.facets if facet.facet is not Facet.TARGET]
    if not compared("hover", others) or not all(facet.verdict.verified for facet in others):
        return verdict
    passed = FacetVerdict(
        facet=Facet.TARGET,
        verdict=Verdict.EQUIVALENT,
        how="by its page",
        causes=("pointed at another element",),
    )
    return judged_facets([passed if facet.verdict is Verdict.DIVERGED else facet for facet in verdict.facets])


def _by_gesture(mine: Sequence[Step], lapses: Sequence[Lapse]) -> dict[int, Lapse]:
    """By step number the first wait that failed within it, or after it before the next."""
    gestures = [step for step in mine if step.kind == "gesture"]
    found: dict[int, Lapse] = {}
    for lapse in lapses:
        index = bisect.bisect_right(gestures, lapse.t, key=lambda step: step.t_start)
        if gestures:
            found.setdefault(gestures[max(0, index - 1)].n, lapse)
    return found


def _counted(notes: dict[int, tuple[str, ...]]) -> Counter[str]:
    return Counter(text for texts in notes.values() for text in texts)


def _late_files(judged: list[Judged]) -> list[Judged]:
    """Files that a job in the background wrote a step earlier or later than it had.

    A run of steps whose file changes diverge, begun by a command that left a job behind, holds if their changes
    taken together are the same.
    """
    done = list(judged)
    at = 0
    while at < len(done):
        if not _files_part(done[at]):
            at += 1
            continue
        begin = next((i for i in range(at, -1, -1) if leaves_job(done[i].step.text)), None)
        # From an earlier step on too: its part may hold by itself, by what was learned to be noise.
        spans = (
            (first, last)
            for first in range(at, begin - 1 if begin is not None else at, -1)
            for last in range(at, min(first + _MOST_LATE, len(done)))
        )
        for first, last in spans:
            group = done[first : last + 1]
            if all(one.observed is not None for one in group) and _together(group):
                done[first : last + 1] = [_excused(one) for one in group]
                at = last
                break
        at += 1
    return done


def _files_part(judged: Judged) -> bool:
    facet = judged.verdict.facet(Facet.FILES)
    return facet is not None and facet.verdict is Verdict.DIVERGED


def _together(group: Sequence[Judged]) -> bool:
    def whole(observation: Observation, of: Sequence[Observation | None]) -> Observation:
        return structs.replace(observation, changes=tuple(compose([o.changes or () for o in of if o])))

    last = group[-1]
    if last.observed is None:
        return False
    recorded = Observation(changes=whole(last.recorded, [one.recorded for one in group]).changes)
    observed = Observation(changes=whole(last.observed, [one.observed for one in group]).changes)
    facet = compare(recorded, observed, last.context).facet(Facet.FILES)
    return facet is not None and facet.verdict.verified


def _excused(one: Judged) -> Judged:
    late = FacetVerdict(facet=Facet.FILES, verdict=Verdict.EQUIVALENT, how="together", causes=("background",))
    facets = [late if f.facet is Facet.FILES and not f.verdict.verified else f for f in one.verdict.facets]
    return structs.replace(one, verdict=judged_facets(facets))


def _context(
    step: Step,
    answer: Step | None,
    recorded: Side,
    observed: Side,
    times: Times,
    commits: bool,
    mask: Mask | None,
    placeholders: tuple[bytes, ...],
) -> Context:
    def blob(digest: str) -> bytes | None:
        content = recorded.blob(digest)
        return observed.blob(digest) if content is None else content

    keys, again = typed(step.inputs), typed(answer.inputs) if answer else None
    cols, rows = _size(step, recorded.events)
    # From the session's start: what was made earlier is printed later. File times are the machine's own where
    # the clock does not reach them.
    until = times.recorded + step.t_end / 1e9
    shown = (times.recorded, until)
    longest = max(step.t_end - step.t_start, answer.t_end - answer.t_start if answer else 0) / 1e9
    without = set() if commits else {"git-hashes", "packs"}
    zone = _zone(step, recorded.events, until) if step.gesture else None
    if times.controlled:
        without.add("dates")
    return Context(
        cols=cols,
        rows=rows,
        volatile=_volatile,
        blob=blob,
        echoes=keys.echoes,
        echoes_again=again and again.echoes,
        unsure=max(keys.unsure, again.unsure if again else b"", key=len),
        interrupted=keys.interrupted,
        keystrokes=keys.keystrokes,
        gaps=tuple(gap.reason for gap in step.gaps),
        mask=mask,
        placeholders=placeholders,
        clocks=(Clock((shown,), zone), Clock((shown, times.replayed), zone)),
        elapsed=longest,
        without=frozenset(without),
        command=step.text or "",
    )


def _zone(step: Step, events: Sequence[AnyEvent | Unknown], at: float) -> int | None:
    """Seconds from UTC to the browser's local time then; null where it has no zone that is known here."""
    browsers = [e for e in events if isinstance(e, BrowserStarted) and e.source == step.source]
    try:
        zone = ZoneInfo(browsers[0].timezone) if browsers else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
    offset = datetime.fromtimestamp(at, zone).utcoffset() if zone else None
    return None if offset is None else int(offset.total_seconds())


def _size(step: Step, events: Sequence[AnyEvent | Unknown]) -> tuple[int, int]:
    """The terminal's size at the step's end."""
    size = (80, 24)
    for event in events:
        if isinstance(event, TerminalStarted) or (isinstance(event, Resized) and event.t <= step.t_end):
            size = (event.cols, event.rows)
    return size


def _volatile(path: str) -> str | None:
    try:
        return volatile(unescape_path(path))
    except ValueError:
        return None
