"""What a step left on disk: the state after it, path by path, modification times aside. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from recorder.trace.changes import compose
from recorder.trace.events import Change, FileState
from replay.verify.nearest import output_miss
from replay.verify.verdict import (
    WHOLE,
    Context,
    Facet,
    FacetVerdict,
    NearestMiss,
    Output,
    Verdict,
)

Explain = Callable[[bytes, bytes], Sequence[str] | None]
"""The names of the rules under which two contents are equal; None where none do."""

_RANDOM = re.compile(r"[0-9a-f]{7,}|[0-9]+")


def equal(a: FileState | None, b: FileState | None) -> bool:
    """Equal but for the modification time (and a folder's size, which is the file system's affair)."""
    if a is None or b is None:
        return a is b
    if (a.type, a.mode if a.type != "link" else 0, a.target) != (
        b.type,
        b.mode if b.type != "link" else 0,
        b.target,
    ):
        return False
    return a.type != "file" or (a.blob == b.blob and a.blob is not None and a.size == b.size)


def compare_files(
    recorded: Sequence[Change], observed: Sequence[Change], context: Context, explain: Explain
) -> FacetVerdict:
    """Each path's state afterwards. A path that one side did not touch is there as the other found it."""
    old, new = ({c.path: c for c in compose([changes])} for changes in (recorded, observed))
    causes: list[str] = []
    loose: list[tuple[int, str]] = []
    for path in sorted({*old, *new}):
        a, b = old.get(path), new.get(path)
        was = a.after if a else b.before if b else None
        now = b.after if b else a.before if a else None
        if equal(was, now):
            continue
        if reason := context.volatile(path):
            if (was is None) != (now is None):
                loose.append((1 if now is None else -1, _RANDOM.sub("⟨⟩", path)))
            causes.append(f"volatile ({reason})")
            continue
        if context.mask and path in context.mask.paths and was and now and was.type == now.type:
            causes.append("noise")
            continue
        names = _excused(was, now, context, explain)
        if names is None:
            return _diverged(path, was, now, context)
        causes += names
    # Volatile files may have other names, but as many of each form must come and go.
    balance = Counter[str]()
    for count, form in loose:
        balance[form] += count
    if odd := next((form for form, count in balance.items() if count), None):
        side = (
            ("expected one more", "it did not come")
            if balance[odd] > 0
            else ("no such file", "one more came")
        )
        miss = NearestMiss(facet=Facet.FILES, expected=side[0], observed=side[1], at=odd, path=odd)
        return FacetVerdict(facet=Facet.FILES, verdict=Verdict.DIVERGED, miss=miss)
    if causes:
        unique = tuple(dict.fromkeys(causes))
        return FacetVerdict(facet=Facet.FILES, verdict=Verdict.EQUIVALENT, how="normalised", causes=unique)
    return FacetVerdict(facet=Facet.FILES, verdict=Verdict.EXACT, how="same states")


def _excused(
    was: FileState | None, now: FileState | None, context: Context, explain: Explain
) -> Sequence[str] | None:
    if not (was and now and was.type == now.type == "file" and was.mode == now.mode):
        return None
    if was.blob is None or now.blob is None:
        return ("content not kept",) if was.size == now.size else None
    a, b = context.blob(was.blob), context.blob(now.blob)
    if a is None or b is None or max(len(a), len(b)) > WHOLE or b"\0" in a or b"\0" in b:
        return None
    return explain(a, b)


def _diverged(path: str, was: FileState | None, now: FileState | None, context: Context) -> FacetVerdict:
    expected, observed = _describe(was), _describe(now)
    miss = NearestMiss(facet=Facet.FILES, expected=expected, observed=observed, at=path, path=path)
    if was and now and was.type == now.type == "file" and was.blob and now.blob and was.blob != now.blob:
        a, b = context.blob(was.blob), context.blob(now.blob)
        if a is not None and b is not None and b"\0" not in a and max(len(a), len(b)) <= WHOLE:
            found = output_miss(Output.of(a), Output.of(b), _itself, (_itself, _itself), Facet.FILES)
            miss = NearestMiss(
                facet=Facet.FILES,
                expected=found.expected,
                observed=found.observed,
                at=f"{path}, {found.at}",
                line=found.line,
                column=found.column,
                offset=found.offset,
                path=path,
                excerpt=found.excerpt,
                hint=found.hint,
            )
    return FacetVerdict(facet=Facet.FILES, verdict=Verdict.DIVERGED, miss=miss)


def _itself(data: bytes) -> bytes:
    return data


def _describe(state: FileState | None) -> str:
    if state is None:
        return "nothing there"
    if state.type == "link":
        return f"a link to {state.target}"
    if state.type != "file":
        return f"a {state.type}, mode {state.mode:o}"
    content = (
        f"content {state.blob[:12]}" if state.blob else f"content not kept ({state.skipped or 'unknown why'})"
    )
    return f"a file of {state.size} bytes, mode {state.mode:o}, {content}"
