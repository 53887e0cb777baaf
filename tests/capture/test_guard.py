"""Which input may be stored: tables for the prompt rule, and one walk through every way a held line can end."""

from __future__ import annotations

from typing import Any

import pytest

from recorder.sources.terminal.guard import ECHO_WAIT, Guard, asks_secret
from recorder.trace.events import Input

PROMPT = b"\r\nPassword: "


def typed(data: bytes, **fields: Any) -> Input:
    values: dict[str, Any] = {
        "t": 1, "source": "terminal/1", "data": data, "offset": 0, "prompts": 0, "commands": 1, "at_prompt": False,
        "icanon": False, "echo": False, "foreground": "ssh", "hidden": False, "reply": False,
    }  # fmt: skip
    return Input(**(values | fields))


def stored(events: list[Input]) -> list[tuple[bytes, bool]]:
    return [(event.data, event.hidden) for event in events]


@pytest.mark.parametrize(
    "tail",
    [
        b"Password: ", b"\nroot@host's password: ", b"[sudo] password for me: \x1b[0m", b"Enter PIN:",
        b"Verification code: ", b"Enter passphrase for key '/home/me/.ssh/id': ", b"API key? ", b"OTP> ",
        b"\x1b[1mToken\x1b[0m: ", b"\rPassword: \x1b[K\r\x1b[10C", b"Password: ****", b"Mot de passe : ",
        "Password: ●●●".encode(), b"Passwort: ", "密码：".encode(), b"? Enter your secret: \x1b[?25h",
    ],
)  # fmt: skip
def test_lines_that_ask_for_a_secret(tail: bytes) -> None:
    assert asks_secret(b"earlier\r\n" + tail)


@pytest.mark.parametrize(
    "tail",
    [
        b"", b"$ ", b"user@host:~$ ", b">>> ", b"(gdb) ", b"Password: \r\n", b"password is wrong\r\n$ ", b"spinning: ",
        b"compass> ", b"\x1b[24;1HPassword: ", b"\x1b[?1049hPassword: ", b"no password here", b"Overwrite (y/n)? ",
    ],
)  # fmt: skip
def test_lines_that_do_not(tail: bytes) -> None:
    assert not asks_secret(b"earlier\r\n" + tail)


def test_line_mode_without_echo_hides_at_once_and_tells_no_length() -> None:
    guard = Guard()
    out = [event for key in b"secret\x7f\r" for event in guard.typed(typed(bytes([key]), icanon=True), b"")]
    assert stored(out) == [(b"", True), (b"\r", True)]
    assert stored(guard.typed(typed(b"other\x03", icanon=True), b"")) == [(b"\x03", True)]
    assert stored(guard.typed(typed(b"ls\r", icanon=True, echo=True), b"")) == [(b"ls\r", False)]


@pytest.mark.parametrize("echo", [b"", b"*", "●".encode(), b"\x1b[32m*\x1b[0m"])
def test_a_prompt_in_raw_mode_hides_what_is_not_echoed(echo: bytes) -> None:
    guard = Guard()
    out: list[Input] = []
    tail = PROMPT
    for key in b"secret":
        out += guard.typed(typed(bytes([key])), tail)
        tail += echo
        out += guard.shown(echo) if echo else []
    assert out == []
    out += guard.typed(typed(b"\r"), tail)
    out += guard.shown(b"\r\nwelcome\r\n")
    assert stored(out) == [(b"\r", True)]
    assert stored(guard.typed(typed(b"ls"), tail + b"\r\nhost$ ")) == [(b"ls", False)]


def test_an_echo_gives_the_keys_back_with_their_own_times() -> None:
    guard = Guard()
    assert guard.typed(typed(b"v", t=10), PROMPT) == []
    assert guard.shown(b"v") == []
    assert guard.typed(typed(b"i", t=20), PROMPT + b"v") == []
    out = guard.shown(b"i")
    assert [(event.data, event.t, event.hidden) for event in out] == [(b"v", 10, False), (b"i", 20, False)]


def test_a_line_pasted_with_its_enter_waits_for_an_echo_and_then_is_hidden() -> None:
    guard = Guard()
    assert guard.typed(typed(b"secret\r", t=1000), PROMPT) == []
    assert guard.deadline == 1000 + int(ECHO_WAIT * 1e9)
    assert stored(guard.settle()) == [(b"\r", True)]
    assert guard.typed(typed(b"seen\r"), PROMPT) == []
    assert stored(guard.shown(b"seen\r\n")) == [(b"seen\r", False)]


def test_keys_that_cannot_be_a_secret_pass() -> None:
    for keys in (b"\x1b[A", b"\r", b"\x03", b"\x7f"):
        assert stored(Guard().typed(typed(keys), PROMPT)) == [(keys, False)]
    assert stored(Guard().typed(typed(b"ls\r", at_prompt=True), PROMPT)) == [(b"ls\r", False)]
    assert stored(Guard().typed(typed(b"\x1b[0n", reply=True), PROMPT)) == [(b"\x1b[0n", False)]


def test_a_prompt_of_the_shell_ends_a_held_line() -> None:
    guard = Guard()
    assert guard.typed(typed(b"secret"), PROMPT) == []
    out = guard.typed(typed(b"ls\r", at_prompt=True), b"$ ")
    assert stored(out) == [(b"", True), (b"ls\r", False)]


def test_what_is_held_is_bounded() -> None:
    guard = Guard()
    out: list[Input] = []
    for _ in range(5):
        out += guard.typed(typed(b"x" * 1000), PROMPT)
    assert stored(out) == [(b"", True)]
    assert not guard.holding
