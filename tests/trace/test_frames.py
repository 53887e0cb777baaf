"""Frames: fed whole, byte by byte, with garbage, cut, and with every bit flipped."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recorder.trace.frames import MAX_PAYLOAD, OVERHEAD, Frame, FrameDecoder, encode

FRAMES = [Frame(0, 5, 1, b"hello"), Frame(1, 2**63, 2, b""), Frame(2**64 - 1, 0, 255, bytes(300))]
STREAM = b"".join(encode(*f) for f in FRAMES)
ENDS = [sum(OVERHEAD + len(f.payload) for f in FRAMES[:n]) for n in range(len(FRAMES) + 1)]

frames = st.builds(
    Frame,
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 255),
    st.binary(max_size=200),
)


def decode(*portions: bytes) -> tuple[list[Frame], FrameDecoder]:
    decoder = FrameDecoder()
    return [frame for portion in portions for frame in decoder.feed(portion)], decoder


def test_whole() -> None:
    found, decoder = decode(STREAM)
    assert found == FRAMES
    assert decoder.torn() is None


def test_byte_by_byte() -> None:
    found, decoder = decode(*(STREAM[i : i + 1] for i in range(len(STREAM))))
    assert found == FRAMES
    assert decoder.torn() is None


@pytest.mark.parametrize("cut", range(len(STREAM)))
def test_cut_anywhere_gives_the_whole_frames_before_it(cut: int) -> None:
    found, decoder = decode(STREAM[:cut])
    whole = sum(end <= cut for end in ENDS[1:])
    assert found == FRAMES[:whole]
    torn = decoder.torn()
    assert (torn is None) == (cut in ENDS)
    assert torn is None or torn.offset == ENDS[whole]


def test_every_flipped_bit_is_noticed() -> None:
    for at in range(len(STREAM)):
        before = sum(end <= at for end in ENDS[1:])
        for bit in range(8):
            damaged = bytearray(STREAM)
            damaged[at] ^= 1 << bit
            found, decoder = decode(bytes(damaged))
            assert found == FRAMES[:before]
            torn = decoder.torn()
            assert torn is not None
            assert torn.offset == ENDS[before]


@pytest.mark.parametrize("garbage", [b"\0" * 64, b"\xff" * 64, b"GET / HTTP/1.1\r\n\r\n" * 3])
def test_garbage_stops_it_for_good_and_keeps_what_came_before(garbage: bytes) -> None:
    found, decoder = decode(STREAM, garbage, STREAM)
    assert found == FRAMES
    assert decoder.damaged
    torn = decoder.torn()
    assert torn is not None
    assert torn.offset == len(STREAM)
    assert len(decoder._buffer) <= len(garbage)


def test_an_offset_given_at_the_start_counts() -> None:
    decoder = FrameDecoder(9)
    assert list(decoder.feed(STREAM + b"x")) == FRAMES
    torn = decoder.torn()
    assert torn is not None
    assert torn.offset == 9 + len(STREAM)


def test_the_longest_payload_and_one_more() -> None:
    found, _ = decode(encode(0, 0, 1, bytes(MAX_PAYLOAD)))
    assert len(found[0].payload) == MAX_PAYLOAD
    with pytest.raises(ValueError, match="the most is"):
        encode(0, 0, 1, bytes(MAX_PAYLOAD + 1))


@given(st.lists(frames, max_size=8), st.data())
def test_any_frames_in_any_portions(made: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(encode(*f) for f in made)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    portions = [stream[a:b] for a, b in pairwise([0, *cuts, len(stream)])]
    found, decoder = decode(*portions)
    assert found == made
    assert decoder.torn() is None


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    decode(data)


def test_importing_it_stays_light() -> None:
    """The relay imports frames in a process that must start fast and stay small."""
    code = "import sys, recorder.trace.frames; print(*sorted(m for m in sys.modules if m.split('.')[0] in "
    code += "('msgspec', 'zstandard', 'cryptography', 'click', 'json', 'recorder')))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["recorder", "recorder.trace", "recorder.trace.frames"]
