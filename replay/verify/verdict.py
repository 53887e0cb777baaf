"""What is compared and what comes of it. Types only, and how an output is kept whole or by its hash. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from recorder.trace.events import Change
from recorder.trace.pages import DialogAnswered, Downloaded, PageTarget

if TYPE_CHECKING:
    from replay.verify.noise import Mask
    from replay.verify.times import Clock

WHOLE = 4 << 20
"""Outputs up to this many bytes are kept whole, so that normalisers can be applied to them."""
END = 64 << 10
"""Bytes kept of each end of a longer one."""
BLOCK = 1 << 20
"""A longer one has a hash of everything up to each multiple of this, which tells where two of them part."""


class Verdict(StrEnum):
    """How a replay stands to its recording. Ordered by how little it proves: a whole is as good as its worst part.

    exact < equivalent < not reached < unsupported < diverged
    """

    EXACT = "exact"
    EQUIVALENT = "equivalent"
    NOT_REACHED = "not reached"
    UNSUPPORTED = "unsupported"
    DIVERGED = "diverged"

    @property
    def rank(self) -> int:
        return _RANK[self]

    @property
    def verified(self) -> bool:
        return self in (Verdict.EXACT, Verdict.EQUIVALENT)

    def __lt__(self, other: str) -> bool:
        return self.rank < Verdict(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Verdict(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Verdict(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Verdict(other).rank


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a whole from those of its parts; nothing to judge is `not reached`, never verified."""
    return max(verdicts, default=Verdict.NOT_REACHED)


class Facet(StrEnum):
    """A side of an observation that is judged by itself, in the order of judging."""

    WAIT = "wait"
    """The state that the next action waits for came."""
    TEXT = "command text"
    EXIT = "exit code"
    CWD = "working folder"
    FILES = "files"
    OUTPUT = "output"
    SCREEN = "screen"
    REWARD = "reward"
    NOTES = "notes"
    TARGET = "target"
    """The element that was acted on is the same one."""
    VALUE = "value"
    """What was done to it: typed, chosen, pressed, gone to."""
    DIALOGS = "dialogs"
    TABS = "tabs"
    URL = "address"
    TITLE = "title"
    ARIA = "page"
    """What the page says and offers (its accessibility snapshot)."""
    DOM = "DOM"
    """The hash of the page's content and form values."""
    DOWNLOADS = "downloads"
    NETWORK = "network"
    """What the step asked of the network."""


PAGE_FACETS = (
    Facet.TARGET, Facet.VALUE, Facet.DIALOGS, Facet.TABS, Facet.URL, Facet.TITLE, Facet.ARIA, Facet.DOM,
    Facet.DOWNLOADS,
)  # fmt: skip
"""Those of a gesture in a browser."""


class Output(Struct, frozen=True, kw_only=True):
    """An output, whole where it is short, else its two ends, its size and its hashes.

    `head` is the whole of a short one. `prefixes[i]` is the start of the SHA-256 of the first (i + 1) * BLOCK
    bytes; only long ones have it. Equal `sha256` means equal bytes at any size.
    """

    head: bytes
    tail: bytes
    total: int
    sha256: str
    prefixes: tuple[bytes, ...] = ()

    @property
    def whole(self) -> bool:
        return len(self.head) == self.total

    @classmethod
    def of(cls, data: bytes) -> Output:
        builder = OutputBuilder()
        builder.feed(data)
        return builder.done()


