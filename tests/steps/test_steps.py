from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.trace.events import (
    Cause,
    Change,
    Checked,
    CommandEnded,
    CommandStarted,
    Event,
    FileState,
    FlowRequested,
    Gap,
    Input,
    Marked,
    Noted,
    PromptShown,
    Recovered,
    Resized,
    TerminalEnded,
    TerminalStarted,
    Unknown,
    WorkspaceChanged,
    WorkspaceEdited,
    WorkspaceSnapshot,
)
from recorder.trace.steps import is_note, steps

T1 = "terminal/1"


def opened(t: int = 0, *, argv: list[str] | None = None, source: str = T1) -> TerminalStarted:
    return TerminalStarted(
        t=t, source=source, argv=argv or ["bash"], shell=None if argv else "bash", cwd="/w", env={},
        cols=80, rows=24, nonce="0" * 32, files=[],
    )  # fmt: skip


def prompt(n: int, t: int, offset: int) -> PromptShown:
    return PromptShown(t=t, source=T1, n=n, offset=offset, ready=offset + 2)


def start(n: int, t: int, offset: int, text: str, cwd: str = "/w") -> CommandStarted:
    return CommandStarted(t=t, source=T1, n=n, offset=offset, text=text, cwd=cwd)


def end(n: int, t: int, offset: int, code: int = 0, cwd: str = "/w") -> CommandEnded:
    return CommandEnded(t=t, source=T1, n=n, offset=offset, exit=code, cwd=cwd)


def typed(data: bytes, t: int, *, commands: int, at_prompt: bool = True, offset: int = 0) -> Input:
    return Input(
        t=t, source=T1, data=data, offset=offset, prompts=commands + 1, commands=commands, at_prompt=at_prompt,
        icanon=not at_prompt, echo=True, foreground="bash", hidden=False, reply=False,
    )  # fmt: skip


def change(path: str) -> Change:
    return Change(path=path, before=None, after=FileState(type="file", mode=0o644, size=1, blob="0" * 64))


def changed(first: int, last: int, *paths: str, t: int = 0) -> WorkspaceChanged:
    return WorkspaceChanged(
        t=t, source="workspace", first=first, last=last, changes=[change(p) for p in paths]
    )


def note(t: int, text: str = "why") -> Noted:
    return Noted(t=t, source="notes", text=text)


def two_commands() -> list[Event]:
    return [
        opened(),
        prompt(1, 1, 0),
        typed(b"ls\r", 2, commands=0),
        start(1, 3, 10, "ls"),
        end(1, 5, 30),
        prompt(2, 6, 30),
        typed(b"rm x\x03", 7, commands=1),
        prompt(3, 8, 40),
        typed(b"cd a\r", 9, commands=1),
        start(2, 10, 50, "cd a"),
        end(2, 11, 50, 1, "/w/a"),
        prompt(4, 12, 50),
        typed(b"\x04", 13, commands=2),
        TerminalEnded(t=14, source=T1, exit=1, offset=60),
    ]


def test_commands_become_steps() -> None:
    first, second = steps(two_commands())
    assert (first.n, first.kind, first.text, first.command, first.exit) == (1, "command", "ls", 1, 0)
    assert (first.t_start, first.t_end, first.output) == (3, 5, (10, 30))
    assert [i.data for i in first.typed] == [b"ls\r"]
    assert first.inputs == ()
    assert first.complete
    assert (second.n, second.exit, second.cwd_before, second.cwd_after) == (2, 1, "/w", "/w/a")
    assert [i.data for i in second.typed] == [b"rm x\x03", b"cd a\r"], "an abandoned line leads to the next"


