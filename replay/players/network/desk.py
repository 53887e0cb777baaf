"""Where every connection brings its requests: matches, answers, and the log that the verdict is made from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Protocol

from recorder.trace.errors import ReenactError
from replay.players.network import answers
from replay.players.network import target as targets
from replay.players.network.answers import Answer, Bodies
from replay.players.network.housekeeping import HOSTS, housekeeping, is_chromium
from replay.players.network.matching import Asked, How, Match, Matcher, Miss
from replay.players.network.recording import Flow, Recording
from replay.players.network.target import normal_authority, split_authority
from replay.players.network.timeline import Timeline

_CACHE = 64 << 20
_TELLS = "mitmproxy"
"""The engine that answers in the place of an origin that does not."""
_MOST_LOGGED = 200_000
_UNSEEN = "its bytes were handed on unseen when it was recorded"


class Connected(Protocol):
    """A connection that can be ended."""

    def close(self, *, hard: bool = False) -> None: ...


Scope = Callable[[], tuple[int, ...]]
"""The numbers of the commands that run now, the likeliest cause of a request first."""


class Trust(Enum):
    """How a certificate was received when it was recorded."""

    GIVEN = auto()
    REFUSED = auto()
    """The program did not trust the proxy."""
    UNVERIFIED = auto()
    """The origin's own did not verify, and the proxy's mirrored that."""


@dataclass(slots=True)
class Served:
    """A request that was answered, or met the recorded error. `step` is the command that it counts for."""

    step: int | None
    flow: Flow
    how: How
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """What nothing recorded answers: a request, a name, a place, a message. `nearest` is the nearest recorded."""

    step: int | None
    asked: str
    nearest: str | None
    where: str
    expected: str
    observed: str


@dataclass(slots=True)
class NetworkReport:
    """All that a replay asked of its network, in order, and the recorded flows that nobody asked for.

    Chromium's own calls are in neither: there were `housekeeping` of them. `unlogged` requests came after the log
    was full; `faults` are errors of ours.
    """

    served: list[Served] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unasked: list[Flow] = field(default_factory=list)
    housekeeping: int = 0
    unlogged: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many requests were answered in each way; those refused under "refused"."""
        counted = {how.value: 0 for how in How} | {"refused": len(self.refused)}
        for one in self.served:
            counted[one.how.value] += 1
        return counted


