"""Verdicts beside traces: bound to the file, signed, and of no account otherwise."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from small_session import Recording, Reenact

from replay import verdicts
from replay.report.result import Integrity, ReplayResult, replay_result, step_result
from replay.verify.compare import compare
from replay.verify.verdict import Observation, Output, Verdict

GOOD = Integrity(ok=True, signature="valid", recording="complete")


def result(verdict: str = "a") -> ReplayResult:
    step = compare(
        Observation(exit=0, output=Output.of(b"a")), Observation(exit=0, output=Output.of(verdict.encode()))
    )
    return replay_result(
        "0190-id", [step_result(1, "command", "ls", step)], digest="ab", clock="page", sandbox="bubblewrap",
        integrity=GOOD,
    )  # fmt: skip


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "home"))
    path = tmp_path / "fix.reenact"
    path.write_bytes(b"as replayed")
    return path


def kept(trace: Path, outcome: ReplayResult | None = None) -> tuple[str, set[str]]:
    sha256 = verdicts.sha256_of(trace)
    verdicts.keep(trace, sha256, outcome or result(), "0.1.0")
    own = verdicts.own_public_key()
    assert own is not None
    return sha256, {own}


def test_found_again(trace: Path) -> None:
    sha256, trusted = kept(trace)
    place = verdicts.place_of(trace)
    assert place.name == "fix.verdict"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    found = verdicts.find(trace, sha256, trusted)
    assert found.stored is not None
    assert (found.stored.verdict, found.why) == (Verdict.EXACT, "")
    assert [(step.n, step.verdict) for step in found.stored.steps] == [(1, Verdict.EXACT)]
    assert found.verification is not None
    assert found.verification.key in trusted
    kept(trace, result("b"))  # the latest counts
    again = verdicts.find(trace, sha256, trusted)
    assert again.stored is not None
    assert again.stored.verdict is Verdict.DIVERGED


def test_nothing_there(trace: Path) -> None:
    assert verdicts.find(trace, verdicts.sha256_of(trace), ()).why == "not replayed"


def test_of_another_file(trace: Path) -> None:
    _, trusted = kept(trace)
    trace.write_bytes(b"as replayed?")
    found = verdicts.find(trace, verdicts.sha256_of(trace), trusted)
    assert found.stored is None
    assert "another file" in found.why


def test_of_a_stranger(trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256, theirs = kept(trace)
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "another"))
    found = verdicts.find(trace, sha256, ())
    assert (found.stored, found.key) == (None, *theirs)
    assert "not trusted" in found.why
    assert verdicts.find(trace, sha256, theirs).stored is not None


def test_every_flipped_byte_is_noticed(trace: Path) -> None:
    sha256, trusted = kept(trace, result("b"))
    place = verdicts.place_of(trace)
    good = place.read_bytes()
    for at in range(len(good) - 1):  # the last is the line's end
        place.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        assert verdicts.find(trace, sha256, trusted).stored is None, at
    for size in range(0, len(good) - 1, 7):
        place.write_bytes(good[:size])
        assert verdicts.find(trace, sha256, trusted).stored is None, size


def test_a_trace_is_never_overwritten(tmp_path: Path) -> None:
    for name in ("fix.verdict", "fix", "a.b.reenact"):
        assert verdicts.place_of(tmp_path / name) != tmp_path / name


@pytest.mark.sandbox
@pytest.mark.usefixtures("sandbox")
@pytest.mark.slow
def test_replay_keeps_it(reenact: Reenact, recording: Recording, tmp_path: Path) -> None:
    copy = tmp_path / "copy.reenact"
    copy.write_bytes(recording.trace.read_bytes())
    env = {"REENACT_TRACES": str(tmp_path / "home")}
    assert reenact("replay", copy, "--no-verdict", env=env).code == 0
    assert reenact("replay", copy, "--until", 2, env=env).code == 0  # no verdict of the whole
    assert not verdicts.place_of(copy).exists()
    done = reenact("replay", copy, "--json", env=env)
    found = verdicts.find(copy, verdicts.sha256_of(copy), ())
    place = verdicts.place_of(copy)
    assert found.key in place.read_text()
    found = verdicts.find(copy, verdicts.sha256_of(copy), {found.key})
    assert found.stored is not None
    assert (found.stored.digest, found.stored.reward) == (
        done.json["digest"],
        done.json["reward"]["replayed"],
    )
    done = reenact("replay", tmp_path, "--new", env=env)
    assert (done.code, done.out) == (0, "")
    assert "1 of 1 traces have a verdict of yours" in done.err
    place.unlink()
    place.mkdir()
    done = reenact("replay", copy, env=env)
    assert done.code == 0
    assert "is not kept" in done.err
