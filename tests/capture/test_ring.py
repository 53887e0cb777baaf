"""The ring keeps what was committed, whatever the sizes and whoever takes over."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from recorder.sources.terminal.producer import Producer
from recorder.sources.terminal.ring import GAP_FROM, HEAD, NEXT, SIZE, STAGED, TAIL, Ring
from recorder.sources.terminal.writer import Journal, Writer, WriterConfig
from recorder.trace.events import Gap
from recorder.trace.frames import MAGIC, FrameDecoder, Kind, encode


def producer_of(ring: Ring) -> Producer:
    return Producer(ring, "terminal/1", os.eventfd(0, os.EFD_NONBLOCK))


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=2500), max_size=40), st.randoms(use_true_random=False))
def test_what_goes_in_comes_out_over_every_wrap_and_succession(chunks: list[bytes], rng) -> None:  # type: ignore[no-untyped-def]
    ring = Ring(4096)
    producer = producer_of(ring)
    words = ring.words
    out: list[tuple[int, bytes]] = []

    def take() -> None:
        out.extend((r.sequence, bytes(r.payload)) for r in ring.records(words[TAIL], words[HEAD]))
        words[TAIL] = words[HEAD]

    for chunk in chunks:
        if ring.cost(len(chunk)) > 4096 - (words[HEAD] - words[TAIL]):
            take()
        assert producer.output(chunk)
        if rng.random() < 0.3:
            producer = producer_of(ring)
        if rng.random() < 0.3:
            take()
    take()
    assert out == list(enumerate(chunks))
    assert producer.state.offset == sum(map(len, chunks))


def test_a_successor_has_the_state_of_the_last_commit_only() -> None:
    ring = Ring()
    first = producer_of(ring)
    first.state.prompts, first.state.at_prompt, first.state.held = 3, True, b"\x1b]77"
    first.output(b"one")
    first.state.prompts, first.state.held = 4, b""  # never committed
    state = producer_of(ring).state
    assert (state.prompts, state.at_prompt, state.held, state.offset, state.sequence) == (
        3,
        True,
        b"\x1b]77",
        3,
        1,
    )


def test_staged_output_counts_until_it_is_committed() -> None:
    ring = Ring()
    producer = producer_of(ring)
    producer.output(b"before")
    ring.stage(b"shown", producer.state.offset)
    assert ring.staged(producer_of(ring).state.offset) == b"shown"
    producer.output(b"shown")
    assert ring.staged(producer_of(ring).state.offset) == b""
    producer.stage_keys(b"keys")
    assert producer_of(ring).staged_keys() == b"keys"
    producer.output(b"more")
    assert producer_of(ring).staged_keys() == b""
    assert producer_of(ring).last_output(7) == b"ownmore"
    assert ring.words[STAGED] >> 18 == 6


def test_a_full_ring_drops_counts_and_tells(tmp_path: Path) -> None:
    ring = Ring(8192)
    producer = producer_of(ring)
    sent = 0
    while producer.output(b"x" * 1000):
        sent += 1000
    assert ring.words[GAP_FROM]
    assert not producer.output(b"y" * 10)
    assert producer.state.offset == sent
    ring.words[TAIL] = ring.words[HEAD]
    assert producer.output(b"after")
    kinds = [(r.kind, bytes(r.payload)) for r in ring.records(ring.words[TAIL], ring.words[HEAD])]
    assert [kind for kind, _ in kinds] == [Kind.EVENT, Kind.OUTPUT]
    assert b'"kind":"gap"' in kinds[0][1]
    assert b'"bytes":1010' in kinds[0][1]
    assert [(gap.bytes, gap.records) for gap in ring.closed_gaps()] == [(1010, 2)]
    assert Gap.__struct_config__.tag == "gap"


def test_a_writer_goes_on_where_the_last_one_was_killed(tmp_path: Path) -> None:
    """At every byte of the last batch: each frame once, none lost."""
    payloads = [b"%d" % i * (i + 1) for i in range(8)]
    whole = MAGIC + b"".join(encode(i, 1, Kind.OUTPUT, p) for i, p in enumerate(payloads))
    vouched = len(MAGIC + b"".join(encode(i, 1, Kind.OUTPUT, p) for i, p in enumerate(payloads[:3])))
    for cut in range(vouched, len(whole) + 1, 7):
        ring = Ring(4096)
        producer = producer_of(ring)
        for payload in payloads:
            producer.output(payload)
        ring.words[NEXT], ring.words[SIZE] = 3, vouched
        path = tmp_path / f"{cut}.journal"
        path.write_bytes(whole[:cut])
        read, write = os.pipe()
        os.close(write)
        config = WriterConfig(ring, str(path), os.eventfd(0, os.EFD_NONBLOCK), os.eventfd(0), read)
        assert Writer(config).run() == 0
        decoder = FrameDecoder(len(MAGIC))
        frames = list(decoder.feed(path.read_bytes()[len(MAGIC) :]))
        assert decoder.torn() is None
        assert [(f.sequence, f.payload) for f in frames] == list(enumerate(payloads))
        os.close(read)


def test_a_torn_magic_is_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(MAGIC[:3])
    journal = Journal(str(path), 0, 0)
    assert journal.append([encode(0, 1, Kind.OUTPUT, b"x")]) == 1
    journal.close()
    assert path.read_bytes() == MAGIC + encode(0, 1, Kind.OUTPUT, b"x")
