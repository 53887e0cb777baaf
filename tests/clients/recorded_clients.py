"""Sessions in which clients ask servers: recorded through a real terminal, then replayed with every server gone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "samples"))

from expert import Expert  # noqa: E402
from scenario import PATH, Session, perform, set_stage  # noqa: E402
from served_origins import NODE, NPM, Origin  # noqa: E402

from recorder.trace.events import CommandEnded, CommandStarted, Connected, FlowRequested  # noqa: E402
from recorder.trace.reader import open_trace  # noqa: E402
from replay.sandbox.support import probe  # noqa: E402

HOLDS = ("exact", "equivalent")
PROGRAMS = {path.name: path.read_text() for path in sorted((HERE / "programs").iterdir())}
_SECONDS = 60.0


class Case(Struct, frozen=True):
    """One client's command, with `{url}` for its server and `{node}` for a Node. `shows` is a pattern of what it prints
    (or else it proves nothing), `version` the HTTP that it speaks, `flows` how many requests it makes at least."""

    id: str
    command: str
    shows: str
    version: str = "1.1"
    tls: bool = False
    flows: int = 1
    exit: int = 0


class Plan(Struct, frozen=True):
    """A session to record: `origins` starts its servers, given a private folder."""

    name: str
    origins: Callable[[Path], AbstractContextManager[Origin]]
    cases: Sequence[Case]
    files: Mapping[str, str] = {}
    env: Mapping[str, str] = {}
    programs: tuple[str, ...] = ()
    """That must be there."""
    trusting: bool = True
    """The expert's programs trust the servers' certificates."""


class Outcome(Struct):
    """What became of one case: how it was recorded and how it replayed."""

    exit: int
    shown: str
    versions: list[str]
    """The HTTP version of each of its flows."""
    connections: list[str]
    """How each of its connections was handled."""
    step: dict[str, Any]

    def facet(self, name: str) -> dict[str, Any]:
        return next((one for one in self.step["facets"] if one["facet"] == name), {})

    @property
    def unmatched(self) -> list[str]:
        """Recorded flows that nobody asked for, and requests that nothing recorded answered."""
        network = self.facet("network")
        told = [cause for cause in network.get("causes", ()) if "not asked for" in cause]
        return told + (["unanswered"] if network.get("verdict") == "diverged" else [])


class Run(Struct):
    """A whole session. `sent` and `accepted` are what left the sandbox, `notes` the report's."""

    outcomes: dict[str, Outcome]
    notes: list[str]
    exit: int
    sent: int
    accepted: int


def record_and_replay(plan: Plan) -> Run:
    """Types every case's command at one shell, stops the servers, and replays where there is no network at all."""
    folder = Path(tempfile.mkdtemp(prefix="clients-"))
    try:
        return _record_and_replay(plan, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _record_and_replay(plan: Plan, folder: Path) -> Run:
    skip_where_impossible(plan)
    reenact = str(Path(sys.executable).parent / "reenact")
    private, trace = folder / "origins", folder / "clients.reenact"
    private.mkdir()
    with plan.origins(private) as origin:
        typed = {case.id: _command(case, origin) for case in plan.cases}
        shown: dict[str, str] = {}

        def play(expert: Expert) -> None:
            for name, command in typed.items():
                shown[name] = expert.run(command, patience=_SECONDS)

        session = Session(
            name=plan.name,
            summary="Clients ask servers.",
            play=play,
            files=plan.files,
            env=plan.env,
            cols=160,
        )
        env = {"REENACT_TRACES": str(folder / "traces")}
        if plan.trusting:
            env |= dict.fromkeys(("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"), str(origin.trust))
        done = perform(
            session, set_stage(session, folder / "s"), [reenact, "record", "--proxy", "--out", str(trace), "--"],
            extra_env=env, patience=30.0,
        )  # fmt: skip
    assert done.exit == 0, done.screen
    tools = [f"--tools={NODE}"] if NODE.is_dir() else []
    answered = _replay([reenact, "replay", "--json", *tools, str(trace)], origin.ports)
    assert answered["said"], answered["complained"]
    said = json.loads(answered["said"])
    steps = {step["text"]: step for step in said["steps"]}
    return Run(
        outcomes={name: _outcome(trace, line, shown[name], steps[line]) for name, line in typed.items()},
        notes=said["notes"],
        exit=answered["exit"],
        sent=answered["sent"],
        accepted=answered["accepted"],
    )


def skip_where_impossible(plan: Plan) -> None:
    if not probe().ok:
        pytest.skip("no sandbox here")
    for program in plan.programs:
        if shutil.which(program, path=PATH) is None:
            pytest.skip(f"not installed: {program}")
    if any("{node}" in case.command for case in plan.cases):
        if not (NODE / "bin" / "node").is_file():
            pytest.skip(f"Node is not there: run `npm ci` in {NPM.parent}")
        if os.getuid() == 0 and not all(place.stat().st_mode & 1 for place in NODE.parents):
            pytest.skip(f"a sandbox that root starts cannot read {NODE}")


def _command(case: Case, origin: Origin) -> str:
    return case.command.replace("{url}", origin.url(tls=case.tls)).replace("{node}", f"{NODE}/bin/node")


def _replay(command: list[str], ports: Sequence[int]) -> dict[str, Any]:
    words = [sys.executable, str(HERE / "empty_network.py"), ",".join(map(str, ports)), *command]
    env = {"PATH": f"{Path(sys.executable).parent}:{PATH}", "HOME": os.environ["HOME"], "LANG": "C.UTF-8"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=240, env=env)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _outcome(trace: Path, line: str, shown: str, step: dict[str, Any]) -> Outcome:
    with open_trace(trace) as opened:
        events = list(opened.events)
    number = next(e.n for e in events if isinstance(e, CommandStarted) and e.text == line)
    return Outcome(
        exit=next(e.exit for e in events if isinstance(e, CommandEnded) and e.n == number),
        shown=shown,
        versions=[e.version for e in events if isinstance(e, FlowRequested) and e.cause.command == number],
        connections=[e.handling for e in events if isinstance(e, Connected) and e.cause.command == number],
        step=step,
    )


def check_recorded(case: Case, outcome: Outcome) -> None:
    """The command did what it should when it was recorded."""
    assert re.search(case.shows, outcome.shown, re.MULTILINE), outcome.shown
    assert outcome.exit == case.exit, outcome.shown


def check_replayed(case: Case, outcome: Outcome) -> None:
    """The command did what it should when it was recorded, all of it through the proxy, and did it again."""
    check_recorded(case, outcome)
    assert len(outcome.versions) >= case.flows
    assert set(outcome.versions) <= {case.version}
    assert set(outcome.connections) <= {"captured"}
    assert outcome.unmatched == []
    assert outcome.step["verdict"] in HOLDS, json.dumps(outcome.step, indent=1)


def check_contained(run: Run) -> None:
    """The replay held, and nothing of it left the sandbox."""
    assert (run.exit, run.sent, run.accepted) == (0, 0, 0), run.notes
