"""What became of a trace's gestures on a live site. Pure."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from replay.verify.targets import Difference

Outcome = Literal["found", "healed", "done", "refused", "not reached"]


class DriftStep(Struct, frozen=True, kw_only=True):
    """What became of a gesture. found: its element is as it was recorded; healed: it is another in what `healed` says;
    done: it needs none; refused: `why`. `element` is what was acted on, `keys` why it is the one, `nearest` what came
    closest to one that is refused."""

    n: int
    text: str
    outcome: Outcome
    element: str = ""
    keys: tuple[str, ...] = ()
    score: float | None = None
    margin: float | None = None
    healed: tuple[Difference, ...] = ()
    why: str = ""
    nearest: tuple[str, ...] = ()
    remark: str = ""


class DriftResult(Struct, frozen=True, kw_only=True):
    """All gestures of a trace on a live site. `verified` is always false: nothing was."""

    trace: str
    base: str | None
    steps: tuple[DriftStep, ...]
    remarks: tuple[str, ...]
    seconds: float
    mode: Literal["drift"] = "drift"
    verified: Literal[False] = False

    @property
    def exit_code(self) -> int:
        """0: every gesture was done; 1: one was refused."""
        return 0 if all(step.outcome in ("found", "healed", "done") for step in self.steps) else 1
