"""Which recorded flow answers a request: the layers, from the same to the same but for chance. Pure.

Within a step the flows of one key answer in their order, each once. Another step's never do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from replay.players.network import fields
from replay.players.network import target as targets
from replay.players.network.echo import Echo
from replay.players.network.fields import Form, form
from replay.players.network.nearest import Parting, nearest
from replay.players.network.recording import MOST_PARSED, Flow, Recording

_EMPTY_HASH = sha256(b"").hexdigest()
_MOST_TIED = 256
_MOST_EXPLAINED = 500
"""Misses that get a nearest one: a payload may ask for as many as it likes."""
_LONGEST_ECHO = 4096
_VALIDATED, _VALIDATORS = (b"if-none-match", b"if-modified-since"), (b"etag", b"last-modified")
_REPEATABLE = ("GET", "HEAD", "OPTIONS")


@dataclass(slots=True)
class Asked:
    """A request as it came. `content` is null where it is larger than `MOST_PARSED`. `scope`: the numbers of the
    commands that may have caused it, the likeliest first; empty where nothing is known."""

    method: str
    url: str
    headers: Sequence[tuple[bytes, bytes]]
    content: bytes | None = b""
    sha256: str = _EMPTY_HASH
    scope: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.url}"


class How(StrEnum):
    EXACT = "exact"
    """The same request."""
    VOLATILE = "volatile"
    """The same but for values of chance."""
    SUBSTITUTED = "substituted"
    """These were put into the answer where the recorded ones stood."""
    REPEATED = "repeated"
    """Asked more often than recorded, where all recorded answers are the same."""


@dataclass(slots=True)
class Match:
    """`causes` name the fields that differed. `held`: its client has this answer and asks whether it still holds."""

    flow: Flow
    how: How
    causes: tuple[str, ...]
    echo: Echo | None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that nothing recorded answers, the nearest recorded one, and where the two part."""

    asked: Asked
    flow: Flow | None
    parting: Parting


class _Queue:
    """Flows that one key and one step have in common, in their order."""

    __slots__ = ("_alike", "cookies", "flows", "next")

    def __init__(self) -> None:
        self.flows: list[_Entry] = []
        self.next = 0
        self.cookies = False
        self._alike: bool | None = None

    @property
    def alike(self) -> bool:
        """All of them got the same answer."""
        if self._alike is None:
            self._alike = _alike(self.flows)
        return self._alike

    def first(self, asked: Asked) -> _Entry | None:
        """The next that was not asked for yet; where recorded cookies differ, the next with the same ones."""
        flows = self.flows
        while self.next < len(flows) and flows[self.next].used:
            self.next += 1
        if self.next >= len(flows):
            return None
        if self.cookies:
            mine = fields.header(asked.headers, b"cookie")
            near = flows[self.next : self.next + _MOST_TIED]
            same = (e for e in near if not e.used and e.cookie == mine)
            return next(same, flows[self.next])
        return flows[self.next]


@dataclass(slots=True, eq=False)
class _Entry:
    flow: Flow
    form: Form
    variant: tuple[str, ...]
    cookie: bytes | None
    used: bool = False


