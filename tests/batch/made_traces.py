"""Small sealed traces, made in a moment: commands with their output, notes, a check; for tests of many of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from recorder.trace.container import TraceWriter
from recorder.trace.events import (
    AnyEvent,
    Checked,
    CommandEnded,
    CommandStarted,
    Marked,
    Noted,
    PromptShown,
    SecretReplaced,
    TerminalEnded,
    TerminalStarted,
)
from recorder.trace.manifest import (
    Actor,
    Draft,
    Environment,
    Provenance,
    Recorder,
    Task,
    new_draft,
    new_trace_id,
)

KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"the key of made traces").digest())
SECOND = 10**9


class Command(Struct, frozen=True):
    """A command line, what it showed, its status, and what the expert noted after it."""

    text: str
    output: str = ""
    exit: int = 0
    note: str = ""


FIX = (
    Command(
        "pytest -q", "FAILED test_a.py::test - assert 1 == 2\n1 failed in 0.05s\n", 1, "It adds one too many."
    ),
    Command("sed -i s/2/1/ a.py"),
    Command("git diff", "-2\n+1\n"),
)


def made_trace(
    path: Path,
    n: int = 1,
    *,
    instruction: str | None = "Mend the failing test.",
    commands: Sequence[Command] = FIX,
    reward: float | None = 1.0,
    started: int = 1_700_000_000,
    placeholders: Sequence[str] = (),
    marks: Sequence[str] = (),
    **provenance: str | None,
) -> Path:
    """Seals the n-th trace (its id is made of `n` and `started`, Unix seconds) at `path`."""
    output, events = _session(commands, reward, placeholders, marks)
    with TraceWriter(path, _draft(n, instruction, started, provenance), salt=bytes) as writer:
        with writer.terminal(1) as sink:
            for t, data in output:
                sink.output(t, data)
        with writer.events() as add:
            for event in events:
                add(event)
        writer.finish(events[-1].t, KEY)
    return path


def _session(
    commands: Sequence[Command], reward: float | None, placeholders: Sequence[str], marks: Sequence[str]
) -> tuple[list[tuple[int, bytes]], list[AnyEvent]]:
    source = "terminal/1"
    events: list[AnyEvent] = [
        TerminalStarted(
            t=0, source=source, argv=["bash", "-i"], shell="bash", cwd="/w", env={}, cols=80, rows=24,
            nonce="0" * 32, files=[],
        )
    ]  # fmt: skip
    output: list[tuple[int, bytes]] = []
    offset, t = 0, SECOND
    for number, command in enumerate(commands, 1):
        events.append(PromptShown(t=t, source=source, n=number, offset=offset, ready=offset))
        events.append(
            CommandStarted(t=t + 1, source=source, n=number, offset=offset, text=command.text, cwd="/w")
        )
        data = command.output.replace("\n", "\r\n").encode()
        if data:
            output.append((t + 2, data))
        offset += len(data)
        if reward is not None and number == len(commands):
            events.append(
                Checked(
                    t=t + 3,
                    source="notes",
                    command=number,
                    line=command.text,
                    exit=int(reward < 1),
                    reward=reward,
                )
            )
        events.append(
            CommandEnded(t=t + 4, source=source, n=number, offset=offset, exit=command.exit, cwd="/w")
        )
        if command.note:
            events.append(Noted(t=t + 5, source="notes", text=command.note))
        t += SECOND
    events += [Marked(t=t, source="notes", label=label) for label in marks]
    events.append(TerminalEnded(t=t, source=source, exit=0, offset=offset))
    events += [
        SecretReplaced(t=t, source="session", placeholder=text.encode(), rule="test") for text in placeholders
    ]
    return output, events


def _draft(n: int, instruction: str | None, started: int, provenance: dict[str, str | None]) -> Draft:
    given = dict.fromkeys(
        ("annotator", "project", "consent", "source_licence", "rubric_version", "assistant_model")
    )
    return new_draft(
        trace_id=new_trace_id(started * 1_000_000_000, n.to_bytes(10, "big")),
        started_unix_ns=started * 1_000_000_000,
        isolated=False,
        task=Task(instruction=instruction, url=None, repo=provenance.pop("repo", None), commit=None),
        actor=Actor(kind="human", model=None, model_version=None),
        provenance=Provenance(
            **given | provenance, recorder=Recorder(version="0.1.0", settings={}), parent=None
        ),
        environment=Environment(
            os="Debian 12", kernel="6.1", shell="bash", terminal="xterm", locale="C.UTF-8", timezone="UTC",
            hostname="box", uid=1000, gid=1000, user="u", umask=0o022, tools={},
        ),
    )  # fmt: skip
