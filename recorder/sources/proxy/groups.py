"""A control group for what the shell starts from one prompt to the next.

Children are born into their parent's group and stay there, whatever becomes of the parent, and the kernel knows the
group of every socket. The shell integration enters the next command's group before each prompt, so nothing that
a command starts is elsewhere, typed ahead or not. That it did is looked at; where it did not, what it starts is in a
group that tells nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from recorder.sources.proxy.processes import TICK_NS, read_process
from recorder.sources.proxy.session_group import (
    FIRST,
    LOST,
    enter,
    group_around,
    group_of,
    make_group,
    members,
    remove,
)

_MOST_LEFT = 256
"""Groups of earlier commands in which something runs; beyond, there are no new ones until some of it ends."""
_MOST_KNOWN = 4096
_TRIED = 16
_MOST_MOVED = 16


class CommandGroups:
    """The groups in the folder `session`, made ahead of the commands and removed behind them."""

    def __init__(self, session: Path) -> None:
        self._session = session
        self._shell: int | None = None
        self._commands: dict[int, int | None] = {}
        """Control group -> its command."""
        self._doubtful: set[int] = set()
        self._left: list[int] = []
        self._made = 0
        self._started = 0
        self.tells = False
        """Whether the shell was in a command's group when it was looked at last."""
        numbers = sorted(int(path.name) for path in session.iterdir() if path.name.isdigit())
        for number in numbers:
            self._know((session / str(number)).stat().st_ino, number)
        self._left = numbers[: max(0, len(numbers) - FIRST)]

    def command(self, cgroup: int) -> int | None:
        """The command whose group this is, or is around this; None for a foreign one, or one that is in doubt."""
        if cgroup not in self._commands:
            name = group_around(self._session, cgroup)
            self._know(cgroup, int(name) if name is not None and name.isdigit() else None)
        number = self._commands[cgroup]
        return None if number in self._doubtful else number

    def follow(self, shell: int) -> None:
        """Tells the shell's process."""
        self._shell = shell

    def started(self, number: int) -> None:
        """A command started."""
        self._left += range(self._started or 1, min(number, self._made + 1))
        self._started = number
        self._made = max(self._made, number)
        self._look(number)

    def prompt(self) -> None:
        """A prompt is shown: the shell is in the group of a command that did not start yet."""
        self._look(self._started + 1)

    def entered(self, t: int) -> None:
        """Enter went to the prompt at `t`: who was started before is of no command, with all that it will start."""
        name = self._name()
        if name is None or not name.isdigit():
            return
        for thread in members(self._session, name)[:_MOST_MOVED]:
            process = None if os.path.exists(f"/proc/{self._shell}/task/{thread}") else read_process(thread)
            if process is not None and (process.started + 1) * TICK_NS <= t:
                self._lose(thread)

    def tidy(self) -> None:
        """Makes the groups to come, and removes those whose last process ended."""
        for number in self._left[:_TRIED]:
            self._left.remove(number)
            if not remove(self._session, str(number)):
                self._left.append(number)
        # Many at a time: on some kernels the first costs milliseconds, and those right after it hardly anything.
        ahead = self._made - self._started
        if ahead > FIRST // 2 or len(self._left) >= _MOST_LEFT:
            return
        for _ in range(FIRST - ahead):
            try:
                cgroup = make_group(self._session, str(self._made + 1))
            except OSError:
                return
            self._know(cgroup, self._made + 1)

    def _look(self, least: int) -> None:
        """The shell should be in the group of command `least`, or further: it may have gone on since."""
        name = self._name()
        number = int(name) if name is not None and name.isdigit() else None
        if number is not None and number < least:
            self._doubtful.add(number)
            self._lose(self._shell or 0)
        self.tells = number is not None and number >= least

    def _name(self) -> str | None:
        return group_of(self._session, self._shell) if self._shell is not None else None

    def _lose(self, pid: int) -> None:
        with suppress(OSError):
            enter(self._session, LOST, pid)

    def _know(self, cgroup: int, number: int | None) -> None:
        self._commands[cgroup] = number
        self._made = max(self._made, number or 0)
        while len(self._commands) > _MOST_KNOWN:
            del self._commands[next(iter(self._commands))]
