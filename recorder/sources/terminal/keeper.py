"""The keeper: owns the terminal and the program on it, and keeps a relay and a writer running beside them.

It is the process that the expert started. It copies nothing itself, so there is little in it to fail; while it holds
the terminal's master end, neither the relay's nor the writer's death is noticed by the program.
"""

from __future__ import annotations

import gc
import os
import pty
import select
import signal
import termios
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from recorder.sources.terminal import tty
from recorder.sources.terminal.losses import losses
from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.program import start_program
from recorder.sources.terminal.relay import (
    ORDER_DRAIN,
    ORDER_HANGUP,
    ORDER_WRITER,
    RelayConfig,
    hang_up,
    run_relay,
    writer_death,
)
from recorder.sources.terminal.request import TerminalRequest, TerminalResult, terminal_size
from recorder.sources.terminal.ring import (
    GAP_FROM,
    HEAD,
    HUNG_UP,
    NEXT,
    NO_SHOW,
    OUTER_LOST,
    TAIL,
    TOLD,
    Ring,
    drain,
    now,
)
from recorder.sources.terminal.writer import WriterConfig, run_writer
from recorder.trace.events import Recovered, TerminalEnded

STALL = 3.0
"""Seconds without progress after which a writer is replaced: a stopped or wedged process, not a slow disk, heals so."""
FINISH = 20.0
"""Seconds that a writer gets to write what is left before it is told as a gap."""
GRACE = (3.0, 6.0, 10.0)
"""After a hang-up: when the terminal is taken away, the program killed, the relay told to show nothing more."""
CRASH_PAUSE = 0.2
_IGNORED = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGPIPE)


def record_terminal(request: TerminalRequest) -> TerminalResult:
    """Run a program on a terminal of ours and record all of it; returns when it has ended and the journal is done.

    Call it in the main thread of a process without other threads (it forks). Where standard input is no terminal
    it is typed as it comes; at its end ^D is typed whenever the program waits for keys, up to ten times, then it is
    hung up. The expert's terminal has its modes back on return, also on an error. Raises RecordingFailed where the
    program cannot be started; a journal that cannot be written never stops the program: see `gaps`.
    """
    return Keeper(request).run()


