"""Real programs at a real terminal: our screen shows what tmux, an independent emulator, shows for the same bytes.

The program runs on a PTY of ours and meets our screen: it gets our answers and our size. What it wrote is then
shown by tmux, and both must agree at every point where we looked.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from recorder.trace.screen import Screen

COLS, ROWS = 80, 24
BOUND = 15.0
Seen = Callable[[Screen], bool]


AS_TMUX = str.maketrans("┘┐┌└┼─├┤┴┬│", "jklmnqtuvwx")
"""tmux captures line drawing as the letters that stood for it."""


class Look(NamedTuple):
    """The screen after `size` bytes of output."""

    size: int
    lines: tuple[str, ...]
    cursor: tuple[int, int]


def shows(*texts: str) -> Seen:
    return lambda screen: all(any(text in line for line in screen.lines()) for text in texts)


def lacks(text: str) -> Seen:
    return lambda screen: not shows(text)(screen)


def at_main(screen: Screen) -> bool:
    return not screen.alternate


def record(argv: list[str], steps: list[tuple[bytes, Seen]], folder: Path) -> tuple[bytes, list[Look]]:
    """Runs `argv`; for each step sends its keys and waits until the screen is as it should be. Gives all output."""
    output = bytearray()
    looks: list[Look] = []
    pid, master = pty.fork()
    if pid == 0:
        try:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLS, 0, 0))
            os.chdir(folder)
            kept = {"PATH": os.environ["PATH"], "HOME": str(folder)}
            environment = {**kept, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
            os.execvpe(argv[0], argv, environment)
        finally:
            os._exit(127)
    try:
        screen = Screen(COLS, ROWS, answer=lambda reply: void(os.write(master, reply)))
        for keys, seen in steps:
            os.write(master, keys)
            deadline = time.monotonic() + BOUND
            quiet = False
            while not (seen(screen) and quiet):
                assert time.monotonic() < deadline, "\n".join(["never came to be:", *screen.lines()])
                ready, _, _ = select.select([master], [], [], 0.15)
                quiet = not ready
                if ready:
                    try:
                        data = os.read(master, 65536)
                    except OSError:
                        data = b""
                    if not data:
                        assert seen(screen), "\n".join(["ended too early:", *screen.lines()])
                        break
                    output += data
                    screen.feed(data)
            looks.append(Look(len(output), as_tmux(screen.lines()), screen.cursor))
        return bytes(output), looks
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


def as_tmux(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(line.translate(AS_TMUX) for line in lines)


def void(_: object) -> None:
    pass


class Tmux:
    """A tmux server of our own."""

    def __init__(self, folder: Path) -> None:
        self._server = ["tmux", "-S", str(folder / "socket"), "-f", "/dev/null", "-u"]
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        self._environment.pop("TMUX", None)
        self._folder = folder
        self._count = 0
        self._call(
            "new-session",
            "-d",
            "-x",
            str(COLS),
            "-y",
            str(ROWS),
            "sleep 1000",
            ";",
            "set",
            "-g",
            "status",
            "off",
        )

    def _call(self, *arguments: str) -> str:
        argv = [*self._server, *arguments]
        done = subprocess.run(argv, capture_output=True, env=self._environment, timeout=20, check=True)
        return done.stdout.decode()

    def show(self, data: bytes, wanted: Look) -> Look:
        """What tmux shows for `data`, once it is what is wanted, or after two seconds."""
        self._count += 1
        raw = self._folder / f"{self._count}.raw"
        raw.write_bytes(data)
        name = f"s{self._count}"
        command = f"stty raw -echo; cat {raw}; exec sleep 1000"
        self._call("new-session", "-d", "-s", name, "-x", str(COLS), "-y", str(ROWS), command)
        deadline = time.monotonic() + 2
        while True:
            lines = self._call("capture-pane", "-p", "-t", name).split("\n")[:ROWS]
            x, y = map(int, self._call("display", "-p", "-t", name, "#{cursor_x} #{cursor_y}").split())
            shown = Look(len(data), as_tmux(line.rstrip(" ") for line in lines), (min(x, COLS - 1), y))
            if shown == wanted or time.monotonic() > deadline:
                self._call("kill-session", "-t", name)
                return shown

    def close(self) -> None:
        self._call("kill-server")


@pytest.fixture(scope="module")
def tmux(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tmux]:
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    server = Tmux(tmp_path_factory.mktemp("tmux"))
    yield server
    server.close()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    text = [f"{n:3} " + "word " * (n % 30) + "コンニチハ é → end" for n in range(1, 200)]
    (tmp_path / "text.txt").write_text("\n".join(text) + "\n")
    code = "def f(x):\n\treturn [y for y in range(x)]  # ünï コ\n\n" * 30
    (tmp_path / "code.py").write_text(code)
    (tmp_path / "draw.py").write_text(CURSES)
    return tmp_path


CURSES = """
import curses, locale
locale.setlocale(locale.LC_ALL, "")
def main(s):
    curses.start_color(); curses.use_default_colors(); curses.curs_set(0)
    for n in range(1, 8): curses.init_pair(n, n, -1)
    w = curses.newwin(12, 40, 3, 20); w.box(); w.addstr(1, 2, "in a box コン é", curses.A_BOLD | curses.color_pair(2))
    w.hline(5, 1, curses.ACS_HLINE, 38); w.scrollok(True); w.setscrreg(6, 10)
    for n in range(9): w.addstr(10, 2, "row %d" % n); w.scroll(1)
    s.addstr(0, 0, "=" * 79); s.addstr(23, 60, "ready"); s.refresh(); w.refresh()
    while (key := s.getch()) != ord("q"):
        s.insdelln(1 if key == ord("i") else -1); s.addstr(23, 0, "key %c" % key); s.refresh()
        w.touchwin(); w.refresh()
