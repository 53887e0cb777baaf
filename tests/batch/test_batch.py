"""Datasets of many traces: the same bytes however they are made, and a reason for each that is left out."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from made_traces import Command, made_trace

from recorder.trace.errors import UsageError
from replay import verdicts
from replay.batch import batch, pool
from replay.batch.batch import run
from replay.batch.options import Options
from replay.dataset.row import Row
from replay.report.result import Integrity, replay_result, step_result
from replay.verify.compare import compare
from replay.verify.verdict import Observation, Output

REENACT = Path(sys.executable).with_name("reenact")


def options(**more: Any) -> Options:
    return Options(**{"format": "native", "format_version": 1, "reenact": "0.1.0"} | more)


def traces(folder: Path, count: int, **more: Any) -> list[Path]:
    folder.mkdir()
    return [
        made_trace(folder / f"{n:04}.reenact", n, instruction=f"Task {n}", started=1_700_000_000 + n, **more)
        for n in range(count)
    ]


def told(folder: Path) -> dict[str, dict[str, str]]:
    lines = (folder / "inputs.jsonl").read_text().splitlines()
    return {line["path"]: line for line in map(json.loads, lines)}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows(folder: Path, split: str = "train") -> list[Row]:
    return [
        msgspec.json.decode(line, type=Row)
        for path in sorted(folder.glob(f"{split}-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def hold(trace: Path, observed: bytes = b"a") -> None:
    """As if a replay had found what it says."""
    step = compare(
        Observation(exit=0, output=Output.of(b"a")), Observation(exit=0, output=Output.of(observed))
    )
    result = replay_result(
        "id", [step_result(1, "command", "ls", step)], digest="ab", clock="page", sandbox="bubblewrap",
        integrity=Integrity(ok=True, signature="valid", recording="complete"),
    )  # fmt: skip
    verdicts.keep(trace, verdicts.sha256_of(trace), result, "0.1.0")


def test_rows_come_back(tmp_path: Path) -> None:
    paths = traces(tmp_path / "t", 7)
    result = run(paths, tmp_path / "d", options(), 1)
    found = rows(tmp_path / "d")
    assert [row.instruction for row in found] == [f"Task {n}" for n in range(7)]  # as they were recorded
    assert [row.provenance.trace_sha256 for row in found] == [verdicts.sha256_of(path) for path in paths]
    assert result.manifest.counts == {"kept": 7}
    assert result.manifest.records == {"train": 7}
    written = tree(tmp_path / "d")
    assert {file.name: file.bytes for file in result.manifest.files} == {
        name: len(data) for name, data in written.items() if name not in ("manifest.json", "inputs.jsonl")
    }
    assert str(tmp_path) not in written["inputs.jsonl"].decode() + written["manifest.json"].decode()
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "d").iterdir()} == {0o600}


def test_jobs_chunks_and_shards_change_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = traces(tmp_path / "t", 9)
    split = options(shares=(0.6, 0.2, 0.2), shard_bytes=6000)
    run(paths, tmp_path / "one", split, 1)
    monkeypatch.setattr(batch, "CHUNK", 2)
    run(paths[::-1], tmp_path / "two", split, 2)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert len(list((tmp_path / "one").glob("train-*-of-*"))) > 1
    assert run(paths, tmp_path / "two", split, 2).again
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed(tmp_path: Path, compression: str) -> None:
    paths = traces(tmp_path / "t", 3)
    run(paths, tmp_path / "plain", options(), 1)
    (plain,) = (tmp_path / "plain").glob("train-*")
    run(paths, tmp_path / "packed", options(compression=compression), 1)
    (packed,) = (tmp_path / "packed").glob("train-*")
    data = packed.read_bytes()
    unpacked = gzip.decompress(data) if compression == "gzip" else zstandard.decompress(data)
    assert unpacked == plain.read_bytes()


def test_each_that_is_left_out_has_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    good, again, unreplayed, diverged, other = traces(folder, 5)
    shutil.copy(good, folder / "copy.reenact")
    token = "ghp_" + "aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5"
    leaking = made_trace(folder / "leak.reenact", 70, commands=[Command("env", f"GITHUB_TOKEN={token}\n")])
    for trace in (good, again, folder / "copy.reenact", other, leaking):
        hold(trace)
    hold(diverged, b"b")
    broken = folder / "broken.reenact"
    broken.write_bytes(good.read_bytes()[:-100])
    flipped = folder / "flipped.reenact"
    data = bytearray(again.read_bytes())
    data[len(data) // 3] ^= 1
    flipped.write_bytes(data)
    gone = folder / "gone.reenact"
    own = verdicts.own_public_key()
    assert own is not None
    chosen = options(verified=True, trusted=(own,), where="instruction != 'Task 4'")
    result = run([*sorted(folder.glob("*.reenact")), gone], tmp_path / "d", chosen, 1)
    found = told(tmp_path / "d")
    assert {path: line.get("code", "") for path, line in found.items()} == {
        "0000.reenact": "", "0001.reenact": "", "0002.reenact": "unverified", "0003.reenact": "unverified",
        "0004.reenact": "where", "copy.reenact": "same", "leak.reenact": "secret", "broken.reenact": "rejected",
        "flipped.reenact": "rejected", "gone.reenact": "unreadable",
    }  # fmt: skip
    assert found["0002.reenact"]["rejected"] == "not replayed"
    assert "diverged" in found["0003.reenact"]["rejected"]
    assert found["copy.reenact"]["rejected"] == "the same trace as 0000.reenact"
    assert "call_1 answer" in found["leak.reenact"]["rejected"]
    assert token.encode() not in b"".join(tree(tmp_path / "d").values())
    assert result.manifest.counts["kept"] == len(rows(tmp_path / "d")) == 2
    assert unreplayed.exists()


def test_pairs(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    better, worse, other, unchecked = (
        made_trace(folder / f"{name}.reenact", n, instruction=task, reward=reward)
        for n, (name, task, reward) in enumerate(
            [
                ("better", "Fix it", 1.0),
                ("worse", "Fix it", 0.0),
                ("other", "Else", 1.0),
                ("unchecked", "Fix it", None),
            ]
        )
    )
    hold(better)
    own = verdicts.own_public_key()
    assert own is not None
    chosen = options(format="trl-preference", trusted=(own,))
    result = run([better, worse, other, unchecked], tmp_path / "d", chosen, 2)
    (line,) = (tmp_path / "d" / "train-00000-of-00001.jsonl").read_text().splitlines()
    pair = json.loads(line)
    found = told(tmp_path / "d")
    assert (pair["chosen_trace_id"], pair["rejected_trace_id"]) == (
        found["better.reenact"]["trace_id"], found["worse.reenact"]["trace_id"],
    )  # fmt: skip
    assert found["worse.reenact"]["shard"] == "train-00000-of-00001.jsonl"
    assert found["other.reenact"]["rejected"] == "no other session of its task"
    assert "no outcome" in found["unchecked.reenact"]["rejected"]
    assert (result.manifest.counts, result.manifest.records, result.manifest.traces) == (
        {"kept": 2, "alone": 2}, {"train": 1}, {"train": 2},
    )  # fmt: skip


def test_a_new_verdict_is_heeded(tmp_path: Path) -> None:
    paths = traces(tmp_path / "t", 2)
    hold(paths[0])
    own = verdicts.own_public_key()
    assert own is not None
    chosen = options(verified=True, trusted=(own,))
    assert run(paths, tmp_path / "d", chosen, 1).manifest.counts == {"kept": 1, "unverified": 1}
    hold(paths[1])
    assert run(paths, tmp_path / "d", chosen, 1).manifest.counts == {"kept": 2}


def test_another_dataset_is_left_alone(tmp_path: Path) -> None:
    paths = traces(tmp_path / "t", 1)
    run(paths, tmp_path / "d", options(), 1)
    before = tree(tmp_path / "d")
    with pytest.raises(UsageError, match="other options"):
        run(paths, tmp_path / "d", options(seed=1), 1)
    assert tree(tmp_path / "d") == before
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("all my work")
    with pytest.raises(UsageError, match="not empty"):
        run(paths, other, options(), 1)
    assert tree(other) == {"thesis.txt": b"all my work"}


@pytest.mark.slow
def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    """Killed with its workers, each time a little later, then left to end: the bytes are those of a run in peace."""
    folder = tmp_path / "t"
    traces(folder, 260)
    words = [
        str(REENACT),
        "export",
        "native",
        str(folder),
        "--split",
        "80/10/10",
        "--shard-size",
        "50k",
        "--jobs",
        "2",
    ]
    subprocess.run([*words, "-o", str(tmp_path / "whole")], check=True, capture_output=True)
    kills = 0
    for tenths in range(3, 60, 3):
        process = subprocess.Popen(
            [*words, "-o", str(tmp_path / "killed")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        try:
            assert process.wait(tenths / 10) == 0
            break
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    else:
        subprocess.run([*words, "-o", str(tmp_path / "killed")], check=True, capture_output=True)
    assert kills
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")


def test_a_kill_before_anything_was_begun_is_no_other_dataset(tmp_path: Path) -> None:
    """The folder for work was made, and what was asked for not yet written into it."""
    paths = traces(tmp_path / "t", 1)
    (tmp_path / "d" / ".work").mkdir(parents=True)
    run(paths, tmp_path / "d", options(), 1)
    assert len(rows(tmp_path / "d")) == 1
    (tmp_path / "e" / ".work").mkdir(parents=True)
    (tmp_path / "e" / "thesis.txt").write_text("all my work")
    with pytest.raises(UsageError, match="other options"):
        run(paths, tmp_path / "e", options(), 1)


def test_what_was_done_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut short after some chunks, the next run reads only the others."""
    paths = traces(tmp_path / "t", 6)
    monkeypatch.setattr(batch, "CHUNK", 2)

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(paths, tmp_path / "d", options(), 1, stop)
    seen: list[bool] = []

    def each(work: Any, tasks: Any, jobs: int) -> Any:
        for one in pool.each(work, tasks, 1):
            if hasattr(one, "again"):
                seen.append(one.again)
            yield one

    monkeypatch.setattr(batch, "each", each)
    run(paths, tmp_path / "d", options(), 1)
    assert seen == [True, True, False]
    assert len(rows(tmp_path / "d")) == 6


