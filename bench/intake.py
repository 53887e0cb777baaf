"""What an event of a page costs the browser source, from the extension's message to the journal: `bench/intake.py`.

Prints CPU microseconds an event, as it is and with redaction, and bytes in the journal. Only ratios of paired runs are
good for comparisons.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from recorder.redact import VaultFile
from recorder.sources.browser.intake import Intake
from recorder.sources.browser.orders import JOURNAL, Orders
from recorder.sources.browser.redaction import RedactedPages, Untouched
from recorder.trace.wire import Batch

EVENTS = 10_000
BATCH = 20
"""Items of a message, as a busy page sends them."""


def items() -> list[dict[str, Any]]:
    t = time.time() * 1000
    target = {
        "k": "target", "tag": "button", "role": "button", "name": "Save invoice", "text": "Save invoice", "id": "save",
        "css": "html > body > div:nth-of-type(3) > form > button:nth-of-type(2)",
        "xpath": "/html/body/div[3]/form/button[2]", "attributes": {"class": "btn btn-primary", "name": "save"},
        "anchors": [["row", "Invoice 17"], ["heading", "Invoices"]],
    }  # fmt: skip
    typed = {
        "type": "input",
        "input_type": "insertText",
        "text": "a",
        "value": "what a field holds by then " * 4,
    }
    moved = {"type": "pointermove", "x": 10.5, "y": 20.5, "offset": [1, 2], "button": -1, "pointer": "mouse"}
    out: list[dict[str, Any]] = [{"k": "start", "s": 1, "t": t, "url": "http://a.test/"}]
    for s in range(2, EVENTS + 2):
        deed = typed if s % 3 == 0 else moved
        item = {**target, "n": s} if s % 50 == 0 else {"k": "event", "trusted": True, "target": 50, **deed}
        out.append({**item, "s": s, "t": t})
    return out


def run(folder: Path, *, redacted: bool) -> tuple[float, float]:
    """CPU microseconds and journal bytes, an event."""
    vault = folder / "vault"
    VaultFile.create(vault).close()
    now, boottime = time.time_ns(), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    orders = Orders(
        folder=str(folder), notices=-1, status=-1, session="bench", task="", mode="opened", url=None, headless=True,
        profile=None, port=None, seed=None, flags=[], vault=None, unix_offset=now - boottime, started=boottime,
    )  # fmt: skip
    texts = RedactedPages(vault) if redacted else Untouched()
    intake = Intake(orders, texts, lambda event: None)
    said = items()
    begun = time.process_time()
    for at in range(0, len(said), BATCH):
        intake.take(Batch(tab=1, frame=0, document="d", items=said[at : at + BATCH]))
    spent = time.process_time() - begun
    size = (folder / JOURNAL).stat().st_size
    intake.close()
    return spent / EVENTS * 1e6, size / EVENTS


def main() -> None:
    for redacted in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            spent, size = run(Path(folder), redacted=redacted)
        what = "redacted" if redacted else "as it is"
        print(f"{what:9} {spent:6.1f} us CPU an event, {size:5.0f} bytes in the journal")


if __name__ == "__main__":
    main()
