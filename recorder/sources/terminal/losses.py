"""What of a terminal's record was lost, as the ring tells it: gaps, told in the journal or too late for it."""

from __future__ import annotations

import os

from recorder.sources.terminal.ring import (
    GAP_BYTES,
    GAP_FROM,
    GAP_RECORDS,
    HEAD,
    LAST_ERRNO,
    NEXT,
    OUTER_LOST,
    SYNC_ERRNO,
    TAIL,
    ClosedGap,
    Ring,
    now,
)
from recorder.trace.events import Gap
from recorder.trace.frames import Kind


def losses(ring: Ring, source: str) -> tuple[list[Gap], int]:
    """All gaps, by time, once nothing writes any more; and how many bytes of output never reached the journal."""
    words = ring.words
    unwritten = 0
    gaps = [gap_event(gap, source) for gap in ring.closed_gaps()]
    left = [r for r in ring.records(words[TAIL], words[HEAD]) if r.sequence >= words[NEXT]]
    if left:
        unwritten = sum(len(r.payload) for r in left if r.kind == Kind.OUTPUT)
        gap = ClosedGap(left[0].t, max(r.t for r in left), unwritten, len(left), words[LAST_ERRNO])
        gaps.append(gap_event(gap, source))
    if words[GAP_FROM]:
        open_gap = (words[GAP_FROM], now(), words[GAP_BYTES], words[GAP_RECORDS], words[LAST_ERRNO])
        gaps.append(gap_event(ClosedGap(*open_gap), source))
    if words[SYNC_ERRNO]:
        why = f"written, but not known to be on disk: {os.strerror(words[SYNC_ERRNO])}"
        gaps.append(Gap(t=now(), source=source, until=now(), bytes=None, reason=why))
    if words[OUTER_LOST]:
        lost_at = words[OUTER_LOST]
        gaps.append(Gap(t=lost_at, source=source, until=now(), bytes=0, reason="outer terminal lost"))
    gaps.sort(key=lambda gap: gap.t)
    return gaps, unwritten


def gap_event(gap: ClosedGap, source: str) -> Gap:
    """The event that tells a gap of the ring."""
    why = f"the journal could not be written: {os.strerror(gap.errno)}" if gap.errno else "the writer stalled"
    return Gap(
        t=gap.since,
        source=source,
        until=max(gap.since, gap.until),
        bytes=gap.bytes,
        reason=f"{gap.records} records dropped, {why}",
    )
