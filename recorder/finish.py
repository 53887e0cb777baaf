"""How a recording ends: its folder becomes a sealed trace, and the expert is told what became of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from recorder.memory import drop_memory
from recorder.seal import Sealed, seal
from recorder.sessionfile import SessionFile
from recorder.trace import folders
from recorder.trace.errors import RecordingFailed
from recorder.trace.removal import remove_tree

Say = Callable[[str], None]


class Finished(Struct, kw_only=True):
    """How a recording ended. `trace` is null when nothing could be sealed; `folder` then still holds it all."""

    trace: Path | None
    state: str
    exit: int | None
    gaps: list[str]
    steps: int
    folder: Path | None

    @property
    def exit_code(self) -> int:
        return 5 if self.trace is None or self.state == "incomplete" else 0

    def as_dict(self) -> dict[str, object]:
        plain = msgspec.to_builtins(self, enc_hook=str)
        assert isinstance(plain, dict)
        return plain


def finish(
    folder: Path, session: SessionFile, out: Path, exit_status: int | None, say: Say, *, recovered: bool
) -> Finished:
    """Seals the session in `folder`; raises nothing: what could not be sealed is kept, and said."""
    try:
        out.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        sealed: Sealed = seal(
            folder,
            session.draft,
            session.boottime_ns,
            out,
            key_path=folders.signing_key_path(),
            recovered=recovered,
            vault=session.vault,
            live_logs=session.live_logs,
        )
    except (RecordingFailed, OSError) as error:
        say(f"the trace could not be sealed: {error}")
        say(f"everything is kept; run: reenact recover {folder}")
        return Finished(
            trace=None, state="incomplete", exit=exit_status, gaps=[str(error)], steps=0, folder=folder
        )
    with suppress(OSError):
        remove_tree(folder)
    drop_memory(Path(session.memory) if session.memory else None)
    say(f"{sealed.state}: {sealed.steps} steps in {out}")
    for gap in sealed.gaps:
        say(f"lost: {gap}")
    return Finished(
        trace=out, state=sealed.state, exit=exit_status, gaps=sealed.gaps, steps=sealed.steps, folder=None
    )
