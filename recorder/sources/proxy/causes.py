"""Which command of the shell caused a connection: by evidence, never by the time of the connection.

The kernel names the socket's control group, where commands have groups (see `groups`). Else the process that holds the
socket is found, then its oldest ancestor below the shell, and the command during which that one was started. A daemon
that a later command pokes so stays with the command that started it. What nothing tells is unknown.
"""

from __future__ import annotations

import socket
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import NamedTuple

from recorder.sources.proxy.groups import CommandGroups
from recorder.sources.proxy.kin import Kin
from recorder.sources.proxy.processes import TICK_NS, Holders, Process, process_ids, read_process
from recorder.sources.proxy.sockets import Peer, SocketTable
from recorder.trace.events import Cause

_MOST_COMMANDS = 4096
_MOST_DEPTH = 64
_MOST_FAMILIES = 16384
_MOST_UNTOLD = 64
LATE_NS = 40_000_000
"""How long word of a command's start may lag behind what the command does."""
STARVED_NS = 500_000_000
"""The same where a command is all but sure, and the machine busy."""


class Sight(NamedTuple):
    """What was seen of a connection when it came: its control group, and its owner with its ancestors."""

    cgroup: int | None
    line: list[Process]


class _Command(NamedTuple):
    number: int
    since: int
    """Nothing of it was started before: the Enter that went to its prompt, or that prompt."""
    until: int | None
    """The prompt that followed."""
    entered: int
    """The Enter; 0 where it was not typed at the prompt."""


class History:
    """When commands ran. What is started while a prompt waits (by completion, say) belongs to none of them."""

    def __init__(self) -> None:
        self._commands: list[_Command] = []
        self._prompt = 0
        self._enter: int | None = None

    def enter(self, t: int) -> None:
        if self._enter is None:
            self._enter = t

    def command(self, number: int, t: int) -> None:
        since = self._enter if self._enter is not None else self._prompt or t
        self._end(since)
        self._commands.append(_Command(number, since, None, self._enter or 0))
        del self._commands[:-_MOST_COMMANDS]
        self._enter = None

    def prompt(self, t: int) -> None:
        self._end(t)
        self._prompt = t
        self._enter = None

    def _end(self, t: int) -> None:
        if self._commands and self._commands[-1].until is None:
            self._commands[-1] = self._commands[-1]._replace(until=t)

    def entered(self, number: int) -> int | None:
        """When Enter went to the prompt for this command, 0 where nobody saw it (ahead of the prompt, or long ago);
        None before it started."""
        if self._commands and number < self._commands[0].number:
            return 0
        at = bisect_left(self._commands, number, key=lambda command: command.number)
        found = at < len(self._commands) and self._commands[at].number == number
        return self._commands[at].entered if found else None

    @property
    def current(self) -> int | None:
        """The command that runs now."""
        return self._commands[-1].number if self._commands and self._commands[-1].until is None else None

    @property
    def began(self) -> int | None:
        """When the command that runs now began."""
        return self._commands[-1].since if self.current is not None else None

    @property
    def waiting_since(self) -> int | None:
        """The time of the prompt that waits; None while a command runs, and before there was a prompt."""
        return self._prompt or None if self.current is None else None

    def started_between(self, first: int, last: int) -> list[int]:
        """The commands during which a process may have been started that was started between these times."""
        found = []
        for command in reversed(self._commands):
            if command.until is not None and command.until < first:
                break
            if command.since <= last:
                found.append(command.number)
        return found[::-1]


