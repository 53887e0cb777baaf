"""An expert at a terminal, played by keystrokes: types, looks, waits for what should come, types on.

Nothing here knows what is being recorded. The expert sits at the outer end of a real pseudo-terminal, where a
terminal emulator would sit, and decides only by what the screen shows. Every wait is bounded and says what
it waited for; no pause is ever a substitute for a wait.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from glass import Glass

KEYS: Mapping[str, bytes] = {
    "enter": b"\r",
    "tab": b"\t",
    "shift-tab": b"\x1b[Z",
    "esc": b"\x1b",
    "backspace": b"\x7f",
    "space": b" ",
    "delete": b"\x1b[3~",
    "insert": b"\x1b[2~",
    "pageup": b"\x1b[5~",
    "pagedown": b"\x1b[6~",
    "ctrl-left": b"\x1b[1;5D",
    "ctrl-right": b"\x1b[1;5C",
    "ctrl-\\": b"\x1c",
    "ctrl-]": b"\x1d",
    "ctrl-_": b"\x1f",
    "ctrl-space": b"\x00",
}
# Keys whose bytes depend on the cursor-key mode (DECCKM) of the moment.
CURSOR_KEYS: Mapping[str, bytes] = {
    "up": b"A",
    "down": b"B",
    "right": b"C",
    "left": b"D",
    "home": b"H",
    "end": b"F",
}


_TIOCGPTN = 0x80045430  # Linux: which /dev/pts/N is the other end


class Lost(AssertionError):
    """What the expert waited for did not come in time; the message shows the screen."""


class Expert:
    """A program on a pseudo-terminal and someone who types into it.

    `prompt_text` is what the shell's prompt ends in when it is ready for typing. `patience` bounds every wait, in
    seconds. `pace` is the pause in seconds after each group of `group` keys, nothing is decided by it; with 0 the
    next follows as soon as the last is echoed.
    `watch`, if given, receives every chunk of output as it comes.
    """

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: Mapping[str, str],
        cols: int = 80,
        rows: int = 24,
        *,
        prompt_text: str = "e2e$ ",
        right_prompt: str = "",
        patience: float = 10.0,
        pace: float = 0.0,
        group: int = 1,
        watch: Callable[[bytes], None] | None = None,
    ) -> None:
        self.prompt_text = prompt_text
        self.right_prompt = right_prompt
        self.patience = patience
        self.pace = pace
        self.group = group
        self.watch = watch
        self.cwd = cwd
        self._home = env.get("HOME", "/")
        self.glass = Glass(cols, rows)
        self.raw = bytearray()
        self.status: int | None = None
        self._seen = 0  # the transcript up to here was looked at by an earlier wait
        self._pid, self._fd = _start(list(argv), cwd, dict(env), cols, rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- typing ------------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """Types `text` key by key (in groups of `group`), reading what comes back in between."""
        for start in range(0, len(text), self.group):
            self.send(text[start : start + self.group].encode())
            self._rhythm()

    def press(self, *names: str) -> None:
        """Presses named keys one after the other: `enter`, `ctrl-c`, `up`, `alt-f`, or a single character."""
        for name in names:
            self.send(self._key(name))
            self._rhythm()

    def paste(self, text: str) -> None:
        """Pastes as a terminal does: newlines as carriage returns, bracketed where the program asked for that."""
        data = text.replace("\n", "\r").encode()
        if self.glass.mode(2004):
            data = b"\x1b[200~" + data + b"\x1b[201~"
        self.send(data)

    def line(self, text: str) -> None:
        """Types a line and presses enter; does not wait."""
        self.type(text)
        self.press("enter")

    def run(self, command: str, patience: float | None = None) -> str:
        """Types a command at the prompt, waits for the next prompt, returns what was shown in between."""
        self.line(command)
        return self.prompt(patience)

    def send(self, data: bytes) -> None:
        """Writes bytes to the terminal, reading output meanwhile so that neither side can block the other."""
        deadline = time.monotonic() + self.patience
        while data:
            if self._fd < 0:
                raise Lost(f"typed {data!r} but the program has ended\n{self.picture()}")
            readable, writable, _ = select.select([self._fd], [self._fd], [], 0.5)
            if readable:
                self._read()
            elif writable:
                data = data[os.write(self._fd, data[:256]) :]
            if time.monotonic() > deadline:
                raise Lost(f"the terminal takes no more input, {len(data)} bytes left\n{self.picture()}")

    def resize(self, cols: int, rows: int) -> None:
        """Gives the terminal another size, as dragging the corner of its window does."""
        self.glass.resize(cols, rows)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    # -- looking -----------------------------------------------------------------------------------

    @property
    def screen(self) -> str:
        """The screen as text, one line per row, trailing spaces cut."""
        return self.glass.text()

    def prompt(self, patience: float | None = None, times: int = 1) -> str:
        """Waits for the shell's next prompt, or the `times`-th. Returns the text shown since the last wait."""

        def stands() -> bool:
            # zsh and fish paint a prompt more than once; a line editor turns bracketed paste on once per line,
            # but for fish, which after ctrl-c goes on with the same one.
            edits, transcript = self.glass.line_edits, self.glass.transcript
            if edits:
                new = sum(place >= self._seen for place in edits) + transcript.count("^C", self._seen)
            else:
                new = transcript.count(self.prompt_text.rstrip(), self._seen)
            return new >= times and self._bare(self.prompt_text, alone=False)

        return self._wait(stands, f"the prompt {self.prompt_text!r}", patience)

    def ready(self, text: str, patience: float | None = None) -> str:
        """Waits until the cursor stands right after a fresh `text`, alone on its line. Returns the text since."""
        return self._wait(lambda: self._bare(text), f"the cursor after {text!r}", patience)

    def expect(self, pattern: str, patience: float | None = None) -> str:
        """Waits until what was shown since the last wait matches; later waits look only behind the match."""
        regex = re.compile(pattern, re.MULTILINE)
        start = self._seen
        self._wait(
            lambda: bool(regex.search(self.glass.transcript, start)),
            f"output matching {pattern!r}",
            patience,
            False,
        )
        found = regex.search(self.glass.transcript, start)
        assert found is not None
        self._seen = found.end()
        return self.glass.transcript[start : self._seen]

    def see(self, pattern: str, patience: float | None = None) -> None:
        """Waits until the screen matches."""
        regex = re.compile(pattern, re.MULTILINE)
        self._wait(lambda: bool(regex.search(self.screen)), f"a screen matching {pattern!r}", patience, False)

    def gone(self, pattern: str, patience: float | None = None) -> None:
        """Waits until the screen no longer matches."""
        regex = re.compile(pattern, re.MULTILINE)
        self._wait(lambda: not regex.search(self.screen), f"a screen without {pattern!r}", patience, False)

    def at(self, row: int | None = None, col: int | None = None, patience: float | None = None) -> None:
        """Waits until the cursor stands in `row` and `col` (from 0; None: anywhere)."""

        def stands() -> bool:
            here = self.glass.cursor()
            return (row is None or here[0] == row) and (col is None or here[1] == col)

        self._wait(stands, f"the cursor at row {row}, column {col}", patience, False)

    def foreground(self) -> str:
        """The name of what runs in the foreground, on the innermost terminal where one is nested in ours."""
        leader = self._leader()
        try:
            return (leader / "comm").read_text().rstrip("\n") if leader else ""
        except OSError:
            return ""

    def rested(self, patience: float | None = None) -> None:
        """Waits until the foreground program sleeps: a ctrl-c that comes just before it reads can be lost."""

        def sleeps() -> bool:
            leader = self._leader()
            try:
                stat = (leader / "stat").read_text() if leader else ""
            except OSError:
                return False
            return stat[stat.rfind(")") + 2 :].startswith("S")

        self._wait(sleeps, "the foreground program to rest", patience, False)
        self._read_for(0.02)
        self._wait(sleeps, "the foreground program to rest", patience, False)

    def _leader(self) -> Path | None:
        """The foreground group's leader, in /proc."""
        number = struct.unpack("I", fcntl.ioctl(self._fd, _TIOCGPTN, bytes(4)))[0]
        outer = os.stat(f"/dev/pts/{number}").st_rdev
        home = b"\0HOME=" + os.fsencode(self._home) + b"\0"
        found: Path | None = None
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text()
                _, _, group, _, tty, foreground = stat[stat.rindex(")") + 2 :].split()[:6]
                if tty == "0" or not group == foreground == entry.name:
                    continue
                if home not in b"\0" + (entry / "environ").read_bytes():
                    continue
            except OSError:
                continue
            if int(tty) != outer:
                return entry
            found = entry
        return found

    def until(self, true: Callable[[], bool], what: str, patience: float | None = None) -> None:
        """Waits until something outside the terminal holds, such as a file that appears."""
        self._wait(true, what, patience, False)

    def leave(self, patience: float | None = None) -> int:
        """Waits for the program's end. Returns its exit status, minus the signal if one killed it."""
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while (
            self._fd >= 0
        ):  # something in the background may hold the terminal open beyond the program's end
            self._read_for(0.02)
            if self.status is None:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
                self.status = os.waitstatus_to_exitcode(status) if pid else None
                if self.status is not None:
                    self._read_for(0.02)
                    break
            if time.monotonic() > deadline:
                raise Lost(f"the program does not end\n{self.picture()}")
        return self._reap(patience)

    def picture(self) -> str:
        """The screen in a frame, for error messages."""
        row, col = self.glass.cursor()
        lines = self.screen.split("\n")
        edge = "+" + "-" * self.glass.cols + "+"
        body = "\n".join(f"|{line}" for line in lines)
        return f"{edge}\n{body}\n{edge}\ncursor at row {row}, column {col}; {len(self.raw)} bytes so far"

    # -- ending ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Closes the terminal, as closing its window does, and makes sure that the program is gone."""
        self._hang_up()
        if self.status is None:
            with contextlib.suppress(Lost):
                self._reap(2.0)
        if self.status is None:
            self.kill()

    def kill(self) -> None:
        """Kills the program without warning."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with contextlib.suppress(Lost):
            self._reap(5.0)
        self._hang_up()

    @property
    def left(self) -> bool:
        """Whether the program's end was seen."""
        return self.status is not None

    @property
    def pid(self) -> int:
        return self._pid

    # -- inside ------------------------------------------------------------------------------------

    def _key(self, name: str) -> bytes:
        if name in KEYS:
            return KEYS[name]
        if name in CURSOR_KEYS:
            return (b"\x1bO" if self.glass.mode(1) else b"\x1b[") + CURSOR_KEYS[name]
        if name.startswith("ctrl-") and len(name) == 6 and name[5].isalpha():
            return bytes([ord(name[5].upper()) - 64])
        if name.startswith("alt-") and len(name) == 5:
            return b"\x1b" + name[4].encode()
        if len(name) == 1:
            return name.encode()
        raise ValueError(f"no key is called {name!r}")

    def _bare(self, text: str, alone: bool = True) -> bool:
        """Whether the cursor stands after a fresh `text`: alone on its line, or at its end."""
        if self.glass.transcript.find(text.rstrip(), self._seen) < 0:
            return False
        before, after = self.glass.cursor_line()
        return (before == text if alone else before.endswith(text)) and after.strip() in (
            "",
            self.right_prompt,
        )

    def _wait(self, true: Callable[[], bool], what: str, patience: float | None, consume: bool = True) -> str:
        limit = self.patience if patience is None else patience
        deadline = time.monotonic() + limit
        while not true():
            left = deadline - time.monotonic()
            if self._fd < 0:
                raise Lost(f"waited for {what}, but the program ended\n{self.picture()}")
            if left <= 0:
                raise Lost(f"waited {limit:g} s for {what}\n{self.picture()}")
            self._read_for(min(left, 0.05))
        new = self.glass.transcript[self._seen :]
        if consume:
            self._seen = len(self.glass.transcript)
        return new

    def _read_for(self, seconds: float) -> None:
        """Reads what is there; waits at most `seconds` for the first of it."""
        if self._fd < 0:
            return
        if select.select([self._fd], [], [], seconds)[0]:
            self._read()
            while self._fd >= 0 and select.select([self._fd], [], [], 0)[0]:
                self._read()

    def _read(self) -> None:
        try:
            data = os.read(self._fd, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            self._hang_up()
            return
        self.raw += data
        if self.watch is not None:
            self.watch(data)
        for reply in self.glass.feed(data):
            os.write(self._fd, reply)

    def _rhythm(self) -> None:
        self._read_for(0.002)
        end = time.monotonic() + self.pace
        while (left := end - time.monotonic()) > 0 and self._fd >= 0:
            self._read_for(left)

    def _hang_up(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _reap(self, patience: float | None) -> int:
        deadline = time.monotonic() + (self.patience if patience is None else patience)
        while self.status is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise Lost(f"process {self._pid} closed its terminal but does not end\n{self.picture()}")
            else:
                select.select([], [], [], 0.005)
        return self.status


def _start(argv: list[str], cwd: Path, env: dict[str, str], cols: int, rows: int) -> tuple[int, int]:
    """Starts `argv` as leader of a new session on a new terminal of that size. Returns its pid and our end."""
    pid, fd = pty.fork()
    if pid:
        os.set_inheritable(fd, False)
        return pid, fd
    try:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        for (
            number
        ) in signal.valid_signals():  # an ignored one would stay ignored in all that the shell starts
            with contextlib.suppress(OSError, ValueError):
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.chdir(cwd)
        os.closerange(3, 256)
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        os.write(2, f"{argv[0]}: {error}\n".encode())
    finally:
        os._exit(127)
