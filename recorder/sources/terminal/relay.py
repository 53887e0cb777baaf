"""The relay: copies bytes between the expert's terminal and the program's, and publishes them in the ring.

Two threads move bytes, each blocked in the kernel while there are none; the main thread waits for signals and
orders. Output is published before it is shown, input before it is typed: what anyone saw is in the ring. The
relay may be killed at any moment; its replacement goes on from the ring (see `ring.State`).
"""

from __future__ import annotations

import errno
import os
import select
import signal
import threading
import traceback
from collections.abc import Callable
from typing import NamedTuple

from recorder.sources.terminal import tty
from recorder.sources.terminal._marks import Mark, MarkScanner
from recorder.sources.terminal.keyboard import Keyboard
from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.ring import (
    ERRNO,
    GAP_FROM,
    HUNG_UP,
    LAST_ERRNO,
    NO_SHOW,
    OUTER_LOST,
    RELAY_PID,
    SYNC_ERRNO,
    WARNED,
    Ring,
    drain,
    now,
    wake,
)
from recorder.sources.terminal.writer import name_process
from recorder.trace.events import Gap, Recovered, Resized, TerminalEnded

READ = 1 << 16
READ_KEYS = 1 << 14
LOST_TICK_MS = 200
GRACE_NS = 3_000_000_000
QUIET_MS = 50
"""Once the program has ended: how long output of others that hold its terminal may pause before it is over."""
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
    tty_path: str
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
    on_prompt_enter: Callable[[], object] | None


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
    config.ring.words[RELAY_PID] = os.getpid()
    return Relay(config).run()


