"""The plan: what is typed in one write, what is typed ahead, what stands apart."""

from __future__ import annotations

import pytest
from msgspec import structs

from recorder.trace.events import AnyEvent, CommandEnded, CommandStarted, Input, PromptShown, TerminalStarted
from replay.plan import Browse, Send, _pieces, plan

TERMINAL = TerminalStarted(
    t=0,
    source="terminal/1",
    argv=["bash"],
    shell="bash",
    cwd="/w",
    env={},
    cols=80,
    rows=24,
    nonce="0" * 32,
    files=[],
)


def typed(
    data: bytes, *, commands: int = 0, prompt: bool = True, line: bool = False, fg: str = "bash"
) -> Input:
    return Input(
        t=len(data), source="terminal/1", data=data, offset=100, prompts=commands + 1, commands=commands,
        at_prompt=prompt, icanon=line, echo=line, foreground=fg, hidden=False, reply=False,
    )  # fmt: skip


def started(n: int, text: str) -> CommandStarted:
    return CommandStarted(t=0, source="terminal/1", n=n, offset=50, text=text, cwd="/w")


def sends(*events: AnyEvent) -> list[Send]:
    return [a for a in plan([TERMINAL, *events], TERMINAL).actions if isinstance(a, Send)]


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"ls -l\r", [b"ls -l\r"]),
        (b"a\x03b", [b"a", b"\x03", b"b"]),
        (b"\x1b[A\x1b[B", [b"\x1b[A", b"\x1b[B"]),
        (b"\x1bOPx", [b"\x1bOP", b"x"]),
        (b"\x1b", [b"\x1b"]),
        (b"\x1bb", [b"\x1bb"]),
        (b"\x1b\x1b[A", [b"\x1b", b"\x1b[A"]),
        (b"\x1b[200~two\rlines\x1b[201~\r", [b"\x1b[200~two\rlines\x1b[201~", b"\r"]),
        (b"one\rtwo\r", [b"one\r", b"two\r"]),
        ("é\r".encode(), ["é\r".encode()]),
    ],
)
def test_keys_that_act_on_what_came_before_stand_apart(data: bytes, pieces: list[bytes]) -> None:
    assert _pieces(data) == pieces
    assert b"".join(_pieces(data)) == data


def test_a_line_typed_key_by_key_is_one_write() -> None:
    keys = [typed(bytes([key])) for key in b"ls\r"]
    assert [send.data for send in sends(*keys)] == [b"ls\r"]
    assert sends(*keys)[0].submits


def test_keys_inside_a_program_keep_their_writes() -> None:
    keys = [typed(key, commands=1, prompt=False, fg="vim") for key in (b"i", b"x", b"\x1b")]
    assert [send.data for send in sends(started(1, "vim"), *keys)] == [b"i", b"x", b"\x1b"]


def test_replies_of_the_terminal_are_never_typed() -> None:
    reply = Input(**{f: getattr(typed(b"\x1b[?1c"), f) for f in Input.__struct_fields__} | {"reply": True})
    assert sends(reply) == []


def test_a_line_typed_while_a_program_slept_is_typed_ahead() -> None:
    ahead = typed(b"pwd\r", commands=1, prompt=False, line=True, fg="sleep")
    ended = CommandEnded(t=9, source="terminal/1", n=1, offset=60, exit=0, cwd="/w")
    shown = PromptShown(t=9, source="terminal/1", n=2, offset=60, ready=70)
    (send,) = sends(started(1, "sleep 1"), ahead, ended, shown, started(2, "pwd"))
    assert send.ahead


def test_a_line_that_a_program_read_is_not() -> None:
    line = typed(b"pwd\r", commands=1, prompt=False, line=True, fg="cat")
    enter = typed(b"pwd\r", commands=1)
    first, second = sends(started(1, "cat"), line, enter, started(2, "pwd"))
    assert not first.ahead
    assert not second.ahead


def test_keys_after_a_whole_line_are_typed_ahead_although_the_shell_was_still_in_its_own_mode() -> None:
    prompt = PromptShown(t=0, source="terminal/1", n=1, offset=0, ready=10)
    first, late = typed(b"sleep 1\r"), typed(b"p")
    rest = [typed(key, commands=1, prompt=False, line=True, fg="sleep") for key in (b"wd", b"\r")]
    shown = PromptShown(t=9, source="terminal/1", n=2, offset=60, ready=70)
    line, ahead = sends(prompt, first, late, started(1, "sleep 1"), *rest, shown, started(2, "pwd"))
    assert (line.data, line.at_prompt) == (b"sleep 1\r", True)
    assert (ahead.data, ahead.at_prompt, ahead.commands, ahead.ahead) == (b"pwd\r", False, 1, True)


def test_the_browser_has_its_turns_between_what_is_typed() -> None:
    line = structs.replace(typed(b"make\r"), t=0)
    ended = CommandEnded(t=5, source="terminal/1", n=1, exit=0, cwd="/", offset=90)
    again = structs.replace(typed(b"ls\r", commands=1), t=8)
    events = [line, structs.replace(started(1, "make"), t=1), ended, again]
    actions = plan(events, TERMINAL, [3, 6, 9]).actions
    assert [type(action).__name__ for action in actions] == ["Send", "Browse", "Browse", "Send", "Browse"]
    turns = [(a.until, a.commands, a.at_prompt) for a in actions if isinstance(a, Browse)]
    assert turns == [(6, 1, False), (9, 1, True), (None, 1, True)]