class OutputBuilder:
    """Takes an output in portions, in memory bounded by `WHOLE`, whatever its size."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._total = 0
        self._head = bytearray()
        self._tail = bytearray()
        self._prefixes: list[bytes] = []

    def feed(self, data: bytes | memoryview) -> None:
        view = memoryview(data)
        while view:
            part = view[: BLOCK - self._total % BLOCK]
            view = view[len(part) :]
            self._hash.update(part)
            self._total += len(part)
            if len(self._head) < WHOLE:
                self._head += part
            else:
                self._tail += part
                if len(self._tail) > 2 * BLOCK:
                    del self._tail[:-END]
            if self._total % BLOCK == 0:
                self._prefixes.append(self._hash.digest()[:16])

    def done(self) -> Output:
        digest = self._hash.hexdigest()
        if self._total <= WHOLE:
            return Output(head=bytes(self._head), tail=b"", total=self._total, sha256=digest)
        # The head that was kept may still hold a part of the last bytes.
        tail = bytes(self._head[-END:] + self._tail)[-END:]
        return Output(
            head=bytes(self._head[:END]),
            tail=tail,
            total=self._total,
            sha256=digest,
            prefixes=tuple(self._prefixes),
        )


class Look(Struct, frozen=True, kw_only=True):
    """A document of a frame (`place`: which) as one of its states tells it. `aria` is null where none was kept."""

    place: str
    url: str
    title: str
    dom: str
    aria: str | None = None
    settled: bool = True


class PageObservation(Struct, frozen=True, kw_only=True):
    """What a gesture met and what came of it, until the next one.

    `looks` are the pages that were open then, each as it was left: of one place the last look is what was left, those
    before it what it had passed through since. `firm` names the places that are known to have been left so: something
    said later that nothing had changed. `point` is where in its frame the target was pressed. Of those in `restless`
    nothing is known: they did not come to rest. `tabs` were open at the end; those in `passing` opened or closed just
    after it.
    """

    verb: str
    target: PageTarget | None = None
    onto: PageTarget | None = None
    point: tuple[float, float] | None = None
    value: str | None = None
    values: tuple[str, ...] = ()
    looks: tuple[Look, ...] = ()
    firm: frozenset[str] = frozenset()
    restless: tuple[str, ...] = ()
    dialogs: tuple[DialogAnswered, ...] = ()
    downloads: tuple[Downloaded, ...] = ()
    tabs: tuple[int, ...] = ()
    passing: frozenset[int] = frozenset()


class Observation(Struct, frozen=True, kw_only=True):
    """What answered one step. The same type holds what was recorded and what a replay saw.

    `output` is raw output without our marks. `screen` is the main screen at the end, `alternate` the last
    alternate screen as it stood before it was left. `changes` is null where nobody looked. `text` is what the
    shell says the command was, `page` what a gesture in a browser met. A null on the recorded side is not judged; on
    the observed side it diverges.
    """

    exit: int | None = None
    output: Output | None = None
    screen: tuple[str, ...] | None = None
    alternate: tuple[str, ...] | None = None
    alternate_used: bool = False
    cwd: str | None = None
    changes: tuple[Change, ...] | None = None
    text: str | None = None
    reward: float | None = None
    page: PageObservation | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What a judge must know besides the two observations.

    `volatile(path)` says why the content of a path never repeats (or None). `blob(digest)` gives the content of
    a file of either side, or None. `echoes` are what the terminal echoed of keys typed in line mode while the
    step ran, in order; `echoes_again` the same of the replay, where it may have met another mode (null: the same).
    `unsure`, keys as a terminal echoes them of which some may have been echoed elsewhere or not at all: typed while a
    program began that takes keys by itself, or into one that turns its echo on and off between keys (node, while it
    evaluates a preview). `interrupted`: a key
    that stops a program (^C, ^Z, ^\\) was typed into it. `keystrokes`: it took keys without line mode. `gaps`:
    what the recording lost within the step. `mask`: what was learned to be noise. `placeholders` stand
    for secrets in the recording. `clocks` (recorded, replayed) and `elapsed` (seconds; the longer of the two) narrow
    which times and durations may be masked; `without` names rules and methods that may not be used at all. `command`
    is the recorded command line.
    """

    cols: int = 80
    rows: int = 24
    volatile: Callable[[str], str | None] = lambda path: None
    blob: Callable[[str], bytes | None] = lambda digest: None
    echoes: tuple[bytes, ...] = ()
    echoes_again: tuple[bytes, ...] | None = None
    unsure: bytes = b""
    interrupted: bool = False
    keystrokes: bool = False
    gaps: tuple[str, ...] = ()
    mask: Mask | None = None
    placeholders: tuple[bytes, ...] = ()
    clocks: tuple[Clock | None, Clock | None] = (None, None)
    elapsed: float | None = None
    without: frozenset[str] = frozenset()
    command: str = ""


class NearestMiss(Struct, frozen=True, kw_only=True):
    """Where recording and replay part.

    `expected` and `observed` are short; `excerpt` shows the lines around, marked by a leading space (both), `-`
    (recorded only) or `+` (replayed only). All texts hold recorded bytes: print them only filtered.
    """

    facet: Facet
    expected: str
    observed: str
    at: str = ""
    line: int | None = None
    column: int | None = None
    offset: int | None = None
    path: str | None = None
    excerpt: tuple[str, ...] = ()
    hint: str = ""


class FacetVerdict(Struct, frozen=True, kw_only=True):
    """`how` is the level that was needed (see docs/normalisers.md), `causes` the rules and methods used."""

    facet: Facet
    verdict: Verdict
    how: str = ""
    causes: tuple[str, ...] = ()
    miss: NearestMiss | None = None


class StepVerdict(Struct, frozen=True, kw_only=True):
    """The worst of the facets. `misses` in the order of judging; the first explains the most."""

    verdict: Verdict
    how: str
    causes: tuple[str, ...]
    facets: tuple[FacetVerdict, ...]

    @property
    def misses(self) -> tuple[NearestMiss, ...]:
        return tuple(facet.miss for facet in self.facets if facet.miss)

    @property
    def miss(self) -> NearestMiss | None:
        return next(iter(self.misses), None)

    def facet(self, facet: Facet) -> FacetVerdict | None:
        return next((one for one in self.facets if one.facet is facet), None)


def judged(facets: Iterable[FacetVerdict]) -> StepVerdict:
    """A step's verdict from its facets'."""
    facets = tuple(facets)
    verdict = worst(facet.verdict for facet in facets)
    deciding = [facet for facet in facets if facet.verdict is verdict]
    causes = tuple(dict.fromkeys(cause for facet in deciding for cause in facet.causes))
    match verdict:
        case Verdict.EXACT | Verdict.NOT_REACHED:
            how = str(verdict)
        case Verdict.EQUIVALENT:
            how = "equivalent by " + ", ".join(causes)
        case Verdict.UNSUPPORTED:
            how = "; ".join(causes) or "unsupported"
        case Verdict.DIVERGED:
            how = "diverged in " + ", ".join(facet.facet for facet in deciding)
    return StepVerdict(verdict=verdict, how=how, causes=causes, facets=facets)


def not_reached(reason: str) -> StepVerdict:
    """For a step that the replay did not come to; `reason` says why (an earlier divergence, `--until`)."""
    return StepVerdict(verdict=Verdict.NOT_REACHED, how="not reached", causes=(reason,), facets=())


def unsupported(reason: str) -> StepVerdict:
    """For a step that nothing here can replay; `reason` names what is missing."""
    return StepVerdict(verdict=Verdict.UNSUPPORTED, how=reason, causes=(reason,), facets=())


def missed(miss: NearestMiss) -> StepVerdict:
    """For a step whose awaited state never came."""
    return judged([FacetVerdict(facet=Facet.WAIT, verdict=Verdict.DIVERGED, miss=miss)])
