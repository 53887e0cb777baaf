"""The workers of a browser's pages: each is given the replay's clock and chance before its own script begins."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from msgspec import Struct, field, json

from browser_ext import CLOCK, EXTENSION_ID
from replay.players.browser.cdp import Devtools, Failed, Said, Slow

_KINDS = frozenset(("worker", "shared_worker", "service_worker"))
_PATIENCE_SECONDS = 10.0
_LOADING_SECONDS = 0.1
_MOST_SALT = 2000


class Worker(Struct, eq=False):
    """One by the browser's ids. `within` is the session of the page or worker that made it, empty where several share
    it; `target` is what its script's request is called, too. One that is `deaf` has not answered for long; `loading`
    are its requests on their way."""

    session: str
    within: str
    target: str
    url: str
    deaf: bool = False
    loading: set[str] = field(default_factory=set)


class Workers:
    """Attaches to workers by `tools`. `seed` is that of the recorded browser's chance, `remark` takes what is to be
    known of them."""

    def __init__(self, tools: Devtools, seed: int | None, remark: Callable[[str], None]) -> None:
        self._tools = tools
        self._seed = seed
        self._remark = remark
        self._clock = CLOCK.read_text()
        self._by_session: dict[str, Worker] = {}
        self.starting: set[str] = set()
        """Targets whose script is on its way."""
        self._made: dict[str, int] = {}
        """What the salt of a worker's chance begins with -> how many there were."""

    def __bool__(self) -> bool:
        """Whether any answers."""
        return any(map(self._answers, self._by_session.values()))

    def _answers(self, worker: Worker) -> bool:
        return not worker.deaf and worker.target not in self.starting

    def watch(self, session: str) -> None:
        """What the page or worker of a session makes of workers waits for `attach`."""
        self._tools.send(
            "Target.setAutoAttach", session, autoAttach=True, waitForDebuggerOnStart=True, flatten=True,
            filter=[{"type": "worker"}],
        )  # fmt: skip

    def attach(self, info: Said, session: str, within: str, now: float, user_agent: Said | None) -> None:
        """Takes one that waits to begin, at `now` (Unix ms); then it begins. Others than pages' workers just begin."""
        send = self._tools.send
        url = str(info.get("url", ""))
        kind = str(info["type"])
        if kind in _KINDS and not url.startswith(f"chrome-extension://{EXTENSION_ID}/"):
            self._by_session[session] = Worker(session, within, str(info["targetId"]), url)
            self.starting.add(str(info["targetId"]))
            salt = json.encode(self._salt(kind, url)).decode() if self._seed is not None else "null"
            work = f"{self._clock}\n__reenactClock.work({now!r}, {salt});"
            send("Runtime.evaluate", session, expression=work)
            # Those that it makes itself.
            self.watch(session)
            send("Network.enable", session, maxTotalBufferSize=0, maxResourceBufferSize=0)
            if user_agent is not None:
                send("Emulation.setUserAgentOverride", session, **user_agent)
        send("Runtime.runIfWaitingForDebugger", session)

    def _salt(self, kind: str, url: str) -> str:
        """What tells it from others: workers begin with one and the same Math.random."""
        plain = "blob:" if url.startswith("blob:") else url.partition("#")[0][:_MOST_SALT]
        salt = f"{self._seed} {kind} {plain}"
        self._made[salt] = self._made.get(salt, -1) + 1
        return f"{salt} {self._made[salt]}"

    def detach(self, session: str) -> bool:
        """One is gone. Returns whether it was one."""
        worker = self._by_session.pop(session, None)
        if worker is not None:
            self.starting.discard(worker.target)
        return worker is not None

    def page_of(self, session: str) -> str | None:
        """The session of the page that a worker belongs to; None: it is none, or several pages'."""
        for _ in range(len(self._by_session)):
            worker = self._by_session.get(session)
            if worker is None:
                break
            session = worker.within
            if session not in self._by_session:
                return session or None
        return None

    def loads(self, session: str, method: str, params: Said) -> None:
        """Takes word of what a page or a worker asks for: a worker's script, or what it may wait for."""
        worker = self._by_session.get(session)
        if method == "Inspector.workerScriptLoaded" and worker is not None:
            self.starting.discard(worker.target)
        number = str(params.get("requestId"))
        if method == "Network.requestWillBeSent":
            if "." not in number and number != params.get("loaderId"):
                self.starting.add(number)
            elif worker is not None:
                worker.loading.add(number)
        elif method == "Network.loadingFailed":
            self.starting.discard(number)
        if method in ("Network.loadingFinished", "Network.loadingFailed") and worker is not None:
            worker.loading.discard(number)

    def call(self, expression: str) -> dict[str, object]:
        """Session -> what a script gives in each that answers. One that computes is waited for, but not for ever."""
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True}
        asked = [
            (worker, self._tools.begin("Runtime.evaluate", worker.session, **params))
            for worker in self._by_session.values()
            if self._answers(worker)
        ]
        told: dict[str, object] = {}
        end = time.monotonic() + _PATIENCE_SECONDS
        for worker, number in asked:
            patience = _LOADING_SECONDS if worker.loading else max(0.01, end - time.monotonic())
            try:
                said = self._tools.answer(number, "Runtime.evaluate", patience)
            except Failed:  # it ended
                continue
            except Slow:
                if not worker.loading:
                    self._remark(f"the worker {worker.url[:200]} was busy for {_PATIENCE_SECONDS:g} s")
                worker.deaf = True
                again = partial(_hears, worker)
                self._tools.send("Runtime.evaluate", worker.session, then=again, expression="0")
                continue
            told[worker.session] = said.get("result", {}).get("value")
        return told


def _hears(worker: Worker, said: Said) -> None:
    worker.deaf = False