class Relay:
    """One life of the relay."""

    def __init__(self, config: RelayConfig) -> None:
        self._config = config
        self._words = config.ring.words
        self._producer = Producer(
            config.ring, config.source, config.kick_fd, (config.alarm_fd, config.call_fd)
        )
        state = self._producer.state
        self._keyboard = Keyboard(self._producer, config.master, config.shell_pid)
        # What the last relay held back unshown is scanned again: a mark that its death cut in half is found.
        self._scanner = MarkScanner(config.nonce, state.offset - len(state.held))
        self._scanner.feed(state.held)
        self._prompt: tuple[bytes, ...] | None = None
        self._screen = threading.Lock()
        self._losing = threading.Lock()
        self._end_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._done_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._ending = threading.Event()
        self._keeper_gone = False
        self._input_ended = False
        self._end_keys = 0

    # -- main thread -----------------------------------------------------------------------------------

    def run(self) -> int:
        config = self._config
        wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.signal(signal.SIGWINCH, lambda number, frame: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        self._resize()
        self._warn()
        self._start(self._pump_output, "output")
        if not self._words[OUTER_LOST]:
            self._start(self._pump_input, "input")
        poll = select.poll()
        for fd in (config.control_fd, wake_read, config.alarm_fd, self._done_fd):
            poll.register(fd, select.POLLIN)
        while True:
            waiting = self._words[OUTER_LOST] or self._input_ended
            for fd, _ in poll.poll(LOST_TICK_MS if waiting else None):
                if fd == self._done_fd:
                    return self._finish()
                if fd == config.control_fd:
                    orders = os.read(fd, 64)
                    if not orders:
                        poll.unregister(fd)
                    self._obey(orders)
                elif fd == wake_read:
                    os.read(fd, 512)
                    self._resize()
                else:
                    drain(fd)
                    self._warn()
            if waiting:
                self._attend()

    def _start(self, body: Callable[[], None], name: str) -> None:
        def guarded() -> None:
            try:
                body()
            except BaseException:  # noqa: BLE001 - told, then this process ends
                # A relay that is half dead is worse than a dead one: the keeper starts another.
                self._config.ring.set_fault(traceback.format_exc()[-900:])
                os._exit(70)

        threading.Thread(target=guarded, name=name, daemon=True).start()

    def _obey(self, orders: bytes) -> None:
        if not orders:
            self._keeper_gone = True
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
            self._end()

    def _end(self) -> None:
        self._ending.set()
        wake(self._end_fd)

    def _finish(self) -> int:
        self._keyboard.close()
        self._show(self._scanner.flush())
        if self._keeper_gone:
            self._producer.event(
                TerminalEnded(
                    t=now(), source=self._producer.source, exit=None, offset=self._producer.state.offset
                )
            )
        return 0

    def _resize(self) -> None:
        config = self._config
        size = tty.size(config.stdin) or tty.size(config.stdout)
        if size is None or size == tty.size(config.master) or self._words[OUTER_LOST]:
            return
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
        t = now()
        with self._losing:
            if words[OUTER_LOST]:
                return
            words[OUTER_LOST] = t
        reason = f"outer terminal lost ({why}); the session went on unseen, nothing of its record is missing"
        self._producer.event(Gap(t=t, source=self._producer.source, until=t, bytes=0, reason=reason))
        wake(self._config.alarm_fd)
        wake(self._config.call_fd)

    def _attend(self) -> None:
        config, words = self._config, self._words
        if self._ending.is_set():
            return
        if self._keeper_gone and not _alive(config.shell_pid):
            self._end()
            return
        if words[HUNG_UP]:
            if self._keeper_gone and now() - words[HUNG_UP] > GRACE_NS:
                self._end()
            return
        if not self._waits():
            return
        if words[OUTER_LOST] or self._end_keys >= MAX_END_KEYS:
            hang_up(config.master, config.shell_pid)
            words[HUNG_UP] = now()
            wake(config.call_fd)
        else:
            self._end_keys += 1
            self._type(b"\x04")

    def _waits(self) -> bool:
        """Whether the program would wait for keys for ever: the shell at its prompt, or anything that reads."""
        config = self._config
        if self._producer.state.at_prompt and tty.foreground_group(config.master) == config.shell_pid:
            return True
        return tty.waits_for_input(config.master, config.tty_path)

    # -- input thread ----------------------------------------------------------------------------------

    def _pump_input(self) -> None:
        config, keyboard = self._config, self._keyboard
        poll = select.poll()
        poll.register(config.stdin, select.POLLIN)
        while True:
            ready = poll.poll(keyboard.timeout_ms)
            if self._words[OUTER_LOST]:
                return
            if not ready:
                keyboard.tick()
                continue
            try:
                data = os.read(config.stdin, READ_KEYS)
            except BlockingIOError:
                continue
            except OSError as error:
                data = b""
                if not config.stdin_is_tty:
                    self._lose(f"its input failed: {error.strerror}")
                    return
            if not data:
                if config.stdin_is_tty:
                    self._lose("closed")
                else:
                    self._input_ended = True
                    wake(config.alarm_fd)
                return
            self._type(data)

    def _type(self, data: bytes) -> None:
        config = self._config
        if self._keyboard.typed(data):
            self._notify(b"E\n")
            if config.on_prompt_enter is not None:
                config.on_prompt_enter()
        try:
            _write_all(config.master, data)
        except OSError as error:
            if error.errno != errno.EIO:
                raise

    # -- output thread ---------------------------------------------------------------------------------

    def _pump_output(self) -> None:
        master, ending = self._config.master, self._ending
        both, alone = select.poll(), select.poll()
        both.register(master, select.POLLIN)
        both.register(self._end_fd, select.POLLIN)
        alone.register(master, select.POLLIN)
        while True:
            if ending.is_set():
                if not alone.poll(QUIET_MS):
                    break
            else:
                both.poll()
                if ending.is_set():
                    continue
            try:
                data = os.read(master, READ)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                data = b""
            if data:
                self._output(data)
            elif ending.is_set():
                break
            else:
                # Nobody has the terminal open, but the program lives: it may open it again.
                ending.wait(0.05)
        wake(self._done_fd)

    def _output(self, data: bytes) -> None:
        producer = self._producer
        shown, marks = self._scanner.feed(data)
        held = producer.state.held
        notices: list[bytes] = []
        if shown is data and not held:
            producer.output(data, now())
        else:
            kept = len(held) + len(data) - len(shown) - sum(mark.end - mark.start for mark in marks)
            with producer.lock:
                for mark in marks:
                    self._see(mark, notices)
                producer.output(data, now(), (held + data)[-kept:] if kept > 0 else b"")
        self._keyboard.before_shown(shown)
        self._show(shown)
        self._keyboard.shown(shown)
        for notice in notices:
            self._notify(notice)

    def _see(self, mark: Mark, notices: list[bytes]) -> None:
        state = self._producer.state
        if mark.type == "C":
            state.commands += 1
            state.at_prompt = False
            self._prompt = None
            notices.append(b"C %d\n" % state.commands)
        elif mark.type == "P":
            if mark.fields != self._prompt:
                self._prompt = mark.fields
                state.prompts += 1
        elif mark.type == "R" and not state.at_prompt:
            state.at_prompt = True
            notices.append(b"P %d\n" % state.prompts)

    def _show(self, data: bytes) -> None:
        words = self._words
        if not data or words[OUTER_LOST] or words[NO_SHOW]:
            return
        stdout = self._config.stdout
        try:
            with self._screen:
                _write_all(stdout, data)
        except OSError as error:
            self._lose(error.strerror or "closed")

    def _notify(self, line: bytes) -> None:
        if self._config.notify_fd is not None:
            try:
                os.write(self._config.notify_fd, line)
            except OSError:
                pass  # full or gone: the counters in the journal tell the same


def _write_all(fd: int, data: bytes | memoryview) -> None:
    while True:
        try:
            count = os.write(fd, data)
        except BlockingIOError:
            select.select([], [fd], [])
            continue
        if count == len(data):
            return
        data = memoryview(data)[count:]


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
