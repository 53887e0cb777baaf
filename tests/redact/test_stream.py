"""What a stream holds back, and that pieces make no difference."""

from __future__ import annotations

import random

import pytest
from corpus import ALNUM, HEX, KEY, Maker
from hypothesis import example, given
from hypothesis import strategies as st

from recorder.redact import Redactor, Vault
from recorder.redact.stream import MOST_HELD

SECRET = b"Zk93-jfHw/88sq=Q"


def door(*secrets: bytes) -> Redactor:
    return Redactor(Vault(KEY), secrets)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (b"", 0),
        (b"$ ", 0),
        (b"user@host:~/src$ ", 0),
        (b"x" * 50 + b"user@host:~/src$ ", 65),
        (b"Password: ", 0),
        (b"a line\r\n", 0),
        (b"the token bucket is full\r\n$ ", 0),
        (b"compiling wor", 3),
        (b"export API_TOKEN=", 10),
        (b"the token bucket", 6),
        (b"token = 'Zk93", 5),
        (b"see Zk93-jf", 8),
        (b"see Zk93-jf\r\n", 10),
    ],
)
def test_only_what_may_be_a_secret_is_held(text: bytes, held: int) -> None:
    stream = door(SECRET).stream()
    out = stream.feed(text)
    assert stream.held == held
    assert out + stream.flush() == text
    assert stream.held == 0


def test_no_more_than_4_kib_are_held() -> None:
    stream = door(SECRET).stream()
    for piece in [b"password='", *[b"aB3$x" * 100] * 40]:
        stream.feed(piece)
        assert stream.held <= MOST_HELD


def test_a_secret_found_once_is_found_in_every_stream() -> None:
    redactor = door()
    token = "ghp_" + Maker().of(ALNUM, 36)
    redactor.headers([("Authorization", f"Bearer {token}")])
    stream = redactor.stream()
    out = (
        b"".join(stream.feed(bytes([c])) for c in f"<<{token[:20]}\r\n{token[20:]}>>\r\n".encode())
        + stream.flush()
    )
    placeholder = redactor.vault.placeholder(token.encode())
    assert out == b"<<" + placeholder[:20] + b"\r\n" + placeholder[20:] + b">>\r\n"


def test_a_long_key_needs_no_more_than_a_line() -> None:
    text, lines = Maker().pem(line_end="\r\n")
    data = ("$ cat key\r\n" + text * 1 + "$ ").encode()
    stream = door().stream()
    most, out = 0, b""
    for c in data:
        out += stream.feed(bytes([c]))
        most = max(most, stream.held)
    out += stream.flush()
    assert not any(line.encode() in out for line in lines)
    assert most <= 200
    assert out.startswith(b"$ cat key\r\n-----BEGIN RSA PRIVATE KEY-----\r\n")
    assert out.endswith(b"-----END RSA PRIVATE KEY-----\r\n$ ")


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"\r\n", b" ", b"x" * 40, b" \r", b"\x1b[1m", b"\x1b]0;t\x07",
             b"password=", b"token: ", b'"secret": "', b'"', b"://u:",
             b"@h/", b"Authorization: Bearer ", b"eyJ", b"ghp_", b"-----BEGIN PRIVATE KEY-----\n", b"curl -u a:", b"&",
             SECRET, SECRET[:5], SECRET[5:], b"WmtmOTMtamZIdy84OHNx", b"%2F", b"Cookie: a=", b"; ",
             b"\x7f", b"\x08\x1b[K", b"\x08 \x08"]
        ),
        st.text(HEX + ALNUM, max_size=12).map(str.encode),
        st.binary(max_size=4),
    ),
    max_size=14,
)  # fmt: skip


@given(PIECES, st.integers(0, 2**32))
@example([b"0123456A", b"\r\n", b"password=", b"0123456A", b"\r\n"], 0)
def test_pieces_make_no_difference(pieces: list[bytes], seed: int) -> None:
    """But for what went out before anything said that it is secret: so all is known here."""
    data = b"".join(pieces)
    redactor = door(SECRET)
    learning = redactor.stream()
    learning.feed(data)
    learning.flush()
    whole = redactor.stream()
    expected = whole.feed(data) + whole.flush()
    stream = redactor.stream()
    out, at = b"", 0
    sizes = random.Random(seed)
    while at < len(data):
        size = sizes.choice((1, 1, 2, 5, 20))
        out += stream.feed(data[at : at + size])
        at += size
        assert stream.held <= MOST_HELD
    out += stream.flush()
    assert len(out) == len(data)
    assert SECRET not in out.replace(b"\r\n", b"")
    assert out == expected


@pytest.mark.parametrize(
    "taken_back", ["X\x08\x1b[K", "X\x08 \x08", "X\x7f", "abc\x08\x1b[K\x08\x1b[K\x08\x1b[K", "ab\x7f\x7f"]
)
def test_a_secret_typed_with_corrections(taken_back: str) -> None:
    """What was taken back stays where it stood, the secret around it does not."""
    secret = "ghp_" + Maker(4).of(ALNUM, 36)
    text = f"export GH={secret[:9]}{taken_back}{secret[9:30]}{taken_back}{secret[30:]}\r\n"
    for size in (1, 5, 400):
        stream = Redactor(Vault(KEY)).stream()
        out = b"".join(stream.feed(text[i : i + size].encode()) for i in range(0, len(text), size))
        out = (out + stream.flush()).decode()
        assert len(out) == len(text)
        assert out.count(taken_back) == 2
        assert secret not in out.replace(taken_back, "")
        assert not any(secret[i : i + 6] in out for i in range(4, 34))