curses.wrapper(main)
"""

PROGRAMS: dict[str, tuple[list[str], list[tuple[bytes, Seen]]]] = {
    "vim": (
        ["vim", "-u", "NONE", "-N", "+set ruler", "code.py"],
        [
            # Not its ruler: an answer that comes early makes vim draw the file's name over it.
            (b"", shows("def f(x)", '"code.py" 90L')),
            (b":syntax on\r:set number hlsearch\r/range\r", shows("  2 ", "/range")),
            (b"10GdGix\xe3\x82\xb3y\tz\x1b:split\r", shows("code.py [+]")),
            (b"\x17\x17Go" + b"long " * 30 + b"\x1b", shows("long long")),
            (b"ggOfirst\x1b\x06\x06\x02u", shows("1 line less")),
            (b":qa!\r", at_main),
        ],
    ),
    "less": (
        ["less", "-R", "text.txt"],
        [
            (b"", shows("  1 word", "text.txt")),
            (b" ", lacks("  9 word")),
            (b"bjjjk", lambda screen: screen.lines()[0].startswith("  3 word")),
            (b"G", shows("199", "(END)")),
            (b"?^  7\r", shows("  7 word")),
            (b"20\x1b)", lacks("  7 word")),
            (b"q", at_main),
        ],
    ),
    "top": (["top", "-b", "-n", "2", "-d", "0.2"], [(b"", shows("root"))]),
    "top full screen": (["top", "-d", "30"], [(b"", shows("PID", "%CPU")), (b"1", shows("PID")), (b"q", at_main)]),
    "nano": (
        ["nano", "text.txt"],
        [
            (b"", shows("GNU nano", "  1 word")),
            (b"typed \xe3\x82\xb3 \x1b[B\x1b[B\x0b\x0b", shows("text.txt *", "typed")),
            (b"\x1b[6~\x1b[6~", lacks("typed")),
            (b"\x18", shows("Save modified")),
            (b"n", at_main),
        ],
    ),
    "curses": (
        ["python3", "draw.py"],
        [(b"", shows("ready", "in a box")), (b"i", shows("key i")), (b"iid", shows("key d")), (b"q", at_main)],
    ),
    "git": (
        ["git", "-c", "color.ui=always", "-c", "core.pager=less -R", "diff", "--no-index", "text.txt", "code.py"],
        [(b"", shows("diff --git")), (b"  ", lacks("diff --git")), (b"q", lambda screen: True)],
    ),
    "bash": (
        ["bash", "--norc", "--noprofile", "-i"],
        [
            (b"", shows("bash-")),
            (b"echo " + b"wrapped " * 15 + b"\xe3\x82\xb3\xe3\x82\xb3", shows("コ")),
            (b"\x01\x1b[C\x1b[C" + b"inserted in the middle ", shows("inserted")),
            (b"\x05\x17\x17 end\r", lambda screen: sum("inserted" in line for line in screen.lines()) >= 2),
            (b"ls --color=always / /usr; seq 30; printf 'a\\tb\\n'\r", shows("a       b")),
            (b"\x12seq", shows("reverse-i-search")),
            (b"\x03clear\r", lacks("seq")),
        ],
    ),
    "python": (
        ["python3", "-q"],
        [
            (b"", shows(">>>")),
            (b"for n in range(40): print('x' * n)\r\r", shows("x" * 39)),
            (b"'a' * 300\r", shows("a" * 80)),
        ],
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_tmux_shows_the_same(name: str, tmux: Tmux, workspace: Path) -> None:
    argv, steps = PROGRAMS[name]
    if shutil.which(argv[0]) is None:
        pytest.skip(f"{argv[0]} is not installed")
    output, looks = record(argv, steps, workspace)
    for number, look in enumerate(looks):
        shown = tmux.show(output[: look.size], look)
        assert shown.lines == look.lines, f"after step {number}"
        assert shown.cursor == look.cursor, f"after step {number}"
