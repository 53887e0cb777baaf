"""Verdicts beside their traces: what a replay found, bound to the trace's bytes and signed by who replayed it.

`fix.reenact` has its verdict in `fix.verdict`: a line of JSON, and a line with the signature over its very bytes. It
counts only where it is of exactly this file and by a key that the reader trusts (his own, unless he names others): a
stranger may send any verdict along with a trace.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from recorder.trace.errors import UsageError
from recorder.trace.folders import signing_key_path
from recorder.trace.integrity import public_key
from recorder.trace.keys import create_key, load_key
from replay.dataset.row import Verification
from replay.report.result import ReplayResult
from replay.verify.verdict import Verdict
from replay.whole import whole

VERSION = 1
_DOMAIN = b"reenact verdict\n"
_MOST = 8 << 20


class StepVerdict(Struct, frozen=True, array_like=True):
    """A step of the trace, its verdict and how it came to it."""

    n: int
    verdict: Verdict
    how: str


class Stored(Struct, frozen=True, kw_only=True):
    """What is kept of a replay. `trace_sha256` is of the trace's file."""

    version: int
    trace_id: str
    trace_sha256: str
    reenact: str
    verdict: Verdict
    counts: dict[str, int]
    steps: tuple[StepVerdict, ...]
    digest: str
    runs: int
    steady: bool
    reward: float | None
    clock: str
    sandbox: str


class _Signed(Struct, frozen=True, kw_only=True):
    public_key: str
    signature: str


class Found(NamedTuple):
    """What stands beside a trace: its verdict and who signed it, or (`stored` None) why there is none that counts."""

    stored: Stored | None
    key: str
    why: str

    @property
    def verification(self) -> Verification | None:
        """As rows tell it."""
        stored = self.stored
        if stored is None:
            return None
        return Verification(
            verdict=str(stored.verdict),
            counts=stored.counts,
            digest=stored.digest,
            runs=stored.runs,
            steady=stored.steady,
            reward=stored.reward,
            reenact=stored.reenact,
            clock=stored.clock,
            key=self.key,
        )


def place_of(trace: Path) -> Path:
    """Where the verdict of the trace at `trace` stands."""
    return trace.with_name(trace.name.removesuffix(".reenact") + ".verdict")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def keep(trace: Path, sha256: str, result: ReplayResult, reenact: str) -> Path:
    """Writes what a replay of the whole trace found beside it, whole or not at all, mode 0600, over the one before.

    `sha256` is that of the file which was replayed. Signed by the user's own key, which is made if there is none.
    Raises OSError where the folder takes no file, UsageError where the key cannot be used.
    """
    stored = Stored(
        version=VERSION,
        trace_id=result.trace_id,
        trace_sha256=sha256,
        reenact=reenact,
        verdict=result.verdict,
        counts=result.counts,
        steps=tuple(StepVerdict(step.n, step.verdict, step.how) for step in result.steps),
        digest=result.digest,
        runs=max(1, len(result.runs)),
        steady=result.steady,
        reward=result.reward.replayed if result.reward else None,
        clock=result.clock,
        sandbox=result.sandbox,
    )
    line = msgspec.json.encode(stored)
    key = _own_key()
    signed = _Signed(public_key=public_key(key), signature=key.sign(_DOMAIN + line).hex())
    place = place_of(trace)
    with whole(place, durable=True) as file:
        file.write(line + b"\n" + msgspec.json.encode(signed) + b"\n")
    return place


def find(trace: Path, sha256: str, trusted: Collection[str]) -> Found:
    """The verdict beside a trace whose file has `sha256`, where one of the `trusted` keys (hex) signed it. Never raises
    because of what stands there."""
    place = place_of(trace)
    try:
        with place.open("rb") as file:
            data = file.read(_MOST + 1)
    except FileNotFoundError:
        return Found(None, "", "not replayed")
    except OSError as error:
        return Found(None, "", f"its verdict cannot be read: {error.strerror}")
    line, _, rest = data.partition(b"\n")
    try:
        signed = msgspec.json.decode(rest, type=_Signed)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key)).verify(
            bytes.fromhex(signed.signature), _DOMAIN + line
        )
        stored = msgspec.json.decode(line, type=Stored)
    except (msgspec.MsgspecError, ValueError, InvalidSignature):
        return Found(None, "", "its verdict is damaged or forged")
    if signed.public_key not in trusted:
        return Found(None, signed.public_key, "its verdict is signed by a key that is not trusted")
    if stored.trace_sha256 != sha256:
        return Found(None, signed.public_key, "its verdict is of another file: replay it again")
    if stored.version != VERSION:
        return Found(None, signed.public_key, "its verdict is of another version: replay it again")
    return Found(stored, signed.public_key, "")


def own_public_key() -> str | None:
    """The user's own public key, hex; None where none was made yet. Raises UsageError where it cannot be used."""
    path = signing_key_path()
    return public_key(load_key(path)) if path.exists() else None


def _own_key() -> Ed25519PrivateKey:
    path = signing_key_path()
    try:
        return load_key(path) if path.exists() else create_key(path)
    except UsageError:
        if path.exists():  # another process made it meanwhile
            return load_key(path)
        raise