class Desk:
    """Belongs to the server's thread. `scope` is asked once a request."""

    def __init__(
        self,
        recording: Recording,
        bodies: Bodies,
        scope: Scope,
        *,
        paced: bool = False,
        timeline: Timeline | None = None,
        stand_in: str = "",
    ) -> None:
        self.recording = recording
        self.timeline = timeline
        self.bodies = bodies
        self.paced = paced
        self.report = NetworkReport()
        self.scope = scope
        self.connections: set[Connected] = set()
        self._matcher = Matcher(recording, stand_in)
        self._known = recording.authorities
        self._chromium = any(is_chromium(flow.request.headers) for flow in recording.flows)
        engines = {
            started.engine
            for started in recording.started
            if started.engine.startswith(_TELLS) and not started.everywhere
        }
        self._engine = min(engines, default=None)
        self._bases: dict[tuple[str, tuple[str, ...]], str] = {}
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached = 0

    def waits(self, match: Match | None) -> bool:
        """Whether the answer's time has not come."""
        return match is not None and self.timeline is not None and self.timeline.waits(_begins(match.flow))

    async def until(self, flow: Flow, t: int | None = None, *, stream: bool = False) -> None:
        """Returns when the answer's time has come, or that of its piece, `t` ns after the request."""
        if self.timeline is not None:
            await self.timeline.until(_begins(flow) if t is None else flow.asked + t, stream=stream)

    def base(self, scheme: str, candidates: tuple[str, ...]) -> str:
        """scheme://authority for a request: the first authority that was recorded, else the first that there is."""
        found = self._bases.get((scheme, candidates))
        if found is None:
            named = [name for name in candidates if name]
            known = (n for n in named if (scheme, normal_authority(n, scheme)) in self._known)
            found = f"{scheme}://{next(known, named[0] if named else '')}"
            if len(self._bases) < 10_000:
                self._bases[scheme, candidates] = found
        return found

    def ask(self, asked: Asked) -> tuple[Answer | None, Match | None]:
        """The answer and what it was matched by. No answer: the connection ends without one, as it did."""
        found = self._matcher.match(asked)
        step = asked.scope[0] if asked.scope else None
        own = housekeeping(*_place(asked.url), asked.headers)
        self.report.housekeeping += own
        if isinstance(found, Miss):
            if own:
                return answers.missed(found), None
            self._refuse(
                Refused(
                    step,
                    str(asked)[:500],
                    str(found.flow)[:500] if found.flow else None,
                    found.parting.where,
                    found.parting.expected,
                    found.parting.observed,
                )
            )
            return answers.missed(found), None
        flow = found.flow
        said = flow.response
        if said is not None and said.body.skipped is not None:
            why = f"its body was not kept: {said.body.skipped}"
            self._refuse(Refused(step, str(asked)[:500], str(flow)[:500], "answer", why, "the body"))
            return answers.failure(why), None
        try:
            body = self._body(said.body.blob, said.body.size) if said is not None else b""
        except ReenactError as error:
            self.fault(f"{flow}: {error}")
            return None, None
        answer = answers.recorded(flow, found, body)
        if said is None and flow.error and self._engine and not flow.abandoned:
            answer = answers.gateway_error(self._engine, flow.error)
        how = found.how
        if how is How.VOLATILE and answer is not None and said is not None:
            moved = answer.headers != said.headers or (body is not None and answer.body != body)
            how = How.SUBSTITUTED if moved else how
        if own:
            pass
        elif len(self.report.served) < _MOST_LOGGED:
            mine = step
            if step not in (flow.command, flow.moment):
                scopes = flow.scopes
                mine = next((n for n in asked.scope if n in scopes), step)
            self.report.served.append(Served(mine, flow, how, found.causes))
        else:
            self.report.unlogged += 1
        return answer, found

    def refuse(self, asked: str, where: str, expected: str, nearest: str | None = None) -> None:
        """Logs something else than a request that nothing recorded answers."""
        scope = self.scope()
        self._refuse(Refused(scope[0] if scope else None, asked[:500], nearest, where, expected, asked[:200]))

    def fault(self, text: str) -> None:
        """Logs an error of ours."""
        if len(self.report.faults) < 100:
            self.report.faults.append(text[:500])

    def name(self, name: str) -> None:
        """Logs a name that was never asked for when it was recorded."""
        if self._chromium and HOSTS.fullmatch(name):
            self.report.housekeeping += 1
        else:
            self.refuse(f"the name {name}", "name", "never asked for")

    def reachable(self, authority: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> str | None:
        """Null if a tunnel to host:port leads to something recorded, else why it does not; that is logged.
        `headers` are those of the request for it.

        A place that refused when it was recorded refuses again, which is no divergence.
        """
        place = _address(authority)
        host = split_authority(authority)[0]
        recording = self.recording
        if place in recording.refused:
            return "refused, as recorded"
        here = {(scheme, normal_authority(authority, scheme)) for scheme in ("http", "https")}
        if here & self._known or place in recording.captured or self.distrusted(place):
            return None
        if housekeeping(host, "", headers):
            self.report.housekeeping += 1
            return "no recorded answer"
        if place in recording.passed:
            self.refuse(f"connection to {place}", "connection", _UNSEEN)
            return _UNSEEN
        self.refuse(f"connection to {place}", "host", ", ".join(sorted(recording.hosts)[:5]))
        return "no recorded answer"

    def open(self, place: str) -> bool:
        """Whether a connection to host:port may say what it wants; logs one that could not be played."""
        recording = self.recording
        if not recording.everywhere or place not in recording.passed - recording.captured:
            return True
        self.refuse(f"connection to {place}", "connection", _UNSEEN, f"connection to {place}: {_UNSEEN}")
        return False

    def trust(self, authority: str) -> Trust:
        """What a program that connects to host:port now should make of the certificate that it is shown."""
        place = _address(authority)
        if place in self.recording.unverified:
            return Trust.UNVERIFIED
        if self.distrusted(place):
            scope = self.scope()
            flows = (flow for flow in self.recording.flows if not flow.scopes.isdisjoint(scope))
            if all(f"{flow.request.target.host}:{flow.request.target.port}" != place for flow in flows):
                return Trust.REFUSED
        return Trust.GIVEN

    def distrusted(self, authority: str) -> bool:
        """Whether a command that runs now ended a connection to host:port over the certificate, when recorded."""
        commands = self.recording.distrusted.get(_address(authority), frozenset())
        return None in commands or not commands.isdisjoint(self.scope())

    def handshake_failed(self, authority: str, error: str) -> None:
        """Logs that a client ended its handshake with host:port."""
        expected = _UNSEEN if _address(authority) in self.recording.passed else "a handshake"
        self.refuse(f"TLS to {authority}: {error}", "TLS handshake", expected)

    def finish(self) -> NetworkReport:
        """The report, whole."""
        self.report.unasked = [
            flow
            for flow in self._matcher.unasked()
            if not housekeeping(flow.request.target.host, flow.request.target.path, flow.request.headers)
        ]
        return self.report

    def _refuse(self, refused: Refused) -> None:
        if len(self.report.refused) < _MOST_LOGGED // 10:
            self.report.refused.append(refused)
        else:
            self.report.unlogged += 1

    def _body(self, digest: str | None, size: int) -> bytes | None:
        """A body whole; null if it is too large for that."""
        if digest is None:
            return b""
        if size > answers.IN_MEMORY:
            return None
        body = self._cache.get(digest)
        if body is None:
            body = self._cache[digest] = self.bodies.blob(digest)
            self._cached += len(body)
            while self._cached > _CACHE and len(self._cache) > 1:
                self._cached -= len(self._cache.popitem(last=False)[1])
        return body


def _begins(flow: Flow) -> int:
    """When its answer began to come; one that came in one piece is there when it is whole."""
    said = flow.response
    return flow.asked + said.first_byte if said is not None and said.pace else flow.answered


@lru_cache(maxsize=4096)
def _place(url: str) -> tuple[str, str]:
    """Host and path of a URL."""
    target = targets.parse(url)
    return target.host, target.path


def _address(authority: str) -> str:
    host, port = split_authority(authority)
    return f"{host}:{port}"


def scope_of(numbers: Sequence[int]) -> Scope:
    """A scope that stays the same."""
    fixed = tuple(numbers)
    return lambda: fixed
