"""What a folder's traces come to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from replay.catalog.entry import Entry


class Summary(Struct, frozen=True, kw_only=True):
    """`traces` are all, those that are rejected too; nothing else counts these. Each count is by how many traces, the
    most frequent first; an empty task or annotator: nobody said. `mean_reward` is of the `checked`."""

    traces: int
    bytes: int
    rejected: dict[str, int]
    verdicts: dict[str, int]
    verified: int
    states: dict[str, int]
    actors: dict[str, int]
    tasks: dict[str, int]
    annotators: dict[str, int]
    tags: dict[str, int]
    flags: dict[str, int]
    hours: float
    commands: int
    pages: int
    checked: int
    mean_reward: float | None


def summary(entries: Iterable[Entry]) -> Summary:
    """Counts traces. Verdicts: what the entries tell, `none` for those without."""
    rejected, verdicts, states, actors, tags, flags = (Counter[str]() for _ in range(6))
    tasks, annotators = Counter[str](), Counter[str]()
    traces = size = verified = duration = commands = pages = checked = 0
    rewards = 0.0
    for entry in entries:
        traces += 1
        size += entry.size
        if entry.rejected:
            rejected[entry.rejected] += 1
            continue
        verdicts[entry.verdict or "none"] += 1
        verified += entry.verdict in ("exact", "equivalent") and entry.steady
        states[entry.state] += 1
        actors[entry.actor] += 1
        tasks[entry.task or ""] += 1
        annotators[entry.annotator or ""] += 1
        tags.update(entry.tags)
        flags.update(entry.flags)
        duration += entry.duration_ns
        commands += entry.commands
        pages += entry.pages
        if entry.reward is not None:
            checked += 1
            rewards += entry.reward
    return Summary(
        traces=traces,
        bytes=size,
        rejected=_ordered(rejected),
        verdicts=_ordered(verdicts),
        verified=verified,
        states=_ordered(states),
        actors=_ordered(actors),
        tasks=_ordered(tasks),
        annotators=_ordered(annotators),
        tags=_ordered(tags),
        flags=_ordered(flags),
        hours=duration / 3.6e12,
        commands=commands,
        pages=pages,
        checked=checked,
        mean_reward=rewards / checked if checked else None,
    )


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
