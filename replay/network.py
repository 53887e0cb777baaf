"""The network of one replay: where the trace recorded one, it is played inside the sandbox; else there is none."""

from __future__ import annotations

import ipaddress
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath

from recorder.trace.codec import Decoded
from recorder.trace.errors import Unsupported
from recorder.trace.events import (
    AnyEvent,
    CommandStarted,
    Connected,
    FlowRequested,
    NetworkStarted,
    PageEvent,
    TerminalStarted,
    unescape_path,
)
from recorder.trace.reader import Trace
from recorder.trace.requests import ends_of_requests
from recorder.trace.steps import leaves_job
from replay.players.browser.keyboard import STAND_IN
from replay.players.network.desk import NetworkReport
from replay.players.network.matching import How
from replay.players.network.recording import Flow, Recording
from replay.players.network.target import split_authority
from replay.players.network.timeline import Timeline
from replay.sandbox.bridge import Bridge
from replay.sandbox.ports import open_everywhere, open_ports
from replay.sandbox.trust import BUNDLES
from replay.verify.network import StepNetwork, Unanswered

_WELL_KNOWN = (80, 443)
_MOST_BEHIND = 16
_MOST_BUNDLE = 16 << 20
_CHROMIUM = "REENACT_CHROMIUM_FLAGS"
_TRUST = "--ignore-certificate-errors-spki-list="
_SPKI = re.compile(rf"({_TRUST})\S+")
_CONFINED = "--no-sandbox --disable-dev-shm-usage"
"""Chromium's own sandbox is made of namespaces, which nobody inside ours may make; /dev/shm is small."""


_PROXY = NetworkStarted(
    t=0,
    source="browser/1",
    address="127.0.0.1:8080",
    engine="browser",
    certificate="0" * 64,
    trust="",
    upstream=None,
)
"""Where a browser is sent that had no proxy when it was recorded."""


