"""The relay: copies bytes between the expert's terminal and the program's, and publishes them in the ring.

Two threads move bytes, each blocked in a read while there are none; what they do before a write is only what must
be: of keys, a look at the terminal's state; of output, laying it down where a successor finds it. The main thread
makes the records a moment later, when the kernel has delivered what was written, and attends to everything else. What
anyone saw is in shared memory. The relay may be killed at any moment; its replacement goes on from there.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple

from recorder.sources.terminal import tty
from recorder.sources.terminal.keyboard import Keyboard
from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.ring import (
    ERRNO,
    GAP_FROM,
    HUNG_UP,
    LAST_ERRNO,
    NO_SHOW,
    OUTER_LOST,
    SYNC_ERRNO,
    TOLD,
    WARNED,
    Ring,
    drain,
    now,
    wake,
)
from recorder.sources.terminal.stream import Stream
from recorder.sources.terminal.writer import name_process
from recorder.trace.events import Gap, Recovered, Resized, TerminalEnded

READ_KEYS = 1 << 14
TICK_MS, BUSY_TICKS = 1, 30
"""How long a record waits, while bytes move, for the echo to be on its way; and for how many such ticks without any
byte it goes on like this."""
CALM_MS, CALM_TICKS = 20, 100
"""The same between keys and in the pauses of slow output; then the main thread sleeps until a byte wakes it."""
SWITCH_INTERVAL = 0.00005
LOST_TICK_MS = 200
VACANT_S = 0.05
GRACE_NS = 3_000_000_000
REST_NS = 50_000_000
"""How long a program waits for input before it is told that there will be no more."""
QUIET_MS, QUIET_LOOKS = 25, 3
"""Once the program has ended: how long output of others that hold its terminal may pause before it is over. What
the program itself wrote is there to be read by then."""
MAX_END_KEYS = 10

ORDER_DRAIN = b"D"
ORDER_HANGUP = b"H"
ORDER_WRITER = b"W"


class RelayConfig(NamedTuple):
    """What a relay needs; made by the keeper. Descriptors are open in the forked process."""

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
    notify_fds: Sequence[int]
    on_prompt_enter: Callable[[int], object] | None
    deaths: tuple[Recovered, ...] = ()
    """Deaths of parts that were not published yet."""


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
    gc.disable()  # the threads make no cycles; a collection would be felt as a slow key
    sys.setswitchinterval(SWITCH_INTERVAL)
    os.set_blocking(config.master, True)
    return Relay(config).run()


class Relay:
    """One life of the relay."""

    def __init__(self, config: RelayConfig) -> None:
        self._config = config
        self._words = config.ring.words
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._producer = Producer(
            config.ring, config.source, config.kick_fd, (config.alarm_fd, config.call_fd)
        )
        self._keyboard = Keyboard(self._producer, config.master, config.shell_pid, self._enter)
        self._stream = Stream(
            config.ring, self._producer, self._keyboard, config.master, config.stdout, config.nonce,
            lose=self._lose, notify=self._notify,
        )  # fmt: skip
        self._stream.visible = not (self._words[OUTER_LOST] or self._words[NO_SHOW])
        self._input: threading.Thread | None = None
        self._asleep = False
        self._taken = 0
        self._reading = False
        self._ended = threading.Event()
        self._drained = False
        self._keeper_gone = False
        self._input_ended = False
        self._end_keys = 0
        self._rests_since = 0

    # -- main thread -------------------------------------------------------------------------------------

    def run(self) -> int:
        config = self._config
        signals, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in (signal.SIGWINCH, signal.SIGUSR1):
            signal.signal(number, lambda number, frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._stream.take_over()
        for death in config.deaths:
            self._publish(death)
            self._words[TOLD] += 1
        self._resize()
        self._warn()
        self._start(self._pump_output, "output")
        if not self._words[OUTER_LOST]:
            self._input = self._start(self._pump_input, "input")
        poll = select.poll()
        for fd in (self._wake_fd, config.control_fd, config.alarm_fd, signals):
            poll.register(fd, select.POLLIN)
        idle = 0
        while not self._drained and not (self._ended.is_set() and self._quiet()):
            for fd, _ in poll.poll(self._timeout(idle)):
                if fd == signals:
                    os.read(fd, 512)
                    self._resize()
                elif fd == config.control_fd:
                    orders = os.read(fd, 64)
                    if not orders:
                        poll.unregister(fd)
                    self._obey(orders)
                else:
                    drain(fd)
                    self._warn()
            idle = 0 if self._tick() else idle + 1
        self._stream.close()
        if self._keeper_gone:
            state = self._producer.state
            self._publish(TerminalEnded(t=now(), source=config.source, exit=None, offset=state.offset))
        return 0

    def _timeout(self, idle: int) -> int | None:
        """How long the main thread may sleep. While people type it looks by itself: waking it for each key would cost
        the key's echo more than the looks cost altogether."""
        self._asleep = False
        if idle < BUSY_TICKS:
            return TICK_MS
        if idle < BUSY_TICKS + CALM_TICKS:
            return CALM_MS
        if self._ended.is_set():
            return 0
        if not self._stream.visible or self._input_ended:
            return LOST_TICK_MS
        self._asleep = True
        # Bytes that moved between the last look and this line have not woken anybody.
        return TICK_MS if self._stream.staged is not None or self._keyboard.forwarded else None

    def _tick(self) -> bool:
        """Make the records that are due; whether bytes moved."""
        stream, keyboard = self._stream, self._keyboard
        moved = stream.taken != self._taken
        self._taken = stream.taken
        if not moved:
            stream.streaming = False
        if stream.staged is not None or keyboard.forwarded:
            stream.settle()
            moved = True
        elif not moved and keyboard.waits:
            with stream.lock:
                keyboard.tick()
            moved = True
        if moved:
            self._rests_since = 0
        elif not stream.visible or self._input_ended:
            self._attend()
        return moved

    def _start(self, body: Callable[[], None], name: str) -> threading.Thread:
        def guarded() -> None:
            try:
                body()
            except BaseException:  # noqa: BLE001 - told, then this process ends
                # A relay that is half dead is worse than a dead one: the keeper starts another.
                self._config.ring.set_fault(traceback.format_exc()[-900:])
                os._exit(70)

        thread = threading.Thread(target=guarded, name=name, daemon=True)
        thread.start()
        return thread

    def _stir(self) -> None:
        if self._asleep:
            self._asleep = False
            wake(self._wake_fd)

    def _publish(self, event: Gap | Recovered | Resized | TerminalEnded) -> None:
        with self._stream.lock:
            self._stream.settle()
            self._producer.event(event)

    def _obey(self, orders: bytes) -> None:
        if not orders:
            self._keeper_gone = True
            tty.restore(self._config.stdin, self._config.modes)
            self._lose("the recorder's main process was killed")
        if ORDER_WRITER in orders:
            for _ in range(orders.count(ORDER_WRITER)):
                self._publish(writer_death(self._producer.source))
                self._words[TOLD] += 1
        if ORDER_HANGUP in orders:
            self._lose("hung up")
        if ORDER_DRAIN in orders:
            self._ended.set()

    def _quiet(self) -> bool:
        """Whether, the program having ended, nothing more comes although others hold its terminal open (where none
        does, the output thread meets its end)."""
        poll = select.poll()
        poll.register(self._config.master, select.POLLIN)
        for _ in range(QUIET_LOOKS):
            if self._drained:
                return True
            if poll.poll(QUIET_MS) or not self._reading:
                time.sleep(QUIET_MS / 1000)
                return False
        return True

    def _resize(self) -> None:
        config = self._config
        with self._stream.lock:
            size = tty.size(config.stdin) or tty.size(config.stdout)
            if size is None or size == tty.size(config.master) or not self._stream.visible:
                return
            self._stream.settle()
            offset = self._producer.state.offset
            self._publish(Resized(t=now(), source=config.source, cols=size[0], rows=size[1], offset=offset))
            tty.set_size(config.master, *size)

    def _warn(self) -> None:
        words = self._words
        number = words[ERRNO] or words[SYNC_ERRNO]
        if words[WARNED] or not (number or words[GAP_FROM]):
            return
        words[WARNED] = 1
        number = number or words[LAST_ERRNO]
        why = os.strerror(number) if number else "the disk does not answer"
        text = f"\r\n[reenact] recording fails: {why}. The shell goes on; the trace will be incomplete.\r\n"
        self._stream.show(text.encode())

    # -- output and input threads ------------------------------------------------------------------------

    def _pump_output(self) -> None:
        master, take, size = self._config.master, self._stream.take, self._stream.read_size
        while True:
            self._reading = True
            try:
                data = os.read(master, size)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            self._reading = False
            if data:
                take(data)
                if self._asleep:
                    self._stir()
            elif self._ended.wait(VACANT_S):
                # Nobody has the terminal open. Before the program ended it might have opened it again.
                break
        self._drained = True
        wake(self._wake_fd)

    def _pump_input(self) -> None:
        config = self._config
        stdin, stream, forward = config.stdin, self._stream, self._keyboard.forward
        size = tty.raw_size(stdin)
        while not self._words[OUTER_LOST]:
            try:
                data = os.read(stdin, READ_KEYS)
            except BlockingIOError:
                select.select([stdin], [], [])
                continue
            except OSError as error:
                self._lose(error.strerror or "closed")
                return
            if not data:
                break
            if stream.staged is not None:
                # Keys within a millisecond after output: their state includes it.
                stream.settle()
            stream.streaming = False
            if size != (size := tty.raw_size(stdin)):
                self._resize()  # before the keys, as the expert did; the main thread may not have come to it yet
            forward(data)
            if self._asleep:
                self._stir()
        if config.stdin_is_tty:
            self._lose("closed")
        else:
            self._input_ended = True
            wake(self._wake_fd)

    def _enter(self, t: int) -> None:
        self._notify(b"E %d\n" % t)
        if self._config.on_prompt_enter is not None:
            self._config.on_prompt_enter(t)

    def _notify(self, line: bytes) -> None:
        for fd in self._config.notify_fds:
            try:
                os.write(fd, line)
            except OSError:
                pass  # full or gone: the counters in the journal tell the same

    # -- the expert's terminal is gone, or the input has ended --------------------------------------------

    def _lose(self, why: str) -> None:
        words = self._words
        with self._stream.lock:
            if words[OUTER_LOST]:
                return
            t = now()
            words[OUTER_LOST] = t
            self._stream.visible = False
            reason = (
                f"outer terminal lost ({why}); the session went on unseen, nothing of its record is missing"
            )
            self._publish(Gap(t=t, source=self._producer.source, until=t, bytes=0, reason=reason))
        wake(self._wake_fd)
        wake(self._config.call_fd)
        if self._input is not None and self._input.is_alive() and self._input.ident:
            # It must not take a key that is another's by now: its read starts anew, and is refused.
            signal.pthread_kill(self._input.ident, signal.SIGUSR1)

    def _attend(self) -> None:
        config, words = self._config, self._words
        if self._ended.is_set():
            return
        if self._keeper_gone and not _alive(config.shell_pid):
            self._ended.set()
        elif words[HUNG_UP]:
            if self._keeper_gone and now() - words[HUNG_UP] > GRACE_NS:
                self._ended.set()
        elif not (self._producer.state.at_prompt or tty.waits_for_input(config.master)):
            self._rests_since = 0
            return
        elif not self._rests_since:
            self._rests_since = now()
        elif now() - self._rests_since < REST_NS:
            return  # it may just have been woken by the last keys
        elif words[OUTER_LOST] or self._end_keys >= MAX_END_KEYS:
            hang_up(config.master, config.shell_pid)
            words[HUNG_UP] = now()
            wake(config.call_fd)
        else:
            self._end_keys += 1
            self._rests_since = 0
            self._keyboard.forward(b"\x04")


def writer_death(source: str) -> Recovered:
    return Recovered(t=now(), source=source, part="writer", detail="killed; another went on")


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
