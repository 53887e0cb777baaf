"""`ls` and `stats` as a person calls them."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from judged_traces import judge
from made_traces import made_trace

from recorder.trace.errors import UsageError
from replay import verdicts
from replay.catalog import store
from replay.catalog.entry import Entry
from replay.catalog.summary import summary
from replay.commands.cataloguing import ls, stats

REENACT = [sys.executable, "-c", "from recorder.start import main; main()"]
EVIL = "\x1b]52;c;ZXZpbA==\x07 \x9b31m \u202e evil"


def said(command: object, *words: object) -> Result:
    assert command in (ls, stats)
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)  # type: ignore[arg-type]


def entry(**fields: object) -> Entry:
    given: dict[str, object] = {
        "name": "a.reenact", "size": 10, "rejected": "", "trace_id": "x", "started_unix_ns": 0,
        "duration_ns": 1_800_000_000_000, "commands": 2, "pages": 1, "state": "complete", "reward": None, "task": "t",
        "annotator": None, "project": None, "licence": None, "actor": "human", "tags": [], "flags": [],
        "verdict": None, "steady": False,
    }  # fmt: skip
    return Entry(**(given | fields))  # type: ignore[arg-type]


def test_a_summary() -> None:
    found = summary(
        [
            entry(reward=1.0, verdict="exact", steady=True, tags=["a", "b"], flags=["unsigned"]),
            entry(reward=0.0, verdict="exact", steady=False, tags=["a"], annotator="eve"),
            entry(reward=0.5, verdict="diverged", steady=True, task=None, state="recovered"),
            entry(actor="model"),
            entry(rejected="syntax", task=None),
        ]
    )
    assert (found.traces, found.bytes, found.rejected) == (5, 50, {"syntax": 1})
    assert found.verdicts == {"exact": 2, "diverged": 1, "none": 1}
    assert list(found.verdicts) == ["exact", "diverged", "none"]
    assert found.verified == 1
    assert (found.states, found.actors) == ({"complete": 3, "recovered": 1}, {"human": 3, "model": 1})
    assert (found.tasks, found.annotators) == ({"t": 3, "": 1}, {"": 3, "eve": 1})
    assert (found.tags, found.flags) == ({"a": 2, "b": 1}, {"unsigned": 1})
    assert (found.hours, found.commands, found.pages) == (2.0, 8, 4)
    assert (found.checked, found.mean_reward) == (3, 0.5)
    assert summary([]).mean_reward is None


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    """Some, one of them hostile in all that it says, one no trace."""
    folder = tmp_path / "traces"
    folder.mkdir()
    for n in range(20):
        made_trace(folder / f"{n:02}.reenact", n, started=1_700_000_000 + n * 86_400)
    made_trace(
        folder / f"{EVIL[:4]}.reenact", 30, instruction=EVIL, annotator=EVIL, project=EVIL, source_licence=EVIL,
        marks=[EVIL],
    )  # fmt: skip
    (folder / "bad.reenact").write_bytes(b"bad")
    return folder


def test_nothing_that_a_terminal_would_obey(traces: Path) -> None:
    for _ in range(2):
        for command in (ls, stats):
            for form in ((), ("--json",)):
                done = said(command, traces, *form)
                assert done.exit_code == 0
                assert [c for c in done.output if not c.isprintable() and c != "\n"] == []
                assert "52;c;ZXZpbA==" in done.output
        told = msgspec.json.decode(said(ls, traces, "--json", "--tag", EVIL).stdout)
        assert [row["task"] for row in told["traces"]] == [EVIL]  # escaped, not lost


def test_choosing(traces: Path) -> None:
    assert len(said(ls, traces).stdout.splitlines()) == 22
    done = said(ls, traces, "--limit", 2)
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["19", "18"]
    assert done.stderr == "and 20 more; --limit 0 lists all\n"
    assert len(said(ls, traces, "--limit", 0).stdout.splitlines()) == 22
    assert said(ls, traces, "--state", "rejected").stdout.split()[:2] == ["bad", "rejected:"]
    assert said(ls, traces, "--verdict", "exact").stderr == f"no such traces in {traces}\n"
    assert len(said(ls, traces, "--since", "2023-11-20", "--until", "2023-11-21").stdout.splitlines()) == 2
    assert msgspec.json.decode(said(stats, traces, "--task", "mend", "--json").stdout)["traces"] == 20
    for words in (
        ("--since", "yesterday"),
        ("--until", "9999-12-31"),
        ("--verdict", "good"),
        ("--limit", "-1"),
    ):
        assert said(ls, traces, *words).exit_code == 2


def test_stats_as_text(traces: Path) -> None:
    lines = said(stats, traces).stdout.splitlines()
    assert lines[0].startswith("traces      22, ")
    assert "outcomes    21 checked, mean reward 1" in lines
    assert "verdicts       21  none" in lines


def test_whom_to_trust(traces: Path, home: Path, tmp_path: Path) -> None:
    judge(traces / "03.reenact")
    key = verdicts.own_public_key()
    (home / ".keys" / "signing.pem").unlink()  # as somebody else
    words = (traces, "--verdict", "verified", "--json")
    for _ in range(2):
        for command, trust, found in ((ls, (), 0), (ls, ("--trust", key), 1), (stats, ("--trust", key), 1)):
            told = msgspec.json.decode(said(command, *words, *trust).stdout)["traces"]
            assert (told if command is stats else len(told)) == found
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        said(ls, traces, "--trust", "me")


def test_a_trace_folder_that_is_not_there_yet(home: Path) -> None:
    assert said(ls).stderr == f"no traces in {home}\n"
    assert msgspec.json.decode(said(stats, "--json").stdout)["traces"] == 0


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").mkdir()

    def refused(_: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(UsageError, match="f: Permission denied"):
        said(ls, tmp_path / "f")


def test_a_terminal_gets_the_newest(tmp_path: Path) -> None:
    for n in range(205):
        (tmp_path / f"{n}.reenact").write_bytes(b"bad")
    ours, theirs = pty.openpty()
    with subprocess.Popen([*REENACT, "ls", str(tmp_path)], stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # how a terminal says that it is over
            while data := os.read(ours, 65536):
                shown += data
        assert process.communicate() == (None, b"and 5 more; --limit 0 lists all\n")
    os.close(ours)
    assert len(shown.splitlines()) == 200


@pytest.mark.slow
def test_many_at_once(traces: Path) -> None:
    """Readers that find no index, and all make it: each says the same, and nothing is left."""
    for _ in range(2):
        (traces / store.NAME).unlink(missing_ok=True)
        running = [
            subprocess.Popen([*REENACT, "ls", str(traces)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(4)
        ]
        answers = {process.communicate(timeout=120) for process in running}
        assert {process.returncode for process in running} == {0}
        ((out, err),) = answers
        assert (len(out.splitlines()), err) == (22, b"")
    assert [path.name for path in traces.iterdir() if path.name.startswith(store.NAME)] == [store.NAME]
    assert store.load(traces) is not None
