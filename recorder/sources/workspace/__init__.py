"""The workspace source: the working folder at the start, and what each command or another program changed in it."""

from __future__ import annotations

from recorder.sources.workspace.launch import Workspace, start_workspace
from recorder.sources.workspace.outer import working_root

__all__ = ["Workspace", "start_workspace", "working_root"]
