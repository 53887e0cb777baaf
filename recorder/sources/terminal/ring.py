"""The ring: shared memory between the relay, which puts records in, and the writer, which takes them out.

One producer at a time (the relay; the keeper while no relay runs), one consumer. A record is committed by one
aligned 8-byte store of HEAD, so that a SIGKILL at any instruction leaves whole records only. What the producer
must remember over its own death (sequence, offsets, counters, a mark cut in half) lies in two slots, each
stamped with the HEAD it belongs to; the one that matches is the truth.

Positions rise for ever; a position's place in memory is its remainder by the capacity. Record headers are
aligned to 32 bytes and so never wrap; payloads may.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterator
from typing import NamedTuple

CAPACITY = 8 << 20
MAX_HELD = 4096
MAX_GAPS = 32

# Words of the header, 8 bytes each. Every word has one owner at a time.
HEAD = 0  # producer: end of the last committed record
TAIL = 1  # writer: start of the first record that is not in the journal yet
NEXT = 2  # writer: sequence that the journal lacks first
SIZE = 3  # writer: bytes of the journal up to its last whole frame
SYNCED = 4  # writer: SIZE at the last fdatasync that succeeded
ERRNO = 5  # writer: why it cannot write at the moment, 0 when it can
LAST_ERRNO = 6  # writer: the last error it met
SYNC_ERRNO = 7  # writer: an fdatasync failed with this
ASLEEP = 8  # writer sets, producer clears: wake me at the next record
KICKED = 9  # producer sets, writer clears: woken because the ring fills
GAP_FROM = 10  # producer: since when records are being dropped, 0 when none are
GAP_BYTES = 11
GAP_RECORDS = 12
GAPS = 13  # producer: closed gaps in the table
OUTER_LOST = 14  # relay, keeper: when the expert's terminal went away, else 0
NO_SHOW = 15  # keeper: the relay writes nothing to the expert's terminal
WARNED = 16  # relay: the expert was told that recording fails
HUNG_UP = 17  # relay, keeper: when the program was hung up, else 0
RELAY_PID = 18
WRITER_PID = 19
_GAP_TABLE = 64
_FAULT_AT = 2048
_FAULT_SIZE = 1024
_SLOTS_AT = (4096, 12288)
_DATA_AT = 20480

_RECORD = struct.Struct("<IIQQQ")  # payload length, kind, sequence, time, spare
_SLOT = struct.Struct("<QQQIIII")  # head, sequence, offset, prompts, commands, flags, length of held
_FULL = (1 << 64) - 1


def now() -> int:
    """CLOCK_BOOTTIME in nanoseconds: the one clock of every journal."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class State:
    """What the producer knows about the stream so far; survives it in the ring."""

    __slots__ = ("at_prompt", "commands", "held", "offset", "prompts", "sequence")

    def __init__(self) -> None:
        self.sequence = 0
        self.offset = 0
        self.prompts = 0
        self.commands = 0
        self.at_prompt = False
        self.held = b""


class Record(NamedTuple):
    end: int
    kind: int
    sequence: int
    t: int
    payload: bytes | memoryview


class ClosedGap(NamedTuple):
    since: int
    until: int
    bytes: int
    records: int
    errno: int