class Keeper:
    def __init__(self, request: TerminalRequest) -> None:
        self._request = request
        self._source = request.started.source
        self._result = TerminalResult()
        self._ring = Ring(request.ring_bytes)
        self._words = self._ring.words
        flags = os.EFD_CLOEXEC | os.EFD_NONBLOCK
        self._kick_fd, self._alarm_fd, self._call_fd = (os.eventfd(0, flags) for _ in range(3))
        self._producers_read, self._producers_write = os.pipe2(os.O_CLOEXEC)
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._control: int | None = None
        self._master = -1
        self._modes: tty.Modes | None = None
        self._shell = self._leader = self._relay = self._writer = 0
        self._shell_fd = self._relay_fd = self._writer_fd = -1
        self._forked = {"relay": 0.0, "writer": 0.0}
        self._deaths: list[Recovered] = []
        self._draining = False
        self._hung_up = 0.0
        self._terminate = self._hangup = False
        self._stalled = (0, 0.0)

    # -- life ------------------------------------------------------------------------------------------

    def run(self) -> TerminalResult:
        request = self._request
        self._producer().event(request.started)
        stdin_is_tty = os.isatty(request.stdin)
        if stdin_is_tty:
            self._modes = termios.tcgetattr(request.stdin)
        if request.spawn is not None:
            size = terminal_size(request.stdin, request.stdout)
            self._shell, self._leader, self._master = request.spawn(*size)
            os.set_blocking(self._master, False)
        else:
            self._start_program()
        self._shell_fd = os.pidfd_open(self._shell)
        handlers = self._take_signals()
        try:
            if stdin_is_tty:
                tty.make_raw(request.stdin)
            for notify_fd in request.notify_fds:
                os.set_blocking(notify_fd, False)
                with suppress(OSError):
                    os.write(notify_fd, b"S %d\n" % self._leader)
            gc.collect()
            gc.freeze()
            self._start_writer()
            self._start_relay()
            self._watch()
        finally:
            tty.restore(request.stdin, self._modes)
            signal.set_wakeup_fd(-1)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            gc.unfreeze()
            self._close()
        return self._result

    def _start_program(self) -> None:
        request = self._request
        self._master, slave = pty.openpty()
        try:
            if self._modes is not None:
                termios.tcsetattr(slave, termios.TCSANOW, self._modes)
            os.set_blocking(self._master, False)
            tty.set_size(self._master, *terminal_size(request.stdin, request.stdout))
            self._shell = self._leader = start_program(
                request.argv, request.env, os.fspath(request.cwd), slave
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)

    def _take_signals(self) -> dict[int, Any]:
        def note(number: int, frame: object) -> None:
            if number == signal.SIGTERM:
                self._terminate = True
            elif number == signal.SIGHUP:
                self._hangup = True

        handlers: dict[int, Any] = {}
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGHUP):
            handlers[number] = signal.signal(number, note)
        for number in _IGNORED:
            handlers[number] = signal.signal(number, signal.SIG_IGN)
        return handlers

    def _close(self) -> None:
        for fd in (
            self._master, self._kick_fd, self._alarm_fd, self._call_fd, self._producers_read, self._producers_write,
            self._wake_read, self._wake_write, self._shell_fd, self._relay_fd, self._writer_fd, self._control,
        ):  # fmt: skip
            if fd is not None and fd >= 0:
                with suppress(OSError):
                    os.close(fd)

    # -- children --------------------------------------------------------------------------------------

    def _fork(self, part: str, body: Callable[[], int]) -> tuple[int, int]:
        # One that dies at once again and again (a bug, no memory) is started more slowly.
        since = time.monotonic() - self._forked[part]
        if since < CRASH_PAUSE:
            time.sleep(CRASH_PAUSE - since)
        self._forked[part] = time.monotonic()
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                status = body()
            except BaseException:  # noqa: BLE001 - told, then this process ends
                self._ring.set_fault(traceback.format_exc()[-900:])
            finally:
                os._exit(status)
        return pid, os.pidfd_open(pid)

    def _start_writer(self) -> None:
        name = self._source.replace("/", "-") + ".journal"
        config = WriterConfig(
            ring=self._ring,
            path=os.path.join(self._request.folder, name),
            kick_fd=self._kick_fd,
            alarm_fd=self._alarm_fd,
            producers_fd=self._producers_read,
            redaction=self._request.redaction,
        )
        self._writer, self._writer_fd = self._fork("writer", lambda: run_writer(config))

    def _start_relay(self) -> None:
        request = self._request
        read, write = os.pipe2(os.O_CLOEXEC)
        config = RelayConfig(
            ring=self._ring,
            source=self._source,
            nonce=request.nonce.encode(),
            master=self._master,
            shell_pid=self._leader,
            stdin=request.stdin,
            stdout=request.stdout,
            stdin_is_tty=self._modes is not None,
            modes=self._modes,
            control_fd=read,
            kick_fd=self._kick_fd,
            alarm_fd=self._alarm_fd,
            call_fd=self._call_fd,
            notify_fds=request.notify_fds,
            on_prompt_enter=request.on_prompt_enter,
            deaths=tuple(self._deaths[self._words[TOLD] :]),
        )
        old = self._control

        def body() -> int:
            # Copies of the keeper's ends would hide its death.
            for fd in (write, old, self._producers_read, self._wake_read, self._wake_write):
                if fd is not None:
                    os.close(fd)
            return run_relay(config)

        self._relay, self._relay_fd = self._fork("relay", body)
        os.close(read)
        if old is not None:
            os.close(old)
        self._control = write
        if self._draining:
            self._order(ORDER_DRAIN)

    def _order(self, order: bytes) -> None:
        if self._control is not None:
            with suppress(OSError):
                os.write(self._control, order)

    # -- watching --------------------------------------------------------------------------------------

    def _watch(self) -> None:
        while self._relay:
            self._poll(self._timeout())
            self._attend()
        if self._shell_fd >= 0 and not self._reap():
            self._wait_for_program()
        producer = self._producer()
        producer.close_gap()
        for death in self._deaths[self._words[TOLD] :]:
            producer.event(death)
        producer.event(
            TerminalEnded(t=now(), source=self._source, exit=self._result.exit, offset=producer.state.offset)
        )
        self._finish_writer()
        self._report(producer)

    def _poll(self, timeout: float | None) -> None:
        poll = select.poll()
        fds = {"wake": self._wake_read, "call": self._call_fd}
        fds |= {"shell": self._shell_fd, "relay": self._relay_fd, "writer": self._writer_fd}
        names = {fd: name for name, fd in fds.items() if fd >= 0}
        watched = {one.fileno(): one for one in self._request.watched}
        for fd in (*names, *watched):
            if fd >= 0:
                poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(None if timeout is None else max(0, int(timeout * 1000)) + 1):
            if fd in watched:
                watched[fd].attend()
                continue
            match names[fd]:
                case "wake":
                    with suppress(BlockingIOError):
                        os.read(fd, 512)
                case "call":
                    drain(fd)
                case "shell":
                    self._reap()
                case "relay":
                    self._relay_died()
                case "writer":
                    self._writer_died()

    def _timeout(self) -> float | None:
        waits = []
        if self._hung_up:
            age = time.monotonic() - self._hung_up
            waits += [at - age for at in GRACE if at > age]
        if self._stalled[1]:
            waits.append(self._stalled[1] + STALL - time.monotonic())
        return max(0.0, min(waits)) if waits else None

    def _reap(self) -> bool:
        pid, status = os.waitpid(self._shell, os.WNOHANG)
        if not pid:
            return False
        self._result.exit = os.waitstatus_to_exitcode(status)
        os.close(self._shell_fd)
        self._shell_fd = -1
        self._drain()
        return True

    def _drain(self) -> None:
        if not self._draining:
            self._draining = True
            self._order(ORDER_DRAIN)

    def _relay_died(self) -> None:
        _, status = os.waitpid(self._relay, 0)
        os.close(self._relay_fd)
        self._relay, self._relay_fd = 0, -1
        if self._draining and status == 0:
            return
        self._result.relay_restarts += 1
        detail = f"{_how(status)}; another went on. {self._ring.take_fault()}".strip()
        self._deaths.append(Recovered(t=now(), source=self._source, part="relay", detail=detail))
        self._start_relay()

    def _writer_died(self) -> None:
        os.waitpid(self._writer, 0)
        os.close(self._writer_fd)
        self._writer, self._writer_fd = 0, -1
        self._result.writer_restarts += 1
        self._deaths.append(writer_death(self._source))
        self._start_writer()
        self._order(ORDER_WRITER)

    def _attend(self) -> None:
        words = self._words
        if self._terminate and not self._hung_up and self._shell_fd >= 0:
            hang_up(self._master, self._leader)
            words[HUNG_UP] = now()
        if self._hangup:
            self._hangup = False
            self._order(ORDER_HANGUP)
        if words[HUNG_UP] and not self._hung_up:
            self._hung_up = time.monotonic()
        if self._hung_up:
            self._press(time.monotonic() - self._hung_up)
        self._check_writer()

    def _press(self, age: float) -> None:
        """After a hang-up that was not heeded: take the terminal away, then kill, then stop showing."""
        if age > GRACE[0]:
            self._drain()
        if age > GRACE[1] and self._shell_fd >= 0:
            os.kill(self._shell, signal.SIGKILL)
        if age > GRACE[2] and self._relay and not self._words[NO_SHOW]:
            self._words[NO_SHOW] = 1
            os.kill(self._relay, signal.SIGKILL)

    def _check_writer(self) -> None:
        """Replace a writer that frees no room although the ring is full."""
        words = self._words
        tail = words[TAIL]
        full = words[HEAD] - tail > self._ring.capacity // 2 or words[GAP_FROM]
        if not full or not self._writer:
            self._stalled = (0, 0.0)
        elif self._stalled[1] == 0.0 or self._stalled[0] != tail:
            self._stalled = (tail, time.monotonic())
        elif time.monotonic() - self._stalled[1] > STALL:
            self._stalled = (tail, time.monotonic())
            os.kill(self._writer, signal.SIGKILL)

    # -- the end ---------------------------------------------------------------------------------------

    def _producer(self) -> Producer:
        """A producer for the keeper itself; only while no relay runs."""
        return Producer(self._ring, self._source, self._kick_fd)

    def _wait_for_program(self) -> None:
        """The terminal is drained and taken away, yet the program lives: it gets what is left of its grace."""
        os.close(self._master)
        self._master = -1
        while self._shell_fd >= 0 and time.monotonic() - self._hung_up < GRACE[2]:
            self._poll(0.2)
            self._press(time.monotonic() - self._hung_up)

    def _finish_writer(self) -> None:
        """Tell the writer that this was all and wait for it; a dead one is replaced, a stuck one too, once a time."""
        words = self._words
        os.close(self._producers_write)
        self._producers_write = -1
        limit = time.monotonic() + FINISH
        tail, since = words[TAIL], time.monotonic()
        while self._writer and time.monotonic() < limit:
            poll = select.poll()
            poll.register(self._writer_fd, select.POLLIN)
            if poll.poll(500):
                _, status = os.waitpid(self._writer, 0)
                os.close(self._writer_fd)
                self._writer, self._writer_fd = 0, -1
                if os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, 1):
                    return
                self._result.writer_restarts += 1
                self._start_writer()
            elif words[TAIL] != tail:
                tail, since, limit = words[TAIL], time.monotonic(), time.monotonic() + FINISH
            elif time.monotonic() - since > STALL:
                since = time.monotonic()
                os.kill(self._writer, signal.SIGKILL)

    def _report(self, producer: Producer) -> None:
        result = self._result
        result.frames = self._words[NEXT]
        result.outer_terminal_lost = self._words[OUTER_LOST] != 0
        result.gaps, unwritten = losses(self._ring, self._source)
        result.bytes = producer.state.offset - unwritten


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"killed by signal {-code}" if code < 0 else f"ended with status {code}"
