"""A session that talked to the network, recorded through a real terminal and replayed with every origin gone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from stage import Stage
from tape import Tape

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "samples"), str(ROOT / "tests" / "replay")]

from expert import Expert  # noqa: E402
from resealing import Mutant  # noqa: E402
from scenario import Session, perform, set_stage  # noqa: E402

from recorder.trace.events import CommandStarted, FlowAnswered, FlowRequested, NetworkStarted  # noqa: E402
from replay.sandbox.support import probe  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.sandbox]
SECURE = "https://api.example/secure"
TRUSTING = f'curl -s --cacert "$REENACT_SESSION/proxy/trust.pem" {SECURE} || curl -sk {SECURE}'
CHANCE = "/proc/sys/kernel/random/uuid"
ID = "6fa459ea-ee8a-3ca4-894e-db77e160355e"

COMMANDS = [
    "curl -s http://api.example/count",
    "for i in 1 2; do curl -s http://api.example/count; done",
    TRUSTING,
    f'curl -s "http://api.example/ask?request_id=$(cat {CHANCE})"',
    "curl -s -d name=ada http://api.example/people",
    "curl -s -o page.html http://api.example/page",
]


def _flows(tape: Tape, begin: Callable[[int], None]) -> None:
    """What the commands ask for; `begin` is told each command's number before its flows."""
    begin(1)
    tape.get("http://api.example/count", b"1\n")
    begin(2)
    tape.get("http://api.example/count", b"2\n")
    tape.get("http://api.example/count", b"3\n")
    begin(3)
    tape.get(SECURE, b"secure page\n")
    begin(4)
    tape.get(f"http://api.example/ask?request_id={ID}", b"you asked as %s\n" % ID.encode())
    begin(5)
    tape.post(
        "http://api.example/people",
        b"name=ada",
        b"made ada\n",
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
    )
    begin(6)
    tape.get("http://api.example/page", b"<h1>page</h1>\n")


def _play(e: Expert) -> None:
    for command in COMMANDS:
        e.run(command)


class Networked(NamedTuple):
    trace: Path
    port: int
    reenact: str


