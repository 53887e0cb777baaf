"""A whole session full of secrets: none of them is in any file, while it runs or after, and its trace verifies."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from corpus import ALNUM, KEY, Maker, planted, residue
from scenario import Session, perform, set_stage
from watch import Thief

from recorder.memory import memory_folder
from recorder.redact import Redactor, Vault
from recorder.session import record
from recorder.sessionfile import Request
from recorder.trace.events import SecretReplaced
from recorder.trace.reader import open_trace
from replay.sandbox.support import probe

CASES = [
    case for case in planted() if case.told or residue(case, Redactor(Vault(KEY)).text(case.text)) is None
]
TOLD = list(dict.fromkeys(case.secret for case in CASES if case.told))
M = Maker(99)
TYPED, NOTED, MADE = (M.of(ALNUM, 20) for _ in range(3))
IN_PIECES = """
import os, sys
data = open(sys.argv[1], "rb").read()
size = int(sys.argv[2])
for at in range(0, len(data), size):
    os.write(1, data[at : at + size])
"""


def reenact() -> str:
    found = shutil.which("reenact", path=str(Path(sys.executable).parent))
    if found is None or not probe().ok:
        pytest.skip("needs the command reenact, and a sandbox")
    return found


def files() -> dict[str, str]:
    shown = {f"cases/{n:03}": case.text.rstrip("\n") + "\n" for n, case in enumerate(CASES) if not case.told}
    return {**shown, "pieces.py": IN_PIECES, ".env": f"SERVICE_TOKEN={MADE}\n", "plain.txt": "nothing\n"}


def play(e: Any) -> None:
    e.run("cat cases/*")
    e.run("for f in cases/*1; do python3 pieces.py $f 3; done")
    e.run("for f in cases/*2; do python3 pieces.py $f 1; done")
    e.run(f"export DB_PASSWORD={TYPED}")
    e.run("echo the value is $DB_PASSWORD")
    e.run(f"reenact note 'I was told token={NOTED}'")
    e.run(f"echo {NOTED} | rev | rev")
    for n in range(len(TOLD)):
        e.run(f'printf "%s\\n" "$TOLD_{n}"')
        e.run(f'printf "%s" "$TOLD_{n}" | base64 -w 20')
        e.run(f'printf "%s" "$TOLD_{n}" | od -An -tx1 | tr -d " \\n"; echo')
        e.run(
            'python3 -c "import json, os, urllib.parse as u; '
            f"t = os.environ['TOLD_{n}']; print(json.dumps(t), u.quote(t), u.quote_plus(t))\""
        )
    e.run("echo key=$(cut -d= -f2 .env) > copied.txt; cat copied.txt")
    e.run("reenact check -- grep -q key= copied.txt")


def secrets() -> list[str]:
    return [*dict.fromkeys(case.secret for case in CASES), TYPED, NOTED, MADE]


def test_enough_is_planted() -> None:
    assert len(secrets()) >= 200


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.parametrize("mode", ["own", "isolated"])
def test_a_session_full_of_secrets(tmp_path: Path, mode: str) -> None:
    command = reenact()
    session = Session(name="secrets", summary="Shows what it should not.", play=play, files=files())
    stage = set_stage(session, tmp_path / "stage")
    traces, out = tmp_path / "traces", tmp_path / "out"
    out.mkdir()
    env = {"REENACT_TRACES": str(traces)} | {f"TOLD_{n}": secret for n, secret in enumerate(TOLD)}
    told = [word for n in range(len(TOLD)) for word in ("--secret", f"TOLD_{n}")]
    options = ["--isolated"] if mode == "isolated" else []
    prefix = [
        command,
        "record",
        *options,
        *told,
        "--task",
        f"log in with password={TYPED}",
        "--out",
        str(out / "a.reenact"),
        "--",
    ]
    with Thief(secrets(), [traces / ".sessions", out]) as thief:
        done = perform(session, stage, prefix, extra_env=env, patience=30.0)
    assert done.exit == 0, done.screen
    assert thief.looks > 10
    thief.look()
    assert sorted(thief.found) == []
    assert list((traces / ".sessions").iterdir()) == []
    [vault] = (traces / ".vaults").iterdir()
    assert stat.S_IMODE(vault.stat().st_mode) == 0o600
    with open_trace(out / "a.reenact") as trace:
        assert trace.verify().ok
        named = [event for event in trace.events if isinstance(event, SecretReplaced)]
    assert len(named) > 150
    said = subprocess.run(
        [command, "replay", "--json", str(out / "a.reenact")],
        capture_output=True, env={**os.environ, **env}, check=False,
    )  # fmt: skip
    result = json.loads(said.stdout)
    bad = [step for step in result["steps"] if step["verdict"] not in ("exact", "equivalent")]
    assert bad == [], json.dumps(bad, indent=1)
    assert said.returncode == 0


@pytest.mark.slow
def test_a_thief_would_find_them(tmp_path: Path) -> None:
    """The watcher is awake: the same without redaction."""
    command = reenact()
    session = Session(
        name="open", summary="", files={".env": f"SERVICE_TOKEN={MADE}\n"},
        play=lambda e: e.run(f"echo {shlex.quote(TYPED)}"),
    )  # fmt: skip
    stage = set_stage(session, tmp_path / "stage")
    traces = tmp_path / "traces"
    prefix = [command, "record", "--no-redact", "--out", str(tmp_path / "a.reenact"), "--"]
    thief = Thief([TYPED, MADE], [tmp_path])
    perform(session, stage, prefix, extra_env={"REENACT_TRACES": str(traces)}, patience=30.0)
    thief.read(tmp_path / "a.reenact")
    assert {name.split(" ")[0] for _, name in thief.found} == {TYPED, MADE}
    assert not (traces / ".vaults").exists()


def test_a_session_that_never_starts_leaves_nothing_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = memory_folder({})
    if base is None:
        pytest.skip("this machine has no folder in memory")
    monkeypatch.delenv("REENACT_SESSION", raising=False)
    monkeypatch.setenv("REENACT_TRACES", str(tmp_path / "traces"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(base))
    try:
        with pytest.raises(ValueError, match="program"):  # none that anybody foresees
            record(Request(argv=[], cwd=tmp_path, out=tmp_path / "a.reenact"), say=lambda text: None)
        assert list(base.iterdir()) == []
    finally:
        shutil.rmtree(base)
