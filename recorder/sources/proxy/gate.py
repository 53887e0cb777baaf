"""The gate: a small process that accepts connections, tells their causes, and keeps an engine alive behind it.

Connections wait in the kernel's queue while it is busy, and in its handover while no engine is there; neither the
shell nor its programs wait for anything else. The engine (see `engine`) is forked from it, so that one that dies is
replaced with nothing forgotten. Where the gate itself dies, the engine accepts in its place and tells no causes.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from recorder.sources.own_process import Notices, boottime
from recorder.sources.proxy.causes import Causes, CommandGroups, Sight
from recorder.sources.proxy.orders import Arrival, Orders, Start, encode_arrival

_WAITING = 64
"""Connections taken from the kernel's queue and not yet handed over."""
_PAUSE = (0.0, 0.05, 0.2, 1.0, 5.0)
"""Before an engine that died at once is replaced."""
_LIVED = 10.0

Engine = Callable[[Orders, Start], int]


class Gate:
    """The running gate. `engine` runs in a forked process and returns its exit code."""

    def __init__(self, orders: Orders, engine: Engine, groups: CommandGroups | None = None) -> None:
        self._orders = orders
        self._engine = engine
        self._listener = socket.socket(fileno=orders.listener)
        self._listener.setblocking(False)
        self._handover, self._engine_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._handover.setblocking(False)
        self._causes = Causes(groups=groups, clock=boottime, wait=self._hear)
        self._notices = Notices(orders.notices)
        self._ended = False
        self._count = 0
        self._seen: deque[tuple[int, socket.socket, Sight]] = deque()
        self._waiting: deque[tuple[Arrival, socket.socket]] = deque()
        self._pid, self._pidfd = 0, -1
        self._begun, self._failures = 0.0, 0

    def run(self) -> int:
        """Works until the session ends. Returns 0 where the engine drained all there was."""
        with suppress(OSError):
            # Where we may: a program that connects and ends is gone soon.
            os.setpriority(os.PRIO_PROCESS, 0, -5)
        self._start(None, None, None)
        while not self._ended:
            self._step()
        self._accept()
        self._listener.close()
        with suppress(OSError):
            self._pass_on()
        # An empty packet: no more is to come.
        self._handover.setblocking(True)
        with suppress(OSError):
            self._handover.send(b"Q")
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._causes.close()
        return status

    # -- the loop -------------------------------------------------------------------------------

    def _step(self) -> None:
        poll = select.poll()
        poll.register(self._orders.notices, select.POLLIN)
        poll.register(self._pidfd, select.POLLIN)
        if self._room:
            poll.register(self._listener, select.POLLIN)
        if self._waiting:
            poll.register(self._handover, select.POLLOUT)
        ready = {fd for fd, _ in poll.poll()}
        # Notices first: what was told before a connection came is known when its cause is.
        self._hear_now()
        if self._pidfd in ready:
            self._replace()
        if self._listener.fileno() in ready:
            self._accept()
        self._pass_on()

    def _accept(self) -> None:
        self._look()
        if self._seen:
            self._hear_now()
        while self._seen:
            t, connection, sight = self._seen.popleft()
            self._count += 1
            arrival = Arrival(n=self._count, t=t, cause=self._causes.judge(sight))
            self._waiting.append((arrival, connection))
            self._pass_on()

    @property
    def _room(self) -> bool:
        return len(self._waiting) + len(self._seen) < _WAITING

    def _look(self) -> None:
        """Looks at all that came, before one is judged and while it is: that may take a while, and programs end."""
        while self._room or self._ended:
            try:
                connection, client = self._listener.accept()
            except OSError:
                return  # none; or no descriptors left: the others wait in the kernel's queue
            self._seen.append((boottime(), connection, self._causes.look(client, connection.getsockname())))

    def _pass_on(self) -> None:
        while self._waiting:
            arrival, connection = self._waiting[0]
            try:
                socket.send_fds(self._handover, [encode_arrival(arrival)], [connection.fileno()])
            except BlockingIOError:
                return
            self._waiting.popleft()
            connection.close()

    # -- notices --------------------------------------------------------------------------------

    def _hear(self, until: int) -> bool:
        """Waits for notices until then (CLOCK_BOOTTIME); False when it is over."""
        timeout = (until - boottime()) / 1e6
        if timeout <= 0 or self._ended:
            return False
        watched = [self._orders.notices, self._listener.fileno()] if self._room else [self._orders.notices]
        ready = select.select(watched, [], [], timeout / 1e3)[0]
        if self._listener.fileno() in ready:
            self._look()
        self._hear_now()
        return True

    def _hear_now(self) -> None:
        if self._ended:
            return
        heard = self._notices.read()
        told = [words for words in heard if words != [b"Q"]]
        for words in told:
            self._causes.notice(words)
        self._ended = self._notices.ended or len(told) < len(heard)
        if told:
            self._causes.survey()

    # -- the engine -----------------------------------------------------------------------------

    def _start(self, died: int | None, reason: str | None, predecessor: int | None) -> None:
        self._begun = time.monotonic()
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                os.setpriority(os.PRIO_PROCESS, 0, 0)
                # With the gate's end open here its death would go unseen.
                self._handover.close()
                for _, connection in self._waiting:
                    connection.close()
                for _, connection, _ in self._seen:
                    connection.close()
                if self._pidfd >= 0:
                    os.close(self._pidfd)
                self._causes.forget()
                start = Start(
                    handover=self._engine_end.fileno(), died=died, reason=reason, predecessor=predecessor
                )
                status = self._engine(self._orders, start)
            finally:
                os._exit(status)
        self._pid, self._pidfd = pid, os.pidfd_open(pid)

    def _replace(self) -> None:
        died = boottime()
        status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.close(self._pidfd)
        self._pidfd = -1
        lived = time.monotonic() - self._begun
        self._failures = 0 if lived > _LIVED else min(self._failures + 1, len(_PAUSE) - 1)
        time.sleep(_PAUSE[self._failures] if lived < 1 else 0)
        how = f"signal {-status}" if status < 0 else f"status {status}"
        self._start(died, f"the proxy died ({how}) and was started again", self._pid)