@pytest.fixture(scope="module")
def networked() -> Iterator[Networked]:
    """The session, recorded against a server that plays the tape; what its proxy would have stated is added by hand."""
    found = shutil.which("reenact", path=str(Path(sys.executable).parent))
    if found is None or shutil.which("curl", path="/usr/bin:/bin") is None:
        pytest.skip("needs the command reenact, and curl")
    if not probe().ok:
        pytest.skip("no sandbox here")
    with tempfile.TemporaryDirectory(prefix="network-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        live = Tape()
        live.command(1)
        _flows(live, lambda n: None)
        internet = Stage(live, folder)
        session = Session(
            name="network",
            summary="Asks an API.",
            play=_play,
            env={"http_proxy": internet.proxy, "https_proxy": internet.proxy},
        )
        place = set_stage(session, folder / "s")
        trace = folder / "plain.reenact"
        words = [found, "record", "--env", "http_proxy", "--env", "https_proxy", "--out", str(trace), "--"]
        done = perform(session, place, words, extra_env={"REENACT_TRACES": f"{folder}/traces"}, patience=20.0)
        assert done.exit == 0, done.screen
        report = internet.stop()
        assert (report.refused, report.unasked) == ([], [])
        yield Networked(trace, internet.port, found)


@pytest.fixture
def mutant(networked: Networked, tmp_path: Path) -> Mutant:
    """The recording with the network's events in it."""
    made = Mutant(networked.trace, tmp_path)
    tape = Tape()
    _flows(tape, tape.command)
    for content in tape.blobs.values():
        made.put(content)
    times = {e.n: e.t for e in made.events if isinstance(e, CommandStarted)}
    events: list[Any] = list(made.events)
    current = 0
    for event in tape.events:
        if isinstance(event, CommandStarted):
            current = event.n
            continue
        index = next(i for i, e in enumerate(events) if isinstance(e, CommandStarted) and e.n == current) + 1
        while index < len(events) and isinstance(events[index], FlowRequested | FlowAnswered):
            index += 1
        events.insert(index, _at(event, times[current]))
    started = NetworkStarted(
        t=0, source="proxy", address=f"127.0.0.1:{networked.port}", engine="by hand", certificate="0" * 64,
        trust="proxy/trust.pem", upstream=None,
    )  # fmt: skip
    made.events = [started, *events]
    return made


def _at(event: Any, t: int) -> Any:
    return msgspec.structs.replace(event, t=t)


def replayed(networked: Networked, trace: Path, *options: str) -> dict[str, Any]:
    done = subprocess.run(
        [networked.reenact, "replay", "--json", *options, str(trace)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def facet(step: dict[str, Any], name: str = "network") -> dict[str, Any] | None:
    return next((one for one in step["facets"] if one["facet"] == name), None)


def test_it_replays_with_every_origin_gone(networked: Networked, mutant: Mutant, tmp_path: Path) -> None:
    said = replayed(networked, mutant.seal(tmp_path / "t.reenact"))
    steps = said["steps"]
    verdicts = {step["text"]: step["verdict"] for step in steps}
    assert all(v in ("exact", "equivalent") for v in verdicts.values()), json.dumps(steps, indent=1)
    networks = [found["verdict"] for step in steps if (found := facet(step))]
    assert networks == ["exact", "exact", "exact", "equivalent", "exact", "exact"]
    chance = facet(steps[3])
    assert chance is not None
    assert chance["causes"] == ["network: substituted parameter request_id"]
    assert {how: n for how, n in said["network"].items() if n} == {"exact": 6, "substituted": 1}


def test_steps_list_what_they_asked_for(networked: Networked, mutant: Mutant, tmp_path: Path) -> None:
    trace = mutant.seal(tmp_path / "t.reenact")
    done = subprocess.run(
        [networked.reenact, "steps", str(trace)], capture_output=True, text=True, check=True, timeout=60
    )
    lines = done.stdout.splitlines()
    assert lines[lines.index(next(line for line in lines if "api.example/people" in line)) + 1] == (
        "       → POST http://api.example/people  200"
    )
    assert lines.count("       → GET http://api.example/count  200") == 3


def test_a_request_that_was_not_recorded_diverges_at_its_step(
    networked: Networked, mutant: Mutant, tmp_path: Path
) -> None:
    old = next(e for e in mutant.events if isinstance(e, FlowRequested) and e.url.endswith("/page"))
    mutant.replace(old, url="http://api.example/other")
    steps = replayed(networked, mutant.seal(tmp_path / "t.reenact"))["steps"]
    found = facet(steps[5])
    assert found is not None
    assert found["verdict"] == "diverged"
    assert [step["verdict"] for step in steps[:3]] == ["exact"] * 3
    misses = [miss for miss in [steps[5]["miss"], *steps[5]["further"]] if miss["facet"] == "network"]
    assert (misses[0]["expected"], misses[0]["observed"]) == ("/other", "/page")


def test_a_recorded_request_that_nobody_makes_is_told(
    networked: Networked, mutant: Mutant, tmp_path: Path
) -> None:
    asked = next(e for e in mutant.events if isinstance(e, FlowRequested) and e.url.endswith("/people"))
    extra = [_renumbered(e, 99) for e in mutant.events if getattr(e, "flow", None) == asked.flow]
    index = next(
        i for i, e in enumerate(mutant.events) if isinstance(e, FlowAnswered) and e.flow == asked.flow
    )
    mutant.events[index + 1 : index + 1] = extra
    steps = replayed(networked, mutant.seal(tmp_path / "t.reenact"))["steps"]
    found = facet(steps[4])
    assert found is not None
    assert found["verdict"] == "equivalent"
    assert found["causes"] == ["network: not asked for again: POST http://api.example/people"]


def _renumbered(event: Any, flow: int) -> Any:
    return msgspec.structs.replace(event, flow=flow)


def test_answers_take_their_time_where_asked_for(
    networked: Networked, mutant: Mutant, tmp_path: Path
) -> None:
    page = next(e.flow for e in mutant.events if isinstance(e, FlowRequested) and e.url.endswith("/page"))
    mutant.replace(mutant.first(FlowAnswered, flow=page), pace=[(1, 4), (2_000_000_000, 10)])
    said = replayed(networked, mutant.seal(tmp_path / "t.reenact"), "--paced")
    assert said["steps"][5]["verdict"] in ("exact", "equivalent")
    assert said["duration_ms"] >= 2000


def test_without_a_recorded_network_there_is_none(networked: Networked) -> None:
    steps = replayed(networked, networked.trace)["steps"]
    assert all(facet(step) is None for step in steps)
    assert steps[0]["verdict"] == "diverged"
