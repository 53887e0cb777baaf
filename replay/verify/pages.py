"""A gesture in a browser against what a replay of it met: its target, and the pages that it led to. Pure.

A target must be the same element, told by what it is, what it is called and what stands beside it; where it stands
never suffices. A page is the same to the byte where its DOM has the recorded hash. Where that differs, what the page
says and offers decides: its accessibility snapshot, as it is, then through the rules for text. What the recording did
not see at rest is not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import unified_diff

from msgspec import structs

from recorder.trace.pages import DialogAnswered, Downloaded, PageTarget
from replay.verify import moments
from replay.verify.nearest import common, value_miss
from replay.verify.normalisers import Rule, normalise
from replay.verify.outputs import Judge
from replay.verify.verdict import Facet, FacetVerdict, Look, NearestMiss, PageObservation, Verdict

SAME_PAGE = "other DOM, same page"
"""The cause where hashes differ and all that the page says and offers is the same."""
MOVED = "same element, elsewhere"
"""The cause where it was pressed at another place, for it stood there."""
UNSEEN = "not at rest"
"""How a page is judged that the recording did not see at rest: not at all."""
_SLIGHT = 1.0
"""CSS pixels by which the same place may differ: positions are rounded."""
_TAB_VERBS = ("new_tab", "close_tab")
_EFFECTS = (
    Facet.DIALOGS, Facet.URL, Facet.TITLE, Facet.ARIA, Facet.DOM, Facet.DOWNLOADS, Facet.NETWORK,
)  # fmt: skip
_MOST_EXCERPT = 14
_LINE = 160
_PLACED = ("t", "source", "tab", "frame", "doc", "seq", "n", "rect")
"""Of a target what tells when and where it was seen, not which element it is."""
_NAMED = ("tag", "type", "role", "name", "label", "placeholder", "test_id", "anchors", "masked")
_SECONDARY = ("text", "id", "attributes", "css", "xpath", "shadow", "closed", "editable")
"""What may differ by chance (generated names) while the element is the same."""


def compare_page(
    recorded: PageObservation, observed: PageObservation | None, judge: Judge
) -> list[FacetVerdict]:
    """The facets of a gesture, in the order of judging. Of a page that was not seen at rest there are none."""
    if observed is None:
        miss = NearestMiss(facet=Facet.TARGET, expected=recorded.verb, observed="no gesture in the replay")
        return [FacetVerdict(facet=Facet.TARGET, verdict=Verdict.DIVERGED, miss=miss)]
    pairs = paired(recorded, observed)
    return [
        *_targets(recorded, observed, judge),
        *_values(recorded, observed, judge),
        *_dialogs(recorded.dialogs, observed.dialogs, judge),
        *_tabs(recorded, observed),
        *_texts(Facet.URL, "url", pairs, judge),
        *_texts(Facet.TITLE, "title", pairs, judge),
        *_contents(pairs, judge),
        *_downloads(recorded.downloads, observed.downloads),
    ]


def compared(verb: str, facets: Iterable[FacetVerdict]) -> bool:
    """Whether anything was compared that a page showed or did; of what was done to a tab, which tabs there were."""
    weak = (Facet.VALUE, Facet.WAIT) if verb in _TAB_VERBS else (Facet.VALUE, Facet.TABS, Facet.WAIT)
    return any(facet.facet not in weak for facet in facets)


def tells_of_effect(facets: Iterable[FacetVerdict]) -> bool:
    """Whether anything was compared that came of a gesture, beyond what it was done to."""
    return any(facet.facet in _EFFECTS and facet.how != UNSEEN for facet in facets)


# -- what was acted on ------------------------------------------------------------------------------


def _targets(a: PageObservation, b: PageObservation, judge: Judge) -> list[FacetVerdict]:
    found = [
        _target(mine, theirs, judge)
        for mine, theirs in ((a.target, b.target), (a.onto, b.onto))
        if mine is not None
    ]
    worst = [max(found, key=lambda facet: facet.verdict.rank)] if found else []
    if worst and worst[0].verdict.verified and _apart(a.point, b.point) > _SLIGHT:
        causes = (*worst[0].causes, MOVED)
        return [FacetVerdict(facet=Facet.TARGET, verdict=Verdict.EQUIVALENT, how="identity", causes=causes)]
    return worst


def _apart(a: tuple[float, float] | None, b: tuple[float, float] | None) -> float:
    """Pixels between two points; 0 where one is not known."""
    return max(abs(a[0] - b[0]), abs(a[1] - b[1])) if a and b else 0.0


def _target(a: PageTarget, b: PageTarget | None, judge: Judge) -> FacetVerdict:
    if b is None:
        miss = NearestMiss(facet=Facet.TARGET, expected=described(a), observed="nothing", at="target")
        return FacetVerdict(facet=Facet.TARGET, verdict=Verdict.DIVERGED, miss=miss)
    causes: list[str] = []
    for field in _NAMED:
        mine, theirs = getattr(a, field), getattr(b, field)
        if mine == theirs:
            continue
        rules = _explained(judge, str(mine), str(theirs)) if field in ("name", "label", "anchors") else None
        if rules is None and field == "anchors" and _less_told(a, b):
            rules = ("same place, not told as an item",)
        if rules is None:
            return _other(a, b, field, str(mine), str(theirs))
        causes += rules
    if a.ordinal != b.ordinal and not (a.anchors or a.test_id or (a.id and a.id == b.id)):
        which = f"{a.ordinal + 1} of {a.alike}", f"{b.ordinal + 1} of {b.alike}"
        return _other(a, b, "place among its like", *which)
    differing = [field for field in _SECONDARY if getattr(a, field) != getattr(b, field)]
    differing += ["place"] if (a.ordinal, a.alike) != (b.ordinal, b.alike) else []
    if not differing and not causes:
        return FacetVerdict(facet=Facet.TARGET, verdict=Verdict.EXACT, how="same")
    if differing:
        causes.append(f"same {a.role or a.tag}, other {', '.join(differing)}")
    unique = tuple(dict.fromkeys(causes))
    return FacetVerdict(facet=Facet.TARGET, verdict=Verdict.EQUIVALENT, how="identity", causes=unique)


def _less_told(a: PageTarget, b: PageTarget) -> bool:
    """Whether two elements stand in one place, and of one no item is told that it is in: boxes are taken for items by
    the classes that they share, and scripts give classes for a while."""
    place = (a.css, a.xpath, a.ordinal, a.alike) == (b.css, b.xpath, b.ordinal, b.alike)
    mine, theirs = set(a.anchors), set(b.anchors)
    nested = mine <= theirs or theirs <= mine
    return place and bool(a.css) and nested and all(kind == "item" for kind, _ in mine ^ theirs)


def _other(a: PageTarget, b: PageTarget, field: str, mine: str, theirs: str) -> FacetVerdict:
    same = described(a) == described(b)
    miss = NearestMiss(
        facet=Facet.TARGET,
        expected=_clip(f"{described(a)}, {field} {mine}" if same else described(a)),
        observed=_clip(f"{described(b)}, {field} {theirs}" if same else described(b)),
        at=f"{field} of the target",
        hint="another element",
    )
    return FacetVerdict(facet=Facet.TARGET, verdict=Verdict.DIVERGED, miss=miss)


def described(target: PageTarget) -> str:
    """A target for a person: button “Save” in row “Invoice 17”."""
    name = target.name or target.label or target.placeholder or target.text
    kind = target.role or target.tag
    said = f"{kind} “{name}”" if name else kind
    return said + "".join(f" in {what} “{which}”" for what, which in target.anchors[:2])


def _values(a: PageObservation, b: PageObservation, judge: Judge) -> list[FacetVerdict]:
    if (a.verb, a.value, a.values) == (b.verb, b.value, b.values):
        return [FacetVerdict(facet=Facet.VALUE, verdict=Verdict.EXACT, how="same")]
    mine, theirs = _told(a), _told(b)
    rules = _explained(judge, mine, theirs) if a.verb == b.verb else None
    if rules:
        return [FacetVerdict(facet=Facet.VALUE, verdict=Verdict.EQUIVALENT, how="normalised", causes=rules)]
    miss = value_miss(Facet.VALUE, mine, theirs)
    return [FacetVerdict(facet=Facet.VALUE, verdict=Verdict.DIVERGED, miss=miss)]


def _told(page: PageObservation) -> str:
    values = [*([page.value] if page.value is not None else []), *page.values]
    return " ".join([page.verb, *(f"“{value}”" for value in values)])


# -- what came of it --------------------------------------------------------------------------------


def _dialogs(a: Sequence[DialogAnswered], b: Sequence[DialogAnswered], judge: Judge) -> list[FacetVerdict]:
    if not a and not b:
        return []
    mine, theirs = [_dialog(one) for one in a], [_dialog(one) for one in b]
    return [_listed(Facet.DIALOGS, mine, theirs, lambda x, y: _explained(judge, x, y))]


def _dialog(one: DialogAnswered) -> str:
    answer = f" “{one.answer}”" if one.answer is not None else ""
    return f"{one.type} “{one.message}” {'accepted' if one.accepted else 'dismissed'}{answer}"


def _downloads(a: Sequence[Downloaded], b: Sequence[Downloaded]) -> list[FacetVerdict]:
    if not a and not b:
        return []
    unkept_too = [structs.replace(y, blob=None) if x.blob is None else y for x, y in zip(a, b, strict=False)]
    theirs = [_download(one) for one in (*unkept_too, *b[len(a) :])]
    facet = _listed(Facet.DOWNLOADS, [_download(one) for one in a], theirs, lambda x, y: None)
    unkept = [one.skipped for one in a if one.blob is None and one.complete]
    if not unkept or facet.verdict is not Verdict.EXACT:
        return [facet]
    return [structs.replace(facet, verdict=Verdict.EQUIVALENT, how="by size", causes=("content not kept",))]


def _download(one: Downloaded) -> str:
    ended = f"{one.size} bytes" if one.complete else "broken off"
    content = f", SHA-256 {one.blob}" if one.blob else ""
    return f"{one.name}, {ended}{content}"


def _listed(
    facet: Facet,
    mine: Sequence[str],
    theirs: Sequence[str],
    explain: Callable[[str, str], tuple[str, ...] | None],
) -> FacetVerdict:
    """Things in their order, one by one."""
    causes: list[str] = []
    for i in range(max(len(mine), len(theirs))):
        a = mine[i] if i < len(mine) else "nothing"
        b = theirs[i] if i < len(theirs) else "nothing"
        rules = () if a == b else explain(a, b)
        if rules is None:
            return FacetVerdict(facet=facet, verdict=Verdict.DIVERGED, miss=value_miss(facet, a, b))
        causes += rules
    if causes:
        unique = tuple(dict.fromkeys(causes))
        return FacetVerdict(facet=facet, verdict=Verdict.EQUIVALENT, how="normalised", causes=unique)
    return FacetVerdict(facet=facet, verdict=Verdict.EXACT, how="same")


def lasting(a: PageObservation, b: PageObservation) -> list[int]:
    """The tabs of `b`, but for those that were just about to open or close in the recording `a`."""
    return [tab for tab in b.tabs if tab not in a.passing]


def _tabs(a: PageObservation, b: PageObservation) -> list[FacetVerdict]:
    if lasting(a, a) == lasting(a, b):
        return [FacetVerdict(facet=Facet.TABS, verdict=Verdict.EXACT, how="same")]
    mine, theirs = (f"tabs {', '.join(map(str, tabs)) or 'none'}" for tabs in (a.tabs, b.tabs))
    return [
        FacetVerdict(facet=Facet.TABS, verdict=Verdict.DIVERGED, miss=value_miss(Facet.TABS, mine, theirs))
    ]


# -- pages ------------------------------------------------------------------------------------------


def paired(a: PageObservation, b: PageObservation) -> list[tuple[Look, Look | None]]:
    """What each recorded page was left as, with what answers it in the replay (null: nothing): the last look at that
    place, or one that it had passed through where the recording does not say how long its own lasted."""
    left: dict[str, Look] = {look.place: look for look in a.looks if look.place not in a.restless}
    pairs: list[tuple[Look, Look | None]] = []
    for place, look in left.items():
        seen = [one for one in b.looks if one.place == place]
        passed = seen if place not in a.firm else seen[-1:]
        same = next((one for one in reversed(passed) if _same(look, one)), None)
        pairs.append((look, same or (seen[-1] if seen else None)))
    return pairs


def _same(a: Look, b: Look) -> bool:
    return (a.dom, a.url, a.title) == (b.dom, b.url, b.title)


def _texts(
    facet: Facet, field: str, pairs: Sequence[tuple[Look, Look | None]], judge: Judge
) -> list[FacetVerdict]:
    found: list[FacetVerdict] = []
    for mine, theirs in pairs:
        a = getattr(mine, field)
        b = None if theirs is None else getattr(theirs, field)
        rules = None if b is None else _explained(judge, a, b)
        if rules is None:
            miss = structs.replace(value_miss(facet, a, "no such page" if b is None else b), at=mine.place)
            found.append(FacetVerdict(facet=facet, verdict=Verdict.DIVERGED, miss=miss))
        else:
            verdict = Verdict.EQUIVALENT if rules else Verdict.EXACT
            found.append(
                FacetVerdict(
                    facet=facet, verdict=verdict, how="normalised" if rules else "same", causes=rules
                )
            )
    return _together(found)


def _contents(pairs: Sequence[tuple[Look, Look | None]], judge: Judge) -> list[FacetVerdict]:
    """What pages say, then their hashes: these decide only where nothing else is known."""
    said: list[FacetVerdict] = []
    hashed: list[FacetVerdict] = []
    for mine, theirs in pairs:
        if theirs is None:
            continue  # its address says so
        aria = _aria(mine, theirs, judge)
        if aria is not None:
            said.append(aria)
        if mine.dom == theirs.dom:
            hashed.append(FacetVerdict(facet=Facet.DOM, verdict=Verdict.EXACT, how="same"))
        elif aria is not None and aria.verdict.verified:
            causes = aria.causes or (SAME_PAGE,)
            hashed.append(
                FacetVerdict(facet=Facet.DOM, verdict=Verdict.EQUIVALENT, how="same page", causes=causes)
            )
        elif aria is None:
            miss = NearestMiss(
                facet=Facet.DOM,
                expected=mine.dom,
                observed=theirs.dom,
                at=mine.place,
                hint="the pages' hashes differ, and no snapshot was kept that says in what",
            )
            hashed.append(FacetVerdict(facet=Facet.DOM, verdict=Verdict.DIVERGED, miss=miss))
    return [*_together(said), *_together(hashed)]


def _aria(a: Look, b: Look, judge: Judge) -> FacetVerdict | None:
    if a.aria is None or b.aria is None:
        return None
    rules = _explained(judge, a.aria, b.aria)
    if rules is None:
        return FacetVerdict(facet=Facet.ARIA, verdict=Verdict.DIVERGED, miss=_aria_miss(a, b, judge))
    verdict = Verdict.EQUIVALENT if rules else Verdict.EXACT
    return FacetVerdict(
        facet=Facet.ARIA, verdict=verdict, how="normalised" if rules else "same", causes=rules
    )


def _aria_miss(a: Look, b: Look, judge: Judge) -> NearestMiss:
    """The lines in which two snapshots part, what a rule masks left out."""
    mine, theirs = (a.aria or "").splitlines(), (b.aria or "").splitlines()
    masked = [_masked(judge, look.aria or "", side).splitlines() for side, look in enumerate((a, b))]
    if [len(lines) for lines in masked] != [len(mine), len(theirs)]:
        masked = [mine, theirs]
    shown = {0: dict(enumerate(mine)), 1: dict(enumerate(theirs))}
    excerpt = list(_excerpt(masked[0], masked[1], shown))
    first = [next((line[1:] for line in excerpt if line.startswith(sign)), "") for sign in "-+"]
    column = common(first[0].encode(), first[1].encode())
    at = next((i for i, (x, y) in enumerate(zip(*masked, strict=False)) if x != y), min(map(len, masked)))
    return NearestMiss(
        facet=Facet.ARIA,
        expected=_clip(first[0].strip(), column),
        observed=_clip(first[1].strip(), column),
        at=f"{a.place}, line {at + 1} of its snapshot",
        line=at + 1,
        excerpt=tuple(excerpt),
    )


def _excerpt(mine: list[str], theirs: list[str], shown: dict[int, dict[int, str]]) -> Iterator[str]:
    counters = [0, 0]
    for number, line in enumerate(unified_diff(mine, theirs, lineterm="", n=1)):
        if number >= _MOST_EXCERPT + 2:
            return
        if number < 2:
            continue
        if line.startswith("@@"):
            spans = line.split(" ")[1:3]
            counters = [abs(int(span.split(",")[0])) - 1 for span in spans]
            continue
        side = 1 if line.startswith("+") else 0
        yield line[0] + _clip(shown[side].get(counters[side], line[1:]))
        if line[0] != "+":
            counters[0] += 1
        if line[0] != "-":
            counters[1] += 1


def _together(facets: Sequence[FacetVerdict]) -> list[FacetVerdict]:
    """One facet of several pages': the worst, with all causes of its kind."""
    if not facets:
        return []
    worst = max(facets, key=lambda facet: facet.verdict.rank)
    causes = tuple(dict.fromkeys(c for f in facets if f.verdict is worst.verdict for c in f.causes))
    return [structs.replace(worst, causes=causes)]


