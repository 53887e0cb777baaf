"""A session's vault: which secrets its placeholders stand for. A private file, outside the session and the trace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from recorder.trace import folders
from recorder.trace.errors import RecordingFailed, UsageError

_SHORTEST = 4


def told_secrets(names: Iterable[str], env: Mapping[str, str], say: Callable[[str], None]) -> list[bytes]:
    """The values of the environment variables that were named as secrets. Raises UsageError where one is missing."""
    values = []
    for name in names:
        if not env.get(name):
            raise UsageError(f"--secret {name}: there is no such environment variable")
        values.append(os.fsencode(env[name]))
        if len(values[-1]) < _SHORTEST:
            say(f"the value of {name} is too short to be looked for: it would be found by chance")
    return values


def without_secrets(kept: Mapping[str, str], names: Iterable[str], env: Mapping[str, str]) -> dict[str, str]:
    """The variables that are kept, but for those that hold a secret that was named."""
    told = [env[name] for name in names if len(env.get(name, "")) >= _SHORTEST]
    hidden = set(names)
    return {
        name: value
        for name, value in kept.items()
        if name not in hidden and not any(secret in value for secret in told)
    }


def new_vault(trace_id: str, told: list[bytes]) -> Path:
    """A new vault file, with a key of its own, that knows what was told. Raises RecordingFailed."""
    from recorder.redact import (
        Redactor,
        VaultFile,
    )  # here: its rules take a while, and most sessions need none

    path = folders.vault_path(trace_id)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = VaultFile.create(path)
        try:
            Redactor(file.load(), told, on_new=file.append)
        finally:
            file.close()
    except OSError as error:
        raise RecordingFailed(f"{path}: {error.strerror}; without it no secret can be replaced") from error
    return path


def drop_empty(vault: Path) -> None:
    """A vault that has only its key is of no use to anyone."""
    with suppress(OSError):
        if vault.read_bytes().count(b"\n") <= 1:
            vault.unlink()
