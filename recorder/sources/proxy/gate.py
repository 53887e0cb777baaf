"""The gate: a small process that accepts connections, tells their causes, and keeps an engine alive behind it.

Connections wait in the kernel's queue while it is busy, and in its handover while no engine is there; neither the
shell nor its programs wait for anything else. The engine (see `engine`) is forked from it, so that one that dies is
replaced with nothing forgotten. Where the gate itself dies, the recorder starts another, which goes on with the engine
if that lives: the sockets between the two and what the gate has heard (see `slate`) are the recorder's, too.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from recorder.sources.own_process import Notices, boottime
from recorder.sources.proxy.bypass import Lookout
from recorder.sources.proxy.causes import Causes, Sight
from recorder.sources.proxy.groups import CommandGroups
from recorder.sources.proxy.orders import (
    OVER,
    REPLACED,
    Arrival,
    Begin,
    Death,
    Orders,
    encode_arrival,
    encode_sight,
)
from recorder.sources.proxy.shelf import look
from recorder.sources.proxy.slate import Slate
from recorder.sources.proxy.sockets import SocketTable
from recorder.trace.destination import destination

_WAITING = 64
"""Connections taken from the kernel's queue and not yet handed over."""
_PAUSE = (0.0, 0.05, 0.2, 1.0, 5.0)
"""Before an engine that died at once is replaced."""
_LIVED = 10.0
_MOST_AT_END = 3
"""Engines that die while they end the session's last connections and are replaced."""

Engine = Callable[[Orders, Death | None], int]


