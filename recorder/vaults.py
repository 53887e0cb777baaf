"""A session's vault: which secrets its placeholders stand for. A private file, outside the session and the trace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from recorder.trace import folders
from recorder.trace.errors import RecordingFailed, UsageError

if TYPE_CHECKING:
    from recorder.redact import SharedRedactor

_SHORTEST = 4


class Guard:
    """Keeps a session's secrets out of what the session's own process writes: `vault` is the file, None where
    nothing is redacted. Texts are as long as before."""

    def __init__(self, vault: Path | None, redactor: SharedRedactor | None) -> None:
        self.vault = vault
        self._redactor = redactor

    def text(self, text: str) -> str:
        return text if self._redactor is None else self._redactor.text(text)

    def optional(self, text: str | None) -> str | None:
        return None if text is None else self.text(text)

    def content(self, content: bytes) -> bytes:
        return content if self._redactor is None else self._redactor.redact(content, "file")

    def words(self, argv: Iterable[str]) -> list[str]:
        """A command line's words; as one text too, for an option says what follows it."""
        argv = list(argv)
        self.text(" ".join(argv))
        return [self.text(word) for word in argv]

    def variables(self, kept: Mapping[str, str]) -> dict[str, str]:
        """Environment variables; a name may say that the value is a secret."""
        return {name: self.text(f"{name}={value}")[len(name) + 1 :] for name, value in kept.items()}


def told_secrets(
    names: Iterable[str], env: Mapping[str, str], say: Callable[[str], None]
) -> dict[str, bytes]:
    """The environment variables that were named as secrets. Raises UsageError where one is missing.

    One that is too short to be looked for is left out, and said.
    """
    told = {}
    for name in names:
        if not env.get(name):
            raise UsageError(f"--secret {name}: there is no such environment variable")
        value = os.fsencode(env[name])
        if len(value) < _SHORTEST:
            say(f"the value of {name} is too short to be looked for: it would be found by chance")
        else:
            told[name] = value
    return told


def new_vault(trace_id: str, told: Iterable[bytes]) -> Path:
    """A new vault file, with a key of its own, that knows what was told. Raises RecordingFailed."""
    path = folders.vault_path(trace_id)
    _made(path, told).close()
    return path


def new_guard(trace_id: str, told: Iterable[bytes], env: Mapping[str, str]) -> Guard:
    """A guard on a new vault, which knows what was told and those values of `env` that are named and look like
    secrets. Raises RecordingFailed."""
    path = folders.vault_path(trace_id)
    redactor = _made(path, told)
    listing = "".join(f"{name}={value}\n" for name, value in env.items())
    redactor.redact(os.fsencode(listing), "environment")
    return Guard(path, redactor)


def _made(path: Path, told: Iterable[bytes]) -> SharedRedactor:
    from recorder.redact import SharedRedactor, VaultFile  # here: its rules take a while

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        VaultFile.create(path).close()
        redactor = SharedRedactor(path)
    except OSError as error:
        raise RecordingFailed(
            f"{path}: {error.strerror}; without it no secret can be replaced. Make it writable, or keep secrets"
        ) from error
    for secret in told:
        redactor.learn(secret)
    return redactor


def drop_empty(vault: Path | None) -> None:
    """A vault that has only its key is of no use to anyone."""
    if vault is None:
        return
    with suppress(OSError):
        if vault.read_bytes().count(b"\n") <= 1:
            vault.unlink()
