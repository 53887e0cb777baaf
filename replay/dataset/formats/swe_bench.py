"""SWE-bench's predictions: the patch that a session came to, by the name of its task. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from replay.dataset.conversation import lose_facts
from replay.dataset.format import Format, Unfit
from replay.dataset.instance import actor, instance_id
from replay.dataset.row import Row
from replay.export.losses import Losses


def _convert(row: Row, losses: Losses) -> Iterator[dict[str, str]]:
    instance = instance_id(row)
    if not row.provenance.commit:
        raise Unfit("it does not say from which commit it began: nobody knows what its patch is for")
    if row.patch.diff is None:
        raise Unfit(f"its changes are no patch: {row.patch.why}")
    lose_facts(row, losses, kept=("patch",))
    losses.add("how it was done: words, calls and what answered them", count=len(row.messages))
    yield {
        "instance_id": instance,
        "model_name_or_path": actor(row),
        "model_patch": row.patch.diff,
    }


FORMAT = Format(
    name="swe-bench",
    title="SWE-bench predictions",
    loader="SWE-bench's harness (`run_evaluation --predictions_path`)",
    kind="lines",
    suffix=".jsonl",
    version=1,
    convert=_convert,
)