def test_input_while_running_belongs_to_the_program() -> None:
    events = [
        opened(), prompt(1, 1, 0), start(1, 3, 10, "vim a"),
        typed(b"ihi", 4, commands=1, at_prompt=False), Resized(t=5, source=T1, cols=9, rows=9, offset=20),
        typed(b"\x1b:wq\r", 6, commands=1, at_prompt=False), end(1, 7, 30),
    ]  # fmt: skip
    (step,) = steps(events)
    assert [i.data for i in step.inputs] == [b"ihi", b"\x1b:wq\r"]
    assert [r.cols for r in step.resizes] == [9]
    assert step.typed == ()


def test_shell_ended_by_its_last_command() -> None:
    (step,) = steps(
        [
            opened(),
            prompt(1, 1, 0),
            start(1, 3, 10, "exit 3"),
            TerminalEnded(t=9, source=T1, exit=3, offset=16),
        ]
    )
    assert (step.exit, step.output, step.t_end, step.cwd_after) == (3, (10, 16), 9, "/w")


def test_end_never_seen() -> None:
    events = [opened(), prompt(1, 1, 0), start(1, 3, 10, "make"), typed(b"x", 5, commands=1, offset=77)]
    (step,) = steps(events)
    assert (step.exit, step.output, step.t_end, step.complete) == (None, (10, 77), 5, False)


def test_lost_end_stops_at_the_next_prompt() -> None:
    first, second = steps(
        [opened(), start(1, 3, 10, "a"), prompt(2, 4, 25), start(2, 5, 30, "b"), end(2, 6, 31)]
    )
    assert (first.exit, first.output) == (None, (10, 25))
    assert (second.exit, second.output) == (0, (30, 31))


def test_program_without_marks_is_one_step() -> None:
    events = [
        opened(argv=["python3", "-i", "a b.py"]), typed(b"1\r", 2, commands=0, at_prompt=False),
        note(3), changed(0, 0, "out"), TerminalEnded(t=4, source=T1, exit=0, offset=99),
    ]  # fmt: skip
    (step,) = steps(events)
    assert (step.kind, step.text, step.command) == ("program", "python3 -i 'a b.py'", None)
    assert (step.output, step.exit, step.cwd_before, step.cwd_after) == ((0, 99), 0, "/w", None)
    assert [i.data for i in step.inputs] == [b"1\r"]
    assert step.rationale == ("why",)
    assert [c.path for c in step.changes] == ["out"]


def test_shell_that_ran_nothing_has_no_step() -> None:
    assert steps([opened(), prompt(1, 1, 0), TerminalEnded(t=4, source=T1, exit=0, offset=9)]) == []


def test_changes_of_several_commands_stand_at_the_first() -> None:
    events = [*two_commands(), changed(1, 2, "x"), changed(2, 2, "y")]
    first, second = steps(events)
    assert [c.path for c in first.changes] == ["x"]
    assert [c.path for c in second.changes] == ["y"]
    assert (first.changes_from, first.changes_through) == (1, 2)
    assert (second.changes_from, second.changes_through) == (1, 2)


def test_an_edit_is_a_step_in_its_place() -> None:
    edited = WorkspaceEdited(t=6, source="workspace", commands=1, changes=[change(p) for p in "abcd"])
    events = two_commands()
    got = steps([*events[:6], edited, *events[6:]])
    assert [(s.n, s.kind) for s in got] == [(1, "command"), (2, "edit"), (3, "command")]
    assert got[1].text == "edit a, b, c and 1 more"
    assert len(got[1].changes) == 4
    assert got[1].complete


@pytest.mark.parametrize(
    ("t", "about"),
    [(2, 1), (4, 1), (5, 1), (7, 1), (10, 1), (11, 2), (13, 2)],
)
def test_note_is_about_the_last_completed_step(t: int, about: int) -> None:
    got = steps([*two_commands(), note(t)])
    assert [s.rationale for s in got] == [("why",) if s.n == about else () for s in got]