class Gate:
    """The running gate. `engine` runs in a forked process and returns its exit code."""

    def __init__(self, begin: Begin, engine: Engine, groups: CommandGroups | None = None) -> None:
        orders = self._orders = begin.orders
        self._predecessor = begin.death
        self._engine = engine
        self._listeners: list[socket.socket] = []
        if orders.listener is not None:
            self._listen(socket.socket(fileno=orders.listener))
        self._shelf = orders.shelf
        """Until what is in it has been taken out."""
        self._handover = socket.socket(fileno=orders.handover[0])
        self._handover.setblocking(False)
        self._slate = Slate(orders.slate)
        self._causes = Causes(groups=groups, clock=boottime, wait=self._hear)
        self._notices = Notices(orders.notices)
        self._ended = begin.over
        self._seen: deque[tuple[int, socket.socket, tuple[str, int] | None, Sight]] = deque()
        self._waiting: deque[tuple[bytes, socket.socket | None]] = deque()
        """What goes to the engine: packets, each with the connection that it is about."""
        self._lookout: Lookout | None = None
        if orders.listener is not None:
            own = self._listeners[0].getsockname()
            self._lookout = Lookout(SocketTable(), self._causes.owner, self._causes.foreign, own, boottime)
        self._pid, self._pidfd = 0, -1
        self._begun, self._failures = 0.0, 0

    def run(self) -> int:
        """Works until the session ends. Returns 0 where the engine drained all there was."""
        with suppress(OSError):
            # Where we may: a program that connects and ends is gone soon.
            os.setpriority(os.PRIO_PROCESS, 0, -5)
        for words in self._slate.heard():
            self._causes.notice(words)
        self._begin()
        while not self._ended:
            self._step()
        self._accept()
        self._look_out()
        for listener in self._listeners:
            listener.close()
        status = self._finish()
        self._causes.close()
        return status

    def _begin(self) -> None:
        self._pid = self._slate[Slate.ENGINE]
        with suppress(ProcessLookupError):
            self._pidfd = os.pidfd_open(self._pid) if self._pid else -1
        if self._pidfd >= 0 and select.select([self._pidfd], [], [], 0)[0]:
            os.close(self._pidfd)
            self._pidfd = -1
        if self._pidfd < 0:
            self._start(self._predecessor)
        else:
            self._waiting.append((REPLACED, None))

    def _finish(self) -> int:
        """Waits until an engine has ended all that there was; its exit code."""
        self._waiting.append((OVER, None))
        for _ in range(_MOST_AT_END):
            poll = select.poll()
            poll.register(self._pidfd, select.POLLIN)
            ended = False
            while not ended:
                if self._waiting:
                    poll.register(self._handover, select.POLLOUT)
                else:
                    with suppress(KeyError):
                        poll.unregister(self._handover)
                ended = self._pidfd in {fd for fd, _ in poll.poll()}
                self._pass_on()
            status = self._reap()
            if status is None or status >= 0:
                return status or 0
            self._start(self._death(status))
            self._waiting.append((OVER, None))  # the dead one may have taken the word with it
        return 70

    # -- the loop -------------------------------------------------------------------------------

    def _step(self) -> None:
        poll = select.poll()
        poll.register(self._orders.notices, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        if self._shelf is not None:
            poll.register(self._shelf, select.POLLIN)
        for listener in self._listeners if self._room else []:
            poll.register(listener, select.POLLIN)
        if self._waiting:
            poll.register(self._handover, select.POLLOUT)
        ready = {fd for fd, _ in poll.poll(self._pause())}
        # First who has come, as long as they are there; but what was told before is known when one is judged.
        if any(listener.fileno() in ready for listener in self._listeners):
            self._look()
        self._hear_now()
        if self._pidfd in ready:
            self._replace()
        if self._shelf in ready:
            self._take_out()
        self._accept()
        if self._pause() == 0:
            self._look_out()
        self._pass_on()

    def _pause(self) -> float | None:
        """Milliseconds until the next look for what goes past us; None: there is none."""
        if self._lookout is None or self._causes.kin is None:
            return None
        return self._lookout.due(self._causes.history.began) / 1e6

    def _look_out(self) -> None:
        if self._lookout is None or self._causes.kin is None:
            return
        for bypass in self._lookout.end() if self._ended else self._lookout.look():
            told = replace(bypass, n=self._slate.add(Slate.CONNECTIONS))
            self._waiting.append((encode_sight(told), None))
        for serving in self._lookout.serving():
            self._waiting.append((encode_sight(serving), None))

    def _listen(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        self._listeners.append(listener)

    def _take_out(self) -> None:
        """The session's own network is there: programs come in by it."""
        assert self._shelf is not None
        sockets = look(self._shelf, ("tcp", "diag"))
        self._shelf = None
        for listener in sockets["tcp"]:
            self._listen(listener)
        for table in sockets["diag"]:
            self._causes.ask(table)

    def _accept(self) -> None:
        self._look()
        if self._seen:
            self._hear_now()
        while self._seen:
            t, connection, wanted, sight = self._seen.popleft()
            number = self._slate.add(Slate.CONNECTIONS)
            arrival = Arrival(n=number, t=t, cause=self._causes.judge(sight), destination=wanted)
            self._waiting.append((encode_arrival(arrival), connection))
            self._pass_on()

    @property
    def _room(self) -> bool:
        return len(self._waiting) + len(self._seen) < _WAITING

    def _look(self) -> None:
        """Looks at all that came, before one is judged and while it is: that may take a while, and programs end."""
        for listener in self._listeners:
            while self._room or self._ended:
                try:
                    connection, client = listener.accept()
                except OSError:
                    break  # none; or no descriptors left: the others wait in the kernel's queue
                wanted = destination(connection) if self._orders.listener is None else None
                sight = self._causes.look(client[:2], wanted or connection.getsockname())
                self._seen.append((boottime(), connection, wanted, sight))

    def _pass_on(self) -> None:
        while self._waiting:
            packet, connection = self._waiting[0]
            try:
                socket.send_fds(self._handover, [packet], [] if connection is None else [connection.fileno()])
            except BlockingIOError:
                return
            self._waiting.popleft()
            if connection is not None:
                connection.close()

    # -- notices --------------------------------------------------------------------------------

    def _hear(self, until: int) -> bool:
        """Waits for notices until then (CLOCK_BOOTTIME); False when it is over."""
        timeout = (until - boottime()) / 1e6
        if timeout <= 0 or self._ended:
            return False
        listening = [listener.fileno() for listener in self._listeners] if self._room else []
        ready = select.select([self._orders.notices, *listening], [], [], timeout / 1e3)[0]
        if set(ready) & set(listening):
            self._look()
        self._hear_now()
        return True

    def _hear_now(self) -> None:
        if self._ended:
            return
        heard = self._notices.read()
        told = [words for words in heard if words != [b"Q"]]
        for words in told:
            if len(words) < 3 and words[0] in (b"C", b"P"):
                words.append(b"%d" % boottime())
            self._slate.hear(words)
            self._causes.notice(words)
        self._ended = self._notices.ended or len(told) < len(heard)
        if told:
            self._causes.survey()

    # -- the engine -----------------------------------------------------------------------------

    def _start(self, death: Death | None) -> None:
        self._begun = time.monotonic()
        if death is not None:
            death = replace(death, engine=self._slate[Slate.ENGINE])
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                self._slate[Slate.ENGINE] = os.getpid()
                os.setpriority(os.PRIO_PROCESS, 0, 0)
                # With the gate's end open here its death, and the recorder's, would go unseen; a port on which
                # nobody accepts any more must refuse.
                self._handover.close()
                for listener in self._listeners:
                    listener.close()
                os.close(self._orders.notices)
                for _, waiting in self._waiting:
                    if waiting is not None:
                        waiting.close()
                for _, connection, _, _ in self._seen:
                    connection.close()
                if self._pidfd >= 0:
                    os.close(self._pidfd)
                self._causes.close()
                status = self._engine(self._orders, death)
            finally:
                os._exit(status)
        self._pid, self._pidfd = pid, os.pidfd_open(pid)
        self._slate[Slate.ENGINE] = pid

    def _replace(self) -> None:
        death = self._death(self._reap())
        lived = time.monotonic() - self._begun
        self._failures = 0 if lived > _LIVED else min(self._failures + 1, len(_PAUSE) - 1)
        time.sleep(_PAUSE[self._failures] if lived < 1 else 0)
        self._start(death)

    def _reap(self) -> int | None:
        """The exit code of the engine that ended; None where an earlier gate has started it."""
        os.close(self._pidfd)
        self._pidfd = -1
        try:
            return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        except ChildProcessError:
            return None

    def _death(self, status: int | None) -> Death:
        how = (
            "how is unknown" if status is None else f"signal {-status}" if status < 0 else f"status {status}"
        )
        return Death(t=boottime(), how=how)
