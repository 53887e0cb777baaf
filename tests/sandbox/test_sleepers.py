"""Sleeps are skipped when nothing else could happen, in their order; whatever else waits by the clock is waited for."""

from __future__ import annotations

import itertools
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.sandbox

STARTED = 1717243200 * 10**9  # 2024-06-01T12:00:00Z
SECOND = 10**9
EVER = 1 << 62
PYTHON = "/usr/bin/python3"
THREADS = (
    "import time, threading as t; a = [t.Thread(target=time.sleep, args=(n,)) for n in (60, 30)]; "
    "[x.start() for x in a]; [x.join() for x in a]"
)
ITIMER = (
    'import signal; signal.signal(14, lambda *a: print("rang")); signal.setitimer(signal.ITIMER_REAL, 1); '
    "signal.pause()"
)


class Skipping:
    """Runs lines in a sandbox whose sleeps are skipped, as a player does while it waits."""

    def __init__(self, box: Any) -> None:
        self.box = box
        self.skips = 0

    def until(self, pattern: str, end: int | None = EVER, seconds: float = 20.0) -> str:
        terminal = self.box.terminal
        limit = time.monotonic() + seconds
        begin = len(terminal.shown)
        while not (found := re.search(pattern, terminal.shown[begin:])):
            assert time.monotonic() < limit, f"{pattern!r} never showed: {terminal.shown[begin:]!r}"
            if not terminal._read(0.001):
                self.skips += self.box.sandbox.pass_time(end)
        return found.string[: found.end()]

    def asleep(self) -> None:
        """Returns when somebody sleeps."""
        limit = time.monotonic() + 20
        while not self.box.sandbox._clock.sleeps.sleepers():
            assert time.monotonic() < limit
            self.box.terminal._read(0.001)

    def run(self, line: str, end: int | None = EVER, seconds: float = 20.0) -> str:
        self.box.terminal.type(f"echo o''n; {line}; echo do''ne\r")
        shown = self.until(r"[\r\n]done\r\n", end, seconds)
        return re.split(r"[\r\n]on\r\n", shown)[1].removesuffix("done\r\n").replace("\r\n", "\n")


@pytest.fixture
def skipping(open_box: Callable[..., Any], support: Any) -> Skipping:
    if support.clock != "page":
        pytest.skip("the tier `page` needs a C compiler")
    box = open_box()
    box.terminal.until(r"\$ ")
    box.sandbox.set_clock(STARTED)
    return Skipping(box)


@pytest.fixture
def compiled(folder: Path) -> Callable[[str], str]:
    def build(source: str, *options: str) -> str:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.skip("needs a C compiler")
        (folder / "program.c").write_text(source)
        program = folder / "workspace" / "program"
        subprocess.run(
            [compiler, "-pthread", *options, "-o", program, folder / "program.c"],
            check=True,
            capture_output=True,
        )
        program.chmod(0o755)
        return "./program"

    return build


@pytest.mark.parametrize(
    "line",
    [
        "sleep 60",
        f"{PYTHON} -c 'import time; time.sleep(60)'",
        f"{PYTHON} -c 'import select; select.select([], [], [], 60)'",
        f"{PYTHON} -c 'import select; select.poll().poll(60000)'",
        "perl -e 'sleep 60'",
        "perl -e 'select undef, undef, undef, 60'",
        "echo x | (sleep 60; cat)",
        "sleep 20 | sleep 60",
        f"{PYTHON} -c '{THREADS}'",
        f"{PYTHON} -c 'import os, time; os.fork() or os._exit(0); time.sleep(60)'",
    ],
)
def test_a_long_sleep_is_skipped_and_shown_in_full(skipping: Skipping, line: str) -> None:
    begin = time.monotonic()
    shown = skipping.run(f"{line}; date -u +%T")
    assert shown.split("\n")[-2] in ("12:01:00", "12:00:59")  # looks of several threads cost microseconds
    assert time.monotonic() - begin < 15
    assert skipping.skips >= 1


def test_time_tells_the_same(skipping: Skipping) -> None:
    shown = skipping.run("TIMEFORMAT=%1R; time sleep 30")
    assert shown == "30.0\n"


def test_processes_wake_in_their_order(skipping: Skipping) -> None:
    line = "((sleep 30; echo late) & (sleep 20; echo later) & sleep 10; echo first; wait)"
    assert skipping.run(line).split() == ["first", "later", "late"]