# -- text -------------------------------------------------------------------------------------------


def _explained(judge: Judge, a: str, b: str) -> tuple[str, ...] | None:
    """The rules without which two texts of pages are not equal; empty where they are, null where they differ."""
    if a == b:
        return ()
    mine, theirs = _encoded(a), _encoded(b)
    rules = judge.explain_content(mine, theirs)
    if rules is not None:
        return tuple(rules)
    pages = [_page_rules(judge, side) for side in (0, 1)]
    both = zip(*pages, strict=True)
    changed = [a.name for a, b in both if a.apply(mine) != mine or b.apply(theirs) != theirs]
    if not changed:
        return None
    rules = judge.explain_content(normalise(mine, pages[0]), normalise(theirs, pages[1]))
    return None if rules is None else (*rules, *changed)


def _page_rules(judge: Judge, side: int) -> list[Rule]:
    rules = moments.page_rules(judge.context.clocks[side])
    return [rule for rule in rules if rule.name not in judge.context.without]


def _masked(judge: Judge, text: str, side: int) -> str:
    data = normalise(_encoded(text), _page_rules(judge, side))
    return normalise(data, judge.sides[side].text).decode("utf-8", "replace")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _clip(line: str, column: int = 0) -> str:
    begin = max(0, min(column - _LINE // 2, len(line) - _LINE))
    return line if len(line) <= _LINE else ("…" if begin else "") + line[begin : begin + _LINE] + "…"