def test_note_commands_are_not_what_notes_are_about() -> None:
    events = [
        opened(), start(1, 1, 0, "pytest"), end(1, 2, 5, 1),
        start(2, 3, 6, "reenact note 'one'"), note(4, "one"), end(2, 5, 7),
        start(3, 6, 8, "reenact mark here"), Marked(t=7, source="notes", label="here"), end(3, 8, 9),
        start(4, 9, 10, "reenact note two"), note(10, "two"), end(4, 11, 12),
    ]  # fmt: skip
    got = steps(events)
    assert got[0].rationale == ("one", "two")
    assert got[0].marks == ("here",)
    assert all(not s.rationale and not s.marks for s in got[1:])


def test_note_inside_a_longer_line_is_about_that_line() -> None:
    events = [
        opened(), start(1, 1, 0, "ls"), end(1, 2, 5),
        start(2, 3, 6, "pytest; reenact note 'two of three fail'"), note(4), end(2, 5, 7),
    ]  # fmt: skip
    assert [s.rationale for s in steps(events)] == [(), ("why",)]


def test_only_notes() -> None:
    events = [opened(), start(1, 1, 0, "reenact note x"), note(2), end(1, 3, 5)]
    assert [s.rationale for s in steps(events)] == [("why",)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("reenact note why", True),
        ("reenact note 'a; b | c'", True),
        ('reenact note "two\nlines"', True),
        ("reenact mark", True),
        ("/s/shell/bin/reenact note x", True),
        ("reenact note it's", True),
        ("reenact note x\n", True),
        ("reenact note x; ls", False),
        ("reenact note x\nls", False),
        ("ls && reenact note x", False),
        ("reenact note it's; ls", False),
        ("reenact check -- pytest", False),
        ("reenact", False),
        ("echo reenact note", False),
        ("", False),
    ],
)
def test_is_note(text: str, wanted: bool) -> None:
    assert is_note(text) is wanted


def test_check_belongs_to_its_command() -> None:
    check = Checked(t=11, source="notes", command=2, line="pytest -q", exit=0, reward=1.0)
    got = steps([*two_commands(), check])
    assert [s.check for s in got] == [None, check]


def test_flows_belong_to_the_command_that_caused_them_whenever_they_begin() -> None:
    def request(flow: int, t: int, command: int | None, how: str = "cgroup") -> FlowRequested:
        return FlowRequested(
            t=t, source="proxy", flow=flow, connection=1, method="GET", url="http://a/", version="1.1", headers=[],
            cause=Cause(command=command, how=how, process="curl"),
        )  # fmt: skip

    flows = [request(1, 12, 1), request(2, 13, 2), request(3, 14, 1), request(4, 15, None, "unknown")]
    assert [s.flows for s in steps([*two_commands(), *flows])] == [(1, 3), (2,)]
    program = steps([opened(argv=["curl"]), request(1, 2, None, "process"), request(2, 3, None, "unknown")])
    assert [s.flows for s in program] == [(1,)]


@pytest.mark.parametrize(
    ("source", "t", "until", "flagged"),
    [
        (T1, 4, 4, [1]),
        (T1, 5, 7, [1, 2]),
        ("terminal/2", 4, 4, []),
        ("workspace", 0, 99, [1, 2]),
        (T1, 13, 14, []),
    ],
)
def test_gaps_flag_the_steps_they_touch(source: str, t: int, until: int, flagged: list[int]) -> None:
    gap = Gap(t=t, source=source, until=until, bytes=None, reason="writer died")
    got = steps([*two_commands(), gap])
    assert [s.n for s in got if s.gaps] == flagged
    assert [s.n for s in got if not s.complete] == flagged


def test_two_terminals_do_not_mix() -> None:
    other = [
        opened(4, argv=["top"], source="terminal/2"), TerminalEnded(t=12, source="terminal/2", exit=0, offset=7)
    ]  # fmt: skip
    got = steps(sorted(two_commands() + other, key=lambda e: e.t))
    assert [(s.text, s.source, s.exit) for s in got] == [
        ("ls", T1, 0),
        ("top", "terminal/2", 0),
        ("cd a", T1, 1),
    ]


