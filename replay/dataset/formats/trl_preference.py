"""TRL's preference format, conversational: one task done better and worse. Pure.

A line is `{"chosen_trace_id", "rejected_trace_id", "prompt", "chosen", "rejected", "tools"}`, messages and tools as
in `trl`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replay.dataset.conversation import lose_facts
from replay.dataset.format import Format, Unfit
from replay.dataset.formats import trl
from replay.dataset.row import Row
from replay.export.losses import Losses


def _convert(better: Row, worse: Row, losses: Losses) -> Iterator[dict[str, Any]]:
    if not better.instruction.strip() or better.instruction != worse.instruction:
        raise Unfit("the two have no instruction in common")
    if not all(any(message.role == "assistant" for message in row.messages) for row in (better, worse)):
        raise Unfit("nothing was done or said in one of them")
    for row in (better, worse):
        lose_facts(row, losses, kept=("trace_id",))
    yield {
        "chosen_trace_id": better.trace_id,
        "rejected_trace_id": worse.trace_id,
        "prompt": trl.turns(better.messages[:1]),
        "chosen": trl.turns(better.messages[1:]),
        "rejected": trl.turns(worse.messages[1:]),
        "tools": trl.TOOLS,
    }


FORMAT = Format(
    name="trl-preference",
    title="TRL preference pairs with tools",
    loader="`datasets`, TRL's DPOTrainer",
    kind="pairs",
    suffix=".jsonl",
    version=1,
    convert=_convert,
)
