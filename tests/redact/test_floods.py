"""Hostile text costs little more than any other: time grows with its size, whatever it repeats."""

from __future__ import annotations

import gzip
import random
import time
from pathlib import Path

import pytest
from corpus import KEY

from recorder.network.redaction import NetworkRedactor
from recorder.redact import Redactor, Vault, VaultFile
from recorder.redact.names import KEYWORDS
from recorder.redact.places import PARAMETERS
from recorder.redact.shapes import shapes

SIZE = 16_000
MOST_SECONDS = 0.4
"""Generous: most take a hundredth of it, and what is judged at every word anew takes more than a second."""

VENDORS = [keyword for shape in shapes() for keyword in shape.keywords]
NAMES = [form for name in KEYWORDS for form in (name, name + b"=", name + b": ", name + b"='")]
PLACES = [
    b"curl ", b"curl -u a:b", b"wget ", b"http ", b"sshpass", b"sshpass -p ", b"mysql", b"mysql -p", b"mariadb",
    b"Authorization: ", b"Authorization: Basic YTpi", b"authorization", b"Authorization: Digest ", b"Cookie: ",
    b"cookie:", b"Cookie: session=", b"Set-Cookie: ", b"set-cookie:", b"bearer", b"Bearer ", b"Bearer aB3$xYz9aB3$xYz9",
    b"://", b"://a:", b"://a:b@c", b"x:y@", *PARAMETERS,
]  # fmt: skip
KEYS = [
    b"-----BEGIN ", b"-----BEGIN RSA PRIVATE KEY-----", b"-----BEGIN RSA PRIVATE KEY-----\n",
    b"-----BEGIN RSA PRIVATE KEY-----\nabcd\n", b"-----BEGIN RSA PRIVATE KEY-----x-----END",
]  # fmt: skip
SHOWN = [
    b"\x1b",
    b"\x1b[",
    b"\x1b]",
    b"\x1b[1m",
    b"\x1b]0;",
    b"\x0f",
    b" \r",
    b"x" * 39 + b" \r",
    b"\r",
    b"\r\n",
    b"\\",
]
FIELDS = [
    b"token=%41", b"token=\\", b"token='\\", b'token="a\\', b"token>", b"--token ", b"login token ",
    b'\\"token\\": \\"',
    b"token=&quot;", b"token=`", b"eyJ.eyJ.", b'name="token"\r\n', b"token=ghp_", b"a=b;", b"token=Zk93jfHw8 ",
]  # fmt: skip
ALL = [*VENDORS, *NAMES, *PLACES, *KEYS, *SHOWN, *FIELDS]


def mixture(seed: int) -> bytes:
    r = random.Random(seed)
    some = r.sample(ALL, r.choice((2, 5, 40, len(ALL))))
    return b"".join(r.choice(some) for _ in range(SIZE // 4))[:SIZE]


def cost(data: bytes, *, streamed: bool) -> float:
    door = Redactor(Vault(KEY))
    door.text("token=a eyJ")
    start = time.process_time()
    if streamed:
        stream = door.stream()
        pieces = [stream.feed(data[at : at + 8192]) for at in range(0, len(data), 8192)]
        out = b"".join([*pieces, stream.flush()])
    else:
        out = door.body(data, "text/plain")
    assert len(out) == len(data)
    return time.process_time() - start


@pytest.mark.slow
@pytest.mark.parametrize("streamed", [False, True], ids=["body", "stream"])
def test_every_flood_is_cheap(streamed: bool) -> None:
    floods = {repr(text): (text * (SIZE // len(text) + 1))[:SIZE] for text in ALL}
    floods |= {f"mixture {seed}": mixture(seed) for seed in range(20)}
    slow = {}
    for name, data in floods.items():
        cost(data[:2000], streamed=streamed)  # rules are compiled at first use
        seconds = cost(data, streamed=streamed)
        if seconds > MOST_SECONDS:
            slow[name] = min(seconds, cost(data, streamed=streamed))
    assert {name: seconds for name, seconds in slow.items() if seconds > MOST_SECONDS} == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", [b"token=", b"token ", b"curl ", b"password='", b"sntrys_eyJ", b"://", b"Cookie: a=b;"]
)
def test_twice_as_much_costs_twice_as_much(text: bytes) -> None:
    def seconds(size: int) -> float:
        data = text * (size // len(text))
        return min(cost(data, streamed=False) for _ in range(3))

    seconds(2000)
    assert seconds(8 * SIZE) < 20 * seconds(SIZE)


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["", "gzip"])
@pytest.mark.parametrize("size", [200_000, 2_000_000], ids=["whole", "streamed"])
def test_a_body_made_to_be_costly_is_given_up_soon(tmp_path: Path, size: int, coding: str) -> None:
    VaultFile.create(tmp_path / "vault").close()
    redactor = NetworkRedactor(tmp_path / "vault")
    pieces = [text * (2000 // len(text)) for text in ALL]
    floods = [b"api-key='", b"token=%41", b"password: ", b"cookie: a=b;", b"curl -u a:b ", b"ghp_"]
    slow = {}
    for flood in [*floods, b"".join(pieces)]:
        data = (flood * (size // len(flood) + 1))[:size]
        sent = gzip.compress(data) if coding else data
        body = redactor.body_filter("text/plain", coding)
        start = time.process_time()
        kept = b"".join(body.feed(sent[at : at + 65_536]) for at in range(0, len(sent), 65_536))
        kept += body.end()
        seconds = time.process_time() - start
        assert body.refused, flood[:20]
        if seconds > 1:  # a quarter of a second where nothing else runs
            slow[flood[:20]] = seconds
    assert not slow


def test_dense_but_real_text_is_kept(tmp_path: Path) -> None:
    VaultFile.create(tmp_path / "vault").close()
    body = NetworkRedactor(tmp_path / "vault").body_filter("text/plain", "")
    lines = [b"SERVICE_%d_API_KEY=none TOKEN_%d=unset\n" % (n, n) for n in range(400)]
    settings = b"".join(lines) * 3
    assert body.feed(settings) + body.end() == settings
    assert body.refused is None
