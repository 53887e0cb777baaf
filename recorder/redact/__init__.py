"""Secrets out, before anything is written: rules that find them, and placeholders that replays work on.

`Redactor` is the door; `StreamRedactor` serves output that comes in pieces; `VaultFile` keeps what was replaced;
`SharedRedactor` is the door of a session with several processes.
"""

from recorder.redact.lane import Lane
from recorder.redact.redactor import Finding, Redactor, holds_secret
from recorder.redact.shared import SharedRedactor
from recorder.redact.stream import StreamRedactor
from recorder.redact.vault import Vault, VaultFile

__all__ = [
    "Finding",
    "Lane",
    "Redactor",
    "SharedRedactor",
    "StreamRedactor",
    "Vault",
    "VaultFile",
    "holds_secret",
]