class Causes:
    """Tells causes. `wait` hears of commands whose word is late; it returns False once its time is over."""

    def __init__(
        self,
        *,
        groups: CommandGroups | None = None,
        clock: Callable[[], int],
        wait: Callable[[int], bool] = lambda until: False,
    ) -> None:
        self.history = History()
        self._groups = groups
        self._clock = clock
        self._wait = wait
        self._table = SocketTable()
        self._holders = Holders()
        self._shell: Process | None = None
        self._browsers: set[int] = set()
        """Sessions of processes: each recorded browser has one of its own."""
        self.kin: Kin | None = None
        """The session's processes, once the shell is known."""
        self._seen: set[int] = set()
        self._surveyed = 0
        self._untold: list[Process] = []
        self._bounds: dict[tuple[int, int], tuple[int, int]] = {}
        """Processes whose start is told finer than by their clock tick: by the looks between which they came."""
        self._resigned = False
        self._known: dict[tuple[int, int], int] = {}
        self._families: dict[int, int] = {}
        """Process groups and sessions (both named by a pid) -> command: they outlive who founded them."""

    # -- what is heard --------------------------------------------------------------------------

    def notice(self, words: list[bytes]) -> None:
        """Takes a line of the terminal source: E [t], C n [t], P n [t], S pid; or of a browser: B and the session of
        processes that it has. Behind the last one, `survey`."""
        kind = words[0]
        number = int(words[1]) if len(words) > 1 and words[1].isdigit() else None
        now = self._clock()
        if len(words) > 2 and words[2].isdigit():
            now = min(int(words[2]), now)
        if kind == b"E":
            at = min(number or now, now)
            self.history.enter(at)
            if self._groups:
                self._groups.entered(at)
        elif kind == b"C" and number is not None:
            self.history.command(number, now)
            if self._groups:
                self._groups.started(number)
        elif kind == b"P":
            self.history.prompt(now)
            if self._groups:
                self._groups.prompt()
        elif kind == b"B" and number is not None:
            self._browsers.add(number)
        elif kind == b"S" and number is not None:
            self._shell = read_process(number)
            self._surveyed, self._seen = now, set(process_ids())
            self.kin = Kin(self._shell) if self._shell is not None else None
            if self._groups:
                self._groups.follow(number)

    def survey(self) -> None:
        """Looks who has come since the last look, while their parents still live."""
        if self._groups:
            self._groups.tidy()
        if self._shell is None or (self._groups and self._groups.tells):
            return  # nobody's parents matter then, and connections wait for nothing
        before = self._clock()
        now = set(process_ids())
        after = self._clock()
        new = [process for pid in sorted(now - self._seen) if (process := read_process(pid)) is not None]
        for process in new:
            self._bounds[process.key] = (self._surveyed, after)
        if self.kin is not None:
            self.kin.meet(new, now)
        self._surveyed, self._seen = before, now
        # Those that nothing told yet may be told by the command that has come since.
        self._untold = [
            process
            for process in (*self._untold[-_MOST_UNTOLD:], *new)
            if process.pid in now and self._command_of(self._line(process)) is None
        ]
        for told in (self._known, self._bounds):
            if len(told) > 4 * len(now) + 1024:
                for key in [key for key in told if key[0] not in now]:
                    del told[key]
        while len(self._families) > _MOST_FAMILIES:
            self._families.pop(next(iter(self._families)))

    def ask(self, netlink: socket.socket) -> None:
        """Looks for the ends of connections in another network namespace: the one of this netlink socket."""
        self._table.close()
        self._table = SocketTable(netlink)

    # -- what is asked --------------------------------------------------------------------------

    def tell(self, client: tuple[str, int], proxy: tuple[str, int]) -> Cause:
        """What caused the connection from `client` that `proxy` accepted."""
        return self.judge(self.look(client, proxy))

    def look(self, client: tuple[str, int], proxy: tuple[str, int]) -> Sight:
        """Who holds the other end, as long as it does: ask at once. Waits for nothing. `proxy` is the end that the
        client believes to have connected to."""
        peer = self._table.find(client, proxy)
        if peer is None or not peer.inode:
            return Sight(peer.cgroup if peer else None, [])
        pid = self._holders.find(peer.inode, since=self._shell.pid if self._shell else 0)
        process = read_process(pid) if pid is not None else None
        return Sight(peer.cgroup, self._line(process) if process is not None else [])

    def owner(self, peer: Peer) -> Cause | None:
        """What caused a socket, if the session's programs have it; None for anybody else's."""
        process = self.kin.holder(peer) if self.kin is not None else None
        return None if process is None else self.judge(Sight(peer.cgroup, self._line(process)))

    def foreign(self, peer: Peer) -> bool:
        """Whether somebody else has a socket for sure."""
        return self.kin is not None and self.kin.foreign(peer)

    def judge(self, sight: Sight) -> Cause:
        """What that tells; waits a moment where word of a command is late."""
        owner = sight.line[0] if sight.line else None
        name = owner.name if owner else ""
        if owner is not None and owner.session in self._browsers:
            return Cause(command=None, how="browser", process=name)
        number = self._groups.command(sight.cgroup) if self._groups and sight.cgroup is not None else None
        if number is not None:
            right = self._started(number, sight)
            return Cause(
                command=number if right else None, how="cgroup" if right else "unknown", process=name
            )
        if owner is not None:
            command = self._patiently(lambda: self._command_of(sight.line), owner)
            if command is not None:
                return Cause(command=command, how="process", process=name)
        return Cause(command=None, how="unknown", process=name)

    def _started(self, number: int, sight: Sight) -> bool:
        """Whether what is in a command's group was started by the command, and not by the prompt before it."""
        root, shell = sight.line[-1] if sight.line else None, self._shell
        # What shares the shell's process group may be of its prompt, say of a completion, for which a person waits.
        prompts = (
            root is not None and shell is not None and root.key != shell.key and root.group == shell.group
        )
        until = self._clock() + (LATE_NS if prompts else STARVED_NS)
        while (entered := self.history.entered(number)) is None and self._wait(until):
            pass
        if entered is None or root is None or shell is None or root.key == shell.key:
            return entered is not None
        return (root.started + 1) * TICK_NS > entered

    def _patiently(self, ask: Callable[[], int | None], process: Process | None) -> int | None:
        """Asks again when word of a command comes that had not come yet, for a moment."""
        found = ask()
        since = self.history.waiting_since
        if found is None and since is not None:
            own = process is not None and self._shell is not None and process.key == self._shell.key
            if process is not None and not own and (process.started + 1) * TICK_NS < since:
                return None  # older than this prompt: no word that is still to come can tell
            until = self._clock() + LATE_NS
            while found is None and self._wait(until):
                found = ask()
            if found is None:
                self._resigned = True
                found = ask()
                self._resigned = False
        return found

    def _line(self, process: Process) -> list[Process]:
        """The process and its ancestors, up to the oldest one below the shell."""
        line, shell = [process], self._shell
        while shell is not None and process.key != shell.key and len(line) < _MOST_DEPTH:
            parent = read_process(line[-1].parent)
            # Whoever was there before the shell adopts orphans; the last one below is the root of what was started.
            if parent is None or parent.key == shell.key or parent.started < shell.started:
                break
            line.append(parent)
        return line

    def _command_of(self, line: list[Process]) -> int | None:
        shell = self._shell
        if shell is None:
            return None
        if line[0].key == shell.key:
            return self.history.current
        for i, process in enumerate(line):
            if (number := self._known.get(process.key)) is not None:
                return self._credit(line[: i + 1], number)
        number = self._family(line, shell)
        if number is None:
            number = self._by_start(line[-1])
        return None if number is None else self._credit(line, number)

    def _family(self, line: Iterable[Process], shell: Process) -> int | None:
        """By process group or session: they tie to its command what lost its parent."""
        for process in line:
            for leader in (process.group, process.session):
                if leader in (0, process.pid, shell.group, shell.session) or leader not in self._families:
                    continue
                alive = read_process(leader)
                if alive is None:
                    return self._families[leader]
                # Else its number was given to another since.
                if (number := self._known.get(alive.key)) is not None:
                    return number
        return None

    def _by_start(self, root: Process) -> int | None:
        first, last = root.started * TICK_NS, (root.started + 1) * TICK_NS - 1
        bounds = self._bounds.get(
            root.key, (self._surveyed if root.pid not in self._seen else 0, self._clock())
        )
        first, last = max(first, bounds[0]), min(last, bounds[1])
        found = self.history.started_between(first, last)
        waiting = self.history.waiting_since
        if waiting is not None and last >= waiting and not self._resigned:
            return None  # it may belong to a command of which word is still to come
        if len(found) < 2:
            return found[0] if found else None
        current = self.history.current
        # What holds the terminal belongs to the command that runs: an earlier one's would have ended before a prompt.
        if current in found and root.group == root.foreground:
            return current
        return None

    def _credit(self, line: Iterable[Process], number: int) -> int:
        shell = self._shell
        for process in line:
            self._known[process.key] = number
            for leader in (process.group, process.session):
                if leader == process.pid:
                    self._families[leader] = number
                elif leader and shell and leader not in (shell.group, shell.session):
                    self._families.setdefault(leader, number)
        return number

    def close(self) -> None:
        self._table.close()
