"""What is typed without echo is never stored, whoever asks for it; what is echoed always is."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.trace.events import Input

SECRET = b"hunter2-Zq"

RAW_PROMPT = """
import os, sys, tty, termios
old = termios.tcgetattr(0); tty.setraw(0)
sys.stdout.write("{prompt}"); sys.stdout.flush()
while True:
    key = os.read(0, 1)
    if key in b"\\r\\n": break
    os.write(1, {echo})
termios.tcsetattr(0, termios.TCSANOW, old)
print("\\r\\nDONE")
"""


MUTED = """
process.stdin.setRawMode(true);
process.stdout.write('OTP: ');
process.stdin.on('data', data => { if (data.includes('\\r')) { console.log('\\nDONE'); process.exit(); } });
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def raw(prompt: str, echo: str) -> list[str]:
    return python(RAW_PROMPT.format(prompt=prompt, echo=echo))


PROMPTERS = {
    "bash read -s": (["bash", "-c", "read -sp 'Enter: ' x; echo; echo DONE"], b"Enter: "),
    "bash read -s -n": (["bash", "-c", "read -s -n 10 -p 'PIN: ' x; echo; echo DONE"], b"PIN: "),
    "zsh read -s": (["zsh", "-f", "-c", "read -s 'x?Enter: '; echo; echo DONE"], b"Enter: "),
    "fish read -s": (["fish", "--no-config", "-ic", "read -s -P 'Password: ' x; echo; echo DONE"], b"Password: "),
    "getpass": (python("import getpass; getpass.getpass('Enter: '); print('DONE')"), b"Enter: "),
    "stty -echo": (["sh", "-c", "stty -echo; printf 'Enter: '; read x; stty echo; echo DONE"], b"Enter: "),
    "ssh-keygen": (["sh", "-c", "ssh-keygen -q -t ed25519 -f $0/key; echo DONE", "{folder}"], b"passphrase"),
    "openssl": (["sh", "-c", "openssl passwd -noverify; echo DONE"], b"assword:"),
    "python in raw mode, no echo": (raw("Password: ", "b''"), b"Password: "),
    "python in raw mode, masked": (raw("Password: ", "b'*'"), b"Password: "),
    "python in raw mode, dots": (raw("Passphrase for key: ", "'\\u2022'.encode()"), b"Passphrase for key: "),
    "python in raw mode, a token": (raw("Enter your API key: ", "b''"), b"API key: "),
    "node, muted": (
        ["node", "-e", MUTED],
        b"OTP: ",
    ),
}  # fmt: skip


QUICK = {
    ("bash read -s", False),
    ("getpass", True),
    ("python in raw mode, masked", False),
    ("fish read -s", True),
}
CASES = [
    pytest.param(name, burst, marks=() if (name, burst) in QUICK else pytest.mark.slow)
    for name in PROMPTERS
    for burst in (True, False)
]


@pytest.mark.parametrize(("prompter", "burst"), CASES)
def test_a_secret_is_never_stored(record: Callable, prompter: str, burst: bool, tmp_path: Path) -> None:
    argv, prompt = PROMPTERS[prompter]
    argv = [part.replace("{folder}", str(tmp_path)) for part in argv]
    tool = prompter.split()[0] if prompter.split()[0] in ("ssh-keygen", "openssl") else argv[0]
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    outer = record(argv)
    outer.expect(prompt)
    look(outer)  # some turn the echo off only after they asked
    at = len(outer.shown)
    for _ in range(3):
        if burst:
            outer.type(SECRET + b"\r")
        else:
            for byte in SECRET:
                outer.type(bytes([byte]))
                look(outer)
            outer.type(b"\r")
        outer.until(
            lambda at=at: (
                b"DONE" in outer.shown or b"assphrase" in outer.shown[at:] or b"erif" in outer.shown[at:]
            )
        )
        at = len(outer.shown)
        if b"DONE" in outer.shown:
            break
    result = outer.wait()
    assert result.gaps == []
    journal = (outer.folder / "terminal-1.journal").read_bytes()
    assert SECRET not in journal
    events = outer.record().of(Input)
    assert any(event.hidden for event in events)
    hidden = [event for event in events if event.hidden]
    assert len(hidden) <= 6, "the number of events tells the length"
    # Nor in pieces.
    assert not set(SECRET) & set(b"".join(event.data for event in events))
    if "-n" not in prompter:  # which ends without Enter
        assert b"\r" in b"".join(event.data for event in hidden)


def look(outer, times: int = 2) -> None:  # type: ignore[no-untyped-def]
    """Take what is shown for a moment (20 ms a look); a prompter that shows nothing gives no sign to wait for."""
    for _ in range(times):
        outer.pull(0.02)


@pytest.mark.parametrize("prompt", ["Password: ", "Name: "])
def test_what_is_echoed_is_stored_even_if_it_is_asked_like_a_secret(record: Callable, prompt: str) -> None:
    outer = record(raw(prompt, "key"))
    outer.expect(prompt.encode())
    outer.type(b"v")
    outer.expect(b"v", len(prompt))
    outer.type(b"isible")
    outer.expect(b"isible")
    outer.type(b"\r")
    outer.wait()
    assert outer.record().typed() == b"visible\r"


def test_visible_again_after_the_secret(record: Callable) -> None:
    outer = record(["bash", "-c", "read -s -p 'Enter: ' x; read -p 'Name: ' y; echo DONE"])
    outer.expect(b"Enter: ")
    outer.type(SECRET + b"\r")
    outer.expect(b"Name: ")
    outer.type(b"me\r")
    outer.wait()
    events = outer.record().of(Input)
    assert [(e.data, e.hidden) for e in events] == [(b"\r", True), (b"me\r", False)]


def test_a_relay_killed_within_a_secret_stores_none_of_it(record: Callable) -> None:
    outer = record(raw("Password: ", "b''"))
    outer.expect(b"Password: ")
    outer.type(SECRET[:5])
    outer.kill("reenact-relay")
    outer.type(SECRET[5:] + b"\r")
    outer.expect(b"DONE")
    outer.wait()
    assert not set(SECRET) & set(b"".join(e.data for e in outer.record().of(Input)))