class Ring:
    """The mapping itself. Shared by every process forked after it was made; freed when the last one ends."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        if capacity % 4096 or capacity <= 0:
            raise ValueError(f"ring capacity {capacity} is no multiple of 4096")
        self.capacity = capacity
        self._map = mmap.mmap(-1, _DATA_AT + capacity)
        self._view = memoryview(self._map)
        self._data = self._view[_DATA_AT:]
        self.words = self._view[: 4096 // 2].cast("Q")
        self._slot = 0

    # -- producer --------------------------------------------------------------------------------------

    @staticmethod
    def cost(length: int) -> int:
        """Bytes of the ring that a payload of `length` takes."""
        return (length + 63) & ~31

    def put(self, head: int, kind: int, sequence: int, t: int, payload: bytes) -> int:
        """Write a record at `head` without committing it; there must be room. Returns the head after it."""
        capacity = self.capacity
        length = len(payload)
        data = self._data
        at = head % capacity
        _RECORD.pack_into(data, at, length, kind, sequence, t, 0)
        at += 32
        end = at + length
        if end <= capacity:
            data[at:end] = payload
        else:
            first = max(capacity - at, 0)
            data[at : at + first] = payload[:first]
            data[: length - first] = payload[first:]
        return head + ((length + 63) & ~31)

    def commit(self, head: int, state: State) -> None:
        """Make everything before `head` visible to the writer, and `state` the state that belongs to it."""
        slot = self._slot = 1 - self._slot
        held = state.held
        at = _SLOTS_AT[slot]
        fields = (state.sequence, state.offset, state.prompts, state.commands, state.at_prompt, len(held))
        _SLOT.pack_into(self._view, at, head, *fields)
        if held:
            at += _SLOT.size
            self._view[at : at + len(held)] = held
        self.words[HEAD] = head

    def load(self) -> State:
        """The state that belongs to the current head; what a new producer goes on from."""
        state = State()
        head = self.words[HEAD]
        for slot, at in enumerate(_SLOTS_AT):
            stamp, sequence, offset, prompts, commands, flags, held = _SLOT.unpack_from(self._view, at)
            if stamp == head and sequence:
                state.sequence, state.offset = sequence, offset
                state.prompts, state.commands, state.at_prompt = prompts, commands, bool(flags)
                at += _SLOT.size
                state.held = bytes(self._view[at : at + held])
                self._slot = slot
                break
        return state

    # -- consumer --------------------------------------------------------------------------------------

    def records(self, tail: int, head: int) -> Iterator[Record]:
        """Records between two positions. A payload that doesn't wrap is a view of the ring: use it before the
        tail passes it."""
        capacity, data = self.capacity, self._data
        while tail < head:
            at = tail % capacity
            length, kind, sequence, t, _ = _RECORD.unpack_from(data, at)
            at += 32
            end = at + length
            payload: bytes | memoryview
            if end <= capacity:
                payload = data[at:end]
            else:
                first = max(capacity - at, 0)
                payload = b"".join((data[at : at + first], data[: length - first]))
            tail += (length + 63) & ~31
            yield Record(tail, kind, sequence, t, payload)

    # -- both ------------------------------------------------------------------------------------------

    def close_gap(self, until: int) -> ClosedGap:
        """Move the open gap to the table of closed ones; when that is full the last entry grows."""
        words = self.words
        gap = ClosedGap(words[GAP_FROM], until, words[GAP_BYTES], words[GAP_RECORDS], words[LAST_ERRNO])
        count = words[GAPS]
        at = _GAP_TABLE + 5 * min(count, MAX_GAPS - 1)
        if count < MAX_GAPS:
            words[at : at + 5] = _words(gap)
            words[GAPS] = count + 1
        else:
            words[at + 1] = until
            words[at + 2] += gap.bytes
            words[at + 3] += gap.records
        words[GAP_FROM] = words[GAP_BYTES] = words[GAP_RECORDS] = 0
        return gap

    def closed_gaps(self) -> list[ClosedGap]:
        words = self.words
        rows = (words[_GAP_TABLE + 5 * i : _GAP_TABLE + 5 * i + 5] for i in range(words[GAPS]))
        return [ClosedGap(*row.tolist()) for row in rows]

    def set_fault(self, text: str) -> None:
        """Leave the last words of a dying process for the keeper."""
        data = text.encode(errors="replace")[: _FAULT_SIZE - 1]
        self._view[_FAULT_AT : _FAULT_AT + len(data) + 1] = data + b"\0"

    def take_fault(self) -> str:
        raw = bytes(self._view[_FAULT_AT : _FAULT_AT + _FAULT_SIZE]).split(b"\0", 1)[0]
        self._view[_FAULT_AT] = 0
        return raw.decode(errors="replace")


def _words(gap: ClosedGap) -> memoryview:
    return memoryview(struct.pack("=5Q", *(min(n, _FULL) for n in gap))).cast("Q")


def wake(fd: int) -> None:
    """Add one to an eventfd; a full counter is as good as a wake-up."""
    try:
        os.eventfd_write(fd, 1)
    except OSError:
        pass


def drain(fd: int) -> None:
    """Reset an eventfd."""
    try:
        os.eventfd_read(fd)
    except OSError:
        pass
