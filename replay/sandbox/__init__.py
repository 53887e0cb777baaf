"""The sandbox: a machine as the recording saw it, from which nothing gets out."""

from __future__ import annotations

from replay.sandbox.machine import Sandbox, Usage, start
from replay.sandbox.spec import FISH_COMPLETIONS, ClockMode, Limits, SandboxSpec

__all__ = ["FISH_COMPLETIONS", "ClockMode", "Limits", "Sandbox", "SandboxSpec", "Usage", "start"]
