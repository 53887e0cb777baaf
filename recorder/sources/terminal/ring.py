"""The ring: shared memory between the relay, which puts records in, and the writer, which takes them out.

One producer at a time (the relay; the keeper while no relay runs), one consumer. A record is committed by one
aligned 8-byte store of HEAD, so that a SIGKILL at any instruction leaves whole records only. What the producer
must remember over its own death (sequence, offsets, counters, a mark cut in half) lies in two slots, each
stamped with the HEAD it belongs to; the one that matches is the truth. What was shown or forwarded and is not
committed yet is staged beside, stamped with the offset or sequence at which it will be.

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
MAX_STAGED = 1 << 17
MAX_STAGED_KEYS = 4096
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
STAGED = 18  # producer: raw offset and length of the output staged
STAGED_KEYS = 19  # producer: sequence and length of the keys staged
SHOWN = 20  # relay: raw offset up to which output was shown
TOLD = 21  # relay, keeper: how many deaths of parts were published
_LENGTH_BITS = 18
_GAP_TABLE = 64

_WORDS_END = 2048
_FAULT_AT, _FAULT_SIZE = 2048, 1024
_SLOTS_AT = (4096, 12288)
_KEYS_AT = 20480
_STAGE_AT = 24576
_DATA_AT = _STAGE_AT + MAX_STAGED

_RECORD = struct.Struct("<IIQQQ")  # payload length, kind, sequence, time, start of the record before
_SLOT = struct.Struct("<QQQQIIIII")  # head, last, sequence, offset, prompts, commands, prompt, flags, held
_MOST = (1 << 64) - 1


def now() -> int:
    """CLOCK_BOOTTIME in nanoseconds: the one clock of every journal."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class State:
    """What the producer knows about the stream so far; survives it in the ring."""

    __slots__ = ("at_prompt", "commands", "held", "last", "offset", "prompt", "prompts", "ready", "sequence")

    def __init__(self) -> None:
        self.sequence = 0
        self.offset = 0
        self.last = 0
        """Where in the ring the last record starts."""
        self.prompts = 0
        self.commands = 0
        self.at_prompt = False
        self.prompt = 0
        """The shell's own number of the last prompt; `ready`: it was drawn to its end."""
        self.ready = False
        self.held = b""
        """Output published last and not shown yet: it may be the first half of a mark."""


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
        self.words = self._view[:_WORDS_END].cast("Q")
        self._slot = 0

    # -- producer --------------------------------------------------------------------------------------

    @staticmethod
    def cost(length: int) -> int:
        """Bytes of the ring that a payload of `length` takes."""
        return (length + 63) & ~31

    def put(self, head: int, kind: int, sequence: int, t: int, previous: int, payload: bytes) -> int:
        """Write a record at `head` without committing it; there must be room. `previous`: where the record before
        it starts. Returns the head after it."""
        capacity = self.capacity
        length = len(payload)
        data = self._data
        at = head % capacity
        _RECORD.pack_into(data, at, length, kind, sequence, t, previous)
        at += 32
        end = at + length
        if end <= capacity:
            data[at:end] = payload
        else:
            first = capacity - at
            data[at:capacity] = payload[:first]
            data[: length - first] = payload[first:]
        return head + ((length + 63) & ~31)

    def commit(self, head: int, state: State) -> None:
        """Make everything before `head` visible to the writer, and `state` the state that belongs to it."""
        slot = self._slot = 1 - self._slot
        held = state.held
        at = _SLOTS_AT[slot]
        _SLOT.pack_into(
            self._view, at, head, state.last, state.sequence, state.offset, state.prompts, state.commands,
            state.prompt, state.at_prompt | state.ready << 1, len(held),
        )  # fmt: skip
        if held:
            at += _SLOT.size
            self._view[at : at + len(held)] = held
        self.words[HEAD] = head

    def stage(self, data: bytes, offset: int, after: int = 0) -> None:
        """Lay output down where a successor finds it, until it is committed, behind `after` bytes that are staged
        already; MAX_STAGED in all. It is the cheapest thing that can be done before output is shown, and it is done
        for every echo."""
        end = after + len(data)
        self._map[_STAGE_AT + after : _STAGE_AT + end] = data
        self.words[STAGED] = offset << _LENGTH_BITS | end

    def staged(self, offset: int) -> bytes:
        """Output that was staged and, `offset` being the state's, not committed."""
        return self._staged(STAGED, _STAGE_AT, offset)

    def stage_keys(self, keys: bytes, sequence: int, after: int = 0) -> int:
        """The same for keys that were forwarded, MAX_STAGED_KEYS in all; they count until another record is
        committed. Returns their end."""
        end = after + len(keys)
        self._map[_KEYS_AT + after : _KEYS_AT + end] = keys
        self.words[STAGED_KEYS] = sequence << _LENGTH_BITS | end
        return end

    def staged_keys(self, sequence: int) -> bytes:
        return self._staged(STAGED_KEYS, _KEYS_AT, sequence)

    def _staged(self, word: int, at: int, stamp: int) -> bytes:
        value = self.words[word]
        length = value & ((1 << _LENGTH_BITS) - 1)
        return self._map[at : at + length] if value >> _LENGTH_BITS == stamp else b""

    def load(self) -> State:
        """The state that belongs to the current head; what a new producer goes on from."""
        state = State()
        head = self.words[HEAD]
        for slot, at in enumerate(_SLOTS_AT):
            stamp, last, sequence, offset, prompts, commands, prompt, flags, held = _SLOT.unpack_from(
                self._view, at
            )
            if stamp == head and sequence:
                state.last, state.sequence, state.offset = last, sequence, offset
                state.prompts, state.commands, state.prompt = prompts, commands, prompt
                state.at_prompt, state.ready = bool(flags & 1), bool(flags & 2)
                at += _SLOT.size
                state.held = bytes(self._view[at : at + held])
                self._slot = slot
                break
        return state

    def last_output(self, state: State, length: int) -> bytes:
        """The last `length` bytes of output; fewer where the ring holds no more of it. For a producer: it reads
        records that the writer may have freed, which only a producer overwrites."""
        parts: list[bytes] = []
        at, got, head = state.last, 0, self.words[HEAD]
        while got < length and at < head and head - at < self.capacity:
            record = next(self.records(at, at + 1))
            if record.kind == 1:
                parts.append(bytes(record.payload))
                got += len(parts[-1])
            at, before = _RECORD.unpack_from(self._data, at % self.capacity)[4], at
            if at >= before:
                break
        return b"".join(reversed(parts))[-length:] if length else b""

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
                payload = b"".join((data[at:], data[: end - capacity]))
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
            words[at : at + 5] = memoryview(struct.pack("=5Q", *(min(n, _MOST) for n in gap))).cast("Q")
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
