"""The clock inside: what programs see of it, in every tier, and that moving it reaches those that run already."""

from __future__ import annotations

import re
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.sandbox import ClockMode, page
from replay.sandbox.clock import FAKETIME_VARIABLES, faketime_library, faketime_line
from replay.sandbox.page import ClockPage
from replay.sandbox.support import is_static, static_programs

STARTED = 1717243200 * 10**9  # 2024-06-01T12:00:00Z
SECOND = 10**9
ASK = {
    "bash": "printf '%(%s)T\\n' -1",
    "date": "date +%s",
    "python3": "/usr/bin/python3 -c 'import time; print(int(time.time()))'",
    "perl": "perl -e 'print time, \"\\n\"'",
    "node": "node -e 'console.log(String(Math.floor(Date.now() / 1000)))'",
    "git": "git init -q r 2>/dev/null; cd r; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x; "
    "git --no-pager log -1 --format=%ct; cd ..",
    "zsh": "zsh -fc 'zmodload zsh/datetime; echo $EPOCHSECONDS'",
    "fish": "fish --no-config -c 'date +%s'",
    "awk": "awk 'BEGIN { srand(); print srand() }'",
    "sqlite3": "sqlite3 :memory: \"select strftime('%s')\"",
}


@pytest.fixture(params=["page", "libfaketime"])
def tier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, support: Any) -> str:
    if request.param == "page" and support.clock != "page":
        pytest.skip("the tier `page` needs a C compiler")
    if request.param == "libfaketime":
        if faketime_library() is None:
            pytest.skip("libfaketime is not installed")
        monkeypatch.setattr(page, "library", lambda: None)
    return str(request.param)


@pytest.fixture
def box(open_box: Callable[..., Any], tier: str) -> Any:
    box = open_box()
    assert box.sandbox.clock == tier
    box.terminal.until(r"\$ ")
    return box


@pytest.mark.sandbox
def test_programs_see_the_instant_that_is_set(box: Any) -> None:
    shown = {}
    steps = [STARTED, STARTED + 1000 * SECOND, STARTED + 90_000 * SECOND]
    for at in steps:
        box.sandbox.set_clock(at)
        for name, line in ASK.items():
            if shutil.which(name, path="/usr/bin:/bin"):
                shown[name, at] = int(box.terminal.run(line).split()[-1])
    for (name, at), seconds in shown.items():
        assert 0 <= seconds - at // SECOND <= 1, (name, seconds - at // SECOND)
    assert len(shown) >= 3 * 4


@pytest.mark.sandbox
def test_fractions_and_zones(box: Any) -> None:
    box.sandbox.set_clock(STARTED + 123_456_789)
    assert box.terminal.run("date +%H:%M:%S.%3N").strip() == "12:00:00.123"
    assert box.terminal.run("TZ=Asia/Tokyo date +%H:%M:%S").strip() == "21:00:00"
    assert box.terminal.run("TZ=America/New_York date +%FT%H:%M").strip() == "2024-06-01T08:00"


@pytest.mark.sandbox
def test_a_running_program_sees_the_change(box: Any) -> None:
    box.terminal.type(
        "/usr/bin/python3 -c 'import time; print(1234 + 1)\nwhile input(): print(\"saw\", int(time.time()))'\r"
    )
    box.terminal.until("1235")
    for at in (STARTED + 10 * SECOND, STARTED + 7777 * SECOND):
        box.sandbox.set_clock(at)
        box.terminal.type("x\r")
        assert int(box.terminal.until(r"saw (\d+)").split()[-1]) == at // SECOND
    box.terminal.type("\r")


@pytest.mark.sandbox
def test_timeouts_still_end(box: Any) -> None:
    begin = time.monotonic()
    run = box.terminal.run
    assert run("sleep 0.2; echo slept").strip() == "slept"
    assert run("timeout 0.2 sleep 100; echo $?").strip() == "124"
    assert run("read -t 0.2; echo $?").strip() == "142"
    python = "import queue, select, threading; print(threading.Event().wait(0.1), select.select([], [], [], 0.1)[0])"
    assert run(f"/usr/bin/python3 -c '{python}'").strip() == "False []"
    if shutil.which("node", path="/usr/bin"):
        assert run("node -e 'setTimeout(() => console.log(\"late\"), 200)'").strip() == "late"
    assert time.monotonic() - begin < 15


@pytest.mark.sandbox
def test_environment_shows_what_it_must(box: Any, tier: str) -> None:
    names = {line.partition("=")[0] for line in box.terminal.run("env").split("\n") if line}
    extra = names - {"PATH", "HOME", "TERM", "PS1", "LANG", "PWD", "SHLVL", "_"}
    assert extra == set() if tier == "page" else extra <= set(FAKETIME_VARIABLES)
    assert not [name for name in names if name.startswith("LD_")]


@pytest.mark.sandbox
def test_restored_file_times_are_seen_as_they_are(
    open_box: Callable[..., Any], folder: Path, tier: str
) -> None:
    import os

    file = folder / "workspace" / "old"
    file.write_text("x")
    os.utime(file, ns=(STARTED - 86400 * SECOND + 5,) * 2)
    run = open_box().terminal.run
    assert run("stat -c %y old; touch -d '2020-01-02 03:04:05 UTC' t; stat -c %Y t").split("\n")[:2] == [
        "2024-05-31 12:00:00.000000005 +0000", "1577934245",
    ]  # fmt: skip


