"""Which secrets were replaced by what: in memory, and in a private file beside (never in) the trace."""

from __future__ import annotations

import base64
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

import msgspec

from recorder.redact.pseudonym import pseudonym


class Entry(NamedTuple):
    """A secret, its placeholder, and the rule that found it."""

    secret: bytes
    placeholder: bytes
    rule: str


class Vault:
    """Secrets of one session and their placeholders. A placeholder is never taken for a secret itself."""

    def __init__(self, key: bytes) -> None:
        self.key = key
        self._entries: dict[bytes, Entry] = {}
        self._placeholders: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, secret: bytes) -> bool:
        return secret in self._entries

    def entries(self) -> list[Entry]:
        """All, in order of arrival."""
        return list(self._entries.values())

    def is_placeholder(self, value: bytes) -> bool:
        """Whether `value` stands for a secret already."""
        return value in self._placeholders

    def placeholder(self, secret: bytes) -> bytes:
        """What stands for `secret`: always the same, whether or not it is kept here."""
        entry = self._entries.get(secret)
        return entry.placeholder if entry is not None else pseudonym(self.key, secret)

    def add(self, secret: bytes, rule: str, placeholder: bytes | None = None) -> Entry:
        """Keeps `secret`; one that is kept already stays as it is."""
        entry = self._entries.get(secret)
        if entry is None:
            entry = Entry(secret, placeholder or pseudonym(self.key, secret), rule)
            self._entries[secret] = entry
            self._placeholders.add(entry.placeholder)
        return entry


class _Line(msgspec.Struct, omit_defaults=True):
    """A line of the file; the first one has the key."""

    key: str = ""
    secret: str = ""
    placeholder: str = ""
    rule: str = ""


class VaultFile:
    """A vault's file (mode 0600): a line of JSON for the key, then one for each secret, only ever appended.

    Several processes may have it open: each writes what it found, and reads what the others did (`poll`).
    """

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._read = 0
        self._rest = b""
        self._torn = False

    @classmethod
    def create(cls, path: Path) -> VaultFile:
        """A new file with a key of its own. Raises FileExistsError where one stands, OSError where none can be made."""
        fd = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        made = cls(path, fd)
        made._append(_Line(key=secrets.token_hex(32)))
        return made

    @classmethod
    def open(cls, path: Path) -> VaultFile:
        """A file that `create` made. Raises OSError, and ValueError where others could read or write it."""
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_uid != os.geteuid():
            os.close(fd)
            raise ValueError(f"{path} is not a private file of yours")
        return cls(path, fd)

    def load(self) -> Vault:
        """All that the file holds. Raises ValueError where it is damaged."""
        self._read, self._rest = 0, b""
        lines = self._new_lines()
        if not lines or not lines[0].key:
            raise ValueError(f"{self._path} holds no key")
        vault = Vault(bytes.fromhex(lines[0].key))
        for line in lines[1:]:
            entry = _entry(line)
            vault.add(entry.secret, entry.rule, entry.placeholder)
        return vault

    def append(self, entry: Entry) -> None:
        """Adds a line. Raises OSError where it cannot be written."""
        secret, placeholder = (base64.b64encode(text).decode() for text in entry[:2])
        self._append(_Line(secret=secret, placeholder=placeholder, rule=entry.rule))

    def poll(self) -> list[Entry]:
        """What was appended, by anyone, since the last look."""
        return [_entry(line) for line in self._new_lines() if line.secret]

    def close(self) -> None:
        os.close(self._fd)

    def _append(self, line: _Line) -> None:
        data = msgspec.json.encode(line) + b"\n"
        if self._torn:
            data = b"\n" + data  # what a full disk left of a line is no part of the next one
        written = os.write(self._fd, data)
        self._torn = written != len(data)
        if self._torn:
            raise OSError(errno.ENOSPC, f"the vault {self._path} cannot be written")

    def _new_lines(self) -> list[_Line]:
        data = self._rest
        while portion := os.pread(self._fd, 1 << 20, self._read):
            self._read += len(portion)
            data += portion
        whole, newline, self._rest = data.rpartition(b"\n")
        lines = []
        for text in whole.split(b"\n") if newline else []:
            try:
                lines.append(msgspec.json.decode(text, type=_Line))
            except msgspec.MsgspecError:
                continue  # torn by a full disk: who wrote it has said it again
        return lines


def _entry(line: _Line) -> Entry:
    return Entry(base64.b64decode(line.secret), base64.b64decode(line.placeholder), line.rule)