def test_a_full_disk_is_told_and_nothing_half_stands(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    traces(folder, 3)
    code = (
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)); from recorder.start import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "export", "native", str(folder), "-o", str(tmp_path / "d")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert "run the same command again" in done.stderr
    assert not (tmp_path / "d" / "manifest.json").exists()
    subprocess.run([str(REENACT), "export", "native", str(folder), "-o", str(tmp_path / "d")], check=True)
    assert len(rows(tmp_path / "d")) == 3


def test_what_a_person_is_told(tmp_path: Path) -> None:
    paths = traces(tmp_path / "t", 2)

    def told_by(*words: object) -> tuple[int, str]:
        done = subprocess.run(
            [str(REENACT), "export", "trl", *map(str, words)], check=False, capture_output=True, text=True
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    code, err = told_by(*paths, "-o", tmp_path / "d", "--verified")
    assert code == 1
    assert "left out: 2 not verified" in err
    assert "reenact replay" in err
    assert "empty" in err
    assert told_by(tmp_path / "none.reenact") == (
        2, f"reenact: {tmp_path / 'none.reenact'}: there is no such file or folder\n",
    )  # fmt: skip
    for words in (
        ("--where", "rewards == 1"),
        ("--split", "9/x"),
        ("--shard-size", "big"),
        ("--trust", "me"),
    ):
        code, err = told_by(paths[0], "-o", tmp_path / "e", *words)
        assert (code, words[0] in err) == (2, True), err
    code, err = told_by(paths[0])
    assert (code, "has no words for" in err) == (0, True)
    broken = tmp_path / "broken.reenact"
    broken.write_bytes(paths[0].read_bytes()[:-9])
    assert told_by(broken)[0] == 3