class _Group:
    """Flows of one key, by step. `chosen` are the positions of `fields.CHOOSING` in which they differ."""

    __slots__ = ("alone", "chosen", "entries", "queues")

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self.chosen: tuple[int, ...] = ()
        self.alone = False
        """No other recorded request is the same but for chance."""
        self.queues: dict[tuple[int | None, tuple[str, ...]], _Queue] = {}

    def close(self) -> None:
        """Called when all entries are there."""
        values = list(zip(*(e.variant for e in self.entries), strict=True))
        self.chosen = tuple(i for i, one in enumerate(values) if len(set(one)) > 1)
        for entry in self.entries:
            for step in (*entry.flow.scopes, None):
                queue = self.queues.setdefault((step, self._choice(entry.variant)), _Queue())
                queue.cookies |= bool(queue.flows) and queue.flows[0].cookie != entry.cookie
                queue.flows.append(entry)

    def _choice(self, variant: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(variant[i] for i in self.chosen)

    def queue(self, step: int | None, asked: Asked) -> _Queue | None:
        if not self.chosen:
            return self.queues.get((step, ()))
        mine = fields.variant(tuple(asked.headers))
        found = self.queues.get((step, self._choice(mine)))
        if found is not None or fields.CHOOSING.index(b"authorization") in self.chosen:
            return found
        # What else differs is a preference of the client: any is better than none.
        return next((q for (s, _), q in self.queues.items() if s == step), None)


class Matcher:
    """Answers requests from one recording; remembers what was asked for. Not for several threads at once."""

    def __init__(self, recording: Recording, stand_in: str = "") -> None:
        """`stand_in` is what is typed for each character that was withheld from the recording; empty: nothing is."""
        self.recording = recording
        self._stand_in = stand_in
        alike: dict[tuple[object, ...], Form] = {}
        self._entries = [_entry(flow, alike) for flow in recording.flows]
        self._raw: dict[tuple[str, str, str], _Group] = {}
        self._exact: dict[tuple[object, ...], _Group] = defaultdict(_Group)
        self._loose: dict[tuple[object, ...], _Group] = defaultdict(_Group)
        for entry in self._entries:
            self._exact[entry.form.exact].entries.append(entry)
            self._loose[entry.form.loose].entries.append(entry)
        for group in (*self._exact.values(), *self._loose.values()):
            group.close()
        self._index_raw()
        self._misses = 0

    def _index_raw(self) -> None:
        """A way past all parsing, for requests of which each byte that counts is as recorded."""
        strict = {key for key, group in self._exact.items() if _has_headers(group.entries[0].form)}
        twice: set[tuple[str, str, str]] = set()
        tied = {e.form.exact[:4] for e in self._entries if e.form.exact in strict or e.form.counters}
        for key, group in self._exact.items():
            same_but_for_chance = self._loose[group.entries[0].form.loose].entries
            group.alone = len(same_but_for_chance) == len(group.entries)
            if key[:4] not in tied:
                for entry in group.entries:
                    request = entry.flow.request
                    raw = (request.method, request.url, _hash(entry.flow))
                    if self._raw.setdefault(raw, group) is not group:
                        twice.add(raw)
        for raw in twice:
            del self._raw[raw]

    def match(self, asked: Asked) -> Match | Miss:
        """The flow that answers, which no later request gets then; else the nearest miss."""
        group = self._raw.get((asked.method, asked.url, asked.sha256))
        if group is not None and not _conditional(asked):
            for step in asked.scope:
                queue = group.queue(step, asked)
                if queue is not None and (entry := queue.first(asked)) is not None:
                    entry.used = True
                    return Match(entry.flow, How.EXACT, (), None)
            if group.alone and asked.scope and (entry := _repeated(group, asked)) is not None:
                return Match(entry.flow, How.REPEATED, (), None)
        mine = form(asked.method, targets.parse(asked.url), asked.headers, asked.content, asked.sha256)
        groups = [self._exact.get(mine.exact), self._loose.get(mine.loose)]
        for group in groups:
            if group is not None and (entry := self._unused(group, asked)) is not None:
                entry.used = True
                return _matched(entry, mine)
        if self._stand_in and (entry := self._withheld(mine, asked)) is not None:
            entry.used = True
            return _matched(entry, mine)
        for group in groups:
            if group is not None and (entry := _repeated(group, asked)) is not None:
                match = _matched(entry, mine)
                return Match(match.flow, How.REPEATED, match.causes, match.echo)
        if (entry := self._held(asked)) is not None:
            return Match(entry.flow, How.REPEATED, (), None, held=True)
        self._misses += 1
        if self._misses > _MOST_EXPLAINED:
            return Miss(asked, None, Parting("request", "", str(asked)[:200]))
        flow, parting = nearest(asked.scope, mine, [(e.flow, e.form, e.used) for e in self._entries])
        return Miss(asked, flow, parting)

    def _held(self, asked: Asked) -> _Entry | None:
        """The answer that a client was given here and asks about by its validator. When a cache asks again depends on
        the day; the recording's did not, so it held."""
        if asked.method != "GET":
            return None
        wanted = [fields.header(asked.headers, name) for name in _VALIDATED]
        others = [(name, value) for name, value in asked.headers if name.lower() not in _VALIDATED]
        if not any(wanted) or len(others) + sum(map(bool, wanted)) != len(asked.headers):
            return None
        target = targets.parse(asked.url)
        group = self._exact.get(form(asked.method, target, others, asked.content, asked.sha256).exact)
        for entry in reversed(group.entries) if group is not None else ():
            said = entry.flow.response
            if entry.used and said is not None and said.status == 200:
                mine = [fields.header(said.headers, name) for name in _VALIDATORS]
                return entry if all(w in (None, m) for w, m in zip(wanted, mine, strict=True)) else None
        return None

    def _withheld(self, mine: Form, asked: Asked) -> _Entry | None:
        """The next of this step that is the same if stand-ins are taken for as many characters."""
        typed = [
            i for i, field in enumerate(mine.fields) if field.value and not field.value.strip(self._stand_in)
        ]
        if not typed:
            return None
        for entry in self._entries:
            near = not entry.used and not entry.flow.scopes.isdisjoint(asked.scope)
            if near and _but_for(entry.form, mine, typed):
                return entry
        return None

    def unasked(self) -> list[Flow]:
        """Recorded flows that nobody asked for."""
        return [entry.flow for entry in self._entries if not entry.used]

    def _unused(self, group: _Group, asked: Asked) -> _Entry | None:
        for step in asked.scope:
            queue = group.queue(step, asked)
            if queue is not None and (entry := queue.first(asked)) is not None:
                return entry
        if asked.scope:
            return None
        # Nothing says which step asks: only where all that is left says the same, or belongs to one step.
        queue = group.queue(None, asked)
        left = [entry for entry in queue.flows if not entry.used] if queue else []
        alike = _alike(left) or len({entry.flow.moment for entry in left}) == 1
        return left[0] if left and alike else None


def _entry(flow: Flow, alike: dict[tuple[object, ...], Form]) -> _Entry:
    """`alike` are the forms that there are: the same request has the same one."""
    request = flow.request
    key = (request.method, request.url, request.headers, _hash(flow))
    made = alike.get(key)
    if made is None:
        made = alike[key] = form(request.method, request.target, request.headers, request.content, key[-1])
    return _Entry(flow, made, fields.variant(request.headers), fields.header(request.headers, b"cookie"))


def _hash(flow: Flow) -> str:
    body = flow.request.body
    return body.blob or (_EMPTY_HASH if body.size == 0 else "not kept")


def _has_headers(form: Form) -> bool:
    return any(field.place == "header" for field in form.fields)


def _conditional(asked: Asked) -> bool:
    for name, _ in asked.headers:  # noqa: SIM110 - three times as fast as any()
        if name.lower() in fields.STRICT:
            return True
    return False


def _but_for(recorded: Form, asked: Form, typed: Sequence[int]) -> bool:
    """Whether the two are the same but for chance, and for the fields at `typed`, which have the same length."""
    if recorded.loose[:-1] != asked.loose[:-1] or len(recorded.fields) != len(asked.fields):
        return False
    was, now = recorded.loose[-1], asked.loose[-1]
    assert isinstance(was, tuple)
    assert isinstance(now, tuple)
    return all(
        (a.place, a.name) == (b.place, b.name) and len(recorded.fields[i].value) == len(asked.fields[i].value)
        if i in typed
        else a == b
        for i, (a, b) in enumerate(zip(was, now, strict=True))
    )


def _matched(entry: _Entry, asked: Form) -> Match:
    recorded = entry.form
    pairs: list[tuple[str, str]] = []
    causes: list[str] = []
    if recorded.target.path != asked.target.path:
        causes.append("path")
    for was, now in zip(recorded.fields, asked.fields, strict=True):
        if was.value != now.value:
            causes.append(str(was))
            if len(was.value) <= _LONGEST_ECHO:
                pairs.append((was.value, now.value))
    pairs += [(a.text, b.text) for a, b in zip(recorded.tokens, asked.tokens, strict=False) if a != b]
    counters = list(zip(recorded.counters, asked.counters, strict=False))
    if recorded.counters != asked.counters:
        causes.append("id of a call")
    if not causes:
        return Match(entry.flow, How.EXACT, (), None)
    echo = Echo(pairs, counters)
    return Match(entry.flow, How.VOLATILE, tuple(dict.fromkeys(causes)), echo or None)


def _repeated(group: _Group, asked: Asked) -> _Entry | None:
    """The last of those that were asked for in this step, if they all said the same and asking changes nothing."""
    if asked.method not in _REPEATABLE:
        return None
    for step in asked.scope or (None,):
        queue = group.queue(step, asked)
        if queue is not None and queue.flows and queue.alike:
            return queue.flows[-1]
    return None


def _alike(entries: Sequence[_Entry]) -> bool:
    return len({_answer(entry.flow) for entry in entries}) == 1


def _answer(flow: Flow) -> tuple[object, ...]:
    said = flow.response
    if said is None or flow.messages:
        return (flow.number,) if flow.messages else ()
    moved = tuple(v for n, v in said.headers if n.lower() in (b"location", b"set-cookie"))
    return (said.status, said.body.blob, said.body.size, moved)


def count(found: Iterable[Match | Miss]) -> dict[str, int]:
    """How often each way of answering was needed; misses under "miss"."""
    counted: dict[str, int] = defaultdict(int)
    for one in found:
        counted[one.how.value if isinstance(one, Match) else "miss"] += 1
    return dict(counted)


__all__ = ["MOST_PARSED", "Asked", "How", "Match", "Matcher", "Miss", "count"]
