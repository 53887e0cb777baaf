"""Pairs per rule: what a rule may make equal and what it may not. Each pair is judged by the whole chain."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from replay.verify.compare import compare
from replay.verify.identities import modes
from replay.verify.normalisers import normalise, terminal_rules, text_rules
from replay.verify.outputs import METHODS
from replay.verify.times import Clock
from replay.verify.verdict import Context, Observation, Output, StepVerdict, Verdict

RULES = (*terminal_rules(80), *text_rules())


def judge(recorded: str | bytes, observed: str | bytes, context: Context | None = None) -> StepVerdict:
    a, b = (x.encode() if isinstance(x, str) else x for x in (recorded, observed))
    return compare(Observation(output=Output.of(a)), Observation(output=Output.of(b)), context)


METER = "100 60000  100 60000    0     0 %s"
ZED = "100 --   3000     0     3     0  "
METERED = "1401k 0 --:--:-- --:--:-- --:--:-- 1429k"
WRITING = "Writing objects: 100%% (3/3), %s | "
WHEEL = "  Created wheel for gamma: filename=gamma-0.1-py3-none-any.whl size=1029 sha256="

LOG = "[%s:%s] Failed to connect to the bus\r\n"
SAME = [
    # timestamps
    ("timestamps", "at 2024-06-01 12:00:00.123 ok", "at 2024-06-01 12:00:03.9 ok"),
    ("timestamps", "2024-06-01T12:00:00Z x", "2025-06-01T12:00:03Z x"),
    ("timestamps", "2024-06-01T12:00:00+02:00", "2024-06-01T12:01:00+02:00"),
    ("timestamps", "2024/06/01 12:00:00 main.go", "2024/06/01 12:00:09 main.go"),
    ("timestamps", "backup-ok 20240601T120000Z", "backup-ok 20240601T120001Z"),
    ("timestamps", "Sat Jun  1 12:00:00 UTC 2024", "Sun Jun  2 01:00:00 UTC 2024"),
    ("timestamps", "Sat Jun  1 12:00:00 CEST 2024", "Sat Jun  1 12:00:01 CEST 2024"),
    ("timestamps", "Sat Jun  1 12:00:00 2024 +0000", "Sat Jun  1 12:34:56 2024 +0000"),
    ("timestamps", "Sat, 01 Jun 2024 12:00:00 +0000", "Sat, 01 Jun 2024 12:00:01 +0000"),
    ("timestamps", "Sat 01 Jun 2024 12:00:00 PM UTC", "Sat 01 Jun 2024 12:00:59 PM UTC"),
    ("timestamps", "Jun  1 12:00:00 host sshd: hi", "Jun  1 12:00:07 host sshd: hi"),
    ("timestamps", '- [01/Jun/2024:12:00:00 +0000] "GET /"', '- [01/Jun/2024:12:00:01 +0000] "GET /"'),
    ("timestamps", "[12:00:00] built", "[12:00:01] built"),
    ("timestamps", "now 12:00:00.123456", "now 12:00:01.5"),
    ("timestamps", "_logs/2024-06-01T12_00_00_123Z-debug-0.log", "_logs/2024-06-01T12_00_01_003Z-debug-0.log"),
    # durations
    ("durations", "3 passed in 0.03s", "3 passed in 0.12s"),
    ("durations", "=== 3 passed in 9.93s ===", "== 3 passed in 10.03s =="),
    ("durations", "\x1b[32m==== 3 passed in 0.03s ====\x1b[0m", "\x1b[32m=== 3 passed in 10.12s ====\x1b[0m"),
    ("durations", "== 1 passed in 59.03s ==", "== 1 passed in 61.12s (0:01:01) =="),
    ("durations", "Ran 3 tests in 0.012s", "Ran 3 tests in 1.002s"),
    ("durations", "real\t0m0.003s\r\nuser\t0m0.001s", "real\t0m1.003s\r\nuser\t0m0.000s"),
    ("durations", "real 0.00\r\nuser 0.00\r\nsys 0.00\r\n", "real 0.01\r\nuser 0.00\r\nsys 0.01\r\n"),
    ("durations", "x  0.00s user 0.00s system 0% cpu 1.002 total", "x  0.01s user 0.00s system 83% cpu 0.012 total"),
    ("durations", "Executed in  900.00 millis    fish    external", "Executed in    1.01 secs    fish    external"),
    ("durations", "Done in 340 ms", "Done in 1234 ms"),
    ("durations", "compiled in 3 seconds", "compiled in 4 seconds"),
    ("durations", "added 5 packages in 2s", "added 5 packages in 3s"),
    ("durations", "ok  \tpkg\t0.003s", "ok  \tpkg\t0.010s"),
    ("durations", "Finished dev [unoptimized] in 1m 02s", "Finished dev [unoptimized] in 59.80s"),
    ("durations", "64 bytes: time=0.045 ms", "64 bytes: time=0.1 ms"),
    ("durations", "12.5µs per loop", "13µs per loop"),
    ("durations", "# duration_ms 12.3", "# duration_ms 8.123"),
    ("durations", "stash@{0}: 3 seconds ago", "stash@{0}: 4 seconds ago"),
    ("durations", "Total wall clock time: 0.09s", "Total wall clock time: 0s"),
    # rates
    ("rates", "copied, 425 MB/s", "copied, 1.2 GB/s"),
    ("rates", "Receiving objects: 100% (9/9), done.", "Receiving objects: 100% (9/9), 1.44 KiB | 1.44 MiB/s, done."),
    ("rates", "10/10 [00:00, 1.93it/s]", "10/10 [00:00, 22.1it/s]"),
    ("rates", "100%[===>]     290  --.-KB/s    in 0.1s", "100%[===>]     290  1.2 MB/s    in 0.1s"),
    ("meters", METER % METERED, METER % " 57.2M      0  0:00:01  0:00:01 --:--:-- 1.3M"),
    ("meters", METER % METERED, METER % "   401    22 99d 03h --:--:-- --:--:--     0"),
    ("meters", ZED + "--:--:-- --:--:-- --:--:-- 29702", ZED + " 0:00:01  0:00:01 --:--:-- 2929k"),
    ("certificates", "*  start date: Nov 22 05:48:38 2026 GMT", "*  start date: Jan  2 00:00:00 1970 GMT"),
    # process ids
    ("pids", "[1] 12345\r\n", "[1] 23\r\n"),
    ("pids", "started, pid 12345, waiting for pid 12345", "started, pid 99, waiting for pid 99"),
    ("pids", "pid=7 ppid=6", "pid=17 ppid=16"),
    ("pids", "2024-06-01 12:00:00,123 4567 hi", "2024-06-01 12:00:00,123 89 hi"),
    ("pids", "bash: line 3: 12345 Killed    ./a", "bash: line 3:   99 Killed    ./a"),
    ("pids", "[1]  + 12345 done       sleep 1", "[1]  + 54321 done       sleep 1"),
    ("pids", "exe -> /proc/12345/exe", "exe -> /proc/7/exe"),
    (
        "pids",
        "    PID TTY          TIME CMD\r\n  12345 pts/0    00:00:00 bash\r\n  12399 pts/0    00:00:00 ps\r\n",
        "    PID TTY          TIME CMD\r\n      7 pts/0    00:00:00 bash\r\n     19 pts/0    00:00:00 ps\r\n",
    ),
    # addresses
    ("addresses", "<object object at 0x7f1234567890>", "<object object at 0x7f99aa567890>"),
    ("addresses", "p = 0x55d0c0a1b2a0, again 0x55d0c0a1b2a0", "p = 0x55d0c0a1b2b0, again 0x55d0c0a1b2b0"),
    ("addresses", "fault at 0x4052a0", "fault at 0x4062a0"),
    ("addresses", "java.lang.Object@1b6d3586", "java.lang.Object@4554617c"),
    ("uuids", "id 0b0f9ba2-59d7-4d6e-a5cd-ec2e5f0f0b6d", "id 1c0f9ba2-59d7-4d6e-a5cd-ec2e5f0f0b6d"),
    # temporary names
    ("temporary-names", "/tmp/tmpab1_cd2e/x", "/tmp/tmpzz9_cd2e/x"),
    ("temporary-names", "/tmp/tmp.4kD2lqAb3z", "/tmp/tmp.Zk32lqAb3z"),
    ("temporary-names", "ld: /tmp/ccAbCd12.o: no main", "ld: /tmp/ccXXyZ34.o: no main"),
    ("temporary-names", "/tmp/pytest-of-root/pytest-0/test_a0", "/tmp/pytest-of-root/pytest-12/test_a0"),
    ("temporary-names", "/tmp/build-a8Fk2Q/out", "/tmp/build-Zk9bn1/out"),
    ("built-wheels", "\x1b[?25h" + WHEEL + "ab12" * 16, "\x1b[?25h" + WHEEL + "cd34" * 16),
    ("built-wheels", WHEEL + "ab12" * 16, WHEEL + "cd34" * 16),
    # ports, inodes, listings, disk
    ("ports", "listening on 127.0.0.1:40123", "listening on 127.0.0.1:51333"),
    ("ports", "serving at port 40123", "serving at port 51333"),
    ("inodes", "123456 -rw-r--r-- 1 u g 5 Jun  1 12:00 a", "123999 -rw-r--r-- 1 u g 5 Jun  1 12:00 a"),
    ("inodes", "Device: 0,45\tInode: 1234567     Links: 1", "Device: 0,46\tInode: 7     Links: 1"),
    ("listings", "-rw-r--r-- 1 u g 5 Jun  1 12:00 a", "-rw-r--r-- 1 u g 5 Nov 13  2023 a"),
    ("listings", "-rw-r--r-- 1 u g 5 2024-06-01 12:00 a", "-rw-r--r-- 1 u g 5 2024-07-01 12:01 a"),
    ("disk", "total 12\r\n-rw-r--r-- 1 u g 5 Jun  1 12:00 a", "total 4\r\n-rw-r--r-- 1 u g 5 Jun  1 12:00 a"),
    ("disk", "drwxr-xr-x 2 u g 4096 Jun  1 12:00 d", "drwxr-xr-x 2 u g   60 Jun  1 12:00 d"),
    ("terminals", "/dev/pts/3\r\n", "/dev/pts/11\r\n"),
    ("gauges", "up  1:17,  0 user", "up  2 days, 10 min,  0 user"),
    ("gauges", "load average: 5.55, 5.01, 4.20", "load average: 0.50, 0.01, 0.20"),
    # in colours
    ("durations", "ok \x1b[90m12ms\x1b[39m", "ok \x1b[90m9ms\x1b[39m"),
    ("epochs", "\x1b[33m1795308277075\x1b[39m", "\x1b[33m1795308277099\x1b[39m"),
    ("addresses", "\x1b[1m0x7f1234567890\x1b[m", "\x1b[1m0x7f1234567899\x1b[m"),
    ("git-hashes", "\x1b[33mab12cd3\x1b[m fix", "\x1b[33mab12cd4\x1b[m fix"),
    ("git-hashes", "* \x1b[33mcommit " + "ab12" * 10 + "\x1b[m", "* \x1b[33mcommit " + "cd34" * 10 + "\x1b[m"),
    ("git-hashes", "WIP on main: ab12cd3 fix", "WIP on main: bb12cd3 fix"),
    # what a terminal shows
    ("redraws", "10%\r50%\r100%\r\n", "10%\r100%\r\n"),
    ("redraws", "lss\b \b\r\n", "ls\r\n"),
    ("redraws", "a\r\r\nb\r\n", "a\r\nb\r\n"),
    ("redraws", "\x1b[31mred\x1b[m\r\n", "\x1b[0;31mr\x1b[31med\x1b[0m\r\n"),
    ("redraws", "a: 1%\r\nb: 1%\r\n\x1b[2Aa: 9%\r\nb: 9%\r\n", "a: 1%\r\nb: 1%\r\n\x1b[1Ab: 9%\r\x1b[Aa: 9%\r\n\r\n"),
    ("modes", "\x1b]0;title one\x07hi", "\x1b]0;title two\x07hi"),
    ("modes", "\x1b[?25lhi\x1b[?25h", "hi"),
    ("chromium-log", LOG % ("18:46:1122/074351.839142", "ERROR:dbus/bus.cc:405") + "<p>\r\n", "<p>\r\n"),
    ("chromium-log", "<p>\r\n", "<p>\r\n" + 2 * LOG % (2 * ("7:9:0101/000000.000001", "WARNING:a/b_c.cc(4)"))),
    # weak ones
    ("git-hashes", "commit " + "ab12" * 10, "commit " + "cd34" * 10),
    ("git-hashes", "[main ab12cd3] fix", "[main 9912cd3] fix"),
    ("git-hashes", "index ab12cd3..1234567 100644", "index ab12cd4..1234599 100644"),
    ("git-hashes", "ab12cd3 fix\r\n99aa123 init\r\n", "bb12cd3 fix\r\n88aa123 init\r\n"),
    ("git-hashes", "HEAD is now at ab12cd3 fix", "HEAD is now at 1234567 fix"),
    ("packs", WRITING % "277 bytes" + "277.00 KiB/s, done.", WRITING % "278 bytes" + "277.00 KiB/s, done."),
    ("packs", WRITING % "1.00 KiB" + "1.00 KiB/s, done.", WRITING % "1023 bytes" + "1.00 KiB/s, done."),
    ("epochs", "1717243200", "1717243299"),
    ("epochs", "t=1717243200.25 x", "t=1717243201.5 x"),
    ("dates", "today is 2024-06-01.", "today is 2024-06-02."),
    ("order", "a\r\nb\r\nc\r\n", "c\r\na\r\nb\r\n"),
]  # fmt: skip

DIFFERENT = [
    ("3 failed in 0.03s", "2 failed in 0.03s"),
    ("1 failed, 2 passed in 0.03s", "2 failed, 1 passed in 0.04s"),
    ("test_a.py::test_one PASSED", "test_a.py::test_two PASSED"),
    ("test_a.py::test_one PASSED", "test_a.py::test_one FAILED"),
    ("hello world", "hello there"),
    ("42", "43"),
    (METER % METERED, METER.replace("60000 ", "50000 ") % METERED),
    (WHEEL + "ab12" * 16, WHEEL.replace("1029", "1030") + "ab12" * 16),
    ("gamma-0.1.whl sha256=" + "ab12" * 16, "gamma-0.1.whl sha256=" + "cd34" * 16),
    (LOG % ("1:2:1122/074351.839142", "INFO:CONSOLE:3"), LOG % ("1:3:1122/074351.839142", "INFO:CONSOLE:4")),
    (LOG % ("1:2:1122/074351.839142", "FATAL:a/b.cc:4"), ""),
    ("[18:46] ERROR a/b.cc:4] gone\r\n", ""),
    ("100 60000  100 60000 1401k", "100 60000  100 60000 1501k"),
    ("total 12", "total 13"),
    (WRITING % "277 bytes" + "1 KiB/s", (WRITING % "277 bytes" + "1 KiB/s").replace("3/3", "4/4")),
    ("Reading objects: 100% (3/3), 277 bytes | 1 KiB/s", "Reading objects: 100% (3/3), 278 bytes | 1 KiB/s"),
    ("exit code 1", "exit code 2"),
    ("a\r\nb\r\n", "a\r\n"),
    ("a\r\nb\r\n", "a\r\nb\r\nb\r\n"),
    ("a\r\nb", "ab"),
    ("a ", "a"),
    ("A", "a"),
    ("", "x"),
    ("\x1b[31mred\x1b[0m", "\x1b[32mred\x1b[0m"),
    ("\x1b[1mred\x1b[0m", "red"),
    ("10%\r50%\r100%\r\n", "10%\r50%\r\n"),
    ("10%\r\n100%\r\n", "100%\r\n"),
    ("pid 5 and pid 5", "pid 5 and pid 6"),
    ("pid 5 and pid 6", "pid 5 and pid 5"),
    ("[1] 12345\r\n", "[2] 12345\r\n"),
    ("0x7f1234567890 0x7f1234567890", "0x7f1234567890 0x7f1234567891"),
    ("mask = 0xff00ff", "mask = 0xff00fe"),
    ("0xdeadbeef", "0xdeadbee0"),
    ("\x1b[31m12ms\x1b[m", "\x1b[32m13ms\x1b[m"),
    ("/dev/pts/3 /dev/pts/3", "/dev/pts/3 /dev/pts/4"),
    ("http://127.0.0.1:8000/", "http://127.0.0.1:8001/"),
    ("port 80", "port 81"),
    ("sleep 5", "sleep 6"),
    ("retry 5s", "retry 6s"),
    ("version 1.2.3", "version 1.2.4"),
    ("took 3 tries", "took 4 tries"),
    ("/tmp/notes.txt", "/tmp/other.txt"),
    ("/tmp/report-final", "/tmp/report-broken"),
    ("-rw-r--r-- 1 u g 5 Jun  1 12:00 a", "-rw-r--r-- 1 u g 6 Jun  1 12:00 a"),
    ("-rw-r--r-- 1 u g 5 Jun  1 12:00 a", "-rwxr--r-- 1 u g 5 Jun  1 12:00 a"),
    ("-rw-r--r-- 1 u g 5 Jun  1 12:00 a", "-rw-r--r-- 1 u g 5 Jun  1 12:00 b"),
    ("d41d8cd98f00b204e9800998ecf8427e  x", "d41d8cd98f00b204e9800998ecf8427f  x"),
    ("da39a3ee5e6b4b0d3255bfef95601890afd80709  x", "da39a3ee5e6b4b0d3255bfef95601890afd80700  x"),
    ("1234567 lines", "1234568 lines"),
    ("at 1234567 bytes", "at 1234568 bytes"),
    ("defaced wall", "effaced wall"),
    ("ab12cd3 fix\r\n99aa123 init\r\n", "bb12cd3 fix\r\n88aa123 start\r\n"),
    ("commit " + "ab12" * 10 + "\r\nParent " + "ab12" * 10, "commit " + "cd34" * 10 + "\r\nParent " + "ab12" * 10),
    ("bob@faded.com", "bob@added.com"),
    ("⟨duration⟩", "0.03s"),
    ("pid ⟨pid1⟩", "pid 5"),
    ("caf\xe9".encode("latin1"), "caf\xe8".encode("latin1")),
    ("a\x1b[Hb", "a\x1b[2;1Hb"),
    ("a\r\nb\r\n⟨pid1⟩\r\n", "b\r\na\r\n⟨pid2⟩\r\n"),
    ("\x1b]8;;http://a\x07link\x1b]8;;\x07", "\x1b]8;;http://b\x07link\x1b]8;;\x07"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "recorded", "observed"), SAME)
def test_equivalent_by_this_rule_alone(rule: str, recorded: str, observed: str) -> None:
    for verdict in (judge(recorded, observed), judge(observed, recorded)):
        assert verdict.verdict is Verdict.EQUIVALENT, verdict.miss
        assert verdict.causes == (rule,)
    assert judge(recorded, recorded).verdict is Verdict.EXACT


@pytest.mark.parametrize(("recorded", "observed"), DIFFERENT)
def test_real_differences_diverge(recorded: str | bytes, observed: str | bytes) -> None:
    for verdict in (judge(recorded, observed), judge(observed, recorded)):
        assert verdict.verdict is Verdict.DIVERGED, verdict.how
        assert verdict.miss is not None


@pytest.mark.parametrize(("rule", "recorded", "observed"), SAME)
def test_a_rule_that_is_forbidden_is_not_used(rule: str, recorded: str, observed: str) -> None:
    verdict = judge(recorded, observed, Context(without=frozenset({rule})))
    assert rule not in verdict.causes


@pytest.mark.parametrize(("rule", "recorded", "observed"), SAME)
def test_rules_hide_nothing_beside_what_they_mask(rule: str, recorded: str, observed: str) -> None:
    assert judge(recorded + "\r\n1 failed\r\n", observed + "\r\n2 failed\r\n").verdict is Verdict.DIVERGED
    assert judge("one\r\n" + recorded, "two\r\n" + observed).verdict is Verdict.DIVERGED


def test_causes_name_every_rule_needed_and_no_other() -> None:
    verdict = judge(
        "pid 5 at 0x7f1234567890 took 0.5s and 0.5s stays 12:00:00",
        "pid 6 at 0x7f1234567891 took 0.7s and 0.5s stays 12:00:00",
    )
    assert verdict.causes == ("pids", "durations", "addresses")
    assert verdict.how == "equivalent by pids, durations, addresses"


DAY = 1717243200.0  # 2024-06-01 12:00:00 UTC
CLOCKED = Context(clocks=(Clock(((DAY, DAY + 60),)), Clock(((DAY, DAY + 90),))), elapsed=0.5)


@pytest.mark.parametrize(
    ("recorded", "observed", "same"),
    [
        ("2024-06-01 12:00:10 started", "2024-06-01 12:00:20 started", True),
        ("2024-06-01 14:00:10 started", "2024-06-01 14:00:20 started", True),  # an unknown zone
        ("2024-06-01T12:00:10Z", "2024-06-01T12:00:20Z", True),
        ("2024-06-01T14:00:10+02:00", "2024-06-01T14:00:20+02:00", True),
        ("2024-06-01T14:00:10Z", "2024-06-01T14:00:20Z", False),
        ("2023-06-01 12:00:10 ERROR", "2023-06-01 12:00:20 ERROR", False),
        ("2024-06-01 12:00:10 ERROR", "2024-05-31 12:00:20 ERROR", False),
        ("Sat Jun  1 12:00:10 UTC 2024", "Sat Jun  1 12:00:12 UTC 2024", True),
        ("Sat Jun  1 12:00:10 UTC 2024", "Sat Jun  1 13:00:12 UTC 2024", False),
        ("Jun  1 12:00:10 host a: b", "Jun  1 12:01:12 host a: b", True),
        ("Mar  1 12:00:10 host a: b", "Mar  1 12:01:12 host a: b", False),
        ("12:00:10", "12:00:11", True),
        ("12:07:10", "12:07:11", False),
        ("1717243210", "1717243211", True),
        ("1617243210", "1617243211", False),
        ("1717243210123456789", "1717243211123456789", True),
        ("2024-06-01", "2024-06-02", True),
        ("2024-06-01", "2024-06-05", False),
        ("in 0.31s", "in 0.42s", True),
        ("in 0.31s", "in 4.20s", False),
        ("timeout 30.0s", "timeout 31.0s", False),
        ("real\t0m0.4s\r\nuser\t0m0.9s", "real\t0m0.5s\r\nuser\t0m0.8s", True),
        ("-rw-r--r-- 1 u g 5 Jun  1 12:00 a", "-rw-r--r-- 1 u g 5 Jun  1 12:01 a", True),
        ("-rw-r--r-- 1 u g 5 Mar  1 12:00 a", "-rw-r--r-- 1 u g 5 Mar  2 12:00 a", False),
        ("drwxr-xr-x 1 u g 5 Mar  1 12:00 a", "drwxr-xr-x 1 u g 5 Jun  1 12:00 a", True),
        ("99/99/9999 99:99:99 2024-13-45 25:61:61", "99/99/9999 99:99:98 2024-13-45 25:61:61", False),
    ],
)  # fmt: skip
def test_clock_and_elapsed_narrow_what_may_be_masked(recorded: str, observed: str, same: bool) -> None:
    verdict = judge(recorded, observed, CLOCKED)
    assert verdict.verdict is (Verdict.EQUIVALENT if same else Verdict.DIVERGED), verdict


PIECES = st.sampled_from(
    [
        *(text for _, a, b in SAME for text in (a, b)),
        "\r\n", "\n", "\r", " ", ": ", "pid ", "12345", "at ", "in ", "s", "\b", "\x1b[K", "\x1b[2A", "\x1b[1m",
        "\x1b", "[1] ", "⟨pid1⟩", "⟨", "/tmp/", "0x", "commit ", "..", "é", "\xff", "_", ".",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES | st.text(max_size=6), max_size=6).map(
    lambda parts: "".join(parts).encode("utf-8", "ignore")
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_idempotent(rule) -> None:  # type: ignore[no-untyped-def]
    @given(TEXTS | st.binary(max_size=40))
    def check(data: bytes) -> None:
        once = rule.apply(data)
        assert rule.apply(once) == once

    check()


@given(TEXTS)
@example(b"pid 5 pid 6 pid 5 ")
def test_text_rules_keep_lines(data: bytes) -> None:
    assert normalise(data, text_rules()).count(b"\n") == data.count(b"\n")


@given(st.text(alphabet="abcdefgh XYZ\r\n", max_size=40).filter(lambda t: "\r" not in t), st.data())
def test_words_are_never_masked(text: str, data: st.DataObject) -> None:
    raw = text.encode()
    assert normalise(raw, text_rules()) == raw


@given(
    st.lists(st.integers(2, 9999), min_size=2, max_size=5),
    st.lists(st.integers(2, 9999), min_size=2, max_size=5),
)
def test_aliases_keep_equality(a: list[int], b: list[int]) -> None:
    """Equal after masking only when the two lists have the same pattern of repetition."""
    shape = [[values.index(v) for v in values] for values in (a, b)]
    texts = ["".join(f"pid {v}\r\n" for v in values).encode() for values in (a, b)]
    equal = normalise(texts[0], text_rules()) == normalise(texts[1], text_rules())
    assert equal == (shape[0] == shape[1])


def test_modes_takes_out_what_nests() -> None:
    assert modes(b"\x1b[?2\x1b[?25l5hx") in (b"\x1b[?25hx", b"x")


@pytest.mark.parametrize(
    "data",
    [
        b"A.A$" * 60000, b" " * 200000 + b"x", b"1" * 200000, b"=" * 200000 + b" 0.03s", b"=x" * 100000 + b"0.03s",
        b"12:00:00 " * 20000, b"[" * 100000, b"a@" * 100000, b"0x" * 100000, b"ab1" * 70000, b"\x1b[" * 100000,
        b"1.1/" * 50000, b"/tmp/a-" * 30000, b"Mon Jan " * 20000, b"* " * 100000, b"-" * 200000, b"1h 1m " * 30000,
        b"PID " * 50000, b"pid " * 50000 + b"1", b"\x1b]0;" * 50000, b"\x1b[31m\x1b[K" * 20000,
    ],
    ids=lambda data: repr(bytes(data[:12])),
)  # fmt: skip
def test_hostile_lines_take_no_long(data: bytes) -> None:
    begin = time.process_time()
    normalise(data[:50_000], RULES)
    assert time.process_time() - begin < 2


def test_a_meter_that_was_redrawn_needs_just_two_rules() -> None:
    speeds = (
        " 1401k      0 --:--:-- --:--:-- --:--:-- 1429k",
        " 57.2M      0  0:00:01  0:00:01 --:--:-- 57.2M",
    )
    rows = [METER % speed for speed in speeds]
    started = "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0\r"
    verdict = judge(f"\r{started}{rows[0]}\r\n", f"\r{started}{started}{rows[1]}\r\n")
    assert set(verdict.causes) == {"meters", "redraws"}


def test_every_rule_and_method_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "normalisers.md").read_text()
    documented = set(re.findall(r"^### `([^`]+)`", page, re.MULTILINE))
    assert documented == {rule.name for rule in RULES} | set(METHODS)
    paired = {rule for rule, _, _ in SAME} | {"write-out"}  # that one needs a command: test_formats.py
    assert paired >= {rule.name for rule in RULES}, "every rule has a pair here"