def test_many_loops_keep_step(skipping: Skipping) -> None:
    """Their ends lie two seconds of sleep apart, or more, which no load makes up for."""
    periods = (14, 22, 26, 34, 38)
    jobs = " ".join(f"(for k in 1 2 3; do sleep {n}; echo {n}.$k; done) &" for n in periods)
    ends = sorted((n * k, f"{n}.{k}") for n in periods for k in (1, 2, 3))
    assert min(b[0] - a[0] for a, b in itertools.pairwise(ends)) >= 2
    assert skipping.run(f"({jobs} wait)").split() == [name for _, name in ends]


def test_loops_of_sleeps(skipping: Skipping) -> None:
    shown = skipping.run(
        "n=0; while sleep 5; do n=$((n+1)); echo $n; [ $n = 20 ] && break; done; date -u +%T"
    )
    assert shown.split() == [*map(str, range(1, 21)), "12:01:40"]


def test_files_keep_their_times(skipping: Skipping) -> None:
    skipping.run("touch a; sleep 30; touch b; sleep 30; touch c")
    assert skipping.run("TZ=UTC stat -c %y a b c | cut -c 12-19").split() == [
        "12:00:00", "12:00:30", "12:01:00",
    ]  # fmt: skip


@pytest.mark.slow
def test_no_skip_past_what_the_recording_waited_for(skipping: Skipping) -> None:
    skipping.box.terminal.type("sleep 3 && echo en''ded\r")
    skipping.until("ended", 2 * SECOND)
    assert skipping.skips == 0
    skipping.box.terminal.type("sleep 60 && echo en''ded\r")
    skipping.until("ended", 64 * SECOND)
    assert skipping.skips == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("timeout 1 sleep 5; echo $?", "124"),
        ("perl -e '$SIG{ALRM} = sub { print \"rang\\n\" }; alarm 1; sleep 5'", "rang"),
        ("perl -e 'alarm 1; exec qw(sleep 5)'; echo $?", "142"),
        (
            f"{PYTHON} -c '{ITIMER}' & sleep 3; echo slept; wait",
            "rang\nslept",
        ),
    ],
    ids=["timeout", "alarm", "exec", "itimer"],
)
def test_alarms_go_off_before_a_longer_sleep_ends(skipping: Skipping, line: str, shown: str) -> None:
    out = skipping.run(f"set +m; {line}")
    assert [word for word in out.split("\n") if word in (*shown.split("\n"), "slept")] == shown.split("\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    "waiting",
    [
        f"{PYTHON} -c 'import threading; threading.Event().wait(1); print(1)'",
        f"{PYTHON} -c 'import select; select.select([0], [], [], 1); print(1)' < <(sleep 9)",
        "read -t 1 < <(sleep 9); echo 1",
    ],
)
def test_timeouts_that_are_not_known_are_waited_for(skipping: Skipping, waiting: str) -> None:
    shown = skipping.run(f"({waiting}) & sleep 2; echo 2; wait")
    assert [word for word in shown.split("\n") if word in ("1", "2")] == ["1", "2"]


@pytest.mark.slow
def test_timer_descriptors_and_static_programs_are_waited_for(
    skipping: Skipping, compiled: Callable[..., str]
) -> None:
    timer = compiled(
        "#include <stdint.h>\n#include <stdio.h>\n#include <sys/timerfd.h>\n#include <unistd.h>\n"
        "int main(void) { struct itimerspec s = {{0, 0}, {1, 0}}; uint64_t n; int fd = timerfd_create(1, 0);"
        'timerfd_settime(fd, 0, &s, 0); read(fd, &n, 8); puts("1"); }'
    )
    shown = skipping.run(f"{timer} & sleep 2; echo 2; wait")
    assert [word for word in shown.split("\n") if word in ("1", "2")] == ["1", "2"]
    static = compiled(
        '#include <stdio.h>\n#include <unistd.h>\nint main(void) { sleep(1); puts("1"); }', "-static"
    )
    shown = skipping.run(f"{static} & sleep 2; echo 2; wait")
    assert [word for word in shown.split("\n") if word in ("1", "2")] == ["1", "2"]


def test_who_works_is_waited_for(skipping: Skipping) -> None:
    line = (
        "(i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; echo work''ed) & sleep 100; echo sle''pt; wait"
    )
    shown = skipping.run(line, seconds=60)
    assert shown.index("worked") < shown.index("slept")


