"""The relay: copies bytes between the expert's terminal and the program's, and publishes them in the ring.

One thread, one loop. What is done before a write is only what must be: of keys, a look at the terminal's state; of
output, laying it down where a successor finds it ("staging"). The records are made when nothing has come for a
millisecond, or when more comes: then the kernel has delivered what was written, and no work of ours delays an echo.
What anyone saw is in shared memory. The relay may be killed at any moment; its replacement goes on from there.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import stat
from collections.abc import Callable
from typing import NamedTuple

from recorder.sources.terminal import tty
from recorder.sources.terminal.keyboard import Keyboard
from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.ring import (
    ERRNO,
    GAP_FROM,
    HUNG_UP,
    LAST_ERRNO,
    MAX_STAGED,
    NO_SHOW,
    OUTER_LOST,
    SHOWN,
    SYNC_ERRNO,
    WARNED,
    Ring,
    State,
    drain,
    now,
    wake,
)
from recorder.sources.terminal.writer import name_process
from recorder.trace.events import Gap, Recovered, Resized, TerminalEnded
from recorder.trace.marks import Mark, MarkScanner, Progress

READ = 1 << 16
READ_KEYS = 1 << 14
SETTLE_MS = 1
MAX_READY = 8
STREAM_READ = 4000
MAX_GATHERED = 16
LOST_TICK_MS = 200
VACANT_MS = 50
GRACE_NS = 3_000_000_000
QUIET_MS = 50
"""Once the program has ended: how long output of others that hold its terminal may pause before it is over. What
the program itself wrote is there to be read by then."""
MAX_END_KEYS = 10

ORDER_DRAIN = b"D"
ORDER_HANGUP = b"H"
ORDER_WRITER = b"W"


class RelayConfig(NamedTuple):
    """What a relay needs; made by the keeper. Descriptors are open in the forked process; `master` does not block."""

    ring: Ring
    source: str
    nonce: bytes
    master: int
    shell_pid: int
    stdin: int
    stdout: int
    stdin_is_tty: bool
    modes: tty.Modes | None
    control_fd: int
    kick_fd: int
    alarm_fd: int
    call_fd: int
    notify_fd: int | None
    on_prompt_enter: Callable[[int], object] | None
    predecessor: str | None = None
    """How the relay before this one died; None: there was none."""


def run_relay(config: RelayConfig) -> int:
    """Body of the relay process; returns 0 when the terminal was drained to its end."""
    for number in (
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGHUP,
        signal.SIGTSTP,
        signal.SIGTTIN,
        signal.SIGTTOU,
    ):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    name_process("reenact-relay")
    gc.disable()  # the loop makes no cycles; a collection would be felt as a slow key
    return Relay(config).run()


class _Scanned(NamedTuple):
    """Output as it came, as it is shown, the marks that were in it, and its end that may be half a mark."""

    data: bytes
    shown: bytes
    marks: list[Mark]
    held: bytes


class Relay:
    """One life of the relay."""

    def __init__(self, config: RelayConfig) -> None:
        self._config = config
        self._words = config.ring.words
        self._producer = Producer(
            config.ring, config.source, config.kick_fd, (config.alarm_fd, config.call_fd)
        )
        state = self._producer.state
        self._keyboard = Keyboard(self._producer, config.master, config.shell_pid, self._enter)
        self._scanner = MarkScanner(config.nonce, state.offset)
        self._progress = _resumed(state)
        self._visible = not (self._words[OUTER_LOST] or self._words[NO_SHOW])
        # Where standard input is a file, which is always ready and which epoll does not take.
        self._poll: select.epoll | select.poll = select.epoll()
        if stat.S_ISREG(os.fstat(config.stdin).st_mode):
            self._poll = select.poll()
        self._staged: _Scanned | None = None
        self._streaming = False
        self._backlog = b""
        self._vacant = False
        self._ending = False
        self._keeper_gone = False
        self._input_ended = False
        self._end_keys = 0

    def run(self) -> int:
        config, poll, keyboard = self._config, self._poll, self._keyboard
        stdin, master = config.stdin, config.master
        signals, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGWINCH, lambda number, frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._take_over()
        if config.predecessor is not None:
            self._producer.event(
                Recovered(t=now(), source=config.source, part="relay", detail=config.predecessor)
            )
        self._resize()
        self._warn()
        if not self._words[OUTER_LOST]:
            poll.register(stdin, select.POLLIN)
        for fd in (master, config.control_fd, config.alarm_fd, signals):
            poll.register(fd, select.POLLIN)
        while True:
            if self._staged is not None or self._streaming or keyboard.forwarded:
                timeout: int | None = SETTLE_MS
            else:
                timeout = self._timeout()
            if isinstance(poll, select.epoll):
                ready = poll.poll(None if timeout is None else timeout / 1000, MAX_READY)
            else:
                ready = poll.poll(timeout)
            for fd, what in ready:
                if fd == stdin:
                    self._take_keys()
                elif fd == master:
                    if what & select.POLLOUT:
                        self._type_backlog()
                    if what != select.POLLOUT and not self._take_output():
                        return self._finish()
                elif fd == signals:
                    os.read(fd, 512)
                    self._resize()
                elif fd == config.control_fd:
                    self._obey(os.read(fd, 64))
                else:
                    drain(fd)
                    self._warn()
            if not ready:
                self._streaming = False
                if self._staged is not None or keyboard.forwarded:
                    self._settle()
                    continue
                keyboard.tick()
                if self._ending:
                    return self._finish()
                self._attend()

    def _timeout(self) -> int | None:
        wanted = self._keyboard.timeout_ms
        if self._ending:
            return QUIET_MS
        if self._vacant:
            return VACANT_MS if wanted is None else min(wanted, VACANT_MS)
        if not self._visible or self._input_ended:
            return LOST_TICK_MS if wanted is None else min(wanted, LOST_TICK_MS)
        return wanted

    def _settle(self) -> None:
        """Publish what was forwarded and shown and not recorded yet, in the order in which it happened."""
        self._keyboard.publish()
        if self._staged is not None:
            scanned, self._staged = self._staged, None
            self._record(scanned)

    def _finish(self) -> int:
        self._settle()
        self._keyboard.close()
        self._show(self._scanner.flush())
        if self._keeper_gone:
            state = self._producer.state
            self._producer.event(
                TerminalEnded(t=now(), source=self._producer.source, exit=None, offset=state.offset)
            )
        return 0

    # -- output ----------------------------------------------------------------------------------------

    def _take_output(self) -> bool:
        """Read what the program wrote, show and publish it. False when the terminal is at its end."""
        config = self._config
        try:
            data = os.read(config.master, READ)
        except BlockingIOError:
            return True
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            # Nobody has the terminal open. Where the program lives, it may open it again.
            self._poll.unregister(config.master)
            self._vacant = True
            return not self._ending
        if self._staged is not None:
            self._settle()
            self._streaming = True
        if not self._streaming and self._visible and len(data) <= MAX_STAGED:
            state = self._producer.state
            config.ring.stage(data, state.offset)
            if b"\x1b" in data or state.held:
                scanned = self._scan(data)
                self._show(scanned.shown)
            else:
                # The way of every echo: what happens before the write is what an echo waits for.
                self._show(data)
                scanned = _Scanned(data, data, _NONE, b"")
            self._staged = scanned
            self._words[SHOWN] = state.offset + len(data) - len(scanned.held)
            return True
        # Output in a stream: publish, then show. Staging would only copy it twice.
        if self._keyboard.forwarded:
            self._keyboard.publish()
        self._record(self._scan(self._gather(data) if len(data) >= STREAM_READ else data), show=True)
        return True

    def _gather(self, data: bytes) -> bytes:
        """What can be had at once: the kernel gives 4 KB a read, and each showing costs more than a read."""
        parts = [data]
        try:
            while len(parts) < MAX_GATHERED and len(parts[-1]) >= STREAM_READ:
                parts.append(os.read(self._config.master, READ))
        except OSError:
            pass  # nothing there now, or the end; the next read meets it again
        return b"".join(parts)

    def _scan(self, data: bytes) -> _Scanned:
        held = self._producer.state.held
        if not held and b"\x1b" not in data:
            return _Scanned(data, data, _NONE, b"")
        shown, marks = self._scanner.feed(data)
        kept = len(held) + len(data) - len(shown) - sum(mark.end - mark.start for mark in marks)
        return _Scanned(data, shown, marks, (held + data)[-kept:] if kept > 0 else b"")

    def _record(self, scanned: _Scanned, *, show: bool = False) -> None:
        """Publish output and what its marks say, in one commit."""
        state = self._producer.state
        notices: list[bytes] = []
        for mark in scanned.marks:
            self._see(mark, notices)
        state.held = scanned.held
        self._producer.output(scanned.data)
        if show:
            self._show(scanned.shown)
            self._words[SHOWN] = state.offset - len(scanned.held)
        self._keyboard.shown(scanned.shown)
        for notice in notices:
            self._notify(notice)

    def _take_over(self) -> None:
        """Go on where a predecessor was killed: show what it published and may not have shown (rather twice than
        not at all), find a mark that its death cut in half, publish what it staged."""
        config, state, shown = self._config, self._producer.state, self._words[SHOWN]
        unseen = self._producer.last_output(max(0, state.offset - shown))
        self._scanner = MarkScanner(config.nonce, state.offset - len(unseen))
        self._show(self._scanner.feed(unseen)[0])
        self._keyboard.resume()
        staged = config.ring.staged(state.offset)
        if staged:
            scanned = self._scan(staged)
            self._record(scanned, show=shown < state.offset + len(staged) - len(scanned.held))
        self._words[SHOWN] = state.offset - len(state.held)

    def _see(self, mark: Mark, notices: list[bytes]) -> None:
        state, progress = self._producer.state, self._progress
        if not progress.see(mark):
            return
        state.prompts, state.commands, state.at_prompt = (
            progress.prompts,
            progress.commands,
            progress.at_prompt,
        )
        if mark.type == "P":
            state.prompt, state.ready = int(mark.fields[0]), False
        elif mark.type == "R":
            state.ready = True
            notices.append(b"P %d\n" % progress.prompts)
        else:
            notices.append(b"C %d\n" % progress.commands)

    def _show(self, data: bytes) -> None:
        if not data or not self._visible:
            return
        stdout = self._config.stdout
        try:
            count = os.write(stdout, data)
            if count < len(data):
                tty.write_all(stdout, data[count:])
        except BlockingIOError:
            tty.write_all(stdout, data)
        except OSError as error:
            self._lose(error.strerror or "closed")

    # -- input -----------------------------------------------------------------------------------------

    def _take_keys(self) -> None:
        config = self._config
        try:
            data = os.read(config.stdin, READ_KEYS)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error.strerror or "closed")
            return
        if data:
            self._type(data)
        elif config.stdin_is_tty:
            self._lose("closed")
        else:
            self._input_ended = True
            self._poll.unregister(config.stdin)

    def _type(self, data: bytes) -> None:
        self._streaming = False
        if self._staged is not None:
            # Keys that follow output within a millisecond: their state includes that output.
            self._settle()
        try:
            rest = self._keyboard.forward(data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return
        if rest:
            self._keep(rest)

    def _keep(self, rest: bytes) -> None:
        """The program reads slower than keys come (a long paste): no more keys until it has these."""
        self._backlog = rest
        self._poll.modify(self._config.master, select.POLLIN | select.POLLOUT)
        if self._visible and not self._input_ended:
            self._poll.modify(self._config.stdin, 0)

    def _type_backlog(self) -> None:
        try:
            count = os.write(self._config.master, self._backlog)
        except BlockingIOError:
            return
        except OSError:
            count = len(self._backlog)
        self._backlog = self._backlog[count:]
        if not self._backlog:
            self._poll.modify(self._config.master, select.POLLIN)
            if self._visible and not self._input_ended:
                self._poll.modify(self._config.stdin, select.POLLIN)

    def _enter(self, t: int) -> None:
        self._notify(b"E %d\n" % t)
        if self._config.on_prompt_enter is not None:
            self._config.on_prompt_enter(t)

    def _notify(self, line: bytes) -> None:
        if self._config.notify_fd is not None:
            try:
                os.write(self._config.notify_fd, line)
            except OSError:
                pass  # full or gone: the counters in the journal tell the same

    # -- orders, signals, alarms ---------------------------------------------------------------------------

    def _obey(self, orders: bytes) -> None:
        self._settle()
        if not orders:
            self._keeper_gone = True
            self._poll.unregister(self._config.control_fd)
            tty.restore(self._config.stdin, self._config.modes)
            self._lose("the recorder's main process was killed")
        if ORDER_WRITER in orders:
            self._producer.event(
                Recovered(
                    t=now(), source=self._producer.source, part="writer", detail="killed; another went on"
                )
            )
        if ORDER_HANGUP in orders:
            self._lose("hung up")
        if ORDER_DRAIN in orders:
            self._ending = True
            self._look_again()

    def _resize(self) -> None:
        config = self._config
        size = tty.size(config.stdin) or tty.size(config.stdout)
        if size is None or size == tty.size(config.master) or not self._visible:
            return
        self._settle()
        offset = self._producer.state.offset
        self._producer.event(
            Resized(t=now(), source=self._producer.source, cols=size[0], rows=size[1], offset=offset)
        )
        tty.set_size(config.master, *size)

    def _warn(self) -> None:
        words = self._words
        number = words[ERRNO] or words[SYNC_ERRNO]
        if words[WARNED] or not (number or words[GAP_FROM]):
            return
        words[WARNED] = 1
        why = (
            os.strerror(number or words[LAST_ERRNO])
            if number or words[LAST_ERRNO]
            else "the disk does not answer"
        )
        self._show(
            f"\r\n[reenact] recording fails: {why}. The shell goes on; the trace will be incomplete.\r\n".encode()
        )

    # -- the expert's terminal is gone, or the input has ended --------------------------------------------

    def _lose(self, why: str) -> None:
        words = self._words
        if words[OUTER_LOST]:
            return
        t = now()
        words[OUTER_LOST] = t
        self._visible = False
        if not self._input_ended:
            self._poll.unregister(self._config.stdin)
        if self._staged is None:
            self._settle()
        reason = f"outer terminal lost ({why}); the session went on unseen, nothing of its record is missing"
        self._producer.event(Gap(t=t, source=self._producer.source, until=t, bytes=0, reason=reason))
        wake(self._config.call_fd)

    def _look_again(self) -> None:
        if self._vacant:
            self._vacant = False
            self._poll.register(self._config.master, select.POLLIN | (select.POLLOUT if self._backlog else 0))

    def _attend(self) -> None:
        config, words = self._config, self._words
        if self._vacant:
            self._look_again()
        if self._visible and not self._input_ended:
            return
        if self._keeper_gone and not _alive(config.shell_pid):
            self._ending = True
        elif words[HUNG_UP]:
            self._ending = self._keeper_gone and now() - words[HUNG_UP] > GRACE_NS
        elif not self._waits():
            return
        elif words[OUTER_LOST] or self._end_keys >= MAX_END_KEYS:
            hang_up(config.master, config.shell_pid)
            words[HUNG_UP] = now()
            wake(config.call_fd)
        else:
            self._end_keys += 1
            self._type(b"\x04")

    def _waits(self) -> bool:
        """Whether the program would wait for keys for ever: the shell at its prompt, or anything that reads."""
        return self._producer.state.at_prompt or tty.waits_for_input(self._config.master)


_NONE: list[Mark] = []


def _resumed(state: State) -> Progress:
    """Where the shell stood when the last relay died, so that a redrawn prompt does not count again."""
    if not state.prompt:
        return Progress(state.prompts, state.commands)
    progress = Progress(state.prompts - 1, state.commands)
    number = b"%d" % state.prompt
    progress.see(Mark("P", 0, 0, (number, b"0", b"%d" % state.commands)))
    if state.ready:
        progress.see(Mark("R", 0, 0, (number,)))
    progress.at_prompt = state.at_prompt
    return progress


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except (OSError, IndexError):
        return False


def hang_up(master: int, shell_pid: int) -> None:
    """What the kernel does when a terminal goes away: SIGHUP and SIGCONT to the program and to the foreground."""
    group = tty.foreground_group(master)
    for number in (signal.SIGHUP, signal.SIGCONT):
        try:
            os.kill(shell_pid, number)
            if group:
                os.killpg(group, number)
        except OSError:
            pass
