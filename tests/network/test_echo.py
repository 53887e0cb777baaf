"""Values of chance put into the answer where the recorded ones stood."""

from __future__ import annotations

import gzip
import zlib

import pytest
import zstandard

from replay.players.network import coding
from replay.players.network.echo import Echo

brotli = pytest.importorskip("brotli")
OLD, NEW = "6fa459ea-ee8a-3ca4-894e-db77e160355e", "16fd2706-8baf-433b-82eb-8c7fada847da"


def test_headers_get_the_asked_value_also_escaped() -> None:
    echo = Echo([("st/ate=1", "ne/w=2x")])
    headers = ((b"Location", b"http://a.example/?s=st%2Fate%3D1"), (b"Set-Cookie", b"s=st/ate=1; Path=/"))
    assert echo.headers(headers) == (
        (b"Location", b"http://a.example/?s=ne%2Fw%3D2x"),
        (b"Set-Cookie", b"s=ne/w=2x; Path=/"),
    )


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"br", brotli.compress),
        (b"zstd", zstandard.ZstdCompressor().compress),
        (b"", bytes),
    ],
)
def test_coded_bodies_are_coded_again(name: bytes, pack: object) -> None:
    assert callable(pack)
    headers = ((b"Content-Encoding", name),)
    done = Echo([(OLD, NEW)]).body(headers, pack(f'{{"id": "{OLD}"}}'.encode()))
    assert coding.decoded(done, name) == f'{{"id": "{NEW}"}}'.encode()


def test_a_body_that_does_not_hold_the_value_stays_as_it_was() -> None:
    packed = gzip.compress(b"nothing of the kind", mtime=12345)
    assert Echo([(OLD, NEW)]).body(((b"Content-Encoding", b"gzip"),), packed) == packed


def test_damaged_and_unknown_codings_stay_as_they_were() -> None:
    for name, data in ((b"gzip", b"no gzip"), (b"x-strange", OLD.encode()), (b"br", b"\xff\xff\xff")):
        assert Echo([(OLD, NEW)]).body(((b"Content-Encoding", name),), data) == data


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(coding.MOST + 1))
    assert coding.decoded(bomb, b"gzip") is None
    assert coding.decoded(zstandard.compress(bytes(coding.MOST + 1)), b"zstd") is None
    assert coding.decoded(brotli.compress(bytes(coding.MOST + 1)), b"br") is None


def test_values_change_places_without_harm() -> None:
    echo = Echo([("first-1", "second2"), ("second2", "first-1")])
    assert echo.text(b"first-1 second2") == b"second2 first-1"


def test_a_value_within_a_longer_one_is_left_alone() -> None:
    assert Echo([("1717243200", "1717249999")]).text(b"91717243200 1717243200") == b"91717243200 1717249999"


def test_ids_of_calls_are_put_only_where_an_answer_names_its_call() -> None:
    echo = Echo([], [("7", "9"), ('"c-1"', '"c-2"')])
    said = b'[{"id": 7, "result": 7, "total": 77}, {"result": "c-1", "id":"c-1"}]'
    assert echo.body((), said) == b'[{"id": 9, "result": 7, "total": 77}, {"result": "c-1", "id":"c-2"}]'


def test_short_values_are_not_looked_for() -> None:
    assert not Echo([("abc", "xyz")])
