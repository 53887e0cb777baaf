"""A session's redactor in one of its processes: what any of them finds, all know."""

from __future__ import annotations

from pathlib import Path

from recorder.redact.redactor import Redactor
from recorder.redact.vault import Entry, VaultFile


class SharedRedactor(Redactor):
    """A redactor on a vault's file. What it finds is in the file before what holds it is given back.

    Where the file cannot be written (a full disk) it is tried again with each `refresh`; here the secret is known at
    once in any case.
    """

    def __init__(self, vault: Path) -> None:
        """Raises OSError or ValueError where the vault cannot be read."""
        self._file = VaultFile.open(vault)
        self._unsent: list[Entry] = []
        super().__init__(self._file.load(), on_new=self._tell)

    def refresh(self) -> None:
        """Takes in what the session's other processes found since. One system call where that is nothing."""
        with self._lock:
            if self._unsent:
                unsent, self._unsent = self._unsent, []
                for entry in unsent:
                    self._tell(entry)
            self.merge(self._file.poll())

    def close(self) -> None:
        self._file.close()

    def _tell(self, entry: Entry) -> None:
        try:
            self._file.append(entry)
        except OSError:
            self._unsent.append(entry)