@pytest.mark.sandbox
def test_running_clock(open_box: Callable[..., Any]) -> None:
    box = open_box(clock=ClockMode.RUNNING)
    if box.sandbox.clock == "real":
        pytest.skip("a clock that runs needs a C compiler or libfaketime")
    run = box.terminal.run
    first = float(run("date +%s.%N"))
    assert 0 <= first - STARTED / SECOND < 10
    begin = time.monotonic()
    box.sandbox.set_clock(STARTED + 5000 * SECOND)
    assert run("sleep 0.3").strip() == ""
    later = float(run("date +%s.%N")) - STARTED / SECOND - 5000
    assert 0.3 <= later <= time.monotonic() - begin + 0.01
    before = time.time_ns()
    seen = int(run("date +%s%N"))
    assert before <= seen - box.sandbox.clock_shift <= time.time_ns()


WAITS = """
import ctypes, time
class Timespec(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long)]
libc = ctypes.CDLL(None)
word = ctypes.create_string_buffer(256)
mutex = ctypes.create_string_buffer(256)
at = lambda: ctypes.byref(Timespec(*divmod(time.time_ns() + 200_000_000, 10**9)))
for wait in (
    lambda: libc.sem_timedwait(word, at()),
    lambda: libc.pthread_cond_timedwait(word, mutex, at()),
    lambda: libc.clock_nanosleep(0, 1, at(), None),
):
    begin = time.monotonic()
    wait()
    print(0.19 < time.monotonic() - begin < 60)
"""


@pytest.mark.sandbox
def test_waits_until_an_hour_of_a_running_clock_wait(open_box: Callable[..., Any], folder: Path) -> None:
    """The kernel knows the machine's hour only: one long past would be over at once, again and again."""
    box = open_box(clock=ClockMode.RUNNING)
    (folder / "workspace" / "waits.py").write_text(WAITS)
    assert box.terminal.run("/usr/bin/python3 waits.py").split() == ["True"] * 3


@pytest.mark.sandbox
def test_real_clock(open_box: Callable[..., Any]) -> None:
    box = open_box(clock=ClockMode.REAL)
    assert box.sandbox.clock == "real"
    assert abs(int(box.terminal.run("date +%s")) - time.time()) < 10


@pytest.mark.sandbox
def test_a_payload_that_spoils_its_clock_harms_only_itself(
    open_box: Callable[..., Any], support: Any
) -> None:
    if support.clock != "page":
        pytest.skip("the tier `page` needs a C compiler")
    box = open_box()
    spoil = "import os; fd = os.open('/run/reenact/clock', os.O_RDWR); os.pwrite(fd, b'\\xff' * 32, 24); "
    for end in ("os.ftruncate(fd, 10)", "os.ftruncate(fd, 0)"):
        box.terminal.type(f'/usr/bin/python3 -c "{spoil}{end}; os.kill(os.getpid(), 9)"\r')
        box.terminal.until("Killed")
        assert box.sandbox.set_clock(STARTED + SECOND) >= STARTED + SECOND


def test_page_never_runs_backwards(tmp_path: Path) -> None:
    clock = ClockPage(tmp_path / "page", start_ns=STARTED, seed=1)
    assert clock.set(STARTED + 5) == STARTED + 5
    assert clock.set(STARTED) == STARTED + 5
    with open(tmp_path / "page", "r+b") as file:
        file.seek(32)
        file.write(struct.pack("<q", 7))  # a payload slept
    assert clock.now() == STARTED + 12
    assert clock.set(STARTED + 6) == STARTED + 12
    clock.close()


@given(st.integers(0, 2**61), st.integers(0, 2**61))
def test_faketime_lines_say_the_instant(at: int, now: int) -> None:
    seconds, fraction = re.fullmatch(r"(\d+)\.(\d{10})\n", faketime_line(at, None)).groups()  # type: ignore[union-attr]
    assert int(seconds) * 10**9 + int(fraction[:9]) == at
    sign, seconds, fraction = re.fullmatch(r"([+-])(\d+)\.(\d{9})\n", faketime_line(at, now)).groups()  # type: ignore[union-attr]
    offset = int(seconds) * 10**9 + int(fraction)
    assert now + (offset if sign == "+" else -offset) == at


def test_static_programs_are_named(tmp_path: Path) -> None:
    assert is_static(Path("/bin/sh")) is False
    (tmp_path / "script").write_text("#!/bin/sh\n")
    (tmp_path / "script").chmod(0o755)
    assert is_static(tmp_path / "script") is None
    assert is_static(tmp_path / "none") is None
    for junk in (b"\x7fELF", b"\x7fELF" + b"\xff" * 60, b"\x7fELF\x02\x01" + b"\0" * 60):
        (tmp_path / "junk").write_bytes(junk)
        is_static(tmp_path / "junk")
    if Path("/sbin/ldconfig").exists():
        assert static_programs(["sh", "ldconfig", "no-such"], "/bin:/sbin") == ["ldconfig"]