class Network:
    """What a recorded network needs of a sandbox, and what it tells afterwards.

    `browser`: it is a browser's alone, so every flow may answer at any time, and `command` only says for which step a
    request counts. Else `command` is to be kept at the number of the command that was entered last; `started` gives
    that of the one that is known to have started, and is called from the network's own thread.
    """

    def __init__(
        self, trace: Trace, events: Sequence[AnyEvent], *, paced: bool, browser: bool = False
    ) -> None:
        self._browser = browser
        self._far: tuple[int, tuple[int, ...]] = (0, ())
        try:  # what serves is loaded only where there is something to serve
            from replay.players.network.server import NetworkPlayer
        except ImportError as error:
            raise Unsupported(f"a recorded network needs {error.name}: pip install {error.name}") from error
        self.command = 0
        self.started: Callable[[], int] = lambda: 0
        self._recording = Recording.of(events, trace.blob)
        for flow, ended in _ended(self._recording.flows, events) if browser else ():
            flow.answered = ended
        if browser and not any(started.address for started in self._recording.started):
            # It told its network itself; here it is led to us by a proxy, for loopback is nobody's but the session's.
            self._recording = replace(self._recording, started=(*self._recording.started, _PROXY))
        self._behind = [e.n for e in events if isinstance(e, CommandStarted) and leaves_job(e.text)]
        self.timeline = Timeline() if browser and not paced else None
        """Where there is one, answers come in the order of the recording, at the times that it is moved to."""
        self._player = NetworkPlayer(
            self._recording,
            trace,
            self._scope,
            paced=paced,
            timeline=self.timeline,
            stand_in=_stand_in(events),
        )

    @property
    def trust(self) -> bytes:
        """The authority that the sandbox's programs must trust, as PEM."""
        return self._player.trust

    def environment(self, env: Mapping[str, str]) -> dict[str, str]:
        """The recorded variables, those that name the recorded authority's key changed to name ours."""
        flags = env.get(_CHROMIUM)
        if flags is None:
            return dict(env)
        trusting = _SPKI.sub(lambda flag: flag.group(1) + self._player.spki, flags)
        return {**env, _CHROMIUM: f"{trusting} {_CONFINED}"}

    def browser_flags(self) -> list[str]:
        """What sends a recorded browser to the recorded proxy, and has it trust our authority."""
        flags = [f"{_TRUST}{self._player.spki}"]
        addresses = [started.address for started in self._recording.started if not started.everywhere]
        if addresses:
            flags += [f"--proxy-server=http://{addresses[0]}", self._bypassing()]
        return flags

    def lead(self, far: int, ports: Iterable[int]) -> None:
        """A browser's connections to these ports of loopback go to the servers in the network of process `far`, the
        first of another sandbox, and not to the recording. To be called before `browser_flags`."""
        self._far = far, tuple(ports)

    def _bypassing(self) -> str:
        places = (f"{host}:{port}" for port in self._far[1] for host in ("127.0.0.1", "localhost", "[::1]"))
        return f"--proxy-bypass-list={';'.join(('<-loopback>', *places))}"

    def prepare(self, pid: int, stack: ExitStack) -> None:
        """Serves from now on in the network namespace of this process; `stack` ends it. Raises Unsupported."""
        everywhere = self._recording.everywhere
        ports = open_everywhere(pid) if everywhere else open_ports(pid, self._places())
        for table in ports.tables:
            table.close()
        self._player.start(ports.listeners, ports.names, ports.name_listeners)
        stack.callback(self._player.stop)
        far, direct = self._far
        if direct:
            stack.enter_context(Bridge(pid, far, direct))

    def files(self, terminal: TerminalStarted, session_folder: str) -> dict[str, bytes]:
        """Files below the session folder, by relative path: what recorded programs trusted the proxy by."""
        bundle = b"".join(_bundle(path) for path in BUNDLES[:2])
        made: dict[str, bytes] = {}
        for started in self._recording.started:
            place = _below(started.trust, session_folder)
            if place is None:
                continue
            made[place] = bundle + self.trust
            wgetrc = _below(terminal.env.get("WGETRC", ""), session_folder)
            if wgetrc is not None and PurePosixPath(wgetrc).parent == PurePosixPath(place).parent:
                made[wgetrc] = b"ca_certificate = " + os.fsencode(f"{session_folder}/{place}") + b"\n"
        return made

    def stop(self) -> NetworkReport:
        """Ends it; what was asked for."""
        return self._player.stop()

    def _places(self) -> list[tuple[str, int]]:
        """Where to listen: at the well-known ports everywhere; at other ports only at recorded hosts, since the
        session's own servers may want them; at the recorded proxies. Loopback is the session's own."""
        places = [("", port) for port in _WELL_KNOWN]
        for started in self._recording.started:
            host, port = split_authority(started.address)
            if port and _is_address(host):
                places.append((host, port))
        for flow in self._recording.flows:
            target = flow.request.target
            for host in self._player.names.addresses_of(target.host) or [target.host]:
                if target.port not in (0, *_WELL_KNOWN) and _is_address(host) and not _is_loopback(host):
                    places.append((host, target.port))
        return places

    def _scope(self) -> tuple[int, ...]:
        """The command that runs, then those that left a job behind, the last one first."""
        if self._browser:
            return (self.command, 0)
        now = max(self.command, self.started())
        return (now, *[n for n in reversed(self._behind) if n < now][:_MOST_BEHIND])


def network_of(
    trace: Trace, events: Sequence[AnyEvent], *, paced: bool = False, browser: bool = False
) -> Network | None:
    """The trace's network, or that of its `browser` alone; null where it recorded none."""
    told = any(isinstance(event, NetworkStarted | Connected | FlowRequested) for event in events)
    return Network(trace, events, paced=paced, browser=browser) if told else None


