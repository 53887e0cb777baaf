"""Secrets in what a terminal shows and in what is typed into it are placeholders before the journal has them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recorder.redact import SharedRedactor, VaultFile
from recorder.trace.frames import FrameDecoder, Kind

TOKEN = b"ghp_9aXk2mQ7pLw4ZtB8nRcV5yHd3sFg6jKe1uTo"
TOLD = b"qX7vP2mK9sLw"
CAT = ["sh", "-c", "echo READY; exec cat"]
IN_PIECES = """
import os, tty
tty.setcbreak(0)
token, step = {token!r}, {step}
for at in range(0, len(token), step):
    os.write(1, token[at : at + step])
    if at == step: os.read(0, 1)
os.write(1, b"\\nEND\\n")
"""


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    path = tmp_path / "vault"
    file = VaultFile.create(path)
    file.close()
    SharedRedactor(path).learn(TOLD)
    return path


def on_disk(folder: Path) -> bytes:
    """The output that the journal has at this moment."""
    path = folder / "terminal-1.journal"
    data = path.read_bytes()[8:] if path.exists() else b""
    frames = list(FrameDecoder().feed(data))
    return b"".join(f.payload for f in frames if f.kind == Kind.OUTPUT)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


@pytest.mark.parametrize(
    "token", [TOKEN, TOLD, b"password=" + TOLD[::-1] + b"9"], ids=["shape", "told", "field"]
)
def test_a_secret_that_comes_in_pieces_is_never_on_disk(record: Callable, vault: Path, token: bytes) -> None:
    outer = record(python(IN_PIECES.format(token=token, step=5)), vault=vault)
    outer.expect(token[:10])
    secret = token.removeprefix(b"password=")
    for _ in range(20):  # half of it was shown, and the writer has had its time
        outer.pull(0.02)
    assert not on_disk(outer.folder).endswith(secret[:1]), "held back from its beginning"
    outer.type(b"x")
    outer.expect(b"END")
    outer.wait()
    shown = outer.record().output
    assert secret not in shown
    assert len(shown) == len(outer.shown), "each byte stands where it stood"
    placeholder = SharedRedactor(vault).vault.placeholder(secret)
    assert placeholder in shown


def test_what_is_typed_key_by_key(record: Callable, vault: Path) -> None:
    outer = record(CAT, vault=vault)
    outer.expect(b"READY\r\n")
    for byte in b"say " + TOKEN:
        outer.type(bytes([byte]))
        outer.expect(bytes([byte]), len(outer.shown) - 1)
    outer.type(b"\r")
    outer.until(lambda: outer.shown.count(TOKEN) == 2)
    outer.type(b"rest\r")
    outer.expect(b"rest\r\nrest")
    outer.type(b"\x04")
    outer.wait()
    recorded = outer.record()
    placeholder = SharedRedactor(vault).vault.placeholder(TOKEN)
    assert recorded.typed() == b"say " + placeholder + b"\rrest\r\x04"
    assert TOKEN not in recorded.output
    assert recorded.output.count(placeholder) == 2  # echoed, and told by cat
    assert len(recorded.output) == len(outer.shown)


def test_a_writer_killed_within_a_secret_loses_and_tells_nothing(record: Callable, vault: Path) -> None:
    outer = record(CAT, vault=vault)
    outer.expect(b"READY\r\n")
    outer.type(b"password=" + TOLD[::-1])
    outer.expect(TOLD[::-1])
    outer.kill("reenact-writer")
    outer.type(b"77\r")
    outer.until(lambda: outer.shown.count(b"77\r\n") == 2)
    outer.type(b"next\r")
    outer.expect(b"next\r\nnext")
    outer.type(b"\x04")
    result = outer.wait()
    assert result.writer_restarts == 1
    recorded = outer.record()
    assert len(recorded.output) == len(outer.shown)
    assert TOLD[::-1] not in recorded.output
    assert TOLD[::-1] not in recorded.typed()
    assert recorded.typed().endswith(b"\rnext\r\x04")


def test_a_title_is_looked_into_for_what_is_known(record: Callable, vault: Path) -> None:
    outer = record(["printf", "\\033]0;run " + TOLD.decode() + "\\007ok"], vault=vault)
    outer.wait()
    assert TOLD not in outer.record().output


def test_a_flood_is_whole_and_what_is_known_is_found_in_it(
    record: Callable, vault: Path, tmp_path: Path
) -> None:
    lines = b"".join(b"%08d the quick brown fox, token=none\n" % n for n in range(60_000))
    middle = len(lines) // 2
    (tmp_path / "flood").write_bytes(lines[:middle] + b" %s %s " % (TOLD, TOKEN) + lines[middle:])
    outer = record(["cat", str(tmp_path / "flood")], vault=vault)
    result = outer.wait()
    assert result.gaps == []
    output = outer.record().output
    assert len(output) == os.path.getsize(tmp_path / "flood") + 60_000  # a return before each line end
    assert TOLD not in output
    assert TOKEN not in output
    assert b"00059999 the quick" in output


@pytest.mark.slow
def test_a_word_that_nothing_follows_is_written_in_the_end(record: Callable, vault: Path) -> None:
    outer = record(CAT, vault=vault)
    outer.expect(b"READY\r\n")
    outer.type(b"harmless")
    outer.until(lambda: b"harmless" in on_disk(outer.folder))
    outer.type(b"\r\x04")
    outer.wait()
    assert outer.record().typed() == b"harmless\r\x04"
