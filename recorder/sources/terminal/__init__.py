"""The terminal source: a program on our terminal, every byte recorded, whatever dies beside it."""

from recorder.sources.terminal.keeper import record_terminal
from recorder.sources.terminal.request import Redaction, TerminalRequest, TerminalResult, terminal_size
from recorder.sources.terminal.sidelog import SideLogPaths

__all__ = [
    "Redaction",
    "SideLogPaths",
    "TerminalRequest",
    "TerminalResult",
    "record_terminal",
    "terminal_size",
]