def by_step(report: NetworkReport, events: Iterable[Decoded]) -> dict[int, StepNetwork]:
    """What each command asked for, by its number; `events` are the recorded ones."""
    steps = gathered(report, lambda flow, step: _step_of(flow) if flow and step is None else step or 0)
    for event in events:
        if isinstance(event, Connected) and event.handling in ("bypassed", "passed"):
            found = steps.get(event.cause.command or 0)
            if found is not None:
                found.unseen += 1
    return steps


def gathered(
    report: NetworkReport, step_of: Callable[[Flow | None, int | None], int]
) -> dict[int, StepNetwork]:
    """What was asked for, by step. `step_of` tells it by the recorded flow, where one answered or was not asked for,
    and by the step that asked, where one did."""
    steps: dict[int, StepNetwork] = {}

    def step(flow: Flow | None, number: int | None) -> StepNetwork:
        empty = StepNetwork(otherwise=Counter(), unanswered=[], unasked=[])
        return steps.setdefault(step_of(flow, number), empty)

    for served in report.served:
        mine = step(served.flow, served.step or 0)
        mine.answered += 1
        if served.how is How.REPEATED:
            mine.otherwise["asked for more often"] += 1
        elif served.how is not How.EXACT:
            for cause in served.causes:
                mine.otherwise[f"{served.how} {cause}"] += 1
    for refused in report.refused:
        step(None, refused.step).unanswered.append(
            Unanswered(
                asked=refused.asked,
                nearest=refused.nearest,
                where=refused.where,
                expected=refused.expected,
                observed=refused.observed,
            )
        )
    for flow in report.unasked:
        step(flow, None).unasked.append(str(flow))
    return steps


def counts(report: NetworkReport) -> dict[str, int]:
    """How many requests were answered in each way, all ways, and how many recorded ones were never asked for."""
    return report.counts | {"not asked for again": len(report.unasked)}


def remarks(report: NetworkReport) -> list[str]:
    """What else there is to say of the whole replay's network."""
    lines = [f"network: {fault}" for fault in report.faults[:3]]
    if report.housekeeping:
        lines.append(f"network: {report.housekeeping} calls of Chromium's own are left out")
    if report.unlogged:
        lines.append(f"network: {report.unlogged} more requests were not looked into")
    return lines


def _ended(flows: Sequence[Flow], events: Sequence[AnyEvent]) -> Iterable[tuple[Flow, int]]:
    """The flows of which a browser had the answer before the proxy told of it, with that time."""
    ends = ends_of_requests(events)
    for flow in flows:
        ended = ends.get(flow.number)
        if ended is not None and flow.asked < ended < flow.answered:
            yield flow, ended


def _stand_in(events: Iterable[AnyEvent]) -> str:
    """What a browser's player types for what the page's capture withheld; empty where it withheld nothing."""
    return STAND_IN if any(isinstance(event, PageEvent) and event.masked for event in events) else ""


def _step_of(flow: Flow) -> int:
    return flow.moment if flow.command is None else flow.command


def _below(path: str, folder: str) -> str | None:
    """A path relative to `folder`; null where it leads anywhere else."""
    try:
        text = os.fsdecode(unescape_path(path))
    except ValueError:
        return None
    if text.startswith("/"):
        if not text.startswith(folder + "/"):
            return None
        text = text[len(folder) + 1 :]
    parts = text.split("/")
    plain = text and "\0" not in text and len(parts) <= 8 and not {"", ".", ".."} & set(parts)
    return text if plain and all(len(os.fsencode(part)) < 255 for part in parts) else None


def _bundle(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BUNDLE).rstrip() + b"\n"
    except OSError:
        return b""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback


def place(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes `files` below `folder`, none over another. Raises Unsupported where one cannot be placed."""
    for relative, content in files.items():
        target = folder / relative
        try:
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as out:
                out.write(content)
        except OSError as error:
            raise Unsupported(f"the file of trusted certificates cannot be placed: {error}") from error