def test_steps_survive_json() -> None:
    for step in steps([*two_commands(), note(6), changed(1, 2, "x")]):
        assert msgspec.json.decode(msgspec.json.encode(step), type=type(step)) == step


small = st.integers(0, 12)
numbers = st.integers(0, 5)
sources = st.sampled_from([T1, "terminal/2"])
texts = st.sampled_from(["ls", "reenact note x", "reenact mark", "a; reenact note 'q", ""])
changes_ = st.lists(st.sampled_from("ab").map(change), max_size=2)
any_event = st.one_of(
    st.builds(opened, small, argv=st.sampled_from([None, ["top"]]), source=sources),
    st.builds(PromptShown, t=small, source=sources, n=numbers, offset=small, ready=small),
    st.builds(CommandStarted, t=small, source=sources, n=numbers, offset=small, text=texts, cwd=st.just("/")),
    st.builds(CommandEnded, t=small, source=sources, n=numbers, offset=small, exit=numbers, cwd=st.just("/")),
    st.builds(
        Input, t=small, source=sources, data=st.binary(max_size=2), offset=small, prompts=numbers,
        commands=numbers, at_prompt=st.booleans(), icanon=st.booleans(), echo=st.booleans(),
        foreground=st.just("sh"), hidden=st.booleans(), reply=st.booleans(),
    ),
    st.builds(Resized, t=small, source=sources, cols=st.just(80), rows=st.just(24), offset=small),
    st.builds(TerminalEnded, t=small, source=sources, exit=st.none() | numbers, offset=small),
    st.builds(
        WorkspaceSnapshot, t=small, source=st.just("workspace"), root=st.just("/w"), tree=st.just("0" * 64),
        files=numbers, bytes=numbers, git=st.none(), ignored=st.just([]),
    ),
    st.builds(
        WorkspaceChanged, t=small, source=st.just("workspace"), first=numbers,
        last=numbers | st.just(2**31 - 1), changes=changes_,
    ),
    st.builds(WorkspaceEdited, t=small, source=st.just("workspace"), commands=numbers, changes=changes_),
    st.builds(Noted, t=small, source=st.just("notes"), text=st.just("n")),
    st.builds(Marked, t=small, source=st.just("notes"), label=st.just("m")),
    st.builds(
        Checked, t=small, source=st.just("notes"), command=numbers, line=st.just("c"), exit=numbers,
        reward=st.just(1.0),
    ),
    st.builds(Gap, t=small, source=sources, until=small, bytes=st.none(), reason=st.just("r")),
    st.builds(Recovered, t=small, source=sources, part=st.just("p"), detail=st.just("d")),
    st.builds(Unknown, kind=st.just("later"), t=small, source=sources),
)  # fmt: skip


@given(st.lists(any_event, max_size=25))
def test_total_and_nothing_twice(events: list[Event]) -> None:
    got = steps(events)
    assert [s.n for s in got] == list(range(1, len(got) + 1))
    assert [s.t_start for s in got] == sorted(s.t_start for s in got)
    assert all(s.t_start <= s.t_end for s in got)
    assert all(s.output is None or s.output[0] <= s.output[1] for s in got)
    assert sum(s.kind == "command" for s in got) == sum(isinstance(e, CommandStarted) for e in events)
    assert sum(s.kind == "edit" for s in got) == sum(isinstance(e, WorkspaceEdited) for e in events)
    inputs = [id(i) for s in got for i in (*s.inputs, *s.typed)]
    assert len(inputs) == len(set(inputs))
    if got:
        notes = sum(isinstance(e, Noted) for e in events)
        marks = sum(isinstance(e, Marked) for e in events)
        assert sum(len(s.rationale) for s in got) == notes, "no note is lost or told twice"
        assert sum(len(s.marks) for s in got) == marks
    told = sum(len(s.changes) for s in got if s.kind != "edit")
    assert told <= sum(len(e.changes) for e in events if isinstance(e, WorkspaceChanged))
