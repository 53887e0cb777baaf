"""The terminal source: a program on our terminal, every byte recorded, whatever dies beside it."""

from recorder.sources.terminal.keeper import record_terminal
from recorder.sources.terminal.request import TerminalRequest, TerminalResult, terminal_size

__all__ = ["TerminalRequest", "TerminalResult", "record_terminal", "terminal_size"]
