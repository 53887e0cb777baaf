"""Planted leaks: a benchmark's text within a trace, a trace that is nearly another, each found and named."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_traces import FIX, Command, made_trace

from recorder.trace.errors import UsageError
from replay.batch.batch import run
from replay.batch.contamination import Benchmarks
from replay.batch.guards import benchmark_files, digests, prepared
from replay.batch.options import Options
from replay.batch.similarity import alike, bands, sketch
from replay.batch.words import Words, runs

RANDOM = random.Random(7)
VOCABULARY = ["".join(RANDOM.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(4000)]


def prose(words: int) -> list[str]:
    return RANDOM.choices(VOCABULARY, k=words)


def options(**more: object) -> Options:
    return Options(**{"format": "native", "format_version": 1, "reenact": "0.1.0"} | more)  # type: ignore[arg-type]


def told(folder: Path) -> dict[str, dict[str, str]]:
    return {
        line["path"]: line for line in map(json.loads, (folder / "inputs.jsonl").read_text().splitlines())
    }


def traces(folder: Path, shown: dict[str, list[str]]) -> list[Path]:
    folder.mkdir()
    return [
        made_trace(
            folder / f"{name}.reenact", n, instruction=f"Task {n}", started=1_700_000_000 + n,
            commands=[*FIX, Command("cat notes", " ".join(words) + "\n")],
        )
        for n, (name, words) in enumerate(shown.items())
    ]  # fmt: skip


def test_forty_words_of_a_benchmark_are_found_and_named(tmp_path: Path) -> None:
    question, other = prose(200), prose(300)
    planted = prose(400) + [word.upper() for word in question[60:100]] + prose(400)
    paths = traces(tmp_path / "t", {"clean": prose(800), "planted": planted, "short": question[:12]})
    texts = tmp_path / "bench"
    texts.mkdir()
    (texts / "first.jsonl").write_text(
        "\n".join(json.dumps({"id": n, "text": " ".join(words)}) for n, words in enumerate([other, question]))
    )
    (texts / "README.md").write_text(" ".join(prose(100)))
    (texts / "picture.png").write_bytes(b"\x89PNG")
    files = benchmark_files([texts])
    asked = options(benchmarks=digests(files))
    result = run(paths, tmp_path / "d", asked, 2, benchmarks=files)
    found = told(tmp_path / "d")
    assert found["planted.reenact"]["code"] == "contaminated"
    assert found["planted.reenact"]["rejected"] == "40 words of first.jsonl line 2 in call_4 answer"
    assert result.manifest.counts == {"contaminated": 1, "kept": 2}
    (hit,) = map(json.loads, (tmp_path / "d" / "contamination.jsonl").read_text().splitlines())
    assert (hit["path"], hit["text"], hit["words"], hit["runs"]) == (
        "planted.reenact", "first.jsonl line 2", 40, 28,
    )  # fmt: skip


def test_texts_without_a_run_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("far too short")
    with pytest.raises(UsageError, match="13 words"):
        prepared([tmp_path / "a.txt"])
    (tmp_path / "b.jsonl").write_text("{")
    with pytest.raises(UsageError, match=r"b\.jsonl line 1"):
        prepared([tmp_path / "b.jsonl"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no texts"):
        benchmark_files([tmp_path / "empty"])


@given(
    st.lists(st.sampled_from("abc"), max_size=60), st.lists(st.sampled_from("abc"), min_size=13, max_size=60)
)
def test_exactly_the_common_runs_are_found(trace: list[str], text: list[str]) -> None:
    benchmarks = Benchmarks.load(Benchmarks.of([("t", " ".join(text))]).dump())
    own = {tuple(text[at : at + 13]) for at in range(len(text) - 12)}
    expected = sum(tuple(trace[at : at + 13]) in own for at in range(len(trace) - 12))
    assert sum(hit.runs for hit in benchmarks.hits(Words(), [("here", " ".join(trace))])) == expected


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(1, 15))
def test_equal_runs_have_equal_numbers(numbers: list[int], n: int) -> None:
    words = np.array(numbers, dtype=np.uint64)
    found = runs(words, n)
    assert len(found) == max(0, len(numbers) - n + 1)
    for at, number in enumerate(found):
        assert runs(words[at : at + n], n)[0] == number


def test_a_near_duplicate_is_found_and_named(tmp_path: Path) -> None:
    words = prose(2000)
    changed = [*words[:1000], *prose(20), *words[1020:]]
    half = [*words[:1000], *prose(1000)]
    paths = traces(tmp_path / "t", {"first": words, "near": changed, "half": half, "other": prose(2000)})
    result = run(paths, tmp_path / "d", options(near=0.8), 2)
    found = told(tmp_path / "d")
    assert found["near.reenact"]["code"] == "near"
    assert found["near.reenact"]["rejected"].endswith(" like first.reenact")
    assert 0.9 < float(found["near.reenact"]["rejected"].split()[0]) < 1
    assert result.manifest.counts == {"kept": 3, "near": 1}
    run(paths[::-1], tmp_path / "again", options(near=0.8), 1)
    assert told(tmp_path / "again") == found


@pytest.mark.parametrize("share", [0.6, 0.75, 0.9])
def test_alike_sets_share_a_band(share: float) -> None:
    generator = np.random.default_rng(5)
    missed = 0
    for _ in range(200):
        whole = np.unique(generator.integers(0, 2**63, 1200, dtype=np.uint64))
        cut = round(len(whole) * (1 - share) / 2)
        a, b = whole[cut:], whole[: len(whole) - cut]
        assert alike(a, b) == pytest.approx(share, abs=0.01)
        missed += not set(bands(sketch(a))) & set(bands(sketch(b)))
    assert missed <= 6