def test_who_died_asleep_harms_nobody(skipping: Skipping) -> None:
    run = skipping.run
    run("set +m; for i in 1 2 3 4 5; do sleep 5 & done; kill -9 $(jobs -p); wait")
    begin = time.monotonic()
    assert run("sleep 600; date -u +%T").strip() == "12:10:00"
    run("for i in $(seq 300); do sleep 700 & done; kill -9 $(jobs -p); wait", seconds=60)
    assert run("sleep 600; date -u +%T").strip() == "12:20:00"
    assert time.monotonic() - begin < 60


def test_a_stopped_sleep_does_not_hold_others(skipping: Skipping) -> None:
    terminal = skipping.box.terminal
    terminal.type("sleep 500\r")
    skipping.asleep()
    terminal.type("\x1a")
    skipping.until("Stopped", None)
    assert skipping.run("sleep 100; date -u +%T").strip().endswith("12:01:40")
    terminal.type("fg; date -u +%T\r")
    skipping.until(r"12:08:20|12:10:00")


INTERRUPTED = """
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>
static void handler(int n) { (void)n; }
int main(void) {
    struct sigaction act = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &act, NULL);
    pid_t self = getpid();
    for (int i = 0; i < 4; i++) {
        int ready[2];
        pipe(ready);
        if (fork() == 0) { usleep(200000); kill(self, SIGUSR1); _exit(0); }
        struct timespec t = {50, 0}, left = {-1, -1};
        struct timeval v = {50, 0};
        int r = -9;
        errno = 0;
        if (i == 0) { r = nanosleep(&t, &left); printf("nanosleep %d %d %ld\\n", r, errno, (long)left.tv_sec); }
        if (i == 1) { r = poll(NULL, 0, 50000); printf("poll %d %d\\n", r, errno); }
        if (i == 2) { r = select(0, NULL, NULL, NULL, &v); printf("select %d %d %ld\\n", r, errno, (long)v.tv_sec); }
        if (i == 3) { r = (int)sleep(50); printf("sleep %d\\n", r); }
    }
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += 50;
    printf("until %d %d\\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL), errno = 0);
    struct timespec bad = {0, 2000000000};
    int r = nanosleep(&bad, NULL);
    printf("bad %d %d\\n", r, errno == EINVAL);
}
"""


def test_signals_interrupt_sleeps_as_ever(skipping: Skipping, compiled: Callable[..., str]) -> None:
    shown = skipping.run(compiled(INTERRUPTED))
    assert shown.split("\n")[:-1] == [
        "nanosleep -1 4 49", "poll -1 4", "select -1 4 49", "sleep 50", "until 0 0", "bad -1 1",
    ]  # fmt: skip


def test_a_sleeping_thread_can_be_cancelled(skipping: Skipping, compiled: Callable[..., str]) -> None:
    program = compiled(
        "#include <pthread.h>\n#include <stdio.h>\n#include <unistd.h>\n"
        "static void *zzz(void *p) { sleep(1000); return p; }\n"
        "int main(void) { pthread_t t; void *r; pthread_create(&t, 0, zzz, 0); usleep(50000); pthread_cancel(t);"
        'pthread_join(t, &r); puts(r == PTHREAD_CANCELED ? "cancelled" : "slept"); }'
    )
    assert skipping.run(program).strip() == "cancelled"


def test_no_clock_no_skip(open_box: Callable[..., Any]) -> None:
    from replay.sandbox import ClockMode

    box = open_box(clock=ClockMode.REAL)
    box.terminal.until(r"\$ ")
    skipping = Skipping(box)
    assert skipping.run("sleep 0.5; echo slept").strip() == "slept"
    assert skipping.skips == 0


def test_a_payload_that_spoils_the_page_harms_only_itself(skipping: Skipping) -> None:
    spoil = 'import os; fd = os.open("/run/reenact/clock", os.O_RDWR); os.pwrite(fd, os.urandom(9000), 64); '
    for end in ("os.ftruncate(fd, 100)", "os.ftruncate(fd, 0)"):
        skipping.box.terminal.type(f"{PYTHON} -c '{spoil}{end}; os.kill(os.getpid(), 9)'\r")
        skipping.until("Killed|Bus error")
        for _ in range(50):
            skipping.box.sandbox.pass_time(EVER)
