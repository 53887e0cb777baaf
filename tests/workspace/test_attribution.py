"""Whose change it was, on a clock and a file system made of numbers."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from recorder.sources.workspace.attribution import HOLD_NS, Attribution, Changed, Edited, Found, Scanned
from recorder.trace.changes import apply, compose
from recorder.trace.events import Change, FileState

MS = 1_000_000
TICK = 5 * MS


class World:
    """Files as numbers: `touch` makes a change that the next scan finds. A scan takes `cost`, and looks at what was
    touched before it began; `meanwhile` may do more while it looks and right after."""

    def __init__(self) -> None:
        self.now = 1000 * MS
        self.cost = 1 * MS
        self.content: dict[str, int] = {}
        self.touched: dict[str, int] = {}
        self.dirty: set[str] = set()
        self.seen: dict[str, int] = {}
        self.background = False
        self.told: list[Changed | Edited] = []
        self.during_scan: list[str] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.attribution = Attribution(
            scan=self.scan,
            jobs=lambda: self.background,
            tell=self.told.append,
        )

    def clock(self) -> int:
        return self.now

    def touch(self, *names: str) -> None:
        for name in names:
            self.content[name] = self.content.get(name, 0) + 1
            self.touched[name] = self.now
            self.dirty.add(name)

    def remove(self, name: str) -> None:
        if self.content.pop(name, None) is not None:
            self.touched[name] = self.now
            self.dirty.add(name)

    def scan(self) -> Scanned:
        self.touch(*self.during_scan)
        self.during_scan = []
        taken, self.dirty = sorted(self.dirty), set()
        self.meanwhile()
        self.now += self.cost
        seen = {name: self.content.get(name) for name in taken}
        changes = [
            Change(path=name, before=state(self.seen.get(name)), after=state(size))
            for name, size in seen.items()
            if self.seen.get(name) != size
        ]
        same = [name for name, size in seen.items() if self.seen.get(name) == size]
        for name, size in seen.items():
            self.seen.pop(name, None)
            if size is not None:
                self.seen[name] = size
        self.meanwhile()
        return Scanned(
            [Found(change, self.touched[change.path] + TICK) for change in changes],
            bool(taken),
            lambda: max((self.touched[name] + TICK for name in same), default=0),
        )

    def sleep(self, ms: int) -> None:
        """Nothing happens for a while; the loop looks at the clock now and then."""
        for _ in range(ms // 10):
            self.now += 10 * MS
            self.attribution.quiet(self.now)
            self.attribution.wait(self.now)

    def prompt(self, *, more: bool = False) -> None:
        self.attribution.prompt(self.clock, more=more)
        if not more:
            self.attribution.quiet(self.now)
            self.attribution.wait(self.now)

    def enter(self, *, timed: bool = True) -> None:
        self.attribution.enter(self.now if timed else None)

    def command(self, n: int) -> None:
        self.attribution.command(n)

    def results(self) -> list[tuple[object, ...]]:
        return [
            ("changed", r.first, r.last, *(c.path for c in r.changes))
            if isinstance(r, Changed)
            else ("edited", r.commands, *(c.path for c in r.changes))
            for r in self.told
        ]


def state(size: int | None) -> FileState | None:
    return None if size is None else FileState(type="file", mode=0o644, size=size)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize("timed", [True, False])
def test_commands_at_human_speed(world: World, timed: bool) -> None:
    world.prompt()
    for n in (1, 2, 3):
        world.sleep(500)
        world.enter(timed=timed)
        world.now += MS
        world.command(n)
        world.touch(f"by{n}", "both")
        world.sleep(250)
        world.prompt()
    world.sleep(250)
    assert world.results() == [("changed", n, n, "both", f"by{n}") for n in (1, 2, 3)]


def test_a_command_that_changes_nothing_is_not_told(world: World) -> None:
    world.prompt()
    world.enter()
    world.command(1)
    world.prompt()
    world.sleep(250)
    world.attribution.end()
    assert world.results() == []


def test_type_ahead_is_told_of_all_commands_that_it_may_concern(world: World) -> None:
    world.prompt()
    world.enter()
    world.command(1)
    world.touch("a")
    world.prompt(more=True)
    world.command(2)
    world.touch("b")
    world.prompt(more=True)
    world.command(3)
    world.touch("c")
    world.prompt()
    world.sleep(250)
    assert world.results() == [("changed", 1, 3, "a", "b", "c")]


def test_a_command_that_starts_while_the_scan_runs(world: World) -> None:
    """It was typed ahead: no Enter is seen, and its files may be in the scan."""
    world.prompt()
    world.enter()
    world.command(1)
    world.touch("a")
    world.during_scan = ["b"]
    world.prompt()
    world.command(2)
    world.touch("c")
    world.sleep(250)
    world.prompt()
    world.sleep(250)
    assert world.results() == [("changed", 1, 2, "a", "b", "c")]


def test_enter_during_the_scan_parts_what_can_be_told_apart(world: World) -> None:
    world.prompt()
    world.enter()
    world.command(1)
    world.touch("a")
    world.now += 50 * MS
    world.cost = 20 * MS
    entered = world.now + MS
    world.during_scan = ["b"]
    world.attribution.prompt(world.clock, more=False)
    world.attribution.enter(entered)
    world.command(2)
    world.sleep(250)
    world.prompt()
    world.sleep(250)
    assert world.results() == [("changed", 1, 1, "a"), ("changed", 1, 2, "b")]


def test_edits_at_the_prompt(world: World) -> None:
    world.prompt()
    world.sleep(250)
    world.touch("edit0")
    world.attribution.look(world.clock)
    world.sleep(20)
    world.enter()
    world.command(1)
    world.touch("by1")
    world.prompt()
    world.sleep(250)
    world.touch("edit1")
    world.sleep(30)
    world.enter()
    world.command(2)
    world.touch("by2")
    world.sleep(250)
    world.prompt()
    world.sleep(250)
    world.touch("last")
    world.attribution.end()
    assert world.results() == [
        ("edited", 0, "edit0"),
        ("changed", 1, 1, "by1"),
        ("edited", 1, "edit1"),
        ("changed", 2, 2, "by2"),
        ("edited", 2, "last"),
    ]


def test_an_edit_too_near_to_enter_is_given_to_the_command(world: World) -> None:
    world.prompt()
    world.sleep(250)
    world.touch("edit")
    world.now += MS
    world.enter()
    world.command(1)
    world.prompt()
    world.sleep(250)
    assert world.results() == [("changed", 1, 1, "edit")]


def test_the_work_of_background_jobs_is_a_late_change(world: World) -> None:
    world.background = True
    world.prompt()
    world.touch("before any command")
    world.attribution.look(world.clock)
    world.sleep(20)
    world.enter()
    world.command(1)
    world.prompt()
    world.sleep(250)
    world.touch("late")
    world.attribution.look(world.clock)
    world.sleep(20)
    world.background = False
    world.touch("edit")
    world.attribution.look(world.clock)
    world.sleep(20)
    assert world.results() == [
        ("edited", 0, "before any command"),
        ("changed", 1, 1, "late"),
        ("edited", 1, "edit"),
    ]


def test_an_empty_line_and_a_second_line_start_no_command(world: World) -> None:
    world.prompt()
    world.sleep(250)
    world.enter()
    world.prompt()
    world.sleep(250)
    world.enter()  # the first line of two
    world.sleep(500)
    world.touch("between")
    world.sleep(250)
    world.enter()
    world.command(1)
    world.touch("by1")
    world.prompt()
    world.sleep(250)
    assert world.results() == [("changed", 1, 1, "between", "by1")]


def test_a_command_by_another_key_than_enter(world: World) -> None:
    world.prompt()
    world.sleep(250)
    world.touch("edit")
    world.sleep(250)
    world.command(1)
    world.touch("by1")
    world.prompt()
    world.sleep(250)
    assert world.results() == [("edited", 0, "edit"), ("changed", 1, 1, "by1")]


def test_a_lost_notice_widens_the_range(world: World) -> None:
    world.prompt()
    world.enter()
    world.command(1)
    world.touch("a")
    world.prompt()
    world.sleep(250)
    world.command(4)
    world.touch("b")
    world.prompt()
    world.sleep(250)
    assert world.results() == [("changed", 1, 1, "a"), ("changed", 2, 4, "b")]


def test_the_end_while_a_command_runs(world: World) -> None:
    world.prompt()
    world.enter()
    world.command(1)
    world.touch("a")
    world.attribution.end()
    assert world.results() == [("changed", 1, 1, "a")]


@pytest.mark.parametrize("seed", range(25))
def test_whatever_happens_nothing_is_lost_and_no_successor_blamed(seed: int) -> None:
    """Random sessions: all changes are told once, in order; each command's within a range that holds it."""
    chance = random.Random(seed)
    world = World()
    owner: dict[str, tuple[str, int]] = {}
    n = 0
    world.prompt()
    for step in range(60):
        world.sleep(chance.choice([0, 0, 20, 300]))
        if chance.random() < 0.3:
            owner[name := f"edit{step}"] = ("edit", n)
            world.touch(name)
            world.sleep(chance.choice([20, 200]))
            if chance.random() < 0.5 and world.attribution.idle:
                world.attribution.look(world.clock)
        if chance.random() < 0.8:
            world.enter(timed=chance.random() < 0.5)
        n += 1
        world.command(n)
        for i in range(chance.randrange(3)):
            owner[name := f"by{n}.{i}"] = ("command", n)
            world.touch(name)
        ahead = chance.random() < 0.3
        world.prompt(more=ahead)
        if ahead:
            n += 1
            world.command(n)
            owner[name := f"by{n}.ahead"] = ("command", n)
            world.touch(name)
            world.prompt()
    world.sleep(HOLD_NS // MS * 2)
    world.attribution.end()
    told: set[str] = set()
    for result in world.told:
        for change in result.changes:
            kind, number = owner[change.path]
            assert change.path not in told
            told.add(change.path)
            if isinstance(result, Edited):
                assert (kind, number) == ("edit", result.commands)
            elif kind == "command":
                assert result.first <= number <= result.last
            else:
                assert result.first - 1 <= number <= result.last
    assert told == set(owner)
    assert compose([r.changes for r in world.told]) == [
        Change(path=name, before=None, after=state(1)) for name in sorted(owner)
    ]


class Late:
    """A source that hears of the shell's work some time after it was done, and now and then all of it at once."""

    def __init__(self, seed: int, commands: int) -> None:
        self.world = World()
        self.chance = random.Random(seed)
        self.notices: deque[tuple[str, int]] = deque()
        self.states: list[dict[bytes, FileState]] = [{}]
        self.shell = self.work(commands)
        self.world.meanwhile = lambda: self.proceed(self.chance.choice([0, 0, 0, 1, 3, 9]))

    def work(self, commands: int) -> Iterator[None]:
        """The shell, from one moment to the next."""
        world, chance = self.world, self.chance
        self.notices.append(("P", 1))
        yield
        for n in range(1, commands + 1):
            if chance.random() < 0.8:
                world.now += chance.choice([0, 1, 8, 30, 400]) * MS
                self.notices.append(("E", world.now))
                yield
            world.now += chance.choice([0, 1, 8]) * MS
            self.notices.append(("C", n))
            yield
            for _ in range(chance.randrange(4)):
                name = chance.choice("abcd")
                if chance.random() < 0.5:
                    world.touch(name)
                else:
                    world.remove(name)
                world.now += chance.choice([0, 1, 20]) * MS
                yield
            self.states.append({name.encode(): known(size) for name, size in world.content.items()})
            self.notices.append(("P", n + 1))
            yield

    def proceed(self, moments: int) -> None:
        for _ in range(moments):
            next(self.shell, None)

    def hear(self) -> None:
        """What the source's loop does with the notices that are there."""
        while self.notices:
            kind, number = self.notices.popleft()
            match kind:
                case "P":
                    more = any(kind in "EC" for kind, _ in self.notices)
                    self.world.attribution.prompt(self.world.clock, more=more)
                case "E":
                    self.world.attribution.enter(number if self.chance.random() < 0.8 else None)
                case "C":
                    self.world.attribution.command(number)
        self.world.attribution.quiet(self.world.now)
        self.world.attribution.wait(self.world.now)


def known(size: int) -> FileState:
    return FileState(type="file", mode=0o644, size=size)


@pytest.mark.parametrize("seed", range(200))
def test_what_is_told_holds_for_whoever_sees_every_state(seed: int) -> None:
    """Commands told together are so for a reason: after each such run, what was told is what stood there."""
    late = Late(seed, commands := 30)
    while len(late.states) <= commands or late.notices:
        late.proceed(late.chance.choice([1, 1, 2, 5, 20]))
        late.hear()
    late.world.sleep(HOLD_NS // MS * 2)
    late.world.attribution.end()
    told = [one for one in late.world.told if isinstance(one, Changed)]
    assert len(told) == len(late.world.told)
    joined = {n for one in told for n in range(one.first, one.last)}
    tree: dict[bytes, FileState] = {}
    for n in range(1, commands + 1):
        if n in joined:
            continue
        first = max((m + 1 for m in range(n) if m not in joined), default=1)
        run = [one.changes for one in told if first <= one.first and one.last <= n]
        tree = apply(tree, compose(run))
        assert tree == late.states[n], (n, told)
